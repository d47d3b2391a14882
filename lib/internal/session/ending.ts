// How a request's conversation ends, in good order or not. There are two forms of failure: what the
// network, the peer or a file does is a code with the error string set (aborted, failedOrStale);
// what a callback throws, and the breaking off from outside, is thrown and passes through settle,
// which closes the connection.
import {
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  NE_SOCK_CLOSED,
  NE_SOCK_RESET,
  NE_SOCK_TIMEOUT,
  NE_SOCK_TRUNC,
  NE_TIMEOUT,
} from "../base/constants.js";
import type { WireFailure } from "../wire/wire_failure.js";
import { connectionIn, move, turnOf, uploadOf, type Sending } from "./attempt.js";
import { BrokenOff, Scope } from "./cancellation.js";
import { closeConnection, giveBack } from "./connection.js";
import { traceEnd } from "./diagnostics.js";
import { reportEnd } from "./report.js";
import type { Request } from "./request_state.js";
import { setError } from "./session_state.js";
import { trace } from "./trace.js";

/**
 * The one place where a failure on the wire becomes an error string and a code.
 * @param failure `null` for what is wrong with the response itself: `doing` is then the error
 */
export function aborted(r: Request, doing: string, failure: WireFailure | null = null): number {
  const s = r.session;
  const connection = connectionIn(r);
  trace(s, NE_DBG_HTTP, "Aborted request (%d): %s\n", failure?.code ?? 0, doing);
  setError(s, doing + reasonOf(failure, connection?.hop != null), failure?.cause ?? null);
  if (connection !== null) closeConnection(s, connection);
  return failure?.code === NE_SOCK_TIMEOUT ? NE_TIMEOUT : NE_ERROR;
}

function reasonOf(failure: WireFailure | null, isProxy: boolean): string {
  if (failure === null) return "";
  if (failure.code === NE_SOCK_TIMEOUT) return ": connection timed out";
  if (failure.code !== NE_SOCK_CLOSED) return `: ${failure.error}`;
  return `: connection was closed by ${isProxy ? "proxy server" : "server"}`;
}

/**
 * As `aborted`; but a kept connection that ends before it answers had gone stale: it is closed, and
 * the request may be sent once more.
 * @returns `NE_RETRY` for a stale connection
 */
export function failedOrStale(
  r: Request,
  sending: Sending,
  doing: string,
  failure: WireFailure,
): number {
  const { code } = failure;
  const hasEnded = code === NE_SOCK_CLOSED || code === NE_SOCK_RESET || code === NE_SOCK_TRUNC;
  if (!sending.mayBeStale || !hasEnded) return aborted(r, doing, failure);
  sending.upload?.stop();
  trace(r.session, NE_DBG_HTTP, "Aborted request (%d): %s\n", code, doing);
  closeConnection(r.session, sending.connection);
  trace(r.session, NE_DBG_HTTP, "Persistent connection timed out, retrying.\n");
  sending.turn.connection = null;
  r.report.again = "the kept connection had gone stale";
  move(r, { at: "opening", turn: sending.turn });
  return NE_RETRY;
}

/**
 * Ends the conversation: a connection that is still open is kept.
 * @param again the request is about to be repeated
 */
export function leave(r: Request, again = false): void {
  const { session: s } = r;
  const turn = turnOf(r);
  if (turn === null) return;
  for (const observer of s.listeners.observers) observer.ended(r.handle, s.error);
  const connection = connectionIn(r);
  uploadOf(r)?.stop();
  move(r, { at: "idle", kept: r.tunnel === null ? connection : null });
  if (!again && r.body?.kind === "provider") r.body.over?.();
  if (r.tunnel !== null) return;
  r.scope.close();
  s.work.scopes.delete(r.scope);
  r.scope = new Scope();
  try {
    giveBack(s, turn);
  } finally {
    s.work.turns.release(turn);
  }
}

/**
 * Runs a step of the conversation. A request that was broken off gives the code of that; what a
 * callback throws goes on to the caller. Both close the connection and end the conversation.
 */
export async function settle(r: Request, step: () => Promise<number>): Promise<number> {
  const { scope, session: s } = r;
  setBusy(r, true);
  try {
    const code = await step();
    const result = uploadOf(r)?.result;
    if (result?.how === "threw") throw result.thrown;
    scope.check();
    const thrown = turnOf(r)?.thrownAtClose ?? null;
    if (thrown !== null) throw thrown.error;
    return code;
  } catch (error) {
    if (r.tunnel !== null) throw error;
    // of several errors the first is the one to tell
    quietly(() => {
      const connection = connectionIn(r);
      if (connection !== null) closeConnection(s, connection);
    });
    const isBrokenOff = error instanceof BrokenOff;
    const text = isBrokenOff ? error.message : thrownText(error);
    if (isBrokenOff) r.report.brokenOff = true;
    else {
      r.report.phase = "callback";
      reportEnd(r, NE_ERROR, text);
    }
    for (const observer of s.listeners.observers) observer.ended(r.handle, text);
    quietly(() => leave(r));
    if (!isBrokenOff) throw error;
    setError(s, error.message, error.cause);
    return error.code;
  } finally {
    setBusy(r, false);
  }
}

function thrownText(thrown: unknown): string {
  return thrown instanceof Error ? String(thrown.message) : String(thrown);
}

function setBusy({ attempt }: Request, busy: boolean): void {
  if (attempt.at === "body") attempt.busy = busy;
}

/**
 * Closes the connection of a conversation that is not to go on, and ends it.
 * @param why for those who look on: what failed, `null` where the response is given up
 */
export function breakOff(r: Request, why: string | null): void {
  // a function that has found fault with the response has said so
  if (r.report.code === NE_OK) reportEnd(r, why === null ? NE_OK : NE_ERROR, why ?? "");
  for (const observer of r.session.listeners.observers) observer.ended(r.handle, why);
  const connection = connectionIn(r);
  try {
    if (connection !== null) closeConnection(r.session, connection);
  } finally {
    leave(r);
    traceEnd(r, NE_ERROR);
  }
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // what went wrong before is being told
  }
}
