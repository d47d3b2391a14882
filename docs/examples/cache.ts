// A cache that asks whether what it has is still good: entity tags, 304, gzip, a connection that
// the server has dropped meanwhile, and a redirect to another server, by a clone of the session.
import { writeFile } from "node:fs/promises";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ne_decompress_destroy, ne_decompress_reader } from "libneon/ne_compress";
import { ne_redirect_location, ne_redirect_register } from "libneon/ne_redirect";
import {
  NE_OK,
  NE_REDIRECT,
  ne_accept_2xx,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_hook_close_conn,
  ne_session_create,
  ne_session_destroy,
  type ne_session,
} from "libneon";
import { nx_session_clone } from "libneon/nx_script";
import { playIfProgram, type Stage } from "./stage.js";

interface Entry {
  tag: string;
  body: Buffer;
}

type Store = Map<string, Entry>;

/** The example. */
export async function cache(stage: Stage): Promise<void> {
  const server = await stage.serve();
  const file = join(server.root, "page.html");
  await writeFile(file, "<p>".repeat(1000));
  const sess = ne_session_create("http", server.host, server.port);
  ne_redirect_register(sess);
  let closed = 0;
  ne_hook_close_conn(sess, () => closed++);
  const store: Store = new Map();
  const get = async (path: string): Promise<void> => {
    stage.say(`${path}: ${await fetchThrough(store, sess, path)}`);
  };
  try {
    await get("/page.html");
    await get("/page.html");
    await writeFile(file, "<b>".repeat(2000));
    await get("/page.html");

    // the server gives up connections that nobody uses; the next request notices, and opens another
    server.server.closeIdleConnections();
    await get("/page.html");
    stage.say(`connections closed so far: ${closed}`);
  } finally {
    ne_session_destroy(sess);
  }
  await elsewhere(stage, server.url, store);
}

// A tag that is weak (W/) says that the content is the same, if not the bytes: with If-None-Match
// that is all a cache needs (RFC 9110, 8.8.3.2). The server makes it weak where it compresses.
async function fetchThrough(store: Store, sess: ne_session, path: string): Promise<string> {
  const known = store.get(path);
  const req = ne_request_create(sess, "GET", path);
  if (known !== undefined) ne_add_request_header(req, "If-None-Match", known.tag);
  const blocks: Buffer[] = [];
  const gzip = ne_decompress_reader(req, ne_accept_2xx, (_userdata, block) => {
    blocks.push(Buffer.from(block)); // the block is gone when the reader is done
    return 0;
  });
  const ret = await ne_request_dispatch(req);
  const { code } = ne_get_status(req);
  const tag = ne_get_response_header(req, "ETag");
  const packed = ne_get_response_header(req, "Content-Encoding") ?? "as it is";
  ne_decompress_destroy(gzip);
  ne_request_destroy(req);
  if (ret === NE_REDIRECT) return followTo(store, sess);
  if (ret !== NE_OK) throw new Error(ne_get_error(sess));
  if (code === 304 && known) return `304, ${known.body.length} bytes from the cache`;
  const body = Buffer.concat(blocks);
  if (code === 200 && tag !== null) store.set(path, { tag, body });
  const kind = tag?.startsWith("W/") ? "weak" : "strong";
  return `${code}, ${body.length} bytes, ${packed}, ${kind} tag`;
}

// The other server gets a session with the same settings. Credentials would go along, as C programs
// expect of a session they configure: nx_send leaves them behind.
async function followTo(store: Store, sess: ne_session): Promise<string> {
  const to = ne_redirect_location(sess);
  if (to?.host == null || to.path === null) throw new Error("a redirect to nowhere");
  const other = nx_session_clone(sess, to.scheme ?? "http", to.host, to.port);
  try {
    return `elsewhere, ${await fetchThrough(store, other, to.path)}`;
  } finally {
    ne_session_destroy(other);
  }
}

async function elsewhere(stage: Stage, url: string, store: Store): Promise<void> {
  const mover = http.createServer((req, res) => {
    res.writeHead(302, { Location: url + (req.url ?? "/"), "Content-Length": 0 }).end();
  });
  await new Promise<void>((resolve) => mover.listen(0, "127.0.0.1", resolve));
  const sess = ne_session_create("http", "127.0.0.1", (mover.address() as AddressInfo).port);
  ne_redirect_register(sess);
  try {
    stage.say(`asked at another server: ${await fetchThrough(store, sess, "/page.html")}`);
  } finally {
    ne_session_destroy(sess);
    mover.close();
    mover.closeAllConnections();
  }
}

playIfProgram(import.meta.url, cache);
