// nx_list: listings that files can be trusted to. What failed throws, what is unknown is not empty.
import { gzipSync } from "node:zlib";
import t from "tap";
import { NE_ERROR } from "../lib/ne_request.js";
import { ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { nx_stat } from "../lib/nx_dav.js";
import { nx_set_limits } from "../lib/nx_session.js";
import { nx_error, nx_list, type nx_list_options, type nx_resource } from "../lib/nx_script.js";
import { all, answering, multistatus, propstat, replying, response } from "./fixtures/dav.js";

const FOLDER = propstat("<D:resourcetype><D:collection/></D:resourcetype>");
const FILE = propstat("<D:resourcetype/>");

async function listed(
  t: Parameters<typeof answering>[0],
  body: string,
  options: nx_list_options = {},
  path = "/a/",
): Promise<nx_resource[]> {
  const { sess } = await answering(t, { body });
  return all(nx_list(sess, path, options));
}

t.test("blank lines before the declaration do not matter", async (t) => {
  const body = `\r\n\n \ufeff${multistatus(response("/a/", FOLDER), response("/a/x", FILE))}`;
  t.strictSame((await listed(t, body)).map(({ path }) => path), ["/a/", "/a/x"]);
});

t.test("what ends empty in other clients throws here", async (t) => {
  const rows: [name: string, body: string, message: RegExp][] = [
    ["no response", multistatus(), /names neither the collection nor a member/],
    ["only others", multistatus(response("/b/", FOLDER)), /names neither/],
    ["another root", "<D:prop xmlns:D='DAV:'/>", /no list of resources: 207 .*<prop>/],
    ["a page", "<!DOCTYPE html><html><body>hello</body></html>", /no list of resources: .*<html>/],
    ["no XML", "nothing", /no list of resources: 207 Multi-Status, .*syntax error/],
    ["no body", "", /no list of resources: 207 Multi-Status/],
    ["cut short", multistatus(
      response("/a/", FOLDER),
      response("/a/x", FILE),
      response("/a/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>"),
    ), /cut the answer short \(507\)/],
    ["a refused collection", multistatus(
      response("/a/", "<D:status>HTTP/1.1 403 Forbidden</D:status>"),
    ), /^403 Forbidden$/],
    ["a missing one, as nginx says it", multistatus(
      response("/a/", propstat("", "404 Not Found")),
    ), /^404 Not Found$/],
    ["members outside of responses",
      multistatus("<D:sync-response><D:href>/a/x</D:href></D:sync-response>"),
      /outside of response elements/],
    ["a status that is none", multistatus(response("/a/", "<D:status>fine</D:status>")),
      /Invalid HTTP status line in status element at line 2 of response: "fine"$/],
  ];
  for (const [name, body, message] of rows) {
    await t.test(name, async (t) => {
      await t.rejects(listed(t, body), { name: "nx_error", code: NE_ERROR, message });
    });
  }
});

t.test("the failure carries what the server said", async (t) => {
  const { sess } = await answering(t, {
    status: "403 Forbidden",
    fields: ["X-Reason: policy"],
    body: '<D:error xmlns:D="DAV:" xmlns:x="urn:x"><x:own/><D:need-privileges/></D:error>',
  });
  const error: unknown = await all(nx_list(sess, "/a/")).catch((failure: unknown) => failure);
  t.type(error, nx_error);
  t.match(error, { status: { code: 403 }, path: "/a/", condition: "need-privileges" });
  const fields = (error as nx_error).headers.map(([name, value]) => `${name}: ${value}`);
  t.ok(fields.includes("X-Reason: policy"));
});

t.test("the type of the answer does not matter", async (t) => {
  const body = multistatus(response("/a/", FOLDER), response("/a/x", FILE));
  for (const type of ["text/html", "text/plain", null, "application"]) {
    const { sess } = await answering(t, { body, type });
    t.equal((await all(nx_list(sess, "/a/"))).length, 2, `${type}`);
  }
});

t.test("hrefs that no grammar allows are kept, healed", async (t) => {
  const hrefs = ["/a/b c", "/a/[1]", "/a/\u00e4", "/a/x#y", "/a/{|}^`", "/a/50%", "c:d.vcf"];
  const found = await listed(t, multistatus(...hrefs.map((href) => response(href, FILE))));
  t.strictSame(found.map(({ path }) => path), [
    "/a/b%20c",
    "/a/%5b1%5d",
    "/a/%c3%a4",
    "/a/x%23y",
    "/a/%7b%7c%7d%5e%60",
    "/a/50%25",
    "/a/c:d.vcf",
  ]);
  t.strictSame(found.map(({ name }) => name), [
    "b c", "[1]", "\u00e4", "x#y", "{|}^`", "50%", "c:d.vcf",
  ]);
});

t.test("no href, or an empty one, is that of the collection", async (t) => {
  for (const path of ["/a", "/a/"]) {
    for (const own of [response("", FOLDER), `<D:response>${FOLDER}</D:response>`]) {
      const body = multistatus(own, response("/a/b", propstat("<D:getetag>1</D:getetag>")));
      const { sess } = await answering(t, { body });
      const found = await all(nx_list(sess, path));
      t.strictSame(found.map(({ self, path }) => [self, path]), [[true, path], [false, "/a/b"]]);
    }
  }
});

t.test("a server that points to the path with a slash is asked there", async (t) => {
  const moved = (location: string) => ({ status: "301 Moved", fields: [`Location: ${location}`] });
  const body = multistatus(response("/a%20b/", FOLDER), response("/a%20b/x", FILE));
  for (const depth of [1, Infinity]) {
    const pointing = moved("https://other/a%20b/");
    const { sess, server } = await answering(t, pointing, { body });
    const found = await all(nx_list(sess, "/a%20b", { depth }));
    t.strictSame(found.map(({ path }) => path), ["/a%20b/", "/a%20b/x"]);
    t.strictSame(found.map(({ self }) => self), [true, false]);
    t.strictSame(server.requests.map(({ target }) => target), ["/a%20b", "/a%20b/"]);
  }
  const { sess } = await answering(t, moved("/a/"), { body: multistatus(response("/a/", FOLDER)) });
  t.match(await nx_stat(sess, "/a"), { path: "/a/", collection: true });
  const rows: [path: string, location: string][] = [
    ["/a", "/b/"], ["/a", "/a"], ["/a/", "/a/"], ["/a?q", "/a/"], ["/a", "https://h"],
  ];
  for (const [path, location] of rows) {
    const { sess } = await answering(t, moved(location));
    const failure = { name: "nx_error", status: { code: 301 } };
    await t.rejects(all(nx_list(sess, path)), failure, `${path} to ${location}`);
  }
  const endless = await answering(t, moved("/a/"), moved("/a/"));
  await t.rejects(all(nx_list(endless.sess, "/a")), { name: "nx_error", status: { code: 301 } });
});

t.test("a collection that is refused anywhere in the answer is refused", async (t) => {
  const refused = response("/a", "<D:status>HTTP/1.1 403 Forbidden</D:status>");
  const { sess } = await answering(t, { body: multistatus(response("/a/", FOLDER), refused) });
  await t.rejects(all(nx_list(sess, "/a/")), { name: "nx_error", status: { code: 403 } });
});

t.test("each resource once, by path and query", async (t) => {
  const hrefs = ["/a/", "/%61", "/a/x", "http://inner:81/a/x", "/a/%78", "/a/x?1", "/a/x?2"];
  const found = await listed(t, multistatus(...hrefs.map((href) => response(href, FILE))));
  t.strictSame(found.map(({ path, self }) => [path, self]), [
    ["/a/", true],
    ["/a/x", false],
    ["/a/x?1", false],
    ["/a/x?2", false],
  ]);
});

t.test("a collection behind a proxy", async (t) => {
  const body = multistatus(response("/docs/", FOLDER), response("/docs/x", FILE));
  const found = await listed(t, body, {}, "/dav/docs/");
  t.strictSame(found.map(({ path, self }) => [path, self]), [
    ["/dav/docs/", true],
    ["/dav/docs/x", false],
  ]);
});

t.test("the order of elements means nothing", async (t) => {
  const status = "<D:status>HTTP/1.1 423 Locked</D:status>";
  const found = await listed(t, multistatus(
    `<D:response>${FILE}<D:href>/a/x</D:href></D:response>`,
    `<D:response>${status}<D:href>/a/y</D:href></D:response>`,
    `<D:response><D:href>/a/z</D:href>${status}${FILE}</D:response>`,
    `<D:response><D:href>/a/1</D:href><D:href>/a/2</D:href>${status}</D:response>`,
    `<D:response>${FILE}<D:href> </D:href></D:response>`,
  ));
  t.strictSame(found.map(({ path, status }) => [path, status?.code]), [
    ["/a/x", undefined],
    ["/a/y", 423],
    ["/a/z", 423],
    ["/a/1", 423],
    ["/a/2", 423],
    ["/a/", undefined],
  ]);
});

t.test("a value wins over a refusal of the same name", async (t) => {
  const given = propstat("<x:p>v</x:p>");
  const refused = propstat("<x:p/><x:q/>", "404 Not Found");
  for (const parts of [[given, refused], [refused, given]]) {
    const [file] = await listed(t, multistatus(response("/a/x", ...parts)));
    t.equal(file?.prop("http://example.com/", "p"), "v");
    t.same(file?.props.map(({ name, value }) => [name, value]).sort(), [["p", "v"], ["q", null]]);
  }
});

t.test("values as trees", async (t) => {
  const inner = '<x:a b="1" x:c="2">one<D:b/>two</x:a>';
  const [file] = await listed(t, multistatus(response("/a/x", propstat(
    `<D:resourcetype>&lt;DAV:collection/&gt;</D:resourcetype><x:p>${inner}</x:p><x:q>text</x:q>`,
  ))));
  t.equal(file?.collection, false, "text makes no folder");
  t.equal(file?.element("http://example.com/", "q"), null);
  t.strictSame(JSON.parse(JSON.stringify(file?.element("http://example.com/", "p"))), {
    nspace: "http://example.com/",
    name: "p",
    attrs: [],
    children: [{
      nspace: "http://example.com/",
      name: "a",
      attrs: [
        { nspace: "", name: "b", value: "1" },
        { nspace: "http://example.com/", name: "c", value: "2" },
      ],
      children: ["one", { nspace: "DAV:", name: "b", attrs: [], children: [] }, "two"],
    }],
  });
});

t.test("a language holds for all within an element", async (t) => {
  const body = '<D:multistatus xmlns:D="DAV:" xmlns:x="urn:x" xml:lang="en"><D:response>' +
    "<D:href>/a/</D:href><D:propstat><D:prop xml:lang='de'><x:p>1</x:p>" +
    '<x:q xml:lang="fr">2</x:q></D:prop></D:propstat></D:response><D:response>' +
    "<D:href>/a/b</D:href><D:propstat><D:prop><x:p>3</x:p></D:prop></D:propstat></D:response>" +
    "</D:multistatus>";
  const langs = (await listed(t, body)).map(({ props }) => props.map(({ lang }) => lang));
  t.strictSame(langs, [["de", "fr"], ["en"]]);
});

t.test("only a child of resourcetype makes a folder", async (t) => {
  const deep = propstat("<D:resourcetype><x:y><D:collection/></x:y></D:resourcetype>");
  const [file] = await listed(t, multistatus(response("/a/x", deep)));
  t.equal(file?.collection, false);
});

t.test("dates", async (t) => {
  const time = "2024-05-03T08:00:11.000Z";
  const rows: [text: string, wanted: string | null][] = [
    ["Fri, 03 May 2024 08:00:11 GMT", time],
    ["Fri, 03 May 2024 10:00:11 +0200", time],
    ["Fri, 03 May 2024 08:00:11 UTC", time],
    ["03 May 2024 08:00:11 GMT", time],
    ["Friday, 03-May-24 08:00:11 GMT", time],
    ["Fri May  3 08:00:11 2024", time],
    ["2024-05-03T08:00:11Z", time],
    ["2024-05-03T10:00:11+02:00", time],
    ["20240503T080011Z", time],
    ["2024-05-03T08:00:11.25Z", "2024-05-03T08:00:11.250Z"],
    ["Fri, 03 May 2024 08:00:11 EST", null],
    ["Fri, 03 Mai 2024 08:00:11 GMT", null],
    ["Fri, 99 May 2024 08:00:11 GMT", null],
    ["yesterday", null],
  ];
  for (const [text, wanted] of rows) {
    const props = `<D:getlastmodified>${text}</D:getlastmodified>`;
    const [file] = await listed(t, multistatus(response("/a/x", propstat(props))));
    t.equal(file?.modified?.toISOString() ?? null, wanted, text);
  }
});

t.test("a listing travels compressed", async (t) => {
  const body = gzipSync(multistatus(response("/a/", FOLDER), response("/a/x", FILE)));
  const { sess, server } = await answering(t, { body, fields: ["Content-Encoding: gzip"] });
  t.equal((await all(nx_list(sess, "/a/"))).length, 2);
  t.match(server.requests[0]?.field("accept-encoding"), "gzip");
});

t.test("a limit on values ends the list", async (t) => {
  const body = multistatus(response("/a/x", propstat(`<x:p>${"v".repeat(200_000)}</x:p>`)));
  const [file] = await listed(t, body);
  t.equal(file?.prop("http://example.com/", "p")?.length, 200_000);
  const { sess } = await answering(t, { body });
  nx_set_limits(sess, { property: 1000 });
  await t.rejects(all(nx_list(sess, "/a/")), { message: /value of p exceeds 1000 bytes/ });
});

t.test("a value with too many levels or elements ends the list", async (t) => {
  for (const value of ["<x:a>".repeat(2000) + "</x:a>".repeat(2000), "<x:a/>".repeat(70_000)]) {
    const body = multistatus(response("/a/x", propstat(`<x:p>${value}</x:p>`)));
    await t.rejects(listed(t, body), { message: /value of p has too many/ });
  }
});

t.test("the collection may be left out", async (t) => {
  const body = multistatus(response("/a/", FOLDER), response("/a/x", FILE));
  const found = await listed(t, body, { self: false });
  t.strictSame(found.map(({ path }) => path), ["/a/x"]);
  t.strictSame(await listed(t, multistatus(response("/a/", FOLDER)), { self: false }), []);
});

t.test("all properties", async (t) => {
  const { sess, server } = await answering(t, { body: multistatus(response("/a/", FOLDER)) });
  await all(nx_list(sess, "/a/", { props: "all" }));
  t.match(server.requests[0]?.body.toString(), /<propfind xmlns="DAV:"><allprop\/><\/propfind>/);
});

const TREE: Record<string, string> = {
  "/a/": multistatus(response("/a/", FOLDER), response("/a/b/", FOLDER), response("/a/c/", FOLDER)),
  "/a/c/": multistatus(response("/a/c/", FOLDER), response("/a/c/x", FILE)),
};

t.test("a walk asks what to do about a folder that fails", async (t) => {
  const walking = async (
    verdict: "stop" | "skip",
  ): Promise<{ paths: string[]; asked: [string, number | undefined][] }> => {
    const { sess } = await replying(t, ({ target }) =>
      TREE[target] === undefined ? { status: "403 Forbidden" } : { body: TREE[target] },
    );
    const asked: [string, number | undefined][] = [];
    const options: nx_list_options = {
      depth: Infinity,
      on_error: async (path, error) => {
        asked.push([path, error.status?.code]);
        return verdict;
      },
    };
    const paths: string[] = [];
    for await (const { path } of nx_list(sess, "/a/", options)) paths.push(path);
    return { paths, asked };
  };
  t.strictSame(await walking("skip"), {
    paths: ["/a/", "/a/b/", "/a/c/", "/a/c/x"],
    asked: [["/a/b/", 403]],
  });
  await t.rejects(walking("stop"), { message: "/a/b/: 403 Forbidden", path: "/a/b/" });
});

t.test("a folder is tried again when Retry-After says, and nothing given twice", async (t) => {
  let tries = 0;
  const { sess } = await replying(t, ({ target }) => {
    if (target !== "/a/b/") return { body: TREE[target]! };
    if (++tries === 1) return { status: "503 Busy", fields: ["Retry-After: 0"] };
    const whole = multistatus(response("/a/b/", FOLDER), response("/a/b/x", FILE));
    return tries === 2 ? { body: whole.replace("</D:multistatus>", "") } : { body: whole };
  });
  const paths: string[] = [];
  const options: nx_list_options = {
    depth: Infinity,
    on_error: (_path, error) => {
      if (tries === 2) (error.headers as [string, string][]).push(["Retry-After", "0"]);
      return "retry";
    },
  };
  for await (const { path } of nx_list(sess, "/a/", options)) paths.push(path);
  t.equal(tries, 3);
  t.strictSame(paths, ["/a/", "/a/b/", "/a/c/", "/a/b/x", "/a/c/x"]);
});

t.test("an answer that is none of the three is the caller's mistake", async (t) => {
  const { sess } = await replying(t, ({ target }) =>
    TREE[target] === undefined ? { status: "403 Forbidden" } : { body: TREE[target] },
  );
  const options = { depth: Infinity, on_error: () => "go on" as never };
  await t.rejects(all(nx_list(sess, "/a/", options)), {
    name: "TypeError",
    message: /^nx_list: on_error must answer/,
  });
});

t.test("several folders at once, each on a connection of its own", async (t) => {
  const names = Array.from({ length: 8 }, (_, i) => `/a/${i}/`);
  let open = 0;
  let most = 0;
  const { sess, server } = await replying(t, ({ target }) => {
    if (target === "/a/") {
      const folders = ["/a/", ...names].map((name) => response(name, FOLDER));
      return { body: multistatus(...folders) };
    }
    most = Math.max(most, ++open);
    setImmediate(() => open--);
    return { body: multistatus(response(target, FOLDER), response(`${target}x`, FILE)) };
  });
  const found = await all(nx_list(sess, "/a/", { depth: Infinity, parallel: 4 }));
  t.strictSame(
    found.map(({ path }) => path).sort(),
    ["/a/", ...names, ...names.map((name) => `${name}x`)].sort(),
  );
  t.equal(server.connections, 4);
});

t.test("an abort ends a walk at once, also in the pause before a retry", async (t) => {
  const { sess } = await replying(t, ({ target }) =>
    TREE[target] === undefined
      ? { status: "503 Busy", fields: ["Retry-After: 3600"] }
      : { body: TREE[target] },
  );
  const controller = new AbortController();
  const options: nx_list_options = {
    depth: Infinity,
    signal: controller.signal,
    on_error: () => {
      setImmediate(() => controller.abort());
      return "retry";
    },
  };
  await t.rejects(all(nx_list(sess, "/a/", options)), { message: "Aborted" });
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  const bad = [
    { parallel: 0 }, { parallel: 1.5 }, { self: "yes" }, { on_error: 5 }, { props: "some" },
    { props: [{ nspace: "DAV:", name: "a b" }] }, { props: [{ nspace: 5, name: "a" }] },
    { props: [{ nspace: "x\0", name: "a" }] }, { signal: {} },
  ];
  for (const options of bad) {
    t.throws(() => nx_list(sess, "/a/", options as never), TypeError, JSON.stringify(options));
  }
  for (const path of ["a", "/a/../b", "/a/%2e%2e/b", "/a\r\n", "/a\0", "/a%00", "/a b", "/a#b"]) {
    await t.rejects(nx_list(sess, path).next(), TypeError, JSON.stringify(path));
  }
});
