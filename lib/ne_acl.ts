// ne_acl.h: the old interface to access control lists, deprecated in favour of ne_acl3744. In C the
// two headers exclude each other; here this one's ne_acl_entry is to be imported from this module.
import { needList, needObject } from "./internal/bytes.js";
import { NE_ERROR, NE_OK } from "./internal/constants.js";
import { newRequest } from "./internal/creation.js";
import { misuse, type ne_session } from "./internal/handle.js";
import { ne_lock_using_resource } from "./internal/lockstore.js";
import {
  ne_acl_all,
  ne_acl_deny,
  ne_acl_grant,
  ne_acl_href,
  ne_acl_property,
} from "./ne_acl3744.js";
import {
  ne_add_request_header,
  ne_get_status,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "./ne_request.js";
import { NE_XML_MEDIA_TYPE } from "./ne_xml.js";

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
  needList(entries, "ne_acl_set", "entries");
  const body = aclBody(entries);
  const req = newRequest(sess, "ACL", uri, "ne_acl_set");
  try {
    ne_lock_using_resource(req, uri, 0);
    ne_set_request_body_buffer(req, Buffer.from(body));
    ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
    const ret = await ne_request_dispatch(req);
    const status = ne_get_status(req);
    return ret === NE_OK && (status.klass !== 2 || status.code === 207) ? NE_ERROR : ret;
  } finally {
    ne_request_destroy(req);
  }
}

function aclBody(entries: readonly Readonly<ne_acl_entry>[]): string {
  let body = `<?xml version="1.0" encoding="utf-8"?>\r\n<acl xmlns='DAV:'>\r\n`;
  for (const entry of entries) {
    needObject(entry, "ne_acl_set", "every entry");
    const effect = entry.type === ne_acl_deny ? "deny" : "grant";
    body += `<ace>\r\n<principal>${principal(entry)}\r\n</principal>\r\n<${effect}>\r\n`;
    for (const [field, name] of PRIVILEGES) {
      if (entry[field] === 0) body += `<privilege><${name}/></privilege>\r\n`;
    }
    body += `</${effect}>\r\n</ace>\r\n`;
  }
  return `${body}</acl>\r\n`;
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
