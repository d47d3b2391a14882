// The locks that a request uses: a registered store notes, for each request, the locks on what the
// request was told it changes, and submits them in a pre_send hook, as the field If. It stands
// below ne_basic, ne_props and ne_locks because all three need it.
import { NE_DEPTH_INFINITE } from "../base/constants.js";
import { cloneForSession, type Plugin } from "../base/clonable.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { samePath } from "../uri/same_path.js";
import {
  ne_get_request_private,
  ne_get_request_target,
  ne_get_session,
  ne_hook_create_request,
  ne_hook_pre_send,
  ne_set_request_private,
} from "../../ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_fill_server_uri,
  ne_get_session_flag,
  ne_get_session_private,
  ne_set_session_private,
} from "../../ne_session.js";
import { type ne_buffer, ne_buffer_zappend, ne_strlower } from "../../ne_string.js";
import { ne_path_parent, ne_uri, ne_uri_unparse } from "../../ne_uri.js";
import { spotOf, type LockIndex, type Spot } from "./lock_index.js";
import { checkBracketed, codedToken, type LockRecord } from "./lock_record.js";
import { newestFirst, stores, type Entry, type ne_lock_store } from "./lock_store.js";

// A store's registration with a session. The store is shared with the session's clones, whatever
// their server: each request picks the locks of its own server.
class Registration implements Plugin {
  /** @param stores the store that was registered, and those that joined it */
  constructor(readonly stores: ne_lock_store[]) {}

  [cloneForSession](): Registration {
    return new Registration(this.stores);
  }
}

// What one request submits. It belongs to the first store registered, as in C.
interface Submitted {
  readonly by: Registration;
  // in the order found; the field shows them backwards
  readonly locks: LockRecord[];
  readonly tokens: Set<string>;
}

const PRIVATE_ID = "http://webdav.org/neon/hooks/lock-submit";
const REGISTRATION_ID = "libneon:lock-store";

/**
 * Makes requests of the session use the locks of the store, which must live longer than the
 * session.
 */
export function ne_lockstore_register(store: ne_lock_store, sess: ne_session): void {
  stores.open(store, "ne_lockstore_register");
  const registration = new Registration([store]);
  ne_hook_create_request(sess, beginSubmitting, registration);
  ne_hook_pre_send(sess, appendIf, registration);
  const first = ne_get_session_private<Registration>(sess, REGISTRATION_ID);
  if (first === null) ne_set_session_private(sess, REGISTRATION_ID, registration);
}

/** The store that requests of a session use, `null` where none is registered. */
export function registeredStore(sess: ne_session): ne_lock_store | null {
  return ne_get_session_private<Registration>(sess, REGISTRATION_ID)?.stores[0] ?? null;
}

/** Makes requests of a session use a store as well as the one that is registered. */
export function joinStore(sess: ne_session, store: ne_lock_store, caller: string): void {
  stores.open(store, caller);
  const first = ne_get_session_private<Registration>(sess, REGISTRATION_ID);
  if (first === null) ne_lockstore_register(store, sess);
  else if (!first.stores.includes(store)) first.stores.push(store);
}

/** The tokens that a request submits. */
export function submittedTokens(req: ne_request): readonly string[] {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  return submitted?.locks.flatMap(({ token }) => token ?? []) ?? [];
}

/**
 * Tells that the request changes the resource at `path`. Submitted are locks on it, locks of
 * infinite depth above it and, for depth infinite, locks below it, on this server. Without a
 * registered store nothing happens.
 * @param depth `NE_DEPTH_*`.
 */
export function ne_lock_using_resource(req: ne_request, path: string, depth: number): void {
  submit(req, "ne_lock_using_resource", path, (index, spot) => [
    ...index.at(spot),
    ...index.above(spot).filter(isDeep),
    ...(depth === NE_DEPTH_INFINITE ? index.below(spot) : []),
  ]);
}

/**
 * Tells that the request changes the parent collection of `path`. Submitted are locks on the parent
 * and locks of infinite depth above it, on this server. Without a registered store nothing happens.
 */
export function ne_lock_using_parent(req: ne_request, path: string): void {
  const parent = ne_path_parent(path);
  if (parent === null) return;
  submit(req, "ne_lock_using_parent", parent, (index, spot) => [
    ...index.at(spot),
    ...index.above(spot).filter(isDeep),
  ]);
}

/** Whether the request has the token of a lock to submit, and so a field `If` of its own. */
export function submitsLocks(req: ne_request): boolean {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  return submitted !== null && submitted.locks.length > 0;
}

// A token is a secret of its own server, so it never goes to another one; neon looks at the server
// only for parents.
function submit(
  req: ne_request,
  caller: string,
  path: string,
  concerned: (index: LockIndex<Entry>, spot: Spot) => Entry[],
): void {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  if (submitted === null) return;
  const server = new ne_uri();
  ne_fill_server_uri(ne_get_session(req), server);
  const spot = spotOf(server, path);
  for (const store of submitted.by.stores) {
    for (const { lock } of newestFirst(concerned(stores.open(store, caller).index, spot))) {
      if (lock.uri.path !== null) addSubmitted(submitted, lock);
    }
  }
}

// A token is submitted once, however many locks carry it; neon compares tokens without case.
function addSubmitted(submitted: Submitted, lock: LockRecord): void {
  if (lock.token === null) return;
  const token = ne_strlower(lock.token);
  if (submitted.tokens.has(token)) return;
  submitted.tokens.add(token);
  submitted.locks.push(lock);
}

function beginSubmitting(req: ne_request, by: Registration): void {
  ne_set_request_private(req, PRIVATE_ID, { by, locks: [], tokens: new Set() } satisfies Submitted);
}

function appendIf(req: ne_request, by: Registration, header: ne_buffer): void {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  if (submitted === null || submitted.by !== by) return;
  // locks that were destroyed meanwhile are not held any more
  const locks = submitted.locks
    .filter((lock) => lock.token !== null && lock.uri.path !== null)
    .reverse();
  if (locks.length === 0) return;
  const ignoresTags = ne_get_session_flag(ne_get_session(req), NE_SESSFLAG_SHAREPOINT) > 0;
  const list = ignoresTags || isOfTarget(req, locks) ? untaggedList(locks) : taggedList(locks);
  ne_buffer_zappend(header, `If: ${list}\r\n`);
}

// A lone lock on the request's own target needs no tag; behind a proxy that does not rewrite the
// field one with the outer host is not understood.
function isOfTarget(req: ne_request, locks: readonly LockRecord[]): boolean {
  const [lock, ...others] = locks;
  const target = ne_get_request_target(req)?.path;
  if (lock?.uri.path == null || others.length > 0 || target == null) return false;
  return samePath(lock.uri.path, target);
}

// RFC 4918 section 10.4.3: each state token for its own resource
function taggedList(locks: LockRecord[]): string {
  return locks
    .map((lock) => {
      const uri = ne_uri_unparse(lock.uri);
      checkBracketed("ne_lock_using_resource", "uri", uri);
      return `<${uri}> (${codedToken("ne_lock_using_resource", lock)})`;
    })
    .join(" ");
}

// SharePoint does not understand resource tags.
function untaggedList(locks: LockRecord[]): string {
  return `(${locks.map((lock) => codedToken("ne_lock_using_resource", lock)).join(" ")})`;
}

function isDeep({ lock }: Entry): boolean {
  return lock.depth === NE_DEPTH_INFINITE;
}
