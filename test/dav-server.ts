// The demo's WebDAV server, asked by Node's own HTTP client, so that nothing here rests on the
// library but the reading of XML bodies.

import { createHash, X509Certificate } from "node:crypto";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { parseIf } from "../docs/examples/server/if.js";
import {
  type DavServer,
  type DavServerOptions,
  startDavServer,
} from "../docs/examples/server/server.js";
import { makeSelfSigned } from "../docs/examples/self-signed.js";

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  bytes: Buffer;
  continued: boolean;
}

type Ask = (
  method: string,
  path: string,
  headers?: http.OutgoingHttpHeaders,
  body?: string | Buffer,
) => Promise<Answer>;

function asker(server: DavServer): Ask {
  return (method, path, headers = {}, body = "") =>
    new Promise((resolve, reject) => {
      const tls = server.certificate !== null;
      const options = { host: "127.0.0.1", port: server.port, method, path, headers, agent: false };
      let continued = false;
      const respond = (res: http.IncomingMessage): void => {
        const blocks: Buffer[] = [];
        res.on("data", (block: Buffer) => blocks.push(block));
        res.on("error", reject);
        res.on("end", () => {
          const bytes = Buffer.concat(blocks);
          const { statusCode: status = 0, headers: fields } = res;
          resolve({ status, headers: fields, body: bytes.toString(), bytes, continued });
        });
      };
      const req = tls
        ? https.request({ ...options, ca: server.certificate as string }, respond)
        : http.request(options, respond);
      req.on("error", reject);
      if (headers["Expect"] === undefined) {
        req.end(body);
        return;
      }
      req.on("continue", () => {
        continued = true;
        req.end(body);
      });
      req.flushHeaders();
    });
}

async function start(t: Test, options: DavServerOptions = {}): Promise<[Ask, DavServer]> {
  const server = await startDavServer(options);
  t.teardown(() => server.close());
  return [asker(server), server];
}

const LOCKINFO = (scope: string): string =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope>` +
  `<D:locktype><D:write/></D:locktype><D:owner>an &amp; owner</D:owner></D:lockinfo>`;

async function takeLock(
  ask: Ask,
  path: string,
  headers: http.OutgoingHttpHeaders = {},
  scope = "exclusive",
): Promise<string> {
  const { headers: fields } = await ask("LOCK", path, headers, LOCKINFO(scope));
  return String(fields["lock-token"]).slice(1, -1);
}

void t.test("OPTIONS says class 1 and 2", async (t) => {
  const [ask] = await start(t);
  for (const target of ["/", "*", "/nothing/here"]) {
    const { status, headers } = await ask("OPTIONS", target);
    t.equal(status, 200);
    t.equal(headers["dav"], "1, 2, sabredav-partialupdate");
    t.match(headers.allow, /PROPFIND/);
  }
});

void t.test("PUT and GET, conditions and ranges", async (t) => {
  const [ask] = await start(t);
  const text = "0123456789";
  t.equal((await ask("PUT", "/f.txt", {}, text)).status, 201);
  t.equal((await ask("PUT", "/f.txt", {}, text)).status, 204);
  const whole = await ask("GET", "/f.txt");
  t.equal(whole.body, text);
  t.equal(whole.headers["content-type"], "text/plain; charset=utf-8");
  const etag = String(whole.headers.etag);
  const date = String(whole.headers["last-modified"]);
  const past = "Sun, 06 Nov 1994 08:49:37 GMT";

  const rows: [string, http.OutgoingHttpHeaders, number, string | null][] = [
    ["the same tag", { "If-None-Match": etag }, 304, ""],
    ["any of several tags", { "If-None-Match": `"x", W/${etag}` }, 304, ""],
    ["another tag", { "If-None-Match": '"x"' }, 200, text],
    ["unchanged since its date", { "If-Modified-Since": date }, 304, ""],
    ["changed since", { "If-Modified-Since": past }, 200, text],
    ["no date at all", { "If-Modified-Since": "soon" }, 200, text],
    ["a tag beats a date", { "If-None-Match": '"x"', "If-Modified-Since": date }, 200, text],
    ["If-Match holds", { "If-Match": etag }, 200, text],
    ["If-Match is strong", { "If-Match": `W/${etag}` }, 412, null],
    ["If-Unmodified-Since fails", { "If-Unmodified-Since": past }, 412, null],
    ["a range", { Range: "bytes=2-4" }, 206, "234"],
    ["an open range", { Range: "bytes=7-" }, 206, "789"],
    ["the end", { Range: "bytes=-3" }, 206, "789"],
    ["more than there is", { Range: "bytes=8-99" }, 206, "89"],
    ["past the end", { Range: "bytes=10-" }, 416, null],
    ["last before first is no range", { Range: "bytes=4-2" }, 200, text],
    ["two ranges: the whole", { Range: "bytes=0-1,4-5" }, 200, text],
    ["If-Range with the tag", { Range: "bytes=2-4", "If-Range": etag }, 206, "234"],
    ["If-Range with another", { Range: "bytes=2-4", "If-Range": '"x"' }, 200, text],
  ];
  for (const [name, headers, status, body] of rows) {
    const got = await ask("GET", "/f.txt", headers);
    t.equal(got.status, status, name);
    if (body !== null) t.equal(got.body, body, name);
  }
  const past10 = await ask("GET", "/f.txt", { Range: "bytes=10-" });
  t.equal(past10.headers["content-range"], "bytes */10");
  const head = await ask("HEAD", "/f.txt");
  t.equal(head.headers["content-length"], "10");
  t.equal(head.body, "");
  t.equal((await ask("PUT", "/f.txt", { "If-None-Match": "*" }, "x")).status, 412);
  t.equal((await ask("PUT", "/g.txt", { "If-Match": "*" }, "x")).status, 412);
  t.equal((await ask("PUT", "/no/f.txt", {}, "x")).status, 409);
  t.equal((await ask("PUT", "/f.txt", { "Content-Range": "bytes 0-0/1" }, "x")).status, 400);
});

void t.test("gzip on request", async (t) => {
  const [ask] = await start(t);
  const text = "all work and no play ".repeat(1000);
  await ask("PUT", "/f.txt", {}, text);
  await ask("PUT", "/empty.txt", {}, "");
  const zipped = await ask("GET", "/f.txt", { "Accept-Encoding": "br, gzip" });
  t.equal(zipped.headers["content-encoding"], "gzip");
  t.match(zipped.headers.etag, /^W\//);
  t.equal(gunzipSync(zipped.bytes).toString(), text);
  t.equal((await ask("GET", "/f.txt", { "Accept-Encoding": "gzip;q=0" })).body, text);
  t.equal((await ask("GET", "/empty.txt", { "Accept-Encoding": "gzip" })).body, "");
  const [plain] = await start(t, { gzip: false });
  await plain("PUT", "/f.txt", {}, text);
  t.equal((await plain("GET", "/f.txt", { "Accept-Encoding": "gzip" })).body, text);
});

void t.test("half an upload is never seen", async (t) => {
  const [ask, server] = await start(t);
  const client = connect(server.port, "127.0.0.1");
  client.on("error", () => {});
  client.write("PUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  while ((await readdir(server.root)).length === 0) await new Promise(setImmediate);
  t.equal((await ask("GET", "/f")).status, 404);
  t.notMatch((await ask("GET", "/")).body, "<li>");
  client.resetAndDestroy();
  while ((await readdir(server.root)).length > 0) await new Promise(setImmediate);
  t.equal((await ask("GET", "/f")).status, 404);
});

void t.test("Expect: 100-continue", async (t) => {
  const [ask] = await start(t);
  const expect = { Expect: "100-continue", "Content-Length": 5 };
  const stored = await ask("PUT", "/f", expect, "hello");
  t.match(stored, { status: 201, continued: true });
  const refused = await ask("PUT", "/no/f", expect, "hello");
  t.match(refused, { status: 409, continued: false, headers: { connection: "close" } });
});

void t.test("collections: redirect, listing, MKCOL", async (t) => {
  const [ask, server] = await start(t);
  t.equal((await ask("MKCOL", "/a%20%3C%26%3F%23")).status, 201);
  t.equal((await ask("MKCOL", "/a%20%3C%26%3F%23/")).status, 405);
  t.equal((await ask("MKCOL", "/x/y")).status, 409);
  t.equal((await ask("MKCOL", "/z", {}, "body")).status, 415);
  const moved = await ask("GET", "/a%20%3C%26%3F%23?q=1");
  t.equal(moved.status, 301);
  t.equal(moved.headers.location, `${server.url}/a%20%3C%26%3F%23/?q=1`);
  const listing = await ask("GET", "/");
  t.match(listing.body, '<a href="/a%20%3C%26%3F%23/">a &#60;&#38;?#/</a>');
  t.equal((await ask("PUT", "/a%20%3C%26%3F%23/", {}, "x")).status, 405);
});

void t.test("a path never leaves the root", async (t) => {
  const [ask, server] = await start(t);
  await symlink("/etc", join(server.root, "link"));
  await symlink("/etc/passwd", join(server.root, "file"));
  const rows: [string, number][] = [
    ["/../etc/passwd", 400],
    ["/%2e%2e/etc/passwd", 400],
    ["/..%2fetc%2fpasswd", 400],
    ["/a%00b", 400],
    ["/%ff", 400],
    ["/%zz", 400],
    ["/link/passwd", 403],
    ["/link/", 403],
    ["/file", 403],
    ["/.dav-upload-1", 403],
    [`/${"x".repeat(300)}`, 414],
  ];
  for (const [path, status] of rows) t.equal((await ask("GET", path)).status, status, path);
  t.equal((await ask("PUT", "/file", {}, "x")).status, 403);
  t.equal((await ask("COPY", "/file", { Destination: "/copy" })).status, 403);
  t.notMatch((await ask("GET", "/")).body, /link|file/);
  t.equal((await ask("GET", "http://elsewhere/")).status, 200, "absolute form of the target");
  await mkdir(join(server.root, "folder"));
  await symlink("/etc", join(server.root, "folder/link"));
  await ask("COPY", "/folder", { Destination: "/copy" });
  t.same(await readdir(join(server.root, "copy")), [], "links are not copied");
  t.equal((await ask("DELETE", "/folder")).status, 403, "nor deleted");
});

void t.test("COPY and MOVE", async (t) => {
  const [ask, server] = await start(t);
  await mkdir(join(server.root, "a/b"), { recursive: true });
  await writeFile(join(server.root, "a/b/f"), "content");
  const rows: [string, string, http.OutgoingHttpHeaders, number][] = [
    ["COPY", "/a", { Destination: "/c" }, 201],
    ["COPY", "/a", { Destination: `${server.url}/c/` }, 204],
    ["COPY", "/a", { Destination: "/c", Overwrite: "F" }, 412],
    ["COPY", "/a", { Destination: "/d", Depth: "0" }, 201],
    ["COPY", "/a", { Destination: "/d", Depth: "1" }, 400],
    ["COPY", "/a", {}, 400],
    ["COPY", "/a", { Destination: "http://elsewhere/c" }, 502],
    ["COPY", "/a", { Destination: "/a" }, 403],
    ["COPY", "/a", { Destination: "/a/b/c" }, 403],
    ["COPY", "/a/b", { Destination: "/a" }, 403],
    ["COPY", "/a", { Destination: "/no/c" }, 409],
    ["COPY", "/no", { Destination: "/c" }, 404],
    ["MOVE", "/c", { Destination: "/e%20f" }, 201],
    ["MOVE", "/c", { Destination: "/e" }, 404],
    ["MOVE", "/e%20f", { Destination: "/e", Depth: "0" }, 400],
  ];
  for (const [method, path, headers, status] of rows) {
    const name = `${method} ${path} ${JSON.stringify(headers)}`;
    t.equal((await ask(method, path, headers)).status, status, name);
  }
  t.equal((await ask("GET", "/e%20f/b/f")).body, "content");
  t.equal((await ask("GET", "/d/b")).status, 404, "depth 0 copies no members");
});

void t.test("a tree with stubborn members: 207", async (t) => {
  const refuse = (method: string, path: string): number =>
    path.endsWith("/stubborn") && method !== "PUT" ? 403 : 0;
  const [ask, server] = await start(t, { refuse });
  await mkdir(join(server.root, "a/b"), { recursive: true });
  await writeFile(join(server.root, "a/b/stubborn"), "");
  await writeFile(join(server.root, "a/easy"), "");
  const copied = await ask("COPY", "/a", { Destination: "/c" });
  t.equal(copied.status, 207);
  t.match(copied.body, "<D:href>/a/b/stubborn</D:href><D:status>HTTP/1.1 403 Forbidden<");
  t.equal((await ask("GET", "/c/easy")).status, 200);
  const moved = await ask("MOVE", "/a", { Destination: "/m" });
  t.equal(moved.status, 207);
  t.equal((await ask("GET", "/a/easy")).status, 404);
  t.equal((await ask("GET", "/m/easy")).status, 200);
  const deleted = await ask("DELETE", "/a");
  t.equal(deleted.status, 207);
  t.notMatch(deleted.body, "<D:href>/a/</D:href>", "its collections are not listed");
  t.equal((await ask("DELETE", "/a/b/stubborn")).status, 403, "alone: no 207");
  t.equal((await ask("DELETE", "/m")).status, 204);
  t.equal((await ask("DELETE", "/m")).status, 404);
  t.equal((await ask("DELETE", "/")).status, 403);
});

void t.test("PROPFIND", async (t) => {
  const [ask, server] = await start(t);
  await mkdir(join(server.root, "a/b"), { recursive: true });
  await writeFile(join(server.root, "a/b/f & g.txt"), "content");
  const hrefs = (body: string): string[] => body.match(/(?<=<D:response><D:href>)[^<]*/g) ?? [];
  const rows: [string, http.OutgoingHttpHeaders, string[]][] = [
    ["/a", { Depth: "0" }, ["/a/"]],
    ["/a/", { Depth: "1" }, ["/a/", "/a/b/"]],
    ["/a/", { Depth: "infinity" }, ["/a/", "/a/b/", "/a/b/f%20%26%20g.txt"]],
    ["/a/", {}, ["/a/", "/a/b/", "/a/b/f%20%26%20g.txt"]],
  ];
  for (const [path, headers, expected] of rows) {
    const got = await ask("PROPFIND", path, headers);
    t.equal(got.status, 207);
    t.same(hrefs(got.body), expected);
  }
  t.equal((await ask("PROPFIND", "/a", { Depth: "2" })).status, 400);
  t.equal((await ask("PROPFIND", "/no", { Depth: "0" })).status, 404);
  t.equal((await ask("PROPFIND", "/a", {}, "<a><b></a>")).status, 400);
  t.equal((await ask("PROPFIND", "/a", {}, "<propfind/>")).status, 400);

  const names = '<propfind xmlns="DAV:"><propname/></propfind>';
  const only = await ask("PROPFIND", "/a", { Depth: "0" }, names);
  t.match(only.body, "<D:resourcetype/>");
  const named =
    '<propfind xmlns="DAV:"><prop><getcontentlength/><displayname/>' +
    '<x xmlns="u:v"/></prop></propfind>';
  const file = await ask("PROPFIND", "/a/b/f%20%26%20g.txt", { Depth: "0" }, named);
  t.match(
    file.body,
    "<D:propstat><D:prop><D:getcontentlength>7</D:getcontentlength>" +
      "<D:displayname>f &#38; g.txt</D:displayname></D:prop><D:status>HTTP/1.1 200 OK</D:status>" +
      '</D:propstat><D:propstat><D:prop><x xmlns="u:v"/></D:prop>' +
      "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>",
  );
});

void t.test("a listing of thousands is streamed whole", async (t) => {
  const [ask, server] = await start(t);
  for (let i = 0; i < 3000; i++) await writeFile(join(server.root, `file ${i}`), "");
  const got = await ask("PROPFIND", "/", { Depth: "1" });
  t.equal(got.body.split("<D:response>").length - 1, 3001);
  t.match(got.body, /<\/D:multistatus>\n$/);
});

void t.test("PROPPATCH keeps what it is given, all or nothing", async (t) => {
  const [ask] = await start(t);
  await ask("MKCOL", "/a");
  const update = (inner: string): string =>
    `<D:propertyupdate xmlns:D="DAV:" xmlns:z="u:z" xml:lang="de">${inner}</D:propertyupdate>`;
  const find = '<D:propfind xmlns:D="DAV:"><D:prop><p xmlns="u:z"/></D:prop></D:propfind>';
  const value = '<z:p z:at="1&lt;">t &amp; <z:q/><r/></z:p>';
  const set = update(`<D:set><D:prop>${value}</D:prop></D:set>`);
  t.match((await ask("PROPPATCH", "/a", {}, set)).body, "HTTP/1.1 200 OK");
  const stored =
    '<p xmlns="u:z" xml:lang="de" xmlns:a0="u:z" a0:at="1&#60;">t &#38; <q/><r xmlns=""/></p>';
  t.match((await ask("PROPFIND", "/a", { Depth: "0" }, find)).body, stored);
  t.match((await ask("PROPFIND", "/a", { Depth: "0" })).body, stored, "allprop has it too");

  const mixed = update(
    "<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>" +
      "<D:remove><D:prop><z:p/></D:prop></D:remove>",
  );
  const failed = (await ask("PROPPATCH", "/a", {}, mixed)).body;
  t.match(failed, "<D:getetag/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status>");
  t.match(failed, '<p xmlns="u:z"/></D:prop><D:status>HTTP/1.1 424 Failed Dependency</D:status>');
  t.match((await ask("PROPFIND", "/a", { Depth: "0" }, find)).body, stored, "nothing was done");

  await ask("COPY", "/a", { Destination: "/b" });
  await ask("MOVE", "/a", { Destination: "/c" });
  t.match((await ask("PROPFIND", "/b", { Depth: "0" }, find)).body, stored, "copied along");
  t.match((await ask("PROPFIND", "/c", { Depth: "0" }, find)).body, stored, "moved along");
  const remove = update("<D:remove><D:prop><z:p/></D:prop></D:remove>");
  await ask("PROPPATCH", "/c", {}, remove);
  t.match((await ask("PROPFIND", "/c", { Depth: "0" }, find)).body, "404 Not Found");
  t.equal((await ask("PROPPATCH", "/c", {}, update(""))).status, 400);
});

void t.test("REPORT lists the members for a sync-collection", async (t) => {
  const [ask] = await start(t);
  await ask("PUT", "/f", {}, "x");
  const body =
    '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level>' +
    "<prop><getetag/></prop></sync-collection>";
  const got = await ask("REPORT", "/", {}, body);
  t.equal(got.status, 207);
  t.match(got.body, /<D:href>\/f<\/D:href>[^]*<D:sync-token>urn:/);
  t.equal((await ask("REPORT", "/", {}, '<other xmlns="DAV:"/>')).status, 403);
});

void t.test("POST sends back what came", async (t) => {
  const [ask] = await start(t);
  const bytes = Buffer.from([0, 255, 13, 10]);
  const got = await ask("POST", "/anything", { "Content-Type": "a/b" }, bytes);
  t.same(got.bytes, bytes);
  t.equal(got.headers["content-type"], "a/b");
});

void t.test("an exclusive lock", async (t) => {
  const [ask, server] = await start(t);
  await ask("PUT", "/f", {}, "1");
  const wishes = { Timeout: "Second-100", Depth: "0" };
  const locked = await ask("LOCK", "/f", wishes, LOCKINFO("exclusive"));
  t.equal(locked.status, 200);
  t.match(locked.body, "<D:owner>an &#38; owner</D:owner><D:timeout>Second-100</D:timeout>");
  t.match(locked.body, "<D:lockroot><D:href>/f</D:href></D:lockroot>");
  const token = String(locked.headers["lock-token"]).slice(1, -1);

  for (const method of ["PUT", "DELETE", "MOVE", "PROPPATCH"]) {
    const body = '<propertyupdate xmlns="DAV:"><set><prop><a/></prop></set></propertyupdate>';
    const headers = { Destination: "/g" };
    const refused = await ask(method, "/f", headers, method === "PROPPATCH" ? body : "");
    t.equal(refused.status, 423, method);
    t.match(refused.body, "<D:lock-token-submitted><D:href>/f</D:href></D:lock-token-submitted>");
  }
  t.equal((await ask("LOCK", "/f", {}, LOCKINFO("shared"))).status, 423);
  t.equal((await ask("GET", "/f")).status, 200, "reading needs no token");
  const etag = String((await ask("GET", "/f")).headers.etag);
  const rows: [string, number][] = [
    ["(<urn:wrong>)", 412],
    [`(Not <${token}>)`, 412],
    [`(<${token}> ["x"])`, 412],
    ["garbage", 400],
    [`<http://elsewhere/f> (<${token}>)`, 412],
    [`(<urn:wrong>) (<${token}> [${etag}])`, 204],
  ];
  for (const [field, status] of rows) {
    t.equal((await ask("PUT", "/f", { If: field }, "2")).status, status, field);
  }
  t.equal((await ask("PUT", "/f", { If: `<${server.url}/f> (<${token}>)` }, "3")).status, 204);
  t.equal((await ask("PUT", "/f", { If: `(<${token}>)` }, "3")).status, 204);
  t.equal((await ask("PUT", "/f", { If: "(Not <DAV:no-lock>)" }, "3")).status, 423);

  const refreshed = await ask("LOCK", "/f", { If: `(<${token}>)`, Timeout: "Infinite" });
  t.equal(refreshed.status, 200);
  t.match(refreshed.body, "<D:timeout>Infinite</D:timeout>");
  t.equal((await ask("LOCK", "/f")).status, 400);
  t.match((await ask("PROPFIND", "/f", { Depth: "0" })).body, `<D:href>${token}</D:href>`);
  t.equal((await ask("UNLOCK", "/f")).status, 400);
  t.equal((await ask("UNLOCK", "/f", { "Lock-Token": "<urn:wrong>" })).status, 409);
  t.equal((await ask("UNLOCK", "/f", { "Lock-Token": `<${token}>` })).status, 204);
  t.equal((await ask("PUT", "/f", {}, "4")).status, 204);
});

void t.test("locks of collections, shared locks, new resources", async (t) => {
  const [ask, server] = await start(t);
  await ask("MKCOL", "/a");
  const shared = await takeLock(ask, "/a", {}, "shared");
  const other = await takeLock(ask, "/a", {}, "shared");
  t.not(shared, other);
  t.equal((await ask("LOCK", "/a", {}, LOCKINFO("exclusive"))).status, 423);
  t.equal((await ask("PUT", "/a/f", {}, "x")).status, 423, "depth infinity covers members");
  const tagged = { If: `<${server.url}/a/> (<${other}>)` };
  t.equal((await ask("PUT", "/a/f", tagged, "x")).status, 201);
  for (const token of [shared, other]) await ask("UNLOCK", "/a", { "Lock-Token": `<${token}>` });

  const shallow = await takeLock(ask, "/a", { Depth: "0" });
  t.equal((await ask("PUT", "/a/f", {}, "y")).status, 204, "depth 0 leaves members free");
  t.equal((await ask("PUT", "/a/new", {}, "y")).status, 423, "but not who is one");
  await ask("UNLOCK", "/a", { "Lock-Token": `<${shallow}>` });

  const created = await ask("LOCK", "/a/made", {}, LOCKINFO("exclusive"));
  t.equal(created.status, 201);
  t.equal((await ask("GET", "/a/made")).body, "");
  const conflict = await ask("LOCK", "/a", {}, LOCKINFO("exclusive"));
  t.equal(conflict.status, 207);
  t.match(conflict.body, "<D:href>/a/made</D:href><D:status>HTTP/1.1 423 Locked");
  t.match(conflict.body, "<D:href>/a/</D:href><D:status>HTTP/1.1 424 Failed Dependency");
  const deleted = await ask("DELETE", "/a");
  t.equal(deleted.status, 207);
  t.match(deleted.body, "<D:href>/a/made</D:href><D:status>HTTP/1.1 423 Locked");
  t.equal((await ask("LOCK", "/no/made", {}, LOCKINFO("exclusive"))).status, 409);
  t.equal((await ask("LOCK", "/a", { Depth: "1" }, LOCKINFO("exclusive"))).status, 400);
  t.equal((await ask("LOCK", "/a", {}, LOCKINFO("no"))).status, 422);
});

void t.test("what an If field may look like", async (t) => {
  t.same(parseIf('</a> (<t1> Not ["e"]) (<t2>) <http://h/b> (Not <t3>)'), [
    {
      tag: "/a",
      conditions: [
        { not: false, token: "t1", etag: null },
        { not: true, token: null, etag: '"e"' },
      ],
    },
    { tag: "/a", conditions: [{ not: false, token: "t2", etag: null }] },
    { tag: "http://h/b", conditions: [{ not: true, token: "t3", etag: null }] },
  ]);
  for (const bad of ["", "()", "(", "(<a>", "<a>", "(Not)", "(Not Not <a>)", "((<a>))", "(a)"]) {
    t.equal(parseIf(bad), null, bad);
  }
});

void t.test("Basic", async (t) => {
  const [ask] = await start(t, { auth: { scheme: "basic", username: "jörg", password: "a:b" } });
  const basic = (pair: string): http.OutgoingHttpHeaders => ({
    Authorization: `Basic ${Buffer.from(pair).toString("base64")}`,
  });
  const none = await ask("GET", "/");
  t.equal(none.status, 401);
  t.match(none.headers["www-authenticate"], /^Basic realm="libneon demo"/);
  t.equal((await ask("GET", "/", basic("jörg:a:c"))).status, 401);
  t.equal((await ask("GET", "/", basic("jörg:a:b"))).status, 200);
});

for (const algorithm of ["MD5", "SHA-256"] as const) {
  void t.test(`Digest with ${algorithm}`, async (t) => {
    const auth = { scheme: "digest" as const, username: "u", password: "p", algorithm };
    const [ask] = await start(t, { auth });
    const hash = (text: string): string =>
      createHash(algorithm.toLowerCase().replace("-", "")).update(text).digest("hex");
    const answer = (nonce: string, nc: string, password: string): http.OutgoingHttpHeaders => {
      const ha1 = hash(`u:libneon demo:${password}`);
      const response = hash(`${ha1}:${nonce}:${nc}:c:auth:${hash("GET:/")}`);
      const fields = `username="u", realm="libneon demo", nonce="${nonce}", uri="/", qop=auth`;
      return { Authorization: `Digest ${fields}, nc=${nc}, cnonce="c", response="${response}"` };
    };
    const challenge = String((await ask("GET", "/")).headers["www-authenticate"]);
    const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? "";
    t.match(challenge, `algorithm=${algorithm}`);
    t.equal((await ask("GET", "/", answer(nonce, "00000001", "q"))).status, 401);
    const right = await ask("GET", "/", answer(nonce, "00000001", "p"));
    t.equal(right.status, 200);
    const rspauth = hash(`${hash("u:libneon demo:p")}:${nonce}:00000001:c:auth:${hash(":/")}`);
    t.match(right.headers["authentication-info"], `rspauth="${rspauth}"`);
    const again = await ask("GET", "/", answer(nonce, "00000001", "p"));
    t.match(String(again.headers["www-authenticate"]), "stale=true", "no count is used twice");
    t.equal((await ask("GET", "/", answer(nonce, "00000002", "p"))).status, 200);
  });
}

void t.test("https with a certificate made at start", async (t) => {
  const [ask, server] = await start(t, { tls: true });
  t.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  t.equal((await ask("OPTIONS", "/")).status, 200, "Node's client verified it against itself");
});

void t.test("self-signed certificates say what they were asked to", async (t) => {
  const notBefore = new Date("2020-01-02T03:04:05Z");
  const notAfter = new Date("2055-01-02T03:04:05Z");
  const names = ["a.example", "10.0.0.1"];
  const long = "x".repeat(60);
  const { cert } = makeSelfSigned({ names, commonName: long, notBefore, notAfter });
  const read = new X509Certificate(cert);
  t.ok(read.verify(read.publicKey));
  t.equal(read.subjectAltName, "DNS:a.example, IP Address:10.0.0.1");
  t.match(read.subject, `CN=${long}`);
  t.equal(new Date(read.validFrom).getTime(), notBefore.getTime());
  t.equal(new Date(read.validTo).getTime(), notAfter.getTime());
  t.ok(read.ca);
});

void t.test("unknown methods, and the log", async (t) => {
  const [ask, server] = await start(t);
  t.equal((await ask("SEARCH", "/")).status, 501);
  t.equal((await ask("GET", "/no")).status, 404);
  t.same(server.log, ["SEARCH / 501", "GET /no 404"]);
});
