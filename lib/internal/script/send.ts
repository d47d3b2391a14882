// A request as a script sends it: from its parts to a plain record, redirects followed and tried
// again where that helps.
//
//   attempt ──► arrival ──┬─ redirect to follow ─────────────► attempt, there
//      ▲                  ├─ 417, and it had asked first ────► attempt, without asking
//      │                  ├─ may pass, tries left ──► pause ─► attempt
//      └──────────────────┴─ else: the response
//
// Once a redirect has left the origin, nothing of the session's own is sent again, not even to
// the origin: the other server may have chosen what the request does there.
import { firstValue } from "../http/field_pairs.js";
import { NE_ERROR } from "../base/constants.js";
import { BrokenOff, Scope } from "../session/cancellation.js";
import { abortCause } from "../base/abort_signal.js";
import type { Session } from "../session/session_state.js";
import { onAbort } from "../base/abort_signal.js";
import { ownHop, type FindHop } from "./hop_sessions.js";
import { failedRecord } from "./result_record.js";
import { sendStep } from "./one_request.js";
import {
  urlOf,
  type ResultRecord,
  type SendState,
  type SendPlan,
} from "./send_state.js";
import { isSameOrigin, redirectFields, type Redirected } from "./redirect.js";
import { isIdempotent, isTransientFailure, pauseMs } from "./retry.js";

/**
 * Sends a request, and others where redirects lead.
 * @param findHop gives a session for another server
 */
export async function sendFollowing(
  home: Session,
  plan: SendPlan,
  findHop: FindHop = ownHop,
): Promise<ResultRecord> {
  const { method, target, fields, body, expect, timeout } = plan;
  // pauses and tries count for the session's bound as well
  const bound = timeout > 0 ? timeout * 1000 : home.timeouts.request;
  const state: SendState = {
    home,
    plan,
    step: { s: home, leave: () => {}, method, target, fields, body, expect },
    hops: [],
    tries: 0,
    deadline: bound > 0 ? performance.now() + bound : Infinity,
    redirect: null,
    streaming: false,
  };
  try {
    for (;;) {
      if (home.destroyed) return failedRecord(state, NE_ERROR);
      const outcome = await sendStep(state);
      if ("redirect" in outcome) {
        follow(state, outcome.redirect, outcome.status, findHop);
        continue;
      }
      const { record } = outcome;
      const pause = pauseBefore(state, record);
      if (pause === null) return record;
      const broken = await waitForRetry(state, pause);
      if (broken !== null) return brokenRecord(state, broken);
    }
  } finally {
    if (!state.streaming) state.step.leave();
    body?.release();
  }
}

// ---- redirects ----

function follow(
  state: SendState,
  redirected: Redirected,
  status: number,
  findHop: FindHop,
): void {
  const { destination, method, withBody } = redirected;
  const { home, step, plan, hops } = state;
  const { scheme, server } = step.s;
  const stays = isSameOrigin({ scheme, host: server.hostname, port: server.port }, destination);
  const next = stays ? step : { ...step, ...findHop(home, destination) };
  if (!stays) step.leave();
  state.step = {
    ...next,
    method,
    target: destination.target,
    fields: redirectFields(step.fields, withBody, stays, plan.redirectHeaders),
    body: withBody ? step.body : null,
    expect: withBody && step.expect,
  };
  hops.push(Object.freeze({ status, from: urlOf(step), to: urlOf(state.step) }));
}

// ---- tries ----

// How long to wait before the same is sent again, in milliseconds; `null` where it is not.
function pauseBefore(state: SendState, record: ResultRecord): number | null {
  const { step, plan } = state;
  if (state.streaming || plan.signal?.aborted === true) return null;
  if (step.body !== null && !step.body.isRepeatable()) return null;
  const status = record.status?.code ?? 0;
  if (status === 417 && step.expect && record.code === 0) {
    state.step = { ...step, expect: false };
    return 0;
  }
  if (state.tries >= plan.retries || !isIdempotent(step.method)) return null;
  if (!isTransientFailure(record.code, status, record.error)) return null;
  state.tries++;
  const ms = pauseMs(state.tries, firstValue(record.headers, "retry-after"));
  return performance.now() + ms < state.deadline ? ms : null;
}

// Waits, unless the session or the signal breaks it off.
async function waitForRetry({ home: s, plan }: SendState, ms: number): Promise<BrokenOff | null> {
  if (ms === 0) return null;
  const { signal } = plan;
  const scope = new Scope();
  s.work.scopes.add(scope);
  const forget =
    signal === null ? null : onAbort(signal, () => scope.abort(abortCause(signal)));
  let timer: NodeJS.Timeout | undefined;
  try {
    await scope.race(new Promise((resolve) => (timer = setTimeout(resolve, ms))));
    return null;
  } catch (error) {
    if (error instanceof BrokenOff) return error;
    throw error;
  } finally {
    clearTimeout(timer);
    forget?.();
    s.work.scopes.delete(scope);
  }
}

function brokenRecord(state: SendState, { code, message, cause }: BrokenOff): ResultRecord {
  const record = failedRecord(state, code);
  return state.home.destroyed ? record : { ...record, error: message, cause };
}
