// From bytes to text: finds the encoding (byte order mark, caller's choice, XML declaration), turns
// each block into a string with line ends normalised, and stops in front of the first byte or
// character that no XML document may hold.
//
//   start ──4 bytes──► head ──"<?xml … ?>" complete, or none──► body
//   push: start, head, body        chooseEncoding: head → body
//
// In `start` and `head` nothing is handed on. In `body` a character cut by the end of a block waits
// for the next one, and so does a CR, which may be the first half of a line end.
import { isUtf8 } from "node:buffer";
import { asBuffer } from "../base/bytes.js";

/** What the decoder can read. */
export type Encoding = "UTF-8" | "UTF-16LE" | "UTF-16BE" | "ISO-8859-1" | "US-ASCII";

/** A declaration longer than this is refused. */
const MAX_DECLARATION_BYTES = 8192;

const ENCODINGS: ReadonlyMap<string, Encoding> = new Map<string, Encoding>([
  ["UTF-8", "UTF-8"],
  ["UTF8", "UTF-8"], // common among servers
  ["UTF-16", "UTF-16BE"],
  ["UTF-16BE", "UTF-16BE"],
  ["UTF-16LE", "UTF-16LE"],
  ["ISO-8859-1", "ISO-8859-1"],
  ["US-ASCII", "US-ASCII"],
]);

/** The encoding of this name in any case, or `null`. */
export function findEncoding(name: string): Encoding | null {
  return ENCODINGS.get(name.toUpperCase()) ?? null;
}

const EMPTY = Buffer.alloc(0);
/** First bytes of byte order marks, of `<` and of UTF-16. */
const MARKS: readonly number[] = [0xfe, 0xff, 0xef, 0x00, 0x3c];
const HIGH = 0x80;
const CONTROL = 1;
const CR = 2;
// blocks below this size are looked at byte by byte
const SMALL = 64;

// what a byte of an ASCII-compatible encoding asks for
const BYTE_FLAGS = new Uint8Array(256);
for (let b = 0; b < 256; b++) {
  if (b >= 0x80) BYTE_FLAGS[b] = HIGH;
  else if (b === 0x0d) BYTE_FLAGS[b] = CR;
  else if (b < 0x20 && b !== 0x09 && b !== 0x0a) BYTE_FLAGS[b] = CONTROL;
}

const FORBIDDEN = new RegExp("[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\ufffe\\uffff]");

/** The decoder of one document. */
export class Decoder {
  /** The declaration, once it was read: `<?xml … ?>`. The owner then calls `chooseEncoding`. */
  declaration: string | null = null;
  /** Set once the text handed out so far is followed by something malformed. */
  bad = false;
  /** Newlines in the text that the last `push` returned. */
  newlines = 0;

  #stage: "start" | "head" | "body" = "start";
  #encoding: Encoding;
  // a byte order mark said so
  #waiting = EMPTY;
  #pendingCr = false;

  /** @param chosen the encoding that the caller asked for */
  constructor(readonly chosen: Encoding | null) {
    this.#encoding = chosen ?? "UTF-8";
  }

  /** How many bytes of an unfinished character are left over. */
  get unfinished(): number {
    return this.#waiting.length;
  }

  /** Whether characters take two bytes or four. */
  get wide(): boolean {
    return this.#encoding.startsWith("UTF-16");
  }

  /** The text of the next bytes; `""` while the beginning is still being looked at. */
  push(bytes: Uint8Array): string {
    const block = asBuffer(bytes);
    this.newlines = 0;
    if (this.bad) return "";
    if (this.#stage === "body") return this.#decode(block);
    this.#waiting = Buffer.concat([this.#waiting, block]);
    return this.#begin(false);
  }

  /** The text that was held back, at the end of the document. */
  finish(): string {
    this.newlines = 0;
    if (this.bad) return "";
    const text = this.#stage === "body" ? "" : this.#begin(true);
    if (!this.#pendingCr) return text;
    this.#pendingCr = false;
    this.newlines++;
    return text + "\n";
  }

  /**
   * After a declaration: goes on with the encoding that it names, if any, and gives the text that
   * follows it. What was found in the bytes or chosen by the caller stands above the declaration.
   * @returns the text, or the reason why the document cannot be read
   */
  chooseEncoding(name: string | null): { text: string } | { fault: string } {
    if (name !== null && this.chosen === null) {
      const found = findEncoding(name);
      if (found === null) return { fault: "unknown encoding" };
      const wide = this.#encoding.startsWith("UTF-16");
      const declaredWide = found.startsWith("UTF-16");
      const plain = name.toUpperCase() === "UTF-16";
      // as expat, which lets a declaration of bytes pass behind UTF-8's mark
      if (wide !== declaredWide || (wide && !plain && found !== this.#encoding)) {
        return { fault: "encoding specified in XML declaration is incorrect" };
      }
      if (!wide) this.#encoding = found;
    }
    this.#stage = "body";
    const rest = this.#waiting;
    this.#waiting = EMPTY;
    this.newlines = 0;
    return { text: this.#decode(rest) };
  }

  #begin(final: boolean): string {
    if (this.#stage === "start") {
      if (this.#waiting.length < 4 && !final && this.#mayBeMark()) return "";
      this.#detect();
      this.#stage = "head";
    }
    // what follows a declaration waits for chooseEncoding
    if (this.#head(final) !== "none") return "";
    this.#stage = "body";
    const rest = this.#waiting;
    this.#waiting = EMPTY;
    return this.#decode(rest);
  }

  // Whether few bytes may begin a byte order mark, a declaration, or characters of two bytes.
  #mayBeMark(): boolean {
    const [first, second] = this.#waiting;
    return first === undefined || second === 0 || MARKS.includes(first);
  }

  // XML 1.0 appendix F.1: the first bytes beat every other information.
  #detect(): void {
    const b = this.#waiting;
    const two = b.length >= 2 ? b.readUInt16BE(0) : -1;
    if (two === 0xfeff) this.#start("UTF-16BE", 2);
    else if (two === 0xfffe) this.#start("UTF-16LE", 2);
    else if (two === 0xefbb && b[2] === 0xbf) this.#start("UTF-8", 3);
    else if (two >= 0 && b[0] === 0) this.#start("UTF-16BE", 0);
    else if (two >= 0 && b[1] === 0) this.#start("UTF-16LE", 0);
  }

  #start(encoding: Encoding, markBytes: number): void {
    this.#encoding = encoding;
    this.#waiting = this.#waiting.subarray(markBytes);
  }

  // Takes "<?xml … ?>" off the waiting bytes: "none", "more", or "found".
  #head(final: boolean): "none" | "more" | "found" {
    const wide = this.#encoding.startsWith("UTF-16");
    const peek = this.#waiting.subarray(0, MAX_DECLARATION_BYTES);
    const text = wide ? this.#wideText(peek) : peek.toString("latin1");
    const opening = "<?xml";
    if (!text.startsWith(opening.slice(0, text.length))) return "none";
    if (text.length <= opening.length) return final ? "none" : "more";
    if (!/[ \t\r\n?]/.test(text.charAt(opening.length))) return "none";
    const end = text.indexOf("?>");
    if (end < 0) {
      return final || this.#waiting.length >= MAX_DECLARATION_BYTES ? "none" : "more";
    }
    const declaration = text.slice(0, end + 2);
    // a character that no document may hold is left to the body, which stops at it
    if (FORBIDDEN.test(declaration)) return "none";
    if (!wide && !isUtf8(this.#waiting.subarray(0, end + 2))) return "none";
    this.declaration = declaration.replace(/\r\n?/g, "\n");
    this.#waiting = this.#waiting.subarray((end + 2) * (wide ? 2 : 1));
    return "found";
  }

  #wideText(bytes: Buffer): string {
    const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
    if (this.#encoding === "UTF-16BE") even.swap16();
    return even.toString("utf16le");
  }

  #decode(block: Buffer): string {
    if (block.length === 0) return "";
    if (this.#encoding.startsWith("UTF-16")) return this.#decodeWide(block);
    if (this.#waiting.length > 0) {
      block = Buffer.concat([this.#waiting, block]);
      this.#waiting = EMPTY;
    }
    const surveyed = survey(block);
    const flags = surveyed & 0xff;
    this.newlines = surveyed >>> 8;
    if (flags === 0 && !this.#pendingCr) return block.toString("latin1");
    let text: string;
    if ((flags & HIGH) === 0 || this.#encoding === "ISO-8859-1") text = block.toString("latin1");
    else if (this.#encoding === "UTF-8") text = this.#decodeUtf8(block);
    else text = this.#decodeAscii(block);
    return this.#normalise(text, (flags & (CONTROL | HIGH)) !== 0);
  }

  #decodeAscii(block: Buffer): string {
    this.bad = true;
    return block.toString(
      "latin1",
      0,
      block.findIndex((b) => b >= 0x80),
    );
  }

  #decodeUtf8(block: Buffer): string {
    let end = block.length - unfinishedTail(block);
    let whole = end === block.length ? block : block.subarray(0, end);
    if (!isUtf8(whole)) {
      this.bad = true;
      end = firstMalformed(whole);
      whole = whole.subarray(0, end);
    } else if (end < block.length) {
      this.#waiting = Buffer.from(block.subarray(end));
    }
    return whole.toString("utf8");
  }

  #decodeWide(block: Buffer): string {
    const bytes = this.#waiting.length > 0 ? Buffer.concat([this.#waiting, block]) : block;
    let text = this.#wideText(bytes);
    let end = text.length;
    if (end > 0 && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    this.#waiting = Buffer.from(bytes.subarray(end * 2));
    for (let i = 0; i < end; i++) {
      const c = text.charCodeAt(i) & 0xfc00;
      if (c === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
      else if (c === 0xd800 || c === 0xdc00) {
        this.bad = true;
        end = i;
      }
    }
    text = text.slice(0, end);
    return this.#normalise(text, true);
  }

  // Cuts the text at the first forbidden character and normalises line ends (XML 1.0, 2.11).
  #normalise(text: string, search: boolean): string {
    if (search) {
      const at = text.search(FORBIDDEN);
      if (at >= 0) {
        this.bad = true;
        text = text.slice(0, at);
      }
    }
    if (this.#pendingCr && (text.length > 0 || this.bad)) {
      text = text.charCodeAt(0) === 0x0a ? text : "\n" + text;
      this.#pendingCr = false;
    }
    if (text.indexOf("\r") >= 0) {
      if (text.charCodeAt(text.length - 1) === 0x0d && !this.bad) {
        this.#pendingCr = true;
        text = text.slice(0, -1);
      }
      text = text.replace(/\r\n?/g, "\n");
    }
    this.newlines = countNewlines(text, 0, text.length);
    return text;
  }
}

/** The number of newlines in `text` from `start` up to `end`. */
export function countNewlines(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}

// What other bytes there are than printable ASCII, tabs and newlines, and, times 256, the number
// of newlines. Four bytes are passed over at once. (Three functions, since the engine kept giving
// up on one with three loops.)
function survey(block: Buffer): number {
  const n = block.length;
  if (n < SMALL) return surveyBytes(block, 0, n);
  const first = -block.byteOffset & 3;
  const words = new Int32Array(block.buffer, block.byteOffset + first, (n - first) >> 2);
  const edges = surveyBytes(block, 0, first);
  const rest = surveyBytes(block, first + words.length * 4, n);
  return join(join(edges, rest), surveyWords(words));
}

function join(a: number, b: number): number {
  return ((a | b) & 0xff) + (a - (a & 0xff)) + (b - (b & 0xff));
}

function surveyBytes(block: Buffer, start: number, end: number): number {
  let flags = 0;
  let newlines = 0;
  for (let i = start; i < end; i++) {
    const b = block[i] ?? 0;
    flags |= BYTE_FLAGS[b] ?? 0;
    if (b === 0x0a) newlines++;
  }
  return flags + newlines * 256;
}

function surveyWords(words: Int32Array): number {
  let flags = 0;
  let newlines = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    // a byte below 0x20 borrows into its top bit; a byte from 0x80 on has it
    if ((((word - 0x20202020) | word) & 0x80808080) === 0) continue;
    for (let shift = 0; shift < 32; shift += 8) {
      const b = (word >>> shift) & 0xff;
      flags |= BYTE_FLAGS[b] ?? 0;
      if (b === 0x0a) newlines++;
    }
  }
  return flags + newlines * 256;
}

// The number of bytes at the end that begin a character without finishing it.
function unfinishedTail(bytes: Buffer): number {
  const n = bytes.length;
  for (let back = 1; back <= 3 && back <= n; back++) {
    const b = bytes.readUInt8(n - back);
    if (b < 0x80) return 0;
    if (b >= 0xc0) {
      const needed = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
      return back < needed && isPrefix(bytes.subarray(n - back)) ? back : 0;
    }
  }
  return 0;
}

// Whether some continuation makes these bytes one character; a wrong second byte cannot be mended.
function isPrefix(bytes: Buffer): boolean {
  const fill = [...bytes];
  const lead = bytes.readUInt8(0);
  const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  while (fill.length < needed) fill.push(fill.length === 1 ? lowest : 0x80);
  return isUtf8(Buffer.from(fill));
}

// Where the first malformed sequence begins. Runs once in a document at most.
function firstMalformed(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes.readUInt8(at);
    const next = at + (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1);
    if (lead >= 0x80 && !isUtf8(bytes.subarray(at, next))) return at;
    at = next;
  }
  return at;
}
