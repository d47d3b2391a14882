// Text from bytes in the charset that a response names, by the rules of the Encoding Standard.
import { latin1Text } from "../base/bytes.js";

/** What windows-1252, and so every "latin1", has at 0x80 to 0x9F. */
const WINDOWS_1252 =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

/**
 * Decodes bytes. A byte order mark counts more than the label; a label that names no encoding is
 * as good as none.
 * @param label a charset's name, or `null` for UTF-8
 */
export function decodeText(bytes: Uint8Array, label: string | null): string {
  const decoder = decoderFor(markOf(bytes) ?? label);
  if (decoder.encoding !== "windows-1252") return decoder.decode(bytes);
  // Node 20 takes it for ISO 8859-1
  return latin1Text(bytes).replace(/[\x80-\x9f]/g, (c) =>
    WINDOWS_1252.charAt(c.charCodeAt(0) - 0x80),
  );
}

function markOf(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  return null;
}

function decoderFor(label: string | null): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(label ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}
