// The cryptography of PKCS#12 files: keys from passwords (RFC 7292 appendix B, RFC 8018),
// decryption and the code that authenticates the file.

import { createDecipheriv, createHmac, hash, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { Der, DerError, TAG } from "./der.js";
import { decryptRc2Cbc } from "./rc2.js";

/** Rounds of PBKDF2 in all: honest files have up to 600,000 in each of their derivations. */
const MAX_ROUNDS = 5_000_000;

/** The work that one opening of a file may take: more is a file made to keep us busy. */
export class Effort {
  #left = MAX_ROUNDS;

  /** Throws a DerError for what would take too long, or is no count. */
  spend(iterations: number, cost: number): void {
    this.#left -= iterations * cost;
    if (iterations < 1 || this.#left < 0) throw new DerError("bad number of iterations");
  }
}

/** A round of appendix B takes two of PBKDF2, which OpenSSL counts out itself. */
const ROUND_COST = 2;

/** Bytes that a hash works on at once and that it gives, for appendix B. */
const HASHES: Readonly<Record<string, { name: string; block: number; size: number }>> = {
  "1.2.840.113549.2.5": { name: "md5", block: 64, size: 16 },
  "1.3.14.3.2.26": { name: "sha1", block: 64, size: 20 },
  "2.16.840.1.101.3.4.2.4": { name: "sha224", block: 64, size: 28 },
  "2.16.840.1.101.3.4.2.1": { name: "sha256", block: 64, size: 32 },
  "2.16.840.1.101.3.4.2.2": { name: "sha384", block: 128, size: 48 },
  "2.16.840.1.101.3.4.2.3": { name: "sha512", block: 128, size: 64 },
  "2.16.840.1.101.3.4.2.6": { name: "sha512-256", block: 128, size: 32 },
};

const OID_SHA1 = "1.3.14.3.2.26";
const OID_PBES2 = "1.2.840.113549.1.5.13";
const OID_PBKDF2 = "1.2.840.113549.1.5.12";

/** What a derived key is for (B.3). */
const FOR_KEY = 1;
const FOR_IV = 2;
const FOR_MAC = 3;

/** A password as the file's maker may have meant it: none at all is not the empty one. */
export type Password = string | null;

// UTF-16 with a zero character at the end; no bytes for no password (B.1).
function bmpPassword(password: Password): Buffer {
  return password === null ? Buffer.alloc(0) : Buffer.from(`${password}\0`, "utf16le").swap16();
}

function hashOf(oid: string): { name: string; block: number; size: number } {
  const hash = Object.hasOwn(HASHES, oid) ? HASHES[oid] : undefined;
  if (hash === undefined) throw new DerError("unknown hash");
  return hash;
}

interface Derivation {
  readonly hash: string;
  readonly purpose: number;
  readonly iterations: number;
  readonly bytes: number;
  readonly effort: Effort;
}

/** Derives bytes from a password (RFC 7292 B.2). */
function deriveKey(password: Password, salt: Buffer, options: Derivation): Buffer {
  const { name, block, size } = hashOf(options.hash);
  options.effort.spend(options.iterations, ROUND_COST * Math.ceil(options.bytes / size));
  const text = Buffer.concat([repeated(salt, block), repeated(bmpPassword(password), block)]);
  const diversifier = Buffer.alloc(block, options.purpose);
  const parts: Buffer[] = [];
  for (let have = 0; have < options.bytes; have += size) {
    let a = hash(name, Buffer.concat([diversifier, text]), "buffer");
    for (let i = 1; i < options.iterations; i += 1) a = hash(name, a, "buffer");
    parts.push(a);
    addToBlocks(text, repeated(a, block).subarray(0, block), block);
  }
  return Buffer.concat(parts).subarray(0, options.bytes);
}

function repeated(bytes: Buffer, block: number): Buffer {
  if (bytes.length === 0) return bytes;
  return Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
}

// each block of I becomes I + B + 1, as big numbers without overflow (B.2 step 6C)
function addToBlocks(text: Buffer, b: Buffer, block: number): void {
  for (let start = 0; start < text.length; start += block) {
    let carry = 1;
    for (let i = block - 1; i >= 0; i -= 1) {
      carry += (text[start + i] ?? 0) + (b[i] ?? 0);
      text[start + i] = carry & 0xff;
      carry >>= 8;
    }
  }
}

/** The code that proves a password and content, and how to compute it. */
export interface MacData {
  readonly hash: string;
  readonly wanted: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
}

/** Reads the fields of MacData (RFC 7292 section 4); throws a DerError for what is none. */
export function readMacData(fields: Der): MacData {
  const digestInfo = fields.open(TAG.SEQUENCE);
  const hash = digestInfo.open(TAG.SEQUENCE).oid();
  const wanted = digestInfo.bytes(TAG.OCTET_STRING);
  digestInfo.end();
  const salt = fields.bytes(TAG.OCTET_STRING);
  const iterations = fields.done ? 1 : fields.smallInteger();
  fields.end();
  return { hash, wanted, salt, iterations };
}

/** The code of a content. Throws a DerError for a hash that nobody here knows. */
export function macOf(
  mac: MacData,
  content: Buffer,
  password: Password,
  effort = new Effort(),
): Buffer {
  const { name, size } = hashOf(mac.hash);
  const { iterations } = mac;
  const options = { hash: mac.hash, purpose: FOR_MAC, iterations, bytes: size, effort };
  const key = deriveKey(password, mac.salt, options);
  return createHmac(name, key).update(content).digest();
}

/** Whether the file's code agrees with this password. Throws as `macOf` does. */
export function macAgrees(
  mac: MacData,
  content: Buffer,
  password: Password,
  effort = new Effort(),
): boolean {
  const code = macOf(mac, content, password, effort);
  return code.length === mac.wanted.length && timingSafeEqual(code, mac.wanted);
}

interface LegacyScheme {
  cipher: "des-ede3-cbc" | "des-ede-cbc" | "rc2";
  keyBytes: number;
}

// pbeWithSHAAnd... (RFC 7292 appendix C)
const LEGACY: Readonly<Record<string, LegacyScheme>> = {
  "1.2.840.113549.1.12.1.3": { cipher: "des-ede3-cbc", keyBytes: 24 },
  "1.2.840.113549.1.12.1.4": { cipher: "des-ede-cbc", keyBytes: 16 },
  "1.2.840.113549.1.12.1.5": { cipher: "rc2", keyBytes: 16 },
  "1.2.840.113549.1.12.1.6": { cipher: "rc2", keyBytes: 5 },
};

/**
 * Decrypts what an AlgorithmIdentifier says how to decrypt. Null for a wrong password, as far as
 * the padding shows it; throws a DerError for a scheme that nobody here knows.
 */
export function decrypt(
  algorithm: Der,
  data: Buffer,
  password: Password,
  effort: Effort,
): Buffer | null {
  const oid = algorithm.oid();
  if (oid === OID_PBES2) return decryptPbes2(algorithm.open(TAG.SEQUENCE), data, password, effort);
  const scheme = Object.hasOwn(LEGACY, oid) ? LEGACY[oid] : undefined;
  if (scheme === undefined) throw new DerError("unknown encryption");
  const parameters = algorithm.open(TAG.SEQUENCE);
  const salt = parameters.bytes(TAG.OCTET_STRING);
  const base = { hash: OID_SHA1, iterations: parameters.smallInteger(), effort };
  const key = deriveKey(password, salt, { ...base, purpose: FOR_KEY, bytes: scheme.keyBytes });
  const iv = deriveKey(password, salt, { ...base, purpose: FOR_IV, bytes: 8 });
  return scheme.cipher === "rc2"
    ? decryptRc2Cbc(key, key.length * 8, iv, data)
    : decipher(scheme.cipher, key, iv, data);
}

function decipher(name: string, key: Buffer, iv: Buffer, data: Buffer): Buffer | null {
  try {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    return null;
  }
}

const PRFS: Readonly<Record<string, { name: string; size: number }>> = {
  "1.2.840.113549.2.7": { name: "sha1", size: 20 },
  "1.2.840.113549.2.8": { name: "sha224", size: 28 },
  "1.2.840.113549.2.9": { name: "sha256", size: 32 },
  "1.2.840.113549.2.10": { name: "sha384", size: 48 },
  "1.2.840.113549.2.11": { name: "sha512", size: 64 },
  "1.2.840.113549.2.13": { name: "sha512-256", size: 32 },
};

const CIPHERS: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  "2.16.840.1.101.3.4.1.2": { name: "aes-128-cbc", keyBytes: 16 },
  "2.16.840.1.101.3.4.1.22": { name: "aes-192-cbc", keyBytes: 24 },
  "2.16.840.1.101.3.4.1.42": { name: "aes-256-cbc", keyBytes: 32 },
  "1.2.840.113549.3.7": { name: "des-ede3-cbc", keyBytes: 24 },
};

// RFC 8018 6.2, with PBKDF2
function decryptPbes2(
  parameters: Der,
  data: Buffer,
  password: Password,
  effort: Effort,
): Buffer | null {
  const derivation = parameters.open(TAG.SEQUENCE);
  if (derivation.oid() !== OID_PBKDF2) throw new DerError("unknown key derivation");
  const fields = derivation.open(TAG.SEQUENCE);
  const salt = fields.bytes(TAG.OCTET_STRING);
  const iterations = fields.smallInteger();
  if (fields.tag === TAG.INTEGER) fields.smallInteger(); // the cipher knows its key's length
  const prfOid = fields.openOptional(TAG.SEQUENCE)?.oid() ?? "1.2.840.113549.2.7";
  const prf = Object.hasOwn(PRFS, prfOid) ? PRFS[prfOid] : undefined;
  const encryption = parameters.open(TAG.SEQUENCE);
  const cipherOid = encryption.oid();
  const cipher = Object.hasOwn(CIPHERS, cipherOid) ? CIPHERS[cipherOid] : undefined;
  if (prf === undefined || cipher === undefined) throw new DerError("unknown encryption");
  const iv = encryption.bytes(TAG.OCTET_STRING);
  effort.spend(iterations, Math.ceil(cipher.keyBytes / prf.size));
  const key = pbkdf2Sync(password ?? "", salt, iterations, cipher.keyBytes, prf.name);
  return decipher(cipher.name, key, iv, data);
}

/** Whether the parameters of an encryption ask for more rounds than an honest file does. */
export function isTooMuch(parameters: Der): boolean {
  while (!parameters.done) {
    const { tag } = parameters;
    if (tag === TAG.INTEGER && parameters.smallInteger() > MAX_ROUNDS) return true;
    if (tag === TAG.SEQUENCE && isTooMuch(parameters.open(tag))) return true;
    if (tag !== TAG.INTEGER && tag !== TAG.SEQUENCE) parameters.element();
  }
  return false;
}
