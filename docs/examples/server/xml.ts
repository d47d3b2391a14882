// XML in requests and responses of the demo's WebDAV server. Requests are read by libneon's own
// parser into a small tree; responses are written as text.

import {
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_push_handler,
  ne_xml_resolve_nspace,
  type ne_xml_parser,
} from "libneon/ne_xml";
import { type Exchange, Refusal, readBody } from "./share.js";

const MAX_BODY_BYTES = 1 << 20; // a request of a client that means well is far below
const MAX_DEPTH = 100; // so that writing a property back does not recurse without bound

/** The namespace of WebDAV. */
export const DAV = "DAV:";

/** The first line of every response document. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n';

/** The media type of every response document. */
export const XML_TYPE = 'application/xml; charset="utf-8"';

export interface XmlAttribute {
  nspace: string;
  name: string;
  value: string;
}

export interface XmlElement {
  nspace: string;
  name: string;
  attributes: XmlAttribute[];
  /** xml:lang in force here */
  lang: string | null;
  children: (XmlElement | string)[];
}

interface Builder {
  parser: ne_xml_parser;
  root: XmlElement | null;
  open: XmlElement[];
}

/** Reads the request body; `null` when there is none. */
export async function readXml(x: Exchange): Promise<XmlElement | null> {
  const body = await readBody(x, MAX_BODY_BYTES);
  return body.length === 0 ? null : parseXml(body);
}

/** Parses a document. One that is not well-formed is refused. */
export function parseXml(document: Uint8Array): XmlElement {
  const parser = ne_xml_create();
  try {
    const builder: Builder = { parser, root: null, open: [] };
    ne_xml_push_handler(parser, startElement, characters, endElement, builder);
    if (ne_xml_parse(parser, document) !== 0 || ne_xml_parse(parser) !== 0 || !builder.root) {
      throw new Refusal(400, { text: ne_xml_get_error(parser) });
    }
    return builder.root;
  } finally {
    ne_xml_destroy(parser);
  }
}

function startElement(
  builder: Builder,
  _parent: number,
  nspace: string,
  name: string,
  atts: readonly string[],
): number {
  const parent = builder.open.at(-1);
  if (builder.open.length >= MAX_DEPTH) return -1;
  const element: XmlElement = {
    nspace,
    name,
    attributes: [],
    lang: parent?.lang ?? null,
    children: [],
  };
  for (let i = 0; i + 1 < atts.length; i += 2) {
    addAttribute(builder.parser, element, atts[i] as string, atts[i + 1] as string);
  }
  if (parent) parent.children.push(element);
  else builder.root = element;
  builder.open.push(element);
  return 1;
}

function addAttribute(
  parser: ne_xml_parser,
  element: XmlElement,
  qname: string,
  value: string,
): void {
  const colon = qname.indexOf(":");
  const prefix = qname.slice(0, Math.max(0, colon));
  if (qname === "xmlns" || prefix === "xmlns") return;
  if (qname === "xml:lang") {
    element.lang = value;
    return;
  }
  if (prefix === "" || prefix === "xml") {
    element.attributes.push({ nspace: "", name: qname, value });
    return;
  }
  const nspace = ne_xml_resolve_nspace(parser, prefix) ?? "";
  element.attributes.push({ nspace, name: qname.slice(colon + 1), value });
}

function characters(builder: Builder, _state: number, text: string): number {
  builder.open.at(-1)?.children.push(text);
  return 0;
}

function endElement(builder: Builder): number {
  builder.open.pop();
  return 0;
}

/** The element's child elements. */
export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== "string");
}

/** The first child of this name in the DAV: namespace. */
export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return childElements(element).find((child) => child.nspace === DAV && child.name === name);
}

/** Escapes text, or an attribute's value in double quotes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\r\n\t]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** An element without content. */
export function emptyElement(nspace: string, name: string): string {
  return nspace === DAV ? `<D:${name}/>` : `<${name} xmlns="${escapeXml(nspace)}"/>`;
}

/** Writes an element that was read, so that it means the same wherever it is put. */
export function writeElement(
  element: XmlElement,
  outer: string | null,
  outerLang: string | null,
): string {
  const { nspace, name, lang } = element;
  let tag = nspace === outer ? name : `${name} xmlns="${escapeXml(nspace)}"`;
  if (lang !== null && lang !== outerLang) tag += ` xml:lang="${escapeXml(lang)}"`;
  element.attributes.forEach((attribute, i) => {
    const value = `="${escapeXml(attribute.value)}"`;
    if (attribute.nspace === "") tag += ` ${attribute.name}${value}`;
    else tag += ` xmlns:a${i}="${escapeXml(attribute.nspace)}" a${i}:${attribute.name}${value}`;
  });
  const content = writeChildren(element, nspace);
  return content === "" ? `<${tag}/>` : `<${tag}>${content}</${name}>`;
}

/** What stands inside an element that was read. */
export function writeChildren(element: XmlElement, outer: string | null): string {
  return element.children
    .map((child) =>
      typeof child === "string"
        ? child.replace(/[&<>\r]/g, (c) => `&#${c.charCodeAt(0)};`)
        : writeElement(child, outer, element.lang),
    )
    .join("");
}

/** A DAV:error document around a condition of RFC 4918, section 16. */
export function errorDocument(condition: string): string {
  return `${XML_DECLARATION}<D:error xmlns:D="DAV:">${condition}</D:error>\n`;
}
