// Published examples of HTTP authentication: Basic (RFC 7617), Digest (RFC 7616, 2617, 2069),
// Negotiate's exchange (RFC 4559) and NTLM (MS-NLMP section 4.2.4).
import { basicValue } from "../../lib/internal/auth/basic.js";
import { parseChallenges, parseParams } from "../../lib/internal/auth/challenge.js";
import { DIGEST } from "../../lib/internal/auth/digest.js";
import { parseChallengeMessage, responses, userOf } from "../../lib/internal/auth/ntlm.js";
import type { Circumstances, Credentials, Login } from "../../lib/internal/auth/scheme.js";
import { NE_AUTH_NEGOTIATE } from "../../lib/ne_auth.js";
import { ne_session_destroy } from "../../lib/ne_session.js";
import { nx_add_negotiate } from "../../lib/nx_auth.js";
import { settle } from "../fixtures/asking.js";
import { answer, send, sessionTo } from "../fixtures/auth.js";
import { scripted, type TestScope } from "../fixtures/server.js";
import { Tally, type Suite } from "./suite.js";

interface DigestExample {
  name: string;
  challenge: string;
  cnonce: string;
  user: Credentials;
  target: string;
  /** Parameters of the answer. */
  wanted: Record<string, string>;
}

const MUFASA: Credentials = { username: "Mufasa", password: "Circle of Life" };
const NONCES_7616 =
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const NONCES_2617 =
  'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
const REALM_7616 = 'realm="http-auth@example.org", qop="auth, auth-int"';
const SECRET_7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

const DIGESTS: readonly DigestExample[] = [
  {
    name: "RFC 7616 3.9.1, MD5",
    challenge: `${REALM_7616}, algorithm=MD5, ${NONCES_7616}`,
    cnonce: SECRET_7616,
    user: MUFASA,
    target: "/dir/index.html",
    wanted: { response: "8ca523f5e9506fed4657c9700eebdbec", qop: "auth", nc: "00000001" },
  },
  {
    name: "RFC 7616 3.9.1, SHA-256",
    challenge: `${REALM_7616}, algorithm=SHA-256, ${NONCES_7616}`,
    cnonce: SECRET_7616,
    user: MUFASA,
    target: "/dir/index.html",
    wanted: { response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
  },
  {
    name: "RFC 7616 3.9.2 with erratum 4897, SHA-512-256, charset, userhash",
    challenge:
      'realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
      'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
      'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    user: { username: "J\u00e4s\u00f8n Doe", password: "Secret, or not?" },
    target: "/doe.json",
    wanted: {
      response: "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
      username: "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
      userhash: "true",
    },
  },
  {
    name: "RFC 2617 3.5",
    challenge: `realm="testrealm@host.com", qop="auth,auth-int", ${NONCES_2617}`,
    cnonce: "0a4f113b",
    user: { username: "Mufasa", password: "Circle Of Life" },
    target: "/dir/index.html",
    wanted: { response: "6629fae49393a05397450978507c4ef1", realm: "testrealm@host.com" },
  },
  {
    name: "RFC 2069 2.4 with erratum 749",
    challenge: `realm="testrealm@host.com", ${NONCES_2617}`,
    cnonce: "0a4f113b",
    user: { username: "Mufasa", password: "CircleOfLife" },
    target: "/dir/index.html",
    wanted: { response: "1949323746fe6a43ef61f9606e7febea" },
  },
];

function digestOf({ challenge, cnonce, user, target }: DigestExample): Map<string, string> {
  const [parsed] = parseChallenges(`Digest ${challenge}`, () => false);
  if (parsed === undefined) return new Map();
  const at: Circumstances = {
    method: "GET",
    target,
    connection: null,
    old: null,
    signature: null,
    origin: { scheme: "http", host: "host", port: 80 },
    proxy: false,
    legacy: true,
    random: () => Buffer.from(cnonce, "base64"),
    now: () => 0,
  };
  const login: Login | string = settle(DIGEST.challenge(parsed, at), () => user);
  if (typeof login === "string") return new Map([["response", login]]);
  const signed = settle(login.sign({ method: "GET", target, connection: null }), () => "");
  return parseParams(signed?.value.slice("Digest ".length) ?? "");
}

/** The values of MS-NLMP 4.2.1 and 4.2.4, in hexadecimal. */
function ntlm(tally: Tally): void {
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
  const info = "02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000";
  const message = hex(
    "4e544c4d53535000 02000000 0c000c00 38000000 338a8ae2 0123456789abcdef 0000000000000000" +
      `24002400 44000000 060070170000000f 530065007200760065007200 ${info}`,
  );
  const user = userOf({ username: "Domain\\User", password: "Password" });
  const theirs = parseChallengeMessage(message);
  if (theirs === null) return tally.fail("MS-NLMP 4.2.4.3", "the message cannot be read");
  const { lm, nt, sessionKey } = responses(user, theirs, Buffer.alloc(8, 0xaa), Buffer.alloc(8));
  const rows: readonly [name: string, found: Buffer, wanted: string][] = [
    ["4.2.4.1.1 NTOWFv2", user.key, "0c868a403bfd7a93a3001ef22ef02e3f"],
    ["4.2.4.1.2 session base key", sessionKey, "8de40ccadbc14a82f15cb0ad0de95ca3"],
    ["4.2.4.2.1 LMv2 response", lm, "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"],
    ["4.2.4.2.2 NTLMv2 response", nt.subarray(0, 16), "68cd0ab851e51c96aabc927bebef6a1c"],
    ["4.2.4.3 target information", theirs.targetInfo, info.replaceAll(" ", "")],
  ];
  for (const [name, found, wanted] of rows) {
    tally.equal(`MS-NLMP ${name}`, found.toString("hex"), wanted);
  }
}

/** RFC 4559 section 5: a challenge without token, one with, and the final one. */
async function negotiate(t: TestScope, tally: Tally): Promise<void> {
  const token = (text: string): string => Buffer.from(text).toString("base64");
  const server = await scripted(t, [
    [
      answer(401, "WWW-Authenticate: Negotiate"),
      answer(401, `WWW-Authenticate: Negotiate ${token("more")}`),
      answer(200, `WWW-Authenticate: Negotiate ${token("final")}`),
    ],
  ]);
  const sess = sessionTo(server.port);
  const asked: string[] = [];
  nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, (_userdata, service, challenge) => {
    asked.push(`${service} ${Buffer.from(challenge).toString()}`);
    return Buffer.from(`leg ${asked.length}`);
  });
  const { status } = await send(sess, "/");
  ne_session_destroy(sess);
  const fields = server.requests.map((request) => request.field("authorization"));
  const wanted = [null, `Negotiate ${token("leg 1")}`, `Negotiate ${token("leg 2")}`];
  tally.equal("RFC 4559 5: status", String(status), "200");
  tally.equal("RFC 4559 5: fields", JSON.stringify(fields), JSON.stringify(wanted));
  const service = asked[0]?.trim() ?? "";
  const tokens = [service, `${service} more`, `${service} final`];
  const seen = asked.map((each) => each.trim());
  tally.equal("RFC 4559 5: tokens", JSON.stringify(seen), JSON.stringify(tokens));
}

export const AUTHENTICATION: Suite = {
  name: "Authentication",
  async run(t) {
    const tally = new Tally("RFC 7617, RFC 7616, RFC 2617, RFC 2069, RFC 4559, MS-NLMP 4.2.4");
    const basics: readonly [name: string, user: string, password: string, value: string][] = [
      ["RFC 7617 2", "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
      ["RFC 7617 2.1, UTF-8", "test", "123\u00a3", "Basic dGVzdDoxMjPCow=="],
    ];
    for (const [name, user, password, value] of basics) {
      tally.equal(name, basicValue(user, password), value);
    }
    for (const example of DIGESTS) {
      const found = digestOf(example);
      for (const [name, value] of Object.entries(example.wanted)) {
        tally.equal(`${example.name}: ${name}`, found.get(name) ?? null, value);
      }
    }
    ntlm(tally);
    await negotiate(t, tally);
    return tally;
  },
};
