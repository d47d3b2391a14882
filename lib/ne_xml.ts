// XML documents through a stack of handlers: namespaces are resolved, each element is offered to
// the handlers until one takes it, and what they return stops the parser or makes it wait.
import { MAX_XML_ERROR, NE_DBG_XML, NE_DBG_XMLPARSE } from "./internal/base/constants.js";
import { debug, debugEnabled } from "./internal/base/debug.js";
import { HandleType, misuse } from "./internal/base/handle.js";
import type { ne_handle } from "./internal/base/handle.js";
import { needCallback, needCallbackOrNull, needText } from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import { findEncoding } from "./internal/xml/encoding.js";
import type { Encoding } from "./internal/xml/encoding.js";
import { QName } from "./internal/xml/names.js";
import { Namespaces } from "./internal/xml/namespaces.js";
import { XmlReader } from "./internal/xml/reader.js";
import { FAILED } from "./internal/xml/tokenizer.js";
import type { Listener } from "./internal/xml/tokenizer.js";

/** From a start-element callback: not mine. */
export const NE_XML_DECLINE = 0;
/** From a start-element callback: stop parsing. */
export const NE_XML_ABORT = -1;

/**
 * Offered an element.
 * @param parent state of the parent element, `NE_XML_STATEROOT` for the document element.
 * @param nspace namespace URI, `""` if none.
 * @param name local name.
 * @param atts attribute names, as written, and values in turn: `[name, value, name, value, …]`.
 * @returns the element's state (above 0) to accept it, 0 to decline, below 0 to stop parsing (the
 *   parser then returns that number).
 */
export type ne_xml_startelm_cb<T = unknown> = (
  userdata: T,
  parent: number,
  nspace: string,
  name: string,
  atts: readonly string[],
) => number | Promise<number>;

/** State of the document's root, the parent of the document element. */
export const NE_XML_STATEROOT = 0;

/**
 * Given text inside an element, possibly in several pieces. Non-zero stops parsing; the parser
 * returns it.
 */
export type ne_xml_cdata_cb<T = unknown> = (
  userdata: T,
  state: number,
  cdata: string,
) => number | Promise<number>;

/** Told that an element ends. Non-zero stops parsing; the parser returns it. */
export type ne_xml_endelm_cb<T = unknown> = (
  userdata: T,
  state: number,
  nspace: string,
  name: string,
) => number | Promise<number>;

/** A parser for one document. */
export interface ne_xml_parser extends ne_handle<"ne_xml_parser"> {}

/** The media type sent with XML request bodies. */
export const NE_XML_MEDIA_TYPE = "application/xml";

const GO_ON = 0;
const STOP = 1;

// As methods: the type of the userdata is known only to those who registered them.
interface Callbacks {
  startelm(
    userdata: unknown,
    parent: number,
    nspace: string,
    name: string,
    atts: readonly string[],
  ): number | Promise<number>;
  cdata(userdata: unknown, state: number, cdata: string): number | Promise<number>;
  endelm(
    userdata: unknown,
    state: number,
    nspace: string,
    name: string,
  ): number | Promise<number>;
}

interface Handler {
  readonly startelm: Callbacks["startelm"];
  readonly cdata: Callbacks["cdata"] | null;
  readonly endelm: Callbacks["endelm"] | null;
  readonly userdata: unknown;
}

const NO_HANDLER: Handler = { startelm: () => 0, cdata: null, endelm: null, userdata: null };
const NO_NAME = new QName("", 0);

// An accepted element that is open; the outermost stands for the document.
class Frame {
  state = NE_XML_STATEROOT;
  index = 0;
  handler = NO_HANDLER;
  declares = false;
  /** For the elements in this one. */
  inside: Frame | null = null;

  constructor(readonly around: Frame | null) {}
}

// The handler stack of one parser. What a callback returned is in `failure` or, if it is a promise,
// in `waiting`; both stop the reader.
class Stack implements Listener {
  readonly handlers: Handler[] = [];
  readonly namespaces = new Namespaces();
  failure = 0;
  error = "Unknown error";
  encoding: Encoding | null = null;
  reader: XmlReader | null = null;
  ended = false;
  busy = false;
  // while it waits for a handler's promise, the request may be broken off, and the parser with it
  destroyed = false;
  // what a start-element callback that is running, or waited for, may ask about
  offering = false;
  waiting: unknown = undefined;

  // frames are used again: no element costs an allocation
  #top = new Frame(null);
  #declined = 0;
  #name = NO_NAME;
  #atts: readonly string[] = [];
  #index = 0;
  #chosen = NO_HANDLER;
  #declares = false;

  startElement(name: QName, atts: readonly string[]): number {
    if (this.#declined > 0) {
      this.#declined++;
      return GO_ON;
    }
    const namespaces = this.namespaces;
    const outer = namespaces.current;
    if (atts.length > 0) {
      const fault = namespaces.enter(atts);
      if (fault !== null) return this.fault(fault);
    }
    if (name.scope !== namespaces.current) {
      if (!name.valid) return this.fault("invalid element name");
      if (!namespaces.resolveElement(name)) return this.fault("undeclared namespace prefix");
    }
    this.#declares = namespaces.current !== outer;
    this.#name = name;
    this.#atts = atts;
    this.offering = true;
    return this.#offer(this.#top.index);
  }

  characters(text: string): number {
    if (this.#declined > 0) return GO_ON;
    const frame = this.#top;
    const { handler } = frame;
    if (handler.cdata === null) return GO_ON;
    const result = handler.cdata(handler.userdata, frame.state, text);
    if (debugEnabled(NE_DBG_XML)) {
      debug(NE_DBG_XML, "XML: char-data (%d) returns %s\n", frame.state, shown(result));
    }
    return result === 0 ? GO_ON : this.#returned(result);
  }

  endElement(name: QName): number {
    if (this.#declined > 0) {
      this.#declined--;
      return GO_ON;
    }
    const frame = this.#top;
    this.#top = frame.around ?? frame;
    if (debugEnabled(NE_DBG_XML)) {
      const { nspace, local } = name;
      debug(NE_DBG_XML, "XML: end-element (%d, {%s, %s})\n", frame.state, nspace, local);
    }
    const { handler } = frame;
    let result: number | Promise<number> = 0;
    if (handler.endelm !== null) {
      // the name may have been resolved again below, for another scope
      if (name.scope !== this.namespaces.current) this.namespaces.resolveElement(name);
      result = handler.endelm(handler.userdata, frame.state, name.nspace, name.local);
    }
    if (frame.declares) this.namespaces.leave();
    return result === 0 ? GO_ON : this.#returned(result);
  }

  // Offers the element to the handlers from this one on.
  #offer(first: number): number {
    const { handlers } = this;
    const parent = this.#top.state;
    const { nspace, local } = this.#name;
    for (let i = first; i < handlers.length; i++) {
      const handler = handlers[i] ?? NO_HANDLER;
      const result = handler.startelm(handler.userdata, parent, nspace, local, this.#atts);
      if (result === 0) continue;
      this.#index = i;
      this.#chosen = handler;
      if (typeof result === "number") return this.#decided(result);
      if (isPromise(result)) {
        this.waiting = result;
        return STOP;
      }
      if (Number(result ?? 0) !== 0) return this.#decided(Number(result));
    }
    return this.#decided(0);
  }

  // The handler at #index accepted the element or stops the parser, or no handler wants it.
  #decided(state: number): number {
    this.offering = false;
    if (debugEnabled(NE_DBG_XML)) {
      const { nspace, local } = this.#name;
      const parent = this.#top.state;
      debug(NE_DBG_XML, "XML: start-element (%d, {%s, %s}) => %d\n", parent, nspace, local, state);
    }
    if (state < 0) {
      this.failure = state;
      return STOP;
    }
    if (state === 0) {
      if (this.#declares) this.namespaces.leave();
      this.#declined = 1;
      return GO_ON;
    }
    const frame = (this.#top.inside ??= new Frame(this.#top));
    this.#top = frame;
    frame.state = state;
    frame.index = this.#index;
    frame.handler = this.#chosen;
    frame.declares = this.#declares;
    return GO_ON;
  }

  // A cdata or end-element callback returned something else than 0.
  #returned(result: unknown): number {
    if (typeof result !== "number" && isPromise(result)) {
      this.waiting = result;
      return STOP;
    }
    this.failure = Number(result ?? 0);
    return this.failure === 0 ? GO_ON : STOP;
  }

  // What was waited for came out as this value.
  settle(value: unknown): number {
    this.waiting = undefined;
    if (!this.offering) return this.#returned(value);
    const state = Number(value ?? 0);
    return state === 0 ? this.#offer(this.#index + 1) : this.#decided(state);
  }

  fault(reason: string): number {
    this.error = this.located(reason);
    debug(NE_DBG_XMLPARSE, "XML: Parse error: %s\n", this.error);
    this.failure = 1;
    return STOP;
  }

  located(reason: string): string {
    return `XML parse error at line ${this.reader?.line ?? 1}: ${reason}`;
  }

  // Leaves the parser failed after a callback threw.
  abandon(): void {
    this.failure ||= NE_XML_ABORT;
    this.waiting = undefined;
    this.offering = false;
  }
}

// A result for the debug output; a promise has not come to one yet.
function shown(result: unknown): string {
  return isPromise(result) ? "a promise" : String(result);
}

const parsers = new HandleType<"ne_xml_parser", Stack>("ne_xml_parser");

/** Creates a parser without handlers. */
export function ne_xml_create(): ne_xml_parser {
  return parsers.create(new Stack());
}

/**
 * Sets the encoding of the document, before its first byte, over whatever the document says. UTF-8,
 * UTF-16, ISO-8859-1 and US-ASCII always work. (A byte order mark still counts more.)
 * @returns 0, or non-zero for an unknown encoding (the error string says so) or a parser that has
 *   started.
 */
export function ne_xml_set_encoding(p: ne_xml_parser, encoding: string): number {
  const stack = parsers.open(p, "ne_xml_set_encoding");
  const found = findEncoding(needText(encoding, "ne_xml_set_encoding", "encoding"));
  if (stack.reader !== null) return 1;
  if (found === null) {
    stack.error = stack.located("unknown encoding");
    return 1;
  }
  stack.encoding = found;
  return 0;
}

/**
 * Adds a handler after those present. An element is offered to the handlers in turn, from the one
 * that accepted its parent on, until one accepts it; that one gets its text and its end, too. An
 * element that no handler accepts is passed over with all that is in it.
 *
 * @example
 * ```ts
 * const texts: string[] = [];
 * const parser = ne_xml_create();
 * ne_xml_push_handler(
 *   parser,
 *   (_userdata, _parent, _nspace, name) => (name === "title" ? 1 : NE_XML_DECLINE),
 *   (_userdata, _state, text) => (texts.push(text), 0),
 * );
 * ```
 */
export function ne_xml_push_handler<T>(
  p: ne_xml_parser,
  startelm: ne_xml_startelm_cb<T>,
  cdata?: ne_xml_cdata_cb<T> | null,
  endelm?: ne_xml_endelm_cb<T> | null,
  userdata?: T,
): void {
  const stack = parsers.open(p, "ne_xml_push_handler");
  needCallback(startelm, "ne_xml_push_handler", "the start-element callback");
  needCallbackOrNull(cdata, "ne_xml_push_handler", "the character-data callback");
  needCallbackOrNull(endelm, "ne_xml_push_handler", "the end-element callback");
  stack.handlers.push({
    startelm,
    cdata: cdata ?? null,
    endelm: endelm ?? null,
    userdata: userdata ?? null,
  });
}

/** @returns what the last `ne_xml_parse` returned, 0 before the first. */
export function ne_xml_failed(p: ne_xml_parser): number {
  return parsers.open(p, "ne_xml_failed").failure;
}

/**
 * Sets the parser's error string, cut to 2047 characters; meant for callbacks that stop parsing.
 */
export function ne_xml_set_error(p: ne_xml_parser, msg: string): void {
  const stack = parsers.open(p, "ne_xml_set_error");
  stack.error = needText(msg, "ne_xml_set_error", "msg").slice(0, MAX_XML_ERROR);
}

/**
 * @returns the error string: `XML parse error at line N: …` after a syntax error, `Unknown error`
 *   at start.
 */
export function ne_xml_get_error(p: ne_xml_parser): string {
  return parsers.open(p, "ne_xml_get_error").error;
}

/**
 * Parses the next bytes of the document. An empty or absent block is the end of the document. Once
 * it has failed, every further call returns the same. Synchronous: a handler that returns a promise
 * here is a `TypeError`; feed the parser by `ne_xml_parse_v` (and wait) for such handlers.
 * @returns 0; a number above 0 for a syntax error; or what a callback returned to stop.
 */
export function ne_xml_parse(p: ne_xml_parser, block?: Uint8Array | null): number {
  const stack = parsers.open(p, "ne_xml_parse");
  const code = parseBlock(stack, block ?? null, "ne_xml_parse");
  const { waiting } = stack;
  if (waiting === undefined) return code;
  stack.abandon();
  // its failure would have no other taker
  Promise.resolve(waiting).catch(() => {});
  throw misuse("ne_xml_parse", "a handler returned a promise; feed the parser by ne_xml_parse_v");
}

/**
 * `ne_xml_parse` in the shape of a body reader, with the parser as userdata. Handlers may return
 * promises: parsing stops at each until it is settled, and only then is the result a promise.
 */
export function ne_xml_parse_v(
  userdata: ne_xml_parser,
  block: Uint8Array,
): number | Promise<number> {
  const stack = parsers.open(userdata, "ne_xml_parse_v");
  const code = parseBlock(stack, block, "ne_xml_parse_v");
  return stack.waiting === undefined ? code : parseOn(stack);
}

/** @returns the number of the line being parsed, counted from 1. */
export function ne_xml_currentline(p: ne_xml_parser): number {
  return parsers.open(p, "ne_xml_currentline").reader?.line ?? 1;
}

/**
 * Finds an attribute; only inside a start-element callback of this parser, with its `atts`.
 * @param nspace namespace URI of the attribute; `null` looks for a name written without prefix.
 * @returns the value, or `null`.
 */
export function ne_xml_get_attr(
  parser: ne_xml_parser,
  attrs: readonly string[],
  nspace: string | null,
  name: string,
): string | null {
  const stack = openOffering(parser, "ne_xml_get_attr");
  for (let i = 0; i < attrs.length; i += 2) {
    const raw = attrs[i] ?? "";
    if (nspace === null) {
      if (raw === name && !raw.includes(":")) return attrs[i + 1] ?? null;
      continue;
    }
    const colon = raw.indexOf(":");
    if (colon < 0 || raw.length !== colon + 1 + name.length || !raw.endsWith(name)) continue;
    if (stack.namespaces.resolve(raw.slice(0, colon)) === nspace) return attrs[i + 1] ?? null;
  }
  return null;
}

/**
 * Resolves a namespace prefix; only inside a start-element callback of this parser.
 * @param prefix the prefix, `null` for the default namespace.
 * @returns the URI; `null` for an undeclared prefix; `""` if there is no default namespace.
 */
export function ne_xml_resolve_nspace(
  parser: ne_xml_parser,
  prefix: string | null = null,
): string | null {
  const stack = openOffering(parser, "ne_xml_resolve_nspace");
  if (prefix === "") return null;
  return stack.namespaces.resolve(prefix ?? "") ?? null;
}

/**
 * @returns the encoding named in the XML declaration; `null` if it names none or was not read yet.
 */
export function ne_xml_doc_encoding(p: ne_xml_parser): string | null {
  return parsers.open(p, "ne_xml_doc_encoding").reader?.declaredEncoding ?? null;
}

/** Destroys the parser. */
export function ne_xml_destroy(p: ne_xml_parser): void {
  const stack = parsers.open(p, "ne_xml_destroy");
  if (stack.busy && stack.waiting === undefined) {
    throw misuse("ne_xml_destroy", "the parser is running");
  }
  stack.destroyed = true;
  parsers.destroy(p, "ne_xml_destroy");
}

/** One entry of a map from names to numbers. */
export class ne_xml_idmap {
  /** The namespace URI. */
  nspace: string | null = null;
  /** The local name. */
  name: string | null = null;
  /** The number. */
  id = 0;
}

/** @returns the number of entries of a map. A macro in C. */
export function NE_XML_MAPLEN(map: readonly Readonly<ne_xml_idmap>[]): number {
  return map.length;
}

/**
 * Looks a name up. C's second argument, the length of the map, is not there: passing it throws.
 * @returns the `id` of the first entry with this namespace and name, or 0.
 */
export function ne_xml_mapid(
  map: readonly Readonly<ne_xml_idmap>[],
  nspace: string,
  name: string,
): number {
  if (!Array.isArray(map)) throw misuse("ne_xml_mapid", "the map must be an array");
  if (typeof nspace === "number") {
    throw misuse("ne_xml_mapid", "the length of the map is left out: (map, nspace, name)");
  }
  for (const entry of map) {
    if (entry.name === name && entry.nspace === nspace) return entry.id;
  }
  return 0;
}

function openOffering(parser: ne_xml_parser, caller: string): Stack {
  const stack = parsers.open(parser, caller);
  if (!stack.offering) throw misuse(caller, "no start-element callback of this parser is running");
  return stack;
}

// Parses a block up to its end, a failure, or a promise to wait for.
function parseBlock(stack: Stack, block: Uint8Array | null, caller: string): number {
  if (stack.busy) throw misuse(caller, "the parser was called from its own handler");
  if (block !== null && !(block instanceof Uint8Array)) {
    throw misuse(caller, "a block must be a Uint8Array");
  }
  const length = block?.length ?? 0;
  if (stack.failure !== 0) {
    debug(NE_DBG_XMLPARSE, "XML: Failed; ignoring %d bytes.\n", length);
    return stack.failure;
  }
  if (length === 0) debug(NE_DBG_XMLPARSE, "XML: End of document.\n");
  else debug(NE_DBG_XMLPARSE, "XML: Parsing %d bytes.\n", length);
  if (stack.ended) {
    stack.fault("parsing finished");
    return stack.failure;
  }
  const reader = (stack.reader ??= new XmlReader(stack, stack.encoding));
  stack.busy = true;
  try {
    if (block === null || block.length === 0) {
      stack.ended = true;
      return conclude(stack, reader, reader.end());
    }
    return conclude(stack, reader, reader.parse(block));
  } catch (error) {
    stack.abandon();
    throw error;
  } finally {
    stack.busy = false;
  }
}

function conclude(stack: Stack, reader: XmlReader, result: number): number {
  if (result === FAILED) stack.fault(reader.fault);
  return stack.failure;
}

// Waits for the promise of a handler and parses on, as often as it takes.
function parseOn(stack: Stack): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      stack.busy = false;
      stack.abandon();
      reject(error);
    };
    const goOn = (value: unknown): void => {
      try {
        if (stack.destroyed) stack.abandon();
        const settled = stack.destroyed ? STOP : stack.settle(value);
        const { reader } = stack;
        const goesOn = settled === GO_ON && reader !== null;
        const code = goesOn ? conclude(stack, reader, reader.resume()) : stack.failure;
        if (stack.waiting !== undefined) {
          Promise.resolve(stack.waiting).then(goOn, fail);
        } else {
          stack.busy = false;
          resolve(code);
        }
      } catch (error) {
        fail(error);
      }
    };
    stack.busy = true;
    Promise.resolve(stack.waiting).then(goOn, fail);
  });
}
