// Takes off the gzip framing (RFC 1952) of data that arrives in pieces: members, one behind the
// other, of header, deflated data, and footer with check sum and length, then perhaps zeros as
// padding. Answers as the inflater does; the words for a damaged stream are neon's.
//
//   head ── its last byte ──► deflated ── the stream ends ──► footer ── 8 right bytes ──► done
//     ▲                                                                                    │
//     └────────────────────────────────── another member ◄─────────────────────────────────┤
//   anything else after done: an error's words, for good              zeros ──► padding ◄──┘
import { crc32 } from "node:zlib";
import { END, FULL, Inflate, MORE } from "./inflate.js";

export { END, FULL, MORE };

const FOOTER_BYTES = 8;
const NO_BYTES = new Uint8Array(0);

/** The first byte of a member. */
const MEMBER = 0x1f;

/** All members of a body. */
export class Gunzip {
  #stage: "head" | "deflated" | "footer" | "done" | "padding" = "head";
  #head = new Head();
  #inflate: Inflate | null = null;
  #footer: number[] = [];
  #input: Uint8Array = NO_BYTES;
  #crc = 0;
  #bytesGiven = 0;
  #memberOut = 0;
  /** Bytes that have come out. */
  bytesOut = 0;

  /** Whether the last member is whole. */
  isDone(): boolean {
    return this.#stage === "done" || this.#stage === "padding";
  }

  /** Bytes of input that have been used. */
  bytesUsed(): number {
    const waiting = this.#stage === "deflated" ? this.#inflate?.rest().length : 0;
    return this.#bytesGiven - (waiting ?? 0);
  }

  /** Gives the next piece, once the last one has been used up. */
  feed(input: Uint8Array): void {
    this.#bytesGiven += input.length;
    this.#input = input;
    if (this.#stage === "deflated") this.#inflate?.feed(input);
  }

  /**
   * Goes on. Whatever the response, `take` what has come out before the next step.
   * @returns `MORE` input is wanted, `FULL` for another step, `END`, or what is wrong
   */
  step(): number | string {
    switch (this.#stage) {
      case "head":
        return this.#takeHead();
      case "deflated":
        return this.#inflate === null ? MORE : this.#takeDeflated(this.#inflate);
      case "footer":
        return this.#takeFooter();
      case "done":
      case "padding":
        return this.#takeMore();
    }
  }

  /** What has come out since the last call; it is overwritten by the next step. */
  take(): Buffer {
    const output = this.#inflate?.take() ?? Buffer.alloc(0);
    if (output.length > 0) {
      this.#crc = crc32(output, this.#crc);
      this.bytesOut += output.length;
      this.#memberOut += output.length;
    }
    return output;
  }

  #takeHead(): number | string {
    const taken = this.#head.take(this.#input);
    if (typeof taken === "string") return taken;
    this.#input = this.#input.subarray(taken);
    if (!this.#head.done) return MORE;
    this.#stage = "deflated";
    this.#inflate = new Inflate();
    this.#inflate.feed(this.#input);
    return this.#input.length === 0 ? MORE : FULL;
  }

  #takeDeflated(inflate: Inflate): number | string {
    const result = inflate.step();
    if (typeof result === "string") return `Could not inflate data: ${result}`;
    if (result !== END) return result;
    this.#input = inflate.rest();
    this.#stage = "footer";
    return FULL;
  }

  #takeFooter(): number | string {
    const wanted = FOOTER_BYTES - this.#footer.length;
    const next = this.#input[wanted];
    if (next !== undefined && next !== MEMBER && next !== 0) {
      return `Too many bytes (${this.#footer.length + this.#input.length}) in gzip footer`;
    }
    this.#footer.push(...this.#input.subarray(0, wanted));
    this.#input = this.#input.subarray(wanted);
    if (this.#footer.length < FOOTER_BYTES) return MORE;
    const footer = Buffer.from(this.#footer);
    if (footer.readUInt32LE(0) !== this.#crc) return "Checksum invalid for compressed stream";
    if (footer.readUInt32LE(4) !== this.#memberOut % 2 ** 32) {
      return "Length invalid for compressed stream";
    }
    this.#stage = "done";
    this.#inflate = null;
    return this.#input.length === 0 ? END : FULL;
  }

  // What comes behind a member (RFC 1952 section 2.2): another one, or zeros as padding.
  #takeMore(): number | string {
    if (this.#stage === "done" && this.#input[0] === MEMBER) {
      this.#stage = "head";
      this.#head = new Head();
      this.#footer = [];
      this.#crc = 0;
      this.#memberOut = 0;
      return FULL;
    }
    if (this.#input.some((byte) => byte !== 0)) {
      return "Unexpected content received after compressed stream";
    }
    if (this.#input.length > 0) this.#stage = "padding";
    this.#input = NO_BYTES;
    return END;
  }
}

const FIXED_BYTES = 10;

// RFC 1952 section 2.3.1
const FLAG_HEAD_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const FLAGS_RESERVED = 0xe0;

// What may follow the fixed part, in order: a number of bytes, or text up to a zero.
type Part = "extra length" | "extra" | "text" | "check sum";

// The header. Of what has no meaning here nothing is kept.
class Head {
  done = false;
  #fixed: number[] = [];
  #parts: Part[] = [];
  // bytes of the present part still to come, and what they make as a little-endian number
  #left = 0;
  #value = 0;
  #crc = 0;

  /** @returns how many bytes belong to the header, or what is wrong with it */
  take(input: Uint8Array): number | string {
    let at = 0;
    while (this.#fixed.length < FIXED_BYTES) {
      if (at === input.length) return at;
      this.#fixed.push(input[at++] ?? 0);
      if (this.#fixed.length === FIXED_BYTES) {
        const failure = this.#begin();
        if (failure !== null) return failure;
      }
    }
    let summed = at;
    for (let part; at < input.length && (part = this.#parts[0]) !== undefined; ) {
      const byte = input[at++] ?? 0;
      if (!this.#endsPart(part, byte)) continue;
      this.#parts.shift();
      if (part === "extra length" && this.#value > 0) this.#parts.unshift("extra");
      if (part === "check sum" && this.#value !== (this.#crc & 0xffff)) {
        return "Checksum invalid for compressed stream";
      }
      if (this.#parts[0] === "check sum") {
        this.#crc = crc32(input.subarray(summed, at), this.#crc);
        summed = at;
      }
      this.#enter();
    }
    if (this.#parts.length > 0 && this.#parts[0] !== "check sum") {
      this.#crc = crc32(input.subarray(summed, at), this.#crc);
    }
    this.done = this.#parts.length === 0;
    return at;
  }

  #begin(): string | null {
    const [id1, id2, method, flags = 0] = this.#fixed;
    if (id1 !== 0x1f || id2 !== 0x8b || method !== 8) return "Compressed stream invalid";
    if (flags & FLAGS_RESERVED) return "Compressed stream not supported";
    if (flags & FLAG_EXTRA) this.#parts.push("extra length");
    if (flags & FLAG_NAME) this.#parts.push("text");
    if (flags & FLAG_COMMENT) this.#parts.push("text");
    if (flags & FLAG_HEAD_CRC) this.#parts.push("check sum");
    this.#crc = crc32(Uint8Array.from(this.#fixed));
    this.#enter();
    return null;
  }

  #enter(): void {
    this.#left = this.#parts[0] === "extra" ? this.#value : 2;
    this.#value = 0;
  }

  #endsPart(part: Part, byte: number): boolean {
    if (part === "text") return byte === 0;
    if (part !== "extra") this.#value |= byte << (this.#left === 2 ? 0 : 8);
    return --this.#left === 0;
  }
}
