// A lock as a program has it: what is locked, how, and the token that proves it.
import { NE_DEPTH_ZERO } from "../base/constants.js";
import { misuse } from "../base/handle.js";
import { ne_uri, ne_uri_copy, ne_uri_free } from "../../ne_uri.js";

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

/** The lock's token in angle brackets; throws if it has none, or one that cannot be written so. */
export function codedToken(caller: string, lock: Readonly<LockRecord>): string {
  if (typeof lock.token !== "string") throw misuse(caller, "the lock has no token");
  checkBracketed(caller, "token", lock.token);
  return `<${lock.token}>`;
}

/** Throws for a text that cannot stand between angle brackets. */
export function checkBracketed(caller: string, what: string, text: string): void {
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
