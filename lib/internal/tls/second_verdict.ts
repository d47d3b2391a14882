// The second judge. Our own verdict tells failures apart that a person may overrule; but where it
// finds nothing, OpenSSL, which saw the same chain in the handshake under the same trust, must have
// authorized it too. So a fault that only OpenSSL knows is never accepted in silence.

import type { X509 } from "../asn1/x509.js";
import { isSelfSigned } from "./chain.js";

/** What OpenSSL said against a chain: the name of its error (`INVALID_CA`) and its words. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** What a peer showed in a handshake, leaf first, and what OpenSSL said of it; null: authorized. */
export interface Peer {
  readonly chain: readonly X509[];
  readonly refusal: Refusal | null;
}

/** OpenSSL's errors that mean that the issuer is not trusted; all others are about the chain. */
const UNTRUSTED = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Whether a refusal means no more than that nobody vouches for the chain. */
export function isAboutTrust({ code }: Refusal): boolean {
  return UNTRUSTED.has(code);
}

/** What only we allow. `applies` sees a chain in which we found nothing wrong. */
interface Exception {
  readonly name: string;
  readonly why: string;
  applies(leaf: X509, refusal: Refusal, trusted: readonly X509[]): boolean;
}

/**
 * The whole list. (A refusal that the verify callback overrules is none of these: there our own
 * verdict is not clean, and OpenSSL is not asked.)
 */
export const EXCEPTIONS: readonly Exception[] = [
  {
    name: "a self-signed certificate that is trusted itself",
    why: "ne_ssl_trust_cert promises it; OpenSSL wants a CA where keyUsage lacks keyCertSign",
    applies: (leaf, refusal, trusted) =>
      isAboutTrust(refusal) &&
      isSelfSigned(leaf) &&
      trusted.some(({ der }) => der.equals(leaf.der)),
  },
];

/** OpenSSL's refusal of a chain in which we found nothing wrong; null where it has none to say. */
export function secondRefusal(
  { chain, refusal }: Peer,
  trusted: readonly X509[],
): Refusal | null {
  const leaf = chain[0];
  if (refusal === null || leaf === undefined) return refusal;
  return EXCEPTIONS.some(({ applies }) => applies(leaf, refusal, trusted)) ? null : refusal;
}
