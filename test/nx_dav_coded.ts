// Answers with a content coding: what was compressed is read, what was compressed in another way,
// cut or spoiled is a failure, never an empty list.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import t from "tap";
import {
  nx_multiget,
  nx_query,
  nx_quota,
  nx_report,
  nx_search,
  nx_stat,
  nx_sync,
} from "../lib/nx_dav.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import { ne_lock_discover } from "../lib/ne_locks.js";
import { nx_locks } from "../lib/nx_locks.js";
import { ne_simple_propfind } from "../lib/ne_props.js";
import { NE_OK } from "../lib/ne_request.js";
import { nx_error, nx_list, nx_send } from "../lib/nx_script.js";
import { all, answering, multistatus, propstat, response } from "./fixtures/dav.js";
import { startApache } from "./fixtures/real/apache.js";

const CAL = 'xmlns:C="urn:ietf:params:xml:ns:caldav"';
const MEMBER = propstat(
  "<D:resourcetype/><D:getetag>\"1\"</D:getetag><D:quota-used-bytes>5</D:quota-used-bytes>" +
    `<D:lockdiscovery/><C:calendar-data ${CAL}>X</C:calendar-data>`,
);
const FOLDER = propstat("<D:resourcetype><D:collection/></D:resourcetype><D:lockdiscovery/>" +
  "<D:quota-used-bytes>5</D:quota-used-bytes>");
const BODY = multistatus(response("/c/", FOLDER), response("/c/x", MEMBER)).replace(
  "</D:multistatus>",
  "<D:sync-token>urn:1</D:sync-token></D:multistatus>",
);

/** Each call, and how it shows that it has read the answer. */
const CALLS: Record<string, (sess: ne_session) => Promise<unknown>> = {
  nx_list: async (sess) => (await all(nx_list(sess, "/c/"))).length,
  nx_report: async (sess) => (await all(nx_report(sess, "/c/", "<r xmlns='DAV:'/>"))).length,
  nx_sync: async (sess) => {
    const changes = nx_sync(sess, "/c/", null);
    const found = await all(changes);
    return found.length === 1 && changes.token === "urn:1" ? 2 : found;
  },
  nx_search: async (sess) => (await all(nx_search(sess, "/c/", {}))).length,
  nx_query: async (sess) => (await all(nx_query(sess, "/c/", "caldav"))).length,
  nx_multiget: async (sess) => {
    const found = await all(nx_multiget(sess, "/c/", ["/c/x"], "caldav"));
    return found[0]?.prop("urn:ietf:params:xml:ns:caldav", "calendar-data") === "X" ? 2 : found;
  },
  nx_stat: async (sess) => ((await nx_stat(sess, "/c/x"))?.etag === '"1"' ? 2 : 0),
  nx_quota: async (sess) => ((await nx_quota(sess, "/c/")).used === 5 ? 2 : 0),
};

const CODINGS: Record<string, [coding: string, body: Buffer, isRead: boolean]> = {
  gzip: ["gzip", gzipSync(BODY), true],
  // only gzip was asked for, by this name
  "x-gzip": ["x-gzip", gzipSync(BODY), false],
  "gzip in capitals": ["GZIP", gzipSync(BODY), true],
  identity: ["identity", Buffer.from(BODY), true],
  "two members": ["gzip", Buffer.concat([
    gzipSync(BODY.slice(0, 100)), gzipSync(BODY.slice(100)),
  ]), true],
  deflate: ["deflate", deflateSync(BODY), false],
  "raw deflate": ["deflate", deflateRawSync(BODY), false],
  br: ["br", brotliCompressSync(BODY), false],
  unknown: ["squeeze", Buffer.from([1, 2, 3, 4]), false],
  "gzip that is none": ["gzip", Buffer.from(BODY), false],
  "gzip cut short": ["gzip", gzipSync(BODY).subarray(0, -12), false],
  "gzip with a bad checksum": ["gzip", spoiled(gzipSync(BODY)), false],
  "gzip of nothing": ["gzip", gzipSync(""), false],
  nothing: ["gzip", Buffer.alloc(0), false],
};

function spoiled(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 6]! ^= 1;
  return copy;
}

for (const [name, call] of Object.entries(CALLS)) {
  t.test(`${name} of coded answers`, async (t) => {
    for (const [how, [coding, body, isRead]] of Object.entries(CODINGS)) {
      const { sess, server } = await answering(t, { body, fields: [`Content-Encoding: ${coding}`] });
      const found = await call(sess).catch((error: unknown) => error);
      t.equal(server.requests[0]?.field("accept-encoding"), "gzip");
      if (isRead) {
        t.equal(found, 2, how);
        continue;
      }
      t.ok(found instanceof nx_error, `${how}: ${String(found)}`);
      t.match(String(found), coding === "gzip" ? /ompressed|coded as gzip/ : `coded as ${coding}`);
    }
  });
}

t.test("calls that ask for no coding pass none for an answer", async (t) => {
  const asking: Record<string, (sess: ne_session) => Promise<unknown>> = {
    nx_locks: (sess) => nx_locks(sess, "/c/"),
    ne_lock_discover: (sess) => ne_lock_discover(sess, "/c/", () => {}, null),
    ne_simple_propfind: (sess) =>
      ne_simple_propfind(sess, "/c/", 1, [{ nspace: "DAV:", name: "getetag" }], () => {}),
  };
  for (const [name, call] of Object.entries(asking)) {
    for (const [how, [coding, body]] of Object.entries(CODINGS)) {
      if (coding === "identity") continue;
      const { sess, server } = await answering(t, { body, fields: [`Content-Encoding: ${coding}`] });
      const found = await call(sess).catch((error: unknown) => error);
      t.equal(server.requests[0]?.field("accept-encoding"), null);
      const isFailure = found instanceof nx_error || (typeof found === "number" && found !== NE_OK);
      // what is plain XML in spite of its field is what it is
      t.equal(isFailure, how !== "gzip that is none", `${name}, ${how}: ${String(found)}`);
    }
  }
});

t.test("what is compressed and endless comes to an end", async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 << 20, " "));
  const { sess } = await answering(t, { body: bomb, fields: ["Content-Encoding: gzip"] });
  await t.rejects(all(nx_list(sess, "/c/")), nx_error);
});

t.test("a listing that Apache compresses", async (t) => {
  const config = '<Location "/dav">\nSetOutputFilter DEFLATE\n</Location>';
  const files = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`dav/a folder/${i}.txt`, "x"]),
  );
  const apache = await startApache(t, { config, files });
  if (apache === null) return void t.pass("Apache is not installed");
  const sess = ne_session_create("http", "127.0.0.1", apache.port);
  t.teardown(() => ne_session_destroy(sess));
  const found = await all(nx_list(sess, "/dav/a%20folder/"));
  t.equal(found.length, 51);
  const headers = { Depth: "1", "Accept-Encoding": "gzip" };
  const raw = await nx_send(sess, "PROPFIND", "/dav/a%20folder/", { headers });
  t.match(raw.headers.find(([name]) => name.toLowerCase() === "content-encoding")?.[1], "gzip");
});
