// ne_207.h: multi-status documents (RFC 4918 section 13). A handler on an XML parser that turns
// the elements of a 207 response into four callbacks, as neon's does; and the request that only
// wants to know whether everything went well.
//
// Elements taken, by parent; everything else is left to later handlers:
//   root         multistatus
//   multistatus  response
//   response     href, and once that was read: propstat, status, responsedescription
//   propstat     prop, status, responsedescription
// A status or description belongs to whatever ends next, propstat or response, as in neon.
import { HEALS_HREFS, resolveHref } from "./internal/multistatus/href.js";
import { repairHref } from "./internal/uri/repair.js";
import { badStatus } from "./internal/multistatus/outcome.js";
import { parseStatusElement } from "./internal/multistatus/status_element.js";
import { dispatchForOutcome } from "./internal/multistatus/outcome_reader.js";
import { NE_DBG_XML } from "./internal/base/constants.js";
import { debug, debugEnabled } from "./internal/base/debug.js";
import { printable } from "./internal/base/bytes.js";
import { needCallbackOrNull, needObject } from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import {
  HandleType,
  needHandle,
  type ne_handle,
  type ne_request,
  type ne_session,
} from "./internal/base/handle.js";
import { ne_request_destroy } from "./ne_request.js";
import { ne_shave } from "./ne_string.js";
import {
  NE_PATH_NONURI,
  ne_path_escapef,
  ne_uri,
  ne_uri_copy,
} from "./ne_uri.js";
import { ne_status } from "./ne_utils.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_STATEROOT,
  type ne_xml_parser,
  ne_xml_push_handler,
  ne_xml_set_error,
} from "./ne_xml.js";

/** State of the `{DAV:}prop` element: the parent state for handlers of properties. */
export const NE_207_STATE_PROP = 50;
/** States below this number are reserved. */
export const NE_207_STATE_TOP = 100;

const MULTISTATUS = 1;
const RESPONSE = 2;
const DESCRIPTION = 3;
const HREF = 4;
const STATUS = 6;
const PROPSTAT = 7;

// Characters of an href, status or description: what is longer counts as absent. neon keeps 2046
// bytes, too few for a deep path of percent-escaped CJK names.
const MAX_TEXT = 16384;

const SLASH = 0x2f;
// pchar and the slash (RFC 3986 section 3.3)
const PATH_CHARACTERS = new Uint8Array(128);
for (const c of Buffer.from("/:@-._~%!$&'()*+,;=")) PATH_CHARACTERS[c] = 1;
for (let c = 0x30; c <= 0x39; c++) PATH_CHARACTERS[c] = 1;
for (let c = 0x41; c <= 0x5a; c++) PATH_CHARACTERS[c] = PATH_CHARACTERS[c | 0x20] = 1;

/**
 * A response begins. @param uri its href, resolved against the base.
 * @returns a value for the callbacks below.
 */
export type ne_207_start_response<T = unknown, R = unknown> = (
  userdata: T,
  uri: Readonly<ne_uri>,
) => R;

/**
 * A response ends.
 * @param response what start_response returned.
 * @param status the response's own status, `null` if it has none.
 * @param description its responsedescription on one line, `null` if it has none.
 */
export type ne_207_end_response<T = unknown, R = unknown> = (
  userdata: T,
  response: R,
  status: Readonly<ne_status> | null,
  description: string | null,
) => void | Promise<void>;

/**
 * A propstat begins.
 * @param response what start_response returned.
 * @returns a value for end_propstat; `null` stops parsing (set the parser's error).
 */
export type ne_207_start_propstat<T = unknown, R = unknown, P = unknown> = (
  userdata: T,
  response: R,
) => P | null;

/** A propstat ends; arguments as for `ne_207_end_response`. */
export type ne_207_end_propstat<T = unknown, P = unknown> = (
  userdata: T,
  propstat: P,
  status: Readonly<ne_status> | null,
  description: string | null,
) => void | Promise<void>;

/** A 207 parser on top of an XML parser. */
export interface ne_207_parser extends ne_handle<"ne_207_parser"> {}

interface Parser {
  readonly xml: ne_xml_parser;
  readonly base: ne_uri;
  readonly userdata: unknown;
  flags: number;
  startResponse: ne_207_start_response | null;
  endResponse: ne_207_end_response | null;
  startPropstat: ne_207_start_propstat | null;
  endPropstat: ne_207_end_propstat | null;
  // between the href and the end of its response
  inResponse: boolean;
  response: unknown;
  propstat: unknown;
  status: ne_status | null;
  description: string | null;
  text: string;
  // one status line serves thousands of propstats: parsed once, and never changed afterwards
  lastLine: string | null;
  lastStatus: ne_status;
}

const parsers = new HandleType<"ne_207_parser", Parser>("ne_207_parser", (p) => {
  p.startResponse = null;
  p.endResponse = null;
  p.startPropstat = null;
  p.endPropstat = null;
});

/**
 * Creates a 207 parser by adding a handler to `parser`, which must live longer.
 * @param base URI against which hrefs are resolved; copied.
 * @param userdata for all callbacks.
 *
 * @example
 * ```ts
 * const xml = ne_xml_create();
 * const multi = ne_207_create(xml, ne_get_request_target(req)!, found);
 * ne_207_set_response_handlers<Map<string, number>, string>(
 *   multi,
 *   (_found, uri) => uri.path!,
 *   (found, path, status) => void found.set(path, status?.code ?? 0),
 * );
 * const ret = await ne_xml_dispatchif_request(req, xml, ne_accept_207);
 * ```
 */
export function ne_207_create<T>(
  parser: ne_xml_parser,
  base: Readonly<ne_uri>,
  userdata?: T,
): ne_207_parser {
  needHandle(parser, "ne_xml_parser", "ne_207_create");
  needObject(base, "ne_207_create", "base");
  const p: Parser = {
    xml: parser,
    base: ne_uri_copy(new ne_uri(), base),
    userdata: userdata ?? null,
    flags: 0,
    startResponse: null,
    endResponse: null,
    startPropstat: null,
    endPropstat: null,
    inResponse: false,
    response: null,
    propstat: null,
    status: null,
    description: null,
    text: "",
    lastLine: null,
    lastStatus: new ne_status(),
  };
  ne_xml_push_handler(parser, startElement, characterData, endElement, p);
  return parsers.create(p);
}

/** Flag: escape what may not appear in a URI in each href before reading it (for SharePoint). */
export const NE_207_MSSP_ESCAPING = 0x0001;

/** Replaces the flags, 0 at start. */
export function ne_207_set_flags(p: ne_207_parser, flags: number): void {
  parsers.open(p, "ne_207_set_flags").flags = flags;
}

/**
 * Sets the response callbacks. Without `start` no response is recognised, so no other callback is
 * called.
 */
export function ne_207_set_response_handlers<T, R>(
  p: ne_207_parser,
  start?: ne_207_start_response<T, R> | null,
  end?: ne_207_end_response<T, R> | null,
): void {
  const state = parsers.open(p, "ne_207_set_response_handlers");
  needCallbackOrNull(start, "ne_207_set_response_handlers", "start");
  needCallbackOrNull(end, "ne_207_set_response_handlers", "end");
  state.startResponse = (start ?? null) as ne_207_start_response | null;
  state.endResponse = (end ?? null) as ne_207_end_response | null;
}

/** Sets the propstat callbacks. */
export function ne_207_set_propstat_handlers<T, R, P>(
  p: ne_207_parser,
  start?: ne_207_start_propstat<T, R, P> | null,
  end?: ne_207_end_propstat<T, P> | null,
): void {
  const state = parsers.open(p, "ne_207_set_propstat_handlers");
  needCallbackOrNull(start, "ne_207_set_propstat_handlers", "start");
  needCallbackOrNull(end, "ne_207_set_propstat_handlers", "end");
  state.startPropstat = (start ?? null) as ne_207_start_propstat | null;
  state.endPropstat = (end ?? null) as ne_207_end_propstat | null;
}

/** Destroys the 207 parser; the XML parser stays, to be destroyed next. */
export function ne_207_destroy(p: ne_207_parser): void {
  parsers.destroy(p, "ne_207_destroy");
}

/** Acceptance callback: 1 for status 207, else 0. */
export function ne_accept_207(
  _userdata: unknown,
  _req: ne_request,
  status: Readonly<ne_status>,
): number {
  return status.code === 207 ? 1 : 0;
}

/** @returns what start_propstat returned for the propstat being parsed, `null` outside. */
export function ne_207_get_current_propstat<P = unknown>(p: ne_207_parser): P | null {
  return parsers.open(p, "ne_207_get_current_propstat").propstat as P | null;
}

/** @returns what start_response returned for the response being parsed, `null` outside. */
export function ne_207_get_current_response<R = unknown>(p: ne_207_parser): R | null {
  return parsers.open(p, "ne_207_get_current_response").response as R | null;
}

/**
 * Dispatches a request and destroys it.
 * @returns the code of the dispatch; `NE_ERROR` for a status outside 2xx, for a 207 response in
 *   which any status is outside 2xx, wherever it stands, and for one that is no multistatus
 *   document. The session error lists the statuses, joined by `, `, as
 *   `path: code reason (description)`; 424 is left out where it is not all.
 *
 * @example
 * ```ts
 * const req = ne_request_create(sess, "DELETE", "/folder/");
 * if ((await ne_simple_request(sess, req)) !== NE_OK) console.error(ne_get_error(sess));
 * ```
 */
export async function ne_simple_request(sess: ne_session, req: ne_request): Promise<number> {
  needHandle(sess, "ne_session", "ne_simple_request");
  needHandle(req, "ne_request", "ne_simple_request");
  try {
    return await dispatchForOutcome(req);
  } finally {
    ne_request_destroy(req);
  }
}

// ---- the handler

function startElement(p: Parser, parent: number, nspace: string, name: string): number {
  if (nspace !== "DAV:") return NE_XML_DECLINE;
  switch (parent) {
    case NE_XML_STATEROOT:
      return name === "multistatus" ? MULTISTATUS : NE_XML_DECLINE;
    case MULTISTATUS:
      return name === "response" ? RESPONSE : NE_XML_DECLINE;
    case RESPONSE:
      if (name === "href") {
        p.text = "";
        return HREF;
      }
      if (!p.inResponse) return NE_XML_DECLINE;
      return name === "propstat" ? openPropstat(p) : startText(p, name);
    case PROPSTAT:
      return name === "prop" ? NE_207_STATE_PROP : startText(p, name);
    default:
      return NE_XML_DECLINE;
  }
}

function startText(p: Parser, name: string): number {
  if (name !== "status" && name !== "responsedescription") return NE_XML_DECLINE;
  p.text = "";
  return name === "status" ? STATUS : DESCRIPTION;
}

function openPropstat(p: Parser): number {
  if (p.startPropstat === null) return PROPSTAT;
  p.propstat = p.startPropstat(p.userdata, p.response) ?? null;
  return p.propstat === null ? NE_XML_ABORT : PROPSTAT;
}

function characterData(p: Parser, state: number, cdata: string): number {
  if (state !== HREF && state !== STATUS && state !== DESCRIPTION) return 0;
  // past the limit only a few characters more are kept, as the sign of it
  if (p.text.length <= MAX_TEXT) {
    const piece = cdata.length > MAX_TEXT ? cdata.slice(0, MAX_TEXT + 1) : cdata;
    p.text = p.text === "" ? piece : p.text + piece;
  }
  return 0;
}

function endElement(p: Parser, state: number): number | Promise<number> {
  switch (state) {
    case HREF:
    case STATUS:
    case DESCRIPTION:
      // an empty element says nothing; one too long cannot be believed
      return p.text === "" || p.text.length > MAX_TEXT ? 0 : endText(p, state);
    case PROPSTAT:
      return closePropstat(p);
    case RESPONSE:
      return p.inResponse ? closeResponse(p) : 0;
    default:
      return 0;
  }
}

function endText(p: Parser, state: number): number {
  const text = ne_shave(p.text, "\r\n\t ");
  if (state === HREF) openResponse(p, text);
  else if (state === DESCRIPTION) p.description = printable(text);
  else if (!takeStatus(p, text)) return NE_XML_ABORT;
  return 0;
}

// A second href starts the response over; one that cannot be read changes nothing.
function openResponse(p: Parser, href: string): void {
  if (p.startResponse === null) return;
  const escaped = p.flags & NE_207_MSSP_ESCAPING ? ne_path_escapef(href, NE_PATH_NONURI) : href;
  let uri = isPlainPath(escaped) ? atServer(p.base, escaped) : resolveHref(p.base, escaped);
  if (uri === null && (p.flags & HEALS_HREFS) !== 0) uri = resolveHref(p.base, repairHref(href));
  if (uri === null) return;
  p.response = p.startResponse(p.userdata, uri) ?? null;
  p.inResponse = true;
}

// What nearly every server sends: an absolute path in which there is nothing to resolve.
function isPlainPath(href: string): boolean {
  if (href.charCodeAt(0) !== SLASH) return false;
  let before = 0;
  for (let i = 0; i < href.length; i++) {
    const c = href.charCodeAt(i);
    if (c > 0x7f || PATH_CHARACTERS[c] === 0) return false;
    // a dot segment, perhaps; or an authority
    if (before === SLASH && (c === 0x2e || (c === SLASH && i === 1))) return false;
    before = c;
  }
  return true;
}

function atServer(base: Readonly<ne_uri>, path: string): ne_uri {
  const uri = new ne_uri();
  uri.scheme = base.scheme;
  uri.userinfo = base.userinfo;
  uri.host = base.host;
  uri.port = base.port;
  uri.path = path;
  return uri;
}

function takeStatus(p: Parser, line: string): boolean {
  if (line !== p.lastLine) {
    const status = parseStatusElement(line);
    if (status === null) {
      ne_xml_set_error(p.xml, badStatus(p.xml, line));
      return false;
    }
    p.lastLine = line;
    p.lastStatus = status;
  }
  if (debugEnabled(NE_DBG_XML)) debug(NE_DBG_XML, "[207] valid status-line: %s\n", line);
  p.status = p.lastStatus;
  return true;
}

function closePropstat(p: Parser): number | Promise<number> {
  const told = p.endPropstat?.(p.userdata, p.propstat, p.status, p.description);
  return isPromise(told) ? Promise.resolve(told).then(() => leavePropstat(p)) : leavePropstat(p);
}

function leavePropstat(p: Parser): number {
  p.propstat = null;
  p.status = null;
  p.description = null;
  return 0;
}

function closeResponse(p: Parser): number | Promise<number> {
  const told = p.endResponse?.(p.userdata, p.response, p.status, p.description);
  return isPromise(told) ? Promise.resolve(told).then(() => leaveResponse(p)) : leaveResponse(p);
}

function leaveResponse(p: Parser): number {
  p.inResponse = false;
  p.response = null;
  p.status = null;
  p.description = null;
  return 0;
}
