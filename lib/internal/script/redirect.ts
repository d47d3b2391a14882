// Where a redirect leads (RFC 9110 section 15.4), and what goes along.
import { ne_uri, ne_uri_defaultport, ne_uri_parse, ne_uri_resolve } from "../../ne_uri.js";

/** A server, and a request target there. */
export interface Place {
  scheme: string;
  host: string;
  port: number;
  target: string;
}

type Field = readonly [name: string, value: string];

/** Statuses that lead somewhere else by themselves. */
const FOLLOWED = [301, 302, 303, 307, 308];

/** Fields that describe a body, and go with it. */
const OF_THE_BODY = /^(content-|transfer-encoding$)/i;

// Fields that may hold what only the first server is to know. Own fields of programs are told by
// their names, as far as that goes.
const SECRET = new RegExp(
  "^(host|origin|referer|if)$" +
    "|auth|cookie|token|secret|passw|credential|session|signature|api-?key",
  "i",
);

/**
 * Where a response leads.
 * @param from the URL of the request
 * @returns `null` where it is not to be followed: no redirect, a Location that is missing, double
 *   or unreadable, another scheme than http and https, or plain http after https
 */
export function redirectTarget(
  code: number,
  fields: readonly Field[],
  from: string,
): Place | null {
  if (!FOLLOWED.includes(code)) return null;
  const locations = new Set(
    fields.filter(([name]) => name.toLowerCase() === "location").map(([, value]) => value),
  );
  const [location] = locations;
  if (location === undefined || locations.size > 1) return null;
  const base = new ne_uri();
  const relative = new ne_uri();
  // servers send bytes that no URI may hold
  const escaped = location.replace(/[^\x21-\x7e]/g, (c) => escapeByte(c.charCodeAt(0)));
  if (ne_uri_parse(from, base) !== 0 || ne_uri_parse(escaped, relative) !== 0) return null;
  return placeOf(ne_uri_resolve(base, relative, new ne_uri()), base.scheme ?? "");
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function placeOf(uri: ne_uri, fromScheme: string): Place | null {
  const scheme = (uri.scheme ?? "").toLowerCase();
  if (scheme !== "http" && scheme !== "https") return null;
  if (scheme === "http" && fromScheme.toLowerCase() === "https") return null;
  const host = uri.host ?? "";
  if (!/^([a-z0-9._~-]+|\[[0-9a-f:.]+\])$/i.test(host)) return null;
  const port = uri.port === 0 ? ne_uri_defaultport(scheme) : uri.port;
  if (!Number.isInteger(port) || port < 1 || port > 65535) return null;
  const path = uri.path === null || uri.path === "" ? "/" : uri.path;
  return { scheme, host, port, target: uri.query === null ? path : `${path}?${uri.query}` };
}

/** The method after a redirect; a body goes along unless it changes. */
export function redirectMethod(code: number, method: string): string {
  if (code === 303) return method === "HEAD" ? "HEAD" : "GET";
  return (code === 301 || code === 302) && method === "POST" ? "GET" : method;
}

/** The application's fields for the next request. */
export function redirectFields(
  fields: readonly Field[],
  keepsBody: boolean,
  sameOrigin: boolean,
): Field[] {
  return fields.filter(
    ([name]) => (keepsBody || !OF_THE_BODY.test(name)) && (sameOrigin || !SECRET.test(name)),
  );
}

/** Whether both are on one server. */
export function isSameOrigin(a: Omit<Place, "target">, b: Omit<Place, "target">): boolean {
  return (
    a.scheme === b.scheme && a.port === b.port && a.host.toLowerCase() === b.host.toLowerCase()
  );
}
