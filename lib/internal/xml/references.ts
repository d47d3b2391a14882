// Character and entity references, and attribute values, which may hold them (XML 1.0, 4.1, 3.3.3).
import { isNameChar, isNameStart, isXmlChar } from "./chars.js";

/** Why a document is not well-formed, in expat's words. */
export const NOT_WELL_FORMED = "not well-formed (invalid token)";
const BAD_NUMBER = "reference to invalid character number";
const UNDEFINED = "undefined entity";

/** A violation: the reason, and where in the text it was found. */
export class XmlFault {
  constructor(
    readonly reason: string,
    readonly at: number,
  ) {}
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["apos", "'"],
  ["quot", '"'],
]);

/** Whether this is one of the five entities that need no declaration. */
export function isPredefined(name: string): boolean {
  return PREDEFINED.has(name);
}

/** What `ReferenceReader.read` found. */
export type Found = "reference" | "more" | XmlFault;

/** Reads one reference at a time; the fields tell about the last one. */
export class ReferenceReader {
  /** What the reference stands for; `""` for an undeclared entity that may be skipped. */
  text = "";
  /** Where the reference ends. */
  end = 0;
  /**
   * Whether undeclared entities are skipped: declarations that were not read might declare them
   * (XML 1.0, 4.1, "Entity Declared").
   */
  skipsUndeclared = false;

  /** Reads the reference whose `&` is at `pos`; "more" if the text ends inside it. */
  read(s: string, pos: number, limit: number): Found {
    if (pos + 1 >= limit) return "more";
    const c = s.charCodeAt(pos + 1);
    if (c === 0x23) return this.#number(s, pos, limit);
    if (!isNameStart(c)) return new XmlFault(NOT_WELL_FORMED, pos + 1);
    let i = pos + 2;
    while (i < limit && isNameChar(s.charCodeAt(i))) i++;
    if (i >= limit) return "more";
    if (s.charCodeAt(i) !== 0x3b) return new XmlFault(NOT_WELL_FORMED, i);
    this.end = i + 1;
    const known = i - pos > 5 ? undefined : PREDEFINED.get(s.slice(pos + 1, i));
    if (known === undefined && !this.skipsUndeclared) return new XmlFault(UNDEFINED, pos);
    this.text = known ?? "";
    return "reference";
  }

  #number(s: string, pos: number, limit: number): Found {
    const hex = s.charCodeAt(pos + 2) === 0x78;
    const first = pos + (hex ? 3 : 2);
    let code = 0;
    let i = first;
    for (; i < limit; i++) {
      const digit = digitValue(s.charCodeAt(i), hex);
      if (digit < 0) break;
      code = Math.min(code * (hex ? 16 : 10) + digit, 0x110000);
    }
    if (i >= limit) return "more";
    if (i === first || s.charCodeAt(i) !== 0x3b) return new XmlFault(NOT_WELL_FORMED, i);
    if (!isXmlChar(code)) return new XmlFault(BAD_NUMBER, pos);
    this.end = i + 1;
    this.text = String.fromCodePoint(code);
    return "reference";
  }
}

function digitValue(c: number, hex: boolean): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  if (!hex) return -1;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/**
 * Normalises the attribute value between `start` and `end`: white space to spaces, references
 * replaced (XML 1.0, 3.3.3).
 */
export function attributeValue(
  refs: ReferenceReader,
  s: string,
  start: number,
  end: number,
): string | XmlFault {
  let value = "";
  let from = start;
  for (let i = start; i < end; i++) {
    const c = s.charCodeAt(i);
    if (c === 0x3c) return new XmlFault(NOT_WELL_FORMED, i);
    if (c === 0x0a || c === 0x09) {
      value += s.slice(from, i) + " ";
      from = i + 1;
    } else if (c === 0x26) {
      const found = refs.read(s, i, end);
      if (found !== "reference") {
        return found === "more" ? new XmlFault(NOT_WELL_FORMED, end) : found;
      }
      value += s.slice(from, i) + refs.text;
      from = refs.end;
      i = from - 1;
    }
  }
  return from === start ? s.slice(start, end) : value + s.slice(from, end);
}

/** The second step of normalisation, for attributes of any type but CDATA. */
export function tokenisedValue(value: string): string {
  return value.split(" ").filter((token) => token !== "").join(" ");
}
