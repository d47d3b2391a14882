// References that no URI grammar allows, as servers and people write them: characters that should
// have been escaped are escaped, whatever they are, and nothing that says something is lost.
import { HEX_PAIRS } from "../base/bytes.js";
import { nameBytes } from "../base/name_bytes.js";

// What may stand in a reference (RFC 3986 section 2), but for the brackets of an address.
const LEGAL = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?#]|%[0-9A-Fa-f]{2})*$/;
const ILLEGAL = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?#%]+/g;

const AUTHORITY = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/?#]*/;

/**
 * Escapes what a reference may not hold: blanks and controls, brackets, braces, quotes, a percent
 * sign that begins no escape, all that is not ASCII. The authority stays as it is.
 */
export function repairReference(text: string): string {
  if (LEGAL.test(text)) return text;
  const authority = AUTHORITY.exec(text)?.[0] ?? "";
  return authority + text.slice(authority.length).replace(ILLEGAL, escaped);
}

/**
 * The same for the `href` of a WebDAV response, which has no fragment (RFC 4918 section 8.3): a `#`
 * is part of a name. A server that escaped a whole URL (xandikos) meant the URL.
 */
export function repairHref(text: string): string {
  const url = text.replace(/^(https?)%3a\/\//i, "$1://");
  return repairReference(url).replaceAll("#", "%23");
}

function escaped(text: string): string {
  let escapes = "";
  // what is no text at all, half a character, becomes the sign for that
  for (const byte of nameBytes(text) ?? Buffer.from(text, "utf8")) escapes += `%${HEX_PAIRS[byte]}`;
  return escapes;
}
