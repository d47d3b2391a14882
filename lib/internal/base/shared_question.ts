// A question to an application whose answer serves many requests, so that nobody is asked for one
// password, or about one certificate, many times at once. Requests that were begun before the
// question wait for its answer; those begun later may be its callback's own, and would wait for
// themselves.

export class SharedQuestion {
  #isOpen = false;
  #begun = 0;
  #decided: Promise<void> = Promise.resolve();

  /**
   * Whether a request has to wait until `decided` before it asks by itself.
   * @param ordinal its place in the order in which the session's requests were begun
   */
  isPendingFor(ordinal: number): boolean {
    return this.#isOpen && ordinal <= this.#begun;
  }

  /** Resolves when what was asked last is decided. */
  get decided(): Promise<void> {
    return this.#decided;
  }

  /**
   * Lets others wait until something asked is decided; while others wait already, nobody more does.
   * @param begun how many requests had been begun before it was asked
   */
  async hold<T>(begun: number, decided: PromiseLike<T>): Promise<T> {
    if (this.#isOpen) return decided;
    const over = (): void => {};
    const decision = Promise.resolve(decided);
    this.#begun = begun;
    this.#isOpen = true;
    this.#decided = decision.then(over, over);
    try {
      return await decision;
    } finally {
      this.#isOpen = false;
    }
  }
}
