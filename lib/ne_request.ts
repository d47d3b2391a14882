// ne_request.h: requests and responses.
//
// Order of events for one ne_request_dispatch: create_request hooks (at creation) → header built,
// pre_send hooks → [connect] → header and body sent → interim responses → response header read →
// post_headers hooks → acceptance callbacks → body readers, per block → trailer read → post_send
// hooks → … → destroy_request hooks (at destruction). Everything from "header built" on is repeated
// when a post_send hook returns NE_RETRY.
//
// Hooks run in the order of their registration; body readers, acceptance callbacks and interim
// handlers run in the reverse order.
import fs from "node:fs";
import {
  NE_BUFSIZ,
  type ne_fd,
  type ne_off_t,
  type ne_opaque,
  type ne_out,
  type ne_printf_arg,
} from "./ne_defs.js";
import {
  NE_ERROR,
  NE_FAILED,
  NE_OK,
  NE_REQFLAG_1XXTIMEOUT,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_REQFLAG_LAST,
} from "./internal/base/constants.js";
import { fdNumber } from "./internal/base/file_descriptor.js";
import { errnoText } from "./internal/base/errno.js";
import { beginRequest } from "./internal/session/begin.js";
import { format } from "./internal/base/printf.js";
import { misuse, type ne_request, type ne_session } from "./internal/base/handle.js";
import { newRequest } from "./internal/session/create_request.js";
import { needBytes, needCallback, needText } from "./internal/base/arguments.js";
import { requests } from "./internal/session/request.js";
import type { Request, RequestBody } from "./internal/session/request_state.js";
import {
  checkReading,
  discardBody,
  dispatchRequest,
  endRequest,
  readResponseBlock,
} from "./internal/session/response.js";
import type { Hook } from "./internal/session/route.js";
import { sessions } from "./internal/session/session.js";
import { setError } from "./internal/session/session_state.js";
import { repairLocation } from "./internal/http/location.js";
import { checkFieldName, checkFieldValue } from "./internal/http/request_head.js";
import type { Fields } from "./internal/http/head.js";
import { ne_httpdate_parse } from "./ne_dates.js";
import type { ne_buffer } from "./ne_string.js";
import { ne_uri, ne_uri_parse, ne_uri_resolve } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";

export {
  NE_REQFLAG_1XXTIMEOUT,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_REQFLAG_LAST,
};

export type { ne_request };
export {
  NE_AUTH,
  NE_CONNECT,
  NE_ERROR,
  NE_FAILED,
  NE_LOOKUP,
  NE_OK,
  NE_PROXYAUTH,
  NE_REDIRECT,
  NE_RETRY,
  NE_TIMEOUT,
} from "./internal/base/constants.js";

/**
 * Creates a request and runs the create_request hooks. Nothing is sent yet. Flags at start:
 * `NE_REQFLAG_IDEMPOTENT` and `NE_REQFLAG_1XXTIMEOUT` on, `NE_REQFLAG_EXPECT100` as the session has
 * it. CR or LF in method or target throws.
 *
 * @example
 * ```ts
 * const req = ne_request_create(sess, "GET", "/index.html");
 * ne_add_request_header(req, "Accept", "text/html");
 * if ((await ne_request_dispatch(req)) !== NE_OK) console.error(ne_get_error(sess));
 * else console.log(ne_get_status(req).code);
 * ne_request_destroy(req);
 * ```
 * @param method `GET`, `PUT`, … as it is sent.
 * @param target path (already escaped, with optional query), absolute URI, or `*`.
 */
export function ne_request_create(sess: ne_session, method: string, target: string): ne_request {
  return newRequest(sess, method, target, "ne_request_create");
}

/**
 * Takes the request body from memory and adds `Content-Length`. The bytes are not copied: leave
 * them alone until the request is done.
 */
export function ne_set_request_body_buffer(req: ne_request, buffer: Uint8Array): void {
  const r = requests.open(req, "ne_set_request_body_buffer");
  const bytes = needBytes(buffer, "ne_set_request_body_buffer", "buffer");
  setBody(r, { kind: "buffer", bytes, length: bytes.length });
}

/**
 * Takes the request body from a file and adds `Content-Length`. Each time the body is sent, reading
 * starts at `offset`. A file that ends early or fails to read gives `NE_ERROR`. The descriptor
 * stays open: close it when the request is done.
 * @param offset where to begin, in bytes.
 * @param length how much to send, in bytes.
 */
export function ne_set_request_body_fd(
  req: ne_request,
  fd: ne_fd,
  offset: ne_off_t,
  length: ne_off_t,
): void {
  const r = requests.open(req, "ne_set_request_body_fd");
  checkSize(offset, "ne_set_request_body_fd", "offset");
  checkSize(length, "ne_set_request_body_fd", "length");
  checkSize(offset + length, "ne_set_request_body_fd", "end");
  fdNumber(fd, "ne_set_request_body_fd");
  const number = (): number => fdNumber(fd, "ne_request_dispatch");
  setBody(r, { kind: "file", fd: number, offset, length });
}

/**
 * Supplies a request body piece by piece.
 *
 * A call with `buffer.length === 0` means rewind: the body starts over. Each sending of the body
 * begins with one such call (retries send it again); return 0, or non-zero for failure. Every other
 * call wants up to `buffer.length` bytes stored in `buffer`; return their number, 0 at the end of
 * the body, or a negative number for failure. On failure set the session error: the connection is
 * closed and the request gives `NE_ERROR`.
 */
export type ne_provide_body<T = unknown> = (
  userdata: T,
  buffer: Uint8Array,
) => number | Promise<number>;

/**
 * Takes the request body from a callback. With `length` ≥ 0 adds `Content-Length` and the callback
 * must supply no more than that; with `length` -1 adds `Transfer-Encoding: chunked`, each call
 * giving one chunk (find out first that the server speaks HTTP/1.1: `ne_version_pre_http11`).
 *
 * @example
 * ```ts
 * let left = 3;
 * ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
 *   if (buffer.length === 0) left = 3; // rewind
 *   if (buffer.length === 0 || left-- === 0) return 0;
 *   buffer.set(Buffer.from("line\n"));
 *   return 5;
 * });
 * ```
 * @param length bytes in all, or -1 if that is not known.
 */
export function ne_set_request_body_provider<T>(
  req: ne_request,
  length: ne_off_t,
  provider: ne_provide_body<T>,
  userdata?: T,
): void {
  const r = requests.open(req, "ne_set_request_body_provider");
  if (length !== -1) checkSize(length, "ne_set_request_body_provider", "length");
  needCallback(provider, "ne_set_request_body_provider");
  setBody(r, {
    kind: "provider",
    provide: provider,
    userdata: userdata ?? null,
    length,
    asked: null,
  });
}

/**
 * Decides, once per response, whether its body goes to the reader registered with it: non-zero is
 * yes.
 */
export type ne_accept_response<T = unknown> = (
  userdata: T,
  req: ne_request,
  st: Readonly<ne_status>,
) => number | Promise<number>;

/** Acceptance callback: 1 for status class 2, else 0. */
export function ne_accept_2xx(
  _userdata: unknown,
  _req: ne_request,
  st: Readonly<ne_status>,
): number {
  return st.klass === 2 ? 1 : 0;
}

/** Acceptance callback: always 1. */
export function ne_accept_always(
  _userdata: unknown,
  _req: ne_request,
  _st: Readonly<ne_status>,
): number {
  return 1;
}

/**
 * Takes a block of a response body; an empty block is the end of the body. The block is valid until
 * the callback is done: copy it to keep it.
 * @returns 0, or non-zero to break off (set the session error): the connection is closed, no reader
 *   is called again and the request gives `NE_ERROR`.
 */
export type ne_block_reader<T = unknown> = (userdata: T, block: Buffer) => number | Promise<number>;

/**
 * Registers a reader for response bodies, with its acceptance callback; both get `userdata`. A
 * request may have several readers; each gets the body if its own acceptance callback says so.
 *
 * @example
 * ```ts
 * const blocks: Buffer[] = [];
 * ne_add_response_body_reader(req, ne_accept_2xx, (_userdata, block) => {
 *   blocks.push(Buffer.from(block));
 *   return 0;
 * });
 * ```
 */
export function ne_add_response_body_reader<T>(
  req: ne_request,
  accpt: ne_accept_response<T>,
  reader: ne_block_reader<T>,
  userdata?: T,
): void {
  const r = requests.open(req, "ne_add_response_body_reader");
  needCallback(accpt, "ne_add_response_body_reader");
  needCallback(reader, "ne_add_response_body_reader");
  r.readers.push({
    accept: accpt,
    read: reader,
    userdata: userdata ?? null,
    chosen: false,
  });
}

/**
 * A field of the last response header (in an interim handler: of the interim response), by name in
 * any case. Several fields of one name are joined by `, ` as long as the result stays below 8192
 * characters.
 * @returns the value without surrounding blanks, or `null`.
 */
export function ne_get_response_header(req: ne_request, name: string): string | null {
  const { response } = requests.open(req, "ne_get_response_header");
  return response.fields.get(needText(name, "ne_get_response_header", "name"));
}

/**
 * Like `ne_get_response_header`, for the trailer of a chunked response, known from the post_send
 * hooks on.
 */
export function ne_get_response_trailer(req: ne_request, name: string): string | null {
  const { response } = requests.open(req, "ne_get_response_trailer");
  return response.trailer.get(needText(name, "ne_get_response_trailer", "name"));
}

/**
 * A position while going through response fields; good until the request is sent again or
 * destroyed.
 */
export interface ne_field_cursor extends ne_opaque<"ne_field_cursor"> {}

/**
 * Goes through all fields of the response header, in no particular order, names in lower case.
 *
 * @example
 * ```ts
 * const [name, value] = [{ value: "" }, { value: "" }];
 * let cursor = ne_response_header_iterate(req, null, name, value);
 * for (; cursor !== null; cursor = ne_response_header_iterate(req, cursor, name, value)) {
 *   console.log(`${name.value}: ${value.value}`);
 * }
 * ```
 * @param cursor `null` to start, else the last result.
 * @param name receives the name.
 * @param value receives the value.
 * @returns the position, or `null` after the last field (then nothing was set).
 */
export function ne_response_header_iterate(
  req: ne_request,
  cursor: ne_field_cursor | null,
  name: ne_out<string>,
  value: ne_out<string>,
): ne_field_cursor | null {
  const { response } = requests.open(req, "ne_response_header_iterate");
  return iterate(response.fields, cursor, name, value, "ne_response_header_iterate");
}

/** Like `ne_response_header_iterate`, for the trailer of a chunked response. */
export function ne_response_trailer_iterate(
  req: ne_request,
  cursor: ne_field_cursor | null,
  name: ne_out<string>,
  value: ne_out<string>,
): ne_field_cursor | null {
  const { response } = requests.open(req, "ne_response_trailer_iterate");
  return iterate(response.trailer, cursor, name, value, "ne_response_trailer_iterate");
}

/** Adds a field to the request header. CR, LF or a character above U+00FF throws. */
export function ne_add_request_header(req: ne_request, name: string, value: string): void {
  const r = requests.open(req, "ne_add_request_header");
  checkFieldName(name, "ne_add_request_header");
  checkFieldValue(value, "ne_add_request_header");
  r.fields.added += `${name}: ${value}\r\n`;
}

/** Adds a field with a formatted value (printf-style), cut to 8191 characters. */
export function ne_print_request_header(
  req: ne_request,
  name: string,
  template: string,
  ...args: ne_printf_arg[]
): void {
  const r = requests.open(req, "ne_print_request_header");
  checkFieldName(name, "ne_print_request_header");
  const value = format(template, args, "ne_print_request_header").slice(0, NE_BUFSIZ - 1);
  checkFieldValue(value, "ne_print_request_header");
  r.fields.added += `${name}: ${value}\r\n`;
}

/**
 * The URI that the request is for: for a target that begins with a slash scheme, host and port of
 * the session with the whole target, query included, as `path` (`""` for `*` and CONNECT); any
 * other target is parsed by itself.
 * @returns the URI, the same object each time, or `null` if the target cannot be parsed (the
 *   session error stays).
 */
export function ne_get_request_target(req: ne_request): Readonly<ne_uri> | null {
  const r = requests.open(req, "ne_get_request_target");
  r.targetUri ??= targetUri(r);
  return r.targetUri;
}

/**
 * The Location of the response, resolved against `ne_get_request_target`. Characters that no URI
 * may hold are escaped, as browsers do.
 * @param fragment fragment of the original URI, taken over if Location has none.
 * @returns a new URI; `null` without Location; `null` with the session error set if a URI cannot be
 *   parsed.
 */
export function ne_get_response_location(req: ne_request, fragment?: string | null): ne_uri | null {
  const r = requests.open(req, "ne_get_response_location");
  const [location, another] = r.response.fields.differing("location");
  if (location === undefined) return null;
  const base = ne_get_request_target(req);
  const relative = new ne_uri();
  // of two different places none is the one that was meant
  const isRead = another === undefined && ne_uri_parse(repairLocation(location), relative) === 0;
  if (base === null || base.path === null || !isRead) {
    setError(r.session, "Could not parse redirect destination URL");
    return null;
  }
  // the query of the request belongs to its target, not to the base path (RFC 3986 section 5.2)
  const result = ne_uri_resolve(splitQuery(base), relative, new ne_uri());
  if (typeof fragment === "string" && result.fragment === null) result.fragment = fragment;
  return result;
}

/**
 * The time given by Retry-After, in seconds since 1970; a number of seconds counts from now.
 * @returns the time, or 0 without a readable field.
 */
export function ne_get_response_retry_after(req: ne_request): number {
  const r = requests.open(req, "ne_get_response_retry_after");
  const value = r.response.fields.get("retry-after");
  if (value === null) return 0;
  const now = Math.floor(Date.now() / 1000);
  // a number that C's type cannot hold is none
  if (/^([+-]?\d+)?$/.test(value)) return Number(value) < 2 ** 64 ? now + Number(value) : 0;
  const date = ne_httpdate_parse(value);
  return date === -1 ? 0 : date;
}

/**
 * Sends the request, reads the response and drops what no reader takes; repeats while the result
 * would be `NE_RETRY`. The status code does not matter: a 404 is `NE_OK` too.
 * @returns `NE_OK`; `NE_LOOKUP`, `NE_CONNECT`, `NE_TIMEOUT`, `NE_ERROR` for failures on the way;
 *   `NE_AUTH` or `NE_PROXYAUTH` when authentication gave up; or whatever a post_send hook returned.
 *   The session error is set in every case.
 */
export async function ne_request_dispatch(req: ne_request): Promise<number> {
  return dispatchRequest(requests.open(req, "ne_request_dispatch"));
}

/**
 * The status of the last response read. It is the same object for the whole life of a request,
 * filled anew for each response (interim ones included), so copy it to keep it. All numbers are 0
 * before the first response.
 */
export function ne_get_status(req: ne_request): Readonly<ne_status> {
  return requests.open(req, "ne_get_status").status;
}

/** @returns the session of the request. */
export function ne_get_session(req: ne_request): ne_session {
  return requests.open(req, "ne_get_session").session.handle;
}

/**
 * Destroys the request and runs the destroy_request hooks; in them response fields are gone but
 * status, session and private values are still there.
 */
export function ne_request_destroy(req: ne_request): void {
  requests.destroy(req, "ne_request_destroy");
}

/**
 * First step of a request dispatched by hand: sends it and reads the response header. Then call
 * `ne_read_response_block` until it returns 0 and `ne_end_request`; on `NE_RETRY` start over here.
 *
 * A connection kept from before that turns out closed, reset or answering 408 is replaced and the
 * request sent once more. A non-idempotent request never uses a kept connection (unless
 * `NE_SESSFLAG_CONNAUTH`). Further errors: `NE_ERROR` for a malformed response (version other than
 * 1.x, more than 99 fields, invalid Content-Length, Transfer-Encoding other than chunked), for a
 * failed TLS handshake, certificate, SOCKS or CONNECT exchange (the latter two may give other
 * codes), and for a second closed connection. Folded field lines are joined by a space; a line that
 * does not start with a token and a colon right after it is skipped.
 *
 * A response to HEAD or with status 204 or 304 has no body, whatever its fields say; one without
 * Content-Length and not chunked has a body that lasts until the connection ends.
 *
 * While another request of the session is between this call and its `ne_end_request`, the call
 * waits, unless that request is itself waiting for an application's callback: then this one gets a
 * connection of its own. If that request fails or is destroyed before its response was read to the
 * end, the connection is closed first.
 *
 * @example
 * ```ts
 * let ret: number = NE_RETRY;
 * while (ret === NE_RETRY) {
 *   ret = await ne_begin_request(req);
 *   if (ret === NE_OK) ret = await ne_read_response_to_fd(req, fd);
 *   if (ret === NE_OK) ret = await ne_end_request(req);
 * }
 * ```
 * @returns `NE_OK` with the session error set to `<code> <reason>`; or another `NE_*` code, never
 *   `NE_RETRY`, with the connection closed.
 */
export async function ne_begin_request(req: ne_request): Promise<number> {
  return beginRequest(requests.open(req, "ne_begin_request"), "ne_begin_request");
}

/**
 * Last step: reads the trailer of a chunked response, runs the post_send hooks until one returns
 * something other than `NE_OK`, then closes the connection unless it can be kept: the session has
 * `NE_SESSFLAG_PERSIST`, the body did not end with the connection, and the response was HTTP/1.1
 * without `Connection: close` or HTTP/1.0 with `Connection: keep-alive`.
 * @returns `NE_OK`, `NE_RETRY` (start over with `ne_begin_request`), the hook's code, or the code
 *   of a trailer that could not be read.
 */
export async function ne_end_request(req: ne_request): Promise<number> {
  return endRequest(requests.open(req, "ne_end_request"), "ne_end_request");
}

/**
 * Reads part of the response body into `buffer`, and hands it to the readers as well.
 * @returns the number of bytes; 0 at the end of the body; -1 on failure (session error set,
 *   connection closed).
 */
export async function ne_read_response_block(req: ne_request, buffer: Uint8Array): Promise<number> {
  const r = requests.open(req, "ne_read_response_block");
  needBytes(buffer, "ne_read_response_block", "buffer");
  if (buffer.length === 0) throw misuse("ne_read_response_block", "the buffer is empty");
  checkReading(r, "ne_read_response_block");
  const block = await readResponseBlock(r, buffer.length);
  if (typeof block === "number") return -1;
  block.copy(buffer);
  return block.length;
}

/**
 * Reads the response body to its end, handing it to the readers.
 * @returns `NE_OK` or `NE_ERROR`.
 */
export async function ne_discard_response(req: ne_request): Promise<number> {
  const r = requests.open(req, "ne_discard_response");
  checkReading(r, "ne_discard_response");
  return discardBody(r);
}

/**
 * Reads the response body to its end and writes it to a file, at the current position.
 * @returns `NE_OK`; `NE_ERROR` if reading failed, or writing failed (the body is then left unread).
 */
export async function ne_read_response_to_fd(req: ne_request, fd: ne_fd): Promise<number> {
  const r = requests.open(req, "ne_read_response_to_fd");
  fdNumber(fd, "ne_read_response_to_fd");
  checkReading(r, "ne_read_response_to_fd");
  for (;;) {
    const block = await readResponseBlock(r, FILE_BLOCK);
    if (typeof block === "number") return NE_ERROR;
    if (block.length === 0) return NE_OK;
    try {
      await writeFully(fdNumber(fd, "ne_read_response_to_fd"), block);
    } catch (error) {
      setError(r.session, `Could not write to file: ${errnoText(error as Error)}`, error as Error);
      return NE_ERROR;
    }
  }
}

/**
 * Reads the response body to its end into memory.
 * @param buflen on entry the space in `buf` to use; on success the number of bytes stored, else
 *   unchanged.
 * @returns `NE_OK` (also, with nothing read, if the space is 0); `NE_ERROR`; or `NE_FAILED` if the
 *   body does not fit (the rest is left unread).
 */
export async function ne_read_response_to_buffer(
  req: ne_request,
  buf: Uint8Array,
  buflen: ne_out<number>,
): Promise<number> {
  const r = requests.open(req, "ne_read_response_to_buffer");
  needBytes(buf, "ne_read_response_to_buffer", "buf");
  checkReading(r, "ne_read_response_to_buffer");
  const space = Math.min(buflen.value, buf.length);
  if (space === 0) return NE_OK;
  let used = 0;
  for (;;) {
    const block = await readResponseBlock(r, FILE_BLOCK);
    if (typeof block === "number") return NE_ERROR;
    if (block.length === 0) break;
    if (used + block.length > space) {
      setError(r.session, "Response buffer size too small");
      return NE_FAILED;
    }
    buf.set(block, used);
    used += block.length;
  }
  buflen.value = used;
  return NE_OK;
}

/** A request flag. */
export type ne_request_flag =
  | typeof NE_REQFLAG_EXPECT100
  | typeof NE_REQFLAG_IDEMPOTENT
  | typeof NE_REQFLAG_1XXTIMEOUT
  | typeof NE_REQFLAG_LAST;

/** Stores the value of a flag; an unknown flag is ignored. */
export function ne_set_request_flag(req: ne_request, flag: ne_request_flag, value: number): void {
  const r = requests.open(req, "ne_set_request_flag");
  if (flag >= 0 && flag < NE_REQFLAG_LAST) r.flags[flag] = value;
}

/** @returns the stored value (0: off), or -1 for an unknown flag. */
export function ne_get_request_flag(req: ne_request, flag: ne_request_flag): number {
  const r = requests.open(req, "ne_get_request_flag");
  return r.flags[flag] ?? -1;
}

/** Told about an interim (1xx) response, whose fields `ne_get_response_header` gives. */
export type ne_interim_response_fn<T = unknown> = (
  userdata: T,
  req: ne_request,
  status: Readonly<ne_status>,
) => void | Promise<void>;

/**
 * Registers a handler for interim responses. It is called for each of them, 100 Continue included;
 * the final response goes to the readers.
 */
export function ne_add_interim_handler<T>(
  req: ne_request,
  fn: ne_interim_response_fn<T>,
  userdata?: T,
): void {
  const r = requests.open(req, "ne_add_interim_handler");
  needCallback(fn, "ne_add_interim_handler");
  r.interims.push({ fn, userdata: userdata ?? null });
}

/** Runs inside `ne_request_create`; `target` is given as it will be sent. */
export type ne_create_request_fn<T = unknown> = (
  req: ne_request,
  userdata: T,
  method: string,
  target: string,
) => void;

/** Adds a create_request hook to the session. */
export function ne_hook_create_request<T>(
  sess: ne_session,
  fn: ne_create_request_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_hook_create_request");
  addHook(hooks.createRequest, fn, userdata, "ne_hook_create_request");
}

/**
 * Called each time before a request is sent. `header` holds request line and fields, each ended by
 * CRLF, without the final empty line; the hook may append more fields (`ne_buffer_zappend`). The
 * buffer is destroyed when the hook is done.
 */
export type ne_pre_send_fn<T = unknown> = (
  req: ne_request,
  userdata: T,
  header: ne_buffer,
) => void | Promise<void>;

/** Adds a pre_send hook to the session. */
export function ne_hook_pre_send<T>(sess: ne_session, fn: ne_pre_send_fn<T>, userdata?: T): void {
  const { hooks } = sessions.open(sess, "ne_hook_pre_send");
  addHook(hooks.preSend, fn, userdata, "ne_hook_pre_send");
}

/** Called each time the response header is in and the body is still to be read. */
export type ne_post_headers_fn<T = unknown> = (
  req: ne_request,
  userdata: T,
  status: Readonly<ne_status>,
) => void | Promise<void>;

/** Adds a post_headers hook to the session. */
export function ne_hook_post_headers<T>(
  sess: ne_session,
  fn: ne_post_headers_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_hook_post_headers");
  addHook(hooks.postHeaders, fn, userdata, "ne_hook_post_headers");
}

/**
 * Called each time a response was read to its end without error.
 * @returns `NE_OK`; `NE_RETRY` to send the request again; or another code to fail the request with
 *   (set the session error).
 */
export type ne_post_send_fn<T = unknown> = (
  req: ne_request,
  userdata: T,
  status: Readonly<ne_status>,
) => number | Promise<number>;

/** Adds a post_send hook to the session. */
export function ne_hook_post_send<T>(sess: ne_session, fn: ne_post_send_fn<T>, userdata?: T): void {
  const { hooks } = sessions.open(sess, "ne_hook_post_send");
  addHook(hooks.postSend, fn, userdata, "ne_hook_post_send");
}

/** Runs inside `ne_request_destroy`. */
export type ne_destroy_req_fn<T = unknown> = (req: ne_request, userdata: T) => void;

/** Adds a destroy_request hook to the session. */
export function ne_hook_destroy_request<T>(
  sess: ne_session,
  fn: ne_destroy_req_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_hook_destroy_request");
  addHook(hooks.destroyRequest, fn, userdata, "ne_hook_destroy_request");
}

/** Runs first thing in `ne_session_destroy`. */
export type ne_destroy_sess_fn<T = unknown> = (userdata: T) => void;

/** Adds a destroy_session hook to the session. */
export function ne_hook_destroy_session<T>(
  sess: ne_session,
  fn: ne_destroy_sess_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_hook_destroy_session");
  addHook(hooks.destroySession, fn, userdata, "ne_hook_destroy_session");
}

/** Called when a connection is closed; this can come after the destroy_session hooks. */
export type ne_close_conn_fn<T = unknown> = (userdata: T) => void;

/** Adds a close_conn hook to the session. */
export function ne_hook_close_conn<T>(
  sess: ne_session,
  fn: ne_close_conn_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_hook_close_conn");
  addHook(hooks.closeConn, fn, userdata, "ne_hook_close_conn");
}

/**
 * Removes a create_request hook: the first one with this very function and this very userdata;
 * nothing happens if there is none. A hook must not remove itself while it runs, except a
 * destroy_request hook. The same holds for the other `ne_unhook_*` functions.
 */
export function ne_unhook_create_request<T>(
  sess: ne_session,
  fn: ne_create_request_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_create_request");
  removeHook(hooks.createRequest, fn, userdata);
}

/** Removes a pre_send hook; see `ne_unhook_create_request`. */
export function ne_unhook_pre_send<T>(sess: ne_session, fn: ne_pre_send_fn<T>, userdata?: T): void {
  const { hooks } = sessions.open(sess, "ne_unhook_pre_send");
  removeHook(hooks.preSend, fn, userdata);
}

/** Removes a post_headers hook; see `ne_unhook_create_request`. */
export function ne_unhook_post_headers<T>(
  sess: ne_session,
  fn: ne_post_headers_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_post_headers");
  removeHook(hooks.postHeaders, fn, userdata);
}

/** Removes a post_send hook; see `ne_unhook_create_request`. */
export function ne_unhook_post_send<T>(
  sess: ne_session,
  fn: ne_post_send_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_post_send");
  removeHook(hooks.postSend, fn, userdata);
}

/** Removes a destroy_request hook; see `ne_unhook_create_request`. */
export function ne_unhook_destroy_request<T>(
  sess: ne_session,
  fn: ne_destroy_req_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_destroy_request");
  removeHook(hooks.destroyRequest, fn, userdata);
}

/** Removes a destroy_session hook; see `ne_unhook_create_request`. */
export function ne_unhook_destroy_session<T>(
  sess: ne_session,
  fn: ne_destroy_sess_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_destroy_session");
  removeHook(hooks.destroySession, fn, userdata);
}

/** Removes a close_conn hook; see `ne_unhook_create_request`. */
export function ne_unhook_close_conn<T>(
  sess: ne_session,
  fn: ne_close_conn_fn<T>,
  userdata?: T,
): void {
  const { hooks } = sessions.open(sess, "ne_unhook_close_conn");
  removeHook(hooks.closeConn, fn, userdata);
}

/**
 * Attaches a value to the request under an id. The first value stored under an id stays the one
 * returned.
 */
export function ne_set_request_private(req: ne_request, id: string, priv: unknown): void {
  const r = requests.open(req, "ne_set_request_private");
  r.privates ??= new Map();
  if (!r.privates.has(id)) r.privates.set(id, priv);
}

/** @returns the first value stored under the id, or `null`. */
export function ne_get_request_private<P = unknown>(req: ne_request, id: string): P | null {
  const { privates } = requests.open(req, "ne_get_request_private");
  return (privates?.get(id) as P | undefined) ?? null;
}

/** Bytes read at once for a file or a buffer. */
const FILE_BLOCK = 256 * 1024;

function checkSize(size: unknown, caller: string, name: string): void {
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    throw misuse(caller, `${name} must be a whole number from 0 to 2^53-1`);
  }
}

// The body, and the field that says how long it is, in place of those of an earlier call.
function setBody(r: Request, body: RequestBody): void {
  if (r.body !== null) {
    r.fields.added = r.fields.added.replace(/^(?:content-length|transfer-encoding): .*\r\n/gim, "");
  }
  r.body = body;
  r.fields.added +=
    body.length < 0 ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${body.length}\r\n`;
}

function targetUri(r: Request): ne_uri | null {
  const uri = new ne_uri();
  const { session: s, method, target, fragment } = r;
  const isOfServer = target.startsWith("/");
  const hasNoPath = target === "*" || method === "CONNECT";
  if (!isOfServer && !hasNoPath) return ne_uri_parse(target + fragment, uri) === 0 ? uri : null;
  uri.scheme = s.scheme;
  uri.host = s.server.hostname;
  uri.port = s.server.port;
  uri.path = isOfServer ? target : "";
  return uri;
}

function splitQuery(uri: Readonly<ne_uri>): ne_uri {
  const base = Object.assign(new ne_uri(), uri);
  const at = base.path?.indexOf("?") ?? -1;
  if (base.path !== null && at >= 0) {
    base.query = base.path.slice(at + 1);
    base.path = base.path.slice(0, at);
  }
  return base;
}

// The fields, their entries and the place among them that a cursor stands for.
const cursors = new WeakMap<
  object,
  { fields: Fields; entries: [string, string][]; at: number }
>();

function iterate(
  fields: Fields,
  cursor: ne_field_cursor | null,
  name: ne_out<string>,
  value: ne_out<string>,
  caller: string,
): ne_field_cursor | null {
  const before = cursor === null ? null : cursors.get(cursor);
  if (before === undefined || (before !== null && before.fields !== fields)) {
    throw misuse(caller, "the cursor is not one of this response");
  }
  const entries = before?.entries ?? fields.entries();
  const at = before === null ? 0 : before.at + 1;
  const entry = entries[at];
  if (entry === undefined) return null;
  [name.value, value.value] = entry;
  const next = Object.freeze({}) as ne_field_cursor;
  cursors.set(next, { fields, entries, at });
  return next;
}

function writeFully(fd: number, block: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      fs.write(fd, block, done, block.length - done, null, (error, count) => {
        if (error !== null) reject(error);
        else if (done + count < block.length) next(done + count);
        else resolve();
      });
    };
    next(0);
  });
}

function addHook(list: Hook<unknown>[], fn: unknown, userdata: unknown, caller: string): void {
  needCallback(fn, caller);
  list.push({ fn, userdata: userdata ?? null });
}

// The first one with this very function and this very userdata.
function removeHook(list: Hook<unknown>[], fn: unknown, userdata: unknown): void {
  const at = list.findIndex((hook) => hook.fn === fn && hook.userdata === (userdata ?? null));
  if (at >= 0) list.splice(at, 1);
}
