// Which servers are reached without the proxy: lists of names, addresses, CIDR ranges and regular
// expressions. Both sides are put into normal form first, and a name never matches part of an
// address.
import vm from "node:vm";
import { isMapped, normalHost, parseAddress, type Host } from "./host.js";

/** Whether a server is reached directly. */
export type Bypass = (host: string, port: number) => boolean;

/** One entry of a list. */
export type Rule = (host: Host, port: number) => boolean;

/** Longest name that DNS knows, and a regular expression is tried on. */
const MAX_NAME = 255;
/** Time a regular expression may take: a bad one doesn't stop the process. */
const MAX_REGEXP_MS = 100;

/** A decision over a list. */
export function bypassBy(rules: readonly Rule[]): Bypass {
  let known: { host: string; port: number; direct: boolean } | null = null;
  return (host, port) => {
    // a session asks about the same server again and again
    if (known?.host !== host || known.port !== port) {
      const normal = normalHost(host);
      known = { host, port, direct: rules.some((rule) => rule(normal, port)) };
    }
    return known.direct;
  };
}

/**
 * Reads an entry: `*`, a name, an address or a range, with an optional port.
 * @param dotMeansBelow whether `.example.com` leaves out `example.com` itself
 * @returns the rule, or `null` for what can be none
 */
export function parseRule(entry: string, dotMeansBelow: boolean): Rule | null {
  if (entry === "*") return () => true;
  const { host, port } = splitPort(entry);
  if (host === null || host === "") return null;
  const rule = host.includes("/") ? rangeRule(host) : hostRule(host, dotMeansBelow);
  if (rule === null) return null;
  return port === null ? rule : (server, at) => at === port && rule(server, at);
}

/** A rule that tests the host's name; a test that takes too long does not match. */
export function regexpRule(pattern: RegExp): Rule {
  // state between tests would make the answers depend on their order
  const re = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return ({ name }) => {
    if (name.length > MAX_NAME) return false;
    try {
      const context = { re, name };
      return vm.runInNewContext("re.test(name)", context, { timeout: MAX_REGEXP_MS }) === true;
    } catch {
      return false;
    }
  };
}

// The host part is null where the port is none.
function splitPort(entry: string): { host: string | null; port: number | null } {
  const bracketed = /^\[([^\]]*)\](\/\d+)?(?::(\d{1,5}))?$/.exec(entry);
  if (bracketed !== null) {
    const host = `${bracketed[1]}${bracketed[2] ?? ""}`;
    return host.includes(":") ? withPort(host, bracketed[3]) : { host: null, port: null };
  }
  // an IPv6 address without brackets has no port
  const colon = entry.indexOf(":");
  if (colon < 0 || entry.includes(":", colon + 1)) return { host: entry, port: null };
  const port = entry.slice(colon + 1);
  return withPort(/^\d{1,5}$/.test(port) ? entry.slice(0, colon) : null, port);
}

function withPort(
  host: string | null,
  digits: string | undefined,
): { host: string | null; port: number | null } {
  if (digits === undefined) return { host, port: null };
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? { host, port } : { host: null, port: null };
}

function rangeRule(text: string): Rule | null {
  const [, address = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const base = parseAddress(address);
  if (base === null) return null;
  const isV4 = !address.includes(":");
  const bits = Number(length) + (isV4 ? 96 : 0);
  if (bits > 128) return null;
  return ({ address }) =>
    address !== null &&
    (!isMapped(address) || isMapped(base)) &&
    share(address, base, bits);
}

// Whether two addresses begin with the same bits.
function share(a: Buffer, b: Buffer, bits: number): boolean {
  for (let i = 0; i < 16 && i * 8 < bits; i++) {
    const mask = bits - i * 8 >= 8 ? 0xff : (0xff00 >> (bits - i * 8)) & 0xff;
    if (((a.readUInt8(i) ^ b.readUInt8(i)) & mask) !== 0) return false;
  }
  return true;
}

function hostRule(text: string, dotMeansBelow: boolean): Rule | null {
  // "*.example.com" is a usual way to write ".example.com"
  const pattern = text.startsWith("*.") ? text.slice(1) : text;
  const below = pattern.startsWith(".");
  const wanted = normalHost(below ? pattern.slice(1) : pattern);
  const { name, address } = wanted;
  if (address !== null && !below) return (host) => host.address?.equals(address) === true;
  if (!isName(name)) return null;
  const tail = `.${name}`;
  const itselfToo = !(below && dotMeansBelow);
  return (host) =>
    host.address === null && ((itselfToo && host.name === name) || host.name.endsWith(tail));
}

// Anything that can stand in a name, international ones too.
function isName(name: string): boolean {
  return name.length <= MAX_NAME && /^[^\s\p{Cc}*/\\:@?#[\]]+$/u.test(name);
}
