// Whether a URL leads to the session's own server.
import type { ne_session } from "../base/handle.js";
import { ne_get_scheme, ne_get_server_hostport } from "../../ne_session.js";

/** Scheme, host and port of a URL, its user name left out; `null` for a path. */
export function originOf(reference: string): string | null {
  const found = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?\/\/([^/?#]*)/.exec(reference);
  if (found === null) return null;
  const [, scheme, authority = ""] = found;
  const host = authority.slice(authority.lastIndexOf("@") + 1).toLowerCase();
  return scheme === undefined ? `//${host}` : `${scheme.toLowerCase()}://${host}`;
}

/** Whether an origin is the session's server. */
export function isSameOrigin(sess: ne_session, origin: string): boolean {
  const scheme = ne_get_scheme(sess).toLowerCase();
  const own = `${scheme}://${ne_get_server_hostport(sess).toLowerCase()}`;
  const full = origin.startsWith("//") ? `${scheme}:${origin}` : origin;
  return withoutDefaultPort(full) === withoutDefaultPort(own);
}

function withoutDefaultPort(origin: string): string {
  return origin.replace(/^(http:\/\/.*):80$|^(https:\/\/.*):443$/, "$1$2").replace(/:$/, "");
}
