// LOCK, refreshing and UNLOCK as requests that are ready to be dispatched, and what their responses
// say: for ne_locks.h, and for locks that look after themselves.
import { printable } from "../base/bytes.js";
import { NE_DEPTH_ONE, NE_DEPTH_ZERO, NE_OK } from "../base/constants.js";
import { failResponse } from "../session/failed_response.js";
import { misuse, type ne_request, type ne_session } from "../base/handle.js";
import { needObject, needXmlText } from "../base/arguments.js";
import {
  codedToken,
  type LockRecord,
  NE_TIMEOUT_INFINITE,
  ne_lockscope_shared,
} from "../plugins/lock_record.js";
import { ne_lock_using_parent, ne_lock_using_resource } from "../plugins/lock_submission.js";
import { isXmlType, parseContentType } from "../http/content_type.js";
import {
  endDocument,
  addDocumentReader,
  refuseDocument,
} from "../multistatus/response_document.js";
import { endOutcomeReader, tellFailure, addOutcomeReader } from "../multistatus/outcome_reader.js";
import { newRequest } from "../session/create_request.js";
import {
  NE_REQFLAG_IDEMPOTENT,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_dispatch,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "../../ne_request.js";
import { NE_XML_MEDIA_TYPE } from "../../ne_xml.js";
import { type ActiveLock, newActiveLock, readActiveLocks } from "./active_lock.js";

/** The request that takes a lock. */
export function lockRequest(caller: string, sess: ne_session, lock: LockRecord): ne_request {
  const path = pathOf(caller, lock);
  const timeout = timeoutField(caller, lock);
  const body = lockinfo(caller, lock);
  const req = newRequest(sess, "LOCK", path, caller);
  ne_set_request_body_buffer(req, Buffer.from(body));
  ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
  const isShallow = lock.depth === NE_DEPTH_ZERO || lock.depth === NE_DEPTH_ONE;
  ne_add_request_header(req, "Depth", isShallow ? String(lock.depth) : "infinity");
  if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);
  ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  ne_lock_using_parent(req, path);
  ne_lock_using_resource(req, path, lock.depth);
  return req;
}

/** The request that refreshes a lock. */
export function refreshRequest(
  caller: string,
  sess: ne_session,
  lock: Readonly<LockRecord>,
): ne_request {
  const path = pathOf(caller, lock);
  const token = codedToken(caller, lock);
  const timeout = timeoutField(caller, lock);
  const req = newRequest(sess, "LOCK", path, caller);
  ne_add_request_header(req, "If", `(${token})`);
  if (timeout !== null) ne_add_request_header(req, "Timeout", timeout);
  ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  return req;
}

/** The request that gives a lock back. */
export function unlockRequest(
  caller: string,
  sess: ne_session,
  lock: Readonly<LockRecord>,
): ne_request {
  const path = pathOf(caller, lock);
  const token = codedToken(caller, lock);
  const req = newRequest(sess, "UNLOCK", path, caller);
  ne_add_request_header(req, "Lock-Token", token);
  ne_lock_using_parent(req, path);
  return req;
}

function pathOf(caller: string, lock: Readonly<LockRecord>): string {
  needObject(lock, caller, "the lock");
  needObject(lock.uri, caller, "the lock's uri");
  if (lock.uri.path === null) throw misuse(caller, "the lock's uri has no path");
  return lock.uri.path;
}

function timeoutField(caller: string, { timeout }: Readonly<LockRecord>): string | null {
  if (timeout === NE_TIMEOUT_INFINITE) return "Infinite";
  if (!Number.isSafeInteger(timeout)) throw misuse(caller, "the lock's timeout is not a number");
  return timeout > 0 ? `Second-${timeout}` : null;
}

function lockinfo(caller: string, lock: Readonly<LockRecord>): string {
  const scope = lock.scope === ne_lockscope_shared ? "shared" : "exclusive";
  const text = lock.owner === null ? null : needXmlText(lock.owner, caller, "the lock's owner");
  const owner = text === null ? "" : `<owner>${text}</owner>\n`;
  return (
    `<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns='DAV:'>\n` +
    ` <lockscope><${scope}/></lockscope>\n<locktype><write/></locktype>${owner}</lockinfo>\n`
  );
}

/** What came of a LOCK. */
export interface Locked {
  readonly ret: number;
  /** The token that was looked for. */
  readonly token: string | null;
  /** The lock; `null` where `ret` is not `NE_OK`, too. */
  readonly found: ActiveLock | null;
}

/**
 * Sends a LOCK and looks for the lock with this token, or else with that of the Lock-Token field;
 * without one, for the only lock there is. Once it was found, what follows does not matter.
 */
export async function dispatchLock(req: ne_request, wanted: string | null): Promise<Locked> {
  const answer: { token: string | null; all: ActiveLock[] } = { token: wanted, all: [] };
  const document = addDocumentReader(
    req,
    (xml) => {
      answer.token = wanted ?? tokenField(req);
      answer.all = [];
      readActiveLocks(xml, {
        takesRoot: () => true,
        parent: 0,
        ownerText: "around",
        begin: newActiveLock,
        end: (active) => keep(answer.all, active, answer.token),
      });
      const { klass, code } = ne_get_status(req);
      return klass === 2 && (code !== 207 || wanted !== null);
    },
    false,
  );
  const reader = addOutcomeReader(req, false);
  try {
    const ret = await ne_request_dispatch(req);
    if (ret !== NE_OK) return { ret, token: null, found: null };
    const { klass, code } = ne_get_status(req);
    const { token } = answer;
    const found = klass === 2 ? theLock(answer.all, token) : null;
    if (klass !== 2 || (code === 207 && found === null)) {
      tellFailure(req, reader);
      return { ret: failResponse(req), token, found: null };
    }
    if (found === null && document.fault !== null && !document.isEmpty) {
      refuseLock(req, document.fault);
      return { ret: failResponse(req), token, found };
    }
    return { ret: NE_OK, token, found };
  } finally {
    endDocument(document);
    endOutcomeReader(reader);
  }
}

/** Locks kept of a response: more than one without the token wanted tell nothing more. */
const MAX_KEPT = 8;

function keep(all: ActiveLock[], active: ActiveLock, token: string | null): void {
  const isWanted = token !== null && active.lock.token === token;
  if (isWanted || all.length < MAX_KEPT) all.push(active);
}

function theLock(all: readonly ActiveLock[], token: string | null): ActiveLock | null {
  if (token !== null) return all.find(({ lock }) => lock.token === token) ?? null;
  const [only, ...more] = all;
  return only !== undefined && more.length === 0 && only.lock.token !== null ? only : null;
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

// A response of another type than XML may be anything, so its type says more than the parser.
function refuseLock(req: ne_request, fault: string): number {
  const field = ne_get_response_header(req, "Content-Type");
  const type = field === null ? null : parseContentType(field);
  if (type !== null && isXmlType(type)) return refuseDocument(req, fault);
  const shown = field === null ? "without Content-Type" : `of type ${printable(field)}`;
  return refuseDocument(req, `an answer to LOCK ${shown}: ${fault}`);
}
