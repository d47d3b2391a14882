// The cache once more, as a script: decoding and redirects are nx_send's affair.
import { writeFile } from "node:fs/promises";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { nx_send, nx_session_for, type nx_result } from "libneon/nx_script";
import { nx_session_connected } from "libneon/nx_session";
import { playIfProgram, type Stage } from "./stage.js";

type Store = Map<string, nx_result>;

/** The example. */
export async function scriptCache(stage: Stage): Promise<void> {
  const server = await stage.serve();
  const file = join(server.root, "page.html");
  await writeFile(file, "<p>".repeat(1000));
  const sess = sessionFor(server.url);
  const store: Store = new Map();
  const get = async (): Promise<void> => stage.say(await fetchThrough(store, sess, "/page.html"));
  try {
    await get();
    await get();
    await writeFile(file, "<b>".repeat(2000));
    await get();
    server.server.closeIdleConnections();
    while (nx_session_connected(sess)) await new Promise((resolve) => setImmediate(resolve));
    stage.say("the server has closed the connection");
    await get();
  } finally {
    ne_session_destroy(sess);
  }
  await elsewhere(stage, server.url, store);
}

async function fetchThrough(store: Store, sess: ne_session, path: string): Promise<string> {
  const tag = store.get(path)?.header("ETag");
  const headers: Record<string, string> = tag == null ? {} : { "If-None-Match": tag };
  const result = await nx_send(sess, "GET", path, { headers, redirects: 3 });
  const known = store.get(path);
  if (result.status?.code === 304 && known) return `304, ${known.body.length} bytes from the cache`;
  if (!result.ok) throw new Error(result.error, { cause: result.cause });
  if (result.header("ETag") !== null) store.set(path, result);
  const packed = result.header("Content-Encoding") ?? "as it is";
  return `${result.status?.code}, ${result.body.length} bytes, ${packed}`;
}

// The other server is reached by a clone of the session that has none of its secrets.
async function elsewhere(stage: Stage, url: string, store: Store): Promise<void> {
  const mover = http.createServer((req, res) => {
    res.writeHead(302, { Location: url + (req.url ?? "/"), "Content-Length": 0 }).end();
  });
  await new Promise<void>((resolve) => mover.listen(0, "127.0.0.1", resolve));
  const sess = sessionFor(`http://127.0.0.1:${(mover.address() as AddressInfo).port}/`);
  try {
    stage.say(`asked at another server: ${await fetchThrough(store, sess, "/page.html")}`);
  } finally {
    ne_session_destroy(sess);
    mover.close();
    mover.closeAllConnections();
  }
}

function sessionFor(url: string): ne_session {
  const sess = nx_session_for(url);
  if (sess === null) throw new TypeError(`not a URL: ${url}`);
  return sess;
}

playIfProgram(import.meta.url, scriptCache);
