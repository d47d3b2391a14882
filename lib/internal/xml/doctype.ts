// The document type declaration: its syntax is checked, attribute lists are kept, and the first
// entity declaration ends the document (XML 1.0, 2.8 and 3; neon's policy on entities). Nothing
// that it points to is ever fetched.
import { isNameChar, nameEnd, spaceEnd } from "./chars.js";
import { judge, NO_ELEMENT, SYNTAX, UNCLOSED } from "./prolog.js";
import {
  attributeValue,
  isPredefined,
  NOT_WELL_FORMED,
  ReferenceReader,
  tokenisedValue,
  XmlFault,
} from "./references.js";

/** A declared attribute. */
export interface AttributeRule {
  readonly name: string;
  /** Of another type than CDATA, so that blanks are collapsed. */
  readonly tokenised: boolean;
  /** Given to elements that lack the attribute; `null` for none. */
  readonly fallback: string | null;
}

/** What the rest of the document needs to know. */
export interface Doctype {
  /** An external subset or a parameter entity was not read. */
  readonly unread: boolean;
  /** The attributes of each element, by its name as written. */
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, AttributeRule>>;
}

const ABORTED = "parsing aborted";
const PARAMETER_ENTITY = "illegal parameter entity reference";

/** The declaration cannot go on like this; its tokens tell how that is called. */
class Unexpected extends XmlFault {}

/**
 * Reads a declaration from `<!DOCTYPE` to its `>`. If the text ends earlier the fault tells so,
 * unless something before was wrong.
 */
export function parseDoctype(text: string, standalone: boolean): Doctype | XmlFault {
  try {
    return new DoctypeParser(text, standalone).parse();
  } catch (error) {
    if (error instanceof Unexpected) return judge(text, error.at);
    if (!(error instanceof XmlFault)) throw error;
    const isCut = error.reason === UNCLOSED || error.reason === NO_ELEMENT;
    return isCut ? judge(text, text.length) : error;
  }
}

/** Finds the end of a declaration that comes in pieces; keeps its place between them. */
export class DoctypeScanner {
  #depth = 0; // 0 outside the subset, 1 between declarations, 2 inside one
  #until = ""; // what ends the literal, comment or instruction that we are in
  #tail = "";

  /** @returns the index behind the closing `>`, or -1 if it has not come yet */
  scan(s: string, start: number): number {
    for (let i = start; i < s.length; i++) {
      const char = s.charAt(i);
      this.#tail = (this.#tail + char).slice(-4);
      if (this.#until !== "") {
        if (this.#tail.endsWith(this.#until)) {
          if (this.#until.length > 1) this.#depth = 1;
          this.#until = "";
          this.#tail = "";
        }
      } else if (this.#step(char)) {
        return i + 1;
      }
    }
    return -1;
  }

  #step(char: string): boolean {
    if (char === '"' || char === "'") {
      if (this.#depth !== 1) this.#until = char;
    } else if (char === ">") {
      if (this.#depth === 0) return true;
      if (this.#depth === 2) this.#depth = 1;
    } else if (char === "[" && this.#depth === 0) {
      this.#depth = 1;
    } else if (char === "]" && this.#depth === 1) {
      this.#depth = 0;
    } else if (char === "<" && this.#depth === 1) {
      this.#depth = 2;
    } else if (this.#depth === 2) {
      if (this.#tail.endsWith("<!--")) this.#until = "-->";
      else if (this.#tail.endsWith("<?")) this.#until = "?>";
      if (this.#until !== "") this.#tail = "";
    }
    return false;
  }
}

class DoctypeParser {
  #pos = 0;
  #unread = false;
  // XML 1.0, 5.1: after a parameter entity that was not read, declarations must not be processed
  #processes = true;
  readonly #refs = new ReferenceReader();
  readonly #attributes = new Map<string, Map<string, AttributeRule>>();

  constructor(
    readonly text: string,
    readonly standalone: boolean,
  ) {}

  parse(): Doctype {
    this.#expect("<!DOCTYPE");
    this.#needSpace();
    this.#mustGoOn();
    this.#name();
    const spaced = this.#space();
    this.#mustGoOn();
    if (spaced && this.#looksAtExternalId()) {
      this.#externalId(false);
      this.#unread = true;
      this.#space();
      this.#mustGoOn();
    }
    if (this.#eat("[")) {
      while (!this.#eat("]")) this.#subsetItem();
      this.#space();
      this.#mustGoOn();
    }
    this.#expect(">");
    return { unread: this.#unread, attributes: this.#attributes };
  }

  #fail(reason: string, at = this.#pos): never {
    if (this.#pos >= this.text.length) throw new XmlFault(UNCLOSED, at);
    if (reason === SYNTAX || reason === NOT_WELL_FORMED) throw new Unexpected(reason, at);
    throw new XmlFault(reason, at);
  }

  // Between two tokens the end of the text is the end of the document.
  #mustGoOn(): void {
    if (this.#pos >= this.text.length) throw new XmlFault(NO_ELEMENT, this.#pos);
  }

  #eat(token: string): boolean {
    if (!this.text.startsWith(token, this.#pos)) return false;
    this.#pos += token.length;
    return true;
  }

  #expect(token: string, reason = SYNTAX): void {
    if (this.#eat(token)) return;
    if (token.startsWith(this.text.slice(this.#pos))) this.#pos = this.text.length;
    this.#fail(reason);
  }

  #space(): boolean {
    const start = this.#pos;
    this.#pos = spaceEnd(this.text, start);
    return this.#pos > start;
  }

  #needSpace(): void {
    if (!this.#space()) this.#fail(NOT_WELL_FORMED);
  }

  #name(): string {
    const start = this.#pos;
    this.#pos = nameEnd(this.text, start);
    if (this.#pos === start || this.#pos >= this.text.length) this.#fail(NOT_WELL_FORMED);
    return this.text.slice(start, this.#pos);
  }

  // Namespaces in XML 1.0, section 7: names of entities, notations and instructions have no colon.
  #plainName(): string {
    const start = this.#pos;
    const name = this.#name();
    const colon = name.indexOf(":");
    if (colon >= 0) throw new XmlFault(NOT_WELL_FORMED, start + colon);
    return name;
  }

  #nmtoken(): void {
    const start = this.#pos;
    while (this.#pos < this.text.length && isNameChar(this.text.charCodeAt(this.#pos))) this.#pos++;
    if (this.#pos === start) this.#fail(NOT_WELL_FORMED);
  }

  #literal(): string {
    const quote = this.text.charAt(this.#pos);
    if (quote !== '"' && quote !== "'") this.#fail(SYNTAX);
    const end = this.text.indexOf(quote, this.#pos + 1);
    if (end < 0) throw new XmlFault(UNCLOSED, this.#pos);
    const value = this.text.slice(this.#pos + 1, end);
    this.#pos = end + 1;
    return value;
  }

  #looksAtExternalId(): boolean {
    return this.text.startsWith("SYSTEM", this.#pos) || this.text.startsWith("PUBLIC", this.#pos);
  }

  // For a notation the system literal of PUBLIC may be missing.
  #externalId(forNotation: boolean): void {
    if (this.#eat("SYSTEM")) {
      this.#needSpace();
      this.#literal();
      return;
    }
    this.#expect("PUBLIC");
    this.#needSpace();
    const start = this.#pos;
    const publicId = this.#literal();
    const odd = publicId.search(/[^-\n a-zA-Z0-9'()+,./:=?;!*#@$_%]/);
    if (odd >= 0) this.#fail("illegal character(s) in public id", start);
    const spaced = this.#space();
    const quoted = /["']/.test(this.text[this.#pos] ?? "");
    if (forNotation && !quoted) return;
    if (!spaced) this.#fail(NOT_WELL_FORMED);
    this.#literal();
  }

  #subsetItem(): void {
    if (this.#space()) return;
    if (this.#eat("%")) {
      this.#plainName();
      this.#expect(";", NOT_WELL_FORMED);
      this.#unread = true;
      if (!this.standalone) this.#processes = false;
    } else if (this.#eat("<!--")) this.#comment();
    else if (this.#eat("<?")) this.#instruction();
    else if (this.#eat("<!ELEMENT")) this.#element();
    else if (this.#eat("<!ATTLIST")) this.#attlist();
    else if (this.#eat("<!ENTITY")) this.#entity();
    else if (this.#eat("<!NOTATION")) this.#notation();
    else if (this.#pos >= this.text.length) throw new XmlFault(NO_ELEMENT, this.#pos);
    else if (/^<(!([A-Z-]{0,7}))?$/.test(this.text.slice(this.#pos, this.#pos + 10))) {
      throw new XmlFault(UNCLOSED, this.#pos);
    } else this.#fail(this.text.startsWith("<!", this.#pos) ? SYNTAX : NOT_WELL_FORMED);
  }

  #comment(): void {
    const end = this.text.indexOf("--", this.#pos);
    if (end < 0) throw new XmlFault(UNCLOSED, this.#pos - 4);
    this.#pos = end + 2;
    if (!this.#eat(">")) this.#fail(NOT_WELL_FORMED);
  }

  #instruction(): void {
    const start = this.#pos;
    const target = this.#plainName();
    if (target === "xml") {
      throw new XmlFault("XML or text declaration not at start of entity", start - 2);
    }
    if (target.toLowerCase() === "xml") throw new XmlFault(NOT_WELL_FORMED, start);
    if (this.#eat("?>")) return;
    this.#needSpace();
    const end = this.text.indexOf("?>", this.#pos);
    if (end < 0) throw new XmlFault(UNCLOSED, start - 2);
    this.#pos = end + 2;
  }

  #close(): void {
    this.#space();
    this.#expect(">");
  }

  #element(): void {
    this.#needSpace();
    this.#name();
    this.#needSpace();
    if (!this.#eat("EMPTY") && !this.#eat("ANY")) {
      this.#expect("(");
      this.#space();
      if (this.#eat("#PCDATA")) this.#mixed();
      else this.#children();
    }
    this.#close();
  }

  #mixed(): void {
    let names = 0;
    for (this.#space(); this.#eat("|"); this.#space()) {
      this.#space();
      this.#name();
      names++;
    }
    this.#expect(")");
    if (!this.#eat("*") && names > 0) this.#fail(SYNTAX);
  }

  // A loop with a stack of the groups' connectors, since groups nest without limit.
  #children(): void {
    const connectors: string[] = [""];
    for (;;) {
      this.#space();
      if (this.#eat("(")) {
        connectors.push("");
        continue;
      }
      this.#name();
      this.#occurrence();
      for (;;) {
        this.#space();
        if (this.#eat(")")) {
          this.#occurrence();
          connectors.pop();
          if (connectors.length === 0) return;
          continue;
        }
        const connector = this.#eat("|") ? "|" : this.#eat(",") ? "," : this.#fail(SYNTAX);
        const before = connectors[connectors.length - 1];
        if (before !== "" && before !== connector) this.#fail(SYNTAX, this.#pos - 1);
        connectors[connectors.length - 1] = connector;
        break;
      }
    }
  }

  #occurrence(): void {
    if (!this.#eat("?") && !this.#eat("*")) this.#eat("+");
  }

  #attlist(): void {
    this.#needSpace();
    const element = this.#name();
    let rules = this.#attributes.get(element);
    if (rules === undefined) this.#attributes.set(element, (rules = new Map()));
    for (;;) {
      const spaced = this.#space();
      if (this.#eat(">")) return;
      if (!spaced) this.#fail(NOT_WELL_FORMED);
      const rule = this.#attribute();
      // the first declaration of an attribute is binding
      if (this.#processes && !rules.has(rule.name)) rules.set(rule.name, rule);
    }
  }

  #attribute(): AttributeRule {
    const name = this.#name();
    this.#needSpace();
    const tokenised = this.#attributeType() !== "CDATA";
    this.#needSpace();
    if (this.#eat("#REQUIRED") || this.#eat("#IMPLIED")) return { name, tokenised, fallback: null };
    if (this.#eat("#FIXED")) this.#needSpace();
    const start = this.#pos + 1;
    this.#literal();
    this.#refs.skipsUndeclared = this.#unread && !this.standalone;
    const value = attributeValue(this.#refs, this.text, start, this.#pos - 1);
    if (value instanceof XmlFault) throw value;
    return { name, tokenised, fallback: tokenised ? tokenisedValue(value) : value };
  }

  #attributeType(): string {
    if (this.#eat("(")) {
      this.#alternatives(false);
      return "enumeration";
    }
    const type = this.#name();
    if (type === "NOTATION") {
      this.#needSpace();
      this.#expect("(");
      this.#alternatives(true);
    } else if (!/^(CDATA|ID|IDREFS?|ENTITY|ENTITIES|NMTOKENS?)$/.test(type)) {
      this.#fail(SYNTAX, this.#pos - type.length);
    }
    return type;
  }

  #alternatives(areNames: boolean): void {
    do {
      this.#space();
      if (areNames) this.#plainName();
      else this.#nmtoken();
      this.#space();
    } while (this.#eat("|"));
    this.#expect(")");
  }

  #entity(): void {
    this.#needSpace();
    const isParameter = this.#eat("%");
    if (isParameter) this.#needSpace();
    const name = this.#plainName();
    this.#needSpace();
    // expat takes a new declaration of lt, gt, amp, apos or quot as none at all
    const aborts = this.#processes && (isParameter || !isPredefined(name));
    const start = this.#pos;
    if (this.#looksAtExternalId()) {
      this.#externalId(false);
      if (this.#space() && !isParameter && this.#eat("NDATA")) {
        this.#needSpace();
        this.#plainName();
      }
    } else {
      const value = this.#literal();
      this.#checkEntityValue(value, start + 1);
      if (aborts) throw new XmlFault(ABORTED, start);
    }
    this.#close();
    if (aborts) throw new XmlFault(ABORTED, start);
  }

  #checkEntityValue(value: string, start: number): void {
    const percent = value.indexOf("%");
    if (percent >= 0) throw new XmlFault(PARAMETER_ENTITY, start + percent);
    const refs = new ReferenceReader();
    refs.skipsUndeclared = true;
    for (let at = value.indexOf("&"); at >= 0; at = value.indexOf("&", refs.end)) {
      const found = refs.read(value, at, value.length);
      if (found === "more") throw new XmlFault(NOT_WELL_FORMED, start + at);
      if (found instanceof XmlFault) throw new XmlFault(found.reason, start + found.at);
    }
  }

  #notation(): void {
    this.#needSpace();
    this.#plainName();
    this.#needSpace();
    this.#externalId(true);
    this.#close();
  }
}

/** The pseudo-attributes of an XML declaration. */
export interface Declaration {
  readonly version: string;
  readonly encoding: string | null;
  readonly standalone: boolean;
}

/** Reads `<?xml version="…" encoding="…" standalone="…"?>` (XML 1.0, production 23). */
export function parseDeclaration(text: string): Declaration | XmlFault {
  const end = text.length - 2;
  const version = parsePseudo(text, 5, end);
  if (version instanceof XmlFault) return version;
  // the version may be anything: 2.0 is read as 1.0, as expat does
  if (version?.name !== "version") return new XmlFault(BAD_DECLARATION, version?.start ?? end);
  let next = parsePseudo(text, version.after, end);
  let encoding: string | null = null;
  if (next !== null && !(next instanceof XmlFault) && next.name === "encoding") {
    if (!/^[A-Za-z]/.test(next.value)) return new XmlFault(BAD_DECLARATION, next.valueStart);
    encoding = next.value;
    next = parsePseudo(text, next.after, end);
  }
  if (next instanceof XmlFault) return next;
  if (next === null) return { version: version.value, encoding, standalone: false };
  if (next.name !== "standalone") return new XmlFault(BAD_DECLARATION, next.start);
  const { value } = next;
  if (value !== "yes" && value !== "no") return new XmlFault(BAD_DECLARATION, next.valueStart);
  const last = spaceEnd(text, next.after, end);
  if (last !== end) return new XmlFault(BAD_DECLARATION, last);
  return { version: version.value, encoding, standalone: value === "yes" };
}

const BAD_DECLARATION = "XML declaration not well-formed";

interface Pseudo {
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly valueStart: number;
  readonly after: number;
}

// Reads ` name="value"`; `null` if only blanks are left. A fault is where expat sees it, which
// counts, for it gives the line.
function parsePseudo(text: string, from: number, end: number): Pseudo | XmlFault | null {
  const start = spaceEnd(text, from, end);
  if (start === end) return null;
  if (start === from) return new XmlFault(BAD_DECLARATION, from);
  let pos = start;
  while (pos < end && /[^ \t\n=\x80-\uffff]/.test(text.charAt(pos))) pos++;
  const name = text.slice(start, pos);
  pos = spaceEnd(text, pos, end);
  if (name === "" || pos === end || text[pos] !== "=") return new XmlFault(BAD_DECLARATION, pos);
  pos = spaceEnd(text, pos + 1, end);
  const quote = text[pos];
  if (pos === end || (quote !== '"' && quote !== "'")) return new XmlFault(BAD_DECLARATION, pos);
  const valueStart = pos + 1;
  for (pos = valueStart; pos < end && /[-A-Za-z0-9._]/.test(text.charAt(pos)); ) pos++;
  if (pos === end || text[pos] !== quote) return new XmlFault(BAD_DECLARATION, pos);
  return { name, value: text.slice(valueStart, pos), start, valueStart, after: pos + 1 };
}
