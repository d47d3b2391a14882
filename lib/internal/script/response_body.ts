// The body of a response on its way into memory or a stream, as the blocks come from a reader of
// the request; then its codings are taken off.
//
//   dispatch ─► accept ─► read, block by block ─┬─► BlockCollector ─► decodedBody
//                                               └─► BlockQueue ─► ContentStream
import { Readable } from "node:stream";
import { NE_ERROR } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { replyOf } from "../session/attempt.js";
import { requests } from "../session/request.js";
import { limitsOf } from "../session/session.js";
import type { Session } from "../session/session_state.js";
import { ne_get_response_header, ne_get_status } from "../../ne_request.js";
import { ne_set_error } from "../../ne_session.js";
import { ne_status } from "../../ne_utils.js";
import { codingsOf, decodeBody, type Coding } from "./decode.js";
import type { nx_progress_fn } from "./request_body.js";

/** Whether a body is passed over, kept without telling of it, or what was asked for. */
export type BodyUse = "skip" | "quiet" | "wanted";

/** What is to become of a response. */
export interface BodyOptions {
  /** Give what is no error as a stream. */
  readonly stream: boolean;
  readonly progress: nx_progress_fn | null;
  /** What is to become of a response with this status. */
  useOf(code: number): BodyUse;
  /** Its body, from now on, is for a stream: that of `queue`. */
  streams(incoming: IncomingBody): void;
}

/** How many bytes of an unwanted body are read to keep its connection. */
const MAX_SKIPPED = 64 * 1024;
/** Bytes of an error's body that are read before it is given as a stream. */
const MAX_HELD = 1 << 20;

/** The body of a response while it is being read: the reader's userdata. */
export class IncomingBody {
  readonly sess: ne_session;
  readonly wishes: BodyOptions;
  body = new BlockCollector();
  queue: BlockQueue | null = null;
  /** The connection was closed because of an unwanted body. */
  cut = false;
  #fate: BodyUse = "wanted";
  #done = 0;
  #total: number | null = null;
  #limit = 0;

  constructor(sess: ne_session, wishes: BodyOptions) {
    this.sess = sess;
    this.wishes = wishes;
  }

  /** An acceptance callback: a response begins. */
  static accept(
    incoming: IncomingBody,
    req: ne_request,
    status: Readonly<ne_status>,
  ): number | Promise<number> {
    // what was given as a stream can't be taken back
    if (incoming.queue !== null) return 0;
    const hasBody = incoming.#begin(req, status);
    return hasBody && incoming.#isTold() ? incoming.#tell(1) : 1;
  }

  /** A body reader. */
  static read(incoming: IncomingBody, block: Buffer): number | Promise<number> {
    if (block.length === 0) return 0;
    incoming.#done += block.length;
    if (incoming.#fate === "skip") {
      incoming.cut = incoming.#done > MAX_SKIPPED;
      return incoming.cut ? 1 : 0;
    }
    return incoming.#isTold() ? incoming.#keepAndTell(block) : incoming.#keep(block);
  }

  // Whether a body may follow.
  #begin(req: ne_request, status: Readonly<ne_status>): boolean {
    if (this.body.size > 0) this.body = new BlockCollector();
    this.#fate = this.wishes.useOf(status.code);
    const r = requests.open(req, "nx_send");
    const total = replyOf(r)?.total ?? -1;
    this.#done = 0;
    this.#total = total < 0 ? null : total;
    this.#limit = limitsOf(this.sess).collected;
    if (this.wishes.stream && this.#fate !== "skip") {
      this.#limit = MAX_HELD;
      if (status.klass === 2) this.#startStream();
    }
    return r.method !== "HEAD";
  }

  async #keepAndTell(block: Buffer): Promise<number> {
    const code = await this.#keep(block);
    return code === 0 ? this.#tell(0) : code;
  }

  #keep(block: Buffer): number | Promise<number> {
    const isTooLong = this.queue === null && this.body.size + block.length > this.#limit;
    if (isTooLong && !this.wishes.stream) return this.#refuse();
    const queue = isTooLong ? this.#startStream() : this.queue;
    if (queue === null) {
      this.body.add(block);
      return 0;
    }
    return queue.add(Buffer.from(block));
  }

  #refuse(): number {
    ne_set_error(this.sess, "%s", tooLong(this.#limit));
    return 1;
  }

  #startStream(): BlockQueue {
    this.queue = new BlockQueue(this.body.take());
    this.wishes.streams(this);
    return this.queue;
  }

  #isTold(): boolean {
    return this.wishes.progress !== null && this.#fate === "wanted";
  }

  async #tell(code: number): Promise<number> {
    await this.wishes.progress?.(this.#done, this.#total);
    return code;
  }
}

function tooLong(limit: number): string {
  return (
    `Response body exceeds the limit of ${limit} bytes to collect: ` +
    "raise `collected` by nx_set_limits, or ask for a stream"
  );
}

/** Blocks shorter than this are put together. */
const SMALL_BLOCK = 1024;
/** Into pieces of this size. */
const PIECE = 16 * 1024;

/**
 * Blocks on their way into memory: a block costs more than its bytes, and a server may send each
 * byte as a chunk of its own. The blocks are copied.
 */
export class BlockCollector {
  size = 0;
  #blocks: Buffer[] = [];
  #piece: Buffer | null = null;
  #used = 0;

  add(block: Buffer): void {
    this.size += block.length;
    if (block.length >= SMALL_BLOCK || this.size === block.length) {
      this.#flush();
      this.#blocks.push(Buffer.from(block));
      return;
    }
    if (this.#used + block.length > PIECE) this.#flush();
    this.#piece ??= Buffer.allocUnsafeSlow(PIECE);
    this.#used += block.copy(this.#piece, this.#used);
  }

  /** All blocks, which are given away. */
  take(): Buffer[] {
    this.#flush();
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  #flush(): void {
    if (this.#piece === null) return;
    // a piece that is hardly begun is not worth its memory
    const filled = this.#piece.subarray(0, this.#used);
    this.#blocks.push(this.#used < PIECE / 2 ? Buffer.from(filled) : filled);
    this.#piece = null;
    this.#used = 0;
  }
}

/** Bytes that wait for the consumer of a stream before the connection is read on. */
const QUEUE_BYTES = 64 * 1024;

/** Blocks on their way to a stream; adding waits while it is full. */
export class BlockQueue {
  #blocks: Buffer[];
  #bytes = 0;
  #end: { error: Error | null } | null = null;
  #wanted: (() => void) | null = null;
  #room: (() => void) | null = null;

  constructor(first: Buffer[]) {
    this.#blocks = first;
    for (const block of first) this.#bytes += block.length;
  }

  /** @returns 0, later where the consumer is behind */
  add(block: Buffer): number | Promise<number> {
    this.#blocks.push(block);
    this.#bytes += block.length;
    this.#wake();
    if (this.#bytes < QUEUE_BYTES) return 0;
    return new Promise((resolve) => (this.#room = () => resolve(0)));
  }

  /** Nothing more comes, or why not. */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  #wake(): void {
    this.#wanted?.();
    this.#wanted = null;
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const block = this.#blocks.shift();
      if (block !== undefined) {
        this.#bytes -= block.length;
        if (this.#bytes < QUEUE_BYTES / 2) {
          this.#room?.();
          this.#room = null;
        }
        yield block;
      } else if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wanted = resolve));
      }
    }
  }
}

/** The codings to take off a response's body. */
export function codingsIn(req: ne_request, decompress: boolean): Coding[] {
  if (!decompress) return [];
  const field = ne_get_response_header(req, "Content-Encoding");
  if (field === null) return [];
  const { method, status } = requests.open(req, "nx_send");
  // a part of something compressed can't be decoded, and what is not there needs not
  const asItIs = [204, 206, 304].includes(status.code) || method === "HEAD";
  return asItIs ? [] : codingsOf(field);
}

/** A body in memory, decoded as far as it can be, and what was wrong with it. */
export async function decodedBody(
  { limits }: Session,
  raw: readonly Buffer[],
  codings: readonly Coding[],
): Promise<{ body: Buffer; failure: nx_error | null }> {
  const blocks: Buffer[] = [];
  let size = 0;
  let failure: nx_error | null = null;
  try {
    for await (const block of decodeBody(raw, codings, limits)) {
      size += block.length;
      if (size > limits.collected) throw new nx_error(tooLong(limits.collected), NE_ERROR);
      blocks.push(block);
    }
  } catch (error) {
    if (!(error instanceof nx_error)) throw error;
    failure = error;
  }
  return { body: Buffer.concat(blocks), failure };
}

/** A copy of the status of a response. */
export function statusOf(req: ne_request): Readonly<ne_status> {
  return Object.freeze(Object.assign(new ne_status(), ne_get_status(req)));
}

/** The content as a stream; destroying it closes the connection. */
export class ContentStream extends Readable {
  #content: AsyncGenerator<Buffer>;
  #stop: () => Promise<void>;
  #pending: Promise<void> = Promise.resolve();

  /** @param stop breaks the response off, if it goes on; resolves when the request is over */
  constructor(content: AsyncGenerator<Buffer>, stop: () => Promise<void>) {
    super();
    this.#content = content;
    this.#stop = stop;
  }

  override _read(): void {
    this.#pending = this.#pull();
  }

  async #pull(): Promise<void> {
    try {
      const { done, value } = await this.#content.next();
      this.push(done === true ? null : value);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const stopped = this.#stop();
    void this.#pending.then(async () => {
      await this.#content.return(undefined).catch(() => {});
      await stopped;
      done(error);
    });
  }
}
