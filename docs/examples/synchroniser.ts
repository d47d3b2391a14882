// A folder brought to a server: folders that are there already, files that somebody else has
// changed, and a folder that can be removed only in part.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_delete, ne_mkcol } from "libneon/ne_basic";
import { ne_httpdate_parse, ne_rfc1123_date } from "libneon/ne_dates";
import {
  NE_OK,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  type ne_session,
} from "libneon/ne_session";
import { ne_path_escape } from "libneon/ne_uri";
import type { DavServer } from "./server/server.js";
import { playIfProgram, type Stage } from "./stage.js";

/** When each file was last seen on the server, in seconds since 1970. */
type Seen = Map<string, number>;

/** The example. */
export async function synchroniser(stage: Stage): Promise<void> {
  const { server, local } = await setTheStage(stage);
  const sess = ne_session_create("http", server.host, server.port);
  const seen: Seen = new Map();
  try {
    await bring(stage, sess, seen, local, "/copy/");
    stage.say("once more");
    // another program writes; its version is later than the one this program knows
    const theirs = join(server.root, "copy", "a b.txt");
    seen.set("/copy/a%20b.txt", (seen.get("/copy/a%20b.txt") ?? 0) - 60);
    await writeFile(theirs, "theirs\n");
    await bring(stage, sess, seen, local, "/copy/");
    stage.say(`theirs is kept: ${(await readFile(theirs, "utf8")) === "theirs\n"}`);
    await remove(stage, sess, "/copy/sub/");
  } finally {
    ne_session_destroy(sess);
  }
}

/** A folder with a few files, and a server that does not let go of one of them. */
export async function setTheStage(stage: Stage): Promise<{ server: DavServer; local: string }> {
  const server = await stage.serve({
    refuse: (method, path) => (method === "DELETE" && path.endsWith("kept.txt") ? 403 : 0),
  });
  const local = join(stage.folder, "local");
  await mkdir(join(local, "sub"), { recursive: true });
  await writeFile(join(local, "a b.txt"), "one\n");
  await writeFile(join(local, "sub", "kept.txt"), "two\n");
  await writeFile(join(local, "sub", "free.txt"), "three\n");
  return { server, local };
}

async function bring(
  stage: Stage,
  sess: ne_session,
  seen: Seen,
  from: string,
  to: string,
): Promise<void> {
  stage.say(`${to}: ${await makeFolder(sess, to)}`);
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = to + ne_path_escape(entry.name);
    if (entry.isDirectory()) {
      await bring(stage, sess, seen, join(from, entry.name), `${path}/`);
    } else if (entry.isFile()) {
      const bytes = await readFile(join(from, entry.name));
      stage.say(`${path}: ${await putUnlessChanged(sess, seen, path, bytes)}`);
    }
  }
}

// 405 says that something is there; for a folder that is as good as having made it.
async function makeFolder(sess: ne_session, path: string): Promise<string> {
  if ((await ne_mkcol(sess, path)) === NE_OK) return "made";
  if (ne_get_error(sess).startsWith("405")) return "there already";
  throw new Error(`${path}: ${ne_get_error(sess)}`);
}

async function putUnlessChanged(
  sess: ne_session,
  seen: Seen,
  path: string,
  bytes: Buffer,
): Promise<string> {
  const before = seen.get(path);
  const req = ne_request_create(sess, "PUT", path);
  const date = before === undefined ? null : ne_rfc1123_date(before);
  if (date !== null) ne_add_request_header(req, "If-Unmodified-Since", date);
  ne_set_request_body_buffer(req, bytes);
  const ret = await ne_request_dispatch(req);
  const { code, klass } = ne_get_status(req);
  const modified = ne_httpdate_parse(ne_get_response_header(req, "Last-Modified") ?? "");
  ne_request_destroy(req);
  if (ret !== NE_OK) throw new Error(`${path}: ${ne_get_error(sess)}`);
  if (code === 412) return "changed by somebody else, left alone";
  if (klass !== 2) throw new Error(`${path}: ${ne_get_error(sess)}`);
  seen.set(path, modified);
  return code === 201 ? "new" : "replaced";
}

// A 207 answer names each resource that stayed, and why: neon gathers that in the error string.
async function remove(stage: Stage, sess: ne_session, path: string): Promise<void> {
  const ret = await ne_delete(sess, path);
  stage.say(`removing ${path}: ${ret === NE_OK ? "done" : ne_get_error(sess)}`);
}

playIfProgram(import.meta.url, synchroniser);
