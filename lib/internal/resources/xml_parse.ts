// XML that a caller gives as text: read before anything is sent, so that what is no XML is the
// caller's mistake, and nothing can end an element that it does not stand in.
import { misuse } from "../base/handle.js";
import { needText } from "../base/arguments.js";
import {
  NE_XML_ABORT,
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_doc_encoding,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_push_handler,
  ne_xml_resolve_nspace,
  ne_xml_set_error,
} from "../../ne_xml.js";
import type { nx_element } from "./element.js";
import { tagOf } from "./property_value.js";

/** Elements one inside another. */
const MAX_LEVELS = 1000;

type Building = nx_element & { readonly children: (nx_element | string)[] };

/** The root of a document. Throws a `TypeError` for what is none. */
export function parseDocument(text: unknown, caller: string, what: string): nx_element {
  needText(text, caller, what);
  // in UTF-8 it would become another character
  if (/\p{Surrogate}/u.test(text as string)) throw misuse(caller, `${what} has a lone surrogate`);
  const parser = ne_xml_create();
  const root: Building = { nspace: "", name: "", attrs: [], children: [] };
  const open: Building[] = [root];
  ne_xml_push_handler(
    parser,
    (_u, _parent, nspace, name, atts) => {
      const tag = tagOf(atts, (prefix) => ne_xml_resolve_nspace(parser, prefix));
      const element: Building = { nspace, name, attrs: tag?.attrs ?? [], children: [] };
      open.at(-1)?.children.push(element);
      open.push(element);
      if (open.length <= MAX_LEVELS) return 1;
      ne_xml_set_error(parser, "too many levels");
      return NE_XML_ABORT;
    },
    (_u, _state, cdata) => {
      open.at(-1)?.children.push(cdata);
      return 0;
    },
    () => {
      open.pop();
      return 0;
    },
  );
  try {
    const bytes = Buffer.from(text as string);
    const failed = ne_xml_parse(parser, bytes) !== 0 || ne_xml_parse(parser, null) !== 0;
    if (failed) throw misuse(caller, `${what} is no XML: ${ne_xml_get_error(parser)}`);
    const encoding = ne_xml_doc_encoding(parser) ?? "utf-8";
    if (!/^utf-?8$/i.test(encoding)) {
      throw misuse(caller, `${what} declares ${encoding}, but is sent as UTF-8`);
    }
  } finally {
    ne_xml_destroy(parser);
  }
  return root.children[0] as nx_element;
}

/**
 * Elements without a root, each with prefixes of its own.
 * @param declared attributes of an element around them: prefixes that they need not declare
 */
export function parseContent(
  text: unknown,
  caller: string,
  what: string,
  declared = "",
): readonly nx_element[] {
  needText(text, caller, what);
  const document = `<content${declared}>${text}</content>`;
  const { children } = parseDocument(document, caller, what);
  const elements = children.filter((child) => typeof child === "object");
  const isBare = children.every((child) => typeof child === "object" || child.trim() === "");
  if (elements.length > 0 && isBare) return elements;
  throw misuse(caller, `${what} is no XML: elements are wanted`);
}
