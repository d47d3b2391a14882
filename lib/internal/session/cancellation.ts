// One request's permission to go on: broken off from outside (an abort, the deadline of the whole
// request) it ends whatever the request is waiting for, at once. Waits that can be ended by nobody
// else (a name lookup, an application's promise) are raced against it.
import { MAX_TIMER_MS, NE_ERROR, NE_SOCK_ERROR, NE_TIMEOUT } from "../base/constants.js";
import type { WireFailure } from "../wire/wire_failure.js";

/** Thrown inside the library when its request has been broken off; never seen by a caller. */
export class BrokenOff {
  constructor(
    readonly code: number,
    readonly message: string,
    readonly cause: Error,
  ) {}
}

export class Scope {
  broken: BrokenOff | null = null;
  /** What the request does on its connection ends with the scope. */
  connected: { connection: { wire: { cut(failure: WireFailure): void } } | null } | null = null;
  #cancels: Set<(broken: BrokenOff) => void> | null = null;
  #onClose: (() => void)[] | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** Breaks the request off; only the first call counts. */
  break(code: number, message: string, cause: Error): void {
    if (this.broken !== null) return;
    this.broken = new BrokenOff(code, message, cause);
    const cancels = this.#cancels;
    this.#cancels = null;
    this.connected?.connection?.wire.cut({ code: NE_SOCK_ERROR, error: message, cause });
    if (cancels !== null) for (const cancel of [...cancels]) cancel(this.broken);
  }

  abort(cause: Error): void {
    this.break(NE_ERROR, "Aborted", cause);
  }

  /** Bounds what is left of the request; 0 takes the bound away. */
  setDeadline(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (ms <= 0) return;
    this.#timer = setTimeout(
      () => {
        this.break(NE_TIMEOUT, "Request timed out", new Error("the request's time is up"));
      },
      Math.min(ms, MAX_TIMER_MS),
    );
  }

  /** The request is over: nothing can be broken off any more. */
  close(): void {
    this.setDeadline(0);
    this.#cancels = null;
    this.connected = null;
    const told = this.#onClose;
    this.#onClose = null;
    if (told !== null) for (const tell of told) tell();
  }

  /** Calls `told` when the request is over. */
  onClose(told: () => void): void {
    (this.#onClose ??= []).push(told);
  }

  /** Calls `cancel` when the scope breaks, right now if it has. @returns takes that back */
  onBreak(cancel: (broken: BrokenOff) => void): () => void {
    if (this.broken !== null) {
      cancel(this.broken);
      return () => {};
    }
    (this.#cancels ??= new Set()).add(cancel);
    return () => this.#cancels?.delete(cancel);
  }

  /** Throws `BrokenOff` if the request has been broken off. */
  check(): void {
    if (this.broken !== null) throw this.broken;
  }

  /** Waits for a promise, but no longer than the scope lives. */
  race<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const forget = this.onBreak(reject);
      promise.then(
        (value) => {
          forget();
          resolve(value);
        },
        (error: unknown) => {
          forget();
          reject(error);
        },
      );
    });
  }
}
