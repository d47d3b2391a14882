// The clock for locks; a test can replace it to let days pass at once.

/** Tells the time and wakes. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once after so many milliseconds. @returns what calls it off */
  after(ms: number, call: () => void): () => void;
  /** 0 to 1, for jitter. */
  random(): number;
}

/** The longest that Node's timers wait; longer waits are made of several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The time of the system; its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const part = Math.min(left, MAX_TIMER_MS);
      timer = setTimeout(() => (left > part ? wait(left - part) : call()), part);
      timer.unref();
    };
    wait(Math.max(ms, 0));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
