// Text from bytes, by the Encoding Standard: labels, byte order marks, windows-1252.
import t from "tap";
import { decodeText } from "../../../lib/internal/script/charset.js";

const rows: [reason: string, bytes: number[], label: string | null, text: string][] = [
  ["UTF-8 by default", [0xe2, 0x82, 0xac], null, "\u20ac"],
  ["a UTF-8 mark is dropped", [0xef, 0xbb, 0xbf, 0x61], null, "a"],
  ["a mark counts more than the label", [0xef, 0xbb, 0xbf, 0xc3, 0xa9], "latin1", "\u00e9"],
  ["UTF-16 by its mark", [0xff, 0xfe, 0x61, 0], "utf-8", "a"],
  ["UTF-16, the other way round", [0xfe, 0xff, 0, 0x61], null, "a"],
  ["UTF-16 by its label", [0x61, 0], "UTF-16", "a"],
  ["windows-1252 has signs where Latin-1 has controls", [0x80, 0x85, 0x99], "windows-1252",
    "\u20ac\u2026\u2122"],
  ["ISO 8859-1 means windows-1252", [0x93, 0x94, 0xe9], "ISO-8859-1", "\u201c\u201d\u00e9"],
  ["us-ascii too", [0x8a], "us-ascii", "\u0160"],
  ["what windows-1252 leaves free stays", [0x81, 0x8d, 0x9d], "cp1252", "\x81\x8d\x9d"],
  ["blanks around a label", [0xa4], " iso-8859-15 ", "\u20ac"],
  ["a table of two bytes", [0x82, 0xa0], "shift_jis", "\u3042"],
  ["an unknown label is none", [0xc3, 0xa9], "x-klingon", "\u00e9"],
  ["bad UTF-8 shows", [0x61, 0xff, 0x62], null, "a\ufffdb"],
  ["nothing", [], "utf-8", ""],
];

t.test("text by its charset", async (t) => {
  for (const [reason, bytes, label, text] of rows) {
    t.equal(decodeText(Uint8Array.from(bytes), label), text, reason);
  }
});

t.test("a view into a larger buffer", async (t) => {
  const bytes = Buffer.from([0x61, 0x80, 0x62]).subarray(1, 2);
  t.equal(decodeText(bytes, "latin1"), "\u20ac");
});
