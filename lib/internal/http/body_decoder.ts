// Decodes a response body from a growing view of bytes (RFC 9112 section 7).
//
//              takeSize                 data, but its last block            last block and CRLF
//   SIZE ──────────────────► DATA ──────────────────────────► DATA ─────────────────────────► SIZE
//     └─ size 0 ─► DONE          (chunked; the other framings are always in DATA until DONE)
//
// A block is a part of the view, not a copy. The last block of a chunk is given out only when the
// CRLF behind it has been seen.
import { hexValue } from "../base/bytes.js";
import { MAX_CHUNK } from "../base/constants.js";
import type { Framing } from "./framing.js";
import { Malformed, MORE, takeLine, type More, type View } from "./head.js";

/** The body has ended. */
export const END: unique symbol = Symbol("end");

/** Bytes of chunk extensions, all chunks together: they carry nothing, and must not be endless. */
const MAX_EXTENSIONS = 256 * 1024;

const CR = 13;
const LF = 10;

type State = "size" | "data" | "done";

export class BodyDecoder {
  readonly kind: Framing["kind"];
  #state: State;
  // bytes left of the body (length) or of the chunk (chunked)
  #left: number;
  #extensionBytes = 0;
  #strict: boolean;
  #maxLine: number;
  /** Told the line and the size of each chunk, for debug output. */
  trace: ((line: string, size: number) => void) | null = null;
  /** What was being done, for the error of a connection that fails now. */
  doing = "Could not read response body";

  constructor(framing: Framing, strict: boolean, maxLine: number) {
    this.kind = framing.kind;
    this.#strict = strict;
    this.#maxLine = maxLine;
    this.#left = framing.kind === "length" ? framing.length : 0;
    this.#state = framing.kind === "chunked" ? "size" : "data";
    if (framing.kind === "none" || (framing.kind === "length" && this.#left === 0)) {
      this.#state = "done";
    }
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** The connection has ended: whether that is how this body ends. */
  endOfStream(): boolean {
    if (this.kind !== "end") return false;
    this.#state = "done";
    return true;
  }

  /** Takes a block of at most `max` bytes. */
  take(view: View, max: number): Buffer | typeof END | More | Malformed {
    if (this.#state === "size") {
      const failed = this.#takeSize(view);
      if (failed !== null) return failed;
    }
    if (this.#state === "done") return END;
    const available = view.end - view.pos;
    if (this.kind === "end") {
      return available === 0 ? MORE : slice(view, Math.min(available, max));
    }
    if (this.kind === "chunked" && max >= this.#left && available >= this.#left) {
      return this.#takeChunkEnd(view);
    }
    this.doing = "Could not read response body";
    const length = Math.min(available, this.#left, max);
    if (length === 0) return MORE;
    this.#left -= length;
    if (this.kind === "length" && this.#left === 0) this.#state = "done";
    return slice(view, length);
  }

  // The rest of a chunk together with its CRLF.
  #takeChunkEnd(view: View): Buffer | More | Malformed {
    const end = view.pos + this.#left;
    this.doing = "Could not read chunk delimiter";
    if (end < view.end && view.bytes[end] !== CR) {
      return new Malformed("Chunk delimiter was invalid");
    }
    if (end + 1 >= view.end) return MORE;
    if (view.bytes[end + 1] !== LF) return new Malformed("Chunk delimiter was invalid");
    const block = slice(view, this.#left);
    view.pos += 2;
    this.#left = 0;
    this.#state = "size";
    return block;
  }

  // chunk-size [ chunk-ext ] CRLF. A line of nothing but digits is read in place.
  #takeSize(view: View): More | Malformed | null {
    this.doing = "Could not read chunk size";
    const { bytes, pos: start } = view;
    let size = 0;
    let i = view.pos;
    for (; i < view.end; i++) {
      const digit = hexValue(bytes[i] ?? 0);
      if (digit < 0) break;
      size = size * 16 + digit;
      if (size > MAX_CHUNK) return new Malformed("Could not parse chunk size");
    }
    const isPlain = i > view.pos && i + 1 < view.end && bytes[i] === CR && bytes[i + 1] === LF;
    if (isPlain && i + 2 - view.pos <= this.#maxLine) {
      view.pos = i + 2;
    } else {
      const failed = this.#takeExtension(view, i);
      if (failed !== null) return failed;
    }
    this.trace?.(bytes.toString("latin1", start, view.pos - 2), size);
    this.#left = size;
    this.#state = size === 0 ? "done" : "data";
    return null;
  }

  // The rest of a chunk-size line whose digits end at `digitsEnd`.
  #takeExtension(view: View, digitsEnd: number): More | Malformed | null {
    const digits = digitsEnd - view.pos;
    const start = view.pos;
    const line = takeLine({ bytes: view.bytes, pos: start, end: view.end }, this.#maxLine);
    if (typeof line !== "string") {
      return line === MORE ? MORE : new Malformed(`${this.doing}: ${line.reason}`);
    }
    const lf = view.bytes.indexOf(LF, start);
    const raw = view.bytes.toString("latin1", start + digits, lf + 1);
    if (line === "" || !raw.endsWith("\r\n")) return new Malformed("Invalid chunk-size line");
    const valid = this.#strict ? /^[ \t]*;[^\r\0]*\r\n$/ : /^([\r\0]|[ \t]*(;.*)?\r\n$)/s;
    if (digits === 0 || !valid.test(raw)) return new Malformed("Could not parse chunk size");
    this.#extensionBytes += raw.length;
    if (this.#extensionBytes > MAX_EXTENSIONS) return new Malformed("Could not parse chunk size");
    view.pos = lf + 1;
    return null;
  }
}

function slice(view: View, length: number): Buffer {
  const block = view.bytes.subarray(view.pos, view.pos + length);
  view.pos += length;
  return block;
}
