// The handler stack, namespaces, attributes, lines and errors of the public parser.
import { Writable } from "node:stream";
import t from "tap";
import { NE_DBG_XML, NE_DBG_XMLPARSE, ne_debug_init } from "../lib/ne_utils.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_MAPLEN,
  NE_XML_MEDIA_TYPE,
  NE_XML_STATEROOT,
  ne_xml_create,
  ne_xml_currentline,
  ne_xml_destroy,
  ne_xml_doc_encoding,
  ne_xml_failed,
  ne_xml_get_attr,
  ne_xml_get_error,
  ne_xml_idmap,
  ne_xml_mapid,
  ne_xml_parse,
  ne_xml_parse_v,
  ne_xml_push_handler,
  ne_xml_resolve_nspace,
  ne_xml_set_encoding,
  ne_xml_set_error,
} from "../lib/ne_xml.js";
import type { ne_xml_parser } from "../lib/ne_xml.js";
import { feeds } from "./fixtures/feed.js";
import { events, sameError, sameEvents } from "./fixtures/xml.js";

/** Parses a document whole, and its end if it did not fail. */
function parse(parser: ne_xml_parser, document: string): number {
  return ne_xml_parse(parser, Buffer.from(document)) || ne_xml_parse(parser);
}

t.test("constants", async (t) => {
  t.same([NE_XML_DECLINE, NE_XML_ABORT, NE_XML_STATEROOT], [0, -1, 0]);
  t.equal(NE_XML_MEDIA_TYPE, "application/xml");
});

t.test("a parser at start", async (t) => {
  const parser = ne_xml_create();
  t.equal(ne_xml_failed(parser), 0);
  t.equal(ne_xml_get_error(parser), "Unknown error");
  t.equal(ne_xml_currentline(parser), 1);
  t.equal(ne_xml_doc_encoding(parser), null);
  t.equal(parse(parser, "<a><b/></a>"), 0, "without handlers everything is declined");
  ne_xml_destroy(parser);
});

// Takes the elements named in `wanted`, with their states, and notes what it is told.
function taker(
  parser: ne_xml_parser,
  log: string[],
  label: string,
  wanted: Record<string, number>,
): void {
  ne_xml_push_handler(
    parser,
    (userdata: string, parent, _nspace, name) => {
      const state = wanted[name] ?? NE_XML_DECLINE;
      log.push(`${userdata} ${parent}<${name}> ${state}`);
      return state;
    },
    (userdata, state, cdata) => {
      log.push(`${userdata} ${state} ${JSON.stringify(cdata)}`);
      return 0;
    },
    (userdata, state, _nspace, name) => {
      log.push(`${userdata} ${state}</${name}>`);
      return 0;
    },
    label,
  );
}

t.test("the parent's handler is asked first, then those behind it", async (t) => {
  const log: string[] = [];
  const parser = ne_xml_create();
  taker(parser, log, "A", { a: 1, d: 4 });
  taker(parser, log, "B", { b: 2 });
  taker(parser, log, "C", { c: 3 });
  t.equal(parse(parser, "<a>1<b>2<c>3<d/></c>4</b><d>5</d></a>"), 0);
  t.strictSame(log, [
    "A 0<a> 1", 'A 1 "1"',
    "A 1<b> 0", "B 1<b> 2", 'B 2 "2"',
    "B 2<c> 0", "C 2<c> 3", 'C 3 "3"',
    "C 3<d> 0",
    "C 3</c>", 'B 2 "4"', "B 2</b>",
    "A 1<d> 4", 'A 4 "5"', "A 4</d>", "A 1</a>",
  ]);
});

t.test("what nobody accepts is skipped with all it contains", async (t) => {
  const log: string[] = [];
  const parser = ne_xml_create();
  taker(parser, log, "A", { a: 1, b: 2 });
  t.equal(parse(parser, "<a><x>1<b>2</b><x/></x><b/></a>"), 0);
  t.strictSame(log, ["A 0<a> 1", "A 1<x> 0", "A 1<b> 2", "A 2</b>", "A 1</a>"]);
});

t.test("a declined document element leaves nothing to tell", async (t) => {
  const log: string[] = [];
  const parser = ne_xml_create();
  taker(parser, log, "A", {});
  t.equal(parse(parser, "<a><b/></a>"), 0);
  t.strictSame(log, ["A 0<a> 0"]);
});

t.test("missing cdata and end callbacks", async (t) => {
  const parser = ne_xml_create();
  const seen: string[] = [];
  ne_xml_push_handler(parser, (_userdata, _parent, _nspace, name) => seen.push(name));
  t.equal(parse(parser, "<a>x<b/>y</a>"), 0);
  t.strictSame(seen, ["a", "b"]);
});

t.test("userdata that was left out arrives as null", async (t) => {
  const parser = ne_xml_create();
  const seen: unknown[] = [];
  const note = (userdata: unknown): number => seen.push(userdata) && 0;
  ne_xml_push_handler(parser, (userdata) => note(userdata) + 1, note, note);
  t.equal(parse(parser, "<a>x</a>"), 0);
  t.strictSame(seen, [null, null, null]);
});

t.test("a handler pushed by a handler gets elements at once", async (t) => {
  const parser = ne_xml_create();
  const log: string[] = [];
  ne_xml_push_handler(parser, (_userdata, _parent, _nspace, name) => {
    if (name !== "a") return 0;
    taker(parser, log, "B", { b: 2 });
    return 1;
  });
  t.equal(parse(parser, "<a><b/></a>"), 0);
  t.strictSame(log, ["B 1<b> 2", "B 2</b>"]);
});

t.test("what a callback returns stops the parser and is its result", async (t) => {
  const cases: [string, number, (parser: ne_xml_parser) => void][] = [
    ["start", -7, (p) => ne_xml_push_handler(p, () => -7)],
    ["text", 5, (p) => ne_xml_push_handler(p, () => 1, () => 5)],
    ["text, negative", -3, (p) => ne_xml_push_handler(p, () => 1, () => -3)],
    ["end", 9, (p) => ne_xml_push_handler(p, () => 1, null, () => 9)],
  ];
  for (const [name, code, push] of cases) {
    for (const feed of feeds("<a>x</a>")) {
      const parser = ne_xml_create();
      push(parser);
      let result = 0;
      for (const piece of feed.pieces) result = ne_xml_parse(parser, piece);
      t.equal(result, code, `${name}, ${feed.name}`);
      t.equal(ne_xml_failed(parser), code);
      t.equal(ne_xml_parse(parser, Buffer.from("<<<")), code, "and of every further call");
      t.equal(ne_xml_parse(parser), code);
      t.equal(ne_xml_get_error(parser), "Unknown error");
    }
  }
});

t.test("nothing is told after a callback stopped the parser", async (t) => {
  const parser = ne_xml_create();
  let calls = 0;
  ne_xml_push_handler(parser, () => 1, null, () => {
    calls++;
    return NE_XML_ABORT;
  });
  ne_xml_push_handler(parser, () => {
    t.fail("asked");
    return 1;
  });
  t.equal(parse(parser, "<a><b/><c/></a>"), NE_XML_ABORT);
  t.equal(calls, 1);
});

t.test("the error that a callback sets", async (t) => {
  const parser = ne_xml_create();
  ne_xml_push_handler(parser, () => {
    ne_xml_set_error(parser, "x".repeat(3000));
    return NE_XML_ABORT;
  });
  t.equal(parse(parser, "<a/>"), NE_XML_ABORT);
  t.equal(ne_xml_get_error(parser), "x".repeat(2047));
});

t.test("fail_parse: a syntax error is above 0 and stays", async (t) => {
  const parser = ne_xml_create();
  const error = "XML parse error at line 2: mismatched tag";
  t.equal(ne_xml_parse(parser, Buffer.from("<a>\n</b>")), 1);
  t.equal(ne_xml_get_error(parser), error);
  t.equal(ne_xml_parse(parser, Buffer.from("<a/>")), 1);
  t.equal(ne_xml_parse(parser), 1);
  t.equal(ne_xml_failed(parser), 1);
  t.equal(ne_xml_get_error(parser), error);
  t.equal(ne_xml_currentline(parser), 2);
});

t.test("more after the end", async (t) => {
  const parser = ne_xml_create();
  t.equal(parse(parser, "<a/>"), 0);
  t.equal(ne_xml_parse(parser, Buffer.from("<a/>")), 1);
  t.equal(ne_xml_get_error(parser), "XML parse error at line 1: parsing finished");
});

const namespaces: readonly (readonly [string, string, readonly string[]])[] = [
  ["none", "<a b=''/>", ["<a b=>", "</a>"]],
  ["the default one", "<a xmlns='u'><b/><c xmlns=''/><d xmlns='v'/></a>", [
    "<{u}a xmlns=u>", "<{u}b>", "</b>", "<c xmlns=>", "</c>", "<{v}d xmlns=v>", "</d>", "</a>",
  ]],
  ["prefixes", "<p:a xmlns:p='u' xmlns:q='v'><q:b/><p:c xmlns:p='w'/><p:c/></p:a>", [
    "<{u}a xmlns:p=u xmlns:q=v>", "<{v}b>", "</b>", "<{w}c xmlns:p=w>", "</c>", "<{u}c>", "</c>",
    "</a>",
  ]],
  ["the same name in other scopes", "<r><p:a xmlns:p='1'/><p:a xmlns:p='2'/><p:a xmlns:p='1'/></r>",
    [
      "<r>", "<{1}a xmlns:p=1>", "</a>", "<{2}a xmlns:p=2>", "</a>", "<{1}a xmlns:p=1>", "</a>",
      "</r>",
    ]],
  ["names inside their own name", "<p:a xmlns:p='1'><p:a xmlns:p='2'><p:a/></p:a></p:a>", [
    "<{1}a xmlns:p=1>", "<{2}a xmlns:p=2>", "<{2}a>", "</a>", "</a>", "</a>",
  ]],
  ["the prefix xml", "<xml:a xml:lang='en'/>", [
    "<{http://www.w3.org/XML/1998/namespace}a xml:lang=en>", "</a>",
  ]],
  ["xml declared as it is", "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", [
    "<a xmlns:xml=http://www.w3.org/XML/1998/namespace>", "</a>",
  ]],
  ["a separator in a name", "<p:a xmlns:p='u}b'/>", ["<{u}b}a xmlns:p=u}b>", "</a>"]],
  ["the same local name in two namespaces", "<a xmlns:p='u' xmlns:q='v' p:b='1' q:b='2' b='3'/>", [
    "<a xmlns:p=u xmlns:q=v p:b=1 q:b=2 b=3>", "</a>",
  ]],
  ["a name that begins with xmlns", "<a xmlnsx='' xmlns-y=''/>", ["<a xmlnsx= xmlns-y=>", "</a>"]],
  ["references in a namespace", "<a xmlns='&#117;&amp;'/>", ["<{u&}a xmlns=u&>", "</a>"]],
];

t.test("names come with their namespaces", async (t) => {
  for (const [name, document, wanted] of namespaces) sameEvents(t, document, wanted, name);
});

const XMLNS = "http://www.w3.org/2000/xmlns/";
const XML = "http://www.w3.org/XML/1998/namespace";

const badNamespaces: readonly (readonly [string, string, string])[] = [
  ["an undeclared prefix", "<a>\n<p:b/></a>", "line 2: undeclared namespace prefix"],
  ["out of scope", "<a><b xmlns:p='u'/><p:c/></a>", "line 1: undeclared namespace prefix"],
  ["an element of xmlns", "<xmlns:a/>", "line 1: undeclared namespace prefix"],
  ["no prefix", "<:a/>", "line 1: invalid element name"],
  ["no local name", "<a:/>", "line 1: invalid element name"],
  ["a digit behind the colon", "<p:1 xmlns:p='u'/>", "line 1: invalid element name"],
  ["an undeclaring prefix", "<a xmlns:p=''/>", "line 1: invalid namespace declaration"],
  ["an empty prefix", "<a xmlns:='u'/>", "line 1: invalid namespace declaration"],
  ["a digit as prefix", "<a xmlns:1='u'/>", "line 1: invalid namespace declaration"],
  ["two prefixes", "<a xmlns:p:q='u'/>", "line 1: invalid namespace declaration"],
  ["xml bound to another", "<a xmlns:xml='u'/>", "line 1: invalid namespace declaration"],
  ["another bound to xml's", `<a xmlns:p='${XML}'/>`, "line 1: invalid namespace declaration"],
  ["xml's as default", `<a xmlns='${XML}'/>`, "line 1: invalid namespace declaration"],
  ["xmlns bound", `<a xmlns:xmlns='${XMLNS}'/>`, "line 1: invalid namespace declaration"],
  ["xmlns' own", `<a xmlns:p='${XMLNS}'/>`, "line 1: invalid namespace declaration"],
  ["two prefixes, one attribute", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
    "line 1: duplicate attribute"],
];

t.test("malformed: what Namespaces in XML forbids", async (t) => {
  for (const [name, document, wanted] of badNamespaces) sameError(t, document, wanted, name);
});

t.test("declined branches are checked for well-formedness only", async (t) => {
  const run = (document: string): string => {
    const parser = ne_xml_create();
    ne_xml_push_handler(parser, (_userdata, _parent, _nspace, name) => Number(name === "a"));
    return `${parse(parser, document)} ${ne_xml_get_error(parser)}`;
  };
  t.equal(run("<a><x><p:y q:z='' xmlns:r=''/><s:t:u/></x></a>"), "0 Unknown error");
  t.equal(run("<a><x><y></x></a>"), "1 XML parse error at line 1: mismatched tag");
  t.equal(run("<a><p:x/></a>"), "1 XML parse error at line 1: undeclared namespace prefix");
});

t.test("attributes by namespace and name", async (t) => {
  const parser = ne_xml_create();
  const found: (string | null)[] = [];
  ne_xml_push_handler(parser, (_userdata, _parent, _nspace, name, atts) => {
    if (name !== "b") return 1;
    for (const [nspace, local] of [
      ["u", "c"], ["u", "d"], ["v", "c"], [null, "c"], [null, "p:c"], [XML, "lang"], ["", "c"],
    ] as const) {
      found.push(ne_xml_get_attr(parser, atts, nspace, local));
    }
    return 1;
  });
  const element = "<b xmlns:q='v' c='1' p:c='2' q:c='3' xml:lang='en'/>";
  t.equal(parse(parser, `<a xmlns:p='u'>${element}</a>`), 0);
  t.strictSame(found, ["2", null, "3", "1", null, "en", null]);
});

t.test("prefixes resolved", async (t) => {
  const parser = ne_xml_create();
  const found: (string | null)[][] = [];
  ne_xml_push_handler(parser, () => {
    found.push([null, "p", "q", "xml", ""].map((prefix) => ne_xml_resolve_nspace(parser, prefix)));
    t.equal(ne_xml_resolve_nspace(parser), found.at(-1)![0]);
    return 1;
  });
  t.equal(parse(parser, "<a xmlns:p='u'><b xmlns='d' xmlns:q='v'/><c/></a>"), 0);
  t.strictSame(found, [
    ["", "u", null, XML, null],
    ["d", "u", "v", XML, null],
    ["", "u", null, XML, null],
  ]);
});

t.test("lines are those where events begin", async (t) => {
  const document = "<?xml version='1.0'?>\r\n<a\r\nb=''>\n\ntext\n<c/>\r<d\n/></a>\n";
  for (const feed of feeds(document)) {
    const parser = ne_xml_create();
    const lines: number[] = [];
    ne_xml_push_handler(
      parser,
      () => lines.push(ne_xml_currentline(parser)),
      null,
      () => {
        lines.push(ne_xml_currentline(parser));
        return 0;
      },
    );
    for (const piece of feed.pieces) ne_xml_parse(parser, piece);
    t.equal(ne_xml_parse(parser), 0);
    t.strictSame(lines, [2, 6, 6, 7, 8, 8], feed.name);
    t.equal(ne_xml_currentline(parser), 9);
  }
});

t.test("names as in neon", async (t) => {
  const seen: string[] = [];
  const parser = ne_xml_create();
  ne_xml_push_handler(parser, (_u, _parent, nspace, name, atts) => {
    seen.push(`{${nspace}}${name} ${atts.join(" ")}`);
    return 1;
  });
  const document =
    "<?a:b c?><r xmlns:C='u'><C:bugtraq:label q:x='1' C:y:z='2' :w='3'/></r>";
  t.equal(parse(parser, document), 0);
  t.same(seen, ["{}r xmlns:C u", "{u}bugtraq:label q:x 1 C:y:z 2 :w 3"]);
});

t.test("what a block shows to be wrong fails in its call", async (t) => {
  const documents = [
    "<r/>trailing",
    "<r/> x",
    "<r/><s/>",
    "<r/>]",
    "<r/>#a",
    "<r/>)",
    "<r/>ä",
    "<r/>\u0001",
    "<r>\u0001",
    "\u0001",
    "a\u0001",
  ];
  for (const document of documents) {
    const parser = ne_xml_create();
    ne_xml_push_handler(parser, () => 1);
    t.not(ne_xml_parse(parser, Buffer.from(document)), 0, document);
    t.match(ne_xml_get_error(parser), /^XML parse error at line 1: /);
  }
});

t.test("the encoding that the declaration names", async (t) => {
  const parser = ne_xml_create();
  t.equal(ne_xml_set_encoding(parser, "klingon"), 1);
  t.equal(ne_xml_get_error(parser), "XML parse error at line 1: unknown encoding");
  t.equal(ne_xml_set_encoding(parser, "utf-8"), 0);
  let inside: string | null = null;
  ne_xml_push_handler(parser, () => {
    inside = ne_xml_doc_encoding(parser);
    return 1;
  });
  const document = "<?xml version='1.0' encoding='Latin-9'?><a>é</a>";
  t.equal(parse(parser, document), 0, "it is not obeyed");
  t.equal(inside, "Latin-9");
  t.equal(ne_xml_doc_encoding(parser), "Latin-9");
  t.not(ne_xml_set_encoding(parser, "utf-8"), 0, "too late");
});

t.test("id maps", async (t) => {
  const entry = new ne_xml_idmap();
  t.same({ ...entry }, { nspace: null, name: null, id: 0 });
  const map = [
    { nspace: "DAV:", name: "prop", id: 1 },
    { nspace: "u", name: "prop", id: 2 },
    { nspace: "DAV:", name: "prop", id: 3 },
    entry,
  ];
  t.equal(NE_XML_MAPLEN(map), 4);
  t.equal(ne_xml_mapid(map, "DAV:", "prop"), 1);
  t.equal(ne_xml_mapid(map, "u", "prop"), 2);
  t.equal(ne_xml_mapid(map, "u", "href"), 0);
  t.equal(ne_xml_mapid([], "", ""), 0);
  const asInC = ne_xml_mapid as (...args: unknown[]) => number;
  t.throws(() => asInC(map, NE_XML_MAPLEN(map), "DAV:", "prop"), {
    name: "TypeError",
    message: "ne_xml_mapid: the length of the map is left out: (map, nspace, name)",
  });
  t.throws(() => asInC(null, "DAV:", "prop"), TypeError);
});

t.test("debug output tells what is offered and accepted", async (t) => {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  ne_debug_init(stream, NE_DBG_XML | NE_DBG_XMLPARSE);
  t.teardown(() => ne_debug_init(null, 0));
  const parser = ne_xml_create();
  taker(parser, [], "A", { a: 1, b: 2 });
  t.equal(parse(parser, '<a xmlns="u">x<b/><skip><c/>y</skip></a>'), 0);
  t.strictSame(lines, [
    "XML: Parsing 40 bytes.\n",
    "XML: start-element (0, {u, a}) => 1\n",
    "XML: char-data (1) returns 0\n",
    "XML: start-element (1, {u, b}) => 2\n",
    "XML: end-element (2, {u, b})\n",
    "XML: start-element (1, {u, skip}) => 0\n",
    "XML: end-element (1, {u, a})\n",
    "XML: End of document.\n",
  ]);
});

t.test("a caller's mistakes throw", async (t) => {
  const parser = ne_xml_create();
  t.throws(() => ne_xml_get_attr(parser, [], null, "a"), {
    name: "TypeError",
    message: "ne_xml_get_attr: no start-element callback of this parser is running",
  });
  t.throws(() => ne_xml_resolve_nspace(parser), TypeError);
  t.throws(() => ne_xml_push_handler(parser, null as never), TypeError);
  t.throws(() => ne_xml_parse(parser, "<a/>" as never), {
    message: "ne_xml_parse: a block must be a Uint8Array",
  });
  t.throws(() => ne_xml_parse({} as never), TypeError);
  ne_xml_destroy(parser);
  t.throws(() => ne_xml_parse(parser), {
    message: "ne_xml_parse: the ne_xml_parser was destroyed already",
  });
});

t.test("re-entry: a parser called by its own handler throws, and goes on", async (t) => {
  const parser = ne_xml_create();
  let calls = 0;
  ne_xml_push_handler(parser, () => {
    calls++;
    t.throws(() => ne_xml_parse(parser, Buffer.from("<b/>")), {
      message: "ne_xml_parse: the parser was called from its own handler",
    });
    t.throws(() => ne_xml_parse_v(parser, Buffer.from("<b/>")), TypeError);
    t.throws(() => ne_xml_destroy(parser), TypeError);
    return 1;
  });
  t.equal(parse(parser, "<a/>"), 0);
  t.equal(calls, 1);
});

t.test("what a callback throws leaves as it is", async (t) => {
  const parser = ne_xml_create();
  const error = new RangeError("mine");
  ne_xml_push_handler(parser, () => {
    throw error;
  });
  t.throws(() => ne_xml_parse(parser, Buffer.from("<a/>")), error);
  t.equal(ne_xml_parse(parser, Buffer.from("<a/>")), NE_XML_ABORT, "the parser is done with");
});

t.test("a promise has no place in ne_xml_parse", async (t) => {
  const parser = ne_xml_create();
  ne_xml_push_handler(parser, () => Promise.reject(new Error("nobody waits")));
  t.throws(() => ne_xml_parse(parser, Buffer.from("<a/>")), {
    name: "TypeError",
    message: "ne_xml_parse: a handler returned a promise; feed the parser by ne_xml_parse_v",
  });
  t.equal(ne_xml_failed(parser), NE_XML_ABORT);
});

t.test("handlers that make the parser wait", async (t) => {
  const document = "<a>1<b c='2'/>&amp;<![CDATA[3]]><x><y/></x></a>";
  const wanted = events([Buffer.from(document)]);
  for (const feed of feeds(document)) {
    const lines: string[] = [];
    const parser = ne_xml_create();
    const later = async <V>(value: V): Promise<V> => {
      await new Promise((resolve) => setImmediate(resolve));
      return value;
    };
    let text = "";
    ne_xml_push_handler(parser, () => later(0));
    ne_xml_push_handler(
      parser,
      (_userdata, _parent, _nspace, name, atts) => {
        lines.push(...(text === "" ? [] : [text]));
        text = "";
        lines.push(`<${name}${atts.map((item, i) => (i % 2 ? item : ` ${item}=`)).join("")}>`);
        return later(name === "b" ? 2 : 1).then((state) => {
          t.equal(ne_xml_resolve_nspace(parser), "", "still inside the callback");
          return state;
        });
      },
      (_userdata, _state, cdata) => {
        text += cdata;
        return later(0);
      },
      (_userdata, _state, _nspace, name) => {
        lines.push(...(text === "" ? [] : [text]), `</${name}>`);
        text = "";
        return later(0);
      },
    );
    for (const piece of feed.pieces) {
      const result = ne_xml_parse_v(parser, piece);
      if (typeof result !== "number") {
        t.throws(() => ne_xml_parse_v(parser, piece), TypeError, "while it waits");
      }
      t.equal(await result, 0);
    }
    t.equal(ne_xml_parse_v(parser, Buffer.alloc(0)), 0, "no promise where nobody waits");
    t.strictSame(lines, wanted, feed.name);
  }
});

t.test("a promise's value stops the parser like a plain one", async (t) => {
  const codes: [number, (parser: ne_xml_parser) => void][] = [
    [-7, (p) => ne_xml_push_handler(p, () => Promise.resolve(-7))],
    [5, (p) => ne_xml_push_handler(p, () => 1, () => Promise.resolve(5))],
    [9, (p) => ne_xml_push_handler(p, () => 1, null, () => Promise.resolve(9))],
  ];
  for (const [code, push] of codes) {
    const parser = ne_xml_create();
    push(parser);
    t.equal(await ne_xml_parse_v(parser, Buffer.from("<a>x</a>")), code);
    t.equal(ne_xml_parse_v(parser, Buffer.from("<a>x</a>")), code);
  }
});

t.test("a syntax error behind a promise", async (t) => {
  const parser = ne_xml_create();
  ne_xml_push_handler(parser, () => Promise.resolve(1));
  t.equal(await ne_xml_parse_v(parser, Buffer.from("<a>\n</b>")), 1);
  t.equal(ne_xml_get_error(parser), "XML parse error at line 2: mismatched tag");
});

t.test("what a promise rejects with leaves as it is", async (t) => {
  const parser = ne_xml_create();
  const error = new RangeError("mine");
  ne_xml_push_handler(parser, () => Promise.reject(error));
  await t.rejects(ne_xml_parse_v(parser, Buffer.from("<a/>")) as Promise<number>, error);
  t.equal(ne_xml_parse(parser), NE_XML_ABORT);
});

t.test("a hundred thousand promises do not pile up", async (t) => {
  const parser = ne_xml_create();
  let seen = 0;
  ne_xml_push_handler(parser, () => Promise.resolve(1), null, () => {
    seen++;
    return 0;
  });
  const document = Buffer.from(`<a>${"<b/>".repeat(100_000)}</a>`);
  t.equal(await ne_xml_parse_v(parser, document), 0);
  t.equal(seen, 100_001);
});

t.test("hostile: namespaces declared at every level cost what they are long", async (t) => {
  const depth = 50_000;
  const document = `${"<p:a xmlns:p='u' xmlns='v'>".repeat(depth)}${"</p:a>".repeat(depth)}`;
  const parser = ne_xml_create();
  let count = 0;
  ne_xml_push_handler(parser, () => ++count);
  t.equal(parse(parser, document), 0);
  t.equal(count, depth);
});
