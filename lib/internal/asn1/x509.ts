// Certificates as bytes: names, validity, extensions.

/** A distinguished name. */
export interface Name {
  der: Buffer;
}

/** A parsed certificate. */
export interface X509 {
  der: Buffer;
  subject: Name;
  issuer: Name;
}
