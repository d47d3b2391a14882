// Gives the event loop its turn during long work. While bytes are at hand and callbacks return no
// promise, the library could go on without a pause, and nothing else in the program would run.

/** Milliseconds of work without a turn. */
const MAX_STRETCH_MS = 8;

/** Work that gives way. */
export class Stretch {
  #since = performance.now();

  /** Whether the event loop should have its turn now. */
  get isLong(): boolean {
    return performance.now() - this.#since > MAX_STRETCH_MS;
  }

  /** Lets the event loop have its turn; the time is counted from there on. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now();
        resolve();
      });
    });
  }
}
