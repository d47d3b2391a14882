// Which challenge is answered: the strongest that somebody is registered for and can answer, and
// the reasons for all others.
import t from "tap";
import {
  NE_AUTH_ALL,
  NE_AUTH_BASIC,
  NE_AUTH_DEFAULT,
  NE_AUTH_DIGEST,
  NE_AUTH_LEGACY_DIGEST,
  NE_AUTH_NTLM,
  WITH_PASSWORD,
} from "../../../lib/internal/auth/protocol_bits.js";
import { newGuarded } from "../../../lib/internal/plugins/login_state.js";
import { usableChallenges, answerChallenge } from "../../../lib/internal/plugins/usable_challenges.js";
import { PROXY, SERVER, type Registration } from "../../../lib/internal/plugins/registration.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { AT, settle } from "../../fixtures/asking.js";

const registration = (protocols: number, change: Partial<Registration> = {}): Registration => ({
  ...{ protocols, answers: WITH_PASSWORD, ask: () => null, eager: null },
  ...change,
});

/** The schemes that are offered, with who answers, and the reasons for the rest. */
function offers(
  field: string,
  registrations: Registration[],
  { scheme = "http", proxy = false } = {},
): { found: string[]; reasons: string[] } {
  const sess = ne_session_create(scheme, "h", 80);
  const reasons: string[] = [];
  const g = newGuarded(sess, proxy ? PROXY : SERVER, registrations);
  const found = usableChallenges(g, field, reasons).map(
    (offer) => `${offer.scheme.name} ${registrations.indexOf(offer.registration)}`,
  );
  ne_session_destroy(sess);
  return { found, reasons };
}

const ALL = 'Basic realm=a, Digest realm="a", nonce="n", algorithm=MD5, qop="auth", NTLM';

t.test("the strongest first, in whatever order they come", async (t) => {
  t.strictSame(offers(ALL, [registration(NE_AUTH_ALL)]).found, ["NTLM 0", "Digest 0", "Basic 0"]);
  const reversed = 'Digest realm="a", nonce="n", Basic realm=a';
  t.strictSame(offers(reversed, [registration(NE_AUTH_ALL)]).found, ["Digest 0", "Basic 0"]);
});

t.test("the first who is registered for it", async (t) => {
  const both = [registration(NE_AUTH_DIGEST), registration(NE_AUTH_ALL)];
  t.strictSame(offers(ALL, both).found, ["NTLM 1", "Digest 0", "Basic 1"]);
  const absent = [registration(NE_AUTH_ALL, { active: () => false }), registration(NE_AUTH_BASIC)];
  t.strictSame(offers(ALL, absent).found, ["Basic 1"], "who no longer holds is not asked");
  const deaf = [registration(NE_AUTH_ALL, { answers: NE_AUTH_NTLM })];
  t.strictSame(offers(ALL, deaf).found, ["NTLM 0"], "who understands its questions");
});

t.test("what DEFAULT stands for depends on who asks, and over what", async (t) => {
  const byDefault = [registration(NE_AUTH_DEFAULT)];
  t.strictSame(offers(ALL, byDefault).found, ["Digest 0", "Basic 0"]);
  t.strictSame(offers(ALL, byDefault, { scheme: "https" }).found[0], "NTLM 0");
  t.strictSame(offers(ALL, byDefault, { proxy: true }).found[0], "NTLM 0");
});

t.test("reasons for what is ignored, in printable words of neon's length", async (t) => {
  const { found, reasons } = offers(`Odd x=y, ${"L".repeat(200)}, Ctrl\x01`, [registration(NE_AUTH_ALL)]);
  t.strictSame(found, []);
  t.equal(reasons[0], "ignored Odd challenge");
  t.equal(reasons[1]?.length, 127);
  for (const reason of reasons) t.notMatch(reason, /[\x00-\x1f]/);
  t.strictSame(offers("Basic realm=x", []).reasons, ["ignored Basic challenge"]);
});

t.test("a challenge is answered, or not for a reason", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  const take = (
    field: string,
    protocols: number,
    creds: { username: string; password: string } | null,
  ): string[] =>
    usableChallenges(newGuarded(sess, SERVER, [registration(protocols)]), field, []).map((offer) => {
      const result = settle(answerChallenge(offer, AT), () => creds);
      return typeof result === "string" ? result : result.scheme.name;
    });
  const user = { username: "u", password: "p" };
  const [reason = "", login] = take('Digest realm="a", Basic realm=a', NE_AUTH_ALL, user);
  t.equal(reason, "legacy Digest challenge not supported");
  t.equal(login, "Basic");
  t.strictSame(take("Basic realm=a", NE_AUTH_ALL, null), ["rejected Basic challenge"]);
  const legacy = 'Digest realm="a", nonce="n"';
  t.match(take(legacy, NE_AUTH_DIGEST, user)[0], /legacy/, "without qop it is RFC 2069");
  t.strictSame(take(legacy, NE_AUTH_LEGACY_DIGEST, user), ["Digest"]);
});

t.test("a token follows only the name of a scheme that somebody is registered for", async (t) => {
  const field = "NTLM TlRM, Negotiate abc, Basic realm=a";
  const some = offers(field, [registration(NE_AUTH_BASIC)]);
  t.strictSame(some.found, ["Basic 0"]);
  t.strictSame(
    some.reasons,
    ["NTLM", "TlRM", "Negotiate", "abc"].map((name) => `ignored ${name} challenge`),
    "for others it is one more name, as in neon",
  );
  const ntlm = offers(field, [registration(NE_AUTH_NTLM)]);
  t.strictSame(ntlm.found, ["NTLM 0"]);
  t.equal(ntlm.reasons.includes("ignored TlRM challenge"), false);
});

t.test("Negotiate and NTLM are as strong: what the server names first comes first", async (t) => {
  const all = [registration(NE_AUTH_ALL, { answers: -1 })];
  t.strictSame(offers("Basic realm=x, NTLM, Negotiate", all).found, ["NTLM 0", "Negotiate 0", "Basic 0"]);
  t.strictSame(offers("Basic realm=x, Negotiate, NTLM", all).found, ["Negotiate 0", "NTLM 0", "Basic 0"]);
});
