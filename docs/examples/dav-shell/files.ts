// Commands of files: get, put, cat. A local file takes its name only when it is whole; what is
// there already, on either side, is replaced only if -f says so.

import { constants, existsSync } from "node:fs";
import { copyFile, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { NE_DEPTH_ZERO, ne_get } from "libneon/ne_basic";
import { ne_lock_using_parent, ne_lock_using_resource } from "libneon/ne_locks";
import {
  NE_ERROR,
  NE_OK,
  ne_accept_2xx,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_fd,
} from "libneon/ne_request";
import { ne_status_recving, ne_status_sending } from "libneon/ne_session";
import { printable } from "../terminal.js";
import { exists } from "./resources.js";
import { failed, showing, type Shell } from "./session.js";
import { nameOf, resolvePath, shownPath } from "./words.js";

/** get [-f] FILE [LOCAL] */
export async function get(shell: Shell, args: string[], flags: string): Promise<number> {
  const path = resolvePath(shell.folder, args[0] ?? "");
  const local = args[1] ?? nameOf(path);
  if (!flags.includes("f") && existsSync(local)) {
    return failed(shell, `${local} is there already (-f replaces it)`);
  }
  const part = `${local}.part-${process.pid}`;
  let file: FileHandle | null = null;
  try {
    file = await open(part, "wx", 0o666);
    const { fd } = file;
    const ret = await showing(shell, nameOf(path), ne_status_recving, () =>
      ne_get(shell.sess, path, fd),
    );
    await file.close();
    file = null;
    if (ret !== NE_OK) return ret;
    if (flags.includes("f")) await rename(part, local);
    else await copyFile(part, local, constants.COPYFILE_EXCL);
    return NE_OK;
  } catch (error) {
    return localFailure(shell, error);
  } finally {
    await file?.close();
    await rm(part, { force: true });
  }
}

/** put [-f] LOCAL [FILE] */
export async function put(shell: Shell, args: string[], flags: string): Promise<number> {
  const [local = "", remote = basename(args[0] ?? "")] = args;
  const name = remote.endsWith("/") ? remote + basename(local) : remote;
  const path = resolvePath(shell.folder, name);
  const overwrite = flags.includes("f");
  if (!overwrite) {
    const there = { value: false };
    const ret = await exists(shell, path, there);
    if (ret !== NE_OK) return ret;
    if (there.value) return failed(shell, `${shownPath(path)} is there already (-f replaces it)`);
  }
  return send(shell, local, path, overwrite ? null : ["If-None-Match", "*"]);
}

/** Replaces a resource with a local file, under a condition that the server looks at. */
export async function send(
  shell: Shell,
  local: string,
  path: string,
  condition: readonly [field: string, value: string] | null,
): Promise<number> {
  let file: FileHandle | null = null;
  try {
    if (!(await stat(local)).isFile()) return failed(shell, `${local} is no file`);
    file = await open(local, "r");
    const { size } = await file.stat();
    const req = ne_request_create(shell.sess, "PUT", path);
    if (condition !== null) ne_add_request_header(req, ...condition);
    ne_lock_using_resource(req, path, NE_DEPTH_ZERO);
    ne_lock_using_parent(req, path);
    ne_set_request_body_fd(req, file.fd, 0, size);
    const ret = await showing(shell, basename(local), ne_status_sending, () =>
      ne_request_dispatch(req),
    );
    const { klass } = ne_get_status(req);
    ne_request_destroy(req);
    return ret === NE_OK && klass !== 2 ? NE_ERROR : ret;
  } catch (error) {
    return localFailure(shell, error);
  } finally {
    await file?.close();
  }
}

/** cat FILE: as it is into a pipe, made safe on a terminal. */
export async function cat(shell: Shell, args: string[]): Promise<number> {
  const req = ne_request_create(shell.sess, "GET", resolvePath(shell.folder, args[0] ?? ""));
  const decoder = new TextDecoder();
  ne_add_response_body_reader(req, ne_accept_2xx, async (_, block) => {
    if (!process.stdout.isTTY) await write(block);
    else await write(decoder.decode(block, { stream: true }).replace(/[^\n\t]+/g, printable));
    return 0;
  });
  const ret = await ne_request_dispatch(req);
  const { klass } = ne_get_status(req);
  ne_request_destroy(req);
  return ret === NE_OK && klass !== 2 ? NE_ERROR : ret;
}

// Resolves when the stream has taken it: a slow reader slows the server down.
function write(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    // the block is the library's: it is read into again
    const own = typeof data === "string" ? data : Buffer.from(data);
    process.stdout.write(own, (error) => (error ? reject(error) : resolve()));
  });
}

/** The failure of a local file as an error line; anything else is thrown again. */
export function localFailure(shell: Shell, error: unknown): number {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return failed(shell, message);
}
