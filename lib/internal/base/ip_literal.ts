// Address literals as bytes, as inet_pton reads them: no part of an IPv4 address has a zero in
// front, since some resolvers take it for octal.

/** The bytes of an IPv4 literal in dotted form, else `null`. */
export function parseIPv4(text: string): Buffer | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.some((byte) => byte > 255) ? null : Buffer.from(bytes);
}

/** The bytes of an IPv6 literal without brackets and scope, else `null`. */
export function parseIPv6(text: string): Buffer | null {
  if (text.length > MAX_IPV6 || !text.includes(":")) return null;
  const halves = text.split("::");
  const [first = "", second = ""] = halves;
  if (halves.length > 2) return null;
  const head = groups(first, halves.length === 1);
  const tail = groups(second, true);
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return Buffer.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** Characters of the longest one, whose last two groups are an IPv4 address. */
const MAX_IPV6 = 45;

// The bytes of groups joined by colons; the last of the whole may be an IPv4 address.
function groups(text: string, isLast: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const v4 = isLast && i === parts.length - 1 ? parseIPv4(part) : null;
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
