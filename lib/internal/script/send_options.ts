// What a caller of nx_send may say, checked: a mistake names the function, the option and what was
// given, before anything is sent.
import { needText } from "../base/arguments.js";
import { describe, readOptions } from "../base/call_options.js";
import { misuse } from "../base/handle.js";
import { checkFieldName, checkMethod, checkTarget } from "../http/request_head.js";
import type { Sending } from "./course.js";
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
   * called with the bytes of the request body that are done and their total, `null` if it is
   * unknown; from 0 again when a body is sent again. A promise holds the transfer back (`timeout`
   * and `signal` still end it); what is thrown ends the request and is thrown
   */
  upload_progress?: nx_progress_fn | undefined;
  /**
   * the same for the response body, as it comes over the wire; the total is its Content-Length.
   * Responses that are not the last, redirects that are followed and challenges, do not count
   */
  download_progress?: nx_progress_fn | undefined;
  /**
   * how often to try again (default 0) after a connection refused, unresolved or lost before a
   * response began, and after 408, 429, 502, 503, 504: only what is idempotent and can be sent
   * again, with growing pauses, and Retry-After honoured. A pause that would outlast `timeout` ends
   * the tries, and the last response is the result. The pause holds no connection
   */
  retries?: number | undefined;
  /**
   * bytes of a streamed body; left out, it is sent chunked. Of others the length is known, and
   * another is a `TypeError`
   */
  length?: number | undefined;
  /** breaks the request off */
  signal?: AbortSignal | undefined;
  /** bound on the whole request, redirects and retries included, in seconds */
  timeout?: number | undefined;
  /**
   * how many redirects to follow (default 0). To another origin, a clone of the session without its
   * credentials, cookies, client certificate and hooks of the application is used, and only header
   * fields known to be harmless go along; never from https to http; 303, and 301 or 302 to a POST,
   * become GET; a body that can't be sent again ends it at 307 and 308. A clone for https trusts
   * the default CAs. A redirect that is not followed is the result
   */
  redirects?: number | undefined;
  /** names of fields that may follow a redirect to another origin, besides the harmless ones */
  redirect_headers?: readonly string[] | undefined;
  /**
   * ask first (`Expect: 100-continue`, as the header field does), and send without asking after a
   * 417
   */
  expect?: boolean | undefined;
  /** give the body as a stream in `stream` instead of reading it into `body` */
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
export function readSending(
  method: unknown,
  target: unknown,
  options: Options,
  caller: string,
  known: ReadonlySet<string> = KNOWN,
): Sending {
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
  if (given.filter(([name]) => /^host$/i.test(name)).length > 1) {
    throw misuse(caller, "there is more than one Host in `headers`");
  }
  // the session asks first, and waits for the answer
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
  if (body === undefined || body === null) return null;
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
  const what = typeof given === "number" ? String(given) : describe(given);
  return misuse(caller, `the option "${option}" must be ${wanted}, not ${what}`);
}
