// Calendars and address books: how they are found, got and queried.
import t from "tap";
import { nx_discover, nx_multiget, nx_query, type nx_query_options } from "../lib/nx_dav.js";
import { ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { all, answering, multistatus, propstat, replying, response } from "./fixtures/dav.js";
import type { Answered } from "./fixtures/dav.js";

const CAL = 'xmlns:C="urn:ietf:params:xml:ns:caldav"';
const DATA = ["urn:ietf:params:xml:ns:caldav", "calendar-data"] as const;

function href(name: string, path: string): string {
  return `<${name}><D:href>${path}</D:href></${name}>`;
}

function collection(type: string): string {
  return propstat(`<D:resourcetype ${CAL}><D:collection/>${type}</D:resourcetype>`);
}

// ---- discovery ----

const ACCOUNT: Record<string, string> = {
  "/dav/": multistatus(response("/dav/", propstat(href("D:current-user-principal", "/p/me/")))),
  "/p/me/": multistatus(response(
    "/p/me/",
    propstat(`<C:calendar-home-set ${CAL}><D:href>/cal/me/</D:href><D:href>/cal/x y/</D:href>` +
      "</C:calendar-home-set>"),
  )),
  "/cal/me/": multistatus(
    response("/cal/me/", collection("")),
    response("/cal/me/work/", collection("<C:calendar/>")),
    response("/cal/me/inbox/", collection("<C:schedule-inbox/>")),
  ),
  "/cal/x%20y/": multistatus(
    response("/cal/x y/", collection("")),
    response("/cal/x y/z/", collection("<C:calendar/>")),
  ),
};

function account(changes: Record<string, Answered>): (request: { target: string }) => Answered {
  return ({ target }) => {
    const body = ACCOUNT[target];
    return changes[target] ?? (body === undefined ? { status: "404 Not Found" } : { body });
  };
}

t.test("from the well-known path by a redirect", async (t) => {
  const { sess, server } = await replying(t, account({
    "/.well-known/caldav": { status: "301 Moved", fields: ["Location: /dav/"] },
  }));
  const found = await nx_discover(sess, "caldav");
  t.equal(found.principal, "/p/me/");
  t.strictSame(found.homes, ["/cal/me/", "/cal/x%20y/"]);
  t.strictSame(found.collections.map(({ path }) => path), ["/cal/me/work/", "/cal/x%20y/z/"]);
  t.strictSame(server.requests.map(({ target }) => target), [
    "/.well-known/caldav", "/dav/", "/p/me/", "/cal/me/", "/cal/x%20y/",
  ]);
});

t.test("each home and each calendar once", async (t) => {
  const homes = ["/cal/me/", "/cal/me", "http://127.0.0.1/cal/%6de/work/"];
  const { sess, server } = await replying(t, account({
    "/p/me/": { body: multistatus(response("/p/me/", propstat(
      `<C:calendar-home-set ${CAL}>${homes.map((path) => `<D:href>${path}</D:href>`).join("")}` +
        "</C:calendar-home-set>",
    ))) },
    "/cal/%6de/work/": { body: multistatus(response("/cal/me/work/", collection("<C:calendar/>"))) },
  }));
  const found = await nx_discover(sess, "caldav", "/dav/");
  t.strictSame(found.homes, ["/cal/me/", "/cal/%6de/work/"]);
  t.strictSame(found.collections.map(({ path }) => path), ["/cal/me/work/"]);
  t.equal(server.requests.length, 4);
});

t.test("from the root where there is no well-known path, and from a path given", async (t) => {
  const root = { body: ACCOUNT["/dav/"]!.replace("/dav/", "/") };
  const { sess, server } = await replying(t, account({ "/": root }));
  t.equal((await nx_discover(sess, "caldav")).collections.length, 2);
  t.equal(server.requests[1]?.target, "/");
  t.equal((await nx_discover(sess, "caldav", "/dav/")).collections.length, 2);
});

t.test("a redirect may be the name of the well-known path alone", async (t) => {
  const { sess } = await replying(t, account({
    "/.well-known/caldav": { status: "302 Found", fields: ["Location: /caldav"] },
    "/caldav": { body: ACCOUNT["/dav/"]!.replace("/dav/", "/caldav") },
  }));
  t.equal((await nx_discover(sess, "caldav")).principal, "/p/me/");
});

t.test("another server is named, and not asked", async (t) => {
  const { sess } = await replying(t, account({
    "/.well-known/caldav": {
      status: "302 Found",
      fields: ["Location: http://me:secret@other.example/dav/"],
    },
  }));
  const failing = nx_discover(sess, "caldav");
  await t.rejects(failing, {
    name: "nx_error",
    message: "/.well-known/caldav: redirected to another server, http://other.example",
  });
});

t.test("a home that is elsewhere on the server is followed there", async (t) => {
  const home = multistatus(response(
    "/p/me/",
    propstat(`<C:calendar-home-set ${CAL}><D:href>/cal/me</D:href></C:calendar-home-set>`),
  ));
  const { sess } = await replying(t, ({ target }) => {
    if (target === "/p/me/") return { body: home };
    if (target === "/cal/me") return { status: "301 x", fields: ["Location: /cal/me/"] };
    return { body: ACCOUNT[target] ?? "" };
  });
  const { homes, collections } = await nx_discover(sess, "caldav", "/dav/");
  t.strictSame(homes, ["/cal/me"]);
  t.strictSame(collections.map(({ path }) => path), ["/cal/me/work/"]);
});

t.test("what is not found throws", async (t) => {
  const home = `<C:calendar-home-set ${CAL}/>`;
  const rows: [Record<string, Answered>, RegExp][] = [
    [{ "/": { body: multistatus(response("/", propstat(""))) } }, /no current-user-principal/],
    [{ "/": { body: multistatus(response("/", propstat(
      "<D:current-user-principal><D:unauthenticated/></D:current-user-principal>",
    ))) } }, /does not know who asks/],
    [{ "/": { body: ACCOUNT["/dav/"]!.replace("/dav/", "/") },
      "/p/me/": { body: multistatus(response("/p/me/", propstat(home))) } },
      /no calendar-home-set/],
    [{ "/": { body: ACCOUNT["/dav/"]!.replace("/dav/", "/") },
      "/cal/me/": { status: "403 Forbidden" } }, /^\/cal\/me\/: 403/],
    [{ "/": { status: "500 Broken" } }, /^\/: 500/],
    [{ "/.well-known/caldav": { status: "301 M", fields: ["Location: /.well-known/caldav"] } },
      /too many redirects/],
  ];
  for (const [changes, message] of rows) {
    const { sess } = await replying(t, account(changes));
    await t.rejects(nx_discover(sess, "caldav"), { name: "nx_error", message });
  }
});

t.test("a home on another server that is not here either is named", async (t) => {
  const away = "<D:href>https://p34.example/cal/</D:href>";
  const { sess } = await replying(t, account({
    "/.well-known/caldav": { body: ACCOUNT["/dav/"]! },
    "/p/me/": { body: multistatus(response("/p/me/", propstat(
      `<C:calendar-home-set ${CAL}>${away}</C:calendar-home-set>`,
    ))) },
  }));
  const failing = nx_discover(sess, "caldav", "/dav/");
  await t.rejects(failing, { message: /said to be on https:\/\/p34\.example: / });
});

// ---- multiget ----

function event(path: string, data = "BEGIN:VCALENDAR"): string {
  return response(path, propstat(
    `<D:getetag>"1"</D:getetag><C:calendar-data ${CAL}>${data}</C:calendar-data>`,
  ));
}

t.test("members by their paths", async (t) => {
  const gone = response("/c/b.ics", "<D:status>HTTP/1.1 404 Not Found</D:status>");
  const { sess, server } = await answering(t, {
    body: multistatus(event("http://h/c/%61.ics", "A\r\nB &amp; C"), gone, event("/c/other.ics")),
  });
  const hrefs = ["/c/a.ics", "/c/b.ics", "/c/c.ics", "/c/a.ics"];
  const found = await all(nx_multiget(sess, "/c/", hrefs, "caldav"));
  t.strictSame(found.map(({ path, status }) => [path, status?.code]), [
    ["/c/%61.ics", undefined],
    ["/c/b.ics", 404],
    ["/c/c.ics", 404],
  ]);
  t.equal(found[0]?.prop(...DATA), "A\nB & C");
  const sent = server.requests[0]?.body.toString() ?? "";
  t.match(sent, "<C:calendar-multiget ");
  t.match(sent, "<D:getetag/><C:calendar-data/>");
  t.equal(sent.split("<D:href>").length, 4, "each once");
});

t.test("a member that the server spells in its own way is not missing", async (t) => {
  const data = propstat('<D:getetag>"1"</D:getetag>');
  const { sess } = await answering(t, {
    body: multistatus(response("/c/a%CC%88.ics", data), response("/c/b.ics", data)),
  });
  const asked = ["/c/%C3%A4.ics", "/c/B.ics", "/c/c.ics"];
  const found = await all(nx_multiget(sess, "/c/", asked, "caldav"));
  t.strictSame(found.map(({ path, etag, status }) => [path, etag, status?.code]), [
    ["/c/a%CC%88.ics", '"1"', undefined],
    ["/c/b.ics", '"1"', undefined],
    ["/c/c.ics", null, 404],
  ]);
  const twice = ["/c/A.ics", "/c/a.ics"];
  const other = await answering(t, { body: multistatus(response("/c/a.ics", data)) });
  const both = await all(nx_multiget(other.sess, "/c/", twice, "caldav"));
  t.strictSame(both.map(({ path, status }) => [path, status?.code]), [
    ["/c/a.ics", undefined],
    ["/c/A.ics", 404],
  ]);
});

function pathsIn(body: Buffer): string[] {
  return [...body.toString().matchAll(/<D:href>([^<]*)/g)].map(([, path]) => path ?? "");
}

t.test("a server to which a request is too much is asked for less", async (t) => {
  const hrefs = Array.from({ length: 7 }, (_, i) => `/c/${i}.ics`);
  for (const status of ["413 Content Too Large", "507 Insufficient Storage"]) {
    const { sess } = await replying(t, ({ method, body }) => {
      if (method === "PROPFIND") return { body: multistatus(response("/c/", propstat(""))) };
      const paths = pathsIn(body);
      return paths.length > 2 ? { status } : { body: multistatus(...paths.map((path) => event(path))) };
    });
    const found = await all(nx_multiget(sess, "/c/", hrefs, "caldav"));
    t.strictSame(found.map(({ path, etag }) => [path, etag]), hrefs.map((path) => [path, '"1"']));
  }
});

t.test("many members in several requests", async (t) => {
  const hrefs = Array.from({ length: 3501 }, (_, i) => `/c/${i}.ics`);
  const sizes: number[] = [];
  const { sess, server } = await replying(t, ({ body }) => {
    const paths = pathsIn(body);
    sizes.push(paths.length);
    return { body: multistatus(...paths.map((path) => event(path))) };
  });
  const found = await all(nx_multiget(sess, "/c/", hrefs, "caldav"));
  t.strictSame(found.map(({ path }) => path), hrefs);
  t.strictSame(sizes, [500, 1000, 2000, 1]);
  t.strictSame(await all(nx_multiget(sess, "/c/", [], "carddav")), []);
  t.equal(server.requests.length, 4, "for none, none");
});

t.test("a path that is asked for in two portions is one member", async (t) => {
  const hrefs = Array.from({ length: 501 }, (_, i) => `/c/${i}.ics`);
  const { sess, server } = await replying(t, ({ body }) => {
    const paths = pathsIn(body);
    return { body: multistatus(...paths.map((path) => event(path))) };
  });
  const found = await all(nx_multiget(sess, "/c/", [...hrefs, "/c/%30.ics", "/c/1.ics"], "caldav"));
  t.equal(found.length, 501);
  t.equal(server.requests.length, 2);
});

t.test("a member of another collection that ends alike is not one of this", async (t) => {
  const { sess } = await answering(t, {
    body: multistatus(event("/bob/c/a.ics", "BOB"), event("/ada/c/a.ics", "ADA")),
  });
  const asked = ["/ada/c/a.ics", "/bob/c/a.ics"];
  const found = await all(nx_multiget(sess, "/ada/c/", asked, "caldav"));
  t.strictSame(found.map((each) => [each.path, each.prop(...DATA)]), [
    ["/bob/c/a.ics", "BOB"],
    ["/ada/c/a.ics", "ADA"],
  ]);
});

t.test("address books have words of their own", async (t) => {
  const { sess, server } = await answering(t, { body: multistatus() });
  const props = [{ nspace: "DAV:", name: "displayname" }];
  await all(nx_multiget(sess, "/c/", ["/c/a.vcf"], "carddav", props));
  t.match(server.requests[0]?.body.toString(), "<C:address-data/><D:displayname/>");
  t.match(server.requests[0]?.body.toString(), "<C:addressbook-multiget ");
});

t.test("a multiget that fails as a whole throws", async (t) => {
  const { sess } = await answering(
    t,
    { status: "403 Forbidden" },
    { body: multistatus(response("/c/", "<D:status>HTTP/1.1 403 Forbidden</D:status>")) },
  );
  for (let i = 0; i < 2; i++) {
    const failing = all(nx_multiget(sess, "/c/", ["/c/a"], "caldav"));
    await t.rejects(failing, { message: "403 Forbidden" });
  }
});

// ---- queries ----

async function queried(
  t: Parameters<typeof answering>[0],
  options: nx_query_options,
  kind: "caldav" | "carddav" = "caldav",
): Promise<string> {
  const { sess, server } = await answering(t, { body: multistatus() });
  t.strictSame(await all(nx_query(sess, "/c/", kind, options)), []);
  t.equal(server.requests[0]?.field("depth"), "1");
  return server.requests[0]?.body.toString() ?? "";
}

t.test("queries", async (t) => {
  const from = new Date("2024-05-03T10:00:00+02:00");
  const to = new Date("2024-05-10T00:00:00Z");
  const range = 'start="20240503T080000Z" end="20240510T000000Z"';
  const rows: [nx_query_options, string[]][] = [
    [{}, ['<C:filter><C:comp-filter name="VCALENDAR"></C:comp-filter></C:filter>',
      "<D:getetag/><C:calendar-data/>"]],
    [{ component: "VTODO" }, ['<C:comp-filter name="VTODO"></C:comp-filter>']],
    [{ range: { from, to } },
      [`<C:comp-filter name="VEVENT"><C:time-range ${range}/></C:comp-filter>`]],
    [{ range: { to } }, ['<C:time-range end="20240510T000000Z"/>']],
    // the end is behind all that begins before it
    [{ range: { from: new Date(to.getTime() + 100), to: new Date(to.getTime() + 200) } },
      ['<C:time-range start="20240510T000000Z" end="20240510T000001Z"/>']],
    [{ range: { from, to }, expand: true },
      [`<C:calendar-data><C:expand ${range}/></C:calendar-data>`]],
    [{ props: [{ nspace: "DAV:", name: "getetag" }] }, ["<D:prop><D:getetag/></D:prop>"]],
    [{ filter: '<f:is-not-defined xmlns:f="urn:f" a="&lt;"/>' },
      ['<C:filter><is-not-defined xmlns="urn:f" a="&lt;"/></C:filter>']],
  ];
  for (const [options, parts] of rows) {
    const sent = await queried(t, options);
    for (const part of parts) t.match(sent, part);
  }
  const card = await queried(t, { limit: 5 }, "carddav");
  t.match(card, "<C:filter></C:filter><C:limit><C:nresults>5</C:nresults></C:limit>");
});

t.test("a query gives no more than its limit", async (t) => {
  const events = Array.from({ length: 5 }, (_, i) => event(`/c/${i}`));
  const { sess } = await answering(t, { body: multistatus(...events) });
  t.equal((await all(nx_query(sess, "/c/", "caldav", { limit: 3 }))).length, 3);
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  const time = new Date(0);
  for (const options of [
    { filter: "none" }, { filter: "<a>" }, { filter: "</C:filter><C:x/><C:filter>" },
    { filter: "<a/>", component: "VEVENT" }, { component: "V" }, { range: {} },
    { range: { from: "now" } }, { range: { from: new Date(NaN) } },
    { range: { from: time, to: time } }, { expand: true }, { expand: true, range: { from: time } },
    { range: { from: new Date(-1e14) } }, { limit: -1 },
  ]) {
    t.throws(() => nx_query(sess, "/c/", "caldav", options as never), TypeError,
      JSON.stringify(options));
  }
  t.throws(() => nx_query(sess, "/c/", "carddav", { component: "VEVENT" }), TypeError);
  t.throws(() => nx_query(sess, "/c/", "ical" as never), TypeError);
  t.throws(() => nx_multiget(sess, "/c/", "/c/a" as never, "caldav"), TypeError);
  for (const path of ["/c/a\r\n", "/c/../a", "a"]) {
    await t.rejects(nx_multiget(sess, "/c/", [path], "caldav").next(), TypeError);
  }
  await t.rejects(nx_discover(sess, "ical" as never), TypeError);
});

t.test("a server that refuses all for one missing member is asked for fewer", async (t) => {
  const member = (name: string): string => response(`/c/${name}.ics`, propstat(
    `<C:calendar-data ${CAL}>${name}</C:calendar-data>`,
  ));
  const there = new Set(["a", "b", "d", "e"]);
  const { sess, server } = await replying(t, ({ method, target, body }) => {
    if (method === "PROPFIND") {
      const name = /^\/c\/(\w+)\.ics$/.exec(target)?.[1];
      if (name !== undefined && !there.has(name)) return { status: "404 Not Found" };
      return { body: multistatus(response(target, propstat("<D:resourcetype/>"))) };
    }
    const names = [...body.toString().matchAll(/\/c\/(\w+)\.ics/g)].map(([, name = ""]) => name);
    if (names.some((name) => !there.has(name))) return { status: "404 Not Found" };
    return { body: multistatus(...names.map(member)) };
  });
  const paths = ["a", "b", "c", "d", "e"].map((name) => `/c/${name}.ics`);
  const found = await all(nx_multiget(sess, "/c/", paths, "caldav"));
  t.strictSame(
    found.map((each) => [each.name, each.prop(...DATA), each.status?.code ?? null]),
    [
      ["a.ics", "a", null],
      ["b.ics", "b", null],
      ["c.ics", null, 404],
      ["d.ics", "d", null],
      ["e.ics", "e", null],
    ],
  );
  t.ok(server.requests.length < 16, "by halves");
});

t.test("a 404 to the report is no word about members that are there, or all of them", async (t) => {
  for (const isThere of [true, false]) {
    const { sess } = await replying(t, ({ method, target }) =>
      method === "PROPFIND" && isThere
        ? { body: multistatus(response(target, propstat("<D:resourcetype/>"))) }
        : { status: "404 Not Found" },
    );
    const got = all(nx_multiget(sess, "/c/", ["/c/a.ics", "/c/b.ics"], "caldav"));
    await t.rejects(got, { message: "404 Not Found" });
  }
});
