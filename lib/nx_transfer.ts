// Uploads and downloads of whole files: conditions, progress, and resuming after broken connections
// and restarts of the program. Memory stays flat, whatever the size.
import type { FileHandle } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { needText } from "./internal/base/arguments.js";
import { readOptions } from "./internal/base/call_options.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { checkPath } from "./internal/resources/argument_checks.js";
import type { nx_headers } from "./internal/script/header_list.js";
import { readBody, type nx_progress_fn } from "./internal/script/request_body.js";
import { sessions } from "./internal/session/session.js";
import { isStrong } from "./internal/transfer/verify_upload.js";
import { download } from "./internal/transfer/download.js";
import { toCaller } from "./internal/transfer/failed_transfer.js";
import { urlOf, type Job } from "./internal/transfer/upload_job.js";
import { openTarget } from "./internal/transfer/open_target.js";
import { putBody } from "./internal/transfer/put.js";
import {
  readCallback,
  readConditions,
  readCount,
  readDate,
  readFieldValue,
  readHeaders,
  readProtocol,
  readSignal,
  readSource,
  readState,
} from "./internal/transfer/options.js";
import { openSource, type Source } from "./internal/transfer/source.js";
import type { Target } from "./internal/transfer/target.js";
import { upload } from "./internal/transfer/upload.js";
import type { nx_body } from "./nx_script.js";

export type { nx_headers, nx_progress_fn };

/** How to send a file. */
export interface nx_put_options {
  /**
   * send only if the resource has this ETag (`*`: any), else fail with an `nx_error` of status 412.
   * An upload in pieces checks it before it begins, and again at its end (on a final MOVE, with an
   * `If` field for the destination)
   */
  if_match?: string;
  /** send only if there is no resource (`*`), or none with this ETag; checked as `if_match` */
  if_none_match?: string;
  /** the Content-Type of the file */
  content_type?: string;
  /** bytes, for a body of unknown length, which is otherwise sent in chunks */
  length?: number;
  /** when the file was modified, for servers that know X-OC-Mtime */
  mtime?: Date;
  /** header fields to add to each request */
  headers?: nx_headers;
  /** called with the bytes done and the total (`null` if unknown) */
  progress?: nx_progress_fn;
  /** aborts the transfer; its reason is the `cause` of the `nx_error` */
  signal?: AbortSignal | undefined;
}

/** The outcome. */
export interface nx_put_result {
  /** whether the resource is new, according to the response */
  readonly created: boolean;
  /** the ETag of the response, or `null` */
  readonly etag: string | null;
}

/** The state of an upload: plain data for the program to store, and to pass as `resume`. */
export interface nx_upload_state {
  /** the protocol */
  readonly protocol: "put" | "nextcloud" | "tus" | "sabre-patch" | "content-range";
  /** the path of the file */
  readonly path: string;
  /** the path of its pieces */
  readonly url: string;
  /** size of the file in bytes, `null` if unknown */
  readonly size: number | null;
  /** bytes that the server has */
  readonly done: number;
  /** fingerprint of the source (size, time, first bytes): if it changes, the upload starts over */
  readonly source: string;
}

/** How to upload. */
export interface nx_upload_options extends nx_put_options {
  /**
   * `auto` (default) asks the server with OPTIONS and uses the best protocol that it supports;
   * `put` is a single request
   */
  protocol?: "auto" | nx_upload_state["protocol"];
  /**
   * bytes per piece (default: 10 MiB, then four times as many while a piece takes less than a
   * second, up to 1 GiB; after a failure 10 MiB again). Raised if the protocol's maximum number of
   * pieces requires it; may differ when resuming
   */
  chunk?: number;
  /** an earlier state to continue from; `null` starts a new upload */
  resume?: nx_upload_state | null;
  /**
   * called whenever the state changes, to store it. If it returns a promise, the next piece waits;
   * if it throws, the upload ends with that error
   */
  onstate?: (state: nx_upload_state) => void | Promise<void>;
  /**
   * how often a piece is tried again (default 3): after broken connections, 408, 429 and 5xx
   * (except 501, 505 and 507)
   */
  retries?: number;
}

const PUT_OPTIONS = new Set<keyof nx_put_options>([
  ...(["if_match", "if_none_match", "content_type", "length", "mtime"] as const),
  ...(["headers", "progress", "signal"] as const),
]);

const UPLOAD_OPTIONS = new Set<keyof nx_upload_options>([
  ...PUT_OPTIONS,
  ...(["protocol", "chunk", "resume", "onstate", "retries"] as const),
]);

const USUAL_CHUNK = 10 * 1024 * 1024;
const USUAL_RETRIES = 3;

/**
 * Sends a body, in any form that `nx_send` takes, with one PUT. A body that cannot be sent twice is
 * sent only after the server has agreed to take it (`Expect`), so a login does not use it up. A
 * conditional PUT without a response is repeated only if the server still has the old version.
 * @param path of the file, escaped
 * @throws `nx_error` if it fails; its status is 412 if a condition does not hold
 * @example
 * ```ts
 * const { etag } = await nx_put(sess, "/notes/a.txt", "text", { if_none_match: "*" });
 * await nx_put(sess, "/notes/a.txt", "more", { if_match: etag ?? "*" });
 * ```
 */
export async function nx_put(
  sess: ne_session,
  path: string,
  body: nx_body,
  options: nx_put_options = {},
): Promise<nx_put_result> {
  const caller = "nx_put";
  sessions.open(sess, caller);
  const target = readPath(path, caller);
  const own = readOptions(options, PUT_OPTIONS, caller);
  const length = readCount(own.length, { name: "length", least: 0, usual: -1 }, caller);
  const sending = readSending(sess, own, caller);
  const outgoing = readBody(body, length, caller);
  const isSingleUse = typeof body === "object" && Symbol.asyncIterator in body;
  try {
    return Object.freeze(await putBody({ ...sending, path: target, body: outgoing, isSingleUse }));
  } catch (error) {
    throw toCaller(sending.context, error, target, 0);
  } finally {
    outgoing.release();
  }
}

/**
 * Uploads a file, or another source that can be read from any offset. Interrupted pieces are sent
 * again, after growing pauses or as Retry-After says. Afterwards the file on the server is whole,
 * or the old one is still there.
 *
 * - If a response was lost, the server is asked what it has before anything is sent twice. Whether
 *   the file has arrived is decided by its content, never by its size.
 * - If the server may ask for a login, it does so before the body is sent.
 * - `sabre-patch` and `content-range` write to a name beside the file (`.libneon-….part`) and MOVE
 *   it. `auto` uses `content-range` only after a test beside the file has succeeded. `nextcloud` is
 *   chunked upload v2; `tus` is tus 1.0 with creation, at the path's collection. If a protocol
 *   turns out not to be supported, the next one is tried.
 * - A partial upload is removed when a condition fails and when the upload starts over. After other
 *   failures it stays if there is an `onstate`, so that it can be resumed.
 *
 * @param path of the file, escaped
 * @param source the name of a file, a `FileHandle` (which stays open), bytes, or a function that
 *   returns the content from an offset on
 * @throws `nx_error` with the failing response, or the system's error as its `cause`; `done` is the
 *   number of bytes that the server has. `TypeError` for a state of another path or version.
 * @example
 * ```ts
 * let state = load();
 * await nx_upload(sess, "/dav/big.iso", "big.iso", {
 *   resume: state,
 *   onstate: (next) => save((state = next)),
 *   progress: (done, total) => draw(done, total),
 * });
 * ```
 */
export async function nx_upload(
  sess: ne_session,
  path: string,
  source:
    | string
    | FileHandle
    | Uint8Array
    | ((start: number) => Readable | AsyncIterable<Uint8Array>),
  options: nx_upload_options = {},
): Promise<nx_put_result> {
  const caller = "nx_upload";
  sessions.open(sess, caller);
  const target = readPath(path, caller);
  const given = readSource(source, caller);
  const own = readOptions(options, UPLOAD_OPTIONS, caller);
  const wanted = readProtocol(own.protocol, caller);
  const state = readState(own.resume, target, wanted, caller);
  const length = readCount(own.length, { name: "length", least: 0, usual: -1 }, caller);
  const settings = {
    ...readSending(sess, own, caller),
    path: target,
    onstate: readCallback(own.onstate, "onstate", caller),
    chunk: readCount(own.chunk, { name: "chunk", least: 1, usual: USUAL_CHUNK }, caller),
    chunkGrows: own.chunk === undefined,
    retries: readCount(own.retries, { name: "retries", least: 0, usual: USUAL_RETRIES }, caller),
  };
  let opened: Source | null = null;
  let job: Job | null = null;
  try {
    opened = await openSource(settings.context, given, length < 0 ? null : length);
    const isKept = state !== null || settings.onstate !== null;
    const fingerprint = isKept ? await opened.fingerprint() : "";
    job = { ...settings, source: opened, fingerprint, done: 0 };
    return Object.freeze(await upload(job, wanted, state));
  } catch (error) {
    throw toCaller(settings.context, error, target, job?.done ?? 0);
  } finally {
    await opened?.close();
  }
}

/** How to download. */
export interface nx_download_options {
  /**
   * continue where `NAME.part` (or the descriptor's file) ends: requests the rest under If-Range,
   * with `etag` or the one kept with the part. Without a strong ETag, or if the resource has
   * changed, the download starts over
   */
  resume?: boolean;
  /** the ETag of the resource that the part belongs to */
  etag?: string;
  /**
   * how often to continue after a broken connection (default 3), with growing pauses or as
   * Retry-After says
   */
  retries?: number;
  /** called with the bytes done and the total (`null` if unknown) */
  progress?: nx_progress_fn;
  /** aborts the transfer; its reason is the `cause` of the `nx_error` */
  signal?: AbortSignal | undefined;
}

/** The outcome of a download. */
export interface nx_download_result {
  /** size of the whole resource, in bytes */
  readonly bytes: number;
  /** how many of them were in the part already */
  readonly resumed_at: number;
  /** the ETag of the resource, or `null` */
  readonly etag: string | null;
  /** when it was modified, or `null` if the server did not say */
  readonly modified: Date | null;
}

const DOWNLOAD_OPTIONS = new Set<keyof nx_download_options>([
  ...(["resume", "etag", "retries", "progress", "signal"] as const),
]);

/**
 * Downloads into a file (its name, a descriptor, a `FileHandle`) or a stream.
 *
 * A named file is written as `NAME.part` beside it, and renamed when it is whole, verified and on
 * the disk; the permissions of the old file are kept. A failure leaves the old file as it was; the
 * part is kept only with `resume` (its ETag in `NAME.part.etag`). A descriptor or handle is written
 * from offset 0 and truncated to size. A Writable is ended, or destroyed with the error; if the
 * resource changes midway it fails, since data in a stream cannot be taken back.
 *
 * The request asks for content without encoding. If it is encoded anyway, it is decoded, and cannot
 * be resumed. The length and the digests that the server sends are verified (Repr-Digest, Digest,
 * Content-Digest, Content-MD5).
 * @param path of the resource, escaped
 * @throws `nx_error` with the failing response, or the system's error as its `cause`; `done` is the
 *   number of bytes that the target has.
 * @example
 * ```ts
 * await nx_download(sess, "/dav/big.iso", "big.iso", { resume: true });
 * ```
 */
export async function nx_download(
  sess: ne_session,
  path: string,
  to: string | number | FileHandle | Writable,
  options: nx_download_options = {},
): Promise<nx_download_result> {
  const caller = "nx_download";
  sessions.open(sess, caller);
  needText(path, caller, "the path");
  checkPath(path, caller);
  const own = readOptions(options, DOWNLOAD_OPTIONS, caller);
  const given = readFieldValue(own.etag, "etag", caller);
  const settings = {
    context: { sess, signal: readSignal(own.signal, caller), fields: [] },
    path,
    retries: readCount(own.retries, { name: "retries", least: 0, usual: USUAL_RETRIES }, caller),
    progress: readCallback(own.progress, "progress", caller),
  };
  const resumes = own.resume === true;
  let target: Target | null = null;
  try {
    target = await openTarget(settings.context, to, urlOf(settings.context, path), resumes, caller);
    const kept = resumes && target.at > 0 ? ((await target.keptTag?.()) ?? null) : null;
    // a part that is known to be of another version is not the caller's
    const isOther = given !== null && kept !== null && given !== kept;
    const known = resumes && target.at > 0 && !isOther ? (given ?? kept) : null;
    const etag = known !== null && isStrong(known) ? known : null;
    const result = await download({ ...settings, target, etag });
    await target.finish();
    return Object.freeze(result);
  } catch (error) {
    const failure = toCaller(settings.context, error, path, target?.at ?? 0);
    await target?.fail(failure);
    throw failure;
  }
}

// What nx_put and nx_upload have in common.
function readSending(sess: ne_session, own: nx_put_options, caller: string): Sending {
  return {
    context: {
      sess,
      signal: readSignal(own.signal, caller),
      fields: readHeaders(own.headers, caller),
    },
    conditions: readConditions(own.if_match, own.if_none_match, caller),
    contentType: readFieldValue(own.content_type, "content_type", caller),
    mtime: readDate(own.mtime, "mtime", caller),
    progress: readCallback(own.progress, "progress", caller),
  };
}

type Sending = Pick<Job, "context" | "conditions" | "contentType" | "mtime" | "progress">;

function readPath(path: string, caller: string): string {
  needText(path, caller, "the path");
  checkPath(path, caller);
  if (!path.startsWith("/")) throw misuse(caller, "the path must begin with a slash");
  if (/[/?#]$/.test(path)) throw misuse(caller, "the path must be a file's");
  return path;
}
