// What plugins need of a conversation beyond the public hooks: which connection a request uses,
// whether a proxy reads it, the hash of its body, when it was begun and is over (authentication);
// its method and the limits of its response (decompression); how to wait for the application in the
// middle of a response and to read its body after all other readers (XML). One of the doors that
// test/house/floors.ts lists.
import { NE_OK } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { application } from "./callbacks.js";
import { settle } from "./ending.js";
import { requests } from "./request.js";
import { checkReading, discardBody } from "./response.js";
import { httpProxyInUse, sendsToProxy } from "./route.js";
import { sessions } from "./session.js";
import { trace } from "./trace.js";
import type { FormatArg } from "../base/printf.js";
import type { Reader } from "./request_state.js";

export { requestBodyHash } from "./body_hash.js";
export { connectionOf } from "./request.js";
export { limitsOf } from "./session.js";

/** Throws for what is no live session, in the name of the function that was given it. */
export function needSession(sess: ne_session, caller: string): void {
  sessions.open(sess, caller);
}

/** Whether an HTTP proxy reads the requests of a session: all others, or its CONNECT requests. */
export function isReadByProxy(sess: ne_session, isConnect: boolean): boolean {
  const s = sessions.open(sess, "authentication");
  if (!isConnect) return sendsToProxy(s);
  return httpProxyInUse(s) !== null;
}

/** Lets no later request use a connection that is open now. */
export function renewConnections(sess: ne_session): void {
  sessions.open(sess, "authentication").settings++;
}

/** A debug message of the session. */
export function traceSession(
  sess: ne_session,
  channel: number,
  template: string,
  ...args: FormatArg[]
): void {
  trace(sessions.open(sess, "authentication"), channel, template, ...args);
}

/** How many requests of a session have been begun. */
export function countBegun(sess: ne_session): number {
  return sessions.open(sess, "authentication").work.begun;
}

/** The place of a request, or of the one that its tunnel is for, in the order of beginning. */
export function ordinalOf(req: ne_request): number {
  const r = requests.open(req, "authentication");
  return (r.tunnel?.request ?? r).clock.ordinal;
}

/** Waits for a promise, but no longer than a request lasts: it rejects where that is broken off. */
export function whileRunning<T>(req: ne_request, promise: PromiseLike<T>): Promise<T> {
  return requests.open(req, "authentication").scope.race(promise);
}

/**
 * Has a request fail where a kept connection ends without a response, in place of being sent once
 * more: who asks for this looks first at what became of it.
 */
export function sendOnce(req: ne_request): void {
  requests.open(req, "sendOnce").once = true;
}

/** The method of a request. */
export function methodOf(req: ne_request): string {
  return requests.open(req, "methodOf").method;
}

/**
 * Asks an application between the head and the body of a response, as its hooks are asked: other
 * requests go on meanwhile, and what it throws ends the conversation.
 * @returns the answer, or `null` with the code of a conversation that was broken off meanwhile
 */
export async function askAboutResponse(
  req: ne_request,
  accept: Reader["accept"],
  userdata: unknown,
): Promise<{ result: number | null; code: number }> {
  const r = requests.open(req, "askAboutResponse");
  let result: number | null = null;
  const code = await settle(r, async () => {
    result = await application(r, accept(userdata, req, r.status));
    return NE_OK;
  });
  return { result: code === NE_OK ? result : null, code };
}

/** `ne_discard_response` with one more reader, which gets each block after all others. */
export async function readBehindAll(
  req: ne_request,
  caller: string,
  read: Reader["read"],
): Promise<number> {
  const r = requests.open(req, caller);
  checkReading(r, caller);
  const reader = { accept: () => 1, read, userdata: null, chosen: true };
  r.readers.unshift(reader);
  try {
    return await discardBody(r);
  } finally {
    r.readers.splice(r.readers.indexOf(reader), 1);
  }
}
