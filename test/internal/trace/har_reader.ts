// HTTP Archives, ours and browsers': what each entry says, and what is no entry.
import t from "tap";
import { authorityOf, placeOf, readHar, type Recorded } from "../../../lib/internal/trace/har_reader.js";

function one(request: object, response: object = { status: 200 }, entry: object = {}): Recorded {
  const base = { method: "GET", url: "http://h/" };
  const [read] = readHar({ log: { entries: [{ request: { ...base, ...request }, response, ...entry }] } }, "f");
  if (read === undefined) throw new Error("nothing was read");
  return read;
}

t.test("places", async (t) => {
  const rows: [url: string, authority: string | null, target?: string][] = [
    ["http://H.example", "h.example:80", "/"],
    ["https://h/a?b#c", "h:443", "/a?b"],
    ["http://h:81?q", "h:81", "/?q"],
    ["http://u:p@h/", "h:80", "/"],
    ["http://[::1]:81/", "[::1]:81", "/"],
    ["wss://h/", "h:443", "/"],
    ["http://h/ä b", "h:80", "/ä b"],
    ["/a", null],
    ["http://", null],
  ];
  for (const [url, authority, target] of rows) {
    t.strictSame(placeOf(url), authority === null ? null : { authority, target }, url);
  }
  t.equal(authorityOf("H", 80), "h:80");
});

t.test("what is no HAR", async (t) => {
  for (const har of [null, 7, {}, { log: {} }, { log: { entries: {} } }]) {
    t.throws(() => readHar(har, "f"), new TypeError("f: the tape is no HAR: it has no log.entries"));
  }
  const good = { request: { method: "GET", url: "http://h/" } };
  for (const bad of [null, 7, {}, { request: { url: "http://h/" } }, { request: { method: "GET", url: "x" } }]) {
    const message = "f: entry 1 of the tape is no request with a URL";
    t.throws(() => readHar({ log: { entries: [good, bad] } }, "f"), new TypeError(message));
  }
  t.strictSame(readHar({ log: { entries: [] } }, "f"), []);
});

t.test("bodies of requests", async (t) => {
  const body = (postData: object | undefined, bodySize?: number): unknown => one({ postData, bodySize }).body;
  t.equal(body(undefined), "");
  t.equal(body(undefined, 7), null, "there was one, and it was not kept");
  t.equal(body({ text: "a" }), "a");
  t.same(body({ text: "x", _base64: "AAE=" }), Buffer.from([0, 1]));
  t.equal(body({ text: "a", _kept: 1 }), null);
  const params = [{ name: "a b", value: "ä" }, { name: "c" }];
  t.equal(body({ params, mimeType: "application/x-www-form-urlencoded" }), "a+b=%C3%A4&c=");
});

t.test("bodies of answers", async (t) => {
  const body = (content: object): unknown => one({}, { status: 200, content }).response.body;
  t.same(body({ size: 0 }), Buffer.alloc(0));
  t.equal(body({ size: 7 }), null, "not kept");
  t.same(body({ size: 1, text: "a" }), Buffer.from("a"));
  t.equal(body({ size: 100, text: "a" }), null, "kept in part");
  t.same(body({ size: 4, text: "a" }), Buffer.from("a"), "a mark that browsers leave out");
  t.same(body({ size: 2, text: "AAE=", encoding: "base64" }), Buffer.from([0, 1]));
  t.same(body({ text: "ä", mimeType: "text/plain; charset=iso-8859-1" }), Buffer.from([0xe4]));
  t.equal(body({ text: "a", _kept: 1 }), null);
});

t.test("answers", async (t) => {
  const { response } = one(
    {},
    {
      ...{ status: 207, statusText: "Multi-Status", httpVersion: "h2" },
      headers: [
        { name: ":status", value: "207" },
        { name: "a", value: "1\n2" },
        { name: "bad name", value: "x" },
        { name: "b", value: "a\0€" },
        null,
      ],
    },
  );
  t.match(response, { status: 207, reason: "Multi-Status", version: "HTTP/1.1", error: null });
  const utf8 = Buffer.from("a €").toString("latin1");
  t.strictSame(response.fields, [["a", "1"], ["a", "2"], ["b", utf8]]);
  t.equal(one({}, { status: 0 }, { _error: "net::ERR" }).response.error, "net::ERR");
  t.equal(one({}, { status: 0, _error: "refused" }).response.error, "refused");
  t.equal(one({}, {}).response.error, "the recorded request failed");
});

t.test("a target as it was sent counts", async (t) => {
  t.equal(one({ url: "http://h/", _target: "*" }).target, "*");
  t.equal(one({ url: "http://h/a#b" }).url, "http://h/a");
});
