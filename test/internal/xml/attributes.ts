// The attributes of a start tag: what is read, what is wrong and where, and text that ends inside.
import t from "tap";
import { AttributeReader } from "../../../lib/internal/xml/attributes.js";
import { NameTable } from "../../../lib/internal/xml/names.js";
import { ReferenceReader, XmlFault } from "../../../lib/internal/xml/references.js";

const BAD = "not well-formed (invalid token)";

/** What is read of `<a` and the text: attributes and rest, "more", or the fault and its place. */
function read(text: string): unknown {
  const reader = new AttributeReader(new NameTable(), new ReferenceReader());
  const obstacle = reader.read(`<a${text}`, 2);
  if (obstacle instanceof XmlFault) return [obstacle.reason, obstacle.at - 2];
  return obstacle ?? [...reader.atts, text.slice(reader.after - 2)];
}

t.test("read", async (t) => {
  const rows: [text: string, found: string[]][] = [
    [">x", ["x"]],
    ["/>x", ["x"]],
    [" \n>", [""]],
    [" b='1'>", ["b", "1", ""]],
    ["\tb = \"1\"\n c\n=\n''/>", ["b", "1", "c", "", ""]],
    [" b='>\"/'>", ["b", ">\"/", ""]],
    [" b='&lt;&#65;&amp;'>", ["b", "<A&", ""]],
    [" b='1\n2\t3'>", ["b", "1 2 3", ""]],
    [" x:b='' b=''>", ["x:b", "", "b", "", ""]],
    [" é='ü'>", ["é", "ü", ""]],
  ];
  for (const [text, found] of rows) t.strictSame(read(text), found, text);
});

t.test("wrong, and where", async (t) => {
  const rows: [text: string, reason: string, at: number][] = [
    [" b=1>", BAD, 3],
    [" b>", BAD, 2],
    [" b='1'c='2'>", BAD, 6],
    [" 1='2'>", BAD, 1],
    [" b='<'>", BAD, 4],
    [" b='&;'>", BAD, 5],
    [" b='&x;<'>", BAD, 7],
    ["/ >", BAD, 1],
    ["=", BAD, 0],
    [" b='&x;'>", "undefined entity", 4],
    [" b='&#0;'>", "reference to invalid character number", 4],
    [" b='' b=''>", "duplicate attribute", 6],
    [" b='' b='&x;'>", "duplicate attribute", 6],
    [" b='&x;' c='' c=''>", "undefined entity", 4],
    [" b='&x;' c=1>", BAD, 11],
  ];
  for (const [text, reason, at] of rows) t.strictSame(read(text), [reason, at], text);
});

t.test("text that ends inside says so, unless it is wrong already", async (t) => {
  const whole = " b = 'x&amp;y' c=\"\"/>";
  for (let cut = 0; cut < whole.length; cut++) t.equal(read(whole.slice(0, cut)), "more", `${cut}`);
  t.strictSame(read(" b='&;"), [BAD, 5], "a reference without a name, whatever follows");
  t.equal(read(" b='&am"), "more");
});

t.test("many attributes take time in proportion, and doubles among them are found", async (t) => {
  const many = Array.from({ length: 20_000 }, (_, at) => ` n${at}=''`).join("");
  t.equal((read(`${many}>`) as string[]).length, 40_001);
  t.strictSame(read(`${many} n7=''>`), ["duplicate attribute", many.length + 1]);
  for (const count of [2, 8, 9]) {
    const few = Array.from({ length: count }, (_, at) => ` n${at}=''`).join("");
    t.strictSame(read(`${few} n0=''>`), ["duplicate attribute", few.length + 1], `${count}`);
  }
});
