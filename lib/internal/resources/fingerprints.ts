// A set of texts that only ever answers "is this new?", in a few bytes for each: 64 bits of a hash
// with a secret seed stand for a text. A million paths would take 100 MB as strings. That two of a
// million share their 64 bits has a chance of one in thirty million. Tables never grow: a larger
// one is added, so that nothing is thrown away.
import { randomBytes } from "node:crypto";

/** Texts that are remembered; beyond, repetitions are not noticed. */
const MAX_TEXTS = 1 << 20;
/** Slots of the first table; each other one has four times as many as the one before. */
const FIRST_SLOTS = 1024;
/** Part of a table that may be in use. */
const MAX_LOAD = 0.8;

export class Fingerprints {
  readonly #seed = randomBytes(4).readInt32LE(0);
  #last = new Table(FIRST_SLOTS);
  readonly #older: Table[] = [];
  #count = 0;
  // the last beginning, and its hash
  #above = "";
  #aboveA = this.#seed;
  #aboveB = ~this.#seed;
  // the hash under way
  #a = 0;
  #b = 0;

  /**
   * Remembers a text.
   * @param above what is in front of it; that of many texts is read once
   * @returns whether it was not there yet
   */
  add(text: string, above = ""): boolean {
    if (above !== this.#above) this.#begin(above);
    this.#a = this.#aboveA;
    this.#b = this.#aboveB;
    this.#feed(text);
    const a = mix(this.#a ^ (above.length + text.length));
    // never both 0
    const b = mix(this.#b) || 1;
    for (const table of this.#older) if (table.has(a, b)) return false;
    if (this.#last.has(a, b)) return false;
    if (this.#count++ < MAX_TEXTS) this.#roomyTable().add(a, b);
    return true;
  }

  #begin(above: string): void {
    this.#above = above;
    this.#a = this.#seed;
    this.#b = ~this.#seed;
    this.#feed(above);
    this.#aboveA = this.#a;
    this.#aboveB = this.#b;
  }

  #feed(text: string): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(b + c, 0x85ebca6b) ^ (b >>> 13);
    }
    this.#a = a;
    this.#b = b;
  }

  #roomyTable(): Table {
    if (!this.#last.hasRoom) {
      this.#older.push(this.#last);
      this.#last = new Table(this.#last.size * 4);
    }
    return this.#last;
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
class Table {
  readonly #slots: Int32Array;
  #count = 0;

  /** @param size slots, a power of two */
  constructor(readonly size: number) {
    this.#slots = new Int32Array(2 * size);
  }

  get hasRoom(): boolean {
    return this.#count < this.size * MAX_LOAD;
  }

  has(a: number, b: number): boolean {
    return this.#slots[this.#find(a, b) + 1] !== 0;
  }

  add(a: number, b: number): void {
    const at = this.#find(a, b);
    this.#slots[at] = a;
    this.#slots[at + 1] = b;
    this.#count++;
  }

  // Where it is, or would be.
  #find(a: number, b: number): number {
    const slots = this.#slots;
    const mask = this.size - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const right = slots[2 * slot + 1];
      if (right === 0 || (right === b && slots[2 * slot] === a)) return 2 * slot;
    }
  }
}
