// Builds the path from a server's certificate to a trust anchor as OpenSSL does (RFC 5280 6.1):
// trusted issuers first, then what the server sent. An anchor is a self-signed certificate that was
// trusted itself; there is no trust in the middle.

import type { X509 } from "../asn1/x509.js";
import { sameName } from "../asn1/name.js";
import { fitsKey } from "./signature_algorithm.js";

/** Certificates of a path: OpenSSL's limit. It ends every walk in a circle. */
const MAX_PATH = 100;

/** A path, leaf first. */
export interface Path {
  readonly certs: readonly X509[];
  /** Whether the last one is a trust anchor. */
  readonly trusted: boolean;
}

/** Finds issuers of this subject among what is trusted; it is asked only as far as needed. */
export type Lookup = (cert: X509) => Iterable<X509>;

/**
 * @param sent what the server sent, leaf first
 * @param trusted gives the trusted certificates whose subject is the certificate's issuer
 */
export function buildPath(sent: readonly X509[], trusted: Lookup, now: number): Path {
  const leaf = sent[0];
  if (leaf === undefined) return { certs: [], trusted: false };
  // nobody issued a certificate that cannot be read
  if (leaf.extensions.broken) return { certs: [leaf], trusted: false };
  const certs = [leaf];
  let fromStore = false;
  while (certs.length < MAX_PATH) {
    const top = certs[certs.length - 1] as X509;
    if (isSelfSigned(top)) {
      return { certs, trusted: fromStore || isAmong(trusted(top), top) };
    }
    const anchor = bestIssuer(top, trusted(top), certs, now);
    // once the store has continued the path, what was sent is not looked at any more
    const issuer = anchor ?? (fromStore ? null : bestIssuer(top, sent, certs, now));
    if (issuer === null) break;
    fromStore ||= anchor !== null;
    certs.push(issuer);
  }
  return { certs, trusted: false };
}

/** Whether a certificate is its own issuer, by all that can be seen without its signature. */
export function isSelfSigned(cert: X509): boolean {
  return mayHaveIssued(cert, cert);
}

function isAmong(certs: Iterable<X509>, wanted: X509): boolean {
  for (const { der } of certs) if (der.equals(wanted.der)) return true;
  return false;
}

// One that is valid now, else the one that was valid last.
function bestIssuer(
  cert: X509,
  candidates: Iterable<X509>,
  path: readonly X509[],
  now: number,
): X509 | null {
  let best: X509 | null = null;
  for (const candidate of candidates) {
    if (!mayHaveIssued(candidate, cert)) continue;
    if (path.some((other) => other.der.equals(candidate.der))) continue;
    if (isInTime(candidate, now)) return candidate;
    if (best === null || (candidate.notAfter ?? 0) > (best.notAfter ?? 0)) best = candidate;
  }
  return best;
}

function isInTime(cert: X509, now: number): boolean {
  return cert.notBefore !== null && cert.notAfter !== null
    ? cert.notBefore <= now && now < cert.notAfter
    : false;
}

// By name, key identifiers and kind of signature. Whether it may sign certificates at all, and
// whether the signature is right, is checked later: both are faults that nobody may overrule.
function mayHaveIssued(issuer: X509, cert: X509): boolean {
  if (!sameName(issuer.subject, cert.issuer) || issuer.extensions.broken) return false;
  return keyIdentifiersAgree(issuer, cert) && fitsKey(cert.signedOid, issuer.keyOid);
}

function keyIdentifiersAgree(issuer: X509, cert: X509): boolean {
  const wanted = cert.extensions.authorityKeyId;
  if (wanted === null) return true;
  const { subjectKeyId } = issuer.extensions;
  if (wanted.keyId !== null && subjectKeyId !== null && !wanted.keyId.equals(subjectKeyId)) {
    return false;
  }
  if (wanted.serial !== null && !trimmed(wanted.serial).equals(trimmed(issuer.serial))) {
    return false;
  }
  // a peer may show hundreds of candidates for one certificate
  const name = wanted.issuerName();
  return name === null || sameName(name, issuer.issuer);
}

function trimmed(serial: Buffer): Buffer {
  let at = 0;
  while (serial[at] === 0) at += 1;
  return serial.subarray(at);
}
