// A set of texts that only ever answers "is this new?", in a few bytes for each: 64 bits of a hash
// with a secret seed stand for a text. A million paths would take 100 MB as strings. 48 of the bits
// are kept, the place where they are says the rest but for a few: that two of a million texts are
// taken for the same has a chance of one in four million. Tables never grow: a larger one is added,
// so that nothing is thrown away.
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

// Open addressing. A slot keeps 48 bits in two arrays; the rest of the 64 say where it is.
class Table {
  /** 0 is a free slot. */
  readonly #right: Int32Array;
  readonly #left: Uint16Array;
  #count = 0;

  /** @param size slots, a power of two */
  constructor(readonly size: number) {
    this.#right = new Int32Array(size);
    this.#left = new Uint16Array(size);
  }

  get hasRoom(): boolean {
    return this.#count < this.size * MAX_LOAD;
  }

  has(a: number, b: number): boolean {
    return this.#right[this.#find(a, b)] !== 0;
  }

  add(a: number, b: number): void {
    const slot = this.#find(a, b);
    this.#right[slot] = b;
    this.#left[slot] = a >>> 16;
    this.#count++;
  }

  // Where it is, or would be.
  #find(a: number, b: number): number {
    const right = this.#right;
    const mask = this.size - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const found = right[slot];
      if (found === 0 || (found === b && this.#left[slot] === a >>> 16)) return slot;
    }
  }
}
