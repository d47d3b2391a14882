// Chooses the session for requests about a lock: the session that the lock was taken on if it is
// idle, so that its connection is used, or else a clone with a connection of its own. The session's
// abort signal does not end these requests, since a lock has to be given back.
import type { ne_session } from "../base/handle.js";
import { cloneSession } from "../session/clone.js";
import { sessions } from "../session/session.js";
import { ne_session_destroy } from "../../ne_session.js";
import { nx_set_session_signal } from "../../nx_session.js";

/** Calls with a session that nothing else holds up. */
export async function onOwnSession<T>(
  sess: ne_session,
  caller: string,
  call: (sess: ne_session) => Promise<T>,
): Promise<T> {
  const s = sessions.open(sess, caller);
  const { turns } = s.work;
  const isBusy = turns.running.size >= turns.max;
  if (!isBusy && s.signal === null) return call(sess);
  const clone = cloneSession(s, {
    scheme: s.scheme,
    host: s.server.hostname,
    port: s.server.port,
    stranger: false,
  }).handle;
  nx_set_session_signal(clone, null);
  try {
    return await call(clone);
  } finally {
    ne_session_destroy(clone);
  }
}
