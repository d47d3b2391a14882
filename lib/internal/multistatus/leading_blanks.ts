// Blank lines and byte order marks in front of the XML declaration of a response, where XML allows
// none: PHP programs print them, and every other client reads the response.

/** Blanks in front are looked at as far as this; behind, they are the document's. */
const MAX_BLANKS = 4096;

const MARK = [0xef, 0xbb, 0xbf];

/** Takes the blanks off the blocks of one document. */
export class LeadingBlanks {
  // what came so far, until it is known what it is; then null
  #held: Buffer | null = Buffer.alloc(0);

  /** What is to be parsed of the document now that a block more has come; at its end, the rest. */
  pass(block: Uint8Array): Uint8Array {
    if (this.#held === null) return block;
    const bytes = Buffer.concat([this.#held, block]);
    const start = blanksEnd(bytes);
    const isOver = block.length === 0 || start > MAX_BLANKS;
    if (bytes.length < start + 2 && !isOver) {
      this.#held = bytes;
      return bytes.subarray(0, 0);
    }
    this.#held = null;
    return bytes.toString("latin1", start, start + 2) === "<?" ? bytes.subarray(start) : bytes;
  }
}

function blanksEnd(bytes: Buffer): number {
  let at = 0;
  for (;;) {
    const byte = bytes[at];
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) at++;
    else if (byte !== undefined && isMark(bytes, at)) at += MARK.length;
    else return Math.min(at, bytes.length);
  }
}

// Whether a byte order mark is here, or may be: at the end of the bytes its rest may follow.
function isMark(bytes: Buffer, at: number): boolean {
  return MARK.every((part, i) => (bytes[at + i] ?? part) === part);
}
