// The head of a message, as far as it is lines: the status line and the field lines with their
// foldings (RFC 9112 sections 4 and 5), from a growing view of bytes. Takers answer in three ways:
// a value, MORE, or a failure with its reason.
import { MAX_LINE } from "../constants.js";

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

/** One field as it was received. */
export interface Field {
  /** Name as received. */
  name: string;
  value: string;
}

/** Characters that the values of one name may have once joined. */
const MAX_JOINED = 8192;

/** The fields of a head or trailer. */
export class Fields {
  /** In the order received. */
  readonly list: Field[] = [];
  /** Values by lower-case name, those of one name joined by `, `. */
  readonly values = new Map<string, string>();

  add(name: string, value: string): void {
    this.list.push({ name, value });
    const key = name.toLowerCase();
    const before = this.values.get(key);
    if (before === undefined) {
      this.values.set(key, value);
    } else if (before.length + 2 + value.length < MAX_JOINED) {
      this.values.set(key, `${before}, ${value}`);
    }
  }

  get(name: string): string | null {
    return this.values.get(name.toLowerCase()) ?? null;
  }

  /** Drops every field of this name. */
  drop(name: string): void {
    const key = name.toLowerCase();
    if (!this.values.delete(key)) return;
    for (let i = this.list.length - 1; i >= 0; i--) {
      if ((this.list[i] as Field).name.toLowerCase() === key) this.list.splice(i, 1);
    }
  }
}

const COLON = 58;

/** 1 for each character of a token (RFC 9110 section 5.6.2). */
const TOKEN = Uint8Array.from({ length: 127 }, (_, c) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)) ? 1 : 0,
);

/** Limits of a head; see `nx_limits`. */
export interface HeadLimits {
  header_field: number;
  header_count: number;
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

  /** @param trace told each line, for debug output */
  constructor(
    readonly limits: HeadLimits,
    neonField: number,
    readonly trace: ((line: string) => void) | null,
  ) {
    this.#maxLine = limits.header_field === neonField ? MAX_LINE : limits.header_field;
  }

  /** @returns `true` once the empty line was taken */
  take(view: View): true | More | Malformed {
    for (;;) {
      if (view.pos >= view.end) return MORE;
      const first = view.bytes[view.pos];
      if (this.#pending !== null && first !== 32 && first !== 9) this.#flush();
      const line = takeLine(view, this.#maxLine);
      if (typeof line !== "string") return line;
      this.trace?.(line);
      if (this.#pending !== null) {
        // RFC 9112 section 5.2: obs-fold is replaced by space
        this.#pending += " " + line.slice(1);
        if (this.#pending.length >= this.limits.header_field) return new Malformed("Line too long");
        continue;
      }
      if (line === "") return true;
      if (++this.#count > this.limits.header_count) return new Malformed("");
      this.#pending = line;
    }
  }

  #flush(): void {
    const line = this.#pending as string;
    this.#pending = null;
    let i = 0;
    for (; i < line.length; i++) {
      const c = line.charCodeAt(i);
      if (c > 126 || TOKEN[c] === 0) break;
    }
    if (line.charCodeAt(i) !== COLON) return;
    this.fields.add(line.slice(0, i), trimBlanks(line, i + 1));
  }
}

// The text from an index on, without spaces and tabs around it.
function trimBlanks(text: string, from: number): string {
  let end = text.length;
  while (from < end && isBlank(text.charCodeAt(from))) from++;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(from, end);
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9;
}
