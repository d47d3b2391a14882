// Basic (RFC 7617) and Digest (RFC 7616) on the server's side, for the demo's WebDAV server: one
// user, and for Digest a fresh nonce each time one is asked for.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Exchange, Refusal } from "./share.js";

const MAX_NONCES = 1000; // the oldest are forgotten, their users told that they are stale

/** Who may come in, and how they say who they are. */
export interface DavCredentials {
  scheme: "basic" | "digest";
  username: string;
  password: string;
  /** default `libneon demo` */
  realm?: string;
  /** Digest: default `SHA-256` */
  algorithm?: "MD5" | "SHA-256";
}

/** Turns away, with 401, who does not give the right name and password. */
export class Gate {
  #credentials: Required<DavCredentials>;
  #nonces = new Map<string, number>(); // nonce → highest count seen

  constructor(credentials: DavCredentials) {
    this.#credentials = { realm: "libneon demo", algorithm: "SHA-256", ...credentials };
  }

  check(x: Exchange): void {
    const field = x.req.headers.authorization ?? "";
    if (this.#credentials.scheme === "basic") this.#checkBasic(field);
    else this.#checkDigest(x, field);
  }

  #checkBasic(field: string): void {
    const { username, password, realm } = this.#credentials;
    const given = /^basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(field)?.[1] ?? "";
    if (same(Buffer.from(given, "base64").toString(), `${username}:${password}`)) return;
    refuse(`Basic realm="${realm}", charset="UTF-8"`);
  }

  #checkDigest(x: Exchange, field: string): void {
    const { username, password, realm } = this.#credentials;
    const given = parseParameters(field, "digest");
    const { nonce = "", nc = "", cnonce = "", qop = "", uri = "", response = "" } = given;
    const ha1 = this.#hash(`${username}:${realm}:${password}`);
    const tail = `${nonce}:${nc}:${cnonce}:${qop}`;
    const expected = this.#hash(`${ha1}:${tail}:${this.#hash(`${x.method}:${uri}`)}`);
    const right =
      same(given["username"] ?? "", username) &&
      qop === "auth" &&
      uri === x.req.url &&
      same(response, expected);
    const seen = this.#nonces.get(nonce);
    const count = /^[0-9a-f]{8}$/i.test(nc) ? parseInt(nc, 16) : 0;
    if (!right || seen === undefined || count <= seen) return this.#challenge(right);
    this.#nonces.set(nonce, count);
    const rspauth = this.#hash(`${ha1}:${tail}:${this.#hash(`:${uri}`)}`);
    x.res.setHeader(
      "Authentication-Info",
      `rspauth="${rspauth}", cnonce="${cnonce}", nc=${nc}, qop=auth`,
    );
  }

  #challenge(stale: boolean): never {
    const { realm, algorithm } = this.#credentials;
    const nonce = randomBytes(18).toString("base64url");
    this.#nonces.set(nonce, 0);
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= MAX_NONCES) break;
      this.#nonces.delete(oldest);
    }
    const more = stale ? ", stale=true" : "";
    refuse(`Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${more}`);
  }

  #hash(text: string): string {
    const name = this.#credentials.algorithm === "MD5" ? "md5" : "sha256";
    return createHash(name).update(text).digest("hex");
  }
}

function refuse(challenge: string): never {
  throw new Refusal(401, {}, { "WWW-Authenticate": challenge });
}

function same(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function parseParameters(field: string, scheme: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  if (field.slice(0, scheme.length + 1).toLowerCase() !== `${scheme} `) return parameters;
  const one = /([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))\s*(?:,\s*|$)/g;
  for (const [, name = "", quoted, token] of field.slice(scheme.length + 1).matchAll(one)) {
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
  }
  return parameters;
}
