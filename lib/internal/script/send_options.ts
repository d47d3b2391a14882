// What a caller of nx_send may say, checked: a mistake names the function, the option and what was
// given, before anything is sent.
import { needText } from "../base/arguments.js";
import { readOptions, shownNumber } from "../base/call_options.js";
import { misuse } from "../base/handle.js";
import { checkFieldName, checkMethod, checkTarget } from "../http/request_head.js";
import type { SendPlan } from "./send_state.js";
import { readHeaderList, type Field, type nx_headers } from "./header_list.js";
import { readBody, type nx_body, type OutgoingBody, type nx_progress_fn } from "./request_body.js";

/**
 * What to send, and how. Options that do not exist are a `TypeError`; `undefined` is as good as
 * left out.
 */
export interface nx_send_options {
  /**
   * header fields to add: a record (an array value adds the field once for each element) or any
   * iterable of pairs: `Headers`, a `Map`, the `headers` of a result. Content-Length and
   * Transfer-Encoding are the library's: in an iterable they are left out, in a record a
   * `TypeError`. A Host or User-Agent stands in the place of the session's
   */
  headers?: nx_headers | undefined;
  /** the request body; strings are sent as UTF-8 */
  body?: nx_body | undefined;
  /**
   * called with the bytes of the request body that were sent and their total (`null` if unknown);
   * from 0 again when the body is sent again. If it returns a promise, the transfer waits
   * (`timeout` and `signal` still end it); if it throws, the request ends with that error
   */
  upload_progress?: nx_progress_fn | undefined;
  /**
   * the same for the response body, in bytes on the wire; the total is its Content-Length. Not
   * called for redirects that are followed and challenges that are answered
   */
  download_progress?: nx_progress_fn | undefined;
  /**
   * how often to retry (default 0) if the name cannot be resolved, the connection is refused or is
   * lost before a response, and after 408, 429, 502, 503 and 504. Only idempotent requests whose
   * body can be sent again are retried, after growing pauses, or as Retry-After says. If a pause
   * would outlast `timeout`, the last response is the result. A pause holds no connection
   */
  retries?: number | undefined;
  /**
   * bytes of a streamed body, which is otherwise sent in chunks. For any other body it must be the
   * body's length, else it is a `TypeError`
   */
  length?: number | undefined;
  /** aborts the request */
  signal?: AbortSignal | undefined;
  /** the longest that the whole request may take, redirects and retries included, in seconds */
  timeout?: number | undefined;
  /**
   * how many redirects to follow (default 0). A redirect to another origin is followed with a clone
   * of the session, without its credentials, cookies, client certificate and the application's
   * hooks, and with only those header fields that are known to be harmless; a clone for https
   * trusts the default CAs. Redirects from https to http are never followed. After a 303, and after
   * a 301 or 302 in answer to a POST, the next request is a GET. A body that can't be sent again is
   * not redirected by 307 and 308. A redirect that is not followed is the result
   */
  redirects?: number | undefined;
  /** names of more header fields that may be sent to another origin after a redirect */
  redirect_headers?: readonly string[] | undefined;
  /**
   * ask before the body is sent (`Expect: 100-continue`, which the header field does too); after a
   * 417, send without asking
   */
  expect?: boolean | undefined;
  /** return the body as a stream in `stream` instead of reading it into `body` */
  stream?: boolean | undefined;
  /** decode gzip, deflate, br and, on Node 24 and later, zstd (default true) */
  decompress?: boolean | undefined;
}

/**
 * Codings that `Accept-Encoding` asks for. The decoder for zstd of Node 22 takes data that was cut
 * off for whole.
 */
export const ACCEPTED =
  Number.parseInt(process.versions.node) >= 24 && "zstd" in process.versions
    ? "gzip, deflate, br, zstd"
    : "gzip, deflate, br";

type Options = nx_send_options;

/** Names of options. */
export const SEND_OPTIONS: readonly (keyof nx_send_options)[] = [
  ...(["headers", "body", "upload_progress", "download_progress", "retries", "length"] as const),
  ...(["signal", "timeout", "redirects", "redirect_headers", "expect", "stream"] as const),
  "decompress",
];

const KNOWN: ReadonlySet<string> = new Set(SEND_OPTIONS);
const NONE: ReadonlySet<string> = new Set();
const NO_FIELDS: readonly Field[] = [];

/**
 * Checks the arguments of `nx_send` and `nx_fetch`.
 * @param known names of options, where the caller itself reads others as well
 */
export function readPlan(
  method: unknown,
  target: unknown,
  options: Options,
  caller: string,
  known: ReadonlySet<string> = KNOWN,
): SendPlan {
  needText(method, caller, "the method");
  checkMethod(method, caller);
  const place = normalizeTarget(needText(target, caller, "the target"));
  checkTarget(place, caller);
  const own = readOptions(options, known, caller);
  const body = bodyIn(own, caller);
  const { fields, expects } = fieldsIn(own, body, caller);
  return {
    method,
    target: place,
    fields,
    body,
    signal: signalIn(own, caller),
    timeout: timeoutIn(own, caller),
    redirects: countIn(own, "redirects", caller),
    redirectHeaders: namesIn(own, caller),
    retries: countIn(own, "retries", caller),
    expect: (flagIn(own, "expect", false, caller) || expects) && body !== null,
    stream: flagIn(own, "stream", false, caller),
    decompress: flagIn(own, "decompress", true, caller),
    uploadProgress: progressIn(own, "upload_progress", caller),
    downloadProgress: progressIn(own, "download_progress", caller),
  };
}

// A fragment never leaves the client, and an empty path is the root.
function normalizeTarget(target: string): string {
  const hash = target.indexOf("#");
  const sent = hash < 0 ? target : target.slice(0, hash);
  return sent === "" || sent.startsWith("?") ? `/${sent}` : sent;
}

function fieldsIn(
  { headers }: Options,
  body: OutgoingBody | null,
  caller: string,
): { fields: readonly Field[]; expects: boolean } {
  const given = headers === undefined ? NO_FIELDS : readHeaderList(headers, caller);
  const type = body?.type ?? null;
  if (given.length === 0 && type === null) return { fields: NO_FIELDS, expects: false };
  // the session asks first, and waits for the response
  const fields = given.filter((field) => !asksFirst(field));
  if (type !== null && !given.some(([name]) => name.toLowerCase() === "content-type")) {
    fields.push(["Content-Type", type]);
  }
  return { fields, expects: given.some(asksFirst) };
}

function asksFirst([name, value]: Field): boolean {
  return /^expect$/i.test(name) && /^100-continue$/i.test(value.trim());
}

function bodyIn({ body, length }: Options, caller: string): OutgoingBody | null {
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= -1)) {
    throw wrong(caller, "length", "a whole number from 0 on, or -1", length);
  }
  if (body === undefined || body === null) {
    if ((length ?? 0) > 0) throw misuse(caller, `the option "length" is ${length}, without a body`);
    return null;
  }
  const read = readBody(body, length ?? -1, caller);
  if (read.type !== null && /[^\t\x20-\x7e\x80-\xff]/.test(read.type)) {
    throw misuse(caller, "the type of the body holds a character that no header field may");
  }
  return read;
}

function signalIn({ signal }: Options, caller: string): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  if (signal instanceof AbortSignal) return signal;
  throw wrong(caller, "signal", "an AbortSignal", signal);
}

function timeoutIn({ timeout }: Options, caller: string): number {
  if (timeout === undefined || timeout === Infinity) return 0;
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw wrong(caller, "timeout", "a number of seconds from 0 on", timeout);
}

function countIn(own: Options, name: "redirects" | "retries", caller: string): number {
  const count = own[name];
  if (count === undefined) return 0;
  if (count === Infinity || (Number.isInteger(count) && count >= 0)) return count;
  throw wrong(caller, name, "a whole number from 0 on", count);
}

function namesIn({ redirect_headers: names }: Options, caller: string): ReadonlySet<string> {
  if (names === undefined) return NONE;
  if (!Array.isArray(names)) throw wrong(caller, "redirect_headers", "an array of names", names);
  return new Set(
    names.map((name: unknown) => {
      checkFieldName(name, caller, "redirect_headers");
      return name.toLowerCase();
    }),
  );
}

function flagIn(
  own: Options,
  name: "expect" | "stream" | "decompress",
  unless: boolean,
  caller: string,
): boolean {
  const flag = own[name];
  if (flag === undefined) return unless;
  if (typeof flag === "boolean") return flag;
  throw wrong(caller, name, "true or false", flag);
}

function progressIn(
  own: Options,
  name: "upload_progress" | "download_progress",
  caller: string,
): nx_progress_fn | null {
  const progress = own[name];
  if (progress === undefined || progress === null) return null;
  if (typeof progress === "function") return progress;
  throw wrong(caller, name, "a function", progress);
}

function wrong(caller: string, option: string, wanted: string, given: unknown): TypeError {
  return misuse(caller, `the option "${option}" must be ${wanted}, not ${shownNumber(given)}`);
}
