// What a proxy setting may hold, and what its mistakes are called.
import t from "tap";
import { checkProxy, isHost } from "../../../lib/internal/proxy/settings.js";

const isCertificate = (value: unknown): value is string => value === "cert";
const check = (proxy: unknown) => checkProxy("nx_session_proxy", proxy as object, isCertificate);
const GOOD = { scheme: "http", host: "proxy", port: 3128 };

t.test("takes settings", async (t) => {
  const { bypass, ...plain } = check(GOOD);
  t.strictSame(plain, {
    ...GOOD,
    username: null,
    password: null,
    preemptive: false,
    trust: [],
    tunnel: false,
  });
  t.equal(bypass, null);
  const full = check({
    ...GOOD,
    scheme: "https",
    username: "u",
    preemptive: true,
    tunnel: true,
    trust: ["cert"],
    bypass: [" a ", /b/],
  });
  t.strictSame([full.username, full.password, full.tunnel, full.trust], ["u", "", true, ["cert"]]);
  t.equal(full.preemptive, true);
  t.equal(full.bypass?.("a", 1), true);
  t.equal(full.bypass?.("xbx", 1), true);
  t.equal(full.bypass?.("c", 1), false);
  t.equal(check({ ...GOOD, bypass: [] }).bypass, null);
  t.equal(check({ ...GOOD, bypass: null }).bypass, null);
});

const SCHEME = "the proxy's scheme is not one of those known";

t.test("names mistakes", async (t) => {
  const rows: [unknown, string][] = [
    ["http://proxy", "the proxy must be an object, not string"],
    [{ ...GOOD, scheme: "ftp" }, `${SCHEME}: "ftp"`],
    [{ ...GOOD, scheme: "http://u:secret@h" }, `${SCHEME}: "http:"…`],
    [{ host: "h", port: 1 }, `${SCHEME}: undefined`],
    [{ ...GOOD, host: "" }, "the proxy's host is not a host"],
    [{ ...GOOD, host: "a b" }, "the proxy's host is not a host"],
    [{ ...GOOD, host: "a:80" }, "the proxy's host is not a host"],
    [{ ...GOOD, host: "a\r\n" }, "the proxy's host is not a host"],
    [{ ...GOOD, host: 1 }, "the proxy's host is not a host"],
    [{ ...GOOD, port: 0 }, "the proxy's port is not a port: 0"],
    [{ ...GOOD, port: "80" }, "the proxy's port is not a port: string"],
    [{ ...GOOD, port: 65536 }, "the proxy's port is not a port: 65536"],
    [{ ...GOOD, username: 1 }, "the proxy's user name must be a string"],
    [{ ...GOOD, password: 1 }, "the proxy's password must be a string"],
    [{ ...GOOD, tunnel: "yes" }, "the proxy's tunnel must be true or false"],
    [{ ...GOOD, preemptive: 1 }, "the proxy's preemptive must be true or false"],
    [{ ...GOOD, hots: "h" }, 'there is no option "hots" in proxy'],
    [{ ...GOOD, trust: ["x"] }, "what the proxy is trusted by must be an array of certificates"],
    [{ ...GOOD, trust: "cert" }, "what the proxy is trusted by must be an array of certificates"],
    [{ ...GOOD, bypass: "a" }, "the bypass list must be an array"],
    [{ ...GOOD, bypass: ["a b"] }, "a b is no entry of a bypass list"],
    [{ ...GOOD, bypass: [1] }, "1 is no entry of a bypass list"],
    [{ ...GOOD, bypass: [""] }, " is no entry of a bypass list"],
  ];
  for (const [proxy, what] of rows) {
    t.throws(() => check(proxy), new TypeError(`nx_session_proxy: ${what}`), what);
  }
});

t.test("what hangs on Object.prototype is no setting", async (t) => {
  const inherited = Object.assign(
    Object.create({ username: "evil", tunnel: true }),
    GOOD,
  ) as object;
  const { username, tunnel } = check(inherited);
  t.strictSame([username, tunnel], [null, false]);
});

t.test("hosts", async (t) => {
  for (const good of ["a", "a.b", "127.0.0.1", "[::1]", "[FE80::1%25eth0]", "b\u00fccher"])
    t.ok(isHost(good));
  for (const bad of ["", "[", "[]", "[a]", "::1", "a/b", "a@b", "a#b", "[::1]x", "a".repeat(256)]) {
    t.notOk(isHost(bad), bad);
  }
});
