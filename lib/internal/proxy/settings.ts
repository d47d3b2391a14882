// Checks a proxy setting and puts it into the form in which a session keeps it.
import { readOptions, shownNumber, shownWord } from "../base/call_options.js";
import { misuse } from "../base/handle.js";
import { parseIPv6 } from "../base/ip_literal.js";
import { bypassBy, parseRule, regexpRule, type Bypass, type Rule } from "./bypass.js";

/** How to talk to a proxy. */
export const PROXY_SCHEMES = ["http", "https", "socks4", "socks4a", "socks5"] as const;
/** One of them. */
export type ProxyScheme = (typeof PROXY_SCHEMES)[number];

/** A setting that was found good. */
export interface ProxySettings<Certificate> {
  readonly scheme: ProxyScheme;
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  /** Send Basic credentials unasked. */
  readonly preemptive: boolean;
  readonly trust: readonly Certificate[];
  readonly tunnel: boolean;
  /** `null` without a list. */
  readonly bypass: Bypass | null;
}

const FIELDS: ReadonlySet<string> = new Set([
  ...["scheme", "host", "port", "username", "password", "preemptive", "trust", "tunnel", "bypass"],
]);

/** Takes a setting apart; throws what a caller's mistake deserves. */
export function checkProxy<Certificate>(
  caller: string,
  proxy: object,
  isCertificate: (value: unknown) => value is Certificate,
): ProxySettings<Certificate> {
  const own = readOptions(proxy, FIELDS, caller, "proxy") as Record<string, unknown>;
  const field = (name: string): unknown => own[name];
  const scheme = PROXY_SCHEMES.find((known) => known === field("scheme"));
  if (scheme === undefined) {
    const given = shownWord(field("scheme"));
    throw misuse(caller, `the proxy's scheme is not one of those known: ${given}`);
  }
  const host = field("host");
  if (typeof host !== "string" || !isHost(host)) {
    throw misuse(caller, "the proxy's host is not a host");
  }
  const port = field("port");
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw misuse(caller, `the proxy's port is not a port: ${shownNumber(port)}`);
  }
  const username = optionalText(caller, field("username"), "user name");
  const password = optionalText(caller, field("password"), "password");
  const trust = field("trust") ?? [];
  if (!Array.isArray(trust) || !trust.every(isCertificate)) {
    throw misuse(caller, "what the proxy is trusted by must be an array of certificates");
  }
  return {
    scheme,
    host,
    port,
    username,
    password: username === null ? null : (password ?? ""),
    preemptive: flag(caller, field("preemptive"), "preemptive"),
    trust: [...trust],
    tunnel: flag(caller, field("tunnel"), "tunnel"),
    bypass: bypassOf(caller, field("bypass")),
  };
}

/** Whether text can be a host: a name, an address, an IPv6 address in brackets. */
export function isHost(text: string): boolean {
  if (text.startsWith("[")) {
    const inside = /^\[([^\]%]+)(?:%(?:25)?[^\]\s]+)?\]$/.exec(text)?.[1];
    return inside !== undefined && parseIPv6(inside) !== null;
  }
  return text.length <= 255 && /^[^\s\p{Cc}/\\:@?#[\]\u0100-\u{10ffff}]+$/u.test(text);
}

function optionalText(caller: string, value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw misuse(caller, `the proxy's ${name} must be a string`);
  return value;
}

function flag(caller: string, value: unknown, name: string): boolean {
  if (value === undefined || typeof value === "boolean") return value === true;
  throw misuse(caller, `the proxy's ${name} must be true or false`);
}

function bypassOf(caller: string, list: unknown): Bypass | null {
  if (list === undefined || list === null) return null;
  if (!Array.isArray(list)) throw misuse(caller, "the bypass list must be an array");
  const rules = list.map((entry: unknown): Rule => {
    const rule =
      entry instanceof RegExp
        ? regexpRule(entry)
        : typeof entry === "string"
          ? parseRule(entry.trim(), true)
          : null;
    if (rule === null) throw misuse(caller, `${String(entry)} is no entry of a bypass list`);
    return rule;
  });
  return rules.length > 0 ? bypassBy(rules) : null;
}
