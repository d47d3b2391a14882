// Locks that refresh themselves, built on ne_locks: refreshed while they are held, released once,
// found again after a crash.
import { checkPath, needPath } from "./internal/resources/argument_checks.js";
import { isBracketable, ne_lock_create } from "./internal/plugins/lock_record.js";
import type { ne_lock_store } from "./internal/plugins/lock_store.js";
import { misuse, needHandle, type ne_session } from "./internal/base/handle.js";
import { needCallbackOrNull, needText, needXmlText } from "./internal/base/arguments.js";
import { readOptions } from "./internal/base/call_options.js";
import { systemClock } from "./internal/locks/clock.js";
import { discoverLocks, type nx_lock_info } from "./internal/locks/discovery.js";
import { HeldLock } from "./internal/locks/held_lock.js";
import { loadStore, saveStore } from "./internal/locks/saved_store.js";
import { storeOf } from "./internal/locks/session_locks.js";
import { giveBack, type LockWish, sendUnlock, takeLock } from "./internal/locks/taking.js";
import { ne_fill_server_uri } from "./ne_session.js";

export type { nx_lock_info };

/** How to lock. Unknown options are a TypeError. */
export interface nx_lock_options {
  /** seconds to request, also when refreshing (default 600), or Infinity */
  timeout?: number | undefined;
  /** 0 (default), or Infinity for a collection and all in it, now and later */
  depth?: 0 | typeof Infinity | undefined;
  /** `exclusive` (default), or `shared` with other shared locks */
  scope?: "exclusive" | "shared" | undefined;
  /** who holds the lock, as text for others to read */
  owner?: string | undefined;
  /**
   * refresh the lock before it runs out, for as long as it is held (default true); on a connection
   * of its own if the session is busy. Temporary failures are tried again until the lock has run
   * out. The timer does not keep the process alive
   */
  renew?: boolean | undefined;
  /**
   * called once when the lock is gone: a refresh was refused, or the response to a request shows
   * it. The token is still sent: a 412 is better than overwriting somebody else's work
   */
  onlost?: ((reason: Error) => void) | undefined;
  /** the store to add it to (default: the session's, `nx_session_lockstore`) */
  store?: ne_lock_store | undefined;
  /** aborts the LOCK request, but not a lock that is held */
  signal?: AbortSignal | undefined;
}

declare const held: unique symbol;

/** A lock that is held. `await using lock = await nx_lock(sess, path)` releases it at the end. */
export interface nx_held_lock extends AsyncDisposable {
  /** Distinguishes the type for the compiler; it does not exist at run time. */
  readonly [held]: true;
}

const OPTIONS = new Set<keyof nx_lock_options>([
  ...(["timeout", "depth", "scope", "owner", "renew", "onlost", "store", "signal"] as const),
]);
const DEFAULT_TIMEOUT = 600;

/**
 * The lock store of a session, whose locks its requests submit. If the session has none, one is
 * created and registered.
 */
export function nx_session_lockstore(sess: ne_session): ne_lock_store {
  needHandle(sess, "ne_session", "nx_session_lockstore");
  return storeOf(sess);
}

/**
 * Takes a lock (RFC 4918 section 9.10). Requests of the session then carry its token where the RFC
 * asks for it, and to this server only.
 * @param path a request target, percent-encoded; if there is no resource, most servers create an
 *   empty file
 * @returns the lock
 * @throws `nx_error` if the lock is refused; for a 423 its `path` names what is in the way, if the
 *   server says so
 * @example
 * ```ts
 * await using lock = await nx_lock(sess, "/doc.txt", {
 *   owner: "editor of A. Writer",
 *   onlost: (reason) => console.error("save under another name:", reason.message),
 * });
 * await ne_putbuf(sess, "/doc.txt", Buffer.from("changed"));
 * ```
 */
export async function nx_lock(
  sess: ne_session,
  path: string,
  options: nx_lock_options = {},
): Promise<nx_held_lock> {
  needHandle(sess, "ne_session", "nx_lock");
  needPath(path, "nx_lock");
  checkPath(path, "nx_lock");
  const lock = await takeLock(sess, path, wishOf(options), systemClock);
  return lock as unknown as nx_held_lock;
}

function wishOf(options: nx_lock_options): LockWish {
  const caller = "nx_lock";
  const own = readOptions(options, OPTIONS, caller);
  const { timeout = DEFAULT_TIMEOUT, depth = 0, scope = "exclusive", renew = true } = own;
  if (timeout !== Infinity && !(Number.isSafeInteger(timeout) && timeout > 0)) {
    throw misuse(caller, "timeout must be a whole number of seconds above 0, or Infinity");
  }
  if (depth !== 0 && depth !== Infinity) throw misuse(caller, "depth must be 0 or Infinity");
  if (scope !== "exclusive" && scope !== "shared") {
    throw misuse(caller, 'scope must be "exclusive" or "shared"');
  }
  if (typeof renew !== "boolean") throw misuse(caller, "renew must be true or false");
  needCallbackOrNull(own.onlost, caller, "onlost");
  if (own.owner !== undefined) needXmlText(own.owner, caller, "owner");
  if (own.store !== undefined) needHandle(own.store, "ne_lock_store", caller);
  const { signal = null } = own;
  if (signal !== null && !(signal instanceof AbortSignal)) {
    throw misuse(caller, "signal must be an AbortSignal");
  }
  return {
    ...{ timeout, depth, scope, renew, signal },
    owner: own.owner ?? null,
    onlost: own.onlost ?? null,
    store: own.store ?? null,
  };
}

/**
 * Releases a lock; a second call does nothing. A lock that the server no longer knows counts as
 * released (Apache answers 400 or 409: the resource's lockdiscovery decides). The lock is no longer
 * refreshed once this is called, and its token is no longer sent afterwards.
 * @throws `nx_error` if it fails; the call can then be repeated
 */
export async function nx_unlock(lock: nx_held_lock): Promise<void> {
  return giveBack(HeldLock.open(lock, "nx_unlock"));
}

/** The token of a lock. It is a secret. */
export function nx_lock_token(lock: nx_held_lock): string {
  return HeldLock.open(lock, "nx_lock_token").token;
}

/** When a lock runs out, as of the last refresh; `null` for never. */
export function nx_lock_expires(lock: nx_held_lock): Date | null {
  const { expiresAt } = HeldLock.open(lock, "nx_lock_expires");
  return expiresAt === null ? null : new Date(expiresAt);
}

/**
 * Every lock on a resource, whoever holds it (RFC 4918 section 15.8).
 * @throws `nx_error` if the request fails, or if the server does not say
 * @example
 * ```ts
 * for (const { owner, timeout } of await nx_locks(sess, "/doc.txt")) console.log(owner, timeout);
 * ```
 */
export async function nx_locks(
  sess: ne_session,
  path: string,
): Promise<readonly nx_lock_info[]> {
  needHandle(sess, "ne_session", "nx_locks");
  needPath(path, "nx_locks");
  checkPath(path, "nx_locks");
  return Object.freeze(await discoverLocks(sess, path));
}

/**
 * Ends somebody else's lock, or one left by a process that died, by its token. A lock that is gone
 * already is no failure.
 * @throws `nx_error` if it fails
 */
export async function nx_break_lock(sess: ne_session, path: string, token: string): Promise<void> {
  const caller = "nx_break_lock";
  needHandle(sess, "ne_session", caller);
  needPath(path, caller);
  checkPath(path, caller);
  if (!isBracketable(needText(token, caller, "token")) || token === "") {
    throw misuse(caller, "the token has a character that no header field may show, or is empty");
  }
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = path;
  lock.token = token;
  return sendUnlock(sess, lock);
}

/**
 * A store as text, from which a program can find its locks after a crash. Keep it where others
 * cannot read it, since tokens are secrets.
 */
export function nx_lockstore_save(store: ne_lock_store): string {
  needHandle(store, "ne_lock_store", "nx_lockstore_save");
  return saveStore(store);
}

/**
 * Adds the locks of a text that `nx_lockstore_save` wrote; tokens that are in the store already are
 * skipped. Any other text is a TypeError, and adds nothing. Loaded locks are submitted, but not
 * refreshed.
 * @example
 * ```ts
 * const store = nx_session_lockstore(sess);
 * nx_lockstore_load(store, fs.readFileSync("locks", "utf8"));
 * let lock = ne_lockstore_first(store);
 * while (lock !== null) {
 *   await nx_break_lock(sess, lock.uri.path!, lock.token!);
 *   ne_lockstore_remove(store, lock);
 *   lock = ne_lockstore_first(store);
 * }
 * ```
 */
export function nx_lockstore_load(store: ne_lock_store, text: string): void {
  needHandle(store, "ne_lock_store", "nx_lockstore_load");
  loadStore(store, needText(text, "nx_lockstore_load", "text"), "nx_lockstore_load");
}
