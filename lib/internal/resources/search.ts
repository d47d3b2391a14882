// The body of a search (RFC 5323).
import { misuse } from "../base/handle.js";
import type { ne_propname } from "../../ne_props.js";
import { DAV } from "./element.js";
import { STANDARD_PROPS } from "./resource.js";
import { parseContent, parseDocument } from "./xml_parse.js";
import { escapeText, printElement, propElements, PROLOGUE } from "./xml_text.js";

/** A `DAV:basicsearch` in parts. */
export interface BasicSearch {
  readonly path: string;
  readonly props: readonly ne_propname[];
  /** The content of `DAV:where`, `null` for none. */
  readonly where: string | null;
  readonly depth: 0 | 1 | "infinity";
  readonly limit: number;
}

/** A basicsearch below the path that is asked. */
export function basicSearchBody(search: BasicSearch, caller: string): string {
  const { path, props, where, depth, limit } = search;
  const select = propElements([...STANDARD_PROPS, ...props], caller);
  const scope =
    `<D:scope><D:href>${escapeText(path, caller, "the path")}</D:href>` +
    `<D:depth>${depth}</D:depth></D:scope>`;
  const bound = limit === Infinity ? "" : `<D:limit><D:nresults>${limit}</D:nresults></D:limit>`;
  return (
    `${PROLOGUE}<D:searchrequest xmlns:D="DAV:"><D:basicsearch>` +
    `<D:select><D:prop>${select}</D:prop></D:select><D:from>${scope}</D:from>` +
    `${where === null ? "" : `<D:where>${whereText(where, caller)}</D:where>`}${bound}` +
    `</D:basicsearch></D:searchrequest>`
  );
}

function whereText(where: string, caller: string): string {
  const elements = parseContent(where, caller, "where", ' xmlns:D="DAV:"');
  return elements.map((element) => printElement(element, caller)).join("");
}

/** A whole request of the caller's. */
export function checkSearchRequest(text: string, caller: string): string {
  const { nspace, name } = parseDocument(text, caller, "the query");
  if (nspace === DAV && name === "searchrequest") return text;
  throw misuse(caller, "the query must be a DAV:searchrequest");
}
