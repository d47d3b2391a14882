// One resource of a response, made of what a response element says about it.
import type { ne_status } from "../../ne_utils.js";
import type { Place } from "../uri/membership.js";
import { parseDate } from "./dates.js";
import { childOf, DAV, type nx_element } from "./element.js";
import type { nx_resource_prop, Response } from "./response_element.js";

/** One resource of a directory listing or property search. */
export interface nx_resource {
  /** whether it is the collection that was asked for, rather than a member of it */
  readonly self: boolean;
  /**
   * the resource's URL path, percent-encoded, with the query if its href has one. It is a path on
   * the session's server, whatever host the href names
   */
  readonly path: string;
  /**
   * the last segment of the path, decoded; `""` for the root. Bytes that are not UTF-8 are U+DC80
   * to U+DCFF, which `nx_path` turns back. It may contain any character: check it before you use it
   * as a file name
   */
  readonly name: string;
  /** whether it is a collection (a folder) */
  readonly collection: boolean;
  /** size of its content in bytes, `null` if unknown */
  readonly size: number | null;
  /** when it was last changed, `null` if unknown */
  readonly modified: Date | null;
  /** when it was created, `null` if unknown */
  readonly created: Date | null;
  /** its entity tag, with the quotes, or `null` */
  readonly etag: string | null;
  /** its media type, `null` if unknown */
  readonly content_type: string | null;
  /** the flat value of any property that was returned, or `null` */
  prop(nspace: string, name: string): string | null;
  /**
   * the same as a tree whose root is the property element; `null` for a property without elements
   * in it
   */
  element(nspace: string, name: string): nx_element | null;
  /** every property, with its status */
  readonly props: readonly nx_resource_prop[];
  /** the status of the resource as a whole, or `null` if the response has none */
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
].map((name) => ({ nspace: DAV, name }));

class Resource implements nx_resource {
  collection = false;
  size: number | null = null;
  modified: Date | null = null;
  created: Date | null = null;
  etag: string | null = null;
  content_type: string | null = null;
  readonly self: boolean;
  readonly path: string;
  readonly name: string;
  readonly props: readonly nx_resource_prop[];
  readonly status: Readonly<ne_status> | null;
  readonly #trees: Response["trees"];

  constructor({ kind, path, name }: Place, response: Response) {
    this.self = kind === "self";
    this.path = path;
    this.name = name;
    this.props = response.props;
    this.status = response.status;
    this.#trees = response.trees;
    const { props } = response;
    for (let i = 0; i < props.length; i++) {
      const prop = props[i];
      if (prop !== undefined && prop.nspace === DAV) this.#takeStandard(prop, i);
    }
  }

  #takeStandard({ name, value }: nx_resource_prop, i: number): void {
    if (value === null) return;
    switch (name) {
      case "resourcetype": {
        const tree = this.#trees[i] ?? null;
        if (tree !== null && childOf(tree, DAV, "collection") !== null) this.collection = true;
        break;
      }
      case "getcontentlength":
        this.size ??= numberOf(value);
        break;
      case "getlastmodified":
        this.modified ??= dateOf(value);
        break;
      case "creationdate":
        this.created ??= dateOf(value);
        break;
      case "getetag":
        this.etag ??= value.trim() || null;
        break;
      case "getcontenttype":
        this.content_type ??= value.trim() || null;
        break;
    }
  }

  prop(nspace: string, name: string): string | null {
    return this.props[this.#find(nspace, name)]?.value ?? null;
  }

  element(nspace: string, name: string): nx_element | null {
    return this.#trees[this.#find(nspace, name)] ?? null;
  }

  // of a property that is named twice, the one that has a value
  #find(nspace: string, name: string): number {
    return this.props.findIndex(
      (prop) => prop.name === name && prop.nspace === nspace && prop.value !== null,
    );
  }
}

/** Makes a resource of what a response says about an href. */
export function makeResource(place: Place, response: Response): nx_resource {
  return new Resource(place, response);
}

/** A count of bytes as a server writes it; `null` for what is none, or too large to be one. */
export function numberOf(text: string): number | null {
  const digits = text.trim();
  if (digits === "") return null;
  let value = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : null;
}

function dateOf(text: string): Date | null {
  const time = parseDate(text);
  return Number.isNaN(time) ? null : new Date(time);
}
