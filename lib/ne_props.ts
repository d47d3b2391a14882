// ne_props.h: PROPFIND and PROPPATCH. Properties are read as text by a handler that stands last on
// the handler's XML parser, behind those of callers who want to see inside; those of one resource
// are kept in arrays that the next resource uses again, so that a long answer costs no memory.
import { baseOf } from "./internal/multistatus/reference_base.js";
import { NE_DBG_XML, NE_OK } from "./internal/base/constants.js";
import { newRequest } from "./internal/session/create_request.js";
import { failResponse } from "./internal/session/failed_response.js";
import {
  HandleType,
  misuse,
  type ne_handle,
  type ne_opaque,
  type ne_request,
  type ne_session,
} from "./internal/base/handle.js";
import { ne_lock_using_resource } from "./internal/plugins/lock_submission.js";
import {
  needCallback,
  needCallbackOrNull,
  needList,
  needObject,
  needXmlText,
} from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import { limitsOf } from "./internal/session/plugin_access.js";
import { exceeds, valueTooLong } from "./internal/multistatus/value_limit.js";
import { debug, debugEnabled } from "./internal/base/debug.js";
import {
  NE_207_MSSP_ESCAPING,
  NE_207_STATE_PROP,
  NE_207_STATE_TOP,
  ne_207_create,
  ne_207_destroy,
  type ne_207_parser,
  ne_207_set_flags,
  ne_207_set_propstat_handlers,
  ne_207_set_response_handlers,
  ne_accept_207,
  ne_simple_request,
} from "./ne_207.js";
import { ne_add_depth_header } from "./ne_basic.js";
import {
  ne_add_request_header,
  ne_get_status,
  ne_request_destroy,
  ne_set_request_body_buffer,
} from "./ne_request.js";
import { NE_SESSFLAG_SHAREPOINT, ne_get_session_flag } from "./ne_session.js";
import { ne_uri } from "./ne_uri.js";
import { ne_status } from "./ne_utils.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_MEDIA_TYPE,
  ne_xml_create,
  ne_xml_destroy,
  type ne_xml_parser,
  ne_xml_push_handler,
  ne_xml_resolve_nspace,
  ne_xml_set_error,
} from "./ne_xml.js";
import { ne_xml_dispatchif_request } from "./ne_xmlreq.js";

// State of a property taken as text, and of all that is in it, as in C.
const FLAT = NE_207_STATE_TOP - 1;

/** Properties and propstats of one resource: neon fails on the 1024th. */
const MAX_COUNT = 1023;
/** Bytes of a value, where the session's limits say nothing; neon cuts it at about as many. */
const MAX_VALUE = 102400;
/** Tags inside of values that are kept ready. */
const MAX_TAGS = 256;

/** The name of a property. */
export class ne_propname {
  /** Namespace URI, `null` for none. */
  nspace: string | null = null;
  /** Local name. */
  name: string | null = null;
}

/** The properties of one resource; it lives as long as the results callback that gets it. */
export interface ne_prop_result_set extends ne_opaque<"ne_prop_result_set"> {}

// Property i is [nspaces[i], names[i]], in the propstat whose status is statuses[propstats[i]].
interface Resource {
  // properties in use; the arrays may be longer
  count: number;
  readonly nspaces: string[];
  readonly names: string[];
  readonly values: string[];
  readonly langs: (string | null)[];
  readonly propstats: number[];
  // one for each propstat so far
  readonly statuses: (Readonly<ne_status> | null)[];
  private: unknown;
}

const sets = new HandleType<"ne_prop_result_set", Resource>("ne_prop_result_set");

const NO_STATUS: Readonly<ne_status> = Object.freeze(new ne_status());

/** @returns the value of a property, or `null` if it is absent or its status is not 2xx. */
export function ne_propset_value(
  set: ne_prop_result_set,
  propname: Readonly<ne_propname>,
): string | null {
  const r = sets.open(set, "ne_propset_value");
  const i = find(r, propname);
  return i < 0 ? null : valueOf(r, i);
}

/** @returns the status of a property, or `null` if the server did not mention the property. */
export function ne_propset_status(
  set: ne_prop_result_set,
  propname: Readonly<ne_propname>,
): Readonly<ne_status> | null {
  const r = sets.open(set, "ne_propset_status");
  const i = find(r, propname);
  return i < 0 ? null : statusOf(r, i);
}

/**
 * @returns what the creator given to `ne_propfind_set_private` returned for this resource, else
 *   `null`.
 */
export function ne_propset_private<C = unknown>(set: ne_prop_result_set): C | null {
  return sets.open(set, "ne_propset_private").private as C | null;
}

/**
 * The language of a property's value.
 * @returns the `xml:lang` attribute of the property element, or `null`. (The reference version
 *   looks the attribute up in a way that always fails, so it always returns NULL.)
 */
export function ne_propset_lang(
  set: ne_prop_result_set,
  pname: Readonly<ne_propname>,
): string | null {
  const r = sets.open(set, "ne_propset_lang");
  const i = find(r, pname);
  return r.langs[i] ?? null;
}

// Of a property named twice the first that has a value counts, or else the first: iCloud says 404
// and 200 of one.
function find(r: Resource, { nspace, name }: Readonly<ne_propname>): number {
  const wanted = nspace ?? "";
  let first = -1;
  for (let i = 0; i < r.count; i++) {
    if (r.names[i] !== name || r.nspaces[i] !== wanted) continue;
    if (valueOf(r, i) !== null) return i;
    if (first < 0) first = i;
  }
  return first;
}

function statusOf(r: Resource, i: number): Readonly<ne_status> {
  return r.statuses[r.propstats[i] ?? -1] ?? NO_STATUS;
}

// A server that forgot the status meant success.
function valueOf(r: Resource, i: number): string | null {
  const status = r.statuses[r.propstats[i] ?? -1] ?? null;
  return status === null || status.klass === 2 ? (r.values[i] ?? null) : null;
}

/**
 * Shown one property.
 * @param value `null` if the status is not 2xx.
 * @param status all zero if the server gave none.
 * @returns 0 to go on; anything else ends the iteration.
 */
export type ne_propset_iterator<T = unknown> = (
  userdata: T,
  pname: Readonly<ne_propname>,
  value: string | null,
  status: Readonly<ne_status>,
) => number;

/**
 * Goes through all properties in the order of the response.
 * @returns the first non-zero result of the iterator, or 0.
 */
export function ne_propset_iterate<T>(
  set: ne_prop_result_set,
  iterator: ne_propset_iterator<T>,
  userdata?: T,
): number {
  const r = sets.open(set, "ne_propset_iterate");
  for (let i = 0; i < r.count; i++) {
    const pname = new ne_propname();
    pname.nspace = r.nspaces[i] || null;
    pname.name = r.names[i] ?? "";
    const ret: unknown = iterator((userdata ?? null) as T, pname, valueOf(r, i), statusOf(r, i));
    if (isPromise(ret)) {
      throw misuse("ne_propset_iterate", "the iterator must not return a promise");
    }
    if (ret) return ret as number;
  }
  return 0;
}

/**
 * Given the properties of one resource, while the response is being read; reading goes on when it
 * is done. `results` is good until then.
 */
export type ne_props_result<T = unknown> = (
  userdata: T,
  uri: Readonly<ne_uri>,
  results: ne_prop_result_set,
) => void | Promise<void>;

/**
 * PROPFIND. `results` is called for each response element that has a propstat.
 * @param depth `NE_DEPTH_*`.
 * @param props names of the properties wanted, `null` for all.
 * @returns as `ne_propfind_named`.
 *
 * @example
 * ```ts
 * const SIZE = { nspace: "DAV:", name: "getcontentlength" };
 * const ret = await ne_simple_propfind(sess, "/files/", NE_DEPTH_ONE, [SIZE], (_u, uri, set) => {
 *   console.log(uri.path, ne_propset_value(set, SIZE));
 * });
 * ```
 */
export async function ne_simple_propfind<T>(
  sess: ne_session,
  path: string,
  depth: number,
  props: readonly Readonly<ne_propname>[] | null,
  results: ne_props_result<T>,
  userdata?: T,
): Promise<number> {
  const body = props === null ? ALLPROP : namedBody("ne_simple_propfind", props);
  return propfindOnce("ne_simple_propfind", sess, path, depth, body, results, userdata);
}

/** Operation: give the property a value. */
export const ne_propset = 0;
/** Operation: remove the property. */
export const ne_propremove = 1;
/** The kind of a PROPPATCH operation (`enum ne_proppatch_optype`). */
export type ne_proppatch_optype = typeof ne_propset | typeof ne_propremove;

/** One operation of a PROPPATCH. */
export class ne_proppatch_operation {
  /** The property. */
  name: Readonly<ne_propname> | null = null;
  /** `ne_propset` or `ne_propremove`. */
  type: ne_proppatch_optype = ne_propset;
  /** The new value, XML text put into the request as it is; not used for `ne_propremove`. */
  value: string | null = null;
}

/**
 * PROPPATCH: all operations, in order, or none. Uses locks on `path`.
 * @returns as `ne_simple_request`.
 *
 * @example
 * ```ts
 * const name = { nspace: "http://example.com/", name: "reviewed" };
 * const ret = await ne_proppatch(sess, "/doc.txt", [{ name, type: ne_propset, value: "yes" }]);
 * ```
 */
export async function ne_proppatch(
  sess: ne_session,
  path: string,
  ops: readonly Readonly<ne_proppatch_operation>[],
): Promise<number> {
  needList(ops, "ne_proppatch", "ops");
  const body = proppatchBody(ops);
  const req = newRequest(sess, "PROPPATCH", path, "ne_proppatch");
  ne_lock_using_resource(req, path, 0);
  setXmlBody(req, body);
  return ne_simple_request(sess, req);
}

/**
 * PROPFIND for the names of the properties only; go through each result with `ne_propset_iterate`.
 */
export async function ne_propnames<T>(
  sess: ne_session,
  path: string,
  depth: number,
  results: ne_props_result<T>,
  userdata?: T,
): Promise<number> {
  return propfindOnce("ne_propnames", sess, path, depth, PROPNAME, results, userdata);
}

// ---- the handler

/** A PROPFIND in preparation, good for one dispatch. */
export interface ne_propfind_handler extends ne_handle<"ne_propfind_handler"> {}

interface Propfind {
  readonly sess: ne_session;
  readonly request: ne_request;
  readonly xml: ne_xml_parser;
  readonly multi: ne_207_parser;
  dispatched: boolean;
  results: ne_props_result | null;
  userdata: unknown;
  creator: ne_props_create_complex | null;
  destructor: ne_props_destroy_complex | null;
  privateUserdata: unknown;
  // of the response being parsed; null between responses
  uri: Readonly<ne_uri> | null;
  readonly resource: Resource;
  // how deep inside the property being read, 0 at its own level
  depth: number;
  value: string;
  maxValue: number;
  readonly tags: FlatTags;
}

const handlers = new HandleType<"ne_propfind_handler", Propfind>("ne_propfind_handler", (h) => {
  dropPrivate(h);
  ne_207_destroy(h.multi);
  ne_xml_destroy(h.xml);
  ne_request_destroy(h.request);
});

/**
 * @returns the private value of the resource being parsed, or `null`; for use in element callbacks.
 */
export function ne_propfind_current_private<C = unknown>(handler: ne_propfind_handler): C | null {
  return handlers.open(handler, "ne_propfind_current_private").resource.private as C | null;
}

/**
 * Prepares a PROPFIND with a Depth field.
 * @param depth `NE_DEPTH_*`.
 */
export function ne_propfind_create(
  sess: ne_session,
  path: string,
  depth: number,
): ne_propfind_handler {
  return createHandler(sess, path, depth, "ne_propfind_create");
}

function createHandler(
  sess: ne_session,
  path: string,
  depth: number,
  caller: string,
): ne_propfind_handler {
  if (typeof depth !== "number") throw misuse(caller, "depth must be a number");
  const request = newRequest(sess, "PROPFIND", path, caller);
  ne_add_depth_header(request, depth);
  const xml = ne_xml_create();
  const h: Propfind = {
    sess,
    request,
    xml,
    multi: ne_207_create(xml, baseOf(sess, request), null),
    dispatched: false,
    results: null,
    userdata: null,
    creator: null,
    destructor: null,
    privateUserdata: null,
    uri: null,
    resource: {
      count: 0,
      nspaces: [],
      names: [],
      values: [],
      langs: [],
      propstats: [],
      statuses: [],
      private: null,
    },
    depth: 0,
    value: "",
    maxValue: MAX_VALUE,
    tags: new FlatTags(),
  };
  if (ne_get_session_flag(sess, NE_SESSFLAG_SHAREPOINT) > 0) {
    ne_207_set_flags(h.multi, NE_207_MSSP_ESCAPING);
  }
  ne_207_set_response_handlers(
    h.multi,
    (_u, uri) => beginResource(h, uri),
    () => endResource(h),
  );
  ne_207_set_propstat_handlers(
    h.multi,
    () => beginPropstat(h),
    (_u, index, status) => {
      h.resource.statuses[index] = status;
    },
  );
  return handlers.create(h);
}

/**
 * The XML parser of the handler (borrowed). A handler pushed on it gets properties before they are
 * taken as flat ones; they have the parent state `NE_207_STATE_PROP`.
 */
export function ne_propfind_get_parser(handler: ne_propfind_handler): ne_xml_parser {
  return handlers.open(handler, "ne_propfind_get_parser").xml;
}

/** First state free for handlers of properties; those below are reserved. */
export const NE_PROPS_STATE_TOP = 200;

/** The request of the handler (borrowed), for adding fields; its body must not be set. */
export function ne_propfind_get_request(handler: ne_propfind_handler): ne_request {
  return handlers.open(handler, "ne_propfind_get_request").request;
}

/** Makes the private value for a resource when its response begins. */
export type ne_props_create_complex<T = unknown, C = unknown> = (
  userdata: T,
  uri: Readonly<ne_uri>,
) => C;
/** Disposes of a private value (not called for `null`), after the results callback. */
export type ne_props_destroy_complex<T = unknown, C = unknown> = (userdata: T, complex: C) => void;

/** Sets the callbacks for private values. */
export function ne_propfind_set_private<T, C>(
  handler: ne_propfind_handler,
  creator?: ne_props_create_complex<T, C> | null,
  destructor?: ne_props_destroy_complex<T, C> | null,
  userdata?: T,
): void {
  const h = handlers.open(handler, "ne_propfind_set_private");
  needCallbackOrNull(creator, "ne_propfind_set_private", "the creator");
  needCallbackOrNull(destructor, "ne_propfind_set_private", "the destructor");
  h.creator = (creator ?? null) as ne_props_create_complex | null;
  h.destructor = (destructor ?? null) as ne_props_destroy_complex | null;
  h.privateUserdata = userdata ?? null;
}

/** Sends the PROPFIND for all properties. @returns as `ne_propfind_named`. */
export async function ne_propfind_allprop<T>(
  handler: ne_propfind_handler,
  result: ne_props_result<T>,
  userdata?: T,
): Promise<number> {
  const h = handlers.open(handler, "ne_propfind_allprop");
  return propfind(h, "ne_propfind_allprop", ALLPROP, result, userdata);
}

/**
 * Sends the PROPFIND for the named properties. Only a 207 response of an XML type is parsed.
 * @returns the code of `ne_xml_dispatchif_request`, or `NE_ERROR` for a status outside 2xx. A value
 *   of more than 102,400 bytes, or the `property` of `nx_set_limits`, fails the response.
 */
export async function ne_propfind_named<T>(
  handler: ne_propfind_handler,
  names: readonly Readonly<ne_propname>[],
  result: ne_props_result<T>,
  userdata?: T,
): Promise<number> {
  const h = handlers.open(handler, "ne_propfind_named");
  return propfind(h, "ne_propfind_named", namedBody("ne_propfind_named", names), result, userdata);
}

/** Destroys the handler with its parser and request. */
export function ne_propfind_destroy(handler: ne_propfind_handler): void {
  handlers.destroy(handler, "ne_propfind_destroy");
}

async function propfindOnce<T>(
  caller: string,
  sess: ne_session,
  path: string,
  depth: number,
  body: string,
  results: ne_props_result<T>,
  userdata: T | undefined,
): Promise<number> {
  const handler = createHandler(sess, path, depth, caller);
  try {
    const h = handlers.open(handler, caller);
    return await propfind(h, caller, body, results, userdata);
  } finally {
    ne_propfind_destroy(handler);
  }
}

async function propfind<T>(
  h: Propfind,
  caller: string,
  body: string,
  results: ne_props_result<T>,
  userdata: T | undefined,
): Promise<number> {
  needCallback(results, caller, "the results callback");
  if (h.dispatched) throw misuse(caller, "the handler was dispatched already");
  h.dispatched = true;
  h.results = results as ne_props_result;
  h.userdata = userdata ?? null;
  const { property } = limitsOf(h.sess);
  h.maxValue = property < 0 ? MAX_VALUE : property;
  setXmlBody(h.request, body);
  ne_xml_push_handler(h.xml, startFlat, flatText, endFlat, h);
  const ret = await ne_xml_dispatchif_request(h.request, h.xml, ne_accept_207);
  return ret === NE_OK && ne_get_status(h.request).klass !== 2 ? failResponse(h.request) : ret;
}

// ---- request bodies

const PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:">';
const ALLPROP = `${PROLOGUE}<allprop/></propfind>\n`;
const PROPNAME = `${PROLOGUE}<propname/></propfind>`;

function namedBody(caller: string, names: readonly Readonly<ne_propname>[]): string {
  let body = `${PROLOGUE}<prop>\n`;
  needList(names, caller, "names");
  for (const propname of names) {
    const name = elementName(caller, propname);
    body += `<${name} xmlns="${attributeText(caller, propname.nspace ?? "")}"/>\n`;
  }
  return `${body}</prop></propfind>\n`;
}

function proppatchBody(ops: readonly Readonly<ne_proppatch_operation>[]): string {
  const caller = "ne_proppatch";
  let body = '<?xml version="1.0" encoding="utf-8" ?>\n<D:propertyupdate xmlns:D="DAV:">';
  for (const op of ops) {
    needObject(op, caller, "every operation");
    if (op.name === null) throw misuse(caller, "an operation needs the name of a property");
    const what = op.type === ne_propset ? "set" : "remove";
    const name = elementName(caller, op.name);
    const { nspace } = op.name;
    const xmlns = nspace === null ? "" : ` xmlns="${attributeText(caller, nspace)}"`;
    const value = op.type === ne_propset ? needXmlText(op.value, caller, "value") : "";
    body += `<D:${what}><D:prop><${name}${xmlns}>${value}</${name}></D:prop></D:${what}>\n`;
  }
  return `${body}</D:propertyupdate>\n`;
}

// What would end the name of a tag is a mistake, and a way to slip elements into the request.
function elementName(caller: string, propname: Readonly<ne_propname>): string {
  needObject(propname, caller, "every name");
  const name = needXmlText(propname.name, caller, "name");
  if (name === "" || /[\s\u0000-\u001f<>"'&/=]/.test(name)) {
    throw misuse(caller, "a property's name is not the name of an element");
  }
  return name;
}

// References that the caller wrote stay, as in C, where nothing is escaped.
function attributeText(caller: string, text: string): string {
  return needXmlText(text, caller, "nspace")
    .replace(/&(?!(?:\w+|#\d+|#x[\da-fA-F]+);)/g, "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}

function setXmlBody(req: ne_request, body: string): void {
  ne_set_request_body_buffer(req, Buffer.from(body));
  ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
}

// ---- the response

function beginResource(h: Propfind, uri: Readonly<ne_uri>): Propfind {
  // a response that starts over forgets what it had
  dropPrivate(h);
  h.uri = uri;
  h.resource.count = 0;
  h.resource.statuses.length = 0;
  if (h.creator !== null) h.resource.private = h.creator(h.privateUserdata, uri) ?? null;
  return h;
}

function beginPropstat(h: Propfind): number | null {
  const { statuses } = h.resource;
  if (!hasRoom(h)) return null;
  return statuses.push(null) - 1;
}

function hasRoom(h: Propfind): boolean {
  if (h.resource.count + h.resource.statuses.length < MAX_COUNT) return true;
  ne_xml_set_error(h.xml, "Response exceeds maximum property count");
  return false;
}

function endResource(h: Propfind): void | Promise<void> {
  const { uri, results, resource } = h;
  if (uri === null || results === null || resource.statuses.length === 0) return leaveResource(h);
  const set = sets.lend(resource);
  let told: void | Promise<void> = undefined;
  try {
    told = results(h.userdata, uri, set);
  } finally {
    if (!isPromise(told)) sets.revoke(set);
  }
  if (!isPromise(told)) return leaveResource(h);
  return Promise.resolve(told).then(
    () => {
      sets.revoke(set);
      leaveResource(h);
    },
    (reason: unknown) => {
      sets.revoke(set);
      throw reason;
    },
  );
}

function leaveResource(h: Propfind): void {
  h.uri = null;
  dropPrivate(h);
}

function dropPrivate(h: Propfind): void {
  const complex = h.resource.private;
  if (complex === null) return;
  h.resource.private = null;
  h.destructor?.(h.privateUserdata, complex);
}

// Text and inner elements of a property, as neon shows them: names with their namespace run
// together, attribute values in single quotes, nothing escaped again.
function startFlat(
  h: Propfind,
  parent: number,
  nspace: string,
  name: string,
  atts: readonly string[],
): number {
  if (parent === NE_207_STATE_PROP) return startProperty(h, nspace, name, atts);
  if (parent !== FLAT) return NE_XML_DECLINE;
  h.depth++;
  const tag = atts.length === 0 ? h.tags.of(nspace, name).open : flatTag(h, nspace, name, atts);
  return append(h, tag) === 0 ? FLAT : NE_XML_ABORT;
}

function flatTag(h: Propfind, nspace: string, name: string, atts: readonly string[]): string {
  let tag = `<${nspace}${name}`;
  for (let i = 0; i < atts.length; i += 2) {
    tag += ` ${qualified(h, atts[i] ?? "")}='${atts[i + 1] ?? ""}'`;
  }
  return `${tag}>`;
}

interface FlatTag {
  open: string;
  close: string;
}

// Documents repeat themselves: the same few tags, in every resource.
class FlatTags {
  #known = new Map<string, Map<string, FlatTag>>();
  #count = 0;

  of(nspace: string, name: string): FlatTag {
    const known = this.#known.get(nspace)?.get(name);
    return known ?? this.#make(nspace, name);
  }

  #make(nspace: string, name: string): FlatTag {
    if (++this.#count > MAX_TAGS) {
      this.#known.clear();
      this.#count = 1;
    }
    const tag = { open: `<${nspace}${name}>`, close: `</${nspace}${name}>` };
    const names = this.#known.get(nspace) ?? new Map<string, FlatTag>();
    this.#known.set(nspace, names.set(name, tag));
    return tag;
  }
}

function startProperty(
  h: Propfind,
  nspace: string,
  name: string,
  atts: readonly string[],
): number {
  if (!hasRoom(h)) return NE_XML_ABORT;
  const r = h.resource;
  const i = r.count;
  r.nspaces[i] = nspace;
  r.names[i] = name;
  r.langs[i] = atts.length === 0 ? null : langOf(atts);
  r.propstats[i] = r.statuses.length - 1;
  h.value = "";
  h.depth = 0;
  if (debugEnabled(NE_DBG_XML)) {
    debug(NE_DBG_XML, "Got property #%d: {%s}%s.\n", i, nspace, name);
  }
  return FLAT;
}

function langOf(atts: readonly string[]): string | null {
  for (let i = 0; i < atts.length; i += 2) {
    if (atts[i] === "xml:lang") return atts[i + 1] ?? null;
  }
  return null;
}

// declarations and the attributes of XML itself keep their prefix
function qualified(h: Propfind, name: string): string {
  const colon = name.indexOf(":");
  if (colon < 0) return name;
  const prefix = name.slice(0, colon);
  if (prefix === "xmlns" || prefix === "xml") return name;
  const nspace = ne_xml_resolve_nspace(h.xml, prefix);
  return nspace === null ? name : nspace + name.slice(colon + 1);
}

function flatText(h: Propfind, state: number, cdata: string): number {
  return state === FLAT ? append(h, cdata) : 0;
}

// A value has at least as many bytes as characters; its bytes are counted when it is whole.
function append(h: Propfind, text: string): number {
  h.value = h.value === "" ? text : h.value + text;
  return h.value.length > h.maxValue ? refuseLong(h) : 0;
}

function refuseLong(h: Propfind): number {
  const { names, count } = h.resource;
  ne_xml_set_error(h.xml, valueTooLong(names[count] ?? "", h.maxValue));
  return NE_XML_ABORT;
}

function endFlat(h: Propfind, state: number, nspace: string, name: string): number {
  if (state !== FLAT) return 0;
  if (h.depth > 0) {
    h.depth--;
    return append(h, h.tags.of(nspace, name).close);
  }
  if (exceeds(h.value, h.maxValue)) return refuseLong(h);
  h.resource.values[h.resource.count++] = h.value;
  return 0;
}
