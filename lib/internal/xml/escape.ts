// Text as character data of an XML document.

/** Escapes what is markup in text, and a CR, which a parser would read as a line end. */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\r", "&#13;");
}
