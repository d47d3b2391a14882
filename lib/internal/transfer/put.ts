// One PUT of the whole file.
import { NE_DEPTH_ZERO } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { landed } from "./check.js";
import { putConditions } from "./conditions.js";
import { exchange, hasStatus, isDone, type Call } from "./exchange.js";
import { Unsupported, refused, wordsOf } from "./failure.js";
import { mtimeFields, resultOf, toldOf, typeFields, type Job, type Result } from "./job.js";
import { isLost, Tries } from "./pauses.js";

/** Bodies up to this size are sent without asking: to send one again costs nothing. */
const UNASKED = 64 * 1024;

/** Sessions whose server has taken a body, so that no login is to be expected. */
const settled = new WeakSet<ne_session>();

/**
 * Puts the whole source in the target's place. Where a login may be asked for, the server is asked
 * before the body goes out. Once an answer has been lost, the file on the server is looked at
 * before anything is repeated, and before it is given up.
 */
export async function putWhole(job: Job): Promise<Result> {
  const { line, source } = job;
  const tries = new Tries(line, job.retries);
  let mayExpect = source.size === null || source.size > UNASKED;
  let wasLost = false;
  for (;;) {
    const expect = mayExpect && !settled.has(line.sess);
    const answer = await exchange(line, { ...callOf(job), expect });
    if (answer.challenged || isDone(answer)) settled.add(line.sess);
    if (isDone(answer)) return resultOf(job, { answer });
    if (expect && hasStatus(answer, 417)) {
      mayExpect = false;
      continue;
    }
    wasLost ||= isLost(answer);
    const isHopeful = await tries.may(answer);
    const found = wasLost ? await landed(job) : null;
    if (found !== null) return resultOf(job, { found });
    if (isHopeful) continue;
    throw hasStatus(answer, 405, 501) ? new Unsupported(wordsOf(answer), answer) : refused(answer);
  }
}

function callOf(job: Job): Call {
  const { path, source, conditions } = job;
  return {
    method: "PUT",
    target: path,
    fields: [...putConditions(conditions), ...typeFields(job), ...mtimeFields(job)],
    body: (req) => source.give(req, 0, source.size, toldOf(job, 0)),
    changes: [[path, NE_DEPTH_ZERO]],
  };
}
