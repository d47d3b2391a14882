// The record of a session: its settings, its hooks, its connections and the turns that use them.
//
// A connection is a record of its own. A turn (turns.ts) holds it while its request runs; the
// session keeps the idle ones. Nothing about a connection or a response is stored on the session.
import type { Writable } from "node:stream";
import {
  DEFAULT_READ_TIMEOUT_MS,
  MAX_COLLECTED,
  MAX_HEADER_COUNT,
  MAX_HEADER_FIELD,
  MAX_INTERIM,
  MAX_SESSION_ERROR,
} from "../base/constants.js";
import { printable } from "../base/bytes.js";
import type {
  ne_inet_addr,
  ne_request,
  ne_session,
  ne_ssl_certificate,
  ne_ssl_dname,
} from "../base/handle.js";
import type { SharedQuestion } from "../base/shared_question.js";
import type { TlsContext } from "../tls/context.js";
import type { Tapping } from "../wire/tls_tap.js";
import type { Wire } from "../wire/wire.js";
import type { ne_buffer } from "../../ne_string.js";
import type { ne_status } from "../../ne_utils.js";
import type { Scope } from "./cancellation.js";
import type { Endpoint, Hook, Hop, Route } from "./route.js";
import type { Place, Turns } from "./turns.js";
import type { Origins, Report, Timings } from "./report.js";
import type { Observer } from "./observer.js";

/**
 * What a session calls in an application. Each gets the userdata that it was registered with, whose
 * type only its owner knows: so they are methods, whose parameters TypeScript compares both ways.
 */
export interface Callbacks {
  createRequest(req: ne_request, userdata: unknown, method: string, target: string): void;
  preSend(req: ne_request, userdata: unknown, header: ne_buffer): unknown;
  postHeaders(req: ne_request, userdata: unknown, status: Readonly<ne_status>): unknown;
  postSend(
    req: ne_request,
    userdata: unknown,
    status: Readonly<ne_status>,
  ): number | PromiseLike<number>;
  destroyRequest(req: ne_request, userdata: unknown): void;
  destroySession(userdata: unknown): void;
  closeConn(userdata: unknown): void;
  notify(userdata: unknown, status: number, info: StatusInfo): unknown;
  verify(userdata: unknown, failures: number, cert: ne_ssl_certificate): unknown;
  /** See `ne_ssl_provide_fn`. */
  provideCert(
    userdata: unknown,
    sess: ne_session,
    dnames: readonly ne_ssl_dname[],
  ): unknown;
}

/** The callbacks of which there may be several. */
export const HOOK_KINDS = [
  ...(["createRequest", "preSend", "postHeaders", "postSend"] as const),
  ...(["destroyRequest", "destroySession", "closeConn"] as const),
];

export type HookKind = (typeof HOOK_KINDS)[number];

/** The hooks of a session, each list in order of registration. */
export type Hooks = { readonly [K in HookKind]: Hook<Callbacks[K]>[] };

/** One transport connection. */
export interface Connection {
  wire: Wire;
  /** The proxy it goes through, `null` for none. */
  hop: Hop | null;
  /** Name for `ne_status_connected` and `_disconnected`; `null` with an address list. */
  hostname: string | null;
  /** What was found out when it was opened. */
  origins: Origins;
  /** Responses that it has carried. */
  responses: number;
  /** Milliseconds on the clock of `performance` when the last response ended. */
  idleSince: number;
  /** How long the server said that it keeps it, in milliseconds. */
  serverKeepMs: number;
  /** How long a read may wait: the session's read timeout when it was opened. */
  readTimeoutMs: number;
  /** The session's `settings` when it was opened. */
  settings: number;
  open: boolean;
}

/** A request's turn, and the connection that it has meanwhile. */
export interface Turn extends Place {
  connection: Connection | null;
  /** The notifier's promise is being waited for. */
  telling: Promise<void> | null;
  /** What the notifier rejected with when the connection was closed, until the request can say. */
  thrownAtClose: { error: unknown } | null;
}

/** See `nx_limits`. */
export interface Limits {
  header_field: number;
  header_count: number;
  interim_count: number;
  body: number;
  collected: number;
  /** Bytes of a property's value; -1: what is usual where it is read. */
  property: number;
  block: number;
  inflate_ratio: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  header_field: MAX_HEADER_FIELD,
  header_count: MAX_HEADER_COUNT,
  interim_count: MAX_INTERIM,
  body: Infinity,
  collected: MAX_COLLECTED,
  property: -1,
  block: Infinity,
  inflate_ratio: Infinity,
};

/** How long things may take, in milliseconds. */
export interface Timeouts {
  /** 0 if never set. */
  connect: number;
  /** Until the next address is tried beside those before (RFC 8305); 0: when they failed. */
  attemptDelay: number;
  /** Of connections that are opened from now on. */
  read: number;
  /** `ne_set_read_timeout` was called. */
  readSet: boolean;
  /** How long a write may wait; 0 for as long as a read. */
  write: number;
  /** A whole request; 0 for no bound. */
  request: number;
  /** An idle connection; 0 leaves it to the server. */
  keepAlive: number;
  /** A body that waits for a 100 response; 0 for as long as a read. */
  expect: number;
}

export const DEFAULT_TIMEOUTS: Readonly<Timeouts> = {
  connect: 0,
  attemptDelay: 0,
  read: DEFAULT_READ_TIMEOUT_MS,
  readSet: false,
  write: 0,
  request: 0,
  keepAlive: 0,
  expect: 1000,
};

/** What a notifier is told: the one member that belongs to the event (`ne_session_status_info`). */
export interface StatusInfo {
  readonly lu?: { readonly hostname: string };
  readonly ci?: { readonly hostname: string | null; readonly address: ne_inet_addr };
  readonly cd?: { readonly hostname: string | null };
  readonly sr?: { readonly progress: number; readonly total: number };
  readonly hs?: { readonly protocol: number; readonly ciphersuite: string | null };
}

/** Whom a handshake asks. */
export interface TlsCallbacks {
  verify: Hook<Callbacks["verify"]> | null;
  /** Asked for a client certificate while the server wants one; hears of that by its tap. */
  provider: (Hook<Callbacks["provideCert"]> & { readonly tap: Tapping }) | null;
  /** Held while a verify callback thinks. */
  readonly verifying: SharedQuestion;
}

/** The requests of a session and the connections they use. */
export interface Work {
  idle: Connection[];
  readonly turns: Turns<Turn>;
  /** The requests that have been begun and not ended, those waiting included. */
  readonly scopes: Set<Scope>;
  /** How many requests have been begun. */
  begun: number;
}

/** Those who are told what happens. */
export interface Listeners {
  notifier: Hook<Callbacks["notify"]> | null;
  debug: { stream: Writable; mask: number } | null;
  /** Those who look on while requests run. */
  observers: readonly Observer[];
}

export interface Session {
  handle: ne_session;
  scheme: string;
  /** Over TLS. */
  secure: boolean;
  server: Endpoint;
  /** Value of the Host field. */
  hostport: string;
  error: string;
  cause: Error | null;
  flags: number[];
  hooks: Hooks;
  listeners: Listeners;
  privates: Map<string, unknown>;
  route: Route;
  userAgent: string | null;
  timeouts: Timeouts;
  /** Whether the next hop's last response was HTTP/1.1: for `ne_version_pre_http11` alone. */
  http11: boolean;
  tls: TlsContext | null;
  tlsCallbacks: TlsCallbacks;
  /**
   * Counts the changes of what a connection is made with, or for whom: route, login, certificates.
   * A connection of an earlier count carries no further request.
   */
  settings: number;
  work: Work;
  limits: Limits;
  /** Breaks off whatever the session does; `forget` takes the tie away. */
  signal: { signal: AbortSignal; forget: () => void } | null;
  /**
   * Of the request that ended last; `statusOf` is the ordinal of the one whose status the error
   * string tells, if it does.
   */
  last: { timings: Timings | null; report: Report | null; statusOf: number | null };
  /** The session for which this one follows a redirect: its request fails if this one's does. */
  askedBy: Session | null;
  destroyed: boolean;
}

/** Sets the error string: one printable line of neon's length. */
export function setError(s: Session, text: string, cause: Error | null = null): void {
  s.error = printable(text).slice(0, MAX_SESSION_ERROR);
  s.last.statusOf = null;
  s.cause = cause;
}

/** How long a write to a connection may wait, in milliseconds. */
export function writeTimeout(s: Session, readTimeoutMs: number): number {
  return s.timeouts.write > 0 ? s.timeouts.write : readTimeoutMs;
}
