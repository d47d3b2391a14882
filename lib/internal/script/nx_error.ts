// An NE_* code as an exception, for functions that have no code to return: streams, iterators,
// values.
import type { ne_status } from "../../ne_utils.js";

/** The further members of an `nx_error`. */
export interface nx_error_details {
  /** header fields of the response */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  /** the path that it is about */
  readonly path?: string | null;
  /** the WebDAV condition that failed */
  readonly condition?: string | null;
  /** bytes of a transfer that were done */
  readonly done?: number | null;
}

/** An `NE_*` code as an exception, from functions that return values, streams or iterators. */
export class nx_error extends Error {
  /** The `NE_*` code of the dispatch; `NE_ERROR` if a response was the failure. */
  readonly code: number;
  /** The status of the response, or `null` if there was none. */
  readonly status: Readonly<ne_status> | null;
  /**
   * Header fields of the response in the order received, empty if there was no response. Logs do
   * not show them, since they may contain cookies.
   */
  declare readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  /** The path of the resource that failed, or `null`. */
  readonly path: string | null;
  /**
   * The condition that failed (RFC 4918 section 16: `lock-token-submitted` and others), the first
   * element of `DAV:error` in a WebDAV, CalDAV or CardDAV namespace; or `null`.
   */
  readonly condition: string | null;
  /** For a transfer, the bytes that were transferred; else `null`. */
  readonly done: number | null;

  /**
   * @param message the session error string
   * @param code the `NE_*` code
   * @param status of the response, if there was one
   * @param cause the JavaScript error behind it, if there is one
   * @param details what else is known
   */
  constructor(
    message: string,
    code: number,
    status: Readonly<ne_status> | null = null,
    cause: Error | null = null,
    details: nx_error_details = {},
  ) {
    super(message, cause === null ? undefined : { cause });
    this.name = "nx_error";
    this.code = code;
    this.status = status;
    // not enumerable: neither console.log nor JSON shows what may be secret
    Object.defineProperty(this, "headers", { value: details.headers ?? [] });
    this.path = details.path ?? null;
    this.condition = details.condition ?? null;
    this.done = details.done ?? null;
  }
}
