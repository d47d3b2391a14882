// Reports of CalDAV (RFC 4791) and CardDAV (RFC 6352): members by their paths, and by what is in
// them.
import { misuse } from "../base/handle.js";
import { nx_error } from "../script/nx_error.js";
import { foldName, placeKey } from "../uri/membership.js";
import type { ne_propname } from "../../ne_props.js";
import { ne_status } from "../../ne_utils.js";
import { CALDAV, CARDDAV } from "../multistatus/condition_names.js";
import { type Supply, supplyOf } from "./batches.js";
import type { DavKind } from "./discover.js";
import { refusal } from "./failed_request.js";
import { isAbsence, stat } from "./stat.js";
import { HrefResolver } from "./href_resolver.js";
import { makeResource, type nx_resource } from "./resource.js";
import { isRefused } from "./response_element.js";
import type { Call } from "./call.js";
import { parseContent } from "./xml_parse.js";
import { checkPath } from "./argument_checks.js";
import { escapeText, printElement, propElements, PROLOGUE } from "./xml_text.js";

/**
 * Members asked for in the first request; each other one asks for twice as many as the one before,
 * so that a server that limits what it takes at once is asked for little first.
 */
const FIRST_PORTION = 500;
/** Members asked for in any request. */
const MAX_PORTION = 2000;
/** Statuses of a server that wants to be asked for less at a time. */
const TOO_MUCH = [413, 507];

const WORDS = {
  caldav: { nspace: CALDAV, data: "calendar-data", multiget: "calendar-multiget",
    query: "calendar-query" },
  carddav: { nspace: CARDDAV, data: "address-data", multiget: "addressbook-multiget",
    query: "addressbook-query" },
} as const;

const NOT_FOUND: Readonly<ne_status> = Object.freeze(
  Object.assign(new ne_status(), {
    major_version: 1,
    minor_version: 1,
    code: 404,
    klass: 4,
    reason_phrase: "Not Found",
  }),
);

/** Members to get. */
export interface Getting {
  readonly path: string;
  readonly hrefs: readonly string[];
  readonly kind: DavKind;
  readonly props: readonly ne_propname[];
}

/** Gives members by their paths, in portions, each once; those that are not there as such. */
export async function* multiget(call: Call, getting: Getting): AsyncGenerator<Supply<nx_resource>> {
  const { hrefs, path } = getting;
  for (const href of hrefs) checkPath(href, call.caller);
  const naming = { asked: new HrefResolver(path, true), given: new HrefResolver(path) };
  const byKey = new Map<string, string>();
  for (const href of hrefs) byKey.set(placeKey(naming.asked.place(href)), href);
  const members = [...byKey];
  for (let at = 0, size = FIRST_PORTION; at < members.length; ) {
    yield* getSome(call, getting, members.slice(at, at + size), naming);
    at += size;
    size = Math.min(2 * size, MAX_PORTION);
  }
}

/** A member's key, and its path as the caller wrote it. */
type Member = readonly [key: string, href: string];

/** How paths are read: those of the caller, and those of a server with names of its own. */
interface Naming {
  readonly asked: HrefResolver;
  readonly given: HrefResolver;
}

// A server that refuses the whole request for one missing member (sabre/dav 1.8) is asked for
// fewer, until it is known which one that is; so is one to which it was too much.
async function* getSome(
  call: Call,
  getting: Getting,
  members: readonly Member[],
  naming: Naming,
): AsyncGenerator<Supply<nx_resource>> {
  const wanted = new Map(members);
  try {
    yield* getPortion(call, getting, members, wanted, naming);
  } catch (error) {
    const code = error instanceof nx_error ? error.status?.code : undefined;
    const isRefusal = isAbsence(code) || (code !== undefined && TOO_MUCH.includes(code));
    const isWhole = wanted.size === members.length;
    if (!isRefusal || !isWhole || !(await isThere(call, getting.path))) throw error;
    const middle = members.length >> 1;
    if (middle > 0) {
      yield* getSome(call, getting, members.slice(0, middle), naming);
      yield* getSome(call, getting, members.slice(middle), naming);
      return;
    }
    const [only = ""] = wanted.values();
    if (await isThere(call, only)) throw error;
    yield supplyOf([absent(only, naming)]);
  }
}

async function isThere(call: Call, path: string): Promise<boolean> {
  return (await stat(call.sess, path, [], call.caller)) !== null;
}

function absent(href: string, { asked }: Naming): nx_resource {
  const missing = { hrefs: [], status: NOT_FOUND, props: [], trees: [] };
  return makeResource(asked.place(href), { ...missing, description: null, condition: null });
}

// What came is taken out of `wanted`.
async function* getPortion(
  call: Call,
  getting: Getting,
  members: readonly Member[],
  wanted: Map<string, string>,
  naming: Naming,
): AsyncGenerator<Supply<nx_resource>> {
  const { path } = getting;
  const spec = {
    method: "REPORT",
    path,
    depth: null,
    body: multigetBody(getting, members, call.caller),
  };
  // a server that spells names in another case is rare
  let folded: ReadonlyMap<string, string> | null = null;
  yield* call.batches(spec, (response, batch) => {
    for (const href of response.hrefs) {
      const exact = naming.asked.place(href);
      const exactKey = placeKey(exact);
      const isExact = wanted.has(exactKey);
      const place = isExact ? exact : naming.given.place(href);
      if (place.kind === "self" && isRefused(response)) throw refusal(response, path);
      // what was not asked for, or was given already, is nothing that anybody waits for
      const key = isExact ? exactKey : placeKey(place);
      if (!wanted.delete(key)) {
        folded ??= foldedKeys(members);
        if (!wanted.delete(folded.get(foldName(key)) ?? "")) continue;
      }
      batch.push(makeResource(place, response));
    }
  });
  const rest = [...wanted.values()];
  if (rest.length > 0) yield supplyOf(rest.map((href) => absent(href, naming)));
}

// Keys by their folded form; none where several have the same.
function foldedKeys(members: readonly Member[]): ReadonlyMap<string, string> {
  const byFold = new Map<string, string>();
  for (const [key] of members) byFold.set(foldName(key), byFold.has(foldName(key)) ? "" : key);
  return byFold;
}

function multigetBody(getting: Getting, members: readonly Member[], caller: string): string {
  const { kind, props } = getting;
  const { nspace, data, multiget: name } = WORDS[kind];
  const wanted = `<D:getetag/><C:${data}/>${propElements(props, caller)}`;
  let list = "";
  for (const [, href] of members) list += `<D:href>${escapeText(href, caller, "an href")}</D:href>`;
  return (
    `${PROLOGUE}<C:${name} xmlns:D="DAV:" xmlns:C="${nspace}"><D:prop>${wanted}</D:prop>` +
    `${list}</C:${name}>`
  );
}

/** What to look for. */
export interface Query {
  readonly kind: DavKind;
  /** The content of the filter element, `null` for one made from the rest. */
  readonly filter: string | null;
  readonly component: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
  readonly expand: boolean;
  readonly limit: number;
  /** `null` for the entity tag and the data. */
  readonly props: readonly ne_propname[] | null;
}

/** The body of a calendar-query or addressbook-query. */
export function queryBody(query: Query, caller: string): string {
  const { kind, props, limit } = query;
  const { nspace, query: name } = WORDS[kind];
  const data = dataElement(query, caller);
  const isBounded = kind === "carddav" && limit !== Infinity;
  const bound = isBounded ? `<C:limit><C:nresults>${limit}</C:nresults></C:limit>` : "";
  const wanted = props === null ? `<D:getetag/>${data}` : wantedProps(query, props, caller);
  return (
    `${PROLOGUE}<C:${name} xmlns:D="DAV:" xmlns:C="${nspace}"><D:prop>${wanted}</D:prop>` +
    `<C:filter>${filterText(query, caller)}</C:filter>${bound}</C:${name}>`
  );
}

// Recurrences can be unrolled only in the data.
function wantedProps(query: Query, props: readonly ne_propname[], caller: string): string {
  const { nspace, data } = WORDS[query.kind];
  const isData = (prop: ne_propname): boolean => prop.nspace === nspace && prop.name === data;
  const others = propElements(props.filter((prop) => !isData(prop)), caller);
  return others + (props.some(isData) || query.expand ? dataElement(query, caller) : "");
}

function dataElement({ kind, expand, from, to }: Query, caller: string): string {
  const { data } = WORDS[kind];
  if (!expand || from === null || to === null) return `<C:${data}/>`;
  const range = `start="${utcText(from, caller)}" end="${endText(to, caller)}"`;
  return `<C:${data}><C:expand ${range}/></C:${data}>`;
}

function filterText(query: Query, caller: string): string {
  const { kind, filter, component, from, to } = query;
  if (filter !== null) {
    const elements = parseContent(filter, caller, "filter");
    return elements.map((element) => printElement(element, caller)).join("");
  }
  if (kind === "carddav") return "";
  const start = from === null ? "" : ` start="${utcText(from, caller)}"`;
  const end = to === null ? "" : ` end="${endText(to, caller)}"`;
  const range = start + end === "" ? "" : `<C:time-range${start}${end}/>`;
  const wanted = component ?? (range === "" ? null : "VEVENT");
  const inner = wanted === null ? "" : `<C:comp-filter name="${wanted}">${range}</C:comp-filter>`;
  return `<C:comp-filter name="VCALENDAR">${inner}</C:comp-filter>`;
}

/** The end of a range, which is the first second behind it. */
function endText(time: Date, caller: string): string {
  return utcText(new Date(Math.ceil(time.getTime() / 1000) * 1000), caller);
}

/** A time as iCalendar writes it in UTC, without its part of a second: `20240503T101500Z`. */
function utcText(time: Date, caller: string): string {
  const text = time.toISOString();
  if (!/^\d{4}-/.test(text)) throw misuse(caller, "a time is outside of the years 0 to 9999");
  return `${text.slice(0, 19).replace(/[-:]/g, "")}Z`;
}
