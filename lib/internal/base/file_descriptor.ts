// File descriptors as callers give them: a number, or Node's FileHandle around one.
import type { FileHandle } from "node:fs/promises";
import { misuse } from "./handle.js";

/** The number of a descriptor; a closed FileHandle is the caller's mistake. */
export function fdNumber(fd: number | FileHandle, caller: string): number {
  const number = typeof fd === "number" ? fd : fd?.fd;
  if (!Number.isInteger(number) || number < 0) {
    throw misuse(caller, "the file descriptor is not open");
  }
  return number;
}
