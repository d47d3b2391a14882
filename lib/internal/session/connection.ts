// The connections of a session: take one that is idle, see whether it can be used, keep it or close
// it.
//
//   opened (connect.ts) ──► held by a turn ──► idle ──► held by a turn ──► …
//                                └───────────────┴────► closed
import { NE_DBG_SOCKET, ne_status_disconnected } from "../base/constants.js";
import { eachHook, needSync, notify } from "./callbacks.js";
import { traceConnection } from "./diagnostics.js";
import type { Connection, Session, Turn } from "./session_state.js";
import { trace } from "./trace.js";
import { isPromise } from "../base/promise.js";

/**
 * Takes the idle connection to go on with: this one, if it is still there, or the one used last.
 * Those whose time is up, or that were made with other settings, are closed.
 */
export function takeIdle(s: Session, turn: Turn, wanted: Connection | null): void {
  const { idle } = s.work;
  if (idle.length === 0) return;
  const over = idle.filter((connection) => isOver(s, connection));
  for (const connection of over) closeConnection(s, connection, turn);
  const at = wanted === null ? -1 : idle.indexOf(wanted);
  const connection = at < 0 ? idle.pop() : idle.splice(at, 1)[0];
  if (connection !== undefined) turn.connection = connection;
}

function isOver(s: Session, connection: Connection): boolean {
  if (connection.settings !== s.settings) return true;
  const { keepAlive } = s.timeouts;
  const keepMs = Math.min(connection.serverKeepMs, keepAlive > 0 ? keepAlive : Infinity);
  return keepMs < Infinity && performance.now() - connection.idleSince >= keepMs;
}

/**
 * Whether a kept connection can carry another request. What came since its last response, bytes or
 * its end, is no response to a request that has not been sent (RFC 9112 section 9.2).
 */
export function isUsable(s: Session, connection: Connection): boolean {
  return connection.open && connection.settings === s.settings && !connection.wire.readable;
}

/** Gives a connection back to its session, which keeps it if it is open. */
export function giveBack(s: Session, turn: Turn): void {
  const { connection } = turn;
  turn.connection = null;
  if (connection?.open !== true) return;
  // a connection made beside the session's own is not kept
  if (turn.extra || s.destroyed) return closeConnection(s, connection, turn);
  connection.idleSince = performance.now();
  s.work.idle.push(connection);
}

/** Takes an idle connection out of its session, to be closed or used by somebody else. */
export function forget(s: Session, connection: Connection): void {
  const at = s.work.idle.indexOf(connection);
  if (at >= 0) s.work.idle.splice(at, 1);
  connection.open = false;
}

/**
 * Closes a connection, as `ne_close_connection` says: notifier, hooks, then the socket.
 * @param turn whose request tells of what the notifier rejects with
 */
export function closeConnection(s: Session, connection: Connection, turn?: Turn): void {
  if (!connection.open) return;
  forget(s, connection);
  trace(s, NE_DBG_SOCKET, "sess: Closing connection.\n");
  traceConnection("close", s, connection);
  try {
    const listener = turn ?? holderOf(s, connection);
    // nobody waits for what the notifier returns here
    const told = notify(s, ne_status_disconnected, { cd: { hostname: connection.hostname } });
    const keep = (error: unknown): void => {
      if (listener !== undefined) listener.thrownAtClose ??= { error };
    };
    if (isPromise(told)) told.then(undefined, keep);
    for (const { fn, userdata } of eachHook(s.hooks.closeConn)) {
      needSync(fn(userdata), "ne_close_conn_fn");
    }
  } finally {
    connection.wire.close();
    trace(s, NE_DBG_SOCKET, "sess: Connection closed.\n");
  }
}

// The turn that holds a connection; for an idle one any that runs.
function holderOf(s: Session, connection: Connection): Turn | undefined {
  const running = [...s.work.turns.running];
  return running.find((turn) => turn.connection === connection) ?? running[0];
}

/** Every connection of a session: those in use, then those that are idle, the last used first. */
export function connectionsOf(s: Session): Connection[] {
  const used = [...s.work.turns.running].flatMap(({ connection }) => connection ?? []);
  return [...used, ...s.work.idle.toReversed()];
}

/** Closes every connection of the session; what the first callback throws goes on when all are. */
export function closeAll(s: Session): void {
  const thrown: unknown[] = [];
  for (const connection of connectionsOf(s)) {
    try {
      closeConnection(s, connection);
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length > 0) throw thrown[0];
}
