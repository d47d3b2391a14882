// The Huffman codes of deflate (RFC 1951 section 3.2) as tables: an entry for the next bits tells
// the symbol, how many bits it took and how many extra bits follow.

// RFC 1951 section 3.2.5
const LENGTH_BASE = Uint16Array.of(
  ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115],
  ...[131, 163, 195, 227, 258],
);
const LENGTH_BITS = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
);
const DISTANCE_BASE = Uint16Array.of(
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537],
  ...[2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577],
);
const DISTANCE_BITS = Uint8Array.of(
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12],
  ...[13, 13],
);
/** The symbol behind the last one of a block. */
export const END_OF_BLOCK = 256;

/**
 * A Huffman code: what the next bits mean. An entry holds, from below: 4 bits for the number of
 * bits of the code, 4 for the number of extra bits, 2 for the kind of symbol, and from bit 16 on
 * its meaning (a literal, or the base that the extra bits are added to). 0 is no code.
 */
export interface Code {
  table: Int32Array;
  mask: number;
}

/** The bits of an entry that say what kind of symbol it is: one of the four below. */
export const KIND = 0x300;
export const LITERAL = 0;
export const BASE = 0x100;
export const BLOCK_END = 0x200;
export const FORBIDDEN = 0x300;

function meaning(kind: number, extra: number, value: number): number {
  return kind | (extra << 4) | (value << 16);
}

export const LITERAL_MEANINGS = Int32Array.from({ length: 288 }, (_, symbol) => {
  if (symbol < END_OF_BLOCK) return meaning(LITERAL, 0, symbol);
  if (symbol === END_OF_BLOCK) return BLOCK_END;
  const at = symbol - END_OF_BLOCK - 1;
  const base = LENGTH_BASE[at];
  return base === undefined ? FORBIDDEN : meaning(BASE, LENGTH_BITS[at] ?? 0, base);
});
export const DISTANCE_MEANINGS = Int32Array.from({ length: 32 }, (_, symbol) => {
  const base = DISTANCE_BASE[symbol];
  return base === undefined ? FORBIDDEN : meaning(BASE, DISTANCE_BITS[symbol] ?? 0, base);
});
export const LENGTH_MEANINGS = Int32Array.from({ length: 19 }, (_, symbol) =>
  meaning(LITERAL, 0, symbol),
);

export const NO_CODE: Code = { table: new Int32Array(1), mask: 0 };

/**
 * The decoding table of a set of code lengths (RFC 1951 section 3.2.2), or `null` for a set that
 * takes more or, but for one code of one bit, less than all bit strings. No code at all is a table
 * of failures, which only matters once a symbol is wanted.
 */
export function makeCode(
  lengths: Uint8Array,
  meanings: Int32Array,
  mayBeIncomplete: boolean,
): Code | null {
  const counts = new Uint16Array(16);
  let longest = 0;
  for (const length of lengths) {
    counts[length] = (counts[length] ?? 0) + 1;
    if (length > longest) longest = length;
  }
  if (longest === 0) return NO_CODE;
  const next = new Uint16Array(17);
  let left = 1;
  for (let bits = 1; bits <= 15; bits++) {
    const count = counts[bits] ?? 0;
    left = left * 2 - count;
    if (left < 0) return null;
    next[bits + 1] = ((next[bits] ?? 0) + count) << 1;
  }
  if (left > 0 && (!mayBeIncomplete || longest !== 1)) return null;
  const size = 1 << longest;
  const table = new Int32Array(size);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const entry = (meanings[symbol] ?? FORBIDDEN) | length;
    const step = 1 << length;
    const code = next[length] ?? 0;
    next[length] = code + 1;
    for (let at = reversed(code, length); at < size; at += step) table[at] = entry;
  }
  return { table, mask: size - 1 };
}

// Codes stand in the stream with their first bit lowest.
function reversed(code: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result |= ((code >> i) & 1) << (bits - 1 - i);
  return result;
}

/** The codes of a block: of literals and lengths, and of distances. */
export interface Codes {
  literals: Code;
  distances: Code;
}

let fixed: Codes | null = null;

/** The codes of a block that brings none (RFC 1951 section 3.2.6), made when one first comes. */
export function fixedCodes(): Codes {
  if (fixed !== null) return fixed;
  const lengths = Uint8Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  );
  fixed = {
    literals: makeCode(lengths, LITERAL_MEANINGS, false) ?? NO_CODE,
    distances: makeCode(new Uint8Array(32).fill(5), DISTANCE_MEANINGS, false) ?? NO_CODE,
  };
  return fixed;
}
