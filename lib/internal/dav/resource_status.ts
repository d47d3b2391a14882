// A resource in a 207 response can have a status as a whole, with properties or without (RFC 4918
// section 14.24). neon's result callback for PROPFIND never hears of it; one that carries this key
// does, so that a listing can show what the server said.
import type { ne_status } from "../../ne_utils.js";
import type { ne_uri } from "../../ne_uri.js";

/** The key, on a result callback. */
export const wholeStatus: unique symbol = Symbol("wholeStatus");

export interface WholeStatus {
  /** Set to the status of the resource as a whole before the callback is called for it. */
  status: Readonly<ne_status> | null;
  /** Called for a resource without any property, in place of the callback. */
  bare(uri: Readonly<ne_uri>): void | Promise<void>;
}

/** What a result callback carries. */
export function wholeStatusOf(results: object): WholeStatus | null {
  return (results as { [wholeStatus]?: WholeStatus })[wholeStatus] ?? null;
}
