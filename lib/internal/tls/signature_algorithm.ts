// Which kinds of key can have made a signature: OpenSSL takes no certificate for an issuer whose
// key cannot have signed what it looks at, whatever the names say.

const RSA = "1.2.840.113549.1.1.1";
const RSA_PSS = "1.2.840.113549.1.1.10";
const DSA = "1.2.840.10040.4.1";
const EC = "1.2.840.10045.2.1";
const ED25519 = "1.3.101.112";
const ED448 = "1.3.101.113";

/** Identifiers of signatures (RFC 3279, 4055, 5758, 8410, and of the OIW), and their keys. */
const KINDS: readonly (readonly [signature: RegExp, keys: readonly string[]])[] = [
  [/^1\.2\.840\.113549\.1\.1\.10$/, [RSA_PSS, RSA]],
  [/^1\.2\.840\.113549\.1\.1\.\d+$/, [RSA]],
  [/^1\.3\.14\.3\.2\.(3|15|29)$/, [RSA]],
  [/^2\.16\.840\.1\.101\.3\.4\.3\.1[3-6]$/, [RSA]],
  [/^1\.2\.840\.10040\.4\.3$/, [DSA]],
  [/^1\.3\.14\.3\.2\.(13|27)$/, [DSA]],
  [/^2\.16\.840\.1\.101\.3\.4\.3\.[1-8]$/, [DSA]],
  [/^1\.2\.840\.10045\.4\./, [EC]],
  [/^2\.16\.840\.1\.101\.3\.4\.3\.(9|1[0-2])$/, [EC]],
  [/^1\.3\.101\.112$/, [ED25519]],
  [/^1\.3\.101\.113$/, [ED448]],
];

/** Whether a key of this kind may have made such a signature. Unknown signatures fit every key. */
export function fitsKey(signatureOid: string, keyOid: string): boolean {
  const kind = KINDS.find(([pattern]) => pattern.test(signatureOid));
  return kind === undefined || kind[1].includes(keyOid);
}
