// Network addresses and the lookup of names. An address is its bytes; its text form is that of
// inet_ntop, which differs from Node's own in corner cases (neon-like programs print and compare
// it).
import dns from "node:dns";
import net from "node:net";
import os from "node:os";
import { ownOnly } from "../base/bytes.js";
import { parseIPv4, parseIPv6 } from "../base/ip_literal.js";
import { codeOf, errorOf } from "../base/unknown_value.js";

/** A network address without port. */
export interface Address {
  kind: "ipv4" | "ipv6";
  bytes: Buffer;
  /** Name of the interface that an IPv6 address belongs to. */
  scope: string | null;
}

/** What a lookup gave. */
export type Lookup =
  | { ok: true; addresses: Address[]; canonical: string | null }
  | { ok: false; error: string; cause: Error | null };

/** The text of an address as inet_ntop writes it, without brackets and scope. */
export function printAddress(address: Address): string {
  const b = address.bytes;
  if (address.kind === "ipv4") return Array.from(b).join(".");
  const words = Array.from({ length: 8 }, (_, i) => b.readUInt16BE(i * 2));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; ) {
    if (words[i] !== 0) {
      i++;
      continue;
    }
    let j = i;
    while (j < 8 && words[j] === 0) j++;
    if (j - i > best.length) best = { start: i, length: j - i };
    i = j;
  }
  const v4 = `${b[12]}.${b[13]}.${b[14]}.${b[15]}`;
  if (best.start === 0 && best.length === 6) return `::${v4}`;
  if (best.start === 0 && best.length === 5 && words[5] === 0xffff) return `::ffff:${v4}`;
  const hex = words.map((word) => word.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}

/** The text by which Node connects to an address: with its scope. */
export function connectText(address: Address): string {
  const text = printAddress(address);
  return address.scope === null ? text : `${text}%${address.scope}`;
}

/** Whether there is a network interface of this name. */
export function hasInterface(name: string): boolean {
  return Object.hasOwn(os.networkInterfaces(), name);
}

/**
 * A literal as an address: IPv4, or IPv6, bracketed or not, with an interface as `%25eth0` or
 * `%eth0`. `undefined` for text that is no literal, `null` for brackets around something else.
 */
export function parseLiteral(host: string): Address | null | undefined {
  const v4 = parseIPv4(host);
  if (v4 !== null) return { kind: "ipv4", bytes: v4, scope: null };
  if (host.startsWith("[") && !host.includes("]")) return null;
  const text = unbracketed(host);
  const percent = text.indexOf("%");
  const bytes = parseIPv6(percent < 0 ? text : text.slice(0, percent));
  if (bytes === null) return host.startsWith("[") ? null : undefined;
  if (percent < 0) return { kind: "ipv6", bytes, scope: null };
  const zone = text.slice(text.startsWith("%25", percent) ? percent + 3 : percent + 1);
  const scope = scopeOf(zone);
  return scope === undefined ? null : { kind: "ipv6", bytes, scope };
}

// The interface of a zone, by name or number; `null` for a number that no link-local address here
// shows.
function scopeOf(zone: string): string | null | undefined {
  if (/^\d+$/.test(zone)) {
    const isThis = (found: os.NetworkInterfaceInfo): boolean =>
      found.family === "IPv6" && found.scopeid === Number(zone);
    const named = Object.entries(os.networkInterfaces()).find(([, found]) => found?.some(isThis));
    return Number(zone) > 0 && named !== undefined ? named[0] : null;
  }
  return hasInterface(zone) ? zone : undefined;
}

// What stands in brackets; what follows them does not count.
function unbracketed(host: string): string {
  const close = host.indexOf("]");
  return host.startsWith("[") && close > 0 ? host.slice(1, close) : host;
}

const LOOKUP_ERRORS: Readonly<Record<string, string>> = {
  ENOTFOUND: "Host not found",
  ENODATA: "Host not found",
  EAI_NONAME: "Host not found",
  EAI_NODATA: "No address associated with hostname",
  EAI_AGAIN: "Temporary failure in name resolution",
  EAI_FAIL: "Non-recoverable failure in name resolution",
  EAI_MEMORY: "Memory allocation failure",
  ENOMEM: "Memory allocation failure",
  EAI_FAMILY: "ai_family not supported",
};

/** Looks a host up by the system's resolver; a literal needs no lookup. Never rejects. */
export async function resolveHost(host: string, wantCanonical = false): Promise<Lookup> {
  const literal = parseLiteral(host);
  if (literal === null) {
    const isIPv4 = net.isIPv4(unbracketed(host));
    const error = isIPv4 ? "Address family for hostname not supported" : "Host not found";
    return { ok: false, error, cause: null };
  }
  if (literal !== undefined) {
    return { ok: true, addresses: [literal], canonical: wantCanonical ? unbracketed(host) : null };
  }
  // Node would look it up, with a warning
  if (host === "") return { ok: false, error: "Host not found", cause: null };
  try {
    const options = { all: true, verbatim: true, hints: dns.ADDRCONFIG } as const;
    const found = await dns.promises.lookup(host, ownOnly(options));
    const addresses = found.flatMap(({ address }) => parseLiteral(address) ?? []);
    if (addresses.length === 0) return { ok: false, error: "Host not found", cause: null };
    return { ok: true, addresses, canonical: wantCanonical ? await canonicalName(host) : null };
  } catch (error) {
    const code = codeOf(error) ?? "";
    return { ok: false, error: LOOKUP_ERRORS[code] ?? "Host not found", cause: errorOf(error) };
  }
}

// The C library's resolver gives the name at the end of the chain of CNAMEs; Node's lookup does not
// show it, so it is asked from the name server, and the name itself stands in when there is no
// answer.
async function canonicalName(host: string): Promise<string> {
  let name = host;
  for (let hops = 0; hops < 16; hops++) {
    try {
      const [target] = await dns.promises.resolveCname(name);
      if (target === undefined || target === name) break;
      name = target;
    } catch {
      break;
    }
  }
  return name;
}

/** The name of an address, or its text form where it has none. */
export async function reverseLookup(address: Address): Promise<string | null> {
  const text = printAddress(address);
  try {
    return (await dns.promises.lookupService(text, 0)).hostname;
  } catch (error) {
    const code = codeOf(error) ?? "";
    return code === "ENOTFOUND" || code === "EAI_NONAME" ? text : null;
  }
}
