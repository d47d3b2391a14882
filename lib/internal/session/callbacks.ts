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

/** What a callback gave, waited for if it is a promise. */
export async function application<T>(r: Caller, value: T | PromiseLike<T>): Promise<T> {
  const turn = turnAfter(r, value);
  return isPromise(value) ? await settled(r, turn, value) : value;
}

/**
 * As `application`, for a callback that answers with a number.
 * @returns a promise only where the callback gave one: it is called for every block of a body
 */
export function applicationNumber(
  r: Caller,
  value: number | PromiseLike<number>,
  callback: string,
): number | Promise<number> {
  const turn = turnAfter(r, value);
  if (!isPromise(value)) return checkNumber(value, callback);
  return settled(r, turn, value).then((number) => checkNumber(number, callback));
}

// The turn of a request whose callback has returned; the callback may have destroyed the request.
function turnAfter(r: Caller, value: unknown): Turn {
  const turn = turnOf(r);
  if (turn !== null) return turn;
  if (isPromise(value)) value.then(undefined, () => {});
  throw ended();
}

async function settled<T>(r: Caller, turn: Turn, promise: PromiseLike<T>): Promise<T> {
  const result = await awaitApplication(r.session, turn, r.scope, promise);
  if (turnOf(r) !== turn) throw ended();
  return result;
}

function checkNumber(result: unknown, callback: string): number {
  if (typeof result === "number") return result;
  if (typeof result === "boolean") return Number(result);
  const what = result === null ? "null" : typeof result;
  throw misuse(callback, `the callback returned ${what}, not a number`);
}

function ended(): BrokenOff {
  return new BrokenOff(NE_ERROR, "Aborted", new Error("the request was destroyed"));
}

/** Tells the notifier. @returns what it gave: there may be a promise to wait for */
export function notify(s: Session, status: number, info: StatusInfo): unknown {
  const { notifier } = s.listeners;
  return notifier?.fn(notifier.userdata, status, info);
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
  if (r.session.listeners.notifier === null) return undefined;
  // one thing at a time: upload and response may go on side by side
  if (turn.telling !== null) {
    return turn.telling.then(() => tellProgress(r, status, progress, total));
  }
  const wait = notify(r.session, status, { sr: { progress, total } });
  if (isPromise(wait)) return (turn.telling = untilTold(r, turn, wait));
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
