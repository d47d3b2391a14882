// The value that nx_send gives: what became of a request, frozen.
import type { Readable } from "node:stream";
import { parseContentType } from "../http/content_type.js";
import type { ne_status } from "../../ne_utils.js";
import { decodeText } from "./charset.js";
import type { Answer } from "./course.js";

/** What became of a request. A plain, frozen value: nothing in it has to be destroyed. */
export interface nx_result {
  /** the `NE_*` code of the dispatch: `NE_OK` says that a response was read, whatever its status */
  readonly code: number;
  /** the session error string: `"404 Not Found"` and the like for a response */
  readonly error: string;
  /** the JavaScript error behind a failure, else `null` */
  readonly cause: Error | null;
  /** null when there was no response */
  readonly status: Readonly<ne_status> | null;
  /** whether the request succeeded: `NE_OK` and a 2xx status */
  readonly ok: boolean;
  /** header fields in the order received, names as received */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  /** the same for the trailer; with `stream`, filled when the stream has ended */
  readonly trailers: ReadonlyArray<readonly [name: string, value: string]>;
  /** the value of a header field, several joined by `", "`, or `null` */
  header(name: string): string | null;
  /**
   * the body, decoded: what arrived, also where `code` says that it is not all; empty with `stream`
   */
  readonly body: Buffer;
  /**
   * the body, where a stream was asked for and there is a response: to be read to its end or
   * destroyed. It fails with an `nx_error`
   */
  readonly stream: Readable | null;
  /** the URL that answered, after redirects */
  readonly url: string;
  /** the redirects that were followed, oldest first */
  readonly redirects: ReadonlyArray<{
    /** the status that said so */
    readonly status: number;
    /** the URL of the request */
    readonly from: string;
    /** the URL of the next one */
    readonly to: string;
  }>;
  /**
   * why a redirect that was offered was not followed, also where none was to be followed; `null`
   * where none was offered
   */
  readonly not_followed: string | null;
  /**
   * the body as text, in the charset that its Content-Type names (default UTF-8; windows-1252 as
   * the Encoding Standard has it)
   */
  text(): string;
  /** the body as JSON; throws a `SyntaxError` where it is none */
  json(): unknown;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Makes the value from the record. */
export function resultOf(answer: Answer): nx_result {
  const { headers, body } = answer;
  const header = (name: string): string | null => {
    const wanted = name.toLowerCase();
    const values = headers.filter(([key]) => key.toLowerCase() === wanted);
    return values.length === 0 ? null : values.map(([, value]) => value).join(", ");
  };
  const text = (): string => {
    const type = parseContentType(header("content-type") ?? "");
    return decodeText(body, type?.charset ?? null);
  };
  const json = (): unknown => JSON.parse(text());
  const ok = answer.code === 0 && answer.status?.klass === 2;
  return Object.freeze(
    Object.assign(Object.create(INSPECTED) as object, { ...answer, ok, header, text, json }),
  );
}

// What console.log shows of a result: one line, without the query and whatever else may be secret.
const INSPECTED = Object.freeze({
  [INSPECT](this: nx_result): string {
    const what = this.stream === null ? `${this.body.length} bytes` : "a stream";
    return `nx_result <${this.error}, ${what}, ${this.url.replace(/\?.*$/s, "?…")}>`;
  },
});
