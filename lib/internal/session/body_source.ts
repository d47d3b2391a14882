// Where the blocks of a request body come from: memory, a file, a provider.
import fs from "node:fs";
import { asBuffer } from "../base/bytes.js";
import { errnoText } from "../base/errno.js";
import { CHUNK_FRAME } from "../http/request_head.js";
import { applicationNumber } from "./callbacks.js";
import { LARGE_BLOCK } from "./pace.js";
import type { FileBody, ProvidedBody, Request } from "./request_state.js";
import { setError } from "./session_state.js";
import { codeOf, errorOf } from "../base/unknown_value.js";

/** Bytes read from a large file at once: each reading is a trip to another thread and back. */
const LARGE_READING = 1024 * 1024;
/** What is read of a smaller file at once: so much of it is in memory, twice. */
const SHARE = 1 / 32;

/** The provider or file failed, and the error is set. */
export class SourceFailed extends Error {}

/** Gives the next block, at most as long as asked for; an empty one is the end. */
export type Source = (length: number) => Buffer | Promise<Buffer>;

/** Waits for the application; a response of the peer may be read meanwhile. */
export type Aside = <T>(wait: Promise<T>) => Promise<T>;

/**
 * The source of a request's body, from its beginning.
 * @param queue bytes that the stream to the peer takes at once
 */
export async function openSource(r: Request, queue: number, aside: Aside): Promise<Source> {
  const { body } = r;
  switch (body?.kind) {
    case "buffer":
      return memorySource(body.bytes);
    case "file":
      return fileSource(r, body, queue);
    case "provider":
      return providerSource(r, body, queue, aside);
    default:
      return memorySource(Buffer.alloc(0));
  }
}

function memorySource(bytes: Uint8Array): Source {
  const whole = asBuffer(bytes);
  let at = 0;
  return (length) => whole.subarray(at, (at += Math.min(length, whole.length - at)));
}

// Memory for full blocks, over and over. The next piece of a block is asked for when less than its
// queue is on the way in the stream: so many blocks, the one that is given and the one that is read
// ahead.
class BlockRing {
  readonly #size: number;
  readonly #blocks: (Buffer | null)[];
  #turn = 0;

  /** @param piece what is given of a block at once; a block has a whole number of pieces */
  constructor(size: number, queue: number, piece = size) {
    const underWay = (Math.ceil(queue / piece) - 1) * piece;
    this.#size = size;
    this.#blocks = new Array<Buffer | null>(Math.ceil(underWay / size) + 2).fill(null);
  }

  /** A block; one that is to be shorter, as the last of a file, has memory of its own. */
  next(length = this.#size): Buffer {
    if (length < this.#size) return Buffer.allocUnsafeSlow(length);
    this.#turn = (this.#turn + 1) % this.#blocks.length;
    return (this.#blocks[this.#turn] ??= Buffer.allocUnsafeSlow(this.#size));
  }

  /** The block given last is not full: of such ones more may be on the way. */
  leave(): void {
    this.#blocks[this.#turn] = null;
  }
}

// Reads one block ahead, so that disk and network work at the same time, and gives it in pieces.
function fileSource(r: Request, body: FileBody, queue: number): Source {
  const fd = body.fd();
  const end = body.offset + body.length;
  const size = readingSize(body.length);
  let at = body.offset;
  let ahead: Reading | null = null;
  let ring: BlockRing | null = null;
  let rest: Buffer = EMPTY;
  let cut = false;
  const readAhead = (blocks: BlockRing): Reading => {
    const wanted = Math.min(size, end - at);
    const from = at;
    at += wanted;
    const block = readFully(fd, from, blocks.next(wanted));
    // a failure is met when the block is wanted
    block.catch(() => {});
    return { wanted, block };
  };
  const nextBlock = async (blocks: BlockRing): Promise<Buffer> => {
    const { wanted, block } = ahead ?? readAhead(blocks);
    ahead = at < end ? readAhead(blocks) : NOTHING_MORE;
    try {
      if (cut) throw new PrematureEnd();
      const bytes = await block;
      // what the file still had is sent before its end is an error
      cut = bytes.length < wanted;
      return bytes;
    } catch (error) {
      wordFileError(r, fd, body.offset, errorOf(error));
      throw new SourceFailed();
    }
  };
  const piece = (length: number): Buffer => {
    const given = rest.subarray(0, length);
    rest = rest.subarray(given.length);
    return given;
  };
  return async (length) => {
    if (rest.length === 0) rest = await nextBlock((ring ??= new BlockRing(size, queue, length)));
    return piece(length);
  };
}

/** A block that is being read, and how long it should be. */
interface Reading {
  wanted: number;
  block: Promise<Buffer>;
}

const EMPTY = Buffer.alloc(0);
const NOTHING_MORE: Reading = { wanted: 0, block: Promise.resolve(EMPTY) };

// A whole number of the blocks that are sent.
function readingSize(length: number): number {
  const share = Math.floor((length * SHARE) / LARGE_BLOCK) * LARGE_BLOCK;
  return Math.min(Math.max(share, LARGE_BLOCK), LARGE_READING);
}

class PrematureEnd extends Error {}

// C seeks before it reads: what has no position, or is not open, fails there.
function wordFileError(r: Request, fd: number, offset: number, error: Error): void {
  const code = codeOf(error);
  if (error instanceof PrematureEnd) {
    setError(r.session, "Premature EOF in request body file");
  } else if (code === "ESPIPE" || (code === "EBADF" && !isOpen(fd))) {
    const doing = `Could not seek to offset ${offset} of request body file`;
    setError(r.session, `${doing}: ${errnoText(error)}`, error);
  } else {
    setError(r.session, `Failed reading request body file: ${errnoText(error)}`, error);
  }
}

function isOpen(fd: number): boolean {
  try {
    fs.fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

function readFully(fd: number, from: number, block: Buffer): Promise<Buffer> {
  const { length } = block;
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      if (done === length) {
        resolve(block);
        return;
      }
      fs.read(fd, block, done, length - done, from + done, (error, count) => {
        if (error !== null) reject(error);
        else if (count === 0 && done === 0) reject(new PrematureEnd());
        else if (count === 0) resolve(block.subarray(0, done));
        else next(done + count);
      });
    };
    next(0);
  });
}

async function providerSource(
  r: Request,
  body: ProvidedBody,
  queue: number,
  aside: Aside,
): Promise<Source> {
  // an earlier sending may still wait for the provider: let it end first
  if (body.asked !== null) {
    body.over?.();
    await r.scope.race(body.asked);
  }
  const ask = async (buffer: Buffer): Promise<number> => {
    const given = body.provide(body.userdata, buffer);
    const result = applicationNumber(r, given, "ne_provide_body");
    if (typeof result === "number") return result;
    const over = (): void => {
      body.asked = null;
    };
    body.asked = Promise.resolve(given).then(over, over);
    return aside(result);
  };
  // every sending begins with a call for nothing, which means: start over
  if ((await ask(Buffer.alloc(0))) !== 0) throw new SourceFailed();
  let ring: BlockRing | null = null;
  return async (length) => {
    ring ??= new BlockRing(CHUNK_FRAME + length, queue);
    const buffer = ring.next().subarray(CHUNK_FRAME);
    const count = await ask(buffer);
    if (count < 0) throw new SourceFailed();
    if (!Number.isInteger(count) || count > length) {
      throw new TypeError(`ne_provide_body: returned ${count} for a buffer of ${length} bytes`);
    }
    if (count < length) ring.leave();
    return buffer.subarray(0, count);
  };
}
