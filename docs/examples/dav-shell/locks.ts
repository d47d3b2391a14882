// Commands of locks: lock, unlock, locks. The session's store sends their tokens wherever they are
// needed; those still held when the shell ends are given back.

import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "libneon/ne_basic";
import {
  ne_lock,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_discover,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
  ne_lockstore_add,
  ne_lockstore_findbyuri,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_remove,
  ne_unlock,
} from "libneon/ne_locks";
import { NE_OK } from "libneon/ne_request";
import { ne_fill_server_uri, ne_get_error } from "libneon/ne_session";
import { ne_uri } from "libneon/ne_uri";
import { look } from "./resources.js";
import { failed, note, print, type Shell } from "./session.js";
import { asCollection, resolvePath, shownPath } from "./words.js";

const LOCK_TIMEOUT = 3600; // seconds

/** lock [-s] [-0] PATH: a folder with all in it, unless -0 says the folder alone */
export async function lock(shell: Shell, args: string[], flags: string): Promise<number> {
  const found = await look(shell, resolvePath(shell.folder, args[0] ?? "."));
  if (found.code !== NE_OK) return found.code;
  const deep = found.isCollection && !flags.includes("0");
  return takeLock(shell, found.path, deep, flags.includes("s"));
}

/** Locks a resource and puts the lock into the store. */
export async function takeLock(
  shell: Shell,
  path: string,
  deep: boolean,
  shared: boolean,
): Promise<number> {
  const wanted = ne_lock_create();
  ne_fill_server_uri(shell.sess, wanted.uri);
  wanted.uri.path = path;
  wanted.depth = deep ? NE_DEPTH_INFINITE : NE_DEPTH_ZERO;
  wanted.scope = shared ? ne_lockscope_shared : ne_lockscope_exclusive;
  wanted.timeout = LOCK_TIMEOUT;
  wanted.owner = escapeXml(shell.user === "" ? "dav-shell" : shell.user);
  const ret = await ne_lock(shell.sess, wanted);
  if (ret === NE_OK) ne_lockstore_add(shell.store, wanted);
  else ne_lock_destroy(wanted);
  return ret;
}

/** unlock PATH: gives a lock of this shell back */
export async function unlock(shell: Shell, args: string[]): Promise<number> {
  const path = resolvePath(shell.folder, args[0] ?? ".");
  const held = heldLock(shell, path);
  if (held === null) return failed(shell, `this shell holds no lock on ${shownPath(path)}`);
  return giveBack(shell, held);
}

/** The shell's own lock on a path. */
export function heldLock(shell: Shell, path: string): ne_lock | null {
  const uri = new ne_uri();
  ne_fill_server_uri(shell.sess, uri);
  uri.path = path;
  return ne_lockstore_findbyuri(shell.store, uri);
}

/** Gives a lock back; one that the server refuses to end stays in the store. */
export async function giveBack(shell: Shell, held: ne_lock): Promise<number> {
  const ret = await ne_unlock(shell.sess, held);
  if (ret !== NE_OK) return ret;
  ne_lockstore_remove(shell.store, held);
  ne_lock_destroy(held);
  return NE_OK;
}

/** Drops the locks of what is not there any more: they ended with it. */
export function forgetLocks(shell: Shell, path: string): void {
  for (const held of heldLocks(shell)) {
    const at = held.uri.path ?? "";
    if (at !== path && !at.startsWith(asCollection(path))) continue;
    ne_lockstore_remove(shell.store, held);
    ne_lock_destroy(held);
  }
}

/** locks [PATH]: those of this shell, or all that the server knows on a path */
export async function listLocks(shell: Shell, args: string[]): Promise<number> {
  if (args[0] === undefined) {
    for (const held of heldLocks(shell)) print(describe(held));
    return NE_OK;
  }
  let failing: string | null = null;
  const path = resolvePath(shell.folder, args[0]);
  const ret = await ne_lock_discover(shell.sess, path, (_, found, uri, status) => {
    if (found !== null) print(describe(found));
    else if (status !== null) {
      failing = `${shownPath(uri.path ?? path)}: ${status.code} ${status.reason_phrase ?? ""}`;
    }
  });
  return ret === NE_OK && failing !== null ? failed(shell, failing) : ret;
}

/** Gives all locks back, at the end. @returns whether none is left */
export async function releaseLocks(shell: Shell): Promise<boolean> {
  let all = true;
  for (const held of heldLocks(shell)) {
    const path = shownPath(held.uri.path ?? "");
    if ((await giveBack(shell, held)) === NE_OK) note(`unlocked ${path}`);
    else {
      note(`${path} stays locked (${held.token}): ${ne_get_error(shell.sess)}`);
      all = false;
    }
  }
  return all;
}

function heldLocks(shell: Shell): ne_lock[] {
  const held: ne_lock[] = [];
  for (let each = ne_lockstore_first(shell.store); each !== null; ) {
    held.push(each);
    each = ne_lockstore_next(shell.store);
  }
  return held;
}

function describe(held: Readonly<ne_lock>): string {
  const scope = held.scope === ne_lockscope_shared ? "shared" : "exclusive";
  const depth = held.depth === NE_DEPTH_ZERO ? "alone" : "with all in it";
  const time = held.timeout > 0 ? `${held.timeout} s` : "no end";
  return [shownPath(held.uri.path ?? ""), scope, depth, time, held.owner ?? "", held.token ?? ""]
    .map((part) => part.replace(/\s+/g, " "))
    .join("  ");
}

/** Text as the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
