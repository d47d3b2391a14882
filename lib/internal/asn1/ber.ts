// Older programs write PKCS#12 files in BER: lengths without end and strings in pieces (X.690
// 8.1.3.6 and 8.7.3). This rewrites such bytes as DER; what is DER already comes back as it is.

import { DerError } from "./der.js";

const MAX_DEPTH = 32;
/** Elements of one file: a certificate with its key has a hundred, its strings counted whole. */
const MAX_ELEMENTS = 100_000;
const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;

interface Part {
  /** The element in DER; null for the mark that ends a length without end. */
  der: Buffer | null;
  content: Buffer;
  end: number;
}

interface WholePart extends Part {
  der: Buffer;
}

/** Throws a DerError for bytes that are no BER either. What follows the first element goes. */
export function berToDer(bytes: Buffer): Buffer {
  const { der } = rewrite(bytes, 0, bytes.length, { depth: 0, count: { left: MAX_ELEMENTS } });
  if (der === null) throw new DerError("no element");
  return der;
}

/** How deep, and how many more elements there may be in all. */
interface Bounds {
  readonly depth: number;
  readonly count: { left: number };
}

function rewrite(bytes: Buffer, at: number, limit: number, { depth, count }: Bounds): Part {
  if (depth > MAX_DEPTH) throw new DerError("nested too deep");
  count.left -= 1;
  if (count.left < 0) throw new DerError("too many elements");
  const tag = byteAt(bytes, at, limit);
  if ((tag & 0x1f) === 0x1f) throw new DerError("long tag");
  const { length, start } = lengthAt(bytes, at + 1, limit);
  if (tag === 0 && length === 0) return { der: null, content: Buffer.alloc(0), end: start };
  const stop = length === null ? limit : start + length;
  if (stop > limit) throw new DerError("length beyond the end");
  if ((tag & CONSTRUCTED) === 0) {
    if (length === null) throw new DerError("length without end");
    const content = bytes.subarray(start, stop);
    return { der: element(tag, content), content, end: stop };
  }
  const parts: WholePart[] = [];
  let next = start;
  for (;;) {
    if (length !== null && next === stop) break;
    const part = rewrite(bytes, next, stop, { depth: depth + 1, count });
    next = part.end;
    const { der } = part;
    if (der === null) {
      if (length !== null) throw new DerError("end where there is none");
      break;
    }
    parts.push({ ...part, der });
  }
  // the pieces of a string become one; a context tag may stand for a string too, which its reader
  // has to know
  const plain = tag === (OCTET_STRING | CONSTRUCTED);
  const content = Buffer.concat(parts.map((part) => (plain ? part.content : part.der)));
  return { der: element(plain ? OCTET_STRING : tag, content), content, end: next };
}

function byteAt(bytes: Buffer, at: number, limit: number): number {
  const byte = at < limit ? bytes[at] : undefined;
  if (byte === undefined) throw new DerError("ends too early");
  return byte;
}

function lengthAt(
  bytes: Buffer,
  at: number,
  limit: number,
): { length: number | null; start: number } {
  const first = byteAt(bytes, at, limit);
  if (first < 0x80) return { length: first, start: at + 1 };
  const count = first & 0x7f;
  if (count === 0) return { length: null, start: at + 1 };
  if (count > 4) throw new DerError("length too large");
  let length = 0;
  for (let i = 1; i <= count; i += 1) length = length * 256 + byteAt(bytes, at + i, limit);
  return { length, start: at + 1 + count };
}

/** One element in DER. */
export function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length, ...size]), content]);
}
