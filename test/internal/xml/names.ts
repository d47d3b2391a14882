// Names as written: their halves, the table that finds them again, and no memory for hostile ones.
import t from "tap";
import { detach, intern, NameTable, QName } from "../../../lib/internal/xml/names.js";

function hashOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
  return hash;
}

function find(table: NameTable, name: string): QName {
  return table.find(`<${name}>`, 1, 1 + name.length, hashOf(name));
}

t.test("prefix and local name", async (t) => {
  const rows: [raw: string, prefix: string, local: string, valid: boolean][] = [
    ["a", "", "a", true],
    ["D:a", "D", "a", true],
    ["D:a:b", "D", "a:b", true],
    [":a", "", "a", false],
    ["D:", "D", "", false],
    [":", "", "", false],
    ["D:1", "D", "1", false],
    ["D:-", "D", "-", false],
    ["D:é", "D", "é", true],
  ];
  for (const [raw, prefix, local, valid] of rows) {
    const name = new QName(raw, 0);
    name.prepare();
    t.match(name, { raw, prefix, local, valid, opening: `<${raw}`, closing: `</${raw}>` }, raw);
  }
});

t.test("a name that was seen is found again", async (t) => {
  const table = new NameTable();
  const first = find(table, "D:href");
  t.equal(first.raw, "D:href");
  t.equal(first.kept, true);
  t.equal(find(table, "D:href"), first);
  t.not(find(table, "D:hre"), first);
  t.not(find(new NameTable(), "D:href"), first, "a table for each document");
});

t.test("of two names with one hash each is itself", async (t) => {
  const [one, two] = ["Aa", "BB"];
  t.equal(hashOf(one), hashOf(two));
  const table = new NameTable();
  const first = find(table, one);
  const second = find(table, two);
  t.strictSame([first.raw, second.raw], [one, two]);
  t.strictSame([first.kept, second.kept], [false, true], "the place is the last one's");
  t.not(find(table, one), first);
});

t.test("a name that loses its place lets go of what followed it", async (t) => {
  const table = new NameTable();
  const first = find(table, "Aa");
  Object.assign(first, { afterStart: first, afterEnd: first, tag: "<Aa>", tagAtts: ["x", "y"] });
  find(table, "BB");
  t.match(first, { kept: false, afterStart: null, afterEnd: null, tag: "" });
  t.strictSame(first.tagAtts, []);
});

t.test("long names are not kept", async (t) => {
  const table = new NameTable();
  t.equal(find(table, "a".repeat(256)).kept, true);
  const long = "a".repeat(257);
  t.equal(find(table, long).kept, false);
  t.equal(find(table, long).raw, long);
});

t.test("copies of a text are the same text", async (t) => {
  for (const text of ["", "a", "href", "\u{1f600}", "__proto__", "constructor", "1"]) {
    t.equal(intern(text), text);
    t.equal(detach(text), text);
  }
});
