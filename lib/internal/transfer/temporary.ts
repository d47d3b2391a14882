// A resource beside the target that is written in place and moved onto it when it is whole: what
// the protocols without a place of their own need, so that nobody ever sees half a file.
import { randomUUID } from "node:crypto";
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { ne_path_parent } from "../../ne_uri.js";
import { hasContent, findUploaded, inspect } from "./verify_upload.js";
import { refuseCollection } from "./collection.js";
import { checkConditions, moveCondition, overwriteField } from "./conditions.js";
import {
  sendRequest,
  hasStatus,
  isDone,
  type TransferResponse,
  type TransferRequest,
} from "./transfer_request.js";
import { BeginAnew, Unsupported, wordsOf } from "./failed_transfer.js";
import {
  sendUntilDone,
  sendUnrepeatable,
  mtimeFields,
  requireDone,
  resultOf,
  typeFields,
  urlOf,
  type Job,
  type Piece,
  type Result,
} from "./upload_job.js";

const NOTHING = Buffer.alloc(0);

/** Statuses that say "not here, not so": another protocol may do. */
const UNKNOWN = [400, 403, 404, 405, 409, 415, 501];

/** Whether the server has done it, or does not know how. */
export function isVerdict(response: TransferResponse): boolean {
  return isDone(response) || hasStatus(response, ...UNKNOWN);
}

/** A name beside a path that nobody has. */
export function nameBeside(path: string): string {
  return `${ne_path_parent(path) ?? "/"}.libneon-${randomUUID()}.part`;
}

/** Makes a resource with nothing in it, or empties the one that is there. */
export async function makeTemporary(job: Job, path: string): Promise<string> {
  const request: TransferRequest = {
    method: "PUT",
    target: path,
    fields: typeFields(job),
    body: (req) => ne_set_request_body_buffer(req, NOTHING),
    changes: [[path, NE_DEPTH_ZERO]],
  };
  const response = await sendUntilDone(job, request, isVerdict);
  if (!isDone(response)) throw new Unsupported(wordsOf(response), response);
  return path;
}

async function sizeOf(job: Job, url: string): Promise<number> {
  const { exists, size } = await inspect(job, url);
  if (!exists) throw new BeginAnew("What was begun is gone from the server");
  if (size === null) throw new Unsupported("The server does not say how much it holds");
  return size;
}

/** Sends a piece by a request that writes in place. */
export async function writePiece(
  job: Job,
  { start, length }: Piece,
  request: TransferRequest,
): Promise<number> {
  const response = await sendRequest(job.context, request);
  if (hasStatus(response, 405, 415, 501)) throw new Unsupported(wordsOf(response), response);
  // the file is gone; if the server made it again, it begins with a hole
  const isGone = hasStatus(response, 404, 409, 410, 412) || (start > 0 && hasStatus(response, 201));
  if (isGone) throw new BeginAnew("What was begun is gone from the server", response);
  requireDone(response);
  return start + length;
}

/** The bytes that are surely there: more than were confirmed only if they are the right ones. */
export async function standingOf(job: Job, url: string): Promise<number> {
  const size = await sizeOf(job, url);
  const { done } = job;
  if (size < done) throw new BeginAnew("The server has lost what was begun");
  if (size === done) return done;
  return (await hasContent(job, url, done, size - done)) ? size : done;
}

/** Puts it in the target's place. */
export async function moveIntoPlace(job: Job, url: string): Promise<Result> {
  const { path, context, conditions, source } = job;
  const size = await sizeOf(job, url);
  if (size !== (source.size ?? job.done)) {
    throw new Unsupported(`The server holds ${size} bytes in place of ${source.size ?? job.done}`);
  }
  await checkConditions(job);
  await refuseCollection(job);
  const request: TransferRequest = {
    method: "MOVE",
    target: url,
    fields: [
      ["Destination", urlOf(context, path)],
      overwriteField(conditions),
      ...mtimeFields(job),
    ],
    condition: moveCondition(job),
    changes: [
      [url, NE_DEPTH_INFINITE],
      [path, NE_DEPTH_INFINITE],
    ],
  };
  return resultOf(job, await sendUnrepeatable(job, request, () => findUploaded(job)));
}
