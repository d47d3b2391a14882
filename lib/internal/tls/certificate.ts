// What stands behind the handles of certificates and client certificates.

import type { KeyObject } from "node:crypto";
import type { KeyPair } from "../asn1/keyfile.js";
import type { X509 } from "../asn1/x509.js";
import type { ne_ssl_certificate, ne_ssl_dname } from "../base/handle.js";

/** A certificate and, behind it, what was sent after it. */
export interface Certificate {
  readonly x509: X509;
  readonly signedBy: Certificate | null;
  /** What was borrowed from it, made when first asked for. */
  borrowed: {
    subject: ne_ssl_dname | null;
    issuer: ne_ssl_dname | null;
    signedBy: ne_ssl_certificate | null;
  };
}

/** A client certificate: encrypted as long as `unlock` is there. */
export interface ClientCert {
  name: string | null;
  unlock: ((password: string) => KeyPair | null) | null;
  owner: Certificate | null;
  /** Issuers that the file held, in the order of the path: they are sent too. */
  issuers: readonly X509[];
  key: KeyObject | null;
  ownerHandle: ne_ssl_certificate | null;
}
