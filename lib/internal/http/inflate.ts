// Inflates a deflate stream (RFC 1951) that arrives in pieces of any size, synchronously, so that a
// response body is read on without leaving its turn; node:zlib inflates piecemeal on other threads
// only. Memory is one window and one block of output, whatever the stream says. The words for a
// damaged stream are zlib's.
//
//   BLOCK ── stored ──► LENGTH ► COMPLEMENT ► COPY ──────────────────────────────┐
//     ▲ │── fixed ──────────────────────────────────────────────► SYMBOL ◄─┐     │
//     │ └── dynamic ──► COUNTS ► CODE_LENGTHS ► LENGTHS ────────────► │    │     │
//     │                                     LENGTH_EXTRA ◄── length ──┤    │     │
//     │                                          └► DISTANCE ► DISTANCE_EXTRA    │
//     └── end of block, not the last one ◄────────────────────────────┴──────────┘
//                      the last one: END;   any but END: an error's words, for good

/** More input is wanted. */
export const MORE = 0;
/** The block of output is full: take it. */
export const FULL = 1;
/** The stream has ended; `rest()` is what follows it. */
export const END = 2;

const WINDOW = 32768;
const OUTPUT_BLOCK = 65536;
const LONGEST_MATCH = 258;
// Bytes that the longest symbol can take, so that the fast loop need not look for the end of input.
const FAST_INPUT = 12;

const BLOCK = 0;
const LENGTH = 1;
const COMPLEMENT = 2;
const COPY = 3;
const COUNTS = 4;
const CODE_LENGTHS = 5;
const LENGTHS = 6;
const SYMBOL = 7;
const LENGTH_EXTRA = 8;
const DISTANCE = 9;
const DISTANCE_EXTRA = 10;
const ENDED = 11;

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
// RFC 1951 section 3.2.7
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const END_OF_BLOCK = 256;
const MAX_LITERALS = 286;
const MAX_DISTANCES = 30;

// A Huffman code: what the next bits mean. An entry holds, from below: 4 bits for the number of
// bits of the code, 4 for the number of extra bits, 2 for the kind of symbol, and from bit 16 on
// its meaning (a literal, or the base that the extra bits are added to). 0 is no code.
interface Code {
  table: Int32Array;
  mask: number;
}

const KIND = 0x300;
const LITERAL = 0;
const BASE = 0x100;
const BLOCK_END = 0x200;
const FORBIDDEN = 0x300;

function meaning(kind: number, extra: number, value: number): number {
  return kind | (extra << 4) | (value << 16);
}

const LITERAL_MEANINGS = Int32Array.from({ length: 288 }, (_, symbol) => {
  if (symbol < END_OF_BLOCK) return meaning(LITERAL, 0, symbol);
  if (symbol === END_OF_BLOCK) return BLOCK_END;
  const at = symbol - END_OF_BLOCK - 1;
  const base = LENGTH_BASE[at];
  return base === undefined ? FORBIDDEN : meaning(BASE, LENGTH_BITS[at] ?? 0, base);
});
const DISTANCE_MEANINGS = Int32Array.from({ length: 32 }, (_, symbol) => {
  const base = DISTANCE_BASE[symbol];
  return base === undefined ? FORBIDDEN : meaning(BASE, DISTANCE_BITS[symbol] ?? 0, base);
});
const LENGTH_MEANINGS = Int32Array.from({ length: 19 }, (_, symbol) => meaning(LITERAL, 0, symbol));

const NO_CODE: Code = { table: new Int32Array(1), mask: 0 };

/**
 * The decoding table of a set of code lengths (RFC 1951 section 3.2.2), or `null` for a set that
 * takes more or, but for one code of one bit, less than all bit strings. No code at all is a table
 * of failures, which only matters once a symbol is wanted.
 */
function makeCode(
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

interface Codes {
  literals: Code;
  distances: Code;
}

let fixed: Codes | null = null;

// The codes of a block that brings none (RFC 1951 section 3.2.6), made when one first comes.
function fixedCodes(): Codes {
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

/** One stream. */
export class Inflate {
  #state = BLOCK;
  #last = false;
  #failure: string | null = null;

  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  // bits taken from the input and not used yet, between steps never a whole byte
  #hold = 0;
  #bits = 0;

  // the window of the past, then what is new since the last take
  #output = Buffer.allocUnsafeSlow(WINDOW + OUTPUT_BLOCK + LONGEST_MATCH);
  #end = 0;
  #taken = 0;

  #literals: Code = NO_CODE;
  #distances: Code = NO_CODE;
  #lengths = new Uint8Array(MAX_LITERALS + 32);
  #literalCount = 0;
  #distanceCount = 0;
  #codeCount = 0;
  #have = 0;
  // of the stored block or the match under way; a symbol whose extra bits are missing
  #length = 0;
  #symbol = 0;

  /** Gives the next piece of the stream, once the last one has been used up. */
  feed(input: Uint8Array): void {
    this.#input = input;
    this.#at = 0;
  }

  /** Goes on. @returns `MORE`, `FULL`, `END`, or what is wrong with the stream */
  step(): number | string {
    while (this.#failure === null) {
      if (this.#state === ENDED) return END;
      if (this.#end >= WINDOW + OUTPUT_BLOCK) {
        if (this.#taken < this.#end) return FULL;
        this.#slide();
      }
      if (!this.#advance()) return this.#failure ?? MORE;
    }
    return this.#failure;
  }

  /** What has come out since the last call; it is overwritten by the next step. */
  take(): Buffer {
    const taken = this.#output.subarray(this.#taken, this.#end);
    this.#taken = this.#end;
    return taken;
  }

  /** What of the last piece was not used. */
  rest(): Uint8Array {
    return this.#input.subarray(this.#at);
  }

  #slide(): void {
    this.#output.copyWithin(0, this.#end - WINDOW, this.#end);
    this.#end = WINDOW;
    this.#taken = WINDOW;
  }

  #fail(words: string): false {
    this.#failure = words;
    return false;
  }

  // One state's work. false: input has run out, or the stream is damaged.
  #advance(): boolean {
    switch (this.#state) {
      case BLOCK:
        return this.#blockHead();
      case LENGTH:
        if (!this.#need(16)) return false;
        this.#length = this.#pull(16);
        this.#state = COMPLEMENT;
        return true;
      case COMPLEMENT:
        if (!this.#need(16)) return false;
        if (this.#pull(16) !== (~this.#length & 0xffff)) {
          return this.#fail("invalid stored block lengths");
        }
        this.#state = COPY;
        return true;
      case COPY:
        return this.#copyStored();
      case COUNTS:
        return this.#readCounts();
      case CODE_LENGTHS:
        return this.#readCodeLengths();
      case LENGTHS:
        return this.#readLengths();
      default:
        return this.#decode();
    }
  }

  #need(count: number): boolean {
    while (this.#bits < count) {
      if (this.#at >= this.#input.length) return false;
      this.#hold |= (this.#input[this.#at++] ?? 0) << this.#bits;
      this.#bits += 8;
    }
    return true;
  }

  #pull(count: number): number {
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  // The entry of the next symbol of a code; 0: no such code, -1: input has run out.
  #next(code: Code): number {
    for (;;) {
      const entry = code.table[this.#hold & code.mask] ?? 0;
      const bits = entry & 15;
      if (bits !== 0 && bits <= this.#bits) {
        this.#hold >>>= bits;
        this.#bits -= bits;
        return entry;
      }
      if (bits === 0 && (1 << this.#bits) > code.mask) return 0;
      if (!this.#need(this.#bits + 1)) return -1;
    }
  }

  #blockHead(): boolean {
    if (this.#last) {
      this.#state = ENDED;
      return true;
    }
    if (!this.#need(3)) return false;
    this.#last = this.#pull(1) === 1;
    switch (this.#pull(2)) {
      case 0:
        this.#pull(this.#bits & 7);
        this.#state = LENGTH;
        return true;
      case 1:
        ({ literals: this.#literals, distances: this.#distances } = fixedCodes());
        this.#state = SYMBOL;
        return true;
      case 2:
        this.#state = COUNTS;
        return true;
    }
    return this.#fail("invalid block type");
  }

  #copyStored(): boolean {
    const room = WINDOW + OUTPUT_BLOCK - this.#end;
    const count = Math.min(this.#length, this.#input.length - this.#at, room);
    this.#output.set(this.#input.subarray(this.#at, this.#at + count), this.#end);
    this.#at += count;
    this.#end += count;
    this.#length -= count;
    if (this.#length === 0) this.#state = BLOCK;
    return count > 0 || this.#length === 0;
  }

  #readCounts(): boolean {
    if (!this.#need(14)) return false;
    this.#literalCount = this.#pull(5) + 257;
    this.#distanceCount = this.#pull(5) + 1;
    this.#codeCount = this.#pull(4) + 4;
    if (this.#literalCount > MAX_LITERALS || this.#distanceCount > MAX_DISTANCES) {
      return this.#fail("too many length or distance symbols");
    }
    this.#have = 0;
    this.#lengths.fill(0);
    this.#state = CODE_LENGTHS;
    return true;
  }

  #readCodeLengths(): boolean {
    while (this.#have < this.#codeCount) {
      if (!this.#need(3)) return false;
      this.#lengths[CODE_LENGTH_ORDER[this.#have++] ?? 0] = this.#pull(3);
    }
    const code = makeCode(this.#lengths.subarray(0, 19), LENGTH_MEANINGS, false);
    if (code === null) return this.#fail("invalid code lengths set");
    this.#literals = code;
    this.#lengths.fill(0);
    this.#have = 0;
    this.#symbol = -1;
    this.#state = LENGTHS;
    return true;
  }

  #readLengths(): boolean {
    const total = this.#literalCount + this.#distanceCount;
    while (this.#have < total) {
      const entry = this.#symbol >= 0 ? this.#symbol : this.#next(this.#literals);
      if (entry === -1) return false;
      // a code of no symbols at all: zlib reads zeros from it
      if (entry === 0) return this.#fail("invalid code -- missing end-of-block");
      const symbol = entry >> 16;
      this.#symbol = -1;
      if (symbol < 16) {
        this.#lengths[this.#have++] = symbol;
        continue;
      }
      const bits = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (!this.#need(bits)) {
        this.#symbol = entry;
        return false;
      }
      const repeat = this.#pull(bits) + (symbol === 18 ? 11 : 3);
      const start = this.#have;
      if (start + repeat > total || (symbol === 16 && start === 0)) {
        return this.#fail("invalid bit length repeat");
      }
      this.#have += repeat;
      if (symbol === 16) this.#lengths.fill(this.#lengths[start - 1] ?? 0, start, this.#have);
    }
    return this.#makeCodes(total);
  }

  #makeCodes(total: number): boolean {
    if (this.#lengths[END_OF_BLOCK] === 0) {
      return this.#fail("invalid code -- missing end-of-block");
    }
    const literals = makeCode(
      this.#lengths.subarray(0, this.#literalCount),
      LITERAL_MEANINGS,
      true,
    );
    if (literals === null) return this.#fail("invalid literal/lengths set");
    const distances = makeCode(
      this.#lengths.subarray(this.#literalCount, total),
      DISTANCE_MEANINGS,
      true,
    );
    if (distances === null) return this.#fail("invalid distances set");
    this.#literals = literals;
    this.#distances = distances;
    this.#state = SYMBOL;
    return true;
  }

  // One symbol at a time, for the ends of input and output.
  #decode(): boolean {
    if (this.#state === SYMBOL) {
      if (this.#input.length - this.#at >= FAST_INPUT) {
        if (!this.#decodeFast()) return false;
        if (this.#state !== SYMBOL || this.#end >= WINDOW + OUTPUT_BLOCK) return true;
      }
      const entry = this.#next(this.#literals);
      if (entry === -1) return false;
      if (entry === 0 || (entry & KIND) === FORBIDDEN) {
        return this.#fail("invalid literal/length code");
      }
      if ((entry & KIND) === LITERAL) {
        this.#output[this.#end++] = entry >> 16;
        return true;
      }
      if ((entry & KIND) === BLOCK_END) {
        this.#state = BLOCK;
        return true;
      }
      this.#symbol = entry;
      this.#state = LENGTH_EXTRA;
    }
    return this.#decodeMatch();
  }

  #decodeMatch(): boolean {
    if (this.#state === LENGTH_EXTRA) {
      const bits = (this.#symbol >> 4) & 15;
      if (!this.#need(bits)) return false;
      this.#length = (this.#symbol >> 16) + this.#pull(bits);
      this.#state = DISTANCE;
    }
    if (this.#state === DISTANCE) {
      const entry = this.#next(this.#distances);
      if (entry === -1) return false;
      if (entry === 0 || (entry & KIND) === FORBIDDEN) return this.#fail("invalid distance code");
      this.#symbol = entry;
      this.#state = DISTANCE_EXTRA;
    }
    const bits = (this.#symbol >> 4) & 15;
    if (!this.#need(bits)) return false;
    const distance = (this.#symbol >> 16) + this.#pull(bits);
    if (distance > this.#end) return this.#fail("invalid distance too far back");
    for (let count = this.#length; count > 0; count--) {
      this.#output[this.#end] = this.#output[this.#end - distance] ?? 0;
      this.#end++;
    }
    this.#state = SYMBOL;
    return true;
  }

  // The same without looking for the ends, while both are far away. false: the stream is damaged.
  #decodeFast(): boolean {
    const input = this.#input;
    const output = this.#output;
    const literals = this.#literals.table;
    const literalMask = this.#literals.mask;
    const distances = this.#distances.table;
    const distanceMask = this.#distances.mask;
    const lastAt = input.length - FAST_INPUT;
    let at = this.#at;
    let end = this.#end;
    let hold = this.#hold;
    let bits = this.#bits;
    let failure: string | null = null;
    while (at <= lastAt && end < WINDOW + OUTPUT_BLOCK) {
      for (; bits < 24; bits += 8) hold |= (input[at++] ?? 0) << bits;
      let entry = literals[hold & literalMask] ?? 0;
      let used = entry & 15;
      hold >>>= used;
      bits -= used;
      if ((entry & KIND) === LITERAL && entry !== 0) {
        output[end++] = entry >> 16;
        continue;
      }
      if ((entry & KIND) !== BASE) {
        if ((entry & KIND) === BLOCK_END) this.#state = BLOCK;
        else failure = "invalid literal/length code";
        break;
      }
      used = (entry >> 4) & 15;
      let length = (entry >> 16) + (hold & ((1 << used) - 1));
      hold >>>= used;
      bits -= used;
      for (; bits < 24; bits += 8) hold |= (input[at++] ?? 0) << bits;
      entry = distances[hold & distanceMask] ?? 0;
      used = entry & 15;
      hold >>>= used;
      bits -= used;
      if ((entry & KIND) !== BASE) {
        failure = "invalid distance code";
        break;
      }
      for (; bits < 24; bits += 8) hold |= (input[at++] ?? 0) << bits;
      used = (entry >> 4) & 15;
      const distance = (entry >> 16) + (hold & ((1 << used) - 1));
      hold >>>= used;
      bits -= used;
      if (distance > end) {
        failure = "invalid distance too far back";
        break;
      }
      let from = end - distance;
      for (; length > 0; length--) output[end++] = output[from++] ?? 0;
    }
    // whole bytes that were taken ahead go back
    this.#at = at - (bits >> 3);
    this.#bits = bits & 7;
    this.#hold = hold & ((1 << this.#bits) - 1);
    this.#end = end;
    this.#failure = failure;
    return failure === null;
  }
}
