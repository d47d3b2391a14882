// How much of a request body is sent at once. Every block has the whole timeout for itself, so a
// slow line is given small ones. On a quick line each block costs a turn of the event loop, in TLS
// also a crossing to native code: large ones make these few.

/** Bytes sent at once where nobody counts neon's blocks. */
export const LARGE_BLOCK = 128 * 1024;
/** Bytes sent at once on a quick line. */
const QUICK_BLOCK = 512 * 1024;
/** What takes longer makes the line a slow one. */
const SLOW_MS = 20;
/** More than what buffers on the way take before a slow line shows. */
const PROOF_BYTES = 8 * 1024 * 1024;

export class Pace {
  /** Bytes to send next. */
  step: number;
  #fixed: boolean;
  #quickly = 0;

  /** @param step bytes sent at once if the application counts them */
  constructor(step: number | null) {
    this.step = step ?? LARGE_BLOCK;
    this.#fixed = step !== null;
  }

  /** A block was taken, in so much time. */
  took(bytes: number, ms: number): void {
    if (this.#fixed) return;
    this.#quickly = ms > SLOW_MS ? 0 : this.#quickly + bytes;
    this.step = this.#quickly > PROOF_BYTES ? QUICK_BLOCK : LARGE_BLOCK;
  }
}
