// Whether a file is what the server says it is: by the digests of its fields. Repr-Digest (RFC
// 9530) and Digest (RFC 3230) are of the whole resource; Content-Digest and Content-MD5 are of one
// message, which is the same only where the whole is sent at once.
import { createHash, type Hash } from "node:crypto";
import type { Field } from "./transfer_request.js";

/** Names in the fields, in lower case, of what Node has a hash for. */
const ALGORITHMS = new Map([
  ["sha-256", "sha256"],
  ["sha-512", "sha512"],
  ["sha", "sha1"],
  ["md5", "md5"],
]);

/** A digest that a server has given. */
export interface Digest {
  readonly algorithm: string;
  readonly value: Buffer;
}

/** The digests of the whole resource in some fields, as far as they can be read. */
export function digestsIn(fields: readonly Field[], isWhole: boolean): Digest[] {
  return fields.flatMap(([name, value]) => {
    switch (name.toLowerCase()) {
      case "repr-digest":
        return structured(value);
      case "digest":
        return legacy(value);
      case "content-digest":
        return isWhole ? structured(value) : [];
      case "content-md5":
        return isWhole ? digest("md5", value) : [];
      default:
        return [];
    }
  });
}

/** Whether digests are to come behind the body. */
export function promisesDigests(fields: readonly Field[]): boolean {
  return fields.some(([name, value]) => /^trailer$/i.test(name) && /digest|md5/i.test(value));
}

// a dictionary of byte sequences (RFC 9651): sha-256=:...:, sha-512=:...:
function structured(value: string): Digest[] {
  return [...value.matchAll(/([a-z0-9-]+)=:([A-Za-z0-9+/=]*):/gi)].flatMap(
    ([, name = "", text = ""]) => digest(name, text),
  );
}

function legacy(value: string): Digest[] {
  return value.split(",").flatMap((part) => {
    const at = part.indexOf("=");
    return at < 0 ? [] : digest(part.slice(0, at), part.slice(at + 1));
  });
}

// A value that cannot be a digest is one that no content has.
function digest(name: string, text: string): Digest[] {
  const algorithm = ALGORITHMS.get(name.trim().toLowerCase());
  if (algorithm === undefined) return [];
  const { length } = createHash(algorithm).digest();
  const value = text.trim();
  // there are servers that write hexadecimal digits
  const isHex = value.length === 2 * length && /^[0-9a-f]*$/i.test(value);
  return [{ algorithm, value: Buffer.from(value, isHex ? "hex" : "base64") }];
}

/** Sums over a content as it comes. */
export class Sums {
  #hashes = new Map<string, Hash>();
  /** Bytes that have gone in. */
  size = 0;

  constructor(algorithms: Iterable<string> = ALGORITHMS.values()) {
    for (const name of algorithms) this.#hashes.set(name, createHash(name));
  }

  add(block: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(block);
    this.size += block.length;
  }

  /** The first digest that the content does not have, or `null`. To be asked once. */
  mismatch(digests: readonly Digest[]): Digest | null {
    const values = new Map([...this.#hashes].map(([name, hash]) => [name, hash.digest()]));
    const differs = ({ algorithm, value }: Digest): boolean =>
      values.get(algorithm)?.equals(value) === false;
    return digests.find(differs) ?? null;
  }
}
