// Whether a multistatus document tells of a failure, wherever in it: the one answer to that
// question. Every status counts that does not stand in the value of a property: before or behind
// its href, of a propstat or a response, without any of them. An error document has no statuses
// but, as a multistatus may, the condition that failed (RFC 4918 section 16).
//
//   root         multistatus, error; mkcol-response, mkcalendar-response (RFC 5689 section 3,
//                RFC 4791 section 5.3.1), which have propstats of the one new collection
//   anything     status, responsedescription, href, error; `prop` is passed over
//   error        the first element in a namespace of WebDAV names the condition, an href in it
//                what is in the way
import { MAX_SESSION_ERROR } from "../base/constants.js";
import { printable } from "../base/bytes.js";
import type { ne_uri } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";
import { ne_shave } from "../../ne_string.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_STATEROOT,
  ne_xml_currentline,
  type ne_xml_parser,
  ne_xml_push_handler,
  ne_xml_set_error,
} from "../../ne_xml.js";
import { CALDAV, isConditionSpace } from "./condition_names.js";
import { healedPath } from "./href.js";
import { parseStatusElement } from "./status_element.js";

/** Failures and hrefs kept of one part: those that the text has no room for need not be known. */
const MAX_KEPT = 64;
/** Characters of an href, status or description: what is longer counts as absent. */
const MAX_TEXT = 16384;

const MULTISTATUS = 1;
const RESPONSE = 2;
const PROPSTAT = 3;
const OTHER = 4;
const ERROR = 5;
const IN_CONDITION = 6;
// those from here on have text
const HREF = 7;
const STATUS = 8;
const DESCRIPTION = 9;
const CONDITION_HREF = 10;

const STATES: Readonly<Record<string, number>> = {
  response: RESPONSE,
  propstat: PROPSTAT,
  href: HREF,
  status: STATUS,
  responsedescription: DESCRIPTION,
  error: ERROR,
  prop: NE_XML_DECLINE,
};

/** Roots of what a server says of a collection that was to be made with properties. */
const MADE = new Set(["DAV: mkcol-response", `${CALDAV} mkcalendar-response`]);

/** What a document says. */
export interface Outcome {
  /** Its root is `multistatus`. */
  isMultistatus: boolean;
  /** The first status outside 2xx; one of 424 only where there is no other. */
  failure: Readonly<ne_status> | null;
  /** The path it belongs to; of an `error`, the first that its condition names. */
  path: string | null;
  /**
   * The failures, as `path: code reason (description)`, joined by `, `; 424 is left out where it is
   * not all.
   */
  text: string;
  /** What was said of the first failure. */
  description: string | null;
  /** The condition that failed: the name of the first such element in an `error`. */
  condition: string | null;
}

interface Failure {
  readonly status: Readonly<ne_status>;
  readonly description: string | null;
}

// Of a response, a propstat or the whole document.
interface Part {
  // those outside 2xx
  readonly statuses: Readonly<ne_status>[];
  description: string | null;
  // said in the propstats of it
  readonly failures: Failure[];
  readonly hrefs: string[];
}

interface Reading {
  readonly xml: ne_xml_parser;
  readonly base: Readonly<ne_uri>;
  readonly outcome: Outcome;
  /** The innermost last; the first stands for the document. */
  readonly parts: [Part, ...Part[]];
  text: string;
}

/**
 * Makes a parser read a document for its outcome.
 * @param base the URI of the request, the path of failures that name none
 * @returns what is filled in as the document is read
 */
export function readOutcome(xml: ne_xml_parser, base: Readonly<ne_uri>): Outcome {
  const outcome: Outcome = {
    isMultistatus: false,
    failure: null,
    path: null,
    text: "",
    description: null,
    condition: null,
  };
  const reading: Reading = { xml, base, outcome, parts: [newPart()], text: "" };
  ne_xml_push_handler(xml, startElement, characterData, endElement, reading);
  return outcome;
}

function startElement(r: Reading, parent: number, nspace: string, name: string): number {
  if (parent === NE_XML_STATEROOT) return startRoot(r, nspace, name);
  if (parent === ERROR || parent === IN_CONDITION) return startCondition(r, parent, nspace, name);
  if (parent >= HREF) return NE_XML_DECLINE;
  const state = nspace === "DAV:" || nspace === "" ? (STATES[name] ?? OTHER) : OTHER;
  if (state === HREF && parent === OTHER) return OTHER;
  if (state === RESPONSE || state === PROPSTAT) r.parts.push(newPart());
  r.text = "";
  return state;
}

function startRoot(r: Reading, nspace: string, name: string): number {
  const isMade = MADE.has(`${nspace} ${name}`);
  if (nspace !== "DAV:" && !isMade) return NE_XML_DECLINE;
  if (name === "error") return ERROR;
  if (name !== "multistatus" && !isMade) return NE_XML_DECLINE;
  r.outcome.isMultistatus = !isMade;
  r.parts.push(newPart());
  return MULTISTATUS;
}

function startCondition(r: Reading, parent: number, nspace: string, name: string): number {
  if (parent === ERROR && isConditionSpace(nspace)) r.outcome.condition ??= name;
  const isHref = parent === IN_CONDITION && nspace === "DAV:" && name === "href";
  if (isHref) r.text = "";
  return isHref ? CONDITION_HREF : IN_CONDITION;
}

function innermost({ parts }: Reading): Part {
  return parts.at(-1) ?? parts[0];
}

function leavePart(r: Reading): Part {
  return (r.parts.length > 1 ? r.parts.pop() : undefined) ?? r.parts[0];
}

function newPart(): Part {
  return { statuses: [], description: null, failures: [], hrefs: [] };
}

function characterData(r: Reading, state: number, cdata: string): number {
  // one character more than allowed is kept, as the sign of it
  if (state >= HREF && r.text.length <= MAX_TEXT) r.text += cdata.slice(0, MAX_TEXT + 1);
  return 0;
}

function endElement(r: Reading, state: number): number {
  if (state === RESPONSE || state === MULTISTATUS) endPart(r);
  else if (state === PROPSTAT) endPropstat(r);
  else if (state >= HREF && r.text !== "") return endText(r, state);
  return 0;
}

function endText(r: Reading, state: number): number {
  const isLong = r.text.length > MAX_TEXT;
  const text = ne_shave(r.text, "\r\n\t ");
  if (state === CONDITION_HREF) {
    if (!isLong && text !== "") r.outcome.path ??= healedPath(r.base, text);
    return 0;
  }
  const part = innermost(r);
  if (state === HREF) {
    if (!isLong && text !== "" && part.hrefs.length < MAX_KEPT) part.hrefs.push(text);
  } else if (state === DESCRIPTION) {
    if (!isLong) part.description = printable(text);
  } else {
    const status = isLong ? null : parseStatusElement(text);
    if (status === null) {
      ne_xml_set_error(r.xml, badStatus(r.xml, text));
      return NE_XML_ABORT;
    }
    if (status.klass !== 2 && part.statuses.length < MAX_KEPT) part.statuses.push(status);
  }
  return 0;
}

/** The error of a document with a status that is none. */
export function badStatus(xml: ne_xml_parser, text: string): string {
  return (
    `Invalid HTTP status line in status element at line ${ne_xml_currentline(xml)} ` +
    `of response:\nStatus line was: ${printable(text)}`
  );
}

function endPropstat(r: Reading): void {
  const propstat = leavePart(r);
  const around = innermost(r);
  if (around.failures.length < MAX_KEPT) around.failures.push(...failuresOf(propstat));
  // an href in a propstat names the response, as far as it is named at all
  if (around.hrefs.length === 0) around.hrefs.push(...propstat.hrefs);
}

function failuresOf({ statuses, description, failures }: Part): Failure[] {
  return [...failures, ...statuses.map((status) => ({ status, description }))];
}

function endPart(r: Reading): void {
  const part = leavePart(r);
  const failures = failuresOf(part);
  if (failures.length === 0) return;
  const paths = part.hrefs.map((href) => healedPath(r.base, href));
  if (paths.length === 0) paths.push(r.base.path ?? "/");
  for (const path of paths) {
    for (const failure of failures) note(r.outcome, path, failure);
  }
}

// 424 only says that something else failed, and that is listed.
function note(outcome: Outcome, path: string, { status, description }: Failure): void {
  const before = outcome.failure;
  const isFirst = before === null || (before.code === 424 && status.code !== 424);
  if (isFirst) {
    outcome.failure = status;
    outcome.path = path;
    outcome.description = description;
    outcome.text = "";
  }
  const isLeftOut = status.code === 424 || outcome.text.length > MAX_SESSION_ERROR;
  if (isLeftOut && !isFirst) return;
  if (outcome.text !== "") outcome.text += ", ";
  outcome.text += `${path}: ${status.code} ${status.reason_phrase ?? ""}`;
  if (description !== null) outcome.text += ` (${description})`;
}
