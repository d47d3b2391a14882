// ne_alloc.h: memory. Nothing has to be freed here; these keep ported lines as they are.
import { asBuffer } from "./internal/base/bytes.js";
import { misuse } from "./internal/base/handle.js";
import { needBytes, needText } from "./internal/base/arguments.js";

/**
 * Copies a string, in C.
 * @returns the same string: strings do not change.
 */
export function ne_strdup(s: string): string {
  return needText(s, "ne_strdup", "the argument");
}

/** @returns the first `n` characters of `s`. */
export function ne_strndup(s: string, n: number): string {
  return needText(s, "ne_strndup", "the first argument").slice(0, checkSize(n, "ne_strndup"));
}

/** @returns a zeroed buffer of `size` bytes. */
export function ne_malloc(size: number): Buffer {
  return Buffer.alloc(checkSize(size, "ne_malloc"));
}

/** @returns a zeroed buffer of `size` bytes. */
export function ne_calloc(size: number): Buffer {
  return Buffer.alloc(checkSize(size, "ne_calloc"));
}

/** @returns a buffer of `size` bytes that begins with those of `ptr` (`null`: all zero). */
export function ne_realloc(ptr: Uint8Array | null, size: number): Buffer {
  const grown = Buffer.alloc(checkSize(size, "ne_realloc"));
  if (ptr !== null) asBuffer(needBytes(ptr, "ne_realloc", "ptr")).copy(grown);
  return grown;
}

/** Does nothing, with anything. */
export function ne_free(ptr: unknown): void {
  void ptr;
}

function checkSize(size: number, caller: string): number {
  if (!Number.isSafeInteger(size) || size < 0) throw misuse(caller, "a size must be 0 or more");
  return size;
}
