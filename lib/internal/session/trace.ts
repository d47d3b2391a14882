// Debug output of a session: to the process's stream (ne_debug_init) and to the session's own
// (nx_set_debug), without the secrets unless they are asked for.
import { NE_DBG_HTTP, NE_DBG_HTTPBODY, NE_DBG_HTTPPLAIN } from "../base/constants.js";
import { debug, debugEnabled } from "../base/debug.js";
import { format, type FormatArg } from "../base/printf.js";
import { hideInBody } from "../http/secret_bodies.js";
import { hideInHead } from "../http/secrets.js";
import type { Session } from "./session_state.js";

// The session's own stream, if it wants this channel.
function streamFor(s: Session, channel: number): NodeJS.WritableStream | null {
  const own = s.listeners.debug;
  if (own === null || (own.mask & channel) === 0) return null;
  return own.stream.writable ? own.stream : null;
}

/** A debug message of this session: to the process's stream and to the session's own. */
export function trace(s: Session, channel: number, template: string, ...args: FormatArg[]): void {
  if (!isTraced(s, channel)) return;
  debug(channel, template, ...args);
  streamFor(s, channel)?.write(format(template, args, "ne_debug"));
}

/** Whether anyone listens on a channel for this session. */
export function isTraced(s: Session, channel: number): boolean {
  const own = s.listeners.debug;
  return debugEnabled(channel) || (own !== null && (own.mask & channel) !== 0);
}

/** A request head for debug output, credentials blanked out unless asked for. */
export function traceHead(s: Session, head: string): void {
  if (!isTraced(s, NE_DBG_HTTP)) return;
  const text = head.replaceAll("\r\n", "\n");
  traceEither(s, "Sending request headers:\n%s\n", text, hideSecrets(text));
}

/** As `trace`: the plain text only where `NE_DBG_HTTPPLAIN` is asked for. */
export function traceEither(
  s: Session,
  template: string,
  plain: string,
  hidden: string,
  channel: number = NE_DBG_HTTP,
): void {
  debug(channel, template, debugEnabled(NE_DBG_HTTPPLAIN) ? plain : hidden);
  const own = s.listeners.debug;
  const shown = own !== null && (own.mask & NE_DBG_HTTPPLAIN) !== 0 ? plain : hidden;
  streamFor(s, channel)?.write(format(template, [shown], "ne_debug"));
}

/** A block of a body for debug output, secrets hidden unless asked for. */
export function traceBlock(s: Session, what: string, block: Buffer): void {
  if (!isTraced(s, NE_DBG_HTTPBODY)) return;
  const text = block.toString("latin1");
  const template = `${what} (${block.length} bytes):\n[%s]\n`;
  traceEither(s, template, text, hideInBody(null, text), NE_DBG_HTTPBODY);
}

/** Lines of a head as debug output shows them: a cross for each character of a secret, as in C. */
export function hideSecrets(lines: string): string {
  return hideInHead(lines, (secret) => "x".repeat(secret.length));
}
