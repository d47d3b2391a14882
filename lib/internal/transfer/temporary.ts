// A resource beside the target that is written in place and moved onto it when it is whole: what
// the protocols without a place of their own need, so that nobody ever sees half a file.
import { randomUUID } from "node:crypto";
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { ne_path_parent } from "../../ne_uri.js";
import { hasContent, landed, look } from "./verify_upload.js";
import { refuseCollection } from "./collection.js";
import { checkConditions, moveCondition, overwriteField } from "./conditions.js";
import { exchange, hasStatus, isDone, type Answer, type Call } from "./transfer_request.js";
import { BeginAnew, Unsupported, wordsOf } from "./failed_transfer.js";
import {
  insist,
  insistOnce,
  mtimeFields,
  must,
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
export function isVerdict(answer: Answer): boolean {
  return isDone(answer) || hasStatus(answer, ...UNKNOWN);
}

/** A name beside a path that nobody has. */
export function nameBeside(path: string): string {
  return `${ne_path_parent(path) ?? "/"}.libneon-${randomUUID()}.part`;
}

/** Makes a resource with nothing in it, or empties the one that is there. */
export async function makeTemporary(job: Job, path: string): Promise<string> {
  const call: Call = {
    method: "PUT",
    target: path,
    fields: typeFields(job),
    body: (req) => ne_set_request_body_buffer(req, NOTHING),
    changes: [[path, NE_DEPTH_ZERO]],
  };
  const answer = await insist(job, call, isVerdict);
  if (!isDone(answer)) throw new Unsupported(wordsOf(answer), answer);
  return path;
}

async function sizeOf(job: Job, url: string): Promise<number> {
  const { exists, size } = await look(job, url);
  if (!exists) throw new BeginAnew("What was begun is gone from the server");
  if (size === null) throw new Unsupported("The server does not say how much it holds");
  return size;
}

/** Sends a piece by a request that writes in place. */
export async function writePiece(job: Job, { start, length }: Piece, call: Call): Promise<number> {
  const answer = await exchange(job.line, call);
  if (hasStatus(answer, 405, 415, 501)) throw new Unsupported(wordsOf(answer), answer);
  // the file is gone; if the server made it again, it begins with a hole
  const isGone = hasStatus(answer, 404, 409, 410, 412) || (start > 0 && hasStatus(answer, 201));
  if (isGone) throw new BeginAnew("What was begun is gone from the server", answer);
  must(answer);
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
  const { path, line, conditions, source } = job;
  const size = await sizeOf(job, url);
  if (size !== (source.size ?? job.done)) {
    throw new Unsupported(`The server holds ${size} bytes in place of ${source.size ?? job.done}`);
  }
  await checkConditions(job);
  await refuseCollection(job);
  const call: Call = {
    method: "MOVE",
    target: url,
    fields: [
      ["Destination", urlOf(line, path)],
      overwriteField(conditions),
      ...mtimeFields(job),
    ],
    condition: moveCondition(job),
    changes: [
      [url, NE_DEPTH_INFINITE],
      [path, NE_DEPTH_INFINITE],
    ],
  };
  return resultOf(job, await insistOnce(job, call, () => landed(job)));
}
