// Negotiate's phases without a network: which challenge begins again, and how often.
import t from "tap";
import { parseChallenges } from "../../../lib/internal/auth/challenge.js";
import { NEGOTIATE } from "../../../lib/internal/auth/negotiate.js";
import type { Login } from "../../../lib/internal/auth/scheme.js";
import { AT, settle } from "../../fixtures/asking.js";

function challenge(old: Login | null, connection: object | null): Login | string {
  const [parsed] = parseChallenges("Negotiate", () => true);
  if (parsed === undefined) throw new Error("no challenge");
  return settle(NEGOTIATE.challenge(parsed, { ...AT, old, connection }), () => Buffer.from("x"));
}

t.test("three times a server may want it from the start", async (t) => {
  for (const connection of [null, {}]) {
    const login = challenge(null, connection) as Login;
    const answers = [1, 2, 3, 4].map(() => challenge(login, connection));
    t.same(answers, [login, login, login, "rejected Negotiate challenge"]);
  }
});

t.test("and three times again once it was accepted", async (t) => {
  const login = challenge(null, null) as Login;
  for (let i = 0; i < 3; i++) challenge(login, null);
  const finish = login.finish?.({ method: "GET", target: "/", connection: null }, null, null);
  t.equal(finish?.next(null).value, null);
  const answers = [1, 2, 3, 4].map(() => challenge(login, null));
  t.same(answers, [login, login, login, "rejected Negotiate challenge"]);
});
