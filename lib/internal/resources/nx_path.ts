// Paths from segments, and their comparison.
import { needText } from "../base/arguments.js";
import { HEX_PAIRS } from "../base/bytes.js";
import { misuse } from "../base/handle.js";
import { nameBytes } from "../base/name_bytes.js";

// unreserved (RFC 3986 section 2.3), and what a segment may hold beside it
const PLAIN = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g;

/** See `nx_path`. */
export function joinPath(segments: readonly string[], caller: string): string {
  const last = segments.length - 1;
  return `/${segments.map((segment, i) => escapeSegment(segment, i === last, caller)).join("/")}`;
}

function escapeSegment(segment: string, isLast: boolean, caller: string): string {
  needText(segment, caller, "every segment");
  if (segment === "." || segment === "..") throw misuse(caller, `"${segment}" is no segment`);
  if (segment === "" && !isLast) throw misuse(caller, "only the last segment may be empty");
  if (segment.includes("\0")) throw misuse(caller, "a segment holds NUL");
  const bytes = nameBytes(segment);
  if (bytes === null) throw misuse(caller, "a segment holds a lone surrogate");
  return bytes.toString("latin1").replace(PLAIN, (byte) => `%${HEX_PAIRS[byte.charCodeAt(0)]}`);
}
