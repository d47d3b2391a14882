// Whether a file on the server is the one that was sent, by comparing the content. An equal size
// proves nothing; a different size proves that it is another file.
import { NE_ERROR, NE_OK, NE_RETRY } from "../base/constants.js";
import { asBuffer } from "../base/bytes.js";
import type { ne_request } from "../base/handle.js";
import {
  ne_add_request_header,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_response_header,
  ne_get_status,
  ne_read_response_block,
  ne_request_create,
  ne_request_destroy,
} from "../../ne_request.js";
import { nx_set_request_signal } from "../../nx_session.js";
import { addField } from "../script/header_list.js";
import {
  responseOf,
  fieldOf,
  hasStatus,
  isDone,
  resultOf,
  type TransferResponse,
  type Field,
} from "./transfer_request.js";
import { sendUntilDone, type Job, type Retrying } from "./upload_job.js";
import { Tries } from "./retries.js";
import type { Source } from "./source.js";

/** Content as it is, without a coding. */
export const IDENTITY: Field = ["Accept-Encoding", "identity"];
const BLOCK = 64 * 1024;

/** What is known of a resource. */
export interface RemoteFile {
  readonly exists: boolean;
  readonly etag: string | null;
  readonly size: number | null;
}

/** Looks at a resource. Throws where that cannot be found out. */
export async function inspect(retrying: Retrying, path: string): Promise<RemoteFile> {
  const response = await sendUntilDone(
    retrying,
    { method: "HEAD", target: path, fields: [IDENTITY] },
    (response) => isDone(response) || hasStatus(response, 404, 410),
  );
  const exists = isDone(response);
  const length = exists ? fieldOf(response, "content-length") : null;
  const size = length !== null && /^\d+$/.test(length) ? Number(length) : null;
  return { exists, etag: exists ? fieldOf(response, "etag") : null, size };
}

/** Looks whether the file has the content of the source. @returns what is known of it, if so */
export async function findUploaded(job: Job): Promise<RemoteFile | null> {
  const { source, path, conditions } = job;
  const seen = await inspect(job, path);
  if (!seen.exists) return null;
  if (seen.size !== null && source.size !== null && seen.size !== source.size) return null;
  if (seen.etag !== null && isStrong(seen.etag) && seen.etag === conditions.match) return null;
  return (await hasContent(job, path, 0, source.size)) ? seen : null;
}

/** Whether an entity tag is a strong one. */
export function isStrong(etag: string): boolean {
  return /^"[^"]*"$/.test(etag);
}

/** Whether what the server has from a place on is what the source has there. */
export async function hasContent(
  job: Job,
  path: string,
  start: number,
  length: number | null,
): Promise<boolean> {
  const tries = new Tries(job.context, job.retries);
  for (;;) {
    const verdict = await compare(job, path, start, length);
    if (typeof verdict === "boolean") return verdict;
    await tries.again(verdict);
  }
}

// Whether it is the same, or why that could not be found out.
async function compare(
  { context, source }: Job,
  path: string,
  start: number,
  length: number | null,
): Promise<boolean | TransferResponse> {
  const request = { method: "GET", target: path };
  const req = ne_request_create(context.sess, request.method, path);
  try {
    nx_set_request_signal(req, context.signal);
    for (const field of [...context.fields, IDENTITY]) addField(req, field);
    const end = length === null ? "" : start + length - 1;
    if (start > 0) ne_add_request_header(req, "Range", `bytes=${start}-${end}`);
    for (;;) {
      const begun = await ne_begin_request(req);
      if (begun !== NE_OK) return resultOf(context, request, begun);
      if (ne_get_status(req).klass === 2) break;
      const code = await drain(req);
      if (code === NE_RETRY) continue;
      const response = responseOf(context, request, code, req);
      return hasStatus(response, 404, 410, 416) ? false : response;
    }
    if (start > 0 && !isRange(req, start)) return false;
    const same = await isSame(req, source, start, length);
    return same ?? resultOf(context, request, NE_ERROR);
  } finally {
    ne_request_destroy(req);
  }
}

async function drain(req: ne_request): Promise<number> {
  const read = await ne_discard_response(req);
  return read === NE_OK ? ne_end_request(req) : read;
}

function isRange(req: ne_request, start: number): boolean {
  const range = ne_get_response_header(req, "Content-Range") ?? "";
  return ne_get_status(req).code === 206 && new RegExp(`^bytes ${start}-`, "i").test(range);
}

// `null` where the response breaks off.
async function isSame(
  req: ne_request,
  source: Source,
  start: number,
  length: number | null,
): Promise<boolean | null> {
  if ((ne_get_response_header(req, "Content-Encoding") ?? "identity") !== "identity") return false;
  const block = Buffer.allocUnsafe(BLOCK);
  let theirs = Buffer.alloc(0);
  let left = length ?? Infinity;
  const more = async (): Promise<number> => {
    const count = await ne_read_response_block(req, block);
    theirs = block.subarray(0, Math.max(count, 0));
    return count;
  };
  for await (const bytes of source.read(start)) {
    let ours = asBuffer(bytes).subarray(0, left);
    left -= ours.length;
    while (ours.length > 0) {
      if (theirs.length === 0) {
        const count = await more();
        if (count <= 0) return count === 0 ? false : null;
      }
      const count = Math.min(ours.length, theirs.length);
      if (ours.compare(theirs, 0, count, 0, count) !== 0) return false;
      ours = ours.subarray(count);
      theirs = theirs.subarray(count);
    }
    if (left === 0) break;
  }
  if (theirs.length > 0) return false;
  const behind = await more();
  if (behind !== 0) return behind > 0 ? false : null;
  return (await ne_end_request(req)) === NE_OK ? true : null;
}
