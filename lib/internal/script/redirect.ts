// Whether a redirect is followed (RFC 9110 section 15.4), where it leads, what the next request is
// made of, and why one that was offered is not followed.
import type { FieldPair } from "../http/field_pairs.js";
import { ne_uri, ne_uri_defaultport, ne_uri_parse, ne_uri_resolve } from "../../ne_uri.js";
import { repairLocation } from "../http/location.js";
import { hideInText } from "../http/secrets.js";

/** A server, and a request target there. */
export interface Destination {
  scheme: string;
  host: string;
  port: number;
  target: string;
}

/** A response, and the request that it answers. */
export interface Redirecting {
  readonly code: number;
  readonly fields: readonly FieldPair[];
  /** The URL of the request. */
  readonly from: string;
  readonly method: string;
  /** Whether the request has a body, and whether that can be sent again. */
  readonly body: "none" | "repeatable" | "once";
  /** How many redirects led to this request, and how many may in all. */
  readonly taken: number;
  readonly limit: number;
}

/** The request that a redirect asks for. */
export interface Redirected {
  readonly destination: Destination;
  readonly method: string;
  readonly withBody: boolean;
}

/** Statuses that lead somewhere else by themselves. */
const FOLLOWED = new Set([301, 302, 303, 307, 308]);
/** Statuses with a Location that a program has to judge. */
const LEFT_TO_PROGRAM = new Map([
  [300, "300 leaves the choice to the program"],
  [305, "305 names a proxy"],
]);
/** Characters of a Location in a reason. */
const MAX_SHOWN = 200;

/** Fields that describe a body, and go with it. */
const OF_THE_BODY = /^(content-.*|transfer-encoding|expect)$/i;

// Fields known to be harmless: they say what is wanted, not who asks or what he may do. What is not
// listed stays with the first server, since programs name their secrets as they like.
const HARMLESS = new RegExp(
  "^(accept(-.+)?|content-(type|encoding|language)|depth|overwrite|prefer|range|user-agent" +
    "|if-(match|none-match|modified-since|unmodified-since|range)|cache-control|pragma)$",
  "i",
);

/**
 * What a response asks for: the next request, the reason why it is not made, or `null` where the
 * response offers no redirect.
 */
export function redirectAfter(response: Redirecting): Redirected | string | null {
  const { code, fields, from, method, body, taken, limit } = response;
  const locations = new Set(
    fields.filter(([name]) => name.toLowerCase() === "location").map(([, value]) => value),
  );
  const [location] = locations;
  const left = LEFT_TO_PROGRAM.get(code);
  if (left !== undefined) return location === undefined ? null : left;
  if (!FOLLOWED.has(code)) return null;
  if (location === undefined) return "the response has no Location";
  if (locations.size > 1) return "the response has different Locations";
  const destination = destinationOf(location, from);
  if (typeof destination === "string") return destination;
  const nextMethod = redirectMethod(code, method);
  const withBody = body !== "none" && code !== 303 && nextMethod === method;
  if (withBody && body === "once") return "the request body cannot be sent again";
  if (limit === 0) return "no redirects are to be followed";
  if (taken >= limit) return `${limit} ${limit === 1 ? "redirect was" : "redirects were"} followed`;
  return { destination, method: nextMethod, withBody };
}

function destinationOf(location: string, from: string): Destination | string {
  const base = new ne_uri();
  const relative = new ne_uri();
  const repaired = repairLocation(location);
  const readable = ne_uri_parse(from, base) === 0 && ne_uri_parse(repaired, relative) === 0;
  const shown = `Location "${hideInText(location).slice(0, MAX_SHOWN)}"`;
  if (!readable) return `the ${shown} cannot be read`;
  const uri = ne_uri_resolve(base, relative, new ne_uri());
  const scheme = (uri.scheme ?? "").toLowerCase();
  if (scheme !== "http" && scheme !== "https") return `the ${shown} is neither http nor https`;
  if (scheme === "http" && base.scheme?.toLowerCase() === "https") {
    return `the ${shown} leads from https to http`;
  }
  const host = uri.host ?? "";
  if (!/^([a-z0-9._~-]+|\[[0-9a-f:.]+\])$/i.test(host)) return `the ${shown} names no host`;
  const port = uri.port === 0 ? ne_uri_defaultport(scheme) : uri.port;
  const path = uri.path === null || uri.path === "" ? "/" : uri.path;
  return { scheme, host, port, target: uri.query === null ? path : `${path}?${uri.query}` };
}

function redirectMethod(code: number, method: string): string {
  if (code === 303) return method === "HEAD" ? "HEAD" : "GET";
  return (code === 301 || code === 302) && method === "POST" ? "GET" : method;
}

/**
 * The application's fields for the next request.
 * @param allowed names, in lower case, that may go to another origin besides the harmless ones
 */
export function redirectFields(
  fields: readonly FieldPair[],
  withBody: boolean,
  sameOrigin: boolean,
  allowed: ReadonlySet<string>,
): FieldPair[] {
  const mayLeave = (name: string): boolean =>
    HARMLESS.test(name) || (allowed.has(name.toLowerCase()) && !/^host$/i.test(name));
  return fields.filter(
    ([name]) => (withBody || !OF_THE_BODY.test(name)) && (sameOrigin || mayLeave(name)),
  );
}

/** Whether both are on one server. */
export function isSameOrigin(
  a: Omit<Destination, "target">,
  b: Omit<Destination, "target">,
): boolean {
  return (
    a.scheme === b.scheme && a.port === b.port && a.host.toLowerCase() === b.host.toLowerCase()
  );
}
