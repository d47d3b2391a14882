// Hosts in normal form, so that no spelling of a name or an address gets past a bypass list: lower
// case, no brackets, no trailing dot, no zone, addresses as 16 bytes (IPv4 as ::ffff:a.b.c.d).

import { parseIPv4, parseIPv6 } from "../base/ip_literal.js";

/** A host to compare with. */
export interface Host {
  readonly name: string;
  /** 16 bytes, or `null` for a name. */
  readonly address: Buffer | null;
}

/** A host as a session or a URL has it. */
export function normalHost(text: string): Host {
  let name = text.toLowerCase();
  if (name.startsWith("[") && name.endsWith("]")) name = name.slice(1, -1);
  if (name.includes(":")) name = name.replace(/%.*$/s, "");
  if (name.endsWith(".")) name = name.slice(0, -1);
  return { name, address: parseAddress(name) };
}

/** The 16 bytes of an address literal without brackets; `null` if it is none. */
export function parseAddress(text: string): Buffer | null {
  const v4 = parseIPv4(text);
  return v4 === null ? parseIPv6(text) : Buffer.concat([MAPPED, v4]);
}

const MAPPED = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** Whether 16 bytes are an IPv4 address. */
export function isMapped(address: Buffer): boolean {
  return MAPPED.equals(address.subarray(0, MAPPED.length));
}
