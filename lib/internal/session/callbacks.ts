// Calls into the application: hooks, body readers, the notifier. While one that gave a promise is
// waited for, other requests of the session may run; a request that was destroyed or broken off
// meanwhile does not go on.
import { NE_ERROR } from "../base/constants.js";
import { misuse } from "../base/handle.js";
import { isPromise } from "../base/promise.js";
import { turnOf, type Attempt } from "./attempt.js";
import { BrokenOff, type Scope } from "./cancellation.js";
import type { Hook } from "./route.js";
import type { Session, StatusInfo, Turn } from "./session_state.js";

/** Whose callbacks are called. */
export interface Caller {
  readonly session: Session;
  readonly scope: Scope;
  readonly attempt: Attempt;
}

/**
 * The hooks of a list, one after the other, as a walk along a linked list: what a hook adds runs in
 * this pass, what it removes does not.
 */
export function eachHook<F>(list: Hook<F>[]): Iterable<Hook<F>> {
  // nearly always there is none
  return list.length === 0 ? list : walk(list);
}

function* walk<F>(list: Hook<F>[]): Generator<Hook<F>> {
  let i = 0;
  for (let hook = list[0]; hook !== undefined; hook = list[i]) {
    yield hook;
    const at = list.indexOf(hook);
    i = at >= 0 ? at + 1 : i;
  }
}

/** Throws for a promise from a callback that nobody can wait for. */
export function needSync(result: unknown, callback: string): void {
  if (!isPromise(result)) return;
  result.then(undefined, () => {});
  throw misuse(callback, "the callback must not return a promise");
}

/** Waits for an application's promise while other requests of the session may run. */
export async function awaitApplication<T>(
  s: Session,
  turn: Turn,
  scope: Scope,
  promise: PromiseLike<T>,
): Promise<T> {
  const { turns } = s.work;
  turns.enterCallback(turn);
  try {
    return await scope.race(promise);
  } finally {
    turns.leaveCallback(turn);
  }
}

/** Waits for an application's promise, if it is one. */
export function application<T>(r: Caller, value: T | PromiseLike<T>): T | Promise<T> {
  const turn = turnOf(r);
  // the callback may have destroyed the request
  if (turn === null) {
    if (isPromise(value)) value.then(undefined, () => {});
    throw ended();
  }
  if (!isPromise(value)) return value;
  return awaitApplication(r.session, turn, r.scope, value).then((result) => {
    if (turnOf(r) !== turn) throw ended();
    return result;
  });
}

/** As `application`, for a callback that answers with a number. */
export function applicationNumber(
  r: Caller,
  value: number | PromiseLike<number>,
  callback: string,
): number | Promise<number> {
  const answer = application(r, value);
  return answer instanceof Promise
    ? answer.then((number) => checkNumber(number, callback))
    : checkNumber(answer, callback);
}

function checkNumber(answer: unknown, callback: string): number {
  if (typeof answer === "number") return answer;
  if (typeof answer === "boolean") return Number(answer);
  const what = answer === null ? "null" : typeof answer;
  throw misuse(callback, `the callback returned ${what}, not a number`);
}

function ended(): BrokenOff {
  return new BrokenOff(NE_ERROR, "Aborted", new Error("the request was destroyed"));
}

/** Tells the notifier. @returns the promise to wait for, if it returned one */
export function notify(
  s: Session,
  status: number,
  info: StatusInfo,
): PromiseLike<unknown> | undefined {
  const { notifier } = s;
  if (notifier === null) return undefined;
  const { fn, userdata } = notifier;
  const result = fn(userdata, status, info);
  return isPromise(result) ? result : undefined;
}

/** Tells the notifier how far a body is. @returns a promise only where the notifier gave one */
export function tellProgress(
  r: Caller,
  status: number,
  progress: number,
  total: number,
): Promise<unknown> | undefined {
  const turn = turnOf(r);
  if (turn === null) throw ended();
  if (r.session.notifier === null) return undefined;
  // one thing at a time: upload and response may go on side by side
  if (turn.telling !== null) {
    return turn.telling.then(() => tellProgress(r, status, progress, total));
  }
  const wait = notify(r.session, status, { sr: { progress, total } });
  if (wait !== undefined) return (turn.telling = untilTold(r, turn, wait));
  // the notifier may have destroyed the request
  if (turnOf(r) === null) throw ended();
  return undefined;
}

async function untilTold(r: Caller, turn: Turn, wait: PromiseLike<unknown>): Promise<void> {
  try {
    await application(r, wait);
  } finally {
    turn.telling = null;
  }
}
