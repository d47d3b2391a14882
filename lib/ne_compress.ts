// ne_compress.h: gzip-compressed responses: a reader between the response and the caller's reader.
import { INFLATE_RATIO_FREE, NE_ERROR } from "./internal/base/constants.js";
import { FULL, Gunzip } from "./internal/http/gzip.js";
import {
  HandleType,
  misuse,
  needHandle,
  type ne_handle,
  type ne_request,
  type ne_session,
} from "./internal/base/handle.js";
import { reportUnreadable } from "./internal/session/failed_response.js";
import { limitsOf, methodOf } from "./internal/session/plugin_access.js";
import {
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_get_response_header,
  ne_get_session,
  type ne_accept_response,
  type ne_block_reader,
} from "./ne_request.js";
import { ne_set_error } from "./ne_session.js";
import { ne_strcasecmp } from "./ne_string.js";
import type { ne_status } from "./ne_utils.js";

/** A decompressor attached to one request. */
export interface ne_decompress extends ne_handle<"ne_decompress"> {}

interface Decompressor {
  readonly request: ne_request;
  readonly session: ne_session;
  readonly accept: ne_accept_response<unknown>;
  readonly read: ne_block_reader<unknown>;
  readonly userdata: unknown;
  /** The body under way; `null` where blocks go on as they are. */
  gunzip: Gunzip | null;
  destroyed: boolean;
}

const decompressors = new HandleType<"ne_decompress", Decompressor>("ne_decompress", (d) => {
  d.destroyed = true;
  d.gunzip = null;
});

/**
 * Adds `Accept-Encoding: gzip` and registers a reader for response bodies, which receives the body
 * decompressed if Content-Encoding is `gzip`, else as it comes. The end is an empty block, as for
 * any reader. A body that is cut off or damaged, or has a wrong check sum or length or bytes after
 * its end gives `NE_ERROR` with the session error set; so does one that exceeds the limits of
 * `nx_set_limits`. Where the response has no body (HEAD, 204, 304) there is nothing to decompress.
 * @example
 * ```ts
 * const ctx = ne_decompress_reader(req, ne_accept_2xx, (parts: Buffer[], block) => {
 *   parts.push(Buffer.from(block));
 *   return 0;
 * }, []);
 * const code = await ne_request_dispatch(req);
 * ne_decompress_destroy(ctx);
 * ```
 */
export function ne_decompress_reader<T>(
  req: ne_request,
  accpt: ne_accept_response<T>,
  rdr: ne_block_reader<T>,
  userdata?: T,
): ne_decompress {
  if (typeof accpt !== "function" || typeof rdr !== "function") {
    throw misuse("ne_decompress_reader", "acceptance callback and reader must be functions");
  }
  needHandle(req, "ne_request", "ne_decompress_reader");
  const d: Decompressor = {
    request: req,
    session: ne_get_session(req),
    accept: accpt as ne_accept_response<unknown>,
    read: rdr as ne_block_reader<unknown>,
    userdata: userdata ?? null,
    gunzip: null,
    destroyed: false,
  };
  ne_add_request_header(req, "Accept-Encoding", "gzip");
  ne_add_response_body_reader(req, accept, read, d);
  return decompressors.create(d);
}

/** Destroys the decompressor. Call it after dispatch, before the session is destroyed. */
export function ne_decompress_destroy(ctx: ne_decompress): void {
  decompressors.destroy(ctx, "ne_decompress_destroy");
}

function accept(
  d: Decompressor,
  req: ne_request,
  status: Readonly<ne_status>,
): number | Promise<number> {
  if (d.destroyed) throw misuse("ne_request_dispatch", "the ne_decompress was destroyed already");
  const coding = ne_get_response_header(req, "Content-Encoding");
  const bodyless = methodOf(req) === "HEAD" || status.code === 204 || status.code === 304;
  const compressed = coding !== null && ne_strcasecmp(coding, "gzip") === 0 && !bodyless;
  d.gunzip = compressed ? new Gunzip() : null;
  return d.accept(d.userdata, req, status);
}

function read(d: Decompressor, block: Buffer): number | Promise<number> {
  const { gunzip } = d;
  if (gunzip === null) return d.read(d.userdata, block);
  if (block.length === 0) {
    // nothing at all is an empty body
    return gunzip.isDone() || gunzip.bytesUsed() === 0
      ? d.read(d.userdata, block)
      : fail(d, "Compressed response was truncated");
  }
  gunzip.feed(block);
  return takeOutput(d, gunzip);
}

function fail(d: Decompressor, words: string): number {
  reportUnreadable(d.request);
  ne_set_error(d.session, "%s", words);
  return NE_ERROR;
}

// Delivers what comes out of the input at hand, block by block: the next one is made when the
// reader is done with the last.
function takeOutput(d: Decompressor, gunzip: Gunzip): number | Promise<number> {
  for (;;) {
    const result = gunzip.step();
    const output = gunzip.take();
    if (output.length > 0) {
      const failure = exceeded(d, gunzip);
      if (failure !== null) return fail(d, failure);
      const delivered = deliver(d, output);
      if (typeof delivered !== "number") {
        return Promise.resolve(delivered).then((code) => {
          if (code !== 0) return code;
          return result === FULL ? takeOutput(d, gunzip) : endOfInput(d, result);
        });
      }
      if (delivered !== 0) return delivered;
    }
    if (result !== FULL) return endOfInput(d, result);
  }
}

// In pieces, where the session's limits want them.
function deliver(d: Decompressor, output: Buffer): number | Promise<number> {
  const { block } = limitsOf(d.session);
  return output.length <= block ? d.read(d.userdata, output) : deliverPieces(d, output, block);
}

async function deliverPieces(d: Decompressor, output: Buffer, length: number): Promise<number> {
  for (let at = 0; at < output.length; at += length) {
    const code = await d.read(d.userdata, output.subarray(at, at + length));
    if (code !== 0) return code;
  }
  return 0;
}

function endOfInput(d: Decompressor, result: number | string): number {
  return typeof result === "string" ? fail(d, result) : 0;
}

// The limits of nx_set_limits. A small body of one repeated byte is honest.
function exceeded(d: Decompressor, gunzip: Gunzip): string | null {
  const { body, inflate_ratio: ratio } = limitsOf(d.session);
  if (gunzip.bytesOut > body) return "Response body exceeds the limit";
  const small = gunzip.bytesOut <= INFLATE_RATIO_FREE;
  return small || gunzip.bytesOut <= gunzip.bytesUsed() * ratio
    ? null
    : "Compressed response grows beyond the limit";
}
