// The body of a response on its way to a result: read from the connection as it is asked for, its
// codings taken off, its end judged.
import { Readable } from "node:stream";
import { NE_OK } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { limitsOf } from "../session/session.js";
import { ne_get_response_header, ne_get_status } from "../../ne_request.js";
import { ne_get_error, ne_set_error } from "../../ne_session.js";
import { ne_status } from "../../ne_utils.js";
import { nx_get_cause } from "../../nx_session.js";
import { nx_readable_result, nx_response_readable } from "../../nx_stream.js";
import { codingsOf, decodeBody } from "./decode.js";

/** A response whose body is being read. */
export interface Incoming {
  readonly sess: ne_session;
  readonly req: ne_request;
  readonly method: string;
  readonly source: Readable;
  readonly blocks: AsyncIterator<Buffer>;
  /** What has been read, as it came. */
  readonly read: Buffer[];
  ended: boolean;
}

/** Begins to read. */
export function openBody(sess: ne_session, req: ne_request, method: string): Incoming {
  const source = nx_response_readable(req);
  const blocks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  return { sess, req, method, source, blocks, read: [], ended: false };
}

/** Blocks shorter than this are put together. */
const SMALL_BLOCK = 1024;
/** Into pieces of this size. */
const PIECE = 16 * 1024;

// Blocks on their way into memory: a block costs more than its bytes, and a server may send each
// byte as a chunk of its own.
class Gathering {
  #piece: Buffer | null = null;
  #used = 0;

  constructor(readonly into: Buffer[]) {}

  add(block: Buffer): void {
    if (block.length >= SMALL_BLOCK) {
      this.flush();
      this.into.push(block);
      return;
    }
    if (this.#used + block.length > PIECE) this.flush();
    this.#piece ??= Buffer.allocUnsafeSlow(PIECE);
    this.#used += block.copy(this.#piece, this.#used);
  }

  flush(): void {
    if (this.#piece === null) return;
    // a piece that is hardly begun is not worth its memory
    const filled = this.#piece.subarray(0, this.#used);
    this.into.push(this.#used < PIECE / 2 ? Buffer.from(filled) : filled);
    this.#piece = null;
    this.#used = 0;
  }
}

/** Reads the body into memory. @returns whether it ended within so many bytes, or few more */
export async function collect(incoming: Incoming, maxBytes: number): Promise<boolean> {
  const gathering = new Gathering(incoming.read);
  let size = 0;
  try {
    while (size <= maxBytes) {
      const { done, value } = await incoming.blocks.next();
      if (done === true) {
        incoming.ended = true;
        return true;
      }
      gathering.add(value);
      size += value.length;
    }
    return false;
  } finally {
    gathering.flush();
  }
}

/** The code of the request's end, once the body has been read. */
export function endOf(incoming: Incoming): Promise<number> {
  return nx_readable_result(incoming.source);
}

/** The body as it is meant to be read. Throws `nx_error` for one that can't be. */
export async function* contentOf(incoming: Incoming, decompress: boolean): AsyncGenerator<Buffer> {
  const { sess, req, method } = incoming;
  const { code } = ne_get_status(req);
  // a part of something compressed can't be decoded, and what is not there needs not
  const asItIs = method === "HEAD" || code === 204 || code === 206 || code === 304;
  const field = ne_get_response_header(req, "Content-Encoding");
  const codings = decompress && !asItIs ? codingsOf(field) : [];
  try {
    yield* decodeBody(rawOf(incoming), codings, limitsOf(sess));
  } catch (error) {
    if (!(error instanceof nx_error) || error.status !== null) throw error;
    ne_set_error(sess, "%s", error.message);
    throw new nx_error(error.message, error.code, statusOf(req), error);
  }
}

async function* rawOf(incoming: Incoming): AsyncGenerator<Buffer> {
  const { sess, req } = incoming;
  for (let block = incoming.read.shift(); block !== undefined; block = incoming.read.shift()) {
    yield block;
  }
  if (incoming.ended) return;
  for (;;) {
    const { done, value } = await incoming.blocks.next();
    if (done === true) break;
    yield value;
  }
  incoming.ended = true;
  const code = await endOf(incoming);
  if (code !== NE_OK) {
    throw new nx_error(ne_get_error(sess), code, statusOf(req), nx_get_cause(sess));
  }
}

/** A copy of the status of a response. */
export function statusOf(req: ne_request): Readonly<ne_status> {
  return Object.freeze(Object.assign(new ne_status(), ne_get_status(req)));
}

/** The content as a stream; destroying it closes the connection. */
export class ContentStream extends Readable {
  #incoming: Incoming;
  #content: AsyncGenerator<Buffer>;
  #over: () => void;
  #pending: Promise<void> | null = null;

  /** @param over called once, when nothing needs the request any more */
  constructor(incoming: Incoming, content: AsyncGenerator<Buffer>, over: () => void) {
    super();
    this.#incoming = incoming;
    this.#content = content;
    this.#over = over;
  }

  override _read(): void {
    this.#pending = this.#pull();
  }

  async #pull(): Promise<void> {
    try {
      const { done, value } = await this.#content.next();
      this.#pending = null;
      this.push(done === true ? null : value);
    } catch (error) {
      this.#pending = null;
      this.destroy(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#incoming.source.destroy();
    const idle = this.#pending ?? Promise.resolve();
    void idle.then(async () => {
      await this.#content.return(undefined).catch(() => {});
      this.#over();
      done(error);
    });
  }
}
