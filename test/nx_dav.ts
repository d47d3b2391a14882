// nx_dav but for synchronisation and calendars: paths, elements, resources, reports, searches,
// quotas, new collections, properties, versions.
import t from "tap";
import { NE_ERROR } from "../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import { ne_path_unescape } from "../lib/ne_uri.js";
import {
  nx_element_child,
  nx_element_hrefs,
  nx_element_text,
  nx_mkcol,
  nx_path,
  nx_proppatch,
  nx_quota,
  nx_report,
  nx_same_path,
  nx_search,
  nx_stat,
  nx_version_control,
  nx_versions,
  type nx_element,
} from "../lib/nx_dav.js";
import { all, answering, multistatus, propstat, replying, response } from "./fixtures/dav.js";

const FOLDER = propstat("<D:resourcetype><D:collection/></D:resourcetype>");
const FILE = propstat("<D:resourcetype/>");
const X = "http://example.com/";

function unused(t: { teardown(fn: () => void): void }): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

// ---- paths and elements ----

t.test("nx_path", async (t) => {
  const rows: [segments: string[], path: string][] = [
    [["a b", "c/d"], "/a%20b/c%2fd"],
    [["a", ""], "/a/"],
    [[], "/"],
    [[""], "/"],
    [["\u00e4", "50%", "a?b#c"], "/%c3%a4/50%25/a%3fb%23c"],
    [["..."], "/..."],
    [["\udce4"], "/%e4"],
    [["a;b=c@d:e,f"], "/a;b=c@d:e,f"],
    [["\r\n"], "/%0d%0a"],
  ];
  for (const [segments, path] of rows) t.equal(nx_path(...segments), path);
  for (const bad of [["."], [".."], ["a", "", "b"], ["a\0"], ["\ud800"], ["\udc7f"], [5]]) {
    t.throws(() => nx_path(...(bad as string[])), /^TypeError: nx_path: |^nx_path: /);
  }
  t.equal(ne_path_unescape(nx_path("\udce4")), "/\udce4", "bytes come back");
});

t.test("nx_same_path", async (t) => {
  const same: [string, string][] = [
    ["/a/b", "/a/b/"], ["/a/%62", "/a/b"], ["/%c3%a4", "/\u00e4"], ["/%C3%A4", "/%c3%a4"],
    ["http://h/a", "/a"], ["//h/a", "/a"], ["//d/", "/d"], ["/a//b", "/a/b"], ["/a/./b", "/a/b"],
  ];
  const other: [string, string][] = [
    ["/a", "/b"], ["/a?x", "/a"], ["/%e4", "/%c3%a4"], ["/a%2fb", "/a/b"], ["/A", "/a"],
  ];
  for (const [a, b] of same) t.equal(nx_same_path(a, b), true, `${a} ${b}`);
  for (const [a, b] of other) t.equal(nx_same_path(a, b), false, `${a} ${b}`);
  t.throws(() => nx_same_path("/a", null as never), TypeError);
});

t.test("elements", async (t) => {
  const leaf = (name: string, text: string): nx_element => ({
    nspace: "DAV:",
    name,
    attrs: [],
    children: [text],
  });
  const tree: nx_element = {
    nspace: X,
    name: "p",
    attrs: [],
    children: ["a ", leaf("href", " /x y "), "b", leaf("other", "c"), leaf("href", "http://h/[z]")],
  };
  t.equal(nx_element_text(tree), "a  /x y bchttp://h/[z]");
  t.strictSame(nx_element_hrefs(tree), ["/x%20y", "http://h/%5bz%5d"]);
  t.equal(nx_element_child(tree, "DAV:", "other"), tree.children[3]);
  t.equal(nx_element_child(tree, X, "other"), null);
  t.throws(() => nx_element_text("p" as never), TypeError);
});

// ---- one resource ----

t.test("nx_stat", async (t) => {
  const gone = "<D:status>HTTP/1.1 404 Not Found</D:status>";
  const empty = `<D:propstat><D:prop/>${gone}</D:propstat>`;
  const absent: [string, Parameters<typeof answering>[1]][] = [
    ["404", { status: "404 Not Found" }],
    ["410", { status: "410 Gone" }],
    ["within", { body: multistatus(response("/a", gone)) }],
    ["in an empty propstat", { body: multistatus(response("/a", empty)) }],
    ["under another href", { body: multistatus(response("/inner/q", gone)) }],
  ];
  for (const [name, reply] of absent) {
    const { sess } = await answering(t, reply!);
    t.equal(await nx_stat(sess, "/a"), null, name);
  }
  const { sess, server } = await answering(
    t,
    { body: multistatus(response("/a", propstat("<x:p>1</x:p>"))) },
    { body: multistatus(response("/a", propstat("<D:getetag/>", "404 Not Found"))) },
    { status: "403 Forbidden" },
    { body: multistatus(response("/a", "<D:status>HTTP/1.1 423 Locked</D:status>")) },
    { body: multistatus() },
    { body: multistatus(response("/elsewhere", FILE)) },
    { body: "<html/>" },
  );
  const found = await nx_stat(sess, "/a", [{ nspace: X, name: "p" }]);
  t.match(found, { path: "/a", name: "a", self: true, collection: false });
  t.equal(found?.prop(X, "p"), "1");
  t.equal(server.requests[0]?.field("depth"), "0");
  t.match(await nx_stat(sess, "/a"), { path: "/a", etag: null }, "named properties: it is there");
  await t.rejects(nx_stat(sess, "/a"), { message: "403 Forbidden", path: "/a" });
  await t.rejects(nx_stat(sess, "/a"), { message: "423 Locked" });
  await t.rejects(nx_stat(sess, "/a"), { message: /does not name the resource/ });
  await t.rejects(nx_stat(sess, "/a"), { message: /does not name the resource/ });
  await t.rejects(nx_stat(sess, "/a"), { message: /no list of resources/ });
  await t.rejects(nx_stat(sess, "/a/../b"), TypeError);
});

t.test("nx_quota", async (t) => {
  const rows: [props: string, used: number | null, available: number | null][] = [
    ["<D:quota-used-bytes>10</D:quota-used-bytes>" +
      "<D:quota-available-bytes> 5 </D:quota-available-bytes>", 10, 5],
    ["<D:quota-used-bytes>0</D:quota-used-bytes>" +
      "<D:quota-available-bytes>-3</D:quota-available-bytes>", 0, null],
    ["<D:quota-available-bytes>9223372036854775807</D:quota-available-bytes>", null, null],
    ["", null, null],
  ];
  for (const [props, used, available] of rows) {
    const { sess } = await answering(t, { body: multistatus(response("/", propstat(props))) });
    t.strictSame({ ...(await nx_quota(sess, "/")) }, { used, available });
  }
  const { sess } = await answering(t, { status: "404 Not Found" });
  await t.rejects(nx_quota(sess, "/x"), { name: "nx_error", path: "/x", status: { code: 404 } });
});

// ---- reports and searches ----

t.test("nx_report", async (t) => {
  const cut = response("/a/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const { sess, server } = await answering(
    t,
    { body: multistatus(response("/elsewhere/x", FILE), response("/a/y", FILE)) },
    { body: multistatus() },
    { body: multistatus(response("/a/x", FILE), cut) },
    { status: "403 Forbidden",
      body: '<D:error xmlns:D="DAV:"><D:supported-report/></D:error>' },
  );
  const body: nx_element = {
    nspace: "urn:x",
    name: "report",
    attrs: [{ nspace: "", name: "a", value: '<"&' }],
    children: [{ nspace: "DAV:", name: "prop", attrs: [], children: [] }, "a < b & c]]>"],
  };
  const found = await all(nx_report(sess, "/a/", body, { depth: Infinity }));
  t.strictSame(found.map(({ path }) => path), ["/elsewhere/x", "/a/y"]);
  t.match(server.requests[0], { method: "REPORT" });
  t.equal(server.requests[0]?.field("depth"), "infinity");
  t.equal(
    server.requests[0]?.body.toString(),
    '<?xml version="1.0" encoding="utf-8"?>\n<report xmlns:D="DAV:" xmlns="urn:x" ' +
      'a="&lt;&quot;&amp;"><D:prop/>a &lt; b &amp; c]]&gt;</report>',
  );
  const text = "<x:y xmlns:x='urn:x'/>";
  t.strictSame(await all(nx_report(sess, "/a/", text, { method: "SEARCH", depth: 1 })), []);
  t.match(server.requests[1], { method: "SEARCH", body: Buffer.from(text) });
  const third = nx_report(sess, "/a/", text);
  t.match(await third.next(), { value: { path: "/a/x" } });
  await t.rejects(third.next(), { message: /cut the answer short/ });
  await t.rejects(nx_report(sess, "/a/", text).next(), {
    name: "nx_error",
    condition: "supported-report",
    status: { code: 403 },
  });
});

t.test("what is elsewhere is not taken for something here that ends alike", async (t) => {
  const body = multistatus(response("/principals/alice/", FOLDER), response("/x/alice/y", FILE));
  const wanted = [[false, "/principals/alice/"], [false, "/x/alice/y"]];
  const whole = '<s:searchrequest xmlns:s="DAV:"/>';
  const { sess } = await answering(t, { body }, { body }, { body });
  for (const found of [
    await all(nx_report(sess, "/calendars/alice/", "<x/>")),
    await all(nx_search(sess, "/calendars/alice/", whole)),
    await all(nx_versions(sess, "/calendars/alice/")),
  ]) {
    t.strictSame(found.map(({ self, path }) => [self, path]), wanted);
  }
});

t.test("a report that was cut short, says a server with other names", async (t) => {
  const cut = response("/inner/a/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const { sess } = await answering(t, { body: multistatus(response("/inner/a/x", FILE), cut) });
  const found = nx_report(sess, "/outer/a/", "<x/>");
  t.match(await found.next(), { value: { path: "/inner/a/x" } });
  await t.rejects(found.next(), { message: /cut the answer short/ });
});

t.test("a path that is refused within the answer is no result of its own question", async (t) => {
  const refused = response("/a/", "<D:status>HTTP/1.1 403 Forbidden</D:status>");
  const body = multistatus(response("/a/x", FILE), refused);
  const calls = [
    (sess: ne_session) => nx_report(sess, "/a/", "<x/>"),
    (sess: ne_session) => nx_search(sess, "/a/", { limit: 5 }),
  ];
  for (const call of calls) {
    const { sess } = await answering(t, { body });
    const found = call(sess);
    t.match(await found.next(), { value: { path: "/a/x" } });
    await t.rejects(found.next(), { name: "nx_error", status: { code: 403 } });
  }
});

t.test("bodies that are no XML are refused before anything is sent", async (t) => {
  const sess = unused(t);
  const element = (over: object): nx_element =>
    ({ nspace: "x", name: "a", attrs: [], children: [], ...over }) as nx_element;
  const bad: unknown[] = [
    "", "text", "<a>", "<a/><b/>", "<a:b/>", '<?xml version="1.0" encoding="latin1"?><a/>', null, 5,
    element({ name: "a b" }), element({ name: "a><b" }), element({ name: "" }),
    element({ nspace: "\0" }), element({ children: ["\0"] }), element({ children: ["\ud800"] }),
    element({ attrs: [{ nspace: "", name: "xmlns", value: "y" }] }),
    element({ attrs: [{ nspace: "", name: "a b", value: "y" }] }),
    element({ attrs: [{ nspace: "", name: "a", value: "\u0001" }] }),
    element({ attrs: [1, 2].map(() => ({ nspace: "x", name: "a", value: "" })) }),
    "<a>\ud800</a>",
    element({ children: null }),
  ];
  for (const body of bad) {
    t.throws(() => nx_report(sess, "/", body as string), TypeError, JSON.stringify(body));
  }
  for (const where of ["", "text", "<D:eq>", "</D:where><D:x/><D:where>", "<q:eq/>", "<D:a/>b"]) {
    t.throws(() => nx_search(sess, "/", { where }), /^nx_search: where is no XML/, where);
  }
  t.throws(() => nx_search(sess, "/", "<a/>"), /must be a DAV:searchrequest/);
  t.throws(() => nx_search(sess, "/", { limit: 0 }), /limit/);
  t.throws(() => nx_search(sess, "/", { depth: 2 }), /depth/);
});

t.test("nx_search", async (t) => {
  const cut = response("/a/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const some = multistatus(response("/z/1", FILE), response("/z/2", FILE), cut);
  const { sess, server } = await answering(t, { body: some }, { body: some });
  const where =
    '<D:eq><D:prop><x:p xmlns:x="urn:x"/></D:prop><D:literal>a&amp;b</D:literal></D:eq>';
  const query = { where, limit: 2, depth: 1, props: [{ nspace: X, name: "q" }] };
  t.equal((await all(nx_search(sess, "/a/", query))).length, 2, "507 is the ordinary end");
  t.match(server.requests[0], { method: "SEARCH" });
  const sent = server.requests[0]?.body.toString() ?? "";
  t.match(sent, "<D:href>/a/</D:href><D:depth>1</D:depth>");
  t.match(sent, '<D:where><D:eq><D:prop><p xmlns="urn:x"/></D:prop><D:literal>a&amp;b<');
  t.match(sent, "<D:limit><D:nresults>2</D:nresults></D:limit>");
  t.match(sent, `<q xmlns="${X}"/>`);
  t.equal((await all(nx_search(sess, "/a/", { limit: 1 }))).length, 1, "no more than that");
});

t.test("a search without a limit that was cut short", async (t) => {
  const cut = response("/a/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const { sess } = await answering(t, { body: multistatus(response("/z/1", FILE), cut) });
  const request = '<D:searchrequest xmlns:D="DAV:"/>';
  await t.rejects(all(nx_search(sess, "/a/", request)), { message: /cut the answer short/ });
});

// ---- changes ----

t.test("nx_mkcol", async (t) => {
  await t.test("plain", async (t) => {
    const { sess, server } = await answering(t, { status: "201 Created" }, { status: "405 No" });
    t.equal(await nx_mkcol(sess, "/a"), undefined);
    t.match(server.requests[0], { line: "MKCOL /a/ HTTP/1.1", body: Buffer.alloc(0) });
    await t.rejects(nx_mkcol(sess, "/a"), { name: "nx_error", status: { code: 405 } });
  });
  await t.test("with those above", async (t) => {
    const there = new Set(["/"]);
    const { sess, server } = await replying(t, ({ method, target }) => {
      if (method === "PROPFIND") return { body: multistatus(response(target, FOLDER)) };
      if (there.has(target)) return { status: "405 Method Not Allowed" };
      if (!there.has(target.replace(/[^/]+\/$/, ""))) return { status: "409 Conflict" };
      there.add(target);
      return { status: "201 Created" };
    });
    await nx_mkcol(sess, "/a/b/c/", { parents: true });
    t.strictSame([...there], ["/", "/a/", "/a/b/", "/a/b/c/"]);
    const again = nx_mkcol(sess, "/a/b/c/", { parents: true });
    await t.rejects(again, { name: "nx_error", status: { code: 405 } });
    await nx_mkcol(sess, "/a/b/c/", { exists_ok: true });
    await t.rejects(nx_mkcol(sess, "/x/y/"), { name: "nx_error", status: { code: 409 } });
    t.equal(server.connections, 1);
  });
  await t.test("a server that says 404 for what is missing above", async (t) => {
    const made = new Set(["/"]);
    const { sess, server } = await replying(t, ({ target }) => {
      const above = target.replace(/[^/]+\/$/, "");
      if (!made.has(above)) return { status: "404 Not Found" };
      made.add(target);
      return { status: "201 Created" };
    });
    await nx_mkcol(sess, "/a/b/", { parents: true });
    t.strictSame(server.requests.map(({ target }) => target), ["/a/b/", "/a/", "/a/b/"]);
  });
  await t.test("where a file is in the way", async (t) => {
    const file = { body: multistatus(response("/a", FILE)) };
    const { sess } = await answering(t, { status: "405 Method Not Allowed" }, file);
    const making = nx_mkcol(sess, "/a/", { exists_ok: true });
    await t.rejects(making, { name: "nx_error", status: { code: 405 } });
  });
  await t.test("with properties", async (t) => {
    const { sess, server } = await answering(
      t,
      { status: "201 Created" },
      { status: "201 Created" },
      { status: "403 Forbidden",
        body: '<D:error xmlns:D="DAV:"><D:resource-must-be-null/></D:error>' },
      { body: multistatus(response("/c/", FOLDER)) },
    );
    const props = [{ nspace: "DAV:", name: "displayname", value: "<A> & B" }];
    await nx_mkcol(sess, "/c/", { kind: "calendar", props });
    t.match(server.requests[0], { method: "MKCALENDAR" });
    const name = "<D:displayname>&lt;A&gt; &amp; B</D:displayname>";
    t.match(server.requests[0]?.body.toString(), name);
    await nx_mkcol(sess, "/b/", { kind: "addressbook" });
    t.match(server.requests[1], { method: "MKCOL" });
    t.match(server.requests[1]?.body.toString(),
      '<C:addressbook xmlns:C="urn:ietf:params:xml:ns:carddav"/>');
    await nx_mkcol(sess, "/c/", { kind: "calendar", exists_ok: true });
    t.equal(server.requests.length, 4);
  });
  await t.test("of a type of its own", async (t) => {
    const { sess, server } = await answering(t, { status: "201 Created" });
    const type: nx_element = { nspace: "DAV:", name: "resourcetype", attrs: [], children: [
      { nspace: "DAV:", name: "collection", attrs: [], children: [] },
      { nspace: X, name: "album", attrs: [], children: [] },
    ] };
    await nx_mkcol(sess, "/c/", { props: [{ nspace: "DAV:", name: "resourcetype", value: type }] });
    t.match(
      server.requests[0]?.body.toString(),
      `<D:prop><D:resourcetype><D:collection/><album xmlns="${X}"/></D:resourcetype></D:prop>`,
    );
  });
  await t.test("a failure within a 207", async (t) => {
    const body = multistatus(response("/a/", "<D:status>HTTP/1.1 423 Locked</D:status>"));
    const { sess } = await answering(t, { body });
    const failure = { code: NE_ERROR, message: /423 Locked/, status: { code: 423 } };
    await t.rejects(nx_mkcol(sess, "/a/"), failure);
  });
  await t.test("what became of the properties (RFC 5689 section 3.5)", async (t) => {
    const failed = propstat("<D:displayname/>", "403 Forbidden",
      "<D:error><D:cannot-modify-protected-property/></D:error>");
    const others = propstat("<D:resourcetype/>", "424 Failed Dependency");
    const document = (name: string, nspace: string): string =>
      `<m:${name} xmlns:m="${nspace}" xmlns:D="DAV:">${others}${failed}</m:${name}>`;
    const mkcol = document("mkcol-response", "DAV:");
    const mkcalendar = document("mkcalendar-response", "urn:ietf:params:xml:ns:caldav");
    for (const status of ["424 Failed Dependency", "201 Created"]) {
      for (const body of [mkcol, mkcalendar]) {
        const { sess } = await answering(t, { status, body });
        const kind = body === mkcol ? "collection" : "calendar";
        await t.rejects(nx_mkcol(sess, "/a/", { kind }), {
          message: "/a/: 403 Forbidden (cannot-modify-protected-property)",
          status: { code: 403 },
          condition: "cannot-modify-protected-property",
        });
      }
    }
    const { sess } = await answering(t, { status: "201 Created", body: "<html><p>made</html>" });
    await nx_mkcol(sess, "/a/");
  });
  await t.test("mistakes", async (t) => {
    const sess = unused(t);
    await t.rejects(nx_mkcol(sess, "/a/../b"), TypeError);
    await t.rejects(nx_mkcol(sess, "/a", { kind: "folder" as never }), TypeError);
    await t.rejects(nx_mkcol(sess, "/a", { props: [{ nspace: "", name: "a", value: "\0" }] }),
      TypeError);
  });
});

t.test("nx_proppatch", async (t) => {
  const answers = multistatus(response(
    "/a",
    propstat("<x:p/>", "424 Failed Dependency"),
    propstat("<x:q/>", "403 Forbidden"),
  ));
  const davical = '<multistatus xmlns="DAV:" xmlns:x="http://example.com/"><href>/a</href>' +
    "<propstat><prop><x:p/></prop><status>HTTP/1.1 200 OK</status></propstat></multistatus>";
  const { sess, server } = await answering(
    t,
    { body: answers },
    { body: davical },
    { status: "200 OK", body: "done", type: "text/plain" },
    { body: multistatus(response("/a", "<D:status>HTTP/1.1 423 Locked</D:status>")) },
    { body: multistatus(response("/a", propstat("<x:other/>"))) },
    { status: "409 Conflict" },
  );
  const p = { nspace: X, name: "p", value: "a<b>&\u00e4" };
  const q = { nspace: X, name: "q" };
  t.match(await nx_proppatch(sess, "/a", [p], [q]), [
    { nspace: X, name: "p", status: { code: 424 } },
    { nspace: X, name: "q", status: { code: 403 } },
  ]);
  t.equal(
    server.requests[0]?.body.toString(),
    '<?xml version="1.0" encoding="utf-8"?>\n<D:propertyupdate xmlns:D="DAV:">' +
      `<D:set><D:prop><p xmlns="${X}">a&lt;b&gt;&amp;\u00e4</p></D:prop></D:set>` +
      `<D:remove><D:prop><q xmlns="${X}"/></D:prop></D:remove></D:propertyupdate>`,
  );
  const child: nx_element = { nspace: "urn:y", name: "c", attrs: [], children: ["1"] };
  const itself: nx_element = { nspace: X, name: "p", attrs: [], children: [child] };
  t.match(await nx_proppatch(sess, "/a", [{ ...p, value: child }]), [{ status: { code: 200 } }]);
  t.match(server.requests[1]?.body.toString(), `<p xmlns="${X}"><c xmlns="urn:y">1</c></p>`);
  t.match(await nx_proppatch(sess, "/a", [{ ...p, value: itself }]), [{ status: { code: 200 } }]);
  t.match(server.requests[2]?.body.toString(), `<p xmlns="${X}"><c xmlns="urn:y">1</c></p>`);
  await t.rejects(nx_proppatch(sess, "/a", [p]), { message: "423 Locked", path: "/a" });
  await t.rejects(nx_proppatch(sess, "/a", [p]), { message: /does not say what became of p/ });
  await t.rejects(nx_proppatch(sess, "/a", [p]), { name: "nx_error", status: { code: 409 } });
});

t.test("each property has the outcome that the server gave it", async (t) => {
  const p = { nspace: X, name: "p", value: "1" };
  const codes = async (
    body: string,
    ...rest: Parameters<typeof nx_proppatch> extends [unknown, unknown, ...infer R] ? R : never
  ): Promise<number[]> => {
    const { sess } = await answering(t, { body });
    return (await nx_proppatch(sess, "/a", ...rest)).map(({ status }) => status.code);
  };
  const whole = response("/a", "<D:status>HTTP/1.1 200 OK</D:status>");
  t.strictSame(await codes(multistatus(whole), [p], [p]), [200, 200], "a success of the whole");
  const both = response("/a", propstat("<x:p/>"), propstat("<x:p/>", "409 Conflict"));
  t.strictSame(await codes(multistatus(both), [p], [p]), [200, 409], "as often as it was named");
  t.strictSame(await codes(multistatus(both), [p]), [409], "more often: what failed says so");
  const one = response("/a", propstat("<x:p/>", "403 Forbidden"));
  t.strictSame(await codes(multistatus(one), [p, p]), [403, 403]);
});

t.test("nx_proppatch, mistakes", async (t) => {
  const sess = unused(t);
  for (const [set, remove] of [
    [[], []],
    [[{ nspace: X, name: "a b", value: "" }], []],
    [[{ nspace: X, name: "a", value: "\0" }], []],
    [[{ nspace: X, name: "a", value: 5 }], []],
    [[], [{ nspace: X, name: "a/><b" }]],
  ]) {
    await t.rejects(nx_proppatch(sess, "/a", set as never, remove as never), TypeError);
  }
});

// ---- versions ----

t.test("nx_versions come the oldest first", async (t) => {
  const version = (path: string, created: string, ...before: string[]): string =>
    response(path, propstat(
      `<D:creationdate>${created}</D:creationdate><D:predecessor-set>` +
        `${before.map((href) => `<D:href>${href}</D:href>`).join("")}</D:predecessor-set>`,
    ));
  const { sess, server } = await answering(t, {
    body: multistatus(
      version("/v/3", "2024-01-01T00:00:00Z", "/v/2"),
      version("/v/1b", "2024-01-03T00:00:00Z"),
      version("/v/2", "2024-01-02T00:00:00Z", "http://h/v/1"),
      version("/v/1", "2024-01-04T00:00:00Z"),
      version("/v/r1", "2024-02-01T00:00:00Z", "/v/r2"),
      version("/v/r2", "2024-02-02T00:00:00Z", "/v/r1"),
    ),
  });
  const found = await all(nx_versions(sess, "/f"));
  t.strictSame(found.map(({ path }) => path), ["/v/1", "/v/2", "/v/3", "/v/1b", "/v/r2", "/v/r1"]);
  t.match(server.requests[0]?.body.toString(), /<D:version-tree /);
});

t.test("a resource that is refused is not one without versions", async (t) => {
  for (const code of [403, 404]) {
    const refused = response("/f", `<D:status>HTTP/1.1 ${code} no</D:status>`);
    const { sess } = await answering(t, { body: multistatus(refused) });
    await t.rejects(all(nx_versions(sess, "/f")), { name: "nx_error", status: { code } });
  }
});

t.test("nx_version_control", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" }, { status: "405 Not Allowed" });
  await nx_version_control(sess, "/f");
  t.match(server.requests[0], { line: "VERSION-CONTROL /f HTTP/1.1" });
  await t.rejects(nx_version_control(sess, "/f"), { message: "405 Not Allowed", path: "/f" });
});
