// WebDAV for programs that must not lose files: sync clients, file managers, calendars. This face
// checks its arguments; the work is done in internal/resources.
//
// Paths are percent-encoded URL paths on the session's server, and are compared by their decoded
// segments. The authority of an href is ignored: requests go to the session's own server.
import { misuse, type ne_session } from "./internal/base/handle.js";
import { needList, needObject, needText } from "./internal/base/arguments.js";
import { readOptions } from "./internal/base/call_options.js";
import { multiget, queryBody } from "./internal/resources/calendars.js";
import { carryOut } from "./internal/resources/command.js";
import { discover, type DavKind, type nx_discovered } from "./internal/resources/discover.js";
import { Changes, type nx_changes } from "./internal/resources/changes.js";
import { childOf, textIn, type nx_element } from "./internal/resources/element.js";
import { hrefsIn } from "./internal/resources/hrefs.js";
import { makeCollection, type CollectionKind } from "./internal/resources/mkcol.js";
import {
  checkPath,
  needLimit,
  needPath,
  needProps,
  needSession,
  needSignal,
} from "./internal/resources/argument_checks.js";
import { propfindBody } from "./internal/resources/propfind.js";
import { joinPath } from "./internal/resources/nx_path.js";
import {
  patch,
  valueElements,
  type nx_outcome,
  type nx_property,
} from "./internal/resources/properties.js";
import { numberOf, type nx_resource } from "./internal/resources/resource.js";
import { report, type Wanting } from "./internal/resources/report_request.js";
import { basicSearchBody, checkSearchRequest } from "./internal/resources/search.js";
import { inspect, stat } from "./internal/resources/stat.js";
import type { nx_change } from "./internal/resources/sync.js";
import { versions } from "./internal/resources/versions.js";
import { Call } from "./internal/resources/call.js";
import { parseDocument } from "./internal/resources/xml_parse.js";
import { printElement, PROLOGUE } from "./internal/resources/xml_text.js";
import { ne_lock_using_resource } from "./internal/plugins/lock_submission.js";
import { samePath } from "./internal/uri/same_path.js";
import type { ne_propname } from "./ne_props.js";

export type { nx_change, nx_changes, nx_discovered, nx_element, nx_outcome, nx_property };

/**
 * Makes a path of segments, escaping each. End with a segment `""` for a collection's path. The
 * characters U+DC80 to U+DCFF stand for bytes that are not UTF-8, as in `ne_path_unescape`. An
 * empty segment other than the last, `.`, `..`, NUL and other lone surrogates are a TypeError.
 * @example
 * ```ts
 * nx_path("a b", "c/d"); // "/a%20b/c%2fd"
 * nx_path("folder", ""); // "/folder/"
 * ```
 */
export function nx_path(...segments: string[]): string {
  return joinPath(segments, "nx_path");
}

/**
 * Whether two URLs or paths name the same resource of one server, however they are spelled. A final
 * slash and the authority do not matter; a query does. `//d/` is compared both as a path and as an
 * authority.
 * @example
 * ```ts
 * nx_same_path("/a%20b/", "http://example.com/%61%20b"); // true
 * ```
 */
export function nx_same_path(a: string, b: string): boolean {
  needText(a, "nx_same_path", "the first path");
  needText(b, "nx_same_path", "the second path");
  return samePath(a, b);
}

/** All text in an element, including the text of the elements in it. */
export function nx_element_text(element: nx_element): string {
  return textIn(needElement(element, "nx_element_text"));
}

/** The first child element with a name, or `null`. */
export function nx_element_child(
  element: nx_element,
  nspace: string,
  name: string,
): nx_element | null {
  return childOf(needElement(element, "nx_element_child"), nspace, name);
}

/**
 * Every `DAV:href` in an element, as paths or URLs; characters that no URI may have are escaped.
 */
export function nx_element_hrefs(element: nx_element): string[] {
  return hrefsIn(needElement(element, "nx_element_hrefs"));
}

function needElement(element: nx_element, caller: string): nx_element {
  needObject(element, caller, "the element");
  needList(element.children, caller, "the children of the element");
  return element;
}

/**
 * The resource at `path`. If the server redirects to the same path with a final slash (as Apache
 * does for collections), that is followed.
 * @param props properties to request in addition to those that the members of `nx_resource` need;
 *   `"all"` for an allprop request
 * @returns `null` if there is none: a 404 or 410, as the status of the response or in a 207
 * @throws `nx_error` for every other failure
 * @example
 * ```ts
 * const file = await nx_stat(sess, "/notes/a.txt");
 * console.log(file === null ? "no such file" : file.size);
 * ```
 */
export async function nx_stat(
  sess: ne_session,
  path: string,
  props: readonly ne_propname[] | "all" = [],
): Promise<nx_resource | null> {
  open(sess, path, "nx_stat");
  return stat(sess, path, props === "all" ? "all" : needProps(props, "nx_stat"), "nx_stat");
}

/** How to send a report. */
export interface nx_report_options {
  /** `Depth` of the request: 0 (default), 1 or Infinity */
  depth?: number;
  /** the method (default `REPORT`) */
  method?: string;
  /** aborts the report: the loop throws */
  signal?: AbortSignal | undefined;
}

const REPORT_OPTIONS = new Set<keyof nx_report_options>(["depth", "method", "signal"]);

/**
 * Sends an XML body and yields the resources of the 207 response as they arrive. As with `nx_list`,
 * memory stays flat, leaving the loop ends the transfer, and every failure throws. Unlike there, an
 * empty multistatus is an empty result, and hrefs may be anywhere on the server. A 507 for the
 * request's own path throws, after the resources before it.
 * @param body a document as text, or its root element; text that is not XML is a TypeError
 * @example
 * ```ts
 * const body = '<principal-match xmlns="DAV:"><self/></principal-match>';
 * for await (const { path } of nx_report(sess, "/docs/", body)) console.log(path);
 * ```
 */
export function nx_report(
  sess: ne_session,
  path: string,
  body: string | nx_element,
  options: nx_report_options = {},
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_report";
  needSession(sess, caller);
  needPath(path, caller);
  const { depth = 0, method = "REPORT", signal } = readOptions(options, REPORT_OPTIONS, caller);
  const call = new Call(sess, needSignal(signal, caller), caller);
  needText(method, caller, "the method");
  const question = {
    method,
    path,
    depth: depthOf(depth, caller),
    body: documentText(body, caller),
  };
  return call.iterate(path, report(call, question, { isAnywhere: true }));
}

function documentText(body: string | nx_element, caller: string): string {
  if (typeof body === "string") {
    parseDocument(body, caller, "the body");
    return body;
  }
  needObject(body, caller, "the body");
  const text = printElement(body, caller);
  // the prefix of WebDAV is declared by the root
  return PROLOGUE + text.replace(/^<[^\s/>]+/, '$& xmlns:D="DAV:"');
}

function depthOf(depth: unknown, caller: string): 0 | 1 | "infinity" {
  if (depth === 0 || depth === 1) return depth;
  if (depth === Infinity) return "infinity";
  throw misuse(caller, "the depth must be 0, 1 or Infinity");
}

/** How to synchronise. */
export interface nx_sync_options {
  /** 1 (default) or Infinity */
  level?: number;
  /** most changes per request; further requests are sent as needed (RFC 6578 section 3.6) */
  limit?: number;
  /** properties to request in addition to those that the members of `nx_resource` need */
  props?: readonly ne_propname[];
  /** aborts the synchronisation: the loop throws */
  signal?: AbortSignal | undefined;
}

const SYNC_OPTIONS = new Set<keyof nx_sync_options>(["level", "limit", "props", "signal"]);

/**
 * What changed in a collection since a token (RFC 6578). When the loop has run to its end, the
 * member `token` of the result is the token for next time; before that, and if the loop is left
 * early, it is `null`. If the server no longer knows the old token, `anew` is true and every member
 * is listed: what is not listed is gone.
 *
 * In place of the token you can pass a map (path to ETag) of what you know already. The report is
 * then tried with an empty token; if the server does not have this report (405, 501, 400, or the
 * precondition supported-report), a listing is compared by ETag, and `token` stays `null`. Only
 * differences are yielded; a member without ETag counts as changed; removals come last, after a
 * complete response.
 * @param token `null` the first time
 * @example
 * ```ts
 * const changes = nx_sync(sess, "/calendar/", token);
 * for await (const { path, removed } of changes) console.log(removed ? "gone" : "new", path);
 * token = changes.token;
 * ```
 */
export function nx_sync(
  sess: ne_session,
  path: string,
  token: string | null | ReadonlyMap<string, string>,
  options: nx_sync_options = {},
): nx_changes {
  const caller = "nx_sync";
  needSession(sess, caller);
  needPath(path, caller);
  const { level = 1, limit, props = [], signal } = readOptions(options, SYNC_OPTIONS, caller);
  if (level !== 1 && level !== Infinity) throw misuse(caller, "the level must be 1 or Infinity");
  const known = token instanceof Map ? (token as ReadonlyMap<string, string>) : null;
  if (known === null && token !== null) needText(token, caller, "the token");
  return new Changes(new Call(sess, needSignal(signal, caller), caller), {
    path,
    level: level === 1 ? 1 : "infinite",
    limit: limit === undefined ? null : needLimit(limit, caller),
    props: needProps(props, caller),
    token: typeof token === "string" ? token : "",
    known,
  });
}

/** The parts of a `DAV:basicsearch`. */
export interface nx_search_query {
  /** properties to request in addition to those that the members of `nx_resource` need */
  props?: readonly ne_propname[];
  /**
   * the content of a `DAV:where` element: elements that declare their own prefixes (`D` is `DAV:`);
   * text that is not XML is a TypeError
   */
  where?: string;
  /** how deep below the path to search: 0, 1 or Infinity (default) */
  depth?: number;
  /** at most so many results; a 507 then ends the loop without an error */
  limit?: number;
}

const SEARCH_PARTS = new Set<keyof nx_search_query>(["props", "where", "depth", "limit"]);

/**
 * Searches below `path` (RFC 5323), with a whole `DAV:searchrequest` document or the parts of a
 * `DAV:basicsearch`.
 * @example
 * ```ts
 * const where = "<D:like><D:prop><D:displayname/></D:prop><D:literal>%.pdf</D:literal></D:like>";
 * for await (const { path } of nx_search(sess, "/files/", { where })) console.log(path);
 * ```
 */
export function nx_search(
  sess: ne_session,
  path: string,
  query: string | nx_search_query,
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_search";
  needSession(sess, caller);
  needPath(path, caller);
  const call = new Call(sess, null, caller);
  const ask = (body: string, wanting: Wanting): AsyncIterableIterator<nx_resource> =>
    call.iterate(path, report(call, { method: "SEARCH", path, depth: null, body }, wanting));
  if (typeof query === "string") {
    return ask(checkSearchRequest(query, caller), { isAnywhere: true });
  }
  const { props = [], where = null, depth = Infinity, limit = Infinity } =
    readOptions(query, SEARCH_PARTS, caller, "query");
  const bound = limit === Infinity ? limit : needLimit(limit, caller);
  const search = {
    path,
    props: needProps(props, caller),
    where,
    depth: depthOf(depth, caller),
    limit: bound,
  };
  return ask(basicSearchBody(search, caller), { limit: bound });
}

/** The space of a collection, in bytes; `null` if the server does not say, or has no limit. */
export interface nx_quota_result {
  /** used by the collection and its members */
  readonly used: number | null;
  /** still available */
  readonly available: number | null;
}

/**
 * How many bytes a collection uses and may still use (RFC 4331).
 * @throws `nx_error` if the request fails
 * @example
 * ```ts
 * const { used, available } = await nx_quota(sess, "/");
 * console.log(`${used ?? "?"} bytes used, ${available ?? "?"} left`);
 * ```
 */
export async function nx_quota(sess: ne_session, path: string): Promise<nx_quota_result> {
  const caller = "nx_quota";
  open(sess, path, caller);
  const [used, available] = ["quota-used-bytes", "quota-available-bytes"].map((name) => ({
    nspace: "DAV:",
    name,
  }));
  const body = propfindBody([used!, available!], caller);
  const resource = await inspect(new Call(sess, null, caller), path, body);
  const bytes = (name: string): number | null => numberOf(resource.prop("DAV:", name) ?? "");
  return Object.freeze({
    used: bytes("quota-used-bytes"),
    available: bytes("quota-available-bytes"),
  });
}

/** What kind of collection to make. */
export interface nx_mkcol_options {
  /** make missing parents as well */
  parents?: boolean;
  /** accept an existing collection (but not a file) */
  exists_ok?: boolean;
  /** `collection` (default), `calendar` (MKCALENDAR) or `addressbook` */
  kind?: "collection" | "calendar" | "addressbook";
  /** properties to set on it (RFC 5689); a `DAV:resourcetype` replaces what `kind` says */
  props?: readonly nx_property[];
}

const MKCOL_OPTIONS = new Set<keyof nx_mkcol_options>([
  ...(["parents", "exists_ok", "kind", "props"] as const),
]);

/**
 * Makes a collection. An existing resource is not changed.
 * @throws `nx_error` if it could not be made
 * @example
 * ```ts
 * await nx_mkcol(sess, "/photos/2030/", { parents: true, exists_ok: true });
 * ```
 */
export async function nx_mkcol(
  sess: ne_session,
  path: string,
  options: nx_mkcol_options = {},
): Promise<void> {
  const caller = "nx_mkcol";
  open(sess, path, caller);
  if (path.includes("?")) throw misuse(caller, "a collection's path has no query");
  const { parents = false, exists_ok: existsOk = false, kind = "collection", props = [] } =
    readOptions(options, MKCOL_OPTIONS, caller);
  await makeCollection({
    sess,
    path: path.endsWith("/") ? path : `${path}/`,
    kind: needCollectionKind(kind, caller),
    props: valueElements(props, caller),
    hasType: props.some(({ nspace, name }) => nspace === "DAV:" && name === "resourcetype"),
    parents,
    existsOk,
    caller,
  });
}

function needCollectionKind(kind: string, caller: string): CollectionKind {
  if (kind === "collection" || kind === "calendar" || kind === "addressbook") return kind;
  throw misuse(caller, "the kind must be collection, calendar or addressbook");
}

/**
 * Sets and removes properties. A value may be text, or an element: one with the property's own name
 * is the property itself, any other becomes its only child.
 * @param remove the names of the properties to remove
 * @returns the outcome of each property, in the order given
 * @throws `nx_error` if the request as a whole failed, or its response does not mention a property
 * @example
 * ```ts
 * const [title] = await nx_proppatch(sess, "/a.txt", [
 *   { nspace: "http://example.com/", name: "title", value: "A & B" },
 * ]);
 * if (title?.status.klass !== 2) console.error(title?.status.reason_phrase);
 * ```
 */
export async function nx_proppatch(
  sess: ne_session,
  path: string,
  set: readonly nx_property[],
  remove: readonly ne_propname[] = [],
): Promise<readonly nx_outcome[]> {
  const caller = "nx_proppatch";
  open(sess, path, caller);
  needList(set, caller, "the properties to set");
  return patch(sess, path, set, needProps(remove, caller), caller);
}

/**
 * Finds the calendars or address books of the user (RFC 6764, 5397, 4791, 6352): starts at the
 * well-known URI (or `/` if there is none) and follows the principal and its home sets to their
 * members. Redirects are followed within the server.
 * @param path where to start in place of the well-known URI
 * @throws `nx_error` for every failure, and for a redirect to another server, which it names
 * @example
 * ```ts
 * const { collections } = await nx_discover(sess, "caldav");
 * for (const { path, name } of collections) console.log(path, name);
 * ```
 */
export async function nx_discover(
  sess: ne_session,
  kind: "caldav" | "carddav",
  path?: string,
): Promise<nx_discovered> {
  const caller = "nx_discover";
  open(sess, path ?? "/", caller);
  const found = await discover(new Call(sess, null, caller), needKind(kind, caller), path ?? null);
  return Object.freeze(found);
}

function needKind(kind: string, caller: string): DavKind {
  if (kind === "caldav" || kind === "carddav") return kind;
  throw misuse(caller, 'the kind must be "caldav" or "carddav"');
}

const QUERY_OPTIONS = new Set<keyof nx_query_options>([
  ...(["filter", "component", "range", "expand", "limit", "props", "signal"] as const),
]);
const RANGE_ENDS = new Set<keyof nx_time_range>(["from", "to"]);

/**
 * Fetches members of a calendar or address book by their paths (calendar-multiget,
 * addressbook-multiget), in as many requests as needed. A member that is missing, or that the
 * server does not mention, has the status 404.
 * @param props properties to request in addition to the ETag and the data
 * @example
 * ```ts
 * const paths = ["/calendar/a.ics", "/calendar/b.ics"];
 * for await (const event of nx_multiget(sess, "/calendar/", paths, "caldav")) {
 *   console.log(event.prop("urn:ietf:params:xml:ns:caldav", "calendar-data"));
 * }
 * ```
 */
export function nx_multiget(
  sess: ne_session,
  path: string,
  hrefs: readonly string[],
  kind: "caldav" | "carddav",
  props: readonly ne_propname[] = [],
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_multiget";
  needSession(sess, caller);
  needPath(path, caller);
  needList(hrefs, caller, "the hrefs");
  for (const href of hrefs) needPath(href, caller);
  const call = new Call(sess, null, caller);
  const getting = {
    path,
    hrefs: [...hrefs],
    kind: needKind(kind, caller),
    props: needProps(props, caller),
  };
  return call.iterate(path, multiget(call, getting));
}

/** A range of time, sent in UTC; a missing end is open. */
export interface nx_time_range {
  /** the start, included */
  from?: Date;
  /** the end, not included */
  to?: Date;
}

/** What to look for in a calendar or address book. */
export interface nx_query_options {
  /**
   * the content of the filter element: elements that declare their own prefixes; text that is not
   * XML is a TypeError. Replaces `component` and `range`
   */
  filter?: string;
  /** which components of a calendar (default `VEVENT` with a range, else all) */
  component?: "VEVENT" | "VTODO" | "VJOURNAL";
  /** only what overlaps this time, in UTC; one end may be open */
  range?: nx_time_range;
  /** ask the server to expand recurrences into single events; needs both ends of the range */
  expand?: boolean;
  /** at most so many results; a 507 then ends the loop without an error */
  limit?: number;
  /** properties to ask for (default: getetag and the data) */
  props?: readonly ne_propname[];
  /** aborts the query: the loop throws */
  signal?: AbortSignal | undefined;
}

/**
 * Finds members of a calendar or address book by their content (calendar-query, addressbook-query).
 * @example
 * ```ts
 * const range = { from: new Date(), to: new Date(Date.now() + 7 * 86_400_000) };
 * for await (const event of nx_query(sess, "/calendar/", "caldav", { range, expand: true })) {
 *   console.log(event.prop("urn:ietf:params:xml:ns:caldav", "calendar-data"));
 * }
 * ```
 */
export function nx_query(
  sess: ne_session,
  path: string,
  kind: "caldav" | "carddav",
  options: nx_query_options = {},
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_query";
  needSession(sess, caller);
  needPath(path, caller);
  needKind(kind, caller);
  const own = readOptions(options, QUERY_OPTIONS, caller);
  const limit = own.limit === undefined ? Infinity : needLimit(own.limit, caller);
  const call = new Call(sess, needSignal(own.signal, caller), caller);
  const { from, to } = rangeOf(own, caller);
  const { filter = null, component = null, expand = false } = own;
  const isShort = component !== null || from !== null || to !== null;
  if (filter !== null && isShort && !expand) {
    throw misuse(caller, "a filter stands in place of component and range");
  }
  if (kind === "carddav" && (isShort || expand)) {
    throw misuse(caller, "component, range and expand are for calendars");
  }
  if (component !== null && !/^V(?:EVENT|TODO|JOURNAL)$/.test(component)) {
    throw misuse(caller, "the component must be VEVENT, VTODO or VJOURNAL");
  }
  if (expand && (from === null || to === null)) {
    throw misuse(caller, "expand needs both ends of the range");
  }
  const props = own.props === undefined ? null : needProps(own.props, caller);
  const query = { kind, filter, component, from, to, expand, limit, props };
  const body = queryBody(query, caller);
  const question = { method: "REPORT", path, depth: 1, body } as const;
  return call.iterate(path, report(call, question, { limit }));
}

function rangeOf(
  { range }: nx_query_options,
  caller: string,
): { from: Date | null; to: Date | null } {
  if (range === undefined) return { from: null, to: null };
  const { from = null, to = null } = readOptions(range, RANGE_ENDS, caller, "range");
  for (const end of [from, to]) {
    if (end === null) continue;
    if (!(end instanceof Date) || Number.isNaN(end.getTime())) {
      throw misuse(caller, "the ends of the range must be valid dates");
    }
  }
  if (from === null && to === null) throw misuse(caller, "the range needs an end");
  if (from !== null && to !== null && from >= to) {
    throw misuse(caller, "the range ends before it begins");
  }
  return { from, to };
}

/** Puts a resource under version control (RFC 3253 section 3.5). */
export async function nx_version_control(sess: ne_session, path: string): Promise<void> {
  const caller = "nx_version_control";
  open(sess, path, caller);
  await carryOut({
    sess,
    method: "VERSION-CONTROL",
    path,
    body: "",
    caller,
    prepare: (req) => ne_lock_using_resource(req, path, 0),
  });
}

/**
 * The versions of a resource (RFC 3253 section 3.7), the oldest first: ordered by predecessor-set,
 * then by creationdate.
 * @param props properties to request in addition to those that the members of `nx_resource` need
 * @example
 * ```ts
 * for await (const { path, modified } of nx_versions(sess, "/a.txt")) console.log(path, modified);
 * ```
 */
export function nx_versions(
  sess: ne_session,
  path: string,
  props: readonly ne_propname[] = [],
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_versions";
  needSession(sess, caller);
  needPath(path, caller);
  const call = new Call(sess, null, caller);
  return call.iterate(path, versions(call, path, needProps(props, caller)));
}

// The argument checks of every function that returns a promise.
function open(sess: ne_session, path: string, caller: string): void {
  needSession(sess, caller);
  needPath(path, caller);
  checkPath(path, caller);
}
