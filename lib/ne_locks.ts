// ne_locks.h: LOCK, UNLOCK, refreshing and discovery. The store and the If field are in
// internal/guests/lock_store.ts, where ne_basic can reach them; here the answers are read, by one
// handler for the activelock element wherever it stands.
import { printable } from "./internal/base/bytes.js";
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO, NE_ERROR, NE_OK } from "./internal/base/constants.js";
import { newRequest } from "./internal/session/create_request.js";
import { misuse, needHandle, type ne_request, type ne_session } from "./internal/base/handle.js";
import { checkTarget } from "./internal/http/request_head.js";
import {
  codedToken,
  isBracketable,
  type LockRecord,
  NE_TIMEOUT_INFINITE,
  NE_TIMEOUT_INVALID,
  ne_lock_create,
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
} from "./internal/guests/lock_store.js";
import { needCallback, needObject } from "./internal/base/arguments.js";
import { dispatchForOutcome } from "./internal/multistatus/watch.js";
import { NE_207_STATE_PROP } from "./ne_207.js";
import { ne_add_depth_header } from "./ne_basic.js";
import {
  NE_PROPS_STATE_TOP,
  ne_propfind_create,
  ne_propfind_destroy,
  ne_propfind_get_parser,
  ne_propfind_named,
  ne_propfind_set_private,
  ne_propset_private,
} from "./ne_props.js";
import {
  NE_REQFLAG_IDEMPOTENT,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_destroy,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "./ne_request.js";
import { ne_set_error } from "./ne_session.js";
import { ne_shave, ne_strcasecmp, ne_strncasecmp } from "./ne_string.js";
import { ne_uri, ne_uri_copy, ne_uri_parse, ne_uri_resolve } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_MEDIA_TYPE,
  NE_XML_STATEROOT,
  ne_xml_create,
  ne_xml_destroy,
  type ne_xml_parser,
  ne_xml_push_handler,
  ne_xml_set_error,
} from "./ne_xml.js";
import { ne_xml_dispatch_request } from "./ne_xmlreq.js";

export {
  NE_TIMEOUT_INFINITE,
  NE_TIMEOUT_INVALID,
  ne_lock_copy,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_free,
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_findbyuri,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_register,
  ne_lockstore_remove,
  ne_locktype_write,
} from "./internal/guests/lock_store.js";
export type { ne_lock_scope, ne_lock_store, ne_lock_type } from "./internal/guests/lock_store.js";

/**
 * A lock (`struct ne_lock`). The function `ne_lock` has the same name, so this is a type only: make
 * one with `ne_lock_create`, or as a plain object.
 */
export interface ne_lock extends LockRecord {}

// States of the elements that hold something we read; the rest is looked at and declined.
const PROP = NE_PROPS_STATE_TOP;
const LOCKDISCOVERY = NE_PROPS_STATE_TOP + 1;
const ACTIVELOCK = NE_PROPS_STATE_TOP + 2;
const LOCKSCOPE = NE_PROPS_STATE_TOP + 3;
const LOCKTOKEN = NE_PROPS_STATE_TOP + 4;
const LOCKROOT = NE_PROPS_STATE_TOP + 5;
// those from here on have text
const DEPTH = NE_PROPS_STATE_TOP + 6;
const OWNER = NE_PROPS_STATE_TOP + 7;
const TIMEOUT = NE_PROPS_STATE_TOP + 8;
const TOKEN_HREF = NE_PROPS_STATE_TOP + 9;
const ROOT_HREF = NE_PROPS_STATE_TOP + 10;

/** Characters of a token or lock root; what is longer cannot be right. */
const MAX_TEXT = 8192;
/** Bytes of an owner: neon shows a longer one as the empty string. */
const MAX_OWNER = 255;

// What a response says about one lock; an owner that it does not give stays null.
interface Answer {
  readonly lock: LockRecord;
  hasDepth: boolean;
  hasTimeout: boolean;
}

// The reading of activelock elements, in a LOCK response or in the properties of a resource.
interface Reading {
  readonly xml: ne_xml_parser;
  answer: Answer;
  text: string;
  ownerHasElements: boolean;
}

// A LOCK under way.
interface Locking extends Reading {
  readonly req: ne_request;
  // of the lock wanted: the one to refresh, or else that of the Lock-Token field
  token: string | null;
  found: Answer | null;
}

/**
 * LOCK. Uses `uri.path`, depth, scope, owner and timeout (a Timeout field is sent for a positive
 * number or `NE_TIMEOUT_INFINITE`); not idempotent; uses locks on the resource and on its parent.
 * On success token, scope and type are set from the response, and depth, owner and timeout where it
 * gives them. The lock is not added to any store.
 * @returns `NE_OK`; `NE_ERROR` also for a 207 response, a response without Lock-Token field, or one
 *   without an active lock of that token; else as `ne_xml_dispatch_request`, a status outside 2xx
 *   being `NE_ERROR`.
 *
 * @example
 * ```ts
 * const lock = ne_lock_create();
 * ne_fill_server_uri(sess, lock.uri);
 * lock.uri.path = "/doc.txt";
 * lock.owner = "<href>mailto:me@example.com</href>";
 * lock.timeout = 600;
 * if ((await ne_lock(sess, lock)) !== NE_OK) console.error(ne_get_error(sess));
 * ```
 */
export async function ne_lock(sess: ne_session, lock: ne_lock): Promise<number> {
  const path = pathOf("ne_lock", lock);
  const timeout = timeoutField("ne_lock", lock);
  const req = newRequest(sess, "LOCK", path, "ne_lock");
  try {
    ne_set_request_body_buffer(req, Buffer.from(lockinfo(lock)));
    ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
    ne_add_depth_header(req, lock.depth);
    if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);
    ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
    ne_lock_using_parent(req, path);
    ne_lock_using_resource(req, path, lock.depth);

    const { ret, token, found } = await dispatch(req, null);
    // a 207 lists the members that could not be locked
    if (ret !== NE_OK || ne_get_status(req).code === 207) return ret === NE_OK ? NE_ERROR : ret;
    if (found === null) {
      const shown = token === null ? null : printable(token);
      ne_set_error(sess, "Response missing activelock for %s", shown);
      return NE_ERROR;
    }
    lock.token = found.lock.token;
    lock.scope = found.lock.scope;
    lock.type = found.lock.type;
    if (found.hasDepth) lock.depth = found.lock.depth;
    if (found.hasTimeout) lock.timeout = found.lock.timeout;
    if (found.lock.owner !== null) lock.owner = found.lock.owner;
    return NE_OK;
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * UNLOCK of `uri.path` with the lock's token; uses locks on the parent.
 * @returns as `ne_simple_request`.
 */
export async function ne_unlock(sess: ne_session, lock: Readonly<ne_lock>): Promise<number> {
  const path = pathOf("ne_unlock", lock);
  const token = codedToken("ne_unlock", lock);
  const req = newRequest(sess, "UNLOCK", path, "ne_unlock");
  try {
    ne_add_request_header(req, "Lock-Token", token);
    ne_lock_using_parent(req, path);
    return await dispatchForOutcome(req);
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * LOCK without body, to refresh. The timeout is sent as by `ne_lock`, and set from the response on
 * success.
 * @returns `NE_OK`; `NE_ERROR` also if the response does not contain the lock.
 */
export async function ne_lock_refresh(sess: ne_session, lock: ne_lock): Promise<number> {
  const path = pathOf("ne_lock_refresh", lock);
  const token = codedToken("ne_lock_refresh", lock);
  const timeout = timeoutField("ne_lock_refresh", lock);
  const req = newRequest(sess, "LOCK", path, "ne_lock_refresh");
  try {
    ne_add_request_header(req, "If", `(${token})`);
    if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);

    const { ret, found } = await dispatch(req, lock.token);
    if (ret !== NE_OK) return ret;
    if (found === null) {
      ne_set_error(sess, "No activelock for %s returned in LOCK refresh response", token);
      return NE_ERROR;
    }
    lock.timeout = found.lock.timeout;
    return NE_OK;
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * Told about a discovered lock, while the response is being read.
 * @param lock the lock, with at least uri (its root, or else the resource's own) and token; `null`
 *   if the resource is not locked or discovery failed for it.
 * @param uri the resource asked about.
 * @param status `null` with a lock; else the status of the property, 2xx for "not locked".
 */
export type ne_lock_result<T = unknown> = (
  userdata: T,
  lock: Readonly<ne_lock> | null,
  uri: Readonly<ne_uri>,
  status: Readonly<ne_status> | null,
) => void | Promise<void>;

/**
 * PROPFIND of depth zero for the lockdiscovery property. `result` is called once per response
 * element that shows a lock (never without one, as in neon); with several locks on a resource it
 * gets the values that came last.
 * @returns as `ne_propfind_named`.
 */
export async function ne_lock_discover<T>(
  sess: ne_session,
  path: string,
  result: ne_lock_result<T>,
  userdata?: T,
): Promise<number> {
  needCallback(result, "ne_lock_discover", "the result callback");
  needHandle(sess, "ne_session", "ne_lock_discover");
  checkTarget(path, "ne_lock_discover");
  const handler = ne_propfind_create(sess, path, NE_DEPTH_ZERO);
  try {
    const xml = ne_propfind_get_parser(handler);
    const reading: Reading = { xml, answer: newAnswer(), text: "", ownerHasElements: false };
    ne_propfind_set_private(handler, (_u, uri) => {
      reading.answer = newAnswer();
      ne_uri_copy(reading.answer.lock.uri, uri);
      return reading.answer;
    });
    ne_xml_push_handler(xml, startElement, characterData, endElement, reading);
    const names = [{ nspace: "DAV:", name: "lockdiscovery" }];
    return await ne_propfind_named(handler, names, (_u, uri, set) => {
      const { lock } = ne_propset_private<Answer>(set)!;
      if (lock.token !== null) return result((userdata ?? null) as T, lock, uri, null);
    });
  } finally {
    ne_propfind_destroy(handler);
  }
}

// ---- requests

function pathOf(caller: string, lock: Readonly<ne_lock>): string {
  needObject(lock, caller, "the lock");
  needObject(lock.uri, caller, "the lock's uri");
  if (lock.uri.path === null) throw misuse(caller, "the lock's uri has no path");
  return lock.uri.path;
}

function timeoutField(caller: string, { timeout }: Readonly<ne_lock>): string | null {
  if (timeout === NE_TIMEOUT_INFINITE) return "Infinite";
  if (!Number.isSafeInteger(timeout)) throw misuse(caller, "the lock's timeout is not a number");
  return timeout > 0 ? `Second-${timeout}` : null;
}

function lockinfo(lock: Readonly<ne_lock>): string {
  const scope = lock.scope === ne_lockscope_shared ? "shared" : "exclusive";
  const owner = lock.owner === null ? "" : `<owner>${lock.owner}</owner>\n`;
  return (
    `<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns='DAV:'>\n` +
    ` <lockscope><${scope}/></lockscope>\n<locktype><write/></locktype>${owner}</lockinfo>\n`
  );
}

// Sends a LOCK and looks for the lock with this token, or else with that of the Lock-Token field.
async function dispatch(
  req: ne_request,
  token: string | null,
): Promise<{ ret: number; token: string | null; found: Answer | null }> {
  const xml = ne_xml_create();
  const locking: Locking = {
    xml,
    req,
    token,
    found: null,
    answer: newAnswer(),
    text: "",
    ownerHasElements: false,
  };
  try {
    ne_xml_push_handler(xml, startLocking, characterData, endLocking, locking);
    const ret = await ne_xml_dispatch_request(req, xml);
    const failed = ret === NE_OK && ne_get_status(req).klass !== 2;
    return { ret: failed ? NE_ERROR : ret, token: locking.token, found: locking.found };
  } finally {
    ne_xml_destroy(xml);
  }
}

// ---- responses

function newAnswer(): Answer {
  return { lock: ne_lock_create(), hasDepth: false, hasTimeout: false };
}

function startLocking(l: Locking, parent: number, nspace: string, name: string): number {
  if (parent === NE_XML_STATEROOT) {
    if (nspace !== "DAV:" || name !== "prop") return NE_XML_DECLINE;
    return l.token !== null || takeTokenField(l) ? PROP : NE_XML_ABORT;
  }
  const state = startElement(l, parent, nspace, name);
  if (state === ACTIVELOCK) l.answer = newAnswer();
  return state;
}

function takeTokenField(l: Locking): boolean {
  const field = ne_get_response_header(l.req, "Lock-Token");
  if (field === null) return refuse(l, "LOCK response missing Lock-Token header");
  const start = field.startsWith("<") ? 1 : 0;
  let end = field.length;
  while (end > start + 1 && field[end - 1] === ">") end--;
  // a field that could not be sent back names no lock, as the token of a lock is looked at
  l.token = field.slice(start, end);
  return true;
}

function endLocking(l: Locking, state: number): number {
  if (state === ACTIVELOCK && l.found === null && l.answer.lock.token === l.token) {
    l.found = l.answer;
  }
  return endElement(l, state);
}

function startElement(r: Reading, parent: number, nspace: string, name: string): number {
  if (parent === OWNER) r.ownerHasElements = true;
  if (nspace !== "DAV:") return NE_XML_DECLINE;
  const state = stateOf(r, parent, name);
  if (state >= DEPTH) r.text = "";
  return state;
}

function stateOf(r: Reading, parent: number, name: string): number {
  switch (parent) {
    case PROP:
    case NE_207_STATE_PROP:
      return name === "lockdiscovery" ? LOCKDISCOVERY : NE_XML_DECLINE;
    case LOCKDISCOVERY:
      return name === "activelock" ? ACTIVELOCK : NE_XML_DECLINE;
    case ACTIVELOCK:
      return startOfActive(r, name);
    case LOCKSCOPE:
      if (name === "exclusive") r.answer.lock.scope = ne_lockscope_exclusive;
      else if (name === "shared") r.answer.lock.scope = ne_lockscope_shared;
      return NE_XML_DECLINE;
    case LOCKTOKEN:
      return name === "href" ? TOKEN_HREF : NE_XML_DECLINE;
    case LOCKROOT:
      return name === "href" ? ROOT_HREF : NE_XML_DECLINE;
    default:
      return NE_XML_DECLINE;
  }
}

function startOfActive(r: Reading, name: string): number {
  switch (name) {
    case "lockscope":
      return LOCKSCOPE;
    case "depth":
      return DEPTH;
    case "owner":
      r.ownerHasElements = false;
      return OWNER;
    case "timeout":
      return TIMEOUT;
    case "locktoken":
      return LOCKTOKEN;
    case "lockroot":
      return LOCKROOT;
    default:
      return NE_XML_DECLINE;
  }
}

function characterData(r: Reading, state: number, cdata: string): number {
  // one character more than allowed is kept, as the sign of it
  if (state >= DEPTH && r.text.length <= MAX_TEXT) r.text += cdata.slice(0, MAX_TEXT + 1);
  return 0;
}

function endElement(r: Reading, state: number): number {
  if (state < DEPTH) return 0;
  return endText(r, state) ? 0 : NE_XML_ABORT;
}

function endText(r: Reading, state: number): boolean {
  const { answer } = r;
  const { lock } = answer;
  const text = ne_shave(r.text, "\r\n\t ");
  switch (state) {
    case DEPTH:
      lock.depth = parseDepth(text);
      answer.hasDepth = true;
      return lock.depth >= 0 || refuse(r, `Invalid depth of lock in response: ${text}`);
    case TIMEOUT:
      lock.timeout = parseTimeout(text);
      answer.hasTimeout = true;
      if (lock.timeout !== NE_TIMEOUT_INVALID) return true;
      return refuse(r, `Invalid timeout of lock in response: ${text}`);
    case OWNER:
      lock.owner = r.ownerHasElements || Buffer.byteLength(r.text) > MAX_OWNER ? "" : r.text;
      return true;
    case TOKEN_HREF:
      if (!isBracketable(text) || text.length > MAX_TEXT) {
        return refuse(r, `Invalid token of lock in response: ${text}`);
      }
      lock.token = text;
      return true;
    default:
      return takeRoot(lock, text) || refuse(r, `Invalid root of lock in response: ${text}`);
  }
}

// Whatever has a digit first is a number, as for C's atoi.
function parseDepth(text: string): number {
  if (ne_strcasecmp(text, "infinity") === 0) return NE_DEPTH_INFINITE;
  const depth = Number.parseInt(text, 10);
  return /^\d/.test(text) && Number.isSafeInteger(depth) ? depth : -1;
}

// `Second-` and a number, as C's strtoul reads it: what is no number is 0.
function parseTimeout(text: string): number {
  if (ne_strcasecmp(text, "infinite") === 0) return NE_TIMEOUT_INFINITE;
  if (ne_strncasecmp(text, "second-", 7) !== 0) return NE_TIMEOUT_INVALID;
  const seconds = Number.parseInt(text.slice(7), 10) || 0;
  return seconds >= 0 && Number.isSafeInteger(seconds) ? seconds : NE_TIMEOUT_INVALID;
}

function takeRoot(lock: LockRecord, href: string): boolean {
  const root = new ne_uri();
  if (href.length > MAX_TEXT || ne_uri_parse(href, root) !== 0) return false;
  // a LOCK response is about the lock asked for, whose uri stays
  if (lock.uri.path !== null) lock.uri = ne_uri_resolve(lock.uri, root, new ne_uri());
  return true;
}

function refuse(r: Reading, why: string): false {
  ne_xml_set_error(r.xml, printable(why));
  return false;
}
