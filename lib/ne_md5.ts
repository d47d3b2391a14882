// ne_md5.h: MD5 sums. A sum is 16 bytes, or 32 lower-case hex digits.
import type { Readable } from "node:stream";
import { asBuffer, hexValue } from "./internal/base/bytes.js";
import { crypto } from "./internal/base/crypto.js";
import { HandleType, misuse, type ne_handle } from "./internal/base/handle.js";
import { Md5 } from "./internal/base/md5.js";
import { needBytes, needObject, needText } from "./internal/base/arguments.js";
import type { ne_out } from "./ne_defs.js";

/** The state of one computation (`struct ne_md5_ctx`). */
export interface ne_md5_ctx extends ne_handle<"ne_md5_ctx"> {}

const SUM_BYTES = 16;

interface Computation {
  md5: Md5;
  ended: boolean;
}

const computations: HandleType<"ne_md5_ctx", Computation> = new HandleType("ne_md5_ctx");

function running(ctx: ne_md5_ctx, caller: string): Computation {
  const computation = computations.open(ctx, caller);
  if (computation.ended) throw misuse(caller, "the computation has ended; reset or destroy it");
  return computation;
}

/** Starts a computation. @returns its state, or `null` where MD5 is forbidden (FIPS mode). */
export function ne_md5_create_ctx(): ne_md5_ctx | null {
  return crypto().getFips() === 0 ? computations.create({ md5: new Md5(), ended: false }) : null;
}

/** Adds bytes; their number must be a multiple of 64. */
export function ne_md5_process_block(buffer: Uint8Array, ctx: ne_md5_ctx): void {
  const { md5 } = running(ctx, "ne_md5_process_block");
  needBytes(buffer, "ne_md5_process_block", "buffer");
  if (buffer.length % 64 !== 0) {
    throw misuse("ne_md5_process_block", "the number of bytes must be a multiple of 64");
  }
  md5.update(buffer);
}

/** Adds any number of bytes. */
export function ne_md5_process_bytes(buffer: Uint8Array, ctx: ne_md5_ctx): void {
  const { md5 } = running(ctx, "ne_md5_process_bytes");
  md5.update(needBytes(buffer, "ne_md5_process_bytes", "buffer"));
}

/**
 * Ends the computation and writes the sum to the first 16 bytes of `resbuf`. The state must then be
 * reset or destroyed.
 * @returns `resbuf`.
 */
export function ne_md5_finish_ctx<B extends Uint8Array>(ctx: ne_md5_ctx, resbuf: B): B {
  const computation = running(ctx, "ne_md5_finish_ctx");
  needBytes(resbuf, "ne_md5_finish_ctx", "resbuf", SUM_BYTES);
  computation.ended = true;
  resbuf.set(computation.md5.digest());
  return resbuf;
}

/**
 * Writes the internal state (the words A to D, little-endian) to the first 16 bytes of `resbuf`,
 * without bytes still waiting for a full block. It is not the sum of the bytes so far.
 * @returns `resbuf`; `null` in C where the state cannot be read out.
 */
export function ne_md5_read_ctx<B extends Uint8Array>(ctx: ne_md5_ctx, resbuf: B): B | null {
  const { md5 } = running(ctx, "ne_md5_read_ctx");
  needBytes(resbuf, "ne_md5_read_ctx", "resbuf", SUM_BYTES).set(md5.state());
  return resbuf;
}

/** @returns an independent copy of the state; `null` in C if it cannot be copied. */
export function ne_md5_dup_ctx(ctx: ne_md5_ctx): ne_md5_ctx | null {
  const { md5 } = running(ctx, "ne_md5_dup_ctx");
  return computations.create({ md5: md5.copy(), ended: false });
}

/** Puts the state back to the start. */
export function ne_md5_reset_ctx(ctx: ne_md5_ctx): void {
  const computation = computations.open(ctx, "ne_md5_reset_ctx");
  computation.md5.reset();
  computation.ended = false;
}

/** Destroys the state. */
export function ne_md5_destroy_ctx(ctx: ne_md5_ctx): void {
  computations.destroy(ctx, "ne_md5_destroy_ctx");
}

/**
 * Reads a stream to its end and writes the sum to the first 16 bytes of `resblock`.
 * @returns 0, or 1 if reading failed.
 */
export async function ne_md5_stream(stream: Readable, resblock: Uint8Array): Promise<number> {
  needBytes(resblock, "ne_md5_stream", "resblock", SUM_BYTES);
  const md5 = new Md5();
  try {
    for await (const chunk of stream) {
      md5.update(
        typeof chunk === "string" ? Buffer.from(chunk, stream.readableEncoding ?? "utf8") : chunk,
      );
    }
  } catch {
    return 1;
  }
  resblock.set(md5.digest());
  return 0;
}

/** Ends the computation as `ne_md5_finish_ctx` does. @returns the sum as hex digits. */
export function ne_md5_finish_ascii(ctx: ne_md5_ctx): string {
  const computation = running(ctx, "ne_md5_finish_ascii");
  computation.ended = true;
  return hexOf(computation.md5.digest());
}

/** Writes 16 bytes as 32 hex digits to `buffer.value`. */
export function ne_md5_to_ascii(md5_buf: Uint8Array, buffer: ne_out<string>): void {
  const sum = needBytes(md5_buf, "ne_md5_to_ascii", "md5_buf", SUM_BYTES);
  needObject(buffer, "ne_md5_to_ascii", "buffer");
  buffer.value = hexOf(sum);
}

/** Reads 32 hex digits (either case) into the first 16 bytes of `md5_buf`. */
export function ne_ascii_to_md5(buffer: string, md5_buf: Uint8Array): void {
  needText(buffer, "ne_ascii_to_md5", "buffer");
  needBytes(md5_buf, "ne_ascii_to_md5", "md5_buf", SUM_BYTES);
  for (let i = 0; i < SUM_BYTES; i++) {
    const high = hexValue(buffer.charCodeAt(2 * i));
    const low = hexValue(buffer.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) throw misuse("ne_ascii_to_md5", "buffer must have 32 hex digits");
    md5_buf[i] = (high << 4) | low;
  }
}

function hexOf(sum: Uint8Array): string {
  return asBuffer(sum.subarray(0, SUM_BYTES)).toString("hex");
}
