// Whether a request that failed is worth another try, and when.
import { MAX_TIMER_MS, NE_CONNECT, NE_ERROR, NE_LOOKUP, NE_TIMEOUT } from "../base/constants.js";
import { ne_httpdate_parse } from "../../ne_dates.js";
import type { SendState } from "./send_state.js";

/** Methods that may be repeated (RFC 9110 section 9.2.2, and the WebDAV RFCs). */
const IDEMPOTENT = new Set(
  [
    ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY"],
    ["MOVE", "UNLOCK", "REPORT", "SEARCH", "ACL"],
  ].flat(),
);

/** Statuses of a server that may do better soon. */
const PASSING = new Set([408, 429, 502, 503, 504]);

/** How a connection ends that is lost, in the words of the session's error string. */
const LOST = new RegExp(
  ": (connection was closed by (proxy )?server" +
    "|Connection reset by peer|Broken pipe|Secure connection truncated)",
);

/** The first pause, which doubles with each try. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** Whether a method may be repeated without harm. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a response with this status may be followed by another try. */
export function mayRetry({ step, plan, tries }: SendState, status: number): boolean {
  if (step.body !== null && !step.body.isRepeatable()) return false;
  if (status === 417) return step.expect;
  return PASSING.has(status) && tries < plan.retries && isIdempotent(step.method);
}

/**
 * Whether what came of a request may pass.
 * @param status of the response, 0 if none began
 * @param error the session error string
 */
export function isTransientFailure(code: number, status: number, error: string): boolean {
  if (status !== 0) return code === 0 && PASSING.has(status);
  if (code === NE_CONNECT || code === NE_LOOKUP) return true;
  if (code === NE_TIMEOUT) return error.startsWith("Could not connect to");
  return code === NE_ERROR && LOST.test(error);
}

/**
 * How long to wait before another try, in milliseconds.
 * @param tries made so far
 * @param retryAfter the field of that name, seconds or a date, or `null`
 * @param random 0 to 1
 */
export function pauseMs(tries: number, retryAfter: string | null, random = Math.random()): number {
  const growing = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
  const asked = retryAfter === null ? null : askedMs(retryAfter.trim());
  // many clients that were turned away at once are not to come back at once
  if (asked !== null) return Math.min(asked + random * FIRST_PAUSE_MS, MAX_TIMER_MS);
  return growing * (0.5 + random / 2);
}

function askedMs(value: string): number | null {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = ne_httpdate_parse(value);
  return date === -1 ? null : Math.max(0, date * 1000 - Date.now());
}
