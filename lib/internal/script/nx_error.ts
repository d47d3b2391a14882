// An NE_* code as an exception, for what has no code to return: streams and iterators.
import type { ne_status } from "../../ne_utils.js";

/** An `NE_*` code as an exception, for streams and for the functions that iterate. */
export class nx_error extends Error {
  /** The `NE_*` code. */
  readonly code: number;
  /** The status of the response, or `null` where there was none. */
  readonly status: Readonly<ne_status> | null;

  /**
   * @param message the session error string
   * @param code the `NE_*` code
   * @param status of the response, if there was one
   * @param cause the JavaScript error behind it, if there is one
   */
  constructor(
    message: string,
    code: number,
    status: Readonly<ne_status> | null = null,
    cause: Error | null = null,
  ) {
    super(message, cause === null ? undefined : { cause });
    this.name = "nx_error";
    this.code = code;
    this.status = status;
  }
}
