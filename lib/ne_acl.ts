// ne_acl.h: the old interface to access control lists, deprecated in favour of ne_acl3744. In C the
// two headers exclude each other; here this one's ne_acl_entry is to be imported from this module.
import { setAcl, type Ace } from "./internal/dav/acl_request.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import {
  ne_acl_all,
  ne_acl_deny,
  ne_acl_grant,
  ne_acl_href,
  ne_acl_property,
} from "./ne_acl3744.js";
export {
  ne_acl_all,
  ne_acl_deny,
  ne_acl_grant,
  ne_acl_href,
  ne_acl_property,
} from "./ne_acl3744.js";

/** One entry of an access control list. A privilege is named in the entry if its field is 0. */
export class ne_acl_entry {
  /** To whom the entry applies. */
  apply: typeof ne_acl_href | typeof ne_acl_property | typeof ne_acl_all = ne_acl_href;
  /** What it does. */
  type: typeof ne_acl_grant | typeof ne_acl_deny = ne_acl_grant;
  /**
   * Required for `ne_acl_href` (a URL) and `ne_acl_property` (an element name); put into the
   * request as it is.
   */
  principal: string | null = null;
  /** 0: `read`. */
  read = 0;
  /** 0: `read-acl`. */
  read_acl = 0;
  /** 0: `write`. */
  write = 0;
  /** 0: `write-acl`. */
  write_acl = 0;
  /** 0: `read-current-user-privilege-set`. */
  read_cuprivset = 0;
}

// in the order of the request
const PRIVILEGES = [
  ["read", "read"],
  ["read_acl", "read-acl"],
  ["write", "write"],
  ["write_acl", "write-acl"],
  ["read_cuprivset", "read-current-user-privilege-set"],
] as const;

/** ACL: replaces the list of the resource. Locks and result as `ne_acl3744_set`. */
export async function ne_acl_set(
  sess: ne_session,
  uri: string,
  entries: readonly Readonly<ne_acl_entry>[],
): Promise<number> {
  return setAcl("ne_acl_set", sess, uri, entries, aceOf);
}

function aceOf(entry: Readonly<ne_acl_entry>): Ace {
  return {
    principal: principal(entry),
    effect: entry.type === ne_acl_deny ? "deny" : "grant",
    privileges: PRIVILEGES.filter(([field]) => entry[field] === 0).map(([, name]) => name),
  };
}

function principal({ apply, principal }: Readonly<ne_acl_entry>): string {
  if (apply === ne_acl_all) return "<all/>";
  if (principal === null) {
    throw misuse("ne_acl_set", "an entry for an href or a property needs its principal");
  }
  return apply === ne_acl_href
    ? `<href>${principal}</href>`
    : `<property><${principal}/></property>`;
}
