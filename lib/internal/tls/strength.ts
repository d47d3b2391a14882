// Whether a certificate's key and signature are strong enough: OpenSSL's security level 1, the
// default of Node 20 and 22. (Node 24 wants more; what falls between is OpenSSL's to refuse.) And
// whether a key is so large that checking its signatures holds up the program.

import type { KeyObject } from "node:crypto";
import type { X509 } from "../asn1/x509.js";

// Signatures with MD2, MD4, MD5 or SHA-1, by RSA (also under their old identifiers), DSA and ECDSA.
const WEAK_SIGNATURES = new Set([
  "1.2.840.113549.1.1.2",
  "1.2.840.113549.1.1.3",
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.3.14.3.2.3",
  "1.3.14.3.2.15",
  "1.3.14.3.2.29",
  "1.3.14.3.2.13",
  "1.3.14.3.2.27",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
]);

/** Bits of the modulus of an RSA or DSA key. */
const MIN_MODULUS_BITS = 1024;

/** Curves below the 160 bits that level 1 asks for, by OpenSSL's names. */
const SMALL_CURVES =
  /^(secp(112|128)r[12]|sect(113|131)r[12]|wap-wsg-idm-ecid-wtls[1468]|Oakley-EC2N-3)$/;

/**
 * @param isTop whether it is the last of its path: nobody checks its signature, so the strength of
 *   that does not count
 */
export function isStrong(cert: X509, isTop: boolean): boolean {
  if (!isTop && hasWeakSignature(cert)) return false;
  try {
    return isStrongKey(cert.node().publicKey);
  } catch {
    return false; // a key that OpenSSL cannot read
  }
}

function hasWeakSignature({ signatureOid, pssHash }: X509): boolean {
  return WEAK_SIGNATURES.has(signatureOid) || (pssHash !== null && WEAK_HASHES.has(pssHash));
}

/** MD5 and SHA-1 where a PSS signature names its hash. */
const WEAK_HASHES = new Set(["1.2.840.113549.2.5", "1.3.14.3.2.26"]);

function isStrongKey(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < MIN_MODULUS_BITS) return false;
  if (namedCurve === undefined) return true;
  return !SMALL_CURVES.test(namedCurve);
}

/**
 * Roughly how many milliseconds it takes to check a signature by a key. The peer chooses the key:
 * a usual one takes 0.1, an RSA key whose exponent has 3072 bits takes 10.
 */
export function signatureCost(key: KeyObject): number {
  const { modulusLength, publicExponent, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) {
    const exponentBits = publicExponent === undefined ? 512 : bitsOf(publicExponent);
    return (modulusLength ** 2 * exponentBits) / 2.5e9;
  }
  if (key.asymmetricKeyType !== "ec") return 1;
  const curveBits = Number(/[0-9]{3}/.exec(namedCurve ?? "")?.[0] ?? LARGEST_CURVE);
  return curveBits ** 3 / 5e7;
}

/** Bits of the largest curve that OpenSSL computes with: for those without a name. */
const LARGEST_CURVE = 661;

function bitsOf(number: bigint): number {
  return number.toString(16).length * 4;
}
