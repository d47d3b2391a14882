// A test of a program without its server: what the program asked for once was recorded, and a tape
// answers it now.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { nx_list, nx_send, nx_session_for } from "libneon/nx_script";
import { nx_set_connector } from "libneon/nx_session";
import {
  nx_recorder_create,
  nx_recorder_har,
  nx_recorder_register,
  nx_replay,
} from "libneon/nx_trace";
import { playIfProgram, type Stage } from "./stage.js";

/** The example. */
export async function tape(stage: Stage): Promise<void> {
  const server = await stage.serve();
  await mkdir(join(server.root, "notes"));
  await writeFile(join(server.root, "notes", "a.txt"), "remember the milk\n");
  const file = join(stage.folder, "notes.har");

  const live = open(server.url);
  const rec = nx_recorder_create();
  nx_recorder_register(rec, live);
  stage.say(`live: ${await readNotes(live)}`);
  await writeFile(file, JSON.stringify(nx_recorder_har(rec)));
  ne_session_destroy(live);
  await server.close();

  const har = JSON.parse(await readFile(file, "utf8")) as object;
  stage.say(`the key is on the tape: ${JSON.stringify(har).includes("open-sesame")}`);
  const replayed = open(server.url);
  nx_set_connector(replayed, nx_replay(har));
  stage.say(`from the tape: ${await readNotes(replayed)}`);
  const { error } = await nx_send(replayed, "DELETE", "/notes/a.txt");
  stage.say(error.replaceAll(server.url, "http://server"));
  ne_session_destroy(replayed);
}

function open(url: string): ne_session {
  const sess = nx_session_for(url);
  if (sess === null) throw new TypeError(`not a URL: ${url}`);
  return sess;
}

// The program: what is in the notes?
async function readNotes(sess: ne_session): Promise<string> {
  const notes: string[] = [];
  for await (const { path, collection } of nx_list(sess, "/notes/")) {
    if (collection) continue;
    const { body } = await nx_send(sess, "GET", path, { headers: { "X-Api-Key": "open-sesame" } });
    notes.push(`${path}: ${body.toString().trim()}`);
  }
  return notes.join(", ");
}

playIfProgram(import.meta.url, tape);
