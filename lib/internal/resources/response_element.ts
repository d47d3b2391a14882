// What one response element of a multistatus document says.
import type { ne_status } from "../../ne_utils.js";
import type { nx_element } from "./element.js";

/** A property of a resource, as it was returned. */
export interface nx_resource_prop {
  /** namespace, `""` for none */
  readonly nspace: string;
  /** local name */
  readonly name: string;
  /** the flat value, `null` if the status is not 2xx */
  readonly value: string | null;
  /** the status of the property, `null` if the response has none */
  readonly status: Readonly<ne_status> | null;
  /** the language of the value (`xml:lang` of the property or an element around it), or `null` */
  readonly lang: string | null;
}

/** What a response says. */
export interface Response {
  /** At least one; `""` where the server named none, or an empty one. */
  readonly hrefs: readonly string[];
  readonly status: Readonly<ne_status> | null;
  readonly props: readonly nx_resource_prop[];
  /** The trees of properties that have elements, at the places of these in `props`. */
  readonly trees: readonly (nx_element | undefined)[];
  readonly description: string | null;
  /** The DAV condition that failed, `null` if none is named. */
  readonly condition: string | null;
}

/** Whether the server says of a resource as a whole that it failed. */
export function isRefused({ status }: Response): boolean {
  return status !== null && status.klass !== 2;
}
