// Gives the event loop its turn. While bytes are at hand and callbacks return no promise, the
// library could go on without a pause, and nothing else in the program would run. Where a program
// was busy for as long as a wait may last, what came meanwhile is seen before the wait is given up.
import { MAX_TIMER_MS } from "./constants.js";

/** Milliseconds of work without a turn. */
const MAX_STRETCH_MS = 8;

/** Work that gives way. */
export class Stretch {
  #since = performance.now();

  /** Whether the event loop should have its turn now. */
  get isLong(): boolean {
    return performance.now() - this.#since > MAX_STRETCH_MS;
  }

  /** Lets the event loop have its turn; the time is counted from there on. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now();
        resolve();
      });
    });
  }
}

/** Resolves when the event loop has come to the end of its round. */
export function eventTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let nextTurn: Promise<void> | null = null;

/**
 * Resolves when the sockets have had their turn. All who ask before that go on together: what they
 * send then wakes the peer once.
 */
export function together(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = null;
      resolve();
    });
  });
  return nextTurn;
}

/**
 * Calls when a wait has lasted so many milliseconds. Node looks at timers before it looks at
 * sockets: what these have brought by then is seen first, and may still call it off.
 * @returns calls it off
 */
export function whenOverdue(ms: number, call: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const over = (): void => void (turn = setImmediate(call));
  const timer = setTimeout(over, Math.min(Math.ceil(ms), MAX_TIMER_MS));
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
