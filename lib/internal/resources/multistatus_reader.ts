// Reads a multistatus document (RFC 4918 section 13) while it arrives, and tells each response when
// it is whole. Unlike ne_207 it believes that the order of elements means nothing (section 17),
// takes several hrefs with one status (14.24), and keeps values as trees beside their text.
//
//   multistatus ─┬─ response ─┬─ href, status, responsedescription, error
//                │            └─ propstat ─┬─ prop ── the properties
//                │                         └─ status, responsedescription, error
//                └─ sync-token, responsedescription
//
// A document whose root is DAV:error is read for its condition alone. DAViCal leaves the response
// out where there is one only: href and propstat stand alone.
import { printable } from "../base/bytes.js";
import { isConditionSpace } from "../multistatus/condition_names.js";
import { LeadingBlanks } from "../multistatus/leading_blanks.js";
import { parseStatusElement } from "../multistatus/status_element.js";
import type { ne_status } from "../../ne_utils.js";
import {
  NE_XML_ABORT,
  NE_XML_DECLINE,
  NE_XML_STATEROOT,
  ne_xml_create,
  ne_xml_currentline,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_push_handler,
  ne_xml_resolve_nspace,
  ne_xml_set_encoding,
  ne_xml_set_error,
  type ne_xml_parser,
} from "../../ne_xml.js";
import { DAV, type nx_element } from "./element.js";
import type { nx_resource_prop, Response } from "./response_element.js";
import { PropertyValue, tagOf } from "./property_value.js";

/** Characters of an href, status, description or token. */
const MAX_TEXT = 65_536;
/** Bytes in which no element and no text is: a tag is kept in memory until its end has come. */
const MAX_TOKEN_BYTES = 1 << 24;
/** Properties, and propstats, of one resource. */
const MAX_PROPS = 1023;
/** Hrefs of one response. */
const MAX_HREFS = 65_536;

const MULTISTATUS = 1;
const RESPONSE = 2;
const HREF = 3;
const STATUS = 4;
const DESCRIPTION = 5;
const PROPSTAT = 6;
const PROP = 7;
const VALUE = 8;
const ERROR = 9;
const TOKEN = 10;
const STRANGE = 11;

// what a response has none of costs nothing; never written to
const NO_HREFS: string[] = [];
const NO_TREES: (nx_element | undefined)[] = [];
/** The hrefs of a response without any. */
const UNNAMED: readonly string[] = [""];

/** A property whose propstat is not over: its status is to come. */
type Prop = { -readonly [key in keyof nx_resource_prop]: nx_resource_prop[key] };

/** One document. */
export class MultistatusReader {
  /** The sync-token of the document. */
  token: string | null = null;
  /** The name of a root that is no multistatus. */
  otherRoot: string | null = null;
  /** The root was a multistatus. */
  isMultistatus = false;
  /** What a document says of whose root is DAV:error. */
  condition: string | null = null;
  readonly #parser: ne_xml_parser;
  readonly #found: (response: Response) => void;
  readonly #keepsAll: boolean;
  readonly #value: PropertyValue;
  readonly #blanks = new LeadingBlanks();
  // of the response being read
  #hrefs: string[] = NO_HREFS;
  #status: Readonly<ne_status> | null = null;
  #props: Prop[] = [];
  #trees: (nx_element | undefined)[] = NO_TREES;
  #description: string | null = null;
  #condition: string | null = null;
  #propstats = 0;
  // of the propstat being read: where its properties begin
  #firstProp = 0;
  #propstatStatus: Readonly<ne_status> | null = null;
  #inPropstat = false;
  #emptyFailure: Readonly<ne_status> | null = null;
  // languages of the elements that are open, but for properties
  readonly #langs: { readonly state: number; readonly lang: string }[] = [];
  // bytes since anything was read whole
  #tokenBytes = 0;
  #text = "";
  #lastStatus: { readonly line: string; readonly status: Readonly<ne_status> } | null = null;

  /**
   * @param maxBytes of a property's value
   * @param found called for each response, when it is whole
   * @param keepsAll whether a property that is refused is kept beside the one that has a value
   */
  constructor(maxBytes: number, found: (response: Response) => void, keepsAll = false) {
    this.#found = found;
    this.#keepsAll = keepsAll;
    this.#value = new PropertyValue(maxBytes);
    this.#parser = ne_xml_create();
    ne_xml_push_handler(
      this.#parser,
      (_u, parent, nspace, name, atts) => this.#start(parent, nspace, name, atts),
      (_u, state, text) => this.#characters(state, text),
      (_u, state) => this.#end(state),
    );
  }

  /** Why the document failed. */
  get error(): string {
    return ne_xml_get_error(this.#parser);
  }

  /** The encoding that Content-Type names. @returns whether it is known */
  setEncoding(charset: string): boolean {
    return ne_xml_set_encoding(this.#parser, charset) === 0;
  }

  /** Reads a block; an empty one ends the document. @returns 0, or that it failed */
  feed(block: Uint8Array): number {
    const bytes = this.#blanks.pass(block);
    this.#tokenBytes += bytes.length;
    if (this.#tokenBytes > MAX_TOKEN_BYTES) {
      return this.#fail("the answer goes on without an element");
    }
    // an empty block that is not the last would end the document
    let code = bytes.length === 0 ? 0 : ne_xml_parse(this.#parser, bytes);
    if (code === 0 && block.length === 0) code = ne_xml_parse(this.#parser);
    // what is not in a response stands for one, as DAViCal writes it
    if (code === 0 && block.length === 0 && this.#hasContent()) this.#closeResponse();
    return code;
  }

  destroy(): void {
    ne_xml_destroy(this.#parser);
  }

  #start(parent: number, nspace: string, name: string, atts: readonly string[]): number {
    this.#tokenBytes = 0;
    if (parent === VALUE) return this.#startInside(nspace, name, atts);
    if (parent === PROP) return this.#startProperty(nspace, name, atts);
    const state = this.#startFrame(parent, nspace, name);
    if (atts.length > 0 && state > 0) this.#noteLang(state, atts);
    return state;
  }

  #startFrame(parent: number, nspace: string, name: string): number {
    if (parent === NE_XML_STATEROOT) return this.#startRoot(nspace, name);
    if (parent === ERROR) {
      if (!isConditionSpace(nspace)) return NE_XML_DECLINE;
      if (this.isMultistatus) this.#condition ??= name;
      else this.condition ??= name;
      return NE_XML_DECLINE;
    }
    // Bitrix24's href is in no namespace
    const isDav = nspace === DAV || (nspace === "" && name === "href");
    if (!isDav) return NE_XML_DECLINE;
    return this.#startKnown(parent, name);
  }

  // The language of an element is that of all in it (XML 1.0 section 2.12).
  #noteLang(state: number, atts: readonly string[]): void {
    const lang = langOf(atts);
    if (lang !== null) this.#langs.push({ state, lang });
  }

  #startKnown(parent: number, name: string): number {
    // nothing stands inside of text
    if (parent === HREF || parent === STATUS || parent === DESCRIPTION || parent === TOKEN) {
      return NE_XML_DECLINE;
    }
    this.#text = "";
    if (parent === STRANGE) {
      return name === "href" ? this.#fail("Members stand outside of response elements") : STRANGE;
    }
    switch (name) {
      case "response":
        return parent === MULTISTATUS ? this.#openResponse() : NE_XML_DECLINE;
      case "propstat":
        return parent === PROPSTAT ? NE_XML_DECLINE : this.#openPropstat();
      case "prop":
        return parent === PROPSTAT ? PROP : NE_XML_DECLINE;
      case "href":
        return parent === PROPSTAT ? NE_XML_DECLINE : HREF;
      case "status":
        return STATUS;
      case "responsedescription":
        return DESCRIPTION;
      case "error":
        return ERROR;
      case "sync-token":
        return parent === MULTISTATUS ? TOKEN : NE_XML_DECLINE;
      default:
        return parent === MULTISTATUS ? STRANGE : NE_XML_DECLINE;
    }
  }

  #startRoot(nspace: string, name: string): number {
    if (nspace === DAV && name === "multistatus") {
      this.isMultistatus = true;
      return MULTISTATUS;
    }
    this.otherRoot = printable(name).slice(0, 80);
    if (nspace === DAV && name === "error") return ERROR;
    return this.#fail(`the document is no multistatus but ${this.otherRoot}`);
  }

  #openResponse(): number {
    if (this.#hasContent()) this.#closeResponse();
    this.#description = null;
    this.#condition = null;
    return RESPONSE;
  }

  #openPropstat(): number {
    if (++this.#propstats > MAX_PROPS) return this.#fail("Response exceeds maximum property count");
    this.#inPropstat = true;
    this.#firstProp = this.#props.length;
    this.#propstatStatus = null;
    return PROPSTAT;
  }

  #startProperty(nspace: string, name: string, atts: readonly string[]): number {
    if (this.#props.length >= MAX_PROPS) {
      return this.#fail("Response exceeds maximum property count");
    }
    const own = atts.length === 0 ? null : langOf(atts);
    const lang = own ?? this.#langs.at(-1)?.lang ?? null;
    this.#props.push({ nspace, name, value: null, status: null, lang });
    this.#value.begin(nspace, name, atts.length === 0 ? null : this.#tagOf(atts));
    return VALUE;
  }

  #startInside(nspace: string, name: string, atts: readonly string[]): number {
    const tag = atts.length === 0 ? null : this.#tagOf(atts);
    const fault = this.#value.open(nspace, name, tag);
    return fault === null ? VALUE : this.#fail(fault);
  }

  #tagOf(atts: readonly string[]): ReturnType<typeof tagOf> {
    return tagOf(atts, (prefix) => ne_xml_resolve_nspace(this.#parser, prefix));
  }

  #characters(state: number, text: string): number {
    this.#tokenBytes = 0;
    if (state === VALUE) {
      const fault = this.#value.add(text);
      return fault === null ? 0 : this.#fail(fault);
    }
    if (state === HREF || state === STATUS || state === DESCRIPTION || state === TOKEN) {
      this.#text += text;
      if (this.#text.length > MAX_TEXT) return this.#fail("an href, status or token is too long");
    }
    return 0;
  }

  #end(state: number): number {
    if (this.#langs.at(-1)?.state === state) this.#langs.pop();
    switch (state) {
      case VALUE:
        return this.#endValue();
      case HREF:
        return this.#takeHref(this.#text.trim());
      case STATUS:
        return this.#takeStatus(this.#text.trim());
      case DESCRIPTION:
        if (this.#text !== "") this.#description = printable(this.#text.trim());
        return 0;
      case TOKEN:
        this.token = this.#text.trim();
        return 0;
      case PROPSTAT:
        return this.#closePropstat();
      case RESPONSE:
        return this.#closeResponse();
      default:
        return 0;
    }
  }

  #endValue(): number {
    const value = this.#value;
    if (value.isInside) {
      value.close();
      return 0;
    }
    const fault = value.finish();
    if (fault !== null) return this.#fail(fault);
    const at = this.#props.length - 1;
    const prop = this.#props[at];
    if (prop !== undefined) prop.value = value.text;
    if (value.tree !== null) {
      if (this.#trees === NO_TREES) this.#trees = [];
      this.#trees[at] = value.tree;
    }
    return 0;
  }

  #takeHref(href: string): number {
    // nearly always the only one
    if (this.#hrefs.length === 0) this.#hrefs = [href];
    else this.#hrefs.push(href);
    return this.#hrefs.length > MAX_HREFS ? this.#fail("a response has too many hrefs") : 0;
  }

  #takeStatus(line: string): number {
    let last = this.#lastStatus;
    if (last?.line !== line) {
      const status = parseStatusElement(line);
      if (status === null) {
        const at = `in status element at line ${ne_xml_currentline(this.#parser)} of response`;
        const shown = printable(line).slice(0, 200);
        return this.#fail(`Invalid HTTP status line ${at}: "${shown}"`);
      }
      last = this.#lastStatus = { line, status: Object.freeze(status) };
    }
    if (this.#inPropstat) this.#propstatStatus = last.status;
    else this.#status = last.status;
    return 0;
  }

  #closePropstat(): number {
    const status = this.#propstatStatus;
    // a server that forgot the status meant success
    const isGood = status === null || status.klass === 2;
    const props = this.#props;
    const first = this.#firstProp;
    for (let i = first; i < props.length; i++) {
      const prop = props[i];
      if (prop === undefined) break;
      prop.status = status;
      if (!isGood) prop.value = null;
    }
    // a failure of nothing in particular is one of the resource (nginx)
    if (!isGood && first === props.length) this.#emptyFailure = status;
    this.#inPropstat = false;
    return 0;
  }

  #hasContent(): boolean {
    return this.#hrefs.length + this.#propstats > 0 || this.#status !== null;
  }

  #closeResponse(): number {
    const isBare = this.#props.length === 0;
    if (this.#propstats > 1 && !this.#keepsAll) this.#dropRefused();
    const response: Response = {
      hrefs: this.#hrefs.length === 0 ? UNNAMED : this.#hrefs,
      status: this.#status ?? (isBare ? this.#emptyFailure : null),
      props: this.#props,
      trees: this.#trees,
      description: this.#description,
      condition: this.#condition,
    };
    this.#hrefs = NO_HREFS;
    this.#status = null;
    this.#props = [];
    this.#trees = NO_TREES;
    this.#description = null;
    this.#condition = null;
    this.#propstats = 0;
    this.#emptyFailure = null;
    this.#found(response);
    return 0;
  }

  // What is named under 200 and under 404 has a value (iCloud).
  #dropRefused(): void {
    const given = this.#props.filter(({ value }) => value !== null);
    if (given.length === 0 || given.length === this.#props.length) return;
    const isRefused = ({ nspace, name, value }: nx_resource_prop): boolean =>
      value === null && given.some((prop) => prop.name === name && prop.nspace === nspace);
    const kept = this.#props.map((prop) => !isRefused(prop));
    this.#props = this.#props.filter((_prop, i) => kept[i]);
    this.#trees = kept.flatMap((isKept, i) => (isKept ? [this.#trees[i]] : []));
  }

  #fail(reason: string): number {
    ne_xml_set_error(this.#parser, reason);
    return NE_XML_ABORT;
  }
}

function langOf(atts: readonly string[]): string | null {
  for (let i = 0; i < atts.length; i += 2) {
    if (atts[i] === "xml:lang") return atts[i + 1] ?? null;
  }
  return null;
}
