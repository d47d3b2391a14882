// Failures as exceptions, with all that the server said about them.
import type { FieldPair } from "../http/field_pairs.js";
import { NE_ERROR } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { abortCause } from "../base/abort_signal.js";
import { failResponse } from "../session/failed_response.js";
import { nx_error } from "../script/nx_error.js";
import { ne_get_session, ne_get_status } from "../../ne_request.js";
import { ne_get_error } from "../../ne_session.js";
import { ne_status } from "../../ne_utils.js";
import { nx_get_cause, nx_response_fields } from "../../nx_session.js";
import type { Response } from "./response_element.js";

/** What went wrong, beyond the words. */
export interface Failing {
  code?: number;
  status?: Readonly<ne_status> | null;
  headers?: readonly FieldPair[];
  /** The path that could not be read or changed. */
  path?: string | null;
  condition?: string | null;
  cause?: Error | null;
}

/** A failure of the server's making. */
export function failure(message: string, failing: Failing = {}): nx_error {
  const { code = NE_ERROR, status = null, cause = null } = failing;
  const { headers = [], path = null, condition = null } = failing;
  return new nx_error(message, code, status, cause, { headers, path, condition });
}

/** The failure of a request: what the session says about it. */
export function requestFailure(
  req: ne_request,
  code: number,
  path: string,
  context: string,
  condition: string | null,
): nx_error {
  failResponse(req);
  const sess = ne_get_session(req);
  const status = statusOf(req);
  const headers = status === null ? [] : nx_response_fields(req);
  const cause = nx_get_cause(sess);
  const words = context + ne_get_error(sess) + (condition === null ? "" : ` (${condition})`);
  return failure(words, { code, status, headers, path, condition, cause });
}

/** The failure that a response element tells. */
export function refusal(response: Response, path: string, context = ""): nx_error {
  const { status, condition, description } = response;
  const reasons = [condition, description].filter((reason) => reason !== null).join(", ");
  const words = `${status?.code ?? 0} ${status?.reason_phrase ?? ""}`.trim();
  const message = context + words + (reasons === "" ? "" : ` (${reasons})`);
  return failure(message, { status, path, condition });
}

/** The status of a response, `null` where there was none. */
export function statusOf(req: ne_request): Readonly<ne_status> | null {
  const status = ne_get_status(req);
  return status.code === 0 ? null : Object.freeze(Object.assign(new ne_status(), status));
}

/** The failure of what an `AbortSignal` ended. */
export function abortFailure(signal: AbortSignal): nx_error {
  return failure("Aborted", { cause: abortCause(signal) });
}

/** Whether a failure is that of a request that was broken off. */
export function isAbort(error: unknown): boolean {
  const cause = error instanceof nx_error ? error.cause : null;
  return cause instanceof Error && cause.name === "AbortError";
}
