// One request of a transfer: sent once, its response reduced to what a transfer asks about. A kept
// connection that ends without a response is a failure here, since what became of the request has
// to be looked at before it is repeated.
import { lastValue, type FieldPair } from "../http/field_pairs.js";
import { NE_ERROR, NE_OK, NE_RETRY } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { submitsLocks } from "../plugins/lock_submission.js";
import { sendOnce } from "../session/plugin_access.js";
import { sessions } from "../session/session.js";
import { ne_lock_using_parent, ne_lock_using_resource } from "../../ne_locks.js";
import {
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_set_request_flag,
  NE_REQFLAG_EXPECT100,
} from "../../ne_request.js";
import { ne_get_error } from "../../ne_session.js";
import { ne_status } from "../../ne_utils.js";
import { nx_get_cause, nx_response_fields, nx_set_request_signal } from "../../nx_session.js";
import { addField } from "../script/header_list.js";

/** A header field. */
export type Field = FieldPair;

/** What all requests of a transfer share. */
export interface TransferContext {
  readonly sess: ne_session;
  readonly signal: AbortSignal | null;
  /** Fields of the caller, for every request. */
  readonly fields: readonly Field[];
}

/** A request to send. */
export interface TransferRequest {
  readonly method: string;
  readonly target: string;
  readonly fields?: readonly Field[];
  /** Gives the request its body. */
  readonly body?: (req: ne_request) => void;
  /** What it changes, and how deep: the locks on it are used. */
  readonly changes?: readonly (readonly [path: string, depth: number])[];
  /** Value of a field `If`, sent where no lock has one to send. */
  readonly condition?: string | null;
  /** Ask before the body is sent. */
  readonly expect?: boolean;
  /** Where a kept connection ends without a response, send it again: it does no harm. */
  readonly harmless?: boolean;
}

/** What came of it. `status` is null where there was no response. */
export interface TransferResponse {
  readonly method: string;
  readonly path: string;
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
  readonly status: Readonly<ne_status> | null;
  readonly headers: readonly Field[];
  /** The beginning of the body of a response that is a failure. */
  readonly body: Buffer;
  /** A login was asked for on the way. */
  readonly challenged: boolean;
}

const NO_BYTES = Buffer.alloc(0);
/** Bytes of a failure's body that are kept. */
const KEPT_BODY = 64 * 1024;
/** Bytes of a response's body: one that is longer has no end. What it is has been said before. */
export const LONGEST_BODY = 1 << 24;

/** Sends a request and reads the response. */
export async function sendRequest(
  context: TransferContext,
  request: TransferRequest,
): Promise<TransferResponse> {
  const req = ne_request_create(context.sess, request.method, request.target);
  try {
    const kept = prepare(req, context, request);
    let challenged = false;
    for (;;) {
      kept.blocks.length = 0;
      const begun = await ne_begin_request(req);
      if (begun !== NE_OK) return { ...resultOf(context, request, begun), challenged };
      const read = await ne_discard_response(req);
      // what has been done is done, whether or not all that is said about it arrives
      const known = read === NE_OK || ne_get_status(req).klass === 2 || kept.isEndless;
      if (!known) return { ...resultOf(context, request, read), challenged };
      const code = read === NE_OK ? await ne_end_request(req) : NE_OK;
      if (code !== NE_RETRY) {
        return { ...resultOf(context, request, code), ...headOf(req, kept.blocks), challenged };
      }
      challenged = true;
    }
  } finally {
    ne_request_destroy(req);
  }
}

/** What is kept of a response's body. */
interface Kept {
  readonly blocks: Buffer[];
  isEndless: boolean;
}

function prepare(req: ne_request, context: TransferContext, request: TransferRequest): Kept {
  if (request.harmless !== true) sendOnce(req);
  nx_set_request_signal(req, context.signal);
  const { fields = [], changes = [], condition = null, body } = request;
  for (const [path, depth] of changes) {
    ne_lock_using_resource(req, path, depth);
    ne_lock_using_parent(req, path);
  }
  // a request has one such field; who holds the lock needs no other condition on the wire
  if (condition !== null && !submitsLocks(req)) ne_add_request_header(req, "If", condition);
  const own = new Set(fields.map(([name]) => name.toLowerCase()));
  const others = context.fields.filter(([name]) => !own.has(name.toLowerCase()));
  for (const field of [...fields, ...others]) addField(req, field);
  ne_set_request_flag(req, NE_REQFLAG_EXPECT100, request.expect === true ? 1 : 0);
  body?.(req);
  return keepBody(req);
}

function keepBody(req: ne_request): Kept {
  const kept: Kept = { blocks: [], isEndless: false };
  let size = 0;
  ne_add_response_body_reader(
    req,
    () => {
      size = 0;
      return 1;
    },
    (_userdata, block) => {
      const part = Buffer.from(block.subarray(0, Math.max(KEPT_BODY - size, 0)));
      if (part.length > 0) kept.blocks.push(part);
      size += block.length;
      kept.isEndless = size > LONGEST_BODY;
      return kept.isEndless ? NE_ERROR : NE_OK;
    },
  );
  return kept;
}

/** Whether the session has not been destroyed meanwhile. */
export function isLive({ sess }: TransferContext): boolean {
  return sessions.is(sess);
}

/** What a code alone tells. */
export function resultOf(
  context: TransferContext,
  { method, target }: TransferRequest,
  code: number,
): TransferResponse {
  const { sess } = context;
  const failed = code !== NE_OK;
  const gone = failed && !isLive(context);
  return {
    method,
    path: target,
    code,
    error: gone ? "Session destroyed" : failed ? ne_get_error(sess) : "",
    cause: failed && !gone ? nx_get_cause(sess) : null,
    status: null,
    headers: [],
    body: NO_BYTES,
    challenged: false,
  };
}

/** What the code of a request dispatched elsewhere, and its head, tell. */
export function responseOf(
  context: TransferContext,
  request: TransferRequest,
  code: number,
  req: ne_request,
): TransferResponse {
  const result = resultOf(context, request, code);
  const { klass } = ne_get_status(req);
  if (klass < 2) return result;
  // a status that is a failure is a response like any other
  return { ...result, ...headOf(req, []), code: klass > 2 && code === NE_ERROR ? NE_OK : code };
}

function headOf(req: ne_request, kept: Buffer[]): Partial<TransferResponse> {
  const status = Object.freeze(Object.assign(new ne_status(), ne_get_status(req)));
  return {
    status,
    headers: nx_response_fields(req),
    body: kept.length === 0 ? NO_BYTES : Buffer.concat(kept),
  };
}

/** Whether the request did what it was sent for. */
export function isDone({ code, status }: TransferResponse): boolean {
  return code === NE_OK && status?.klass === 2 && status.code !== 207;
}

/** The value of a field of the response, the last one where there are several; or `null`. */
export function fieldOf({ headers }: TransferResponse, name: string): string | null {
  return lastValue(headers, name);
}

/** Whether it is a status of these. */
export function hasStatus({ status }: TransferResponse, ...codes: number[]): boolean {
  return status !== null && codes.includes(status.code);
}
