// Commands of folders and trees: ls, cd, pwd, mkcol, copy, move, rm.

import {
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  ne_copy,
  ne_delete,
  ne_mkcol,
  ne_move,
} from "libneon/ne_basic";
import { NE_OK } from "libneon/ne_request";
import { Table } from "../listing.js";
import { paint } from "../terminal.js";
import { forgetLocks } from "./locks.js";
import { look, propfind } from "./resources.js";
import { failed, print, type Shell } from "./session.js";
import { asCollection, nameOf, resolvePath, shownPath } from "./words.js";

/** ls [FOLDER] */
export async function list(shell: Shell, args: string[]): Promise<number> {
  const found = await look(shell, resolvePath(shell.folder, args[0] ?? "."));
  if (found.code !== NE_OK) return found.code;
  const table = new Table(found.path);
  const ret = await propfind(shell, found.path, NE_DEPTH_ONE, Table.wanted, (uri, results) =>
    Table.add(table, uri, results),
  );
  if (ret !== NE_OK) return ret;
  const [headings = "", ...rows] = table.lines();
  process.stdout.write(`${paint(headings, "dim")}\n`);
  for (const row of rows) print(row);
  return NE_OK;
}

/** cd FOLDER */
export async function changeFolder(shell: Shell, args: string[]): Promise<number> {
  const found = await look(shell, asCollection(resolvePath(shell.folder, args[0] ?? "/")));
  if (found.code !== NE_OK) return found.code;
  if (!found.isCollection) return failed(shell, `${shownPath(found.path)} is no folder`);
  shell.folder = found.path;
  return NE_OK;
}

/** pwd */
export async function printFolder(shell: Shell): Promise<number> {
  print(shownPath(shell.folder));
  return NE_OK;
}

/** mkcol FOLDER */
export async function makeFolder(shell: Shell, args: string[]): Promise<number> {
  return ne_mkcol(shell.sess, resolvePath(shell.folder, args[0] ?? ""));
}

/** copy [-f] FROM TO */
export async function copy(shell: Shell, args: string[], flags: string): Promise<number> {
  const way = await fromTo(shell, args);
  if (typeof way === "number") return way;
  const overwrite = flags.includes("f") ? 1 : 0;
  return ne_copy(shell.sess, overwrite, NE_DEPTH_INFINITE, way.from, way.to);
}

/** move [-f] FROM TO */
export async function move(shell: Shell, args: string[], flags: string): Promise<number> {
  const way = await fromTo(shell, args);
  if (typeof way === "number") return way;
  const ret = await ne_move(shell.sess, flags.includes("f") ? 1 : 0, way.from, way.to);
  if (ret === NE_OK) forgetLocks(shell, way.from);
  return ret;
}

/** rm [-r] PATH */
export async function remove(shell: Shell, args: string[], flags: string): Promise<number> {
  const found = await look(shell, resolvePath(shell.folder, args[0] ?? ""));
  if (found.code !== NE_OK) return found.code;
  if (found.isCollection && !flags.includes("r")) {
    return failed(shell, `${shownPath(found.path)} is a folder: rm -r removes it with all in it`);
  }
  const ret = await ne_delete(shell.sess, found.path);
  if (ret === NE_OK) forgetLocks(shell, found.path);
  return ret;
}

// A target that ends in a slash is a folder to go into; a folder's own path gets its slash, which
// some servers ask for at both ends.
async function fromTo(
  shell: Shell,
  args: string[],
): Promise<{ from: string; to: string } | number> {
  const [source = "", target = ""] = args;
  const found = await look(shell, resolvePath(shell.folder, source));
  if (found.code !== NE_OK) return found.code;
  const into = /(?:^|\/)\.{0,2}$/.test(target);
  const to = resolvePath(shell.folder, into ? `${target}/${nameOf(found.path)}` : target);
  return { from: found.path, to: found.isCollection ? asCollection(to) : to };
}
