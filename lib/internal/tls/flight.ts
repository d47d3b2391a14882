// Looks into a server's first flight for its wish for a client certificate: the CertificateRequest,
// plain in TLS 1.2 (RFC 5246 7.4.4), under the handshake traffic key in TLS 1.3 (RFC 8446 4.3.2).
// Records come in as they arrive; nothing here changes them.

import { parseNameOf, type Name } from "../asn1/name.js";
import { Pieces } from "../base/byte_queue.js";
import { RecordKeys, SUITES, type Suite } from "./record_layer.js";

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

const SERVER_HELLO = 2;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;
const FINISHED = 20;

/** Bytes of a flight that are held back at most: OpenSSL refuses longer lists itself. */
const MAX_FLIGHT = 1 << 18;
const MAX_RECORD = 16384 + 2048;

const EMPTY = Buffer.alloc(0);
/** A peer could send such for ever (RFC 8446 5.1 forbids them). */
const NO_PIECE: FlightEvent = { kind: "broken", reason: "empty handshake record" };

/** What a look into the flight has shown. */
export type FlightEvent =
  /** Not decided yet; `names` of a request come with the end of the flight. */
  | { kind: "more" }
  /** TLS 1.3 wants another hello of the client first: what came until now must be passed on. */
  | { kind: "release" }
  /** TLS 1.3: the hello must be passed on for the keys to be made. */
  | { kind: "keys" }
  /** The server wants a certificate. */
  | { kind: "asked"; names: Name[]; late: LateRequest | null }
  /** It does not, or we cannot tell: the flight goes on unseen. */
  | { kind: "pass" }
  /** No server may do so: the handshake is over. */
  | { kind: "broken"; reason: string };

/** What answering a request of TLS 1.3 by hand needs (tls/late_certificate.ts). */
export interface LateRequest {
  suite: Suite;
  /** Hellos and the server's messages, each whole, as they count for the transcript. */
  transcript: Buffer[];
  /** The context that the request wants back. */
  context: Buffer;
  /** Signature schemes that the server accepts. */
  schemes: number[];
}

interface Request {
  names: Name[];
  context: Buffer;
  schemes: number[];
}

/**
 * The server's flight, fed with bytes as they come.
 *
 *   plain ──(hello of 1.3)──► wait for the secret ──► sealed ──(Finished)──► decided
 *     └──(ServerHelloDone of 1.2)──► decided
 */
export class Flight {
  #records = new Pieces();
  #messages = new Pieces();
  #seen = 0;
  #retried = false;
  #suite: Suite | null = null;
  #keys: RecordKeys | null = null;
  #request: Request | null = null;
  #transcript: Buffer[] = [];

  /** Adds bytes from the server and looks at them. */
  feed(chunk: Buffer): FlightEvent {
    this.#records.push(chunk);
    this.#seen += chunk.length;
    return this.look();
  }

  /** TLS 1.3: the server's handshake traffic secret. */
  setSecret(secret: Buffer): FlightEvent {
    const suite = this.#suite;
    if (suite === null) return { kind: "pass" };
    this.#keys = new RecordKeys(suite, secret);
    return this.look();
  }

  /** A hello of the client, which the server's answers follow in the transcript. */
  addHello(message: Buffer): void {
    this.#transcript.push(message);
  }

  /** Looks at the records that are complete. */
  look(): FlightEvent {
    for (;;) {
      if (this.#seen > MAX_FLIGHT) return { kind: "pass" };
      if (this.#suite !== null && this.#keys === null) return { kind: "keys" };
      const record = this.#record();
      if (!Buffer.isBuffer(record)) return record;
      const event = this.#readMessages(record);
      if (event !== null) return event;
    }
  }

  // The handshake bytes of the next record.
  #record(): Buffer | FlightEvent {
    const header = this.#records.peek(5);
    if (header === null) return { kind: "more" };
    const type = header[0];
    const length = header.readUInt16BE(3);
    if (length > MAX_RECORD || header[1] !== 3) return { kind: "pass" };
    const record = this.#records.take(5 + length);
    if (record === null) return { kind: "more" };
    const body = record.subarray(5);
    // in TLS 1.3 this record means nothing; in TLS 1.2 a resumed session begins with it
    if (type === CHANGE_CIPHER_SPEC && (this.#keys !== null || this.#retried)) return EMPTY;
    if (type === HANDSHAKE && this.#keys === null) return body.length > 0 ? body : NO_PIECE;
    if (type !== APPLICATION_DATA || this.#keys === null) return { kind: "pass" };
    const plain = this.#keys.open(record.subarray(0, 5), body);
    if (plain?.type !== HANDSHAKE) return { kind: "pass" };
    return plain.content.length > 0 ? plain.content : NO_PIECE;
  }

  // Whole handshake messages; null if more records are needed.
  #readMessages(bytes: Buffer): FlightEvent | null {
    this.#messages.push(bytes);
    for (;;) {
      const header = this.#messages.peek(4);
      if (header === null) return null;
      const length = header.readUIntBE(1, 3);
      if (length > MAX_FLIGHT) return { kind: "pass" };
      const message = this.#messages.take(4 + length);
      if (message === null) return null;
      this.#transcript.push(message);
      const event = this.#readMessage(message[0] ?? 0, message.subarray(4));
      if (event !== null) return event;
    }
  }

  #readMessage(type: number, body: Buffer): FlightEvent | null {
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
      this.#request = tls13 ? readRequest13(body) : readRequest12(body);
    }
    // the client may act only when the flight is over
    if (type === (tls13 ? FINISHED : SERVER_HELLO_DONE)) {
      if (this.#request === null) return { kind: "pass" };
      const { names, context, schemes } = this.#request;
      const transcript = this.#transcript;
      const late = this.#suite && { suite: this.#suite, transcript, context, schemes };
      return { kind: "asked", names, late };
    }
    return null;
  }
}

// HelloRetryRequest is a ServerHello with this random (RFC 8446 4.1.3).
const RETRY = Buffer.from(
  "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c",
  "hex",
);

/** Whether a server's hello only asks for another hello of the client. */
export function isRetry(hello: Buffer): boolean {
  return hello.subarray(2, 34).equals(RETRY);
}

// The suite if the hello chooses TLS 1.3, else null.
function tls13Suite(hello: Buffer): Suite | null {
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
  for (let at = 0; at + 4 <= list.length;) {
    const end = at + 4 + list.readUInt16BE(at + 2);
    if (end > list.length) break;
    found.push({ type: list.readUInt16BE(at), body: list.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

// certificate types, signature algorithms, names
function readRequest12(body: Buffer): Request {
  const request: Request = { names: [], context: EMPTY, schemes: [] };
  const types = body[0] ?? 0;
  const algorithmsAt = 1 + types;
  if (body.length < algorithmsAt + 2) return request;
  const namesAt = algorithmsAt + 2 + body.readUInt16BE(algorithmsAt);
  return { ...request, names: namesOf(body.subarray(namesAt)) };
}

// request context, extensions: certificate_authorities is number 47 (RFC 8446 4.2.4),
// signature_algorithms number 13
function readRequest13(body: Buffer): Request {
  const context = body.subarray(1, 1 + (body[0] ?? 0));
  const extensions = vectors(body.subarray(1 + context.length));
  const find = (number: number): Buffer =>
    extensions.find(({ type }) => type === number)?.body ?? EMPTY;
  const list = find(13).subarray(2);
  const schemes: number[] = [];
  for (let at = 0; at + 2 <= list.length; at += 2) schemes.push(list.readUInt16BE(at));
  return { names: namesOf(find(47)), context, schemes };
}

function namesOf(bytes: Buffer): Name[] {
  const names: Name[] = [];
  if (bytes.length < 2) return names;
  const list = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
  for (let at = 0; at + 2 <= list.length;) {
    const end = at + 2 + list.readUInt16BE(at);
    if (end > list.length) break;
    const der = list.subarray(at + 2, end);
    const name = parseNameOf(der);
    if (name !== null) names.push(name);
    at = end;
  }
  return names;
}
