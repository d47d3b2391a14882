// Turns an iterator of batches into an iterator of their values. A step whose value is at hand, or
// can be had without waiting, costs one settled promise. When the loop is left, the request behind
// the batches ends.
import { abortFailure } from "./failed_request.js";

/** Batches that can be had without waiting. */
export interface Supply<T> {
  /** The next batch, the taker's own; `null` where one has to be waited for. */
  more(): T[] | null;
}

/** A supply of one batch. */
export function supplyOf<T>(batch: T[]): Supply<T> {
  let left: T[] | null = batch;
  return {
    more: () => {
      const given = left;
      left = null;
      return given;
    },
  };
}

/** The batches of a supply, one after another. */
export function* batchesOf<T>(supply: Supply<T>): Generator<T[], void> {
  for (let batch = supply.more(); batch !== null; batch = supply.more()) yield batch;
}

/** A supply with each batch changed. */
export function mapSupply<T, U>(from: Supply<T>, change: (batch: T[]) => U[]): Supply<U> {
  return {
    more: () => {
      const batch = from.more();
      return batch === null ? null : change(batch);
    },
  };
}

/** Where batches come from. */
export interface Source<T> {
  /** Waits for more, once what came before is used up; `null` after the last. */
  next(): Promise<Supply<T> | null>;
  /** Ends what is under way; called once. */
  stop(): Promise<void>;
  /** What was given is not to be used any more: only its end is to come. */
  readonly isBroken: boolean;
}

const DONE = Promise.resolve();
const NOTHING: Supply<never> = { more: () => null };

/** The iterator that a loop goes over. */
export class Batches<T> implements AsyncIterableIterator<T> {
  readonly #source: Source<T>;
  readonly #signal: AbortSignal | null;
  #supply: Supply<T> = NOTHING;
  #batch: (T | undefined)[] = [];
  #at = 0;
  #isOver = false;
  #isStopped = false;
  #stopped: Promise<void> = DONE;
  // steps that wait for a batch, one after another, and the last of them
  #waiting = 0;
  #last: Promise<unknown> = DONE;

  constructor(source: Source<T>, signal: AbortSignal | null) {
    this.#source = source;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#waiting === 0 && this.#hasNext()) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    const step = this.#fetch(this.#last);
    this.#last = step;
    return step;
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    await this.#stop();
    return { done: true, value };
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.#stop();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // What was given is let go at once: the less is alive, the less memory V8 takes for itself.
  #take(): T {
    const value = this.#batch[this.#at] as T;
    this.#batch[this.#at++] = undefined;
    return value;
  }

  #drop(): void {
    this.#supply = NOTHING;
    this.#batch = [];
    this.#at = 0;
  }

  #isCut(): boolean {
    return this.#isOver || this.#signal?.aborted === true || this.#source.isBroken;
  }

  #hasNext(): boolean {
    if (this.#isCut()) return false;
    while (this.#at === this.#batch.length) {
      const batch = this.#supply.more();
      if (batch === null) return false;
      this.#batch = batch;
      this.#at = 0;
    }
    return true;
  }

  async #fetch(before: Promise<unknown>): Promise<IteratorResult<T>> {
    this.#waiting++;
    try {
      // how the step before ended is told to who took it
      await before.catch(() => {});
      while (!this.#isOver) {
        if (this.#hasNext()) return { done: false, value: this.#take() };
        this.#drop();
        await this.#refill();
      }
      return { done: true, value: undefined };
    } finally {
      if (--this.#waiting === 0) this.#last = DONE;
    }
  }

  async #refill(): Promise<void> {
    try {
      const { aborted } = this.#signal ?? { aborted: false };
      const supply = await this.#source.next();
      if (this.#isOver) return;
      // the request had ended before the signal came
      if (aborted && this.#signal !== null) {
        throw abortFailure(this.#signal);
      }
      if (supply === null) this.#isOver = true;
      else this.#supply = supply;
    } catch (error) {
      // a loop that was left asks for no reasons
      if (this.#isOver) return;
      await this.#stop();
      throw error;
    }
  }

  #stop(): Promise<void> {
    this.#isOver = true;
    this.#drop();
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#stopped = this.#source.stop();
    }
    return this.#stopped;
  }
}
