// A stream that a download is written to, no faster than it takes it.
import type { Writable } from "node:stream";
import { misuse } from "../base/handle.js";
import { type Signalled, unlessAborted } from "./abortable.js";
import { Failed, systemFailure } from "./failed_transfer.js";
import type { Target } from "./target.js";

export class StreamTarget implements Target {
  readonly canRewind = false;
  at = 0;
  #context: Signalled;
  #stream: Writable;
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(context: Signalled, stream: Writable) {
    this.#context = context;
    if (stream.destroyed || stream.writableEnded || !stream.writable) {
      throw misuse("nx_download", "the stream has been ended or destroyed");
    }
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#error ??= error;
      this.#wake();
    });
    stream.on("close", () => this.#wake());
    stream.on("drain", () => this.#wake());
    stream.on("finish", () => this.#wake());
  }

  async restart(): Promise<void> {}

  async write(block: Buffer): Promise<void> {
    this.#check();
    // the stream may keep what it is given, and the block is on loan
    const isFull = !this.#stream.write(Buffer.from(block));
    while (isFull && this.#stream.writableNeedDrain) await this.#event();
    this.#check();
    this.at += block.length;
  }

  readBack(): null {
    return null;
  }

  async finish(): Promise<void> {
    this.#stream.end();
    while (!this.#stream.writableFinished) {
      this.#check();
      await this.#event();
    }
    this.#check();
  }

  async fail(error: unknown): Promise<void> {
    this.#stream.destroy(error instanceof Error ? error : new Error(String(error)));
  }

  #event(): Promise<void> {
    const event = new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#stream.destroyed) resolve();
    });
    return unlessAborted(this.#context, event);
  }

  #check(): void {
    if (this.#error !== null) throw systemFailure("Could not write to the stream", this.#error);
    if (this.#stream.destroyed && !this.#stream.writableFinished) {
      throw new Failed("Could not write to the stream: it was destroyed");
    }
  }
}
