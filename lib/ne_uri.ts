// ne_uri.h: URIs and URI paths. Nothing here escapes or unescapes by itself except the functions
// named so. The parser is deliberately as lax as neon's: a host may hold nearly anything, and what
// follows a fragment's valid characters is dropped.
import { HEX_PAIRS, hexValue } from "./internal/base/bytes.js";
import { nameBytes, nameText } from "./internal/base/name_bytes.js";
import { misuse } from "./internal/base/handle.js";
import { needText } from "./internal/base/arguments.js";
import { ne_strcasecmp } from "./ne_string.js";

/** Escape all but the unreserved characters and `/`; so also `%`. */
export const NE_PATH_NONRES = 0x0001;
/**
 * Escape only what may appear nowhere in a URI: controls, space, `" < > \ ^ { | }`, backquote, DEL
 * and all non-ASCII. `%` is left alone.
 */
export const NE_PATH_NONURI = 0x0002;
/**
 * Escape what may not appear in a path: all but the pchar set and `/`; so `? # [ ]` and `%` too.
 */
export const NE_PATH_NONPC = 0x0004;

// RFC 3986 section 2 and 3.3, as parts of character classes.
const UNRESERVED = "A-Za-z0-9\\-._~";
const SUB_DELIMS = "!$&'()*+,;=";

// What each flag has escaped, among bytes.
const ESCAPED: readonly (readonly [flag: number, bytes: string])[] = [
  [NE_PATH_NONRES, `[^${UNRESERVED}/]`],
  [NE_PATH_NONURI, '[\\0- "<>\\\\^`{|}\\x7f-\\xff]'],
  [NE_PATH_NONPC, `[^${UNRESERVED}${SUB_DELIMS}:@/]`],
];
const ALL_FLAGS = NE_PATH_NONRES | NE_PATH_NONURI | NE_PATH_NONPC;

// The same for a combination of the flags, made when it is first asked for.
const PATTERNS: RegExp[] = [];

function patternOf(flags: number): RegExp {
  const asked = ESCAPED.filter(([flag]) => (flags & flag) !== 0);
  return (PATTERNS[flags] ??= new RegExp(asked.map(([, bytes]) => bytes).join("|"), "g"));
}

/**
 * Same as `ne_path_escapef(path, NE_PATH_NONPC)`.
 * @example
 * ```ts
 * const target = `/files/${ne_path_escape("a b#c")}`; // "/files/a%20b%23c"
 * ```
 */
export function ne_path_escape(path: string): string {
  return escape("ne_path_escape", path, NE_PATH_NONPC);
}

/**
 * Percent-escapes a path, byte by byte, as two lower-case hex digits each. A character above U+007F
 * stands for its UTF-8 bytes, a lone surrogate U+DC80-U+DCFF for the byte that `ne_path_unescape`
 * made it of; any other lone surrogate is a TypeError.
 * @param flags any of `NE_PATH_*` combined with `|`; a character is escaped if any flag asks for
 *   it. 0 changes nothing.
 */
export function ne_path_escapef(path: string, flags: number): string {
  return escape("ne_path_escapef", path, flags);
}

/**
 * Undoes percent-escaping. The resulting bytes are read as UTF-8; each byte that is not part of
 * valid UTF-8 becomes a lone surrogate, U+DC80-U+DCFF, which the escaping functions turn back into
 * that byte: names of any charset survive the way there and back, and no two become one. A peer
 * can cause the `null`: look for it.
 * @returns the text, or `null` if a `%` is not followed by two hex digits, or is an escaped NUL.
 */
export function ne_path_unescape(epath: string): string | null {
  needText(epath, "ne_path_unescape", "epath");
  if (!epath.includes("%")) return epath;
  const escaped = bytesOf("ne_path_unescape", epath);
  const bytes = Buffer.alloc(escaped.length);
  let used = 0;
  for (let at = 0; at < escaped.length; at++) {
    let byte = escaped[at] ?? 0;
    if (byte === 0x25) {
      const high = hexValue(escaped[++at] ?? 0);
      const low = hexValue(escaped[++at] ?? 0);
      byte = (high << 4) | low;
      if (high < 0 || low < 0 || byte === 0) return null;
    }
    bytes[used++] = byte;
  }
  return nameText(bytes.subarray(0, used));
}

/**
 * The parent collection of a path, ending in `/`: `/a/b` and `/a/b/` both give `/a/`.
 * @returns the parent, or `null` if there is none (`/`, the empty string, a name without slash).
 */
export function ne_path_parent(path: string): string | null {
  needText(path, "ne_path_parent", "path");
  const slash = path.lastIndexOf("/", path.length - 2);
  return path.length < 2 || slash < 0 ? null : path.slice(0, slash + 1);
}

/**
 * Compares two paths, ignoring ASCII case and one trailing slash that only the longer one has.
 * @returns 0 if equal; otherwise the sign of `ne_strcasecmp(p1, p2)`.
 */
export function ne_path_compare(p1: string, p2: string): number {
  const difference = ne_strcasecmp(
    needText(p1, "ne_path_compare", "p1"),
    needText(p2, "ne_path_compare", "p2"),
  );
  if (difference === 0) return 0;
  const [shorter, longer] = p1.length < p2.length ? [p1, p2] : [p2, p1];
  const slashOnly = longer.length === shorter.length + 1 && longer.endsWith("/");
  if (slashOnly && !shorter.endsWith("/") && ne_strcasecmp(longer, `${shorter}/`) === 0) return 0;
  return Math.sign(difference);
}

/**
 * Tells whether `child` is longer than `parent` and begins with it (compared by `ne_path_compare`).
 * It is a test of text: without a trailing slash `/foo` contains `/foobar`.
 * @returns 1 or 0.
 */
export function ne_path_childof(parent: string, child: string): number {
  needText(parent, "ne_path_childof", "parent");
  needText(child, "ne_path_childof", "child");
  if (parent.length >= child.length) return 0;
  return ne_path_compare(parent, child.slice(0, parent.length)) === 0 ? 1 : 0;
}

/** @returns 1 if the path ends in `/`, else 0. */
export function ne_path_has_trailing_slash(path: string): number {
  return needText(path, "ne_path_has_trailing_slash", "path").endsWith("/") ? 1 : 0;
}

/** @returns 80 for http, 443 for https (in any case), 0 for every other scheme. */
export function ne_uri_defaultport(scheme: string): number {
  needText(scheme, "ne_uri_defaultport", "scheme");
  if (ne_strcasecmp(scheme, "http") === 0) return 80;
  return ne_strcasecmp(scheme, "https") === 0 ? 443 : 0;
}

/**
 * A URI split into components. An absent component is `null`; an absent port is 0. Components are
 * kept as written, still escaped. The host of an IPv6 literal keeps its brackets.
 */
export class ne_uri {
  /** `http`, as written. */
  scheme: string | null = null;
  /** The host name or address. */
  host: string | null = null;
  /** What stands before `@`. */
  userinfo: string | null = null;
  /** The port, 0 if absent. */
  port: number = 0;
  /** The path; never `null` after parsing. */
  path: string | null = null;
  /** What follows `?`. */
  query: string | null = null;
  /** What follows `#`. */
  fragment: string | null = null;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
const USERINFO = new RegExp(`([${UNRESERVED}%${SUB_DELIMS}:]*)@`, "y");
const PATH = new RegExp(`[${UNRESERVED}%${SUB_DELIMS}:@/]*`, "y");
const QUERY = new RegExp(`[${UNRESERVED}%${SUB_DELIMS}:@/?]*`, "y");

/**
 * Parses a URI-reference (RFC 3986). `parsed` is reset first, then filled; after a failure it may
 * hold some components. With an authority and no path, `path` becomes `/`; on success it is never
 * `null`. An empty port counts as 0.
 * @returns 0, or -1 for text that is no URI-reference (characters outside the URI set, a port above
 *   65535 or not numeric, an unclosed IP literal).
 * @example
 * ```ts
 * const uri = new ne_uri();
 * if (ne_uri_parse("http://example.com:8080/a?b", uri) === 0) console.log(uri.host, uri.port);
 * ```
 */
export function ne_uri_parse(uri: string, parsed: ne_uri): number {
  needText(uri, "ne_uri_parse", "uri");
  needStruct(parsed, "ne_uri_parse");
  ne_uri_free(parsed);
  let at = 0;
  const scheme = SCHEME.exec(uri);
  if (scheme) {
    parsed.scheme = scheme[1] ?? null;
    at = scheme[0].length;
  }
  if (uri.startsWith("//", at)) {
    const length = uri.slice(at + 2).search(/[/?#]/);
    const end = length < 0 ? uri.length : at + 2 + length;
    if (!parseAuthority(uri, at + 2, end, parsed)) return -1;
    at = end;
  }
  const path = matchAt(PATH, uri, at);
  parsed.path = path === "" && parsed.host !== null ? "/" : path;
  at += path.length;
  if (uri.charAt(at) === "?") {
    parsed.query = matchAt(QUERY, uri, at + 1);
    at += 1 + parsed.query.length;
  }
  if (uri.charAt(at) === "#") {
    parsed.fragment = matchAt(QUERY, uri, at + 1);
    return 0;
  }
  return at === uri.length ? 0 : -1;
}

/**
 * Joins the components into text. The port is written only if non-zero and not the default of the
 * scheme. `uri.path` must not be `null`.
 */
export function ne_uri_unparse(uri: Readonly<ne_uri>): string {
  needStruct(uri, "ne_uri_unparse");
  const path = needText(uri.path, "ne_uri_unparse", "uri.path");
  let text = uri.scheme != null ? `${uri.scheme}:` : "";
  if (uri.host != null) {
    text += "//";
    if (uri.userinfo != null) text += `${uri.userinfo}@`;
    text += uri.host;
    const usual = uri.scheme != null ? ne_uri_defaultport(uri.scheme) : 0;
    if (uri.port && uri.port !== usual) text += `:${uri.port}`;
  }
  text += path;
  if (uri.query != null) text += `?${uri.query}`;
  if (uri.fragment != null) text += `#${uri.fragment}`;
  return text;
}

/**
 * Resolves `relative` against `base` by the strict algorithm of RFC 3986 section 5.2, dot segments
 * removed. `result` is overwritten, so it must be another object than the first two, whose `path`
 * must not be `null`. A fragment comes from `relative` only.
 * @returns `result`.
 */
export function ne_uri_resolve(
  base: Readonly<ne_uri>,
  relative: Readonly<ne_uri>,
  result: ne_uri,
): ne_uri {
  for (const uri of [base, relative, result]) needStruct(uri, "ne_uri_resolve");
  if (result === base || result === relative) {
    throw misuse("ne_uri_resolve", "result must be an object of its own");
  }
  const basePath = needText(base.path, "ne_uri_resolve", "base.path");
  const path = needText(relative.path, "ne_uri_resolve", "relative.path");
  ne_uri_free(result);
  result.fragment = relative.fragment ?? null;
  if (relative.scheme != null) {
    result.scheme = relative.scheme;
    takeAuthority(result, relative);
    result.path = removeDotSegments(path);
    result.query = relative.query ?? null;
    return result;
  }
  result.scheme = base.scheme ?? null;
  if (relative.host != null) {
    takeAuthority(result, relative);
    result.path = removeDotSegments(path);
    result.query = relative.query ?? null;
    return result;
  }
  takeAuthority(result, base);
  if (path === "") {
    result.path = basePath;
    result.query = relative.query ?? base.query ?? null;
    return result;
  }
  result.path = removeDotSegments(path.startsWith("/") ? path : mergePaths(base, basePath, path));
  result.query = relative.query ?? null;
  return result;
}

/**
 * Orders two URIs, by path, host, scheme, query, fragment, userinfo and then port; host and scheme
 * ignore ASCII case. Nothing is normalised: port 0 and the scheme's default port differ.
 * @returns 0 if equal. For the first component that differs: -1 if only `u1` has it, 1 if only `u2`
 *   has it, else the sign of the text comparison; for ports, `u2.port - u1.port`.
 */
export function ne_uri_cmp(u1: Readonly<ne_uri>, u2: Readonly<ne_uri>): number {
  needStruct(u1, "ne_uri_cmp");
  needStruct(u2, "ne_uri_cmp");
  return (
    compareParts(u1.path, u2.path, compareText) ||
    compareParts(u1.host, u2.host, ne_strcasecmp) ||
    compareParts(u1.scheme, u2.scheme, ne_strcasecmp) ||
    compareParts(u1.query, u2.query, compareText) ||
    compareParts(u1.fragment, u2.fragment, compareText) ||
    compareParts(u1.userinfo, u2.userinfo, compareText) ||
    (u2.port ?? 0) - (u1.port ?? 0)
  );
}

/** Overwrites every field of `dest` with that of `src`. @returns `dest`. */
export function ne_uri_copy(dest: ne_uri, src: Readonly<ne_uri>): ne_uri {
  needStruct(dest, "ne_uri_copy");
  needStruct(src, "ne_uri_copy");
  dest.scheme = src.scheme ?? null;
  takeAuthority(dest, src);
  dest.path = src.path ?? null;
  dest.query = src.query ?? null;
  dest.fragment = src.fragment ?? null;
  return dest;
}

/** Resets the struct: every component `null`, port 0. It may be used again. */
export function ne_uri_free(parsed: ne_uri): void {
  needStruct(parsed, "ne_uri_free");
  parsed.scheme = null;
  parsed.host = null;
  parsed.userinfo = null;
  parsed.port = 0;
  parsed.path = null;
  parsed.query = null;
  parsed.fragment = null;
}

function needStruct(uri: Readonly<ne_uri>, caller: string): void {
  if (typeof uri !== "object" || uri === null) throw misuse(caller, "expected an ne_uri");
}

function escape(caller: string, path: string, flags: number): string {
  needText(path, caller, "path");
  if ((flags & ALL_FLAGS) === 0) return path;
  const bytes = bytesOf(caller, path).toString("latin1");
  return bytes.replace(patternOf(flags & ALL_FLAGS), (byte) => `%${HEX_PAIRS[byte.charCodeAt(0)]}`);
}

function bytesOf(caller: string, path: string): Buffer {
  const bytes = nameBytes(path);
  if (bytes === null) throw misuse(caller, "the path has a lone surrogate that stands for no byte");
  return bytes;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

// RFC 3986 section 3.2. The port follows the last colon, which cannot be the first character of
// the host.
function parseAuthority(uri: string, start: number, end: number, parsed: ne_uri): boolean {
  let at = start;
  const userinfo = matchAt(USERINFO, uri, at);
  if (userinfo !== "") {
    parsed.userinfo = userinfo.slice(0, -1);
    at += userinfo.length;
  }
  const rest = uri.slice(at, end);
  let hostEnd: number;
  if (rest.startsWith("[")) {
    hostEnd = rest.indexOf("]") + 1;
    if (hostEnd === 0 || (hostEnd < rest.length && rest.charAt(hostEnd) !== ":")) return false;
  } else {
    const colon = rest.lastIndexOf(":");
    hostEnd = colon > 0 ? colon : rest.length;
  }
  const port = rest.slice(hostEnd + 1);
  if (!/^\d*$/.test(port) || Number(port) > 65535) return false;
  parsed.port = Number(port);
  parsed.host = rest.slice(0, hostEnd);
  return true;
}

function takeAuthority(dest: ne_uri, src: Readonly<ne_uri>): void {
  dest.host = src.host ?? null;
  dest.userinfo = src.userinfo ?? null;
  dest.port = src.port ?? 0;
}

// RFC 3986 section 5.2.3
function mergePaths(base: Readonly<ne_uri>, basePath: string, path: string): string {
  if (base.host != null && basePath === "") return `/${path}`;
  return basePath.slice(0, basePath.lastIndexOf("/") + 1) + path;
}

// RFC 3986 section 5.2.4. Every segment of the output carries the slash before it, but perhaps the
// first.
function removeDotSegments(path: string): string {
  let at = 0;
  while (path.startsWith("./", at) || path.startsWith("../", at)) at = path.indexOf("/", at) + 1;
  const input = path.slice(at);
  if (input === "." || input === "..") return "";
  const output: string[] = [];
  const segments = input.match(/\/?[^/]+|\//g) ?? [];
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    if (segment === "/.." || segment === "/.") {
      if (segment === "/..") output.pop();
      if (last) output.push("/");
    } else {
      output.push(segment);
    }
  });
  return output.join("");
}

function compareParts(
  a: string | null | undefined,
  b: string | null | undefined,
  compare: (a: string, b: string) => number,
): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  return Math.sign(compare(a, b));
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
