// ne_locks.h: LOCK, UNLOCK, refreshing and discovery. The store and the If field are in
// internal/guests/lock_store.ts, where ne_basic can reach them; what answers say of locks is read
// by internal/dav/active_lock.ts.
import { printable } from "./internal/base/bytes.js";
import { NE_DEPTH_ZERO, NE_ERROR, NE_OK } from "./internal/base/constants.js";
import { type ActiveLock, newActiveLock, readActiveLocks } from "./internal/dav/active_lock.js";
import { newRequest } from "./internal/session/create_request.js";
import { misuse, needHandle, type ne_request, type ne_session } from "./internal/base/handle.js";
import { isXmlType, parseContentType } from "./internal/http/content_type.js";
import { checkTarget } from "./internal/http/request_head.js";
import {
  codedToken,
  type LockRecord,
  NE_TIMEOUT_INFINITE,
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockscope_shared,
} from "./internal/guests/lock_store.js";
import { needCallback, needObject } from "./internal/base/arguments.js";
import { endAnswer, readAnswer, refuseAnswer } from "./internal/multistatus/answer_document.js";
import {
  dispatchForOutcome,
  endWatch,
  tellFailure,
  watchOutcome,
} from "./internal/multistatus/watch.js";
import { NE_207_STATE_PROP } from "./ne_207.js";
import { ne_add_depth_header } from "./ne_basic.js";
import {
  ne_propfind_create,
  ne_propfind_destroy,
  ne_propfind_get_parser,
  ne_propfind_named,
  ne_propfind_set_private,
  ne_propset_private,
} from "./ne_props.js";
import {
  NE_REQFLAG_IDEMPOTENT,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "./ne_request.js";
import { ne_set_error } from "./ne_session.js";
import { type ne_uri, ne_uri_copy } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";
import { NE_XML_MEDIA_TYPE } from "./ne_xml.js";

export {
  NE_TIMEOUT_INFINITE,
  NE_TIMEOUT_INVALID,
  ne_lock_copy,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_free,
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_findbyuri,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_register,
  ne_lockstore_remove,
  ne_locktype_write,
} from "./internal/guests/lock_store.js";
export type { ne_lock_scope, ne_lock_store, ne_lock_type } from "./internal/guests/lock_store.js";

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
  const path = pathOf("ne_lock", lock);
  const timeout = timeoutField("ne_lock", lock);
  const req = newRequest(sess, "LOCK", path, "ne_lock");
  try {
    ne_set_request_body_buffer(req, Buffer.from(lockinfo(lock)));
    ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
    ne_add_depth_header(req, lock.depth);
    if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);
    ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
    ne_lock_using_parent(req, path);
    ne_lock_using_resource(req, path, lock.depth);

    const { ret, token, found } = await dispatch(req, null);
    if (ret !== NE_OK) return ret;
    if (found === null) {
      if (token === null) ne_set_error(sess, "LOCK response missing Lock-Token header");
      else ne_set_error(sess, "Response missing activelock for %s", printable(token));
      return NE_ERROR;
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
  const path = pathOf("ne_unlock", lock);
  const token = codedToken("ne_unlock", lock);
  const req = newRequest(sess, "UNLOCK", path, "ne_unlock");
  try {
    ne_add_request_header(req, "Lock-Token", token);
    ne_lock_using_parent(req, path);
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
  const path = pathOf("ne_lock_refresh", lock);
  const token = codedToken("ne_lock_refresh", lock);
  const timeout = timeoutField("ne_lock_refresh", lock);
  const req = newRequest(sess, "LOCK", path, "ne_lock_refresh");
  try {
    ne_add_request_header(req, "If", `(${token})`);
    if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);
    ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);

    const { ret, found } = await dispatch(req, lock.token);
    if (ret !== NE_OK) return ret;
    if (found === null) {
      ne_set_error(sess, "No activelock for %s returned in LOCK refresh response", token);
      return NE_ERROR;
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
 * element that shows a lock (never without one, as in neon); with several locks on a resource it
 * gets the values that came last.
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
  const handler = ne_propfind_create(sess, path, NE_DEPTH_ZERO);
  try {
    let active = newActiveLock();
    ne_propfind_set_private(handler, (_u, uri) => {
      active = newActiveLock();
      ne_uri_copy(active.lock.uri, uri);
      return active;
    });
    readActiveLocks(ne_propfind_get_parser(handler), {
      takesRoot: () => false,
      parent: NE_207_STATE_PROP,
      cutsOwner: true,
      begin: () => active,
      end: () => {},
    });
    const names = [{ nspace: "DAV:", name: "lockdiscovery" }];
    return await ne_propfind_named(handler, names, (_u, uri, set) => {
      const { lock } = ne_propset_private<ActiveLock>(set)!;
      if (lock.token !== null) return result((userdata ?? null) as T, lock, uri, null);
    });
  } finally {
    ne_propfind_destroy(handler);
  }
}

// ---- requests

function pathOf(caller: string, lock: Readonly<ne_lock>): string {
  needObject(lock, caller, "the lock");
  needObject(lock.uri, caller, "the lock's uri");
  if (lock.uri.path === null) throw misuse(caller, "the lock's uri has no path");
  return lock.uri.path;
}

function timeoutField(caller: string, { timeout }: Readonly<ne_lock>): string | null {
  if (timeout === NE_TIMEOUT_INFINITE) return "Infinite";
  if (!Number.isSafeInteger(timeout)) throw misuse(caller, "the lock's timeout is not a number");
  return timeout > 0 ? `Second-${timeout}` : null;
}

function lockinfo(lock: Readonly<ne_lock>): string {
  const scope = lock.scope === ne_lockscope_shared ? "shared" : "exclusive";
  const owner = lock.owner === null ? "" : `<owner>${lock.owner}</owner>\n`;
  return (
    `<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns='DAV:'>\n` +
    ` <lockscope><${scope}/></lockscope>\n<locktype><write/></locktype>${owner}</lockinfo>\n`
  );
}

/** What came of a LOCK. */
interface Locked {
  readonly ret: number;
  readonly token: string | null;
  readonly found: ActiveLock | null;
}

// Sends a LOCK and looks for the lock with this token, or else with that of the Lock-Token field;
// without one, for the only lock there is. Once it was found, what follows does not matter.
async function dispatch(req: ne_request, wanted: string | null): Promise<Locked> {
  const answer: { token: string | null; all: ActiveLock[] } = { token: wanted, all: [] };
  const document = readAnswer(
    req,
    (xml) => {
      answer.token = wanted ?? tokenField(req);
      answer.all = [];
      readActiveLocks(xml, {
        takesRoot: () => true,
        parent: 0,
        cutsOwner: false,
        begin: newActiveLock,
        end: (active) => keep(answer.all, active, answer.token),
      });
      const { klass, code } = ne_get_status(req);
      return klass === 2 && (code !== 207 || wanted !== null);
    },
    false,
  );
  const watch = watchOutcome(req, false);
  try {
    const ret = await ne_request_dispatch(req);
    if (ret !== NE_OK) return { ret, token: null, found: null };
    const { klass, code } = ne_get_status(req);
    const { token } = answer;
    const found = klass === 2 ? theLock(answer.all, token) : null;
    if (klass !== 2 || (code === 207 && found === null)) {
      tellFailure(req, watch);
      return { ret: NE_ERROR, token, found: null };
    }
    if (found === null && document.fault !== null && !document.isEmpty) {
      return { ret: refuseLock(req, document.fault), token, found };
    }
    return { ret: NE_OK, token, found };
  } finally {
    endAnswer(document);
    endWatch(watch);
  }
}

/** Locks kept of an answer: more than one without the token wanted tell nothing more. */
const MAX_KEPT = 8;

function keep(all: ActiveLock[], active: ActiveLock, token: string | null): void {
  const isWanted = token !== null && active.lock.token === token;
  if (isWanted || all.length < MAX_KEPT) all.push(active);
}

function theLock(all: readonly ActiveLock[], token: string | null): ActiveLock | null {
  if (token !== null) return all.find(({ lock }) => lock.token === token) ?? null;
  return all.length === 1 && all[0]!.lock.token !== null ? all[0]! : null;
}

function tokenField(req: ne_request): string | null {
  const field = ne_get_response_header(req, "Lock-Token");
  if (field === null) return null;
  const start = field.startsWith("<") ? 1 : 0;
  let end = field.length;
  while (end > start + 1 && field[end - 1] === ">") end--;
  // a field that could not be sent back names no lock, as the token of a lock is looked at
  return field.slice(start, end);
}

// An answer of another type than XML may be anything, so its type says more than the parser.
function refuseLock(req: ne_request, fault: string): number {
  const field = ne_get_response_header(req, "Content-Type");
  const type = field === null ? null : parseContentType(field);
  if (type !== null && isXmlType(type)) return refuseAnswer(req, fault);
  const shown = field === null ? "without Content-Type" : `of type ${printable(field)}`;
  return refuseAnswer(req, `an answer to LOCK ${shown}: ${fault}`);
}
