// Locks that look after themselves: what they send, what they say of failures, and stores as text.
import t from "tap";
import {
  ne_lock_create,
  ne_lockscope_shared,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_register,
  ne_lockstore_remove,
} from "../lib/ne_locks.js";
import { ne_putbuf } from "../lib/ne_basic.js";
import { NE_OK } from "../lib/ne_request.js";
import { ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { ne_uri_parse } from "../lib/ne_uri.js";
import {
  nx_break_lock,
  nx_lock,
  nx_lock_expires,
  nx_lock_token,
  nx_lockstore_load,
  nx_lockstore_save,
  nx_locks,
  nx_session_lockstore,
  nx_unlock,
} from "../lib/nx_locks.js";
import { nx_send } from "../lib/nx_script.js";
import { nx_set_session_signal, nx_session_abort } from "../lib/nx_session.js";
import { answer, answering, multistatus, propstat, response } from "./fixtures/dav.js";
import { LockServer } from "./fixtures/lock_server.js";

t.test("a lock, used and given back", async (t) => {
  const server = await LockServer.start(t);
  const { sess } = server;
  {
    await using lock = await nx_lock(sess, "/a", { owner: "me & <you>", timeout: 60 });
    t.equal(nx_lock_token(lock), "t:1");
    const left = nx_lock_expires(lock)!.getTime() - Date.now();
    t.ok(left > 90_000 && left <= 100_000, "what the server granted");
    t.equal(await ne_putbuf(sess, "/a", Buffer.from("x")), NE_OK);
    t.equal(await ne_putbuf(sess, "/other", Buffer.from("x")), NE_OK);
  }
  t.same(server.seen, ["LOCK /a", "PUT /a", "PUT /other", "UNLOCK /a"]);
  t.same(server.submitted, [null, "(<t:1>)", null, null]);
  const request = server.server.requests[0]!;
  t.match(request.body.toString(), "<owner>me &amp; &lt;you&gt;</owner>");
  t.match(request.body.toString(), "<exclusive/>");
  t.equal(request.field("timeout"), "Second-60");
  t.equal(request.field("depth"), "0");
  t.equal(server.locks.length, 0);
  t.equal(ne_lockstore_first(nx_session_lockstore(sess)), null);
});

t.test("nx_send shows the locks that its method needs", async (t) => {
  const server = await LockServer.start(t);
  const { sess } = server;
  const a = await nx_lock(sess, "/d/a", { scope: "shared", renew: false });
  const b = await nx_lock(sess, "/e/b", { scope: "shared", renew: false });
  server.submitted.length = 0;
  const sent: [method: string, target: string, shown: string | null, headers?: object][] = [
    ["PUT", "/d/a", "(<t:1>)"],
    ["PATCH", "/d/a?x", "<T/d/a> (<t:1>)"],
    ["GET", "/d/a", null],
    ["PUT", "/d/other", null],
    ["DELETE", "/d/", "<T/d/a> (<t:1>)"],
    ["COPY", "/d/a", "<T/e/b> (<t:2>)", { Destination: "/e/" }],
    ["MOVE", "/d/a", "<T/e/b> (<t:2>) <T/d/a> (<t:1>)", { destination: "T/e/b" }],
    ["PUT", "/d/a", "(<mine>)", { iF: "(<mine>)" }],
  ];
  const origin = `http://127.0.0.1:${server.server.port}`;
  for (const [method, target, , headers = {}] of sent) {
    const fields = Object.entries(headers).map(([name, value]): [string, string] => [
      name,
      String(value).replace(/^T/, origin),
    ]);
    await nx_send(sess, method, target, { headers: fields });
  }
  const shown = server.submitted.map((field) => field?.replaceAll(origin, "T") ?? null);
  t.same(shown, sent.map(([, , wanted]) => wanted));
  await nx_unlock(a);
  await nx_unlock(b);
});

t.test("the options are in the LOCK request", async (t) => {
  const server = await LockServer.start(t);
  const options = { depth: Infinity, scope: "shared", timeout: Infinity, renew: false } as const;
  const locks = [
    await nx_lock(server.sess, "/d/", options),
    await nx_lock(server.sess, "/d/", options),
  ];
  const [first] = server.server.requests;
  t.equal(first?.field("depth"), "infinity");
  t.equal(first?.field("timeout"), "Infinite");
  t.match(first?.body.toString(), "<shared/>");
  for (const lock of locks) await nx_unlock(lock);
  t.equal(server.locks.length, 0);
});

t.test("infinite depth covers members made later", async (t) => {
  const server = await LockServer.start(t);
  const root = "<D:depth>infinity</D:depth>";
  server.instead.push(() =>
    answer({
      status: "200 OK",
      body:
        '<D:prop xmlns:D="DAV:"><D:lockdiscovery><D:activelock>' +
        `<D:lockscope><D:exclusive/></D:lockscope>${root}<D:timeout>Infinite</D:timeout>` +
        "<D:locktoken><D:href>t:deep</D:href></D:locktoken>" +
        "</D:activelock></D:lockdiscovery></D:prop>",
      fields: ["Lock-Token: <t:deep>"],
    }),
  );
  await nx_lock(server.sess, "/d", { depth: Infinity });
  const { origin } = server.server;
  for (const path of ["/d/new/deeper", "/d%2fx", "/dd"]) {
    await ne_putbuf(server.sess, path, Buffer.from("x"));
  }
  t.same(server.submitted.slice(1), [`<${origin}/d> (<t:deep>)`, null, null]);
});

t.test("a lock in the way", async (t) => {
  const server = await LockServer.start(t);
  const lock = await nx_lock(server.sess, "/a");
  await t.rejects(nx_lock(server.sess, "/a"), {
    name: "nx_error",
    message: "423 Locked",
    status: { code: 423 },
    path: "/a",
    condition: "lock-token-submitted",
  });
  await nx_unlock(lock);
});

t.test("failures", async (t) => {
  const locked = "<D:status>HTTP/1.1 423 Locked</D:status>";
  const { sess } = await answering(t, { body: multistatus(response("/a/b c", locked)) });
  await t.rejects(nx_lock(sess, "/a/"), {
    message: "/a/b%20c: 423 Locked",
    status: { code: 423 },
    path: "/a/b%20c",
  });
  t.equal(ne_lockstore_first(nx_session_lockstore(sess)), null);
});

t.test("a lock that cannot be used does not stay", async (t) => {
  const server = await LockServer.start(t);
  server.locks.push({ token: "t:x", timeout: "", root: "/a", scope: "exclusive" });
  server.instead.push(() => answer({ status: "200 OK", type: null, fields: ["Lock-Token: <t:x>"] }));
  await t.rejects(nx_lock(server.sess, "/a"), { message: "/a: the answer to LOCK shows no lock" });
  t.same(server.seen, ["LOCK /a", "UNLOCK /a"]);
  t.equal(server.locks.length, 0);
});

t.test("giving back is idempotent, and lockdiscovery decides", async (t) => {
  const server = await LockServer.start(t);
  const lock = await nx_lock(server.sess, "/a");
  server.locks.length = 0;
  await Promise.all([nx_unlock(lock), nx_unlock(lock), lock[Symbol.asyncDispose]()]);
  await nx_unlock(lock);
  t.same(server.seen, ["LOCK /a", "UNLOCK /a", "PROPFIND /a"]);

  const kept = await nx_lock(server.sess, "/a");
  server.instead.push(() => answer({ status: "403 Forbidden", type: null }));
  await t.rejects(nx_unlock(kept), { name: "nx_error", message: "403 Forbidden", path: "/a" });
  t.equal(server.locks.length, 1, "the server still has it, so it is a failure");
  await nx_unlock(kept);
  t.equal(server.locks.length, 0, "which can be tried again");

  const gone = await nx_lock(server.sess, "/a");
  server.instead.push(
    () => answer({ status: "404 Not Found", type: null }),
    () => answer({ status: "404 Not Found", type: null }),
  );
  await nx_unlock(gone);
  const unclear = await nx_lock(server.sess, "/b", { scope: "shared" }).catch(() => null);
  t.equal(unclear, null);
});

t.test("a discovery that does not say leaves the failure", async (t) => {
  const server = await LockServer.start(t);
  const lock = await nx_lock(server.sess, "/a");
  server.locks.length = 0;
  server.instead.push(null, () => answer({ body: multistatus(response("/a", propstat(""))) }));
  await t.rejects(nx_unlock(lock), { message: "409 Conflict" });
  await nx_unlock(lock);
});

t.test("given back though the session's requests were aborted", async (t) => {
  const server = await LockServer.start(t);
  const control = new AbortController();
  nx_set_session_signal(server.sess, control.signal);
  const lock = await nx_lock(server.sess, "/a");
  control.abort();
  nx_session_abort(server.sess);
  await nx_unlock(lock);
  t.equal(server.locks.length, 0);
});

t.test("a signal ends the LOCK, not the lock", async (t) => {
  const server = await LockServer.start(t);
  const control = new AbortController();
  const lock = await nx_lock(server.sess, "/a", { signal: control.signal });
  control.abort();
  await nx_unlock(lock);
  await t.rejects(nx_lock(server.sess, "/a", { signal: control.signal }), { name: "nx_error" });
});

t.test("foreign locks", async (t) => {
  const server = await LockServer.start(t);
  t.same(await nx_locks(server.sess, "/a"), []);
  server.locks.push(
    { token: "t:x", timeout: "Second-5", root: "/a b", scope: "exclusive" },
    { token: "", timeout: "Infinite", root: "http://inner/a", scope: "shared" },
  );
  t.same(await nx_locks(server.sess, "/a"), [
    {
      ...{ path: "/a%20b", token: "t:x", owner: "a mailto:b", scope: "exclusive", depth: 0 },
      timeout: 5,
    },
    {
      ...{ path: "/a", token: null, owner: "a mailto:b", scope: "shared", depth: 0 },
      timeout: null,
    },
  ]);
  await nx_break_lock(server.sess, "/a", "t:x");
  t.equal(server.locks.length, 1);
  // the lock that is left hides its token: nobody knows that it is another one
  await t.rejects(nx_break_lock(server.sess, "/a", "t:x"), { name: "nx_error", message: /409/ });
  server.locks.pop();
  await nx_break_lock(server.sess, "/a", "t:x");
});

t.test("what does not say which locks there are is a failure", async (t) => {
  const found = propstat("<D:lockdiscovery/>");
  const missing = propstat("<D:lockdiscovery/>", "404 Not Found");
  const rows: [body: string, type: string | null, message: RegExp | null][] = [
    [multistatus(response("/a", found)), "text/xml", null],
    [multistatus(response("/a b[c]", found)), null, null],
    [multistatus(`<D:response>${found}<D:href>/a</D:href></D:response>`), "text/html", null],
    [multistatus(response("/a", missing)), "text/xml", /does not say .*: 404 Not Found$/],
    [multistatus(response("/a", propstat(""))), "text/xml", /does not say .*: 207 Multi-Status$/],
    [multistatus(), "text/xml", /does not say/],
    ["<html/>", "text/html", /does not say/],
    ["sorry", "text/plain", /does not say .*: XML parse error/],
  ];
  for (const [body, type, message] of rows) {
    const { sess } = await answering(t, { body, type });
    if (message === null) t.same(await nx_locks(sess, "/a"), [], body);
    else await t.rejects(nx_locks(sess, "/a"), { name: "nx_error", message }, body);
  }
  const { sess } = await answering(t, { status: "401 Login", type: null });
  await t.rejects(nx_locks(sess, "/a"), { message: "401 Login", status: { code: 401 } });
});

t.test("stores of a session", async (t) => {
  const server = await LockServer.start(t);
  const { sess } = server;
  const mine = ne_lockstore_create();
  ne_lockstore_register(mine, sess);
  t.equal(nx_session_lockstore(sess), mine);
  const other = ne_lockstore_create();
  const lock = await nx_lock(sess, "/a", { store: other });
  t.equal(ne_lockstore_first(mine), null);
  t.equal(ne_lockstore_first(other)?.token, "t:1");
  await ne_putbuf(sess, "/a", Buffer.from("x"));
  t.equal(server.submitted.at(-1), "(<t:1>)");
  // a program may take its lock out itself
  ne_lockstore_remove(other, ne_lockstore_first(other)!);
  await nx_unlock(lock);
});

t.test("a store as text, and back", async (t) => {
  const store = ne_lockstore_create();
  for (const [url, token] of [["http://h:81/a%20b", "t:1"], ["https://h/d/", "t:2"]] as const) {
    const lock = ne_lock_create();
    ne_uri_parse(url, lock.uri);
    Object.assign(lock, { token, depth: 2, scope: ne_lockscope_shared, owner: "<x/>", timeout: 9 });
    ne_lockstore_add(store, lock);
  }
  const text = nx_lockstore_save(store);
  const copy = ne_lockstore_create();
  nx_lockstore_load(copy, text);
  nx_lockstore_load(copy, text);
  t.equal(nx_lockstore_save(copy), text);
  t.match(ne_lockstore_first(copy), {
    ...{ token: "t:2", depth: 2, scope: 1, owner: "<x/>", timeout: 9 },
    uri: { scheme: "https", host: "h", path: "/d/" },
  });
  t.equal(ne_lockstore_next(copy)?.token, "t:1");
  t.equal(ne_lockstore_next(copy), null, "tokens that are there are left");

  const saved = JSON.parse(text) as { locks: Record<string, unknown>[] };
  const broken: unknown[] = [null, 1, [], {}, { ...saved, kind: "x" }, { ...saved, locks: 1 }];
  for (const change of [
    { url: "/a" },
    { url: "http://h/>" },
    { url: 1 },
    { token: "" },
    { token: "a>\r\nX: y" },
    { deep: 2 },
    { shared: null },
    { owner: 1 },
    { timeout: "9" },
  ]) {
    const good = { ...saved.locks[0], token: "t:new" };
    broken.push({ ...saved, locks: [good, { ...saved.locks[1], ...change }] });
  }
  for (const text of ["", "x", ...broken.map((value) => JSON.stringify(value))]) {
    const empty = ne_lockstore_create();
    t.throws(() => nx_lockstore_load(empty, text), TypeError, text);
    t.equal(ne_lockstore_first(empty), null, "nothing is added");
  }
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  const rows: [options: object, message: RegExp][] = [
    [{ timeout: 0 }, /^nx_lock: timeout must be/],
    [{ timeout: 1.5 }, /^nx_lock: timeout must be/],
    [{ depth: 1 }, /^nx_lock: depth must be/],
    [{ scope: "x" }, /^nx_lock: scope must be/],
    [{ owner: "a\0" }, /^nx_lock: owner has a character/],
    [{ owner: "\ud800" }, /^nx_lock: owner has a character/],
    [{ renew: 1 }, /^nx_lock: renew must be/],
    [{ onlost: 1 }, /^nx_lock: onlost must be/],
    [{ store: {} }, /^nx_lock: expected a ne_lock_store/],
    [{ signal: {} }, /^nx_lock: signal must be/],
    [{ tiemout: 1 }, /^nx_lock: there is no option "tiemout"/],
  ];
  for (const [options, message] of rows) {
    await t.rejects(nx_lock(sess, "/a", options), { name: "TypeError", message });
  }
  await t.rejects(nx_lock(sess, "/a b"), TypeError);
  await t.rejects(nx_lock({} as never, "/a"), TypeError);
  await t.rejects(nx_unlock({} as never), {
    message: "nx_unlock: expected a lock that nx_lock gave",
  });
  t.throws(() => nx_lock_token(null as never), TypeError);
  await t.rejects(nx_break_lock(sess, "/a", "a>\r\n"), TypeError);
  await t.rejects(nx_break_lock(sess, "/a", ""), TypeError);
  t.throws(() => nx_lockstore_save({} as never), TypeError);
  t.throws(() => nx_session_lockstore({} as never), TypeError);
});

t.test("a path that is none is the caller's mistake", async (t) => {
  const server = await LockServer.start(t);
  const { sess } = server;
  for (const path of ["a", "", "*", "/\u00e9", "/../x", "/a#b", "/a\r\nb"]) {
    const calls = [nx_lock(sess, path), nx_locks(sess, path), nx_break_lock(sess, path, "t")];
    for (const call of calls) {
      const error: unknown = await call.catch((reason: unknown) => reason);
      t.ok(error instanceof TypeError, path);
      t.match(String(error), /nx_\w+: the path /);
    }
  }
  t.equal(server.seen.length, 0);
});
