// Character classes of XML 1.0, compared code by code with its productions written as a pattern.
import t from "tap";
import {
  isNameChar,
  isNameStart,
  isSpace,
  isXmlChar,
  nameEnd,
  spaceEnd,
} from "../../../lib/internal/xml/chars.js";

// productions 4 and 4a
const START =
  ":A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D" +
  "\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}";
const NAME_START = new RegExp(`^[${START}]$`, "u");
const NAME_CHAR = new RegExp(`^[${START}\\-.0-9\\xB7\\u0300-\\u036F\\u203F-\\u2040]$`, "u");

t.test("names, for every code unit that is a character", async (t) => {
  const wrong: string[] = [];
  for (let c = 0; c <= 0xffff; c++) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const char = String.fromCharCode(c);
    if (isNameStart(c) !== NAME_START.test(char)) wrong.push(`start ${c.toString(16)}`);
    if (isNameChar(c) !== NAME_CHAR.test(char)) wrong.push(`name ${c.toString(16)}`);
  }
  t.strictSame(wrong, []);
});

t.test("pairs: the high half says whether it is a name", async (t) => {
  for (const code of [0x10000, 0x20000, 0xeffff]) {
    const char = String.fromCodePoint(code);
    t.equal(nameEnd(char, 0), 2, code.toString(16));
    t.equal(nameEnd(`a${char}`, 0), 3);
  }
  for (const code of [0xf0000, 0x10ffff]) {
    const char = String.fromCodePoint(code);
    t.equal(nameEnd(char, 0), 0, code.toString(16));
    t.equal(nameEnd(`a${char}`, 0), 1);
  }
});

t.test("ends of names and blanks", async (t) => {
  t.equal(nameEnd("ab-1=", 0), 4);
  t.equal(nameEnd("ab", 0, 1), 1);
  t.equal(nameEnd("ab", 2), 2);
  t.equal(nameEnd("-a", 0), 0);
  t.equal(spaceEnd(" \t\r\nx", 0), 4);
  t.equal(spaceEnd("  ", 0, 1), 1);
  t.equal(spaceEnd("x", 0), 0);
  t.equal(spaceEnd("\xa0", 0), 0);
  for (const c of [0x20, 9, 10, 13]) t.equal(isSpace(c), true);
  for (const c of [0, 11, 12, 0x85, 0xa0, 0x2028]) t.equal(isSpace(c), false);
});

t.test("what a character reference may name (production 2)", async (t) => {
  const rows: [from: number, to: number, allowed: boolean][] = [
    [0, 8, false],
    [9, 10, true],
    [11, 12, false],
    [13, 13, true],
    [14, 0x1f, false],
    [0x20, 0xd7ff, true],
    [0xd800, 0xdfff, false],
    [0xe000, 0xfffd, true],
    [0xfffe, 0xffff, false],
    [0x10000, 0x10ffff, true],
    [0x110000, 0x110000, false],
  ];
  for (const [from, to, allowed] of rows) {
    for (const code of [from, to]) t.equal(isXmlChar(code), allowed, code.toString(16));
  }
});
