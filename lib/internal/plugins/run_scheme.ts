// Runs the generator of an authentication scheme: each question that it yields is answered, and the
// answer goes back in.
import type { Answer, Asking, Question } from "../auth/scheme.js";
import type { Steps } from "../base/steps.js";

/** Resumes a generator with answers until it is done. */
export function* runScheme<T>(
  asking: Asking<T>,
  answer: (question: Question) => Steps<Answer>,
): Steps<T> {
  let step = asking.next(null);
  while (step.done !== true) step = asking.next(yield* answer(step.value));
  return step.value;
}
