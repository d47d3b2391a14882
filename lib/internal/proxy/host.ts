// Hosts in normal form, so that no spelling of a name or an address gets past a bypass list: lower
// case, no brackets, no trailing dot, no zone, addresses as 16 bytes (IPv4 as ::ffff:a.b.c.d).

/** A host to compare with. */
export interface Host {
  readonly name: string;
  /** 16 bytes, or `null` for a name. */
  readonly address: readonly number[] | null;
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
export function parseAddress(text: string): readonly number[] | null {
  const v4 = parseIPv4(text);
  return v4 === null ? parseIPv6(text) : [...MAPPED, ...v4];
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Whether 16 bytes are an IPv4 address. */
export function isMapped(address: readonly number[]): boolean {
  return MAPPED.every((byte, i) => address[i] === byte);
}

function parseIPv4(text: string): number[] | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  return bytes.some((byte) => byte > 255) ? null : bytes;
}

function parseIPv6(text: string): number[] | null {
  if (text.length > 45 || !text.includes(":")) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groups(halves[0] as string);
  const tail = groups(halves[1] ?? "");
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

// The bytes of groups joined by colons; the last may be an IPv4 address.
function groups(text: string): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const v4 = i === parts.length - 1 ? parseIPv4(part) : null;
    if (v4 !== null) {
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return null;
      const group = parseInt(part, 16);
      bytes.push(group >> 8, group & 255);
    }
  }
  return bytes;
}
