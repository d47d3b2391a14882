// Records how a request went, for nx_get_failure. While all goes well this costs a few assignments;
// text is made only when it is asked for.
//
//   queue ─► lookup ─► connect ─► proxy ─► handshake ─► verify ─► send ─► wait ─► head ─► body
//
// A request over a kept connection goes from queue to send. Where a login is refused the phase is
// "auth", where content cannot be read "parse", where a callback ended it "callback".
import { NE_AUTH, NE_ERROR, NE_OK, NE_PROXYAUTH, NE_RETRY } from "../base/constants.js";
import type { Fields } from "../http/head.js";
import type { Wire } from "../wire/wire.js";
import { KeptBody } from "./kept_body.js";

/** See `nx_timings`. */
export interface Timings {
  lookup: number | null;
  connect: number | null;
  handshake: number | null;
  send: number | null;
  first_byte: number | null;
  receive: number | null;
  total: number;
  reused: boolean;
}

/**
 * What was being done when a request failed.
 *
 * - `queue`: waiting for its turn
 * - `lookup`, `connect`: of the origin, or of the proxy
 * - `proxy`: all talk with a proxy, its TLS included
 * - `handshake`, `verify`: TLS with the origin, and the judgement of its certificate
 * - `send`, `wait`: the request going out; nothing of a response has come
 * - `head`, `body`: malformed or missing HTTP, or a response that is taken for a failure
 * - `auth`: a login refused
 * - `parse`: the content (XML, compression)
 * - `callback`: a callback of the program ended it
 */
export type nx_phase =
  | "queue"
  | "lookup"
  | "connect"
  | "proxy"
  | "handshake"
  | "verify"
  | "send"
  | "wait"
  | "head"
  | "body"
  | "auth"
  | "parse"
  | "callback";

/** An address, and what became of connecting to it; `null`: connected. */
export interface Tried {
  readonly address: string;
  error: string | null;
}

/** What is known of TLS with the origin, or with a proxy where it failed there. */
export interface TlsFacts {
  /** `NE_SSL_*` bits. */
  failures: number;
  protocol: string | null;
  cipher: string | null;
}

/** What a proxy answered in place of a tunnel. */
export interface RefusedTunnel {
  readonly status: number;
  readonly reason: string;
  /** The beginning of its body, secrets in it. */
  readonly text: string;
}

/** What opening a connection finds out about it; it stays true while the connection is kept. */
export interface Origins {
  readonly tried: Tried[];
  /** `host:port` of the proxy, `null` for none. */
  readonly proxy: string | null;
  tls: TlsFacts | null;
}

export interface Report {
  phase: nx_phase;
  /** Of the connection of the last attempt, or of the one that could not be opened. */
  origins: Origins;
  /** The connection of the last attempt, and its counts of bytes when that began. */
  wire: Wire | null;
  sentBefore: number;
  receivedBefore: number;
  /** Bytes of the last attempt and of its response, once it is over. */
  sent: number;
  received: number;
  /** The connection had carried another request. */
  reused: boolean;
  /** The head as it was sent, secrets in it. */
  head: string;
  tunnel: RefusedTunnel | null;
  /** The request-target. */
  target: string;
  /** Why it was sent again, `null` if it was not. */
  again: string | null;
  /** It was broken off: aborted, or its time was up. */
  brokenOff: boolean;
  /** Status of the final response, 0 without one. */
  status: number;
  fields: Fields | null;
  /** The response was read to its end. */
  complete: boolean;
  /** The beginning of the body of an error, or of a multistatus response. */
  body: KeptBody | null;
  /** `host:port` of its server, if it failed. */
  origin: string;
  // how it ended
  code: number;
  error: string;
  cause: Error | null;
  timings: Timings | null;
}

/** Who keeps the report of its last request. */
interface ReportingSession {
  readonly server: { readonly hostname: string; readonly port: number };
  readonly error: string;
  readonly cause: Error | null;
  readonly last: { report: Report | null };
  /** The session for which a redirect is followed. */
  readonly askedBy: ReportingSession | null;
}

/** Whose report it is. */
export interface Reported {
  readonly report: Report;
  readonly session: ReportingSession;
  readonly clock: { readonly startedAt: number; readonly timings: Timings };
  readonly tunnel: object | null;
}

/** What is known of a connection that nobody has begun to open. */
const NO_ORIGINS: Origins = { tried: [], proxy: null, tls: null };

/** Bytes of an error's body that are kept. */
const MAX_BODY = 64 * 1024;

/** Bytes of the page with which a proxy refuses a tunnel. */
const MAX_TUNNEL_TEXT = 1024;

/** The report of a request that begins now. @param before the one of its attempt before, if any */
export function startReport(target: string, before: Report | null): Report {
  return {
    phase: "queue",
    origins: NO_ORIGINS,
    wire: null,
    sentBefore: 0,
    receivedBefore: 0,
    sent: 0,
    received: 0,
    reused: false,
    head: "",
    tunnel: null,
    target,
    again: before?.code === NE_RETRY ? before.again : null,
    brokenOff: false,
    status: 0,
    fields: null,
    complete: false,
    body: null,
    origin: "",
    code: NE_OK,
    error: "",
    cause: null,
    timings: null,
  };
}

/** Of a request that has not begun. */
export const NO_REPORT: Report = Object.freeze(startReport("", null));

/** A connection is about to be opened, through a proxy or directly. */
export function reportOpening(report: Report, hop: { host: string; port: number } | null): void {
  const proxy = hop === null ? null : `${hop.host}:${hop.port}`;
  report.origins = { tried: [], proxy, tls: null };
  report.wire = null;
  report.sent = 0;
  report.received = 0;
}

/** An address is tried. @returns what is to be told what becomes of it */
export function reportConnecting(report: Report, address: string): Tried {
  const tried: Tried = { address, error: "not connected" };
  report.phase = "connect";
  report.origins.tried.push(tried);
  return tried;
}

/** TLS begins, with the origin or a proxy. @returns what is to be told more */
export function reportHandshake(report: Report, isOrigin: boolean): TlsFacts {
  report.phase = isOrigin ? "handshake" : "proxy";
  return (report.origins.tls = { failures: 0, protocol: null, cipher: null });
}

/** The head of a request goes out over a connection. */
export function reportSending(
  report: Report,
  connection: { wire: Wire; origins: Origins; responses: number },
  head: string,
): void {
  const { wire } = connection;
  report.phase = "send";
  report.origins = connection.origins;
  report.wire = wire;
  report.sentBefore = wire.sent;
  report.receivedBefore = wire.received;
  report.reused = connection.responses > 0;
  report.head = head;
  report.status = 0;
  report.complete = false;
  report.body = null;
}

/** The final head has come. The body of an error may say more. */
export function reportHead(report: Report, status: number, fields: Fields): void {
  report.status = status;
  report.fields = fields;
  const mayFail = status === 207 || status >= 300;
  report.body = mayFail ? new KeptBody(MAX_BODY) : null;
}

/** The tunnel that the request needs could not be made: its CONNECT request ended so. */
export function reportTunnel(
  report: Report,
  code: number,
  connect: { report: Report; status: { code: number; reason_phrase: string | null } },
): void {
  const { body, complete, head, phase, status } = connect.report;
  report.phase = code === NE_PROXYAUTH || phase === "callback" ? phase : "proxy";
  report.head = head;
  if (!complete) return;
  const reason = connect.status.reason_phrase ?? "";
  const text = body?.bytes.toString("utf8", 0, MAX_TUNNEL_TEXT) ?? "";
  report.tunnel = { status, reason, text };
}

/** Hooks have looked at a whole response: what they say of it. */
export function reportVerdict(report: Report, code: number): void {
  report.complete = true;
  if (code === NE_RETRY) {
    const isLogin = report.status === 401 || report.status === 407;
    report.again = isLogin ? `a login was asked for (${report.status})` : "a callback asked for it";
  } else if (code === NE_AUTH || code === NE_PROXYAUTH) {
    report.phase = "auth";
  } else if (code === NE_ERROR && report.phase === "body") {
    report.phase = "callback";
  }
}

// What is counted is done: the wire may go.
function countBytes(report: Report): void {
  const { wire } = report;
  if (wire === null) return;
  report.sent = wire.sent - report.sentBefore;
  report.received = wire.received - report.receivedBefore;
  report.wire = null;
}

/** The request is over, with this code. */
export function reportEnd(r: Reported, code: number, error = r.session.error): void {
  const { report, session: s, clock } = r;
  report.code = code;
  countBytes(report);
  if (code !== NE_OK) {
    report.origin = `${s.server.hostname}:${s.server.port}`;
    report.error = error;
    report.cause = s.cause;
    report.timings = { ...clock.timings };
    if (!report.complete) report.timings.total = (performance.now() - clock.startedAt) / 1000;
  }
  if (r.tunnel !== null) return;
  s.last.report = report;
  if (s.askedBy !== null) s.askedBy.last.report = report;
}
