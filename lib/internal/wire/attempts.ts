// Which of several addresses a connection is made to. In neon's way they are tried one after the
// other; in that of RFC 8305 the next one is tried, families in turn, when those before have not
// connected after a while, and the first to connect is used.
import type { Address } from "./address.js";
import { Wire } from "./wire.js";
import type { WireFailure } from "./wire_failure.js";

/** Breaks one attempt off. */
export type Cancel = (why: WireFailure) => void;

/** Opens a connection to one address; hands out what breaks it off. May reject: all end then. */
export type Attempt = (
  address: Address,
  onCancel: (cancel: Cancel) => void,
) => Promise<Wire | WireFailure>;

/** Families in turn, the first address's family first (RFC 8305 4). */
export function inTurn(addresses: readonly Address[]): Address[] {
  const kind = addresses[0]?.kind;
  const same = addresses.filter((address) => address.kind === kind);
  const other = addresses.filter((address) => address.kind !== kind);
  const ordered: Address[] = [];
  for (let at = 0; at < Math.max(same.length, other.length); at += 1) {
    ordered.push(...same.slice(at, at + 1), ...other.slice(at, at + 1));
  }
  return ordered;
}

/** What a race came to: the connection and whose it is, or why the last attempt failed. */
export type Outcome = { wire: Wire; address: Address } | { wire: null; failure: WireFailure };

/**
 * Connects to the first of some addresses that lets us.
 * @param delayMs how long to wait for one before the next is tried beside it; 0: until it fails
 */
export async function connectFirst(
  addresses: readonly Address[],
  delayMs: number,
  attempt: Attempt,
): Promise<Outcome> {
  const race = new Race(attempt);
  try {
    for (const address of addresses) {
      race.start(address);
      await race.news(delayMs);
      if (race.winner !== null) return race.winner;
    }
    while (race.running > 0) {
      await race.news(0);
      if (race.winner !== null) return race.winner;
    }
    return { wire: null, failure: race.failure };
  } finally {
    race.end();
  }
}

const LOST: WireFailure = { code: -1, error: "another address was faster", cause: null };

class Race {
  running = 0;
  winner: { wire: Wire; address: Address } | null = null;
  failure: WireFailure = { code: -1, error: "no address", cause: null };
  #attempt: Attempt;
  #cancels = new Set<Cancel>();
  #ended = false;
  #thrown: { error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  start(address: Address): void {
    let cancelThis: Cancel | null = null;
    this.running += 1;
    const onCancel = (cancel: Cancel): void => {
      cancelThis = cancel;
      if (this.#ended) cancel(LOST);
      else this.#cancels.add(cancel);
    };
    void this.#attempt(address, onCancel)
      .then(
        (result) => this.#arrived(address, result),
        (error: unknown) => {
          this.#thrown ??= { error };
        },
      )
      .finally(() => {
        this.running -= 1;
        if (cancelThis !== null) this.#cancels.delete(cancelThis);
        this.#wake();
      });
  }

  #arrived(address: Address, result: Wire | WireFailure): void {
    if (!(result instanceof Wire)) this.failure = result;
    else if (this.#ended || this.winner !== null) result.destroy();
    else this.winner = { wire: result, address };
  }

  /** Waits until an attempt is over, or for so long at most. Throws what an attempt has thrown. */
  async news(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = delayMs > 0 ? setTimeout(resolve, delayMs) : null;
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
    if (this.#thrown !== null) throw this.#thrown.error;
  }

  /** Breaks off all that are still trying. */
  end(): void {
    this.#ended = true;
    for (const cancel of this.#cancels) cancel(LOST);
  }
}
