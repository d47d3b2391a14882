// Proxy settings beyond those of neon: TLS to the proxy, tunnels for plain http, servers to reach
// directly, a default for all sessions, and the proxy that the environment names.
import { NE_AUTH_DEFAULT, WITH_PASSWORD } from "./internal/auth/protocol_bits.js";
import { register } from "./internal/plugins/login.js";
import { askOnce, PROXY } from "./internal/plugins/registration.js";
import { misuse, type ne_session, type ne_ssl_certificate } from "./internal/base/handle.js";
import { defaultProxy, setDefaultProxy } from "./internal/proxy/default.js";
import { proxyFromEnv } from "./internal/proxy/env.js";
import { checkProxy, type ProxySettings } from "./internal/proxy/settings.js";
import { needObject, needText } from "./internal/base/arguments.js";
import { createHop, proxyInUse } from "./internal/session/route.js";
import { sessions, setRoute } from "./internal/session/session.js";
import { certificates } from "./internal/tls/certificate_handles.js";

/** A proxy, and when to use it. */
export interface nx_proxy {
  /** How to talk to the proxy itself; `https` means TLS to the proxy. */
  scheme: "http" | "https" | "socks4" | "socks4a" | "socks5";
  /** A name, or an address, IPv6 in brackets. */
  host: string;
  /** Its port, always needed. */
  port: number;
  /**
   * For an HTTP proxy: answers its challenges (Basic, Digest, NTLM), once for a request; for SOCKS:
   * the user name.
   */
  username?: string;
  /** Goes with `username`. */
  password?: string;
  /**
   * Send Basic credentials to an HTTP proxy with the first request, unasked (default false;
   * credentials from the environment always are).
   */
  preemptive?: boolean;
  /**
   * Certificates to trust for TLS to the proxy, besides Node's default roots; a proxy that fails
   * verification is refused.
   */
  trust?: readonly ne_ssl_certificate[];
  /**
   * For an `http` session: tunnel with CONNECT in place of sending absolute-URI requests (default
   * false).
   */
  tunnel?: boolean;
  /**
   * Hosts to reach directly: names (`example.com` also covers its subdomains, `.example.com` only
   * those), IP addresses, CIDR ranges, each with an optional `:port`, `*` for all, or a regular
   * expression tested against the host name (in lower case; one that takes too long does not
   * match).
   */
  bypass?: ReadonlyArray<string | RegExp>;
}

/**
 * Sets the session's proxy; `null` means none, whatever the default is. Overrides every earlier
 * proxy setting; must precede the first request. An invalid scheme, host, port or bypass entry is a
 * `TypeError`, and the setting stays as it was.
 * @example
 * ```ts
 * nx_session_proxy(sess, { scheme: "socks5", host: "127.0.0.1", port: 1080, bypass: ["::1"] });
 * ```
 */
export function nx_session_proxy(sess: ne_session, proxy: nx_proxy | null): void {
  const s = sessions.open(sess, "nx_session_proxy");
  if (proxy === null) setRoute(s, {});
  else apply(sess, checked("nx_session_proxy", proxy));
}

/**
 * @returns the session's proxy, or `null` for none: the value passed to `nx_session_proxy`, or what
 *   is known of a proxy that was set with another function.
 */
export function nx_get_session_proxy(sess: ne_session): nx_proxy | null {
  const { hop } = sessions.open(sess, "nx_get_session_proxy").route;
  if (hop === null) return null;
  const known = hop.setting === null ? undefined : given.get(hop.setting);
  if (known !== undefined) return { ...known };
  const { kind: scheme, host, port, username, password } = hop;
  return {
    scheme,
    host,
    port,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
}

/**
 * Sets the proxy of sessions created from now on that set none themselves; `null`, the initial
 * value, means none.
 * @example
 * ```ts
 * nx_set_default_proxy({ scheme: "http", host: "proxy.example.com", port: 3128, tunnel: true });
 * ```
 */
export function nx_set_default_proxy(proxy: nx_proxy | null): void {
  if (proxy === null) {
    setDefaultProxy(null);
    return;
  }
  const settings = checked("nx_set_default_proxy", proxy);
  setDefaultProxy({ proxy, attach: (sess) => apply(sess, settings) });
}

/** @returns what was last given to `nx_set_default_proxy`. */
export function nx_get_default_proxy(): nx_proxy | null {
  return (defaultProxy()?.proxy ?? null) as nx_proxy | null;
}

/**
 * @returns whether the session's requests bypass the proxy: `true` if it has none; `false` if they
 *   fail because the environment's proxy cannot be used.
 */
export function nx_bypass_proxy(sess: ne_session): boolean {
  const s = sessions.open(sess, "nx_bypass_proxy");
  return s.route.unusableProxy === null && proxyInUse(s) === null;
}

/**
 * The proxy that the environment names for a URL: what `ne_session_system_proxy` uses.
 *
 * It reads `http_proxy` or `https_proxy` (by `scheme`), then `all_proxy`, each in lower case first;
 * `HTTP_PROXY` is ignored if `REQUEST_METHOD` is set. Values are
 * `[scheme://][user:password@]host[:port]`. `no_proxy` is a list, separated by commas or blanks, of
 * names (which cover their subdomains, with or without a leading dot), IP addresses and CIDR
 * ranges, each with an optional port, or `*`. It counts first: a host that it names needs no proxy,
 * whatever the other variables say.
 * @returns the proxy, or `null` for none.
 * @throws Error if the variable is set and cannot be used. The message names the variable and the
 *   reason, but not the value, which may contain a password.
 * @example
 * ```ts
 * nx_session_proxy(sess, nx_proxy_from_env("https", "example.com", 443));
 * ```
 */
export function nx_proxy_from_env(
  scheme: string,
  host: string,
  port: number,
  env?: NodeJS.ProcessEnv,
): nx_proxy | null {
  needText(scheme, "nx_proxy_from_env", "the scheme");
  needText(host, "nx_proxy_from_env", "the host");
  if (!Number.isInteger(port)) throw misuse("nx_proxy_from_env", "the port must be a number");
  if (env !== undefined) needObject(env, "nx_proxy_from_env", "the environment");
  return proxyFromEnv(scheme, host, port, env ?? process.env);
}

// The setting that the session was given.
const given = new WeakMap<object, nx_proxy>();

function checked(caller: string, proxy: nx_proxy): ProxySettings<ne_ssl_certificate> {
  const isOne = (value: unknown): value is ne_ssl_certificate => certificates.is(value);
  const settings = checkProxy(caller, proxy, isOne);
  given.set(settings, proxy);
  return settings;
}

function apply(sess: ne_session, settings: ProxySettings<ne_ssl_certificate>): void {
  const { scheme, host, port, username, password, preemptive, trust, tunnel, bypass } = settings;
  const s = sessions.open(sess, "nx_session_proxy");
  if (scheme !== "http" && scheme !== "https") {
    const login = scheme === "socks5" ? { username, password } : { username: username ?? "" };
    setRoute(s, { hop: createHop(scheme, host, port, login), bypass });
    return;
  }
  const unasked = preemptive ? { username, password } : {};
  const more = { ...unasked, trust, tunnel, setting: settings };
  setRoute(s, { hop: createHop(scheme, host, port, more), bypass });
  if (username === null) return;
  register(sess, PROXY, {
    protocols: NE_AUTH_DEFAULT,
    answers: WITH_PASSWORD,
    ask: askOnce(username, password ?? ""),
    eager: null,
    slot: "nx_session_proxy",
    // another setting may have replaced it meanwhile
    active: (other) => sessions.open(other, "nx_session_proxy").route.hop?.setting === settings,
  });
}
