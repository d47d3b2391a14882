// A token whose text ran out before its end: kept in pieces while only the new ones are searched
// for the end, so that it costs what it is long, however it is cut.
import { isNameChar } from "./chars.js";
import { DoctypeScanner } from "./doctype.js";

/** What can be kept; a target is an instruction's, a stray word stands where none belongs. */
export type Kept = "tag" | "reference" | "target" | "doctype" | "stray";

/** A longer token is refused. */
const MAX_TOKEN_CHARS = 0x1000_0000;
const MAX_SMALL = 8192;

const LT = 0x3c;
const GT = 0x3e;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/** Whether a state is that of a kept token. */
export function isKept(state: string): state is Kept {
  return KINDS.has(state);
}

const KINDS: ReadonlySet<string> = new Set<Kept>([
  "tag",
  "reference",
  "target",
  "doctype",
  "stray",
]);

/** The token that is kept, one at a time. */
export class KeptToken {
  #kind: Kept = "tag";
  // the pieces, the small ones apart
  #pieces = "";
  #small = "";
  #quote = 0;
  #scanner = new DoctypeScanner();

  /** Keeps the beginning of a token. */
  begin(kind: Kept, text: string): void {
    this.#kind = kind;
    this.#pieces = "";
    this.#small = text;
    this.#quote = 0;
    // its first character is no end of it
    if (kind === "tag") this.#scanTag(text, 1);
    const first = text.charCodeAt(0);
    if (kind === "stray" && (first === QUOTE || first === APOSTROPHE)) {
      this.#quote = first;
      this.#scanStray(text, 1);
    }
    if (kind === "doctype") {
      this.#scanner = new DoctypeScanner();
      this.#scanner.scan(text, 0);
    }
  }

  /** Adds a piece. False if the token is too long now. */
  add(piece: string): boolean {
    this.#small += piece;
    if (this.#small.length <= MAX_SMALL) return true;
    // looking into it makes the engine join the pieces, which are many and tiny
    this.#small.charCodeAt(0);
    this.#pieces += this.#small;
    this.#small = "";
    return this.#pieces.length <= MAX_TOKEN_CHARS;
  }

  /** The token, which is then forgotten. */
  take(): string {
    const text = this.#pieces + this.#small;
    this.#pieces = this.#small = "";
    return text;
  }

  /** Where the token ends in the next text, or -1. */
  scan(s: string, start: number): number {
    if (this.#kind === "tag") return this.#scanTag(s, start);
    if (this.#kind === "doctype") return this.#scanner.scan(s, start);
    if (this.#kind === "stray") return this.#scanStray(s, start);
    const end = wordEnd(s, start);
    if (end >= s.length) return -1;
    return this.#kind === "target" ? end : end + 1;
  }

  // A word, or a literal: what is behind it tells whether it is one.
  #scanStray(s: string, start: number): number {
    let i = start;
    if (this.#quote !== 0) {
      i = s.indexOf(String.fromCharCode(this.#quote), i) + 1;
      if (i === 0) return -1;
      this.#quote = 0;
    }
    const end = wordEnd(s, i);
    return end < s.length ? end + 1 : -1;
  }

  // A `<` ends a tag too, for it is an error there.
  #scanTag(s: string, start: number): number {
    let quote = this.#quote;
    for (let i = start; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c === LT) return i + 1;
      if (quote !== 0) {
        if (c === quote) quote = 0;
      } else if (c === GT) {
        return i + 1;
      } else if (c === QUOTE || c === APOSTROPHE) {
        quote = c;
      }
    }
    this.#quote = quote;
    return -1;
  }
}

function wordEnd(s: string, start: number): number {
  let i = start;
  while (i < s.length && (isNameChar(s.charCodeAt(i)) || s[i] === "#")) i++;
  return i;
}
