// ne_acl3744.h: access control lists (RFC 3744).
import { setAcl, type Ace } from "./internal/dav/acl_request.js";
import { misuse, type ne_session } from "./internal/base/handle.js";

/** Privilege `read`. */
export const NE_ACL_READ = 0x0001;
/** Privilege `write`. */
export const NE_ACL_WRITE = 0x0002;
/** Privilege `write-properties`. */
export const NE_ACL_WRITE_PROPERTIES = 0x0004;
/** Privilege `write-content`. */
export const NE_ACL_WRITE_CONTENT = 0x0008;
/** Privilege `unlock`. */
export const NE_ACL_UNLOCK = 0x0010;
/** Privilege `read-acl`. */
export const NE_ACL_READ_ACL = 0x0020;
/**
 * The privilege to read one's own privileges; sent as `read-current-user-privileges-set`, as the
 * reference version spells it.
 */
export const NE_ACL_READ_CUPRIVSET = 0x0040;
/** Privilege `write-acl`. */
export const NE_ACL_WRITE_ACL = 0x0080;
/** Privilege `bind`. */
export const NE_ACL_BIND = 0x0100;
/** Privilege `unbind`. */
export const NE_ACL_UNBIND = 0x0200;
/** Privilege `all`. */
export const NE_ACL_ALL = 0x0400;

/** Applies to the principal whose URL is `tname`. */
export const ne_acl_href = 0;
/** Applies to the principal in the property named `tname`. */
export const ne_acl_property = 1;
/** Applies to everybody. */
export const ne_acl_all = 2;
/** Applies to authenticated users. */
export const ne_acl_authenticated = 3;
/** Applies to users that are not authenticated. */
export const ne_acl_unauthenticated = 4;
/** Applies to the principal that the resource itself is. */
export const ne_acl_self = 5;
/** To whom an entry applies (`enum ne_acl_target`). */
export type ne_acl_target =
  | typeof ne_acl_href
  | typeof ne_acl_property
  | typeof ne_acl_all
  | typeof ne_acl_authenticated
  | typeof ne_acl_unauthenticated
  | typeof ne_acl_self;

/** Grant the privileges. */
export const ne_acl_grant = 0;
/** Deny the privileges. */
export const ne_acl_deny = 1;
/** What an entry does (`enum ne_acl_optype`). */
export type ne_acl_optype = typeof ne_acl_grant | typeof ne_acl_deny;

/** One entry of an access control list. */
export class ne_acl_entry {
  /** To whom it applies. */
  target: ne_acl_target = ne_acl_href;
  /** What it does. */
  type: ne_acl_optype = ne_acl_grant;
  /**
   * Required for `ne_acl_href` (a URL) and `ne_acl_property` (an element name, with an xmlns
   * attribute if it is not in `DAV:`); put into the request as it is.
   */
  tname: string | null = null;
  /** `NE_ACL_*` bits combined with `|`. */
  privileges = 0;
}

// in the order of the request
const PRIVILEGES: readonly (readonly [number, string])[] = [
  [NE_ACL_READ, "read"],
  [NE_ACL_WRITE, "write"],
  [NE_ACL_WRITE_PROPERTIES, "write-properties"],
  [NE_ACL_WRITE_CONTENT, "write-content"],
  [NE_ACL_UNLOCK, "unlock"],
  [NE_ACL_READ_ACL, "read-acl"],
  [NE_ACL_READ_CUPRIVSET, "read-current-user-privileges-set"],
  [NE_ACL_WRITE_ACL, "write-acl"],
  [NE_ACL_BIND, "bind"],
  [NE_ACL_UNBIND, "unbind"],
  [NE_ACL_ALL, "all"],
];

/**
 * ACL: replaces the list of the resource. Uses locks on `path`.
 * @returns the code of `ne_request_dispatch`, but `NE_ERROR` for a 207 response and for a status
 *   outside 2xx. (For the latter the reference version gives `NE_OK`.)
 *
 * @example
 * ```ts
 * const all = new ne_acl_entry();
 * all.target = ne_acl_all;
 * all.privileges = NE_ACL_READ | NE_ACL_READ_ACL;
 * if ((await ne_acl3744_set(sess, "/public/", [all])) !== NE_OK) console.error(ne_get_error(sess));
 * ```
 */
export async function ne_acl3744_set(
  sess: ne_session,
  path: string,
  entries: readonly Readonly<ne_acl_entry>[],
): Promise<number> {
  return setAcl("ne_acl3744_set", sess, path, entries, aceOf);
}

function aceOf(entry: Readonly<ne_acl_entry>): Ace {
  return {
    principal: principal(entry),
    effect: entry.type === ne_acl_deny ? "deny" : "grant",
    privileges: PRIVILEGES.filter(([bit]) => (entry.privileges & bit) !== 0).map(
      ([, name]) => name,
    ),
  };
}

function principal({ target, tname }: Readonly<ne_acl_entry>): string {
  const caller = "ne_acl3744_set";
  if (tname === null && (target === ne_acl_href || target === ne_acl_property)) {
    throw misuse(caller, "an entry for an href or a property needs its tname");
  }
  switch (target) {
    case ne_acl_href:
      return `<href>${tname}</href>`;
    case ne_acl_property:
      return `<property><${tname}/></property>`;
    case ne_acl_all:
      return "<all/>";
    case ne_acl_authenticated:
      return "<authenticated/>";
    case ne_acl_unauthenticated:
      return "<unauthenticated/>";
    case ne_acl_self:
      return "<self/>";
    default:
      throw misuse(caller, "an entry has an unknown target");
  }
}
