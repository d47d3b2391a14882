// The functional face, for scripts: one call a request, and a value with everything in it; listings
// to loop over; sessions from URLs and from other sessions.
import type { Readable } from "node:stream";
import { isBytes, ownOnly } from "./internal/base/bytes.js";
import { cloneSession } from "./internal/session/clone.js";
import { parseContentType } from "./internal/http/content_type.js";
import { nx_error } from "./internal/script/nx_error.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import {
  checkFieldName,
  checkFieldValue,
  checkMethod,
  checkTarget,
} from "./internal/http/request_head.js";
import { isHost } from "./internal/proxy/settings.js";
import { nx_list, type nx_list_options } from "./internal/resources/nx_list.js";
import type { nx_resource } from "./internal/resources/resource.js";
import type { nx_resource_prop } from "./internal/resources/response.js";
import { decodeText } from "./internal/script/charset.js";
import { sendFollowing, type Answer, type Sending } from "./internal/script/send.js";
import { needObject, needPort, needText } from "./internal/base/arguments.js";
import { sessions } from "./internal/session/session.js";
import { ne_session_create, ne_ssl_trust_default_ca } from "./ne_session.js";
import { ne_uri, ne_uri_defaultport, ne_uri_parse } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";
import type { nx_body_source } from "./nx_stream.js";

export { nx_error, nx_list };
export type { nx_list_options, nx_resource, nx_resource_prop };

/** What to send, and how. */
export interface nx_send_options {
  /** header fields to add; an array value adds the field once for each element */
  headers?: Record<string, string | readonly string[]>;
  /**
   * the request body; a function is called anew each time that the body has to be sent again.
   * Strings are sent as UTF-8. Content-Type is the caller's to add
   */
  body?: string | Uint8Array | nx_body_source | (() => nx_body_source);
  /** bytes of a streamed body; left out, it is sent chunked */
  length?: number;
  /** breaks the request off */
  signal?: AbortSignal;
  /** bound on the whole request, redirects included, in seconds */
  timeout?: number;
  /**
   * how many redirects to follow (default 0). To another origin, a clone of the session without its
   * credentials, cookies, client certificate and hooks of the application is used, and header
   * fields that look like secrets are left out; never from https to http; 303, and 301 or 302 to a
   * POST, become GET; a body that can't be sent again ends it at 307 and 308. A clone for https
   * trusts the default CAs. A redirect that is not followed is the result
   */
  redirects?: number;
  /** give the body as a stream in `stream` instead of reading it into `body` */
  stream?: boolean;
  /** decode gzip, deflate and br (default true) */
  decompress?: boolean;
}

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
  /** the body, decoded; empty with `stream`, and where it could not be read to its end */
  readonly body: Buffer;
  /**
   * the body, where a stream was asked for and there is a response: to be read to its end or
   * destroyed, before the session goes on. It fails with an `nx_error`
   */
  readonly stream: Readable | null;
  /** the URL that answered, after redirects */
  readonly url: string;
  /**
   * the body as text, in the charset that its Content-Type names (default UTF-8; windows-1252 as
   * the Encoding Standard has it)
   */
  text(): string;
  /** the body as JSON; throws a `SyntaxError` where it is none */
  json(): unknown;
}

/**
 * Sends a request and reads the response.
 * @returns what became of it; a failure is a value too. Only a caller's mistake, and what a
 *   callback or body of the application throws, rejects the promise.
 * @example
 * ```ts
 * const page = await nx_send(sess, "GET", "/", { redirects: 5 });
 * if (page.ok) console.log(page.text());
 * else console.error(page.error);
 * ```
 */
export async function nx_send(
  sess: ne_session,
  method: string,
  target: string,
  options: nx_send_options = {},
): Promise<nx_result> {
  const s = sessions.open(sess, "nx_send");
  needText(method, "nx_send", "the method");
  needText(target, "nx_send", "the target");
  needObject(options, "nx_send", "the options");
  const own = ownOnly(options);
  checkMethod(method, "nx_send");
  checkTarget(target, "nx_send");
  const sending: Sending = {
    session: s,
    method,
    target,
    fields: fieldsOf(own),
    body: bodyOf(own),
    length: lengthOf(own),
    signal: signalOf(own),
    timeout: timeoutOf(own),
    redirects: redirectsOf(own),
    stream: own.stream === true,
    decompress: own.decompress !== false,
  };
  return resultOf(await sendFollowing(sending));
}

function fieldsOf({ headers = {} }: nx_send_options): [name: string, value: string][] {
  needObject(headers, "nx_send", "headers");
  return Object.entries(headers).flatMap(([name, value]) => {
    if (/^(content-length|transfer-encoding)$/i.test(name)) {
      throw misuse("nx_send", `${name} comes from the body and its length`);
    }
    const values = typeof value === "string" ? [value] : value;
    checkFieldName(name, "nx_send");
    if (!Array.isArray(values)) throw misuse("nx_send", `the value of ${name} must be a string`);
    return values.map((one: string): [string, string] => {
      checkFieldValue(one, "nx_send");
      return [name, one];
    });
  });
}

function bodyOf({ body }: nx_send_options): Sending["body"] {
  if (body === undefined || body === null) return null;
  if (typeof body === "string") return Buffer.from(body);
  if (isBytes(body) || typeof body === "function") return body;
  if (typeof body === "object" && Symbol.asyncIterator in body) return body;
  throw misuse("nx_send", "the body must be a string, bytes, a stream or an async iterable");
}

function lengthOf({ length = -1 }: nx_send_options): number {
  if (Number.isSafeInteger(length) && length >= -1) return length;
  throw misuse("nx_send", "the length must be a whole number from 0 on, or -1");
}

function signalOf({ signal }: nx_send_options): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  if (signal instanceof AbortSignal) return signal;
  throw misuse("nx_send", "the signal must be an AbortSignal");
}

function timeoutOf({ timeout = 0 }: nx_send_options): number {
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw misuse("nx_send", "the timeout must be a number of seconds");
}

function redirectsOf({ redirects = 0 }: nx_send_options): number {
  if (redirects === Infinity || (Number.isInteger(redirects) && redirects >= 0)) return redirects;
  throw misuse("nx_send", "the number of redirects must be a whole number from 0 on");
}

function resultOf(answer: Answer): nx_result {
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
  return Object.freeze({ ...answer, ok, header, text, json });
}

/**
 * Makes a session for a URL: scheme, host and port are the URL's; for https it trusts the default
 * CAs. User name and password of the URL are not used.
 * @returns `null` where it is no URL of http or https.
 */
export function nx_session_for(url: string): ne_session | null {
  needText(url, "nx_session_for", "the URL");
  const parts = partsOf(url);
  if (parts === null || !/^https?$/.test(parts.scheme)) return null;
  const { scheme, host, port } = parts;
  const sess = ne_session_create(scheme, host, port);
  if (scheme === "https") ne_ssl_trust_default_ca(sess);
  return sess;
}

function partsOf(url: string): { scheme: string; host: string; port: number } | null {
  if (URL.canParse(url)) {
    // takes names beyond ASCII to their ASCII form
    const { protocol, hostname, port } = new URL(url);
    const scheme = protocol.slice(0, -1);
    const number = port === "" ? ne_uri_defaultport(scheme) : Number(port);
    return hostname === "" || number === 0 ? null : { scheme, host: hostname, port: number };
  }
  // an IPv6 address with a zone is no URL for browsers
  const uri = new ne_uri();
  if (ne_uri_parse(url, uri) !== 0 || uri.scheme === null || uri.host === null) return null;
  const scheme = uri.scheme.toLowerCase();
  const port = uri.port === 0 ? ne_uri_defaultport(scheme) : uri.port;
  return /^\[[0-9a-f:.]+%[^\]\s]+\]$/i.test(uri.host) && port !== 0
    ? { scheme, host: uri.host, port }
    : null;
}

/**
 * Makes a session with all settings, hooks and guests (credentials, verify callback, certificates,
 * proxy, timeouts, flags) of `sess`, for another server or the same. What `sess` has learnt from
 * its server stays there: connections, logins, the certificate accepted last. An address list and a
 * Unix-domain socket are taken over only for the same host and port, and a clone for https of a
 * session without TLS trusts the default CAs. Hooks of the application are called with the userdata
 * that they were registered with.
 */
export function nx_session_clone(
  sess: ne_session,
  scheme?: string,
  host?: string,
  port?: number,
): ne_session {
  const caller = "nx_session_clone";
  const s = sessions.open(sess, caller);
  const wanted = {
    scheme: scheme === undefined ? s.scheme : needText(scheme, caller, "scheme").toLowerCase(),
    host: host ?? s.server.hostname,
    port: port ?? s.server.port,
  };
  if (scheme !== undefined && port === undefined && wanted.scheme !== s.scheme) {
    throw misuse(caller, "another scheme needs a port");
  }
  if (host !== undefined && (typeof host !== "string" || !isHost(host))) {
    throw misuse(caller, "the host is not a name or an address");
  }
  needPort(wanted.port, caller);
  return cloneSession(s, { ...wanted, stranger: false }).handle;
}
