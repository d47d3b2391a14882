// A user's calendars or address books, found from the name of the server alone (RFC 6764):
//
//   /.well-known/caldav ──► current-user-principal ──► home sets ──► collections
//
// Nothing is asked of another server: a redirect there is an error that names it.
import { firstValue } from "../http/field_pairs.js";
import { isSameOrigin, originOf } from "./origin.js";
import { nx_error } from "../script/nx_error.js";
import { healedPath } from "../multistatus/href.js";
import { keyOf, locate } from "../uri/same_path.js";
import { ne_uri } from "../../ne_uri.js";
import { CALDAV, CARDDAV } from "../multistatus/condition_names.js";
import { childOf, DAV } from "./element.js";
import { batchesOf } from "./batches.js";
import { failure } from "./failed_request.js";
import { ResourceCollector } from "./resource_collector.js";
import { hrefsIn } from "./hrefs.js";
import { listOnce, propfind, propfindBody } from "./propfind.js";
import type { nx_resource } from "./resource.js";
import { inspect, isAbsence } from "./stat.js";
import type { Call } from "./call.js";

/** The calendars or address books of a user. */
export interface nx_discovered {
  /** path of the user's principal */
  readonly principal: string;
  /** paths of the home collections, which contain them */
  readonly homes: readonly string[];
  /** the calendars, or address books */
  readonly collections: readonly nx_resource[];
}

/** Whose words are spoken. */
export type DavKind = "caldav" | "carddav";

const KINDS = {
  caldav: { nspace: CALDAV, home: "calendar-home-set", type: "calendar" },
  carddav: { nspace: CARDDAV, home: "addressbook-home-set", type: "addressbook" },
} as const;

const MAX_REDIRECTS = 5;
/** Collections of one user. */
const MAX_COLLECTIONS = 65_536;

/** See `nx_discover`. */
export async function discover(
  call: Call,
  kind: DavKind,
  path: string | null,
): Promise<nx_discovered> {
  const { nspace, home, type } = KINDS[kind];
  const start = await beginning(call, kind, path);
  const principal = principalOf(start);
  const names = [{ nspace, name: home }, { nspace: DAV, name: "displayname" }];
  const user = await follow(call, principal, propfindBody(names, call.caller));
  const homeSet = user.element(nspace, home);
  const hrefs = homeSet === null ? [] : hrefsIn(homeSet);
  if (hrefs.length === 0) throw failure(`${principal} has no ${home}`, { path: principal });
  const homes: string[] = [];
  // by key: a home may be named twice, and one may be inside of another
  const seen = new Set<string>();
  const collections = new Map<string, nx_resource>();
  for (const href of hrefs) {
    const at = pathOf(href, user.path);
    if (seen.has(keyOfPath(at))) continue;
    seen.add(keyOfPath(at));
    homes.push(at);
    try {
      const find = (there: string): Promise<nx_resource[]> =>
        collectionsIn(call, there, nspace, type);
      for (const each of await following(call, at, find)) {
        if (!collections.has(keyOfPath(each.path))) collections.set(keyOfPath(each.path), each);
      }
    } catch (error) {
      throw elsewhere(call, error, at, originOf(href));
    }
    if (collections.size > MAX_COLLECTIONS) throw failure("too many collections", { path: at });
  }
  return { principal, homes, collections: [...collections.values()] };
}

function keyOfPath(path: string): string {
  return keyOf(locate(path)[0]);
}

// A home that is said to be on another server, and is not on this one.
function elsewhere(call: Call, error: unknown, path: string, origin: string | null): unknown {
  if (origin === null || isSameOrigin(call.sess, origin) || !(error instanceof nx_error)) {
    return error;
  }
  const { code, status, headers, condition } = error;
  const message = `${path} is said to be on ${origin}: ${error.message}`;
  return failure(message, { code, status, headers, path, condition, cause: error });
}

async function beginning(call: Call, kind: DavKind, path: string | null): Promise<nx_resource> {
  const names = ["current-user-principal", "principal-URL"].map((name) => ({ nspace: DAV, name }));
  const body = propfindBody(names, call.caller);
  if (path !== null) return follow(call, path, body);
  try {
    return await follow(call, `/.well-known/${kind}`, body);
  } catch (error) {
    const code = error instanceof nx_error ? error.status?.code : undefined;
    // a server that knows no such name has its principals at the root, or nowhere
    if (!isAbsence(code) && code !== 405 && code !== 501) throw error;
    return follow(call, "/", body);
  }
}

function principalOf(resource: nx_resource): string {
  const { path } = resource;
  const principal = resource.element(DAV, "current-user-principal");
  const [href] = principal === null ? [] : hrefsIn(principal);
  if (href !== undefined) return pathOf(href, path);
  const type = resource.element(DAV, "resourcetype");
  if (type !== null && childOf(type, DAV, "principal") !== null) return path;
  const unknown = principal !== null && childOf(principal, DAV, "unauthenticated") !== null;
  const why = unknown ? "the server does not know who asks" : "no current-user-principal";
  throw failure(`${path}: ${why}`, { path });
}

// The path of an href: the server that is asked is the session's.
function pathOf(href: string, base: string): string {
  const uri = new ne_uri();
  uri.path = base;
  return healedPath(uri, href);
}

// A PROPFIND of depth 0 that goes where the server points.
function follow(call: Call, path: string, body: string): Promise<nx_resource> {
  return following(call, path, (at) => inspect(call, at, body, `${at}: `));
}

// Asks again where the server points, as long as that is within it.
async function following<T>(
  call: Call,
  path: string,
  ask: (path: string) => Promise<T>,
): Promise<T> {
  let at = path;
  for (let hops = 0; ; hops++) {
    try {
      return await ask(at);
    } catch (error) {
      const target = error instanceof nx_error ? redirectOf(error) : null;
      if (target === null) throw error;
      const origin = originOf(target);
      if (origin !== null && !isSameOrigin(call.sess, origin)) {
        throw failure(`${at}: redirected to another server, ${origin}`, {
          ...(error instanceof nx_error ? { status: error.status, headers: error.headers } : {}),
          path: at,
        });
      }
      if (hops >= MAX_REDIRECTS) throw failure(`${at}: too many redirects`, { path: at });
      at = pathOf(target.replace(/#.*$/s, ""), at);
    }
  }
}

function redirectOf({ status, headers }: nx_error): string | null {
  if (status === null || ![301, 302, 303, 307, 308].includes(status.code)) return null;
  return firstValue(headers, "location")?.trim() ?? null;
}

async function collectionsIn(
  call: Call,
  home: string,
  nspace: string,
  type: string,
): Promise<nx_resource[]> {
  const names = [
    { nspace: DAV, name: "displayname" },
    { nspace: DAV, name: "sync-token" },
    { nspace: DAV, name: "current-user-privilege-set" },
    { nspace: "http://calendarserver.org/ns/", name: "getctag" },
    { nspace: CALDAV, name: "supported-calendar-component-set" },
  ];
  const spec = propfind(home, 1, propfindBody(names, call.caller), `${home}: `);
  const found: nx_resource[] = [];
  const collector = new ResourceCollector(home, `${home}: `);
  const isWanted = (resource: nx_resource): boolean => {
    const types = resource.element(DAV, "resourcetype");
    return types !== null && childOf(types, nspace, type) !== null;
  };
  for await (const supply of listOnce(call, spec, collector, () => true)) {
    for (const batch of batchesOf(supply)) found.push(...batch.filter(isWanted));
  }
  return found;
}
