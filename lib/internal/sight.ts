// The little that guests have to see of a conversation and no public name tells: which connection a
// request uses, whether a proxy reads it, the hash of its body (authentication), the limits of a
// response (decompression). The one door in the wall between guests and the conversation
// (test/house/floors.ts knows it).
import type { ne_session } from "./handle.js";
import { sendsToProxy, sessions, trace, usesProxy } from "./session.js";
import type { FormatArg } from "./format.js";

export { requestBodyHash } from "./bodyhash.js";
export { connectionOf } from "./request.js";
export { isPromise, limitsOf } from "./session.js";

/** Throws for what is no live session, in the name of the function that was given it. */
export function needSession(sess: ne_session, caller: string): void {
  sessions.open(sess, caller);
}

/** Whether an HTTP proxy reads the requests of a session: all others, or its CONNECT requests. */
export function isReadByProxy(sess: ne_session, isConnect: boolean): boolean {
  const s = sessions.open(sess, "authentication");
  if (!isConnect) return sendsToProxy(s);
  return usesProxy(s) && (s.hops[0]?.kind === "http" || s.hops[0]?.kind === "https");
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
