// One listener for each AbortSignal, however many sessions and requests are tied to it: Node warns
// of a leak where a signal has more than ten.

const ties = new WeakMap<AbortSignal, { told: Set<() => void>; listener: () => void }>();

/** Calls `told` when the signal fires. @returns takes that back */
export function onAbort(signal: AbortSignal, told: () => void): () => void {
  let tie = ties.get(signal);
  if (tie === undefined) {
    const all = new Set<() => void>();
    const listener = (): void => {
      for (const each of [...all]) each();
    };
    tie = { told: all, listener };
    ties.set(signal, tie);
    signal.addEventListener("abort", listener, { once: true });
  }
  const { told: all, listener } = tie;
  all.add(told);
  return () => {
    if (!all.delete(told) || all.size > 0) return;
    signal.removeEventListener("abort", listener);
    ties.delete(signal);
  };
}

/** What an aborted signal gives as the cause of a failure. */
export function abortCause(signal: AbortSignal): Error {
  const { reason } = signal;
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}
