// Heals the reference in a Location field: servers write characters that no URI may contain.

/** Everything up to the path of a reference; brackets belong there. */
const BEFORE_PATH = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/[^/?#]*)?/i;
const NOT_IN_URI = /[^!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~]/g;

/**
 * A Location with the characters escaped that a URI cannot hold, as browsers read it: a backslash
 * in front of the query is a slash, tabs are left out. Each character is a byte.
 */
export function repairLocation(location: string): string {
  const [beforeQuery = ""] = /^[^?#]*/.exec(location) ?? [];
  const slashed = beforeQuery.replaceAll("\\", "/") + location.slice(beforeQuery.length);
  const text = slashed.replaceAll("\t", "");
  const [start = ""] = BEFORE_PATH.exec(text) ?? [];
  const [rest = "", ...fragment] = text.slice(start.length).split("#");
  const repaired = rest.replace(NOT_IN_URI, escapeByte);
  const end = fragment.length > 0 ? `#${fragment.map(repairFragment).join("%23")}` : "";
  return start + repaired + end;
}

function repairFragment(text: string): string {
  return text.replace(NOT_IN_URI, escapeByte);
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
