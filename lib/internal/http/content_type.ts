// The Content-Type field taken apart, as neon reads it: a type, a subtype and the charset, without
// the defaults that older RFCs gave to text types.
import { ne_qtoken, ne_shave, ne_strlower } from "../../ne_string.js";

/** The parts of a Content-Type field. */
export interface ContentType {
  /** In lower case, as far as it is ASCII. */
  type: string;
  /** In lower case. */
  subtype: string;
  /** As written, without quotes; `null` if there is none. */
  charset: string | null;
}

/**
 * Takes the field apart; `null` without a `/`. A parameter whose quote is never closed ends the
 * list, and of several charsets the last one counts.
 */
export function parseContentType(field: string): ContentType | null {
  const slash = field.indexOf("/");
  if (slash < 0) return null;
  const rest: { value: string | null } = { value: null };
  const semicolon = field.indexOf(";", slash);
  if (semicolon >= 0) rest.value = field.slice(semicolon + 1);
  const subtype = field.slice(slash + 1, semicolon < 0 ? field.length : semicolon);
  let charset: string | null = null;
  while (rest.value !== null) {
    const token = ne_qtoken(rest, ";", "\"'");
    if (token === null) break;
    const equals = token.indexOf("=");
    if (equals < 0 || ne_strlower(ne_shave(token.slice(0, equals), " \t")) !== "charset") continue;
    charset = ne_shave(ne_shave(token.slice(equals + 1), " \t"), "\"'");
  }
  return {
    type: ne_strlower(field.slice(0, slash)),
    subtype: ne_strlower(ne_shave(subtype, " \t")),
    charset,
  };
}

/** Whether a body of this type is an XML document (RFC 7303, section 4.2 and 9). */
export function isXmlType(type: ContentType): boolean {
  if (type.subtype.endsWith("+xml")) return true;
  return (type.type === "text" || type.type === "application") && type.subtype === "xml";
}
