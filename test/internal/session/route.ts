// The way to the server: which proxy is in use, and who sees whole URLs.
import t from "tap";
import {
  createEndpoint,
  createHop,
  DIRECT,
  httpProxyInUse,
  proxyInUse,
  sendsToProxy,
  type Hop,
} from "../../../lib/internal/session/route.js";

t.test("endpoints", async (t) => {
  const rows: [host: string, literal: boolean][] = [
    ["h.example", false],
    ["127.0.0.1", true],
    ["[::1]", true],
    ["1.2.3", false],
    ["[::1", false],
    ["[::g]", false],
    ["[h]", false],
    ["", false],
  ];
  for (const [host, literal] of rows) {
    const made = createEndpoint(host, 80);
    t.strictSame([made.literal, made.addresses?.length ?? null], [literal, literal ? 1 : null], host);
  }
});

t.test("a direct way has nothing on it, and asks nobody", async (t) => {
  const { sources, fromEnvironment, ...rest } = DIRECT;
  t.strictSame([sources, fromEnvironment], [[], false]);
  for (const [name, value] of Object.entries(rest)) t.equal(value, null, name);
});

t.test("hops", async (t) => {
  t.strictSame(createHop("http", "p", 3128), {
    ...{ kind: "http", host: "p", port: 3128 },
    ...{ username: null, password: null, trust: [], tunnel: false, setting: null },
    endpoint: { hostname: "p", port: 3128, addresses: null, literal: false },
  });
  const given = { username: "u", password: "w", trust: [], tunnel: true, setting: {} };
  const made = createHop("https", "p", 3128, given);
  t.match(made, given);
  t.equal(made.trust, given.trust);
  t.equal(made.setting, given.setting);
  Object.assign(Object.prototype, { tunnel: true, username: "evil" });
  t.teardown(() => {
    for (const name of ["tunnel", "username"]) Reflect.deleteProperty(Object.prototype, name);
  });
  const hop = createHop("http", "p", 3128, {});
  for (const name of ["tunnel", "username"]) Reflect.deleteProperty(Object.prototype, name);
  t.match(hop, { tunnel: false, username: null }, "what is on Object.prototype is no setting");
});

t.test("which proxy, and what it sees", async (t) => {
  const server = createEndpoint("h", 80);
  const rows: [kind: Hop["kind"], secure: boolean, tunnel: boolean, http: boolean, whole: boolean][] = [
    ["http", false, false, true, true],
    ["http", false, true, true, false],
    ["http", true, false, true, false],
    ["https", false, false, true, true],
    ["socks5", false, false, false, false],
    ["socks4a", true, false, false, false],
  ];
  for (const [kind, secure, tunnel, http, whole] of rows) {
    const hop = createHop(kind, "p", 1, { tunnel });
    const s = { secure, server, route: { ...DIRECT, hop } };
    t.equal(proxyInUse(s), hop);
    t.equal(httpProxyInUse(s), http ? hop : null, kind);
    t.equal(sendsToProxy(s), whole, `${kind} ${secure} ${tunnel}`);
    const asked: unknown[] = [];
    const bypass = (...given: unknown[]): boolean => asked.push(given) > 0;
    const around = { ...s, route: { ...s.route, bypass } };
    t.strictSame([proxyInUse(around), httpProxyInUse(around), sendsToProxy(around)], [null, null, false]);
    t.strictSame(asked[0], ["h", 80]);
  }
  const direct = { secure: false, server, route: DIRECT };
  t.strictSame([proxyInUse(direct), sendsToProxy(direct)], [null, false]);
});
