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

/**
 * The proxy for a server, `null` for none. no_proxy counts first: what it names needs no proxy.
 * Throws an Error that names the variable where it is set and cannot be used: to go on without the
 * proxy would tell the server, and the network, what the proxy was to keep from them.
 */
export function proxyFromEnv(
  scheme: string,
  host: string,
  port: number,
  env: Env,
): EnvProxy | null {
  const variable = proxyVariable(scheme.toLowerCase(), env);
  if (variable === null || bypassFromEnv(env)(host, port)) return null;
  const proxy = parseProxyUrl(read(env, variable) ?? "");
  if (typeof proxy === "string") throw new Error(`Could not use ${variable}: ${proxy}`);
  return proxy;
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

/**
 * Reads `[scheme://][user[:password]@]host[:port][/…]`.
 * @returns the proxy, or why the text names none, in words that repeat nothing of it
 */
export function parseProxyUrl(text: string): EnvProxy | string {
  const [, named, authority = "", rest = ""] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^]*)$/i.exec(text.trim()) ?? [];
  const scheme = schemeOf((named ?? "http").toLowerCase());
  if (scheme === null) return `its scheme is none of ${PROXY_SCHEMES.join(", ")}`;
  // what stands before such a character would be taken for the host
  if (rest.includes("@")) return 'its user name or password holds "/", "?" or "#" unescaped';
  // a password may hold "@" unescaped
  const at = authority.lastIndexOf("@");
  const place = authority.slice(at + 1);
  if (place === "" || (named === undefined && rest !== "" && rest !== "/")) return NO_HOST;
  const [, host = "", colon, digits = ""] = /^(\[[^\]]*\]|[^:]*)(:([^]*))?$/.exec(place) ?? [];
  if (host === "" && colon !== undefined) return NO_HOST;
  if (!isHost(host)) return "its host is no name or address";
  const port = digits === "" ? DEFAULT_PORTS[scheme] : Number(digits);
  if (!/^\d*$/.test(digits) || port < 1 || port > 65535) {
    return "its port is no number from 1 to 65535";
  }
  const proxy = { scheme, host, port };
  if (at < 0) return proxy;
  const [username = "", ...more] = authority.slice(0, at).split(":");
  return { ...proxy, username: unescape(username), password: unescape(more.join(":")) };
}

const NO_HOST = "it names no host";

function schemeOf(named: string): ProxyScheme | null {
  return ALIASES.get(named) ?? PROXY_SCHEMES.find((known) => known === named) ?? null;
}

// The name of the variable that counts, `null` where none is set.
function proxyVariable(scheme: string, env: Env): string | null {
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return null;
  const own = `${scheme}_proxy`;
  const upper = own.toUpperCase();
  const isCgi = upper === "HTTP_PROXY" && read(env, "REQUEST_METHOD") !== null;
  const names = [own, ...(isCgi ? [] : [upper]), "all_proxy", "ALL_PROXY"];
  return names.find((name) => read(env, name) !== null) ?? null;
}

// Own variables only: what somebody put on Object.prototype is none.
function read(env: Env, name: string): string | null {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return value === undefined || value === "" ? null : value;
}

// As curl: a "%" that escapes nothing stands for itself.
function unescape(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}
