// internal/xml/escape.ts: what is escaped comes back from a parser as it was.
import t from "tap";
import { ne_xml_create, ne_xml_parse, ne_xml_push_handler } from "../../../lib/index.js";
import { escapeMarkup } from "../../../lib/internal/xml/escape.js";

t.test("text comes back as it was", async (t) => {
  for (const text of ["", "a", "<a>&amp;</a>", "]]>", "a\r\nb\rc", 'ä "b" \'c\'']) {
    let read = "";
    const xml = ne_xml_create();
    ne_xml_push_handler(xml, () => 1, (_u, _state, part) => ((read += part), 0));
    t.equal(ne_xml_parse(xml, Buffer.from(`<x>${escapeMarkup(text)}</x>`)), 0);
    t.equal(ne_xml_parse(xml), 0);
    t.equal(read, text);
  }
});

t.test("each sign by its name", async (t) => {
  t.equal(escapeMarkup("<&>\r"), "&lt;&amp;&gt;&#13;");
});
