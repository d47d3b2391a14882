// A set of texts that only ever answers "is this new?", in a few bytes for each: 64 bits of a hash
// with a secret seed stand for a text. A million paths would take 100 MB as strings. That two of a
// million share their 64 bits has a chance of one in thirty million.
import { randomBytes } from "node:crypto";

/** Texts that are remembered; beyond, repetitions are not noticed. */
const MAX_TEXTS = 1 << 20;
/** Parts that grow one after another, so that growing never doubles the whole. */
const PARTS = 16;
const FIRST_SLOTS = 64;

export class Fingerprints {
  readonly #seed = randomBytes(8).readInt32LE(0);
  readonly #parts: Part[] = [];
  #count = 0;

  /** Remembers a text. @returns whether it was not there yet */
  add(text: string): boolean {
    let a = this.#seed;
    let b = ~this.#seed;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(b + c, 0x85ebca6b) ^ (b >>> 13);
    }
    a = mix(a ^ text.length);
    // never both 0
    b = mix(b) || 1;
    const index = a & (PARTS - 1);
    const part = (this.#parts[index] ??= new Part());
    if (part.has(a, b)) return false;
    if (this.#count < MAX_TEXTS) {
      this.#count++;
      part.add(a, b);
    }
    return true;
  }
}

function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return h ^ (h >>> 16);
}

// Open addressing; both halves 0 is a free slot.
class Part {
  #slots = new Int32Array(2 * FIRST_SLOTS);
  #count = 0;

  has(a: number, b: number): boolean {
    const at = this.#find(this.#slots, a, b);
    return this.#slots[at] !== 0 || this.#slots[at + 1] !== 0;
  }

  add(a: number, b: number): void {
    const size = this.#slots.length / 2;
    if (++this.#count > size * 0.8) this.#grow(Math.ceil(size * 1.5));
    this.#put(this.#slots, a, b);
  }

  #put(slots: Int32Array, a: number, b: number): void {
    const at = this.#find(slots, a, b);
    slots[at] = a;
    slots[at + 1] = b;
  }

  #find(slots: Int32Array, a: number, b: number): number {
    const size = slots.length / 2;
    let slot = Math.floor(((b >>> 0) / 0x1_0000_0000) * size);
    for (;;) {
      const [left, right] = [slots[2 * slot], slots[2 * slot + 1]];
      if ((left === a && right === b) || (left === 0 && right === 0)) return 2 * slot;
      slot = slot + 1 === size ? 0 : slot + 1;
    }
  }

  #grow(size: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * size);
    for (let i = 0; i < old.length; i += 2) {
      const [a = 0, b = 0] = [old[i], old[i + 1]];
      if (a !== 0 || b !== 0) this.#put(this.#slots, a, b);
    }
  }
}
