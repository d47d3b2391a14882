// Waits for the application's callbacks and sources. They may never settle, so an abort signal ends
// the wait.
import { onAbort } from "../base/abort_signal.js";
import type { TransferContext } from "./transfer_request.js";
import { checkSignal, Failed } from "./failed_transfer.js";

/** What has a signal. */
export type Signalled = Pick<TransferContext, "signal">;

/** What is waited for. Throws where the signal fires before it is there. */
export async function unlessAborted<T>(context: Signalled, wait: T | PromiseLike<T>): Promise<T> {
  const { signal } = context;
  if (signal === null) return wait;
  checkSignal(context);
  return new Promise<T>((resolve, reject) => {
    const forget = onAbort(signal, () => reject(new Failed("Aborted", null, signal.reason)));
    Promise.resolve(wait).then(resolve, reject).finally(forget);
  });
}

/** Blocks of a source as they come, until the signal fires. */
export async function* blocksOf<T>(
  context: Signalled,
  source: AsyncIterable<T>,
): AsyncGenerator<T> {
  const blocks = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(context, blocks.next());
      isOver = done === true;
      if (isOver) return;
      yield value;
    }
  } finally {
    // one that has not come back from its last block is not waited for
    const ending = isOver ? undefined : Promise.resolve(blocks.return?.());
    if (context.signal?.aborted === true) ending?.catch(() => {});
    else await ending;
  }
}
