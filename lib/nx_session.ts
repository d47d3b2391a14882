// Control over sessions and requests that neon does not have: aborts, signals and deadlines; other
// transports and parallel connections; limits, timings and debug output per session. None of these
// functions changes anything until it is called.
import type { Duplex, Writable } from "node:stream";
import type { Timings } from "./internal/session/report.js";
import {
  misuse,
  type ne_inet_addr,
  type ne_request,
  type ne_session,
} from "./internal/base/handle.js";
import { needPort } from "./internal/base/arguments.js";
import { describe, readOptions, shownNumber } from "./internal/base/call_options.js";
import { requests } from "./internal/session/request.js";
import { connectionsOf } from "./internal/session/connection.js";
import { abortAll, sessions, setRoute, tieToSignal } from "./internal/session/session.js";
import {
  DEFAULT_LIMITS,
  writeTimeout,
  type Limits,
} from "./internal/session/session_state.js";
import { printAddress } from "./internal/wire/address.js";
import { addresses } from "./internal/wire/socket_handles.js";
import { isLongSocketName } from "./internal/wire/tcp.js";
import { checkFieldName, checkFieldValue } from "./internal/http/request_head.js";
import { ne_iaddr_ipv4, type ne_iaddr_type } from "./ne_socket.js";
import type { Fields } from "./internal/http/head.js";

/**
 * Opens the transport for a new connection of the session in place of name lookup and TCP connect.
 * TLS, where the session's scheme is `https`, is negotiated over the stream that it returns. May
 * reject: the request then fails with `NE_CONNECT` and the rejection's message in the session error
 * string.
 */
export type nx_connector<T = unknown> = (
  userdata: T,
  host: string,
  port: number,
) => Duplex | Promise<Duplex>;

/**
 * Installs a connector; `null` takes it away. Replaces any proxy or address list, and must precede
 * the first request.
 * @example
 * ```ts
 * nx_set_connector(sess, (_userdata, host, port) => net.connect({ host, port }));
 * ```
 */
export function nx_set_connector<T>(
  sess: ne_session,
  connector: nx_connector<T> | null,
  userdata?: T,
): void {
  const s = sessions.open(sess, "nx_set_connector");
  if (connector !== null && typeof connector !== "function") {
    const given = describe(connector);
    throw misuse("nx_set_connector", `the connector must be a function or null, not ${given}`);
  }
  const hook = connector === null ? null : { fn: connector, userdata: userdata ?? null };
  setRoute(s, { connector: hook });
}

/**
 * Makes every connection of the session to the Unix-domain socket at `path`; the Host header stays
 * the session's. A path longer than a socket's name can be (107 bytes on Linux) is a TypeError.
 * @example
 * ```ts
 * nx_session_unix(sess, "/var/run/docker.sock");
 * ```
 */
export function nx_session_unix(sess: ne_session, path: string): void {
  const s = sessions.open(sess, "nx_session_unix");
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw misuse("nx_session_unix", "the path must be the name of a socket");
  }
  if (isLongSocketName(path)) {
    throw misuse("nx_session_unix", "the path is too long for the name of a socket");
  }
  setRoute(s, { unixPath: path });
}

/** Whether a connection of the session is open now. */
export function nx_session_connected(sess: ne_session): boolean {
  const s = sessions.open(sess, "nx_session_connected");
  return connectionsOf(s).some(({ open, wire }) => open && !wire.ended);
}

/**
 * Aborts every request of the session, running or waiting: they resolve to `NE_ERROR`, "Aborted".
 * The session stays usable.
 */
export function nx_session_abort(sess: ne_session): void {
  abortAll(
    sessions.open(sess, "nx_session_abort"),
    new DOMException("nx_session_abort was called", "AbortError"),
  );
}

/**
 * Ties the session to an `AbortSignal`: when it fires, all requests are aborted as by
 * `nx_session_abort`, and later requests fail at once. `null` removes the tie.
 * @example
 * ```ts
 * nx_set_session_signal(sess, AbortSignal.timeout(60_000)); // for all that the session does
 * ```
 */
export function nx_set_session_signal(sess: ne_session, signal: AbortSignal | null): void {
  const s = sessions.open(sess, "nx_set_session_signal");
  checkSignal(signal, "nx_set_session_signal");
  tieToSignal(s, signal);
}

/** Aborts one request: its dispatch resolves to `NE_ERROR`, "Aborted". */
export function nx_request_abort(req: ne_request): void {
  requests
    .open(req, "nx_request_abort")
    .scope.abort(new DOMException("nx_request_abort was called", "AbortError"));
}

/**
 * Ties one request to an `AbortSignal`: when it fires, before or while the request is dispatched,
 * the request fails with `NE_ERROR`, "Aborted". `null` removes the tie.
 */
export function nx_set_request_signal(req: ne_request, signal: AbortSignal | null): void {
  const r = requests.open(req, "nx_set_request_signal");
  checkSignal(signal, "nx_set_request_signal");
  r.bounds.signal = signal;
}

/**
 * The JavaScript error behind the session's last failure (a system error with `code`, a TLS error,
 * an `AbortError`), or `null`.
 */
export function nx_get_cause(sess: ne_session): Error | null {
  return sessions.open(sess, "nx_get_cause").cause;
}

/**
 * Bounds a whole request, from the start of its dispatch to the end of its response, retries and
 * waiting for its turn included, in seconds; a negative number or NaN is a `TypeError`; 0 removes
 * the bound. Past it: `NE_TIMEOUT`.
 */
export function nx_set_request_timeout(sess: ne_session, seconds: number): void {
  const s = sessions.open(sess, "nx_set_request_timeout");
  s.timeouts.request = checkSeconds(seconds, "nx_set_request_timeout");
}

/** `nx_set_request_timeout` for one request alone, over the session's bound; 0: as the session. */
export function nx_set_request_deadline(req: ne_request, seconds: number): void {
  const r = requests.open(req, "nx_set_request_deadline");
  r.bounds.deadlineMs = checkSeconds(seconds, "nx_set_request_deadline");
}

/**
 * Closes, rather than reuses, a connection that has been idle for longer, in seconds; 0 (the
 * default) means only the server decides. A server's `Keep-Alive: timeout=` is honoured either way.
 */
export function nx_set_keepalive_timeout(sess: ne_session, seconds: number): void {
  const s = sessions.open(sess, "nx_set_keepalive_timeout");
  s.timeouts.keepAlive = checkSeconds(seconds, "nx_set_keepalive_timeout");
}

/**
 * Lets up to `n` requests of the session run at once, each on a connection of its own; the default
 * 1 is neon's behaviour. `ne_close_connection` closes all that are idle, `nx_session_connected`
 * means any.
 * @example
 * ```ts
 * nx_set_max_connections(sess, 4);
 * await Promise.all(["/a", "/b", "/c"].map((path) => nx_send(sess, "GET", path)));
 * ```
 */
export function nx_set_max_connections(sess: ne_session, n: number): void {
  const s = sessions.open(sess, "nx_set_max_connections");
  if (!Number.isInteger(n) || n < 1) {
    const wanted = "the number must be a whole number above 0";
    throw misuse("nx_set_max_connections", `${wanted}, not ${shownNumber(n)}`);
  }
  s.work.turns.max = n;
  s.work.turns.pump();
}

/**
 * Sets how long a write may wait for the peer to take what was sent, in seconds; 0 (the default)
 * means as long as a read. Past it: `NE_TIMEOUT`.
 */
export function nx_set_write_timeout(sess: ne_session, seconds: number): void {
  const s = sessions.open(sess, "nx_set_write_timeout");
  s.timeouts.write = checkSeconds(seconds, "nx_set_write_timeout");
}

/**
 * Sets how long a request with `Expect: 100-continue` waits for a 100 or a final response before it
 * sends its body anyway (RFC 9110 section 10.1.1), in seconds; other interim responses do not
 * count. The default is 1; 0 means as long as the read timeout, as in C.
 */
export function nx_set_expect_timeout(sess: ne_session, seconds: number): void {
  const s = sessions.open(sess, "nx_set_expect_timeout");
  s.timeouts.expect = checkSeconds(seconds, "nx_set_expect_timeout");
}

/**
 * Connects as RFC 8305 says ("happy eyeballs"): when the addresses tried so far have not connected
 * after so many seconds, or one has failed, the next is tried beside them, IPv6 and IPv4 in turn,
 * and the first to connect is used; the others are closed. It counts for a list of
 * `ne_set_addrlist` too.
 *
 * 0 (what `ne_session_create` gives) tries one after the other in the order of the lookup, as C
 * does; `nx_session_for` sets 0.25. The notifier hears of every address that is tried
 * (`ne_status_connecting`) and once that there is a connection.
 *
 * @param seconds below 0 or NaN is a `TypeError`
 */
export function nx_set_connection_attempt_delay(sess: ne_session, seconds: number): void {
  const s = sessions.open(sess, "nx_set_connection_attempt_delay");
  s.timeouts.attemptDelay = checkSeconds(seconds, "nx_set_connection_attempt_delay");
}

/** The timeouts of a session, in seconds. */
export interface nx_timeouts {
  /** a connection: `ne_set_connect_timeout`; 0 leaves it to the system */
  connect: number;
  /** a read: `ne_set_read_timeout` */
  read: number;
  /** a write: `nx_set_write_timeout`, or as long as a read */
  write: number;
  /** a whole request: `nx_set_request_timeout`; 0 for no bound */
  request: number;
  /** an idle connection: `nx_set_keepalive_timeout`; 0 leaves it to the server */
  keepalive: number;
}

/** @returns the timeouts in force. */
export function nx_get_timeouts(sess: ne_session): nx_timeouts {
  const s = sessions.open(sess, "nx_get_timeouts");
  return {
    connect: s.timeouts.connect / 1000,
    read: s.timeouts.read / 1000,
    write: writeTimeout(s, s.timeouts.read) / 1000,
    request: s.timeouts.request / 1000,
    keepalive: s.timeouts.keepAlive / 1000,
  };
}

/**
 * Sets the local address and port of later connections. One for each kind of address may be set,
 * and is used where it fits the peer's; they count more than `ne_set_localaddr`. With a port, the
 * session can open only one connection at a time.
 * @param addr must live as long as the session.
 * @param port 0, the default, is any.
 */
export function nx_set_source_address(
  sess: ne_session,
  addr: ne_inet_addr,
  port: number = 0,
): void {
  const s = sessions.open(sess, "nx_set_source_address");
  const address = addresses.open(addr, "nx_set_source_address");
  needPort(port, "nx_set_source_address");
  const others = s.route.sources.filter((one) => one.address.kind !== address.kind);
  s.route = { ...s.route, sources: [...others, { address, port }] };
}

/** One end of a connection. */
export interface nx_endpoint {
  /** an IP address, as text */
  readonly address: string;
  /** a port, 0 for any */
  readonly port: number;
}

/**
 * @param type `ne_iaddr_ipv4` or `ne_iaddr_ipv6`.
 * @returns what was given to `nx_set_source_address` for this kind of address, or `null`.
 */
export function nx_get_source_address(sess: ne_session, type: ne_iaddr_type): nx_endpoint | null {
  const kind = type === ne_iaddr_ipv4 ? "ipv4" : "ipv6";
  const { sources } = sessions.open(sess, "nx_get_source_address").route;
  const source = sources.find((one) => one.address.kind === kind);
  return source === undefined
    ? null
    : { address: printAddress(source.address), port: source.port };
}

/** Both ends of a connection. */
export interface nx_addresses {
  /** the near end */
  readonly local: nx_endpoint;
  /** the far end: the server, or a proxy */
  readonly peer: nx_endpoint;
}

/**
 * @returns both ends of the connection that the session is using, or used last and keeps; `null`
 *   where there is none, or its transport knows no addresses.
 */
export function nx_session_addresses(sess: ne_session): nx_addresses | null {
  const s = sessions.open(sess, "nx_session_addresses");
  return connectionsOf(s).find(({ open }) => open)?.wire.ends ?? null;
}

/**
 * Adds a field to the trailer of a request body that is sent in chunks (one of unknown length; a
 * body of known length has no trailer). Call it before the body has ended, from its provider
 * perhaps.
 */
export function nx_add_request_trailer(req: ne_request, name: string, value: string): void {
  const r = requests.open(req, "nx_add_request_trailer");
  checkFieldName(name, "nx_add_request_trailer");
  checkFieldValue(value, "nx_add_request_trailer");
  r.fields.trailer += `${name}: ${value}\r\n`;
}

/**
 * Debug output of this session alone, over the same channels as `ne_debug_init` (`NE_DBG_*`);
 * secrets (credentials, cookies, API keys, lock tokens, also in URLs and bodies) are never written
 * unless `NE_DBG_HTTPPLAIN` is in the mask.
 * @example
 * ```ts
 * nx_set_debug(sess, process.stderr, NE_DBG_HTTP | NE_DBG_SOCKET);
 * ```
 */
export function nx_set_debug(sess: ne_session, stream: Writable | null, mask: number): void {
  const s = sessions.open(sess, "nx_set_debug");
  if (stream !== null && typeof stream?.write !== "function") {
    throw misuse("nx_set_debug", "the stream must be a Writable or null");
  }
  s.listeners.debug = stream === null ? null : { stream, mask };
}

/**
 * What a response may cost at most; a field left out keeps its default. Past a limit the request
 * fails with `NE_ERROR`.
 */
export interface nx_limits {
  /** bytes of one header field, folded lines included (default as neon's) */
  header_field?: number;
  /** number of header fields of a message (default as neon's) */
  header_count?: number;
  /** interim (1xx) responses before the final one (default 1000) */
  interim_count?: number;
  /** bytes of a decoded response body (default unlimited) */
  body?: number;
  /** bytes of one property's value (default as neon's for `ne_`, 2^24 for `nx_`) */
  property?: number;
  /**
   * bytes that `nx_send` collects into `body` at most, decoded (default 2^30); past it the error
   * names this limit
   */
  collected?: number;
  /**
   * bytes that a body reader is given at most in one call (default: as they come, up to 64 KiB; C
   * never gives more than 8192)
   */
  block?: number;
  /**
   * how many times larger than its compressed form a body may grow past its first mebibyte (default
   * unlimited; deflate reaches 1032)
   */
  inflate_ratio?: number;
}

const LIMITS: ReadonlySet<string> = new Set(Object.keys(DEFAULT_LIMITS));

/**
 * Sets the limits of the session's later responses.
 * @example
 * ```ts
 * nx_set_limits(sess, { body: 10e6, inflate_ratio: 100 });
 * ```
 */
export function nx_set_limits(sess: ne_session, limits: nx_limits): void {
  const s = sessions.open(sess, "nx_set_limits");
  const own = readOptions(limits, LIMITS, "nx_set_limits", "limits");
  const next: Limits = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(own) as (keyof Limits)[]) {
    const value = own[name];
    if (value === undefined) continue;
    const least = name === "block" ? 1 : 0;
    if (typeof value !== "number" || !(value >= least)) {
      const given = shownNumber(value);
      throw misuse("nx_set_limits", `${name} must be a number from ${least} on, not ${given}`);
    }
    next[name] = value;
  }
  s.limits = next;
}

/**
 * How long each part of the last finished request took, in seconds; `null` for a part that did not
 * happen (a reused connection has no lookup).
 */
export interface nx_timings {
  /** looking the host name up */
  lookup: number | null;
  /** connecting */
  connect: number | null;
  /** the TLS handshake, with the judgement of the certificate */
  handshake: number | null;
  /** sending head and body */
  send: number | null;
  /** from the start of the request to its final status line */
  first_byte: number | null;
  /** from there to the end of the response */
  receive: number | null;
  /** the whole request */
  total: number;
  /** whether the request went over a connection that an earlier request had opened */
  reused: boolean;
}

/**
 * The timings of the last request that ended with a response, or `null` before the first.
 * @example
 * ```ts
 * const { connect, first_byte, total } = nx_get_timings(sess) ?? {};
 * ```
 */
export function nx_get_timings(sess: ne_session): nx_timings | null {
  const { timings } = sessions.open(sess, "nx_get_timings").last;
  return timings === null ? null : { ...(timings satisfies Timings) };
}

/** The fields of the last response head in the order received, names as received. */
export function nx_response_fields(req: ne_request): (readonly [name: string, value: string])[] {
  return pairs(requests.open(req, "nx_response_fields").response.fields);
}

/** The fields of the last response's trailer, as `nx_response_fields`. */
export function nx_response_trailer_fields(
  req: ne_request,
): (readonly [name: string, value: string])[] {
  return pairs(requests.open(req, "nx_response_trailer_fields").response.trailer);
}

function pairs(fields: Fields): (readonly [name: string, value: string])[] {
  return fields.list.map(({ name, value }) => [name, value] as const);
}

function checkSignal(signal: AbortSignal | null, caller: string): void {
  if (signal !== null && !(signal instanceof AbortSignal)) {
    throw misuse(caller, `the signal must be an AbortSignal or null, not ${describe(signal)}`);
  }
}

function checkSeconds(seconds: number, caller: string): number {
  if (typeof seconds !== "number" || !(seconds >= 0)) {
    const given = shownNumber(seconds);
    throw misuse(caller, `the time must be a number of seconds from 0 on, not ${given}`);
  }
  return seconds === Infinity ? 0 : seconds * 1000;
}
