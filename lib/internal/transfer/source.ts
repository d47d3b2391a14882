// What an upload reads: a file, bytes in memory, or a function that gives the content from any
// place on. It can be read again, told from another by its fingerprint, and given to a request
// piece by piece.
import { createHash } from "node:crypto";
import fs, { type FileHandle } from "node:fs/promises";
import { constants, type BigIntStats } from "node:fs";
import type { Readable } from "node:stream";
import { asBuffer, isBytes } from "../base/bytes.js";
import { fdNumber } from "../base/file_descriptor.js";
import type { ne_request } from "../base/handle.js";
import { ne_set_request_body_buffer, ne_set_request_body_fd } from "../../ne_request.js";
import { nx_set_request_body_stream } from "../../nx_stream.js";
import { blocksOf, type Signalled } from "./abortable.js";
import { Failed, systemFailure } from "./failed_transfer.js";

/** Told how many bytes of a piece have been taken. */
export type ProgressFn = ((done: number) => unknown) | null;

export interface Source {
  /** Bytes, or `null` where nobody knows. */
  readonly size: number | null;
  /** What tells this content from another. */
  fingerprint(): Promise<string>;
  /** Whether it still is what it was when it was opened. */
  isUnchanged(): Promise<boolean>;
  /** Takes what it is now for what it is. */
  renew(): Promise<void>;
  /** The content from a place on. */
  read(start: number): AsyncIterable<Uint8Array>;
  /** Makes a piece the body of a request. @param length `null` for all that is left, in chunks */
  give(req: ne_request, start: number, length: number | null, told: ProgressFn): void;
  close(): Promise<void>;
}

/** What the caller may give. */
export type Given =
  | string
  | FileHandle
  | Uint8Array
  | ((start: number) => Readable | AsyncIterable<Uint8Array>);

/** The form of a fingerprint; another one is another version's. */
export const FINGERPRINT = "v1:";
/** The first bytes that a fingerprint is made of. */
const FIRST_BYTES = 64 * 1024;
/** Bytes read from a file at once. */
const BLOCK = 128 * 1024;

/** Opens what the caller gave. Throws `Failed` with the system's error for what cannot be read. */
export async function openSource(
  context: Signalled,
  given: Given,
  length: number | null,
): Promise<Source> {
  if (isBytes(given)) return bytesSource(asBuffer(given));
  if (typeof given === "function") return new FunctionSource(context, given, length);
  const name = typeof given === "string" ? given : null;
  const doing = name === null ? "Could not read the source" : `Could not read ${name}`;
  let handle: FileHandle | null = null;
  try {
    // a pipe would hold up the opening until somebody writes to it
    handle = typeof given === "string" ? await openPath(given) : given;
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) await refuseUnreadable(handle);
    // a handle that was opened for writing alone fails here, and not under the request
    if (name === null) await handle.read(Buffer.alloc(1), 0, 1, 0);
    return new FileSource(handle, name !== null, stat);
  } catch (error) {
    if (name !== null) await handle?.close();
    throw systemFailure(doing, error);
  }
}

function openPath(name: string): Promise<FileHandle> {
  return fs.open(name, constants.O_RDONLY | constants.O_NONBLOCK);
}

// What has no content of its own: the system says for most of it why.
async function refuseUnreadable(handle: FileHandle): Promise<never> {
  await handle.read(Buffer.alloc(1), 0, 1, 0);
  throw Object.assign(new Error("EINVAL: not a regular file, read"), { code: "EINVAL" });
}

class FileSource implements Source {
  size: number;
  #handle: FileHandle;
  #isOwn: boolean;
  #stat: BigIntStats;

  constructor(handle: FileHandle, isOwn: boolean, stat: BigIntStats) {
    this.#handle = handle;
    this.#isOwn = isOwn;
    this.#stat = stat;
    this.size = Number(stat.size);
  }

  async fingerprint(): Promise<string> {
    const first = await this.#read(Buffer.alloc(Math.min(this.size, FIRST_BYTES)), 0);
    return `${FINGERPRINT}${this.size}:${this.#stat.mtimeNs}:${hashOf(first)}`;
  }

  async isUnchanged(): Promise<boolean> {
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true });
    return size === this.#stat.size && mtimeNs === this.#stat.mtimeNs;
  }

  async renew(): Promise<void> {
    this.#stat = await this.#handle.stat({ bigint: true });
    this.size = Number(this.#stat.size);
  }

  async #read(into: Buffer, at: number): Promise<Buffer> {
    try {
      const { bytesRead } = await this.#handle.read(into, 0, into.length, at);
      return into.subarray(0, bytesRead);
    } catch (error) {
      throw systemFailure("Could not read the source", error);
    }
  }

  async *read(start: number): AsyncGenerator<Buffer> {
    const block = Buffer.allocUnsafeSlow(BLOCK);
    for (let at = start; ; ) {
      const bytes = await this.#read(block, at);
      if (bytes.length === 0) return;
      at += bytes.length;
      yield bytes;
    }
  }

  give(req: ne_request, start: number, length: number | null, told: ProgressFn): void {
    const left = length ?? this.size - start;
    const fd = fdNumber(this.#handle, "nx_upload");
    if (told === null) ne_set_request_body_fd(req, fd, start, left);
    else nx_set_request_body_stream(req, () => limited(this.read(start), left, told), left);
  }

  async close(): Promise<void> {
    if (this.#isOwn) await this.#handle.close();
  }
}

/** Bytes in memory. */
export function bytesSource(bytes: Buffer): Source {
  return new BytesSource(bytes);
}

class BytesSource implements Source {
  readonly size: number;
  #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  async fingerprint(): Promise<string> {
    return `${FINGERPRINT}${this.size}::${hashOf(this.#bytes)}`;
  }

  async isUnchanged(): Promise<boolean> {
    return true;
  }

  async renew(): Promise<void> {}

  async *read(start: number): AsyncGenerator<Buffer> {
    for (let at = start; at < this.size; at += BLOCK) yield this.#bytes.subarray(at, at + BLOCK);
  }

  give(req: ne_request, start: number, length: number | null, told: ProgressFn): void {
    const left = length ?? this.size - start;
    if (told === null) ne_set_request_body_buffer(req, this.#bytes.subarray(start, start + left));
    else nx_set_request_body_stream(req, () => limited(this.read(start), left, told), left);
  }

  async close(): Promise<void> {}
}

class FunctionSource implements Source {
  readonly size: number | null;
  #context: Signalled;
  #open: (start: number) => Readable | AsyncIterable<Uint8Array>;

  constructor(
    context: Signalled,
    open: (start: number) => Readable | AsyncIterable<Uint8Array>,
    size: number | null,
  ) {
    this.#context = context;
    this.#open = open;
    this.size = size;
  }

  async fingerprint(): Promise<string> {
    const hash = createHash("sha256");
    for await (const block of limited(this.read(0), FIRST_BYTES, null)) hash.update(block);
    return `${FINGERPRINT}${this.size ?? ""}::${hash.digest("hex")}`;
  }

  async isUnchanged(): Promise<boolean> {
    return true;
  }

  async renew(): Promise<void> {}

  async *read(start: number): AsyncGenerator<Uint8Array> {
    for await (const block of blocksOf<unknown>(this.#context, this.#open(start))) {
      if (!isBytes(block)) throw new Failed("The source gave what are no bytes");
      yield block;
    }
  }

  give(req: ne_request, start: number, length: number | null, told: ProgressFn): void {
    const most = length ?? Infinity;
    nx_set_request_body_stream(req, () => limited(this.read(start), most, told), length ?? -1);
  }

  async close(): Promise<void> {}
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** So many bytes of a source at most, each block told of once it has been taken. */
async function* limited(
  source: AsyncIterable<Uint8Array>,
  most: number,
  told: ProgressFn,
): AsyncGenerator<Buffer> {
  let done = 0;
  await told?.(done);
  for await (const block of source) {
    const wanted = asBuffer(block).subarray(0, most - done);
    if (wanted.length > 0) yield wanted;
    done += wanted.length;
    await told?.(done);
    if (done >= most) return;
  }
}

/** How many bytes a source has from a place on, counted no further than `most`. */
export async function countBytes(source: Source, start: number, most: number): Promise<number> {
  let count = 0;
  for await (const block of limited(source.read(start), most, null)) count += block.length;
  return count;
}
