// Judges the certificate of a server: all failures that a person may overrule as bits, over the
// whole chain at once, and apart from them the faults that nobody may overrule.

import type { X509 } from "../asn1/x509.js";
import { KEY_USAGE } from "../asn1/x509.js";
import { buildPath, isSelfSigned, type Path } from "./chain.js";
import { keepsConstraints } from "./constraints.js";
import type { TlsContext } from "./context.js";
import { checkIdentity } from "./identity.js";

/** Failure bit: the server certificate is not valid yet. */
export const NE_SSL_NOTYETVALID = 0x01;
/** Failure bit: the server certificate has expired. */
export const NE_SSL_EXPIRED = 0x02;
/** Failure bit: the server certificate was issued for another host. */
export const NE_SSL_IDMISMATCH = 0x04;
/**
 * Failure bit: the issuer is not trusted (including a self-signed certificate or an incomplete
 * chain).
 */
export const NE_SSL_UNTRUSTED = 0x08;
/** Failure bit: another certificate of the chain is outside its validity time. */
export const NE_SSL_BADCHAIN = 0x10;
/** Failure bit: the server certificate was revoked. */
export const NE_SSL_REVOKED = 0x40;
/** All failure bits known here; a callback should refuse a certificate with any bit outside it. */
export const NE_SSL_FAILMASK = 0x5f;

/** What was found: failure bits, or a fault that no callback may override. */
export interface Verdict {
  failures: number;
  /** Error text of a fault that cannot be overridden; null if there is none. */
  hard: string | null;
  /** Whether `hard` counts as a failed handshake ("SSL handshake failed: " goes in front). */
  inHandshake: boolean;
}

const VERIFY_FAILED = "SSL error: certificate verify failed";
const NAMELESS = "Server certificate was missing commonName attribute in subject name";

const REASONS: readonly (readonly [bit: number, text: string])[] = [
  [NE_SSL_NOTYETVALID, "certificate is not yet valid"],
  [NE_SSL_EXPIRED, "certificate has expired"],
  [NE_SSL_IDMISMATCH, "certificate issued for a different hostname"],
  [NE_SSL_UNTRUSTED, "issuer is not trusted"],
  [NE_SSL_BADCHAIN, "bad certificate chain"],
  [NE_SSL_REVOKED, "certificate has been revoked"],
];

/**
 * @param chain what the server sent, leaf first
 * @param hostname the name that the server was addressed by, null for a literal
 * @param address bytes of the literal (4 or 16), null for a name
 * @param now seconds since 1970
 */
export function judge(
  chain: readonly X509[],
  context: TlsContext,
  hostname: string | null,
  address: Uint8Array | null,
  now: number,
): Verdict {
  const leaf = chain[0];
  if (leaf === undefined) {
    return { failures: 0, hard: "SSL server did not present certificate", inHandshake: false };
  }
  const path = buildPath(chain, (cert) => trustedIssuers(context, cert), now);
  if (!isSound(path, SERVER_AUTH)) return { failures: 0, hard: VERIFY_FAILED, inHandshake: true };
  const times = judgeTimes(path, now);
  if (times === null) return { failures: 0, hard: VERIFY_FAILED, inHandshake: true };
  const identity = checkIdentity(leaf, hostname, address);
  if (identity === "nameless") return { failures: 0, hard: NAMELESS, inHandshake: false };
  const failures =
    times | (path.trusted ? 0 : NE_SSL_UNTRUSTED) | (identity === "match" ? 0 : NE_SSL_IDMISMATCH);
  return { failures, hard: null, inHandshake: false };
}

function trustedIssuers(context: TlsContext, cert: X509): readonly X509[] {
  const key = cert.issuer.canonical;
  const own = context.trusted.filter(({ subject }) => subject.canonical === key);
  return context.findDefaultCa === null ? own : [...own, ...context.findDefaultCa(key)];
}

/** `Server certificate verification failed: reason, reason`. */
export function failuresText(failures: number): string {
  const reasons = REASONS.filter(([bit]) => failures & bit).map(([, text]) => text);
  return `Server certificate verification failed: ${reasons.join(", ")}`;
}

/** Whether this is the very leaf that was accepted last (its failures are not asked about). */
export function wasAccepted(context: TlsContext, chain: readonly X509[]): boolean {
  const leaf = chain[0];
  return leaf !== undefined && context.acceptedLeaf?.equals(leaf.der) === true;
}

/** Remembers the leaf that the application accepted. */
export function rememberAccepted(context: TlsContext, chain: readonly X509[]): void {
  context.acceptedLeaf = chain[0]?.der ?? null;
}

// null for a time that is none: OpenSSL does not let a callback overrule that
function judgeTimes(path: Path, now: number): number | null {
  const { certs } = path;
  let bits = 0;
  for (const [depth, cert] of certs.entries()) {
    // the unknown issuer of an incomplete chain's top could have renewed it
    if (depth > 0 && depth === certs.length - 1 && !isSelfSigned(cert)) continue;
    if (cert.notBefore === null || cert.notAfter === null) return null;
    if (now < cert.notBefore) bits |= depth === 0 ? NE_SSL_NOTYETVALID : NE_SSL_BADCHAIN;
    if (now >= cert.notAfter) bits |= depth === 0 ? NE_SSL_EXPIRED : NE_SSL_BADCHAIN;
  }
  return bits;
}

/** The purposes (RFC 5280 4.2.1.12) that a certificate of one side must have, if it has any. */
const SERVER_AUTH = new Set([
  "1.3.6.1.5.5.7.3.1",
  // server gated cryptography of Netscape and Microsoft
  "2.16.840.1.113730.4.1",
  "1.3.6.1.4.1.311.10.3.3",
]);
const CLIENT_AUTH = new Set(["1.3.6.1.5.5.7.3.2"]);

/** Whether a client's certificate leads to one of these CAs and is good now. */
export function isTrustedClient(
  chain: readonly X509[],
  trusted: readonly X509[],
  now: number,
): boolean {
  const path = buildPath(
    chain,
    (cert) => trusted.filter(({ subject }) => subject.canonical === cert.issuer.canonical),
    now,
  );
  return path.trusted && isSound(path, CLIENT_AUTH) && judgeTimes(path, now) === 0;
}

// a client signs or agrees on a key; it never has one enciphered for it
const CLIENT_KEY_USAGE = KEY_USAGE.DIGITAL_SIGNATURE | KEY_USAGE.KEY_AGREEMENT;
const SERVER_KEY_USAGE = CLIENT_KEY_USAGE | KEY_USAGE.KEY_ENCIPHERMENT;

// Extensions, strength and signatures (RFC 5280 6.1.3 and 6.1.4).
function isSound({ certs }: Path, purpose: ReadonlySet<string>): boolean {
  const leafUsage = purpose === CLIENT_AUTH ? CLIENT_KEY_USAGE : SERVER_KEY_USAGE;
  let below = 0; // certificates under a CA that count for its path length
  for (const [depth, cert] of certs.entries()) {
    const { extensions } = cert;
    if (extensions.unknownCritical || extensions.broken) return false;
    const usages = extensions.extendedKeyUsage;
    if (usages !== null && !usages.some((oid) => purpose.has(oid))) return false;
    if (depth === 0) {
      if (extensions.keyUsage !== null && !(extensions.keyUsage & leafUsage)) return false;
    } else {
      if (!isCa(cert)) return false;
      const pathLength = extensions.basicConstraints?.pathLength ?? null;
      if (pathLength !== null && below > pathLength) return false;
    }
    if (depth > 0 && !isSelfIssued(cert)) below += 1;
    if (!isStrong(cert)) return false;
    const issuer = certs[depth + 1];
    if (issuer !== undefined && !isSignedBy(cert, issuer)) return false;
    if (!keepsAllConstraints(certs, depth)) return false;
  }
  return true;
}

function isSelfIssued(cert: X509): boolean {
  return cert.subject.canonical === cert.issuer.canonical;
}

function isCa(cert: X509): boolean {
  const { basicConstraints, keyUsage } = cert.extensions;
  if (keyUsage !== null && !(keyUsage & KEY_USAGE.CERT_SIGN)) return false;
  if (basicConstraints !== null) return basicConstraints.ca;
  // old roots of version 1, and what says no more than that it signs certificates
  return (cert.version === 0 && isSelfSigned(cert)) || keyUsage !== null;
}

function keepsAllConstraints(certs: readonly X509[], depth: number): boolean {
  const cert = certs[depth] as X509;
  if (depth > 0 && isSelfIssued(cert)) return true;
  return certs.slice(depth + 1).every(({ extensions }) => {
    const { nameConstraints } = extensions;
    return nameConstraints === null || keepsConstraints(cert, nameConstraints);
  });
}

// Signatures with MD2, MD5 or SHA-1.
const WEAK_SIGNATURES = new Set([
  "1.2.840.113549.1.1.2",
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
]);

/** Bits of an RSA key below which OpenSSL's default security level refuses it. */
const MIN_RSA_BITS = 1024;

// OpenSSL's security level 1; the signature of a self-signed certificate proves nothing anyway.
function isStrong(cert: X509): boolean {
  if (WEAK_SIGNATURES.has(cert.signatureOid) && !isSelfSigned(cert)) return false;
  try {
    const key = cert.node().publicKey;
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return key.asymmetricKeyType !== "rsa" || bits === undefined || bits >= MIN_RSA_BITS;
  } catch {
    return false; // a key that OpenSSL cannot read
  }
}

function isSignedBy(cert: X509, issuer: X509): boolean {
  try {
    return cert.node().verify(issuer.node().publicKey);
  } catch {
    return false;
  }
}
