// XML of a caller's: read before it is sent, and never able to end what it stands in.
import t from "tap";
import { textIn, XML } from "../../../lib/internal/resources/element.js";
import { parseContent, parseDocument } from "../../../lib/internal/resources/xml_parse.js";

t.test("documents", async (t) => {
  const text = '<?xml version="1.0"?><D:a xmlns:D="DAV:" n="1" D:m="2" xml:lang="de">x<b xmlns="u"/>y</D:a>';
  const root = parseDocument(text, "f", "the query");
  t.match(root, { nspace: "DAV:", name: "a" });
  t.strictSame(root.attrs, [
    { nspace: "", name: "n", value: "1" },
    { nspace: "DAV:", name: "m", value: "2" },
    { nspace: XML, name: "lang", value: "de" },
  ]);
  t.match(root.children, ["x", { nspace: "u", name: "b" }, "y"]);
});

t.test("text that is not XML is refused", async (t) => {
  const rows: [text: unknown, message: RegExp][] = [
    ["", /^f: the query is no XML: /],
    ["hello", /is no XML/],
    ["<a>", /is no XML/],
    ["<a/><b/>", /is no XML/],
    ["<D:a/>", /is no XML/],
    ["<a>\ud800</a>", /has a lone surrogate/],
    ['<?xml version="1.0" encoding="iso-8859-1"?><a/>', /declares iso-8859-1, but is sent as UTF-8/],
    [`${"<a>".repeat(1001)}${"</a>".repeat(1001)}`, /too many levels/],
    [7, /the query must be a string, not number/],
  ];
  for (const [text, message] of rows) {
    t.throws(() => parseDocument(text, "f", "the query"), { name: "TypeError", message });
  }
});

t.test("content without a root", async (t) => {
  const elements = parseContent(' <D:a/> <x:b xmlns:x="u">t</x:b>\n', "f", "where", ' xmlns:D="DAV:"');
  t.match(elements, [{ nspace: "DAV:", name: "a" }, { nspace: "u", name: "b" }]);
  t.equal(elements.map(textIn).join(""), "t");
});

t.test("content cannot end what it stands in", async (t) => {
  const texts = ["</content><evil/><content>", "</content>", "text", "<a/>text", "", "<a/", "<!--",
    "<a/><![CDATA[", '<?xml version="1.0"?><a/>'];
  for (const text of texts) {
    t.throws(() => parseContent(text, "f", "where"), { message: /^f: where is no XML/ }, text);
  }
});
