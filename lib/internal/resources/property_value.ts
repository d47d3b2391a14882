// The value of one property while it is read: as text, in which elements show as neon shows them
// (names with their namespace run together, nothing escaped again), and as a tree where there are
// elements at all. Servers say the same of every resource (supportedlock): a value with elements is
// first kept as a list of marks, and made into text and tree only if it is none of those that came
// lately.
import { exceeds, valueTooLong } from "../multistatus/value_limit.js";
import { XML, type Attribute, type nx_element } from "./element.js";

/** Elements in one value, one inside another. */
const MAX_LEVELS = 1000;
/** Elements in one value. */
const MAX_ELEMENTS = 65_536;
/** Values that are kept, and their marks at most. */
const MAX_RECENT = 8;
const MAX_RECENT_MARKS = 64;

const NO_ATTRIBUTES: readonly Attribute[] = Object.freeze([]);

class Element implements nx_element {
  readonly children: (nx_element | string)[] = [];

  constructor(
    readonly nspace: string,
    readonly name: string,
    readonly attrs: readonly Attribute[],
  ) {}
}

/** The start tag of an element with attributes: how they are written, too. */
interface Tag {
  readonly attrs: readonly Attribute[];
  readonly atts: readonly string[];
}

// A value is a list of marks: a text; OPEN, namespace, name, and Tag or null; CLOSE.
const OPEN = 1;
const CLOSE = 2;
type Mark = string | typeof OPEN | typeof CLOSE | Tag | null;

interface Value {
  readonly marks: readonly Mark[];
  readonly text: string;
  readonly tree: nx_element;
}

/** One value after another. */
export class PropertyValue {
  /** The value as text, once it has been closed. */
  text = "";
  /** The value as a tree, once it has been closed; `null` where there are no elements in it. */
  tree: nx_element | null = null;
  readonly #maxBytes: number;
  readonly #recent: Value[] = [];
  #nextRecent = 0;
  #nspace = "";
  #name = "";
  #tag: Tag | null = null;
  // text since the last tag
  #run = "";
  // the list is used again; what of it counts is as long as this
  #marks: Mark[] = [];
  #used = 0;
  #level = 0;
  #elements = 0;
  #chars = 0;

  /** @param maxBytes of a value */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A property begins. */
  begin(nspace: string, name: string, tag: Tag | null): void {
    this.#nspace = nspace;
    this.#name = name;
    this.#tag = tag;
    this.#run = "";
    this.#chars = 0;
    this.#used = 0;
    this.#elements = 0;
  }

  /** An element begins. @returns what is wrong, or `null` */
  open(nspace: string, name: string, tag: Tag | null): string | null {
    this.#flush();
    const at = this.#used;
    this.#used = at + 4;
    this.#marks[at] = OPEN;
    this.#marks[at + 1] = nspace;
    this.#marks[at + 2] = name;
    this.#marks[at + 3] = tag;
    this.#chars += nspace.length + name.length + 2;
    if (tag !== null) for (const word of tag.atts) this.#chars += word.length + 2;
    if (++this.#level > MAX_LEVELS) return `the value of ${this.#name} has too many levels`;
    if (++this.#elements > MAX_ELEMENTS) return `the value of ${this.#name} has too many elements`;
    return this.#exceeded();
  }

  /** Text. @returns what is wrong, or `null` */
  add(text: string): string | null {
    this.#run = this.#run === "" ? text : this.#run + text;
    this.#chars += text.length;
    return this.#exceeded();
  }

  /** Whether an element inside of the property is open. */
  get isInside(): boolean {
    return this.#level > 0;
  }

  /** An element inside of the property ends. */
  close(): void {
    this.#flush();
    this.#level--;
    this.#marks[this.#used++] = CLOSE;
  }

  /** The property has ended. @returns what is wrong, or `null` */
  finish(): string | null {
    if (this.#elements === 0) {
      this.text = this.#run;
      this.tree = null;
    } else {
      this.#flush();
      const value = this.#lately() ?? this.#make();
      this.text = value.text;
      this.tree = value.tree;
    }
    return exceeds(this.text, this.#maxBytes) ? this.#tooLong() : null;
  }

  #flush(): void {
    if (this.#run === "") return;
    this.#marks[this.#used++] = this.#run;
    this.#run = "";
  }

  // The root is part of the tree: a value is the same only under the same name.
  #lately(): Value | null {
    if (this.#tag !== null) return null;
    for (const value of this.#recent) {
      const { tree } = value;
      const isSame = tree.name === this.#name && tree.nspace === this.#nspace;
      if (isSame && sameMarks(value.marks, this.#marks, this.#used)) return value;
    }
    return null;
  }

  #make(): Value {
    const marks = this.#marks.slice(0, this.#used);
    // what was long, or is none of the usual, is not kept alive by the list
    this.#marks = [];
    const root = new Element(this.#nspace, this.#name, this.#tag?.attrs ?? NO_ATTRIBUTES);
    const value = { marks, text: textOf(marks), tree: build(root, marks) };
    if (marks.length <= MAX_RECENT_MARKS && this.#tag === null) {
      this.#recent[this.#nextRecent] = value;
      this.#nextRecent = (this.#nextRecent + 1) % MAX_RECENT;
    }
    return value;
  }

  #exceeded(): string | null {
    return this.#chars > this.#maxBytes ? this.#tooLong() : null;
  }

  #tooLong(): string {
    return valueTooLong(this.#name, this.#maxBytes);
  }
}

function sameMarks(a: readonly Mark[], b: readonly Mark[], count: number): boolean {
  if (a.length !== count) return false;
  // tags with attributes are objects, and never the same
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false;
  return true;
}

function build(root: Element, marks: readonly Mark[]): nx_element {
  const open = [root];
  for (let i = 0; i < marks.length; i++) {
    const mark = marks[i];
    const parent = open[open.length - 1]!;
    if (mark === CLOSE) {
      open.pop();
      Object.freeze(Object.freeze(parent).children);
    } else if (mark === OPEN) {
      const tag = marks[i + 3] as Tag | null;
      const attrs = tag?.attrs ?? NO_ATTRIBUTES;
      const element = new Element(marks[i + 1] as string, marks[i + 2] as string, attrs);
      parent.children.push(element);
      open.push(element);
      i += 3;
    } else {
      parent.children.push(mark as string);
    }
  }
  Object.freeze(root.children);
  return Object.freeze(root);
}

function textOf(marks: readonly Mark[]): string {
  const closing: string[] = [];
  let text = "";
  for (let i = 0; i < marks.length; i++) {
    const mark = marks[i];
    if (mark === CLOSE) {
      text += closing.pop() ?? "";
    } else if (mark === OPEN) {
      const name = `${marks[i + 1]}${marks[i + 2]}`;
      const tag = marks[i + 3] as Tag | null;
      text += tag === null ? `<${name}>` : `<${name}${attributesText(tag)}>`;
      closing.push(`</${name}>`);
      i += 3;
    } else {
      text += mark;
    }
  }
  return text;
}

// Declarations keep their prefix, as attributes of XML itself do.
function attributesText({ atts, attrs }: Tag): string {
  let text = "";
  let next = 0;
  for (let i = 0; i < atts.length; i += 2) {
    const raw = atts[i] ?? "";
    const isDeclaration = raw === "xmlns" || raw.startsWith("xmlns:");
    const attr = isDeclaration ? undefined : attrs[next++];
    const shown = attr === undefined || attr.nspace === XML ? raw : attr.nspace + attr.name;
    text += ` ${shown}='${atts[i + 1] ?? ""}'`;
  }
  return text;
}

/**
 * The start tag of an element.
 * @param atts as a start-element callback gets them
 * @param resolve the namespace of a prefix
 * @returns `null` where it has no attributes
 */
export function tagOf(
  atts: readonly string[],
  resolve: (prefix: string) => string | null,
): Tag | null {
  if (atts.length === 0) return null;
  const attrs: Attribute[] = [];
  for (let i = 0; i < atts.length; i += 2) {
    const [raw = "", value = ""] = [atts[i], atts[i + 1]];
    const colon = raw.indexOf(":");
    const prefix = colon < 0 ? "" : raw.slice(0, colon);
    if (raw === "xmlns" || prefix === "xmlns") continue;
    const nspace = prefix === "xml" ? XML : prefix === "" ? "" : resolve(prefix);
    // an attribute with a prefix that nobody declared keeps it
    const attr = nspace === null
      ? { nspace: "", name: raw, value }
      : { nspace, name: raw.slice(colon + 1), value };
    attrs.push(Object.freeze(attr));
  }
  return { attrs: Object.freeze(attrs), atts: [...atts] };
}
