// New collections, plain or with properties (RFC 5689, RFC 4791 section 5.3.1, RFC 6352 section
// 6.3.1), and those above them.
import type { ne_session } from "../base/handle.js";
import { ne_lock_using_parent, ne_lock_using_resource } from "../plugins/lock_submission.js";
import { nx_error } from "../script/nx_error.js";
import { carryOut } from "./command.js";
import { CALDAV, CARDDAV } from "../multistatus/condition_names.js";
import { stat } from "./stat.js";
import { PROLOGUE } from "./xml_text.js";

/** What a new collection is. */
export type CollectionKind = "collection" | "calendar" | "addressbook";

/** A collection to be made. */
export interface Making {
  readonly sess: ne_session;
  /** With a slash at its end. */
  readonly path: string;
  readonly kind: CollectionKind;
  /** Elements of a `DAV:prop`, `""` for none. */
  readonly props: string;
  /** The resourcetype is among them. */
  readonly hasType: boolean;
  readonly parents: boolean;
  readonly existsOk: boolean;
  readonly caller: string;
}

/** Makes it. */
export async function makeCollection(making: Making): Promise<void> {
  const missing = await attempt(making);
  if (missing === null) return;
  const above = parentOf(making.path);
  if (!making.parents || above === "/") throw missing;
  const plain = { kind: "collection", props: "", hasType: false } as const;
  await makeCollection({ ...making, ...plain, path: above, existsOk: true });
  const again = await attempt(making);
  if (again !== null) throw again;
}

// Throws what failed, but gives it where a collection above may be missing.
async function attempt(making: Making): Promise<nx_error | null> {
  const { sess, path, kind, existsOk, caller } = making;
  try {
    await carryOut({
      sess,
      method: kind === "calendar" ? "MKCALENDAR" : "MKCOL",
      path,
      body: bodyOf(making),
      caller,
      prepare: (req) => {
        ne_lock_using_resource(req, path, 0);
        ne_lock_using_parent(req, path);
      },
    });
    return null;
  } catch (error) {
    if (!(error instanceof nx_error)) throw error;
    if (existsOk && mayExist(error)) {
      const there = await stat(sess, path, [], caller);
      if (there?.collection === true) return null;
      throw error;
    }
    // 409 (RFC 4918 section 9.3.1); there are servers that say 404
    const code = error.status?.code;
    const mayBeMissing = code === 409 || code === 404;
    if (mayBeMissing && error.condition !== "resource-must-be-null") return error;
    throw error;
  }
}

function mayExist({ status, condition }: nx_error): boolean {
  return status?.code === 405 || condition === "resource-must-be-null";
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);
}

function bodyOf({ kind, props, hasType }: Making): string {
  if (kind === "calendar") {
    if (props === "") return "";
    const set = `<D:set><D:prop>${props}</D:prop></D:set>`;
    return `${PROLOGUE}<C:mkcalendar xmlns:C="${CALDAV}" xmlns:D="DAV:">${set}</C:mkcalendar>`;
  }
  if (kind === "collection" && props === "") return "";
  const type = kind === "addressbook" ? `<C:addressbook xmlns:C="${CARDDAV}"/>` : "";
  const types = hasType ? "" : `<D:resourcetype><D:collection/>${type}</D:resourcetype>`;
  const all = types + props;
  return `${PROLOGUE}<D:mkcol xmlns:D="DAV:"><D:set><D:prop>${all}</D:prop></D:set></D:mkcol>`;
}
