// The locks that a program owns, found by what they lock.
import { HandleType, misuse, type ne_handle } from "../base/handle.js";
import { ne_uri_cmp, ne_uri_unparse, type ne_uri } from "../../ne_uri.js";
import { LockIndex, spotOf, type Spot } from "./lock_index.js";
import { checkBracketed, ne_lock_free, type LockRecord } from "./lock_record.js";

/** A set of locks. */
export interface ne_lock_store extends ne_handle<"ne_lock_store"> {}

/** A lock in a store, in a list from the newest to the oldest. */
export interface Entry {
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

export const stores = new HandleType<"ne_lock_store", Store>("ne_lock_store", (store) => {
  for (const lock of store.entries.keys()) ne_lock_free(lock);
});

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

/** Sorts locks by their age. */
export function newestFirst(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => b.order - a.order);
}
