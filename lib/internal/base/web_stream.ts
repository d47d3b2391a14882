// Iterates over a source in a way that can be given up at any time. The iterator of a web stream
// ends only after the read that is under way, which may never end; its reader can be cancelled.
import type { Readable } from "node:stream";
import type { ReadableStream, ReadableStreamDefaultReader } from "node:stream/web";

/** An iterator over a source, whose `return` ends the source even while it is waited for. */
export function iterate(source: AsyncIterable<unknown>): AsyncIterator<unknown> {
  return isWebStream(source)
    ? new Reads(source.getReader())
    : source[Symbol.asyncIterator]();
}

/**
 * Ends a source that is not needed any more, so that it lets go of the file or connection behind
 * it.
 * @param iterator what reads it; of one that was never begun, only a stream has something to end
 */
export async function letGo(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown> | null,
): Promise<void> {
  if (isNodeStream(source)) source.destroy();
  else if (iterator !== null) await iterator.return?.();
  else if (isWebStream(source)) await source.cancel();
}

/** Whether a source is a stream of Node's. */
export function isNodeStream(source: object): source is Readable {
  const { on, destroy } = source as Partial<Readable>;
  return typeof on === "function" && typeof destroy === "function";
}

function isWebStream(source: object): source is ReadableStream<unknown> {
  return Object.prototype.toString.call(source) === "[object ReadableStream]";
}

class Reads implements AsyncIterator<unknown> {
  #reader: ReadableStreamDefaultReader<unknown>;

  constructor(reader: ReadableStreamDefaultReader<unknown>) {
    this.#reader = reader;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const { done, value } = await this.#reader.read();
    return done ? { done, value: undefined } : { done, value };
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#reader.cancel();
    return { done: true, value: undefined };
  }
}
