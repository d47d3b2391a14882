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
  NE_SOCK_CLOSED,
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
import {
  aborted,
  application,
  applicationNumber,
  failedOrStale,
  NO_FIELDS,
  tellProgress,
  type Request,
} from "./request.js";
import {
  eachHook,
  hideSecrets,
  isTraced,
  setError,
  trace,
  traceEither,
  type Connection,
  type Session,
  type Timings,
  type Turn,
} from "./session.js";
import { expects100, sendBody, uploadFailure } from "./upload.js";
import { ne_parse_statusline, ne_status } from "../../ne_utils.js";

/**
 * Reads status lines up to the final one; the body follows a 100 response if it was held back.
 * @param mayRetry as for `sendBody`
 * @returns `NE_RETRY` where that connection had gone stale, and was closed
 */
export async function readStatus(r: Request, turn: Turn, mayRetry: boolean): Promise<number> {
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
    const fields = await readFields(r, turn.connection as Connection, "headFields");
    if (typeof fields === "number") return fields;
    for (const witness of s.witnesses) witness.interim(r.handle, fields);
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
  for (const witness of s.witnesses) witness.status(r.handle);
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
    Object.assign(r.status, new ne_status());
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

/**
 * Reads the fields of a head or trailer; those that came before a failure are to be seen, too.
 * @returns a code where that fails
 */
export function readFields(
  r: Request,
  connection: Connection,
  kind: "headFields" | "trailer",
): Fields | number | Promise<Fields | number> {
  const s = r.session;
  const trace = isTraced(s, NE_DBG_HTTP) ? traceLines(s) : null;
  const parser = new FieldsParser(s.limits, MAX_HEADER_FIELD, trace);
  r[kind] = parser.fields;
  r.generation++;
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
export function readHead(r: Request, connection: Connection): number | Promise<number> {
  // known from the status line on, even if the fields after it cannot be read
  r.session.http11 = r.status.minor_version >= 1;
  r.trailer = NO_FIELDS;
  const fields = readFields(r, connection, "headFields");
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
  for (const witness of s.witnesses) witness.answered(r.handle);
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
  for (const { fn, userdata } of eachHook(r.session.hooks.postHeaders)) {
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
  r.answered = true;
  const wait = tellProgress(r, ne_status_recving, 0, r.total);
  return wait === undefined ? NE_OK : wait.then(() => NE_OK);
}
