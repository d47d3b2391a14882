// One listener for each signal, however many are told, and none left behind.
import t from "tap";
import { abortCause, onAbort } from "../../../lib/internal/base/abort_signal.js";

/** A signal that counts its listeners. */
function counted(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  let count = 0;
  const { signal } = controller;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, listeners: () => count };
}

t.test("many are told by one listener", async (t) => {
  const { controller, listeners } = counted();
  const told: number[] = [];
  for (let i = 0; i < 100; i++) onAbort(controller.signal, () => told.push(i));
  t.equal(listeners(), 1);
  controller.abort();
  t.strictSame(told, Array.from({ length: 100 }, (_, i) => i));
  controller.abort();
  t.equal(told.length, 100, "once");
});

t.test("what is taken back is not told, and the last one takes the listener along", async (t) => {
  const { controller, listeners } = counted();
  const told: string[] = [];
  const first = onAbort(controller.signal, () => told.push("first"));
  const second = onAbort(controller.signal, () => told.push("second"));
  first();
  first();
  t.equal(listeners(), 1);
  second();
  t.equal(listeners(), 0);
  onAbort(controller.signal, () => told.push("third"));
  t.equal(listeners(), 1);
  controller.abort();
  t.strictSame(told, ["third"]);
});

t.test("one who takes others back while all are told", async (t) => {
  const controller = new AbortController();
  const told: string[] = [];
  const back: (() => void)[] = [];
  onAbort(controller.signal, () => {
    told.push("first");
    for (const each of back) each();
  });
  back.push(onAbort(controller.signal, () => told.push("second")));
  controller.abort();
  t.strictSame(told, ["first", "second"], "everyone who was tied when it fired");
});

t.test("causes", async (t) => {
  const abort = (reason?: unknown): Error => {
    const controller = new AbortController();
    controller.abort(reason);
    return abortCause(controller.signal);
  };
  const error = new Error("mine");
  t.equal(abort(error), error);
  t.match(abort(), { name: "AbortError" });
  t.match(abort("late"), { name: "AbortError", message: "late" });
  t.match(abort(null), { name: "AbortError", message: "null" });
});
