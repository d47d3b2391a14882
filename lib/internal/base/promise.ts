// Tells a promise from a value, so that a value that is there already is not awaited.

/** A promise, or anything that can be awaited like one. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
