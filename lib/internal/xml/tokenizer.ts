// The tokenizer: text in, elements and character data out, each piece of text handed in once.
//
//   prolog ──start tag──► content ──last end tag──► epilog
//   #misc                 #content                  #misc
//
// In any of them a token may be open when the text runs out, and `#goOn` continues it:
//
//   comment, instruction, section (CDATA)   thrown away or handed on as they come
//   gap                                     behind the target of an instruction
//   tag, reference, target, doctype, stray  kept until the end is there, then read in one go
//
// Invariants:
// 1. The text holds only characters that XML allows, with line ends normalised: the decoder stops
//    in front of anything else, and `finish` is told so after the text before it was read.
// 2. `#pos` moves on before the listener is called, so that reading can stop after any event.
// 3. Nothing is read more than twice: a token that ran out is kept in pieces, only its new pieces
//    are searched for its end, and it is read when that was found.
// 4. A short beginning that says nothing yet (`<!`, `]]`) is held and put in front of what follows.
import { isNameChar, isNameStart, isSpace, nameEnd, spaceEnd } from "./chars.js";
import { DoctypeScanner, parseDoctype } from "./doctype.js";
import { countNewlines } from "./encoding.js";
import { LineCounter } from "./line_counter.js";
import { isKept, KeptToken } from "./unfinished_token.js";
import type { Kept } from "./unfinished_token.js";
import type { QName } from "./names.js";
import { NO_ELEMENT, SYNTAX, tokenEnd, UNCLOSED } from "./prolog.js";
import { NOT_WELL_FORMED, ReferenceReader, XmlFault } from "./references.js";
import { hasAt, StartTagReader } from "./start_tags.js";

/** Told about what is in the document. A non-zero result stops reading after this event. */
export interface Listener {
  startElement(name: QName, atts: readonly string[]): number;
  characters(text: string): number;
  endElement(name: QName): number;
}

/** `read` wants more text. */
export const MORE = 0;
/** `read` stopped because the listener said so; call it again to go on. */
export const STOPPED = 1;
/** The document is malformed: see `fault` and `line`. */
export const FAILED = 2;

/** Elements nested deeper are refused. */
export const MAX_DEPTH = 100_000;

const TOO_DEEP = "elements nested too deeply";
const TOO_LONG = "out of memory";
const MISPLACED_DECLARATION = "XML or text declaration not at start of entity";
const MISMATCH = "mismatched tag";
const JUNK = "junk after document element";
const UNCLOSED_SECTION = "unclosed CDATA section";

const NEWLINE = 0x0a;
const LT = 0x3c;
const GT = 0x3e;
const AMP = 0x26;
const SLASH = 0x2f;
const BANG = 0x21;
const QUESTION = 0x3f;
const BRACKET = 0x5d;

type Place = "prolog" | "content" | "epilog";
type Open = "" | "comment" | "instruction" | "gap" | "section" | Kept;

/** The tokenizer of one document. */
export class Tokenizer {
  /** Why the document failed, after `FAILED`. */
  fault = "";

  readonly #open: QName[] = [];
  #s = "";
  #pos = 0;
  #place: Place = "prolog";
  #inside: Open = "";
  #held = "";
  // the end of an element `<a/>` whose start was told last
  #ending: QName | null = null;

  // a kept token; what follows it in the block that ended it; why its end will never come
  readonly #kept = new KeptToken();
  #rest: string | null = null;
  #restPos = 0;
  #restNewlines = -1;
  #cut: string | null = null;

  readonly #lines = new LineCounter();
  // the line of a comment or instruction that is open
  #openLine = 1;
  #eventPos = 0;

  // where these come next in this text, as far as it was searched
  #nextLt = -1;
  #nextAmp = -1;
  #nextClose = -1;

  #first = true;
  #seenDoctype = false;
  #standalone = false;
  readonly #refs = new ReferenceReader();
  readonly #tags = new StartTagReader(this.#refs);

  constructor(readonly listener: Listener) {}

  /** The line of the event being told, of the fault, or of what is to be read next. */
  get line(): number {
    if (this.#inside === "comment" || this.#inside === "instruction" || this.#inside === "gap") {
      return this.#openLine;
    }
    return this.#lines.at(this.#s, this.#eventPos);
  }

  /** Hands in text; only after `read` wanted more. */
  feed(text: string, newlines: number): void {
    this.#s = this.#held === "" ? text : this.#held + text;
    this.#held = "";
    this.#lines.begin(0, newlines);
    this.#pos = this.#eventPos = 0;
    this.#nextLt = this.#nextAmp = this.#nextClose = -1;
  }

  /** Tells that the document is standalone. */
  setStandalone(): void {
    this.#standalone = true;
  }

  /** Fails the document at a place of the XML declaration, or goes on behind it. */
  passDeclaration(text: string, fault: XmlFault | null): number {
    this.#first = false;
    this.feed(text, 0);
    if (fault !== null) return this.#fail(fault.reason, fault.at);
    this.#lines.line += countNewlines(text, 0, text.length);
    this.feed("", 0);
    return MORE;
  }

  /** Reads on until more text is wanted, the listener stops it, or the document fails. */
  read(): number {
    for (;;) {
      if (this.#ending !== null) {
        const name = this.#ending;
        this.#ending = null;
        if (this.#close(name) !== 0) return STOPPED;
      }
      while (this.#pos >= this.#s.length) {
        this.#settleLines();
        if (this.#rest === null) return MORE;
        this.#s = this.#rest;
        this.#rest = null;
        this.#lines.begin(this.#restPos, this.#restNewlines);
        this.#pos = this.#eventPos = this.#restPos;
        this.#nextLt = this.#nextAmp = this.#nextClose = -1;
      }
      let result: number;
      if (this.#inside !== "") result = this.#goOn();
      else if (this.#place === "content") result = this.#content();
      else result = this.#misc();
      if (result !== MORE) return result;
    }
  }

  /**
   * Ends the document after all its text was read.
   * @param cut why it ends here, `null` if this is its proper end
   */
  finish(cut: string | null): number {
    const inside = this.#inside;
    if (isKept(inside)) {
      this.#cut = cut ?? UNCLOSED;
      this.#replay("", 0);
      // nothing is told, for the token lacks its end
      if (this.read() === FAILED) return FAILED;
    }
    if (this.#inside === "section") {
      return this.#fail(cut === null || cut === UNCLOSED ? UNCLOSED_SECTION : cut, this.#pos);
    }
    if (this.#inside !== "" || this.#held.startsWith("<")) {
      return this.#fail(cut ?? UNCLOSED, this.#pos);
    }
    // a bracket that was held is text after all
    const text = this.#held;
    this.#held = "";
    if (text !== "" && this.listener.characters(text) !== 0) return STOPPED;
    if (cut !== null) return this.#fail(cut, this.#pos);
    return this.#place === "epilog" ? MORE : this.#fail(NO_ELEMENT, this.#pos);
  }

  #fail(reason: string, at: number): number {
    this.fault = reason;
    this.#eventPos = at;
    if (reason !== UNCLOSED) this.#inside = "";
    return FAILED;
  }

  // Counts the lines of a text that was read to its end, and lets go of it.
  #settleLines(): void {
    this.#lines.goTo(this.#s, this.#s.length);
    this.#lines.begin(0, 0);
    this.#s = "";
    this.#pos = this.#eventPos = 0;
  }

  #hold(from: number): number {
    this.#held = this.#s.slice(from);
    this.#pos = this.#s.length;
    return MORE;
  }

  #close(name: QName): number {
    this.#open.pop();
    if (this.#open.length === 0) this.#place = "epilog";
    this.#tags.note(name, true);
    return this.listener.endElement(name);
  }

  #content(): number {
    const s = this.#s;
    const n = s.length;
    const open = this.#open;
    let pos = this.#pos;
    while (pos < n) {
      let result: number;
      if (s.charCodeAt(pos) !== LT) {
        const end = this.#textEnd(s, pos, n);
        if (end > pos) {
          this.#eventPos = pos;
          this.#pos = end;
          if (this.listener.characters(s.slice(pos, end)) !== 0) return STOPPED;
          pos = end;
          continue;
        }
        result = s.charCodeAt(pos) === AMP ? this.#reference(pos) : this.#closeBracket(pos);
      } else {
        const c = pos + 1 < n ? s.charCodeAt(pos + 1) : 0;
        if (c === SLASH) {
          // the end tag that must come, if it is written without blanks
          const name = open[open.length - 1];
          if (name !== undefined && hasAt(s, name.closing, pos)) {
            this.#eventPos = pos;
            this.#pos = pos += name.closing.length;
            if (this.#close(name) !== 0) return STOPPED;
            if (open.length === 0) return MORE;
            continue;
          }
          result = this.#endTag(pos);
        } else if (c === BANG || c === QUESTION || c === 0) {
          result = this.#markup(c, pos);
        } else {
          result = this.#startTag(pos);
        }
      }
      if (result !== MORE || this.#inside !== "" || open.length === 0) return result;
      pos = this.#pos;
    }
    this.#pos = pos;
    return MORE;
  }

  // Where the text that begins at `pos` ends: at `<`, at `&`, or at a `]` that is, or may turn out
  // to be, that of `]]>`.
  #textEnd(s: string, pos: number, n: number): number {
    // most often the line end between two tags
    const next = pos + 1;
    if (s.charCodeAt(pos) === NEWLINE && next < n && s.charCodeAt(next) === LT) return next;
    if (this.#nextLt < pos) this.#nextLt = indexOrEnd(s, "<", pos);
    if (this.#nextAmp < pos) this.#nextAmp = indexOrEnd(s, "&", pos);
    if (this.#nextClose < pos) this.#nextClose = indexOrEnd(s, "]]>", pos);
    let end = this.#nextLt;
    if (this.#nextAmp < end) end = this.#nextAmp;
    if (this.#nextClose < end) end = this.#nextClose;
    if (end < n || s.charCodeAt(n - 1) !== BRACKET) return end;
    // at the end of the text a bracket may turn out to be the first of three
    return n - 2 >= pos && s.charCodeAt(n - 2) === BRACKET ? n - 2 : n - 1;
  }

  #closeBracket(pos: number): number {
    return this.#s.startsWith("]]>", pos) ? this.#fail(NOT_WELL_FORMED, pos) : this.#hold(pos);
  }

  #reference(pos: number): number {
    const found = this.#refs.read(this.#s, pos, this.#s.length);
    if (found === "more") return this.#keep("reference", pos);
    if (found !== "reference") return this.#fail(found.reason, found.at);
    this.#eventPos = pos;
    this.#pos = this.#refs.end;
    const text = this.#refs.text;
    return text !== "" && this.listener.characters(text) !== 0 ? STOPPED : MORE;
  }

  // `c` is the character behind `<`, or 0 at the end of the text.
  #markup(c: number, pos: number): number {
    if (c === BANG) return this.#bang(pos);
    if (c === QUESTION) return this.#target(pos);
    if (c === 0) return this.#hold(pos);
    return this.#startTag(pos);
  }

  #startTag(pos: number): number {
    const s = this.#s;
    const tags = this.#tags;
    // documents repeat themselves: the tag that followed last time is tried first
    const guess = tags.guess;
    if (guess !== null && guess.tag !== "" && hasAt(s, guess.tag, pos)) {
      this.#pos = pos + guess.tag.length;
      return this.#begin(guess, pos, guess.tagAtts, guess.tagIsEmpty);
    }
    const obstacle = tags.read(s, pos);
    if (obstacle === "more") return this.#keep("tag", pos);
    if (obstacle !== null) return this.#fail(obstacle.reason, obstacle.at);
    this.#pos = tags.after;
    return this.#begin(tags.name, pos, tags.atts, tags.isEmpty);
  }

  // Tells that an element begins, and if it is empty that it ends; #pos is behind the tag at `pos`.
  #begin(name: QName, pos: number, atts: readonly string[], isEmpty: boolean): number {
    if (this.#open.length >= MAX_DEPTH) return this.#fail(TOO_DEEP, pos);
    this.#open.push(name);
    this.#tags.note(name, false);
    this.#place = "content";
    this.#eventPos = pos;
    if (isEmpty) this.#ending = name;
    if (this.listener.startElement(name, atts) !== 0) return STOPPED;
    if (!isEmpty) return MORE;
    this.#ending = null;
    this.#eventPos = this.#pos - 2;
    return this.#close(name) !== 0 ? STOPPED : MORE;
  }

  #endTag(pos: number): number {
    const s = this.#s;
    const n = s.length;
    const start = pos + 2;
    const end = nameEnd(s, start);
    if (end === start && end < n) return this.#fail(NOT_WELL_FORMED, start);
    const close = spaceEnd(s, end);
    if (close >= n) return this.#keep("tag", pos);
    if (s.charCodeAt(close) !== GT) return this.#fail(NOT_WELL_FORMED, close);
    const name = this.#open.at(-1);
    if (name === undefined || s.slice(start, end) !== name.raw) return this.#fail(MISMATCH, start);
    this.#eventPos = pos;
    this.#pos = close + 1;
    return this.#close(name) !== 0 ? STOPPED : MORE;
  }

  // `<!…`: a comment, a CDATA section or the document type declaration.
  #bang(pos: number): number {
    const s = this.#s;
    if (s.startsWith("<!--", pos)) {
      this.#openLine = this.#lines.at(this.#s, pos);
      this.#inside = "comment";
      this.#pos = pos + 4;
      return MORE;
    }
    const inContent = this.#place === "content";
    const opening = inContent ? "<![CDATA[" : "<!DOCTYPE";
    if (inContent && s.startsWith(opening, pos)) {
      this.#inside = "section";
      this.#pos = pos + opening.length;
      return MORE;
    }
    if (this.#place === "prolog" && s.startsWith(opening, pos)) return this.#doctype(pos);
    const seen = s.slice(pos, pos + opening.length);
    if (pos + seen.length === s.length && (opening.startsWith(seen) || "<!--".startsWith(seen))) {
      return this.#hold(pos);
    }
    if (inContent) return this.#fail(NOT_WELL_FORMED, pos + 2);
    return this.#stray(pos, this.#place === "prolog" ? SYNTAX : JUNK);
  }

  #doctype(pos: number): number {
    if (this.#seenDoctype) return this.#fail(SYNTAX, pos);
    const s = this.#s;
    let end = new DoctypeScanner().scan(s, pos);
    if (end < 0) {
      if (this.#rest === null) return this.#keep("doctype", pos);
      end = s.length;
    }
    const result = parseDoctype(s.slice(pos, end), this.#standalone);
    if (result instanceof XmlFault) {
      const isCut = result.reason === UNCLOSED || result.reason === NO_ELEMENT;
      const reason = isCut && this.#cut !== null && this.#cut !== UNCLOSED ? this.#cut : null;
      return this.#fail(reason ?? result.reason, pos + result.at);
    }
    this.#seenDoctype = true;
    if (result.attributes.size > 0) this.#tags.rules = result.attributes;
    this.#refs.skipsUndeclared = result.unread && !this.#standalone;
    this.#pos = end;
    return MORE;
  }

  // `<?name` of an instruction.
  #target(pos: number): number {
    const s = this.#s;
    const start = pos + 2;
    const end = nameEnd(s, start);
    if (start >= s.length) return this.#hold(pos);
    if (end === start) return this.#fail(NOT_WELL_FORMED, start);
    // in a token that was kept the name ends with the text
    if (end >= s.length && this.#rest === null) return this.#keep("target", pos);
    const name = s.slice(start, end);
    if (name === "xml") {
      return this.#fail(this.#place === "epilog" ? JUNK : MISPLACED_DECLARATION, pos);
    }
    if (name.toLowerCase() === "xml") return this.#fail(NOT_WELL_FORMED, start);
    this.#openLine = this.#lines.at(this.#s, pos);
    this.#inside = "gap";
    this.#pos = end;
    return MORE;
  }

  // The prolog and the epilog: blanks, comments, instructions, and what may come once.
  #misc(): number {
    const s = this.#s;
    if (this.#first) {
      this.#first = false;
      if (s.startsWith("<?xml") && !isNameChar(s.charCodeAt(5))) {
        // a declaration that the decoder did not take: it has no end, or holds a bad character
        if (s.length === 5) {
          this.#first = true;
          return this.#hold(0);
        }
        if (!isSpace(s.charCodeAt(5))) return this.#fail(NOT_WELL_FORMED, 5);
        this.#inside = "instruction";
        this.#pos = 5;
        return MORE;
      }
    }
    const pos = spaceEnd(s, this.#pos);
    this.#pos = pos;
    if (pos >= s.length) return MORE;
    const inProlog = this.#place === "prolog";
    if (s.charCodeAt(pos) !== LT) return this.#stray(pos, inProlog ? SYNTAX : JUNK);
    const c = pos + 1 < s.length ? s.charCodeAt(pos + 1) : 0;
    if (inProlog || c === 0 || c === BANG || c === QUESTION) return this.#markup(c, pos);
    return this.#fail(isNameStart(c) ? JUNK : NOT_WELL_FORMED, pos);
  }

  // What does not belong outside the document element. Expat tells what is a token of the DTD's
  // grammar from what is none at all, and so do we: `Not found` is a syntax error, `{"a":1}` is not
  // well-formed.
  #stray(pos: number, reason: string): number {
    const s = this.#s;
    const end = tokenEnd(s, pos);
    // behind the document element a token that may go on is wrong already
    const mayGoOn = this.#place === "prolog" && typeof end === "number" && end >= s.length;
    const isCut = typeof end === "number" ? mayGoOn : end.reason === UNCLOSED;
    if (isCut && this.#rest === null) return this.#keep("stray", pos);
    if (typeof end !== "number") {
      return this.#fail(isCut ? (this.#cut ?? UNCLOSED) : end.reason, end.at);
    }
    return this.#fail(isCut && this.#cut === NOT_WELL_FORMED ? this.#cut : reason, pos);
  }

  // Goes on with what was open when the text ran out.
  #goOn(): number {
    switch (this.#inside) {
      case "comment":
        return this.#comment();
      case "section":
        return this.#section();
      case "instruction":
        return this.#instruction();
      case "gap":
        return this.#gap();
      default:
        return this.#goOnKept();
    }
  }

  #comment(): number {
    const s = this.#s;
    const at = s.indexOf("--", this.#pos);
    if (at < 0) return this.#hold(s.endsWith("-") ? s.length - 1 : s.length);
    if (at + 2 >= s.length) return this.#hold(at);
    if (s.charCodeAt(at + 2) !== GT) return this.#fail(NOT_WELL_FORMED, at + 2);
    this.#inside = "";
    this.#pos = at + 3;
    return MORE;
  }

  #instruction(): number {
    const s = this.#s;
    const at = s.indexOf("?>", this.#pos);
    if (at < 0) return this.#hold(s.endsWith("?") ? s.length - 1 : s.length);
    this.#inside = "";
    this.#pos = at + 2;
    return MORE;
  }

  #gap(): number {
    const s = this.#s;
    const pos = this.#pos;
    if (isSpace(s.charCodeAt(pos))) {
      this.#inside = "instruction";
      this.#pos = pos + 1;
      return MORE;
    }
    if (s.charCodeAt(pos) !== QUESTION) return this.#fail(NOT_WELL_FORMED, pos);
    if (pos + 1 >= s.length) return this.#hold(pos);
    if (s.charCodeAt(pos + 1) !== GT) return this.#fail(NOT_WELL_FORMED, pos + 1);
    this.#inside = "";
    this.#pos = pos + 2;
    return MORE;
  }

  #section(): number {
    const s = this.#s;
    const n = s.length;
    const start = this.#pos;
    const close = s.indexOf("]]>", start);
    let end = close;
    if (close < 0) {
      end = s.endsWith("]]") ? n - 2 : s.endsWith("]") ? n - 1 : n;
      if (end < start) end = start;
      this.#hold(end);
    } else {
      this.#inside = "";
      this.#pos = close + 3;
    }
    this.#eventPos = start;
    return end > start && this.listener.characters(s.slice(start, end)) !== 0 ? STOPPED : MORE;
  }

  // Puts away a token whose end has not come; its line stays the current one.
  #keep(kind: Kept, from: number): number {
    if (this.#rest !== null) {
      const reason = this.#cut ?? NOT_WELL_FORMED;
      return this.#fail(reason, reason === NOT_WELL_FORMED ? this.#s.length : from);
    }
    this.#lines.goTo(this.#s, from);
    this.#inside = kind;
    this.#kept.begin(kind, this.#s.slice(from));
    return this.#swallow();
  }

  #swallow(): number {
    this.#pos = this.#eventPos = this.#s.length;
    this.#lines.begin(this.#pos, 0);
    return MORE;
  }

  #goOnKept(): number {
    const s = this.#s;
    const end = this.#kept.scan(s, this.#pos);
    const found = end >= 0;
    if (!this.#kept.add(found ? s.slice(this.#pos, end) : s.slice(this.#pos))) {
      return this.#fail(TOO_LONG, this.#pos);
    }
    if (!found) return this.#swallow();
    this.#replay(s, end);
    return MORE;
  }

  // Makes the kept token the text to read, and the rest of the block what follows.
  #replay(rest: string, restPos: number): void {
    const passed = countNewlines(rest, 0, restPos);
    const { ahead } = this.#lines;
    this.#restNewlines = ahead < 0 ? -1 : ahead - passed;
    this.#s = this.#kept.take();
    this.#inside = "";
    this.#pos = this.#eventPos = 0;
    this.#lines.begin(0, -1);
    this.#nextLt = this.#nextAmp = this.#nextClose = -1;
    this.#rest = rest;
    this.#restPos = restPos;
  }
}

function indexOrEnd(s: string, what: string, from: number): number {
  const at = s.indexOf(what, from);
  return at < 0 ? s.length : at;
}
