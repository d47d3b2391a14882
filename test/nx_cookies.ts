// Cookies as a plugin of the hooks: what a session's requests carry, and what a jar keeps.
import t, { type Test } from "tap";
import {
  ne_add_request_header,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  NE_OK,
} from "../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import {
  nx_cookie_jar_clear,
  nx_cookie_jar_create,
  nx_cookie_jar_load,
  nx_cookie_jar_save,
  nx_cookies_register,
  type nx_cookie_jar,
} from "../lib/nx_cookies.js";
import { nx_session_proxy } from "../lib/nx_proxy.js";
import { nx_send, nx_session_clone } from "../lib/nx_script.js";
import { scripted, type PeerRequest } from "./fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

function setting(...cookies: readonly string[]): string {
  const fields = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join("");
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`;
}

function session(t: Test, port: number, jar: nx_cookie_jar): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  nx_cookies_register(sess, jar);
  return sess;
}

function cookies(requests: readonly PeerRequest[]): (string | null)[] {
  return requests.map((request) => request.field("cookie"));
}

t.test("what a server sets comes back to it", async (t) => {
  const answers = [setting("a=1; Path=/x", "b=2, 3; Path=/"), OK, OK];
  const server = await scripted(t, [answers]);
  const sess = session(t, server.port, nx_cookie_jar_create());
  for (const target of ["/", "/x?c=/y", "/"]) t.ok((await nx_send(sess, "GET", target)).ok);
  t.strictSame(cookies(server.requests), [null, "a=1; b=2, 3", "b=2, 3"]);
});

t.test("every response may set some, refusals and redirects too", async (t) => {
  const refusal = "HTTP/1.1 403 No\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n";
  const moved = "HTTP/1.1 302 On\r\nLocation: /x\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n";
  const server = await scripted(t, [[refusal, moved, OK]]);
  const sess = session(t, server.port, nx_cookie_jar_create());
  await nx_send(sess, "GET", "/");
  await nx_send(sess, "GET", "/", { redirects: 1 });
  t.strictSame(cookies(server.requests), [null, "a=1", "a=1; b=2"]);
});

t.test("one field, with the application's cookies first", async (t) => {
  const server = await scripted(t, [[setting("a=1"), OK, OK]]);
  const sess = session(t, server.port, nx_cookie_jar_create());
  await nx_send(sess, "GET", "/");
  for (const own of ["mine=0", ""]) {
    const req = ne_request_create(sess, "GET", "/");
    ne_add_request_header(req, "Cookie", own);
    ne_add_request_header(req, "X-After", "1");
    t.equal(await ne_request_dispatch(req), NE_OK);
    ne_request_destroy(req);
  }
  t.strictSame(cookies(server.requests), [null, "mine=0; a=1", "a=1"]);
  for (const request of server.requests.slice(1)) t.equal(request.field("x-after"), "1");
});

t.test("a jar may serve many sessions, registered twice or not", async (t) => {
  const jar = nx_cookie_jar_create();
  const first = await scripted(t, [[setting("a=1")]]);
  const second = await scripted(t, [[OK]]);
  await nx_send(session(t, first.port, jar), "GET", "/");
  const sess = session(t, second.port, jar);
  nx_cookies_register(sess, jar);
  await nx_send(sess, "GET", "/");
  t.strictSame(cookies(second.requests), ["a=1"], "ports are no border for cookies");
});

t.test("a clone shares the jar", async (t) => {
  const server = await scripted(t, [[setting("a=1")], [OK]]);
  const sess = session(t, server.port, nx_cookie_jar_create());
  const clone = nx_session_clone(sess);
  t.teardown(() => ne_session_destroy(clone));
  await nx_send(sess, "GET", "/");
  await nx_send(clone, "GET", "/");
  t.strictSame(cookies(server.requests), [null, "a=1"]);
});

t.test("never to another server", async (t) => {
  await t.test("in a target", async (t) => {
    const server = await scripted(t, [[setting("a=1"), setting("evil=1"), OK]]);
    const sess = session(t, server.port, nx_cookie_jar_create());
    await nx_send(sess, "GET", "/");
    await nx_send(sess, "GET", "http://other.example/");
    await nx_send(sess, "GET", "/");
    t.strictSame(cookies(server.requests), [null, null, "a=1"]);
  });
  await t.test("in a redirect", async (t) => {
    const other = await scripted(t, [[setting("evil=1; Path=/")]]);
    const moved = `HTTP/1.1 302 On\r\nLocation: ${other.origin}/\r\nContent-Length: 0\r\n\r\n`;
    const server = await scripted(t, [[setting("a=1"), moved, OK]]);
    const sess = session(t, server.port, nx_cookie_jar_create());
    await nx_send(sess, "GET", "/");
    await nx_send(sess, "GET", "/", { redirects: 1 });
    await nx_send(sess, "GET", "/");
    t.strictSame(cookies(other.requests), [null]);
    t.strictSame(cookies(server.requests), [null, "a=1", "a=1"]);
  });
});

t.test("a proxy and its CONNECT have no part in them", async (t) => {
  const tunnel = "HTTP/1.1 200 OK\r\nSet-Cookie: proxy=1\r\n\r\n";
  const denied =
    "HTTP/1.1 407 No\r\nSet-Cookie: proxy=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const proxy = await scripted(t, [[tunnel, setting("a=1"), OK], [denied], [OK]]);
  const jar = nx_cookie_jar_create();
  const sess = ne_session_create("http", "server.example", 80);
  t.teardown(() => ne_session_destroy(sess));
  nx_cookies_register(sess, jar);
  nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port: proxy.port, tunnel: true });
  await nx_send(sess, "GET", "/");
  await nx_send(sess, "GET", "/");
  const plain = ne_session_create("http", "server.example", 80);
  t.teardown(() => ne_session_destroy(plain));
  nx_cookies_register(plain, jar);
  nx_session_proxy(plain, { scheme: "http", host: "127.0.0.1", port: proxy.port });
  await nx_send(plain, "GET", "/");
  await nx_send(plain, "GET", "/");
  t.strictSame(
    proxy.requests.map((r) => `${r.method} ${String(r.field("cookie"))}`),
    ["CONNECT null", "GET null", "GET a=1", "GET a=1", "GET a=1"],
  );
});

t.test("saved and loaded", async (t) => {
  const server = await scripted(t, [[setting("a=1; Max-Age=3600", "b=2")], [OK], [OK]]);
  const jar = nx_cookie_jar_create();
  await nx_send(session(t, server.port, jar), "GET", "/");
  for (const [all, wanted] of [[false, "a=1"], [true, "a=1; b=2"]] as const) {
    const loaded = nx_cookie_jar_load(nx_cookie_jar_save(jar, all));
    if (loaded === null) return void t.fail("loaded");
    await nx_send(session(t, server.port, loaded), "GET", "/");
    t.equal(cookies(server.requests).at(-1), wanted);
  }
  nx_cookie_jar_clear(jar);
  t.equal(nx_cookie_jar_save(jar, true), '{"version":1,"cookies":[]}');
  const bad = ["", "null", "[]", "5", '{"version":2,"cookies":[]}', '{"version":1}', "{",
    '{"version":1,"cookies":[{"name":"a"}]}', '{"version":1,"cookies":{}}'];
  for (const text of bad) t.equal(nx_cookie_jar_load(text), null, text);
});

t.test("a jar that was loaded saves as it was", async (t) => {
  const jar = nx_cookie_jar_create();
  const server = await scripted(t, [[setting("a=1; Max-Age=600", "b=2; Path=/; HttpOnly")]]);
  t.ok((await nx_send(session(t, server.port, jar), "GET", "/")).ok);
  const text = nx_cookie_jar_save(jar, true);
  t.match(text, /"name":"a".*"name":"b"/);
  const loaded = nx_cookie_jar_load(text);
  t.ok(loaded !== null && nx_cookie_jar_save(loaded, true) === text);
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "a", 80);
  t.teardown(() => ne_session_destroy(sess));
  t.throws(() => nx_cookies_register(sess, {} as never), /^nx_cookies_register: expected a nx_coo/);
  t.throws(() => nx_cookie_jar_load(5 as never), /^nx_cookie_jar_load: the text must be a string/);
  t.throws(() => nx_cookie_jar_save(sess as never), TypeError);
  t.throws(() => nx_cookie_jar_save(nx_cookie_jar_create(), 1 as never), /must be true or false/);
  t.strictSame(Reflect.ownKeys(nx_cookie_jar_create()), []);
});
