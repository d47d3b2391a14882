// The locks that a program owns, and the If field made from them. It stands below ne_basic,
// ne_props and ne_locks because all three need it. A registered store notes, for each request, the
// locks on what the request was told it changes, and submits them in a pre_send hook.
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import { cloneForSession, type Plugin } from "../base/clonable.js";
import {
  HandleType,
  misuse,
  type ne_handle,
  type ne_request,
  type ne_session,
} from "../base/handle.js";
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
import { samePath } from "../uri/same_path.js";
import { LockIndex, spotOf, type Spot } from "./lock_index.js";
import {
  ne_path_parent,
  ne_uri,
  ne_uri_cmp,
  ne_uri_copy,
  ne_uri_free,
  ne_uri_unparse,
} from "../../ne_uri.js";

/** Scope: nobody else may hold a lock. */
export const ne_lockscope_exclusive = 0;
/** Scope: others may hold shared locks as well. */
export const ne_lockscope_shared = 1;
/** The scope of a lock (`enum ne_lock_scope`). */
export type ne_lock_scope = typeof ne_lockscope_exclusive | typeof ne_lockscope_shared;

/** Type: a write lock, the only one there is. */
export const ne_locktype_write = 0;
/** The type of a lock (`enum ne_lock_type`). */
export type ne_lock_type = typeof ne_locktype_write;

/** Timeout: never. */
export const NE_TIMEOUT_INFINITE = -1;
/** Timeout: not known; in a request, left to the server. */
export const NE_TIMEOUT_INVALID = -2;

/** What `ne_lock` is as a type; the name itself belongs to ne_locks, where a function shares it. */
export interface LockRecord {
  /** What is locked. */
  uri: ne_uri;
  /** `NE_DEPTH_ZERO` or `NE_DEPTH_INFINITE`. */
  depth: number;
  /** `ne_locktype_write`. */
  type: ne_lock_type;
  /** `ne_lockscope_exclusive` or `ne_lockscope_shared`. */
  scope: ne_lock_scope;
  /** The token, without angle brackets. */
  token: string | null;
  /** Who owns it: XML text, put into the request as it is. */
  owner: string | null;
  /** Seconds, or `NE_TIMEOUT_*`. */
  timeout: number;
}

/** A set of locks. */
export interface ne_lock_store extends ne_handle<"ne_lock_store"> {}

// A lock in a store, in a list from the newest to the oldest.
interface Entry {
  readonly lock: LockRecord;
  readonly order: number;
  readonly spot: Spot;
  newer: Entry | null;
  older: Entry | null;
}

interface Store {
  readonly entries: Map<LockRecord, Entry>;
  readonly index: LockIndex<Entry>;
  newest: Entry | null;
  count: number;
  // what the iteration gives next; undefined: none is under way
  next: Entry | null | undefined;
}

const stores = new HandleType<"ne_lock_store", Store>("ne_lock_store", (store) => {
  for (const lock of store.entries.keys()) ne_lock_free(lock);
});

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

// ---- locks

/** @returns an exclusive write lock of depth zero, timeout `NE_TIMEOUT_INVALID`, the rest unset. */
export function ne_lock_create(): LockRecord {
  return {
    uri: new ne_uri(),
    depth: NE_DEPTH_ZERO,
    type: ne_locktype_write,
    scope: ne_lockscope_exclusive,
    token: null,
    owner: null,
    timeout: NE_TIMEOUT_INVALID,
  };
}

/** @returns a copy, its `uri` included. The token must be set. */
export function ne_lock_copy(lock: Readonly<LockRecord>): LockRecord {
  if (typeof lock.token !== "string") throw misuse("ne_lock_copy", "the lock has no token");
  return { ...lock, uri: ne_uri_copy(new ne_uri(), lock.uri) };
}

/** Resets uri, owner and token; the object may be used again. */
export function ne_lock_free(lock: LockRecord): void {
  ne_uri_free(lock.uri);
  lock.owner = null;
  lock.token = null;
}

/** Resets uri, owner and token, for an object that is not needed any more. */
export function ne_lock_destroy(lock: LockRecord): void {
  ne_lock_free(lock);
}

// ---- the store

/**
 * Creates an empty store.
 *
 * @example
 * ```ts
 * const store = ne_lockstore_create();
 * ne_lockstore_register(store, sess);
 * const lock = ne_lock_create();
 * ne_fill_server_uri(sess, lock.uri);
 * lock.uri.path = "/doc.txt";
 * if ((await ne_lock(sess, lock)) === NE_OK) ne_lockstore_add(store, lock);
 * ```
 */
export function ne_lockstore_create(): ne_lock_store {
  return stores.create({
    entries: new Map(),
    index: new LockIndex(),
    newest: null,
    count: 0,
    next: undefined,
  });
}

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

/** The locks of a store, the newest first; an iteration under way is not touched. */
export function storedLocks(store: ne_lock_store, caller: string): LockRecord[] {
  const locks: LockRecord[] = [];
  let entry = stores.open(store, caller).newest;
  for (; entry !== null; entry = entry.older) locks.push(entry.lock);
  return locks;
}

/** Takes a lock out where it still is there. */
export function dropLock(store: ne_lock_store, lock: LockRecord): void {
  if (!stores.is(store)) return;
  if (stores.open(store, "dropLock").entries.has(lock)) ne_lockstore_remove(store, lock);
}

/** The tokens that a request submits. */
export function submittedTokens(req: ne_request): readonly string[] {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  return submitted?.locks.flatMap(({ token }) => token ?? []) ?? [];
}

/** Destroys the store and the locks in it. */
export function ne_lockstore_destroy(store: ne_lock_store): void {
  stores.destroy(store, "ne_lockstore_destroy");
}

/**
 * Adds a lock, at the front. It belongs to the store then, by identity; it needs a complete uri
 * (scheme, host, port, path), which must not change while it is in the store, a token and a depth.
 * A token or uri that could not be written into an `If` field throws.
 */
export function ne_lockstore_add(store: ne_lock_store, lock: LockRecord): void {
  const caller = "ne_lockstore_add";
  const state = stores.open(store, caller);
  const { scheme, host, path } = lock.uri;
  if (scheme === null || host === null || path === null) {
    throw misuse(caller, "the lock's uri needs scheme, host and path");
  }
  if (typeof lock.token !== "string") throw misuse(caller, "the lock has no token");
  checkBracketed(caller, "token", lock.token);
  checkBracketed(caller, "uri", ne_uri_unparse(lock.uri));
  if (state.entries.has(lock)) throw misuse(caller, "this lock is in the store already");
  const { newest } = state;
  const spot = spotOf(lock.uri, path);
  const entry: Entry = { lock, order: state.count++, spot, newer: null, older: newest };
  if (newest !== null) newest.newer = entry;
  state.newest = entry;
  state.entries.set(lock, entry);
  state.index.add(spot, entry);
}

/** Takes a lock out without destroying it. Throws if this very object is not in the store. */
export function ne_lockstore_remove(store: ne_lock_store, lock: LockRecord): void {
  const state = stores.open(store, "ne_lockstore_remove");
  const entry = state.entries.get(lock);
  if (entry === undefined) throw misuse("ne_lockstore_remove", "this lock is not in the store");
  state.entries.delete(lock);
  state.index.remove(entry.spot, entry);
  if (entry.newer === null) state.newest = entry.older;
  else entry.newer.older = entry.older;
  if (entry.older !== null) entry.older.newer = entry.newer;
  if (state.next === entry) state.next = entry.older;
}

/** @returns the first lock, the one added last, or `null`; starts an iteration. */
export function ne_lockstore_first(store: ne_lock_store): LockRecord | null {
  const state = stores.open(store, "ne_lockstore_first");
  return step(state, state.newest);
}

/** @returns the next lock, or `null` after the last. Throws if no iteration is under way. */
export function ne_lockstore_next(store: ne_lock_store): LockRecord | null {
  const state = stores.open(store, "ne_lockstore_next");
  if (state.next === undefined) throw misuse("ne_lockstore_next", "no iteration is under way");
  return step(state, state.next);
}

function step(state: Store, entry: Entry | null): LockRecord | null {
  state.next = entry === null ? undefined : entry.older;
  return entry?.lock ?? null;
}

/** @returns the first lock whose uri equals `uri` by `ne_uri_cmp`, or `null`. */
export function ne_lockstore_findbyuri(
  store: ne_lock_store,
  uri: Readonly<ne_uri>,
): LockRecord | null {
  const { index } = stores.open(store, "ne_lockstore_findbyuri");
  // a stored lock has a path
  if (uri.path == null) return null;
  const found = newestFirst(index.at(spotOf(uri, uri.path)));
  return found.find(({ lock }) => ne_uri_cmp(lock.uri, uri) === 0)?.lock ?? null;
}

// ---- what a request submits

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

function isDeep({ lock }: Entry): boolean {
  return lock.depth === NE_DEPTH_INFINITE;
}

function newestFirst(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => b.order - a.order);
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

/** The lock's token in angle brackets; throws if it has none, or one that cannot be written so. */
export function codedToken(caller: string, lock: Readonly<LockRecord>): string {
  if (typeof lock.token !== "string") throw misuse(caller, "the lock has no token");
  checkBracketed(caller, "token", lock.token);
  return `<${lock.token}>`;
}

function checkBracketed(caller: string, what: string, text: string): void {
  if (!isBracketable(text)) {
    throw misuse(caller, `the lock's ${what} has a character that no header field may show`);
  }
}

/** Whether the text can stand between angle brackets in a header field. */
export function isBracketable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x3c || c === 0x3e || c === 0x7f || c > 0xff) return false;
  }
  return true;
}
