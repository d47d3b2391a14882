// Opens the destination that a caller of nx_download names.
import type { FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";
import { misuse } from "../base/handle.js";
import type { Signalled } from "./abortable.js";
import { NamedFile } from "./named_file.js";
import { OpenFile } from "./open_file.js";
import { StreamTarget } from "./stream_target.js";
import type { Target } from "./target.js";

/** What the caller may give. */
export type GivenTarget = string | number | FileHandle | Writable;

/**
 * Opens it. Throws `Failed` with the system's error for what cannot be written to.
 * @param url of the resource
 * @param resumes whether a part is gone on with, and kept for the next time
 */
export async function openTarget(
  context: Signalled,
  to: GivenTarget,
  url: string,
  resumes: boolean,
  caller: string,
): Promise<Target> {
  if (typeof to === "string" && to.includes("\0")) {
    throw misuse(caller, "the name of the target holds NUL");
  }
  if (typeof to === "string") return NamedFile.open(to, url, resumes);
  if (typeof to === "number" || isHandle(to)) return OpenFile.open(to);
  if (isWritable(to)) return new StreamTarget(context, to);
  throw misuse(caller, "the target must be a file's name, descriptor or handle, or a Writable");
}

function isHandle(to: unknown): to is FileHandle {
  const { fd } = (to ?? {}) as Partial<FileHandle>;
  return typeof fd === "number" && !isWritable(to);
}

function isWritable(to: unknown): to is Writable {
  const { write, end } = (to ?? {}) as Partial<Writable>;
  return typeof write === "function" && typeof end === "function";
}
