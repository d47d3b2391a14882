// From trees and strings to XML text for request bodies. Text is escaped; what XML has no way to
// say (control characters, lone surrogates, names that are no names) is the caller's mistake.
import { needXmlText } from "../base/arguments.js";
import { escapeMarkup } from "../xml/escape.js";
import { misuse } from "../base/handle.js";
import type { ne_propname } from "../../ne_props.js";
import { DAV, XML, type nx_element } from "./element.js";

/** The first line of every body. */
export const PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n';

/** What stands for itself. */
const PLAIN = /^[\t\n\x20-%'-;=?-\x7e]*$/;

/** Text between tags. */
export function escapeText(text: string, caller: string, what: string): string {
  if (PLAIN.test(text)) return text;
  return escapeMarkup(needXmlText(text, caller, what));
}

/** The value of an attribute, its quotes included. */
export function quoteAttribute(text: string, caller: string, what: string): string {
  const escaped = escapeText(text, caller, what)
    .replaceAll('"', "&quot;")
    .replaceAll("\t", "&#9;")
    .replaceAll("\n", "&#10;");
  return `"${escaped}"`;
}

// those of `xml:` and `xmlns:` cannot be declared (Namespaces in XML 1.0 section 3)
const RESERVED = new Set([XML, "http://www.w3.org/2000/xmlns/"]);

/** The name of a namespace as the value of its declaration, the quotes included. */
export function quoteNamespace(nspace: string, caller: string): string {
  if (RESERVED.has(nspace)) throw misuse(caller, `the namespace ${nspace} is that of XML itself`);
  return quoteAttribute(nspace, caller, "a namespace");
}

// NCName (Namespaces in XML 1.0, production 4)
const NAME_START =
  "A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff" +
  "\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd" +
  "\\u{10000}-\\u{effff}";
const NAME_REST = `${NAME_START}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040`;
const NAME = new RegExp(`^[${NAME_START}][${NAME_REST}]*$`, "u");

/** Throws for what is no local name of an element or attribute. */
export function needName(name: unknown, caller: string, what: string): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw misuse(caller, `${what} is not the name of an element`);
}

/**
 * The start of a tag, without its bracket: `D:` is `DAV:`, any other namespace is declared by the
 * element itself.
 */
function openName(nspace: string, name: string, caller: string): string {
  needName(name, caller, "a name");
  if (nspace === DAV) return `D:${name}`;
  return `${name} xmlns=${quoteNamespace(nspace, caller)}`;
}

/** Elements without content, for names of properties. */
export function propElements(props: readonly ne_propname[], caller: string): string {
  return props.map(({ nspace, name }) => emptyElement(nspace ?? "", name ?? "", caller)).join("");
}

/** An element without content. */
export function emptyElement(nspace: string, name: string, caller: string): string {
  return `<${openName(nspace, name, caller)}/>`;
}

/** Levels of an element that a caller gives. */
const MAX_LEVELS = 1000;

/** An element with all that is in it, for a place where `D` is declared. */
export function printElement(element: nx_element, caller: string, level = 0): string {
  if (typeof element !== "object" || element === null || !Array.isArray(element.children)) {
    throw misuse(caller, "an element must have a name, a namespace, attributes and children");
  }
  if (level > MAX_LEVELS) throw misuse(caller, "an element has too many levels");
  const { nspace = "", name, attrs = [] } = element;
  if (typeof nspace !== "string") throw misuse(caller, "the namespace of an element is no string");
  const open = openName(nspace, name, caller) + printAttributes(attrs, caller);
  const close = nspace === DAV ? `D:${name}` : name;
  let inside = "";
  for (const child of element.children) {
    inside += typeof child === "string"
      ? escapeText(child, caller, "a text")
      : printElement(child, caller, level + 1);
  }
  return inside === "" ? `<${open}/>` : `<${open}>${inside}</${close}>`;
}

function printAttributes(attrs: nx_element["attrs"], caller: string): string {
  if (!Array.isArray(attrs)) throw misuse(caller, "the attributes of an element must be an array");
  let text = "";
  let count = 0;
  const seen = new Set<string>();
  for (const { nspace = "", name, value } of attrs) {
    needName(name, caller, "the name of an attribute");
    const whole = `${name} ${nspace}`;
    if (seen.has(whole)) throw misuse(caller, `an element has the attribute ${name} twice`);
    seen.add(whole);
    if (typeof nspace !== "string" || typeof value !== "string") {
      throw misuse(caller, "the namespace and the value of an attribute must be strings");
    }
    if (nspace === "" && name === "xmlns") throw misuse(caller, "xmlns is no attribute");
    const quoted = quoteAttribute(value, caller, "the value of an attribute");
    if (nspace === "" || nspace === XML) {
      text += ` ${nspace === XML ? "xml:" : ""}${name}=${quoted}`;
    } else {
      const prefix = nspace === DAV ? "D" : `a${count++}`;
      const declared = nspace === DAV
        ? ""
        : ` xmlns:${prefix}=${quoteNamespace(nspace, caller)}`;
      text += `${declared} ${prefix}:${name}=${quoted}`;
    }
  }
  return text;
}
