// Bodies as the text of a HAR, and back: text is decoded by the charset that the Content-Type
// names, as long as that loses no byte; all else is binary.
import zlib from "node:zlib";
import { parseContentType } from "../http/content_type.js";
import { decodeText } from "../script/charset.js";
import { codingsOf } from "../script/decode.js";

/** Types whose bodies are never text, whatever the bytes happen to be. */
const BINARY = /^(image\/(?!svg)|audio\/|video\/|font\/|application\/(octet-stream|zip|gzip|pdf))/i;

/** Bytes of a decoded body at most: a recording must not swell. */
const MAX_DECODED = 64 * 1024 * 1024;

/** The charset that a Content-Type names, `null` for none. */
function charsetOf(contentType: string): string | null {
  return parseContentType(contentType)?.charset ?? null;
}

/** Bytes as text, or `null` for what is binary or would not come back the same. */
export function textOf(bytes: Buffer, contentType: string): string | null {
  if (BINARY.test(contentType)) return null;
  const charset = charsetOf(contentType);
  const text = decodeText(bytes, charset);
  // a decoder takes the mark of the byte order away
  const marked = isMarked(bytes) && !text.startsWith("\ufeff") ? `\ufeff${text}` : text;
  if (charset === null && /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(marked)) return null;
  return bytesOf(marked, contentType)?.equals(bytes) === true ? marked : null;
}

function isMarked(bytes: Buffer): boolean {
  return /^(efbbbf|feff|fffe)/.test(bytes.toString("hex", 0, 3));
}

/** Text as bytes in the charset that a Content-Type names; `null` where it has no room for them. */
export function bytesOf(text: string, contentType: string): Buffer | null {
  const charset = charsetOf(contentType);
  const encoding = charset === null ? "utf-8" : encodingNamed(charset);
  if (encoding === "utf-8") return Buffer.from(text, "utf8");
  if (encoding === "utf-16le") return Buffer.from(text, "utf16le");
  if (encoding === "utf-16be") return Buffer.from(text, "utf16le").swap16();
  const table = decodeText(Uint8Array.from({ length: 256 }, (_, byte) => byte), encoding);
  if (table.length !== 256) return null;
  const bytes = Buffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = table.indexOf(text.charAt(i));
    if (byte < 0) return null;
    bytes[i] = byte;
  }
  return bytes;
}

function encodingNamed(charset: string): string {
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    return "utf-8";
  }
}

/** A body without its content codings; `null` where they cannot be taken off. */
export function decodeCodings(bytes: Buffer, contentEncoding: string | null): Buffer | null {
  const codings = codingsOf(contentEncoding);
  const named = (contentEncoding ?? "").replace(/identity|[\s,]/gi, "");
  if (codings.length === 0) return named === "" || bytes.length === 0 ? bytes : null;
  let decoded = bytes;
  try {
    for (const coding of codings.reverse()) decoded = takeOff(decoded, coding);
  } catch {
    return null;
  }
  return decoded;
}

function takeOff(bytes: Buffer, coding: string): Buffer {
  const limit = { maxOutputLength: MAX_DECODED };
  if (bytes.length === 0) return bytes;
  if (coding === "gzip") return zlib.gunzipSync(bytes, limit);
  if (coding === "br") return zlib.brotliDecompressSync(bytes, limit);
  try {
    return zlib.inflateSync(bytes, limit);
  } catch {
    return zlib.inflateRawSync(bytes, limit);
  }
}
