// Iterates over a source in a way that can be given up at any time. The iterator of a web stream
// ends only after the read that is under way, which may never end; its reader can be cancelled.
import type { ReadableStream, ReadableStreamDefaultReader } from "node:stream/web";

/** An iterator over a source, whose `return` ends the source even while it is waited for. */
export function iterate(source: AsyncIterable<unknown>): AsyncIterator<unknown> {
  return isWebStream(source)
    ? new Reads(source.getReader())
    : source[Symbol.asyncIterator]();
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
