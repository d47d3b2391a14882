// The upload protocol "put": one PUT of the whole file.
import { NE_DEPTH_ZERO } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import type { OutgoingBody } from "../script/request_body.js";
import { isStrong, findUploaded, inspect } from "./verify_upload.js";
import { hasConditions, putConditions } from "./conditions.js";
import { sendRequest, hasStatus, isDone, type TransferRequest } from "./transfer_request.js";
import { BeginAnew, checkSignal, refused, Unsupported, wordsOf } from "./failed_transfer.js";
import {
  mtimeFields,
  resultOf,
  progressFrom,
  typeFields,
  type Job,
  type Result,
} from "./upload_job.js";
import { isLost, Tries } from "./retries.js";

/** Bodies up to this size are sent without asking: to send one again costs nothing. */
export const UNASKED_BODY = 64 * 1024;

/** Sessions whose server has taken a body, so that no login is to be expected. */
const settled = new WeakSet<ne_session>();

/**
 * Puts the whole source in the target's place. Where a login may be asked for, the server is asked
 * before the body goes out. Once a response has been lost, the file on the server is looked at
 * before anything is repeated, and before it is given up.
 */
export async function putWhole(job: Job): Promise<Result> {
  const { context, source } = job;
  const tries = new Tries(context, job.retries);
  let mayExpect = source.size === null || source.size > UNASKED_BODY;
  let wasLost = false;
  for (;;) {
    const expect = mayExpect && !settled.has(context.sess);
    const response = await sendRequest(context, { ...callOf(job), expect });
    if (response.challenged || isDone(response)) settled.add(context.sess);
    if (isDone(response)) return resultOf(job, { response });
    if (expect && hasStatus(response, 417)) {
      mayExpect = false;
      continue;
    }
    wasLost ||= isLost(response);
    if (!(await source.isUnchanged())) throw new BeginAnew("The source has changed", response);
    const isHopeful = await tries.may(response);
    const found = wasLost ? await findUploaded(job) : null;
    if (found !== null) return resultOf(job, { found });
    if (isHopeful) continue;
    if (hasStatus(response, 405, 501)) throw new Unsupported(wordsOf(response), response);
    throw refused(response);
  }
}

function callOf(job: Job): TransferRequest {
  const { path, source, conditions } = job;
  return {
    method: "PUT",
    target: path,
    fields: [...putConditions(conditions), ...typeFields(job), ...mtimeFields(job)],
    body: (req) => source.give(req, 0, source.size, progressFrom(job, 0)),
    changes: [[path, NE_DEPTH_ZERO]],
  };
}

/** What a PUT of a body that the caller made is about. */
export interface Put
  extends Pick<Job, "context" | "path" | "conditions" | "contentType" | "mtime" | "progress"> {
  readonly body: OutgoingBody;
  /** The body is gone once it has been sent. */
  readonly isSingleUse: boolean;
}

/** Puts a body in the target's place. */
export async function putBody(put: Put): Promise<Result> {
  const { context, body, isSingleUse } = put;
  let expect = isSingleUse && !settled.has(context.sess);
  let mayRepeat = hasConditions(put.conditions) && !isSingleUse;
  for (;;) {
    const response = await sendRequest(context, { ...bodyCall(put), expect });
    if (response.challenged || isDone(response)) settled.add(context.sess);
    if (isDone(response)) return resultOf(put, { response });
    if (expect && hasStatus(response, 417) && body.isRepeatable()) {
      expect = false;
      continue;
    }
    if (!mayRepeat || !isLost(response) || !(await isUntouched(put))) throw refused(response);
    mayRepeat = false;
  }
}

function bodyCall(put: Put): TransferRequest {
  const { path, context, conditions, body, progress, contentType } = put;
  const hasType = context.fields.some(([name]) => /^content-type$/i.test(name));
  const type = contentType ?? (hasType ? null : body.type);
  const fields = [...typeFields({ contentType: type }), ...mtimeFields(put)];
  return {
    method: "PUT",
    target: path,
    fields: [...putConditions(conditions), ...fields],
    body: (req) => body.give(req, progress),
    changes: [[path, NE_DEPTH_ZERO]],
    // where there is a condition, a second PUT may find the first one in its way
    harmless: !hasConditions(conditions),
  };
}

// Whether the resource is still the one that the condition names.
async function isUntouched({ context, path, conditions }: Put): Promise<boolean> {
  checkSignal(context);
  const { exists, etag } = await inspect({ context, retries: 0 }, path);
  if (conditions.noneMatch === "*") return !exists;
  return etag !== null && isStrong(etag) && etag === conditions.match;
}
