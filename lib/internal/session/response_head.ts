// Reads the head of a response: passes over interim responses, chooses the framing of the body and
// asks who takes it (RFC 9110 section 15.2, RFC 9112 sections 4 to 6).
import {
  MAX_HEADER_FIELD,
  MAX_LINE,
  NE_DBG_HTTP,
  NE_OK,
  NE_REQFLAG_1XXTIMEOUT,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_STRICT,
  NE_SOCK_TIMEOUT,
  ne_status_recving,
} from "../base/constants.js";
import { BodyDecoder } from "../http/body_decoder.js";
import {
  chooseFraming,
  dropConnectionFields,
  isPersistent,
  keepAliveSeconds,
  type ResponseHead,
} from "../http/framing.js";
import {
  FieldsParser,
  Malformed,
  MORE,
  takeLine,
  type Fields,
  type HeadTrace,
} from "../http/head.js";
import { parseStatusLine } from "../http/status_line.js";
import { CLOSED } from "../wire/wire_failure.js";
import { move, uploadOf, type Answered, type Reply, type Sending } from "./attempt.js";
import { application, applicationNumber, eachHook, tellProgress } from "./callbacks.js";
import { aborted, failedOrStale } from "./ending.js";
import { reportHead } from "./report.js";
import { NO_FIELDS, type Request } from "./request_state.js";
import { setError, type Connection, type Session } from "./session_state.js";
import { hideSecrets, isTraced, trace, traceEither } from "./trace.js";
import { expects100, sendBody, sourceFailure } from "./send_body.js";

/**
 * Reads status lines up to the final one; the body follows a 100 response if it was held back.
 * @returns `NE_RETRY` where the connection had gone stale, and was closed
 */
export async function readStatus(r: Request, sending: Sending): Promise<number> {
  const s = r.session;
  const isBounded = r.flags[NE_REQFLAG_1XXTIMEOUT] !== 0 && s.timeouts.readSet;
  const deadline = isBounded ? performance.now() + s.timeouts.read : Infinity;
  const sendAt = expects100(r) ? performance.now() + expectMs(r, sending) : Infinity;
  for (let interims = 0; ; interims++) {
    const code = await readStatusLine(r, sending, sendAt);
    if (code !== NE_OK) return code;
    if (r.status.klass !== 1 || isUpgrade(r)) break;
    sending.mayBeStale = false;
    if (interims >= s.limits.interim_count) return aborted(r, "Too many interim responses");
    trace(s, NE_DBG_HTTP, "Interim %d response.\n", r.status.code);
    const fields = await readFields(r, sending.connection, "fields");
    if (typeof fields === "number") return fields;
    r.report.phase = "wait";
    for (const observer of s.listeners.observers) observer.interim(r.handle, fields);
    for (const { fn, userdata } of r.interims.toReversed()) {
      await application(r, fn(userdata, r.handle, r.status));
    }
    if (performance.now() > deadline) return aborted(r, "Timed out reading interim responses");
    if (r.status.code === 100 && isHeldBack(r, sending)) {
      const uploaded = await sendBody(r, sending);
      if (uploaded !== NE_OK) return uploaded;
    }
  }
  for (const observer of s.listeners.observers) observer.status(r.handle);
  r.clock.timings.first_byte = (performance.now() - r.clock.startedAt) / 1000;
  tellStatus(r);
  const { turn, connection, upload } = sending;
  move(r, { at: "answered", turn, connection, upload });
  return NE_OK;
}

/** Makes the error string that of the response. */
function tellStatus({ session: s, status, clock }: Request): void {
  setError(s, `${status.code} ${status.reason_phrase ?? ""}`);
  s.last.statusOf = clock.ordinal;
}

/** Makes the error string that of the response again, where another request has set it since. */
export function tellStatusAgain(r: Request): void {
  if (r.session.last.statusOf !== r.clock.ordinal) tellStatus(r);
}

// The body waits for a 100 response.
function isHeldBack(r: Request, sending: Sending): boolean {
  return expects100(r) && sending.upload === null && sending.broken === null;
}

// How long it waits for that (RFC 9110 section 10.1.1).
function expectMs(r: Request, { connection }: Sending): number {
  const { expect } = r.session.timeouts;
  return expect > 0 ? Math.min(expect, connection.readTimeoutMs) : Infinity;
}

// Reads a status line; a body that is held back goes out without a 100 response at `sendAt`.
async function readStatusLine(r: Request, sending: Sending, sendAt: number): Promise<number> {
  const { wire } = sending.connection;
  for (;;) {
    const code = takeStatusLine(r, sending);
    if (code !== null) return code;
    // a peer that takes nothing is not waited for once more
    if (unsent(sending)?.failure.code === NE_SOCK_TIMEOUT) return statusFailed(r, sending);
    const isHeld = sendAt < Infinity && isHeldBack(r, sending);
    const wait = isHeld ? Math.max(sendAt - performance.now(), 1) : waitMs(r, sending.connection);
    const added = wire.more(wait);
    const more = typeof added === "number" ? added : await added;
    if (more >= 0) continue;
    if (!isHeld || more !== NE_SOCK_TIMEOUT) return statusFailed(r, sending);
    trace(r.session, NE_DBG_HTTP, "No interim response, sending the body.\n");
    const uploaded = await sendBody(r, sending);
    if (uploaded !== NE_OK) return uploaded;
  }
}

// No status line came: because of what could not be sent, if there is such a thing.
function statusFailed(r: Request, sending: Sending): number {
  const failed = sourceFailure(r);
  if (failed !== null) return failed;
  const broken = unsent(sending);
  const { wire } = sending.connection;
  r.report.phase = broken !== null ? "send" : wire.available > 0 ? "head" : "wait";
  const { doing, failure } = broken ?? {
    doing: "Could not read status line",
    failure: wire.failure,
  };
  return failedOrStale(r, sending, doing, failure);
}

// What could not be sent, and why.
function unsent({ broken, upload }: Sending): Sending["broken"] {
  if (broken !== null || upload?.result?.how !== "broken") return broken;
  return { doing: upload.doing, failure: upload.result.failure };
}

// A 101 response is final where the request asked for it (RFC 9110 section 15.2.2).
function isUpgrade(r: Request): boolean {
  return r.status.code === 101 && /^upgrade:/im.test(r.fields.added);
}

/** Whether the response has turned the connection into something else than HTTP. */
export function isTunnel(r: Request): boolean {
  return (r.method === "CONNECT" && r.status.klass === 2) || isUpgrade(r);
}

// A status line from what has been read; `null` where that is not enough.
function takeStatusLine(r: Request, sending: Sending): number | null {
  const s = r.session;
  const taken = takeLine(sending.connection.wire, MAX_LINE);
  if (taken === MORE) return null;
  r.report.phase = "head";
  if (typeof taken !== "string") return aborted(r, `Could not read status line: ${taken.reason}`);
  trace(s, NE_DBG_HTTP, "[status-line] < %s\n", taken);
  if (taken === "") return aborted(r, "Could not read status line");
  const isIcy = s.flags[NE_SESSFLAG_ICYPROTO] !== 0 && taken.startsWith("ICY ");
  const line = isIcy ? `HTTP/1.0 ${taken.slice(4)}` : taken;
  if (!parseStatusLine(line, s.flags[NE_SESSFLAG_STRICT] !== 0, r.status)) {
    return aborted(r, "Could not parse response status line");
  }
  if (r.status.major_version !== 1) return aborted(r, "Incompatible HTTP version");
  // the server had given up waiting for a request on this connection
  if (sending.mayBeStale && r.status.code === 408) return failedOrStale(r, sending, "", CLOSED);
  return NE_OK;
}

// While the body is still going out, only its own progress is timed.
function waitMs(r: Request, connection: Connection): number {
  const upload = uploadOf(r);
  return upload !== null && upload.result === null ? 0 : connection.readTimeoutMs;
}

/**
 * Reads the fields of a head or trailer; those that came before a failure are to be seen, too.
 * @returns a code where that fails
 */
export async function readFields(
  r: Request,
  connection: Connection,
  kind: "fields" | "trailer",
): Promise<Fields | number> {
  const s = r.session;
  const { wire } = connection;
  const parser = new FieldsParser(
    s.limits,
    MAX_HEADER_FIELD,
    isTraced(s, NE_DBG_HTTP) ? traceLines(s) : null,
  );
  r.response[kind] = parser.fields;
  for (;;) {
    const taken = parser.take(wire);
    if (taken === true) break;
    if (taken instanceof Malformed) return aborted(r, taken.reason);
    const added = wire.more(waitMs(r, connection));
    const code = typeof added === "number" ? added : await added;
    if (code < 0) {
      return sourceFailure(r) ?? aborted(r, "Error reading response headers", wire.failure);
    }
  }
  if (parser.trace !== null) trace(s, NE_DBG_HTTP, "End of headers.\n");
  return parser.fields;
}

// Each line as it comes and each field once it is whole; what is folded to a secret is hidden, too.
function traceLines(s: Session): HeadTrace {
  let isSecret = false;
  let isFirst = true;
  return {
    line: (line) => {
      const isFolded = !isFirst && /^[ \t]/.test(line);
      const hidden = isFolded && isSecret ? "x".repeat(line.length) : hideSecrets(line);
      if (!isFolded) isSecret = hidden !== line;
      isFirst = false;
      traceEither(s, isFolded ? "[cont] %s\n" : "[hdr] %s\n", line, hidden);
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

/** Reads the rest of the head: fields, framing, hooks, and who takes the body. */
export async function readHead(r: Request): Promise<number> {
  const { attempt, session: s } = r;
  if (attempt.at !== "answered") throw new Error("no status line has been read");
  const { connection } = attempt;
  const http11 = r.status.minor_version >= 1;
  // known from the status line on, even if the fields after it cannot be read
  s.http11 = http11;
  r.response.trailer = NO_FIELDS;
  const fields = await readFields(r, connection, "fields");
  if (typeof fields === "number") return fields;
  reportHead(r.report, r.status.code, fields);
  for (const observer of s.listeners.observers) observer.answered(r.handle);
  if (!http11) dropConnectionFields(fields);
  const strict = s.flags[NE_SESSFLAG_STRICT] !== 0;
  const head: ResponseHead = { method: r.method, code: r.status.code, http11, fields, strict };
  const framing = chooseFraming(head);
  if (typeof framing === "string") return aborted(r, framing);
  connection.serverKeepMs = (keepAliveSeconds(fields) ?? Infinity) * 1000;
  const decoder = new BodyDecoder(framing, strict, MAX_LINE);
  if (isTraced(s, NE_DBG_HTTP)) {
    decoder.trace = (line, size) => {
      trace(s, NE_DBG_HTTP, "[chunk] < %s\nGot chunk size: %d\n", line, size);
    };
  }
  trace(s, NE_DBG_HTTP, "Running post_headers hooks\n");
  for (const { fn, userdata } of eachHook(s.hooks.postHeaders)) {
    await application(r, fn(r.handle, userdata, r.status));
  }
  return await chooseReaders(r, attempt, {
    decoder,
    persists: isPersistent(head) && framing.kind !== "end",
    progress: 0,
    total: framing.kind === "length" ? framing.length : -1,
  });
}

// Asks the readers, the last one first; then the body can be read.
async function chooseReaders(r: Request, answered: Answered, reply: Reply): Promise<number> {
  const { turn, connection, upload } = answered;
  move(r, { at: "body", turn, connection, upload, reply, busy: true });
  r.report.phase = "body";
  r.answered = true;
  for (const reader of r.readers.toReversed()) {
    const accepted = reader.accept(reader.userdata, r.handle, r.status);
    const result = applicationNumber(r, accepted, "ne_accept_response");
    reader.chosen = (typeof result === "number" ? result : await result) !== 0;
  }
  const wait = tellProgress(r, ne_status_recving, 0, reply.total);
  if (wait !== undefined) await wait;
  return NE_OK;
}
