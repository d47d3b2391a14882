// Conditional requests (RFC 9110, section 13) and ranges (section 14) of the demo's server.

import type { Stats } from "node:fs";
import { type Exchange, Refusal } from "./share.js";

/** The entity tag of a file; a collection has none. */
export function entityTag(stat: Stats): string | null {
  if (!stat.isFile()) return null;
  const changed = Math.round(stat.mtimeMs * 1000);
  return `"${stat.ino.toString(16)}-${stat.size.toString(16)}-${changed.toString(16)}"`;
}

/** The fields that name the state of a resource. */
export function validators(stat: Stats): Record<string, string> {
  const etag = entityTag(stat);
  return { "Last-Modified": stat.mtime.toUTCString(), ...(etag === null ? {} : { ETag: etag }) };
}

/** Refuses with 412, or answers 304, where a condition of the request does not hold. */
export function checkConditions(x: Exchange, stat: Stats | null): void {
  const headers = x.req.headers;
  const modified = stat === null ? NaN : Math.floor(stat.mtimeMs / 1000) * 1000;
  if (headers["if-match"] !== undefined) {
    if (!matches(headers["if-match"], stat, false)) throw new Refusal(412);
  } else if (modified > Date.parse(headers["if-unmodified-since"] ?? "")) {
    throw new Refusal(412);
  }
  const reads = x.method === "GET" || x.method === "HEAD";
  let unchanged = false;
  if (headers["if-none-match"] !== undefined) {
    unchanged = matches(headers["if-none-match"], stat, true);
    if (unchanged && !reads) throw new Refusal(412);
  } else if (reads) {
    unchanged = modified <= Date.parse(headers["if-modified-since"] ?? "");
  }
  if (unchanged && stat) throw new Refusal(304, {}, validators(stat));
}

function matches(field: string, stat: Stats | null, weak: boolean): boolean {
  if (stat === null) return false;
  if (field.trim() === "*") return true;
  const etag = entityTag(stat);
  const listed = field.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return listed.some((tag) => (weak ? tag.replace(/^W\//, "") : tag) === etag);
}

/** The part asked for: both ends included; `null` for the whole. Refuses one past the end. */
export function requestedRange(x: Exchange, stat: Stats): { start: number; end: number } | null {
  const field = x.req.headers.range;
  const match = /^bytes=(\d*)-(\d*)$/.exec(field ?? ""); // several ranges: the whole is sent
  if (!match || (match[1] === "" && match[2] === "") || !ifRangeHolds(x, stat)) return null;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(0, stat.size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? stat.size - 1 : Math.min(Number(last), stat.size - 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
  if (start >= stat.size || start > end) {
    throw new Refusal(416, {}, { "Content-Range": `bytes */${stat.size}` });
  }
  return { start, end };
}

function ifRangeHolds(x: Exchange, stat: Stats): boolean {
  const field = x.req.headers["if-range"];
  if (field === undefined) return true;
  return field === entityTag(stat) || field === stat.mtime.toUTCString();
}
