// The time of the system: timers that do not keep the process, and waits longer than Node's.
import t from "tap";
import { systemClock } from "../../../lib/internal/locks/clock.js";

t.test("time and chance", async (t) => {
  const before = Date.now();
  const now = systemClock.now();
  t.ok(now >= before && now <= Date.now());
  const chance = systemClock.random();
  t.ok(chance >= 0 && chance < 1);
});

t.test("calls once, unless it is called off", async (t) => {
  const called: string[] = [];
  const cancel = systemClock.after(0, () => called.push("off"));
  cancel();
  await new Promise<void>((resolve) => {
    systemClock.after(-5, () => {
      called.push("on");
      resolve();
    });
    // nothing else keeps the process alive
    setTimeout(() => {}, 1000).unref();
    const holding = setInterval(() => {
      if (called.length > 0) clearInterval(holding);
    }, 1);
  });
  t.strictSame(called, ["on"]);
});

/** Timers that the test lets pass: their waits, and whether they keep the process. */
function fakeTimers(t: { teardown(fn: () => void): void }): {
  waits: number[];
  held: number;
  pass(): void;
} {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const pending: { call: () => void; off: boolean }[] = [];
  const self = { waits: [] as number[], held: 0, pass: () => pending.shift()?.call() };
  Object.assign(globalThis, {
    setTimeout: (call: () => void, ms: number) => {
      self.waits.push(ms);
      self.held++;
      const timer = { call: () => timer.off || call(), off: false, unref: () => self.held-- };
      pending.push(timer);
      return timer;
    },
    clearTimeout: (timer: { off: boolean }) => void (timer.off = true),
  });
  t.teardown(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  return self;
}

t.test("a wait of months is made of several", async (t) => {
  const most = 2 ** 31 - 1;
  const timers = fakeTimers(t);
  let called = 0;
  systemClock.after(2 * most + 5, () => called++);
  timers.pass();
  timers.pass();
  t.equal(called, 0);
  timers.pass();
  t.equal(called, 1);
  t.strictSame(timers.waits, [most, most, 5]);
  t.equal(timers.held, 0, "none keeps the process alive");
});

t.test("a long wait that is called off in its midst", async (t) => {
  const timers = fakeTimers(t);
  let called = 0;
  const cancel = systemClock.after(2 ** 32, () => called++);
  timers.pass();
  cancel();
  timers.pass();
  timers.pass();
  t.strictSame([called, timers.waits.length], [0, 2]);
});
