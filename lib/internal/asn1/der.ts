// A cursor over DER bytes (X.690): every read advances or throws a DerError. It looks at nothing
// outside the element that it was opened on, and it never copies. Doors of this room catch.

/** How deep elements may stand in each other: a certificate needs about ten. */
const MAX_DEPTH = 32;

/** Bytes that are not what was asked for. Caught at the door of each parser. */
export class DerError extends Error {}

/** Universal tags, with the bit for "constructed" where DER wants it. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  UTF8: 0x0c,
  NUMERIC: 0x12,
  PRINTABLE: 0x13,
  T61: 0x14,
  IA5: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  VISIBLE: 0x1a,
  UNIVERSAL: 0x1c,
  BMP: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** One element: its tag byte, its content, and all of it with its header. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
  readonly depth: number;
}

/** A cursor over the elements of one content. */
export class Der {
  #bytes: Buffer;
  #at = 0;
  #depth: number;

  constructor(bytes: Buffer, depth = 0) {
    if (depth > MAX_DEPTH) throw new DerError("nested too deep");
    this.#bytes = bytes;
    this.#depth = depth;
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The tag byte of the next element, -1 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  /** The next element, of any tag below 31 (names of files have no others). */
  element(): Element {
    const start = this.#at;
    const { tag } = this;
    const content = this.#bytes.subarray(this.skip(), this.#at);
    return { tag, content, whole: this.#bytes.subarray(start, this.#at), depth: this.#depth };
  }

  /** Passes over the next element, and gives where its content begins. */
  skip(): number {
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw new DerError("long tag");
    const length = this.#length();
    if (length > this.#bytes.length - this.#at) throw new DerError("length beyond the end");
    const start = this.#at;
    this.#at += length;
    return start;
  }

  /** The content of the next element, which must have this tag. */
  bytes(tag: number): Buffer {
    if (this.tag !== tag) throw new DerError(`tag ${this.tag} where ${tag} should be`);
    return this.#bytes.subarray(this.skip(), this.#at);
  }

  /** A truth value of one byte; any but 0 is true, as OpenSSL reads it. */
  boolean(): boolean {
    const [value, more] = this.bytes(TAG.BOOLEAN);
    if (value === undefined || more !== undefined) throw new DerError("a boolean is one byte");
    return value !== 0;
  }

  /** A cursor over the content of the next element, which must have this tag. */
  open(tag: number): Der {
    return new Der(this.bytes(tag), this.#depth + 1);
  }

  /** The same if the next element has this tag, else null and nothing is read. */
  openOptional(tag: number): Der | null {
    return this.tag === tag ? this.open(tag) : null;
  }

  /** An object identifier in dotted form. */
  oid(): string {
    return oidText(this.bytes(TAG.OID));
  }

  /** An integer of at most 6 bytes, not negative. */
  smallInteger(): number {
    const bytes = integerBytes(this.bytes(TAG.INTEGER));
    if (bytes.length > 6 || ((bytes[0] ?? 0) & 0x80) !== 0) throw new DerError("integer too large");
    return bytes.readUIntBE(0, bytes.length);
  }

  /** Ends the reading: throws if something is left. */
  end(): void {
    if (!this.done) throw new DerError("bytes left over");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DerError("ends too early");
    this.#at += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw new DerError("length without end");
    if (count > 4) throw new DerError("length too large");
    let length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + this.#byte();
    return length;
  }
}

/** A cursor over the content of an element read before. */
export function inside(element: Element): Der {
  return new Der(element.content, element.depth + 1);
}

/** Checks the shortest form of an integer (X.690 8.3.2). */
export function integerBytes(content: Buffer): Buffer {
  const [first, second] = content;
  if (first === undefined) throw new DerError("empty integer");
  if (second !== undefined) {
    if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
      throw new DerError("integer padded");
    }
  }
  return content;
}

/** The dotted form of an object identifier's content. */
export function oidText(content: Buffer): string {
  if (content.length === 0 || content.length > 64) throw new DerError("bad object identifier");
  const arcs: string[] = [];
  let value = 0;
  let digits = 0;
  for (const byte of content) {
    if (digits === 0 && byte === 0x80) throw new DerError("object identifier padded");
    value = value * 128 + (byte & 0x7f);
    digits += 1;
    if (value > Number.MAX_SAFE_INTEGER / 128) throw new DerError("object identifier too large");
    if (byte & 0x80) continue;
    if (arcs.length === 0) {
      const root = value < 40 ? 0 : value < 80 ? 1 : 2;
      arcs.push(String(root), String(value - root * 40));
    } else {
      arcs.push(String(value));
    }
    value = 0;
    digits = 0;
  }
  if (digits > 0) throw new DerError("object identifier ends too early");
  return arcs.join(".");
}

/** Runs a parser over hostile bytes: null where it throws a DerError. */
export function orNull<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DerError) return null;
    throw error;
  }
}
