// The locks that a request has to show, by its method (RFC 4918 sections 7 and 9), as the functions
// of ne_basic and ne_props show theirs. Where the caller writes an If field, that is all there is.
import { firstValue } from "../http/field_pairs.js";
import { NE_DEPTH_INFINITE, NE_DEPTH_ZERO } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { ne_lock_using_parent, ne_lock_using_resource } from "../plugins/lock_submission.js";
import { ne_uri, ne_uri_parse } from "../../ne_uri.js";
import type { Field } from "./header_list.js";

/** What a method changes: the resource, all below it, its parent's members; a destination. */
interface Change {
  readonly depth: number | null;
  readonly parent: boolean;
  readonly destination: boolean;
}

const IN_PLACE: Change = { depth: NE_DEPTH_ZERO, parent: false, destination: false };
const MAKING: Change = { depth: NE_DEPTH_ZERO, parent: true, destination: false };

const CHANGES: ReadonlyMap<string, Change> = new Map([
  ["PROPPATCH", IN_PLACE],
  ["ACL", IN_PLACE],
  ["POST", IN_PLACE],
  ["PUT", MAKING],
  ["PATCH", MAKING],
  ["MKCOL", MAKING],
  ["MKCALENDAR", MAKING],
  ["DELETE", { depth: NE_DEPTH_INFINITE, parent: true, destination: false }],
  ["MOVE", { depth: NE_DEPTH_INFINITE, parent: true, destination: true }],
  ["COPY", { depth: null, parent: false, destination: true }],
]);

/** Makes a request carry the tokens of the session's locks that it needs. */
export function submitLocks(
  req: ne_request,
  method: string,
  target: string,
  fields: readonly Field[],
): void {
  const change = CHANGES.get(method);
  const path = pathOf(target);
  if (change === undefined || path === null || firstValue(fields, "if") !== null) return;
  if (change.depth !== null) ne_lock_using_resource(req, path, change.depth);
  if (change.parent) ne_lock_using_parent(req, path);
  const destination = change.destination ? pathOf(firstValue(fields, "destination") ?? "") : null;
  if (destination === null) return;
  ne_lock_using_resource(req, destination, NE_DEPTH_INFINITE);
  ne_lock_using_parent(req, destination);
}

function pathOf(reference: string): string | null {
  const uri = new ne_uri();
  return ne_uri_parse(reference, uri) === 0 && uri.path !== "" ? uri.path : null;
}
