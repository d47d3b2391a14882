// Field lines and status lines as lines: tables, in every feed.
import t from "tap";
import { Fields, FieldsParser, Malformed, MORE, takeLine, type View } from "../../../lib/internal/http/head.js";
import { feeds } from "../../fixtures/feed.js";

const LIMITS = { header_field: 8192, header_count: 99 };

function parse(pieces: readonly Buffer[], limits = LIMITS): { fields: string[]; outcome: string; rest: string } {
  const parser = new FieldsParser(limits, 8192, null);
  const view: View = { bytes: Buffer.alloc(0), pos: 0, end: 0 };
  const waiting = [...pieces];
  for (;;) {
    const taken = parser.take(view);
    const fields = parser.fields.entries().map(([name, value]) => `${name}=${value}`);
    if (taken === true) {
      const rest = [view.bytes.subarray(view.pos, view.end), ...waiting];
      return { fields, outcome: "end", rest: Buffer.concat(rest).toString("latin1") };
    }
    if (taken instanceof Malformed) return { fields, outcome: taken.reason, rest: "" };
    const piece = waiting.shift();
    if (piece === undefined) return { fields, outcome: "more", rest: "" };
    view.bytes = Buffer.concat([view.bytes.subarray(view.pos, view.end), piece]);
    view.pos = 0;
    view.end = view.bytes.length;
  }
}

const ROWS: [name: string, input: string, fields: string[]][] = [
  ["plain", "A: b\r\nC: d\r\n\r\n", ["a=b", "c=d"]],
  ["nothing", "\r\n", []],
  ["LF alone", "A: b\nC: d\n\n", ["a=b", "c=d"]],
  ["blanks around a value", "A: \t b c \t \r\n\r\n", ["a=b c"]],
  ["no value", "A:\r\nB: \r\n\r\n", ["a=", "b="]],
  ["no blank behind the colon", "A:b\r\nC:d e\r\n\r\n", ["a=b", "c=d e"]],
  ["an empty name", ": v\r\n\r\n", ["=v"]],
  ["one name twice is joined", "A: b\r\na: c\r\n\r\n", ["a=b, c"]],
  ["folded by a blank", "A: b\r\n c\r\n\r\n", ["a=b c"]],
  ["folded by a tab", "A: b\r\n\tc\r\n\td\r\n\r\n", ["a=b c d"]],
  ["only the first blank of a folded line goes", "A: b\r\n   c\r\n\r\n", ["a=b   c"]],
  ["a folded line first is no field", " A: b\r\nC: d\r\n\r\n", ["c=d"]],
  ["a blank before the colon: no field", "A : b\r\nC: d\r\n\r\n", ["c=d"]],
  ["nor is what is folded to it", "A : b\r\n c\r\nD: e\r\n\r\n", ["d=e"]],
  ["no colon", "junk\r\nC: d\r\n\r\n", ["c=d"]],
  ["a character that no token has", "a(b: c\r\n\xe9: d\r\nE: f\r\n\r\n", ["e=f"]],
  ["8-bit values", "A: \xe9\r\n\r\n", ["a=\xe9"]],
  ["CR and NUL become blanks", "A: b\rc\0d\r\n\r\n", ["a=b c d"]],
  ["names of Object.prototype", "__proto__: a\r\nconstructor: b\r\n\r\n", ["__proto__=a", "constructor=b"]],
];

for (const [name, input, fields] of ROWS) {
  t.test(name, async (t) => {
    for (const feed of feeds(`${input}BODY`)) {
      t.same(parse(feed.pieces), { fields, outcome: "end", rest: "BODY" }, feed.name);
    }
  });
}

t.test("in two pieces, wherever they part", async (t) => {
  const input = "A: b\r\nC: d\r\n e\r\nF: g\r\n\r\n";
  for (let at = 0; at <= input.length; at++) {
    const pieces = [Buffer.from(input.slice(0, at)), Buffer.from(input.slice(at))];
    t.same(parse(pieces).fields, ["a=b", "c=d e", "f=g"], `after ${at} bytes`);
  }
});

t.test("every field of a name is dropped, first, last and between", async (t) => {
  const fields = new Fields();
  for (const name of ["A", "B", "a", "C", "A"]) fields.add(name, "x");
  fields.drop("a");
  t.same(fields.list.map(({ name }) => name), ["B", "C"]);
});

const TOO_MANY = "Response exceeded maximum number of header fields";
const TOO_LONG = "Error reading response headers: Line too long";

t.test("limits", async (t) => {
  const lines = (count: number): Buffer => Buffer.from(`${"A: b\r\n".repeat(count)}\r\n`);
  t.equal(parse([lines(99)]).outcome, "end", "99 fields");
  t.equal(parse([lines(100)]).outcome, TOO_MANY, "the hundredth fails");
  t.equal(parse([Buffer.from("junk\r\n".repeat(100))]).outcome, TOO_MANY, "lines that are no fields count");
  const line = (length: number): Buffer => Buffer.from(`A: ${"x".repeat(length - 5)}\r\n\r\n`);
  t.equal(parse([line(4096)]).outcome, "end", "4096 bytes with CRLF");
  t.equal(parse([line(4097)]).outcome, TOO_LONG);
  t.equal(parse([Buffer.from("x".repeat(4096))]).outcome, TOO_LONG, "without an end in sight");
  const folded = `A: ${"x".repeat(4000)}\r\n ${"x".repeat(4000)}\r\n ${"x".repeat(400)}\r\n\r\n`;
  t.equal(parse([Buffer.from(folded)]).outcome, TOO_LONG, "a field of many folded lines");
  t.equal(parse([Buffer.from(folded)], { header_field: 9000, header_count: 99 }).outcome, "end");
  t.equal(parse([line(100)], { header_field: 100, header_count: 99 }).outcome, "end", "a limit of one's own");
  t.equal(parse([line(101)], { header_field: 100, header_count: 99 }).outcome, TOO_LONG);
  t.equal(parse([line(20000)], { header_field: 30000, header_count: 99 }).outcome, "end");
});

t.test("a joined value stays below 8192 characters", async (t) => {
  const input = `${`A: ${"x".repeat(3000)}\r\n`.repeat(4)}\r\n`;
  const [joined] = parse([Buffer.from(input)]).fields;
  t.equal(joined?.length, "a=".length + 6002);
});

t.test("the last character that is joined", async (t) => {
  for (const [length, whole] of [[4189, 8191], [4190, 4000]] as const) {
    const fields = new Fields();
    fields.add("A", "x".repeat(4000));
    fields.add("a", "y".repeat(length));
    t.equal(fields.value("a")?.length, whole);
  }
});

t.test("takeLine", async (t) => {
  const view = (text: string): View => ({ bytes: Buffer.from(text, "latin1"), pos: 0, end: text.length });
  t.equal(takeLine(view("abc\r\n"), 4096), "abc");
  t.equal(takeLine(view("\r\n"), 4096), "");
  t.equal(takeLine(view("abc"), 4096), MORE);
  t.equal(takeLine({ bytes: Buffer.from("abc\n"), pos: 0, end: 3 }, 4096), MORE, "stale bytes behind the view do not count");
});
