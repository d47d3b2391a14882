// A lock store as text, and back: what a program needs to find its locks after a crash.
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import { misuse } from "../base/handle.js";
import {
  isBracketable,
  type LockRecord,
  NE_TIMEOUT_INVALID,
  ne_lock_create,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
} from "../plugins/lock_record.js";
import { type ne_lock_store, ne_lockstore_add, storedLocks } from "../plugins/lock_store.js";
import { ne_uri_parse, ne_uri_unparse } from "../../ne_uri.js";

/** First in the text: the kind of text, and its version. */
const KIND = "libneon locks 1";

interface SavedLock {
  readonly url: string;
  readonly token: string;
  readonly deep: boolean;
  readonly shared: boolean;
  readonly owner: string | null;
  readonly timeout: number;
}

/** Writes the locks of a store, the oldest first. */
export function saveStore(store: ne_lock_store): string {
  const locks = storedLocks(store, "nx_lockstore_save")
    .reverse()
    // those that were freed are held no more
    .filter(({ uri, token }) => uri.path !== null && token !== null)
    .map(savedOf);
  return JSON.stringify({ kind: KIND, locks });
}

function savedOf(lock: LockRecord): SavedLock {
  return {
    url: ne_uri_unparse(lock.uri),
    token: lock.token ?? "",
    deep: lock.depth === NE_DEPTH_INFINITE,
    shared: lock.scope === ne_lockscope_shared,
    owner: lock.owner,
    timeout: lock.timeout,
  };
}

/**
 * Adds what was saved, but for tokens that are there. Throws for other text, with nothing added.
 */
export function loadStore(store: ne_lock_store, text: string, caller: string): void {
  const present = new Set(storedLocks(store, caller).map(({ token }) => token));
  for (const lock of parseSaved(text, caller)) {
    if (present.has(lock.token)) continue;
    present.add(lock.token);
    ne_lockstore_add(store, lock);
  }
}

function parseSaved(text: string, caller: string): LockRecord[] {
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    throw misuse(caller, "the text is no saved store");
  }
  const { kind, locks } = (saved ?? {}) as { kind?: unknown; locks?: unknown };
  if (kind !== KIND || !Array.isArray(locks)) throw misuse(caller, "the text is no saved store");
  return locks.map((lock) => lockOf(lock, caller));
}

function lockOf(saved: unknown, caller: string): LockRecord {
  const { url, token, deep, shared, owner, timeout } = (saved ?? {}) as Partial<SavedLock>;
  const lock = ne_lock_create();
  const isRight =
    typeof url === "string" &&
    ne_uri_parse(url, lock.uri) === 0 &&
    lock.uri.scheme !== null &&
    lock.uri.host !== null &&
    lock.uri.host !== "" &&
    isBracketable(url) &&
    typeof token === "string" &&
    token !== "" &&
    isBracketable(token) &&
    typeof deep === "boolean" &&
    typeof shared === "boolean" &&
    (owner === null || typeof owner === "string") &&
    Number.isSafeInteger(timeout);
  if (!isRight) throw misuse(caller, "a lock in the text is none");
  return Object.assign(lock, {
    token,
    depth: deep ? NE_DEPTH_INFINITE : NE_DEPTH_ZERO,
    scope: shared ? ne_lockscope_shared : ne_lockscope_exclusive,
    owner,
    timeout: timeout ?? NE_TIMEOUT_INVALID,
  });
}
