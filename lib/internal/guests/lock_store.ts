// The locks that a program owns, and the If field made of them: what floor 5 needs of locking on
// both sides of ne_basic, ne_props and ne_locks. A registered store notes, for each request, the
// locks that cover what the request was told to change, and submits them in a pre_send hook.
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import { cloneForSession, type Guest } from "../base/clonable.js";
import {
  HandleType,
  misuse,
  type ne_handle,
  type ne_request,
  type ne_session,
} from "../base/handle.js";
import {
  ne_get_request_private,
  ne_get_session,
  ne_hook_create_request,
  ne_hook_pre_send,
  ne_set_request_private,
} from "../../ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_fill_server_uri,
  ne_get_session_flag,
} from "../../ne_session.js";
import { type ne_buffer, ne_buffer_zappend, ne_strcasecmp, ne_strlower } from "../../ne_string.js";
import {
  ne_path_childof,
  ne_path_compare,
  ne_path_parent,
  ne_uri,
  ne_uri_cmp,
  ne_uri_copy,
  ne_uri_defaultport,
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

// Newest lock last, so that adding is cheap; everything goes through them backwards.
interface Store {
  readonly locks: LockRecord[];
  // index of the lock that the iteration gave last; null: none is under way
  cursor: number | null;
}

const stores = new HandleType<"ne_lock_store", Store>("ne_lock_store", (store) => {
  for (const lock of store.locks) ne_lock_free(lock);
});

// A store's registration with a session. The store is shared with the session's clones, whatever
// their server: each request picks the locks of its own server.
class Registration implements Guest {
  constructor(readonly store: ne_lock_store) {}

  [cloneForSession](): Registration {
    return new Registration(this.store);
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
  return stores.create({ locks: [], cursor: null });
}

/**
 * Makes requests of the session use the locks of the store, which must live longer than the
 * session.
 */
export function ne_lockstore_register(store: ne_lock_store, sess: ne_session): void {
  stores.open(store, "ne_lockstore_register");
  const registration = new Registration(store);
  ne_hook_create_request(sess, beginSubmitting, registration);
  ne_hook_pre_send(sess, appendIf, registration);
}

/** Destroys the store and the locks in it. */
export function ne_lockstore_destroy(store: ne_lock_store): void {
  stores.destroy(store, "ne_lockstore_destroy");
}

/**
 * Adds a lock, at the front. It belongs to the store then, by identity; it needs a complete uri
 * (scheme, host, port, path), a token and a depth. A token or uri that could not be written into
 * an `If` field throws.
 */
export function ne_lockstore_add(store: ne_lock_store, lock: LockRecord): void {
  const caller = "ne_lockstore_add";
  const { locks } = stores.open(store, caller);
  const { scheme, host, path } = lock.uri;
  if (scheme === null || host === null || path === null) {
    throw misuse(caller, "the lock's uri needs scheme, host and path");
  }
  if (typeof lock.token !== "string") throw misuse(caller, "the lock has no token");
  checkBracketed(caller, "token", lock.token);
  checkBracketed(caller, "uri", ne_uri_unparse(lock.uri));
  if (locks.includes(lock)) throw misuse(caller, "this lock is in the store already");
  locks.push(lock);
}

/** Takes a lock out without destroying it. Throws if this very object is not in the store. */
export function ne_lockstore_remove(store: ne_lock_store, lock: LockRecord): void {
  const state = stores.open(store, "ne_lockstore_remove");
  const index = state.locks.indexOf(lock);
  if (index < 0) throw misuse("ne_lockstore_remove", "this lock is not in the store");
  state.locks.splice(index, 1);
  // the locks above the cursor were seen already; the one that took the place of the lock it
  // stands on as well, so it stays
  if (state.cursor !== null && index < state.cursor) state.cursor--;
}

/** @returns the first lock, the one added last, or `null`; starts an iteration. */
export function ne_lockstore_first(store: ne_lock_store): LockRecord | null {
  const state = stores.open(store, "ne_lockstore_first");
  return step(state, state.locks.length);
}

/** @returns the next lock, or `null` after the last. Throws if no iteration is under way. */
export function ne_lockstore_next(store: ne_lock_store): LockRecord | null {
  const state = stores.open(store, "ne_lockstore_next");
  if (state.cursor === null) throw misuse("ne_lockstore_next", "no iteration is under way");
  return step(state, state.cursor);
}

function step(state: Store, from: number): LockRecord | null {
  state.cursor = from > 0 ? from - 1 : null;
  return state.cursor === null ? null : state.locks[state.cursor]!;
}

/** @returns the first lock whose uri equals `uri` by `ne_uri_cmp`, or `null`. */
export function ne_lockstore_findbyuri(
  store: ne_lock_store,
  uri: Readonly<ne_uri>,
): LockRecord | null {
  const { locks } = stores.open(store, "ne_lockstore_findbyuri");
  return locks.findLast((lock) => ne_uri_cmp(lock.uri, uri) === 0) ?? null;
}

// ---- what a request submits

/**
 * Tells that the request changes the resource at `path`. Submitted are locks on it, locks of
 * infinite depth above it and, for depth infinite, locks below it, on this server. Without a
 * registered store nothing happens.
 * @param depth `NE_DEPTH_*`.
 */
export function ne_lock_using_resource(req: ne_request, path: string, depth: number): void {
  submit(req, "ne_lock_using_resource", (lock, locked) => {
    if (ne_path_compare(path, locked) === 0) return true;
    if (lock.depth === NE_DEPTH_INFINITE && ne_path_childof(locked, path) !== 0) return true;
    return depth === NE_DEPTH_INFINITE && ne_path_childof(path, locked) !== 0;
  });
}

/**
 * Tells that the request changes the parent collection of `path`. Submitted are locks on the parent
 * and locks of infinite depth above it, on this server. Without a registered store nothing happens.
 */
export function ne_lock_using_parent(req: ne_request, path: string): void {
  const parent = ne_path_parent(path);
  if (parent === null) return;
  submit(req, "ne_lock_using_parent", (lock, locked) => {
    if (ne_path_compare(parent, locked) === 0) return true;
    return lock.depth === NE_DEPTH_INFINITE && ne_path_childof(locked, parent) !== 0;
  });
}

function submit(
  req: ne_request,
  caller: string,
  covers: (lock: LockRecord, locked: string) => boolean,
): void {
  const submitted = ne_get_request_private<Submitted>(req, PRIVATE_ID);
  if (submitted === null) return;
  const { locks } = stores.open(submitted.by.store, caller);
  const server = new ne_uri();
  ne_fill_server_uri(ne_get_session(req), server);
  for (let i = locks.length - 1; i >= 0; i--) {
    const lock = locks[i]!;
    const path = lock.uri.path;
    if (path === null || lock.token === null || !isOnServer(lock.uri, server)) continue;
    if (covers(lock, path)) addSubmitted(submitted, lock);
  }
}

// A token is submitted once, however many locks carry it; neon compares tokens without case.
function addSubmitted(submitted: Submitted, lock: LockRecord): void {
  const token = ne_strlower(lock.token!);
  if (submitted.tokens.has(token)) return;
  submitted.tokens.add(token);
  submitted.locks.push(lock);
}

// neon looks at the server only for parents; a token is a secret of its own server, so here it
// never goes to another one.
function isOnServer(uri: Readonly<ne_uri>, server: Readonly<ne_uri>): boolean {
  if (uri.scheme === null || uri.host === null) return false;
  return (
    ne_strcasecmp(uri.scheme, server.scheme!) === 0 &&
    ne_strcasecmp(uri.host, server.host!) === 0 &&
    (uri.port || ne_uri_defaultport(uri.scheme)) === server.port
  );
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
  const untagged = ne_get_session_flag(ne_get_session(req), NE_SESSFLAG_SHAREPOINT) > 0;
  ne_buffer_zappend(header, `If: ${untagged ? untaggedList(locks) : taggedList(locks)}\r\n`);
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
