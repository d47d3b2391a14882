// The folder synchroniser once more, as a script: results are values, and a listing is a loop.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { ne_path_escape } from "libneon/ne_uri";
import { nx_list, nx_send, nx_session_for } from "libneon/nx_script";
import { playIfProgram, type Stage } from "./stage.js";
import { setTheStage } from "./synchroniser.js";

/** When each file was last seen on the server. */
type Seen = Map<string, Date>;

/** The example. */
export async function scriptSynchroniser(stage: Stage): Promise<void> {
  const { server, local } = await setTheStage(stage);
  const sess = nx_session_for(server.url);
  if (sess === null) throw new TypeError(`not a URL: ${server.url}`);
  try {
    await bring(stage, sess, new Map(), local, "/copy/");
    const seen: Seen = new Map();
    for await (const { path, modified } of nx_list(sess, "/copy/", { depth: Infinity })) {
      if (modified !== null) seen.set(path, modified);
    }
    stage.say("once more");
    seen.set("/copy/a%20b.txt", new Date(Date.now() - 60_000));
    await writeFile(join(server.root, "copy", "a b.txt"), "theirs\n");
    await bring(stage, sess, seen, local, "/copy/");
    const removed = await nx_send(sess, "DELETE", "/copy/sub/");
    stage.say(`removing /copy/sub/: ${removed.error}`);
    for await (const { path } of nx_list(sess, "/copy/sub/")) stage.say(`  ${path} stayed`);
  } finally {
    ne_session_destroy(sess);
  }
}

async function bring(
  stage: Stage,
  sess: ne_session,
  seen: Seen,
  from: string,
  to: string,
): Promise<void> {
  const made = await nx_send(sess, "MKCOL", to);
  const there = made.status?.code === 405;
  if (!made.ok && !there) throw new Error(`${to}: ${made.error}`);
  stage.say(`${to}: ${there ? "there already" : "made"}`);
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = to + ne_path_escape(entry.name);
    if (entry.isDirectory()) {
      await bring(stage, sess, seen, join(from, entry.name), `${path}/`);
    } else if (entry.isFile()) {
      const body = await readFile(join(from, entry.name));
      stage.say(`${path}: ${await putUnlessChanged(sess, path, body, seen.get(path))}`);
    }
  }
}

async function putUnlessChanged(
  sess: ne_session,
  path: string,
  body: Buffer,
  before: Date | undefined,
): Promise<string> {
  const headers: Record<string, string> =
    before === undefined ? {} : { "If-Unmodified-Since": before.toUTCString() };
  const { ok, status, error } = await nx_send(sess, "PUT", path, { headers, body });
  if (status?.code === 412) return "changed by somebody else, left alone";
  if (!ok) throw new Error(`${path}: ${error}`);
  return status?.code === 201 ? "new" : "replaced";
}

playIfProgram(import.meta.url, scriptSynchroniser);
