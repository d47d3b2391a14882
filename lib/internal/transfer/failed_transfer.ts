// How a transfer fails. Inside, everything that ends it is a Failed: a response, an error of the
// system, or a peer that makes no sense. At the door it becomes the nx_error that the caller gets,
// with the bytes that were done.
import { lastValue } from "../http/field_pairs.js";
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { errnoText } from "../base/errno.js";
import { conditionIn } from "../script/failure.js";
import { nx_error } from "../script/nx_error.js";
import { ne_fill_server_uri } from "../../ne_session.js";
import { ne_uri } from "../../ne_uri.js";
import { ne_status } from "../../ne_utils.js";
import { isLive, type TransferContext, type TransferResponse } from "./transfer_request.js";

/** What ends a transfer. */
export class Failed extends Error {
  readonly code: number;
  /** The response that was the failure, or `null`. */
  readonly response: TransferResponse | null;

  constructor(message: string, response: TransferResponse | null = null, cause: unknown = null) {
    super(message, { cause });
    this.code = response === null || response.code === NE_OK ? NE_ERROR : response.code;
    this.response = response;
  }
}

/** The server does not have the protocol. */
export class Unsupported extends Failed {}

/** What was begun is of no use any more: the transfer starts again. */
export class BeginAnew extends Failed {}

/** A response that is a failure. */
export function refused(response: TransferResponse): Failed {
  return new Failed(wordsOf(response), response, response.cause);
}

/** What a response says: its status line, or why there is none. */
export function wordsOf({ status, error }: TransferResponse): string {
  return error !== "" || status === null
    ? error
    : `${status.code} ${status.reason_phrase ?? ""}`.trimEnd();
}

/** An error of the system, from a source or a target. */
export function systemFailure(doing: string, error: unknown): Failed {
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code } = cause as NodeJS.ErrnoException;
  const text = code === undefined ? cause.message : `${errnoText(cause)} (${code})`;
  return new Failed(`${doing}: ${text}`, null, cause);
}

/** A condition that was found not to hold, as a server would say it. */
export function conditionFailed(response: TransferResponse): Failed {
  const status = new ne_status();
  status.major_version = 1;
  status.minor_version = 1;
  status.code = 412;
  status.klass = 4;
  status.reason_phrase = "Precondition Failed";
  return new Failed("412 Precondition Failed", { ...response, status: Object.freeze(status) });
}

/** Throws if the transfer has been aborted. */
export function checkSignal({ signal }: Pick<TransferContext, "signal">): void {
  if (signal?.aborted === true) throw new Failed("Aborted", null, signal.reason);
}

/** What the caller gets for it; what is no `Failed` is an error of the application's, or ours. */
export function toCaller(
  context: TransferContext,
  error: unknown,
  path: string,
  done: number,
): unknown {
  if (!(error instanceof Failed)) return error;
  const { response, code, message, cause } = error;
  const made = new nx_error(
    message,
    code,
    response?.status ?? null,
    cause instanceof Error ? cause : null,
    {
      headers: response?.headers ?? [],
      path: response?.path ?? path,
      condition: response === null ? null : conditionOf(context, response),
      done,
    },
  );
  // a reason may be anything
  if (context.signal?.aborted === true) made.cause = context.signal.reason;
  return made;
}

// The condition that an error document names. The session may have been destroyed since.
function conditionOf(
  context: TransferContext,
  { headers, body, path }: TransferResponse,
): string | null {
  if (!isLive(context)) return null;
  const base = new ne_uri();
  ne_fill_server_uri(context.sess, base);
  base.path = path;
  return conditionIn(body, lastValue(headers, "content-type"), base);
}
