// 207 documents: which callbacks come in which order, what odd servers send, and the errors that
// ne_simple_request makes of them. The tables were compared with the C library.
import t from "tap";
import {
  NE_207_MSSP_ESCAPING,
  NE_207_STATE_PROP,
  NE_207_STATE_TOP,
  ne_207_create,
  ne_207_destroy,
  ne_207_get_current_propstat,
  ne_207_get_current_response,
  ne_207_set_flags,
  ne_207_set_propstat_handlers,
  ne_207_set_response_handlers,
  ne_accept_207,
  ne_simple_request,
} from "../lib/ne_207.js";
import { NE_ERROR, NE_OK, ne_request_create } from "../lib/ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_get_error,
  ne_set_session_flag,
} from "../lib/ne_session.js";
import { ne_uri, ne_uri_parse, ne_uri_unparse } from "../lib/ne_uri.js";
import { ne_status } from "../lib/ne_utils.js";
import {
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_parse_v,
  ne_xml_push_handler,
  ne_xml_set_error,
} from "../lib/ne_xml.js";
import { type Answered, answering, multistatus, propstat, response } from "./fixtures/dav.js";
import { feeds } from "./fixtures/feed.js";

interface Reading {
  ret: number;
  error: string;
  /** One line for each callback. */
  events: string[];
}

function shown(status: Readonly<ne_status> | null): string {
  return status === null ? "-" : `${status.code} ${status.reason_phrase}`;
}

/** Reads a document, noting every callback. */
function read(
  pieces: readonly Uint8Array[],
  { base = "http://h.example/base/x?y", flags = 0 } = {},
): Reading {
  const events: string[] = [];
  const uri = new ne_uri();
  ne_uri_parse(base, uri);
  const xml = ne_xml_create();
  const multi = ne_207_create(xml, uri, events);
  ne_207_set_flags(multi, flags);
  let count = 0;
  ne_207_set_response_handlers<string[], string>(
    multi,
    (list, href) => {
      list.push(`response ${ne_uri_unparse(href)}`);
      return `r${++count}`;
    },
    (list, r, status, description) => {
      const current = `${ne_207_get_current_response(multi)}`;
      list.push(`end ${r}=${current} ${shown(status)} ${description}`);
    },
  );
  ne_207_set_propstat_handlers<string[], string, string>(
    multi,
    (list, r) => {
      list.push(`propstat in ${r}=${ne_207_get_current_response(multi)}`);
      return `p${++count}`;
    },
    (list, p, status, description) => {
      const current = `${ne_207_get_current_propstat(multi)}`;
      list.push(`end ${p}=${current} ${shown(status)} ${description}`);
    },
  );
  ne_xml_push_handler<string[]>(
    xml,
    (list, parent, nspace, name) => {
      list.push(`{${nspace}}${name} in ${parent}`);
      return parent === NE_207_STATE_PROP ? NE_207_STATE_TOP : 0;
    },
    null,
    null,
    events,
  );
  let ret = 0;
  for (const piece of pieces) {
    ret = ne_xml_parse(xml, piece);
    if (ret !== 0) break;
  }
  if (ret === 0) ret = ne_xml_parse(xml);
  const error = ret === 0 ? "" : ne_xml_get_error(xml);
  ne_207_destroy(multi);
  ne_xml_destroy(xml);
  return { ret, error, events };
}

const OK = "<D:status>HTTP/1.1 200 OK</D:status>";

const DOCUMENTS: Record<string, { doc: string; flags?: number; events: string[] }> = {
  "no response at all": { doc: multistatus(), events: [] },
  "a response without propstat or status": {
    doc: multistatus(response("/a")),
    events: ["response http://h.example/a", "end r1=r1 - null"],
  },
  "what one response says is not said of the next": {
    doc: multistatus(
      response(
        "/a",
        "<D:status>HTTP/1.1 423 Locked</D:status>",
        "<D:responsedescription>c</D:responsedescription>",
      ),
      response("/b"),
      response("/c", "<D:propstat><D:prop/></D:propstat>"),
    ),
    events: [
      "response http://h.example/a",
      "end r1=r1 423 Locked c",
      "response http://h.example/b",
      "end r2=r2 - null",
      "response http://h.example/c",
      "propstat in r3=r3",
      "end p4=p4 - null",
      "end r3=r3 - null",
    ],
  },
  "status before prop, and after it": {
    doc: multistatus(
      response("/a", `<D:propstat>${OK}<D:prop><D:x/></D:prop></D:propstat>`, propstat("<D:y/>")),
    ),
    events: [
      "response http://h.example/a",
      "propstat in r1=r1",
      "{DAV:}x in 50",
      "end p2=p2 200 OK null",
      "propstat in r1=r1",
      "{DAV:}y in 50",
      "end p3=p3 200 OK null",
      "end r1=r1 - null",
    ],
  },
  "descriptions, on one line": {
    doc: multistatus(
      response(
        "/a",
        propstat("", "403 Forbidden", "<D:responsedescription> a\n\tb </D:responsedescription>"),
        "<D:status>HTTP/1.1 424 Failed Dependency</D:status>",
        "<D:responsedescription>c</D:responsedescription>",
      ),
    ),
    events: [
      "response http://h.example/a",
      "propstat in r1=r1",
      "end p2=p2 403 Forbidden a  b",
      "end r1=r1 424 Failed Dependency c",
    ],
  },
  "what stands before a propstat belongs to it": {
    doc: multistatus(
      response("/a", OK, "<D:responsedescription>d</D:responsedescription>", "<D:propstat/>"),
    ),
    events: [
      "response http://h.example/a",
      "propstat in r1=r1",
      "end p2=p2 200 OK d",
      "end r1=r1 - null",
    ],
  },
  "a propstat and a status before the href are skipped": {
    doc: multistatus(
      `<D:response>${propstat("<D:x/>")}${OK}<D:href>/a</D:href><D:propstat/></D:response>`,
    ),
    events: [
      "{DAV:}propstat in 2",
      "{DAV:}status in 2",
      "response http://h.example/a",
      "propstat in r1=r1",
      "end p2=p2 - null",
      "end r1=r1 - null",
    ],
  },
  "a second href starts the response over": {
    doc: multistatus(response("/a", "<D:propstat/>", "<D:href>/b</D:href>", OK)),
    events: [
      "response http://h.example/a",
      "propstat in r1=r1",
      "end p2=p2 - null",
      "response http://h.example/b",
      "end r3=r3 200 OK null",
    ],
  },
  "a second href that cannot be read changes nothing": {
    doc: multistatus(response("/a", "<D:href>/b c</D:href>", "<D:href/>", OK)),
    events: ["response http://h.example/a", "end r1=r1 200 OK null"],
  },
  "the last of two statuses and descriptions": {
    doc: multistatus(
      response(
        "/a",
        `${OK}<D:status>HTTP/1.1 404 Not Found</D:status>`,
        "<D:responsedescription>1</D:responsedescription>",
        "<D:responsedescription>2</D:responsedescription>",
      ),
    ),
    events: ["response http://h.example/a", "end r1=r1 404 Not Found 2"],
  },
  "empty texts say nothing": {
    doc: multistatus(
      response("/a", "<D:status/><D:status></D:status><D:responsedescription/>"),
    ),
    events: ["response http://h.example/a", "end r1=r1 - null"],
  },
  "unknown elements everywhere": {
    doc: multistatus(
      "<z/><D:sync-token>t</D:sync-token>",
      response(
        "/<z>no</z>a",
        "<z/><D:error><D:x/></D:error><D:location><D:href>/l</D:href></D:location>",
        `<D:propstat><z/><D:prop>text<x:q><x:r/></x:q></D:prop><D:error/>${OK}</D:propstat>`,
      ),
    ),
    events: [
      "{}z in 1",
      "{DAV:}sync-token in 1",
      "{}z in 4",
      "response http://h.example/a",
      "{}z in 2",
      "{DAV:}error in 2",
      "{DAV:}location in 2",
      "propstat in r1=r1",
      "{}z in 7",
      "{http://example.com/}q in 50",
      "{http://example.com/}r in 100",
      "{DAV:}error in 7",
      "end p2=p2 200 OK null",
      "end r1=r1 - null",
    ],
  },
  "the elements of 207 inside prop are properties": {
    doc: multistatus(response("/a", propstat("<D:href>/x</D:href><D:response/><D:prop/>"))),
    events: [
      "response http://h.example/a",
      "propstat in r1=r1",
      "{DAV:}href in 50",
      "{DAV:}response in 50",
      "{DAV:}prop in 50",
      "end p2=p2 200 OK null",
      "end r1=r1 - null",
    ],
  },
  "nested responses are not responses": {
    doc: multistatus(response("/a", response("/b"))),
    events: ["response http://h.example/a", "{DAV:}response in 2", "end r1=r1 - null"],
  },
  "other names than multistatus, or another namespace": {
    doc: '<multistatus xmlns="dav:"><response><href>/a</href></response></multistatus>',
    events: ["{dav:}multistatus in 0"],
  },
};

for (const [name, { doc, flags = 0, events }] of Object.entries(DOCUMENTS)) {
  t.test(name, async (t) => {
    for (const feed of feeds(doc)) {
      t.same(read(feed.pieces, { flags }), { ret: 0, error: "", events }, feed.name);
    }
  });
}

const HREFS: [href: string, uri: string | null, why: string][] = [
  ["/a/b", "http://h.example/a/b", "an absolute path"],
  ["http://h.example/a", "http://h.example/a", "a URL"],
  ["http://other:81/q?x#f", "http://other:81/q?x#f", "of another server: reported, not followed"],
  ["//net/p", "http://net/p", "an authority"],
  ["//", "http:///", "an authority without host"],
  ["rel", "http://h.example/base/rel", "relative to the base"],
  ["rel/../../p", "http://h.example/p", "dot segments"],
  ["/a/./b/../c", "http://h.example/a/c", "dot segments of a path"],
  ["/.hidden/x..y", "http://h.example/.hidden/x..y", "dots that are no segments"],
  ["/a//b", "http://h.example/a//b", "empty segments stay"],
  ["../../../..", "http://h.example/", "no way above the root"],
  ["?q", "http://h.example/base/x?q", "just a query"],
  ["#f", "http://h.example/base/x?y#f", "just a fragment"],
  ["  \n/a\t ", "http://h.example/a", "white space around"],
  [" \n ", "http://h.example/base/x?y", "only white space: the base itself"],
  ["", null, "nothing"],
  ["/a b", null, "a blank inside"],
  ["/é", null, "not escaped"],
  ["/a%2fb%zz%", "http://h.example/a%2fb%zz%", "escapes are not looked at"],
  ["/a[b]", null, "brackets"],
  ["/a<!-- -->b<![CDATA[&]]>&amp;&#33;", "http://h.example/ab&&!", "in pieces"],
  ["mailto:x", "mailto:x", "another kind of URI"],
  [`/${"a".repeat(16383)}`, `http://h.example/${"a".repeat(16383)}`, "long"],
  [`/${"a".repeat(16384)}`, null, "too long to be true"],
];

t.test("hrefs are resolved against the base", async (t) => {
  for (const [href, uri, why] of HREFS) {
    const { ret, events } = read([Buffer.from(multistatus(response(href, "<D:propstat/>")))]);
    t.equal(ret, 0);
    t.equal(events[0], uri === null ? "{DAV:}propstat in 2" : `response ${uri}`, why);
  }
});

t.test("NE_207_MSSP_ESCAPING escapes what may not be in a URI", async (t) => {
  const rows: [string, string | null][] = [
    ["/é b%20{}|^`\"\\", "http://h.example/%c3%a9%20b%20%7b%7d%7c%5e%60%22%5c"],
    ["http://h/ x?a b#y z", "http://h/%20x?a%20b#y%20z"],
    ["/a%", "http://h.example/a%"],
    // left alone, and not allowed
    ["/a[b]", null],
  ];
  for (const [href, uri] of rows) {
    const { events } = read([Buffer.from(multistatus(response(href, OK)))], {
      flags: NE_207_MSSP_ESCAPING,
    });
    t.equal(events[0], uri === null ? "{DAV:}status in 2" : `response ${uri}`, href);
  }
});

t.test("the base keeps its user, host and port", async (t) => {
  for (const href of ["/a", "/./a"]) {
    const doc = [Buffer.from(multistatus(response(href)))];
    const { events } = read(doc, { base: "https://u@h.example:8443/b/" });
    t.equal(events[0], "response https://u@h.example:8443/a");
  }
});

const STATUSES: [text: string, shown: string, why: string][] = [
  ["HTTP/1.1 200 OK", "200 OK", "the usual"],
  ["HTTP/1.0 404  two  blanks  ", "404  two  blanks", "blanks before a reason stay, after it go"],
  ["\n HTTP/1.1 200 OK&#13;&#9;\n ", "200 OK", "white space around"],
  ["HTTP/1.1 200 a&#9;b", "200 a b", "a tab"],
  ["HTTP/1.1 200 é", "200   ", "a blank for each byte that is not ASCII"],
  ["HTTP/1.1 200 OK<z>no</z>", "200 OK", "an element inside"],
  ["HTTP/9.9 599 x", "599 x", "any version, the last status"],
  ["HTTP/1.1 200 ", "200 ", "no reason (Tomcat)"],
  ["HTTP/1.1 200", "200 ", "and no blank before it (dCache)"],
  ["HTTP/2 200 OK", "200 OK", "a version of one number"],
  ["HTTP/2 200", "200 ", "of one number, without reason"],
];

t.test("statuses", async (t) => {
  for (const [text, wanted, why] of STATUSES) {
    const status = `<D:status>${text}</D:status>`;
    const { events } = read([Buffer.from(multistatus(response("/a", status, status)))]);
    t.equal(events.at(-1), `end r1=r1 ${wanted} null`, why);
  }
});

t.test("a status that is no status line stops the parse", async (t) => {
  const rows = [
    ["  ", "blanks only"],
    ["200 OK", "no version"],
    ["HTTP/1.1  200 OK", "two blanks"],
    ["http/1.1 200 OK", "lower case"],
    ["HTTP/22 200 OK", "a version that is none"],
    ["HTTP/1.1 200OK", "no blank after the code"],
    ["HTTP/1.1 20x OK", "no number"],
    ["HTTP/1.1 2000 OK", "four digits"],
    ["HTTP/1.1 600 x", "too large"],
  ] as const;
  for (const [text, why] of rows) {
    const doc = multistatus(response("/a", propstat("", null, `<D:status>${text}</D:status>`)));
    t.same(
      read([Buffer.from(doc)]),
      {
        ret: -1,
        error:
          "Invalid HTTP status line in status element at line 2 of response:\n" +
          `Status line was: ${text.trim()}`,
        events: ["response http://h.example/a", "propstat in r1=r1"],
      },
      why,
    );
  }
});

t.test("control characters of a bad status do not reach the error string", async (t) => {
  const status = "<D:status>a&#10;b\u009b2J</D:status>";
  const { error } = read([Buffer.from(multistatus(response("/a", status)))]);
  t.match(error, /Status line was: a b 2J$/);
});

t.test("handlers that are not set", async (t) => {
  const doc = Buffer.from(multistatus(response("/a", propstat("<D:x/>"))));
  const base = new ne_uri();
  ne_uri_parse("http://h/", base);

  const without = ne_xml_create();
  const quiet = ne_207_create(without, base);
  ne_207_set_response_handlers(quiet, null, () => void t.fail("no response was recognised"));
  ne_207_set_propstat_handlers(quiet, () => void t.fail("nor a propstat") as never, null);
  t.equal(ne_xml_parse(without, doc), 0);

  const seen: unknown[] = [];
  const some = ne_xml_create();
  const multi = ne_207_create(some, base);
  ne_207_set_response_handlers(multi, (userdata) => void seen.push(userdata));
  ne_207_set_propstat_handlers(multi, null, (userdata, p, status) => {
    seen.push(userdata, p, status?.code);
  });
  t.equal(ne_xml_parse(some, doc), 0);
  t.same(seen, [null, null, null, 200], "userdata left out is null");
  t.equal(ne_207_get_current_response(multi), null);
  t.equal(ne_207_get_current_propstat(multi), null);
});

t.test("a propstat handler stops the parse with null", async (t) => {
  const xml = ne_xml_create();
  const base = new ne_uri();
  ne_uri_parse("http://h/", base);
  const multi = ne_207_create(xml, base);
  ne_207_set_response_handlers(multi, () => null);
  ne_207_set_propstat_handlers(multi, () => {
    ne_xml_set_error(xml, "enough");
    return null;
  });
  t.equal(ne_xml_parse(xml, Buffer.from(multistatus(response("/a", "<D:propstat/>")))), -1);
  t.equal(ne_xml_get_error(xml), "enough");
});

t.test("parsing waits for the ends of propstats and responses", async (t) => {
  const events: string[] = [];
  const xml = ne_xml_create();
  const base = new ne_uri();
  ne_uri_parse("http://h/", base);
  const multi = ne_207_create(xml, base);
  const later = async (what: string): Promise<void> => {
    events.push(`${what} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`${what} ends`);
  };
  ne_207_set_response_handlers(
    multi,
    (_u, uri) => void events.push(`response ${uri.path}`),
    () => later("response"),
  );
  ne_207_set_propstat_handlers<unknown, unknown, string>(
    multi,
    () => "p",
    () => later("propstat").then(() => t.equal(ne_207_get_current_propstat(multi), "p") as never),
  );
  const doc = Buffer.from(multistatus(response("/a", "<D:propstat/>"), response("/b")));
  t.equal(await ne_xml_parse_v(xml, doc), 0);
  t.same(events, [
    "response /a",
    "propstat begins",
    "propstat ends",
    "response begins",
    "response ends",
    "response /b",
    "response begins",
    "response ends",
  ]);
});

t.test("a destroyed parser throws", async (t) => {
  const xml = ne_xml_create();
  const base = new ne_uri();
  ne_uri_parse("http://h/", base);
  const multi = ne_207_create(xml, base);
  ne_207_destroy(multi);
  t.throws(() => ne_207_destroy(multi), {
    message: "ne_207_destroy: the ne_207_parser was destroyed already",
  });
  t.throws(() => ne_207_set_flags(multi, 0), TypeError);
  t.throws(() => ne_207_get_current_response(xml as never), {
    message: "ne_207_get_current_response: expected a ne_207_parser, got a ne_xml_parser",
  });
});

t.test("ne_accept_207", async (t) => {
  const status = new ne_status();
  for (const [code, wanted] of [[207, 1], [200, 0], [404, 0]] as const) {
    status.code = code;
    t.equal(ne_accept_207(null, null as never, status), wanted);
  }
});

const locked = "<D:status>HTTP/1.1 423 Locked</D:status>";
const dependent = "<D:status>HTTP/1.1 424 Failed Dependency</D:status>";
const why = "<D:responsedescription>held\nby X</D:responsedescription>";

const REQUESTS: Record<string, { answer: Answered; ret: number; error: string }> = {
  "204": {
    answer: { status: "204 No Content", type: null },
    ret: NE_OK,
    error: "204 No Content",
  },
  "404": {
    answer: { status: "404 Not Found", body: "gone" },
    ret: NE_ERROR,
    error: "404 Not Found",
  },
  "423 with a document": {
    answer: { status: "423 Locked", body: multistatus(response("/a", locked)) },
    ret: NE_ERROR,
    error: "423 Locked",
  },
  "201 with a document that is none": {
    answer: { status: "201 Created", body: "<br>" },
    ret: NE_OK,
    error: "201 Created",
  },
  "207 without responses": {
    answer: { body: multistatus() },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
  "207 with success only": {
    answer: { body: multistatus(response("/a", OK), response("/b", propstat(""))) },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
  "207 without any status": {
    answer: { body: multistatus(response("/a"), response("/b", propstat("<D:x/>", null))) },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
  "one failure": {
    answer: { body: multistatus(response("/a", locked)) },
    ret: NE_ERROR,
    error: "/a: 423 Locked",
  },
  "with description": {
    answer: { body: multistatus(response("/a%20b", locked, why)) },
    ret: NE_ERROR,
    error: "/a%20b: 423 Locked (held by X)",
  },
  "several, joined; 424 left out": {
    answer: {
      body: multistatus(
        response("/a", dependent),
        response("/a/b", locked),
        response("http://other/c?q", "<D:status>HTTP/1.1 302 Found</D:status>"),
      ),
    },
    ret: NE_ERROR,
    error: "/a/b: 423 Locked, /c: 302 Found",
  },
  "only 424": {
    answer: { body: multistatus(response("/a", dependent)) },
    ret: NE_ERROR,
    error: "/a: 424 Failed Dependency",
  },
  "failed properties": {
    answer: {
      body: multistatus(
        response(
          "/a",
          propstat("<x:p/>", "403 Forbidden", "<D:responsedescription>no</D:responsedescription>"),
          propstat("<x:q/>", "424 Failed Dependency"),
          propstat("<x:r/>", "409 Conflict"),
          "<D:responsedescription>all</D:responsedescription>",
        ),
      ),
    },
    ret: NE_ERROR,
    error: "/a: 403 Forbidden (no), /a: 409 Conflict",
  },
  "formats are text": {
    answer: {
      body: multistatus(
        response("/%s%n", "<D:status>HTTP/1.1 500 %s</D:status>", why.replace("held", "%n")),
      ),
    },
    ret: NE_ERROR,
    error: "/%s%n: 500 %s (%n by X)",
  },
  "a document that is none": {
    answer: { body: "hello" },
    ret: NE_ERROR,
    error: "Could not parse response: XML parse error at line 1: syntax error",
  },
  "no document": {
    answer: {},
    ret: NE_ERROR,
    error: "Could not parse response: XML parse error at line 1: no element found",
  },
  "a document of another type is read": {
    answer: { body: multistatus(response("/b", locked)), type: "text/plain" },
    ret: NE_ERROR,
    error: "/b: 423 Locked",
  },
  "of no type at all": {
    answer: { body: multistatus(response("/b", locked)), type: null },
    ret: NE_ERROR,
    error: "/b: 423 Locked",
  },
  "a page": {
    answer: { body: "<!DOCTYPE html><html><p>sorry</p></html>", type: "text/html" },
    ret: NE_ERROR,
    error: "Could not parse response: the document is no DAV:multistatus",
  },
  "another document": {
    answer: { body: "<error xmlns='DAV:'><x/></error>" },
    ret: NE_ERROR,
    error: "Could not parse response: the document is no DAV:multistatus",
  },
  "a multistatus of another namespace": {
    answer: { body: "<multistatus xmlns='dav:'/>" },
    ret: NE_ERROR,
    error: "Could not parse response: the document is no DAV:multistatus",
  },
  "an unknown charset": {
    answer: { body: multistatus(), type: "text/xml; charset=klingon" },
    ret: NE_ERROR,
    error: "Could not parse response: XML parse error at line 1: unknown encoding",
  },
  "a failure of an href that is none": {
    answer: { body: multistatus(response("/a b#[c]", locked)) },
    ret: NE_ERROR,
    error: "/a%20b%23%5bc%5d: 423 Locked",
  },
  "a failure without href": {
    answer: { body: multistatus(`<D:response>${locked}</D:response>`) },
    ret: NE_ERROR,
    error: "/a/: 423 Locked",
  },
  "a failure with an empty href": {
    answer: { body: multistatus(response("", locked)) },
    ret: NE_ERROR,
    error: "/a/: 423 Locked",
  },
  "a failure before its href": {
    answer: { body: multistatus(`<D:response>${locked}<D:href>/b</D:href></D:response>`) },
    ret: NE_ERROR,
    error: "/b: 423 Locked",
  },
  "a failed propstat before the href": {
    answer: {
      body: multistatus(
        `<D:response>${propstat("<x:p/>", "403 Forbidden")}<D:href>/b</D:href></D:response>`,
      ),
    },
    ret: NE_ERROR,
    error: "/b: 403 Forbidden",
  },
  "a failure before a propstat that went well": {
    answer: { body: multistatus(response("/b", locked, propstat(""))) },
    ret: NE_ERROR,
    error: "/b: 423 Locked",
  },
  "success side by side": {
    answer: { body: multistatus(response("/b", OK, propstat(""))) },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
  "a failure without response": {
    answer: { body: multistatus("<D:href/>", propstat("<x:p/>", "403 Forbidden")) },
    ret: NE_ERROR,
    error: "/a/: 403 Forbidden",
  },
  "success without response": {
    answer: { body: multistatus("<D:href/>", propstat("<x:p/>")) },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
  "one status for several hrefs": {
    answer: { body: multistatus(response("/b", "<D:href>/c</D:href>", locked)) },
    ret: NE_ERROR,
    error: "/b: 423 Locked, /c: 423 Locked",
  },
  "a relative href": {
    answer: { body: multistatus(response("b:c", locked)) },
    ret: NE_ERROR,
    error: "/a/b:c: 423 Locked",
  },
  "a status in a property is its value": {
    answer: { body: multistatus(response("/a", propstat(locked))) },
    ret: NE_OK,
    error: "207 Multi-Status",
  },
};

for (const [name, { answer, ret, error }] of Object.entries(REQUESTS)) {
  t.test(`ne_simple_request: ${name}`, async (t) => {
    const { sess, server } = await answering(t, answer);
    const req = ne_request_create(sess, "DELETE", "/a/");
    t.equal(await ne_simple_request(sess, req), ret);
    t.equal(ne_get_error(sess), error);
    t.throws(() => ne_207_destroy(req as never), TypeError);
    t.equal(server.requests[0]?.line, "DELETE /a/ HTTP/1.1");
  });
}

t.test("ne_simple_request destroys the request", async (t) => {
  const { sess } = await answering(t, { status: "204 No Content", type: null });
  const req = ne_request_create(sess, "DELETE", "/a/");
  await ne_simple_request(sess, req);
  await t.rejects(ne_simple_request(sess, req), TypeError);
});

t.test("ne_simple_request: a flood of failures", async (t) => {
  const many = Array.from({ length: 20_000 }, (_, i) => response(`/a${i}`, locked));
  const { sess } = await answering(t, { body: multistatus(...many) });
  t.equal(await ne_simple_request(sess, ne_request_create(sess, "DELETE", "/a/")), NE_ERROR);
  t.equal(ne_get_error(sess).length, 511);
  t.match(ne_get_error(sess), /^\/a0: 423 Locked, \/a1: 423 Locked, /);
});

t.test("ne_simple_request escapes hrefs for SharePoint", async (t) => {
  const body = multistatus(response("/Shared Documents/ä", locked));
  const { sess } = await answering(t, { body });
  ne_set_session_flag(sess, NE_SESSFLAG_SHAREPOINT, 1);
  t.equal(await ne_simple_request(sess, ne_request_create(sess, "DELETE", "/a/")), NE_ERROR);
  t.equal(ne_get_error(sess), "/Shared%20Documents/%c3%a4: 423 Locked");
});
