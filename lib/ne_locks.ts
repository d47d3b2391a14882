// ne_locks.h: LOCK, UNLOCK, refreshing and discovery. The store and the If field are in
// internal/plugins/lock_*.ts, where ne_basic can reach them; what responses say of locks is read by
// internal/dav/active_lock.ts.
import { printable } from "./internal/base/bytes.js";
import { NE_DEPTH_ZERO, NE_OK } from "./internal/base/constants.js";
import { newActiveLock, readActiveLocks } from "./internal/dav/active_lock.js";
import {
  dispatchLock,
  lockRequest,
  refreshRequest,
  unlockRequest,
} from "./internal/dav/lock_method.js";
import { needHandle, type ne_session } from "./internal/base/handle.js";
import { failResponse } from "./internal/session/failed_response.js";
import { checkTarget } from "./internal/http/request_head.js";
import type { LockRecord } from "./internal/plugins/lock_record.js";
import { needCallback } from "./internal/base/arguments.js";
import { dispatchForOutcome } from "./internal/multistatus/outcome_reader.js";
import { HEALS_HREFS } from "./internal/multistatus/href.js";
import { baseOf } from "./internal/multistatus/reference_base.js";
import {
  NE_207_STATE_PROP,
  ne_207_create,
  ne_207_destroy,
  ne_207_set_flags,
  ne_207_set_response_handlers,
  ne_accept_207,
} from "./ne_207.js";
import { ne_add_depth_header } from "./ne_basic.js";
import {
  ne_add_request_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_set_request_body_buffer,
} from "./ne_request.js";
import { NE_XML_MEDIA_TYPE, ne_xml_create, ne_xml_destroy } from "./ne_xml.js";
import { ne_xml_dispatchif_request } from "./ne_xmlreq.js";
import { ne_set_error } from "./ne_session.js";
import { type ne_uri, ne_uri_copy } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";

export {
  NE_TIMEOUT_INFINITE,
  NE_TIMEOUT_INVALID,
  ne_lock_copy,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_free,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
  ne_locktype_write,
} from "./internal/plugins/lock_record.js";
export {
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_findbyuri,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_remove,
} from "./internal/plugins/lock_store.js";
export {
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockstore_register,
} from "./internal/plugins/lock_submission.js";
export type { ne_lock_scope, ne_lock_type } from "./internal/plugins/lock_record.js";
export type { ne_lock_store } from "./internal/plugins/lock_store.js";

/**
 * A lock (`struct ne_lock`). The function `ne_lock` has the same name, so this is a type only: make
 * one with `ne_lock_create`, or as a plain object.
 */
export interface ne_lock extends LockRecord {}

/**
 * LOCK. Uses `uri.path`, depth, scope, owner and timeout (a Timeout field is sent for a positive
 * number or `NE_TIMEOUT_INFINITE`); not idempotent; uses locks on the resource and on its parent.
 * On success token, scope and type are set from the response, and depth, owner and timeout where it
 * gives them readably. The lock is not added to any store.
 * @returns `NE_OK`; `NE_ERROR` also for a 207 response (the session error lists its failures), or
 *   one without an active lock of the Lock-Token field, or without that field and with other than
 *   one lock; else as `ne_request_dispatch`, a status outside 2xx being `NE_ERROR`.
 *
 * @example
 * ```ts
 * const lock = ne_lock_create();
 * ne_fill_server_uri(sess, lock.uri);
 * lock.uri.path = "/doc.txt";
 * lock.owner = "<href>mailto:me@example.com</href>";
 * lock.timeout = 600;
 * if ((await ne_lock(sess, lock)) !== NE_OK) console.error(ne_get_error(sess));
 * ```
 */
export async function ne_lock(sess: ne_session, lock: ne_lock): Promise<number> {
  const req = lockRequest("ne_lock", sess, lock);
  try {
    const { ret, token, found } = await dispatchLock(req, null);
    if (ret !== NE_OK) return ret;
    if (found === null) {
      if (token === null) ne_set_error(sess, "LOCK response missing Lock-Token header");
      else ne_set_error(sess, "Response missing activelock for %s", printable(token));
      return failResponse(req);
    }
    lock.token = found.lock.token;
    lock.scope = found.lock.scope;
    lock.type = found.lock.type;
    if (found.hasDepth) lock.depth = found.lock.depth;
    if (found.hasTimeout) lock.timeout = found.lock.timeout;
    if (found.lock.owner !== null) lock.owner = found.lock.owner;
    return NE_OK;
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * UNLOCK of `uri.path` with the lock's token; uses locks on the parent.
 * @returns as `ne_simple_request`.
 */
export async function ne_unlock(sess: ne_session, lock: Readonly<ne_lock>): Promise<number> {
  const req = unlockRequest("ne_unlock", sess, lock);
  try {
    return await dispatchForOutcome(req);
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * LOCK without body, to refresh; not idempotent. The timeout is sent as by `ne_lock`, and set from
 * the response on success.
 * @returns `NE_OK`; `NE_ERROR` also if the response does not contain the lock.
 */
export async function ne_lock_refresh(sess: ne_session, lock: ne_lock): Promise<number> {
  const req = refreshRequest("ne_lock_refresh", sess, lock);
  try {
    const { ret, found } = await dispatchLock(req, lock.token);
    if (ret !== NE_OK) return ret;
    if (found === null) {
      ne_set_error(sess, "No activelock for <%s> returned in LOCK refresh response", lock.token);
      return failResponse(req);
    }
    lock.timeout = found.lock.timeout;
    return NE_OK;
  } finally {
    ne_request_destroy(req);
  }
}

/**
 * Told about a discovered lock, while the response is being read.
 * @param lock the lock, with at least uri (its root, or else the resource's own) and token; `null`
 *   if the resource is not locked or discovery failed for it.
 * @param uri the resource asked about.
 * @param status `null` with a lock; else the status of the property, 2xx for "not locked".
 */
export type ne_lock_result<T = unknown> = (
  userdata: T,
  lock: Readonly<ne_lock> | null,
  uri: Readonly<ne_uri>,
  status: Readonly<ne_status> | null,
) => void | Promise<void>;

/**
 * PROPFIND of depth zero for the lockdiscovery property. `result` is called once per response
 * element that shows a lock (never without one, as in neon, nor for one whose token the server
 * hides: `nx_locks` tells of those); with several locks on a resource it gets the values that came
 * last. An href that is no URI is repaired, so that no lock is passed over.
 * @returns as `ne_propfind_named`.
 */
export async function ne_lock_discover<T>(
  sess: ne_session,
  path: string,
  result: ne_lock_result<T>,
  userdata?: T,
): Promise<number> {
  needCallback(result, "ne_lock_discover", "the result callback");
  needHandle(sess, "ne_session", "ne_lock_discover");
  checkTarget(path, "ne_lock_discover");
  const req = ne_request_create(sess, "PROPFIND", path);
  ne_add_depth_header(req, NE_DEPTH_ZERO);
  ne_set_request_body_buffer(req, Buffer.from(DISCOVERY));
  ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
  const xml = ne_xml_create();
  const multi = ne_207_create(xml, baseOf(sess, req));
  ne_207_set_flags(multi, HEALS_HREFS);
  let active = newActiveLock();
  const begin = (_u: unknown, uri: Readonly<ne_uri>): Readonly<ne_uri> => {
    active = newActiveLock();
    ne_uri_copy(active.lock.uri, uri);
    return uri;
  };
  ne_207_set_response_handlers(multi, begin, (_u, uri) => {
    const { lock } = active;
    if (lock.token !== null) return result((userdata ?? null) as T, lock, uri, null);
  });
  readActiveLocks(xml, {
    takesRoot: () => false,
    parent: NE_207_STATE_PROP,
    ownerText: "behind",
    begin: () => active,
    end: () => {},
  });
  try {
    const ret = await ne_xml_dispatchif_request(req, xml, ne_accept_207);
    return ret === NE_OK && ne_get_status(req).klass !== 2 ? failResponse(req) : ret;
  } finally {
    ne_207_destroy(multi);
    ne_xml_destroy(xml);
    ne_request_destroy(req);
  }
}

const DISCOVERY =
  '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>\n' +
  '<lockdiscovery xmlns="DAV:"/>\n</prop></propfind>\n';
