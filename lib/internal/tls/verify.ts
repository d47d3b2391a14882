// Judges the certificate of a server: all failures that a person may overrule as bits, over the
// whole chain at once, and apart from them the faults that nobody may overrule.

import type { X509 } from "../asn1/x509.js";
import { KEY_USAGE, NETSCAPE_TYPE } from "../asn1/x509.js";
import { buildPath, isSelfSigned, type Path } from "./chain.js";
import { keepConstraints } from "./constraints.js";
import type { TlsContext } from "./context.js";
import { checkIdentity } from "./identity.js";
import { isAboutTrust, secondRefusal, type Peer } from "./second_verdict.js";
import { isStrong, signatureCost } from "./strength.js";

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
  /** OpenSSL's words where it refused what we found nothing wrong with; else null. */
  reason: string | null;
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
 * @param peer what the server sent, leaf first, and what OpenSSL said of it
 * @param hostname the name that the server was addressed by, null for a literal
 * @param address bytes of the literal (4 or 16), null for a name
 * @param now seconds since 1970
 */
export function judge(
  peer: Peer,
  context: TlsContext,
  hostname: string | null,
  address: Uint8Array | null,
  now: number,
): Verdict {
  const leaf = peer.chain[0];
  if (leaf === undefined) return hardFault("SSL server did not present certificate", false);
  const path = buildPath(peer.chain, (cert) => trustedIssuers(context, cert), now);
  // only the runtime knows what it trusts: its switches may add stores that we cannot list
  const trusted = path.trusted || (context.findDefaultCa !== null && peer.refusal === null);
  const times = isSound(path, SERVER_AUTH) ? judgeTimes(path, now) : null;
  if (times === null) return hardFault(VERIFY_FAILED, true);
  // names are costly to compare, so only where it matters
  if (trusted && !keepConstraints(path.certs)) return hardFault(VERIFY_FAILED, true);
  const bits = times | (trusted ? 0 : NE_SSL_UNTRUSTED);
  const identity = checkIdentity(leaf, hostname, address);
  if (identity === "nameless") return hardFault(NAMELESS, false);
  const mismatch = identity === "match" ? 0 : NE_SSL_IDMISMATCH;
  const refusal = bits === 0 ? secondRefusal(peer, context.trusted) : null;
  if (refusal === null) {
    return { failures: bits | mismatch, reason: null, hard: null, inHandshake: false };
  }
  const failures = mismatch | (isAboutTrust(refusal) ? NE_SSL_UNTRUSTED : NE_SSL_BADCHAIN);
  return { failures, reason: refusal.reason, hard: null, inHandshake: false };
}

function hardFault(text: string, inHandshake: boolean): Verdict {
  return { failures: 0, reason: null, hard: text, inHandshake };
}

// The runtime's CAs come last: where one of the program's own is good, they need not be listed.
function* trustedIssuers(context: TlsContext, cert: X509): Iterable<X509> {
  const key = cert.issuer.canonical;
  for (const own of context.trusted) if (own.subject.canonical === key) yield own;
  if (context.findDefaultCa !== null) yield* context.findDefaultCa(key);
}

/** `Server certificate verification failed: reason, reason (what OpenSSL says)`. */
export function failuresText({ failures, reason }: Pick<Verdict, "failures" | "reason">): string {
  const reasons = REASONS.filter(([bit]) => failures & bit).map(([, text]) => text);
  const more = reason === null ? "" : ` (${reason})`;
  return `Server certificate verification failed: ${reasons.join(", ")}${more}`;
}

/**
 * Whether the application accepted this very leaf last, by this callback and in spite of all these
 * failures: it is not asked again then.
 */
export function wasAccepted(
  { accepted }: TlsContext,
  chain: readonly X509[],
  failures: number,
  by: unknown,
): boolean {
  const leaf = chain[0];
  if (leaf === undefined || accepted === null || accepted.by !== by) return false;
  return (failures & ~accepted.failures) === 0 && accepted.leaf.equals(leaf.der);
}

/** Remembers the leaf that the application accepted, what it overlooked, and which callback did. */
export function rememberAccepted(
  context: TlsContext,
  chain: readonly X509[],
  failures: number,
  by: unknown,
): void {
  const leaf = chain[0];
  context.accepted = leaf === undefined ? null : { leaf: leaf.der, failures, by };
}

// null for a time that is none: OpenSSL does not let a callback overrule that
function judgeTimes(path: Path, now: number): number | null {
  const { certs } = path;
  let bits = 0;
  for (const [depth, cert] of certs.entries()) {
    // the unknown issuer of an incomplete chain's top could have renewed it
    if (depth > 0 && depth === certs.length - 1 && !isSelfSigned(cert)) continue;
    if (!cert.strictTimes || cert.notBefore === null || cert.notAfter === null) return null;
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
export function isTrustedClient(peer: Peer, trusted: readonly X509[], now: number): boolean {
  const path = buildPath(
    peer.chain,
    (cert) => trusted.filter(({ subject }) => subject.canonical === cert.issuer.canonical),
    now,
  );
  if (!path.trusted || !isSound(path, CLIENT_AUTH) || judgeTimes(path, now) !== 0) return false;
  return keepConstraints(path.certs) && secondRefusal(peer, trusted) === null;
}

// a client signs or agrees on a key; it never has one enciphered for it
const CLIENT_KEY_USAGE = KEY_USAGE.DIGITAL_SIGNATURE | KEY_USAGE.KEY_AGREEMENT;
const SERVER_KEY_USAGE = CLIENT_KEY_USAGE | KEY_USAGE.KEY_ENCIPHERMENT;

// Extensions, strength and signatures (RFC 5280 6.1.3 and 6.1.4).
function isSound({ certs }: Path, purpose: ReadonlySet<string>): boolean {
  const leafUsage = purpose === CLIENT_AUTH ? CLIENT_KEY_USAGE : SERVER_KEY_USAGE;
  const leafType = purpose === CLIENT_AUTH ? NETSCAPE_TYPE.CLIENT : NETSCAPE_TYPE.SERVER;
  let below = 0; // certificates under a CA that count for its path length
  let cost = 0;
  for (const [depth, cert] of certs.entries()) {
    const { extensions } = cert;
    if (extensions.unknownCritical || extensions.isProxy) return false;
    const usages = extensions.extendedKeyUsage;
    if (usages !== null && !usages.some((oid) => purpose.has(oid))) return false;
    if (depth === 0) {
      if (extensions.keyUsage !== null && !(extensions.keyUsage & leafUsage)) return false;
      const { netscapeType } = extensions;
      if (netscapeType !== null && !(netscapeType & leafType)) return false;
    } else {
      if (!isCa(cert, depth === certs.length - 1)) return false;
      const pathLength = extensions.basicConstraints?.pathLength ?? null;
      if (pathLength !== null && below > pathLength) return false;
    }
    if (depth > 0 && !isSelfIssued(cert)) below += 1;
    const issuer = certs[depth + 1];
    if (!isStrong(cert, issuer === undefined)) return false;
    if (issuer === undefined) continue;
    cost += costOfCheck(issuer);
    if (cost > MAX_COST || !isSignedBy(cert, issuer)) return false;
  }
  return true;
}

function isSelfIssued(cert: X509): boolean {
  return cert.subject.canonical === cert.issuer.canonical;
}

function isCa(cert: X509, isTop: boolean): boolean {
  const { basicConstraints, keyUsage, netscapeType } = cert.extensions;
  if (keyUsage !== null && !(keyUsage & KEY_USAGE.CERT_SIGN)) return false;
  if (netscapeType !== null && !(netscapeType & NETSCAPE_TYPE.SSL_CA)) return false;
  if (basicConstraints !== null) return basicConstraints.ca;
  // old roots of version 1, and roots that say no more than that they sign certificates
  if (!isTop) return false;
  return (cert.version === 0 && isSelfSigned(cert)) || keyUsage !== null || netscapeType !== null;
}

/** Milliseconds for the signatures of a path; a chain of ten large keys costs one. */
const MAX_COST = 50;

function costOfCheck(issuer: X509): number {
  try {
    return signatureCost(issuer.node().publicKey);
  } catch {
    return Infinity; // a key that OpenSSL cannot read
  }
}

function isSignedBy(cert: X509, issuer: X509): boolean {
  try {
    return cert.node().verify(issuer.node().publicKey);
  } catch {
    return false;
  }
}
