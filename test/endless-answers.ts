// Answers without end, to every call that reads one: an error, and nothing kept of them.
import path from "node:path";
import t, { type Test } from "tap";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import {
  nx_discover,
  nx_mkcol,
  nx_multiget,
  nx_proppatch,
  nx_quota,
  nx_search,
  nx_stat,
  nx_sync,
  nx_version_control,
  nx_versions,
} from "../lib/nx_dav.js";
import { nx_lock, nx_locks } from "../lib/nx_locks.js";
import { nx_error, nx_list } from "../lib/nx_script.js";
import { nx_download, nx_put } from "../lib/nx_transfer.js";
import { all, propstat, response } from "./fixtures/dav.js";
import { scripted, type ScriptedServer } from "./fixtures/server.js";

const MULTISTATUS = '<D:multistatus xmlns:D="DAV:" xmlns:x="urn:x">';
/** The bytes of a block. */
const BLOCK = 1 << 16;
/**
 * What may be kept of an answer. On Node 24 V8's young generation alone takes up to 64 MiB, and a
 * busy machine's collector is late: 106 MiB were seen.
 */
const KEPT = 256 << 20;

function endless(t: Test, status: string, head: string, part: string): Promise<ScriptedServer> {
  const block = part.repeat(Math.ceil(BLOCK / part.length));
  return scripted(
    t,
    async (peer) => {
      await peer.readRequest();
      await peer.write(`HTTP/1.1 ${status}\r\nContent-Type: text/xml\r\n\r\n${head}`);
      while (!peer.ended) await peer.write(block);
    },
    { forget: true },
  );
}

const CALLS: Record<string, (sess: ne_session) => Promise<unknown>> = {
  nx_list: (sess) => all(nx_list(sess, "/a/")),
  nx_sync: (sess) => all(nx_sync(sess, "/a/", "1")),
  nx_search: (sess) => all(nx_search(sess, "/a/", {})),
  nx_versions: (sess) => all(nx_versions(sess, "/a/")),
  nx_multiget: (sess) => all(nx_multiget(sess, "/a/", ["/a/1"], "caldav")),
  nx_stat: (sess) => nx_stat(sess, "/a/"),
  nx_quota: (sess) => nx_quota(sess, "/a/"),
  nx_discover: (sess) => nx_discover(sess, "caldav", "/a/"),
  nx_proppatch: (sess) => nx_proppatch(sess, "/a/", [{ nspace: "urn:x", name: "p", value: "" }]),
  nx_mkcol: (sess) => nx_mkcol(sess, "/a/"),
  nx_version_control: (sess) => nx_version_control(sess, "/a"),
  nx_locks: (sess) => nx_locks(sess, "/a"),
  nx_lock: (sess) => nx_lock(sess, "/a", { renew: false }),
};

const ANSWERS: [name: string, status: string, head: string, part: string][] = [
  ["one resource", "207 Multi-Status", MULTISTATUS, response("/a/1", propstat("<x:p/>"))],
  ["a failure's body", "403 Forbidden", "<html>", "<p>no</p>"],
];

for (const [name, status, head, part] of ANSWERS) {
  t.test(name, async (t) => {
    for (const [called, call] of Object.entries(CALLS)) {
      const server = await endless(t, status, head, part);
      const sess = ne_session_create("http", "127.0.0.1", server.port);
      const before = process.memoryUsage().rss;
      await t.rejects(call(sess), nx_error, called);
      const grown = process.memoryUsage().rss - before;
      t.ok(grown < KEPT, `${called}: ${grown} bytes more`);
      ne_session_destroy(sess);
      await server.close();
    }
  });
}

t.test("a tag without end is not kept for long", async (t) => {
  for (const begin of ["<x", "<x a='", "<x a='1' ", "<!-- "]) {
    const server = await endless(t, "207 Multi-Status", MULTISTATUS + begin, "x");
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const message = /the answer goes on without an element$/;
    await t.rejects(all(nx_list(sess, "/a/")), { name: "nx_error", message }, begin);
    ne_session_destroy(sess);
    await server.close();
  }
});

t.test("the answer to a download", async (t) => {
  const server = await endless(t, "403 Forbidden", "", "x");
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  const file = path.join(t.testdir({}), "file");
  await t.rejects(nx_download(sess, "/a", file), { name: "nx_error", status: { code: 403 } });
  ne_session_destroy(sess);
  await server.close();
});

t.test("the answer to an upload", async (t) => {
  for (const status of ["201 Created", "403 Forbidden"]) {
    const server = await endless(t, status, "", "x");
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const put = nx_put(sess, "/a", "text");
    if (status.startsWith("201")) t.match(await put, { created: true });
    else await t.rejects(put, { name: "nx_error", status: { code: 403 } });
    ne_session_destroy(sess);
    await server.close();
  }
});
