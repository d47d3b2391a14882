// A connection that is being opened: whose it is to be, and what everybody is told of it meanwhile.
import { NE_ERROR, ne_status_handshake } from "../base/constants.js";
import { isPromise } from "../base/promise.js";
import { CLOSED_HERE } from "../wire/wire_failure.js";
import { awaitApplication, notify } from "./callbacks.js";
import type { Scope } from "./cancellation.js";
import type { Report } from "./report.js";
import type { Hop } from "./route.js";
import { setError, type Session, type StatusInfo, type Turn } from "./session_state.js";

/** Whose connection it is to be, and how long each part took. */
export interface NewConnection {
  session: Session;
  turn: Turn;
  scope: Scope;
  /** The request's place in the order in which the session's requests were begun. */
  ordinal: number;
  timing: { lookup: number | null; connect: number | null; handshake: number | null };
  /** Of the request that the connection is for. */
  report: Report;
  /** Makes a CONNECT tunnel through an HTTP proxy; words its own errors. */
  tunnel: (hop: Hop) => Promise<number>;
  /** A second connection in place of a first one, of which everybody has been told. */
  quiet?: boolean;
}

/** Tells the notifier, and waits for it if it wants that. */
export async function tell(o: NewConnection, status: number, info: StatusInfo): Promise<void> {
  const isKnown = o.quiet === true && status !== ne_status_handshake;
  const wait = isKnown ? undefined : notify(o.session, status, info);
  if (isPromise(wait)) await awaitApplication(o.session, o.turn, o.scope, wait);
  o.scope.check();
}

/** Seconds since a time on the clock of `performance`. */
export function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}

/** A callback has closed the connection while it was being opened. @returns `NE_ERROR` */
export function lost(s: Session): number {
  setError(s, `Could not connect to server: ${CLOSED_HERE.error}`);
  return NE_ERROR;
}
