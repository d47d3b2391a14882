// The recorder, from outside: what it keeps of requests of every kind, in the form of a HAR.
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import {
  ne_add_server_auth,
  NE_AUTH_BASIC,
  nx_recorder_clear,
  nx_recorder_create,
  nx_recorder_curl,
  nx_recorder_har,
  nx_recorder_keylog,
  nx_recorder_register,
  nx_send,
  nx_set_session_signal,
  type ne_session,
  type nx_recorder,
  type nx_recorder_options,
} from "../lib/index.js";
import { OK, openSession, send, settled } from "./fixtures/conversation.js";
import { harOf, type Entry } from "./fixtures/har.js";
import { END, scripted } from "./fixtures/server.js";

/** A session with a recorder. */
function recorded(
  t: Test,
  port: number,
  options?: nx_recorder_options,
): { sess: ne_session; rec: nx_recorder } {
  const sess = openSession(t, port);
  const rec = nx_recorder_create(options);
  nx_recorder_register(rec, sess);
  return { sess, rec };
}

function answer(fields: string, body: string | Buffer = ""): Buffer {
  const bytes = Buffer.from(body);
  const head = `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}

/** The entry of one request that is answered with these bytes. */
async function only(
  t: Test,
  bytes: Buffer | string,
  options?: nx_recorder_options,
): Promise<Entry> {
  const server = await scripted(t, [[bytes]]);
  const { sess, rec } = recorded(t, server.port, options);
  await nx_send(sess, "GET", "/");
  const [entry] = harOf(t, rec).log.entries;
  if (entry === undefined) throw new Error("nothing was recorded");
  return entry;
}

t.test("a request and its answer, sizes as on the wire", async (t) => {
  const response = answer("Content-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nx-a: 2\r\n", "grün");
  const server = await scripted(t, [[response]]);
  const { sess, rec } = recorded(t, server.port);
  await nx_send(sess, "GET", "/a/b?x=1&y=a%20b", { headers: { "X-Own": "yes" } });
  const [entry] = harOf(t, rec).log.entries;
  const { request, response: got } = entry as Entry;
  t.equal(request.url, `${server.origin}/a/b?x=1&y=a%20b`);
  t.same(request.queryString, [
    { name: "x", value: "1" },
    { name: "y", value: "a b" },
  ]);
  t.equal(request.headersSize, server.received[0]?.length);
  t.same(
    request.headers.map(({ name, value }) => `${name}: ${value}`),
    server.requests[0]?.fields.map((line) => line.trim().replace(/:$/, ": ")),
  );
  t.equal(got.status, 200);
  t.equal(got.statusText, "OK");
  t.equal(got.httpVersion, "HTTP/1.1");
  t.same(got.headers.map(({ name }) => name), ["Content-Type", "X-A", "x-a", "Content-Length"]);
  t.equal(got.headersSize, response.length - 5);
  t.equal(got.bodySize, 5);
  t.match(got.content, { size: 5, mimeType: "text/plain; charset=utf-8", text: "grün" });
  t.match(entry, { serverIPAddress: "127.0.0.1", connection: "1" });
});

t.test("bodies: text by its charset, binary in base64, content codings off", async (t) => {
  const bytes = Buffer.from([0x63, 0xe9, 0x80]);
  const latin = await only(t, answer("Content-Type: text/html; charset=windows-1252\r\n", bytes));
  t.match(latin.response.content, { text: "cé€", size: 3 });
  t.equal(latin.response.content.encoding, undefined);
  const png = Buffer.from("\x89PNG\0", "latin1");
  const binary = await only(t, answer("Content-Type: image/png\r\n", png));
  t.match(binary.response.content, { text: "iVBORwA=", encoding: "base64", size: 5 });
  const odd = await only(t, answer("Content-Type: text/plain\r\n", Buffer.from([0xff, 0x61])));
  t.match(odd.response.content, { text: "/2E=", encoding: "base64", size: 2 });
  const text = "libneon ".repeat(100);
  const zipped = gzipSync(text);
  const fields = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n";
  const coded = await only(t, answer(fields, zipped));
  t.match(coded.response, { bodySize: zipped.length, content: { text, size: text.length } });
  t.equal(coded.response.content.compression, text.length - zipped.length);
});

t.test("a body in chunks, with a trailer; a size without the frames", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const entry = await only(t, `${head}3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n`);
  t.match(entry.response, { bodySize: 5, content: { text: "abcde", size: 5 } });
  t.same(entry.response._trailers, [{ name: "X-Sum", value: "5" }]);
});

t.test("bounds: bytes of a body, requests", async (t) => {
  const cut = await only(t, answer("Content-Type: text/plain\r\n", "0123456789"), { body: 4 });
  t.match(cut.response, { bodySize: 10, content: { size: 10, text: "0123", _kept: 4 } });
  t.match(cut.response.content.comment, /first 4 of 10 bytes/);
  const none = await only(t, answer("", "0123456789"), { body: 0 });
  t.match(none.response, { bodySize: 10, content: { size: 10, text: "", _kept: 0 } });
  const server = await scripted(t, [[OK, OK, OK, OK]]);
  const { sess, rec } = recorded(t, server.port, { requests: 2 });
  for (const target of ["/1", "/2", "/3"]) await send(sess, "GET", target);
  const targets = harOf(t, rec).log.entries.map(({ request }) => new URL(request.url).pathname);
  t.same(targets, ["/2", "/3"]);
  nx_recorder_clear(rec);
  t.same(harOf(t, rec).log.entries, []);
  await send(sess, "GET", "/4");
  t.equal(harOf(t, rec).log.entries.length, 1);
});

t.test("request bodies: text, bytes, a stream that flows once", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const { sess, rec } = recorded(t, server.port);
  const headers = { "Content-Type": "text/plain" };
  await nx_send(sess, "PUT", "/a", { body: "hällo", headers });
  await nx_send(sess, "PUT", "/b", { body: Buffer.from([0, 1, 255]) });
  let asked = 0;
  const body = async function* (): AsyncGenerator<string> {
    asked++;
    yield "one";
    yield "two";
  };
  await nx_send(sess, "PUT", "/c", { body });
  const posted = harOf(t, rec).log.entries.map(({ request }) => request);
  t.match(posted[0], { bodySize: 6, postData: { mimeType: "text/plain", text: "hällo" } });
  t.match(posted[1], { bodySize: 3, postData: { text: "", _base64: "AAH/" } });
  t.match(posted[2], { bodySize: 6, postData: { text: "onetwo" } });
  t.equal(asked, 1);
});

t.test("a challenged request and its answer are two entries", async (t) => {
  const head = 'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\n';
  const challenge = `${head}Content-Length: 0\r\n\r\n`;
  const server = await scripted(t, [[challenge, OK]]);
  for (const secrets of [false, true]) {
    const again = secrets ? await scripted(t, [[challenge, OK]]) : server;
    const { sess, rec } = recorded(t, again.port, { secrets });
    ne_add_server_auth(sess, NE_AUTH_BASIC, (_u, _realm, _attempt, username, password) => {
      username.value = "alice";
      password.value = "sesame99";
      return 0;
    }, null);
    await send(sess);
    const { entries } = harOf(t, rec).log;
    t.same(entries.map(({ response }) => response.status), [401, 200]);
    const sent = entries[1]?.request.headers.find(({ name }) => name === "Authorization");
    const login = `Basic ${Buffer.from("alice:sesame99").toString("base64")}`;
    t.equal(sent?.value, secrets ? login : "…");
    t.equal(entries[1]?.timings.connect, -1, "the connection was there");
    t.equal(entries[1]?.connection, entries[0]?.connection);
  }
});

t.test("secrets are hidden wherever they occur, sizes stay", async (t) => {
  const page = "<p>you are sid=4711abcd with tok-en-123456</p>";
  const cookie = "Set-Cookie: sid=fresh999; Path=/; HttpOnly; Secure\r\n";
  const fields = `Content-Type: text/html\r\n${cookie}`;
  const server = await scripted(t, [[answer(fields, page)]]);
  const { sess, rec } = recorded(t, server.port);
  await nx_send(sess, "POST", "/x?access_token=tok-en-123456&page=2", {
    headers: {
      "Cookie": "sid=4711abcd",
      "Content-Type": "application/x-www-form-urlencoded",
      "X-Api-Key": "k-e-y-987",
    },
    body: "user=alice&password=hush%21hush",
  });
  const har = harOf(t, rec);
  const text = JSON.stringify(har);
  for (const secret of ["tok-en-123456", "4711abcd", "fresh999", "k-e-y-987", "hush"]) {
    t.notMatch(text, secret, secret);
  }
  const [{ request, response }] = har.log.entries as [Entry];
  t.equal(request.url, `${server.origin}/x?access_token=…&page=2`);
  t.same(request.cookies, [{ name: "sid", value: "…" }]);
  t.equal(request.postData?.text, "user=alice&password=…");
  t.match(response.cookies, [{ name: "sid", value: "…", path: "/", httpOnly: true, secure: true }]);
  t.equal(response.bodySize, page.length);
  t.notMatch(nx_recorder_curl(rec, 0), /tok-en|4711|k-e-y|hush/);
});

t.test("a secret beside bytes that are no text is hidden with them", async (t) => {
  const json = "Content-Type: application/json\r\n";
  const page = Buffer.from('{"a":"\xe4","access_token":"hush-hush"}', "latin1");
  const server = await scripted(t, [[answer(json, page)]]);
  const { sess, rec } = recorded(t, server.port);
  const form = new FormData();
  form.append("password", "hush-hush");
  form.append("photo", new Blob([Uint8Array.of(0, 255, 1)]), "photo.png");
  await nx_send(sess, "POST", "/", { body: form });
  const [{ request, response }] = harOf(t, rec).log.entries as [Entry];
  t.match(request.postData, { text: "", comment: /bytes with a secret in them/ });
  t.notHas(request.postData, { _base64: String });
  t.match(response.content, { comment: "left out: there is a secret in it" });
  t.notHas(response.content, { text: String });
  t.notMatch(nx_recorder_curl(rec, 0), /hush/);
});

t.test("interim responses are comments", async (t) => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  const entry = await only(t, early + answer("", "ok").toString());
  t.equal(entry.comment, "103 Early Hints, Link: </a.css>");
  t.equal(entry.response.headersSize, answer("", "ok").length - 2);
});

t.test("redirects' hops, each an entry, on other servers too", async (t) => {
  const there = await scripted(t, [[answer("", "there")]]);
  const moved = (to: string): string =>
    `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
  const server = await scripted(t, [[moved("/b"), moved(`${there.origin}/c`)]]);
  const { sess, rec } = recorded(t, server.port);
  const result = await nx_send(sess, "GET", "/a", { redirects: 5 });
  t.equal(result.body.toString(), "there");
  const { entries } = harOf(t, rec).log;
  t.same(
    entries.map(({ request, response }) => [request.url, response.status, response.redirectURL]),
    [
      [`${server.origin}/a`, 302, "/b"],
      [`${server.origin}/b`, 302, `${there.origin}/c`],
      [`${there.origin}/c`, 200, ""],
    ],
  );
});

t.test("a failed request has status 0 and says why", async (t) => {
  const server = await scripted(t, [
    ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", END],
  ]);
  const { sess, rec } = recorded(t, server.port);
  const { error } = await send(sess, "GET", "/cut");
  await server.close();
  const refused = await send(sess, "GET", "/refused");
  const { entries } = harOf(t, rec).log;
  t.match(entries[0], {
    _error: error,
    response: { status: 0, bodySize: 4, comment: "failed after 200 OK", content: { text: "half" } },
  });
  t.match(entries[1], { _error: refused.error, response: { status: 0, bodySize: -1 } });
  t.match(entries[1], { request: { headersSize: -1, method: "GET" } });
});

t.test("a request that is broken off, and one that waits for its turn", async (t) => {
  const server = await scripted(t, [(peer) => peer.readRequest().then(() => peer.stall())]);
  const { sess, rec } = recorded(t, server.port);
  const controller = new AbortController();
  nx_set_session_signal(sess, controller.signal);
  const first = send(sess, "GET", "/1");
  const second = send(sess, "GET", "/2");
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await Promise.all([first, second]);
  const { entries } = harOf(t, rec).log;
  t.same(entries.map(({ _error }) => _error), ["Aborted", "Aborted"]);
});

t.test("a stream that the reader leaves", async (t) => {
  const server = await scripted(t, [
    ["HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin"],
  ]);
  const { sess, rec } = recorded(t, server.port);
  const { stream } = await nx_send(sess, "GET", "/", { stream: true });
  for await (const block of stream as AsyncIterable<Buffer>) {
    t.equal(String(block), "begin");
    break;
  }
  await settled();
  const [entry] = harOf(t, rec).log.entries;
  t.match(entry, { _error: "Aborted", response: { comment: "failed after 200 OK" } });
  t.match(entry?.response.content, { text: "begin", _kept: 5 });
});

t.test("one recorder serves many sessions; twice registered counts once", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const { sess, rec } = recorded(t, server.port);
  nx_recorder_register(rec, sess);
  const other = openSession(t, server.port);
  nx_recorder_register(rec, other);
  await send(sess);
  await send(other);
  t.same(harOf(t, rec).log.entries.map(({ connection }) => connection), ["1", "2"]);
});

t.test("odd targets", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const { sess, rec } = recorded(t, server.port);
  await send(sess, "OPTIONS", "*");
  await send(sess, "GET", "/a#b");
  const targets = harOf(t, rec).log.entries.map(({ request: { url, _target } }) => [url, _target]);
  t.same(targets, [
    [`${server.origin}/`, "*"],
    [`${server.origin}/a`, undefined],
  ]);
});

t.test("mistakes of the caller", async (t) => {
  const rec = nx_recorder_create();
  const wrong = (options: object): (() => unknown) => () => nx_recorder_create(options);
  t.throws(wrong({ bodies: 1 }), { name: "TypeError", message: /^nx_recorder_create: .*bodies/ });
  t.throws(wrong({ body: -1 }), TypeError);
  t.throws(wrong({ requests: 1.5 }), TypeError);
  t.throws(wrong({ secrets: "yes" }), TypeError);
  t.throws(() => nx_recorder_curl(rec, 0), RangeError);
  t.throws(() => nx_recorder_keylog(rec), { message: /secrets/ });
  t.throws(() => nx_recorder_har({} as never), { message: /^nx_recorder_har: / });
  t.throws(() => nx_recorder_register(rec, {} as never), { message: /ne_session/ });
});
