// The process-wide debug output (ne_debug_init): one stream, one mask of channels. While a channel
// is off its messages are not even formatted.
//
// NODE_DEBUG=neon turns on what shows no bodies and no secrets, to the standard error output.
import type { Writable } from "node:stream";
import { debuglog } from "node:util";
import {
  NE_DBG_HTTP,
  NE_DBG_HTTPAUTH,
  NE_DBG_LOCKS,
  NE_DBG_SOCKET,
  NE_DBG_SSL,
} from "./constants.js";
import { format, type FormatArg } from "./printf.js";
import { misuse } from "./handle.js";

const BY_NODE = NE_DBG_SOCKET | NE_DBG_HTTP | NE_DBG_HTTPAUTH | NE_DBG_LOCKS | NE_DBG_SSL;
const isAskedByNode = debuglog("neon").enabled;

/** The channels that are on, 0 at start. */
export let debugMask = isAskedByNode ? BY_NODE : 0;
/** Where debug output goes. */
export let debugStream: Writable | null = isAskedByNode ? process.stderr : null;

/** Sets stream and channels. */
export function initDebug(stream: Writable | null, mask: number): void {
  if (typeof mask !== "number") throw misuse("ne_debug_init", "the mask must be a number");
  if (stream !== null && typeof stream?.write !== "function") {
    throw misuse("ne_debug_init", "the stream must be a Writable or null");
  }
  debugStream = stream;
  debugMask = mask;
}

/** Whether a message on any of these channels would be written. */
export function debugEnabled(ch: number): boolean {
  return (ch & debugMask) !== 0 && debugStream !== null;
}

/** Writes a formatted message if any of the channels is on. */
export function debug(ch: number, template: string, ...args: FormatArg[]): void {
  if ((ch & debugMask) === 0 || debugStream === null) return;
  // an ended stream would answer with an error event, which nobody awaits
  if (debugStream.writable !== false) debugStream.write(format(template, args, "ne_debug"));
}
