// Text for request bodies: nothing that a caller writes ends an element or begins another.
import t from "tap";
import { elementOf, XML, type nx_element } from "../../../lib/internal/resources/element.js";
import * as xml from "../../../lib/internal/resources/xml_text.js";

const print = (element: nx_element): string => xml.printElement(element, "f");

t.test("text and attributes are escaped", async (t) => {
  t.equal(xml.escapeText("a<b>&]]>\r\n", "f", "x"), "a&lt;b&gt;&amp;]]&gt;&#13;\n");
  t.equal(xml.quoteAttribute("\"<'\t\n", "f", "x"), "\"&quot;&lt;'&#9;&#10;\"");
  for (const bad of ["\0", "\x1b", "\ud800", "\udc00x", "\ufffe"]) {
    const message = "f: the text has a character that XML cannot hold";
    t.throws(() => xml.escapeText(bad, "f", "the text"), new TypeError(message));
  }
  t.equal(xml.escapeText("\u{1f600}\u{10ffff}", "f", "x"), "\u{1f600}\u{10ffff}");
});

t.test("names", async (t) => {
  for (const name of ["a", "_", "ä-1.x", "\u{10000}"]) t.equal(xml.needName(name, "f", "x"), name);
  for (const name of ["", "1", "-a", "a b", "a:b", "a>", "a\n", null, 7]) {
    t.throws(() => xml.needName(name, "f", "x"), new TypeError("f: x is not the name of an element"));
  }
});

t.test("namespaces of XML itself", async (t) => {
  for (const nspace of ["http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"]) {
    t.throws(() => xml.quoteNamespace(nspace, "f"), /f: the namespace .* is that of XML itself/);
    t.throws(() => xml.emptyElement(nspace, "a", "f"), TypeError);
  }
  t.equal(xml.quoteNamespace("", "f"), '""');
});

t.test("elements", async (t) => {
  const attr = (nspace: string, name: string, value: string) => ({ nspace, name, value });
  const rows: [element: nx_element, text: string][] = [
    [elementOf("DAV:", "a"), "<D:a/>"],
    [elementOf("", "a", ["x<"]), '<a xmlns="">x&lt;</a>'],
    [elementOf("u&", "a", [elementOf("DAV:", "b", ["1"])]), '<a xmlns="u&amp;"><D:b>1</D:b></a>'],
    [elementOf("DAV:", "a", [], [attr("", "n", "1")]), '<D:a n="1"/>'],
    [elementOf("DAV:", "a", [], [attr(XML, "lang", "de")]), '<D:a xml:lang="de"/>'],
    [elementOf("DAV:", "a", [], [attr("DAV:", "n", "1"), attr("u", "n", "2"), attr("v", "n", "3")]),
      '<D:a D:n="1" xmlns:a0="u" a0:n="2" xmlns:a1="v" a1:n="3"/>'],
  ];
  for (const [element, text] of rows) t.equal(print(element), text);
  t.equal(xml.propElements([{ nspace: "DAV:", name: "a" }, { nspace: null, name: "b" }], "f"),
    '<D:a/><b xmlns=""/>');
});

t.test("what is no element", async (t) => {
  let deep = elementOf("", "a");
  for (let i = 0; i < 1002; i++) deep = elementOf("", "a", [deep]);
  const twice = [{ nspace: "", name: "n", value: "" }, { nspace: "", name: "n", value: "" }];
  const rows: [element: unknown, message: RegExp][] = [
    [null, /an element must have/],
    [{ nspace: "", name: "a" }, /an element must have/],
    [{ nspace: 7, name: "a", children: [] }, /namespace of an element is no string/],
    [elementOf("", "a b"), /is not the name/],
    [elementOf("", "a", [], "x" as unknown as []), /attributes of an element must be an array/],
    [elementOf("", "a", [], twice), /has the attribute n twice/],
    [elementOf("", "a", [], [{ nspace: "", name: "xmlns", value: "x" }]), /xmlns is no attribute/],
    [elementOf("", "a", [], [{ nspace: "", name: "n", value: 7 as unknown as string }]), /must be strings/],
    [elementOf("", "a", [7 as unknown as string]), /an element must have/],
    [deep, /too many levels/],
  ];
  for (const [element, message] of rows) {
    t.throws(() => print(element as nx_element), { name: "TypeError", message }, String(message));
  }
});
