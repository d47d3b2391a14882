// Parses the status line of a response (RFC 9112 section 4), strictly as neon does or leniently.
import { ne_parse_statusline, ne_status } from "../../ne_utils.js";

// No reason phrase and no space before it; a code above 599.
const LOOSE = /^(HTTP\/[0-9]\.[0-9] )([0-9])([0-9]{2})(?: (.*))?$/s;

/**
 * Parses a status line into `status`.
 * @param strict neon's grammar and nothing else
 * @returns whether it is one; if not, `status` is as new
 */
export function parseStatusLine(line: string, strict: boolean, status: ne_status): boolean {
  if (ne_parse_statusline(line, status) === 0) return true;
  const loose = strict ? null : LOOSE.exec(line);
  if (loose === null) {
    Object.assign(status, new ne_status());
    return false;
  }
  const [, version = "", first = "", rest = "", reason = ""] = loose;
  // RFC 9110 section 15: a code that cannot be is treated as a 5xx
  const known = `${version}${Math.min(Number(first), 5)}${rest} ${reason}`;
  ne_parse_statusline(known, status);
  status.code = Number(first + rest);
  return true;
}
