// The records behind certificates, names and client certificates, and the handle types that open
// them. Sessions, sockets and ne_ssl all hand out the same handles.

import type { Name, X509 } from "../asn1/x509.js";
import { HandleType } from "../handle.js";
import type { ne_ssl_certificate, ne_ssl_dname } from "../handle.js";
import type { TlsContext } from "./context.js";

/** A certificate and, behind it, what was sent after it. */
export interface Certificate {
  x509: X509;
  signedBy: Certificate | null;
}

/** A client certificate in either state. */
export interface ClientCert {
  name: string | null;
}

export const certificates = new HandleType<"ne_ssl_certificate", Certificate>("ne_ssl_certificate");
export const clientCerts = new HandleType<"ne_ssl_client_cert", ClientCert>("ne_ssl_client_cert");
export const dnames = new HandleType<"ne_ssl_dname", Name>("ne_ssl_dname");
export const contexts = new HandleType<"ne_ssl_context", TlsContext>("ne_ssl_context");

/** A certificate record for a chain in the order sent; null for an empty one. */
export function certificateOf(chain: readonly X509[]): Certificate | null {
  void chain;
  throw new Error("skeleton");
}

/** Lends a certificate to a callback; end it with `endCertificate` when the callback is done. */
export function lendCertificate(cert: Certificate): ne_ssl_certificate {
  return certificates.lend(cert) as ne_ssl_certificate;
}

/** Ends a lent certificate, and the names and certificates borrowed from it. */
export function endCertificate(handle: ne_ssl_certificate): void {
  certificates.revoke(handle);
}

/** Lends names to a callback; end each with `dnames.revoke`. */
export function lendNames(names: readonly Name[]): ne_ssl_dname[] {
  return names.map((name) => dnames.lend(name) as unknown as ne_ssl_dname);
}
