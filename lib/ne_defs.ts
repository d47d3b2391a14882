// ne_defs.h: shared definitions, and the types that stand for C constructs without a name of their
// own (output pointers, opaque handles, descriptors, printf arguments).
import type { FileHandle } from "node:fs/promises";

export { NE_BUFSIZ } from "./internal/base/constants.js";
export type { ne_handle, ne_opaque } from "./internal/base/handle.js";

/** A length or position in a file or body, in bytes. Values above 2^53-1 are refused. */
export type ne_off_t = number;

/** The target of an output pointer: the callee assigns `value`. `{ value: 0 }` is a valid one. */
export interface ne_out<T> {
  /** What the pointer points to. */
  value: T;
}

/** A file descriptor, or Node's object around one. The library never closes it. */
export type ne_fd = number | FileHandle;

/**
 * What may follow a printf-style format. `null` for `%s` prints `(null)`; `bigint` suits `%lld` and
 * `%llu`.
 */
export type ne_printf_arg = string | number | bigint | null;
