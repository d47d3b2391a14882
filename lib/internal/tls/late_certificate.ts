// A client certificate chosen after the handshake has begun. Node cannot take one up any more, so
// its answer to the server's request, an empty certificate, is replaced on its way out (RFC 8446
// 4.4): Certificate, CertificateVerify, and a Finished that covers them. The keys of the connection
// do not depend on these messages; a session ticket's key does: such a connection is not resumed.
//
//   node:tls ─[CCS][Certificate ()][Finished]─► LateFlight ─[CCS][Certificate][Verify][Finished]─►

import {
  constants,
  createHash,
  createHmac,
  sign,
  type KeyObject,
  type SigningOptions,
} from "node:crypto";
import { isRetry, type LateRequest } from "./flight.js";
import { RecordKeys, expandLabel, type Suite } from "./record_layer.js";

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const CERTIFICATE = 11;
const CERTIFICATE_VERIFY = 15;
const FINISHED = 20;
const MESSAGE_HASH = 254;

/** The certificate to show: its DER, those of its issuers, and the key. */
export interface Shown {
  chain: readonly Buffer[];
  key: KeyObject;
}

interface Scheme {
  number: number;
  hash: string | null;
  options: SigningOptions;
}

const PSS: SigningOptions = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
};

// Signature schemes by type of key (RFC 8446 4.2.3), the best first.
const SCHEMES: Readonly<Record<string, readonly Scheme[]>> = {
  "rsa": [
    { number: 0x0804, hash: "sha256", options: PSS },
    { number: 0x0805, hash: "sha384", options: PSS },
    { number: 0x0806, hash: "sha512", options: PSS },
  ],
  "rsa-pss": [
    { number: 0x0809, hash: "sha256", options: PSS },
    { number: 0x080a, hash: "sha384", options: PSS },
    { number: 0x080b, hash: "sha512", options: PSS },
  ],
  "ec prime256v1": [{ number: 0x0403, hash: "sha256", options: {} }],
  "ec secp384r1": [{ number: 0x0503, hash: "sha384", options: {} }],
  "ec secp521r1": [{ number: 0x0603, hash: "sha512", options: {} }],
  "ed25519": [{ number: 0x0807, hash: null, options: {} }],
  "ed448": [{ number: 0x0808, hash: null, options: {} }],
};

/** The scheme that server and key have in common, if any. */
function schemeFor(key: KeyObject, accepted: readonly number[]): Scheme | undefined {
  const type = key.asymmetricKeyType ?? "";
  const name = type === "ec" ? `ec ${key.asymmetricKeyDetails?.namedCurve ?? ""}` : type;
  const schemes = Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined;
  return schemes?.find(({ number }) => accepted.includes(number));
}

/** Whether this certificate can be shown at all: if not, none is. */
export function canShow(request: LateRequest, shown: Shown): boolean {
  return schemeFor(shown.key, request.schemes) !== undefined;
}

/** Replaces the client's flight. Fed with what node:tls writes, it gives what is to be sent. */
export class LateFlight {
  #request: LateRequest;
  #shown: Shown;
  #secret: Buffer;
  #incoming: RecordKeys;
  #pending = Buffer.alloc(0);
  #messages = Buffer.alloc(0);
  #originals: Buffer[] = [];
  /** Whether the flight is over: from now on nothing is to be fed. */
  done = false;

  constructor(request: LateRequest, secret: Buffer, shown: Shown) {
    this.#request = request;
    this.#shown = shown;
    this.#secret = secret;
    this.#incoming = new RecordKeys(request.suite, secret);
  }

  feed(bytes: Buffer): Buffer {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const out: Buffer[] = [];
    while (!this.done && this.#pending.length >= 5) {
      const length = 5 + this.#pending.readUInt16BE(3);
      if (this.#pending.length < length) break;
      const record = this.#pending.subarray(0, length);
      this.#pending = this.#pending.subarray(length);
      out.push(this.#replace(record));
    }
    if (this.done) {
      out.push(this.#pending);
      this.#pending = Buffer.alloc(0);
    }
    return Buffer.concat(out);
  }

  #replace(record: Buffer): Buffer {
    const type = record[0];
    if (type === CHANGE_CIPHER_SPEC) return record;
    const opened =
      type === APPLICATION_DATA
        ? this.#incoming.open(record.subarray(0, 5), record.subarray(5))
        : null;
    this.#originals.push(record);
    if (opened?.type !== HANDSHAKE) return this.#giveUp(); // an alert: the handshake has failed
    this.#messages = Buffer.concat([this.#messages, opened.content]);
    for (let at = 0; at + 4 <= this.#messages.length;) {
      const end = at + 4 + this.#messages.readUIntBE(at + 1, 3);
      if (end > this.#messages.length) break;
      if (this.#messages[at] === FINISHED) return this.#show();
      at = end;
    }
    return Buffer.alloc(0);
  }

  #giveUp(): Buffer {
    this.done = true;
    return Buffer.concat(this.#originals);
  }

  #show(): Buffer {
    this.done = true;
    const { suite, context, schemes } = this.#request;
    const scheme = schemeFor(this.#shown.key, schemes);
    if (scheme === undefined) return Buffer.concat(this.#originals);
    const transcript = countedTranscript(this.#request);
    const certificate = certificateMessage(context, this.#shown.chain);
    const verify = verifyMessage(
      scheme,
      this.#shown.key,
      hashOf(suite, [...transcript, certificate]),
    );
    const finished = finishedMessage(
      suite,
      this.#secret,
      hashOf(suite, [...transcript, certificate, verify]),
    );
    const keys = new RecordKeys(suite, this.#secret);
    return keys.seal(HANDSHAKE, Buffer.concat([certificate, verify, finished]));
  }
}

// After a HelloRetryRequest the first hello counts as its hash only (RFC 8446 4.4.1).
function countedTranscript({ suite, transcript }: LateRequest): Buffer[] {
  const [first, second] = transcript;
  const retried =
    first?.[0] === CLIENT_HELLO && second?.[0] === SERVER_HELLO && isRetry(second.subarray(4));
  if (!retried) return transcript;
  return [message(MESSAGE_HASH, hashOf(suite, [first])), ...transcript.slice(1)];
}

function hashOf(suite: Suite, messages: readonly Buffer[]): Buffer {
  const hash = createHash(suite.hash);
  for (const bytes of messages) hash.update(bytes);
  return hash.digest();
}

function message(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), number24(body.length), body]);
}

function number24(value: number): Buffer {
  return Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
}

// each certificate with an empty list of extensions
function certificateMessage(context: Buffer, chain: readonly Buffer[]): Buffer {
  const entries = chain.map((der) =>
    Buffer.concat([number24(der.length), der, Buffer.from([0, 0])]),
  );
  const list = Buffer.concat(entries);
  return message(
    CERTIFICATE,
    Buffer.concat([Buffer.from([context.length]), context, number24(list.length), list]),
  );
}

function verifyMessage(scheme: Scheme, key: KeyObject, transcriptHash: Buffer): Buffer {
  const signed = Buffer.concat([
    Buffer.alloc(64, " "),
    Buffer.from("TLS 1.3, client CertificateVerify\0"),
    transcriptHash,
  ]);
  const signature = sign(scheme.hash, signed, { key, ...scheme.options });
  const { number } = scheme;
  const head = [number >> 8, number & 0xff, signature.length >> 8, signature.length & 0xff];
  return message(CERTIFICATE_VERIFY, Buffer.concat([Buffer.from(head), signature]));
}

function finishedMessage(suite: Suite, secret: Buffer, transcriptHash: Buffer): Buffer {
  const key = expandLabel(suite, secret, "finished", suite.hashBytes);
  return message(FINISHED, createHmac(suite.hash, key).update(transcriptHash).digest());
}
