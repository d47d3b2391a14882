// The body of a request in every form that programs have it, made into bytes or a source of bytes
// that knows its length, its type, and whether it can be sent again.
import type { Readable } from "node:stream";
import { isBytes } from "../base/bytes.js";
import { misuse } from "../base/handle.js";
import type { ne_request } from "../base/handle.js";
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { nx_set_request_body_stream, type nx_body_source } from "../../nx_stream.js";
import { encodeForm, readBlob } from "./form_data.js";
import { describe } from "./header_list.js";

/**
 * A request body. A function is called anew each time that the body has to be sent again.
 * `FormData` goes as multipart/form-data, `URLSearchParams` as application/x-www-form-urlencoded, a
 * `Blob` under its type, each with its Content-Type unless one is given.
 */
export type nx_body =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | nx_body_source
  | (() => nx_body_source | Promise<nx_body_source>);

/**
 * Called with the bytes done and the total, `null` where it is unknown. A promise holds the
 * transfer back; what it throws ends the transfer and is thrown.
 */
export type nx_progress_fn = (done: number, total: number | null) => void | Promise<void>;

/** A body to send. */
export interface OutgoingBody {
  /** Its Content-Type, where its form tells; else `null`. */
  readonly type: string | null;
  /** Gives it to a request. */
  give(req: ne_request, progress: nx_progress_fn | null): void;
  /** Whether it can be sent, or sent again. */
  isRepeatable(): boolean;
  /** Nobody needs it any more. */
  release(): void;
}

/** Bytes of a block of memory that progress is told of. */
const STEP = 64 * 1024;

/** @param length of a source, -1 if it is unknown */
export function readBody(given: unknown, length: number, caller: string): OutgoingBody {
  if (typeof given === "string") return fromMemory(Buffer.from(given), null);
  if (isBytes(given)) return fromMemory(given, null);
  if (ArrayBuffer.isView(given)) {
    return fromMemory(new Uint8Array(given.buffer, given.byteOffset, given.byteLength), null);
  }
  if (typeof given === "function") return fromFunction(given as () => nx_body_source, length, null);
  if (typeof given !== "object" || given === null) throw unusable(given, caller);
  if (given instanceof ArrayBuffer) return fromMemory(new Uint8Array(given), null);
  const kind = Object.prototype.toString.call(given);
  if (given instanceof URLSearchParams) {
    return fromMemory(Buffer.from(String(given)), "application/x-www-form-urlencoded");
  }
  if (kind === "[object FormData]") {
    const form = encodeForm(given as FormData);
    return fromFunction(form.open, form.length, form.type);
  }
  if (kind === "[object Blob]" || kind === "[object File]") {
    const blob = given as Blob;
    return fromFunction(() => readBlob(blob), blob.size, blob.type === "" ? null : blob.type);
  }
  if (Symbol.asyncIterator in given) return new SingleUse(given as nx_body_source, length, caller);
  throw unusable(given, caller);
}

function unusable(given: unknown, caller: string): TypeError {
  const forms = "a string, bytes, a Blob, a form, a stream, an async iterable or a function";
  return misuse(caller, `the body must be ${forms}, not ${describe(given)}`);
}

function fromMemory(bytes: Uint8Array, type: string | null): OutgoingBody {
  const inSteps = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += STEP) yield bytes.subarray(at, at + STEP);
  };
  return {
    type,
    isRepeatable: () => true,
    release: () => {},
    give: (req, progress) => {
      if (progress === null) ne_set_request_body_buffer(req, bytes);
      else giveFunction(req, inSteps, bytes.length, progress);
    },
  };
}

function fromFunction(
  open: () => nx_body_source | Promise<nx_body_source>,
  length: number,
  type: string | null,
): OutgoingBody {
  return {
    type,
    isRepeatable: () => true,
    release: () => {},
    give: (req, progress) => giveFunction(req, open, length, progress),
  };
}

function giveFunction(
  req: ne_request,
  open: () => nx_body_source | Promise<nx_body_source>,
  length: number,
  progress: nx_progress_fn | null,
): void {
  if (progress === null) {
    nx_set_request_body_stream(req, open, length);
    return;
  }
  const watched = async (): Promise<nx_body_source> =>
    new Reading(await open(), length, progress);
  nx_set_request_body_stream(req, watched, length);
}

// A stream or iterable, which can be read once.
class SingleUse implements OutgoingBody {
  readonly type = null;
  #source: nx_body_source;
  #length: number;
  #reading: Reading | null = null;

  constructor(source: nx_body_source, length: number, caller: string) {
    const { readableEnded, destroyed, locked } = source as Partial<Readable> & { locked?: boolean };
    if (readableEnded === true || destroyed === true || locked === true) {
      throw misuse(caller, "the body is a stream that was read or destroyed already");
    }
    // a stream that fails before it is read must not take the process with it
    if (isNodeStream(source)) source.on("error", () => {});
    this.#source = source;
    this.#length = length;
  }

  isRepeatable(): boolean {
    return this.#reading === null || !this.#reading.begun;
  }

  // one that was begun is let go of by the request
  release(): void {
    if (this.isRepeatable() && isNodeStream(this.#source)) this.#source.destroy();
  }

  give(req: ne_request, progress: nx_progress_fn | null): void {
    this.#reading = new Reading(this.#source, this.#length, progress);
    nx_set_request_body_stream(req, this.#reading, this.#length);
  }
}

function isNodeStream(source: nx_body_source): source is Readable {
  const { on, destroy } = source as Partial<Readable>;
  return typeof on === "function" && typeof destroy === "function";
}

// A source on its way to the wire. More is asked for when what was given has gone out, so that is
// the moment to tell how far it is.
class Reading implements AsyncIterableIterator<Uint8Array | string> {
  begun = false;
  #source: nx_body_source;
  #total: number | null;
  #progress: nx_progress_fn | null;
  #iterator: AsyncIterator<Uint8Array | string> | null = null;
  #done = 0;

  constructor(source: nx_body_source, length: number, progress: nx_progress_fn | null) {
    this.#source = source;
    this.#total = length < 0 ? null : length;
    this.#progress = progress;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    this.begun = true;
    await this.#progress?.(this.#done, this.#total);
    this.#iterator ??= (this.#source as AsyncIterable<Uint8Array | string>)[Symbol.asyncIterator]();
    const { done, value } = await this.#iterator.next();
    if (done === true) return { done: true, value: undefined };
    this.#done += typeof value === "string" ? Buffer.byteLength(value) : value.length;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    if (isNodeStream(this.#source)) this.#source.destroy();
    else await this.#iterator?.return?.();
    return { done: true, value: undefined };
  }
}
