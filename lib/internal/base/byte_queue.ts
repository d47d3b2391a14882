// Bytes that arrive in pieces, joined only when as many are there as somebody needs: reading them
// costs what they are long, however small the pieces.

export class Pieces {
  #list: Buffer[] = [];
  #length = 0;

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#list.push(piece);
    this.#length += piece.length;
  }

  /** The next bytes, which stay; null while there are fewer. */
  peek(count: number): Buffer | null {
    if (this.#length < count) return null;
    const [first] = this.#list;
    if (first !== undefined && first.length >= count) return first.subarray(0, count);
    const whole = Buffer.concat(this.#list);
    this.#list = [whole];
    return whole.subarray(0, count);
  }

  /** Takes the next bytes; null, and nothing is taken, while there are fewer. */
  take(count: number): Buffer | null {
    const bytes = this.peek(count);
    const [first] = this.#list;
    if (bytes === null || first === undefined) return bytes;
    if (first.length === count) this.#list.shift();
    else this.#list[0] = first.subarray(count);
    this.#length -= count;
    return bytes;
  }
}
