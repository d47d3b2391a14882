// The beginning of a body, kept while the body passes by.

/** The beginning of a body, up to a limit, and how long it was. */
export class KeptBody {
  /** Bytes of the body. */
  size = 0;
  #limit: number;
  #bytes: Buffer | null = null;
  #kept = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The bytes kept. */
  get bytes(): Buffer {
    return this.#bytes?.subarray(0, this.#kept) ?? Buffer.alloc(0);
  }

  /** Whether all of it was kept. */
  get whole(): boolean {
    return this.#kept === this.size;
  }

  add(block: Uint8Array): void {
    const count = Math.min(block.length, this.#limit - this.#kept);
    this.size += block.length;
    if (count <= 0) return;
    const wanted = this.#kept + count;
    if (this.#bytes === null) {
      this.#bytes = Buffer.allocUnsafe(count);
    } else if (this.#bytes.length < wanted) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(wanted, 2 * this.#kept), this.#limit));
      this.#bytes.copy(grown, 0, 0, this.#kept);
      this.#bytes = grown;
    }
    this.#bytes.set(count === block.length ? block : block.subarray(0, count), this.#kept);
    this.#kept = wanted;
  }
}

/** The body of a request that has none. */
export const NO_BODY = new KeptBody(0);
