// Telling a promise from a value, so that nothing is awaited that is there already; and what an
// application's callback led to from the rest, so that it does not wait for itself.
import { AsyncLocalStorage } from "node:async_hooks";

/** A promise, or anything that can be awaited like one. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

const inside = new AsyncLocalStorage<true>();
let callbacks = 0;

/** Whether a callback called by `callInside` is what led here: it must not be waited for. */
export function isInside(): boolean {
  return inside.getStore() ?? false;
}

/** Calls a callback for which other requests wait, so that its own requests can be told. */
export function callInside<T>(call: () => T | PromiseLike<T>): T | PromiseLike<T> {
  const over = (): void => {
    // to follow contexts costs every promise of the program a little
    if (--callbacks === 0) inside.disable();
  };
  callbacks++;
  let result: T | PromiseLike<T>;
  try {
    result = inside.run(true, call);
  } catch (error) {
    over();
    throw error;
  }
  if (isPromise(result)) void Promise.resolve(result).then(over, over);
  else over();
  return result;
}
