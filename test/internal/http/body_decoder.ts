// Body decoding: each row fed whole, byte by byte, at random splits and with trailing bytes.
import t from "tap";
import { BodyDecoder, END } from "../../../lib/internal/http/body_decoder.js";
import type { Framing } from "../../../lib/internal/http/framing.js";
import { Malformed, MORE, type View } from "../../../lib/internal/http/head.js";
import { feeds } from "../../fixtures/feed.js";

interface Result {
  body: string;
  /** "end", or why it failed, or what it was waiting for when the input ended. */
  outcome: string;
  rest: string;
}

// Feeds pieces as the wire does: what was not consumed is joined with the next piece.
function decode(framing: Framing, pieces: readonly Buffer[], strict = true, max = 1 << 20): Result {
  const decoder = new BodyDecoder(framing, strict, 4096);
  const view: View = { bytes: Buffer.alloc(0), pos: 0, end: 0 };
  const rest = [...pieces];
  let body = "";
  const left = (): string => Buffer.concat([view.bytes.subarray(view.pos, view.end), ...rest]).toString("latin1");
  for (;;) {
    const taken = decoder.take(view, max);
    if (taken === END) return { body, outcome: "end", rest: left() };
    if (taken instanceof Malformed) return { body, outcome: taken.reason, rest: "" };
    if (taken !== MORE) {
      body += taken.toString("latin1");
      continue;
    }
    const piece = rest.shift();
    if (piece === undefined) {
      return { body, outcome: decoder.endOfStream() ? "end" : decoder.doing, rest: "" };
    }
    view.bytes = Buffer.concat([view.bytes.subarray(view.pos, view.end), piece]);
    view.pos = 0;
    view.end = view.bytes.length;
  }
}

const CHUNKED: Framing = { kind: "chunked" };
const BAD_SIZE = "Could not parse chunk size";
const BAD_LINE = "Invalid chunk-size line";

// input, body, outcome, and what is left for whoever reads on
const CHUNKS: [name: string, input: string, body: string, outcome: string, rest?: string][] = [
  ["one chunk", "5\r\nhello\r\n0\r\n", "hello", "end"],
  ["the trailer stays", "2\r\nok\r\n0\r\nX: y\r\n\r\n", "ok", "end", "X: y\r\n\r\n"],
  ["upper and lower case digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n", "01234567890123456789", "end"],
  ["leading zeros", "0002\r\nok\r\n000\r\n", "ok", "end"],
  ["an extension", "2;a=b\r\nok\r\n0;c\r\n", "ok", "end"],
  ["a blank before an extension", "2 ;a=b\r\nok\r\n0\r\n", "ok", "end"],
  ["a blank and no extension", "2 \r\nok\r\n", "", BAD_SIZE],
  ["LF alone ends no size", "2\nok\r\n", "", BAD_LINE],
  ["a character in place of CR", "2X\nok\r\n0\r\n", "", BAD_LINE],
  ["no digit", "\r\nok", "", BAD_LINE],
  ["a character more than its size", "5\r\nhelloX\n", "", "Chunk delimiter was invalid"],
  ["an extension and no size", ";a=b\r\nok\r\n", "", BAD_SIZE],
  ["a sign", "+2\r\nok", "", BAD_SIZE],
  ["a prefix", "0x2\r\nok", "", BAD_SIZE],
  ["a letter behind", "2g\r\nok", "", BAD_SIZE],
  ["an underscore (CVE-2024-22019's cousins)", "1_0\r\nok", "", BAD_SIZE],
  ["the largest size", "ffffffff\r\nok", "ok", "Could not read response body"],
  ["a size of 2^32", "100000000\r\nok", "", BAD_SIZE],
  ["a size that would wrap 2^64", "10000000000000002\r\nok", "", BAD_SIZE],
  ["CR and junk in strict mode", "2\rjunk\r\nok\r\n0\r\n", "", BAD_SIZE],
  ["NUL and junk in strict mode", "2\0zz\r\nok\r\n0\r\n", "", BAD_SIZE],
  ["data longer than its size", "2\r\nokJ\r\n", "", "Chunk delimiter was invalid"],
  ["LF alone behind the data", "2\r\nok\n0\r\n", "", "Chunk delimiter was invalid"],
  ["CR and no LF behind the data", "2\r\nok\rX", "", "Chunk delimiter was invalid"],
  ["cut in the size", "2", "", "Could not read chunk size"],
  ["cut before the delimiter: the last block is kept back", "2\r\nok", "", "Could not read chunk delimiter"],
  ["cut in the last size", "2\r\nok\r\n0\r", "ok", "Could not read chunk size"],
];

for (const [name, input, body, outcome, rest = ""] of CHUNKS) {
  t.test(name, async (t) => {
    for (const feed of feeds(input)) {
      const result = decode(CHUNKED, feed.pieces);
      const got = { outcome: result.outcome, rest: result.rest };
      t.same(got, { outcome, rest }, feed.name);
      // a block that is not yet the end of its chunk is given out at once, so that a fault behind
      // it comes later; what was given out is a part of the data
      t.ok(body === result.body || outcome !== "end", `${feed.name}: body`);
      if (feed.name === "whole") t.equal(result.body, body);
    }
  });
}

t.test("outside strict mode a size ends at CR or NUL", async (t) => {
  for (const input of ["2\rjunk\r\nok\r\n0\r\n", "2\0zz\r\nok\r\n0\r\n"]) {
    for (const { pieces, name } of feeds(input)) {
      t.match(decode(CHUNKED, pieces, false), { body: "ok", outcome: "end" }, name);
    }
  }
});

t.test("nor is one without a digit the end, outside strict mode", async (t) => {
  for (const input of ["\rjunk\r\n", "\0zz\r\n", ";a=b\r\n", " \r\n"]) {
    for (const { pieces, name } of feeds(input)) {
      t.not(decode(CHUNKED, pieces, false).outcome, "end", `${JSON.stringify(input)}, ${name}`);
    }
  }
});

t.test("outside strict mode blanks may follow a size", async (t) => {
  for (const { pieces, name } of feeds("2 \t\r\nok\r\n0 \r\n")) {
    t.match(decode(CHUNKED, pieces, false), { body: "ok", outcome: "end" }, name);
  }
});

t.test("extensions are counted against a limit", async (t) => {
  const chunk = `1;${"e".repeat(4000)}\r\nx\r\n`;
  const { body, outcome } = decode(CHUNKED, [Buffer.from(chunk.repeat(100))]);
  t.equal(outcome, BAD_SIZE);
  t.ok(body.length > 50 && body.length < 70, "64 KiB a chunk line short of the limit");
});

t.test("the limit of extensions is a limit of all together", async (t) => {
  const extension = `;${"e".repeat(2045)}\r\n`;
  const filled = `1${extension}x\r\n`.repeat(128);
  t.equal(decode(CHUNKED, [Buffer.from(`${filled}0\r\n`)]).outcome, "end", "256 KiB");
  t.equal(decode(CHUNKED, [Buffer.from(`${filled}0;\r\n`)]).outcome, BAD_SIZE, "a byte more");
});

t.test("the trace is told of each size", async (t) => {
  for (const { pieces, name } of feeds("1\r\nx\r\nb;a=b\r\n0123456789a\r\n0\r\n")) {
    const decoder = new BodyDecoder(CHUNKED, true, 4096);
    const told: [string, number][] = [];
    decoder.trace = (line, size) => told.push([line, size]);
    let left = Buffer.alloc(0);
    for (const piece of pieces) {
      const view = { bytes: Buffer.concat([left, piece]), pos: 0, end: left.length + piece.length };
      while (decoder.take(view, 1 << 20) instanceof Buffer);
      left = view.bytes.subarray(view.pos);
    }
    t.same(told, [["1", 1], ["b;a=b", 11], ["0", 0]], name);
  }
});

t.test("a chunk line too long", async (t) => {
  const { outcome } = decode(CHUNKED, [Buffer.from(`5;${"x".repeat(5000)}\r\nhello`)]);
  t.equal(outcome, "Could not read chunk size: Line too long");
});

t.test("what stands behind the view is not read", async (t) => {
  const bytes = Buffer.from("5\r\nhello\r\n0\r\n");
  for (let end = 0; end < bytes.length; end++) {
    const decoder = new BodyDecoder(CHUNKED, true, 4096);
    const view = { bytes, pos: 0, end };
    for (let taken = decoder.take(view, 1 << 20); taken instanceof Buffer; ) {
      taken = decoder.take(view, 1 << 20);
    }
    t.strictSame([decoder.done, view.pos <= end], [false, true], `${end} bytes`);
  }
});

t.test("zeros in front make a line long, too", async (t) => {
  for (let length = 3; length < 16; length++) {
    const line = `${"5".padStart(length - 2, "0")}\r\n`;
    const decoder = new BodyDecoder(CHUNKED, true, 10);
    const bytes = Buffer.from(`${line}hello\r\n0\r\n`);
    const taken = decoder.take({ bytes, pos: 0, end: bytes.length }, 100);
    const shown = taken instanceof Malformed ? taken.reason : String(taken);
    t.equal(shown, length <= 10 ? "hello" : "Could not read chunk size: Line too long", line);
  }
});

t.test("other framings", async (t) => {
  const rows: [string, Framing, string, Result][] = [
    ["length", { kind: "length", length: 5 }, "hello!", { body: "hello", outcome: "end", rest: "!" }],
    ["length 0", { kind: "length", length: 0 }, "!", { body: "", outcome: "end", rest: "!" }],
    ["none", { kind: "none" }, "!", { body: "", outcome: "end", rest: "!" }],
    ["to the end", { kind: "end" }, "hello", { body: "hello", outcome: "end", rest: "" }],
    [
      "length cut",
      { kind: "length", length: 9 },
      "hello",
      { body: "hello", outcome: "Could not read response body", rest: "" },
    ],
  ];
  for (const [name, framing, input, result] of rows) {
    for (const feed of feeds(input)) t.same(decode(framing, feed.pieces), result, `${name}, ${feed.name}`);
  }
});

t.test("blocks are no longer than the caller's buffer", async (t) => {
  const input = "a\r\n0123456789\r\n0\r\n";
  for (const max of [1, 3, 10, 11]) {
    t.match(decode(CHUNKED, [Buffer.from(input)], true, max), { body: "0123456789", outcome: "end" });
    t.match(decode({ kind: "length", length: 10 }, [Buffer.from("0123456789")], true, max), {
      body: "0123456789",
      outcome: "end",
    });
  }
});
