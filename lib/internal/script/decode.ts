// Content codings (RFC 9110 section 8.4.1) taken off a body as it streams through, by Node's zlib.
import zlib from "node:zlib";
import { INFLATE_RATIO_FREE, NE_ERROR } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import { ACCEPTED } from "./send_options.js";
import type { Limits } from "../session/session_state.js";

const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Decoder };

/** Codings one inside another: honest servers use one. */
const MAX_CODINGS = 3;

const TRAILING = "Unexpected content received after compressed stream";

export type Coding = "gzip" | "deflate" | "br" | "zstd";
type Decoder = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;
type Bytes = AsyncIterable<Buffer> | Iterable<Buffer>;

const CODINGS = new Map<string, Coding>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "br"],
]);
if (ACCEPTED.includes("zstd")) CODINGS.set("zstd", "zstd");

/**
 * The codings to take off, the outermost last as they are listed; none where one is unknown.
 * @param field the value of Content-Encoding
 */
export function codingsOf(field: string | null): Coding[] {
  const found: Coding[] = [];
  for (const token of (field ?? "").split(",")) {
    const name = token.trim().toLowerCase();
    if (name === "" || name === "identity") continue;
    const coding = CODINGS.get(name);
    if (coding === undefined) return [];
    found.push(coding);
  }
  return found;
}

/** Takes codings off, within the session's limits. Throws an `nx_error` for what can't be read. */
export async function* decodeBody(
  source: Bytes,
  codings: readonly Coding[],
  limits: Readonly<Limits>,
): AsyncGenerator<Buffer> {
  if (codings.length > MAX_CODINGS) throw failure("Too many content codings in response");
  if (codings.length === 0) return yield* source;
  const counted = { in: 0, out: 0 };
  let body: Bytes = count(source, counted);
  for (const coding of [...codings].reverse()) body = takeOff(body, coding);
  for await (const block of body) {
    counted.out += block.length;
    if (counted.out > limits.body) throw failure("Response body exceeds the limit");
    // a small body of one repeated byte is honest
    const small = counted.out <= INFLATE_RATIO_FREE;
    if (!small && counted.out > counted.in * limits.inflate_ratio) {
      throw failure("Compressed response grows beyond the limit");
    }
    yield block;
  }
}

function failure(text: string, cause: Error | null = null): nx_error {
  return new nx_error(text, NE_ERROR, null, cause);
}

async function* count(source: Bytes, counted: { in: number }): AsyncGenerator<Buffer> {
  for await (const block of source) {
    counted.in += block.length;
    yield block;
  }
}

// One coding. The bytes are fed beside the reading of what comes out, so that neither has to fit
// into memory; what follows the end of the data is an error.
async function* takeOff(source: Bytes, coding: Coding): AsyncGenerator<Buffer> {
  const input = blocks(source);
  const first = await input.next();
  // no bytes at all are no data in any coding, and a body that a server did not send
  if (first.done === true) return;
  const decoder = decoderFor(coding, first.value);
  const feeder = new Feeder(decoder, first.value, input);
  const feeding = feeder.run();
  // a failure is met below
  feeding.catch(() => {});
  try {
    for await (const block of decoder) yield block;
    feeder.finish();
    await feeding;
    // zlib itself looks behind the end of gzip data, where another member may begin
    if (coding !== "gzip" && decoder.bytesWritten < feeder.fed) throw failure(TRAILING);
  } catch (error) {
    if (feeder.failed !== null) throw feeder.failed.error;
    throw readable(error as Error);
  } finally {
    feeder.finish();
    decoder.destroy();
  }
}

async function* blocks(source: Bytes): AsyncGenerator<Buffer> {
  for await (const block of source) if (block.length > 0) yield block;
}

class Feeder {
  /** What the source threw. */
  failed: { error: unknown } | null = null;
  fed = 0;
  #decoder: Decoder;
  #block: Buffer;
  #input: AsyncGenerator<Buffer>;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(decoder: Decoder, first: Buffer, input: AsyncGenerator<Buffer>) {
    this.#decoder = decoder;
    this.#block = first;
    this.#input = input;
    decoder.on("drain", () => this.#wake?.());
    // what goes wrong is met where the output is read
    decoder.on("error", () => this.finish());
  }

  async run(): Promise<void> {
    const decoder = this.#decoder;
    for (;;) {
      this.fed += this.#block.length;
      if (!decoder.write(this.#block)) await this.#drained();
      const next = await this.#next();
      if (next === null) break;
      if (this.#ended) throw failure(TRAILING);
      this.#block = next;
    }
    if (!this.#ended) decoder.end();
  }

  async #next(): Promise<Buffer | null> {
    try {
      const { done, value } = await this.#input.next();
      return done === true ? null : value;
    } catch (error) {
      this.failed = { error };
      this.#decoder.destroy(error as Error);
      throw error;
    }
  }

  async #drained(): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Nothing more comes out of the decoder. */
  finish(): void {
    this.#ended = true;
    this.#wake?.();
  }
}

function decoderFor(coding: Coding, first: Buffer): Decoder {
  if (coding === "gzip") return zlib.createGunzip();
  if (coding === "br") return zlib.createBrotliDecompress();
  if (coding === "zstd" && createZstdDecompress !== undefined) return createZstdDecompress();
  // some servers send the bare format of RFC 1951 under the name of RFC 1950's
  const [method = 0, flags = 0] = first;
  const wrapped = (method & 0x0f) === 8 && (first.length < 2 || (method * 256 + flags) % 31 === 0);
  return wrapped ? zlib.createInflate() : zlib.createInflateRaw();
}

function readable(error: Error): Error {
  if (error instanceof nx_error) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return failure("Compressed response was truncated", error);
  if (code !== undefined && /^(Z|ZSTD|ERR)_/.test(code)) {
    return failure(`Could not uncompress response: ${error.message}`, error);
  }
  return error;
}
