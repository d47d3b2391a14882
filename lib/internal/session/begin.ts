// The first half of a conversation: takes a turn and a connection and sends the request, with the
// same bytes once more where a kept connection had gone stale (RFC 9112 section 9.3.1).
import { basicValue } from "../auth/basic.js";
import {
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_IDEMPOTENT,
  NE_RETRY,
  NE_SESSFLAG_CONNAUTH,
} from "../base/constants.js";
import { abortCause, onAbort } from "../base/abort_signal.js";
import { together } from "../base/event_turn.js";
import { misuse } from "../base/handle.js";
import { writeHead } from "../http/request_head.js";
import { ne_buffer_create, ne_buffer_finish, ne_buffer_zappend } from "../../ne_string.js";
import { move, type Opening, type Sending, type Waiting } from "./attempt.js";
import { application, eachHook } from "./callbacks.js";
import { openConnection, openToProxy } from "./connect.js";
import { closeConnection, isUsable, takeIdle } from "./connection.js";
import { traceConnection, traceEnd, traceStart } from "./diagnostics.js";
import { leave, settle } from "./ending.js";
import type { NewConnection } from "./new_connection.js";
import { reportEnd, reportSending, startReport } from "./report.js";
import { startClock, type Request } from "./request_state.js";
import { readHead, readStatus } from "./response_head.js";
import { sendsToProxy } from "./route.js";
import { writeTimeout, type Connection, type Session, type Turn } from "./session_state.js";
import { trace, traceHead } from "./trace.js";
import { expects100, isEmpty, sendBody } from "./send_body.js";

/** `ne_begin_request`: sends the request and reads the head of the response. */
export async function beginRequest(r: Request, caller: string): Promise<number> {
  prepare(r, caller);
  const code = await traceStart(r, () => settle(r, () => begin(r)));
  if (code !== NE_OK) {
    reportEnd(r, code);
    leave(r);
    traceEnd(r, code);
  }
  return code;
}

/** Before `begin`: throws for a request that cannot be begun now. */
export function prepare(r: Request, caller: string): void {
  const { attempt, session: s } = r;
  if (attempt.at !== "idle") throw misuse(caller, "the request was begun and has not ended");
  if (s.destroyed) throw misuse(caller, "the session was destroyed already");
  r.clock = startClock(++s.work.begun);
  r.report = startReport(r.target, r.report);
  const turn = turnFor(r);
  move(r, { at: "waiting", turn, kept: attempt.kept });
}

// A CONNECT request runs inside the turn of the request that needs the tunnel.
function turnFor({ tunnel }: Request): Turn {
  const attempt = tunnel?.request.attempt;
  if (attempt !== undefined && attempt.at !== "idle") return attempt.turn;
  return { extra: false, inCallback: 0, connection: null, telling: null, thrownAtClose: null };
}

/** The work of `beginRequest`. */
export async function begin(r: Request): Promise<number> {
  for (const observer of r.session.listeners.observers) observer.begun(r.handle);
  const opening = r.attempt.at === "opening" ? r.attempt : (takeTurn(r) ?? (await waitForTurn(r)));
  const { turn } = opening;
  const s = r.session;
  r.answered = false;
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
  trace(s, NE_DBG_HTTP, "Running pre_send hooks\n");
  const written = s.hooks.preSend.length === 0 ? plainHead(r) : await hookedHead(r);
  const text = written + proxyLogin(r, written);
  traceHead(s, text);
  // a repetition after a stale connection sends it again, byte for byte
  const head = `${text}\r\n`;
  if (r.body?.kind === "provider" && r.body.toProve === true && !(await isEmpty(r, r.body))) {
    return NE_ERROR;
  }
  let code = await exchange(r, opening, head);
  if (code === NE_RETRY) code = await exchange(r, opening, head);
  return code === NE_OK ? await readHead(r) : code;
}

// ---- turn and connection ----

// The request's turn, if it may run now.
function takeTurn(r: Request): Opening | null {
  const { scope, session: s } = r;
  if (r.tunnel !== null) return startTurn(r);
  s.work.scopes.add(scope);
  if (s.signal !== null) watchSignal(r, s.signal.signal);
  if (r.bounds.signal !== null) watchSignal(r, r.bounds.signal);
  const deadline = r.bounds.deadlineMs > 0 ? r.bounds.deadlineMs : s.timeouts.request;
  if (deadline > 0) scope.setDeadline(deadline);
  scope.check();
  return s.work.turns.acquire(waiting(r).turn) ? startTurn(r) : null;
}

async function waitForTurn(r: Request): Promise<Opening> {
  await r.scope.race(r.session.work.turns.wait(waiting(r).turn));
  return startTurn(r);
}

function waiting({ attempt }: Request): Waiting {
  if (attempt.at !== "waiting") throw new Error("the request waits for no turn");
  return attempt;
}

function startTurn(r: Request): Opening {
  const { turn, kept } = waiting(r);
  if (r.tunnel === null) {
    r.scope.connected = turn;
    if (!turn.extra) takeIdle(r.session, turn, kept);
  }
  return move(r, { at: "opening", turn });
}

function watchSignal(r: Request, signal: AbortSignal): void {
  const { scope } = r;
  if (signal.aborted) {
    scope.abort(abortCause(signal));
    return;
  }
  scope.onClose(onAbort(signal, () => scope.abort(abortCause(signal))));
}

/** Requests that run side by side before they wait for each other to be sent. */
const CROWD = 3;

// The connection at hand, if it needs no look at what the system has received since, and no others
// are to be waited for.
function freshConnection({ scope, session: s }: Request, turn: Turn): Connection | null {
  const { connection } = turn;
  if (isCrowded(s)) return null;
  if (connection === null || connection.responses === 0 || !connection.wire.isFresh) return null;
  if (scope.broken !== null || !isUsable(s, connection)) return null;
  traceConnection("reuse", s, connection);
  return connection;
}

// A request sent alone wakes the server up, at a price: those of a crowd are sent together.
function isCrowded({ work }: Session): boolean {
  return work.turns.running.size >= CROWD;
}

// The connection to send over: the one at hand if it can be used, else a new one.
async function connectionFor(r: Request, turn: Turn): Promise<Connection | number> {
  const s = r.session;
  const kept = turn.connection;
  if (kept !== null && kept.responses > 0) {
    // what the system has received since is looked at first
    if (!kept.wire.isFresh) await kept.wire.poll();
    else if (isCrowded(s)) await together();
    if (!isUsable(s, kept)) closeConnection(s, kept);
  }
  r.scope.check();
  if (turn.connection?.open === true) {
    if (turn.connection === kept) traceConnection("reuse", s, kept);
    return turn.connection;
  }
  turn.connection = null;
  const code = await open(r, turn);
  if (code === NE_OK && turn.connection !== null) return turn.connection;
  turn.connection = null;
  return code;
}

async function open(r: Request, turn: Turn): Promise<number> {
  const opening: NewConnection = {
    session: r.session,
    turn,
    scope: r.scope,
    ordinal: r.clock.ordinal,
    timing: r.clock.timings,
    report: r.tunnel?.request.report ?? r.report,
    tunnel: (hop) => r.openTunnel(r, hop),
  };
  if (r.tunnel !== null) return openToProxy(opening, r.tunnel.hop);
  return openConnection(opening);
}

// ---- sending ----

function plainHead(r: Request): string {
  return writeHead(r.method, r.target, r.fields.fixed + r.fields.added, expects100(r));
}

// The head after the pre_send hooks.
async function hookedHead(r: Request): Promise<string> {
  const buffer = ne_buffer_create();
  ne_buffer_zappend(buffer, plainHead(r));
  for (const { fn, userdata } of eachHook(r.session.hooks.preSend)) {
    await application(r, fn(r.handle, userdata, buffer));
  }
  const written = ne_buffer_finish(buffer);
  // a character above U+00FF would be sent as another one, a line end perhaps
  if (/[^\0-\xff]/.test(written)) {
    throw misuse("ne_pre_send_fn", "the header holds a character above U+00FF");
  }
  return written;
}

// Basic credentials that came with a proxy's URL, for what that proxy reads: as curl, unasked.
function proxyLogin(r: Request, head: string): string {
  const s = r.session;
  const hop = r.tunnel?.hop ?? (sendsToProxy(s) ? s.route.hop : null);
  if (hop === null || hop.username === null) return "";
  if (/^proxy-authorization:/im.test(head)) return "";
  return `Proxy-Authorization: ${basicValue(hop.username, hop.password ?? "")}\r\n`;
}

// Sends the request over the connection at hand or a new one and reads the status line, passing
// over interim responses. NE_RETRY: the connection had gone stale and was closed.
async function exchange(r: Request, opening: Opening, head: string): Promise<number> {
  const s = r.session;
  const { timings } = r.clock;
  trace(s, NE_DBG_HTTP, "Sending request-line and headers:\n");
  const connection = freshConnection(r, opening.turn) ?? (await connectionFor(r, opening.turn));
  if (typeof connection === "number") return connection === NE_OK ? NE_ERROR : connection;
  const mayBeStale = connection.responses > 0 && !r.once;
  const sending: Sending = move(r, {
    at: "sending",
    turn: opening.turn,
    connection,
    mayBeStale,
    upload: null,
    broken: null,
  });
  timings.reused = timings.connect === null;
  reportSending(r.report, connection, head);
  for (const observer of s.listeners.observers) observer.sending(r.handle, head);
  const begun = performance.now();
  // a small body goes out with its head: the server wakes up once
  if (r.body?.kind === "buffer" && !expects100(r)) connection.wire.gather();
  const sent = connection.wire.write(head, writeTimeout(s, connection.readTimeoutMs));
  const code = typeof sent === "number" ? sent : await sent;
  if (code !== 0) {
    sending.broken = { doing: "Could not send request", failure: connection.wire.failure };
  } else if (r.body !== null && r.body.length !== 0 && !expects100(r)) {
    const uploaded = await sendBody(r, sending);
    if (uploaded !== NE_OK) return uploaded;
  }
  timings.send = (performance.now() - begun) / 1000;
  r.report.phase = "wait";
  trace(s, NE_DBG_HTTP, "Request sent; retry is %d.\n", mayBeStale ? 1 : 0);
  return await readStatus(r, sending);
}
