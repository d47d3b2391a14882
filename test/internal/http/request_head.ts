// What a request looks like on the wire, and what cannot be put there: a line end in a method, a
// target or a field would begin a request of somebody else's.
import t, { type Test } from "tap";
import {
  checkFieldName,
  checkFieldValue,
  checkMethod,
  checkTarget,
  chunkedEnd,
  CHUNK_FRAME,
  chunkStart,
  fixedFields,
  withoutField,
  writeHead,
} from "../../../lib/internal/http/request_head.js";

t.test("the fields that every request begins with", async (t) => {
  const parts = { userAgent: "a/1", hostport: "host:81", persist: true, plainTe: true };
  t.equal(
    fixedFields(parts),
    "User-Agent: a/1\r\nConnection: TE\r\nTE: trailers\r\nHost: host:81\r\n",
  );
  t.equal(
    fixedFields({ ...parts, userAgent: null, plainTe: false }),
    "Keep-Alive: \r\nConnection: TE, Keep-Alive\r\nTE: trailers\r\nHost: host:81\r\n",
    "to a server that may speak HTTP/1.0",
  );
  t.equal(
    fixedFields({ ...parts, userAgent: null, persist: false, plainTe: false }),
    "Connection: TE, close\r\nTE: trailers\r\nHost: host:81\r\n",
  );
});

t.test("a field taken out of them", async (t) => {
  const fields = "User-Agent: a/1\r\nX-Host: b\r\nHost: host:81\r\n";
  t.equal(withoutField(fields, "host"), "User-Agent: a/1\r\nX-Host: b\r\n");
  t.equal(withoutField(fields, "user-agent"), "X-Host: b\r\nHost: host:81\r\n");
  t.equal(withoutField(fields, "none"), fields);
});

t.test("the head", async (t) => {
  t.equal(writeHead("PUT", "/a", "A: b\r\n", false), "PUT /a HTTP/1.1\r\nA: b\r\n");
  t.equal(writeHead("PUT", "*", "", true), "PUT * HTTP/1.1\r\nExpect: 100-continue\r\n");
});

t.test("the frames of chunks", async (t) => {
  t.equal(chunkStart(0x1ff8, true), "001ff8\r\n");
  t.equal(chunkStart(1, false), "\r\n0001\r\n");
  t.equal(chunkStart(0x1ff8, false), "\r\n1ff8\r\n");
  for (const [bytes, first] of [[1, true], [8184, true], [1, false], [8184, false]] as const) {
    t.equal(chunkStart(bytes, first).length, CHUNK_FRAME, `${bytes} ${first}`);
  }
  t.equal(chunkedEnd(true, ""), "0\r\n\r\n", "no chunk at all");
  t.equal(chunkedEnd(false, ""), "\r\n0\r\n\r\n");
  t.equal(chunkedEnd(false, "A: b\r\n"), "\r\n0\r\nA: b\r\n\r\n");
});

/** Asserts for each value that the check passes, or what it says. */
function rows(
  t: Test,
  check: (value: unknown, caller: string) => void,
  passes: readonly string[],
  fails: readonly (readonly [value: unknown, message: string])[],
): void {
  for (const value of passes) t.doesNotThrow(() => check(value, "f"), JSON.stringify(value));
  for (const [value, message] of fails) {
    const wanted = new TypeError(`f: ${message}`);
    t.throws(() => check(value, "f"), wanted, JSON.stringify(value));
  }
}

t.test("methods", async (t) => {
  const bad = "the method is not a token: ";
  rows(t, checkMethod, ["GET", "x", "M-SEARCH", "!#$%&'*+-.^_`|~09"], [
    ["", `${bad}""`],
    ["GE T", `${bad}"GE "…`],
    ["GET\r\n", `${bad}"GET\\r"…`],
    ["GET\n", `${bad}"GET\\n"`],
    ["G\0", `${bad}"G\\u0000"`],
    ...["G:", "G/", "É"].map((value) => [value, `${bad}"${value}"`] as const),
    ["G\t", `${bad}"G\\t"`],
    [null, `${bad}null`],
    [["GET"], `${bad}Array`],
  ]);
});

t.test("targets", async (t) => {
  const control = "the target holds a control character or a space";
  rows(t, checkTarget, ["/", "", "*", "/%20", "/\xff", "http://h/?a#b"], [
    ...["/ ", "/\r\n", "/\n", "/\0", "/\x7f", "/\t", "/a b"].map(
      (value) => [value, control] as const,
    ),
    ["/\u0100", "the target holds a character above U+00FF; escape it first"],
    ["/\u{1f600}", "the target holds a character above U+00FF; escape it first"],
    [undefined, "target must be a string"],
    [new URL("http://h/"), "target must be a string"],
  ]);
});

t.test("field names", async (t) => {
  const bad = "the field name is not a token: ";
  rows(t, checkFieldName, ["A", "X-a_b.c", "1"], [
    ...["", "A ", "A:", "Ä"].map((value) => [value, `${bad}"${value}"`] as const),
    ["A\r\nB", `${bad}"A\\r"…`],
    ["A\0", `${bad}"A\\u0000"`],
    ["(A)", `${bad}"("…`],
    ["Authorization: Bearer secret", `${bad}"Authorization:"…`],
    [`${"a".repeat(50)}:`, `${bad}"${"a".repeat(40)}"…`],
    [7, `${bad}number`],
  ]);
});

t.test("field values", async (t) => {
  const ends = "the field value holds CR, LF or NUL";
  rows(t, checkFieldValue, ["", "a b", "\ta", "\xff", "\x01", 'a"b\\'], [
    ["a\r\nB: c", ends],
    ["a\n", ends],
    ["a\r", ends],
    ["a\0", ends],
    ["\u0100", "the field value holds a character above U+00FF"],
    [1, "the field value must be a string"],
    [null, "the field value must be a string"],
  ]);
});
