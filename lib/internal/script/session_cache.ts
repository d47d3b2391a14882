// Sessions kept for the origins that nx_fetch is asked about: made for the first request, closed
// when nothing has used them for a minute. Neither their connections nor their timers keep the
// process alive.
//
//   none ── first use: setup ──► in use ◄──► idle ── a minute ──► none
import type { ne_session } from "../base/handle.js";
import { misuse } from "../base/handle.js";
import { isPromise } from "../base/promise.js";
import { sessions } from "../session/session.js";
import { ne_session_destroy } from "../../ne_session.js";
import { nx_set_keepalive_timeout, nx_set_max_connections } from "../../nx_session.js";

const CONNECTIONS = 6;
/** How long all of them have to wait for the program before one more is opened. */
const PATIENCE_MS = 100;
const IDLE_SECONDS = 60;

interface Kept {
  readonly sess: ne_session;
  /** Requests that have not ended. */
  users: number;
  timer: NodeJS.Timeout | null;
}

const kept = new Map<string, Kept>();

/**
 * Takes the session of an origin, making it if there is none.
 * @param setup configures a new session; what it throws is thrown, and nothing is kept
 * @returns the session, and what to call when the request has ended
 */
export function takeSession(
  origin: string,
  make: () => ne_session,
  setup: ((sess: ne_session) => unknown) | null,
): { sess: ne_session; leave: () => void } {
  let entry = kept.get(origin);
  // setup may have let somebody destroy it
  if (entry === undefined || !sessions.is(entry.sess)) {
    entry = { sess: configured(make(), setup), users: 0, timer: null };
    kept.set(origin, entry);
  }
  const taken = entry;
  taken.users++;
  if (taken.timer !== null) clearTimeout(taken.timer);
  taken.timer = null;
  return { sess: taken.sess, leave: () => leave(origin, taken) };
}

function configured(
  sess: ne_session,
  setup: ((sess: ne_session) => unknown) | null,
): ne_session {
  nx_set_max_connections(sess, CONNECTIONS);
  sessions.open(sess, "nx_fetch").work.turns.patienceMs = PATIENCE_MS;
  nx_set_keepalive_timeout(sess, IDLE_SECONDS);
  if (setup === null) return sess;
  try {
    const result = setup(sess);
    if (isPromise(result)) {
      result.then(undefined, () => {});
      throw misuse("nx_fetch", "`setup` must not return a promise");
    }
  } catch (error) {
    if (sessions.is(sess)) ne_session_destroy(sess);
    throw error;
  }
  return sess;
}

function leave(origin: string, entry: Kept): void {
  entry.users--;
  if (entry.users > 0) return;
  entry.timer = setTimeout(() => {
    if (kept.get(origin) === entry) kept.delete(origin);
    if (sessions.is(entry.sess)) ne_session_destroy(entry.sess);
  }, IDLE_SECONDS * 1000).unref();
}
