// The first half of a conversation: takes a turn and a connection, sends the request, passes over
// interim responses and reads the head of the final one (RFC 9110 section 15.2, RFC 9112).
import { basicValue } from "./auth/basic.js";
import {
  MAX_HEADER_FIELD,
  MAX_LINE,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_1XXTIMEOUT,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_RETRY,
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_STRICT,
  NE_SOCK_CLOSED,
  NE_SOCK_RESET,
  NE_SOCK_TRUNC,
  ne_status_recving,
} from "./constants.js";
import { openConnection, openToProxy, type Opening } from "./connect.js";
import { misuse } from "./handle.js";
import { BodyDecoder } from "./http1/body.js";
import {
  chooseFraming,
  dropConnectionFields,
  isPersistent,
  keepAliveSeconds,
  type ResponseHead,
} from "./http1/framing.js";
import {
  FieldsParser,
  Malformed,
  MORE,
  takeLine,
  type Fields,
  type HeadTrace,
} from "./http1/head.js";
import { writeHead } from "./http1/write.js";
import {
  aborted,
  application,
  applicationNumber,
  leave,
  NO_FIELDS,
  settle,
  stopUpload,
  tellProgress,
  type Request,
} from "./request.js";
import {
  closeConnection,
  hideSecrets,
  isTraced,
  sendsToProxy,
  setError,
  trace,
  traceEither,
  traceHead,
  writeTimeout,
  type Connection,
  type Session,
  type Timings,
  type Turn,
} from "./session.js";
import { onAbort } from "./signal.js";
import { startUpload } from "./upload.js";
import { ne_buffer_create, ne_buffer_finish, ne_buffer_zappend } from "../ne_string.js";
import { ne_parse_statusline } from "../ne_utils.js";

/** `ne_begin_request`: sends the request and reads the head of the response. */
export async function beginRequest(r: Request, caller: string): Promise<number> {
  prepare(r, caller);
  const code = await settle(r, () => begin(r));
  if (code !== NE_OK && r.turn !== null) leave(r);
  return code;
}

/** Before `begin`: throws for a request that cannot be begun now. */
export function prepare(r: Request, caller: string): void {
  if (r.stage !== "idle") throw misuse(caller, "the request was begun and has not ended");
  if (r.session.destroyed) throw misuse(caller, "the session was destroyed already");
  r.stage = "open";
  if (r.turn !== null) return;
  r.startedAt = performance.now();
  r.endedAt = r.startedAt;
  r.timing = startTiming();
}

/** The work of `beginRequest`. Parts that need not wait answer without a promise. */
export async function begin(r: Request): Promise<number> {
  const turn = r.turn ?? takeTurn(r) ?? (await waitForTurn(r));
  const s = r.session;
  const { connection } = turn;
  if (
    connection !== null &&
    connection.responses > 0 &&
    r.flags[NE_REQFLAG_IDEMPOTENT] === 0 &&
    s.flags[NE_SESSFLAG_CONNAUTH] === 0
  ) {
    trace(s, NE_DBG_HTTP, "req: Closing connection for non-idempotent request.\n");
    closeConnection(s, connection);
    turn.connection = null;
  }
  const built = buildHead(r);
  const text = typeof built === "string" ? built : await built;
  let code = await exchange(r, turn, text);
  if (code === NE_RETRY) code = await exchange(r, turn, text);
  return code === NE_OK ? readHead(r, turn.connection as Connection) : code;
}

function startTiming(): Timings {
  return {
    lookup: null,
    connect: null,
    handshake: null,
    send: null,
    first_byte: null,
    receive: null,
    total: 0,
    reused: false,
  };
}

// ---- turn and connection ----

// The request's turn, if it may run now.
function takeTurn(r: Request): Turn | null {
  const s = r.session;
  if (r.tunnel !== null) {
    r.turn = r.tunnel.request.turn as Turn;
    return r.turn;
  }
  const turn: Turn = { extra: false, inCallback: 0, connection: null };
  r.turn = turn;
  const { scope } = r;
  s.scopes.add(scope);
  if (s.signal !== null) watchSignal(r, s.signal);
  if (r.signal !== null) watchSignal(r, r.signal);
  const deadline = r.deadlineMs > 0 ? r.deadlineMs : s.requestTimeoutMs;
  if (deadline > 0) scope.setDeadline(deadline);
  scope.check();
  return s.turns.acquire(turn) ? startTurn(r, turn) : null;
}

async function waitForTurn(r: Request): Promise<Turn> {
  const turn = r.turn as Turn;
  await r.scope.race(r.session.turns.wait(turn));
  return startTurn(r, turn);
}

function startTurn(r: Request, turn: Turn): Turn {
  r.scope.connected = turn;
  if (!turn.extra) takeIdle(r, turn);
  return turn;
}

function watchSignal(r: Request, signal: AbortSignal): void {
  const { scope } = r;
  if (signal.aborted) {
    scope.abort(abortCause(signal));
    return;
  }
  scope.onClose(onAbort(signal, () => scope.abort(abortCause(signal))));
}

/** What an aborted signal gives as the cause of a failure. */
export function abortCause(signal: AbortSignal): Error {
  const { reason } = signal as { reason: unknown };
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}

// The idle connection to go on with: the one this request used before, or the one used last. Those
// whose time is up, or that were made with other settings, are closed.
function takeIdle(r: Request, turn: Turn): void {
  const s = r.session;
  if (s.idle.length === 0) return;
  const now = performance.now();
  for (let i = s.idle.length - 1; i >= 0; i--) {
    const connection = s.idle[i] as Connection;
    const keepMs = Math.min(connection.serverKeepMs, s.keepAliveMs > 0 ? s.keepAliveMs : Infinity);
    const isOver = now - connection.idleSince >= keepMs;
    if (isOver || connection.settings !== s.settings) closeConnection(s, connection);
  }
  const at = r.affinity === null ? -1 : s.idle.indexOf(r.affinity);
  const [connection] = s.idle.splice(at, 1);
  r.affinity = null;
  if (connection === undefined) return;
  connection.wire.busy();
  turn.connection = connection;
}

// ---- sending ----

// The head as it is sent, after the pre_send hooks. A repetition after a stale connection sends it
// again, byte for byte.
function buildHead(r: Request): string | Promise<string> {
  const s = r.session;
  const head = writeHead(r.method, r.target, r.fixed + r.fields, expects100(r));
  trace(s, NE_DBG_HTTP, "Running pre_send hooks\n");
  if (s.hooks.preSend.length > 0) return buildWithHooks(r, head);
  const text = head + proxyLogin(r, head);
  traceHead(s, text);
  return `${text}\r\n`;
}

async function buildWithHooks(r: Request, head: string): Promise<string> {
  const s = r.session;
  const buffer = ne_buffer_create();
  ne_buffer_zappend(buffer, head);
  for (const { fn, userdata } of [...s.hooks.preSend]) {
    const wait = application(r, fn(r.handle, userdata as never, buffer));
    if (wait instanceof Promise) await wait;
  }
  const written = ne_buffer_finish(buffer);
  const text = written + proxyLogin(r, written);
  // a character above U+00FF would be sent as another one, a line end perhaps
  if (/[^\0-\xff]/.test(text)) {
    throw misuse("ne_pre_send_fn", "the header holds a character above U+00FF");
  }
  traceHead(s, text);
  return `${text}\r\n`;
}

// Basic credentials that came with a proxy's URL, for what that proxy reads: as curl, unasked.
function proxyLogin(r: Request, head: string): string {
  const s = r.session;
  const hop = r.tunnel?.hop ?? (sendsToProxy(s) ? s.hops[0] : undefined);
  if (hop === undefined || hop.username === null) return "";
  if (/^proxy-authorization:/im.test(head)) return "";
  return `Proxy-Authorization: ${basicValue(hop.username, hop.password ?? "")}\r\n`;
}

function expects100(r: Request): boolean {
  return r.flags[NE_REQFLAG_EXPECT100] !== 0 && r.body !== null && r.body.length !== 0;
}

// Sends the request over the connection at hand or a new one and reads the status line, passing
// over interim responses. NE_RETRY: the connection had gone stale and was closed.
async function exchange(r: Request, turn: Turn, head: string): Promise<number> {
  const s = r.session;
  const kept = turn.connection;
  const isKept = kept !== null && kept.responses > 0;
  if (isKept && (kept.settings !== s.settings || kept.wire.readable)) {
    // what came between two requests is no answer to the second one
    closeConnection(s, kept);
    turn.connection = null;
  }
  trace(s, NE_DBG_HTTP, "Sending request-line and headers:\n");
  if (turn.connection === null || !turn.connection.open) {
    const opened = await open(r, turn);
    if (opened !== NE_OK) return opened;
  }
  const connection = turn.connection as Connection;
  const retry = connection.responses > 0;
  const timing = r.timing as Timings;
  timing.reused = timing.connect === null;
  const begun = performance.now();
  const sent = connection.wire.write(head, writeTimeout(s));
  const code = typeof sent === "number" ? sent : await sent;
  if (code !== 0) return failedOrStale(r, turn, "Could not send request", code, retry);
  if (r.body !== null && r.body.length !== 0 && !expects100(r)) {
    const uploaded = await sendBody(r, turn, retry);
    if (uploaded !== NE_OK) return uploaded;
  }
  timing.send = (performance.now() - begun) / 1000;
  trace(s, NE_DBG_HTTP, "Request sent; retry is %d.\n", retry ? 1 : 0);
  return readStatus(r, turn, retry);
}

async function open(r: Request, turn: Turn): Promise<number> {
  turn.connection = null;
  const timing = r.timing as Timings;
  const opening: Opening = {
    session: r.session,
    turn,
    scope: r.scope,
    timing,
    tunnel: (hop) => r.openTunnel(r, hop),
  };
  const code = await (r.tunnel === null
    ? openConnection(opening)
    : openToProxy(opening, r.tunnel.hop));
  if (code !== NE_OK) turn.connection = null;
  return code;
}

// A kept connection that ends before it answers had gone stale: it is closed, and the request may
// be sent once more.
function failedOrStale(
  r: Request,
  turn: Turn,
  doing: string,
  code: number,
  retry: boolean,
): number {
  if (retry && (code === NE_SOCK_CLOSED || code === NE_SOCK_RESET || code === NE_SOCK_TRUNC)) {
    stopUpload(r);
    closeConnection(r.session, turn.connection as Connection);
    turn.connection = null;
    return NE_RETRY;
  }
  return aborted(r, doing, code);
}

// Sends the body until it is out, or an answer comes: then the sending goes on beside the reading.
async function sendBody(r: Request, turn: Turn, retry: boolean): Promise<number> {
  await awaitUploadBefore(r);
  const { wire } = turn.connection as Connection;
  const upload = startUpload(r, wire);
  r.upload = upload;
  await new Promise<void>((resolve) => {
    wire.watch(() => {
      if (wire.hasBytes) resolve();
    });
    void upload.finished.then(resolve);
  });
  wire.unwatch();
  if (upload.result === null || upload.result.code === NE_OK) return NE_OK;
  if (upload.thrown !== null) throw upload.thrown.error;
  if (upload.result.provider) {
    // the provider has set the error
    closeConnection(r.session, turn.connection as Connection);
    return NE_ERROR;
  }
  // an answer that came before the connection broke says why it did
  if (wire.hasBytes) return NE_OK;
  return failedOrStale(r, turn, "Could not send request body", upload.result.code, retry);
}

// A provider is asked for one thing at a time: what an earlier attempt asked for, and nobody wants
// any more, is waited for.
async function awaitUploadBefore(r: Request): Promise<void> {
  const before = r.uploadBefore;
  r.uploadBefore = null;
  if (before === null || before.result !== null) return;
  if (r.body?.kind === "provider") r.body.over?.();
  await r.scope.race(before.finished);
}

// ---- reading the head ----

// Status lines up to the final one; the body follows a 100 response if it was held back.
async function readStatus(r: Request, turn: Turn, mayRetry: boolean): Promise<number> {
  const s = r.session;
  const deadline =
    r.flags[NE_REQFLAG_1XXTIMEOUT] !== 0 && s.readTimeoutSet
      ? performance.now() + s.readTimeoutMs
      : Infinity;
  let retry = mayRetry;
  for (let interims = 0; ; interims++) {
    let code = takeStatusLine(r, turn, retry);
    while (code === null) {
      const added = (turn.connection as Connection).wire.more(waitMs(r));
      const more = typeof added === "number" ? added : await added;
      if (more < 0) {
        const failed = uploadFailure(r);
        return failed ?? failedOrStale(r, turn, "Could not read status line", more, retry);
      }
      code = takeStatusLine(r, turn, retry);
    }
    if (code !== NE_OK) return code;
    if (r.status.klass !== 1 || isUpgrade(r)) break;
    retry = false;
    if (interims >= s.limits.interim_count) return aborted(r, "Too many interim responses", 0);
    trace(s, NE_DBG_HTTP, "Interim %d response.\n", r.status.code);
    const fields = await readFields(r, turn.connection as Connection);
    if (typeof fields === "number") return fields;
    r.headFields = fields;
    r.generation++;
    for (let i = r.interims.length - 1; i >= 0; i--) {
      const { fn, userdata } = r.interims[i] as (typeof r.interims)[number];
      const wait = application(r, fn(userdata as never, r.handle, r.status));
      if (wait instanceof Promise) await wait;
    }
    if (performance.now() > deadline) {
      return aborted(r, "Timed out waiting for the final response", 0);
    }
    if (r.status.code === 100 && expects100(r) && r.upload === null) {
      const uploaded = await sendBody(r, turn, false);
      if (uploaded !== NE_OK) return uploaded;
    }
  }
  const timing = r.timing as Timings;
  timing.first_byte = (performance.now() - r.startedAt) / 1000;
  setError(s, `${r.status.code} ${r.status.reason_phrase ?? ""}`);
  return NE_OK;
}

// A 101 response is final where the request asked for it (RFC 9110 section 15.2.2).
function isUpgrade(r: Request): boolean {
  return r.status.code === 101 && /^upgrade:/im.test(r.fields);
}

/** Whether the response has turned the connection into something else than HTTP. */
export function isTunnel(r: Request): boolean {
  return (r.method === "CONNECT" && r.status.klass === 2) || isUpgrade(r);
}

// A status line from what has been read; `null` where that is not enough.
function takeStatusLine(r: Request, turn: Turn, retry: boolean): number | null {
  const s = r.session;
  const taken = takeLine((turn.connection as Connection).wire, MAX_LINE);
  if (taken === MORE) return null;
  if (typeof taken !== "string") {
    return aborted(r, `Could not read status line: ${taken.reason}`, 0);
  }
  let line = taken;
  trace(s, NE_DBG_HTTP, "[status-line] < %s\n", line);
  if (s.flags[NE_SESSFLAG_ICYPROTO] !== 0 && line.startsWith("ICY ")) {
    line = `HTTP/1.0 ${line.slice(4)}`;
  }
  if (ne_parse_statusline(line, r.status) !== 0) {
    return aborted(r, "Could not parse response status line", 0);
  }
  if (r.status.major_version !== 1) {
    const { major_version: major, minor_version: minor } = r.status;
    return aborted(r, `Unsupported HTTP version ${major}.${minor}`, 0);
  }
  // the server had given up waiting for a request on this connection
  if (retry && r.status.code === 408) return failedOrStale(r, turn, "", NE_SOCK_CLOSED, true);
  return NE_OK;
}

// While the body is still going out, only its own progress is timed.
function waitMs(r: Request): number {
  return r.upload !== null && r.upload.result === null ? 0 : r.session.readTimeoutMs;
}

/** What the connection was cut for, if the provider failed beside the reading. */
export function uploadFailure(r: Request): number | null {
  if (r.upload?.result?.provider !== true) return null;
  if (r.upload.thrown !== null) throw r.upload.thrown.error;
  const connection = r.turn?.connection ?? null;
  if (connection !== null) closeConnection(r.session, connection);
  return NE_ERROR;
}

/** Reads the fields of a head or trailer. @returns a code where that fails */
export function readFields(
  r: Request,
  connection: Connection,
): Fields | number | Promise<Fields | number> {
  const s = r.session;
  const trace = isTraced(s, NE_DBG_HTTP) ? traceLines(s) : null;
  const parser = new FieldsParser(s.limits, MAX_HEADER_FIELD, trace);
  return takeFields(r, connection, parser) ?? awaitFields(r, connection, parser);
}

async function awaitFields(
  r: Request,
  connection: Connection,
  parser: FieldsParser,
): Promise<Fields | number> {
  for (;;) {
    const added = connection.wire.more(waitMs(r));
    const code = typeof added === "number" ? added : await added;
    if (code < 0) return uploadFailure(r) ?? aborted(r, "Error reading response headers", code);
    const fields = takeFields(r, connection, parser);
    if (fields !== null) return fields;
  }
}

// Fields from what has been read; `null` where that is not enough.
function takeFields(
  r: Request,
  connection: Connection,
  parser: FieldsParser,
): Fields | number | null {
  const taken = parser.take(connection.wire);
  if (taken === MORE) return null;
  if (taken instanceof Malformed) {
    const what =
      taken.reason === ""
        ? "Response exceeded maximum number of header fields"
        : `Error reading response headers: ${taken.reason}`;
    return aborted(r, what, 0);
  }
  if (parser.trace !== null) trace(r.session, NE_DBG_HTTP, "End of headers.\n");
  return parser.fields;
}

// Each line as it comes and each field once it is whole; what is folded to a secret is hidden, too.
function traceLines(s: Session): HeadTrace {
  let isSecret = false;
  return {
    line: (line) => {
      const isFolded = /^[ \t]/.test(line);
      const hidden = isFolded && isSecret ? "x".repeat(line.length) : hideSecrets(line);
      if (!isFolded) isSecret = hidden !== line;
      traceEither(s, "[hdr] %s\n", line, hidden);
    },
    field: (name, value) => {
      const line = `${name.toLowerCase()}: ${value}`;
      traceEither(s, "%s\n", named(line), named(hideSecrets(line)));
    },
  };
}

function named(line: string): string {
  const colon = line.indexOf(": ");
  return `Header Name: [${line.slice(0, colon)}], Value: [${line.slice(colon + 2)}]`;
}

// The rest of the head: fields, framing, hooks, and who takes the body.
function readHead(r: Request, connection: Connection): number | Promise<number> {
  // known from the status line on, even if the fields after it cannot be read
  r.session.http11 = r.status.minor_version >= 1;
  const fields = readFields(r, connection);
  return fields instanceof Promise
    ? fields.then((read) => useHead(r, connection, read))
    : useHead(r, connection, fields);
}

function useHead(
  r: Request,
  connection: Connection,
  fields: Fields | number,
): number | Promise<number> {
  if (typeof fields === "number") return fields;
  const s = r.session;
  r.headFields = fields;
  r.trailer = NO_FIELDS;
  r.generation++;
  const { http11 } = s;
  if (!http11) dropConnectionFields(fields);
  const strict = s.flags[NE_SESSFLAG_STRICT] !== 0;
  const head: ResponseHead = { method: r.method, code: r.status.code, http11, fields, strict };
  const framing = chooseFraming(head);
  if (typeof framing === "string") return aborted(r, framing, 0);
  r.persists = isPersistent(head) && framing.kind !== "end";
  connection.serverKeepMs = (keepAliveSeconds(fields) ?? Infinity) * 1000;
  r.decoder = new BodyDecoder(framing, strict, MAX_LINE);
  if (isTraced(s, NE_DBG_HTTP)) {
    r.decoder.trace = (line, size) => {
      trace(s, NE_DBG_HTTP, "[chunk] < %s\nGot chunk size: %d\n", line, size);
    };
  }
  r.progress = 0;
  r.total = framing.kind === "length" ? framing.length : -1;
  trace(s, NE_DBG_HTTP, "Running post_headers hooks\n");
  if (s.hooks.postHeaders.length > 0) return runPostHeaders(r);
  return chooseReaders(r, r.readers.length - 1);
}

async function runPostHeaders(r: Request): Promise<number> {
  for (const { fn, userdata } of [...r.session.hooks.postHeaders]) {
    const wait = application(r, fn(r.handle, userdata as never, r.status));
    if (wait instanceof Promise) await wait;
  }
  return chooseReaders(r, r.readers.length - 1);
}

// Asks the readers from this one on down to the first, then the body can be read.
function chooseReaders(r: Request, from: number): number | Promise<number> {
  for (let i = from; i >= 0; i--) {
    const reader = r.readers[i] as (typeof r.readers)[number];
    const accepted = reader.accept(reader.userdata as never, r.handle, r.status);
    const answer = applicationNumber(r, accepted, "ne_accept_response");
    if (typeof answer !== "number") {
      return answer.then((number) => {
        reader.chosen = number !== 0;
        return chooseReaders(r, i - 1);
      });
    }
    reader.chosen = answer !== 0;
  }
  r.stage = "body";
  const wait = tellProgress(r, ne_status_recving, 0, r.total);
  return wait === undefined ? NE_OK : wait.then(() => NE_OK);
}
