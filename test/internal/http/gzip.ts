// The gzip framing; the words of failures are neon's.
import t from "tap";
import zlib from "node:zlib";
import { END, FULL, Gunzip } from "../../../lib/internal/http/gzip.js";
import { feeds } from "../../fixtures/feed.js";

const TEXT = "hello, hello, hello world";
const MEMBER = zlib.gzipSync(TEXT);
const DEFLATED = MEMBER.subarray(10);
const END_OF_DATA = MEMBER.length - 8;

const FIXED = [0x1f, 0x8b, 8];

/** A member with these flags and what belongs to them. */
function flagged(flags: number, parts: string | Uint8Array = ""): Buffer {
  const head = Buffer.from([...FIXED, flags, 1, 2, 3, 4, 0, 255]);
  return Buffer.concat([head, Buffer.from(parts as string, "latin1"), DEFLATED]);
}

function changed(at: number, byte: number): Buffer {
  const member = Buffer.from(MEMBER);
  member[at < 0 ? member.length + at : at] = byte;
  return member;
}

/** @returns the output, and "end", "more" or the words of a failure */
function gunzip(pieces: readonly Uint8Array[]): [output: string, end: string, stream: Gunzip] {
  const stream = new Gunzip();
  let output = "";
  for (const piece of pieces) {
    stream.feed(piece);
    for (;;) {
      const answer = stream.step();
      output += stream.take().toString();
      if (answer === FULL) continue;
      if (typeof answer === "string") return [output, answer, stream];
      if ((answer === END) !== stream.isDone()) return [output, "isDone is wrong", stream];
      break;
    }
  }
  return [output, stream.isDone() ? "end" : "more", stream];
}

const HEAD_WITH_SUM = (() => {
  const head = Buffer.from([...FIXED, 0x1e, 0, 0, 0, 0, 0, 255, 2, 0, 65, 66, 110, 0, 99, 0]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(zlib.crc32(head) & 0xffff);
  return Buffer.concat([head, sum]);
})();

const GOOD: readonly [name: string, member: Buffer][] = [
  ["as written by zlib", MEMBER],
  ["text flag", flagged(0x01)],
  ["extra field", flagged(0x04, "\x02\x00AB")],
  ["empty extra field", flagged(0x04, "\x00\x00")],
  ["long extra field", flagged(0x04, `\x2c\x01${"\0".repeat(300)}`)],
  ["name", flagged(0x08, "name\0")],
  ["empty name", flagged(0x08, "\0")],
  ["comment", flagged(0x10, "words\0")],
  ["everything with a check sum", Buffer.concat([HEAD_WITH_SUM, DEFLATED])],
];

t.test("headers of every kind, however they are cut", async (t) => {
  for (const [name, member] of GOOD) {
    for (const feed of feeds(member)) {
      const [output, end, stream] = gunzip(feed.pieces);
      t.same([output, end], [TEXT, "end"], `${name}, ${feed.name}`);
      t.same([stream.bytesUsed(), stream.bytesOut], [member.length, TEXT.length]);
    }
  }
});

const wrongHeadSum = Buffer.concat([HEAD_WITH_SUM, DEFLATED]);
wrongHeadSum[4] = 99;

const BAD: readonly [name: string, member: Buffer, end: string, output: string][] = [
  ["first magic byte", changed(0, 0), "Compressed stream invalid", ""],
  ["second magic byte", changed(1, 0), "Compressed stream invalid", ""],
  ["method", changed(2, 7), "Compressed stream invalid", ""],
  ["reserved flag", changed(3, 0x20), "Compressed stream not supported", ""],
  ["header check sum", wrongHeadSum, "Checksum invalid for compressed stream", ""],
  ["block type", changed(10, 0xff), "Could not inflate data: invalid block type", ""],
  ["check sum", changed(-8, 0), "Checksum invalid for compressed stream", TEXT],
  ["length", changed(-1, 1), "Length invalid for compressed stream", TEXT],
];

t.test("malformed: damage, however it is cut", async (t) => {
  for (const [name, member, end, output] of BAD) {
    for (const feed of feeds(member)) {
      t.same(gunzip(feed.pieces).slice(0, 2), [output, end], `${name}, ${feed.name}`);
    }
  }
});

t.test("malformed: bytes after the end", async (t) => {
  const rows: readonly [name: string, pieces: Buffer[], end: string][] = [
    ["at once", [Buffer.concat([MEMBER, Buffer.from("x")])], "Too many bytes (9) in gzip footer"],
    ["with the footer", [MEMBER.subarray(0, END_OF_DATA),
      Buffer.concat([MEMBER.subarray(END_OF_DATA), Buffer.from("xy")])],
      "Too many bytes (10) in gzip footer"],
    ["in the footer", [MEMBER.subarray(0, END_OF_DATA + 5), Buffer.from("1234")],
      "Too many bytes (9) in gzip footer"],
    ["after the footer", [MEMBER, Buffer.from("x")],
      "Unexpected content received after compressed stream"],
    ["behind padding", [MEMBER, Buffer.from("\0x")],
      "Unexpected content received after compressed stream"],
    ["a member behind padding", [MEMBER, Buffer.from([0]), MEMBER],
      "Unexpected content received after compressed stream"],
  ];
  for (const [name, pieces, end] of rows) {
    t.same(gunzip(pieces).slice(0, 2), [TEXT, end], name);
  }
});

t.test("several members, and zeros behind the last", async (t) => {
  const whole = Buffer.concat([MEMBER, MEMBER, MEMBER, Buffer.alloc(20)]);
  for (const feed of feeds(whole)) {
    const [output, end, stream] = gunzip(feed.pieces);
    t.same([output, end, stream.isDone()], [TEXT.repeat(3), "end", true], feed.name);
  }
  const cut = gunzip([MEMBER, MEMBER.subarray(0, 5)]);
  t.same([cut[0], cut[1], cut[2].isDone()], [TEXT, "more", false], "a second one cut off");
  const wrong = Buffer.from(MEMBER);
  wrong[wrong.length - 1] = 9;
  t.same(gunzip([MEMBER, wrong])[1], "Length invalid for compressed stream");
});

t.test("malformed: cut off anywhere", async (t) => {
  for (let length = 0; length < MEMBER.length; length++) {
    const [output, end, stream] = gunzip([MEMBER.subarray(0, length)]);
    if (end !== "more" || stream.isDone() || !TEXT.startsWith(output)) t.fail(`${length}: ${end}`);
  }
  t.pass("never taken for whole");
});
