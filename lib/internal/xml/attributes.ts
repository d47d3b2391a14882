// The attributes of a start tag: names, values, their normalisation, no name twice.
import { ASCII_CLASS, isNameChar, isNameStart, NAME, spaceEnd } from "./chars.js";
import type { NameTable } from "./names.js";
import { attributeValue, NOT_WELL_FORMED, ReferenceReader, XmlFault } from "./references.js";

const GT = 0x3e;
const LT = 0x3c;
const AMP = 0x26;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

const DUPLICATE = "duplicate attribute";
const FEW = 8;

/** Why a tag could not be read: a violation, or the text ended inside it. */
export type Obstacle = XmlFault | "more";

/** Reads what follows the element's name; the fields hold the last result. */
export class AttributeReader {
  /** Names and values in turn. */
  atts: string[] = [];
  /** Behind the `>`. */
  after = 0;
  #value = "";

  constructor(
    readonly names: NameTable,
    readonly refs: ReferenceReader,
  ) {}

  /** Reads up to `>`. Syntax is judged first, then values and doubles in their order. */
  read(s: string, start: number): Obstacle | null {
    const n = s.length;
    const atts: string[] = [];
    let later: XmlFault | null = null;
    let laterIndex = Infinity;
    let pos = start;
    for (;;) {
      const behind = pos;
      pos = spaceEnd(s, pos, n);
      if (pos >= n) return "more";
      const c = s.charCodeAt(pos);
      if (c === GT) break;
      if (c === SLASH) {
        if (++pos >= n) return "more";
        if (s.charCodeAt(pos) !== GT) return new XmlFault(NOT_WELL_FORMED, pos);
        break;
      }
      if (pos === behind) return new XmlFault(NOT_WELL_FORMED, pos);
      const name = pos;
      pos = this.#name(s, pos, n, atts);
      if (pos < 0) return "more";
      if (pos === name) return new XmlFault(NOT_WELL_FORMED, pos);
      const obstacle = this.#assigned(s, pos, n);
      if (obstacle === "more") return obstacle;
      if (obstacle !== null) {
        if (obstacle.reason === NOT_WELL_FORMED) return obstacle;
        if (later === null) {
          later = obstacle;
          laterIndex = atts.length - 1;
        }
      }
      atts.push(this.#value);
      pos = this.after;
    }
    this.atts = atts;
    this.after = pos + 1;
    const double = firstDouble(atts);
    // a name is looked at before its value
    const isFirst = double < Infinity && double <= laterIndex;
    return isFirst ? new XmlFault(DUPLICATE, nameAt(s, start, double >> 1)) : later;
  }

  // Pushes the name at `pos`. Returns its end, `pos` if there is none, -1 if the text ran out.
  #name(s: string, pos: number, n: number, atts: string[]): number {
    if (!isNameStart(s.charCodeAt(pos))) return pos;
    let hash = 0;
    for (let i = pos; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c < 128 ? ((ASCII_CLASS[c] ?? 0) & NAME) === 0 : !isNameChar(c)) {
        atts.push(this.names.find(s, pos, i, hash).raw);
        return i;
      }
      hash = (Math.imul(hash, 31) + c) | 0;
    }
    return -1;
  }

  // Reads `= "value"` and sets #value and #after.
  #assigned(s: string, start: number, n: number): Obstacle | null {
    let pos = spaceEnd(s, start, n);
    if (pos >= n) return "more";
    if (s.charCodeAt(pos) !== EQUALS) return new XmlFault(NOT_WELL_FORMED, pos);
    pos = spaceEnd(s, pos + 1, n);
    if (pos >= n) return "more";
    const quote = s.charCodeAt(pos);
    if (quote !== QUOTE && quote !== APOSTROPHE) return new XmlFault(NOT_WELL_FORMED, pos);
    const begin = pos + 1;
    let plain = true;
    for (let i = begin; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c === quote) {
        this.after = i + 1;
        return this.#take(s, begin, i, plain);
      }
      if (c === LT) {
        // what is wrong in front of it comes first
        return this.#malformedIn(s, begin, i) ?? new XmlFault(NOT_WELL_FORMED, i);
      }
      if (c === AMP || c < 0x20) plain = false;
    }
    // a reference that is wrong is so whatever follows
    const malformed = plain ? null : this.#malformedIn(s, begin, n);
    return malformed === null || malformed.at >= n ? "more" : malformed;
  }

  #malformedIn(s: string, begin: number, end: number): XmlFault | null {
    const value = attributeValue(this.refs, s, begin, end);
    return typeof value !== "string" && value.reason === NOT_WELL_FORMED ? value : null;
  }

  #take(s: string, begin: number, end: number, plain: boolean): XmlFault | null {
    const value = plain ? s.slice(begin, end) : attributeValue(this.refs, s, begin, end);
    this.#value = typeof value === "string" ? value : "";
    return typeof value === "string" ? null : value;
  }
}

// The index of the first name that occurred before, Infinity if none did. Few names are compared
// with each other; many go into a set, which no choice of names makes slow.
function firstDouble(atts: readonly string[]): number {
  const n = atts.length;
  if (n > 2 * FEW) {
    const seen = new Set<string>();
    for (let i = 0; i < n; i += 2) {
      const name = atts[i] ?? "";
      if (seen.has(name)) return i;
      seen.add(name);
    }
    return Infinity;
  }
  for (let i = 2; i < n; i += 2) {
    for (let k = 0; k < i; k += 2) if (atts[i] === atts[k]) return i;
  }
  return Infinity;
}

// Where the attribute of this index is written; the tag is known to be well-formed.
function nameAt(s: string, start: number, index: number): number {
  let pos = start;
  for (let left = index; ; left--) {
    pos = spaceEnd(s, pos);
    if (left === 0) return pos;
    while (s.charCodeAt(pos) !== QUOTE && s.charCodeAt(pos) !== APOSTROPHE) pos++;
    pos = s.indexOf(s.charAt(pos), pos + 1) + 1;
  }
}
