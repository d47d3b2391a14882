// The head of a message, as far as it is lines: the status line and the field lines with their
// foldings (RFC 9112 sections 4 and 5), from a growing view of bytes. Takers answer in three ways:
// a value, MORE, or a failure with its reason.
import { MAX_LINE } from "../base/constants.js";

/** Bytes that were read but not consumed: `bytes[pos, end)`. Takers move `pos`. */
export interface View {
  bytes: Buffer;
  pos: number;
  end: number;
}

/** A taker needs more bytes in the view. */
export const MORE: unique symbol = Symbol("more");
export type More = typeof MORE;

/** The peer broke the grammar or a limit. */
export class Malformed {
  constructor(readonly reason: string) {}
}

const LF = 10;

/**
 * Takes a line, without its line end. CR and NUL inside it become spaces, so that neither can pass
 * for the end of a line or a string further on.
 */
export function takeLine(view: View, maxLine: number): string | More | Malformed {
  const lf = view.bytes.indexOf(LF, view.pos);
  const found = lf >= 0 && lf < view.end;
  const length = (found ? lf + 1 : view.end) - view.pos;
  if (length > maxLine) return new Malformed("Line too long");
  // a full buffer without a line end can only become too long
  if (!found) return length === maxLine ? new Malformed("Line too long") : MORE;
  const stop = lf > view.pos && view.bytes[lf - 1] === 13 ? lf - 1 : lf;
  const line = view.bytes.toString("latin1", view.pos, stop);
  view.pos = lf + 1;
  return line.includes("\r") || line.includes("\0") ? line.replace(/[\r\0]/g, " ") : line;
}

/** One field. */
export interface Field {
  /** Name as received. */
  readonly name: string;
  readonly value: string;
}

/** Characters that the values of one name may have once joined. */
const MAX_JOINED = 8192;

/** Numbers that say where a field stands in its text: start and end of its name and its value. */
const MARKS = 4;

/**
 * The fields of a head or trailer, in the order received. They stay text, with marks at names and
 * values, until they are asked for: most fields never are. There are so few that looking one up is
 * a walk along the marks.
 */
export class Fields {
  #texts: string[] = [];
  #marks: number[] = [];

  /** Adds the field whose name and value stand at these places of a text. */
  addAt(text: string, from: number, colon: number, start: number, end: number): void {
    this.#texts.push(text);
    this.#marks.push(from, colon, start, end);
  }

  add(name: string, value: string): void {
    const end = name.length + 1 + value.length;
    this.addAt(`${name}:${value}`, 0, name.length, name.length + 1, end);
  }

  get list(): Field[] {
    return this.#texts.map((_, i) => ({ name: this.#name(i), value: this.#value(i) }));
  }

  #name(i: number): string {
    const at = i * MARKS;
    return (this.#texts[i] as string).slice(this.#marks[at], this.#marks[at + 1]);
  }

  #value(i: number): string {
    const at = i * MARKS;
    return (this.#texts[i] as string).slice(this.#marks[at + 2], this.#marks[at + 3]);
  }

  // Whether a name is the one in lower case; most differ in length already.
  #isNamed(i: number, key: string): boolean {
    const at = i * MARKS;
    const length = (this.#marks[at + 1] as number) - (this.#marks[at] as number);
    return length === key.length && this.#name(i).toLowerCase() === key;
  }

  /** The value of a name in any case, several joined by `, ` up to neon's limit. */
  get(name: string): string | null {
    return this.value(name.toLowerCase());
  }

  /** The same for a name in lower case. */
  value(key: string): string | null {
    let joined: string | null = null;
    for (let i = 0; i < this.#texts.length; i++) {
      if (!this.#isNamed(i, key)) continue;
      const value = this.#value(i);
      if (joined === null) joined = value;
      else if (joined.length + 2 + value.length < MAX_JOINED) joined += `, ${value}`;
    }
    return joined;
  }

  /** The different values of a name in lower case, in the order received. */
  differing(key: string): string[] {
    const values = this.#texts.flatMap((_, i) => (this.#isNamed(i, key) ? [this.#value(i)] : []));
    return [...new Set(values)];
  }

  /** Each name in lower case, once, with its joined value. */
  entries(): [key: string, value: string][] {
    const keys = new Set(this.list.map(({ name }) => name.toLowerCase()));
    return [...keys].map((key) => [key, this.value(key) as string]);
  }

  /** Drops every field of a name in lower case. */
  drop(key: string): void {
    for (let i = this.#texts.length - 1; i >= 0; i--) {
      if (!this.#isNamed(i, key)) continue;
      this.#texts.splice(i, 1);
      this.#marks.splice(i * MARKS, MARKS);
    }
  }

  clear(): void {
    this.#texts.length = 0;
    this.#marks.length = 0;
  }
}

const COLON = 58;
const HEAD_END = Buffer.from("\r\n\r\n");
/** Bytes of a head none of whose lines can be too long. */
const PLAIN_HEAD = MAX_LINE - 2;

/** 1 for each character of a token (RFC 9110 section 5.6.2). */
const TOKEN = Uint8Array.from({ length: 127 }, (_, c) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)) ? 1 : 0,
);

/** Limits of a head; see `nx_limits`. */
export interface HeadLimits {
  header_field: number;
  header_count: number;
}

/** Who is told of lines and fields. */
export interface HeadTrace {
  line(text: string): void;
  field(name: string, value: string): void;
}

/**
 * Reads field lines up to the empty line. A folded line is joined to the one before it; a line
 * without a name and a colon right behind it is skipped, with what is folded to it, but counts.
 */
export class FieldsParser {
  readonly fields = new Fields();
  #pending: string | null = null;
  #count = 0;
  #maxLine: number;

  /** @param trace told each line, and each field once it is whole, for debug output */
  constructor(
    readonly limits: HeadLimits,
    neonField: number,
    readonly trace: HeadTrace | null,
  ) {
    this.#maxLine = limits.header_field === neonField ? MAX_LINE : limits.header_field;
  }

  /** @returns `true` once the empty line was taken */
  take(view: View): true | More | Malformed {
    if (this.#count === 0 && this.trace === null && this.#takePlain(view)) return true;
    for (;;) {
      if (view.pos >= view.end) return MORE;
      const first = view.bytes[view.pos];
      if (this.#pending !== null && first !== 32 && first !== 9) this.#flush();
      const line = takeLine(view, this.#maxLine);
      if (line === MORE) return MORE;
      if (line instanceof Malformed) return unreadable(line.reason);
      this.trace?.line(line);
      if (this.#pending !== null) {
        // RFC 9112 section 5.2: obs-fold is replaced by space
        this.#pending += " " + line.slice(1);
        if (this.#pending.length >= this.limits.header_field) return unreadable("Line too long");
        continue;
      }
      if (line === "") return true;
      if (++this.#count > this.limits.header_count) {
        return new Malformed("Response exceeded maximum number of header fields");
      }
      this.#pending = line;
    }
  }

  // A head that is there as a whole and has nothing odd in it (every line ends in CRLF, none is
  // folded, no NUL) is taken from one piece of text: it is nearly every head there is.
  #takePlain(view: View): boolean {
    const end = view.bytes.indexOf(HEAD_END, view.pos);
    if (end < 0 || end + HEAD_END.length > view.end || end - view.pos > PLAIN_HEAD) return false;
    const text = view.bytes.toString("latin1", view.pos, end + 2);
    if (text.includes("\0")) return false;
    let lines = 0;
    for (let at = 0; at < text.length; lines++) {
      const stop = text.indexOf("\r", at);
      if (text.charCodeAt(stop + 1) !== LF || isBlank(text.charCodeAt(at))) return this.#undo();
      const lf = text.indexOf("\n", at);
      if (lf !== stop + 1 || lf + 1 - at > this.#maxLine) return this.#undo();
      if (stop === at) {
        view.pos += at + 2;
        return true;
      }
      this.#addLine(text, at, stop);
      at = lf + 1;
    }
    if (lines > this.limits.header_count) return this.#undo();
    view.pos = end + HEAD_END.length;
    return true;
  }

  #undo(): false {
    this.fields.clear();
    return false;
  }

  #flush(): void {
    const line = this.#pending as string;
    this.#pending = null;
    this.#addLine(line, 0, line.length);
  }

  // A line without a token and a colon right behind it is no field.
  #addLine(text: string, from: number, to: number): void {
    let i = from;
    for (; i < to; i++) {
      const c = text.charCodeAt(i);
      if (c > 126 || TOKEN[c] === 0) break;
    }
    if (i === to || text.charCodeAt(i) !== COLON) return;
    let start = i + 1;
    let end = to;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    this.fields.addAt(text, from, i, start, end);
    this.trace?.field(text.slice(from, i), text.slice(start, end));
  }
}

function unreadable(why: string): Malformed {
  return new Malformed(`Error reading response headers: ${why}`);
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9;
}
