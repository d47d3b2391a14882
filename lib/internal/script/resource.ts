// One resource of a listing, made of what a 207 response says about it.
import { ne_httpdate_parse, ne_iso8601_parse } from "../../ne_dates.js";
import { ne_propset_iterate, ne_propset_lang, type ne_prop_result_set } from "../../ne_props.js";
import { ne_uri_unparse, ne_path_unescape, type ne_uri } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";

/** A property of a resource, as it was returned. */
export interface nx_resource_prop {
  /** namespace, `""` for none */
  readonly nspace: string;
  /** local name */
  readonly name: string;
  /** the flat value, `null` where the status is not 2xx */
  readonly value: string | null;
  /** the status of the property, `null` where none was given */
  readonly status: Readonly<ne_status> | null;
  /** the language of the value, if it is said */
  readonly lang: string | null;
}

/** One resource of a directory listing or property search. */
export interface nx_resource {
  /**
   * the resource's URL path, still percent-encoded; for a resource that the server says is on
   * another host, its whole URL
   */
  readonly path: string;
  /**
   * the last part of the path, decoded; `""` for the root. It may hold any character that the
   * server put there: check it before making it the name of a file
   */
  readonly name: string;
  /** whether it is a collection, a folder */
  readonly collection: boolean;
  /** bytes of its content, if known */
  readonly size: number | null;
  /** when it was changed last, if known */
  readonly modified: Date | null;
  /** when it was made, if known */
  readonly created: Date | null;
  /** its entity tag, if it has one */
  readonly etag: string | null;
  /** the type of its content, if known */
  readonly content_type: string | null;
  /** the flat value of any property that was returned, or `null` */
  prop(nspace: string, name: string): string | null;
  /** every property, with its status */
  readonly props: readonly nx_resource_prop[];
  /** the status that the server gave the resource as a whole, or `null` */
  readonly status: Readonly<ne_status> | null;
}

/** Properties that a listing asks for, beside those that it is told to. */
export const STANDARD_PROPS = [
  "resourcetype",
  "getcontentlength",
  "getlastmodified",
  "creationdate",
  "getetag",
  "getcontenttype",
].map((name) => ({ nspace: "DAV:", name }));

/**
 * Makes a resource.
 * @param server the server that was asked
 * @param set its properties, `null` for none
 */
export function makeResource(
  uri: Readonly<ne_uri>,
  server: Readonly<ne_uri>,
  set: ne_prop_result_set | null,
  status: Readonly<ne_status> | null,
): nx_resource {
  const props = set === null ? [] : propsOf(set);
  const prop = (nspace: string, name: string): string | null =>
    props.find((p) => p.name === name && p.nspace === nspace)?.value ?? null;
  const own = isOwn(uri, server);
  const text = (name: string): string | null => prop("DAV:", name)?.trim() || null;
  return Object.freeze({
    path: own ? (uri.path ?? "/") : ne_uri_unparse(uri),
    name: nameOf(uri.path ?? "/"),
    collection: /<DAV:collection[\s/>]/.test(prop("DAV:", "resourcetype") ?? ""),
    size: numberOf(text("getcontentlength")),
    modified: dateOf(text("getlastmodified")),
    created: dateOf(text("creationdate")),
    etag: text("getetag"),
    content_type: text("getcontenttype"),
    prop,
    props,
    status,
  });
}

function propsOf(set: ne_prop_result_set): readonly nx_resource_prop[] {
  const props: nx_resource_prop[] = [];
  ne_propset_iterate(set, (_userdata, pname, value, st) => {
    // all zero stands for none
    const status = st.klass === 0 ? null : st;
    const lang = ne_propset_lang(set, pname);
    const nspace = pname.nspace ?? "";
    props.push(Object.freeze({ nspace, name: pname.name ?? "", value, status, lang }));
    return 0;
  });
  return Object.freeze(props);
}

/** Whether a resource is on the server that was asked. */
export function isOwn(uri: Readonly<ne_uri>, server: Readonly<ne_uri>): boolean {
  if (uri.host === null) return true;
  return (
    (uri.scheme ?? "").toLowerCase() === (server.scheme ?? "").toLowerCase() &&
    uri.host.toLowerCase() === (server.host ?? "").toLowerCase() &&
    portOf(uri) === portOf(server)
  );
}

function portOf({ scheme, port }: Readonly<ne_uri>): number {
  if (port !== 0) return port;
  return scheme?.toLowerCase() === "https" ? 443 : 80;
}

function nameOf(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  const last = path.slice(path.lastIndexOf("/", end - 1) + 1, end);
  return ne_path_unescape(last) ?? last;
}

function numberOf(text: string | null): number | null {
  const value = text !== null && /^[0-9]+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : null;
}

// Servers mix up the two formats.
function dateOf(text: string | null): Date | null {
  if (text === null) return null;
  const http = ne_httpdate_parse(text);
  const seconds = http === -1 ? ne_iso8601_parse(text) : http;
  return seconds === -1 ? null : new Date(seconds * 1000);
}
