// The first half of a conversation: takes a turn and a connection and sends the request, with the
// same bytes once more where a kept connection had gone stale (RFC 9112 section 9.3.1).
import { basicValue } from "../auth/basic.js";
import {
  NE_DBG_HTTP,
  NE_OK,
  NE_REQFLAG_IDEMPOTENT,
  NE_RETRY,
  NE_SESSFLAG_CONNAUTH,
} from "../base/constants.js";
import { openConnection, openToProxy, type Opening } from "./connect.js";
import { misuse } from "../base/handle.js";
import { writeHead } from "../http/request_head.js";
import { application, failedOrStale, leave, settle, type Request } from "./request.js";
import { readHead, readStatus } from "./response_head.js";
import {
  closeConnection,
  eachHook,
  sendsToProxy,
  trace,
  traceHead,
  writeTimeout,
  type Connection,
  type Timings,
  type Turn,
} from "./session.js";
import { onAbort } from "../base/abort_signal.js";
import { expects100, sendBody } from "./upload.js";
import { ne_buffer_create, ne_buffer_finish, ne_buffer_zappend } from "../../ne_string.js";

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
  r.answered = false;
  if (r.turn !== null) return;
  r.ordinal = ++r.session.begun;
  r.startedAt = performance.now();
  r.endedAt = r.startedAt;
  r.timing = startTiming();
}

/** The work of `beginRequest`. Parts that need not wait answer without a promise. */
export async function begin(r: Request): Promise<number> {
  for (const witness of r.session.witnesses) witness.begun(r.handle);
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
  for (const { fn, userdata } of eachHook(s.hooks.preSend)) {
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
  const hop = r.tunnel?.hop ?? (sendsToProxy(s) ? s.hop : null);
  if (hop === null || hop.username === null) return "";
  if (/^proxy-authorization:/im.test(head)) return "";
  return `Proxy-Authorization: ${basicValue(hop.username, hop.password ?? "")}\r\n`;
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
  const retry = connection.responses > 0 && !r.once;
  const timing = r.timing as Timings;
  timing.reused = timing.connect === null;
  for (const witness of s.witnesses) witness.sending(r.handle, head);
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
    ordinal: r.ordinal,
    timing,
    tunnel: (hop) => r.openTunnel(r, hop),
  };
  const code = await (r.tunnel === null
    ? openConnection(opening)
    : openToProxy(opening, r.tunnel.hop));
  if (code !== NE_OK) turn.connection = null;
  return code;
}
