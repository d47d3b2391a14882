// The frozen value that nx_send returns.
import type { Readable } from "node:stream";
import { needText } from "../base/arguments.js";
import { NE_OK } from "../base/constants.js";
import { misuse } from "../base/handle.js";
import { parseContentType } from "../http/content_type.js";
import type { ne_status } from "../../ne_utils.js";
import { decodeText } from "./charset.js";
import type { ResultRecord } from "./send_state.js";

/** The result of a request: a plain, frozen value. Nothing in it has to be destroyed. */
export interface nx_result {
  /** the `NE_*` code of the dispatch: `NE_OK` says that a response was read, whatever its status */
  readonly code: number;
  /** the session error string: `"404 Not Found"` and the like for a response */
  readonly error: string;
  /** the JavaScript error behind a failure, else `null` */
  readonly cause: Error | null;
  /** the status of the response, `null` if there was none */
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
   * the decoded body. If `code` is not `NE_OK`, it is what had arrived; with `stream` it is empty
   */
  readonly body: Buffer;
  /**
   * the body, if the option `stream` was set and there is a response: read it to its end or destroy
   * it. It fails with an `nx_error`
   */
  readonly stream: Readable | null;
  /** the URL that answered, after redirects */
  readonly url: string;
  /** the redirects that were followed, oldest first */
  readonly redirects: ReadonlyArray<{
    /** the status of the redirect */
    readonly status: number;
    /** the URL of the request */
    readonly from: string;
    /** the URL of the next one */
    readonly to: string;
  }>;
  /**
   * why the response, if it is a redirect, was not followed (perhaps because `redirects` is 0);
   * `null` if it is not a redirect
   */
  readonly not_followed: string | null;
  /**
   * the body as text, decoded in the charset that its Content-Type names, by the rules of the
   * Encoding Standard (default UTF-8); throws a `TypeError` if the body is in `stream`
   */
  text(): string;
  /** the body parsed as JSON; throws a `SyntaxError` if it is not JSON */
  json(): unknown;
}

/** The result with the option `stream`: if there is a response, `stream` is not `null`. */
export type nx_streamed = nx_result &
  (
    | {
        /** the status of the response */
        readonly status: Readonly<ne_status>;
        /** its body, to be read to its end or destroyed */
        readonly stream: Readable;
      }
    | {
        /** there was no response */
        readonly status: null;
        /** there was no response */
        readonly stream: null;
      }
  );

// One shape for all results. The functions belong to each, so that a result can be taken apart.
class Result implements nx_result {
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
  readonly status: Readonly<ne_status> | null;
  readonly ok: boolean;
  readonly headers: nx_result["headers"];
  readonly trailers: nx_result["trailers"];
  readonly body: Buffer;
  readonly stream: Readable | null;
  readonly url: string;
  readonly redirects: nx_result["redirects"];
  readonly not_followed: string | null;
  readonly header: nx_result["header"];
  readonly text: nx_result["text"];
  readonly json: nx_result["json"];

  constructor(record: ResultRecord) {
    const { headers, body } = record;
    this.code = record.code;
    this.error = record.error;
    this.cause = record.cause;
    this.status = record.status;
    this.ok = record.code === NE_OK && record.status?.klass === 2;
    this.headers = headers;
    this.trailers = record.trailers;
    this.body = body;
    this.stream = record.stream;
    this.url = record.url;
    this.redirects = record.redirects;
    this.not_followed = record.not_followed;
    this.header = (name) => headerIn(headers, name);
    this.text = () => textOf(this, "nx_result.text");
    this.json = (): unknown => JSON.parse(textOf(this, "nx_result.json"));
    Object.freeze(this);
  }

  // what console.log shows: one line, without what a query may hold
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const what = this.stream === null ? `${this.body.length} bytes` : "a stream";
    return `nx_result <${this.error}, ${what}, ${this.url.replace(/\?.*$/s, "?…")}>`;
  }
}

function headerIn(headers: nx_result["headers"], name: string): string | null {
  const wanted = needText(name, "nx_result.header", "the name").toLowerCase();
  const values = headers.filter(([key]) => key.toLowerCase() === wanted);
  return values.length === 0 ? null : values.map(([, value]) => value).join(", ");
}

// A body that went to a stream is not here, and not empty.
function textOf({ headers, body, stream }: nx_result, caller: string): string {
  if (stream !== null) throw misuse(caller, "the body is in `stream`");
  const type = parseContentType(headerIn(headers, "content-type") ?? "");
  return decodeText(body, type?.charset ?? null);
}

/** Makes the value from the record. */
export function resultOf(record: ResultRecord): nx_result {
  return new Result(record);
}
