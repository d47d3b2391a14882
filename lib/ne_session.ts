// ne_session.h: sessions: one server, at most one connection, the settings for both.
//
// Creating and configuring a session does no I/O. Unless said otherwise a setting works from the
// next connection or the next request on.
import type { ne_off_t, ne_printf_arg } from "./ne_defs.js";
import { format } from "./internal/base/printf.js";
import { misuse, needHandle, type ne_inet_addr, type ne_session } from "./internal/base/handle.js";
import type {
  ne_ssl_certificate,
  ne_ssl_client_cert,
  ne_ssl_dname,
} from "./internal/base/handle.js";
import {
  MAX_SESSION_ERROR,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_EXPECT100,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_LAST,
  NE_SESSFLAG_PERSIST,
  NE_SESSFLAG_RFC4918,
  NE_SESSFLAG_SHAREPOINT,
  NE_SESSFLAG_SSLv2,
  NE_SESSFLAG_STRICT,
  NE_SESSFLAG_TLS_SNI,
  ne_status_connected,
  ne_status_connecting,
  ne_status_disconnected,
  ne_status_handshake,
  ne_status_lookup,
  ne_status_recving,
  ne_status_sending,
} from "./internal/base/constants.js";
import { defaultProxy } from "./internal/proxy/default.js";
import {
  needCallback,
  needCallbackOrNull,
  needList,
  needObject,
  needPort,
  needText,
  needTimeout,
} from "./internal/base/arguments.js";
import { closeAll } from "./internal/session/connection.js";
import { createHop, httpProxyInUse } from "./internal/session/route.js";
import {
  createSession,
  sessions,
  setCertProvider,
  setRoute,
  useEnvironmentProxy,
} from "./internal/session/session.js";
import { setError, type StatusInfo } from "./internal/session/session_state.js";
import { trace } from "./internal/session/trace.js";
import { setClientCert, setVersions, trustCert } from "./internal/tls/context.js";
import { certificates, clientCerts } from "./internal/tls/certificate_handles.js";
import { addresses } from "./internal/wire/socket_handles.js";
import { trustDefaultCa } from "./internal/wire/default_roots.js";
import { tapTls } from "./internal/wire/tls_tap.js";
import type { ne_sock_sversion } from "./ne_socket.js";
import type { ne_ssl_protocol, ne_ssl_verify_fn } from "./ne_ssl.js";
import type { ne_uri } from "./ne_uri.js";
import { ne_version_library } from "./ne_utils.js";
import { checkFieldValue } from "./internal/http/request_head.js";

export {
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_EXPECT100,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_LAST,
  NE_SESSFLAG_PERSIST,
  NE_SESSFLAG_RFC4918,
  NE_SESSFLAG_SHAREPOINT,
  NE_SESSFLAG_SSLv2,
  NE_SESSFLAG_STRICT,
  NE_SESSFLAG_TLS_SNI,
  ne_status_connected,
  ne_status_connecting,
  ne_status_disconnected,
  ne_status_handshake,
  ne_status_lookup,
  ne_status_recving,
  ne_status_sending,
};

export type { ne_session };

/**
 * Creates a session for one server. Nothing is sent; the connection is opened by the first request.
 *
 * On at start are the flags `NE_SESSFLAG_PERSIST` and `NE_SESSFLAG_STRICT`, and
 * `NE_SESSFLAG_TLS_SNI` for https with a host that is no IP literal. No CA is trusted yet: call
 * `ne_ssl_trust_default_ca` for https. The error string is `Unknown error.`.
 *
 * @example
 * ```ts
 * const sess = ne_session_create("https", "example.com", 443);
 * ne_ssl_trust_default_ca(sess);
 * ne_set_read_timeout(sess, 30);
 * // … requests …
 * ne_session_destroy(sess);
 * ```
 * @param scheme lower-cased; `https` means TLS, anything else plain TCP.
 * @param host DNS name, IPv4 literal, or IPv6 literal in brackets, with an interface as in
 *   `[fe80::1%25eth0]` if needed; the interface part is not sent in the Host field.
 * @param port always required; the Host field shows it unless it is 443 for https or 80 otherwise.
 */
export function ne_session_create(scheme: string, host: string, port: number): ne_session {
  checkScheme(scheme, "ne_session_create");
  checkHost(host, "ne_session_create");
  needPort(port, "ne_session_create");
  const s = createSession(scheme.toLowerCase(), host, port);
  defaultProxy()?.attach(s.handle);
  trace(s, NE_DBG_HTTP, "HTTP session to %s://%s begins.\n", s.scheme, s.hostport);
  return s.handle;
}

/**
 * Destroys a session: runs the destroy_session hooks, then closes the connection as
 * `ne_close_connection` does (so the notifier and the close_conn hooks may still be called).
 * Destroy the requests of the session first. Any later use of the session throws a `TypeError`.
 */
export function ne_session_destroy(sess: ne_session): void {
  sessions.destroy(sess, "ne_session_destroy");
}

/**
 * Closes the connection, if one is open: notifies `ne_status_disconnected`, runs the close_conn
 * hooks, then starts closing the socket without waiting. The next request opens a new connection.
 */
export function ne_close_connection(sess: ne_session): void {
  closeAll(sessions.open(sess, "ne_close_connection"));
}

/**
 * Sends requests through an HTTP proxy. With plain HTTP the request target becomes an absolute URI
 * if it starts with `/`; with https a CONNECT tunnel is made first. Replaces every proxy and
 * address list set before; to be called before the first request is created.
 * @param hostname as `host` of `ne_session_create`.
 */
export function ne_session_proxy(sess: ne_session, hostname: string, port: number): void {
  const s = sessions.open(sess, "ne_session_proxy");
  checkHost(hostname, "ne_session_proxy");
  needPort(port, "ne_session_proxy");
  setRoute(s, { hop: createHop("http", hostname, port) });
}

/**
 * Connects through a SOCKS proxy. Replaces every proxy and address list set before; to be called
 * before the first request is created. With V4 the origin's name is resolved here and must have an
 * IPv4 address (else the request fails with `NE_LOOKUP`); with V4A and V5 the proxy resolves it. A
 * refusal by the proxy fails the request with `NE_ERROR`.
 * @param username required for V4 and V4A; `null` for V5 without login.
 * @param password used for V5 only; required there with a user name.
 */
export function ne_session_socks_proxy(
  sess: ne_session,
  vers: ne_sock_sversion,
  hostname: string,
  port: number,
  username?: string | null,
  password?: string | null,
): void {
  const s = sessions.open(sess, "ne_session_socks_proxy");
  checkHost(hostname, "ne_session_socks_proxy");
  needPort(port, "ne_session_socks_proxy");
  const kind = SOCKS_KINDS[vers];
  if (kind === undefined) throw misuse("ne_session_socks_proxy", "unknown SOCKS version");
  if (kind !== "socks5" && typeof username !== "string") {
    throw misuse("ne_session_socks_proxy", "SOCKS version 4 needs a user name");
  }
  if (kind === "socks5" && typeof username === "string" && typeof password !== "string") {
    throw misuse("ne_session_socks_proxy", "a user name needs a password");
  }
  if (username !== null && username !== undefined) {
    needText(username, "ne_session_socks_proxy", "username");
  }
  const login = { username: username ?? null, password: password ?? null };
  setRoute(s, { hop: createHop(kind, hostname, port, login) });
}

/**
 * Takes proxies from the system. The port's source is the environment (C: libproxy, if built with
 * it): `http_proxy` or `https_proxy` by the scheme of the session, else `all_proxy`, unless
 * `no_proxy` names the host, as `nx_proxy_from_env` reads them. Where the variable cannot be used,
 * every request of the session fails with `NE_ERROR`; the session error names the variable and the
 * reason, never its value. Replaces every proxy and address list set before, also when nothing is
 * found; to be called before the first request is created.
 * @param flags must be 0.
 */
export function ne_session_system_proxy(sess: ne_session, flags: number): void {
  const s = sessions.open(sess, "ne_session_system_proxy");
  if (flags !== 0) throw misuse("ne_session_system_proxy", "flags must be 0");
  useEnvironmentProxy(s);
}

/** A session flag. */
export type ne_session_flag =
  | typeof NE_SESSFLAG_PERSIST
  | typeof NE_SESSFLAG_ICYPROTO
  | typeof NE_SESSFLAG_SSLv2
  | typeof NE_SESSFLAG_RFC4918
  | typeof NE_SESSFLAG_CONNAUTH
  | typeof NE_SESSFLAG_TLS_SNI
  | typeof NE_SESSFLAG_EXPECT100
  | typeof NE_SESSFLAG_SHAREPOINT
  | typeof NE_SESSFLAG_STRICT
  | typeof NE_SESSFLAG_LAST;

/**
 * Stores the value of a flag; an unknown flag is ignored.
 * @param value 0 turns the flag off, 1 (or any other number) on.
 */
export function ne_set_session_flag(sess: ne_session, flag: ne_session_flag, value: number): void {
  const s = sessions.open(sess, "ne_set_session_flag");
  if (flag >= 0 && flag < NE_SESSFLAG_LAST) s.flags[flag] = value;
}

/** @returns the stored value (0: off), or -1 for an unknown flag. */
export function ne_get_session_flag(sess: ne_session, flag: ne_session_flag): number {
  const s = sessions.open(sess, "ne_get_session_flag");
  return s.flags[flag] ?? -1;
}

/** `ne_set_addrlist2` with the port of the session. */
export function ne_set_addrlist(sess: ne_session, addrs: readonly ne_inet_addr[]): void {
  const s = sessions.open(sess, "ne_set_addrlist");
  needList(addrs, "ne_set_addrlist", "addrs");
  for (const addr of addrs) needHandle(addr, "ne_inet_addr", "ne_set_addrlist");
  ne_set_addrlist2(sess, s.server.port, addrs);
}

/**
 * Connects to these addresses, in this order until one answers, instead of resolving the host name;
 * the Host field does not change. Replaces every proxy and address list set before (an empty list
 * just removes them); to be called before the first request is created. The addresses are not
 * copied: they must live as long as the session.
 */
export function ne_set_addrlist2(
  sess: ne_session,
  port: number,
  addrs: readonly ne_inet_addr[],
): void {
  const s = sessions.open(sess, "ne_set_addrlist2");
  needPort(port, "ne_set_addrlist2");
  needList(addrs, "ne_set_addrlist2", "addrs");
  const list = addrs.map((addr) => addresses.open(addr, "ne_set_addrlist2"));
  setRoute(s, { addresses: list.length === 0 ? null : { list, port, first: 0 } });
}

/**
 * Binds later connections to this local address, where its kind fits the peer's. Not copied: it
 * must live as long as the session. `null` removes it.
 */
export function ne_set_localaddr(sess: ne_session, addr?: ne_inet_addr | null): void {
  const s = sessions.open(sess, "ne_set_localaddr");
  s.settings++;
  const localAddress = addr == null ? null : addresses.open(addr, "ne_set_localaddr");
  s.route = { ...s.route, localAddress };
}

/**
 * Told how far a body is, as a request sends or a response brings it.
 * @param progress bytes so far.
 * @param total bytes in all, -1 if that is not known.
 * @deprecated Use an `ne_notify_status`.
 */
export type ne_progress<T = unknown> = (userdata: T, progress: ne_off_t, total: ne_off_t) => void;

/**
 * Registers a progress callback, in place of any notifier or progress callback. `null` removes it.
 * @deprecated Use `ne_set_notifier`.
 */
export function ne_set_progress<T>(
  sess: ne_session,
  progress?: ne_progress<T> | null,
  userdata?: T,
): void {
  const s = sessions.open(sess, "ne_set_progress");
  if (progress == null) {
    s.listeners.notifier = null;
    return;
  }
  needCallback(progress, "ne_set_progress");
  s.listeners.notifier = {
    fn: (user: T, _status: number, { sr }: StatusInfo): unknown =>
      sr === undefined ? undefined : progress(user, sr.progress, sr.total),
    userdata: userdata ?? null,
  };
}

/**
 * Attaches a value to the session under an id. The first value stored under an id stays the one
 * returned.
 */
export function ne_set_session_private(sess: ne_session, id: string, priv: unknown): void {
  const s = sessions.open(sess, "ne_set_session_private");
  if (!s.privates.has(id)) s.privates.set(id, priv);
}

/** @returns the first value stored under the id, or `null`. */
export function ne_get_session_private<P = unknown>(sess: ne_session, id: string): P | null {
  return (sessions.open(sess, "ne_get_session_private").privates.get(id) as P | undefined) ?? null;
}

/** The kind of a session event. Later versions may add kinds: ignore unknown ones. */
export type ne_session_status =
  | typeof ne_status_lookup
  | typeof ne_status_connecting
  | typeof ne_status_connected
  | typeof ne_status_sending
  | typeof ne_status_recving
  | typeof ne_status_disconnected
  | typeof ne_status_handshake;

/**
 * Details of a session event, a union in C: only the member that belongs to the kind of event
 * exists, and only until the callback returns.
 */
export interface ne_session_status_info {
  /** For `ne_status_lookup`: the name being looked up. */
  readonly lu: {
    /** The name. */
    readonly hostname: string;
  };
  /** For `ne_status_connecting`: host name (`null` with an address list) and address (borrowed). */
  readonly ci: {
    /** The name that was looked up, or `null`. */
    readonly hostname: string | null;
    /** The address, borrowed. */
    readonly address: ne_inet_addr;
  };
  /**
   * For `ne_status_connected` and `ne_status_disconnected`: host name, of the proxy if there is
   * one.
   */
  readonly cd: {
    /** The host at the other end, or `null`. */
    readonly hostname: string | null;
  };
  /** For `ne_status_sending` and `ne_status_recving`: bytes so far, bytes in all or -1. */
  readonly sr: {
    /** Bytes so far. */
    readonly progress: ne_off_t;
    /** Bytes in all, -1 if that is not known. */
    readonly total: ne_off_t;
  };
  /** For `ne_status_handshake`: protocol version and cipher suite (if known). */
  readonly hs: {
    /** The version of TLS. */
    readonly protocol: ne_ssl_protocol;
    /** The cipher suite by name, `null` if not known. */
    readonly ciphersuite: string | null;
  };
}

/**
 * Told about session events. The session waits for a promise that it returns (which throttles a
 * transfer), except at `ne_status_disconnected`.
 */
export type ne_notify_status<T = unknown> = (
  userdata: T,
  status: ne_session_status,
  info: ne_session_status_info,
) => void | Promise<void>;

/**
 * Registers the notifier of the session, in place of any notifier or progress callback. `null`
 * removes it.
 *
 * @example
 * ```ts
 * ne_set_notifier(sess, (_userdata, status, info) => {
 *   if (status === ne_status_lookup) console.log("looking up", info.lu.hostname);
 *   if (status === ne_status_recving) console.log(info.sr.progress, "of", info.sr.total);
 * });
 * ```
 */
export function ne_set_notifier<T>(
  sess: ne_session,
  status?: ne_notify_status<T> | null,
  userdata?: T,
): void {
  const s = sessions.open(sess, "ne_set_notifier");
  needCallbackOrNull(status, "ne_set_notifier");
  s.listeners.notifier = status == null ? null : { fn: status, userdata: userdata ?? null };
}

/**
 * Registers a callback that decides about server certificates that fail verification. It is not
 * asked about the certificate that it accepted last in this session, unless a failure is new (it
 * has expired since), nor about failures that cannot be overridden (they give `NE_ERROR`). Without
 * a callback every failure gives `NE_ERROR`, error `SSL error: …`. `null` removes it. Later
 * requests use no connection that was made before.
 *
 * @example
 * ```ts
 * // accepts one certificate, whose fingerprint is known
 * const KNOWN = "8d:0a:…";
 * ne_ssl_set_verify(sess, (_userdata, failures, cert) => {
 *   const digest = ne_ssl_cert_hdigest(cert, NE_HASH_SHA256 | NE_HASH_COLON);
 *   return failures === NE_SSL_UNTRUSTED && digest === KNOWN ? 0 : -1;
 * });
 * ```
 */
export function ne_ssl_set_verify<T>(
  sess: ne_session,
  fn?: ne_ssl_verify_fn<T> | null,
  userdata?: T,
): void {
  const s = sessions.open(sess, "ne_ssl_set_verify");
  needCallbackOrNull(fn, "ne_ssl_set_verify");
  s.settings++;
  s.tlsCallbacks.verify = fn == null ? null : { fn, userdata: userdata ?? null };
}

/**
 * Presents this client certificate when the server asks for one. It is copied; one that is still
 * encrypted throws (see `ne_ssl_clicert_decrypt`). No effect without https. Later requests use no
 * connection that was made without it.
 */
export function ne_ssl_set_clicert(sess: ne_session, clicert: ne_ssl_client_cert): void {
  const s = sessions.open(sess, "ne_ssl_set_clicert");
  const cert = clientCerts.open(clicert, "ne_ssl_set_clicert");
  if (s.tls === null) return;
  s.settings++;
  setClientCert(s.tls, cert);
}

/**
 * Trusts a certificate, as a CA or as the server's own (self-signed) one. It is copied. No effect
 * without https.
 */
export function ne_ssl_trust_cert(sess: ne_session, cert: ne_ssl_certificate): void {
  const s = sessions.open(sess, "ne_ssl_trust_cert");
  const trusted = certificates.open(cert, "ne_ssl_trust_cert");
  if (s.tls !== null) trustCert(s.tls, trusted);
}

/** Trusts the CA certificates that the Node runtime trusts by default. No effect without https. */
export function ne_ssl_trust_default_ca(sess: ne_session): void {
  const s = sessions.open(sess, "ne_ssl_trust_default_ca");
  if (s.tls !== null) trustDefaultCa(s.tls);
}

/**
 * Limits the TLS versions; `NE_SSL_PROTO_UNSPEC` sets no limit on its side.
 * @returns `NE_OK`, or `NE_ERROR` (error string set) for an impossible range or a session without
 *   TLS.
 */
export function ne_ssl_set_protovers(
  sess: ne_session,
  min: ne_ssl_protocol,
  max: ne_ssl_protocol,
): number {
  const s = sessions.open(sess, "ne_ssl_set_protovers");
  if (s.tls === null) {
    setError(s, "SSL/TLS not enabled for the session");
    return NE_ERROR;
  }
  if (setVersions(s.tls, min, max)) {
    s.settings++;
    return NE_OK;
  }
  setError(s, "Could not set minimum/maximum SSL/TLS versions");
  return NE_ERROR;
}

/**
 * Supplies a client certificate on demand, by calling `ne_ssl_set_clicert` before it is done.
 * @param dnames as in `ne_ssl_ccprovide_fn`.
 */
export type ne_ssl_provide_fn<T = unknown> = (
  userdata: T,
  sess: ne_session,
  dnames: readonly ne_ssl_dname[],
) => void | Promise<void>;

/**
 * Registers a callback that supplies a client certificate. It is called during the handshake, when
 * the server asks for a certificate and none is set. No effect without https.
 */
export function ne_ssl_provide_clicert<T>(
  sess: ne_session,
  fn: ne_ssl_provide_fn<T>,
  userdata?: T,
): void {
  const s = sessions.open(sess, "ne_ssl_provide_clicert");
  needCallback(fn, "ne_ssl_provide_clicert");
  setCertProvider(s, { fn, userdata: userdata ?? null, tap: tapTls });
}

/**
 * Sets the read timeout in seconds, greater than 0, for later connections; 120 if never set. A
 * request that runs into it gives `NE_TIMEOUT`, within a body `NE_ERROR`. If set, it also bounds
 * the time spent on interim responses (see `NE_REQFLAG_1XXTIMEOUT`).
 */
export function ne_set_read_timeout(sess: ne_session, timeout: number): void {
  const s = sessions.open(sess, "ne_set_read_timeout");
  s.timeouts.read = needTimeout(timeout, "ne_set_read_timeout");
  s.timeouts.readSet = true;
}

/**
 * Sets the connect timeout in seconds, greater than 0; if never set, the system decides. A request
 * that runs into it gives `NE_TIMEOUT`.
 */
export function ne_set_connect_timeout(sess: ne_session, timeout: number): void {
  const s = sessions.open(sess, "ne_set_connect_timeout");
  s.timeouts.connect = needTimeout(timeout, "ne_set_connect_timeout");
}

/**
 * Sends `User-Agent: <product> neon/<version>` as first field of every request created from now on.
 * Without this call no such field is sent.
 */
export function ne_set_useragent(sess: ne_session, product: string): void {
  const s = sessions.open(sess, "ne_set_useragent");
  checkFieldValue(product, "ne_set_useragent");
  s.userAgent = `${product} neon/${ne_version_library()}`;
}

/** @returns 1 if the next hop's last response was HTTP/1.0 or there was none yet, else 0. */
export function ne_version_pre_http11(sess: ne_session): number {
  return sessions.open(sess, "ne_version_pre_http11").http11 ? 0 : 1;
}

/** @returns the value of the Host field, `host` or `host:port`. */
export function ne_get_server_hostport(sess: ne_session): string {
  return sessions.open(sess, "ne_get_server_hostport").hostport;
}

/** @returns the scheme of the session in lower case, without colon. */
export function ne_get_scheme(sess: ne_session): string {
  return sessions.open(sess, "ne_get_scheme").scheme;
}

/** Sets scheme, host and port of `uri` to those of the session; other fields stay. */
export function ne_fill_server_uri(sess: ne_session, uri: ne_uri): void {
  const s = sessions.open(sess, "ne_fill_server_uri");
  needObject(uri, "ne_fill_server_uri", "uri");
  uri.scheme = s.scheme;
  uri.host = s.server.hostname;
  uri.port = s.server.port;
}

/** Sets host and port of `uri` to those of the session's HTTP proxy; without one, nothing. */
export function ne_fill_proxy_uri(sess: ne_session, uri: ne_uri): void {
  const s = sessions.open(sess, "ne_fill_proxy_uri");
  const hop = httpProxyInUse(s);
  if (hop === null) return;
  uri.host = hop.host;
  uri.port = hop.port;
}

/**
 * Sets the session's error string, printf-style. A callback that makes a request fail says why by
 * this function. Text from elsewhere goes through `"%s"`.
 */
export function ne_set_error(
  sess: ne_session,
  template: string,
  ...args: ne_printf_arg[]
): void {
  const s = sessions.open(sess, "ne_set_error");
  s.error = format(template, args, "ne_set_error").slice(0, MAX_SESSION_ERROR);
}

/**
 * @returns the session's error string: why the last request failed; after a response
 *   `<code> <reason>`, for example `404 Not Found`.
 */
export function ne_get_error(sess: ne_session): string {
  return sessions.open(sess, "ne_get_error").error;
}

const SOCKS_KINDS = ["socks4", "socks4a", "socks5"] as const;

// The scheme becomes part of the request line where a proxy is sent absolute URIs.
function checkScheme(scheme: unknown, caller: string): void {
  if (typeof scheme !== "string" || !/^[a-z][a-z0-9+.-]*$/i.test(scheme)) {
    throw misuse(caller, "the scheme must be one of a URI");
  }
}

// What would end the line of a Host field, or name a user or a port, is no host.
function checkHost(host: unknown, caller: string): void {
  if (typeof host !== "string") throw misuse(caller, "the host must be a string");
  if (/[\0-\x20\x7f/?#@\\]/.test(host)) {
    throw misuse(caller, "the host holds a character that no host may have");
  }
  // the name of an interface is not sent
  const sent = host.startsWith("[") ? host.replace(/%[^\]]*/, "") : host;
  if (/[^\0-\xff]/.test(sent)) {
    throw misuse(caller, "the host holds a character above U+00FF; give its ASCII form");
  }
}
