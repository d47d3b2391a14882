// Argument checks shared by the functions of this room.
import { needList, needObject, needText } from "../base/arguments.js";
import { misuse, type ne_session } from "../base/handle.js";
import { sessions } from "../session/session.js";
import type { ne_propname } from "../../ne_props.js";
import { needName } from "./xml_text.js";

/** A live session. */
export function needSession(sess: ne_session, caller: string): void {
  sessions.open(sess, caller);
}

/** A path as text; what is in it is looked at by `checkPath`. */
export function needPath(path: unknown, caller: string): asserts path is string {
  needText(path, caller, "the path");
}

/** Nothing is escaped in it, or would have to be. */
const PLAIN_PATH = /^\/[!$&-\x7e]*$/;

/** Throws for a path that is no percent-encoded path of the server, or leads out of where it is. */
export function checkPath(path: string, caller: string): void {
  if (PLAIN_PATH.test(path) && !path.includes("..")) return;
  if (!path.startsWith("/")) throw misuse(caller, "the path must begin with a slash");
  if (/[\0-\x20\x7f]|%00/.test(path)) {
    throw misuse(caller, "the path holds a control character or a blank");
  }
  if (/[^\0-\x7f]/.test(path)) throw misuse(caller, "the path must be percent-encoded");
  if (path.includes("#")) throw misuse(caller, "the path holds a raw #; write %23");
  const bare = path.replace(/\?.*$/s, "");
  if (/\/(?:\.|%2e){2}(?:\/|$)/i.test(bare)) throw misuse(caller, "the path leads upwards (..)");
}

/** Names of properties. */
export function needProps(props: unknown, caller: string): readonly ne_propname[] {
  needList(props, caller, "the properties");
  for (const prop of props as readonly ne_propname[]) {
    needObject(prop, caller, "every property");
    needName(prop.name, caller, "the name of a property");
    if (prop.nspace !== null && prop.nspace !== undefined && typeof prop.nspace !== "string") {
      throw misuse(caller, "the namespace of a property must be a string or null");
    }
  }
  return props as readonly ne_propname[];
}

/** An AbortSignal, or none. */
export function needSignal(signal: unknown, caller: string): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  if (signal instanceof AbortSignal) return signal;
  throw misuse(caller, "the signal must be an AbortSignal");
}

/** How many at most, or at a time. */
export function needLimit(limit: unknown, caller: string): number {
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit > 0) return limit;
  throw misuse(caller, "the limit must be a whole number above 0");
}
