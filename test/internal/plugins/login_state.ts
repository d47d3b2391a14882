// What authentication remembers of a session: whom a login is for, whether connections are bound.
import t from "tap";
import { BASIC, basicLogin } from "../../../lib/internal/auth/basic.js";
import { NEGOTIATE } from "../../../lib/internal/auth/negotiate.js";
import { cloneForSession } from "../../../lib/internal/base/clonable.js";
import {
  hostOf,
  newGuarded,
  originOf,
  peerOf,
  setLogin,
} from "../../../lib/internal/plugins/login_state.js";
import { PROXY, SERVER, type Registration } from "../../../lib/internal/plugins/registration.js";
import {
  ne_get_session_flag,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  NE_SESSFLAG_CONNAUTH,
  ne_set_session_private,
} from "../../../lib/ne_session.js";
import type { TestScope } from "../../fixtures/server.js";

const BY: Registration = { protocols: 1, answers: 1, ask: () => null, eager: null };
const LOGIN = basicLogin("Basic x", null);
const BOUND = { ...LOGIN, scheme: NEGOTIATE, bound: true };

function session(t: TestScope, proxy: boolean) {
  const sess = ne_session_create("http", "server.example", 8080);
  t.teardown(() => ne_session_destroy(sess));
  if (proxy) ne_session_proxy(sess, "proxy.example", 3128);
  return sess;
}

t.test("the host that asks, and the proxy that a login is for", async (t) => {
  const sess = session(t, true);
  const [server, proxy] = [newGuarded(sess, SERVER, []), newGuarded(sess, PROXY, [])];
  t.equal(hostOf(server), "server.example");
  t.equal(hostOf(proxy), "proxy.example");
  t.equal(peerOf(proxy), "proxy.example:3128");
  t.strictSame(originOf(sess), { scheme: "http", host: "server.example", port: 8080 });
  const direct = newGuarded(session(t, false), PROXY, []);
  t.equal(hostOf(direct), "", "no proxy");
  t.equal(peerOf(direct), ":0");
});

t.test("a login is noted with who answered and the proxy it is for", async (t) => {
  const sess = session(t, true);
  const [server, proxy] = [newGuarded(sess, SERVER, []), newGuarded(sess, PROXY, [])];
  setLogin(server, LOGIN, BY);
  t.match(server, { login: LOGIN, by: BY, peer: "" }, "a server's is for no proxy");
  setLogin(proxy, null, null);
  t.match(proxy, { login: null, by: null, peer: "" });
  setLogin(proxy, LOGIN, BY);
  t.match(proxy, { login: LOGIN, by: BY, peer: "proxy.example:3128" });
  ne_session_proxy(sess, "other.example", 8888);
  t.equal(proxy.peer, "proxy.example:3128");
  t.equal(peerOf(proxy), "other.example:8888", "which tells that it is outdated");
});

t.test("a session has bound connections while either class has such a login", async (t) => {
  const sess = session(t, true);
  const [server, proxy] = [newGuarded(sess, SERVER, []), newGuarded(sess, PROXY, [])];
  const flag = (): number => ne_get_session_flag(sess, NE_SESSFLAG_CONNAUTH);
  for (const g of [server, proxy]) ne_set_session_private(sess, g.cls.id, g);
  const rows: [change: () => void, bound: number][] = [
    [() => setLogin(server, LOGIN, BY), 0],
    [() => setLogin(server, BOUND, BY), 1],
    [() => setLogin(proxy, LOGIN, BY), 1],
    [() => setLogin(server, null, null), 0],
    [() => setLogin(proxy, BOUND, BY), 1],
    [() => setLogin(proxy, null, null), 0],
  ];
  for (const [change, bound] of rows) {
    change();
    t.equal(flag(), bound, String(change));
  }
});

t.test("a copy for another session takes who is registered, and no login", async (t) => {
  const [sess, other] = [session(t, false), session(t, true)];
  const g = newGuarded(sess, SERVER, [BY]);
  setLogin(g, LOGIN, BY);
  const copy = g[cloneForSession](other, true);
  t.match(copy, { cls: SERVER, sess: other, registrations: [BY], login: null, by: null });
  g.registrations.length = 0;
  t.match(copy, { registrations: [BY] }, "a list of its own");
  t.equal(g.forStrangers, false, "a password for a server is for no other");
  t.equal(newGuarded(sess, PROXY, []).forStrangers, true, "the proxy may be the same");
  t.equal(LOGIN.scheme, BASIC);
});
