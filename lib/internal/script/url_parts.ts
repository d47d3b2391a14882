// Takes a URL apart into a server and a target on it.
import { needText } from "../base/arguments.js";
import { ne_uri, ne_uri_defaultport, ne_uri_parse } from "../../ne_uri.js";

/** A server, and a request target there. */
export interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly target: string;
  readonly origin: string;
  readonly hasUserinfo: boolean;
}

/** The parts of an http or https URL; `null` for what is none. */
export function parseUrl(given: string | URL, caller: string): UrlParts | null {
  const text = given instanceof URL ? given.href : needText(given, caller, "the URL");
  const parts = URL.canParse(text) ? fromUrl(new URL(text)) : fromUri(text);
  return parts === null || !/^https?$/.test(parts.scheme) || parts.port === 0 ? null : parts;
}

// takes names beyond ASCII to their ASCII form, and escapes what no request target may hold
function fromUrl(url: URL): UrlParts | null {
  const scheme = url.protocol.slice(0, -1);
  const port = url.port === "" ? ne_uri_defaultport(scheme) : Number(url.port);
  const target = url.pathname + url.search;
  const hasUserinfo = url.username !== "" || url.password !== "";
  return partsOf(scheme, url.hostname, port, target, hasUserinfo);
}

/** What is wrong with a URL that `parseUrl` refuses; nothing behind its scheme is shown. */
export function badUrl(given: string | URL): string {
  const text = String(given);
  if (!URL.canParse(text)) return "the URL is not one of http or https: it cannot be read";
  const { protocol } = new URL(text);
  const why = /^https?:$/.test(protocol) ? "its port is 0" : `it begins with ${protocol}`;
  return `the URL is not one of http or https: ${why}`;
}

// an IPv6 address with a zone is no URL for browsers
function fromUri(text: string): UrlParts | null {
  const uri = new ne_uri();
  if (ne_uri_parse(text, uri) !== 0 || uri.scheme === null || uri.host === null) return null;
  if (!/^\[[0-9a-f:.]+%[^\]\s]+\]$/i.test(uri.host)) return null;
  const scheme = uri.scheme.toLowerCase();
  const port = uri.port === 0 ? ne_uri_defaultport(scheme) : uri.port;
  const path = uri.path === null || uri.path === "" ? "/" : uri.path;
  const target = uri.query === null ? path : `${path}?${uri.query}`;
  return partsOf(scheme, uri.host, port, target, uri.userinfo !== null);
}

function partsOf(
  scheme: string,
  host: string,
  port: number,
  target: string,
  hasUserinfo: boolean,
): UrlParts | null {
  if (host === "") return null;
  return { scheme, host, port, target, origin: `${scheme}://${host}:${port}`, hasUserinfo };
}
