// Bearer: the token as the application gives it, for the whole origin, and what no token is.
import t from "tap";
import { BEARER, bearerLogin, isBearerToken } from "../../../lib/internal/auth/bearer.js";
import { parseChallenges } from "../../../lib/internal/auth/challenge.js";
import type { Question } from "../../../lib/internal/auth/scheme.js";
import { AT, settle } from "../../fixtures/asking.js";

t.test("a challenge asks for a token of its realm", async (t) => {
  const rows: [field: string, realm: string][] = [
    ['Bearer realm="r", error="invalid_token"', "r"],
    ["Bearer", ""],
  ];
  for (const [field, realm] of rows) {
    const asked: Question[] = [];
    const [challenge] = parseChallenges(field, () => false);
    if (challenge === undefined) return t.fail(field);
    const answer = (token: string | null) =>
      settle(BEARER.challenge(challenge, AT), (question) => {
        asked.push(question);
        return token;
      });
    const login = answer("abc");
    t.strictSame(asked, [{ want: "bearer", realm }]);
    if (typeof login === "string") return t.fail(login);
    const out = { method: "GET", target: "/x", connection: null };
    t.equal(settle(login.sign(out), () => null)?.value, "Bearer abc");
    t.equal(answer(null), "rejected Bearer challenge");
  }
});

t.test("a login signs every request alike", async (t) => {
  const login = bearerLogin("t0k");
  t.equal(login.bound, false);
  for (const target of ["/", "*", "/a?b"]) {
    const out = { method: "GET", target, connection: {} };
    t.equal(login.applies(out), true);
    t.strictSame(settle(login.sign(out), () => null), { value: "Bearer t0k", check: null });
  }
});

t.test("what a token may consist of", async (t) => {
  for (const token of ["a", "a.b-c_d~e+f/g==", "!\x7e"]) t.equal(isBearerToken(token), true, token);
  for (const token of ["", "a b", "a\r\nX: y", "a\n", "a\0", "ä", "\x7f", " a", null, 7, ["a"]]) {
    t.equal(isBearerToken(token), false, JSON.stringify(token));
  }
});

t.test("stronger than Basic only", async (t) => {
  const challenge = { scheme: "Bearer", token: null, params: new Map() };
  t.ok(BEARER.strength(challenge) > 10);
  t.ok(BEARER.strength(challenge) < 20);
});
