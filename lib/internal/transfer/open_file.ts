// A file that a download writes from a place on, by its descriptor.
import fs from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { fdNumber } from "../base/file_descriptor.js";
import { systemFailure } from "./failed_transfer.js";
import type { Target } from "./target.js";

const fstat = promisify(fs.fstat);
const ftruncate = promisify(fs.ftruncate);
/** Bytes read back at once. */
const BLOCK = 128 * 1024;

/** An open file, to be written from its beginning, or its end, and cut to size. */
export class OpenFile implements Target {
  readonly canRewind: boolean;
  at: number;
  #fd: number | FileHandle;
  #own: FileHandle | null;
  /** Bytes that the file may have: no bound where others may write to it. */
  #most = Infinity;

  private constructor(
    { fd, own }: { fd: number | FileHandle; own: FileHandle | null },
    canRewind: boolean,
    size: number,
  ) {
    this.#fd = fd;
    this.#own = own;
    this.canRewind = canRewind;
    this.at = size;
  }

  /** A file of a known size that nobody else writes to; its opener closes it. */
  static ofOne(handle: FileHandle, size: number): OpenFile {
    const file = new OpenFile({ fd: handle, own: null }, true, size);
    file.#most = size;
    return file;
  }

  /** A handle of our own, closed at the end. */
  static async openOwn(handle: FileHandle): Promise<OpenFile> {
    return OpenFile.#open(handle, handle);
  }

  /** Throws `Failed` for a descriptor that cannot be written to. */
  static async open(fd: number | FileHandle): Promise<OpenFile> {
    return OpenFile.#open(fd, null);
  }

  static async #open(fd: number | FileHandle, own: FileHandle | null): Promise<OpenFile> {
    try {
      const number = fdNumber(fd, "nx_download");
      const stat = await fstat(number);
      // pipes and terminals have no places
      const canRewind = stat.isFile();
      if (canRewind) await writeAt(number, Buffer.alloc(0), 0, 0);
      else if (stat.isDirectory()) await readAt(number, Buffer.alloc(1), 0);
      return new OpenFile({ fd, own }, canRewind, canRewind ? stat.size : 0);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      throw systemFailure("Could not write to the file", error);
    }
  }

  async restart(): Promise<void> {
    if (!this.canRewind) return;
    await this.#cut(0);
    this.at = 0;
  }

  async write(block: Buffer): Promise<void> {
    try {
      const fd = fdNumber(this.#fd, "nx_download");
      for (let done = 0; done < block.length; ) {
        const count = await writeAt(fd, block, done, this.canRewind ? this.at : null);
        done += count;
        this.at += count;
      }
      this.#most = Math.max(this.#most, this.at);
    } catch (error) {
      throw systemFailure("Could not write to the file", error);
    }
  }

  async *readBack(): AsyncGenerator<Buffer> {
    const block = Buffer.allocUnsafeSlow(BLOCK);
    for (let from = 0; from < this.at; ) {
      const fd = fdNumber(this.#fd, "nx_download");
      const count = await readAt(fd, block.subarray(0, Math.min(BLOCK, this.at - from)), from);
      if (count === 0) return;
      from += count;
      yield block.subarray(0, count);
    }
  }

  async finish(): Promise<void> {
    if (this.canRewind) await this.#cut(this.at);
    await this.#own?.close();
  }

  async fail(): Promise<void> {
    await this.#own?.close();
  }

  async #cut(size: number): Promise<void> {
    if (this.#most <= size) return;
    try {
      await ftruncate(fdNumber(this.#fd, "nx_download"), size);
      if (this.#most !== Infinity) this.#most = size;
    } catch (error) {
      throw systemFailure("Could not cut the file", error);
    }
  }
}

function writeAt(fd: number, block: Buffer, from: number, at: number | null): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, block, from, block.length - from, at, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function readAt(fd: number, block: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, block, 0, block.length, at, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
