// Work that waits only where it has to. Steps are a generator that gives the promises it needs
// settled, one after the other: what is there already is used at once, and where nothing has to be
// waited for the result is there when `run` returns.
import { isPromise } from "./promise.js";

/** Steps towards a result. */
export type Steps<T> = Generator<Promise<void>, T, void>;

/** Goes through the steps. @returns the result, a promise only if one of them had to wait */
export function run<T>(steps: Steps<T>): T | Promise<T> {
  const first = steps.next();
  return first.done === true ? first.value : goOn(steps, first);
}

async function goOn<T>(steps: Steps<T>, first: IteratorResult<Promise<void>, T>): Promise<T> {
  let step = first;
  while (step.done !== true) {
    step = await step.value.then(
      () => steps.next(),
      (reason: unknown) => steps.throw(reason),
    );
  }
  return step.value;
}

/** A value, waited for if it is a promise. */
export function* valueOf<T>(given: T | PromiseLike<T>): Steps<T> {
  if (!isPromise(given)) return given;
  const settled: { value?: T } = {};
  yield Promise.resolve(given).then((value) => void (settled.value = value));
  // a promise that was rejected is thrown in place of being gone on from
  return settled.value as T;
}
