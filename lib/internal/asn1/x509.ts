// Certificates as bytes (RFC 5280 4.1): names, validity and the extensions that a verdict needs.
// Keys and signatures are left to node:crypto.

import { X509Certificate } from "node:crypto";
import { Der, DerError, TAG, inside, integerBytes, orNull, type Element } from "./der.js";
import { parseName, type Name } from "./name.js";
import { parseTime } from "./time.js";

export type { Name } from "./name.js";

/** Tags of the kinds of alternative names that we look at. */
export const DNS_NAME = 0x82;
export const IP_ADDRESS = 0x87;
export const EMAIL = 0x81;
export const URI = 0x86;
export const DIRECTORY_NAME = 0xa4;

/** One general name (RFC 5280 4.2.1.6). */
export interface GeneralName {
  readonly tag: number;
  readonly value: Buffer;
}

/** A subtree of name constraints (RFC 5280 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What the extensions say; null where one is missing. */
export interface Extensions {
  altNames: readonly GeneralName[] | null;
  basicConstraints: { ca: boolean; pathLength: number | null } | null;
  keyUsage: number | null;
  extendedKeyUsage: readonly string[] | null;
  subjectKeyId: Buffer | null;
  authorityKeyId: {
    keyId: Buffer | null;
    issuer: readonly GeneralName[];
    serial: Buffer | null;
  } | null;
  nameConstraints: NameConstraints | null;
  /** A critical extension that nobody here understands. */
  unknownCritical: boolean;
  /** One that is not well-formed, or there twice. */
  broken: boolean;
}

/** A parsed certificate. */
export interface X509 {
  readonly der: Buffer;
  readonly subject: Name;
  readonly issuer: Name;
  readonly serial: Buffer;
  readonly version: number;
  /** Seconds since 1970, null for what is no time. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  readonly signatureOid: string;
  readonly extensions: Extensions;
  /** The same certificate for node:crypto. Throws for bytes that OpenSSL refuses. */
  node(): X509Certificate;
}

/** Reads one certificate; what follows it is ignored, as OpenSSL does. Null for anything else. */
export function parseCertificate(der: Buffer): X509 | null {
  return orNull(() => certificate(new Der(der).element()));
}

/** The same, and OpenSSL must like it too. */
export function parseCheckedCertificate(der: Buffer): X509 | null {
  const cert = parseCertificate(der);
  if (cert === null) return null;
  try {
    cert.node();
    return cert;
  } catch {
    return null;
  }
}

function certificate(element: Element): X509 {
  if (element.tag !== TAG.SEQUENCE) throw new DerError("a certificate is a sequence");
  const outer = inside(element);
  const tbs = outer.open(TAG.SEQUENCE);
  const versionField = tbs.openOptional(0xa0);
  const version = versionField === null ? 0 : versionField.smallInteger();
  const serial = integerBytes(tbs.bytes(TAG.INTEGER));
  tbs.bytes(TAG.SEQUENCE);
  const issuer = parseName(tbs.element());
  const validity = tbs.open(TAG.SEQUENCE);
  const notBefore = parseTime(validity.element());
  const notAfter = parseTime(validity.element());
  const subject = parseName(tbs.element());
  tbs.bytes(TAG.SEQUENCE);
  // unique identifiers of subject and issuer
  for (const tag of [0x81, 0x82]) if (tbs.tag === tag) tbs.element();
  const extensions = parseExtensions(tbs.openOptional(0xa3));
  tbs.end();
  const signatureOid = outer.open(TAG.SEQUENCE).oid();
  outer.bytes(TAG.BIT_STRING);
  outer.end();
  const der = element.whole;
  let node: X509Certificate | null = null;
  return {
    der,
    subject,
    issuer,
    serial,
    version,
    notBefore,
    notAfter,
    signatureOid,
    extensions,
    node: () => (node ??= new X509Certificate(der)),
  };
}

type Reader = (into: Extensions, value: Der) => void;

const READERS: Readonly<Record<string, Reader>> = {
  "2.5.29.14": (into, value) => {
    into.subjectKeyId = value.bytes(TAG.OCTET_STRING);
  },
  "2.5.29.15": (into, value) => {
    into.keyUsage = bits(value.bytes(TAG.BIT_STRING));
  },
  "2.5.29.17": (into, value) => {
    into.altNames = generalNames(value.open(TAG.SEQUENCE));
  },
  "2.5.29.19": (into, value) => {
    const fields = value.open(TAG.SEQUENCE);
    const ca = fields.tag === TAG.BOOLEAN && fields.bytes(TAG.BOOLEAN)[0] !== 0;
    const pathLength = fields.tag === TAG.INTEGER ? fields.smallInteger() : null;
    into.basicConstraints = { ca, pathLength };
  },
  "2.5.29.30": (into, value) => {
    into.nameConstraints = nameConstraints(value.open(TAG.SEQUENCE));
  },
  "2.5.29.35": (into, value) => {
    into.authorityKeyId = authorityKeyId(value.open(TAG.SEQUENCE));
  },
  "2.5.29.37": (into, value) => {
    const list = value.open(TAG.SEQUENCE);
    const purposes: string[] = [];
    while (!list.done) purposes.push(list.oid());
    into.extendedKeyUsage = purposes;
  },
};

// Extensions that OpenSSL accepts as critical without a say in our verdict: CRL distribution
// points, certificate policies, policy mappings and constraints, inhibit any policy, Netscape
// certificate type, and the two lists of address blocks and AS numbers.
const HARMLESS_CRITICAL = new Set([
  "2.5.29.31",
  "2.5.29.32",
  "2.5.29.33",
  "2.5.29.36",
  "2.5.29.54",
  "2.16.840.1.113730.1.1",
  "1.3.6.1.5.5.7.1.7",
  "1.3.6.1.5.5.7.1.8",
]);

function parseExtensions(field: Der | null): Extensions {
  const into: Extensions = {
    altNames: null,
    basicConstraints: null,
    keyUsage: null,
    extendedKeyUsage: null,
    subjectKeyId: null,
    authorityKeyId: null,
    nameConstraints: null,
    unknownCritical: false,
    broken: false,
  };
  if (field === null) return into;
  const list = field.open(TAG.SEQUENCE);
  const seen = new Set<string>();
  while (!list.done) {
    const extension = list.open(TAG.SEQUENCE);
    const oid = extension.oid();
    const critical = extension.tag === TAG.BOOLEAN && extension.bytes(TAG.BOOLEAN)[0] !== 0;
    const value = extension.bytes(TAG.OCTET_STRING);
    extension.end();
    const read = READERS[oid];
    if (read === undefined) {
      if (critical && !HARMLESS_CRITICAL.has(oid)) into.unknownCritical = true;
    } else if (seen.has(oid) || orNull(() => (read(into, new Der(value)), true)) === null) {
      into.broken = true;
    }
    seen.add(oid);
  }
  return into;
}

// Named bits (X.680 22): bit 0 is the highest of the first byte. Up to 16 are kept, bit 0 as
// 1 << 15.
function bits(content: Buffer): number {
  const unused = content[0] ?? 8;
  if (unused > 7 || (content.length === 1 && unused > 0)) throw new DerError("bad bit string");
  return ((content[1] ?? 0) << 8) | (content[2] ?? 0);
}

/** Bits of key usage. */
export const KEY_USAGE = {
  DIGITAL_SIGNATURE: 1 << 15,
  KEY_ENCIPHERMENT: 1 << 13,
  KEY_AGREEMENT: 1 << 11,
  CERT_SIGN: 1 << 10,
} as const;

function generalNames(list: Der): GeneralName[] {
  const names: GeneralName[] = [];
  while (!list.done) {
    const { tag, content } = list.element();
    names.push({ tag, value: content });
  }
  return names;
}

function authorityKeyId(fields: Der): NonNullable<Extensions["authorityKeyId"]> {
  const keyId = fields.tag === 0x80 ? fields.bytes(0x80) : null;
  const issuer = fields.tag === 0xa1 ? generalNames(fields.open(0xa1)) : [];
  const serial = fields.tag === 0x82 ? fields.bytes(0x82) : null;
  fields.end();
  return { keyId, issuer, serial };
}

function nameConstraints(fields: Der): NameConstraints {
  const subtrees = (tag: number): GeneralName[] => {
    const list = fields.openOptional(tag);
    const bases: GeneralName[] = [];
    while (list !== null && !list.done) {
      const subtree = list.open(TAG.SEQUENCE);
      const { tag: kind, content } = subtree.element();
      // minimum and maximum must be left out (RFC 5280)
      subtree.end();
      bases.push({ tag: kind, value: content });
    }
    return bases;
  };
  const permitted = subtrees(0xa0);
  const excluded = subtrees(0xa1);
  fields.end();
  return { permitted, excluded };
}

/** The name inside a general name of the directory kind, null if it is broken. */
export function directoryName(name: GeneralName): Name | null {
  return orNull(() => parseName(new Der(name.value).element()));
}
