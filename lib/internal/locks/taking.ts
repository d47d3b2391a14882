// Taking a lock and giving it back.
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO, NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { dispatchLock, lockRequest, unlockRequest } from "../dav/lock_method.js";
import {
  isBracketable,
  type LockRecord,
  NE_TIMEOUT_INFINITE,
  ne_lock_create,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
} from "../plugins/lock_record.js";
import { dropLock, type ne_lock_store, ne_lockstore_add } from "../plugins/lock_store.js";
import { endOutcomeReader } from "../multistatus/outcome_reader.js";
import { failureOf, throwFailure, addFailureReader } from "../script/failure.js";
import { nx_error } from "../script/nx_error.js";
import { escapeMarkup } from "../xml/escape.js";
import { ne_get_status, ne_request_destroy, ne_request_dispatch } from "../../ne_request.js";
import { ne_fill_server_uri } from "../../ne_session.js";
import { nx_set_request_signal } from "../../nx_session.js";
import type { Clock } from "./clock.js";
import { hasLock } from "./discovery.js";
import { type Held, HeldLock, stopRenewing } from "./held_lock.js";
import { onOwnSession } from "./own_session.js";
import { expiryOf, planRefresh } from "./renewing.js";
import { chosenStore, forgetLock, needLiveSession, watchLock } from "./session_locks.js";

/** What a lock is to be. */
export interface LockWish {
  /** Seconds, or `Infinity`. */
  readonly timeout: number;
  readonly depth: 0 | typeof Infinity;
  readonly scope: "exclusive" | "shared";
  /** Text, `null` for none. */
  readonly owner: string | null;
  readonly renew: boolean;
  readonly onlost: ((reason: Error) => void) | null;
  readonly store: ne_lock_store | null;
  readonly signal: AbortSignal | null;
}

/** Takes a lock. */
export async function takeLock(
  sess: ne_session,
  path: string,
  wish: LockWish,
  clock: Clock,
): Promise<HeldLock> {
  const store = chosenStore(sess, wish.store);
  const lock = recordOf(sess, path, wish);
  const wanted = lock.timeout;
  const askedAt = clock.now();
  await sendLock(sess, path, lock, wish.signal);
  const token = lock.token ?? "";
  const held: Held = {
    ...{ sess, store, lock, token, path, clock, wanted, onlost: wish.onlost },
    state: "held",
    expiresAt: expiryOf(wanted, lock.timeout, askedAt),
    cancel: null,
    ending: null,
    isStopped: false,
  };
  ne_lockstore_add(store, lock);
  watchLock(held);
  if (wish.renew) planRefresh(held);
  return new HeldLock(held, giveBack);
}

function recordOf(sess: ne_session, path: string, wish: LockWish): LockRecord {
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = path;
  lock.depth = wish.depth === 0 ? NE_DEPTH_ZERO : NE_DEPTH_INFINITE;
  lock.scope = wish.scope === "shared" ? ne_lockscope_shared : ne_lockscope_exclusive;
  lock.owner = wish.owner === null ? null : escapeMarkup(wish.owner);
  lock.timeout = wish.timeout === Infinity ? NE_TIMEOUT_INFINITE : wish.timeout;
  return lock;
}

// Fills in what the server granted.
async function sendLock(
  sess: ne_session,
  path: string,
  lock: LockRecord,
  signal: AbortSignal | null,
): Promise<void> {
  const req = lockRequest("nx_lock", sess, lock);
  if (signal !== null) nx_set_request_signal(req, signal);
  const reader = addFailureReader(req);
  try {
    const { ret, token, found } = await dispatchLock(req, null);
    if (found !== null) {
      lock.token = found.lock.token;
      if (found.hasScope) lock.scope = found.lock.scope;
      if (found.hasDepth) lock.depth = found.lock.depth;
      lock.timeout = found.lock.timeout;
      return;
    }
    const { klass, code } = ne_get_status(req);
    const isGranted = klass === 2 && code !== 207 && token !== null && isBracketable(token);
    // a lock that cannot be used must not stay
    if (isGranted) await sendUnlock(sess, { ...lock, token }).catch(() => {});
    if (ret === NE_OK) {
      const what = `${path}: the answer to LOCK shows no lock`;
      throw new nx_error(what, NE_ERROR, null, null, { path });
    }
    throw failureOf(req, ret, path, reader.outcome);
  } finally {
    endOutcomeReader(reader);
    ne_request_destroy(req);
  }
}

/** Gives a lock back, once; after a failure it can be tried again. */
export function giveBack(held: Held): Promise<void> {
  if (held.state === "over") return Promise.resolve();
  held.ending ??= unlockHeld(held).then(
    () => void (held.state = "over"),
    (error: unknown) => {
      held.ending = null;
      throw error;
    },
  );
  return held.ending;
}

async function unlockHeld(held: Held): Promise<void> {
  const { sess, store, lock } = held;
  stopRenewing(held);
  needLiveSession(sess, "nx_unlock");
  await onOwnSession(sess, "nx_unlock", (own) => sendUnlock(own, lock));
  forgetLock(held);
  dropLock(store, lock);
}

/** Ends a lock by its token; one that the server does not know any more is ended. */
export async function sendUnlock(sess: ne_session, lock: Readonly<LockRecord>): Promise<void> {
  const path = lock.uri.path ?? "/";
  const req = unlockRequest("nx_unlock", sess, lock);
  const reader = addFailureReader(req);
  try {
    throwFailure(req, await ne_request_dispatch(req), reader, path);
  } catch (error) {
    if (!isUnclear(error)) throw error;
    // Apache answers 400 or 409 for a lock that is gone, others 404, 412 or 403
    const isThere = await hasLock(sess, path, lock.token ?? "").catch(() => true);
    if (isThere) throw error;
  } finally {
    endOutcomeReader(reader);
    ne_request_destroy(req);
  }
}

function isUnclear(error: unknown): boolean {
  const status = error instanceof nx_error ? error.status : null;
  return status !== null && status.klass === 4 && status.code !== 401 && status.code !== 407;
}
