// Tapes played back: ours, and HARs as browsers export them.
import t, { type Test } from "tap";
import {
  NE_ERROR,
  NE_OK,
  ne_session_create,
  ne_session_destroy,
  nx_recorder_create,
  nx_recorder_har,
  nx_recorder_register,
  nx_replay,
  nx_send,
  nx_set_connector,
  type ne_session,
  type nx_send_options,
} from "../../../lib/index.js";
import { openSession } from "../../fixtures/conversation.js";
import { scripted, type Answer } from "../../fixtures/server.js";

/** A session whose server is a tape. */
function replaying(t: Test, har: object, scheme = "http", host = "h.example"): ne_session {
  const sess = ne_session_create(scheme, host, scheme === "https" ? 443 : 80);
  nx_set_connector(sess, nx_replay(har));
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

interface Part {
  method?: string;
  url?: string;
  postData?: object;
  bodySize?: number;
  status?: number;
  headers?: [string, string][];
  content?: object;
  entry?: object;
  response?: object;
}

/** A HAR entry with what matters. */
function entry(part: Part): object {
  const headers = (part.headers ?? []).map(([name, value]) => ({ name, value }));
  return {
    request: {
      method: part.method ?? "GET",
      url: part.url ?? "http://h.example/",
      ...(part.postData === undefined ? {} : { postData: part.postData }),
      bodySize: part.bodySize ?? 0,
    },
    response: {
      status: part.status ?? 200,
      statusText: "OK",
      httpVersion: "HTTP/1.1",
      headers,
      content: part.content ?? { size: 0, mimeType: "" },
      ...part.response,
    },
    ...part.entry,
  };
}

const tape = (...parts: Part[]): object => ({ log: { entries: parts.map(entry) } });
const text = (value: string): object => ({ size: value.length, mimeType: "text/plain", text: value });

async function get(sess: ne_session, target: string, more?: nx_send_options): Promise<string> {
  const { code, error, body } = await nx_send(sess, "GET", target, more);
  return code === NE_OK ? body.toString() : error;
}

/** Records what a server answers to requests, and plays the tape to the same requests. */
async function roundTrip(
  t: Test,
  answers: Answer[],
  ask: (sess: ne_session) => Promise<unknown>,
): Promise<void> {
  const server = await scripted(t, [answers]);
  const sess = openSession(t, server.port);
  const rec = nx_recorder_create();
  nx_recorder_register(rec, sess);
  const live = await ask(sess);
  const har = JSON.parse(JSON.stringify(nx_recorder_har(rec))) as object;
  const again = ne_session_create("http", "127.0.0.1", server.port);
  nx_set_connector(again, nx_replay(har));
  t.same(await ask(again), live);
  ne_session_destroy(again);
}

t.test("what was recorded comes back", async (t) => {
  const png = Buffer.from("\x89PNG\0\xff", "latin1");
  const latin = Buffer.from("caf\xe9", "latin1");
  const answers = [
    `HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a: \xe9\r\nContent-Length: 2\r\n\r\nok`,
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 6\r\n\r\n`),
      png,
    ]),
    Buffer.concat([
      Buffer.from("HTTP/1.1 404 No\r\nContent-Type: text/plain; charset=latin1\r\n"),
      Buffer.from("Content-Length: 4\r\n\r\n"),
      latin,
    ]),
    "HTTP/1.1 204 Gone\r\nETag: \"x\"\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n",
  ];
  await roundTrip(t, answers, async (sess) => {
    const asked: [string, string, nx_send_options?][] = [
      ["GET", "/a?b=c"],
      ["GET", "/p"],
      ["GET", "/l"],
      ["PUT", "/a", { body: Buffer.from([0, 1, 254]) }],
      ["HEAD", "/a"],
      ["PUT", "/c", { body: async function* () { yield "in "; yield "chunks"; } }],
    ];
    const results = [];
    for (const [method, target, options] of asked) {
      const { code, status, headers, trailers, body } = await nx_send(sess, method, target, options);
      const kept = headers.filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name));
      results.push({ code, status, kept, trailers, body });
    }
    return results;
  });
});

t.test("the same request again gets the next answer, then none", async (t) => {
  const sess = replaying(t, tape({ content: text("one") }, { content: text("two") }));
  t.equal(await get(sess, "/"), "one");
  t.equal(await get(sess, "/"), "two");
  t.equal(
    await get(sess, "/"),
    "Could not read status line: GET http://h.example/ was recorded 2 times and is asked for once more",
  );
});

t.test("header fields are no difference, nor what reads … on the tape", async (t) => {
  const url = "http://h.example/a?token=…&n=1";
  const postData = { mimeType: "application/x-www-form-urlencoded", text: "user=a&password=…" };
  const har = tape({ method: "POST", url, postData, content: text("in") });
  const ask = (target: string, body: string): Promise<string> =>
    nx_send(replaying(t, har), "POST", target, { body, headers: { "X-A": "b" } }).then(
      (result) => (result.code === NE_OK ? result.text() : result.error),
    );
  t.equal(await ask("/a?token=secret1&n=1", "user=a&password=hush"), "in");
  t.match(await ask("/a?token=secret1&n=2", "user=a&password=hush"), /: the query differs$/);
  t.match(await ask("/a?token=secret1&n=1", "user=b&password=hush"), /the bodies differ/);
});

t.test("what was not recorded names the nearest and the difference, no secret", async (t) => {
  const postData = { mimeType: "text/plain", text: "some text" };
  const har = tape(
    { url: "http://h.example/docs/a.txt" },
    { url: "http://h.example/docs/a.txt", method: "PUT", postData },
    { url: "http://other.example/x" },
  );
  const ask = async (method: string, target: string, options?: nx_send_options): Promise<string> => {
    const { code, error } = await nx_send(replaying(t, har), method, target, options);
    t.equal(code, NE_ERROR);
    return error.replace("Could not read status line: ", "");
  };
  t.equal(
    await ask("GET", "/docs/b.txt?sig=s3cr3t-s3cr3t"),
    "GET http://h.example/docs/b.txt?sig=… was not recorded; nearest is " +
      "GET http://h.example/docs/a.txt: the path differs, the query differs",
  );
  t.match(await ask("DELETE", "/docs/a.txt"), /nearest is GET .*: the method differs$/);
  t.match(
    await ask("PUT", "/docs/a.txt", { body: "some test" }),
    /nearest is PUT .*: the bodies differ from character 7 on: "xt" there, "st" here$/,
  );
  const empty = await nx_send(replaying(t, tape()), "GET", "/");
  t.match(empty.error, /the tape is empty$/);
});

t.test("a body that was not kept whole fails", async (t) => {
  const cut: [string, Part][] = [
    ["ours", { content: { size: 9, mimeType: "", text: "0123", _kept: 4 } }],
    ["Firefox without bodies", { content: { size: 9, mimeType: "text/plain" } }],
    ["text that is shorter than its size", { content: { size: 90, mimeType: "", text: "0123" } }],
  ];
  for (const [what, part] of cut) {
    t.match(await get(replaying(t, tape(part)), "/"), /not kept whole$/, what);
  }
  const sent = tape({ method: "PUT", postData: { mimeType: "", text: "01", _kept: 2 } });
  const { error } = await nx_send(replaying(t, sent), "PUT", "/", { body: "0123" });
  t.match(error, /its body was not kept whole$/);
});

t.test("a request that failed on the tape fails again", async (t) => {
  const refused = "Could not connect to server: Connection refused";
  const ours = tape({ status: 0, entry: { _error: refused } });
  t.match(await get(replaying(t, ours), "/"), /Connection refused$/);
  const chrome = tape({ status: 0, response: { _error: "net::ERR_NAME_NOT_RESOLVED" } });
  t.match(await get(replaying(t, chrome), "/"), /net::ERR_NAME_NOT_RESOLVED$/);
});

t.test("an https session plays without TLS, redirects across servers too", async (t) => {
  const har = tape(
    { url: "https://h.example/a", status: 302, headers: [["Location", "https://i.example/b"]] },
    { url: "https://i.example/b", content: text("there") },
  );
  const sess = replaying(t, har, "https");
  t.equal(await get(sess, "/a", { redirects: 2 }), "there");
});

t.test("Chrome's form: HTTP/2 names, joined fields, base64, a form's text", async (t) => {
  const har = tape(
    {
      url: "https://h.example/page",
      headers: [
        [":status", "200"],
        ["content-type", "text/html; charset=utf-8"],
        ["content-encoding", "br"],
        ["content-length", "11"],
        ["set-cookie", "a=1\nb=2"],
      ],
      content: { size: 5, mimeType: "text/html", compression: -6, text: "gr\u00fcn" },
      response: { httpVersion: "http/2.0", bodySize: 11, _transferSize: 300 },
    },
    {
      url: "https://h.example/i.png",
      content: { size: 3, mimeType: "image/png", text: "AAH/", encoding: "base64" },
    },
    {
      method: "POST",
      url: "https://h.example/form",
      bodySize: 7,
      postData: {
        mimeType: "application/x-www-form-urlencoded",
        text: "a=1&b=2",
        params: [{ name: "a", value: "1" }, { name: "b", value: "2" }],
      },
      status: 303,
      headers: [["location", "/page"]],
      content: { size: 0, mimeType: "x-unknown" },
    },
  );
  const sess = replaying(t, har, "https");
  const page = await nx_send(sess, "GET", "/page");
  t.equal(page.text(), "grün");
  const cookies = page.headers.filter(([name]) => name === "set-cookie");
  t.same(cookies.map(([, value]) => value), ["a=1", "b=2"]);
  t.same((await nx_send(sess, "GET", "/i.png")).body, Buffer.from([0, 1, 255]));
  t.equal((await nx_send(sess, "POST", "/form", { body: "a=1&b=2" })).status?.code, 303);
});

t.test("Firefox's form: parameters without a text, an error in the entry", async (t) => {
  const har = tape({
    method: "POST",
    url: "http://h.example/form#top",
    bodySize: 9,
    postData: {
      mimeType: "application/x-www-form-urlencoded",
      params: [{ name: "q", value: "a b" }, { name: "x", value: "1" }],
    },
    headers: [["Content-Type", "text/plain;charset=iso-8859-1"], ["Transfer-Encoding", "chunked"]],
    content: { mimeType: "text/plain;charset=iso-8859-1", size: 4, text: "caf\u00e9" },
  });
  const sess = replaying(t, har);
  const result = await nx_send(sess, "POST", "/form", { body: "q=a+b&x=1" });
  t.equal(result.text(), "café");
  t.equal(result.body.length, 4);
});

t.test("a body that asks first, a connection of HTTP/1.0", async (t) => {
  const postData = { mimeType: "", text: "body" };
  const har = tape(
    { method: "PUT", postData, response: { httpVersion: "HTTP/1.0" } },
    { content: text("next") },
  );
  const sess = replaying(t, har);
  const headers = { Expect: "100-continue" };
  const put = await nx_send(sess, "PUT", "/", { body: "body", headers });
  t.match(put, { code: NE_OK, status: { code: 200, minor_version: 0 } });
  t.equal(await get(sess, "/"), "next");
});

t.test("what is no HAR", async (t) => {
  for (const har of [null, 1, {}, { log: {} }, { log: { entries: [{}] } }]) {
    t.throws(() => nx_replay(har as object), { name: "TypeError", message: /^nx_replay: / });
  }
});
