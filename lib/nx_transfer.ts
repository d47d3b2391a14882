// Files to and from a server, whole: conditions, progress, resuming, and uploads that survive the
// connection, the server and the program itself. Memory stays flat whatever the size.
import type { FileHandle } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { needText } from "./internal/base/arguments.js";
import { readOptions } from "./internal/base/call_options.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { checkPath } from "./internal/resources/needs.js";
import type { nx_headers } from "./internal/script/header_list.js";
import { readBody, type nx_progress_fn } from "./internal/script/request_body.js";
import { sessions } from "./internal/session/session.js";
import { isStrong } from "./internal/transfer/check.js";
import { download } from "./internal/transfer/download.js";
import { toCaller } from "./internal/transfer/failed_transfer.js";
import { urlOf, type Job } from "./internal/transfer/job.js";
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

/** What to put, and on which conditions. */
export interface nx_put_options {
  /**
   * send only if the resource has this ETag (`*`: any). If not, the call ends with an `nx_error` of
   * status 412. It holds for every protocol: on a final MOVE as a tagged `If` on the destination;
   * it is also looked at before an upload in pieces is begun, and again at its end
   */
  if_match?: string;
  /** send only if there is no resource yet (`*`), or none with this ETag; as `if_match` */
  if_none_match?: string;
  /** the Content-Type of the file */
  content_type?: string;
  /** bytes, for a body that cannot tell; left out, it is sent in chunks */
  length?: number;
  /** when the file was modified, for servers that know X-OC-Mtime */
  mtime?: Date;
  /** header fields to add to each request */
  headers?: nx_headers;
  /** told how far it is */
  progress?: nx_progress_fn;
  /** breaks the transfer off; its reason is the `cause` of the `nx_error` */
  signal?: AbortSignal | undefined;
}

/** What the server made of it. */
export interface nx_put_result {
  /** whether there was no such resource before, as the answer says */
  readonly created: boolean;
  /** the ETag of the answer, `null` where none came */
  readonly etag: string | null;
}

/** Where an upload stands: plain data, to be stored by the program and given again. */
export interface nx_upload_state {
  /** how it is uploaded */
  readonly protocol: "put" | "nextcloud" | "tus" | "sabre-patch" | "content-range";
  /** the path that the file will have */
  readonly path: string;
  /** the path where its pieces go */
  readonly url: string;
  /** bytes of the whole, `null` where that is unknown */
  readonly size: number | null;
  /** bytes that the server has */
  readonly done: number;
  /** fingerprint of the source (size, time, first bytes): one that changed starts over */
  readonly source: string;
}

/** How to upload. */
export interface nx_upload_options extends nx_put_options {
  /**
   * `auto` (default) asks the server with OPTIONS and takes the best that it has; `put` is one
   * request
   */
  protocol?: "auto" | nx_upload_state["protocol"];
  /**
   * bytes a piece (default: 10 MiB, then four times as many as long as a piece takes less than a
   * second, up to 1 GiB; after a failure 10 MiB again); larger where a protocol's greatest number
   * of pieces would not do; may differ on resuming
   */
  chunk?: number;
  /** an earlier state to go on from */
  resume?: nx_upload_state | null;
  /**
   * called whenever the state changes, to store it; a promise holds the next piece back, what it
   * throws ends the upload and is thrown
   */
  onstate?: (state: nx_upload_state) => void | Promise<void>;
  /**
   * how often a piece is tried again (default 3): after broken connections, 408, 429 and 5xx but
   * 501, 505, 507
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
 * Puts a body of any form that `nx_send` takes, by one PUT. A body that cannot be sent twice is
 * sent once the server has agreed to take it (Expect), so a login does not cost it. A PUT with a
 * condition that got no answer is sent again only where the server still has what it had.
 * @param path of the file, already escaped
 * @throws `nx_error` where it fails, 412 for a condition that does not hold.
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
    throw toCaller(sending.line, error, target, 0);
  } finally {
    outgoing.release();
  }
}

/**
 * Uploads a file, or another body that can be read again from any place, and does not give up
 * easily: interrupted pieces are sent again, after growing pauses or as Retry-After says. After it,
 * the file on the server is whole, or the one before it is still there.
 *
 * - An upload whose answer was lost is looked at before anything is sent twice. Whether it was a
 *   success is decided by the content on the server, never by its size.
 * - Where a login may be asked for, the server is asked before the body goes out.
 * - `sabre-patch` and `content-range` write in place, so they write to a name beside the file
 *   (`.libneon-….part`) and MOVE it. `auto` takes `content-range` only where such a resource has
 *   proven it. `nextcloud` is chunked upload v2, `tus` is tus 1.0 with creation, at the path's
 *   collection. A protocol that fails as unsupported yields to the next.
 * - What was begun is removed when a condition fails and when the upload starts over. Where the
 *   upload ends otherwise, it stays for those who have its state (`onstate`).
 *
 * @param path of the file, already escaped
 * @param source the name of a file, a `FileHandle` (which stays open), bytes, or a function that
 *   gives the content from a place on
 * @throws `nx_error`: the answer that was the failure, or the system's error as its `cause`; `done`
 *   is how many bytes the server has. `TypeError` for a state of another path or version.
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
    opened = await openSource(settings.line, given, length < 0 ? null : length);
    const isKept = state !== null || settings.onstate !== null;
    const fingerprint = isKept ? await opened.fingerprint() : "";
    job = { ...settings, source: opened, fingerprint, done: 0 };
    return Object.freeze(await upload(job, wanted, state));
  } catch (error) {
    throw toCaller(settings.line, error, target, job?.done ?? 0);
  } finally {
    await opened?.close();
  }
}

/** How to download. */
export interface nx_download_options {
  /**
   * go on where `NAME.part` (or the descriptor's file) ends: asks for the rest under If-Range with
   * `etag`, or the one kept with the part; without a strong ETag, and where the resource has
   * changed, it starts over
   */
  resume?: boolean;
  /** the ETag of the resource that the part is of */
  etag?: string;
  /**
   * how often to go on after a broken connection (default 3), with growing pauses and Retry-After
   */
  retries?: number;
  /** told how far it is */
  progress?: nx_progress_fn;
  /** breaks the transfer off; its reason is the `cause` of the `nx_error` */
  signal?: AbortSignal | undefined;
}

/** What came of a download. */
export interface nx_download_result {
  /** size of the whole resource, in bytes */
  readonly bytes: number;
  /** how many of them were there before */
  readonly resumed_at: number;
  /** the ETag of the resource, `null` where none came */
  readonly etag: string | null;
  /** when it was modified, `null` where that was not said */
  readonly modified: Date | null;
}

const DOWNLOAD_OPTIONS = new Set<keyof nx_download_options>([
  ...(["resume", "etag", "retries", "progress", "signal"] as const),
]);

/**
 * Downloads into a file (its name, a descriptor, a `FileHandle`) or a stream.
 *
 * A file by name is written beside it, as `NAME.part`, and renamed when it is whole, verified and
 * on the disk; the permissions of the old file are kept. A failure leaves the old file; the part is
 * kept only with `resume` (its ETag beside it, in `NAME.part.etag`). A descriptor or handle is
 * written from 0 and cut to size. A Writable is ended, or destroyed with the failure; where the
 * resource changes midway it fails, since what was written cannot be taken back.
 *
 * Identity coding is asked for; a body that comes in a coding all the same is decoded, and never
 * gone on with. Verified are the length and the digests that the server gives (Repr-Digest, Digest,
 * Content-Digest, Content-MD5).
 * @param path of the resource, already escaped
 * @throws `nx_error`: the answer that was the failure, or the system's error as its `cause`; `done`
 *   is how many bytes the target has.
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
    line: { sess, signal: readSignal(own.signal, caller), fields: [] },
    path,
    retries: readCount(own.retries, { name: "retries", least: 0, usual: USUAL_RETRIES }, caller),
    progress: readCallback(own.progress, "progress", caller),
  };
  const resumes = own.resume === true;
  let target: Target | null = null;
  try {
    target = await openTarget(settings.line, to, urlOf(settings.line, path), resumes, caller);
    const kept = resumes && target.at > 0 ? ((await target.keptTag?.()) ?? null) : null;
    // a part that is known to be of another version is not the caller's
    const isOther = given !== null && kept !== null && given !== kept;
    const known = resumes && target.at > 0 && !isOther ? (given ?? kept) : null;
    const etag = known !== null && isStrong(known) ? known : null;
    const result = await download({ ...settings, target, etag });
    await target.finish();
    return Object.freeze(result);
  } catch (error) {
    const failure = toCaller(settings.line, error, path, target?.at ?? 0);
    await target?.fail(failure);
    throw failure;
  }
}

// What nx_put and nx_upload have in common.
function readSending(sess: ne_session, own: nx_put_options, caller: string): Sending {
  return {
    line: {
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

type Sending = Pick<Job, "line" | "conditions" | "contentType" | "mtime" | "progress">;

function readPath(path: string, caller: string): string {
  needText(path, caller, "the path");
  checkPath(path, caller);
  if (!path.startsWith("/")) throw misuse(caller, "the path must begin with a slash");
  if (/[/?#]$/.test(path)) throw misuse(caller, "the path must be a file's");
  return path;
}
