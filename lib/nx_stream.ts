// Node streams as request and response bodies, and the bare connection after an upgrade. Nothing is
// read before it is needed, so back-pressure reaches from a Readable to the socket and from the
// socket to a Writable.
import { Readable, Writable, type Duplex } from "node:stream";
import { bytesIn } from "./internal/base/bytes.js";
import { NE_ERROR } from "./internal/base/constants.js";
import { isPromise } from "./internal/base/promise.js";
import { isNodeStream, iterate, letGo } from "./internal/base/web_stream.js";
import { detachConnection } from "./internal/session/upgrade.js";
import { nx_error } from "./internal/script/nx_error.js";
import { misuse, type ne_request } from "./internal/base/handle.js";
import { requests } from "./internal/session/request.js";
import type { Request } from "./internal/session/request_state.js";
import {
  abandonResponse,
  checkReading,
  endRequest,
  readResponseBlock,
} from "./internal/session/response.js";
import { setError } from "./internal/session/session_state.js";
import { ne_set_request_body_provider } from "./ne_request.js";
import { ne_status } from "./ne_utils.js";

/** Bytes of a response that are read at once, and kept for a slow consumer. */
const READ_BLOCK = 64 * 1024;

/** A source of bytes for a request body. Strings are sent as UTF-8. */
export type nx_body_source = AsyncIterable<Uint8Array | string> | Readable;

/**
 * Takes the request body from a stream or any async iterable of bytes.
 *
 * A stream or iterator can't be sent twice: if the request has to be repeated (authentication), it
 * fails with `NE_ERROR`, and the session error says so. To avoid that, pass a function, perhaps
 * async: it is called for each sending. If the source throws, the dispatch rejects with that error.
 * A source that is not needed to its end is destroyed, or its iterator's `return` is called.
 * @param length as in `ne_set_request_body_provider`: -1, the default, sends it chunked. With 0,
 *   the source is read before anything is sent; if it has a byte, the request fails.
 * @example
 * ```ts
 * nx_set_request_body_stream(req, () => fs.createReadStream("big.iso"), size);
 * ```
 */
export function nx_set_request_body_stream(
  req: ne_request,
  source: nx_body_source | (() => nx_body_source | Promise<nx_body_source>),
  length: number = -1,
): void {
  const r = requests.open(req, "nx_set_request_body_stream");
  if (typeof source !== "function") checkSource(source);
  checkBody(r, length, "nx_set_request_body_stream");
  const body = new StreamBody(r, source);
  setProvider(r, length, body);
}

/**
 * Returns a stream to write the request body to, while the request is dispatched. Start the
 * dispatch, write, end, then await the dispatch. If the request ends before the stream does, the
 * stream is destroyed. If the program destroys the stream with an error, the dispatch rejects with
 * it.
 * @param length as in `nx_set_request_body_stream`.
 * @example
 * ```ts
 * const body = nx_request_writable(req);
 * const dispatched = ne_request_dispatch(req);
 * body.end("hello");
 * const code = await dispatched;
 * ```
 */
export function nx_request_writable(req: ne_request, length: number = -1): Writable {
  const r = requests.open(req, "nx_request_writable");
  checkBody(r, length, "nx_request_writable");
  const body = new WritableBody(r);
  setProvider(r, length, body);
  return body.stream;
}

/**
 * The response body as a stream with back-pressure. Call this after `ne_begin_request` has
 * succeeded. At its end the stream calls `ne_end_request`; `nx_readable_result` returns the code.
 * Body readers of the request get the blocks as well. Destroying the stream early closes the
 * connection. A response that breaks off destroys it with an `nx_error`.
 *
 * Other requests of the session wait until the stream is read to its end or destroyed, unless
 * `nx_set_max_connections` allows more.
 * @example
 * ```ts
 * await ne_begin_request(req);
 * nx_response_readable(req).pipe(process.stdout);
 * ```
 */
export function nx_response_readable(req: ne_request): Readable {
  const r = requests.open(req, "nx_response_readable");
  checkReading(r, "nx_response_readable");
  return new ResponseBody(r);
}

/**
 * The code of the `ne_end_request` that closed the stream, once it has ended. For a stream that was
 * destroyed or that failed it is `NE_ERROR`, or the code of the failure.
 */
export async function nx_readable_result(stream: Readable): Promise<number> {
  if (!(stream instanceof ResponseBody)) {
    throw misuse("nx_readable_result", "the stream was not made by nx_response_readable");
  }
  return stream.result;
}

/**
 * Takes the connection out of the session, after a `101` response to a request with an `Upgrade`
 * field, or a 2xx response to CONNECT. Call it after the dispatch and before any other request of
 * the session, or between `ne_begin_request` and `ne_end_request`; do not call the latter then.
 * @returns the connection, and in `head` the bytes already read past the response header; `null` if
 *   the response is of another kind, or the connection is gone
 * @example
 * ```ts
 * ne_add_request_header(req, "Connection", "Upgrade");
 * ne_add_request_header(req, "Upgrade", "echo");
 * if ((await ne_request_dispatch(req)) === NE_OK) nx_detach_socket(req)?.socket.write("hello");
 * ```
 */
export function nx_detach_socket(req: ne_request): {
  /** The connection, a TLS socket where the session speaks TLS. */
  socket: Duplex;
  /** What has been read of it already. */
  head: Buffer;
} | null {
  return detachConnection(requests.open(req, "nx_detach_socket"));
}

// ---- request bodies ----

interface Supplier {
  /** Starts the body over; `false` with the error set where that can't be. */
  rewind(): boolean | Promise<boolean>;
  /** The next piece, not empty; `null` at the end, `false` with the error set on failure. */
  next(): Promise<Buffer | null | false>;
  /** The request is over. */
  over(): void;
}

function setProvider(r: Request, length: number, supplier: Supplier): void {
  let rest: Buffer | null = null;
  const provide = (_userdata: unknown, buffer: Uint8Array): number | Promise<number> => {
    if (buffer.length === 0) {
      rest = null;
      const started = supplier.rewind();
      const answer = (can: boolean): number => (can ? 0 : -1);
      return typeof started === "boolean" ? answer(started) : started.then(answer);
    }
    const give = (piece: Buffer | null | false): number => {
      if (piece === null) return 0;
      if (piece === false) return -1;
      const count = piece.copy(buffer);
      rest = count < piece.length ? piece.subarray(count) : null;
      return count;
    };
    return rest === null ? supplier.next().then(give) : give(rest);
  };
  ne_set_request_body_provider(r.handle, length, provide);
  if (r.body?.kind !== "provider") return;
  r.body.toProve = length === 0;
  r.body.over = () => supplier.over();
}

function checkBody(r: Request, length: number, caller: string): void {
  if (r.attempt.at !== "idle") throw misuse(caller, "the request has been begun already");
  if (length !== -1 && !(Number.isSafeInteger(length) && length >= 0)) {
    throw misuse(caller, "the length must be a whole number from 0 to 2^53-1, or -1");
  }
}

function sentBefore(r: Request): false {
  setError(r.session, "Request body was read from a stream and can't be sent again");
  return false;
}

function checkSource(source: unknown): void {
  const iterates =
    typeof source === "object" &&
    source !== null &&
    typeof (source as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function";
  if (!iterates) {
    throw misuse(
      "nx_set_request_body_stream",
      "the source must be a stream, an async iterable or a function that gives one",
    );
  }
  // a stream that fails before it is read must not take the process with it
  if (isNodeStream(source)) source.on("error", () => {});
}

function bytesOf(chunk: unknown): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  const bytes = bytesIn(chunk);
  if (bytes !== null) return bytes;
  throw misuse("nx_set_request_body_stream", "the source gave what is neither bytes nor a string");
}

class StreamBody implements Supplier {
  #r: Request;
  #again: (() => nx_body_source | Promise<nx_body_source>) | null;
  #source: nx_body_source | null;
  #iterator: AsyncIterator<unknown> | null = null;
  #ended = false;
  #isOver = false;

  constructor(
    r: Request,
    source: nx_body_source | (() => nx_body_source | Promise<nx_body_source>),
  ) {
    this.#r = r;
    this.#again = typeof source === "function" ? source : null;
    this.#source = typeof source === "function" ? null : source;
  }

  rewind(): boolean | Promise<boolean> {
    if (this.#again === null) return this.#iterator === null ? true : sentBefore(this.#r);
    this.over();
    this.#isOver = false;
    this.#iterator = null;
    this.#source = null;
    const given = this.#again();
    return isPromise(given) ? given.then((source) => this.#start(source)) : this.#start(given);
  }

  #start(source: nx_body_source): boolean {
    checkSource(source);
    this.#source = source;
    this.#ended = false;
    // nobody waits for what came too late
    if (this.#isOver) this.over();
    return !this.#isOver;
  }

  async next(): Promise<Buffer | null> {
    const iterator = (this.#iterator ??= iterate(this.#source as AsyncIterable<unknown>));
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) {
        this.#ended = true;
        return null;
      }
      const piece = bytesOf(value);
      if (piece.length > 0) return piece;
    }
  }

  // A source that was begun, or made for this request, and not read to its end is let go of.
  over(): void {
    this.#isOver = true;
    const source = this.#source;
    if (this.#ended || source === null) return;
    if (this.#again !== null) this.#iterator ??= iterate(source);
    if (this.#iterator === null) return;
    this.#ended = true;
    // nobody is there to hear what it says to that
    letGo(source, this.#iterator).catch(() => {});
  }
}

type WriteDone = (error?: Error | null) => void;

// A Writable whose pieces are handed over one at a time: a write is done when all of its piece has
// been asked for.
class WritableBody implements Supplier {
  readonly stream: Writable;
  #r: Request;
  #begun = false;
  #ended = false;
  #over = false;
  #offered: { piece: Buffer; done: WriteDone } | null = null;
  // the piece handed out last, until more is asked for
  #done: WriteDone | null = null;
  #destroyed: { error: Error | null } | null = null;
  #wake: (() => void) | null = null;

  constructor(r: Request) {
    this.#r = r;
    this.stream = new Writable({
      write: (piece: Buffer, _encoding, done) => this.#offer(piece, done),
      writev: (all, done) => this.#offer(Buffer.concat(all.map(({ chunk }) => chunk)), done),
      final: (done) => {
        this.#ended = true;
        this.#signal();
        done();
      },
      destroy: (error, done) => {
        this.#destroyed = { error };
        const unsent = this.#offered?.done ?? this.#done;
        this.#offered = this.#done = null;
        unsent?.(error ?? new Error("the request was over before this was sent"));
        this.#signal();
        done(error);
      },
    });
    // what it was destroyed with leaves through the dispatch
    this.stream.on("error", () => {});
  }

  #offer(piece: Buffer, done: WriteDone): void {
    this.#offered = { piece, done };
    this.#signal();
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = null;
  }

  rewind(): boolean {
    return this.#begun ? sentBefore(this.#r) : true;
  }

  async next(): Promise<Buffer | null | false> {
    this.#begun = true;
    this.#done?.();
    this.#done = null;
    for (;;) {
      const offered = this.#offered;
      this.#offered = null;
      if (offered !== null && offered.piece.length > 0) {
        this.#done = offered.done;
        return offered.piece;
      }
      offered?.done();
      if (this.#ended) return null;
      if (this.#destroyed !== null) {
        if (this.#destroyed.error !== null) throw this.#destroyed.error;
        // that the request is over is no failure of it
        if (!this.#over) {
          setError(this.#r.session, "Request body stream was destroyed before its end");
        }
        return false;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  over(): void {
    this.#over = true;
    this.stream.destroy();
  }
}

// ---- response bodies ----

class ResponseBody extends Readable {
  readonly result: Promise<number>;
  #r: Request;
  #over = false;
  #pending: Promise<void> | null = null;
  #tell: (code: number) => void = () => {};

  constructor(r: Request) {
    super({ highWaterMark: READ_BLOCK });
    this.#r = r;
    this.result = new Promise((resolve) => (this.#tell = resolve));
  }

  override _read(): void {
    this.#pending = this.#pull();
  }

  async #pull(): Promise<void> {
    const r = this.#r;
    try {
      if (r.attempt.at !== "body") throw new Error("the request has been ended or destroyed");
      const block = await readResponseBlock(r, READ_BLOCK);
      this.#pending = null;
      if (typeof block === "number") this.#fail(block);
      else if (block.length === 0) await this.#finish();
      // the block is a view of the connection's memory
      else this.push(Buffer.from(block));
    } catch (error) {
      this.#over = true;
      this.destroy(error as Error);
    }
  }

  async #finish(): Promise<void> {
    if (this.destroyed) return;
    this.#over = true;
    this.#tell(await endRequest(this.#r, "nx_response_readable"));
    this.push(null);
  }

  #fail(code: number): void {
    this.#over = true;
    this.#tell(code);
    const { session: s, status } = this.#r;
    const copy = Object.assign(new ne_status(), status);
    this.destroy(new nx_error(s.error, code, copy, s.cause));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#tell(NE_ERROR);
    const pending = this.#pending;
    if (this.#over || (pending === null && this.#r.attempt.at !== "body")) {
      done(error);
    } else if (pending === null) {
      abandonResponse(this.#r);
      done(error);
    } else {
      this.#r.scope.abort(error ?? new Error("the stream of the response was destroyed"));
      void pending.then(() => done(error));
    }
    this.#over = true;
  }
}
