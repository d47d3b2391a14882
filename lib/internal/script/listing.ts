// Walking a server's collections. One PROPFIND hands over one resource at a time: its parser waits
// in the result callback until the loop asks for the next, and so does the connection. A whole tree
// is walked by requests of depth 1, folder by folder.
//
//   loop ◄── resource ── result callback ◄── parser ◄── connection
//
// A walk follows nothing but members of the folder that was asked for, whose paths are the folder's
// and one part more: so it ends, goes nowhere else and meets each resource once.
import { NE_DEPTH_ONE, NE_DEPTH_ZERO, NE_ERROR, NE_OK } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { requests } from "../session/request.js";
import { wholeStatus, type WholeStatus } from "../dav/resource_status.js";
import {
  ne_propfind_create,
  ne_propfind_destroy,
  ne_propfind_get_request,
  ne_propfind_named,
  type ne_prop_result_set,
  type ne_propname,
} from "../../ne_props.js";
import { ne_fill_server_uri, ne_get_error } from "../../ne_session.js";
import { ne_uri } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";
import { nx_get_cause, nx_request_abort, nx_set_request_signal } from "../../nx_session.js";
import { statusOf } from "./response_body.js";
import { isOwn, makeResource, STANDARD_PROPS, type nx_resource } from "./resource.js";

/** Folders one inside another: more are a loop on the server's side. */
const MAX_NESTING = 256;
/** Paths remembered of one response, to give none twice; beyond, repetitions are not noticed. */
const MAX_REMEMBERED = 65_536;

/** Characters of the paths that are remembered, or of folders that are still to be walked. */
const MAX_PATHS_CHARS = 1 << 25;

/** A listing under way. */
export interface Listing {
  readonly sess: ne_session;
  readonly names: readonly ne_propname[];
  readonly signal: AbortSignal | null;
  /** The request that is running now. */
  request: ne_request | null;
  /** The loop was left. */
  stopped: boolean;
}

interface Found {
  readonly resource: nx_resource;
  /** On the server that was asked. */
  readonly own: boolean;
}

/** Starts a listing. */
export function createListing(
  sess: ne_session,
  props: readonly ne_propname[],
  signal: AbortSignal | null,
): Listing {
  const known = new Set(STANDARD_PROPS.map(({ nspace, name }) => `${name} ${nspace}`));
  const more = props.filter(({ nspace, name }) => !known.has(`${name ?? ""} ${nspace ?? ""}`));
  return { sess, names: [...STANDARD_PROPS, ...more], signal, request: null, stopped: false };
}

/** Gives what one PROPFIND answers, of depth 0 or 1. */
export async function* listOnce(
  listing: Listing,
  path: string,
  depth: 0 | 1,
): AsyncGenerator<nx_resource> {
  const seen = new Seen();
  for await (const { resource } of find(listing, path, depth, "")) {
    if (seen.isNew(resource.path)) yield resource;
  }
}

/** Gives a collection and everything below it. */
export async function* walk(listing: Listing, path: string): AsyncGenerator<nx_resource> {
  const pending = [path];
  let chars = 0;
  const top = pathParts(path).length;
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const isTop = at === path;
    if (!isTop) chars -= at.length;
    const folder = pathParts(at);
    if (folder.length - top > MAX_NESTING) {
      throw new nx_error(`${at}: folders are nested too deeply`, NE_ERROR);
    }
    const below: string[] = [];
    const seen = new Seen();
    for await (const { resource, own } of find(listing, at, 1, isTop ? "" : `${at}: `)) {
      if (!own) continue;
      const parts = pathParts(resource.path);
      const isMember = isChild(folder, parts);
      if (!isMember && !(isTop && samePath(folder, parts))) continue;
      if (!seen.isNew(parts.join("/"))) continue;
      if (isMember && resource.collection) {
        const inner = withSlash(resource.path);
        below.push(inner);
        chars += inner.length;
        if (chars > MAX_PATHS_CHARS) throw new nx_error(`${at}: too many folders`, NE_ERROR);
      }
      yield resource;
    }
    pending.push(...below.reverse());
  }
}

// One request, its resources one by one.
async function* find(
  listing: Listing,
  path: string,
  depth: 0 | 1,
  context: string,
): AsyncGenerator<Found> {
  const { sess, names, signal } = listing;
  const handler = ne_propfind_create(sess, path, depth === 0 ? NE_DEPTH_ZERO : NE_DEPTH_ONE);
  const req = ne_propfind_get_request(handler);
  nx_set_request_signal(req, signal);
  const server = new ne_uri();
  ne_fill_server_uri(sess, server);
  const request = requests.open(req, "nx_list");
  const belt = new Belt(() => request.scope.broken !== null);
  const offer = (
    uri: Readonly<ne_uri>,
    set: ne_prop_result_set | null,
    status: Readonly<ne_status> | null,
  ): Promise<void> =>
    belt.put({ resource: makeResource(uri, server, set, status), own: isOwn(uri, server) });
  const whole: WholeStatus = { status: null, bare: (uri) => offer(uri, null, whole.status) };
  const results = (_u: unknown, uri: Readonly<ne_uri>, set: ne_prop_result_set): Promise<void> =>
    offer(uri, set, whole.status);
  const telling = Object.assign(results, { [wholeStatus]: whole });
  const running = ne_propfind_named(handler, names, telling)
    .then((code) => {
      if (!listing.stopped) checkOutcome(sess, req, code, context);
    })
    .then(
      () => belt.end(null),
      (error: unknown) => belt.end({ error }),
    );
  listing.request = req;
  try {
    for (let found = await belt.take(); found !== null; found = await belt.take()) yield found;
  } finally {
    listing.request = null;
    if (!belt.ended) nx_request_abort(req);
    await running;
    ne_propfind_destroy(handler);
  }
}

function checkOutcome(sess: ne_session, req: ne_request, code: number, context: string): void {
  const status = statusOf(req);
  if (code === NE_OK && status.code === 207) return;
  const error = ne_get_error(sess);
  if (code === NE_OK) {
    throw new nx_error(`${context}the answer is no list of resources: ${error}`, NE_ERROR, status);
  }
  const cause = nx_get_cause(sess);
  throw new nx_error(context + error, code, status.code === 0 ? null : status, cause);
}

// Room for one thing between who makes and who takes: putting is over when the taker comes again.
class Belt {
  #item: Found | null = null;
  #taken: (() => void) | null = null;
  #wake: (() => void) | null = null;
  #end: { failed: { error: unknown } | null } | null = null;
  #isBroken: () => boolean;

  /** @param isBroken whether the maker was told to stop, so that only its end is to come */
  constructor(isBroken: () => boolean) {
    this.#isBroken = isBroken;
  }

  get ended(): boolean {
    return this.#end !== null;
  }

  put(item: Found): Promise<void> {
    this.#item = item;
    this.#wake?.();
    return new Promise((resolve) => (this.#taken = resolve));
  }

  end(failed: { error: unknown } | null): void {
    this.#end = { failed };
    this.#wake?.();
  }

  async take(): Promise<Found | null> {
    if (!this.#isBroken()) this.#taken?.();
    this.#taken = null;
    while (this.#item === null || this.#isBroken()) {
      if (this.#end !== null) {
        if (this.#end.failed !== null) throw this.#end.failed.error;
        return null;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const item = this.#item;
    this.#item = null;
    return item;
  }
}

class Seen {
  #paths = new Set<string>();
  #chars = 0;

  isNew(path: string): boolean {
    if (this.#paths.has(path)) return false;
    if (this.#paths.size < MAX_REMEMBERED && this.#chars < MAX_PATHS_CHARS) {
      this.#paths.add(path);
      this.#chars += path.length;
    }
    return true;
  }
}

// The parts of a path in one spelling: what needs no escape unescaped, other escapes in upper case.
function pathParts(path: string): string[] {
  return path
    .replace(/%([0-9a-f]{2})/gi, (escape, digits: string) => {
      const char = String.fromCharCode(Number.parseInt(digits, 16));
      return /[A-Za-z0-9._~-]/.test(char) ? char : escape.toUpperCase();
    })
    .replace(/\?.*$/s, "")
    .split("/")
    .filter((part) => part !== "");
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i]);
}

function isChild(folder: readonly string[], parts: readonly string[]): boolean {
  const last = parts.at(-1);
  if (parts.length !== folder.length + 1 || last === "." || last === "..") return false;
  return samePath(folder, parts.slice(0, -1));
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
