// What a request looks like on the wire: its head, its target, the frames of a chunked body
// (RFC 9112 sections 3 and 7.1).
import { shownWord } from "../base/call_options.js";
import { misuse } from "../base/handle.js";

/** What the fields that every request begins with depend on. */
export interface FixedParts {
  userAgent: string | null;
  hostport: string;
  /** Keep the connection (`NE_SESSFLAG_PERSIST`). */
  persist: boolean;
  /** The server is known to speak HTTP/1.1, or an HTTP proxy is between. */
  plainTe: boolean;
}

/** The fields that every request begins with. */
export function fixedFields(parts: FixedParts): string {
  const agent = parts.userAgent === null ? "" : `User-Agent: ${parts.userAgent}\r\n`;
  const connection = !parts.persist
    ? "Connection: TE, close\r\n"
    : parts.plainTe
      ? "Connection: TE\r\n"
      : "Keep-Alive: \r\nConnection: TE, Keep-Alive\r\n";
  return `${agent}${connection}TE: trailers\r\nHost: ${parts.hostport}\r\n`;
}

/** Takes a field out of such text. */
export function withoutField(fields: string, name: string): string {
  return fields.replace(new RegExp(`^${name}:[^\\r\\n]*\\r\\n`, "im"), "");
}

/**
 * Request line and fields, each ended by CRLF, without the final empty line.
 * @param fields with their line ends
 */
export function writeHead(method: string, target: string, fields: string, expect: boolean): string {
  const expectation = expect ? "Expect: 100-continue\r\n" : "";
  return `${method} ${target} HTTP/1.1\r\n${fields}${expectation}`;
}

/** Bytes in front of the data of each chunk. */
export const CHUNK_FRAME = 8;

/** What stands before the data of a chunk: the end of the chunk before it, if any, and its size. */
export function chunkStart(bytes: number, first: boolean): string {
  const size = bytes.toString(16);
  return first ? `${size.padStart(6, "0")}\r\n` : `\r\n${size.padStart(4, "0")}\r\n`;
}

/**
 * The end of a chunked body, behind its last chunk or without any.
 * @param fields of the trailer, with their line ends
 */
export function chunkedEnd(first: boolean, fields: string): string {
  return `${first ? "" : "\r\n"}0\r\n${fields}\r\n`;
}

/** Throws for a method that is no token (RFC 9110 section 9.1). */
export function checkMethod(method: unknown, caller: string): asserts method is string {
  if (typeof method !== "string" || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) {
    throw misuse(caller, `the method is not a token: ${shownWord(method)}`);
  }
}

/** Throws for a request-target that would not stay one word of the request line. */
export function checkTarget(target: unknown, caller: string): asserts target is string {
  if (typeof target !== "string") throw misuse(caller, "target must be a string");
  if (/[\0-\x20\x7f]/.test(target)) {
    throw misuse(caller, "the target holds a control character or a space");
  }
  if (/[^\0-\xff]/.test(target)) {
    throw misuse(caller, "the target holds a character above U+00FF; escape it first");
  }
}

/** Throws for a field name that is no token (RFC 9110 section 5.1). */
export function checkFieldName(
  name: unknown,
  caller: string,
  option?: string,
): asserts name is string {
  if (typeof name !== "string" || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    const where = option === undefined ? "" : ` (in \`${option}\`)`;
    throw misuse(caller, `the field name is not a token${where}: ${shownWord(name)}`);
  }
}

/** Throws for a field value that would end the line or cannot be sent as bytes. */
export function checkFieldValue(
  value: unknown,
  caller: string,
  field?: string,
): asserts value is string {
  if (typeof value !== "string") throw unfit(caller, field, "must be a string");
  if (/[\r\n\0]/.test(value)) throw unfit(caller, field, "holds CR, LF or NUL");
  if (/[^\0-\xff]/.test(value)) throw unfit(caller, field, "holds a character above U+00FF");
}

function unfit(caller: string, field: string | undefined, reason: string): TypeError {
  const what = field === undefined ? "field value" : `value of ${field}`;
  return misuse(caller, `the ${what} ${reason}`);
}
