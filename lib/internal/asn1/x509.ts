// Certificates as bytes (RFC 5280 4.1): names, validity and the extensions that a verdict needs.
// Keys and signatures are left to node:crypto.

import { X509Certificate } from "node:crypto";
import { Der, DerError, TAG, inside, integerBytes, oidText, orNull, type Element } from "./der.js";
import { parseName, parseNameOf, type Name } from "./name.js";
import { isStrictTime, parseTime } from "./time.js";

export type { Name } from "./name.js";

/** Tags of the kinds of alternative names that we look at. */
export const DNS_NAME = 0x82;
export const IP_ADDRESS = 0x87;
export const EMAIL = 0x81;
export const URI = 0x86;
export const DIRECTORY_NAME = 0xa4;
const OTHER_NAME = 0xa0;
const REGISTERED_ID = 0x88;

/** All kinds (RFC 5280 4.2.1.6), with those of X.400 and EDI. */
const GENERAL_NAME_TAGS = new Set<number>([
  ...[OTHER_NAME, EMAIL, DNS_NAME, 0xa3, DIRECTORY_NAME, 0xa5, URI, IP_ADDRESS, REGISTERED_ID],
]);

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
  /** Bits of the Netscape certificate type (`NETSCAPE_TYPE`). */
  netscapeType: number | null;
  /** A proxy certificate (RFC 3820). */
  isProxy: boolean;
  altNames: readonly GeneralName[] | null;
  basicConstraints: { ca: boolean; pathLength: number | null } | null;
  keyUsage: number | null;
  extendedKeyUsage: readonly string[] | null;
  subjectKeyId: Buffer | null;
  authorityKeyId: {
    keyId: Buffer | null;
    /** The name of the issuer's issuer, read when it is first wanted; null for none. */
    issuerName(): Name | null;
    serial: Buffer | null;
  } | null;
  nameConstraints: NameConstraints | null;
  /** A critical extension that nobody here understands. */
  unknownCritical: boolean;
  /** One that is read here is not well-formed, or there twice. */
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
  /** Whether both times have the one form that RFC 5280 4.1.2.5 allows. */
  readonly strictTimes: boolean;
  /** The algorithm of the key inside. */
  readonly keyOid: string;
  readonly signatureOid: string;
  /** The signature's algorithm as the signed part names it; OpenSSL finds issuers by this one. */
  readonly signedOid: string;
  /** The hash of a PSS signature, null for other signatures. */
  readonly pssHash: string | null;
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

/** The subject alone, for a list of certificates that are read whole only when one is wanted. */
export function subjectOf(der: Buffer): Name | null {
  return orNull(() => {
    const tbs = new Der(der).open(TAG.SEQUENCE).open(TAG.SEQUENCE);
    if (tbs.tag === 0xa0) tbs.skip();
    // serial number, algorithm, issuer and validity
    for (let fields = 0; fields < 4; fields += 1) tbs.skip();
    return parseName(tbs.element());
  });
}

function certificate(element: Element): X509 {
  if (element.tag !== TAG.SEQUENCE) throw new DerError("a certificate is a sequence");
  const outer = inside(element);
  const tbs = outer.open(TAG.SEQUENCE);
  const versionField = tbs.openOptional(0xa0);
  const version = versionField === null ? 0 : versionField.smallInteger();
  const serial = integerBytes(tbs.bytes(TAG.INTEGER));
  const signedOid = tbs.open(TAG.SEQUENCE).oid();
  const issuer = parseName(tbs.element());
  const validity = tbs.open(TAG.SEQUENCE);
  const from = validity.element();
  const until = validity.element();
  const subject = parseName(tbs.element());
  const keyOid = tbs.open(TAG.SEQUENCE).open(TAG.SEQUENCE).oid();
  // unique identifiers of subject and issuer
  for (const tag of [0x81, 0x82]) if (tbs.tag === tag) tbs.element();
  const extensions = parseExtensions(tbs.openOptional(0xa3));
  tbs.end();
  const algorithm = outer.open(TAG.SEQUENCE);
  const signatureOid = algorithm.oid();
  const pssHash = signatureOid === RSASSA_PSS ? pssHashOf(algorithm) : null;
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
    notBefore: parseTime(from),
    notAfter: parseTime(until),
    strictTimes: isStrictTime(from) && isStrictTime(until),
    keyOid,
    signatureOid,
    signedOid,
    pssHash,
    extensions,
    node: () => (node ??= new X509Certificate(der)),
  };
}

const RSASSA_PSS = "1.2.840.113549.1.1.10";
const SHA1 = "1.3.14.3.2.26";

// RFC 4055 3.1: the hash is the first parameter, SHA-1 where it is left out.
function pssHashOf(algorithm: Der): string {
  const hash = algorithm.openOptional(TAG.SEQUENCE)?.openOptional(0xa0);
  return hash == null ? SHA1 : hash.open(TAG.SEQUENCE).oid();
}

// RFC 5280 4.2.1.1 and 4.2.1.2 forbid them as critical, and OpenSSL does not take them so.
const SUBJECT_KEY_ID = "2.5.29.14";
const AUTHORITY_KEY_ID = "2.5.29.35";

type Reader = (into: Extensions, value: Der) => void;

const READERS: Readonly<Partial<Record<string, Reader>>> = {
  [SUBJECT_KEY_ID]: (into, value) => {
    into.subjectKeyId = value.bytes(TAG.OCTET_STRING);
  },
  "2.5.29.15": (into, value) => {
    const usage = bits(value.bytes(TAG.BIT_STRING));
    // RFC 5280 4.2.1.3: at least one
    if (usage === 0) throw new DerError("a key for nothing");
    into.keyUsage = usage;
  },
  "2.16.840.1.113730.1.1": (into, value) => {
    into.netscapeType = bits(value.bytes(TAG.BIT_STRING));
  },
  // a proxy certificate: OpenSSL allows none unless it is told to
  "1.3.6.1.5.5.7.1.14": (into) => {
    into.isProxy = true;
  },
  // CRL distribution points, AS numbers and address blocks: only their outer form
  "2.5.29.31": (_, value) => onlySequence(value),
  "1.3.6.1.5.5.7.1.7": (_, value) => onlySequence(value),
  "1.3.6.1.5.5.7.1.8": (_, value) => onlySequence(value),
  "2.5.29.17": (into, value) => {
    into.altNames = generalNames(value.open(TAG.SEQUENCE));
  },
  "2.5.29.19": (into, value) => {
    const fields = value.open(TAG.SEQUENCE);
    const ca = fields.tag === TAG.BOOLEAN && fields.boolean();
    const pathLength = fields.tag === TAG.INTEGER ? fields.smallInteger() : null;
    fields.end();
    into.basicConstraints = { ca, pathLength };
  },
  "2.5.29.30": (into, value) => {
    into.nameConstraints = nameConstraints(value.open(TAG.SEQUENCE));
  },
  [AUTHORITY_KEY_ID]: (into, value) => {
    into.authorityKeyId = authorityKeyId(value.open(TAG.SEQUENCE));
  },
  "2.5.29.37": (into, value) => {
    const list = value.open(TAG.SEQUENCE);
    const purposes: string[] = [];
    while (!list.done) purposes.push(list.oid());
    into.extendedKeyUsage = purposes;
  },
};

// Extensions that OpenSSL accepts as critical without a say in our verdict: certificate policies,
// policy mappings and constraints, inhibit any policy.
const HARMLESS_CRITICAL = new Set(["2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"]);

function parseExtensions(field: Der | null): Extensions {
  const into: Extensions = {
    altNames: null,
    basicConstraints: null,
    keyUsage: null,
    extendedKeyUsage: null,
    subjectKeyId: null,
    authorityKeyId: null,
    nameConstraints: null,
    netscapeType: null,
    isProxy: false,
    unknownCritical: false,
    broken: false,
  };
  if (field === null) return into;
  const list = field.open(TAG.SEQUENCE);
  // null: there twice, so that none of them counts
  const values = new Map<string, Buffer | null>();
  while (!list.done) {
    const extension = list.open(TAG.SEQUENCE);
    const oid = extension.oid();
    const critical = extension.tag === TAG.BOOLEAN && extension.boolean();
    const value = extension.bytes(TAG.OCTET_STRING);
    extension.end();
    if (critical && !understood(oid)) into.unknownCritical = true;
    values.set(oid, values.has(oid) ? null : value);
  }
  for (const [oid, value] of values) {
    const read = READERS[oid];
    if (read !== undefined && (value === null || !isReadBy(read, value, into))) into.broken = true;
  }
  return into;
}

function understood(oid: string): boolean {
  if (oid === SUBJECT_KEY_ID || oid === AUTHORITY_KEY_ID) return false;
  return Object.hasOwn(READERS, oid) || HARMLESS_CRITICAL.has(oid);
}

// False for one that is not well-formed.
function isReadBy(read: Reader, value: Buffer, into: Extensions): boolean {
  const done = orNull(() => {
    const cursor = new Der(value);
    read(into, cursor);
    cursor.end();
    return true;
  });
  return done === true;
}

// A sequence of elements, whatever they are.
function onlySequence(value: Der): void {
  const list = value.open(TAG.SEQUENCE);
  while (!list.done) list.element();
}

// Named bits (X.680 22): bit 0 is the highest of the first byte. Up to 16 are kept, bit 0 as
// 1 << 15.
function bits(content: Buffer): number {
  const unused = content[0] ?? 8;
  if (unused > 7 || (content.length === 1 && unused > 0)) throw new DerError("bad bit string");
  const bytes = [...content.subarray(1, 3)];
  // bits that are not used may be anything
  if (content.length <= 3) bytes.push((bytes.pop() ?? 0) & (0xff << unused));
  return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}

/** Bits of the Netscape certificate type: a server's or client's, and an SSL CA's. */
export const NETSCAPE_TYPE = { CLIENT: 1 << 15, SERVER: 1 << 14, SSL_CA: 1 << 10 } as const;

/** Bits of key usage. */
export const KEY_USAGE = {
  DIGITAL_SIGNATURE: 1 << 15,
  KEY_ENCIPHERMENT: 1 << 13,
  KEY_AGREEMENT: 1 << 11,
  CERT_SIGN: 1 << 10,
} as const;

function generalNames(list: Der): GeneralName[] {
  const names: GeneralName[] = [];
  while (!list.done) names.push(generalName(list));
  return names;
}

function generalName(list: Der): GeneralName {
  const element = list.element();
  const { tag, content } = element;
  if (!GENERAL_NAME_TAGS.has(tag)) throw new DerError("no kind of name");
  if (tag === DIRECTORY_NAME) {
    const name = inside(element);
    // its attributes are read where they count: there may be thousands of names
    name.bytes(TAG.SEQUENCE);
    name.end();
  } else if (tag === OTHER_NAME) {
    const name = inside(element);
    name.oid();
    name.open(0xa0).element();
    name.end();
  } else if (tag === REGISTERED_ID) {
    oidText(content);
  }
  return { tag, value: content };
}

function authorityKeyId(fields: Der): NonNullable<Extensions["authorityKeyId"]> {
  const keyId = fields.tag === 0x80 ? fields.bytes(0x80) : null;
  const issuer = fields.tag === 0xa1 ? generalNames(fields.open(0xa1)) : [];
  const serial = fields.tag === 0x82 ? fields.bytes(0x82) : null;
  fields.end();
  const named = issuer.find(({ tag }) => tag === DIRECTORY_NAME);
  let name: Name | null | undefined;
  const issuerName = (): Name | null => {
    if (name === undefined) name = named === undefined ? null : parseNameOf(named.value);
    return name;
  };
  return { keyId, issuerName, serial };
}

function nameConstraints(fields: Der): NameConstraints {
  const subtrees = (tag: number): GeneralName[] => {
    const list = fields.openOptional(tag);
    const bases: GeneralName[] = [];
    while (list !== null && !list.done) {
      const subtree = list.open(TAG.SEQUENCE);
      bases.push(generalName(subtree));
      // minimum and maximum must be left out (RFC 5280)
      subtree.end();
    }
    return bases;
  };
  const permitted = subtrees(0xa0);
  const excluded = subtrees(0xa1);
  fields.end();
  return { permitted, excluded };
}
