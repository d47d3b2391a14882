// Sessions for servers that redirects lead to. Those of nx_fetch share one for each server while
// they are under way there, so that it gets no more connections than a server that is asked
// directly.
//
//   none ── first request: a clone ──► in use ── the last one leaves: destroyed ──► none
import { abortAll } from "../session/session.js";
import { BrokenOff, Scope } from "../session/cancellation.js";
import { cloneSession } from "../session/clone.js";
import type { Session } from "../session/session_state.js";
import { ne_session_destroy } from "../../ne_session.js";
import type { Destination } from "./redirect.js";

/** A session to follow a redirect with, and what to call when it is not needed any more. */
export interface HopSession {
  readonly s: Session;
  readonly leave: () => void;
}

/** Gives a session for a redirect of a request of `home`. */
export type FindHop = (home: Session, destination: Destination) => HopSession;

/** A session for a stranger, which ends whatever it does when `home` is broken off. */
export function ownHop(home: Session, destination: Destination): HopSession {
  const clone = cloneSession(home, { ...destination, stranger: true });
  clone.askedBy = home;
  const scope = new Scope();
  home.work.scopes.add(scope);
  scope.onBreak(({ cause }: BrokenOff) => abortAll(clone, cause));
  const leave = (): void => {
    home.work.scopes.delete(scope);
    if (!clone.destroyed) ne_session_destroy(clone.handle);
  };
  return { s: clone, leave };
}

interface SharedHop {
  readonly hop: HopSession;
  users: number;
}

const shared = new WeakMap<Session, Map<string, SharedHop>>();

/** The same, shared with the other requests of `home` that are at this server. */
export function sharedHop(home: Session, destination: Destination): HopSession {
  const hops = shared.get(home) ?? new Map<string, SharedHop>();
  shared.set(home, hops);
  const origin = `${destination.scheme}://${destination.host.toLowerCase()}:${destination.port}`;
  let found = hops.get(origin);
  if (found === undefined || found.hop.s.destroyed) {
    found = { hop: ownHop(home, destination), users: 0 };
    found.hop.s.work.turns.patienceMs = home.work.turns.patienceMs;
    hops.set(origin, found);
  }
  const taken = found;
  taken.users++;
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    if (--taken.users > 0) return;
    if (hops.get(origin) === taken) hops.delete(origin);
    taken.hop.leave();
  };
  return { s: taken.hop.s, leave };
}
