// Digest against the examples of RFC 7616, 2617 and 2069, and against what neon was seen to do.
import { createHash } from "node:crypto";
import t from "tap";
import { basicLogin } from "../../../lib/internal/auth/basic.js";
import { bearerLogin } from "../../../lib/internal/auth/bearer.js";
import { parseChallenges, parseParams } from "../../../lib/internal/auth/challenge.js";
import { DIGEST, resetStale } from "../../../lib/internal/auth/digest.js";
import type {
  Circumstances,
  Credentials,
  Login,
  Outgoing,
  Signature,
} from "../../../lib/internal/auth/scheme.js";
import { AT as FIXED, settle } from "../../fixtures/asking.js";

const CNONCE = "QUFBQUFBQUE=";

const AT: Circumstances = { ...FIXED, random: () => Buffer.from(CNONCE, "base64") };

const USER: Credentials = { username: "u", password: "pw" };

function offer(
  params: string,
  at: Partial<Circumstances> = {},
  creds: Credentials | null = USER,
): Login | string {
  const [challenge] = parseChallenges(`Digest ${params}`, () => false);
  if (challenge === undefined) throw new Error("no challenge");
  return settle(DIGEST.challenge(challenge, { ...AT, ...at }), () => creds);
}

function sign(login: Login | string, out: Partial<Outgoing> = {}, bodyHash = ""): Signature {
  if (typeof login === "string") throw new Error(login);
  const signature = settle(
    login.sign({ method: "GET", target: "/a/b", connection: null, ...out }),
    () => bodyHash,
  );
  if (signature === null) throw new Error("not signed");
  return signature;
}

const paramsOf = (signature: Signature): Map<string, string> =>
  parseParams(signature.value.slice("Digest ".length));

const GOOD = 'realm="r", nonce="n", qop="auth"';

t.test("a domain names this server only", async (t) => {
  const rows: [entry: string, counts: boolean][] = [
    ["/a", true],
    ["http://host:8080/a", true],
    ["HTTP://HOST:8080/a", true],
    ["//host:8080/a", true],
    ["https://host:8080/a", false],
    ["http://other:8080/a", false],
    ["http://host:8081/a", false],
    ["http://host/a", false],
    ["http://u@host:8080/a", false],
    ["/a?x", false],
    ["/a#x", false],
  ];
  for (const [entry, counts] of rows) {
    const login = offer(`${GOOD}, domain="/b ${entry}"`) as Login;
    const applies = (target: string): boolean =>
      login.applies({ method: "GET", target, connection: null });
    t.strictSame([applies("/b/x"), applies("/a/x"), applies("/c")], [true, counts, false], entry);
    const alone = offer(`${GOOD}, domain="${entry}"`) as Login;
    const elsewhere = alone.applies({ method: "GET", target: "/c", connection: null });
    t.equal(elsewhere, !counts, `${entry} alone`);
  }
  const plain = { scheme: "http", host: "host", port: 80 };
  const login = offer(`${GOOD}, domain="/b http://host/a"`, { origin: plain }) as Login;
  t.ok(login.applies({ method: "GET", target: "/a", connection: null }), "the default port");
  const proxy = offer(`${GOOD}, domain="/b"`, { proxy: true }) as Login;
  t.ok(proxy.applies({ method: "GET", target: "/a", connection: null }), "a proxy has none");
  t.equal(offer(`${GOOD}, domain="http://[/"`), "could not parse domain in Digest challenge");
});

t.test("the examples of the RFCs", async (t) => {
  const rows = [
    {
      name: "RFC 7616, 3.9.1, MD5",
      params:
        'realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ' +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      creds: { username: "Mufasa", password: "Circle of Life", utf8: true },
      target: "/dir/index.html",
      response: "8ca523f5e9506fed4657c9700eebdbec",
    },
    {
      name: "RFC 7616, 3.9.1, SHA-256",
      params:
        'realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ' +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      creds: { username: "Mufasa", password: "Circle of Life", utf8: true },
      target: "/dir/index.html",
      response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    },
    {
      name: "RFC 7616, 3.9.2 as corrected by erratum 4897, SHA-512/256 and userhash",
      params:
        'realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
      cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
      creds: { username: "J\u00e4s\u00f8n Doe", password: "Secret, or not?", utf8: true },
      target: "/doe.json",
      response: "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
      username: "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
    },
    {
      name: "RFC 2617, 3.5",
      params:
        'realm="testrealm@host.com", qop="auth,auth-int", ' +
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      cnonce: "0a4f113b",
      creds: { username: "Mufasa", password: "Circle Of Life" },
      target: "/dir/index.html",
      response: "6629fae49393a05397450978507c4ef1",
    },
    {
      name: "RFC 2069, 2.4 as corrected by erratum 749",
      params:
        'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      cnonce: "0a4f113b",
      creds: { username: "Mufasa", password: "CircleOfLife" },
      target: "/dir/index.html",
      response: "1949323746fe6a43ef61f9606e7febea",
    },
  ];
  for (const { name, params, cnonce, creds, target, response, username } of rows) {
    const at = { legacy: true, random: () => Buffer.from(cnonce, "base64") };
    const sent = paramsOf(sign(offer(params, at, creds), { target }));
    t.equal(sent.get("response"), response, name);
    if (username !== undefined) t.equal(sent.get("username"), username, `${name}: user name`);
  }
});

t.test("the field, byte for byte", async (t) => {
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const ha1 = md5("u:r:pw");
  const ha2 = md5("GET:/a/b");
  const withQop = md5(`${ha1}:n:00000001:${CNONCE}:auth:${ha2}`);
  t.equal(
    sign(offer(`${GOOD}, opaque="o"`)).value,
    `Digest realm="r", nonce="n", uri="/a/b", response="${withQop}", algorithm="MD5", ` +
      `username="u", opaque="o", cnonce="${CNONCE}", nc=00000001, qop="auth"`,
  );
  t.equal(
    sign(offer('realm="r", nonce="n"', { legacy: true })).value,
    `Digest realm="r", nonce="n", uri="/a/b", response="${md5(`${ha1}:n:${ha2}`)}", ` +
      'algorithm="MD5", username="u"',
    "RFC 2069",
  );
  const hashed = sign(offer(`${GOOD}, userhash=true, algorithm=sha-256-SESS`));
  t.match(hashed.value, /algorithm="SHA-256-sess", username="[0-9a-f]{64}", cnonce="/);
  t.match(hashed.value, /qop="auth", userhash=true$/);
  const escaped = sign(offer('realm="a\\"b", nonce="c\\\\d", qop=auth'));
  t.match(escaped.value, 'realm="a\\"b", nonce="c\\\\d"', "what came escaped goes escaped");
});

t.test("nonce counts, and nonces that change", async (t) => {
  const login = offer(GOOD);
  const counts = (): (string | undefined)[] => {
    const sent = paramsOf(sign(login));
    return [sent.get("nonce"), sent.get("nc")];
  };
  t.strictSame(
    [counts(), counts(), counts()],
    [
      ["n", "00000001"],
      ["n", "00000002"],
      ["n", "00000003"],
    ],
  );
  const last = sign(login);
  t.equal(last.check?.('nextnonce="m"'), null);
  t.strictSame(
    [counts(), counts()],
    [
      ["m", "00000001"],
      ["m", "00000002"],
    ],
  );
  t.equal(last.check?.('nextnonce="k"'), null);
  t.strictSame(counts(), ["m", "00000003"], "a late answer to an older nonce changes nothing");
  const next = sign(login);
  next.check?.('nextnonce="header"');
  next.check?.('nextnonce="trailer"');
  t.strictSame(counts(), ["trailer", "00000001"], "what a response says last counts");
});

t.test("the -sess key keeps the first nonce and client nonce", async (t) => {
  const login = offer('realm="r", nonce="n1", qop="auth", algorithm=MD5-sess');
  if (typeof login === "string") throw new Error(login);
  const renewed = offer('realm="r", nonce="n2", qop="auth", algorithm=MD5-sess, stale=true', {
    old: login,
    signature: sign(login),
    random: () => Buffer.from("QkJC", "base64"),
  });
  t.equal(renewed, login);
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const key = md5(`${md5("u:r:pw")}:n1:${CNONCE}`);
  const sent = paramsOf(sign(login));
  t.equal(sent.get("cnonce"), CNONCE);
  t.equal(sent.get("response"), md5(`${key}:n2:00000001:${CNONCE}:auth:${md5("GET:/a/b")}`));
});

t.test("what a stale challenge changes", async (t) => {
  const first = 'realm="r", nonce="n", qop="auth", opaque="o", domain="/a"';
  const stale = 'realm="r", nonce="m", stale=true';
  const rows: [string, RegExp][] = [
    ["qop=auth", /nonce="m".*opaque="o", cnonce="[^"]*", nc=00000001, qop="auth"$/],
    ['qop=auth, opaque="p"', /opaque="p"/],
    ['qop=auth, domain="/q"', /nonce="m"/],
    ['qop=auth, domain="http://[::1/"', /nonce="m"/],
    ["qop=auth, userhash=true", /username="u"(?!.*userhash)/],
    ['opaque="p"', /username="u", opaque="p"$/],
  ];
  for (const [more, expected] of rows) {
    const old = offer(first) as Login;
    const renewed = offer(`${stale}, ${more}`, { old, signature: sign(old), legacy: true });
    t.equal(renewed, old, more);
    t.match(sign(old).value, expected, more);
    t.equal(old.applies({ method: "GET", target: "/q", connection: null }), false);
  }
});

t.test("auth-int is used where nothing else is offered", async (t) => {
  const login = offer('realm="r", nonce="n", qop="auth-int"');
  const body = createHash("md5").update("the body").digest("hex");
  const signature = sign(login, { method: "PUT" }, body);
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const sent = paramsOf(signature);
  const middle = `n:00000001:${CNONCE}:auth-int`;
  t.equal(sent.get("qop"), "auth-int");
  t.equal(sent.get("response"), md5(`${md5("u:r:pw")}:${middle}:${md5(`PUT:/a/b:${body}`)}`));
  t.equal(signature.bodyAlgorithm, "md5");
  const answer = md5("the answer");
  const rspauth = md5(`${md5("u:r:pw")}:${middle}:${md5(`:/a/b:${answer}`)}`);
  const info = `qop=auth-int, rspauth="${rspauth}", cnonce="${CNONCE}", nc=00000001`;
  t.equal(signature.check?.(info, answer), null);
  t.match(signature.check?.(info, md5("another")), /request-digest mismatch$/);
  if (typeof login !== "string") {
    const out = { method: "PUT", target: "/a/b", connection: null };
    t.equal(
      settle(login.sign(out), () => null),
      null,
      "a body that cannot be hashed is not signed",
    );
  }
  t.equal(paramsOf(sign(offer('realm="r", nonce="n", qop="auth-int,auth"'))).get("qop"), "auth");
});

t.test("challenges that are not answered say why", async (t) => {
  const rows: [string, string][] = [
    ["algorithm=FOO", "unknown algorithm in Digest challenge"],
    ["algorithm=FOO, qop=auth, stale=true", "unknown algorithm in Digest challenge"],
    ["", "legacy Digest challenge not supported"],
    ['realm="r", nonce="n", qop=""', "legacy Digest challenge not supported"],
    ['realm="r", nonce="n", qop="auth;auth-int"', "legacy Digest challenge not supported"],
    ['qop=auth, realm="r"', "missing parameter in Digest challenge"],
    ['qop=auth, nonce="n", stale=true', "missing parameter in Digest challenge"],
    [`${GOOD}, stale=true, domain="a\tb"`, "could not parse domain in Digest challenge"],
    [`${GOOD}, domain="a\tb"`, "could not parse domain in Digest challenge"],
    [`${GOOD}, domain="http://[::1/"`, "could not parse domain in Digest challenge"],
  ];
  for (const [params, reason] of rows) t.equal(offer(params), reason, params);
  t.equal(offer(GOOD, {}, null), "rejected Digest challenge");
  t.equal(
    offer('realm="r", nonce="n", algorithm=MD5-sess', { legacy: true }),
    "incompatible algorithm in Digest challenge",
  );
  const old = offer(GOOD) as Login;
  const signature = sign(old);
  const changed = "stale Digest challenge with new algorithm or realm";
  t.equal(offer('realm="q", nonce="n", qop=auth, stale=true', { old, signature }), changed);
  t.equal(offer(`${GOOD}, stale=TRUE, algorithm=SHA-256`, { old, signature }), changed);
});

t.test("stale means nothing where no nonce was used: an ordinary challenge", async (t) => {
  const old = offer(GOOD) as Login;
  const signature = sign(old);
  const stale = `realm="r", nonce="n2", qop="auth", stale=true`;
  const first = offer(stale);
  t.equal(paramsOf(sign(first)).get("nonce"), "n2");
  t.equal(offer(stale, {}, null), "rejected Digest challenge", "the callback is asked");
  t.not(offer(stale, { old }), old, "a login that did not sign the request");
  const basic = { old: basicLogin("Basic x", null), signature: { value: "Basic x", check: null } };
  t.equal(paramsOf(sign(offer(stale, basic))).get("nonce"), "n2");
  t.type(offer(stale, { ...basic, old: bearerLogin("x") }), "object");
  t.equal(offer(stale, { old, signature }, null), old, "of one that did the nonce is renewed");
});

t.test("a nonce is stale only so often in a row", async (t) => {
  const login = offer(GOOD) as Login;
  const signature = sign(login);
  const stale = (): Login | string =>
    offer(`${GOOD}, stale=true`, { old: login, signature }, null);
  for (let i = 0; i < 5; i++) t.equal(stale(), login, "nobody is asked");
  t.equal(stale(), "too many stale Digest challenges");
  resetStale(login);
  t.equal(stale(), login, "after a success it counts from the start");
});

t.test("user names", async (t) => {
  const refused = "could not handle username in Digest challenge";
  const utf8 = (text: string): string => Buffer.from(text).toString("latin1");
  const rows: [username: string, more: string, expected: string][] = [
    ["u", "", 'username="u"'],
    ["a b", ", userhash=false", 'username="a b"'],
    ["a\tb", "", 'username="a\tb"'],
    ["", "", 'username=""'],
    ['a"b', "", 'username="a\\"b"'],
    ["DOM\\user", "", 'username="DOM\\\\user"'],
    ['a"b', ", userhash=false", 'username="a\\"b"'],
    ["\u00e9", "", `username="${utf8("\u00e9")}"`],
    ["\u00e9", ", charset=UTF-8", `username="${utf8("\u00e9")}"`],
    ["\u00e9", ", userhash=TRUE", `username="${utf8("\u00e9")}"`],
    ["\u65e5\u672c", "", `username="${utf8("\u65e5\u672c")}"`],
    ["\u00e9 x", ", userhash=false", "username*=UTF-8''%c3%a9%20x"],
    ["a\x01b", "", refused],
    ["a\nb", "", refused],
  ];
  for (const [username, more, expected] of rows) {
    const login = offer(GOOD + more, {}, { username, password: "pw" });
    if (expected === refused) t.equal(login, refused);
    else t.ok(sign(login).value.includes(`, ${expected}, `), expected);
  }
  for (const username of ["\u00e9", "a\x01b", 'a"b']) {
    const hashed = offer(`${GOOD}, userhash=true`, {}, { username, password: "pw" });
    t.match(sign(hashed).value, /username="[0-9a-f]{32}".*userhash=true$/);
  }
  t.notMatch(sign(offer(`${GOOD}, userhash=TRUE`)).value, "userhash");
});

t.test("domains", async (t) => {
  const rows: [string, string, boolean][] = [
    ["/a", "/a/b", true],
    ["/a", "/ab", true],
    ["/a/", "/a", false],
    ["/q /a", "/a/b", true],
    ["/q", "/a/b", false],
    ["a", "/a/b", true],
    ["/a?x=1", "/a/b?y", true],
    ["", "/a", true],
    ["", "*", false],
    ["/q ", "/a", true],
    ["/q  /r", "/a", true],
    ["?x", "*", true],
    ["/q?x", "/a", true],
    ["/q#x", "/a", true],
    ["/q?x /a", "/b", false],
    ["http://u@host:8080/q", "/a", true],
    ["http://other/q", "/a", true],
    ["http://other/q /b", "/a", false],
    ["http://host:8080/a", "/a/b", true],
    ["HTTP://HOST:8080/a", "http://host:8080/a/b", true],
    ["/a", "*", false],
    ["/", "/x", true],
    ["foo:bar /b", "/a", false],
    ["/a/", "/a/../b", false],
    ["/a/", "/a/%2e%2E/b", false],
    ["/a/", "/b/../a/c", true],
  ];
  for (const [domain, target, signed] of rows) {
    const login = offer(`${GOOD}, domain="${domain}"`) as Login;
    const out = { method: "GET", target, connection: null };
    t.equal(settle(login.sign(out), () => null) !== null, signed, `${domain} for ${target}`);
    t.equal(login.applies(out), signed);
  }
  t.ok(sign(offer(`${GOOD}, domain="/q"`, { proxy: true })), "a proxy has none");
});

t.test("the server's proof", async (t) => {
  const signature = sign(offer(GOOD));
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const proof = md5(`${md5("u:r:pw")}:n:00000001:${CNONCE}:auth:${md5(":/a/b")}`);
  const rows: [string, string | null][] = [
    [`rspauth="${proof}", cnonce="${CNONCE}", nc=00000001, qop=auth`, null],
    [`rspauth=${proof}, cnonce="${CNONCE}", nc="0x1", qop="auth"`, null],
    [`rspauth="${proof}", cnonce="${CNONCE}", nc=1, qop=auth-int`, null],
    [`rspauth="wrong", cnonce="x", nc=1`, null],
    ["", null],
    ["qop=auth", "missing parameters"],
    [`cnonce="${CNONCE}", nc=00000001, qop=auth`, "missing parameters"],
    [`rspauth="${proof}", nc=00000001, qop=auth`, "missing parameters"],
    [`rspauth="${proof}", cnonce="${CNONCE}", qop=auth`, "missing parameters"],
    ["rspauth=x, cnonce=x, nc=zz, qop=auth", "client nonce mismatch"],
    [`rspauth=x, cnonce="${CNONCE}", nc=1z, qop=auth`, "could not parse nonce count"],
    [`rspauth=x, cnonce="${CNONCE}", nc=, qop=auth`, "nonce count mismatch (0 not 1)"],
    [`rspauth=x, cnonce="${CNONCE}", nc=-1, qop=auth`, "nonce count mismatch (4294967295 not 1)"],
    [`rspauth=${proof}, cnonce="${CNONCE}", nc="  +0x1", qop=auth`, null],
    [`rspauth=x, cnonce="${CNONCE}", nc=+, qop=auth`, "could not parse nonce count"],
    [`rspauth=x, cnonce="${CNONCE}", nc=0x, qop=auth`, "could not parse nonce count"],
    [
      `rspauth=x, cnonce="${CNONCE}", nc=1${"0".repeat(16)}, qop=auth`,
      "could not parse nonce count",
    ],
    [`rspauth='${proof}', cnonce="${CNONCE}", nc=1, qop=auth`, "request-digest mismatch"],
    ["rspauth=x, qop=x", null],
    ["rspauth=x, qop=auth-int", null],
    ['rspauth=x, qop="auth qop=auth"', null],
    ['rspauth=x, qop="auth,auth-int"', null],
    ["rspauth=x, qop=AUTH", "missing parameters"],
    [`rspauth=x, cnonce="${CNONCE}", nc=00000005, qop=auth`, "nonce count mismatch (5 not 1)"],
    [
      `rspauth=x, cnonce="${CNONCE}", nc=fffffffff, qop=auth`,
      "nonce count mismatch (4294967295 not 1)",
    ],
    [`rspauth=x, cnonce="${CNONCE}", nc=1, qop=auth`, "request-digest mismatch"],
    [
      `rspauth=${proof.toUpperCase()}, cnonce="${CNONCE}", nc=1, qop=auth`,
      "request-digest mismatch",
    ],
  ];
  for (const [info, problem] of rows) {
    const expected = problem === null ? null : `Digest mutual authentication failure: ${problem}`;
    t.equal(signature.check?.(info), expected, info);
  }
  const legacy = sign(offer('realm="r", nonce="n"', { legacy: true }));
  t.equal(
    legacy.check?.("qop=auth, nc=1, cnonce=x, rspauth=y"),
    "Digest mutual authentication failure: client nonce mismatch",
    "a proof that nobody could give",
  );
  t.equal(legacy.check?.("qop=auth-int, rspauth=y"), null);
});

t.test("strength: the stronger hash first, of two a session key", async (t) => {
  const strength = (params: string): number => {
    const [challenge] = parseChallenges(`Digest ${params}`, () => false);
    return challenge === undefined ? 0 : DIGEST.strength(challenge);
  };
  const order = [
    "FOO",
    "MD5",
    "MD5-sess",
    "SHA-256",
    "SHA-256-sess",
    "SHA-512-256",
    "SHA-512-256-sess",
  ];
  const strengths = order.map((name) => strength(`algorithm=${name}`));
  t.strictSame(
    strengths,
    [...strengths].sort((a, b) => a - b),
  );
  t.equal(new Set(strengths).size, order.length);
  t.equal(strength(""), strength("algorithm=MD5"), "none means MD5");
});

t.test("malformed: any parameters end in a login or a reason", async (t) => {
  let seed = 99;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const names = [
    "realm",
    "nonce",
    "qop",
    "algorithm",
    "stale",
    "domain",
    "opaque",
    "userhash",
    "x",
  ];
  const values = [
    "r",
    "",
    "auth",
    "auth-int",
    "MD5",
    "SHA-256-sess",
    "true",
    "http://[",
    "/a /b",
    '\\"',
    "\xff",
  ];
  let old: Login | null = null;
  for (let round = 0; round < 5000; round++) {
    const params: string[] = [];
    for (let i = next(9); i >= 0; i--) {
      params.push(`${names[next(names.length)]}="${values[next(values.length)]}"`);
    }
    const at = { old, signature: { value: "", check: null }, legacy: next(2) === 0 };
    const result: Login | string = offer(params.join(", "), at);
    if (typeof result === "string") {
      if (result === "") t.fail("no reason");
      continue;
    }
    old = result;
    const out = { method: "GET", target: "/a", connection: null };
    const value = settle(result.sign(out), () => "00")?.value ?? "";
    if (/[\r\n\0]/.test(value)) t.fail(JSON.stringify(value));
  }
});
