// The proxy that the environment names, with the rules of curl and Go: variables in lower case
// first, an empty one is as good as none, HTTP_PROXY is not trusted where it may be a request's
// Proxy field (CGI), and no_proxy is a list of names, addresses and ranges.
import { bypassBy, parseRule, type Bypass, type Rule } from "./bypass.js";
import { isHost, PROXY_SCHEMES, type ProxyScheme } from "./settings.js";

/** A proxy, as a variable names it. */
export interface EnvProxy {
  readonly scheme: ProxyScheme;
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

// what programs write for socks5 with names resolved by the proxy, which is always so here
const ALIASES: ReadonlyMap<string, ProxyScheme> = new Map([
  ["socks", "socks5"],
  ["socks5h", "socks5"],
]);

const DEFAULT_PORTS: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
};

/** The proxy for a server, `null` for none. */
export function proxyFromEnv(
  scheme: string,
  host: string,
  port: number,
  env: Env,
): EnvProxy | null {
  const value = proxyVariable(scheme.toLowerCase(), env);
  if (value === null) return null;
  const proxy = parseProxyUrl(value);
  if (proxy === null) return null;
  return bypassFromEnv(env)(host, port) ? null : proxy;
}

/** What no_proxy says. Entries that can be none are passed over. */
export function bypassFromEnv(env: Env): Bypass {
  const list = read(env, "no_proxy") ?? read(env, "NO_PROXY") ?? "";
  const rules = list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map((entry) => parseRule(entry, false));
  return bypassBy(rules.filter((rule): rule is Rule => rule !== null));
}

/** Reads `[scheme://][user[:password]@]host[:port]`; `null` if that is no usable proxy. */
export function parseProxyUrl(text: string): EnvProxy | null {
  const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)/i.exec(text.trim());
  const named = (parts?.[1] ?? "http").toLowerCase();
  const scheme = ALIASES.get(named) ?? PROXY_SCHEMES.find((known) => known === named);
  if (parts === null || scheme === undefined) return null;
  const authority = parts[2] as string;
  // a password may hold "@" unescaped
  const at = authority.lastIndexOf("@");
  const place = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{0,5}))?$/.exec(authority.slice(at + 1));
  const host = place?.[1];
  if (host === undefined || !isHost(host)) return null;
  const digits = place?.[2] ?? "";
  const port = digits === "" ? DEFAULT_PORTS[scheme] : Number(digits);
  if (port < 1 || port > 65535) return null;
  const proxy = { scheme, host, port };
  if (at < 0) return proxy;
  const [username, ...rest] = authority.slice(0, at).split(":");
  return { ...proxy, username: unescape(username as string), password: unescape(rest.join(":")) };
}

function proxyVariable(scheme: string, env: Env): string | null {
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return null;
  const own = `${scheme}_proxy`;
  const upper = own.toUpperCase();
  const isCgi = upper === "HTTP_PROXY" && read(env, "REQUEST_METHOD") !== null;
  return (
    read(env, own) ??
    (isCgi ? null : read(env, upper)) ??
    read(env, "all_proxy") ??
    read(env, "ALL_PROXY")
  );
}

// Own variables only: what somebody put on Object.prototype is none.
function read(env: Env, name: string): string | null {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return value === undefined || value === "" ? null : value;
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
