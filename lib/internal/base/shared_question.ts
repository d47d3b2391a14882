// A question to the application whose answer serves many requests, so that nobody is asked many
// times at once for one password, or about one certificate. Requests begun before the question wait
// for its answer. Those begun later do not: the callback itself may have made them, and would wait
// for itself.

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
