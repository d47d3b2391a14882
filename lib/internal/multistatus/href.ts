// Resolves the href of a multistatus response, including hrefs that are not valid URIs.
import { ne_uri, ne_uri_parse, ne_uri_resolve } from "../../ne_uri.js";
import { repairHref } from "../uri/repair.js";

/** A flag of a 207 parser, of our own: an href that is no URI is repaired, not passed over. */
export const HEALS_HREFS = 1 << 16;

/** An href as written, without the blanks around it, resolved; `null` for what is no URI. */
export function resolveHref(base: Readonly<ne_uri>, href: string): ne_uri | null {
  const relative = new ne_uri();
  if (ne_uri_parse(href, relative) !== 0) return null;
  return ne_uri_resolve(base, relative, new ne_uri());
}

/**
 * The path of an href, repaired where it has to be: a `#` is part of it, and so is a colon without
 * `//` behind.
 */
export function healedPath(base: Readonly<ne_uri>, href: string): string {
  const text = href.replaceAll("#", "%23");
  const isAbsolute = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/)?\//.test(text);
  const reference = isAbsolute ? text : `./${text}`;
  const uri = resolveHref(base, reference) ?? resolveHref(base, repairHref(reference));
  return uri?.path ?? repairHref(text);
}
