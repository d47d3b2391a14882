// Why a request failed, and a recorder whose recordings browsers, people and tests can read.
import { misuse, type ne_session } from "./internal/base/handle.js";
import { readOptions } from "./internal/base/call_options.js";
import type { nx_phase } from "./internal/session/report.js";
import { sessions } from "./internal/session/session.js";
import { bodyKept, writeCurl } from "./internal/trace/curl.js";
import { readHar } from "./internal/trace/har_reader.js";
import { Replay } from "./internal/trace/replay.js";
import { exemptFromTls } from "./internal/session/without_tls.js";
import type { nx_connector, nx_timings } from "./nx_session.js";
import { describeFailure } from "./internal/trace/failure_report.js";
import { writeHar } from "./internal/trace/har.js";
import { Recorder, recorders, type nx_recorder } from "./internal/trace/recorder.js";

export type { nx_recorder } from "./internal/trace/recorder.js";

export type { nx_phase };

/** An address that was tried. */
export interface nx_failure_address {
  /** the address and port */
  readonly address: string;
  /** why it could not be used, `null` if it was connected to */
  readonly error: string | null;
}

/** What is known of a TLS connection. */
export interface nx_failure_tls {
  /** `NE_SSL_*` bits of the certificate */
  readonly failures: number;
  /** `TLSv1.3` and the like, `null` before the handshake was over */
  readonly protocol: string | null;
  /** the cipher by its standard name, likewise */
  readonly cipher: string | null;
}

/** How a proxy refused a tunnel. */
export interface nx_failure_tunnel {
  /** the status code of its response to CONNECT */
  readonly status: number;
  /** the reason phrase */
  readonly reason: string;
  /** the beginning of the body */
  readonly text: string;
}

/** What a 207 or an error body says of a failure. */
export interface nx_failure_dav {
  /** the path of the resource that failed */
  readonly path: string | null;
  /** its status code */
  readonly status: number | null;
  /** the condition that failed, such as `lock-token-submitted` */
  readonly condition: string | null;
  /** what the server says about it */
  readonly description: string | null;
}

/**
 * Why a request failed. It contains no secrets: where text repeats a secret that was sent (a
 * proxy's page may), it reads `…`.
 */
export interface nx_failure {
  /** what it was doing */
  readonly phase: nx_phase;
  /** the `NE_*` code */
  readonly code: number;
  /** the session error string */
  readonly error: string;
  /** the JavaScript error behind it, or `null` */
  readonly cause: Error | null;
  /** `host:port` of the origin */
  readonly origin: string;
  /** `host:port` of the proxy in use, or `null` */
  readonly proxy: string | null;
  /** each address that was tried for the connection, with what became of it; `null`: connected */
  readonly addresses: readonly nx_failure_address[];
  /** `NE_SSL_*` bits, version and cipher as far as known; `null` where TLS had not begun */
  readonly tls: nx_failure_tls | null;
  /** bytes of the last attempt on the decrypted connection, its head included */
  readonly sent: number;
  /** bytes of its response, heads included */
  readonly received: number;
  /** what a proxy answered to CONNECT, with the beginning of its body, or `null` */
  readonly tunnel: nx_failure_tunnel | null;
  /** why the request was, or was not, sent again */
  readonly retry: string;
  /** the failing path and DAV condition of a 207 or an error body, or `null` */
  readonly dav: nx_failure_dav | null;
  /** how long its parts took */
  readonly timings: nx_timings | null;
}

/**
 * Why the session's last request failed. A 404 is a failure of `ne_get`, but not of
 * `ne_request_dispatch`. If `nx_send` follows a redirect to another origin and fails there, the
 * session that it was called with reports it.
 * @returns `null` if the call returned `NE_OK`, and before the first request
 * @example
 * ```ts
 * if ((await ne_get(sess, "/file", fd)) !== NE_OK) {
 *   const failure = nx_get_failure(sess);
 *   console.error(failure?.phase, failure?.error, failure?.retry);
 * }
 * ```
 */
export function nx_get_failure(sess: ne_session): nx_failure | null {
  return describeFailure(sessions.open(sess, "nx_get_failure"));
}

/** What a recorder keeps. Unknown options are a `TypeError`. */
export interface nx_recorder_options {
  /** bytes of each body to keep (default 64 KiB; 0 none) */
  body?: number;
  /** requests to keep (default 1,000); the oldest are dropped first */
  requests?: number;
  /** keep credentials, cookies, tokens (default false: they read `…`) */
  secrets?: boolean;
}

/** Bytes of each body, and requests, that are kept unless told otherwise. */
const DEFAULT_BODY = 64 * 1024;
const DEFAULT_REQUESTS = 1000;

const RECORDER_OPTIONS = new Set<keyof nx_recorder_options>(["body", "requests", "secrets"]);

/**
 * Creates a recorder, which records nothing until it is registered with a session.
 * @example
 * ```ts
 * const rec = nx_recorder_create();
 * nx_recorder_register(rec, sess);
 * await nx_send(sess, "GET", "/");
 * fs.writeFileSync("visit.har", JSON.stringify(nx_recorder_har(rec)));
 * ```
 */
export function nx_recorder_create(options: nx_recorder_options = {}): nx_recorder {
  const caller = "nx_recorder_create";
  const own = readOptions(options, RECORDER_OPTIONS, caller);
  const { body = DEFAULT_BODY, requests = DEFAULT_REQUESTS, secrets = false } = own;
  if (!isCount(body)) throw misuse(caller, "body must be a number of bytes from 0 on");
  if (!isCount(requests)) throw misuse(caller, "requests must be a whole number from 0 on");
  if (typeof secrets !== "boolean") throw misuse(caller, "secrets must be true or false");
  return recorders.lend(new Recorder({ body, requests, secrets }));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && (Number.isInteger(value) || value === Infinity);
}

/**
 * Records every request of a session from now on, including redirects that `nx_send` follows to
 * other servers; one recorder can serve many sessions. A request that is repeated after a challenge
 * has two entries. Bodies are copied as they pass, so streams stay streams. The CONNECT request of
 * a tunnel has no entry. Registering a recorder a second time changes nothing.
 */
export function nx_recorder_register(rec: nx_recorder, sess: ne_session): void {
  const recorder = recorders.open(rec, "nx_recorder_register");
  const s = sessions.open(sess, "nx_recorder_register");
  const { listeners } = s;
  if (!listeners.observers.includes(recorder)) {
    listeners.observers = [...listeners.observers, recorder];
  }
}

/**
 * The requests that have ended, in the order in which they ended, as an HTTP Archive (HAR 1.2): an
 * object for `JSON.stringify` that browsers' developer tools read, timings included. A failed
 * request has status 0 and `_error`. The body is in `content.text`, decoded (content codings and
 * charset), and its size on the wire, without chunk frames, in `bodySize`; binary bodies are in
 * base64 (`encoding`; for requests in `postData._base64`). Interim (1xx) responses are in the
 * entry's `comment`. If a body was not kept whole, `_kept` is the number of bytes kept.
 */
export function nx_recorder_har(rec: nx_recorder): object {
  const { attempts, settings } = recorders.open(rec, "nx_recorder_har");
  return writeHar(attempts, settings.secrets);
}

/**
 * A curl command, for a POSIX shell, that sends the same bytes as the request with this index in
 * `log.entries`. It can log in only if the recorder was created with `secrets`.
 * @throws RangeError for an index without a request, Error if its body was not kept whole
 * @example
 * ```ts
 * console.log(nx_recorder_curl(rec, 0)); // the first request, to be tried in a shell
 * ```
 */
export function nx_recorder_curl(rec: nx_recorder, index: number): string {
  const { attempts, settings } = recorders.open(rec, "nx_recorder_curl");
  const attempt = Number.isInteger(index) ? attempts[index] : undefined;
  if (attempt === undefined) {
    throw new RangeError(`nx_recorder_curl: there is no request ${index} of ${attempts.length}`);
  }
  const { kept, length } = bodyKept(attempt);
  if (kept < length) {
    const what = `only ${kept} of ${length} bytes of the body were kept`;
    throw new Error(`nx_recorder_curl: ${what}`);
  }
  return writeCurl(attempt, settings.secrets);
}

/**
 * The keys of the TLS connections opened since the recorder was registered, in NSS key log form,
 * for Wireshark.
 * @throws TypeError unless the recorder was created with `secrets`
 */
export function nx_recorder_keylog(rec: nx_recorder): string {
  const { keyLines, settings } = recorders.open(rec, "nx_recorder_keylog");
  if (!settings.secrets) {
    throw misuse("nx_recorder_keylog", "the recorder was not created with secrets: true");
  }
  return keyLines.join("");
}

/** Forgets what was recorded; requests that are still running are recorded. */
export function nx_recorder_clear(rec: nx_recorder): void {
  recorders.open(rec, "nx_recorder_clear").clear();
}

/**
 * Plays a recording back in place of a server: a connector for `nx_set_connector`. For an https
 * session no TLS is negotiated over it. A recording is the result of `nx_recorder_har`, or a HAR
 * that a browser exported.
 *
 * A request matches by method, URL and body; header fields, and parts that read `…` in the
 * recording, are ignored. Repeating a request gets the next response recorded for it. A request
 * that was not recorded, or not as often, fails with `NE_ERROR`, and the session error string names
 * the nearest recorded one and the difference; so does one whose response was not kept whole. A
 * request that failed when it was recorded fails again. Responses have no Content-Encoding, since
 * the recorder decodes them.
 * @throws TypeError if `har` is not a HAR
 * @example
 * ```ts
 * const tape = JSON.parse(fs.readFileSync("visit.har", "utf8"));
 * const sess = ne_session_create("https", "dav.example", 443);
 * nx_set_connector(sess, nx_replay(tape));
 * ```
 */
export function nx_replay(har: object): nx_connector {
  const replay = new Replay(readHar(har, "nx_replay"));
  return (_userdata, host, port) => exemptFromTls(replay.connect(host, port));
}
