// The way from a session to its server: the proxy between them, fixed addresses, a transport of the
// application's own, the local end.
import { ownOnly } from "../base/bytes.js";
import type { ne_ssl_certificate } from "../base/handle.js";
import { parseLiteral, type Address } from "../wire/address.js";

/** A function of the application and what to call it with. */
export interface Hook<F> {
  fn: F;
  userdata: unknown;
}

/** Makes the transport of a connection. */
export interface Connector {
  connect(userdata: unknown, host: string, port: number): unknown;
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

export interface Route {
  /** The proxy, `null` for none. */
  hop: Hop | null;
  /** Whether a server is reached without the proxy. */
  bypass: ((host: string, port: number) => boolean) | null;
  /** The proxy is what the environment names for the server. */
  fromEnvironment: boolean;
  /** Why no connection can be made: a proxy is wanted that cannot be used. */
  unusableProxy: string | null;
  addresses: { list: readonly Address[]; port: number; first: number } | null;
  connector: Hook<Connector["connect"]> | null;
  unixPath: string | null;
  localAddress: Address | null;
  /** Local ends with ports, one for each kind of address; they count more. */
  sources: readonly Source[];
}

export const DIRECT: Readonly<Route> = {
  hop: null,
  bypass: null,
  fromEnvironment: false,
  unusableProxy: null,
  addresses: null,
  connector: null,
  unixPath: null,
  localAddress: null,
  sources: [],
};

/** A host and port to connect to. */
export function createEndpoint(hostname: string, port: number): Endpoint {
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

/** What a route belongs to. */
interface Routed {
  readonly secure: boolean;
  readonly server: Endpoint;
  readonly route: Route;
}

/** The proxy that the session goes through to reach its server. */
export function proxyInUse({ server, route }: Routed): Hop | null {
  return route.bypass?.(server.hostname, server.port) === true ? null : route.hop;
}

/** The same, if it is an HTTP proxy. */
export function httpProxyInUse(s: Routed): Hop | null {
  const hop = proxyInUse(s);
  return hop?.kind === "http" || hop?.kind === "https" ? hop : null;
}

/** Whether requests are sent to an HTTP proxy as they are: with an absolute URI, not tunnelled. */
export function sendsToProxy(s: Routed): boolean {
  return !s.secure && httpProxyInUse(s)?.tunnel === false;
}
