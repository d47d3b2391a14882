// Digest authentication: RFC 7616 and 2617, and RFC 2069 where it is allowed. Where neon and the
// RFCs leave a choice it is neon's: order and quoting of the parameters, one client nonce and one
// domain for each challenge that is not stale, a -sess key made once from the first nonce, a
// server's proof judged only with qop.
//
//   challenge ──► login (nonce n, count 0) ── sign ──► count 1, 2, …
//       stale, or nextnonce in an answer: ──► the same login, new nonce, count 0
import { createHash } from "node:crypto";
import { ne_base64, ne_strparam } from "../../ne_string.js";
import { ne_uri, ne_uri_parse, ne_uri_resolve, ne_uri_defaultport } from "../../ne_uri.js";
import { latin1Bytes } from "../base/bytes.js";
import { resolvedPath } from "./basic.js";
import { parseParams, quote, type Challenge } from "./challenge.js";
import { NE_AUTH_DIGEST } from "./protocol_bits.js";
import {
  askPassword,
  hasControl,
  rejected,
  type Circumstances,
  type Credentials,
  type Login,
  type Outgoing,
  type Scheme,
  type Signature,
} from "./scheme.js";

interface Algorithm {
  readonly name: string;
  /** The name that node:crypto knows. */
  readonly hash: string;
  readonly session: boolean;
}

// from the weakest to the strongest
const ALGORITHMS: readonly Algorithm[] = [
  { name: "MD5", hash: "md5", session: false },
  { name: "MD5-sess", hash: "md5", session: true },
  { name: "SHA-256", hash: "sha256", session: false },
  { name: "SHA-256-sess", hash: "sha256", session: true },
  { name: "SHA-512-256", hash: "sha512-256", session: false },
  { name: "SHA-512-256-sess", hash: "sha512-256", session: true },
];

/** How often in a row a server may call a nonce stale before it is given up. */
const MAX_STALE = 5;

type Qop = "auth" | "auth-int" | null;

interface DigestLogin extends Login {
  readonly digest: State;
}

// What a login remembers; the nonce changes while it is in use.
interface State {
  readonly algorithm: Algorithm;
  readonly realm: string;
  readonly userField: string;
  readonly userhash: boolean;
  /** H(A1), in hex. */
  readonly key: string;
  readonly cnonce: string;
  /** Beginnings of the paths that it is for; `null` is all. */
  readonly domain: readonly string[] | null;
  qop: Qop;
  opaque: string | null;
  nonce: string;
  count: number;
  /** Challenges called stale since the last one that was not. */
  stale: number;
}

/** Digest. */
export const DIGEST: Scheme = {
  protocols: NE_AUTH_DIGEST,
  protocol: NE_AUTH_DIGEST,
  name: "Digest",
  token: false,
  strength(challenge) {
    const algorithm = algorithmOf(challenge);
    return 21 + (algorithm === undefined ? -1 : ALGORITHMS.indexOf(algorithm));
  },
  *challenge(challenge, at) {
    const algorithm = algorithmOf(challenge);
    if (algorithm === undefined) return "unknown algorithm in Digest challenge";
    const qop = qopOf(challenge.params.get("qop"));
    if (qop === null && !at.legacy) return "legacy Digest challenge not supported";
    const realm = challenge.params.get("realm");
    const nonce = challenge.params.get("nonce");
    if (realm === undefined || nonce === undefined) return "missing parameter in Digest challenge";
    // RFC 2069 knows no client nonce to make a session key from
    if (qop === null && algorithm.session) return "incompatible algorithm in Digest challenge";
    const opaque = challenge.params.get("opaque") ?? null;
    const old = challenge.params.get("stale")?.toLowerCase() === "true" ? signedWith(at) : null;
    if (old !== null) {
      const problem = staleProblem(old, algorithm, realm);
      return problem ?? renew(old, nonce, opaque, qop);
    }
    const domain = at.proxy ? null : domainOf(challenge.params.get("domain"), at);
    if (domain === undefined) return "could not parse domain in Digest challenge";

    const creds = yield* askPassword(realm);
    if (creds === null) return rejected(DIGEST);
    const hashing = challenge.params.get("userhash");
    const userField = userFieldOf(creds, algorithm, realm, hashing);
    if (userField === null) return "could not handle username in Digest challenge";
    const cnonce = ne_base64(at.random(32));
    const key = keyOf(algorithm, creds, realm, nonce, cnonce);
    const userhash = hashing === "true";
    return digestLogin({
      algorithm,
      realm,
      userField,
      userhash,
      qop,
      key,
      opaque,
      nonce,
      cnonce,
      domain,
      count: 0,
      stale: 0,
    });
  },
};

function digestLogin(digest: State): DigestLogin {
  return {
    scheme: DIGEST,
    bound: false,
    digest,
    applies: (out) => inDomain(digest.domain, out.target),
    *sign(out) {
      if (!inDomain(digest.domain, out.target)) return null;
      let bodyHash = "";
      if (digest.qop === "auth-int") {
        const hashed = yield { want: "bodyHash", algorithm: digest.algorithm.hash };
        if (typeof hashed !== "string") return null;
        bodyHash = hashed;
      }
      return signature(digest, out, bodyHash);
    },
  };
}

function signature(d: State, out: Outgoing, bodyHash: string): Signature {
  const { algorithm, key, nonce, cnonce, qop } = d;
  const count = ++d.count;
  const nc = count.toString(16).padStart(8, "0");
  // the digest of RFC 7616, 3.4.1 (a2 begins with the method) and 3.5 (it begins with the colon)
  const response = (method: string, body: string): string => {
    const a2 = `${method}:${out.target}${qop === "auth-int" ? `:${body}` : ""}`;
    const middle = qop === null ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
    return hash(algorithm, `${key}:${middle}:${hash(algorithm, a2)}`);
  };
  const value = [
    `Digest realm=${quote(d.realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(out.target)}`,
    `response="${response(out.method, bodyHash)}"`,
    `algorithm="${algorithm.name}"`,
    d.userField,
    ...(d.opaque === null ? [] : [`opaque=${quote(d.opaque)}`]),
    ...(qop === null ? [] : [`cnonce="${cnonce}"`, `nc=${nc}`, `qop="${qop}"`]),
    ...(d.userhash ? ["userhash=true"] : []),
  ].join(", ");
  let given: string | null = null;
  const check = (info: string, body = ""): string | null => {
    const params = parseParams(info);
    const proves = params.get("qop")?.toLowerCase() === (qop ?? "auth");
    const sent = qop === null ? null : cnonce;
    const problem = proves ? judge(params, sent, count, () => response("", body)) : null;
    const next = params.get("nextnonce");
    // an answer to an older nonce may come after the nonce was changed by another request's, and
    // the trailer of a response after its header
    const isUnused = d.nonce === given && d.count === 0;
    if (next !== undefined && (d.nonce === nonce || isUnused)) {
      given = next;
      d.nonce = next;
      d.count = 0;
    }
    return problem === null ? null : `Digest mutual authentication failure: ${problem}`;
  };
  return qop === "auth-int" ? { value, check, bodyAlgorithm: algorithm.hash } : { value, check };
}

// What is wrong with the server's proof: RFC 7616, 3.5.
function judge(
  params: ReadonlyMap<string, string>,
  cnonce: string | null,
  count: number,
  expected: () => string,
): string | null {
  const rspauth = params.get("rspauth");
  const nc = params.get("nc");
  if (rspauth === undefined || nc === undefined || !params.has("cnonce")) {
    return "missing parameters";
  }
  if (params.get("cnonce") !== cnonce) return "client nonce mismatch";
  const theirs = parseCount(nc);
  if (theirs === null) return "could not parse nonce count";
  if (theirs !== count) return `nonce count mismatch (${theirs} not ${count})`;
  return rspauth === expected() ? null : "request-digest mismatch";
}

// As strtoul reads hexadecimal, cut to 32 bits.
function parseCount(text: string): number | null {
  if (text === "") return 0;
  const number = /^[ \t]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?0*([0-9a-fA-F]{1,16})$/.exec(text);
  if (number === null) return null;
  const count = BigInt(`0x${number[2]}`);
  return Number(BigInt.asUintN(32, number[1] === "-" ? -count : count));
}

function algorithmOf(challenge: Challenge): Algorithm | undefined {
  const name = (challenge.params.get("algorithm") ?? "MD5").toLowerCase();
  return ALGORITHMS.find((algorithm) => algorithm.name.toLowerCase() === name);
}

function qopOf(value: string | undefined): Qop {
  const offered = (value ?? "")
    .toLowerCase()
    .split(",")
    .map((qop) => qop.trim());
  if (offered.includes("auth")) return "auth";
  return offered.includes("auth-int") ? "auth-int" : null;
}

// The login whose nonce may be stale. A challenge can't say that of a nonce that was not used: some
// servers call every challenge stale, and there it means nothing.
function signedWith({ signature, old }: Circumstances): DigestLogin | null {
  return signature !== null && isDigest(old) ? old : null;
}

function isDigest(login: Login | null): login is DigestLogin {
  return login?.scheme === DIGEST;
}

function staleProblem(old: DigestLogin, algorithm: Algorithm, realm: string): string | null {
  const { digest } = old;
  if (digest.algorithm !== algorithm || digest.realm !== realm) {
    return "stale Digest challenge with new algorithm or realm";
  }
  return digest.stale >= MAX_STALE ? "too many stale Digest challenges" : null;
}

// A stale challenge brings a nonce; of all else it may change only what it names.
function renew(login: DigestLogin, nonce: string, opaque: string | null, qop: Qop): Login {
  const d = login.digest;
  Object.assign(d, { nonce, opaque: opaque ?? d.opaque, qop, count: 0, stale: d.stale + 1 });
  return login;
}

/** A request signed with this login was accepted: stale challenges count from the start again. */
export function resetStale(login: Login): void {
  if (isDigest(login)) login.digest.stale = 0;
}

// The realm is raw bytes, user name and password are UTF-8 (RFC 7616, 4).
function keyOf(
  algorithm: Algorithm,
  creds: Credentials,
  realm: string,
  nonce: string,
  cnonce: string,
): string {
  const a1 = createHash(algorithm.hash)
    .update(`${creds.username}:`)
    .update(latin1Bytes(realm))
    .update(`:${creds.password}`)
    .digest("hex");
  return algorithm.session ? hash(algorithm, `${a1}:${nonce}:${cnonce}`) : a1;
}

function hash(algorithm: Algorithm, latin1: string): string {
  return createHash(algorithm.hash).update(latin1Bytes(latin1)).digest("hex");
}

// RFC 7616, 3.4 and 3.4.4: hashed where the server can do that; outside ASCII in the extended form
// where the server shows that it knows its RFC, else in UTF-8 as other clients send it. `null` for
// a control character, which no quoted-string may hold.
function userFieldOf(
  creds: Credentials,
  algorithm: Algorithm,
  realm: string,
  userhash: string | undefined,
): string | null {
  const { username } = creds;
  if (userhash === "true") {
    const hashed = createHash(algorithm.hash)
      .update(`${username}:`)
      .update(latin1Bytes(realm))
      .digest("hex");
    return `username="${hashed}"`;
  }
  if (userhash === "false" && /[^\t\x20-\x7e]/.test(username)) {
    const extended = ne_strparam("UTF-8", null, username);
    if (extended !== null) return `username*=${extended}`;
  }
  if (hasControl(username)) return null;
  return `username=${quote(Buffer.from(username, "utf8").toString("latin1"))}`;
}

// The path beginnings of a domain parameter that lie on the server itself; `null` where there are
// none, so that no request is left out; `undefined` for what is no list of URIs. An empty one is
// the whole server; one with user info, a query or a fragment is passed over.
function domainOf(
  value: string | undefined,
  at: Circumstances,
): readonly string[] | null | undefined {
  if (value === undefined) return null;
  const base = Object.assign(new ne_uri(), at.origin, { path: "/" });
  const paths: string[] = [];
  for (const reference of value.split(" ")) {
    const relative = new ne_uri();
    if (ne_uri_parse(reference, relative) !== 0) return undefined;
    const uri = ne_uri_resolve(base, relative, new ne_uri());
    const port = uri.port === 0 ? ne_uri_defaultport(uri.scheme ?? "") : uri.port;
    const bare = uri.userinfo === null && uri.query === null && uri.fragment === null;
    const here =
      bare &&
      uri.scheme?.toLowerCase() === at.origin.scheme.toLowerCase() &&
      uri.host?.toLowerCase() === at.origin.host.toLowerCase() &&
      port === at.origin.port;
    if (here && uri.path !== null) paths.push(uri.path);
  }
  return paths.length > 0 ? paths : null;
}

function inDomain(domain: readonly string[] | null, target: string): boolean {
  if (domain === null) return true;
  const path = resolvedPath(target);
  return path !== null && domain.some((prefix) => path.startsWith(prefix));
}
