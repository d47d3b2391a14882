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

import {
  BASE,
  BLOCK_END,
  DISTANCE_MEANINGS,
  END_OF_BLOCK,
  fixedCodes,
  FORBIDDEN,
  KIND,
  LENGTH_MEANINGS,
  LITERAL,
  LITERAL_MEANINGS,
  makeCode,
  NO_CODE,
  type Code,
} from "./huffman.js";

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

// RFC 1951 section 3.2.7
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const MAX_LITERALS = 286;
const MAX_DISTANCES = 30;

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
