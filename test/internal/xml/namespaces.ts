// Which prefix stands for which namespace: declared, hidden, given back, and what is not allowed.
import t from "tap";
import { Namespaces } from "../../../lib/internal/xml/namespaces.js";
import { QName } from "../../../lib/internal/xml/names.js";

const XML = "http://www.w3.org/XML/1998/namespace";
const XMLNS = "http://www.w3.org/2000/xmlns/";

t.test("at the start", async (t) => {
  const spaces = new Namespaces();
  t.equal(spaces.resolve(""), "");
  t.equal(spaces.resolve("xml"), XML);
  t.equal(spaces.resolve("xmlns"), XMLNS);
  t.equal(spaces.resolve("D"), undefined);
  t.equal(spaces.resolve("constructor"), undefined);
});

t.test("declarations hold until their element ends", async (t) => {
  const spaces = new Namespaces();
  const see = (): unknown[] => ["", "a", "b"].map((prefix) => spaces.resolve(prefix));
  spaces.enter(["xmlns", "d1", "xmlns:a", "a1"]);
  t.strictSame(see(), ["d1", "a1", undefined]);
  spaces.enter(["xmlns:a", "a2", "xmlns:b", "b2", "other", "x"]);
  t.strictSame(see(), ["d1", "a2", "b2"]);
  spaces.enter(["xmlns", ""]);
  t.strictSame(see(), ["", "a2", "b2"], "a default may be taken back");
  spaces.leave();
  t.strictSame(see(), ["d1", "a2", "b2"]);
  spaces.leave();
  t.strictSame(see(), ["d1", "a1", undefined]);
  spaces.leave();
  t.strictSame(see(), ["", undefined, undefined]);
});

t.test("an element without declarations opens nothing", async (t) => {
  const spaces = new Namespaces();
  const { current } = spaces;
  t.equal(spaces.enter(["a", "b", "xmlnsx", "y"]), null);
  t.equal(spaces.current, current);
});

t.test("a scope comes again for an equal element", async (t) => {
  const spaces = new Namespaces();
  const atts = ["xmlns:a", "a1"];
  spaces.enter(atts);
  const scope = spaces.current;
  spaces.leave();
  spaces.enter([...atts]);
  t.equal(spaces.current, scope, "of other memory");
  spaces.leave();
  spaces.enter(atts);
  t.equal(spaces.current, scope, "of the same memory");
  t.equal(spaces.resolve("a"), "a1");
  spaces.leave();
  t.equal(spaces.resolve("a"), undefined);
  spaces.enter(["xmlns:a", "a2"]);
  t.not(spaces.current, scope);
  t.equal(spaces.resolve("a"), "a2");
});

t.test("what may be declared", async (t) => {
  const bad = "invalid namespace declaration";
  const rows: [atts: string[], fault: string | null][] = [
    [["xmlns:xml", XML], null],
    [["xmlns:xml", "other"], bad],
    [["xmlns:a", XML], bad],
    [["xmlns", XML], bad],
    [["xmlns:a", XMLNS], bad],
    [["xmlns", XMLNS], bad],
    [["xmlns:xmlns", "x"], bad],
    [["xmlns:a", ""], bad],
    [["xmlns:", "x"], bad],
    [["xmlns:1", "x"], bad],
    [["xmlns:a:b", "x"], bad],
    [["xmlns", ""], null],
  ];
  for (const [atts, fault] of rows) t.equal(new Namespaces().enter(atts), fault, atts.join(" "));
});

t.test("two names that mean the same", async (t) => {
  const double = "duplicate attribute";
  const rows: [atts: string[], fault: string | null][] = [
    [["xmlns:a", "u", "xmlns:b", "u", "a:x", "", "b:x", ""], double],
    [["xmlns:a", "u", "xmlns:b", "v", "a:x", "", "b:x", ""], null],
    [["xmlns:a", "u", "a:x", "", "x", ""], null],
    [["xmlns", "u", "xmlns:a", "u", "a:x", "", "x", ""], null],
    [["n:x", "", "m:x", ""], null],
    [["a:x", "", "b:x", "", "xmlns:a", "u", "xmlns:b", "u"], double],
    [[":x", "", ":y", ""], null],
  ];
  for (const [atts, fault] of rows) {
    const spaces = new Namespaces();
    t.equal(spaces.enter(atts), fault, atts.join(" "));
    if (fault !== null) t.equal(new Namespaces().enter(atts), fault, "every time");
  }
});

t.test("an element's name", async (t) => {
  const spaces = new Namespaces();
  spaces.enter(["xmlns", "d", "xmlns:a", "u"]);
  const resolve = (raw: string): unknown => {
    const name = new QName(raw, 0);
    name.prepare();
    return spaces.resolveElement(name) && [name.nspace, name.scope === spaces.current];
  };
  t.strictSame(resolve("x"), ["d", true]);
  t.strictSame(resolve("a:x"), ["u", true]);
  t.equal(resolve("b:x"), false);
  t.equal(resolve("xmlns:x"), false);
});
