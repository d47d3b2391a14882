// Names of files are bytes, in any charset; paths are text. UTF-8 becomes its characters, and each
// byte that is no part of valid UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, which no UTF-8
// gives: so two names never become one text, and every text goes back to its bytes.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A surrogate without its other half. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const LONE_PARTS = new RegExp(`(${LONE.source})`);

/** Bytes as text. */
export function nameText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return decodeByParts(bytes);
  }
}

function decodeByParts(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at);
    text += length > 0
      ? utf8.decode(bytes.subarray(at, at + length))
      : String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += Math.max(length, 1);
  }
  return text;
}

// Bytes of the character that begins here, 0 where none does (RFC 3629 section 4).
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = 2; i < length; i++) {
    if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** Text as bytes; `null` for a lone surrogate that stands for no byte. */
export function nameBytes(text: string): Buffer | null {
  if (!LONE.test(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (const [i, part] of text.split(LONE_PARTS).entries()) {
    if (i % 2 === 0) {
      parts.push(Buffer.from(part, "utf8"));
      continue;
    }
    const code = part.charCodeAt(0);
    if (code < 0xdc80 || code > 0xdcff) return null;
    parts.push(Buffer.of(code - 0xdc00));
  }
  return Buffer.concat(parts);
}
