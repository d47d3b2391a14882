// MD5 (RFC 1321) with its state in the open: ne_md5_read_ctx shows the four words, which no
// interface of node:crypto does.

// RFC 1321 section 3.4: how far each of the four steps of a round rotates.
const SHIFTS: readonly (readonly [number, number, number, number])[] = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

// RFC 1321 section 3.4: the integer part of 2^32 times abs(sin(i)).
const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))),
);

// Which word of the block each of the 64 steps adds.
const WORDS = Uint8Array.from({ length: 64 }, (_, i) => {
  const factor = [1, 5, 3, 7][i >> 4] as number;
  const start = [0, 1, 5, 0][i >> 4] as number;
  return (factor * i + start) & 15;
});

const BLOCK_BYTES = 64;

/** One computation. */
export class Md5 {
  #state = new Int32Array(4);
  #block = new Uint8Array(BLOCK_BYTES);
  #words = new Int32Array(16);
  #length = 0;

  constructor() {
    this.reset();
  }

  /** Back to the start. */
  reset(): void {
    this.#state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
    this.#length = 0;
  }

  /** An independent copy. */
  copy(): Md5 {
    const twin = new Md5();
    twin.#state.set(this.#state);
    twin.#block.set(this.#block);
    twin.#length = this.#length;
    return twin;
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    let at = 0;
    const waiting = this.#length % BLOCK_BYTES;
    this.#length += bytes.length;
    if (waiting > 0) {
      at = Math.min(BLOCK_BYTES - waiting, bytes.length);
      this.#block.set(bytes.subarray(0, at), waiting);
      if (waiting + at < BLOCK_BYTES) return;
      this.#compress(this.#block, 0);
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
  }

  /** Ends the computation: the 16 bytes of the sum. */
  digest(): Uint8Array {
    const used = this.#length % BLOCK_BYTES;
    const tail = new Uint8Array(used < 56 ? BLOCK_BYTES - used : 2 * BLOCK_BYTES - used);
    tail[0] = 0x80;
    const bits = new DataView(tail.buffer);
    bits.setUint32(tail.length - 8, (this.#length * 8) >>> 0, true);
    bits.setUint32(tail.length - 4, Math.floor(this.#length / 2 ** 29) >>> 0, true);
    this.update(tail);
    return this.state();
  }

  /** The four words as bytes, without the bytes that still wait for a full block. */
  state(): Uint8Array {
    const out = new Uint8Array(16);
    const view = new DataView(out.buffer);
    this.#state.forEach((word, i) => view.setInt32(4 * i, word, true));
    return out;
  }

  #compress(bytes: Uint8Array, at: number): void {
    const words = this.#words;
    for (let i = 0, p = at; i < 16; i++, p += 4) {
      words[i] =
        bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24);
    }
    const state = this.#state;
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    for (let i = 0; i < 64; i++) {
      let mixed: number;
      if (i < 16) mixed = (b & c) | (~b & d);
      else if (i < 32) mixed = (b & d) | (c & ~d);
      else if (i < 48) mixed = b ^ c ^ d;
      else mixed = c ^ (b | ~d);
      const sum = (a + mixed + words[WORDS[i]!]! + SINES[i]!) | 0;
      const shift = SHIFTS[i >> 4]![i & 3]!;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    state[0] = state[0]! + a;
    state[1] = state[1]! + b;
    state[2] = state[2]! + c;
    state[3] = state[3]! + d;
  }
}
