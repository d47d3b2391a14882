// Text of the string types that names and PKCS#12 attributes are written in.

import { isUtf8 } from "node:buffer";
import { TAG } from "./der.js";

/**
 * The text of a directory string as OpenSSL converts it, or null for bytes that are none of the
 * type. Null too for types that hold no text of letters.
 */
export function decodeString(tag: number, content: Buffer): string | null {
  switch (tag) {
    case TAG.UTF8:
      // a TextDecoder would cost a process's first connection several milliseconds
      return isUtf8(content) ? content.toString("utf8") : null;
    case TAG.PRINTABLE:
    case TAG.T61: // which everyone takes for Latin-1
    case TAG.IA5:
    case TAG.VISIBLE:
      return content.toString("latin1");
    case TAG.BMP: {
      const text = decodeBmp(content);
      // OpenSSL knows no surrogates here
      return text === null || /[\ud800-\udfff]/.test(text) ? null : text;
    }
    case TAG.UNIVERSAL:
      return decodeUniversal(content);
    default:
      return null;
  }
}

/** UTF-16, the high byte first; null for an odd length. */
export function decodeBmp(content: Buffer): string | null {
  if (content.length % 2 !== 0) return null;
  return Buffer.from(content).swap16().toString("utf16le");
}

function decodeUniversal(content: Buffer): string | null {
  if (content.length % 4 !== 0) return null;
  let text = "";
  for (let at = 0; at < content.length; at += 4) {
    const code = content.readUInt32BE(at);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return null;
    text += String.fromCodePoint(code);
  }
  return text;
}
