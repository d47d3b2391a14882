// A server's certificate shown to a person: whose it is, who vouches for it, and what is wrong.

import {
  NE_SSL_BADCHAIN,
  NE_SSL_EXPIRED,
  NE_SSL_IDMISMATCH,
  NE_SSL_NOTYETVALID,
  NE_SSL_REVOKED,
  NE_SSL_UNTRUSTED,
  ne_ssl_cert_hdigest,
  ne_ssl_cert_identity,
  ne_ssl_cert_issuer,
  ne_ssl_cert_subject,
  ne_ssl_cert_validity,
  ne_ssl_readable_dname,
  type ne_ssl_certificate,
} from "libneon/ne_ssl";
import { NE_HASH_COLON, NE_HASH_SHA256 } from "libneon/ne_string";
import { printable } from "./terminal.js";

const REASONS: [number, string][] = [
  [NE_SSL_NOTYETVALID, "it is not valid yet"],
  [NE_SSL_EXPIRED, "it has expired"],
  [NE_SSL_IDMISMATCH, "it was issued for another host"],
  [NE_SSL_UNTRUSTED, "its issuer is not trusted"],
  [NE_SSL_BADCHAIN, "a certificate it rests on is out of its time"],
  [NE_SSL_REVOKED, "it has been revoked"],
];

/** The failure bits of a verify callback in words. */
export function reasonsOf(failures: number): string[] {
  return REASONS.filter(([bit]) => (failures & bit) !== 0).map(([, words]) => words);
}

/** What a person needs to know to decide about a certificate. */
export function describeCertificate(cert: ne_ssl_certificate, failures: number): string[] {
  const from = { value: "" };
  const until = { value: "" };
  ne_ssl_cert_validity(cert, from, until);
  const sha256 = ne_ssl_cert_hdigest(cert, NE_HASH_SHA256 | NE_HASH_COLON) ?? "unknown";
  return [
    `for:         ${printable(ne_ssl_cert_identity(cert) ?? "(no name)")}`,
    `subject:     ${printable(ne_ssl_readable_dname(ne_ssl_cert_subject(cert)))}`,
    `issuer:      ${printable(ne_ssl_readable_dname(ne_ssl_cert_issuer(cert)))}`,
    `valid:       ${from.value} to ${until.value}`,
    `fingerprint: SHA-256 ${sha256}`,
    ...reasonsOf(failures).map((reason) => `problem:     ${reason}`),
  ];
}
