// nx_sync: what changed, all of it, and a token only behind all of it.
import t from "tap";
import { nx_sync, type nx_change, type nx_changes } from "../lib/nx_dav.js";
import { ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { all, answering, multistatus, propstat, replying, response } from "./fixtures/dav.js";

const GONE = "<D:status>HTTP/1.1 404 Not Found</D:status>";
const CUT = response("/c/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");

function member(name: string, etag = `"${name}"`): string {
  return response(`/c/${name}`, propstat(`<D:getetag>${etag}</D:getetag>`));
}

function synced(token: string | null, ...responses: readonly string[]): { body: string } {
  const end = token === null ? "" : `<D:sync-token>${token}</D:sync-token>`;
  return { body: `<D:multistatus xmlns:D="DAV:">${responses.join("")}${end}</D:multistatus>` };
}

const FORGOTTEN = {
  status: "403 Forbidden",
  body: '<D:error xmlns:D="DAV:"><D:valid-sync-token/></D:error>',
};

async function told(changes: nx_changes): Promise<string[]> {
  return (await all(changes)).map(shown);
}

function shown({ path, removed, resource }: nx_change): string {
  return `${removed ? "-" : "+"}${path}${resource === null ? "" : ` ${resource.etag}`}`;
}

t.test("the first time, and from a token", async (t) => {
  const { sess, server } = await answering(
    t,
    synced("urn:1", member("a"), member("b")),
    synced("urn:2", response("/c/a", GONE), member("b", '"b2"')),
    synced("urn:2"),
  );
  const first = nx_sync(sess, "/c/", null);
  t.equal(first.token, null);
  t.strictSame(await told(first), ['+/c/a "a"', '+/c/b "b"']);
  t.equal(first.token, "urn:1");
  const second = nx_sync(sess, "/c/", first.token, { limit: 10, level: Infinity });
  t.strictSame(await told(second), ["-/c/a", '+/c/b "b2"']);
  t.equal(second.token, "urn:2");
  t.equal(second.anew, false);
  const third = nx_sync(sess, "/c/", second.token);
  t.strictSame(await told(third), [], "nothing changed");
  t.equal(third.token, "urn:2");
  const bodies = server.requests.map(({ body }) => body.toString());
  t.match(bodies[0], "<D:sync-token></D:sync-token><D:sync-level>1</D:sync-level><D:prop>");
  t.match(bodies[1], "<D:sync-token>urn:1</D:sync-token><D:sync-level>infinite</D:sync-level>" +
    "<D:limit><D:nresults>10</D:nresults></D:limit>");
  t.equal(server.requests[0]?.field("depth"), "0");
});

t.test("a status before its href is a removal, too (older sabre/dav)", async (t) => {
  const early = `<D:response>${GONE}<D:href>/c/a</D:href></D:response>`;
  const { sess } = await answering(t, synced("urn:2", early));
  t.strictSame(await told(nx_sync(sess, "/c/", "urn:1")), ["-/c/a"]);
});

t.test("a live member whose resourcetype is not there is no removal (Radicale)", async (t) => {
  const type = propstat("<D:resourcetype/>", "404 Not Found");
  const live = response("/c/a", propstat("<D:getetag>1</D:getetag>"), type);
  const { sess } = await answering(t, synced("urn:2", live));
  t.strictSame(await told(nx_sync(sess, "/c/", "urn:1")), ["+/c/a 1"]);
});

t.test("what the server cut short is asked for by itself", async (t) => {
  const { sess, server } = await answering(
    t,
    synced("urn:1", member("a"), CUT),
    synced("urn:2", CUT),
    synced("urn:3", member("b")),
  );
  const changes = nx_sync(sess, "/c/", null);
  t.strictSame(await told(changes), ['+/c/a "a"', '+/c/b "b"']);
  t.equal(changes.token, "urn:3");
  t.match(server.requests[2]?.body.toString(), "<D:sync-token>urn:2</D:sync-token>");
});

t.test("a server that cuts short without going on is an error", async (t) => {
  const { sess } = await answering(t, synced("urn:1", member("a"), CUT), synced("urn:1", CUT));
  const changes = nx_sync(sess, "/c/", null);
  await t.rejects(all(changes), { message: /does not go on/ });
  t.equal(changes.token, null);
  let tokens = 0;
  const { sess: other } = await replying(t, () => synced(`urn:${tokens++}`, CUT));
  await t.rejects(all(nx_sync(other, "/c/", null)), { message: /does not go on/ });
  t.equal(tokens, 101, "a hundred answers without a change are believed");
  let rounds = 0;
  const { sess: slow } = await replying(t, () => {
    const name = String(++rounds);
    return rounds < 150 ? synced(`urn:${name}`, member(name), CUT) : synced(`urn:${name}`);
  });
  const long = nx_sync(slow, "/c/", null);
  t.equal((await all(long)).length, 149, "answers with changes, however many");
  t.equal(long.token, "urn:150");
});

t.test("a token that was thrown away leads to all anew", async (t) => {
  const refusals = [FORGOTTEN, { ...FORGOTTEN, status: "409 Conflict" }, { status: "410 Gone" }];
  for (const refusal of refusals) {
    const { sess, server } = await answering(t, refusal, synced("urn:9", member("a")));
    const changes = nx_sync(sess, "/c/", "urn:old");
    t.strictSame(await told(changes), ['+/c/a "a"']);
    t.equal(changes.anew, true);
    t.equal(changes.token, "urn:9");
    t.match(server.requests[1]?.body.toString(), "<D:sync-token></D:sync-token>");
  }
  const { sess } = await answering(t, FORGOTTEN);
  const changes = nx_sync(sess, "/c/", null);
  await t.rejects(all(changes), { name: "nx_error", condition: "valid-sync-token" });
  t.equal(changes.anew, false, "without a token there is none to throw away");
});

t.test("failures throw, and leave no token", async (t) => {
  const rows: [Parameters<typeof answering>[1], RegExp][] = [
    [{ status: "403 Forbidden" }, /^403 Forbidden/],
    [{ status: "404 Not Found" }, /^404/],
    [synced(null, member("a")), /no sync-token/],
    [synced("", member("a")), /no sync-token/],
    [{ body: "<html/>" }, /no list of resources/],
    [{ body: '<D:multistatus xmlns:D="DAV:"><D:sync-response><D:href>/c/a</D:href>' +
      "</D:sync-response><D:sync-token>urn:2</D:sync-token></D:multistatus>" }, /outside/],
  ];
  for (const [reply, message] of rows) {
    const { sess } = await answering(t, reply!);
    const changes = nx_sync(sess, "/c/", "urn:1");
    await t.rejects(all(changes), { name: "nx_error", message });
    t.equal(changes.token, null);
  }
});

t.test("a collection that is refused within the answer has not lost its members", async (t) => {
  const known = new Map([["/c/a", '"a"']]);
  for (const code of [403, 404, 500]) {
    for (const token of [null, "urn:1", known]) {
      const refused = response("/c/", `<D:status>HTTP/1.1 ${code} no</D:status>`);
      const { sess } = await answering(t, synced("urn:2", refused));
      const changes = nx_sync(sess, "/c/", token);
      await t.rejects(told(changes), { name: "nx_error", status: { code } });
      t.equal(changes.token, null);
    }
  }
});

t.test("507 is the end of an answer only where it is about the collection", async (t) => {
  const full = response("/c/a", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const { sess } = await answering(t, synced("urn:2", full));
  const [change] = await all(nx_sync(sess, "/c/", "urn:1"));
  t.match(change, { path: "/c/a", removed: false, resource: { status: { code: 507 } } });

  const other = response("http://inside/dav", "<D:status>HTTP/1.1 507 x</D:status>");
  const proxied = await answering(t, synced("urn:2", other), synced("urn:3", member("b")));
  const changes = nx_sync(proxied.sess, "/c/", "urn:1");
  t.strictSame(await told(changes), ['+/c/b "b"'], "under another name, too");
  t.equal(changes.token, "urn:3");
});

t.test("a loop that was left has no token", async (t) => {
  const { sess } = await answering(t, synced("urn:1", member("a"), member("b")));
  const changes = nx_sync(sess, "/c/", null);
  for await (const { path } of changes) if (path === "/c/a") break;
  t.equal(changes.token, null);
});

t.test("nothing is gone that was not asked about", async (t) => {
  const known = new Map(["/c/", "/c", "/c/a", "/c/b/deep", "/other"].map((path) => [path, '"1"']));
  const gone = async (level: number): Promise<string[]> => {
    const { sess } = await answering(t, synced("urn:1"));
    return told(nx_sync(sess, "/c/", known, { level }));
  };
  t.strictSame(await gone(1), ["-/c/a"]);
  t.strictSame(await gone(Infinity), ["-/c/a", "-/c/b/deep"]);
  const { sess } = await answering(t, synced("urn:1"));
  const ours = new Map([["/bob/c/a", '"1"'], ["/ada/c/b", '"1"']]);
  const found = await told(nx_sync(sess, "/ada/c/", ours));
  t.strictSame(found, ["-/ada/c/b"], "nor of a collection that ends alike");
});

t.test("from a map of entity tags", async (t) => {
  const known = new Map([
    ["/c/a", '"a"'], ["/c/b", '"old"'], ["/c/gone", '"g"'], ["/%63/d", '"d"'],
  ]);
  const wanted = ['+/c/b "b"', '+/c/e "e"', "+/c/f null", "-/c/gone"];
  const members = ["a", "b", "d", "e"].map((name) => member(name));
  members.push(response("/c/f", propstat("<D:resourcetype/>")));
  await t.test("with a server that has the report", async (t) => {
    const { sess } = await answering(t, synced("urn:1", ...members));
    const changes = nx_sync(sess, "/c/", known);
    t.strictSame(await told(changes), wanted);
    t.equal(changes.token, "urn:1");
  });
  const none = '<D:error xmlns:D="DAV:"><D:supported-report/></D:error>';
  for (const refusal of [
    { status: "405 Method Not Allowed" },
    { status: "501 Not Implemented" },
    { status: "400 Bad Request" },
    { status: "403 Forbidden", body: none },
  ]) {
    await t.test(`with one that says ${refusal.status}`, async (t) => {
      const self = response("/c/", propstat("<D:resourcetype><D:collection/></D:resourcetype>"));
      const { sess, server } = await answering(t, refusal, synced(null, self, ...members));
      const changes = nx_sync(sess, "/c/", known);
      t.strictSame(await told(changes), wanted);
      t.equal(changes.token, null);
      t.match(server.requests[1], { method: "PROPFIND" });
    });
  }
  await t.test("a listing that fails tells of no removal", async (t) => {
    const cut = synced(null, member("a"), CUT);
    const { sess } = await answering(t, { status: "405 Method Not Allowed" }, cut);
    const seen: string[] = [];
    await t.rejects(
      async () => {
        for await (const change of nx_sync(sess, "/c/", known)) seen.push(shown(change));
      },
      { message: /cut the answer short/ },
    );
    t.strictSame(seen, []);
  });
  await t.test("any other failure is one", async (t) => {
    const { sess } = await answering(t, { status: "403 Forbidden" });
    await t.rejects(all(nx_sync(sess, "/c/", known)), { message: "403 Forbidden" });
  });
});

t.test("from a map, what goes while the answer is under way is gone", async (t) => {
  const known = new Map([["/c/a", '"a"'], ["/c/b", '"old"']]);
  const { sess } = await answering(
    t,
    synced("urn:1", member("a"), member("b"), member("new"), CUT),
    synced("urn:2", response("/c/a", GONE), response("/c/new", GONE), member("b")),
  );
  const changes = nx_sync(sess, "/c/", known);
  t.strictSame(await told(changes), ['+/c/b "b"', '+/c/new "new"', "-/c/a", "-/c/new"]);
  t.equal(changes.token, "urn:2");
});

t.test("from a map, what nobody has heard of is not told as gone", async (t) => {
  const known = new Map([["/c/a", '"a"']]);
  const { sess } = await answering(
    t,
    synced("urn:1", response("/c/old", GONE), response("/c/a", GONE), member("b")),
  );
  t.strictSame(await told(nx_sync(sess, "/c/", known)), ['+/c/b "b"', "-/c/a"]);
});

t.test("from a map, a report that is refused halfway makes nothing of what it said", async (t) => {
  const self = response("/c/", propstat("<D:resourcetype><D:collection/></D:resourcetype>"));
  const known = new Map([["/c/a", '"a"'], ["/c/b", '"b"']]);
  const { sess } = await answering(
    t,
    synced("urn:1", member("a"), CUT),
    { status: "400 Bad Request" },
    { body: multistatus(self, member("b")) },
  );
  const changes = nx_sync(sess, "/c/", known);
  t.strictSame(await told(changes), ["-/c/a"]);
  t.equal(changes.token, null);
});

t.test("without the report, as deep as is asked for, over one connection", async (t) => {
  const folder = (path: string): string =>
    response(path, propstat("<D:resourcetype><D:collection/></D:resourcetype>"));
  const known = new Map([["/c/x", '"x"'], ["/c/1/a", '"old"']]);
  const none = { status: "405 Method Not Allowed" };
  const top = synced(null, folder("/c/"), folder("/c/1/"), folder("/c/2/"), response("/c/x", propstat("<D:displayname/>")));
  const flat = await answering(t, none, top);
  const members = ["+/c/1/ null", "+/c/2/ null", "+/c/x null"];
  t.strictSame(await told(nx_sync(flat.sess, "/c/", known)), members);
  t.equal(flat.server.requests.length, 2);
  t.equal(flat.server.requests[1]?.field("depth"), "1");
  const deep = await answering(
    t,
    ...[none, top, synced(null, folder("/c/1/"), member("1/a")), synced(null, folder("/c/2/"))],
  );
  const all = await told(nx_sync(deep.sess, "/c/", known, { level: Infinity }));
  t.strictSame(all.sort(), [...members, '+/c/1/a "1/a"'].sort());
  t.equal(deep.server.requests.length, 4);
  t.equal(deep.server.connections, 1);
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  for (const token of [undefined, 5, {}]) {
    t.throws(() => nx_sync(sess, "/c/", token as never), TypeError);
  }
  for (const options of [{ level: 2 }, { limit: 0 }, { limit: 1.5 }, { props: "all" }]) {
    t.throws(() => nx_sync(sess, "/c/", null, options as never), TypeError);
  }
  await t.rejects(nx_sync(sess, "/c/", "a\0b").next(), TypeError);
});
