// One resource of an answer, made of what a response element says about it.
import type { ne_status } from "../../ne_utils.js";
import type { Place } from "../uri/membership.js";
import { parseDate } from "./dates.js";
import { childOf, DAV, type nx_element } from "./element.js";
import type { nx_resource_prop, Response } from "./response_element.js";

/** One resource of a directory listing or property search. */
export interface nx_resource {
  /** whether it is the collection that was asked for, not a member of it */
  readonly self: boolean;
  /**
   * the resource's URL path, still percent-encoded, with the query where its href has one. Requests
   * go to the session's server, whatever host the server names
   */
  readonly path: string;
  /**
   * the last part of the path, decoded; `""` for the root. Bytes that are not UTF-8 are U+DC80 to
   * U+DCFF, which `nx_path` takes back. It may hold any character that the
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
  /**
   * the same as a tree whose root is the property element, or `null`; kept only for properties with
   * elements in them
   */
  element(nspace: string, name: string): nx_element | null;
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
    this.props.forEach((prop, i) => this.#takeStandard(prop, i));
  }

  #takeStandard({ nspace, name, value }: nx_resource_prop, i: number): void {
    if (value === null || nspace !== DAV) return;
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
  const value = /^[0-9]+$/.test(digits) ? Number(digits) : NaN;
  return Number.isSafeInteger(value) ? value : null;
}

function dateOf(text: string): Date | null {
  const time = parseDate(text);
  return Number.isNaN(time) ? null : new Date(time);
}
