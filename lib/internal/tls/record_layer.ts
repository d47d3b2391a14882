// Records of TLS 1.3 under one traffic key (RFC 8446 5.2, 7.1 and 7.3), sealed and opened.

import { createCipheriv, createDecipheriv, createHmac, type CipherGCMTypes } from "node:crypto";

/** A cipher suite of TLS 1.3. */
export interface Suite {
  hash: "sha256" | "sha384";
  cipher: CipherGCMTypes;
  keyBytes: number;
  hashBytes: number;
}

/** The suites that OpenSSL offers, by their numbers. */
export const SUITES: Readonly<Record<number, Suite>> = {
  0x1301: { hash: "sha256", cipher: "aes-128-gcm", keyBytes: 16, hashBytes: 32 },
  0x1302: { hash: "sha384", cipher: "aes-256-gcm", keyBytes: 32, hashBytes: 48 },
  // of the same shape for node:crypto, though its types do not say so
  0x1303: {
    hash: "sha256",
    cipher: "chacha20-poly1305" as CipherGCMTypes,
    keyBytes: 32,
    hashBytes: 32,
  },
};

const APPLICATION_DATA = 23;
const TAG_BYTES = 16;
/** Content of one record at most. */
const MAX_CONTENT = 16384;

/** The keys of one direction, counting its records. */
export class RecordKeys {
  #suite: Suite;
  #key: Buffer;
  #iv: Buffer;
  #sequence = 0;

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite;
    this.#key = expandLabel(suite, secret, "key", suite.keyBytes);
    this.#iv = expandLabel(suite, secret, "iv", 12);
  }

  /** The content and its type; null for a record that was not sealed with these keys. */
  open(header: Buffer, body: Buffer): { type: number; content: Buffer } | null {
    const nonce = this.#nonce();
    try {
      const decipher = createDecipheriv(this.#suite.cipher, this.#key, nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(header);
      decipher.setAuthTag(body.subarray(-TAG_BYTES));
      const plain = Buffer.concat([
        decipher.update(body.subarray(0, -TAG_BYTES)),
        decipher.final(),
      ]);
      let end = plain.length;
      while (plain[end - 1] === 0) end -= 1;
      return end === 0
        ? null
        : { type: plain[end - 1] as number, content: plain.subarray(0, end - 1) };
    } catch {
      return null;
    }
  }

  /** Records that hold this content. */
  seal(type: number, content: Buffer): Buffer {
    const records: Buffer[] = [];
    for (let at = 0; at < content.length; at += MAX_CONTENT) {
      records.push(this.#sealOne(type, content.subarray(at, at + MAX_CONTENT)));
    }
    return Buffer.concat(records);
  }

  #sealOne(type: number, content: Buffer): Buffer {
    const header = Buffer.from([APPLICATION_DATA, 3, 3, 0, 0]);
    header.writeUInt16BE(content.length + 1 + TAG_BYTES, 3);
    const cipher = createCipheriv(this.#suite.cipher, this.#key, this.#nonce(), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(header);
    const sealed = [cipher.update(content), cipher.update(Buffer.from([type])), cipher.final()];
    return Buffer.concat([header, ...sealed, cipher.getAuthTag()]);
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    for (let at = 11, rest = this.#sequence; rest > 0; at -= 1, rest = Math.floor(rest / 256)) {
      nonce[at] = (nonce[at] as number) ^ (rest & 0xff);
    }
    this.#sequence += 1;
    return nonce;
  }
}

/** HKDF-Expand-Label with an empty context (RFC 8446 7.1), of one hash at most. */
export function expandLabel(suite: Suite, secret: Buffer, label: string, bytes: number): Buffer {
  const text = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([
    Buffer.from([bytes >> 8, bytes & 0xff, text.length]),
    text,
    Buffer.from([0, 1]),
  ]);
  return createHmac(suite.hash, secret).update(info).digest().subarray(0, bytes);
}
