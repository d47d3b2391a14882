// Schemes ask their questions as generators do; here they get the answers. Nothing is awaited that
// is there already.
import type { Answer, Asking, Question } from "../auth/scheme.js";
import { isPromise } from "../base/promise.js";

/** Resumes a generator with answers until it is done; waits only where an answer is a promise. */
export function drive<T>(
  asking: Asking<T>,
  answer: (question: Question) => Answer | PromiseLike<Answer>,
): T | Promise<T> {
  let step = asking.next(null);
  while (step.done !== true) {
    const given = answer(step.value);
    if (isPromise(given)) return resume(asking, given, answer);
    step = asking.next(given);
  }
  return step.value;
}

async function resume<T>(
  asking: Asking<T>,
  pending: PromiseLike<Answer>,
  answer: (question: Question) => Answer | PromiseLike<Answer>,
): Promise<T> {
  let step = asking.next(await pending);
  while (step.done !== true) step = asking.next(await answer(step.value));
  return step.value;
}

/** Goes on at once, or when the promise is settled. */
export function whenReady<T, R>(
  value: T | PromiseLike<T>,
  next: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}
