// Every encoding, every way of saying which, and what no document may hold, cut at every byte.
import t from "tap";
import { Decoder, findEncoding } from "../../../lib/internal/xml/encoding.js";
import { everyCut } from "../../fixtures/feed.js";
import { events, sameError, sameEvents } from "../../fixtures/xml.js";

const TEXT = "<a b='é'>\u20ac \u{1f600}\r\nx</a>";
const WANTED = ["<a b=é>", "\u20ac \u{1f600}\nx", "</a>"];

function wide(text: string, order: "LE" | "BE", mark = true): Buffer {
  const bytes = Buffer.from((mark ? "\ufeff" : "") + text, "utf16le");
  return order === "LE" ? bytes : bytes.swap16();
}

function bytes(...parts: (string | number)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part, "latin1"))),
  );
}

const declared = (name: string): string => `<?xml version="1.0" encoding="${name}"?>`;

const readable: readonly (readonly [string, Uint8Array, readonly string[], string?])[] = [
  ["UTF-8", Buffer.from(TEXT), WANTED],
  ["UTF-8 with a mark", Buffer.from("\ufeff" + TEXT), WANTED],
  ["UTF-8 declared", Buffer.from(declared("utf-8") + TEXT), WANTED],
  ["UTF-16 little-endian", wide(TEXT, "LE"), WANTED],
  ["UTF-16 big-endian", wide(TEXT, "BE"), WANTED],
  ["UTF-16 without a mark", wide(TEXT, "LE", false), WANTED],
  ["UTF-16 declared", wide(declared("UTF-16") + TEXT, "BE"), WANTED],
  ["UTF-16LE declared", wide(declared("utf-16le") + TEXT, "LE", false), WANTED],
  ["a mark beats what was set", wide(TEXT, "LE"), WANTED, "UTF-8"],
  ["ISO-8859-1 declared", bytes(declared("iso-8859-1"), "<a b='\xe9'>\x85\xff</a>"), [
    "<a b=é>", "\x85ÿ", "</a>",
  ]],
  ["ISO-8859-1 set", bytes("<a>\xe9</a>"), ["<a>", "é", "</a>"], "ISO-8859-1"],
  ["what was set beats the declaration", Buffer.from(declared("us-ascii") + "<a>é</a>"), [
    "<a>", "é", "</a>",
  ], "UTF-8"],
  ["an unknown declaration does not matter then", Buffer.from(declared("klingon") + "<a/>"), [
    "<a>", "</a>",
  ], "UTF-8"],
  ["a declaration of bytes behind UTF-8's mark", Buffer.from(
    "\ufeff" + declared("iso-8859-1") + "<a>é</a>",
  ), ["<a>", "\xc3\xa9", "</a>"]],
  ["US-ASCII", bytes(declared("US-ASCII"), "<a>x</a>"), ["<a>", "x", "</a>"]],
  ["version 2.0", Buffer.from("<?xml version='2.0'?><a/>"), ["<a>", "</a>"]],
  ["standalone", Buffer.from("<?xml version='1.0' standalone='yes' ?><a/>"), ["<a>", "</a>"]],
  ["three bytes are no document, four are", Buffer.from("<a/>"), ["<a>", "</a>"]],
];

t.test("reads every encoding", async (t) => {
  for (const [name, document, wanted, encoding] of readable) {
    sameEvents(t, document, wanted, name, encoding);
    for (const pieces of everyCut(document)) t.strictSame(events(pieces, encoding), wanted, name);
  }
});

const NWF = "line 1: not well-formed (invalid token)";
const BAD = "line 1: XML declaration not well-formed";
const BAD_LATER = "line 2: XML declaration not well-formed";

const malformed: readonly (readonly [string, Uint8Array, string, string?])[] = [
  ["a continuation alone", bytes("<a>", 0x80, "</a>"), NWF],
  ["two bytes for one", bytes("<a>", 0xc0, 0xaf, "</a>"), NWF],
  ["three bytes for two", bytes("<a>", 0xe0, 0x80, 0xaf, "</a>"), NWF],
  ["a surrogate in UTF-8", bytes("<a>", 0xed, 0xa0, 0x80, "</a>"), NWF],
  ["above U+10FFFF", bytes("<a>", 0xf4, 0x90, 0x80, 0x80, "</a>"), NWF],
  ["0xFF", bytes("<a>", 0xff, "</a>"), NWF],
  ["a lead without its followers", bytes("<a>", 0xe2, 0x82, "</a>"), NWF],
  ["in a tag", bytes("<a b='", 0xff, "'/>"), NWF],
  ["in a comment", bytes("<a><!--", 0xff, "--></a>"), NWF],
  ["in a declined place", bytes("<a/><!--", 0xff, "-->"), NWF],
  ["a character cut off", bytes("<a>", 0xe2, 0x82), "line 1: partial character"],
  ["a character cut off in a tag", bytes("<a b='", 0xc3), "line 1: partial character"],
  ["a byte of UTF-16 cut off", wide("<a/>", "LE").subarray(0, -1), "line 1: unclosed token"],
  ["a byte of UTF-16 cut off in CDATA", wide("<a><![CDATA[xy", "BE").subarray(0, -1),
    "line 1: unclosed CDATA section"],
  ["half a pair", wide("<a>\ud83dx</a>", "LE"), NWF],
  ["the other half", wide("<a>\ude00</a>", "BE"), NWF],
  ["half a pair at the end", wide("<a>\ud83d", "BE"), "line 1: partial character"],
  ["U+FFFE", Buffer.from("<a>\ufffe</a>"), NWF],
  ["U+FFFF in UTF-16", wide("<a>\uffff</a>", "BE"), NWF],
  ["a NUL", bytes("<a>", 0, "</a>"), NWF],
  ["a form feed", bytes("<a>\f</a>"), NWF],
  ["not ASCII", bytes(declared("us-ascii"), "<a>", 0xe9, "</a>"), NWF],
  ["unknown", bytes(declared("klingon"), "<a/>"), "line 1: unknown encoding"],
  ["unknown on its line", bytes("<?xml version='1.0'\nencoding='x'?>\n<a/>"),
    "line 2: unknown encoding"],
  ["UTF-16 it is not", bytes(declared("utf-16"), "<a/>"),
    "line 1: encoding specified in XML declaration is incorrect"],
  ["UTF-8 it is not", wide(declared("utf-8") + "<a/>", "LE"),
    "line 1: encoding specified in XML declaration is incorrect"],
  ["the mark says otherwise", wide(declared("utf-16be") + "<a/>", "LE"),
    "line 1: encoding specified in XML declaration is incorrect"],
  ["ASCII behind the mark", Buffer.from("\ufeff" + declared("us-ascii") + "<a>é</a>"), NWF],
  ["no blank behind `<?xml`", bytes("<?xml\xc2\x80 version='1.0'?><a/>"), NWF],
  ["no version", bytes("<?xml encoding='utf-8'?><a/>"), BAD],
  ["no attributes", bytes("<?xml?><a/>"), BAD],
  ["wrong order", bytes("<?xml version='1.0' standalone='no' encoding='utf-8'?><a/>"), BAD],
  ["standalone maybe", bytes("<?xml version='1.0' standalone='maybe'?><a/>"), BAD],
  ["upper-case", bytes("<?XML version='1.0'?><a/>"), NWF],
  ["no blank between", bytes("<?xml version='1.0'encoding='utf-8'?><a/>"), BAD],
  ["no attributes that we know", bytes("<?xml version='1.0' a='b'?><a/>"), BAD],
  ["a colon in the version", bytes("<?xml version='1:0'?><a/>"), BAD],
  ["an encoding without a letter", bytes("<?xml version='1.0' encoding='-8'?><a/>"), BAD],
  ["the line of a break in a name", bytes("<?xml vers\nion='1.0'?><a/>"), BAD_LATER],
  ["the line of a value", bytes("<?xml version=\n1.0?><a/>"), BAD_LATER],
  ["the line of what is unknown", bytes("<?xml version='1.0'\na='b'?><a/>"), BAD_LATER],
  ["a letter beyond ASCII", Buffer.from("<?xml version='1.0' é='x'?><a/>"), BAD],
  ["no UTF-8", bytes("<?xml version='1.0' ", 0xe9, "='x'?><a/>"), NWF],
  ["no end", bytes("<?xml version='1.0'"), "line 1: unclosed token"],
  ["a control inside", bytes("<?xml version=\x01'1.0'?><a/>"), NWF],
  ["an end without end", bytes("<?xml version='1.0'>\n<a/>"), "line 1: unclosed token"],
];

t.test("malformed: refuses what no document may hold", async (t) => {
  for (const [name, document, wanted, encoding] of malformed) {
    sameError(t, document, wanted, name, encoding);
  }
});

t.test("a declaration of endless blanks is not waited for", async (t) => {
  const decoder = new Decoder(null);
  let text = decoder.push(Buffer.from("<?xml version='1.0'"));
  for (let i = 0; i < 1000 && text === ""; i++) text = decoder.push(Buffer.alloc(100, " "));
  t.match(text, /^<\?xml version='1.0' +$/);
});

t.test("names of encodings in any case", async (t) => {
  t.equal(findEncoding("Utf-8"), "UTF-8");
  t.equal(findEncoding("utf8"), "UTF-8", "as many servers write it");
  t.equal(findEncoding("utf-16"), "UTF-16BE");
  t.equal(findEncoding("windows-1252"), null);
  t.equal(findEncoding("constructor"), null);
});

t.test("lines and forbidden characters are found wherever a word begins", async (t) => {
  for (let shift = 0; shift < 8; shift++) {
    for (let at = 0; at < 80; at++) {
      const block = Buffer.alloc(100 + shift, "x").subarray(shift);
      block[at] = 0x0a;
      const decoder = new Decoder("UTF-8");
      decoder.push(Buffer.from("<a>x"));
      t.equal(decoder.push(block).length, 100);
      if (decoder.newlines !== 1) t.fail(`newline at ${at} of a block moved by ${shift}`);
      block[at] = 0x08;
      t.equal(decoder.push(block).length, at);
      if (!decoder.bad) t.fail(`control at ${at} of a block moved by ${shift}`);
    }
  }
});
