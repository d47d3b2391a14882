// What a session knows of locks that look after themselves: its store, and the locks that are held,
// so that responses to its requests can show that one is gone, and its end can stop their timers.
import { cloneForSession, type Plugin } from "../base/clonable.js";
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { misuse, type ne_request, type ne_session } from "../base/handle.js";
import { type ne_lock_store, ne_lockstore_create } from "../plugins/lock_store.js";
import {
  joinStore,
  ne_lockstore_register,
  registeredStore,
  submittedTokens,
} from "../plugins/lock_submission.js";
import { methodOf } from "../session/plugin_access.js";
import { pathSegments, sameSegments } from "../uri/same_path.js";
import { nx_error } from "../script/nx_error.js";
import {
  ne_get_request_target,
  ne_hook_destroy_session,
  ne_hook_post_send,
} from "../../ne_request.js";
import { ne_get_session_private, ne_set_session_private } from "../../ne_session.js";
import type { ne_status } from "../../ne_utils.js";
import { hasLock } from "./discovery.js";
import { type Held, lose, stopRenewing } from "./held_lock.js";
import { onOwnSession } from "./own_session.js";

const PRIVATE_ID = "libneon:locks";

/** Statuses of a request whose token is not the lock's any more, perhaps. */
const SUSPICIOUS = new Set([409, 412, 423]);

// A clone has locks of its own.
class SessionLocks implements Plugin {
  readonly held = new Set<Held>();

  [cloneForSession](): null {
    return null;
  }
}

/** The store that requests of the session use, made and registered where there is none. */
export function storeOf(sess: ne_session): ne_lock_store {
  const known = registeredStore(sess);
  if (known !== null) return known;
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  return store;
}

/** The store that a lock is entered in, of which requests of the session know then. */
export function chosenStore(sess: ne_session, store: ne_lock_store | null): ne_lock_store {
  if (store === null) return storeOf(sess);
  joinStore(sess, store, "nx_lock");
  return store;
}

/** Enters a lock that is held. */
export function watchLock(held: Held): void {
  const { sess } = held;
  let locks = ne_get_session_private<SessionLocks>(sess, PRIVATE_ID);
  if (locks === null) {
    locks = new SessionLocks();
    ne_set_session_private(sess, PRIVATE_ID, locks);
    ne_hook_post_send(sess, lookAtResponse, locks);
    ne_hook_destroy_session(sess, endAll, locks);
  }
  locks.held.add(held);
}

/** Forgets one that was given back. */
export function forgetLock(held: Held): void {
  ne_get_session_private<SessionLocks>(held.sess, PRIVATE_ID)?.held.delete(held);
}

function endAll(locks: SessionLocks): void {
  for (const held of locks.held) {
    held.isStopped = true;
    stopRenewing(held);
  }
  locks.held.clear();
}

function lookAtResponse(
  req: ne_request,
  locks: SessionLocks,
  status: Readonly<ne_status>,
): number {
  if (locks.held.size === 0) return NE_OK;
  const tokens = submittedTokens(req);
  for (const held of locks.held) {
    if (held.state !== "held" || held.ending !== null || !tokens.includes(held.token)) continue;
    if (status.klass === 2) loseRemoved(req, held, status);
    else if (SUSPICIOUS.has(status.code)) void suspect(held, status);
  }
  return NE_OK;
}

// A lock goes with the resource that it is on (RFC 4918 sections 9.6 and 7.4).
function loseRemoved(req: ne_request, held: Held, status: Readonly<ne_status>): void {
  const method = methodOf(req);
  if ((method !== "DELETE" && method !== "MOVE") || status.code === 207) return;
  const target = pathSegments(ne_get_request_target(req)?.path ?? "");
  const locked = pathSegments(held.path);
  if (!sameSegments(target, locked.slice(0, target.length))) return;
  lose(held, new nx_error(`The lock on ${held.path} went with it (${method})`, NE_ERROR));
}

// Other conditions give the same statuses, so the server is asked.
async function suspect(held: Held, { code, reason_phrase }: Readonly<ne_status>): Promise<void> {
  const { sess, path, token } = held;
  const shown = `${code} ${reason_phrase ?? ""}`;
  try {
    const isThere = await onOwnSession(sess, "nx_lock", (own) => hasLock(own, path, token));
    if (!isThere) {
      lose(held, new nx_error(`The lock on ${path} is not there any more (${shown})`, NE_ERROR));
    }
  } catch {
    // not known: the next refresh tells
  }
}

/** Throws for a session that was destroyed. */
export function needLiveSession(sess: ne_session, caller: string): void {
  try {
    ne_get_session_private(sess, PRIVATE_ID);
  } catch {
    throw misuse(caller, "the session of the lock was destroyed already");
  }
}
