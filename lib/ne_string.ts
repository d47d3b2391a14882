// ne_string.h: strings and string buffers. "Letters" means ASCII letters only: no locale is
// consulted. The printf-style functions know the conversions of internal/base/printf.ts.
import { crypto } from "./internal/base/crypto.js";
import { HEX_PAIRS, asBuffer, latin1Text } from "./internal/base/bytes.js";
import { strerror } from "./internal/base/errno.js";
import { format as printf } from "./internal/base/printf.js";
import { misuse } from "./internal/base/handle.js";
import { sumOf } from "./internal/base/digest_text.js";
import { needBytes, needObject, needText, needTexts } from "./internal/base/arguments.js";
import type { ne_out, ne_printf_arg } from "./ne_defs.js";

export {
  NE_HASH_COLON,
  NE_HASH_MD5,
  NE_HASH_SHA1,
  NE_HASH_SHA256,
  NE_HASH_SHA512,
  NE_HASH_SHA512_256,
  NE_HASH_SPACE,
} from "./internal/base/digest_text.js";

/**
 * Cuts the next token off the text in `str.value`, ending before the first `sep` (one character) or
 * at the end. `str.value` becomes what follows the separator, or `null` if there was none; calling
 * again then throws.
 * @returns the token, `""` included.
 * @example
 * ```ts
 * const cursor: ne_out<string | null> = { value: "a,b" };
 * while (cursor.value !== null) console.log(ne_token(cursor, ","));
 * ```
 */
export function ne_token(str: ne_out<string | null>, sep: string): string {
  needObject(str, "ne_token", "str");
  const text = needText(str.value, "ne_token", "str.value");
  needChar(sep, "ne_token", "sep");
  const end = text.indexOf(sep);
  str.value = end < 0 ? null : text.slice(end + 1);
  return end < 0 ? text : text.slice(0, end);
}

/**
 * Like `ne_token`, but a separator inside a pair of equal quote characters does not count.
 * @param quotes the characters that act as quotes; the quotes stay in the token.
 * @returns the token, or `null` (with `str.value` unchanged) if a quote is never closed.
 */
export function ne_qtoken(str: ne_out<string | null>, sep: string, quotes: string): string | null {
  needObject(str, "ne_qtoken", "str");
  const text = needText(str.value, "ne_qtoken", "str.value");
  needChar(sep, "ne_qtoken", "sep");
  needText(quotes, "ne_qtoken", "quotes");
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quotes.includes(char)) {
      at = text.indexOf(char, at + 1);
      if (at < 0) return null;
    } else if (char === sep) {
      str.value = text.slice(at + 1);
      return text.slice(0, at);
    }
  }
  str.value = null;
  return text;
}

/** @returns `str` without leading and trailing characters that occur in `whitespace`. */
export function ne_shave(str: string, whitespace: string): string {
  needText(str, "ne_shave", "str");
  needText(whitespace, "ne_shave", "whitespace");
  let start = 0;
  let end = str.length;
  while (start < end && whitespace.includes(str.charAt(start))) start++;
  while (end > start && whitespace.includes(str.charAt(end - 1))) end--;
  return str.slice(start, end);
}

/** @returns `str` with every character outside U+0020-U+007E replaced by a space. */
export function ne_strclean(str: string): string {
  return needText(str, "ne_strclean", "str").replace(/[^ -~]/g, " ");
}

/** @returns the base64 form, padded, without line breaks. */
export function ne_base64(text: Uint8Array): string {
  return asBuffer(needBytes(text, "ne_base64", "text")).toString("base64");
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 64;
const NOT_BASE64 = 65;

// The six bits of every code below 128.
const SEXTETS = new Uint8Array(128).fill(NOT_BASE64);
for (let i = 0; i < BASE64.length; i++) SEXTETS[BASE64.charCodeAt(i)] = i;
SEXTETS["=".charCodeAt(0)] = PADDING;

/**
 * Decodes base64 (padding required, no white space). As in C, any group of four may be padded and
 * bits left over by the padding are not looked at.
 * @param out receives the bytes; left alone on error.
 * @returns the number of bytes, or 0 if `data` is empty or malformed.
 */
export function ne_unbase64(data: string, out: ne_out<Buffer | null>): number {
  needText(data, "ne_unbase64", "data");
  if (data === "" || data.length % 4 !== 0) return 0;
  const bytes = Buffer.alloc((data.length / 4) * 3);
  let used = 0;
  for (let at = 0; at < data.length; at += 4) {
    const first = sextet(data, at);
    const second = sextet(data, at + 1);
    const third = sextet(data, at + 2);
    const fourth = sextet(data, at + 3);
    const padding = fourth === PADDING ? (third === PADDING ? 2 : 1) : 0;
    if (Math.max(first, second) >= PADDING || fourth > PADDING) return 0;
    if (third >= PADDING && padding !== 2) return 0;
    bytes[used++] = (first << 2) | (second >> 4);
    if (padding < 2) bytes[used++] = (second << 4) | (third >> 2);
    if (padding < 1) bytes[used++] = (third << 6) | fourth;
  }
  out.value = bytes.subarray(0, used);
  return used;
}

// The doors to what is private in an ne_buffer, for this module only.
let making = false;
let makeBuffer: (size: number) => ne_buffer;
let isMade: (buf: ne_buffer) => boolean;
let isDestroyed: (buf: ne_buffer) => boolean;
let markDestroyed: (buf: ne_buffer) => void;

/**
 * A growing string, made by `ne_buffer_create` only. The fields may be read at any time. After
 * assigning `data` call `ne_buffer_altered`. Bytes appended to it become one character each, and a
 * buffer that is sent as a request header writes one byte per character.
 */
export class ne_buffer {
  static {
    makeBuffer = (size) => {
      making = true;
      const buf = new ne_buffer();
      making = false;
      buf.length = size;
      return buf;
    };
    isMade = (buf) => #destroyed in buf;
    isDestroyed = (buf) => buf.#destroyed;
    markDestroyed = (buf) => void (buf.#destroyed = true);
  }

  #destroyed = false;

  private constructor() {
    if (!making) throw misuse("ne_buffer", "use ne_buffer_create to make one");
  }

  /** The text. */
  data = "";
  /** Number of characters in `data`, plus 1. */
  used = 1;
  /** Space reserved, counted as in C; only grows. */
  length = 0;
}

// C reserves in these steps.
const BUFFER_STEP = 512;

/** @returns an empty buffer with `length` 512. */
export function ne_buffer_create(): ne_buffer {
  return makeBuffer(BUFFER_STEP);
}

/** @returns an empty buffer with the given `length` (at least 1). */
export function ne_buffer_ncreate(size: number): ne_buffer {
  return makeBuffer(needCount(size, "ne_buffer_ncreate", "size"));
}

/** @returns the number of characters of text, `used - 1`. A macro in C. */
export function ne_buffer_size(buf: Readonly<ne_buffer>): number {
  return alive(buf as ne_buffer, "ne_buffer_size").used - 1;
}

/** Appends all strings in order. One final `null` is accepted. */
export function ne_buffer_concat(buf: ne_buffer, ...strs: (string | null)[]): void {
  alive(buf, "ne_buffer_concat");
  append(buf, needTexts(strs, "ne_buffer_concat").join(""));
}

/** Appends a string. */
export function ne_buffer_zappend(buf: ne_buffer, str: string): void {
  append(alive(buf, "ne_buffer_zappend"), needText(str, "ne_buffer_zappend", "str"));
}

/** Appends a string, or bytes as the characters U+0000-U+00FF. */
export function ne_buffer_append(buf: ne_buffer, data: string | Uint8Array): void {
  alive(buf, "ne_buffer_append");
  if (typeof data === "string") append(buf, data);
  else append(buf, latin1Text(needBytes(data, "ne_buffer_append", "data")));
}

/** Appends bytes; each one outside 0x20-0x7E is written as `\x` and two lower-case hex digits. */
export function ne_buffer_qappend(buf: ne_buffer, data: Uint8Array): void {
  alive(buf, "ne_buffer_qappend");
  append(buf, quoted(needBytes(data, "ne_buffer_qappend", "data")));
}

/**
 * Appends formatted text, cut to `max - 1` characters. `max` must not be 0.
 * @returns the number of characters appended.
 */
export function ne_buffer_snprintf(
  buf: ne_buffer,
  max: number,
  format: string,
  ...args: ne_printf_arg[]
): number {
  alive(buf, "ne_buffer_snprintf");
  needCount(max, "ne_buffer_snprintf", "max");
  const text = printf(format, args, "ne_buffer_snprintf").slice(0, max - 1);
  grow(buf, buf.used + max);
  append(buf, text);
  return text.length;
}

/** Appends a constant string; the same as `ne_buffer_zappend`. A macro in C. */
export function ne_buffer_czappend(buf: ne_buffer, str: string): void {
  append(alive(buf, "ne_buffer_czappend"), needText(str, "ne_buffer_czappend", "str"));
}

/** Empties the buffer; `length` stays. */
export function ne_buffer_clear(buf: ne_buffer): void {
  alive(buf, "ne_buffer_clear").data = "";
  buf.used = 1;
}

/**
 * Makes `length` at least `size`: if it is smaller it becomes the next multiple of 512 above
 * `size`.
 */
export function ne_buffer_grow(buf: ne_buffer, size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw misuse("ne_buffer_grow", "a negative size");
  grow(alive(buf, "ne_buffer_grow"), size);
}

/** Recomputes `used` after `data` was assigned; text from the first U+0000 on is dropped. */
export function ne_buffer_altered(buf: ne_buffer): void {
  alive(buf, "ne_buffer_altered");
  const end = needText(buf.data, "ne_buffer_altered", "data").indexOf("\0");
  if (end >= 0) buf.data = buf.data.slice(0, end);
  buf.used = buf.data.length + 1;
}

/** Destroys the buffer. @returns its text. */
export function ne_buffer_finish(buf: ne_buffer): string {
  const text = alive(buf, "ne_buffer_finish").data;
  markDestroyed(buf);
  return text;
}

/** Destroys the buffer. */
export function ne_buffer_destroy(buf: ne_buffer): void {
  markDestroyed(alive(buf, "ne_buffer_destroy"));
}

/**
 * Looks up the words for an errno number; the text is that of the GNU C library on every system.
 * @returns the system's message for an errno number, `Unknown error N` for a number it does not
 *   know.
 */
export function ne_strerror(errnum: number): string {
  if (!Number.isInteger(errnum)) throw misuse("ne_strerror", "errnum must be an integer");
  return strerror(errnum);
}

/** Sets `dest.value` to at most `n - 1` characters of `src`. A macro in C. */
export function ne_strnzcpy(dest: ne_out<string>, src: string, n: number): void {
  needObject(dest, "ne_strnzcpy", "dest");
  needText(src, "ne_strnzcpy", "src");
  dest.value = src.slice(0, needCount(n, "ne_strnzcpy", "n") - 1);
}

/** @returns the bytes as text, escaped as by `ne_buffer_qappend`. */
export function ne_strnqdup(data: Uint8Array): string {
  return quoted(needBytes(data, "ne_strnqdup", "data"));
}

/** @returns all arguments joined. One final `null` is accepted. */
export function ne_concat(str: string, ...strs: (string | null)[]): string {
  return needText(str, "ne_concat", "str") + needTexts(strs, "ne_concat").join("");
}

/**
 * Hashes the concatenation of the strings (as UTF-8). One final `null` is accepted.
 * @param flags one algorithm, optionally with an output option; the algorithm is the low four bits.
 * @returns lower-case hex, or `null` if the algorithm is unknown or not available.
 * @example
 * ```ts
 * ne_strhash(NE_HASH_SHA256, "user", ":", "realm");
 * ```
 */
export function ne_strhash(flags: number, ...strs: (string | null)[]): string | null {
  return sumOf(flags, needTexts(strs, "ne_strhash"));
}

/** `ne_strhash` with the strings in an array. */
export function ne_vstrhash(flags: number, ap: readonly (string | null)[]): string | null {
  return sumOf(flags, needTexts(ap, "ne_vstrhash"));
}

/**
 * Fills `nonce` (1 to 256 bytes) with random bytes of cryptographic quality.
 * @param flags must be 0.
 * @returns 0, or an errno number.
 */
export function ne_mknonce(nonce: Uint8Array, flags: number): number {
  needBytes(nonce, "ne_mknonce", "nonce", 1);
  if (nonce.length > 256) throw misuse("ne_mknonce", "nonce must have at most 256 bytes");
  if (flags !== 0) throw misuse("ne_mknonce", "flags must be 0");
  crypto().randomFillSync(nonce);
  return 0;
}

/**
 * Formats into `str.value`, cut to `size - 1` characters.
 * @returns the number of characters stored (unlike C's snprintf, not the number wanted).
 */
export function ne_snprintf(
  str: ne_out<string>,
  size: number,
  fmt: string,
  ...args: ne_printf_arg[]
): number {
  needCount(size, "ne_snprintf", "size");
  return (str.value = printf(fmt, args, "ne_snprintf").slice(0, size - 1)).length;
}

/** `ne_snprintf` with the arguments in an array. */
export function ne_vsnprintf(
  str: ne_out<string>,
  size: number,
  fmt: string,
  ap: readonly ne_printf_arg[],
): number {
  needCount(size, "ne_vsnprintf", "size");
  return (str.value = printf(fmt, ap, "ne_vsnprintf").slice(0, size - 1)).length;
}

/**
 * Compares ignoring the case of letters.
 * @returns <0, 0 or >0: the difference of the first codes that differ.
 */
export function ne_strcasecmp(s1: string, s2: string): number {
  needText(s1, "ne_strcasecmp", "s1");
  needText(s2, "ne_strcasecmp", "s2");
  return compareLower(s1, s2, Infinity);
}

/** `ne_strcasecmp` over at most `n` characters; 0 if `n` is 0. */
export function ne_strncasecmp(s1: string, s2: string, n: number): number {
  needText(s1, "ne_strncasecmp", "s1");
  needText(s2, "ne_strncasecmp", "s2");
  return compareLower(s1, s2, n);
}

const LOWER = Uint8Array.from({ length: 256 }, (_, code) => lowerCode(code));

/**
 * Lower-cases one character, given as its code (0-255) or as a string of one character. A macro in
 * C.
 */
export function ne_tolower(c: number): number;
/** The same for a string of one character. */
export function ne_tolower(c: string): string;
export function ne_tolower(c: number | string): number | string {
  if (typeof c === "string") return ne_strlower(needChar(c, "ne_tolower", "c"));
  if (typeof c !== "number") throw misuse("ne_tolower", "c must be a character");
  return LOWER[c & 255] ?? c;
}

/** The 256-entry table behind `ne_tolower`. It is shared: do not write to it. */
export function ne_tolower_array(): Uint8Array {
  return LOWER;
}

/** @returns `str` with letters in lower case, other characters as they are. */
export function ne_strlower(str: string): string {
  return needText(str, "ne_strlower", "str").replace(/[A-Z]+/g, (run) => run.toLowerCase());
}

/** @returns `str` with letters in upper case, other characters as they are. */
export function ne_strupper(str: string): string {
  return needText(str, "ne_strupper", "str").replace(/[a-z]+/g, (run) => run.toUpperCase());
}

/**
 * Converts a hex digit. A macro in C.
 * @returns the value 0-15 of a hex digit, given as its code or as a string of one character; else
 *   meaningless.
 */
export function NE_ASC2HEX(x: number | string): number {
  const code = typeof x === "string" ? needChar(x, "NE_ASC2HEX", "x").charCodeAt(0) : x;
  return code <= 0x39 ? code - 0x30 : (LOWER[code & 255] ?? code) + 10 - 0x61;
}

/** @returns the lower-case hex digit for 0-15, as a string of one character. A macro in C. */
export function NE_HEX2ASC(x: number): string {
  return String.fromCharCode((x > 9 ? x - 10 + 0x61 : x + 0x30) & 255);
}

/**
 * Encodes a header parameter value in the extended form `charset'lang'escaped` (RFC 5987).
 * @param charset `"UTF-8"` or `"ISO-8859-1"`: the encoding in which `value` is escaped.
 * @param lang language tag, or `null` for none.
 * @returns the encoded form (lower-case hex), or `null` if `value` holds only characters that need
 *   no encoding and can be sent as an ordinary parameter.
 */
export function ne_strparam(charset: string, lang: string | null, value: string): string | null {
  needText(value, "ne_strparam", "value");
  if (lang !== null) needText(lang, "ne_strparam", "lang");
  const bytes = encoded(needText(charset, "ne_strparam", "charset"), value);
  if (/^[A-Za-z0-9!#$&+\-.^_|~`]*$/.test(value)) return null;
  let text = `${charset}'${lang ?? ""}'`;
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    text += /[A-Za-z0-9!#$&+\-.^_|~`]/.test(char) ? char : `%${HEX_PAIRS[byte]}`;
  }
  return text;
}

/**
 * Reads a hexadecimal number at the start of `str`; white space, a sign or `0x` in front is an
 * error. There is no errno here, so errors show in the result.
 * @param endptr receives the text after the number: all of `str` if it starts with a forbidden
 *   character.
 * @returns the number; -1 for a forbidden start (C: EINVAL) or a value above 2^53-1 (C: ERANGE
 *   above ULONG_MAX). A letter G-Z at the start gives 0 with nothing consumed, as in C.
 */
export function ne_strhextoul(str: string, endptr?: ne_out<string> | null): number {
  needText(str, "ne_strhextoul", "str");
  const digits = /^(?!0[xX])[0-9A-Fa-f]*/.exec(str)?.[0] ?? "";
  if (endptr) endptr.value = str.slice(digits.length);
  if (digits === "") return /^[G-Z]/.test(str) ? 0 : -1;
  const value = Number(`0x${digits}`);
  return Number.isSafeInteger(value) ? value : -1;
}

function sextet(data: string, at: number): number {
  return SEXTETS[data.charCodeAt(at)] ?? NOT_BASE64;
}

function needChar(value: string, caller: string, name: string): string {
  if (typeof value === "string" && value.length === 1) return value;
  throw misuse(caller, `${name} must be one character`);
}

function needCount(value: number, caller: string, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw misuse(caller, `${name} must be at least 1`);
}

function alive(buf: ne_buffer, caller: string): ne_buffer {
  if (!(buf instanceof ne_buffer && isMade(buf))) throw misuse(caller, "expected an ne_buffer");
  if (isDestroyed(buf)) throw misuse(caller, "the ne_buffer was destroyed already");
  return buf;
}

function grow(buf: ne_buffer, size: number): void {
  if (buf.length < size) buf.length = (Math.floor(size / BUFFER_STEP) + 1) * BUFFER_STEP;
}

function append(buf: ne_buffer, text: string): void {
  buf.data += text;
  buf.used = buf.data.length + 1;
  grow(buf, buf.used);
}

const QUOTED: readonly string[] = HEX_PAIRS.map((hex, byte) =>
  byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${hex}`,
);

function quoted(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += QUOTED[byte];
  return text;
}

function compareLower(s1: string, s2: string, n: number): number {
  for (let i = 0; i < n; i++) {
    const ended = i >= s1.length || i >= s2.length;
    const a = i < s1.length ? lowerCode(s1.charCodeAt(i)) : 0;
    const b = i < s2.length ? lowerCode(s2.charCodeAt(i)) : 0;
    if (a !== b || ended) return a - b;
  }
  return 0;
}

function lowerCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

function encoded(charset: string, value: string): Buffer {
  switch (charset.toUpperCase()) {
    case "UTF-8":
      return Buffer.from(value, "utf8");
    case "ISO-8859-1":
      if (/[^\0-\xff]/.test(value)) {
        throw misuse("ne_strparam", "value has a character outside ISO-8859-1");
      }
      return Buffer.from(value, "latin1");
  }
  throw misuse("ne_strparam", "charset must be UTF-8 or ISO-8859-1");
}
