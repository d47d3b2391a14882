// References and attribute values: what they stand for, what is wrong with them, and where.
import t from "tap";
import {
  attributeValue,
  isPredefined,
  NOT_WELL_FORMED,
  ReferenceReader,
  tokenisedValue,
  XmlFault,
} from "../../../lib/internal/xml/references.js";

const BAD_NUMBER = "reference to invalid character number";

function read(text: string, skips = false): unknown {
  const refs = new ReferenceReader();
  refs.skipsUndeclared = skips;
  const found = refs.read(text, 0, text.length);
  if (found instanceof XmlFault) return [found.reason, found.at];
  return found === "more" ? found : refs.text + text.slice(refs.end);
}

t.test("what references stand for", async (t) => {
  const rows: [text: string, found: string][] = [
    ["&lt;x", "<x"],
    ["&gt;", ">"],
    ["&amp;amp;", "&amp;"],
    ["&apos;", "'"],
    ["&quot;", '"'],
    ["&#65;x", "Ax"],
    ["&#x41;", "A"],
    ["&#xaF;", "\xaf"],
    ["&#0000000000000000065;", "A"],
    ["&#x1F600;", "\u{1f600}"],
    ["&#x10ffff;", "\u{10ffff}"],
    ["&#9;", "\t"],
    ["&#13;", "\r"],
  ];
  for (const [text, found] of rows) t.equal(read(text), found, text);
});

t.test("errors in references, with their places", async (t) => {
  const rows: [text: string, reason: string, at: number][] = [
    ["&;", NOT_WELL_FORMED, 1],
    ["& x;", NOT_WELL_FORMED, 1],
    ["&1;", NOT_WELL_FORMED, 1],
    ["&a b", NOT_WELL_FORMED, 2],
    ["&#;", NOT_WELL_FORMED, 2],
    ["&#x;", NOT_WELL_FORMED, 3],
    ["&#X41;", NOT_WELL_FORMED, 2],
    ["&#6a;", NOT_WELL_FORMED, 3],
    ["&#x4g;", NOT_WELL_FORMED, 4],
    ["&#0;", BAD_NUMBER, 0],
    ["&#x1;", BAD_NUMBER, 0],
    ["&#xD800;", BAD_NUMBER, 0],
    ["&#xFFFF;", BAD_NUMBER, 0],
    ["&#x110000;", BAD_NUMBER, 0],
    [`&#${"9".repeat(400)};`, BAD_NUMBER, 0],
    ["&x;", "undefined entity", 0],
    ["&LT;", "undefined entity", 0],
    ["&constructor;", "undefined entity", 0],
    ["&quotx;", "undefined entity", 0],
  ];
  for (const [text, reason, at] of rows) t.strictSame(read(text), [reason, at], text);
  t.equal(read("&x;y", true), "y", "skipped where a declaration may be unread");
  t.equal(read("&lt;y", true), "<y");
});

t.test("text that ends inside", async (t) => {
  for (const text of ["&", "&a", "&amp", "&#", "&#6", "&#x", "&#x4"]) t.equal(read(text), "more", text);
});

t.test("attribute values", async (t) => {
  const rows: [value: string, found: string | [string, number]][] = [
    ["", ""],
    ["a b", "a b"],
    ["a\tb\nc", "a b c"],
    ["&#9;&#10;&#32;", "\t\n "],
    ["x&lt;y&amp;z", "x<y&z"],
    ["a<b", [NOT_WELL_FORMED, 1]],
    ["&lt;&x;", ["undefined entity", 4]],
    ["a&am", [NOT_WELL_FORMED, 4]],
  ];
  for (const [value, found] of rows) {
    const read = attributeValue(new ReferenceReader(), `"${value}"`, 1, value.length + 1);
    const shown = typeof read === "string" ? read : [read.reason, read.at - 1];
    t.strictSame(shown, found, value);
  }
});

t.test("values of other types lose their outer and double blanks", async (t) => {
  t.equal(tokenisedValue("  a  b "), "a b");
  t.equal(tokenisedValue(""), "");
  t.equal(tokenisedValue("\ta"), "\ta", "a tab that came by reference is no blank");
});

t.test("the five", async (t) => {
  t.strictSame(["lt", "gt", "amp", "apos", "quot", "nbsp", ""].map(isPredefined),
    [true, true, true, true, true, false, false]);
});
