// Whether two paths name the same resource of one server. Paths are compared by their segments,
// repaired and decoded: how a segment is escaped does not matter, nor do empty segments, a slash at
// the end, dots, scheme and authority. A query does.
import { nameText } from "../base/name_bytes.js";
import { hexValue } from "../base/bytes.js";
import { repairHref } from "./repair.js";

/** What a reference names on its server. */
export interface Located {
  /** Segments of the path, decoded; none is empty, `.` or `..`. */
  readonly segments: readonly string[];
  /** The query as written, `null` for none. */
  readonly query: string | null;
}

/** A scheme counts before `//` only: `a:b.txt` is a name. */
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;
const NETWORK = /^\/\/[^/?#]*/;

/**
 * What a path or URL names. One that begins with `//` names two things: a path, and what is left
 * behind an authority; the path comes first.
 */
export function locate(reference: string): readonly [Located, ...Located[]] {
  const text = repairHref(reference.trim());
  const path = text.replace(ORIGIN, "");
  const behind = path === text ? text.replace(NETWORK, "") : path;
  return behind === path ? [located(path)] : [located(path), located(behind)];
}

function located(text: string): Located {
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  return { segments: pathSegments(path), query: mark < 0 ? null : text.slice(mark + 1) };
}

/** The segments of an escaped path, decoded, without those that are empty or dots. */
export function pathSegments(path: string): string[] {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    const name = decodeSegment(segment);
    if (name === "..") segments.pop();
    else if (name !== "" && name !== ".") segments.push(name);
  }
  return segments;
}

/** One segment decoded; a percent sign that begins no escape stands for itself. */
export function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  const from = Buffer.from(segment, "utf8");
  const to = Buffer.alloc(from.length);
  let used = 0;
  for (let at = 0; at < from.length; at++) {
    const high = from[at] === 0x25 ? hexValue(from[at + 1] ?? 0) : -1;
    const low = high < 0 ? -1 : hexValue(from[at + 2] ?? 0);
    to[used++] = low < 0 ? (from[at] ?? 0) : (high << 4) | low;
    if (low >= 0) at += 2;
  }
  return nameText(to.subarray(0, used));
}

/** Whether two lists of segments are the same. */
export function sameSegments(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((segment, i) => segment === b[i]);
}

/** Whether two paths or URLs name the same resource, their authorities apart. */
export function samePath(a: string, b: string): boolean {
  return locate(a).some((one) => locate(b).some((other) => sameLocated(one, other)));
}

function sameLocated(a: Located, b: Located): boolean {
  return a.query === b.query && sameSegments(a.segments, b.segments);
}

/** One text for all spellings of what is located: a key for sets and maps. */
export function keyOf({ segments, query }: Located): string {
  // no decoded segment can be mistaken for two: the separator is escaped in it
  const path = segments.map((name) => name.replace(/[%/?]/g, encodeURIComponent)).join("/");
  return query === null ? path : `${path}?${query}`;
}
