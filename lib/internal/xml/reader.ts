// One document from its bytes to its events: joins decoder and tokenizer, keeps what of a block was
// not read yet when the listener stopped it, and words the faults that belong to neither.
import { parseDeclaration } from "./doctype.js";
import { Decoder } from "./encoding.js";
import type { Encoding } from "./encoding.js";
import { UNCLOSED } from "./prolog.js";
import { NOT_WELL_FORMED, XmlFault } from "./references.js";
import { FAILED, MORE, Tokenizer } from "./tokenizer.js";
import type { Listener } from "./tokenizer.js";

const PARTIAL_CHARACTER = "partial character";
/**
 * Blocks are decoded in slices of this size. Small ones keep V8's young generation small: it grows
 * with what is alive when it is cleared, and the slice being read always is.
 */
const SLICE_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);

/** Reads a document; results are those of `Tokenizer.read`. */
export class XmlReader {
  /** The encoding that the XML declaration names. */
  declaredEncoding: string | null = null;
  readonly #decoder: Decoder;
  readonly #tokenizer: Tokenizer;
  #bytes: Uint8Array = NO_BYTES;
  #offset = 0;
  #stage: "open" | "last block" | "last text" = "open";

  constructor(listener: Listener, chosen: Encoding | null) {
    this.#decoder = new Decoder(chosen);
    this.#tokenizer = new Tokenizer(listener);
  }

  /** The line of the event being told, of the fault, or of what comes next. */
  get line(): number {
    return this.#tokenizer.line;
  }

  /** Why the document failed. */
  get fault(): string {
    return this.#tokenizer.fault;
  }

  /**
   * Reads a block, after the one before was read to its end. The bytes must stay as they are until
   * then.
   */
  parse(block: Uint8Array): number {
    this.#bytes = block;
    this.#offset = 0;
    return this.resume();
  }

  /** Ends the document. */
  end(): number {
    this.#stage = "last block";
    return this.parse(NO_BYTES);
  }

  /** Goes on after the listener stopped the reading. */
  resume(): number {
    for (;;) {
      const result = this.#tokenizer.read();
      if (result !== MORE) return result;
      if (this.#decoder.bad) return this.#tokenizer.finish(NOT_WELL_FORMED);
      if (this.#offset < this.#bytes.length) {
        if (this.#readSlice() === FAILED) return FAILED;
      } else if (this.#stage === "last block") {
        this.#stage = "last text";
        this.#feed(this.#decoder.finish());
      } else {
        this.#bytes = NO_BYTES;
        if (this.#stage === "open") return MORE;
        return this.#tokenizer.finish(this.#leftOver());
      }
    }
  }

  #readSlice(): number {
    const start = this.#offset;
    this.#offset = Math.min(start + SLICE_BYTES, this.#bytes.length);
    const whole = start === 0 && this.#offset === this.#bytes.length;
    const slice = whole ? this.#bytes : this.#bytes.subarray(start, this.#offset);
    const before = this.#decoder.declaration;
    const text = this.#decoder.push(slice);
    const { declaration } = this.#decoder;
    if (declaration !== before && declaration !== null) return this.#declare(declaration);
    this.#feed(text);
    return MORE;
  }

  // What bytes of an unfinished character are called; half of a UTF-16 unit is no character yet.
  #leftOver(): string | null {
    const { unfinished } = this.#decoder;
    if (unfinished === 0) return null;
    return unfinished === 1 && this.#decoder.wide ? UNCLOSED : PARTIAL_CHARACTER;
  }

  #feed(text: string): void {
    this.#tokenizer.feed(text, this.#decoder.newlines);
  }

  #declare(text: string): number {
    const declaration = parseDeclaration(text);
    if (declaration instanceof XmlFault) return this.#tokenizer.passDeclaration(text, declaration);
    const name = declaration.encoding;
    this.declaredEncoding = name;
    const choice = this.#decoder.chooseEncoding(name);
    if ("fault" in choice) {
      const at = text.indexOf(name ?? "", text.indexOf("encoding"));
      return this.#tokenizer.passDeclaration(text, new XmlFault(choice.fault, at));
    }
    if (declaration.standalone) this.#tokenizer.setStandalone();
    this.#tokenizer.passDeclaration(text, null);
    this.#feed(choice.text);
    return MORE;
  }
}
