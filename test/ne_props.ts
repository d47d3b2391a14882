// Properties: the requests byte for byte, the values as text, statuses, limits, private values and
// the shapes of answer that servers give. The tables were compared with the C library.
import { Writable } from "node:stream";
import t, { type Test } from "tap";
import { NE_207_STATE_PROP } from "../lib/ne_207.js";
import { NE_DEPTH_INFINITE, NE_DEPTH_ONE, NE_DEPTH_ZERO } from "../lib/ne_basic.js";
import {
  NE_PROPS_STATE_TOP,
  ne_propfind_allprop,
  ne_propfind_create,
  ne_propfind_current_private,
  ne_propfind_destroy,
  ne_propfind_get_parser,
  ne_propfind_get_request,
  ne_propfind_named,
  ne_propfind_set_private,
  type ne_prop_result_set,
  ne_propname,
  ne_propnames,
  ne_proppatch,
  ne_proppatch_operation,
  ne_propremove,
  ne_propset,
  ne_propset_iterate,
  ne_propset_lang,
  ne_propset_private,
  ne_propset_status,
  ne_propset_value,
  ne_simple_propfind,
} from "../lib/ne_props.js";
import { NE_ERROR, NE_OK, ne_add_request_header } from "../lib/ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_session_flag,
} from "../lib/ne_session.js";
import { NE_DBG_XML, ne_debug_init } from "../lib/ne_utils.js";
import { ne_uri_unparse } from "../lib/ne_uri.js";
import { ne_xml_get_attr, ne_xml_push_handler } from "../lib/ne_xml.js";
import {
  answer,
  type Answered,
  answering,
  multistatus,
  ownFields,
  propstat,
  response,
} from "./fixtures/dav.js";
import { scripted } from "./fixtures/server.js";

const DAV = "DAV:";
const X = "http://example.com/";

function named(nspace: string | null, name: string): ne_propname {
  return { nspace, name };
}

/** Everything in a result set, a line for each property. */
function listed(set: ne_prop_result_set): string[] {
  const lines: string[] = [];
  ne_propset_iterate(set, (_u, { nspace, name }, value, { code, reason_phrase }) => {
    lines.push(`{${nspace}}${name}=${value} ${code} ${reason_phrase}`);
    return 0;
  });
  return lines;
}

/** What a PROPFIND for all properties gives: for each resource its path and properties. */
async function found(
  t: Test,
  answer: Answered,
): Promise<{ ret: number; error: string; resources: [string, ...string[]][] }> {
  const { sess } = await answering(t, answer);
  const resources: [string, ...string[]][] = [];
  const ret = await ne_simple_propfind(sess, "/c/", NE_DEPTH_ONE, null, (_u, uri, set) => {
    resources.push([uri.path!, ...listed(set)]);
  });
  return { ret, error: ne_get_error(sess), resources };
}

t.test("requests for properties", async (t) => {
  const allprop =
    '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><allprop/></propfind>\n';
  const props = [named(DAV, "getetag"), named(null, "none"), named(`${X}?a&b="<`, "größe")];
  const some =
    '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>\n' +
    '<getetag xmlns="DAV:"/>\n<none xmlns=""/>\n' +
    '<größe xmlns="http://example.com/?a&amp;b=&quot;&lt;"/>\n</prop></propfind>\n';
  const names =
    '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><propname/></propfind>';
  const answer = { body: multistatus() };
  const { sess, server } = await answering(t, answer, answer, answer, answer);
  const nothing = (): void => void t.fail("there were no resources");

  t.equal(await ne_simple_propfind(sess, "/c/", NE_DEPTH_ZERO, null, nothing), NE_OK);
  t.equal(await ne_simple_propfind(sess, "/c/", NE_DEPTH_ONE, props, nothing), NE_OK);
  t.equal(await ne_propnames(sess, "/c/", NE_DEPTH_INFINITE, nothing), NE_OK);
  t.equal(await ne_simple_propfind(sess, "/c/", 7, [], nothing), NE_OK);
  t.equal(ne_get_error(sess), "207 Multi-Status");

  const empty =
    '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>\n</prop></propfind>\n';
  const wanted: [string, string][] = [
    ["0", allprop],
    ["1", some],
    ["infinity", names],
    ["infinity", empty],
  ];
  for (const [i, [depth, body]] of wanted.entries()) {
    const request = server.requests[i]!;
    t.equal(request.line, "PROPFIND /c/ HTTP/1.1");
    t.same(ownFields(request), [
      `Depth: ${depth}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Content-Type: application/xml",
    ]);
    t.equal(request.body.toString(), body);
  }
});

t.test("references in a namespace that are there already stay", async (t) => {
  const { sess, server } = await answering(t, { body: multistatus() });
  const props = [named("a&amp;b&#38;c&#x26;d&e;f&", "n")];
  await ne_simple_propfind(sess, "/", 0, props, () => {});
  t.match(server.requests[0]?.body.toString(), '<n xmlns="a&amp;b&#38;c&#x26;d&e;f&amp;"/>');
});

t.test("names that are no element names are the caller's mistake", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  for (const name of ["", "a b", "a>", "<a", 'a"', "a=b", "a/", "a&", "a\0", "a\n", null]) {
    const prop = named(DAV, name as string);
    await t.rejects(
      ne_simple_propfind(sess, "/", 0, [prop], () => {}),
      { name: "TypeError", message: /^ne_simple_propfind: / },
    );
    await t.rejects(
      ne_proppatch(sess, "/", [{ name: prop, type: ne_propremove, value: null }]),
      { name: "TypeError", message: /^ne_proppatch: / },
    );
  }
  const noName = new ne_proppatch_operation();
  await t.rejects(ne_proppatch(sess, "/", [noName]), {
    message: "ne_proppatch: an operation needs the name of a property",
  });
  noName.name = named(DAV, "a");
  await t.rejects(ne_proppatch(sess, "/", [noName]), {
    message: "ne_proppatch: value must be a string, not null",
  });
});

const VALUES: [xml: string, value: string, why: string][] = [
  ["<D:a>x</D:a>", "{DAV:}a=x", "text"],
  ["<D:a/>", "{DAV:}a=", "nothing"],
  ["<a>x</a>", "{null}a=x", "no namespace"],
  ["<D:a>  x \n</D:a>", "{DAV:}a=  x \n", "white space stays"],
  ["<D:a>&lt;&amp;&#228;<![CDATA[<]]></D:a>", "{DAV:}a=<&ä<", "nothing is escaped again"],
  [
    "<D:a><D:collection/></D:a>",
    "{DAV:}a=<DAV:collection></DAV:collection>",
    "what ported programs look for",
  ],
  [
    "<D:a>t<x:b>u<c/></x:b> v</D:a>",
    "{DAV:}a=t<http://example.com/b>u<c></c></http://example.com/b> v",
    "namespaces run together with names",
  ],
  [
    "<D:a k='no'><D:b k='1' x:k=\"it's\" j='\n2'/></D:a>",
    "{DAV:}a=<DAV:b k='1' http://example.com/k='it's' j=' 2'></DAV:b>",
    "attributes in single quotes, those of the property itself left out",
  ],
  [
    "<D:a xmlns:y='http://y/'>" +
      "<D:b xmlns:z='http://z/' z:k='1' xmlns='http://d/' y:k='2'><c/></D:b></D:a>",
    "{DAV:}a=<DAV:b xmlns:z='http://z/' http://z/k='1' xmlns='http://d/' http://y/k='2'>" +
      "<http://d/c></http://d/c></DAV:b>",
    "declarations stay attributes",
  ],
  [
    "<D:a><b xml:lang='de' xml:space='preserve'/></D:a>",
    "{DAV:}a=<b xml:lang='de' xml:space='preserve'></b>",
    "the prefix xml stays",
  ],
];

for (const [xml, wanted, why] of VALUES) {
  t.test(`values: ${why}`, async (t) => {
    const { ret, resources } = await found(t, {
      body: multistatus(response("/a", propstat(xml))),
    });
    t.equal(ret, NE_OK);
    t.same(resources, [["/a", `${wanted} 200 OK`]]);
  });
}

t.test("values and statuses by name", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(
      response(
        "/a",
        propstat("<D:a xml:lang='fr'>1</D:a><x:a>2</x:a><a lang='no'>3</a><D:a>again</D:a>"),
        propstat("<D:b>x</D:b>", "404 Not Found"),
        propstat("<D:c>4</D:c>", null),
        propstat("<D:d>x</D:d>", "302 Found"),
        propstat("<D:b>late</D:b><D:e>5</D:e>", "299 Fine"),
      ),
    ),
  });
  type Row = [prop: ne_propname, value: string | null, status: unknown, lang: string | null];
  const rows: Row[] = [
    [named(DAV, "a"), "1", [1, 1, 200, 2, "OK"], "fr"],
    [named(X, "a"), "2", [1, 1, 200, 2, "OK"], null],
    [named(null, "a"), "3", [1, 1, 200, 2, "OK"], null],
    [named("", "a"), "3", [1, 1, 200, 2, "OK"], null],
    // of two the one with a value counts
    [named(DAV, "b"), "late", [1, 1, 299, 2, "Fine"], null],
    // no status: all zero, and the value stays
    [named(DAV, "c"), "4", [0, 0, 0, 0, null], null],
    [named(DAV, "d"), null, [1, 1, 302, 3, "Found"], null],
    [named(DAV, "e"), "5", [1, 1, 299, 2, "Fine"], null],
    [named(DAV, "f"), null, null, null],
    [named(null, "e"), null, null, null],
  ];
  let calls = 0;
  const ret = await ne_simple_propfind(sess, "/", 0, null, (_u, _uri, set) => {
    calls++;
    for (const [prop, value, wanted, lang] of rows) {
      t.equal(ne_propset_value(set, prop), value);
      const s = ne_propset_status(set, prop);
      const fields = s && [s.major_version, s.minor_version, s.code, s.klass, s.reason_phrase];
      t.same(fields, wanted);
      t.equal(ne_propset_lang(set, prop), lang);
    }
    t.equal(ne_propset_private(set), null);
    t.same(listed(set), [
      "{DAV:}a=1 200 OK",
      "{http://example.com/}a=2 200 OK",
      "{null}a=3 200 OK",
      "{DAV:}a=again 200 OK",
      "{DAV:}b=null 404 Not Found",
      "{DAV:}c=4 0 null",
      "{DAV:}d=null 302 Found",
      "{DAV:}b=late 299 Fine",
      "{DAV:}e=5 299 Fine",
    ]);
  });
  t.equal(ret, NE_OK);
  t.equal(calls, 1);
});

t.test("an iteration ends with the first result that is not 0", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(response("/a", propstat("<D:a/><D:b/><D:c/>"))),
  });
  await ne_simple_propfind(sess, "/", 0, null, (_u, _uri, set) => {
    const seen: unknown[] = [];
    const ret = ne_propset_iterate(
      set,
      (list, { name }) => {
        list.push(name);
        return name === "b" ? -3 : 0;
      },
      seen,
    );
    t.equal(ret, -3);
    t.same(seen, ["a", "b"]);
    t.throws(() => ne_propset_iterate(set, (async () => 0) as never), {
      message: "ne_propset_iterate: the iterator must not return a promise",
    });
  });
});

t.test("a result set is good as long as its callback", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(response("/a", propstat("<D:a>1</D:a>")), response("/b", propstat(""))),
  });
  const sets: ne_prop_result_set[] = [];
  const a = named(DAV, "a");
  await ne_simple_propfind(sess, "/", 0, null, async (_u, _uri, set) => {
    sets.push(set);
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(ne_propset_value(set, a), sets.length === 1 ? "1" : null);
  });
  t.equal(sets.length, 2);
  for (const set of sets) {
    t.throws(() => ne_propset_value(set, a), {
      message: "ne_propset_value: the ne_prop_result_set was destroyed already",
    });
  }
  t.same(Reflect.ownKeys(sets[0]!), []);
});

t.test("reading waits for the results callback", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(...["/a", "/b", "/c"].map((href) => response(href, propstat("")))),
  });
  const events: string[] = [];
  await ne_simple_propfind(sess, "/", 0, null, async (_u, uri) => {
    events.push(`${uri.path} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`${uri.path} ends`);
  });
  t.same(
    events,
    ["/a", "/b", "/c"].flatMap((path) => [`${path} begins`, `${path} ends`]),
  );
});

t.test("what the results callback throws comes out as it is", async (t) => {
  const body = multistatus(response("/a", propstat("<D:a/>")));
  for (const how of ["throws", "rejects"]) {
    const { sess } = await answering(t, { body });
    const mine = new Error("mine");
    const running = ne_simple_propfind(sess, "/", 0, null, () => {
      if (how === "throws") throw mine;
      return Promise.reject(mine);
    });
    await t.rejects(running, mine, how);
  }
});

t.test("only responses with a propstat are results", async (t) => {
  const { ret, resources } = await found(t, {
    body: multistatus(
      response("/a", "<D:status>HTTP/1.1 404 Not Found</D:status>"),
      response("/b"),
      response("/c", "<D:propstat/>"),
      `<D:response>${propstat("<D:x/>")}</D:response>`,
      response("/d", propstat("<D:x/>"), "<D:href>/e</D:href>"),
      response("/f", propstat("<D:x/>"), "<D:href>/g</D:href>", propstat("<D:y/>")),
    ),
  });
  t.equal(ret, NE_OK);
  t.same(resources, [["/c"], ["/g", "{DAV:}y= 200 OK"]]);
});

t.test("properties and propstats share one limit", async (t) => {
  const rows: [props: number, propstats: number, fits: boolean][] = [
    [1022, 1, true],
    [1023, 1, false],
    [0, 1023, true],
    [0, 1024, false],
    [511, 512, true],
    [512, 512, false],
  ];
  for (const [props, propstats, fits] of rows) {
    const each = Math.ceil(props / propstats);
    const parts = Array.from({ length: propstats }, (_, i) =>
      propstat("<D:p/>".repeat(Math.max(0, Math.min(each, props - i * each)))),
    );
    const { ret, error, resources } = await found(t, {
      body: multistatus(response("/a", ...parts), response("/b", propstat("<D:q/>"))),
    });
    t.equal(ret, fits ? NE_OK : NE_ERROR, `${props} properties in ${propstats} propstats`);
    t.equal(
      error,
      fits
        ? "207 Multi-Status"
        : "Could not parse response: Response exceeds maximum property count",
    );
    t.equal(resources.length, fits ? 2 : 0);
  }
});

t.test("a value past its limit fails the answer", async (t) => {
  const most = "x".repeat(102_400);
  const rows: [xml: string, value: string | null, why: string][] = [
    [most, most, "just not"],
    [`${most}y`, null, "a longer text"],
    [`${most}<b/>`, null, "elements that come too late"],
    ["ab&#99;".repeat(50_000), null, "in pieces"],
    [`${most.slice(2)}ü`, `${most.slice(2)}ü`, "bytes count"],
    [`${most.slice(1)}ü`, null, "not characters"],
    [`<b k="${most}"/>`, null, "a large attribute"],
  ];
  for (const [xml, value, why] of rows) {
    const { ret, error, resources } = await found(t, {
      body: multistatus(response("/a", propstat(`<D:a>${xml}</D:a><D:b>ok</D:b>`))),
    });
    if (value === null) {
      t.equal(ret, NE_ERROR, why);
      t.match(error, /^Could not parse response: the value of a exceeds 102400 bytes/);
      t.strictSame(resources, []);
    } else {
      t.equal(ret, NE_OK, why);
      t.ok(resources[0]?.[1] === `{DAV:}a=${value} 200 OK`, why);
      t.equal(resources[0]?.[2], "{DAV:}b=ok 200 OK");
    }
  }
});

t.test("debug output names properties and statuses, as in neon", async (t) => {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  ne_debug_init(stream, NE_DBG_XML);
  t.teardown(() => ne_debug_init(null, 0));
  const props = propstat("<D:a>1</D:a><x:b/>");
  await found(t, { body: multistatus(response("/a", props)) });
  t.match(text, /^Got property #0: \{DAV:\}a\.$/m);
  t.match(text, /^Got property #1: \{http:\/\/example\.com\/\}b\.$/m);
  t.match(text, /^\[207\] valid status-line: HTTP\/1\.1 200 OK$/m);
  t.match(text, /^xmlreq: parsing a response of type text\/xml/m);
  text = "";
  await found(t, { body: "<br>", type: "text/html" });
  t.match(text, /^xmlreq: passing over a response of type text\/html/m);
});

const ANSWERS: [name: string, answer: Answered, ret: number, error: string][] = [
  ["404", { status: "404 Not Found", body: "x" }, NE_ERROR, "404 Not Found"],
  ["200 is not parsed", { status: "200 OK", body: "<br>" }, NE_OK, "200 OK"],
  ["nor another type", { body: "<br>", type: "text/html" }, NE_OK, "207 Multi-Status"],
  ["nor no type", { body: "<br>", type: null }, NE_OK, "207 Multi-Status"],
  ["another document", { body: "<html/>" }, NE_OK, "207 Multi-Status"],
  [
    "no document",
    {},
    NE_ERROR,
    "Could not parse response: XML parse error at line 1: no element found",
  ],
  [
    "half a document",
    { body: multistatus(response("/a")).slice(0, -3) },
    NE_ERROR,
    "Could not parse response: XML parse error at line 2: unclosed token",
  ],
];

for (const [name, answer, ret, error] of ANSWERS) {
  t.test(`answers: ${name}`, async (t) => {
    t.same(await found(t, answer), { ret, error, resources: [] });
  });
}

t.test("a bad status stops the parse after the resources before it", async (t) => {
  const { ret, error, resources } = await found(t, {
    body: multistatus(response("/a", propstat("")), response("/b", propstat("", "OK"))),
  });
  t.equal(ret, NE_ERROR);
  t.match(error, /^Could not parse response: Invalid HTTP status line in status element at line 2/);
  t.same(resources, [["/a"]]);
});

t.test("SharePoint: hrefs that are not escaped", async (t) => {
  const body = multistatus(response("/Shared Documents/ä.txt", propstat("")));
  const { sess } = await answering(t, { body }, { body });
  const paths: string[] = [];
  const note = (_u: unknown, uri: { readonly path: string | null }): void => {
    paths.push(uri.path!);
  };
  t.equal(await ne_simple_propfind(sess, "/", 1, null, note), NE_OK);
  ne_set_session_flag(sess, NE_SESSFLAG_SHAREPOINT, 1);
  t.equal(await ne_simple_propfind(sess, "/", 1, null, note), NE_OK);
  t.same(paths, ["/Shared%20Documents/%c3%a4.txt"]);
});

t.test("hrefs are resolved against the request", async (t) => {
  const hrefs = ["a", "./", "http://o/x", "/y"];
  const body = multistatus(...hrefs.map((href) => response(href, propstat(""))));
  const { sess, origin } = await answering(t, { body });
  const uris: string[] = [];
  await ne_simple_propfind(sess, "/c/d/", 1, null, (_u, uri) => {
    uris.push(ne_uri_unparse(uri));
  });
  t.same(uris, [`${origin}/c/d/a`, `${origin}/c/d/`, "http://o/x", `${origin}/y`]);
});

t.test("a results callback may use its own session", async (t) => {
  const inner = { body: multistatus(response("/d/a", propstat(""))) };
  const outer = { body: multistatus(response("/d/", propstat("")), response("/e/", propstat(""))) };
  // each inner request gets a connection of its own
  const server = await scripted(t, [[answer(outer)], [answer(inner)], [answer(inner)]]);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  const paths: string[] = [];
  const ret = await ne_simple_propfind(sess, "/", 1, null, async (_u, uri) => {
    paths.push(uri.path!);
    await ne_simple_propfind(sess, uri.path!, 1, null, (_v, { path }) => void paths.push(path!));
  });
  t.equal(ret, NE_OK);
  t.same(paths, ["/d/", "/d/a", "/e/", "/d/a"]);
});

t.test("userdata reaches the results callback; left out it is null", async (t) => {
  const body = multistatus(response("/a", propstat("")));
  const { sess } = await answering(t, { body }, { body });
  const seen: unknown[] = [];
  const mine = { mine: true };
  await ne_simple_propfind(sess, "/", 0, null, (u) => void seen.push(u), mine);
  await ne_simple_propfind(sess, "/", 0, null, (u) => void seen.push(u));
  t.same(seen, [mine, null]);
  t.equal(seen[0], mine);
});

// ---- the complex interface

t.test("a handler of properties, with private values", async (t) => {
  const { sess, server, origin } = await answering(t, {
    body: multistatus(
      response("/a", propstat("<D:flat>1<x:q>in</x:q></D:flat><x:q k='v'>two<x:r/></x:q>")),
      response("/none", propstat("<x:q/>")),
      response("/b"),
    ),
  });
  const events: string[] = [];
  const handler = ne_propfind_create(sess, "/c/", NE_DEPTH_ONE);
  const xml = ne_propfind_get_parser(handler);
  ne_add_request_header(ne_propfind_get_request(handler), "X-Mine", "yes");
  ne_propfind_set_private<string[], string>(
    handler,
    (list, uri) => {
      list.push(`create ${ne_uri_unparse(uri).slice(origin.length)}`);
      return uri.path === "/none" ? (null as never) : `private of ${uri.path}`;
    },
    (list, complex) => void list.push(`destroy ${complex}`),
    events,
  );
  ne_xml_push_handler<string[]>(
    xml,
    (list, parent, nspace, name, atts) => {
      if (nspace !== X) return 0;
      const attribute = ne_xml_get_attr(xml, atts, null, "k");
      list.push(`${name} in ${parent} k=${attribute} ${ne_propfind_current_private(handler)}`);
      return NE_PROPS_STATE_TOP + 1;
    },
    (list, state, cdata) => {
      list.push(`${state}: ${cdata}`);
      return 0;
    },
    (list, _state, _nspace, name) => {
      list.push(`/${name}`);
      return 0;
    },
    events,
  );
  t.equal(ne_propfind_current_private(handler), null);
  const ret = await ne_propfind_named(
    handler,
    [named(X, "q")],
    (list, uri, set) => {
      list.push(`result ${uri.path}: ${listed(set).join()}; ${ne_propset_private(set)}`);
    },
    events,
  );
  t.equal(ret, NE_OK);
  t.same(events, [
    "create /a",
    `q in ${NE_207_STATE_PROP} k=v private of /a`,
    "201: two",
    "r in 201 k=null private of /a",
    "/r",
    "/q",
    "result /a: {DAV:}flat=1<http://example.com/q>in</http://example.com/q> 200 OK; private of /a",
    "destroy private of /a",
    "create /none",
    `q in ${NE_207_STATE_PROP} k=null null`,
    "/q",
    "result /none: ; null",
    "create /b",
    "destroy private of /b",
  ]);
  t.same(ownFields(server.requests[0]!).slice(0, 2), ["Depth: 1", "X-Mine: yes"]);
  await t.rejects(ne_propfind_allprop(handler, () => {}), {
    message: "ne_propfind_allprop: the handler was dispatched already",
  });
  ne_propfind_destroy(handler);
  t.throws(() => ne_propfind_get_parser(handler), TypeError);
});

t.test("private values of a response that was broken off go with the handler", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(response("/a", propstat("<x:stop/>"))),
  });
  const events: string[] = [];
  const handler = ne_propfind_create(sess, "/", 0);
  ne_propfind_set_private(
    handler,
    () => "p",
    (_u, complex) => void events.push(`destroy ${complex}`),
  );
  ne_xml_push_handler(ne_propfind_get_parser(handler), (_u, _p, _ns, name) =>
    name === "stop" ? -5 : 0,
  );
  const ret = await ne_propfind_allprop(handler, () => void events.push("result"));
  t.equal(ret, NE_ERROR);
  t.equal(ne_get_error(sess), "Could not parse response: Unknown error");
  t.same(events, []);
  ne_propfind_destroy(handler);
  t.same(events, ["destroy p"]);
});

t.test("a response that starts over gives its private value back", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(response("/a", "<D:href>/b</D:href>", propstat(""))),
  });
  const events: string[] = [];
  using handler = ne_propfind_create(sess, "/", 0);
  ne_propfind_set_private(
    handler,
    (_u, uri) => uri.path,
    (_u, complex) => void events.push(`destroy ${complex}`),
  );
  await ne_propfind_allprop(handler, (_u, uri) => void events.push(`result ${uri.path}`));
  t.same(events, ["destroy /a", "result /b", "destroy /b"]);
});

// ---- PROPPATCH

t.test("PROPPATCH", async (t) => {
  const failed = multistatus(
    response(
      "/a",
      propstat("<x:p/>", "409 Conflict", "<D:responsedescription>no\ngood</D:responsedescription>"),
      propstat("<x:q/>", "424 Failed Dependency"),
    ),
  );
  const { sess, server } = await answering(
    t,
    { body: multistatus(response("/a", propstat("<x:p/>"))) },
    { body: failed },
  );
  const ops: ne_proppatch_operation[] = [
    { name: named(X, "p"), type: ne_propset, value: "grün<b/>&amp;" },
    { name: named(null, "q"), type: ne_propremove, value: null },
    { name: named("", "r"), type: ne_propset, value: "" },
  ];
  t.equal(await ne_proppatch(sess, "/a", ops), NE_OK);
  t.equal(await ne_proppatch(sess, "/a", ops), NE_ERROR);
  t.equal(ne_get_error(sess), "/a: 409 Conflict (no good)");
  const body =
    '<?xml version="1.0" encoding="utf-8" ?>\n<D:propertyupdate xmlns:D="DAV:">' +
    '<D:set><D:prop><p xmlns="http://example.com/">grün<b/>&amp;</p></D:prop></D:set>\n' +
    "<D:remove><D:prop><q></q></D:prop></D:remove>\n" +
    '<D:set><D:prop><r xmlns=""></r></D:prop></D:set>\n' +
    "</D:propertyupdate>\n";
  for (const request of server.requests) {
    t.equal(request.line, "PROPPATCH /a HTTP/1.1");
    t.same(ownFields(request), [
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Content-Type: application/xml",
    ]);
    t.equal(request.body.toString(), body);
  }
});

t.test("new structs are empty", async (t) => {
  t.same({ ...new ne_propname() }, { nspace: null, name: null });
  t.same({ ...new ne_proppatch_operation() }, { name: null, type: 0, value: null });
});

// ---- many resources

t.test("ten thousand resources", async (t) => {
  const many = Array.from({ length: 10_000 }, (_, i) =>
    response(`/d/f${i}`, propstat(`<D:getcontentlength>${i}</D:getcontentlength><x:y/>`)),
  );
  const { sess } = await answering(t, { body: multistatus(...many) });
  const size = named(DAV, "getcontentlength");
  let next = 0;
  const ret = await ne_simple_propfind(sess, "/d/", 1, null, (_u, uri, set) => {
    const right = uri.path === `/d/f${next}` && ne_propset_value(set, size) === `${next}`;
    if (!right) t.fail(`resource ${next}`);
    next++;
  });
  t.equal(ret, NE_OK);
  t.equal(next, 10_000);
});
