// MD5 (RFC 1321) with its state in the open: ne_md5_read_ctx shows the four words, which no
// interface of node:crypto does.

type Words = [a: number, b: number, c: number, d: number];

const START: Readonly<Words> = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];

// RFC 1321 section 3.4: how far each of the 64 steps rotates.
const SHIFTS = Uint8Array.from(
  [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
  ].flatMap((round) => [round, round, round, round].flat()),
);

// RFC 1321 section 3.4: the integer part of 2^32 times abs(sin(i)).
const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))),
);

// Where in the block the word is that each of the 64 steps adds.
const PLACES = Uint8Array.from(
  [
    { factor: 1, start: 0 },
    { factor: 5, start: 1 },
    { factor: 3, start: 5 },
    { factor: 7, start: 0 },
  ].flatMap(({ factor, start }) =>
    Array.from({ length: 16 }, (_, i) => 4 * ((factor * i + start) & 15)),
  ),
);

const BLOCK_BYTES = 64;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One computation. */
export class Md5 {
  #state: Words = [...START];
  #block = new Uint8Array(BLOCK_BYTES);
  #length = 0;

  /** Back to the start. */
  reset(): void {
    this.#state = [...START];
    this.#length = 0;
  }

  /** An independent copy. */
  copy(): Md5 {
    const twin = new Md5();
    twin.#state = [...this.#state];
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
      this.#compress(viewOf(this.#block), 0);
    }
    const view = viewOf(bytes);
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) this.#compress(view, at);
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

  #compress(block: DataView, from: number): void {
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    for (let i = 0; i < 64; i++) {
      let mixed: number;
      if (i < 16) mixed = (b & c) | (~b & d);
      else if (i < 32) mixed = (b & d) | (c & ~d);
      else if (i < 48) mixed = b ^ c ^ d;
      else mixed = c ^ (b | ~d);
      const word = block.getInt32(from + (PLACES[i] ?? 0), true);
      const sum = (a + mixed + word + (SINES[i] ?? 0)) | 0;
      const shift = SHIFTS[i] ?? 0;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    state[0] = (state[0] + a) | 0;
    state[1] = (state[1] + b) | 0;
    state[2] = (state[2] + c) | 0;
    state[3] = (state[3] + d) | 0;
  }
}
