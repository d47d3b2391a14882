// Versions, features, debug output and status lines.
import { Writable } from "node:stream";
import t from "tap";
import * as utils from "../lib/ne_utils.js";
import {
  NE_DBG_HTTP,
  NE_DBG_SSL,
  NE_DEBUG,
  ne_debug,
  ne_debug_init,
  ne_has_support,
  ne_parse_statusline,
  ne_status,
  ne_version_library,
  ne_version_match,
  ne_version_string,
} from "../lib/ne_utils.js";

t.test("version", async (t) => {
  t.match(ne_version_string(), /^neon 0\.37\.1: Library build, IPv6, .*Node.*zlib.*OpenSSL.*\.$/);
  t.ok(ne_version_string().length <= 200);
  t.equal(ne_version_library(), "0.37.1");
});

t.test("version_match", async (t) => {
  const rows: readonly [major: number, minor: number, result: number][] = [
    [0, 37, 0],
    [0, 27, 0],
    [0, 26, 1],
    [0, 38, 1],
    [1, 0, 1],
  ];
  for (const [major, minor, result] of rows) {
    t.equal(ne_version_match(major, minor), result, `${major}.${minor}`);
  }
});

t.test("features", async (t) => {
  const asked = Array.from({ length: 13 }, (_, feature) => ne_has_support(feature));
  t.same(asked, [0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0]);
});

t.test("debug: importers see mask and stream change", async (t) => {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  t.equal(utils.ne_debug_mask, 0);
  t.equal(utils.ne_debug_stream, null);
  ne_debug_init(stream, NE_DBG_HTTP);
  t.equal(utils.ne_debug_mask, NE_DBG_HTTP);
  t.equal(utils.ne_debug_stream, stream);
  ne_debug(NE_DBG_HTTP, "a%s", "b");
  NE_DEBUG(NE_DBG_HTTP | NE_DBG_SSL, "c");
  ne_debug(NE_DBG_SSL, "d");
  ne_debug_init(null, 0);
  ne_debug(NE_DBG_HTTP, "e");
  t.equal(utils.ne_debug_mask, 0);
  t.equal(text, "abc");
});

type Line = [line: string, major: number, minor: number, code: number, reason: string];

const LINES: readonly Line[] = [
  ["HTTP/1.1 200 OK", 1, 1, 200, "OK"],
  ["HTTP/1.0 404 Not Found", 1, 0, 404, "Not Found"],
  ["HTTP/9.9 599 x", 9, 9, 599, "x"],
  ["HTTP/1.1 000 x", 1, 1, 0, "x"],
  ["HTTP/1.1 099 x", 1, 1, 99, "x"],
  ["HTTP/1.1 200 ", 1, 1, 200, ""],
  ["HTTP/1.1 200  OK ", 1, 1, 200, " OK "], // a second space belongs to the reason
  ["HTTP/1.1 200 a\tb", 1, 1, 200, "a b"],
  ["HTTP/1.1 200 OK\r\n", 1, 1, 200, "OK"], // ends at a control character
  ["HTTP/1.1 200 a\x1b[2J", 1, 1, 200, "a"],
  ["HTTP/1.1 200 \u00e9\x7f!", 1, 1, 200, "  !"],
];

t.test("status_lines", async (t) => {
  for (const [line, major_version, minor_version, code, reason_phrase] of LINES) {
    const s = new ne_status();
    t.equal(ne_parse_statusline(line, s), 0, line);
    const klass = Math.floor(code / 100);
    t.same({ ...s }, { major_version, minor_version, code, klass, reason_phrase }, line);
  }
});

const BAD_LINES: readonly string[] = [
  "",
  "HTTP/1.1 200", // the space after the code is required
  "HTTP/1.1 600 x",
  "HTTP/1.1 999 x",
  "HTTP/1.1 20 x",
  "HTTP/1.1 2000 x",
  "HTTP/1.1 2a0 x",
  "HTTP/1.1 -20 x",
  "HTTP/1.1  200 OK",
  "HTTP/1.1\t200 OK",
  "HTTP/1.1 200\tOK",
  "HTTP/10.1 200 OK",
  "HTTP/1.10 200 OK",
  "HTTP/1. 200 OK",
  "HTTP/1 200 OK",
  "http/1.1 200 OK",
  " HTTP/1.1 200 OK",
  "ICY 200 OK", // a matter of the session
];

t.test("bad_status_lines", async (t) => {
  for (const line of BAD_LINES) {
    const s = { code: 7 } as ne_status;
    t.equal(ne_parse_statusline(line, s), -1, line);
    t.same(s, { code: 7 }, "unchanged");
  }
});

t.test("mistakes of the caller", async (t) => {
  t.throws(
    () => ne_parse_statusline(null as unknown as string, new ne_status()),
    new TypeError("ne_parse_statusline: status_line must be a string, not null"),
  );
  t.throws(
    () => ne_parse_statusline("", null as unknown as ne_status),
    new TypeError("ne_parse_statusline: expected an ne_status"),
  );
});
