// Where a body ends and whether its connection is kept: tables with reasons.
import t from "tap";
import {
  chooseFraming,
  dropConnectionFields,
  isPersistent,
  keepAliveSeconds,
  parseLength,
  type ResponseHead,
} from "../../../lib/internal/http/framing.js";
import { Fields } from "../../../lib/internal/http/head.js";

function head(fields: string, more: Partial<ResponseHead> = {}): ResponseHead {
  const parsed = new Fields();
  for (const line of fields.split("\n").filter((text) => text !== "")) {
    const colon = line.indexOf(":");
    parsed.add(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { method: "GET", code: 200, http11: true, strict: true, fields: parsed, ...more };
}

const CODING = "Unknown transfer-coding in response";
const LENGTH = "Invalid Content-Length in response";

t.test("framing", async (t) => {
  const rows: [name: string, ResponseHead, ReturnType<typeof chooseFraming>][] = [
    ["length", head("Content-Length: 5"), { kind: "length", length: 5 }],
    ["nothing said", head(""), { kind: "end" }],
    ["chunked", head("Transfer-Encoding: chunked"), { kind: "chunked" }],
    ["chunked beats a length", head("Transfer-Encoding: CHUNKED\nContent-Length: 5"), { kind: "chunked" }],
    ["identity", head("Transfer-Encoding: identity\nContent-Length: 5"), { kind: "length", length: 5 }],
    ["twice", head("Transfer-Encoding: chunked\nTransfer-Encoding: chunked"), CODING],
    ["another coding first", head("Transfer-Encoding: gzip, chunked"), CODING],
    ["an empty coding", head("Transfer-Encoding:"), CODING],
    ["two equal lengths", head("Content-Length: 5\nContent-Length: 5"), { kind: "length", length: 5 }],
    ["two different lengths", head("Content-Length: 5\nContent-Length: 6"), LENGTH],
    ["no number", head("Content-Length: five"), LENGTH],
    ["HEAD", head("Content-Length: x", { method: "HEAD" }), { kind: "none" }],
    ["204", head("Transfer-Encoding: gzip", { code: 204 }), { kind: "none" }],
    ["304", head("Content-Length: 5", { code: 304 }), { kind: "none" }],
    ["a tunnel", head("Content-Length: 5", { method: "CONNECT" }), { kind: "none" }],
    ["a tunnel redirected", head("Content-Length: 5", { method: "CONNECT", code: 300 }), { kind: "length", length: 5 }],
    ["a switch of protocols", head("Content-Length: 5", { code: 101 }), { kind: "none" }],
    ["identity in capitals", head("Transfer-Encoding: Identity"), { kind: "end" }],
    ["a refused tunnel", head("Content-Length: 5", { method: "CONNECT", code: 403 }), { kind: "length", length: 5 }],
  ];
  for (const [name, response, framing] of rows) t.same(chooseFraming(response), framing, name);
});

t.test("lengths", async (t) => {
  const rows: [text: string, strict: number | null, lax: number | null][] = [
    ["0", 0, 0],
    ["5", 5, 5],
    ["0003", 3, 3],
    ["+3", null, 3],
    ["-0", null, 0],
    ["-3", null, null],
    ["", null, null],
    ["3 ", 3, 3],
    ["3, 3", 3, 3],
    ["3,3 ,\t3", 3, 3],
    ["3, 4", null, null],
    ["3, 03", null, null],
    ["3,", null, null],
    [", 3", null, null],
    ["3 3", null, null],
    ["0x3", null, null],
    ["9007199254740991", 9007199254740991, 9007199254740991],
    ["9007199254740992", null, null],
    ["9".repeat(40), null, null],
  ];
  for (const [text, strict, lax] of rows) {
    t.equal(parseLength(text, true), strict, `strict ${text}`);
    t.equal(parseLength(text, false), lax, `lax ${text}`);
  }
});

t.test("persistence", async (t) => {
  const rows: [name: string, ResponseHead, boolean][] = [
    ["HTTP/1.1", head(""), true],
    ["HTTP/1.0", head("", { http11: false }), false],
    ["HTTP/1.0 keep-alive", head("Connection: keep-alive", { http11: false }), true],
    ["close", head("Connection: Close"), false],
    ["close where neon is lax", head("Connection: close", { strict: false }), false],
    ["chunked with a length where neon is lax", head("Transfer-Encoding: chunked\nContent-Length: 5", { strict: false }), true],
    ["close among others", head("Connection: foo, close"), false],
    ["close wins", head("Connection: close, keep-alive"), false],
    ["the last wins where neon is lax", head("Connection: close, keep-alive", { strict: false }), true],
    ["no token of its own", head("Connection: closed"), true],
    ["chunked with a length", head("Transfer-Encoding: chunked\nContent-Length: 5"), false],
    ["chunked from HTTP/1.0", head("Transfer-Encoding: chunked\nConnection: keep-alive", { http11: false }), false],
    ["identity with a length", head("Transfer-Encoding: identity\nContent-Length: 5"), true],
  ];
  for (const [name, response, kept] of rows) t.equal(isPersistent(response), kept, name);
});

t.test("HTTP/1.0 drops what Connection names, but not Connection", async (t) => {
  const { fields } = head("X-Hop: 1\nContent-Length: 5\nConnection: X-Hop, content-length, keep-alive");
  dropConnectionFields(fields);
  t.same(fields.entries().map(([key]) => key), ["connection"]);
  t.same(fields.list.map(({ name }) => name), ["Connection"]);
  const named = head("Close: 1\nKeep-Alive: timeout=5\nConnection: close, keep-alive, connection");
  dropConnectionFields(named.fields);
  t.same(named.fields.entries().map(([key]) => key).sort(), ["close", "connection", "keep-alive"]);
});

t.test("Keep-Alive", async (t) => {
  t.equal(keepAliveSeconds(head("Keep-Alive: timeout=5, max=100").fields), 5);
  t.equal(keepAliveSeconds(head("Keep-Alive: max=100, Timeout = \"7\"").fields), 7);
  t.equal(keepAliveSeconds(head("Keep-Alive: xtimeout=5").fields), null);
  t.equal(keepAliveSeconds(head("").fields), null);
});
