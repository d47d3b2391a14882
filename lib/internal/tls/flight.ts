// Looks into a server's first flight for its wish for a client certificate: the CertificateRequest,
// plain in TLS 1.2 (RFC 5246 7.4.4), under the handshake traffic key in TLS 1.3 (RFC 8446 4.3.2).
// Records come in as they arrive; nothing here changes them.

import { createDecipheriv, createHmac } from "node:crypto";
import { Der, orNull } from "../asn1/der.js";
import { parseName, type Name } from "../asn1/name.js";

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

const SERVER_HELLO = 2;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;
const FINISHED = 20;

/** Bytes of a flight that are held back at most: OpenSSL refuses longer certificate lists itself. */
const MAX_FLIGHT = 1 << 18;
const MAX_RECORD = 16384 + 2048;

const EMPTY = Buffer.alloc(0);

/** What a look into the flight has shown. */
export type Sight =
  /** Not decided yet; `names` of a request come with the end of the flight. */
  | { kind: "more" }
  /** TLS 1.3 wants another hello of the client first: what came until now must be passed on. */
  | { kind: "release" }
  /** TLS 1.3: the hello must be passed on for the keys to be made. */
  | { kind: "keys" }
  /** The server wants a certificate. */
  | { kind: "asked"; names: Name[] }
  /** It does not, or we cannot tell: the flight goes on unseen. */
  | { kind: "pass" };

interface Suite {
  hash: "sha256" | "sha384";
  cipher: "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305";
  keyBytes: number;
}

const SUITES: Readonly<Record<number, Suite>> = {
  0x1301: { hash: "sha256", cipher: "aes-128-gcm", keyBytes: 16 },
  0x1302: { hash: "sha384", cipher: "aes-256-gcm", keyBytes: 32 },
  0x1303: { hash: "sha256", cipher: "chacha20-poly1305", keyBytes: 32 },
};

/**
 * The server's flight, fed with bytes as they come.
 *
 *   plain ──(hello of 1.3)──► wait for the secret ──► sealed ──(Finished)──► decided
 *     └──(ServerHelloDone of 1.2)──► decided
 */
export class Flight {
  #chunks: Buffer[] = [];
  #have = 0;
  /** Bytes that the next record needs, as far as is known. */
  #need = 5;
  #seen = 0;
  #messages = Buffer.alloc(0);
  #retried = false;
  #suite: Suite | null = null;
  #keys: { key: Buffer; iv: Buffer } | null = null;
  #sequence = 0;
  #names: Name[] | null = null;

  /** Adds bytes from the server and looks at them. */
  feed(chunk: Buffer): Sight {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    this.#seen += chunk.length;
    return this.look();
  }

  /** TLS 1.3: the server's handshake traffic secret. */
  setSecret(secret: Buffer): Sight {
    const suite = this.#suite;
    if (suite === null) return { kind: "pass" };
    this.#keys = {
      key: expandLabel(suite.hash, secret, "key", suite.keyBytes),
      iv: expandLabel(suite.hash, secret, "iv", 12),
    };
    return this.look();
  }

  /** Looks at the records that are complete. */
  look(): Sight {
    for (;;) {
      if (this.#seen > MAX_FLIGHT) return { kind: "pass" };
      if (this.#suite !== null && this.#keys === null) return { kind: "keys" };
      const record = this.#record();
      if (record === "more" || record === "pass") return { kind: record };
      const sight = this.#readMessages(record);
      if (sight !== null) return sight;
    }
  }

  // The handshake bytes of the next record.
  #record(): Buffer | "more" | "pass" {
    if (this.#have < this.#need) return "more";
    const rest = Buffer.concat(this.#chunks);
    this.#chunks = [rest];
    const type = rest[0];
    const length = rest.readUInt16BE(3);
    if (length > MAX_RECORD || rest[1] !== 3) return "pass";
    this.#need = 5 + length;
    if (rest.length < this.#need) return "more";
    this.#chunks = [rest.subarray(this.#need)];
    this.#have -= this.#need;
    this.#need = 5;
    const header = rest.subarray(0, 5);
    const body = rest.subarray(5, 5 + length);
    // in TLS 1.3 this record means nothing; in TLS 1.2 a resumed session begins with it
    if (type === CHANGE_CIPHER_SPEC && (this.#keys !== null || this.#retried)) return EMPTY;
    if (type === HANDSHAKE && this.#keys === null) return body;
    if (type !== APPLICATION_DATA || this.#keys === null || this.#suite === null) return "pass";
    return this.#decrypt(header, body) ?? "pass";
  }

  // RFC 8446 5.2; null for a record that is no handshake
  #decrypt(header: Buffer, body: Buffer): Buffer | null {
    const { key, iv } = this.#keys as { key: Buffer; iv: Buffer };
    const nonce = Buffer.from(iv);
    for (let i = 0, n = this.#sequence; i < 6; i += 1, n = Math.floor(n / 256)) {
      nonce[11 - i] = (nonce[11 - i] ?? 0) ^ (n & 0xff);
    }
    this.#sequence += 1;
    if (body.length < 17) return null;
    try {
      const cipher = createDecipheriv((this.#suite as Suite).cipher as "aes-128-gcm", key, nonce, {
        authTagLength: 16,
      });
      cipher.setAAD(header, { plaintextLength: body.length - 16 });
      cipher.setAuthTag(body.subarray(-16));
      const plain = Buffer.concat([cipher.update(body.subarray(0, -16)), cipher.final()]);
      let end = plain.length;
      while (end > 0 && plain[end - 1] === 0) end -= 1;
      return plain[end - 1] === HANDSHAKE ? plain.subarray(0, end - 1) : null;
    } catch {
      return null;
    }
  }

  // Whole handshake messages; null if more records are needed.
  #readMessages(bytes: Buffer): Sight | null {
    this.#messages = Buffer.concat([this.#messages, bytes]);
    while (this.#messages.length >= 4) {
      const length = this.#messages.readUIntBE(1, 3);
      if (length > MAX_FLIGHT) return { kind: "pass" };
      if (this.#messages.length < 4 + length) break;
      const type = this.#messages[0] as number;
      const body = this.#messages.subarray(4, 4 + length);
      this.#messages = this.#messages.subarray(4 + length);
      const sight = this.#readMessage(type, body);
      if (sight !== null) return sight;
    }
    return null;
  }

  #readMessage(type: number, body: Buffer): Sight | null {
    const tls13 = this.#keys !== null;
    if (type === SERVER_HELLO && !tls13) {
      if (isRetry(body)) {
        this.#retried = true;
        return { kind: "release" };
      }
      this.#suite = tls13Suite(body);
      return null;
    }
    if (type === CERTIFICATE_REQUEST) {
      this.#names = tls13 ? requestedNames13(body) : requestedNames12(body);
    }
    // the client may act only when the flight is over
    if (type === (tls13 ? FINISHED : SERVER_HELLO_DONE)) {
      return this.#names === null ? { kind: "pass" } : { kind: "asked", names: this.#names };
    }
    return null;
  }
}

// HelloRetryRequest is a ServerHello with this random (RFC 8446 4.1.3).
const RETRY = Buffer.from(
  "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c",
  "hex",
);

function isRetry(hello: Buffer): boolean {
  return hello.subarray(2, 34).equals(RETRY);
}

// The suite if the hello chooses TLS 1.3, else null.
function tls13Suite(hello: Buffer): Suite | null {
  if (hello.length < 38) return null;
  const sessionId = hello[34] ?? 0;
  const at = 35 + sessionId;
  if (hello.length < at + 5) return null;
  const suite = SUITES[hello.readUInt16BE(at)];
  const extensions = vectors(hello.subarray(at + 3));
  const version = extensions.find(({ type }) => type === 43)?.body;
  return version?.length === 2 && version.readUInt16BE(0) === 0x0304 ? (suite ?? null) : null;
}

// Extensions behind their length.
function vectors(bytes: Buffer): { type: number; body: Buffer }[] {
  const found: { type: number; body: Buffer }[] = [];
  if (bytes.length < 2) return found;
  const list = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
  for (let at = 0; at + 4 <= list.length; ) {
    const end = at + 4 + list.readUInt16BE(at + 2);
    if (end > list.length) break;
    found.push({ type: list.readUInt16BE(at), body: list.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

// certificate types, signature algorithms, names
function requestedNames12(body: Buffer): Name[] {
  const types = body[0] ?? 0;
  const algorithmsAt = 1 + types;
  if (body.length < algorithmsAt + 2) return [];
  const namesAt = algorithmsAt + 2 + body.readUInt16BE(algorithmsAt);
  return namesOf(body.subarray(namesAt));
}

// request context, extensions: certificate_authorities is number 47 (RFC 8446 4.2.4)
function requestedNames13(body: Buffer): Name[] {
  const context = body[0] ?? 0;
  const authorities = vectors(body.subarray(1 + context)).find(({ type }) => type === 47);
  return authorities === undefined ? [] : namesOf(authorities.body);
}

function namesOf(bytes: Buffer): Name[] {
  const names: Name[] = [];
  if (bytes.length < 2) return names;
  const list = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
  for (let at = 0; at + 2 <= list.length; ) {
    const end = at + 2 + list.readUInt16BE(at);
    if (end > list.length) break;
    const der = list.subarray(at + 2, end);
    const name = orNull(() => parseName(new Der(der).element()));
    if (name !== null) names.push(name);
    at = end;
  }
  return names;
}

// HKDF-Expand-Label with an empty context (RFC 8446 7.1); never longer than one hash here
function expandLabel(hash: "sha256" | "sha384", secret: Buffer, label: string, bytes: number): Buffer {
  const text = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([
    Buffer.from([bytes >> 8, bytes & 0xff, text.length]),
    text,
    Buffer.from([0, 1]),
  ]);
  return createHmac(hash, secret).update(info).digest().subarray(0, bytes);
}
