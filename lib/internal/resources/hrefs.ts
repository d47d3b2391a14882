// The hrefs within an element.
import { repairHref } from "../uri/repair.js";
import { DAV, elementsIn, textIn, type nx_element } from "./element.js";

/** Every `DAV:href` within an element, repaired; empty ones are none. */
export function hrefsIn(element: nx_element): string[] {
  const hrefs: string[] = [];
  for (const each of elementsIn(element)) {
    if (each.nspace !== DAV || each.name !== "href") continue;
    const text = textIn(each).trim();
    if (text !== "") hrefs.push(repairHref(text));
  }
  return hrefs;
}
