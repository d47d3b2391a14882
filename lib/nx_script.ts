// For scripts: one call per request, which returns a value with everything in it; listings to loop
// over; sessions from URLs and from other sessions.
import { describe, readOptions } from "./internal/base/call_options.js";
import { cloneSession } from "./internal/session/clone.js";
import { nx_error } from "./internal/script/nx_error.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { isHost } from "./internal/proxy/settings.js";
import { nx_list, type nx_list_options } from "./internal/resources/nx_list.js";
import type { nx_resource } from "./internal/resources/resource.js";
import type { nx_resource_prop } from "./internal/resources/response_element.js";
import { resultOf, type nx_result, type nx_streamed } from "./internal/script/result.js";
import { isPromise } from "./internal/base/promise.js";
import { badUrl, parseUrl, type UrlParts } from "./internal/script/url_parts.js";
import { errorOf } from "./internal/script/nx_must.js";
import { sharedHop } from "./internal/script/hop_sessions.js";
import { sendFollowing } from "./internal/script/send.js";
import { takeSession } from "./internal/script/session_cache.js";
import type { ResultRecord } from "./internal/script/send_state.js";
import type { nx_headers } from "./internal/script/header_list.js";
import type { nx_error_details } from "./internal/script/nx_error.js";
import type { nx_body, nx_progress_fn } from "./internal/script/request_body.js";
import {
  readPlan,
  SEND_OPTIONS,
  type nx_send_options,
} from "./internal/script/send_options.js";
import { needCallback, needPort, needText } from "./internal/base/arguments.js";
import { sessions } from "./internal/session/session.js";
import type { ne_status } from "./ne_utils.js";
import { ne_session_create, ne_ssl_trust_default_ca } from "./ne_session.js";
import { nx_set_connection_attempt_delay } from "./nx_session.js";

export { nx_error, nx_list };
export type { nx_body, nx_error_details, nx_headers, nx_list_options, nx_progress_fn };
export type { nx_resource, nx_resource_prop };
export type { nx_result, nx_send_options, nx_streamed };

/**
 * Sends a request and reads the response.
 * @param target a path with an optional query, escaped
 * @returns the result, also for a failure. The promise rejects only for a mistake in the call, and
 *   with what a callback or body of the application throws.
 * @example
 * ```ts
 * const page = await nx_send(sess, "GET", "/", { redirects: 5 });
 * if (page.ok) console.log(page.text());
 * else console.error(page.error);
 * ```
 */
export function nx_send(
  sess: ne_session,
  method: string,
  target: string,
  options: nx_send_options & { stream: true },
): Promise<nx_streamed>;
export function nx_send(
  sess: ne_session,
  method: string,
  target: string,
  options?: nx_send_options,
): Promise<nx_result>;
export async function nx_send(
  sess: ne_session,
  method: string,
  target: string,
  options: nx_send_options = {},
): Promise<nx_result> {
  const s = sessions.open(sess, "nx_send");
  const plan = readPlan(method, target, options, "nx_send");
  return resultOf(await sendFollowing(s, plan));
}

/** The options of `nx_fetch`: those of `nx_send`, and two more. */
export interface nx_fetch_options extends nx_send_options {
  /** the method (default `GET`) */
  method?: string | undefined;
  /**
   * configures a new session, at the first call for an origin; later calls ignore it. If it throws,
   * the call rejects and no session is kept
   */
  setup?: ((sess: ne_session) => void) | undefined;
}

const FETCH_OPTIONS: ReadonlySet<string> = new Set<keyof nx_fetch_options>([
  ...SEND_OPTIONS,
  "method",
  "setup",
]);

/**
 * Sends one request to a URL, for scripts that talk to many servers. It uses a session that is kept
 * for the URL's origin: up to 6 connections at once (one more when all have waited for the
 * program's callbacks, bodies or readers for 0.1 seconds), closed after 60 seconds without a
 * request. An idle session does not keep the process alive; a request, and the pause before a
 * retry, do. The default proxy applies unless `setup` sets one. A user name or password in the URL
 * is a `TypeError`, which does not show them: set credentials in `setup`.
 * @returns as `nx_send`.
 * @example
 * ```ts
 * const { status, text } = await nx_fetch("https://example.com/", { redirects: 5, retries: 2 });
 * ```
 */
export function nx_fetch(
  url: string | URL,
  options: nx_fetch_options & { stream: true },
): Promise<nx_streamed>;
export function nx_fetch(url: string | URL, options?: nx_fetch_options): Promise<nx_result>;
export async function nx_fetch(
  url: string | URL,
  options: nx_fetch_options = {},
): Promise<nx_result> {
  const caller = "nx_fetch";
  const parts = parseUrl(url, caller);
  if (parts === null) throw misuse(caller, badUrl(url));
  if (parts.hasUserinfo) {
    throw misuse(caller, "the URL holds a user name or password; set credentials in `setup`");
  }
  const { method = "GET", setup } = readOptions(options, FETCH_OPTIONS, caller);
  if (setup !== undefined) needCallback(setup, caller, "`setup`");
  const plan = readPlan(method, parts.target, options, caller, FETCH_OPTIONS);
  const { sess, leave } = takeSession(parts.origin, () => sessionTo(parts), setup ?? null);
  let record: ResultRecord | null = null;
  try {
    record = await sendFollowing(sessions.open(sess, caller), plan, sharedHop);
    return resultOf(record);
  } finally {
    const stream = record?.stream ?? null;
    if (stream === null) leave();
    else stream.once("close", leave);
  }
}

/** A result with a 2xx status. With the option `stream`, its stream is not `null`. */
export type nx_success<R extends nx_result = nx_result> = R & {
  /** the status of the response */
  readonly status: Readonly<ne_status>;
};

/**
 * `ok` as a type guard: for scripts that have nothing to do for a request that failed.
 * @returns the result. Throws an `nx_error` where it is not `ok`; a stream is destroyed then.
 * @example
 * ```ts
 * const { body } = nx_must(await nx_send(sess, "GET", "/a.png"));
 * const { stream } = nx_must(await nx_send(sess, "GET", "/a.iso", { stream: true }));
 * ```
 */
export function nx_must<R extends nx_result>(result: R): nx_success<R> {
  if (!isResult(result)) {
    const hint = isPromise(result) ? "; it has to be awaited" : "";
    throw misuse("nx_must", `the result must be one of nx_send, not ${describe(result)}${hint}`);
  }
  if (isOk(result)) return result;
  result.stream?.destroy();
  throw errorOf(result);
}

function isResult(given: unknown): given is nx_result {
  const { ok, url, header } = (given ?? {}) as Partial<nx_result>;
  return typeof ok === "boolean" && typeof url === "string" && typeof header === "function";
}

function isOk<R extends nx_result>(result: R): result is nx_success<R> {
  return result.ok && result.status !== null;
}

/**
 * Makes a session for a URL: scheme, host and port are the URL's; for https it trusts the default
 * CAs. User name and password of the URL are not used.
 * @returns `null` where it is no URL of http or https.
 */
export function nx_session_for(url: string | URL): ne_session | null {
  const parts = parseUrl(url, "nx_session_for");
  return parts === null ? null : sessionTo(parts);
}

/**
 * As `nx_session_for`; throws a `TypeError` in place of `null`.
 * @example
 * ```ts
 * await using sess = nx_session_open("https://example.com/");
 * console.log((await nx_send(sess, "GET", "/")).error);
 * ```
 */
export function nx_session_open(url: string | URL): ne_session {
  const parts = parseUrl(url, "nx_session_open");
  if (parts === null) throw misuse("nx_session_open", badUrl(url));
  return sessionTo(parts);
}

function sessionTo({ scheme, host, port }: UrlParts): ne_session {
  const sess = ne_session_create(scheme, host, port);
  if (scheme === "https") ne_ssl_trust_default_ca(sess);
  nx_set_connection_attempt_delay(sess, 0.25);
  return sess;
}

/**
 * Makes a session with all settings, hooks and plugins (credentials, verify callback, certificates,
 * proxy, timeouts, flags) of `sess`, for another server or the same. What `sess` has learnt from
 * its server stays there: connections, logins, the certificate accepted last. An address list and a
 * Unix-domain socket are taken over only for the same host and port, and a clone for https of a
 * session without TLS trusts the default CAs. Hooks of the application are called with the userdata
 * that they were registered with.
 * @example
 * ```ts
 * const other = nx_session_clone(sess, "https", "mirror.example.com", 443);
 * ```
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
