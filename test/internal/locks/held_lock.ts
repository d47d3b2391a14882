// A lock that is held: lost once, and opened only by those who have the handle.
import t from "tap";
import { HeldLock, lose, stopRenewing, type Held } from "../../../lib/internal/locks/held_lock.js";

function held(change: Partial<Held> = {}): { held: Held; lost: Error[]; cancelled: () => number } {
  const lost: Error[] = [];
  let cancelled = 0;
  const made = {
    state: "held",
    ending: null,
    cancel: () => void cancelled++,
    onlost: (reason: Error) => void lost.push(reason),
    ...change,
  } as unknown as Held;
  return { held: made, lost, cancelled: () => cancelled };
}

t.test("the handle", async (t) => {
  const { held: inside } = held();
  const given: Held[] = [];
  const lock = new HeldLock(inside, async (one) => void given.push(one));
  t.equal(HeldLock.open(lock, "f"), inside);
  t.equal(Object.isFrozen(lock), true);
  t.strictSame(Reflect.ownKeys(lock), []);
  await lock[Symbol.asyncDispose]();
  t.strictSame(given, [inside], "`await using` gives it back");
  for (const other of [null, undefined, {}, "lock", Object.create(lock) as object]) {
    t.throws(() => HeldLock.open(other, "f"), new TypeError("f: expected a lock that nx_lock gave"));
  }
});

t.test("lost once, and never while it is given back or over", async (t) => {
  const one = held();
  lose(one.held, new Error("first"));
  lose(one.held, new Error("second"));
  t.strictSame(one.lost.map(({ message }) => message), ["first"]);
  t.match(one.held, { state: "lost", cancel: null });
  t.equal(one.cancelled(), 1);
  const ending = held({ ending: Promise.resolve() });
  lose(ending.held, new Error("late"));
  t.strictSame([ending.lost.length, ending.held.state], [0, "held"]);
  const over = held({ state: "over" });
  lose(over.held, new Error("late"));
  t.strictSame([over.lost.length, over.held.state], [0, "over"]);
  const silent = held({ onlost: null });
  t.doesNotThrow(() => lose(silent.held, new Error("nobody listens")));
  t.equal(silent.held.state, "lost");
});

t.test("the timer is stopped once", async (t) => {
  const { held: inside, cancelled } = held();
  stopRenewing(inside);
  stopRenewing(inside);
  t.equal(cancelled(), 1);
});
