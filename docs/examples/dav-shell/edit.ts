// The command edit: a file is locked where the server locks, fetched, given to an editor and put
// back under the tag that it was fetched with. What was written is never thrown away: a file that
// cannot be put back stays, and its name is said.

import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { NE_CAP_DAV_CLASS2, ne_options2 } from "libneon/ne_basic";
import {
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_response_header,
  ne_get_status,
  ne_read_response_to_fd,
  ne_request_create,
  ne_request_destroy,
} from "libneon/ne_request";
import { ne_get_error } from "libneon/ne_session";
import { localFailure, send } from "./files.js";
import { giveBack, heldLock, takeLock } from "./locks.js";
import { failed, note, type Shell } from "./session.js";
import { nameOf, resolvePath } from "./words.js";

/** edit FILE */
export async function edit(shell: Shell, args: string[]): Promise<number> {
  const path = resolvePath(shell.folder, args[0] ?? "");
  const caps = { value: 0 };
  const known = await ne_options2(shell.sess, path, caps);
  if (known !== NE_OK) return known;
  const locks = (caps.value & NE_CAP_DAV_CLASS2) !== 0 && heldLock(shell, path) === null;
  if (!locks) return change(shell, path);
  const locked = await takeLock(shell, path, false, false);
  if (locked !== NE_OK) return locked;
  const ret = await change(shell, path);
  const error = ne_get_error(shell.sess);
  const held = heldLock(shell, path);
  const freed = held === null ? NE_OK : await giveBack(shell, held);
  if (ret === NE_OK) return freed;
  failed(shell, error);
  return ret;
}

async function change(shell: Shell, path: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "dav-shell-"));
  const local = join(folder, basename(nameOf(path)) || "file");
  let keep = false;
  try {
    const tag: { value: string | null } = { value: null };
    const ret = await fetch(shell, path, local, tag);
    if (ret !== NE_OK) return ret;
    const before = await readFile(local);
    const left = await runEditor(local);
    if (left !== 0) return failed(shell, `the editor ended with ${left}; nothing was changed`);
    if (before.equals(await readFile(local))) {
      note("unchanged");
      return NE_OK;
    }
    keep = true;
    // a weak tag can't be a condition of If-Match
    const strong = tag.value?.startsWith('"') === true ? tag.value : null;
    const put = await send(shell, local, path, strong === null ? null : ["If-Match", strong]);
    keep = put !== NE_OK;
    return put;
  } catch (error) {
    return localFailure(shell, error);
  } finally {
    if (keep) note(`what was written is in ${local}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

// In C's way: the request is begun, its body read into a file, and ended, as often as it must be
// repeated.
async function fetch(
  shell: Shell,
  path: string,
  local: string,
  tag: { value: string | null },
): Promise<number> {
  const file = await open(local, "wx", 0o600);
  const req = ne_request_create(shell.sess, "GET", path);
  try {
    let ret = NE_OK as number;
    do {
      ret = await ne_begin_request(req);
      if (ret !== NE_OK) return ret;
      if (ne_get_status(req).klass === 2) ret = await ne_read_response_to_fd(req, file.fd);
      else ret = await ne_discard_response(req);
      if (ret === NE_OK) ret = await ne_end_request(req);
    } while (ret === NE_RETRY);
    tag.value = ne_get_response_header(req, "ETag");
    return ret === NE_OK && ne_get_status(req).klass !== 2 ? NE_ERROR : ret;
  } finally {
    ne_request_destroy(req);
    await file.close();
  }
}

// The editor of the environment, which may have arguments of its own, as git runs it.
function runEditor(file: string): Promise<number | string> {
  const editor = process.env["VISUAL"] || process.env["EDITOR"] || "vi";
  return new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal ?? "no exit code"));
  });
}
