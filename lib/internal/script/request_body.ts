// The body of a request in every form that programs have it, made into bytes or a source of bytes
// that knows its length, its type, and whether it can be sent again.
import type { Readable } from "node:stream";
import { bytesIn } from "../base/bytes.js";
import { describe } from "../base/call_options.js";
import { misuse } from "../base/handle.js";
import { isNodeStream, iterate, letGo } from "../base/web_stream.js";
import type { ne_request } from "../base/handle.js";
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { nx_set_request_body_stream, type nx_body_source } from "../../nx_stream.js";
import { encodeForm, readBlob } from "./form_data.js";

/**
 * A request body. A function is called again each time the body has to be sent again. `FormData` is
 * sent as multipart/form-data, `URLSearchParams` as application/x-www-form-urlencoded, a `Blob` as
 * its type, each with its Content-Type unless one is given.
 */
export type nx_body =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | nx_body_source
  | (() => nx_body_source | Promise<nx_body_source>);

/**
 * Called with the bytes done and the total, `null` if unknown. If it returns a promise, the
 * transfer waits; if it throws, the transfer ends with that error.
 */
export type nx_progress_fn = (done: number, total: number | null) => void | Promise<void>;

/** A body to send. */
export interface OutgoingBody {
  /** Its Content-Type, where its form tells; else `null`. */
  readonly type: string | null;
  /** Bytes of it, where its form tells; else `null`. */
  readonly size: number | null;
  /** Gives it to a request. */
  give(req: ne_request, progress: nx_progress_fn | null): void;
  /** Whether it can be sent, or sent again. */
  isRepeatable(): boolean;
  /** Nobody needs it any more. */
  release(): void;
}

/** Bytes that progress is told of at once. */
const STEP = 64 * 1024;

/** @param length of a source, -1 if it is unknown; of anything else it can only be what it is */
export function readBody(given: unknown, length: number, caller: string): OutgoingBody {
  const body = bodyFrom(given, length, caller);
  if (length >= 0 && body.size !== null && body.size !== length) {
    const what = `the option "length" is ${length}`;
    throw misuse(caller, `${what}, and the body has ${body.size} bytes`);
  }
  return body;
}

function bodyFrom(given: unknown, length: number, caller: string): OutgoingBody {
  if (typeof given === "string") return fromMemory(Buffer.from(given), null);
  const bytes = bytesIn(given);
  if (bytes !== null) return fromMemory(bytes, null);
  if (typeof given === "function") return fromCaller(given as () => nx_body_source, length, caller);
  if (typeof given !== "object" || given === null) throw unusable(given, caller);
  const kind = Object.prototype.toString.call(given);
  if (kind === "[object URLSearchParams]") {
    return fromMemory(Buffer.from(String(given)), "application/x-www-form-urlencoded");
  }
  if (kind === "[object FormData]") {
    const form = encodeForm(given as FormData);
    return fromLibrary(form.open, form.length, form.type);
  }
  if (kind === "[object Blob]" || kind === "[object File]") {
    const blob = given as Blob;
    return fromLibrary(() => readBlob(blob), blob.size, blob.type === "" ? null : blob.type);
  }
  if (Symbol.asyncIterator in given) return new SingleUse(given as nx_body_source, length, caller);
  throw unusable(given, caller);
}

function unusable(given: unknown, caller: string): TypeError {
  const forms = "a string, bytes, a Blob, a form, a stream, an async iterable or a function";
  return misuse(caller, `the body must be ${forms}, not ${describe(given)}`);
}

function fromMemory(bytes: Uint8Array, type: string | null): OutgoingBody {
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return {
    ...{ type, size: bytes.length, isRepeatable: () => true, release: () => {} },
    give: (req, progress) => {
      if (progress === null) ne_set_request_body_buffer(req, bytes);
      else {
        const open = (): Reading => new Reading(whole(), bytes.length, progress);
        nx_set_request_body_stream(req, open, bytes.length);
      }
    },
  };
}

// What this room itself makes of a Blob or a form.
function fromLibrary(
  open: () => AsyncIterable<Uint8Array>,
  length: number,
  type: string | null,
): OutgoingBody {
  return {
    ...{ type, size: length, isRepeatable: () => true, release: () => {} },
    give: (req, progress) => {
      if (progress === null) nx_set_request_body_stream(req, open, length);
      else nx_set_request_body_stream(req, () => new Reading(open(), length, progress), length);
    },
  };
}

function fromCaller(open: () => unknown, length: number, caller: string): OutgoingBody {
  const opened = async (progress: nx_progress_fn | null): Promise<Reading> => {
    const source: unknown = await open();
    if (typeof source === "object" && source !== null && Symbol.asyncIterator in source) {
      return new Reading(source as nx_body_source, length, progress, caller);
    }
    const what = `the body function gave ${describe(source)}`;
    throw misuse(caller, `${what}, which is neither a stream nor an async iterable`);
  };
  return {
    ...{ type: null, size: null, isRepeatable: () => true, release: () => {} },
    give: (req, progress) => nx_set_request_body_stream(req, () => opened(progress), length),
  };
}

// A stream or iterable, which can be read once.
class SingleUse implements OutgoingBody {
  readonly type = null;
  readonly size = null;
  #source: nx_body_source;
  #length: number;
  #caller: string;
  #reading: Reading | null = null;

  constructor(source: nx_body_source, length: number, caller: string) {
    const { readableEnded, destroyed, locked } = source as Partial<Readable> & { locked?: boolean };
    if (readableEnded === true || destroyed === true || locked === true) {
      throw misuse(caller, "the body is a stream that was read or destroyed already");
    }
    keepQuiet(source);
    this.#source = source;
    this.#length = length;
    this.#caller = caller;
  }

  isRepeatable(): boolean {
    return this.#reading === null || !this.#reading.begun;
  }

  // one that was begun is let go of by the request
  release(): void {
    if (this.isRepeatable()) letGo(this.#source, null).catch(() => {});
  }

  give(req: ne_request, progress: nx_progress_fn | null): void {
    this.#reading = new Reading(this.#source, this.#length, progress, this.#caller);
    nx_set_request_body_stream(req, this.#reading, this.#length);
  }
}

// A stream that fails before it is read must not take the process with it.
function keepQuiet(source: nx_body_source): void {
  if (isNodeStream(source)) source.on("error", () => {});
}

// A source on its way to the wire. More is asked for when what was given has gone out, so that is
// the moment to tell how far it is.
class Reading implements AsyncIterableIterator<Uint8Array> {
  begun = false;
  #source: nx_body_source;
  #total: number | null;
  #progress: nx_progress_fn | null;
  #caller: string;
  #iterator: AsyncIterator<unknown> | null = null;
  #rest: Buffer | null = null;
  #done = 0;
  #told = -1;

  constructor(
    source: nx_body_source,
    length: number,
    progress: nx_progress_fn | null,
    caller = "nx_send",
  ) {
    keepQuiet(source);
    this.#source = source;
    this.#total = length < 0 ? null : length;
    this.#progress = progress;
    this.#caller = caller;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.begun = true;
    // an empty piece is no progress
    if (this.#progress !== null && this.#told < this.#done) {
      this.#told = this.#done;
      await this.#progress(this.#done, this.#total);
    }
    const piece = this.#rest ?? (await this.#more());
    if (piece === null) return { done: true, value: undefined };
    // what is large is told of in steps
    const value = this.#progress === null ? piece : piece.subarray(0, STEP);
    this.#rest = value.length < piece.length ? piece.subarray(value.length) : null;
    this.#done += value.length;
    return { done: false, value };
  }

  async #more(): Promise<Buffer | null> {
    this.#iterator ??= iterate(this.#source);
    const { done, value } = await this.#iterator.next();
    if (done === true) return null;
    if (typeof value === "string") return Buffer.from(value);
    const bytes = bytesIn(value);
    if (bytes !== null) return bytes;
    const what = `the body gave ${describe(value)}`;
    throw misuse(this.#caller, `${what}, which is neither bytes nor a string`);
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await letGo(this.#source, this.#iterator);
    return { done: true, value: undefined };
  }
}
