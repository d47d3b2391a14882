// A lock that is held, and what is known about it.
//
//   held ── refused, run out, shown to be gone ──► lost
//    └────────────┬──────────────────────────────────┘
//           given back ──► over
//
//   held → lost: lose    held, lost → over: giveBack (taking.ts)
import { misuse, type ne_session } from "../base/handle.js";
import type { LockRecord } from "../plugins/lock_record.js";
import type { ne_lock_store } from "../plugins/lock_store.js";
import type { Clock } from "./clock.js";

/** What stands behind a handle. */
export interface Held {
  readonly sess: ne_session;
  readonly store: ne_lock_store;
  readonly lock: LockRecord;
  readonly token: string;
  readonly path: string;
  readonly clock: Clock;
  /** Seconds to ask for, or `NE_TIMEOUT_INFINITE`. */
  readonly wanted: number;
  readonly onlost: ((reason: Error) => void) | null;
  state: "held" | "lost" | "over";
  /** When it runs out, in milliseconds since 1970; `null` for never. */
  expiresAt: number | null;
  /** Calls the next refresh off. */
  cancel: (() => void) | null;
  /** No timer begins any more: its session was destroyed. */
  isStopped: boolean;
  /** Being given back. */
  ending: Promise<void> | null;
}

/** The handle. */
export class HeldLock {
  #held: Held;
  #giveBack: (held: Held) => Promise<void>;

  constructor(held: Held, giveBack: (held: Held) => Promise<void>) {
    this.#held = held;
    this.#giveBack = giveBack;
    Object.freeze(this);
  }

  /** What is behind a handle; throws for anything else, in the name of the caller. */
  static open(handle: unknown, caller: string): Held {
    if (typeof handle !== "object" || handle === null || !(#held in handle)) {
      throw misuse(caller, "expected a lock that nx_lock gave");
    }
    return handle.#held;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#giveBack(this.#held);
  }
}

/** Stops the timer. */
export function stopRenewing(held: Held): void {
  held.cancel?.();
  held.cancel = null;
}

/** The lock is gone: tells so, once. Its token stays in the store. */
export function lose(held: Held, reason: Error): void {
  if (held.state !== "held" || held.ending !== null) return;
  held.state = "lost";
  stopRenewing(held);
  held.onlost?.(reason);
}
