// The records behind certificates, names and client certificates, and the handle types that open
// them. Sessions, sockets and ne_ssl all hand out the same handles.

import type { KeyPair } from "../asn1/keyfile.js";
import { sameName } from "../asn1/name.js";
import { writePem } from "../asn1/pem.js";
import type { Name, X509 } from "../asn1/x509.js";
import { HandleType } from "../base/handle.js";
import type {
  ne_ssl_certificate,
  ne_ssl_client_cert,
  ne_ssl_context,
  ne_ssl_dname,
} from "../base/handle.js";
import type { TlsContext } from "./context.js";
import type { Certificate, ClientCert } from "./certificate.js";

export type { Certificate, ClientCert } from "./certificate.js";

/** What ne_ssl_certificate handles open. */
export const certificates = new HandleType<"ne_ssl_certificate", Certificate>(
  "ne_ssl_certificate",
  endBorrowed,
);
/** What ne_ssl_client_cert handles open. */
export const clientCerts = new HandleType<"ne_ssl_client_cert", ClientCert>(
  "ne_ssl_client_cert",
  (cert) => {
    if (cert.ownerHandle !== null) endCertificate(cert.ownerHandle);
  },
);
/** What ne_ssl_dname values open. */
export const dnames = new HandleType<"ne_ssl_dname", Name>("ne_ssl_dname");
/** What ne_ssl_context handles open. */
export const contexts = new HandleType<"ne_ssl_context", TlsContext>("ne_ssl_context");

/** A certificate record for a chain in the order sent; null for an empty one. */
export function certificateOf(chain: readonly X509[]): Certificate | null {
  let next: Certificate | null = null;
  for (const x509 of [...chain].reverse()) {
    next = { x509, signedBy: next, borrowed: { subject: null, issuer: null, signedBy: null } };
  }
  return next;
}

/** The certificate and all behind it. */
export function chainOf(cert: Certificate): X509[] {
  const chain: X509[] = [];
  for (let at: Certificate | null = cert; at !== null; at = at.signedBy) chain.push(at.x509);
  return chain;
}

/** A certificate that the caller owns. */
export function giveCertificate(cert: Certificate): ne_ssl_certificate {
  return certificates.create(cert);
}

/** Lends a certificate to a callback; end it with `endCertificate` when the callback is done. */
export function lendCertificate(cert: Certificate): ne_ssl_certificate {
  return certificates.lend(cert);
}

/** Ends a lent certificate, and the names and certificates borrowed from it. */
export function endCertificate(handle: ne_ssl_certificate): void {
  if (!certificates.is(handle)) return;
  endBorrowed(certificates.open(handle, "ne_ssl_cert_free"));
  certificates.revoke(handle);
}

// a loop: a peer decides how long the chain is
function endBorrowed(cert: Certificate): void {
  for (let at: Certificate | null = cert; at !== null; at = at.signedBy) {
    const { subject, issuer, signedBy } = at.borrowed;
    for (const name of [subject, issuer]) if (name !== null) dnames.revoke(name);
    if (signedBy !== null) certificates.revoke(signedBy);
    at.borrowed = { subject: null, issuer: null, signedBy: null };
  }
}

/** Lends names to a callback; end each with `endNames`. */
export function lendNames(names: readonly Name[]): ne_ssl_dname[] {
  return names.map((name) => dnames.lend(name));
}

/** Ends names lent to a callback. */
export function endNames(names: readonly ne_ssl_dname[]): void {
  for (const name of names) dnames.revoke(name);
}

/** A client certificate that is open. */
export function openClientCert(name: string | null, pair: KeyPair): ClientCert {
  const owner = certificateOf([pair.cert]);
  return { name, unlock: null, owner, issuers: issuersOf(pair), key: pair.key, ownerHandle: null };
}

// The path from the certificate up, without the root: the server has it or it is of no use.
function issuersOf({ cert, others }: KeyPair): X509[] {
  const path: X509[] = [];
  let top = cert;
  for (;;) {
    const next = others.find(
      (other) => sameName(other.subject, top.issuer) && !path.includes(other),
    );
    if (next === undefined || sameName(next.subject, next.issuer)) return path;
    path.push(next);
    top = next;
  }
}

/** A handle that the caller owns. */
export function giveClientCert(cert: ClientCert): ne_ssl_client_cert {
  return clientCerts.create(cert);
}

/** Certificate with its chain and key as PEM, as node:tls takes them. */
export function pemPair(cert: ClientCert): { cert: string; key: string } | null {
  if (cert.owner === null || cert.key === null) return null;
  const chain = [cert.owner.x509, ...cert.issuers].map(({ der }) => writePem("CERTIFICATE", der));
  const key = cert.key.export({ format: "pem", type: "pkcs8" }) as string;
  return { cert: chain.join(""), key };
}

/** A handle that the caller owns. */
export function giveContext(context: TlsContext): ne_ssl_context {
  return contexts.create(context);
}
