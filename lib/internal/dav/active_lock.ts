// The activelock elements of a lockdiscovery property (RFC 4918 section 14.1), wherever it stands.
// Token and scope are what a lock is; everything else is best effort, since a lock that was granted
// must not be lost by a root, timeout or depth that nobody can read, least of all of another lock.
import { NE_DEPTH_INFINITE } from "../base/constants.js";
import {
  isBracketable,
  type LockRecord,
  NE_TIMEOUT_INFINITE,
  ne_lock_create,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
} from "../plugins/lock_record.js";
import { resolveHref } from "../multistatus/href.js";
import { repairHref } from "../uri/repair.js";
import { ne_shave, ne_strcasecmp } from "../../ne_string.js";
import { ne_uri } from "../../ne_uri.js";
import { NE_XML_DECLINE, type ne_xml_parser, ne_xml_push_handler } from "../../ne_xml.js";

/** What one element says; an owner that it does not give stays `null`. */
export interface ActiveLock {
  readonly lock: LockRecord;
  hasDepth: boolean;
  hasTimeout: boolean;
  hasScope: boolean;
  /** The lock root as written, `null` for none. */
  root: string | null;
}

/** Who wants to know of the elements. */
export interface ActiveLockTaker {
  /** The state for a `prop` element that is the root of the document, or DECLINE. */
  takesRoot(): boolean;
  /** The state of other elements in which the property stands, or 0. */
  readonly parent: number;
  /**
   * What is taken of an owner with elements in it: the text around them, as by C's LOCK; the text
   * behind them, as by C's discovery; or all text.
   */
  readonly ownerText: "around" | "behind" | "all";
  /** An element begins. @returns what it is read into */
  begin(): ActiveLock;
  /** It ends. */
  end(active: ActiveLock): void;
}

// States of the elements that hold something we read; the rest is looked at and declined.
const FIRST = 200;
const PROP = FIRST;
const LOCKDISCOVERY = FIRST + 1;
const ACTIVELOCK = FIRST + 2;
const LOCKSCOPE = FIRST + 3;
const LOCKTOKEN = FIRST + 4;
const LOCKROOT = FIRST + 5;
// those from here on have text
const DEPTH = FIRST + 6;
const OWNER = FIRST + 7;
const TIMEOUT = FIRST + 8;
const TOKEN_HREF = FIRST + 9;
const ROOT_HREF = FIRST + 10;
const IN_OWNER = FIRST + 11;

const IN_ACTIVELOCK: Readonly<Record<string, number>> = {
  lockscope: LOCKSCOPE,
  locktoken: LOCKTOKEN,
  lockroot: LOCKROOT,
  depth: DEPTH,
  owner: OWNER,
  timeout: TIMEOUT,
};

/** Characters of a token or lock root; what is longer cannot be right. */
const MAX_TEXT = 8192;
/** Bytes of an owner: neon shows a longer one as the empty string. */
const MAX_OWNER = 255;

interface Reading {
  readonly taker: ActiveLockTaker;
  active: ActiveLock;
  text: string;
}

/** Makes a parser read the elements. */
export function readActiveLocks(xml: ne_xml_parser, taker: ActiveLockTaker): void {
  const reading: Reading = { taker, active: newActiveLock(), text: "" };
  ne_xml_push_handler(xml, startElement, characterData, endElement, reading);
}

/** Nothing said yet. */
export function newActiveLock(): ActiveLock {
  return {
    lock: ne_lock_create(),
    hasDepth: false,
    hasTimeout: false,
    hasScope: false,
    root: null,
  };
}

function startElement(r: Reading, parent: number, nspace: string, name: string): number {
  if (parent === OWNER || parent === IN_OWNER) {
    if (r.taker.ownerText === "behind") r.text = "";
    return r.taker.ownerText === "all" ? IN_OWNER : NE_XML_DECLINE;
  }
  if (nspace !== "DAV:") return NE_XML_DECLINE;
  const state = stateOf(r, parent, name);
  if (state === ACTIVELOCK) r.active = r.taker.begin();
  if (state >= DEPTH) r.text = "";
  return state;
}

function stateOf(r: Reading, parent: number, name: string): number {
  switch (parent) {
    case 0:
      return name === "prop" && r.taker.takesRoot() ? PROP : NE_XML_DECLINE;
    case LOCKDISCOVERY:
      return name === "activelock" ? ACTIVELOCK : NE_XML_DECLINE;
    case ACTIVELOCK:
      return IN_ACTIVELOCK[name] ?? NE_XML_DECLINE;
    case LOCKSCOPE:
      takeScope(r.active, name);
      return NE_XML_DECLINE;
    case LOCKTOKEN:
      return name === "href" ? TOKEN_HREF : NE_XML_DECLINE;
    case LOCKROOT:
      return name === "href" ? ROOT_HREF : NE_XML_DECLINE;
    default: {
      const isAround = parent === PROP || parent === r.taker.parent;
      return isAround && name === "lockdiscovery" ? LOCKDISCOVERY : NE_XML_DECLINE;
    }
  }
}

function takeScope(active: ActiveLock, name: string): void {
  if (name !== "exclusive" && name !== "shared") return;
  active.hasScope = true;
  active.lock.scope = name === "shared" ? ne_lockscope_shared : ne_lockscope_exclusive;
}

function characterData(r: Reading, state: number, cdata: string): number {
  // one character more than allowed is kept, as the sign of it
  if (state >= DEPTH && r.text.length <= MAX_TEXT) r.text += cdata.slice(0, MAX_TEXT + 1);
  return 0;
}

function endElement(r: Reading, state: number): number {
  if (state === IN_OWNER) return 0;
  if (state >= DEPTH) endText(r.active, state, r.text);
  else if (state === ACTIVELOCK) r.taker.end(r.active);
  return 0;
}

function endText(active: ActiveLock, state: number, raw: string): void {
  const text = ne_shave(raw, "\r\n\t ");
  if (state === DEPTH) takeDepth(active, text);
  else if (state === TIMEOUT) takeTimeout(active, text);
  else if (state === OWNER) {
    active.lock.owner = Buffer.byteLength(raw) > MAX_OWNER ? "" : raw;
  } else if (text.length <= MAX_TEXT) {
    if (state === ROOT_HREF) takeRoot(active, text);
    // one that could not be sent back names no lock
    else active.lock.token = text !== "" && isBracketable(text) ? text : null;
  }
}

// Whatever has a digit first is a number, as for C's atoi.
function takeDepth(active: ActiveLock, text: string): void {
  const number = /^\d/.test(text) ? Number.parseInt(text, 10) : NaN;
  const depth = ne_strcasecmp(text, "infinity") === 0 ? NE_DEPTH_INFINITE : number;
  if (!Number.isSafeInteger(depth)) return;
  active.lock.depth = depth;
  active.hasDepth = true;
}

// The first of a list that says something.
function takeTimeout(active: ActiveLock, text: string): void {
  for (const item of text.split(",")) {
    const seconds = secondsOf(ne_shave(item, " \t\r\n"));
    if (seconds === null) continue;
    active.lock.timeout = seconds;
    active.hasTimeout = true;
    return;
  }
}

// `Second-` and a number, as C's strtoul reads it: what is no number is 0. Servers also write a
// bare number, and numbers that have overflown.
function secondsOf(text: string): number | null {
  if (/^infinit[ey]$/i.test(text)) return NE_TIMEOUT_INFINITE;
  const digits = /^(?:second-\s*)?(\d+)/i.exec(text)?.[1];
  if (digits !== undefined) return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
  return /^second-(?!\s*-)/i.test(text) ? 0 : null;
}

// A LOCK response is about the lock asked for, whose uri stays.
function takeRoot(active: ActiveLock, href: string): void {
  active.root = href;
  const { lock } = active;
  if (lock.uri.path === null) return;
  const root = resolveHref(lock.uri, href) ?? resolveHref(lock.uri, repairHref(href));
  if (root !== null) lock.uri = Object.assign(new ne_uri(), root);
}
