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
import { cloneSession } from "../session/clone.js";
import { NE_ERROR } from "../base/constants.js";
import { BrokenOff, Scope } from "../session/cancellation.js";
import { abortCause } from "../base/abort_signal.js";
import { abortAll } from "../session/session.js";
import type { Session } from "../session/session_state.js";
import { onAbort } from "../base/abort_signal.js";
import { ne_session_destroy } from "../../ne_session.js";
import { failedAnswer } from "./result_record.js";
import { attempt } from "./one_request.js";
import { urlOf, type Answer, type Course, type Sending, type Step } from "./send_state.js";
import { isSameOrigin, redirectFields, type Place, type Redirected } from "./redirect.js";
import { isIdempotent, mayPass, pauseMs } from "./retry.js";

/** Sends a request, and others where redirects lead. */
export async function sendFollowing(home: Session, sending: Sending): Promise<Answer> {
  const { method, target, fields, body, expect, timeout } = sending;
  // pauses and tries count for the session's bound as well
  const bound = timeout > 0 ? timeout * 1000 : home.timeouts.request;
  const course: Course = {
    home,
    sending,
    step: { s: home, leave: () => {}, method, target, fields, body, expect },
    hops: [],
    tries: 0,
    deadline: bound > 0 ? performance.now() + bound : Infinity,
    redirect: null,
    streaming: false,
  };
  try {
    for (;;) {
      if (home.destroyed) return failedAnswer(course, NE_ERROR);
      const arrival = await attempt(course);
      if ("redirect" in arrival) {
        follow(course, arrival.redirect, arrival.status);
        continue;
      }
      const { answer } = arrival;
      const pause = pauseBefore(course, answer);
      if (pause === null) return answer;
      const broken = await rest(course, pause);
      if (broken !== null) return brokenAnswer(course, broken);
    }
  } finally {
    if (!course.streaming) course.step.leave();
    body?.release();
  }
}

// ---- redirects ----

function follow(course: Course, redirected: Redirected, status: number): void {
  const { place, method, withBody } = redirected;
  const { home, step, sending, hops } = course;
  const { scheme, server } = step.s;
  const stays = isSameOrigin({ scheme, host: server.hostname, port: server.port }, place);
  const next = stays ? step : { ...step, ...cloneFor(home, place) };
  if (!stays) step.leave();
  course.step = {
    ...next,
    method,
    target: place.target,
    fields: redirectFields(step.fields, withBody, stays, sending.redirectHeaders),
    body: withBody ? step.body : null,
    expect: withBody && step.expect,
  };
  hops.push(Object.freeze({ status, from: urlOf(step), to: urlOf(course.step) }));
}

// A session for a stranger, which ends whatever it does when the first one is broken off.
function cloneFor(s: Session, place: Place): Pick<Step, "s" | "leave"> {
  const clone = cloneSession(s, { ...place, stranger: true });
  clone.askedBy = s;
  const scope = new Scope();
  s.work.scopes.add(scope);
  scope.onBreak(({ cause }) => abortAll(clone, cause));
  const leave = (): void => {
    s.work.scopes.delete(scope);
    if (!clone.destroyed) ne_session_destroy(clone.handle);
  };
  return { s: clone, leave };
}

// ---- tries ----

// How long to wait before the same is sent again, in milliseconds; `null` where it is not.
function pauseBefore(course: Course, answer: Answer): number | null {
  const { step, sending } = course;
  if (course.streaming || sending.signal?.aborted === true) return null;
  if (step.body !== null && !step.body.isRepeatable()) return null;
  const status = answer.status?.code ?? 0;
  if (status === 417 && step.expect && answer.code === 0) {
    course.step = { ...step, expect: false };
    return 0;
  }
  if (course.tries >= sending.retries || !isIdempotent(step.method)) return null;
  if (!mayPass(answer.code, status, answer.error)) return null;
  course.tries++;
  const field = answer.headers.find(([name]) => name.toLowerCase() === "retry-after");
  const ms = pauseMs(course.tries, field?.[1] ?? null);
  return performance.now() + ms < course.deadline ? ms : null;
}

// Waits, unless the session or the signal breaks it off.
async function rest({ home: s, sending }: Course, ms: number): Promise<BrokenOff | null> {
  if (ms === 0) return null;
  const { signal } = sending;
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

function brokenAnswer(course: Course, { code, message, cause }: BrokenOff): Answer {
  const answer = failedAnswer(course, code);
  return course.home.destroyed ? answer : { ...answer, error: message, cause };
}
