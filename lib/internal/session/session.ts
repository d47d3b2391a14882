// The record behind a session: its settings, hooks and connections, and what every part of a
// conversation does to them: word an error, tell the notifier, run hooks, close a connection.
//
// A connection is a record of its own. A turn (turns.ts) holds it while its request runs; the
// session keeps the idle ones. Nothing about a connection is stored on the session.
import type { Writable } from "node:stream";
import {
  DEFAULT_READ_TIMEOUT_MS,
  MAX_COLLECTED,
  MAX_HEADER_COUNT,
  MAX_HEADER_FIELD,
  MAX_INFLATE_RATIO,
  MAX_INTERIM,
  MAX_SESSION_ERROR,
  NE_DBG_HTTP,
  NE_DBG_HTTPBODY,
  NE_DBG_HTTPPLAIN,
  NE_DBG_SOCKET,
  ne_status_disconnected,
} from "../base/constants.js";
import { ownOnly, printable } from "../base/bytes.js";
import { debug, debugEnabled } from "../base/debug.js";
import { hideInBody } from "../http/secret_bodies.js";
import { hideInHead } from "../http/secrets.js";
import { format, type FormatArg } from "../base/printf.js";
import {
  HandleType,
  misuse,
  type ne_request,
  type ne_session,
  type ne_ssl_certificate,
  type ne_ssl_dname,
} from "../base/handle.js";
import type { ne_buffer } from "../../ne_string.js";
import type { ne_status } from "../../ne_utils.js";
import { parseLiteral, type Address } from "../wire/address.js";
import { proxyFromEnv } from "../proxy/env.js";
import type { Wire } from "../wire/wire.js";
import { createTlsContext, type TlsContext } from "../tls/context.js";
import { isPromise } from "../base/promise.js";
import { SharedQuestion } from "../base/shared_question.js";
import { Turns, type Place } from "./turns.js";
import type { Scope } from "./cancellation.js";
import type { Witness } from "./witness.js";

/** A function of the application and what to call it with. */
export interface Hook<F> {
  fn: F;
  userdata: unknown;
}

/** The hooks of a session, each list in order of registration. */
export interface Hooks {
  createRequest: Hook<(req: ne_request, userdata: never, method: string, target: string) => void>[];
  preSend: Hook<(req: ne_request, userdata: never, header: ne_buffer) => unknown>[];
  postHeaders: Hook<(req: ne_request, userdata: never, status: Readonly<ne_status>) => unknown>[];
  postSend: Hook<
    (req: ne_request, userdata: never, status: Readonly<ne_status>) => number | PromiseLike<number>
  >[];
  destroyRequest: Hook<(req: ne_request, userdata: never) => void>[];
  destroySession: Hook<(userdata: never) => void>[];
  closeConn: Hook<(userdata: never) => void>[];
}

/** One proxy on the way to the server. */
export interface Hop {
  kind: "http" | "https" | "socks4" | "socks4a" | "socks5";
  host: string;
  port: number;
  username: string | null;
  password: string | null;
  /** Certificates to trust for TLS to the proxy itself. */
  trust: readonly ne_ssl_certificate[];
  /** Tunnel with CONNECT for plain http, too. */
  tunnel: boolean;
  /** The setting that it comes from, for what answers its challenges. */
  setting: object | null;
  endpoint: Endpoint;
}

/** A local end to connect from; port 0 is any. */
export interface Source {
  address: Address;
  port: number;
}

/** A host to connect to. */
export interface Endpoint {
  /** As given, an IPv6 literal in brackets. */
  hostname: string;
  port: number;
  /** Known at once for a literal, after the first lookup for a name. */
  addresses: Address[] | null;
  /** Whether `hostname` is an address literal. */
  literal: boolean;
}

/** One transport connection. */
export interface Connection {
  wire: Wire;
  /** The proxy it goes through, `null` for none. */
  hop: Hop | null;
  /** Name for `ne_status_connected` and `_disconnected`; `null` with an address list. */
  hostname: string | null;
  /** Responses that it has carried. */
  responses: number;
  /** Milliseconds on the clock of `performance` when the last response ended. */
  idleSince: number;
  /** How long the server said that it keeps it, in milliseconds. */
  serverKeepMs: number;
  /** The session's `settings` when it was opened. */
  settings: number;
  open: boolean;
}

/** A request's turn, and the connection that it has meanwhile. */
export interface Turn extends Place {
  connection: Connection | null;
}

/** See `nx_limits`. */
export interface Limits {
  header_field: number;
  header_count: number;
  interim_count: number;
  body: number;
  /** Bytes of a property's value; -1: what is usual where it is read. */
  property: number;
  collected: number;
  inflate_ratio: number;
}

/** See `nx_timings`. */
export interface Timings {
  lookup: number | null;
  connect: number | null;
  handshake: number | null;
  send: number | null;
  first_byte: number | null;
  receive: number | null;
  total: number;
  reused: boolean;
}

/** What a notifier is told, one member for each kind of event. */
export type StatusInfo = Record<string, unknown>;

/** See `ne_ssl_provide_fn`. */
type CertProvider = (
  userdata: never,
  sess: ne_session,
  dnames: readonly ne_ssl_dname[],
) => void | Promise<void>;

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
  notifier: Hook<(userdata: never, status: number, info: never) => unknown> | null;
  privates: Map<string, unknown>;
  /** The proxy, `null` for none. */
  hop: Hop | null;
  /** Whether a server is reached without the proxy. */
  bypass: ((host: string, port: number) => boolean) | null;
  /** The proxy is what the environment names for the server. */
  fromEnvironment: boolean;
  /** Why no connection can be made: a proxy is wanted that cannot be used. */
  unusableProxy: string | null;
  addresses: { list: readonly Address[]; port: number; first: number } | null;
  connector: Hook<(userdata: never, host: string, port: number) => unknown> | null;
  unixPath: string | null;
  /** After which the next address is tried beside those before (RFC 8305); 0: when they failed. */
  attemptDelayMs: number;
  localAddress: Address | null;
  /** Local ends with ports, one for each kind of address; they count more. */
  sources: readonly Source[];
  userAgent: string | null;
  /** 0 if never set. */
  connectTimeoutMs: number;
  readTimeoutMs: number;
  /** How long a write may wait; 0 for as long as a read. */
  writeTimeoutMs: number;
  /** `ne_set_read_timeout` was called. */
  readTimeoutSet: boolean;
  /** Whether the next hop's last response was HTTP/1.1. */
  http11: boolean;
  tls: TlsContext | null;
  verify: Hook<(userdata: never, failures: number, cert: ne_ssl_certificate) => unknown> | null;
  /** Asked for a client certificate while the server wants one. */
  certProvider: Hook<CertProvider> | null;
  /**
   * Counts the changes of what a connection is made with, or for whom: route, login, certificates.
   * A connection of an earlier count carries no further request.
   */
  settings: number;
  idle: Connection[];
  turns: Turns<Turn>;
  /** The requests that have been begun and not ended, those waiting included. */
  scopes: Set<Scope>;
  /** How many requests have been begun. */
  begun: number;
  /** Held while a verify callback thinks. */
  readonly verifying: SharedQuestion;
  limits: Limits;
  requestTimeoutMs: number;
  keepAliveMs: number;
  signal: AbortSignal | null;
  forgetSignal: (() => void) | null;
  debugStream: Writable | null;
  debugMask: number;
  timings: Timings | null;
  /** Those who look on while requests run. */
  witnesses: readonly Witness[];
  /** What the notifier rejected with when a connection was closed, until a request can say it. */
  thrownAtClose: { error: unknown } | null;
  destroyed: boolean;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  header_field: MAX_HEADER_FIELD,
  header_count: MAX_HEADER_COUNT,
  interim_count: MAX_INTERIM,
  body: Infinity,
  property: -1,
  collected: MAX_COLLECTED,
  inflate_ratio: MAX_INFLATE_RATIO,
};

export const sessions = new HandleType<"ne_session", Session>("ne_session", destroySession);

/** A host and port to connect to. */
function createEndpoint(hostname: string, port: number): Endpoint {
  const literal = parseLiteral(hostname);
  const addresses = literal === undefined || literal === null ? null : [literal];
  return { hostname, port, addresses, literal: addresses !== null };
}

/** A proxy to go through. */
export function createHop(
  kind: Hop["kind"],
  host: string,
  port: number,
  more: Partial<Pick<Hop, "username" | "password" | "trust" | "tunnel" | "setting">> = {},
): Hop {
  const given = ownOnly(more);
  return {
    kind,
    host,
    port,
    username: given.username ?? null,
    password: given.password ?? null,
    trust: given.trust ?? [],
    tunnel: given.tunnel ?? false,
    setting: given.setting ?? null,
    endpoint: createEndpoint(host, port),
  };
}

/** Sets who supplies client certificates, if the session is one with TLS. */
export function setCertProvider(s: Session, provider: Hook<CertProvider> | null): void {
  if (s.tls === null) return;
  s.settings++;
  s.certProvider = provider;
  s.tls.provider =
    provider === null
      ? null
      : (dnames) => provider.fn(provider.userdata as never, s.handle, dnames);
}

type Route = Pick<
  Session,
  "hop" | "bypass" | "fromEnvironment" | "unusableProxy" | "addresses" | "connector" | "unixPath"
>;

/**
 * Replaces the proxy, address list and connector set before. What took another way is not used
 * again.
 */
export function setRoute(
  s: Session,
  route: Partial<Route>,
): void {
  for (const connection of [...s.idle]) closeConnection(s, connection);
  const given = ownOnly(route);
  s.settings++;
  s.hop = given.hop ?? null;
  s.bypass = given.bypass ?? null;
  s.fromEnvironment = given.fromEnvironment ?? false;
  s.unusableProxy = given.unusableProxy ?? null;
  s.addresses = given.addresses ?? null;
  s.connector = given.connector ?? null;
  s.unixPath = given.unixPath ?? null;
}

/** Takes the proxy that the environment names for the session's server, or none. */
export function useEnvironmentProxy(s: Session): void {
  try {
    const found = proxyFromEnv(s.scheme, s.server.hostname, s.server.port, process.env);
    const hop = found === null ? null : createHop(found.scheme, found.host, found.port, found);
    setRoute(s, { hop, fromEnvironment: true });
  } catch (error) {
    const unusableProxy = error instanceof Error ? error.message : String(error);
    setRoute(s, { unusableProxy, fromEnvironment: true });
  }
}

/** How long a write may wait, in milliseconds. */
export function writeTimeout(s: Session): number {
  return s.writeTimeoutMs > 0 ? s.writeTimeoutMs : s.readTimeoutMs;
}

/** The proxy that the session goes through to reach its server. */
export function proxyInUse(s: Session): Hop | null {
  return s.bypass?.(s.server.hostname, s.server.port) === true ? null : s.hop;
}

/** The same, if it is an HTTP proxy. */
export function httpProxyInUse(s: Session): Hop | null {
  const hop = proxyInUse(s);
  return hop?.kind === "http" || hop?.kind === "https" ? hop : null;
}

/** Whether requests are sent to an HTTP proxy as they are: with an absolute URI, not tunnelled. */
export function sendsToProxy(s: Session): boolean {
  return !s.secure && httpProxyInUse(s)?.tunnel === false;
}

/** Sets the error string: one printable line of neon's length. */
export function setError(s: Session, text: string, cause: Error | null = null): void {
  s.error = printable(text).slice(0, MAX_SESSION_ERROR);
  s.cause = cause;
}

/** A debug message of this session: to the process's stream and to the session's own. */
export function trace(s: Session, channel: number, template: string, ...args: FormatArg[]): void {
  debug(channel, template, ...args);
  if ((s.debugMask & channel) !== 0 && s.debugStream?.writable === true) {
    s.debugStream.write(format(template, args, "ne_debug"));
  }
}

/** Whether anyone listens on a channel for this session. */
export function isTraced(s: Session, channel: number): boolean {
  return debugEnabled(channel) || ((s.debugMask & channel) !== 0 && s.debugStream !== null);
}

/** A request head for debug output, credentials blanked out unless asked for. */
export function traceHead(s: Session, head: string): void {
  if (!isTraced(s, NE_DBG_HTTP)) return;
  const text = head.replaceAll("\r\n", "\n");
  traceEither(s, "Sending request headers:\n%s\n", text, hideSecrets(text));
}

/** As `trace`: the plain text only where `NE_DBG_HTTPPLAIN` is asked for. */
export function traceEither(
  s: Session,
  template: string,
  plain: string,
  hidden: string,
  channel: number = NE_DBG_HTTP,
): void {
  debug(channel, template, debugEnabled(NE_DBG_HTTPPLAIN) ? plain : hidden);
  if ((s.debugMask & channel) !== 0 && s.debugStream?.writable === true) {
    const shown = (s.debugMask & NE_DBG_HTTPPLAIN) !== 0 ? plain : hidden;
    s.debugStream.write(format(template, [shown], "ne_debug"));
  }
}

/** A block of a body for debug output, secrets hidden unless asked for. */
export function traceBlock(s: Session, what: string, block: Buffer): void {
  if (!isTraced(s, NE_DBG_HTTPBODY)) return;
  const text = block.toString("latin1");
  const template = `${what} (${block.length} bytes):\n[%s]\n`;
  traceEither(s, template, text, hideInBody(null, text), NE_DBG_HTTPBODY);
}

/** Lines of a head as debug output shows them: a cross for each character of a secret, as in C. */
export function hideSecrets(lines: string): string {
  return hideInHead(lines, (secret) => "x".repeat(secret.length));
}

/**
 * The hooks of a list, one after the other, as a walk along a linked list: what a hook adds runs in
 * this pass, what it removes does not.
 */
export function* eachHook<F>(list: Hook<F>[]): Generator<Hook<F>> {
  for (let i = 0; i < list.length; i++) {
    const hook = list[i] as Hook<F>;
    yield hook;
    const at = list.indexOf(hook);
    i = at >= 0 ? at : i - 1;
  }
}

/** Throws for a promise from a callback that nobody can wait for. */
export function needSync(result: unknown, callback: string): void {
  if (!isPromise(result)) return;
  result.then(undefined, () => {});
  throw misuse(callback, "the callback must not return a promise");
}

/** Waits for an application's promise while other requests of the session may run. */
export async function awaitApplication<T>(
  s: Session,
  turn: Turn,
  scope: Scope,
  promise: PromiseLike<T>,
): Promise<T> {
  s.turns.enterCallback(turn);
  try {
    return await scope.race(promise);
  } finally {
    s.turns.leaveCallback(turn);
  }
}

/** Tells the notifier. @returns the promise to wait for, if it returned one */
export function notify(
  s: Session,
  status: number,
  info: StatusInfo,
): PromiseLike<unknown> | undefined {
  const { notifier } = s;
  if (notifier === null) return undefined;
  const { fn, userdata } = notifier as Hook<(u: unknown, st: number, i: StatusInfo) => unknown>;
  const result = fn(userdata, status, info);
  return isPromise(result) ? result : undefined;
}

/** Closes a connection, as `ne_close_connection` says: notifier, hooks, then the socket. */
export function closeConnection(s: Session, connection: Connection): void {
  if (!connection.open) return;
  connection.open = false;
  const at = s.idle.indexOf(connection);
  if (at >= 0) s.idle.splice(at, 1);
  trace(s, NE_DBG_SOCKET, "sess: Closing connection.\n");
  try {
    // nobody waits for what the notifier returns here; what it rejects with leaves through the
    // request that is running, if there is one
    notify(s, ne_status_disconnected, { cd: { hostname: connection.hostname } })?.then(
      undefined,
      (error: unknown) => {
        if (s.turns.running.size > 0) s.thrownAtClose ??= { error };
      },
    );
    for (const { fn, userdata } of eachHook(s.hooks.closeConn)) {
      needSync(fn(userdata as never), "ne_close_conn_fn");
    }
  } finally {
    connection.wire.close();
    trace(s, NE_DBG_SOCKET, "sess: Connection closed.\n");
  }
}

/** Closes every connection of the session; what the first callback throws goes on when all are. */
export function closeAll(s: Session): void {
  const connections = [...s.idle];
  for (const { connection } of s.turns.running) {
    if (connection !== null) connections.push(connection);
  }
  let thrown: { error: unknown } | null = null;
  for (const connection of connections) {
    try {
      closeConnection(s, connection);
    } catch (error) {
      thrown ??= { error };
    }
  }
  if (thrown !== null) throw thrown.error;
}

function destroySession(s: Session): void {
  trace(s, NE_DBG_HTTP, "sess: Destroying session.\n");
  try {
    for (const { fn, userdata } of eachHook(s.hooks.destroySession)) {
      needSync(fn(userdata as never), "ne_destroy_sess_fn");
    }
  } finally {
    s.destroyed = true;
    s.forgetSignal?.();
    abortAll(s, new Error("the session was destroyed"));
    closeAll(s);
  }
}

/** Breaks off every request of the session, running or waiting. */
export function abortAll(s: Session, cause: Error): void {
  for (const scope of [...s.scopes]) scope.abort(cause);
}

const SCHEME_PORT: Readonly<Record<string, number>> = { https: 443 };

/** A session's record and handle, configured as a new session is. */
export function createSession(scheme: string, host: string, port: number): Session {
  const secure = scheme === "https";
  const server = createEndpoint(host, port);
  const shown = host.startsWith("[") ? host.replace(/%[^\]]*/, "") : host;
  const s: Session = {
    handle: undefined as unknown as ne_session,
    scheme,
    secure,
    server,
    hostport: port === (SCHEME_PORT[scheme] ?? 80) ? shown : `${shown}:${port}`,
    error: "Unknown error.",
    cause: null,
    flags: [1, 0, 0, 0, 0, secure && !server.literal ? 1 : 0, 0, 0, 1],
    hooks: {
      createRequest: [],
      preSend: [],
      postHeaders: [],
      postSend: [],
      destroyRequest: [],
      destroySession: [],
      closeConn: [],
    },
    notifier: null,
    privates: new Map(),
    hop: null,
    bypass: null,
    fromEnvironment: false,
    unusableProxy: null,
    addresses: null,
    connector: null,
    unixPath: null,
    attemptDelayMs: 0,
    localAddress: null,
    sources: [],
    userAgent: null,
    connectTimeoutMs: 0,
    readTimeoutMs: DEFAULT_READ_TIMEOUT_MS,
    writeTimeoutMs: 0,
    readTimeoutSet: false,
    http11: false,
    tls: secure ? createTlsContext() : null,
    verify: null,
    certProvider: null,
    settings: 0,
    idle: [],
    turns: new Turns(),
    scopes: new Set(),
    begun: 0,
    verifying: new SharedQuestion(),
    limits: { ...DEFAULT_LIMITS },
    requestTimeoutMs: 0,
    keepAliveMs: 0,
    signal: null,
    forgetSignal: null,
    debugStream: null,
    debugMask: 0,
    timings: null,
    witnesses: [],
    thrownAtClose: null,
    destroyed: false,
  };
  s.handle = sessions.create(s) as ne_session;
  return s;
}

/** What a response may cost, for the guests that decode bodies. */
export function limitsOf(sess: ne_session): Readonly<Limits> {
  return sessions.open(sess, "limitsOf").limits;
}
