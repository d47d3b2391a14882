// The value of a property as text and as a tree; usual values are made once, long ones refused.
import t from "tap";
import { XML } from "../../../lib/internal/resources/element.js";
import { PropertyValue, tagOf } from "../../../lib/internal/resources/property_value.js";

type Part = string | Nested;
interface Nested extends ReadonlyArray<Part> {}

/** Puts parts in; `["b", …]` is an element of the namespace "u:". @returns what is wrong */
function put(value: PropertyValue, parts: readonly Part[]): string | null {
  for (const part of parts) {
    if (typeof part === "string") {
      const wrong = value.add(part);
      if (wrong !== null) return wrong;
      continue;
    }
    const [name, ...inside] = part;
    const wrong = value.open("u:", String(name), null) ?? put(value, inside);
    if (wrong !== null) return wrong;
    value.close();
  }
  return null;
}

function read(parts: readonly Part[], value = new PropertyValue(1000), name = "p"): PropertyValue {
  value.begin("DAV:", name, null);
  const wrong = put(value, parts) ?? value.finish();
  if (wrong !== null) throw new Error(wrong);
  return value;
}

t.test("text alone has no tree", async (t) => {
  for (const parts of [[], ["a"], ["a", "b<&"]]) {
    const { text, tree } = read(parts);
    t.strictSame([text, tree], [parts.join(""), null]);
  }
});

t.test("elements show as neon shows them, and are a frozen tree", async (t) => {
  const { text, tree } = read(["1", ["a", "2", ["b"], "3"], "4"]);
  t.equal(text, "1<u:a>2<u:b></u:b>3</u:a>4");
  t.match(tree, { nspace: "DAV:", name: "p", children: ["1", { name: "a" }, "4"] });
  const [, a] = tree?.children ?? [];
  t.match(a, { nspace: "u:", children: ["2", { name: "b", children: [] }, "3"] });
  t.equal([tree, tree?.children, a].every(Object.isFrozen), true);
});

t.test("a value that came lately is the same value, under its own name only", async (t) => {
  const value = new PropertyValue(1000);
  const { tree: first } = read([["a", "x"]], value);
  t.equal(read([["a", "x"]], value).tree, first);
  t.not(read([["a", "y"]], value).tree, first);
  const other = read([["a", "x"]], value, "q").tree;
  t.not(other, first);
  t.equal(other?.name, "q");
  for (let i = 0; i < 20; i++) read([["a", String(i)]], value);
  const again = read([["a", "x"]], value);
  t.not(again.tree, first, "of many only the last are kept");
  t.strictSame(again.tree, first);
});

t.test("attributes keep their namespace", async (t) => {
  const resolve = (prefix: string): string | null => (prefix === "x" ? "urn:x" : null);
  t.equal(tagOf([], resolve), null);
  const tag = tagOf(["n", "1", "x:m", "2", "xmlns:x", "urn:x", "xml:lang", "de", "y:o", "3"], resolve);
  t.strictSame(tag?.attrs, [
    { nspace: "", name: "n", value: "1" },
    { nspace: "urn:x", name: "m", value: "2" },
    { nspace: XML, name: "lang", value: "de" },
    { nspace: "", name: "y:o", value: "3" },
  ]);
  const value = new PropertyValue(1000);
  value.begin("DAV:", "p", null);
  value.open("u:", "a", tag);
  value.close();
  value.finish();
  t.equal(value.text, "<u:a n='1' urn:xm='2' xmlns:x='urn:x' xml:lang='de' y:o='3'></u:a>");
});

t.test("values that are too long, too deep or of too many parts", async (t) => {
  const long = 'the value of p exceeds 10 bytes (nx_set_limits, "property")';
  const wrong = (parts: readonly Part[], most = 10): string | null => {
    const value = new PropertyValue(most);
    value.begin("DAV:", "p", null);
    return put(value, parts) ?? value.finish();
  };
  t.equal(wrong(["x".repeat(10)]), null);
  t.equal(wrong(["x".repeat(11)]), long);
  t.equal(wrong(["ä".repeat(6)]), long, "bytes, not characters");
  t.equal(wrong([["abcdefghij"]]), long, "names count");
  const deep = (levels: number): Part => (levels === 0 ? "x" : ["e", deep(levels - 1)]);
  t.equal(wrong([deep(1000)], 100_000), null);
  t.equal(wrong([deep(1001)], 100_000), "the value of p has too many levels");
  const many = Array.from({ length: 65_537 }, (): Part => ["e"]);
  t.equal(wrong(many, 10_000_000), "the value of p has too many elements");
});
