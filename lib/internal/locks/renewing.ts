// Refreshing a lock for as long as it is held: at half the time that the server granted, a little
// earlier or later, so that many locks do not meet. What may pass is tried again until the lock has
// run out; what will not, or a lock that has run out, is a lock that is lost.
import { NE_AUTH, NE_ERROR, NE_PROXYAUTH } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { dispatchLock, refreshRequest } from "../dav/lock_method.js";
import { NE_TIMEOUT_INFINITE } from "../plugins/lock_record.js";
import { failureOf, addFailureReader } from "../script/failure.js";
import { endOutcomeReader } from "../multistatus/outcome_reader.js";
import { nx_error } from "../script/nx_error.js";
import {
  ne_get_response_retry_after,
  ne_get_status,
  ne_request_destroy,
} from "../../ne_request.js";
import { findLock } from "./discovery.js";
import { type Held, lose } from "./held_lock.js";
import { onOwnSession } from "./own_session.js";
import { errorOf } from "../base/unknown_value.js";

/** Part of the time granted after which a lock is refreshed, and how much that varies. */
const REFRESH_AT = 0.5;
const JITTER = 0.1;
/** The first pause before a refresh is tried again, and the longest. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** Statuses that may pass (RFC 9110 section 15, RFC 6585). */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What a refresh came to. */
type Refreshed =
  | { readonly kind: "done"; readonly timeout: number }
  | { readonly kind: "may pass"; readonly reason: Error; readonly afterMs: number }
  | { readonly kind: "refused"; readonly reason: Error };

/**
 * The time at which a lock runs out, `null` for never.
 * @param wanted seconds that were asked for, which count where the server did not say
 * @param granted seconds that the server granted
 */
export function expiryOf(wanted: number, granted: number, askedAt: number): number | null {
  const seconds = granted > 0 || granted === NE_TIMEOUT_INFINITE ? granted : wanted;
  if (seconds === NE_TIMEOUT_INFINITE) return null;
  const at = askedAt + seconds * 1000;
  // what no Date can show never comes
  return at > 8.64e15 ? null : at;
}

/** Plans the next refresh, where none is planned. */
export function planRefresh(held: Held): void {
  if (held.expiresAt === null) return;
  const { clock } = held;
  const part = REFRESH_AT + JITTER * (clock.random() - 0.5);
  wake(held, (held.expiresAt - clock.now()) * part, 0);
}

function wake(held: Held, ms: number, tries: number): void {
  if (held.isStopped) return;
  held.cancel = held.clock.after(ms, () => {
    held.cancel = null;
    void renew(held, tries);
  });
}

async function renew(held: Held, tries: number): Promise<void> {
  const { clock } = held;
  const askedAt = clock.now();
  const result = await refresh(held);
  if (held.state !== "held" || held.ending !== null || held.isStopped) return;
  if (result.kind === "done") {
    held.expiresAt = expiryOf(held.wanted, result.timeout, askedAt);
    planRefresh(held);
    return;
  }
  if (result.kind === "refused") {
    lose(held, result.reason);
    return;
  }
  const left = (held.expiresAt ?? Infinity) - clock.now();
  if (left <= 0) {
    lose(held, result.reason);
    return;
  }
  const pause = Math.max(Math.min(RETRY_MS * 2 ** tries, MAX_RETRY_MS), result.afterMs);
  // the last try is when it runs out
  wake(held, Math.min(pause, left), tries + 1);
}

async function refresh(held: Held): Promise<Refreshed> {
  try {
    return await onOwnSession(held.sess, "nx_lock", (sess) => refreshOn(sess, held));
  } catch (error) {
    // what a hook of the application threw may pass as well as anything
    return { kind: "may pass", reason: errorOf(error), afterMs: 0 };
  }
}

async function refreshOn(sess: ne_session, held: Held): Promise<Refreshed> {
  const { lock, path, token, wanted } = held;
  const req = refreshRequest("nx_lock", sess, { ...lock, timeout: wanted });
  const reader = addFailureReader(req);
  try {
    const { ret, found } = await dispatchLock(req, token);
    if (found !== null) return { kind: "done", timeout: found.lock.timeout };
    const status = ne_get_status(req);
    if (status.klass === 2 && status.code !== 207) return await lookFor(sess, held);
    const reason = failureOf(req, ret, path, reader.outcome, "The lock was not refreshed: ");
    const afterMs = Math.max(ne_get_response_retry_after(req) * 1000 - Date.now(), 0);
    return { kind: mayPass(reason) ? "may pass" : "refused", reason, afterMs };
  } finally {
    endOutcomeReader(reader);
    ne_request_destroy(req);
  }
}

// Answered with success, but without the lock: its discovery tells.
async function lookFor(sess: ne_session, { path, token }: Held): Promise<Refreshed> {
  try {
    const mine = await findLock(sess, path, token);
    if (mine !== null) {
      return { kind: "done", timeout: mine.timeout ?? NE_TIMEOUT_INFINITE };
    }
    const reason = new nx_error(`The lock on ${path} is not there any more`, NE_ERROR);
    return { kind: "refused", reason };
  } catch (error) {
    const reason = errorOf(error);
    const isRefused = error instanceof nx_error && !mayPass(error);
    return isRefused ? { kind: "refused", reason } : { kind: "may pass", reason, afterMs: 0 };
  }
}

// A login that fails says nothing about the lock.
function mayPass({ code, status }: nx_error): boolean {
  if (code === NE_AUTH || code === NE_PROXYAUTH) return true;
  return code !== NE_ERROR || status === null || PASSING.has(status.code);
}
