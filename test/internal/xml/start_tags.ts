// internal/xml/start_tags.ts: tags that repeat themselves are known again, in whole and in part,
// and read as if they were new.
import t from "tap";
import { parseDoctype } from "../../../lib/internal/xml/doctype.js";
import { ReferenceReader, XmlFault } from "../../../lib/internal/xml/references.js";
import { StartTagReader } from "../../../lib/internal/xml/start_tags.js";

const create = (): StartTagReader => new StartTagReader(new ReferenceReader());

// what was read, as a test can compare it
function readAll(tags: StartTagReader, text: string): unknown[] {
  const found: unknown[] = [];
  for (let pos = text.indexOf("<"); pos >= 0; pos = text.indexOf("<", tags.after)) {
    const obstacle = tags.read(text, pos);
    if (obstacle !== null) return [...found, obstacle];
    found.push([tags.name.raw, ...tags.atts, tags.isEmpty]);
    tags.note(tags.name, tags.isEmpty);
  }
  return found;
}

t.test("a tag that comes again, changed or not", async (t) => {
  const list = "<list>";
  const item = `<item id="1" title='a &amp; b'/>`;
  const other = `<item id="2"/>`;
  const known = ["item", "id", "1", "title", "a & b", true];
  const changed = ["item", "id", "2", true];
  const text = list + item + item + other + item + list + item;
  const top = ["list", false];
  t.strictSame(readAll(create(), text), [top, known, known, changed, known, top, known]);
});

t.test("names that begin alike", async (t) => {
  const tags = create();
  t.strictSame(readAll(tags, "<a><ab><a ><abc/>"), [
    ["a", false],
    ["ab", false],
    ["a", false],
    ["abc", true],
  ]);
});

t.test("a tag that is unfinished or malformed", async (t) => {
  for (const text of ["<", "<a", "<a b", "<a b='c", "<a /"]) {
    const obstacle = create().read(text, 0);
    // without a character behind the bracket there is no name
    if (text === "<") t.ok(obstacle instanceof XmlFault);
    else t.equal(obstacle, "more", text);
  }
  for (const text of ["<1>", "<a b>", "<a b=c>", "<a/ >"]) {
    t.ok(create().read(text, 0) instanceof XmlFault, text);
  }
});

t.test("an undefined entity is told at the tag", async (t) => {
  const obstacle = create().read("  <a b='&who;'>", 2);
  t.match(obstacle, { reason: "undefined entity", at: 2 });
});

t.test("attribute lists add what a tag leaves out", async (t) => {
  const doctype = parseDoctype('<!DOCTYPE a [<!ATTLIST a b CDATA "x" c NMTOKEN #IMPLIED>]>', false);
  if (doctype instanceof XmlFault) throw new Error(doctype.reason);
  const tags = create();
  tags.rules = doctype.attributes;
  t.strictSame(readAll(tags, `<a><a b="y"/><a c=" d  e "/><other/>`), [
    ["a", "b", "x", false],
    ["a", "b", "y", true],
    ["a", "c", "d e", "b", "x", true],
    ["other", true],
  ]);
});
