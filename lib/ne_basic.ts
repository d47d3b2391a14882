// ne_basic.h: common methods in one call. Paths are request targets, so already escaped. Methods
// that change something submit the tokens of a registered lock store.
import fs from "node:fs";
import { promisify } from "node:util";
import {
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_DEPTH_ZERO,
  NE_ERROR,
  NE_FAILED,
  NE_OK,
  NE_RETRY,
} from "./internal/base/constants.js";
import { parseContentType } from "./internal/http/content_type.js";
import { fdNumber } from "./internal/base/file_descriptor.js";
import { newRequest } from "./internal/session/create_request.js";
import { failResponse } from "./internal/session/failed_response.js";
import { errnoText } from "./internal/base/errno.js";
import { misuse, needHandle, type ne_request, type ne_session } from "./internal/base/handle.js";
import { checkFieldValue } from "./internal/http/request_head.js";
import {
  ne_lock_using_parent,
  ne_lock_using_resource,
} from "./internal/plugins/lock_submission.js";
import { needBytes, needObject, needText } from "./internal/base/arguments.js";
import {
  countBlocks,
  openOutput,
  rewind,
  writeBody,
  type Output,
} from "./internal/plugins/file_output.js";
import {
  dispatchForOutcome,
  endOutcomeReader,
  judgeOutcome,
  addOutcomeReader,
} from "./internal/multistatus/outcome_reader.js";
import { ne_simple_request } from "./ne_207.js";
import { ne_httpdate_parse } from "./ne_dates.js";
import type { ne_fd, ne_off_t, ne_out } from "./ne_defs.js";
import {
  ne_add_request_header,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_response_header,
  ne_get_session,
  ne_get_status,
  ne_read_response_block,
  ne_read_response_to_buffer,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
  ne_set_request_body_fd,
  ne_set_request_flag,
  NE_REQFLAG_IDEMPOTENT,
} from "./ne_request.js";
import {
  NE_SESSFLAG_RFC4918,
  ne_get_scheme,
  ne_get_server_hostport,
  ne_get_session_flag,
  ne_set_error,
} from "./ne_session.js";
import { ne_qtoken, ne_shave } from "./ne_string.js";
import { ne_path_has_trailing_slash } from "./ne_uri.js";

export { NE_DEPTH_INFINITE, NE_DEPTH_ONE, NE_DEPTH_ZERO } from "./internal/base/constants.js";

/**
 * GET; the body of a 2xx response is written to `fd` at its current position, any other body is
 * dropped. If a hook has the request repeated, a regular file that the body made longer is cut back
 * first.
 *
 * @example
 * ```ts
 * const file = fs.openSync("copy.txt", "w");
 * if ((await ne_get(sess, "/doc.txt", file)) !== NE_OK) console.error(ne_get_error(sess));
 * fs.closeSync(file);
 * ```
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2 (the session error then is
 *   `<code> <reason>`).
 */
export async function ne_get(sess: ne_session, path: string, fd: ne_fd): Promise<number> {
  const output = openOutput(fd, "ne_get");
  const req = newRequest(sess, "GET", path, "ne_get");
  try {
    return await dispatchToFile(req, output);
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * PUT of a whole file, from its first byte, with its size at the time of the call. If the size
 * cannot be found: `NE_ERROR`, nothing sent. Uses locks on `path` and on its parent.
 *
 * @example
 * ```ts
 * const file = fs.openSync("doc.txt", "r");
 * if ((await ne_put(sess, "/doc.txt", file)) !== NE_OK) console.error(ne_get_error(sess));
 * fs.closeSync(file);
 * ```
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2.
 */
export async function ne_put(sess: ne_session, path: string, fd: ne_fd): Promise<number> {
  needText(path, "ne_put", "path");
  let size: number;
  try {
    size = (await promisify(fs.fstat)(fdNumber(fd, "ne_put"))).size;
  } catch (error) {
    if (error instanceof TypeError) throw error;
    ne_set_error(sess, "Could not determine file size: %s", errnoText(error as Error));
    return NE_ERROR;
  }
  const req = newRequest(sess, "PUT", path, "ne_put");
  try {
    useLocks(req, path, NE_DEPTH_ZERO);
    ne_set_request_body_fd(req, fd, 0, size);
    return await dispatchForOutcome(req);
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * PUT from memory; locks as `ne_put`.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2.
 */
export async function ne_putbuf(sess: ne_session, path: string, buf: Uint8Array): Promise<number> {
  needBytes(buf, "ne_putbuf", "buf");
  const req = newRequest(sess, "PUT", path, "ne_putbuf");
  try {
    useLocks(req, path, NE_DEPTH_ZERO);
    ne_set_request_body_buffer(req, buf);
    return await dispatchForOutcome(req);
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * GET into memory; the body of a response other than 2xx is dropped. On every failure but a status
 * outside 2xx the connection is closed.
 *
 * @example
 * ```ts
 * const buf = Buffer.alloc(4096);
 * const length = { value: buf.length };
 * if ((await ne_getbuf(sess, "/doc.txt", buf, length)) === NE_OK) {
 *   console.log(buf.toString("utf8", 0, length.value));
 * }
 * ```
 * @param buflen on entry the space in `buf` to use; after success the length of the body.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2; `NE_FAILED` if the body does
 *   not fit; `buflen` is then unchanged.
 */
export async function ne_getbuf(
  sess: ne_session,
  path: string,
  buf: Uint8Array,
  buflen: ne_out<number>,
): Promise<number> {
  needBytes(buf, "ne_getbuf", "buf");
  needObject(buflen, "ne_getbuf", "buflen");
  if (!Number.isSafeInteger(buflen.value) || buflen.value < 0) {
    throw misuse("ne_getbuf", "buflen must hold the space to use");
  }
  const space = Math.min(buflen.value, buf.length);
  const req = newRequest(sess, "GET", path, "ne_getbuf");
  const watch = addOutcomeReader(req, false);
  try {
    const length = { value: space };
    const code = await repeat(req, () => {
      length.value = space;
      return ne_get_status(req).klass === 2
        ? readInto(req, buf, length)
        : ne_discard_response(req);
    });
    const judged = judgeOutcome(req, code, watch);
    if (judged === NE_OK) buflen.value = length.value;
    return judged;
  } finally {
    endOutcomeReader(watch);
    // closes the connection if the response has not been read to its end
    ne_request_destroy(req);
  }
}

/**
 * COPY. Sends Depth, Destination (a URL made of scheme, host and `dest`; with `NE_SESSFLAG_RFC4918`
 * just `dest`) and Overwrite. Uses locks on and below `dest` and on its parent.
 * @param overwrite 0: fail if `dest` exists; else replace it.
 * @param depth `NE_DEPTH_ZERO` or `NE_DEPTH_INFINITE`.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2, or if a 207 response tells
 *   of a failure (the session error lists them).
 */
export async function ne_copy(
  sess: ne_session,
  overwrite: number,
  depth: number,
  src: string,
  dest: string,
): Promise<number> {
  checkFieldValue(needText(dest, "ne_copy", "dest"), "ne_copy");
  needDepth(depth, "ne_copy");
  const req = newRequest(sess, "COPY", src, "ne_copy");
  ne_add_depth_header(req, depth);
  return sendTo(sess, req, overwrite, dest);
}

/**
 * MOVE. Like `ne_copy` without Depth; uses locks on and below `src` and on its parent, too.
 * @returns as `ne_copy`.
 */
export async function ne_move(
  sess: ne_session,
  overwrite: number,
  src: string,
  dest: string,
): Promise<number> {
  checkFieldValue(needText(dest, "ne_move", "dest"), "ne_move");
  const req = newRequest(sess, "MOVE", src, "ne_move");
  useLocks(req, src, NE_DEPTH_INFINITE);
  return sendTo(sess, req, overwrite, dest);
}

/** DELETE. Uses locks on and below `path` and on its parent. @returns as `ne_copy`. */
export async function ne_delete(sess: ne_session, path: string): Promise<number> {
  const req = newRequest(sess, "DELETE", path, "ne_delete");
  useLocks(req, path, NE_DEPTH_INFINITE);
  return ne_simple_request(sess, req);
}

/**
 * MKCOL. A missing final slash is added to `path`. Uses locks on `path` and on its parent.
 * @returns as `ne_copy`.
 */
export async function ne_mkcol(sess: ne_session, path: string): Promise<number> {
  needText(path, "ne_mkcol", "path");
  const collection = ne_path_has_trailing_slash(path) ? path : `${path}/`;
  const req = newRequest(sess, "MKCOL", collection, "ne_mkcol");
  useLocks(req, collection, NE_DEPTH_ZERO);
  return ne_simple_request(sess, req);
}

/** Adds a Depth field: `0`, `1`, or `infinity` for every other number. */
export function ne_add_depth_header(req: ne_request, depth: number): void {
  needHandle(req, "ne_request", "ne_add_depth_header");
  needDepth(depth, "ne_add_depth_header");
  const named = depth === NE_DEPTH_ZERO || depth === NE_DEPTH_ONE;
  ne_add_request_header(req, "Depth", named ? String(depth) : "infinity");
}

/**
 * HEAD, for the time of the last modification.
 * @param modtime receives it in seconds since 1970, or -1 if it was not given or not readable, or
 *   the status is not 2xx.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2.
 */
export async function ne_getmodtime(
  sess: ne_session,
  path: string,
  modtime: ne_out<number>,
): Promise<number> {
  needObject(modtime, "ne_getmodtime", "modtime");
  const req = newRequest(sess, "HEAD", path, "ne_getmodtime");
  try {
    const dispatched = await ne_request_dispatch(req);
    const failed = dispatched === NE_OK && ne_get_status(req).klass !== 2;
    const code = failed ? failResponse(req) : dispatched;
    const value = code === NE_OK ? ne_get_response_header(req, "Last-Modified") : null;
    modtime.value = value === null ? -1 : ne_httpdate_parse(value);
    return code;
  } finally {
    ne_request_destroy(req);
  }
}

/** A parsed Content-Type. */
export class ne_content_type {
  /** In lower case, `text`. */
  type: string | null = null;
  /** In lower case, `html`. */
  subtype: string | null = null;
  /** The charset parameter as written, without quotes; `null` if there is none. */
  charset: string | null = null;
  /** In C the memory behind the other fields; the same text as `type`. */
  value: string | null = null;
}

/**
 * Splits the response's Content-Type into its parts. No charset is assumed if none is given.
 * @returns 0 with `ctype` filled, or -1 with `ctype` unchanged if the field is absent or has no
 *   `/`.
 */
export function ne_get_content_type(req: ne_request, ctype: ne_content_type): number {
  needHandle(req, "ne_request", "ne_get_content_type");
  needObject(ctype, "ne_get_content_type", "ctype");
  const field = ne_get_response_header(req, "Content-Type");
  const parts = field === null ? null : parseContentType(field);
  if (parts === null) return -1;
  ctype.type = parts.type;
  ctype.subtype = parts.subtype;
  ctype.charset = parts.charset;
  ctype.value = parts.type;
  return 0;
}

/**
 * What `ne_options` found, each field 1 or 0.
 * @deprecated See `ne_options2`.
 */
export class ne_server_capabilities {
  /** WebDAV class 1. */
  dav_class1: number = 0;
  /** WebDAV class 2. */
  dav_class2: number = 0;
  /** The executable property of mod_dav. */
  dav_executable: number = 0;
}

/**
 * Fills `caps`; all fields are 0 unless the server announced them.
 * @returns as `ne_options2`.
 * @deprecated Use `ne_options2`.
 */
export async function ne_options(
  sess: ne_session,
  path: string,
  caps: ne_server_capabilities,
): Promise<number> {
  needObject(caps, "ne_options", "caps");
  const found = { value: 0 };
  const code = await askOptions(sess, path, found, "ne_options");
  caps.dav_class1 = found.value & NE_CAP_DAV_CLASS1 ? 1 : 0;
  caps.dav_class2 = found.value & NE_CAP_DAV_CLASS2 ? 1 : 0;
  caps.dav_executable = found.value & NE_CAP_MODDAV_EXEC ? 1 : 0;
  return code;
}

/** WebDAV class 1; `1` in the DAV field. */
export const NE_CAP_DAV_CLASS1 = 0x0001;
/** WebDAV class 2; `2`. */
export const NE_CAP_DAV_CLASS2 = 0x0002;
/** WebDAV class 3; `3`. */
export const NE_CAP_DAV_CLASS3 = 0x0004;
/** The executable property of mod_dav; `<http://apache.org/dav/propset/fs/1>`. */
export const NE_CAP_MODDAV_EXEC = 0x0008;
/** Access control, RFC 3744; `access-control`. */
export const NE_CAP_DAV_ACL = 0x0010;
/** DeltaV; `version-control`. */
export const NE_CAP_VER_CONTROL = 0x0020;
/** DeltaV; `checkout-in-place`. */
export const NE_CAP_CO_IN_PLACE = 0x0040;
/** DeltaV; `version-history`. */
export const NE_CAP_VER_HISTORY = 0x0080;
/** DeltaV; `workspace`. */
export const NE_CAP_WORKSPACE = 0x0100;
/** DeltaV; `update`. */
export const NE_CAP_UPDATE = 0x0200;
/** DeltaV; `label`. */
export const NE_CAP_LABEL = 0x0400;
/** DeltaV; `working-resource`. */
export const NE_CAP_WORK_RESOURCE = 0x0800;
/** DeltaV; `merge`. */
export const NE_CAP_MERGE = 0x1000;
/** DeltaV; `baseline`. */
export const NE_CAP_BASELINE = 0x2000;
/** DeltaV activities; `ne_options2` of the reference version never sets it. */
export const NE_CAP_ACTIVITY = 0x4000;
/** DeltaV; `version-controlled-collection`. */
export const NE_CAP_VC_COLLECTION = 0x8000;
/** Extended MKCOL, RFC 5689; `extended-mkcol`. */
export const NE_CAP_EXT_MKCOL = 0x10000;

const CAPABILITIES: ReadonlyMap<string, number> = new Map([
  ["1", NE_CAP_DAV_CLASS1],
  ["2", NE_CAP_DAV_CLASS2],
  ["3", NE_CAP_DAV_CLASS3],
  ["<http://apache.org/dav/propset/fs/1>", NE_CAP_MODDAV_EXEC],
  ["access-control", NE_CAP_DAV_ACL],
  ["version-control", NE_CAP_VER_CONTROL],
  ["checkout-in-place", NE_CAP_CO_IN_PLACE],
  ["version-history", NE_CAP_VER_HISTORY],
  ["workspace", NE_CAP_WORKSPACE],
  ["update", NE_CAP_UPDATE],
  ["label", NE_CAP_LABEL],
  ["working-resource", NE_CAP_WORK_RESOURCE],
  ["merge", NE_CAP_MERGE],
  ["baseline", NE_CAP_BASELINE],
  ["version-controlled-collection", NE_CAP_VC_COLLECTION],
  ["extended-mkcol", NE_CAP_EXT_MKCOL],
]);

/**
 * OPTIONS, for the capabilities in the DAV field. Tokens are compared case-sensitively.
 *
 * @example
 * ```ts
 * const caps = { value: 0 };
 * const ret = await ne_options2(sess, "/", caps);
 * if (ret === NE_OK && (caps.value & NE_CAP_DAV_CLASS2) !== 0) console.log("it has locks");
 * ```
 * @param caps receives the `NE_CAP_*` bits; left alone if the response has no DAV field.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2.
 */
export async function ne_options2(
  sess: ne_session,
  path: string,
  caps: ne_out<number>,
): Promise<number> {
  needObject(caps, "ne_options2", "caps");
  return askOptions(sess, path, caps, "ne_options2");
}

async function askOptions(
  sess: ne_session,
  path: string,
  caps: ne_out<number>,
  caller: string,
): Promise<number> {
  const req = newRequest(sess, "OPTIONS", path, caller);
  try {
    const code = await ne_request_dispatch(req);
    const field = code === NE_OK ? ne_get_response_header(req, "DAV") : null;
    if (field !== null) caps.value = capabilitiesIn(field);
    return code === NE_OK && ne_get_status(req).klass !== 2 ? failResponse(req) : code;
  } finally {
    ne_request_destroy(req);
  }
}

/** A range of bytes, both ends included. */
export class ne_content_range {
  /** The first byte. */
  start: ne_off_t = 0;
  /** The last byte; -1: to the end of the resource. */
  end: ne_off_t = 0;
  /** Not used. */
  total: ne_off_t = 0;
}

/**
 * GET of a part; the body of a 206 response is written to `fd` at its current position. `range` is
 * not filled in, whatever the response says.
 * @returns an `NE_*` code; `NE_ERROR` also if the server ignored the range (another 2xx), called it
 *   not satisfiable (416) or answered 206 with another range (the body is then not read, and the
 *   connection is closed).
 */
export async function ne_get_range(
  sess: ne_session,
  path: string,
  range: ne_content_range,
  fd: ne_fd,
): Promise<number> {
  const output = openOutput(fd, "ne_get_range");
  needObject(range, "ne_get_range", "range");
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) {
    throw misuse("ne_get_range", "start and end must be whole numbers up to 2^53-1");
  }
  const wanted = end === -1 ? `${start}-` : `${start}-${end}`;
  const req = newRequest(sess, "GET", path, "ne_get_range");
  try {
    ne_add_request_header(req, "Range", `bytes=${wanted}`);
    ne_add_request_header(req, "Accept-Ranges", "bytes");
    countBlocks(req, output);
    const expected = `bytes ${wanted}${end === -1 ? "" : "/"}`;
    const code = await repeat(req, () => readRange(sess, req, output, expected), output);
    return code === NE_OK ? judgeRange(sess, req) : code;
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * POST of a string (as UTF-8), not idempotent; the body of a 2xx response is written to `fd` at its
 * current position.
 * @returns an `NE_*` code; `NE_ERROR` if the status is not of class 2.
 */
export async function ne_post(
  sess: ne_session,
  path: string,
  fd: ne_fd,
  buffer: string,
): Promise<number> {
  const output = openOutput(fd, "ne_post");
  const body = Buffer.from(needText(buffer, "ne_post", "buffer"), "utf8");
  const req = newRequest(sess, "POST", path, "ne_post");
  try {
    ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
    ne_set_request_body_buffer(req, body);
    return await dispatchToFile(req, output);
  } finally {
    ne_request_destroy(req);
  }
}

function needDepth(depth: unknown, caller: string): void {
  if (typeof depth !== "number") throw misuse(caller, "depth must be a number");
}

function useLocks(req: ne_request, path: string, depth: number): void {
  ne_lock_using_resource(req, path, depth);
  ne_lock_using_parent(req, path);
}

function sendTo(
  sess: ne_session,
  req: ne_request,
  overwrite: number,
  dest: string,
): Promise<number> {
  useLocks(req, dest, NE_DEPTH_INFINITE);
  const short = ne_get_session_flag(sess, NE_SESSFLAG_RFC4918) > 0;
  const server = short ? "" : `${ne_get_scheme(sess)}://${ne_get_server_hostport(sess)}`;
  ne_add_request_header(req, "Destination", server + dest);
  ne_add_request_header(req, "Overwrite", overwrite ? "T" : "F");
  return ne_simple_request(sess, req);
}

// A quote that is never closed ends the list.
function capabilitiesIn(field: string): number {
  const cursor: ne_out<string | null> = { value: field };
  let found = 0;
  while (cursor.value !== null) {
    const token = ne_qtoken(cursor, ",", `"'`);
    if (token === null) break;
    found |= CAPABILITIES.get(ne_shave(token, " \r\t\n")) ?? 0;
  }
  return found;
}

// ---- responses read by hand

// Sends the request, reads its response with `read`, and starts over for as long as hooks ask.
async function repeat(
  req: ne_request,
  read: () => Promise<number>,
  output?: Output,
): Promise<number> {
  for (;;) {
    let code = await ne_begin_request(req);
    if (code === NE_OK) code = await read();
    if (code === NE_OK) code = await ne_end_request(req);
    if (code !== NE_RETRY) return code;
    const rewound = output === undefined ? NE_OK : await rewind(req, output);
    if (rewound !== NE_OK) return rewound;
  }
}

// A multistatus that comes in place of the body tells of failures (DAViCal).
async function dispatchToFile(req: ne_request, output: Output): Promise<number> {
  countBlocks(req, output);
  const watch = addOutcomeReader(req, false);
  try {
    const code = await repeat(
      req,
      () => (ne_get_status(req).klass === 2 ? writeBody(req, output) : ne_discard_response(req)),
      output,
    );
    return judgeOutcome(req, code, watch);
  } finally {
    endOutcomeReader(watch);
  }
}

function readRange(
  sess: ne_session,
  req: ne_request,
  output: Output,
  expected: string,
): Promise<number> {
  if (ne_get_status(req).code !== 206) return ne_discard_response(req);
  const range = ne_get_response_header(req, "Content-Range");
  if (range !== null && range.startsWith(expected)) return writeBody(req, output);
  ne_set_error(sess, "Response did not include requested range");
  return Promise.resolve(failResponse(req));
}

function judgeRange(sess: ne_session, req: ne_request): number {
  const { code, klass } = ne_get_status(req);
  if (code === 206) return NE_OK;
  if (code === 416) ne_set_error(sess, "Range is not satisfiable");
  else if (klass === 2) ne_set_error(sess, "Resource does not support ranged GET requests");
  return failResponse(req);
}

// In no space at all fits an empty body only.
async function readInto(
  req: ne_request,
  buf: Uint8Array,
  length: ne_out<number>,
): Promise<number> {
  if (length.value > 0) return ne_read_response_to_buffer(req, buf, length);
  const count = await ne_read_response_block(req, new Uint8Array(1));
  if (count <= 0) return count < 0 ? NE_ERROR : NE_OK;
  ne_set_error(ne_get_session(req), "Response buffer size too small");
  return NE_FAILED;
}
