// Checks the options of a transfer before anything is sent.
import { isBytes } from "../base/bytes.js";
import { needObject } from "../base/arguments.js";
import { misuse } from "../base/handle.js";
import { checkFieldValue } from "../http/request_head.js";
import { checkPath } from "../resources/argument_checks.js";
import { readHeaderList, type nx_headers } from "../script/header_list.js";
import type { Field } from "./transfer_request.js";
import { PROTOCOLS, type Conditions, type ProtocolName, type State } from "./upload_job.js";
import { FINGERPRINT, type Given } from "./source.js";

/** Fields that are written by the transfer itself, or by its options. */
const OWN_FIELDS = new Set(
  [
    ["content-range", "range", "if-range", "expect", "if"],
    ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "destination"],
    ["overwrite", "depth", "x-update-range", "upload-offset", "upload-length", "tus-resumable"],
  ].flat(),
);

/** The caller's own header fields. */
export function readHeaders(headers: nx_headers | undefined, caller: string): Field[] {
  if (headers === undefined) return [];
  const fields = readHeaderList(headers, caller);
  const own = fields.find(([name]) => OWN_FIELDS.has(name.toLowerCase()));
  if (own === undefined) return fields;
  throw misuse(caller, `the field ${own[0]} is the transfer's own, or one of its options`);
}

/** A string, or `null` where none is given, that can stand in a header field. */
export function readFieldValue(
  value: string | undefined,
  name: string,
  caller: string,
): string | null {
  if (value === undefined) return null;
  if (typeof value !== "string") throw misuse(caller, `${name} must be a string`);
  checkFieldValue(value, caller);
  return value;
}

/** The conditions of an upload. */
export function readConditions(
  match: string | undefined,
  noneMatch: string | undefined,
  caller: string,
): Conditions {
  return {
    match: readTags(match, "if_match", caller),
    noneMatch: readTags(noneMatch, "if_none_match", caller),
  };
}

// An entity tag is often kept without the quotes that are part of it.
function readTags(value: string | undefined, name: string, caller: string): string | null {
  const tags = readFieldValue(value, name, caller);
  if (tags === null || /^(\*|(W\/)?"[^"]*"(\s*,\s*(W\/)?"[^"]*")*)$/.test(tags)) return tags;
  throw misuse(caller, `${name} must be * or an ETag with its quotes`);
}

/** A callback, or `null`. */
export function readCallback<F extends (...args: never[]) => unknown>(
  value: F | undefined,
  name: string,
  caller: string,
): F | null {
  if (value === undefined) return null;
  if (typeof value !== "function") throw misuse(caller, `${name} must be a function`);
  return value;
}

/** A signal, or `null`. */
export function readSignal(value: AbortSignal | undefined, caller: string): AbortSignal | null {
  if (value === undefined) return null;
  if (!(value instanceof AbortSignal)) throw misuse(caller, "the signal must be an AbortSignal");
  return value;
}

/** A whole number in a range, or what stands for one that is not given. */
export function readCount(
  value: number | undefined,
  { name, least, usual }: { name: string; least: number; usual: number },
  caller: string,
): number {
  if (value === undefined) return usual;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw misuse(caller, `${name} must be a whole number from ${least} on`);
}

/** A time, or `null`. */
export function readDate(value: Date | undefined, name: string, caller: string): Date | null {
  if (value === undefined) return null;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw misuse(caller, `${name} must be a valid Date`);
}

/** What an upload may read from. */
export function readSource(source: Given, caller: string): Given {
  if (typeof source === "string" && source.includes("\0")) {
    throw misuse(caller, "the name of the source holds NUL");
  }
  const isHandle = typeof source === "object" && source !== null && "fd" in source;
  if (typeof source === "string" || typeof source === "function") return source;
  if (isBytes(source) || isHandle) return source;
  throw misuse(caller, "the source must be a file's name or handle, bytes or a function");
}

/** The name of a protocol, or `auto`. */
export function readProtocol(
  value: ProtocolName | "auto" | undefined,
  caller: string,
): ProtocolName | "auto" {
  if (value === undefined || value === "auto") return "auto";
  if (PROTOCOLS.includes(value)) return value;
  throw misuse(caller, `there is no protocol ${String(value)}`);
}

/** A state that an earlier upload to the path gave, or `null`. */
export function readState(
  value: State | null | undefined,
  path: string,
  wanted: ProtocolName | "auto",
  caller: string,
): State | null {
  if (value === undefined || value === null) return null;
  needObject(value, caller, "the state");
  const { protocol, url, size, done, source } = value;
  const bad = (what: string): TypeError => misuse(caller, `the state ${what}`);
  if (!PROTOCOLS.includes(protocol)) throw bad("names no protocol of this version");
  if (wanted !== "auto" && wanted !== protocol) throw bad(`is of ${protocol}, not of ${wanted}`);
  if (typeof value.path !== "string" || value.path !== path) throw bad("is one of another path");
  if (typeof url !== "string" || !url.startsWith("/")) throw bad("has no place of its pieces");
  checkPath(url, caller);
  if (typeof source !== "string") throw bad("does not say what its source was");
  if (/^v\d+:/.test(source) && !source.startsWith(FINGERPRINT)) throw bad("is another version's");
  const isSize = size === null || (Number.isSafeInteger(size) && size >= 0);
  const isDone = Number.isSafeInteger(done) && done >= 0 && done <= (size ?? Infinity);
  if (!isSize || !isDone) throw bad("has numbers that make no sense");
  return { protocol, path, url, size, done, source };
}
