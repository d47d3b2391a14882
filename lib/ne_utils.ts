// ne_utils.h: version, features, debug output, status lines.
import type { Writable } from "node:stream";
import { debug, initDebug } from "./internal/base/debug.js";
import { misuse } from "./internal/base/handle.js";
import { needText } from "./internal/base/arguments.js";
import type { ne_printf_arg } from "./ne_defs.js";

export {
  NE_DBG_FLUSH,
  NE_DBG_HTTP,
  NE_DBG_HTTPAUTH,
  NE_DBG_HTTPBODY,
  NE_DBG_HTTPPLAIN,
  NE_DBG_LOCKS,
  NE_DBG_SOCKET,
  NE_DBG_SSL,
  NE_DBG_XML,
  NE_DBG_XMLPARSE,
} from "./internal/base/constants.js";
export {
  /**
   * The mask last given to `ne_debug_init`, 0 at start. Read-only for importers; set it through
   * `ne_debug_init`.
   */
  debugMask as ne_debug_mask,
  /** The stream last given to `ne_debug_init`, `null` at start. Read-only for importers. */
  debugStream as ne_debug_stream,
} from "./internal/base/debug.js";

const VERSION = "0.37.1";
const VERSION_MINOR = 37;
// The oldest version of neon with the interface of this one.
const OLDEST_MINOR = 27;

/**
 * One line (at most 200 characters, ending in a full stop) naming the library, its version and the
 * libraries it runs on: `neon 0.37.1: Library build, ...`.
 */
export function ne_version_string(): string {
  const { node, zlib, openssl } = process.versions;
  const parts = `IPv6, Node.js ${node}, zlib ${zlib}, OpenSSL ${openssl} (thread-safe)`;
  return `neon ${VERSION}: Library build, ${parts}`.slice(0, 199) + ".";
}

/**
 * The version of neon whose interface this is, as `"0.37.1"`. It also ends the User-Agent field.
 */
export function ne_version_library(): string {
  return VERSION;
}

/**
 * Asks whether code written for version `major.minor` works with this one.
 * @returns 0 (compatible) for major 0 and minor 27 to 37, else 1.
 */
export function ne_version_match(major: number, minor: number): number {
  return major === 0 && minor >= OLDEST_MINOR && minor <= VERSION_MINOR ? 0 : 1;
}

/** TLS. Supported. */
export const NE_FEATURE_SSL = 1;
/** Decompression of responses in ne_compress. Supported. */
export const NE_FEATURE_ZLIB = 2;
/** IPv6 addresses in the resolver. Supported. */
export const NE_FEATURE_IPV6 = 3;
/** Files above 2 GiB. Supported. */
export const NE_FEATURE_LFS = 4;
/**
 * An external SOCKS library; obsolete, not supported. `ne_session_socks_proxy` works without it.
 */
export const NE_FEATURE_SOCKS = 5;
/** TLS usable from several threads. Supported. */
export const NE_FEATURE_TS_SSL = 6;
/** Translated messages. Not supported. */
export const NE_FEATURE_I18N = 7;
/** Authentication by Windows SSPI. Not supported: it needs native code. */
export const NE_FEATURE_SSPI = 8;
/** Authentication by GSSAPI. Not supported: it needs native code. */
export const NE_FEATURE_GSSAPI = 9;
/**
 * `ne_session_system_proxy` has an effect. Supported (the source is the environment, not libproxy).
 */
export const NE_FEATURE_LIBPXY = 10;
/** NTLM authentication. Supported. */
export const NE_FEATURE_NTLM = 11;

const SUPPORTED: ReadonlySet<number> = new Set([
  NE_FEATURE_SSL,
  NE_FEATURE_ZLIB,
  NE_FEATURE_IPV6,
  NE_FEATURE_LFS,
  NE_FEATURE_TS_SSL,
  NE_FEATURE_LIBPXY,
  NE_FEATURE_NTLM,
]);

/** @returns 1 if the feature (an `NE_FEATURE_*` code) is supported, 0 if not or unknown. */
export function ne_has_support(feature: number): number {
  return SUPPORTED.has(feature) ? 1 : 0;
}

/**
 * Sets, for the whole process, where debug output goes and which channels (`NE_DBG_*` combined with
 * `|`) are on. `null` and 0 turn it off, which is the state at start.
 */
export function ne_debug_init(stream: Writable | null, mask: number): void {
  initDebug(stream, mask);
}

/**
 * Writes a formatted message (no newline is added) if any channel of `ch` is on; else does nothing.
 */
export function ne_debug(ch: number, template: string, ...args: ne_printf_arg[]): void {
  debug(ch, template, ...args);
}

/** The macro form of `ne_debug`; the same function here. */
export function NE_DEBUG(ch: number, template: string, ...args: ne_printf_arg[]): void {
  debug(ch, template, ...args);
}

/** A parsed status line. */
export class ne_status {
  /** The digit before the point of the HTTP version. */
  major_version: number = 0;
  /** The digit after the point of the HTTP version. */
  minor_version: number = 0;
  /** The status code, 0 to 599. */
  code: number = 0;
  /** The first digit of the code. */
  klass: number = 0;
  /**
   * The text after the code; `""` if there is none; control and non-ASCII characters are spaces.
   */
  reason_phrase: string | null = null;
}

// What stands before the reason (RFC 9112 section 4): each part has its place.
const STATUS_LINE = /^HTTP\/[0-9]\.[0-9] [0-5][0-9][0-9] /;

/**
 * Parses `HTTP/x.y NNN [reason]` strictly: single digits in the version, exactly one space at both
 * places (the second is required even with no reason), first digit of the code at most 5. The
 * reason ends at the first control character other than a tab.
 * @returns 0 with every field of `s` set, or -1 with `s` unchanged.
 */
export function ne_parse_statusline(status_line: string, s: ne_status): number {
  needText(status_line, "ne_parse_statusline", "status_line");
  if (typeof s !== "object" || s === null) {
    throw misuse("ne_parse_statusline", "expected an ne_status");
  }
  if (!STATUS_LINE.test(status_line)) return -1;
  s.major_version = Number(status_line[5]);
  s.minor_version = Number(status_line[7]);
  s.code = Number(status_line.slice(9, 12));
  s.klass = Math.floor(s.code / 100);
  s.reason_phrase = reasonOf(status_line.slice(13));
  return 0;
}

function reasonOf(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(/[\0-\x08\x0a-\x1f].*/s, "").replace(/[^ -~]/g, " ");
}
