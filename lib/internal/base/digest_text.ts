// Digests of texts (ne_strhash) and of certificates (ne_ssl_cert_hdigest) in the form that the
// NE_HASH_* flags ask for: the low four bits choose the algorithm, the others the separator.
import { crypto } from "./crypto.js";

/** MD5. */
export const NE_HASH_MD5 = 0x0001;
/** SHA-256. */
export const NE_HASH_SHA256 = 0x0002;
/** SHA-512. */
export const NE_HASH_SHA512 = 0x0003;
/** SHA-512/256. */
export const NE_HASH_SHA512_256 = 0x0004;
/** SHA-1. */
export const NE_HASH_SHA1 = 0x0005;
/** Output option: a colon between the bytes; wins over `NE_HASH_SPACE`. */
export const NE_HASH_COLON = 0x1000;
/** Output option: a space between the bytes. */
export const NE_HASH_SPACE = 0x2000;

const ALGORITHMS: readonly (string | undefined)[] = [
  undefined,
  "md5",
  "sha256",
  "sha512",
  "sha512-256",
  "sha1",
];

/**
 * The sum of all parts, texts as UTF-8, in lower-case hex.
 * @returns `null` for an algorithm that is unknown, or that this OpenSSL forbids
 */
export function sumOf(flags: number, parts: readonly (string | Uint8Array)[]): string | null {
  const algorithm = ALGORITHMS[flags & 15];
  if (algorithm === undefined) return null;
  let hex: string;
  try {
    const hash = crypto().createHash(algorithm);
    for (const part of parts) hash.update(part);
    hex = hash.digest("hex");
  } catch {
    return null;
  }
  const separator = flags & NE_HASH_COLON ? ":" : flags & NE_HASH_SPACE ? " " : "";
  return separator === "" ? hex : (hex.match(/../g) ?? []).join(separator);
}
