// A question to an application whose answer serves many requests, so that nobody is asked for one
// password, or about one certificate, many times at once. Requests that were begun before the
// question wait for its answer; those begun later may be its callback's own, and would wait for
// themselves.

export class SharedQuestion {
  #answered: Promise<void> | null = null;
  #begun = 0;

  /**
   * What a request has to wait for before it asks.
   * @param ordinal its place in the order in which the session's requests were begun
   * @returns `null` if it is to ask by itself
   */
  pendingFor(ordinal: number): Promise<void> | null {
    return ordinal <= this.#begun ? this.#answered : null;
  }

  /**
   * Lets others wait until something asked is decided; while others wait already, nobody more does.
   * @param begun how many requests had been begun before it was asked
   */
  async hold<T>(begun: number, decided: PromiseLike<T>): Promise<T> {
    if (this.#answered !== null) return decided;
    const over = (): void => {};
    const decision = Promise.resolve(decided);
    this.#begun = begun;
    this.#answered = decision.then(over, over);
    try {
      return await decision;
    } finally {
      this.#answered = null;
    }
  }
}
