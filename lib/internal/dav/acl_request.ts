// The ACL request (RFC 3744, 8.1), for both interfaces to it.
import { newRequest } from "../session/create_request.js";
import type { ne_session } from "../base/handle.js";
import { ne_lock_using_resource } from "../plugins/lock_submission.js";
import { needList, needObject, needXmlText } from "../base/arguments.js";
import { dispatchForNoMultistatus } from "../multistatus/outcome_reader.js";
import {
  ne_add_request_header,
  ne_request_destroy,
  ne_set_request_body_buffer,
} from "../../ne_request.js";
import { NE_XML_MEDIA_TYPE } from "../../ne_xml.js";

/** What one entry says. */
export interface Ace {
  /** The element that says whom it is for. */
  principal: string;
  effect: "grant" | "deny";
  /** Names of privileges, in the order of the request. */
  privileges: readonly string[];
}

/** Sends a list of entries. @returns as `ne_acl3744_set` */
export async function setAcl<Entry>(
  caller: string,
  sess: ne_session,
  path: string,
  entries: readonly Entry[],
  aceOf: (entry: Entry) => Ace,
): Promise<number> {
  needList(entries, caller, "entries");
  let body = `<?xml version="1.0" encoding="utf-8"?>\r\n<acl xmlns='DAV:'>\r\n`;
  for (const entry of entries) {
    needObject(entry, caller, "every entry");
    body += needXmlText(aceElement(aceOf(entry)), caller, "an entry");
  }
  const req = newRequest(sess, "ACL", path, caller);
  try {
    ne_lock_using_resource(req, path, 0);
    ne_set_request_body_buffer(req, Buffer.from(`${body}</acl>\r\n`));
    ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
    return await dispatchForNoMultistatus(req);
  } finally {
    ne_request_destroy(req);
  }
}

function aceElement({ principal, effect, privileges }: Ace): string {
  const names = privileges.map((name) => `<privilege><${name}/></privilege>\r\n`).join("");
  return (
    `<ace>\r\n<principal>${principal}\r\n</principal>\r\n` +
    `<${effect}>\r\n${names}</${effect}>\r\n</ace>\r\n`
  );
}
