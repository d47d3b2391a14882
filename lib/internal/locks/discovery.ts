// Finds the locks on a resource, whoever holds them, in its lockdiscovery property. A response
// without that property is a failure: "unknown" is not "no lock".
import { NE_DEPTH_INFINITE, NE_ERROR } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { type ActiveLock, newActiveLock, readActiveLocks } from "../dav/active_lock.js";
import { ne_lockscope_shared } from "../plugins/lock_record.js";
import { endDocument, addDocumentReader } from "../multistatus/response_document.js";
import { healedPath } from "../multistatus/href.js";
import { baseOf } from "../multistatus/reference_base.js";
import { parseStatusElement } from "../multistatus/status_element.js";
import { addErrorReader, throwFailure } from "../script/failure.js";
import { nx_error } from "../script/nx_error.js";
import {
  ne_add_request_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "../../ne_request.js";
import type { ne_status } from "../../ne_utils.js";
import {
  NE_XML_DECLINE,
  NE_XML_MEDIA_TYPE,
  NE_XML_STATEROOT,
  ne_xml_push_handler,
  type ne_xml_parser,
} from "../../ne_xml.js";
import { nx_response_fields } from "../../nx_session.js";

/** A lock, as the server describes it. */
export interface nx_lock_info {
  /** the root of the lock: the path that was locked */
  readonly path: string;
  /** the lock token, `null` if the server hides it */
  readonly token: string | null;
  /** who holds it, as text; `""` if the server does not say */
  readonly owner: string;
  /** `shared` if others may hold shared locks on it too */
  readonly scope: "exclusive" | "shared";
  /** 0 or Infinity */
  readonly depth: number;
  /** seconds that are left, `null` for an infinite lock or if the server does not say */
  readonly timeout: number | null;
}

const BODY =
  '<?xml version="1.0" encoding="utf-8"?>\n' +
  '<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>\n';

const MULTISTATUS = 1;
const RESPONSE = 2;
const PROPSTAT = 3;
const PROP = 4;
const STATUS = 5;

/** Locks on one resource: more are an attack. */
const MAX_LOCKS = 10_000;

// Of the propstat being read, and of the whole response.
interface Reading {
  locks: ActiveLock[];
  status: Readonly<ne_status> | null;
  hasProperty: boolean;
  text: string;
  readonly found: ActiveLock[];
  isSaid: boolean;
  failure: Readonly<ne_status> | null;
}

/** Asks for the locks. Throws `nx_error` where that fails, or the server does not say. */
export async function discoverLocks(sess: ne_session, path: string): Promise<nx_lock_info[]> {
  const req = ne_request_create(sess, "PROPFIND", path);
  ne_add_request_header(req, "Depth", "0");
  ne_set_request_body_buffer(req, Buffer.from(BODY));
  ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
  const errors = addErrorReader(req);
  let reading = newReading();
  const document = addDocumentReader(
    req,
    (xml) => {
      reading = newReading();
      pushReading(xml, reading);
      return ne_get_status(req).klass === 2;
    },
    false,
  );
  try {
    const code = await ne_request_dispatch(req);
    throwFailure(req, code, errors, path);
    const { fault } = document;
    if (reading.isSaid && fault === null) {
      const base = baseOf(sess, req);
      return reading.found.map((active) =>
        infoOf(active, active.root === null ? path : healedPath(base, active.root)),
      );
    }
    const status = reading.failure ?? ne_get_status(req);
    const why = fault ?? `${status.code} ${status.reason_phrase ?? ""}`;
    const what = `${path}: the server does not say which locks there are: ${why}`;
    const headers = nx_response_fields(req);
    throw new nx_error(what, NE_ERROR, Object.freeze({ ...status }), null, { headers, path });
  } finally {
    endDocument(document);
    ne_request_destroy(req);
  }
}

/**
 * Whether the server has a lock of this token; where the resource is gone so is the lock. Throws
 * where the server hides a token: it may be this one.
 */
export async function hasLock(sess: ne_session, path: string, token: string): Promise<boolean> {
  try {
    return (await findLock(sess, path, token)) !== null;
  } catch (error) {
    if (error instanceof nx_error && (error.status?.code === 404 || error.status?.code === 410)) {
      return false;
    }
    throw error;
  }
}

/** The lock of a token, or `null`. Throws where the server does not say. */
export async function findLock(
  sess: ne_session,
  path: string,
  token: string,
): Promise<nx_lock_info | null> {
  const locks = await discoverLocks(sess, path);
  const found = locks.find((lock) => lock.token === token) ?? null;
  if (found === null && locks.some((lock) => lock.token === null)) {
    throw new nx_error(`${path}: the server hides the token of a lock`, NE_ERROR);
  }
  return found;
}

function infoOf({ lock }: ActiveLock, path: string): nx_lock_info {
  return Object.freeze({
    path,
    token: lock.token,
    owner: (lock.owner ?? "").trim(),
    scope: lock.scope === ne_lockscope_shared ? "shared" : "exclusive",
    depth: lock.depth === NE_DEPTH_INFINITE ? Infinity : lock.depth,
    timeout: lock.timeout > 0 ? lock.timeout : null,
  });
}

function newReading(): Reading {
  return {
    locks: [],
    status: null,
    hasProperty: false,
    text: "",
    found: [],
    isSaid: false,
    failure: null,
  };
}

function pushReading(xml: ne_xml_parser, reading: Reading): void {
  ne_xml_push_handler(xml, startElement, characterData, endElement, reading);
  readActiveLocks(xml, {
    takesRoot: () => false,
    parent: PROP,
    ownerText: "all",
    begin: newActiveLock,
    end: (active) => {
      if (reading.locks.length < MAX_LOCKS) reading.locks.push(active);
    },
  });
}

const STATES: Readonly<Record<string, number>> = {
  [`${NE_XML_STATEROOT} multistatus`]: MULTISTATUS,
  [`${MULTISTATUS} response`]: RESPONSE,
  [`${RESPONSE} propstat`]: PROPSTAT,
  [`${RESPONSE} status`]: STATUS,
  [`${PROPSTAT} prop`]: PROP,
  [`${PROPSTAT} status`]: STATUS,
};

function startElement(r: Reading, parent: number, nspace: string, name: string): number {
  if (nspace !== "DAV:") return NE_XML_DECLINE;
  if (parent === PROP && name === "lockdiscovery") r.hasProperty = true;
  const state = STATES[`${parent} ${name}`] ?? NE_XML_DECLINE;
  if (state === PROPSTAT) {
    r.locks = [];
    r.status = null;
    r.hasProperty = false;
  }
  r.text = "";
  return state;
}

function characterData(r: Reading, state: number, cdata: string): number {
  if (state === STATUS && r.text.length < 1024) r.text += cdata;
  return 0;
}

function endElement(r: Reading, state: number): number {
  if (state === STATUS) {
    r.status = parseStatusElement(r.text);
    // of the response, or of the propstat that ends next
    if (r.status !== null && r.status.klass !== 2) r.failure ??= r.status;
  }
  if (state === PROPSTAT && r.hasProperty && (r.status === null || r.status.klass === 2)) {
    r.isSaid = true;
    r.found.push(...r.locks);
  }
  return 0;
}
