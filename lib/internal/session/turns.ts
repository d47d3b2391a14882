// Whose turn it is. A session runs one request at a time (or as many as it was told), in the order
// of their calls. While every request that runs is waiting for an application's callback, the next
// one is let in on a connection of its own, so that a callback that uses its session can't lock up:
// at once, or after a while where the number of connections counts.
//
//   waiting ── acquire: room, or all running are in callbacks ──► running ── release ──► gone
//      └────── cancel ──► gone

/** A request's place in the order. */
export interface Place {
  /** Let in beside requests that wait for callbacks: its connection is its own and not kept. */
  extra: boolean;
  /** How many promises of application callbacks it is waiting for. */
  inCallback: number;
}

export class Turns<P extends Place> {
  /** How many may run at once. */
  max = 1;
  /** How long all that run wait for callbacks before one more is let in, in ms. */
  patienceMs = 0;
  readonly running = new Set<P>();
  /** In the order of their calls, each with what lets it in. */
  readonly #waiting = new Map<P, () => void>();
  // stands before the first that waits, so that no call looks at more than one
  #next = this.#waiting.entries();
  #inCallbacks = 0;
  #stalled: NodeJS.Timeout | null = null;

  /** @returns whether the turn may run now; else it has to `wait` */
  acquire(turn: P): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom()) return false;
    this.#admit(turn);
    return true;
  }

  /** Resolves when the turn may run; to be called at once after `acquire` has refused it. */
  wait(turn: P): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(turn, resolve);
      this.#watchStall();
    });
  }

  /** A turn that is waiting gives up, or one that runs is over. */
  release(turn: P): void {
    if (this.running.delete(turn)) {
      if (turn.inCallback > 0) this.#inCallbacks--;
    } else {
      this.#waiting.delete(turn);
    }
    this.pump();
  }

  /** A running turn begins to wait for an application's promise. */
  enterCallback(turn: P): void {
    if (turn.inCallback++ === 0 && this.running.has(turn)) {
      this.#inCallbacks++;
      this.pump();
    }
  }

  leaveCallback(turn: P): void {
    if (--turn.inCallback > 0 || !this.running.has(turn)) return;
    this.#inCallbacks--;
    this.#forgetStall();
  }

  /** Lets in as many as there is room for. */
  pump(): void {
    while (this.#hasRoom() && this.#waiting.size > 0) this.#admitNext();
    this.#watchStall();
  }

  #hasRoom(): boolean {
    return this.running.size < this.max || (this.patienceMs === 0 && this.#isStalled());
  }

  #isStalled(): boolean {
    return this.#inCallbacks === this.running.size;
  }

  // Whether all go on waiting for callbacks is seen after a while.
  #watchStall(): void {
    if (this.#waiting.size === 0 || !this.#isStalled() || this.patienceMs === 0) {
      this.#forgetStall();
    } else {
      this.#stalled ??= setTimeout(() => {
        this.#stalled = null;
        this.#admitNext();
      }, this.patienceMs);
    }
  }

  #forgetStall(): void {
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.#stalled = null;
  }

  #admitNext(): void {
    let next = this.#next.next();
    if (next.done === true) {
      // an iterator that has met the end stays there
      this.#next = this.#waiting.entries();
      next = this.#next.next();
    }
    if (next.done === true) return;
    const [turn, admit] = next.value;
    this.#waiting.delete(turn);
    this.#admit(turn);
    admit();
  }

  #admit(turn: P): void {
    turn.extra = this.running.size >= this.max;
    this.running.add(turn);
  }
}
