// PKCS#12 files (RFC 7292): the certificates, the key and the friendly name in them. Opening goes
// the way OpenSSL goes, so that the same files open, stay closed or are refused.

import { createPrivateKey, type KeyObject } from "node:crypto";
import { berToDer } from "./ber.js";
import { Der, TAG, orNull } from "./der.js";
import {
  decrypt,
  Effort,
  macAgrees,
  readMacData,
  type MacData,
  type Password,
} from "./pkcs12_crypto.js";
import { decodeBmp } from "./strings.js";
import { parseCheckedCertificate, type X509 } from "./x509.js";

const OID_DATA = "1.2.840.113549.1.7.1";
const OID_ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const OID_KEY_BAG = "1.2.840.113549.1.12.10.1.1";
const OID_SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
const OID_CERT_BAG = "1.2.840.113549.1.12.10.1.3";
const OID_SAFE_CONTENTS_BAG = "1.2.840.113549.1.12.10.1.6";
const OID_X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
const OID_FRIENDLY_NAME = "1.2.840.113549.1.9.20";

/** Bytes of a file: ten times the largest one seen. */
const MAX_FILE = 1 << 22;

/** A file whose outer form is sound. */
export interface Pkcs12 {
  /** The authenticated part as it stands, in DER, BER or broken: its code comes first. */
  readonly content: Buffer;
  /** What proves a password, null without it. */
  readonly mac: MacData | null;
  /** The friendly name that can be seen without a password. */
  readonly name: string | null;
}

/** What an opened file holds. */
export interface Pkcs12Contents {
  /** Certificate that belongs to the key; null if there is none. */
  readonly cert: X509 | null;
  readonly others: readonly X509[];
  readonly key: KeyObject | null;
  /** Friendly name of the certificate. */
  readonly name: string | null;
}

interface Bag {
  oid: string;
  value: Der;
  name: string | null;
}

/** Reads the outer form; null for what is no PKCS#12 file. What follows it is ignored. */
export function parsePkcs12(file: Buffer): Pkcs12 | null {
  if (file.length > MAX_FILE) return null;
  return orNull(() => {
    const pfx = new Der(berToDer(file)).open(TAG.SEQUENCE);
    pfx.smallInteger();
    const safe = pfx.open(TAG.SEQUENCE);
    if (safe.oid() !== OID_DATA) return null; // signed instead of authenticated by a password
    const content = safe.open(0xa0).bytes(TAG.OCTET_STRING);
    const mac = pfx.done ? null : readMacData(pfx.open(TAG.SEQUENCE));
    return { content, mac, name: plainName(content) };
  });
}

// The name stands with the key and the certificate; the first part that is not encrypted shows it.
// A part that is broken inside does not hide the name in another one.
function plainName(content: Buffer): string | null {
  const parts = orNull(() => partsOf(content));
  for (const { plain } of parts ?? []) {
    const bags = plain === null ? null : orNull(() => bagsOf(plain));
    const named = bags?.find(({ name }) => name !== null);
    if (named !== undefined) return named.name;
  }
  return null;
}

/** A part of the file: its bags, or what to decrypt for them. */
interface Part {
  readonly plain: Buffer | null;
  readonly encrypted: { readonly algorithm: Der; readonly data: Buffer } | null;
}

function partsOf(content: Buffer): Part[] {
  const parts: Part[] = [];
  const safes = new Der(berToDer(content)).open(TAG.SEQUENCE);
  while (!safes.done) {
    const info = safes.open(TAG.SEQUENCE);
    const oid = info.oid();
    if (oid === OID_DATA) {
      parts.push({ plain: info.open(0xa0).bytes(TAG.OCTET_STRING), encrypted: null });
    } else if (oid === OID_ENCRYPTED_DATA) {
      const data = info.open(0xa0).open(TAG.SEQUENCE);
      data.smallInteger();
      parts.push({ plain: null, encrypted: encryptedContent(data.open(TAG.SEQUENCE)) });
    }
  }
  return parts;
}

function encryptedContent(info: Der): { algorithm: Der; data: Buffer } {
  info.oid();
  const algorithm = info.open(TAG.SEQUENCE);
  // in BER the string may have come in pieces under its context tag
  const data = info.tag === 0xa0 ? pieces(info.open(0xa0)) : info.bytes(0x80);
  return { algorithm, data };
}

/** Whether a password opens a file: "mac" if its code says that it is the wrong one. */
export type Opened = Pkcs12Contents | "mac" | "broken";

/**
 * Opens a file. Without a password it is tried as none and as the empty one, which are two.
 * A file without a code that proves a password opens without one or not at all.
 */
export function openPkcs12(file: Pkcs12, password: Password): Opened {
  const { mac } = file;
  const effort = new Effort();
  if (mac === null) return contentsOf(file, null, effort);
  const tries: Password[] = password === null || password === "" ? [null, ""] : [password];
  for (const attempt of tries) {
    const agrees = orNull(() => macAgrees(mac, file.content, attempt, effort));
    if (agrees === null) return "broken";
    if (agrees) return contentsOf(file, attempt, effort);
  }
  return "mac";
}

function contentsOf(
  file: Pkcs12,
  password: Password,
  effort: Effort,
): Pkcs12Contents | "broken" {
  let key: KeyObject | null = null;
  const certs: { cert: X509; name: string | null }[] = [];
  const bags = orNull(() => allBags(file.content, password, effort));
  if (bags === null) return "broken";
  for (const bag of bags) {
    if (bag.oid === OID_CERT_BAG) {
      const cert = orNull(() => certificateOf(bag.value));
      if (cert !== null) certs.push({ cert, name: bag.name });
    } else if (key === null && (bag.oid === OID_KEY_BAG || bag.oid === OID_SHROUDED_KEY_BAG)) {
      key = orNull(() => keyOf(bag, password, effort));
      if (key === null) return "broken";
    }
  }
  const own = certs.find(({ cert }) => key !== null && belongs(cert, key));
  return {
    key,
    cert: own?.cert ?? null,
    name: own?.name ?? null,
    others: certs.filter((other) => other !== own).map(({ cert }) => cert),
  };
}

/** Whether a key is the certificate's. */
export function belongs(cert: X509, key: KeyObject): boolean {
  try {
    return cert.node().checkPrivateKey(key);
  } catch {
    return false;
  }
}

// null where something could not be decrypted
function allBags(content: Buffer, password: Password, effort: Effort): Bag[] | null {
  const bags: Bag[] = [];
  for (const { plain, encrypted } of partsOf(content)) {
    const bytes =
      encrypted === null ? plain : decrypt(encrypted.algorithm, encrypted.data, password, effort);
    if (bytes === null) return null;
    for (const bag of bagsOf(bytes)) bags.push(bag);
  }
  return bags;
}

function pieces(list: Der): Buffer {
  const parts: Buffer[] = [];
  while (!list.done) parts.push(list.bytes(TAG.OCTET_STRING));
  return Buffer.concat(parts);
}

// SafeContents, with those inside it
function bagsOf(safeContents: Buffer, depth = 0): Bag[] {
  const bags: Bag[] = [];
  const list = new Der(berToDer(safeContents), depth).open(TAG.SEQUENCE);
  while (!list.done) {
    const fields = list.open(TAG.SEQUENCE);
    const oid = fields.oid();
    const value = fields.element();
    if (value.tag !== 0xa0) continue;
    if (oid === OID_SAFE_CONTENTS_BAG) {
      for (const bag of bagsOf(value.content, depth + 8)) bags.push(bag);
      continue;
    }
    const attributes = fields.openOptional(TAG.SET);
    bags.push({ oid, value: new Der(value.content, depth + 4), name: friendlyName(attributes) });
  }
  return bags;
}

function friendlyName(list: Der | null): string | null {
  while (list !== null && !list.done) {
    const attribute = list.open(TAG.SEQUENCE);
    const oid = attribute.oid();
    const values = attribute.open(TAG.SET);
    if (oid === OID_FRIENDLY_NAME && values.tag === TAG.BMP)
      return decodeBmp(values.bytes(TAG.BMP));
  }
  return null;
}

function certificateOf(value: Der): X509 | null {
  const fields = value.open(TAG.SEQUENCE);
  if (fields.oid() !== OID_X509_CERTIFICATE) return null;
  return parseCheckedCertificate(fields.open(0xa0).bytes(TAG.OCTET_STRING));
}

function keyOf(bag: Bag, password: Password, effort: Effort): KeyObject | null {
  const element = bag.value.element();
  if (bag.oid === OID_KEY_BAG) return keyFromDer(element.whole);
  const fields = new Der(element.content, element.depth + 1);
  const algorithm = fields.open(TAG.SEQUENCE);
  const plain = decrypt(algorithm, fields.bytes(TAG.OCTET_STRING), password, effort);
  return plain === null ? null : keyFromDer(plain);
}

function keyFromDer(der: Buffer): KeyObject | null {
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    return null;
  }
}
