// What nx_sync returns: changes to loop over, and then the new token.
import { Batches } from "./batches.js";
import { sync, type nx_change, type Syncing, type SyncState } from "./sync.js";
import type { Call } from "./call.js";

/** What changed since a token. */
export interface nx_changes extends AsyncIterableIterator<nx_change> {
  /** the next token, once the loop has ended; `null` before, and if the loop was left early */
  readonly token: string | null;
  /**
   * whether the server no longer knew the old token and lists every member: what is not listed is
   * gone
   */
  readonly anew: boolean;
}

export class Changes extends Batches<nx_change> implements nx_changes {
  readonly #state: SyncState;

  constructor(call: Call, syncing: Syncing) {
    const state: SyncState = { token: null, anew: false };
    super(call.source(syncing.path, sync(call, syncing, state)), call.signal);
    this.#state = state;
  }

  get token(): string | null {
    return this.#state.token;
  }

  get anew(): boolean {
    return this.#state.anew;
  }
}
