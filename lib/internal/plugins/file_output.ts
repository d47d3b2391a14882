// Response bodies written to a file at the position of its descriptor, so that a request that a
// hook has repeated starts its output over.
import fs from "node:fs";
import { promisify } from "node:util";
import { NE_BUFSIZ, NE_ERROR, NE_OK } from "../base/constants.js";
import { fdNumber } from "../base/file_descriptor.js";
import { errnoText } from "../base/errno.js";
import type { ne_request } from "../base/handle.js";
import type { ne_fd } from "../../ne_defs.js";
import {
  ne_accept_2xx,
  ne_add_response_body_reader,
  ne_get_session,
  ne_read_response_block,
  ne_read_response_to_fd,
} from "../../ne_request.js";
import { ne_set_error } from "../../ne_session.js";

/** A file that bodies are written to. */
export interface Output {
  readonly fd: ne_fd;
  /** Size of a regular file before anything was written; `null` for what cannot be rewound. */
  readonly sizeBefore: number | null;
  /** Bytes of the present body. */
  written: number;
  /** Where the body began, once it has been found out. */
  start: number | null;
  /** Bytes from `start` to the descriptor's position, which Node cannot move back. */
  behind: number;
}

/** A descriptor to write to from its position on. */
export function openOutput(fd: ne_fd, caller: string): Output {
  const number = fdNumber(fd, caller);
  let sizeBefore: number | null = null;
  try {
    const stat = fs.fstatSync(number);
    if (stat.isFile()) sizeBefore = stat.size;
  } catch {
    // writing will fail, too, and say why
  }
  return { fd, sizeBefore, written: 0, start: null, behind: 0 };
}

/** Keeps count of what is written; once for each request. */
export function countBlocks(req: ne_request, output: Output): void {
  if (output.sizeBefore === null) return;
  ne_add_response_body_reader(req, ne_accept_2xx, (_userdata, block) => {
    output.written += block.length;
    return 0;
  });
}

/** Reads the response body to its end into the file. @returns an `NE_*` code */
export function writeBody(req: ne_request, output: Output): Promise<number> {
  output.written = 0;
  return output.start === null
    ? ne_read_response_to_fd(req, output.fd)
    : writeAgain(req, output, output.start);
}

/**
 * The request is to be repeated: takes back what its body wrote. Only growth tells where in the
 * file it began; where it cannot be told, and in pipes, the next body follows the last, as in C.
 * @returns `NE_OK`, or `NE_ERROR` with the session error set
 */
export async function rewind(req: ne_request, output: Output): Promise<number> {
  if (output.sizeBefore === null || output.written === 0) return NE_OK;
  const fd = fdNumber(output.fd, "ne_request_dispatch");
  try {
    const { size } = await promisify(fs.fstat)(fd);
    if (output.start === null) {
      if (size <= output.sizeBefore) return NE_OK;
      output.start = size - output.written;
    }
    output.behind = Math.max(output.behind, output.written);
    await promisify(fs.ftruncate)(fd, output.start);
    return NE_OK;
  } catch (error) {
    return failedToWrite(req, error);
  }
}

// Up to the descriptor's position with positions given, from there on without.
async function writeAgain(req: ne_request, output: Output, start: number): Promise<number> {
  const write = promisify(fs.write);
  const buffer = Buffer.allocUnsafe(NE_BUFSIZ);
  let total = 0;
  for (;;) {
    const length = await ne_read_response_block(req, buffer);
    if (length <= 0) return length === 0 ? NE_OK : NE_ERROR;
    for (let done = 0; done < length; ) {
      const left = output.behind - total;
      const count = left > 0 ? Math.min(left, length - done) : length - done;
      try {
        const fd = fdNumber(output.fd, "ne_request_dispatch");
        const at = left > 0 ? start + total : null;
        const { bytesWritten } = await write(fd, buffer, done, count, at);
        done += bytesWritten;
        total += bytesWritten;
      } catch (error) {
        return failedToWrite(req, error);
      }
    }
  }
}

function failedToWrite(req: ne_request, error: unknown): number {
  ne_set_error(ne_get_session(req), "Could not write to file: %s", errnoText(error));
  return NE_ERROR;
}
