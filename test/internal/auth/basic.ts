// Basic: what is sent, to which targets it is sent unasked, and whom it refuses.
import t from "tap";
import { BASIC, basicLogin, basicValue, resolvedPath } from "../../../lib/internal/auth/basic.js";
import { parseChallenges } from "../../../lib/internal/auth/challenge.js";
import type { Credentials, Login } from "../../../lib/internal/auth/scheme.js";
import { AT, settle } from "../../fixtures/asking.js";

function offer(
  field: string,
  creds: Credentials | null,
  target = "/a/b/c",
): { login: Login | string; asked: (string | null)[] } {
  const [challenge] = parseChallenges(field, () => false);
  if (challenge === undefined) throw new Error("no challenge");
  const asked: (string | null)[] = [];
  const login = settle(BASIC.challenge(challenge, { ...AT, target }), (question) => {
    asked.push(question.want === "password" ? question.realm : question.want);
    return creds;
  });
  return { login, asked };
}

const USER = { username: "Aladdin", password: "open sesame" };

t.test("the example of RFC 7617, and UTF-8", async (t) => {
  t.equal(basicValue("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  t.equal(basicValue("test", "123\xa3"), "Basic dGVzdDoxMjPCow==");
  t.equal(basicValue("", ""), "Basic Og==");
});

t.test("a challenge is answered for its directory", async (t) => {
  const { login, asked } = offer('Basic realm="The Cave"', USER);
  t.strictSame(asked, ["The Cave"]);
  if (typeof login === "string") return t.fail(login);
  t.equal(login.bound, false);
  const sign = (target: string): unknown =>
    settle(login.sign({ method: "GET", target, connection: null }), () => null);
  t.same(sign("/a/b/d"), { value: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", check: null });
  t.equal(sign("/a/c"), null, "not above it");
});

t.test("refusals", async (t) => {
  t.strictSame(offer("Basic", USER), { login: "missing realm in Basic challenge", asked: [] });
  t.equal(offer("Basic realm=x", null).login, "rejected Basic challenge");
  const why = "cannot handle Basic challenge for username containing";
  for (const [username, what] of [["a:b", "colon"], [":", "colon"], ["a\nb", "control characters"],
    ["a\0", "control characters"], ["a\x7f", "control characters"]] as const) {
    t.equal(offer("Basic realm=x", { username, password: "" }).login, `${why} ${what}`);
  }
  t.type(offer("Basic realm=x", { username: "", password: "a:b\n" }).login, "object");
});

t.test("where a login is sent, in whatever spelling", async (t) => {
  const applies = (asked: string, target: string): boolean => {
    const { login } = offer("Basic realm=x", USER, asked);
    return typeof login !== "string" && login.applies({ method: "GET", target, connection: null });
  };
  const rows: [asked: string, target: string, sent: boolean][] = [
    ["/a/b", "/a/", true],
    ["/a/b", "/a/b/c", true],
    ["/a/b", "/a", false],
    ["/a/b", "/ab", false],
    ["/a/b", "/", false],
    ["/", "/anything?q", true],
    ["/a/", "/a/x", true],
    ["/a/b", "/a/../secret", false],
    ["/a/b", "/a/%2e%2e/secret", false],
    ["/a/b", "/a/.%2E/secret", false],
    ["/a/b", "/x/../a/y", true],
    ["/a/../b/c", "/b/d", true],
    ["/a/%2e%2e/b/c", "/a/d", false],
    ["http://host:8080/a/b", "/a/c", true],
    ["/a/b", "*", false],
    ["/a/b?x=/y/", "/a/c", true],
    ["/a/b", "/A/c", false],
  ];
  for (const [asked, target, sent] of rows) t.equal(applies(asked, target), sent, `${asked} ${target}`);
  t.equal(applies("*", "*"), true, "a login for no path is for the whole server");
});

t.test("a login without a scope is for the whole server", async (t) => {
  const login = basicLogin("Basic x", null);
  for (const target of ["*", "/", "/a", "nonsense"]) {
    t.equal(login.applies({ method: "GET", target, connection: null }), true, target);
  }
});

t.test("paths as a server reads them", async (t) => {
  t.equal(resolvedPath("/a/./b/../c"), "/a/c");
  t.equal(resolvedPath("/a/%2E%2e/c%2fd"), "/c%2fd", "an escaped slash is none");
  t.equal(resolvedPath("/../.."), "/");
  t.equal(resolvedPath("*"), null);
});
