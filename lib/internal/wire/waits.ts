// The waits of one connection: a read and a write may each wait for the peer, until a deadline.
//
// One timer serves both: it looks at the deadlines when it fires, and waits again if they have
// moved on meanwhile, so a wait needs no timer of its own. A connection keeps the process alive
// only while something waits for it.
import { MAX_TIMER_MS, NE_SOCK_TIMEOUT } from "../base/constants.js";

type Settle = (result: number) => void;

/** A stream that may keep the process alive: a socket does, until it is unreferenced. */
interface Holding {
  ref?: () => unknown;
  unref?: () => unknown;
}

export class Waits {
  readonly #stream: Holding;
  readonly #onTimeout: () => void;
  #reader: Settle | null = null;
  #writer: Settle | null = null;
  #readDeadline = Infinity;
  #writeDeadline = Infinity;
  #timer: NodeJS.Timeout | null = null;
  #timerEnd = 0;
  // the stream keeps the process alive
  #isHeld = true;
  #isOver = false;

  /** @param onTimeout called before a wait ends with `NE_SOCK_TIMEOUT` */
  constructor(stream: Holding, onTimeout: () => void) {
    this.#stream = stream;
    this.#onTimeout = onTimeout;
    this.#hold();
  }

  get isReading(): boolean {
    return this.#reader !== null;
  }

  get isWriting(): boolean {
    return this.#writer !== null;
  }

  /** Waits for `endRead`. @param timeoutMs 0 for ever */
  read(timeoutMs: number): Promise<number> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#readDeadline = this.#arm(timeoutMs);
      this.#hold();
    });
  }

  /** Waits for `endWrite`. @param timeoutMs 0 for ever */
  write(timeoutMs: number): Promise<number> {
    return new Promise((resolve) => {
      this.#writer = resolve;
      this.#writeDeadline = this.#arm(timeoutMs);
      this.#hold();
    });
  }

  /** Ends the read that waits, if any, with a number of bytes or a code. */
  endRead(result: number): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#reader = null;
    this.#hold();
    reader(result);
  }

  /** Ends the write that waits, if any, with a code. */
  endWrite(result: number): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    this.#hold();
    writer(result);
  }

  /** Gives the read that waits, if any, a new deadline. */
  rearm(timeoutMs: number): void {
    if (this.#reader !== null) this.#readDeadline = this.#arm(timeoutMs);
  }

  /** The connection is closed: no deadline counts any more. */
  stop(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(timeoutMs: number): number {
    if (timeoutMs <= 0) return Infinity;
    const deadline = performance.now() + timeoutMs;
    if (this.#timer === null || this.#timerEnd > deadline) this.#startTimer(deadline, timeoutMs);
    return deadline;
  }

  #startTimer(deadline: number, ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerEnd = deadline;
    this.#timer = setTimeout(this.#onTimer, Math.min(Math.ceil(ms), MAX_TIMER_MS));
  }

  #onTimer = (): void => {
    this.#timer = null;
    // Node looks at timers first: what came while the program was busy has come in time
    setImmediate(this.#judge);
  };

  #judge = (): void => {
    const now = performance.now();
    const isReadLate = this.#reader !== null && this.#readDeadline <= now;
    const isWriteLate = this.#writer !== null && this.#writeDeadline <= now;
    const next = Math.min(
      this.#reader === null || isReadLate ? Infinity : this.#readDeadline,
      this.#writer === null || isWriteLate ? Infinity : this.#writeDeadline,
    );
    if (next !== Infinity) this.#startTimer(next, next - now);
    if (isReadLate || isWriteLate) this.#onTimeout();
    if (isReadLate) this.endRead(NE_SOCK_TIMEOUT);
    if (isWriteLate) this.endWrite(NE_SOCK_TIMEOUT);
    this.#hold();
  };

  #hold(): void {
    const isHeld = this.#reader !== null || this.#writer !== null;
    if (isHeld === this.#isHeld || this.#isOver) return;
    this.#isHeld = isHeld;
    if (isHeld) {
      this.#stream.ref?.();
      this.#timer?.ref();
    } else {
      this.#stream.unref?.();
      this.#timer?.unref();
    }
  }
}
