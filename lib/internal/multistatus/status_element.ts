// The text of a `status` element (RFC 4918 section 14.28): a status line, as servers write it.
import { ne_shave } from "../../ne_string.js";
import { ne_parse_statusline, ne_status } from "../../ne_utils.js";

/** Reads the text; `null` for one that is no status line. */
export function parseStatusElement(text: string): ne_status | null {
  const line = ne_shave(text, "\r\n\t ")
    // a version of one number
    .replace(/^HTTP\/(\d) /, "HTTP/$1.0 ")
    // no reason, and no blank before it (Tomcat, dCache)
    .replace(/^(HTTP\/\d\.\d \d{3})$/, "$1 ");
  const status = new ne_status();
  // a reason is bytes, each of which has its own place in the parsed phrase
  return ne_parse_statusline(Buffer.from(line).toString("latin1"), status) === 0 ? status : null;
}
