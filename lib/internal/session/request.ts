// The record behind a request, and what each step of its conversation shares: waiting for
// callbacks, wording errors, ending.
//
//   idle ── begin ──► open ── head read ──► body ── end ──► idle      (begin.ts, response.ts)
//     ▲                │                     │
//     └──── failed ◄───┴─────────────────────┘
//
//   open: waiting for its turn, connecting, sending, reading the head
//   body: between ne_begin_request and ne_end_request
//
// Whatever fails ends in one of two places: aborted(), for the peer and the network, words the
// error from what was being done, closes the connection and gives the NE_* code; settle(), around
// every step, closes the connection for what an application's callback throws, and lets it through.
import {
  NE_DBG_HTTP,
  NE_ERROR,
  NE_RETRY,
  NE_SESSFLAG_EXPECT100,
  NE_SESSFLAG_PERSIST,
  NE_SOCK_CLOSED,
  NE_SOCK_RESET,
  NE_SOCK_TIMEOUT,
  NE_SOCK_TRUNC,
  NE_TIMEOUT,
} from "../base/constants.js";
import { HandleType, misuse, type ne_request } from "../base/handle.js";
import type { BodyDecoder } from "../http/body_decoder.js";
import { Fields } from "../http/head.js";
import { fixedFields } from "../http/request_head.js";
import { isPromise } from "../base/promise.js";
import { BrokenOff, Scope } from "./cancellation.js";
import {
  awaitApplication,
  closeConnection,
  eachHook,
  httpProxyInUse,
  needSync,
  notify,
  setError,
  trace,
  type Connection,
  type Hook,
  type Hop,
  type Session,
  type Timings,
  type Turn,
} from "./session.js";
import type { ne_uri } from "../../ne_uri.js";
import { ne_status } from "../../ne_utils.js";

/** A body reader with its acceptance callback. */
export interface Reader {
  accept: (
    userdata: never,
    req: ne_request,
    st: Readonly<ne_status>,
  ) => number | PromiseLike<number>;
  read: (userdata: never, block: Buffer) => number | PromiseLike<number>;
  userdata: unknown;
  /** Takes the body of the present response. */
  chosen: boolean;
}

/** Where the body of a request comes from; `length` -1: until it ends, in chunks. */
export type RequestBody =
  | { kind: "buffer"; bytes: Uint8Array; length: number }
  | { kind: "file"; fd: () => number; offset: number; length: number }
  | {
      kind: "provider";
      provide: (userdata: never, buffer: Uint8Array) => number | PromiseLike<number>;
      userdata: unknown;
      length: number;
      /** Told when the request is over, and no repetition will ask for the body again. */
      over?: () => void;
    };

/** The sending of a body, under way or over. */
export interface Upload {
  /** `NE_OK`, or why not; `null` while it goes on. */
  result: UploadResult | null;
  finished: Promise<void>;
  /** What the provider threw. */
  thrown: { error: unknown } | null;
  /** The error string of the failure that the provider or file gave. */
  error: string;
  /** It waits for the peer or the application: the moment to look for an early answer. */
  waits: boolean;
  /** Told when it begins to wait. */
  look: () => void;
  /** What is being sent, for the error of a connection that fails now. */
  doing: string;
  stop(): void;
}

/** `code` is an NE_SOCK_* code for the wire's failure, or `NE_ERROR` where the error is set. */
export interface UploadResult {
  code: number;
  provider: boolean;
}

/** Makes a CONNECT tunnel through a proxy; words its own errors. */
export type OpenTunnel = (r: Request, hop: Hop) => Promise<number>;

type Stage = "idle" | "open" | "body";

export interface Request {
  handle: ne_request;
  session: Session;
  method: string;
  /** As it is sent. */
  target: string;
  /** The fields that every request begins with, as of its creation. */
  fixed: string;
  /** Fields added by the caller. */
  fields: string;
  /** Fields to send behind a body in chunks. */
  trailerFields: string;
  flags: number[];
  body: RequestBody | null;
  readers: Reader[];
  interims: Hook<(userdata: never, req: ne_request, st: Readonly<ne_status>) => unknown>[];
  /** Made with the first value. */
  privates: Map<string, unknown> | null;
  status: ne_status;
  stage: Stage;
  /** A CONNECT request runs inside the turn of the request that needs the tunnel. */
  tunnel: { request: Request; hop: Hop } | null;
  /** Makes a tunnel for this request. */
  openTunnel: OpenTunnel;
  turn: Turn | null;
  scope: Scope;
  /** Bound on this request as a whole, 0 for the session's. */
  deadlineMs: number;
  /** Breaks off this request alone. */
  signal: AbortSignal | null;
  /** The connection a repetition goes over, where it was kept. */
  affinity: Connection | null;
  /** Never sent again by itself where a kept connection ends without an answer. */
  once: boolean;
  headFields: Fields;
  trailer: Fields;
  decoder: BodyDecoder | null;
  upload: Upload | null;
  /** The sending of an earlier attempt, which may still be waiting for the provider. */
  uploadBefore: Upload | null;
  /** The notifier's promise is being waited for. */
  telling: Promise<void> | null;
  /** A step of the conversation is under way. */
  busy: boolean;
  /** The head of a response to the last sending has been read. */
  answered: boolean;
  persists: boolean;
  progress: number;
  total: number;
  /** Bumped with each response, so that an old field cursor is told from a present one. */
  generation: number;
  timing: Timings | null;
  /** Its place in the order in which the session's requests were begun. */
  ordinal: number;
  /** When it was begun, repetitions not counting, on the clock of `performance`. */
  startedAt: number;
  /** When its response had been read. */
  endedAt: number;
  /** See `ne_get_request_target`. */
  targetUri: ne_uri | null;
}

export const requests = new HandleType<"ne_request", Request>("ne_request", destroyRequest);

/** The fields of a response that has not come. */
export const NO_FIELDS = new Fields();

/** Makes the record of a request; hooks are the face's matter. */
export function createRequest(
  s: Session,
  method: string,
  target: string,
  openTunnel: OpenTunnel,
): Request {
  const r: Request = {
    handle: undefined as unknown as ne_request,
    session: s,
    method,
    target,
    fixed: fixedFields({
      userAgent: s.userAgent,
      hostport: s.hostport,
      persist: s.flags[NE_SESSFLAG_PERSIST] !== 0,
      plainTe: s.http11 || httpProxyInUse(s) !== null,
    }),
    fields: "",
    trailerFields: "",
    flags: [s.flags[NE_SESSFLAG_EXPECT100] as number, 1, 1],
    body: null,
    readers: [],
    interims: [],
    privates: null,
    status: new ne_status(),
    stage: "idle",
    tunnel: null,
    openTunnel,
    turn: null,
    scope: new Scope(),
    deadlineMs: 0,
    signal: null,
    affinity: null,
    once: false,
    headFields: NO_FIELDS,
    trailer: NO_FIELDS,
    decoder: null,
    upload: null,
    uploadBefore: null,
    telling: null,
    busy: false,
    answered: false,
    persists: false,
    progress: 0,
    total: -1,
    generation: 0,
    timing: null,
    ordinal: 0,
    startedAt: 0,
    endedAt: 0,
    targetUri: null,
  };
  r.handle = requests.create(r) as ne_request;
  return r;
}

/** Tells the session's hooks of a new request. */
export function runCreateHooks(r: Request): void {
  for (const { fn, userdata } of eachHook(r.session.hooks.createRequest)) {
    needSync(fn(r.handle, userdata as never, r.method, r.target), "ne_create_request_fn");
  }
}

/** The connection that the request uses or will use, `null` while there is none. */
export function connectionOf(req: ne_request): object | null {
  const r = requests.open(req, "connectionOf");
  const held = r.turn?.connection ?? r.affinity;
  if (held !== null && held !== undefined) return held.open ? held : null;
  return r.turn?.extra === true ? null : (r.session.idle.at(-1) ?? null);
}

// ---- waiting for others ----

/** Waits for an application's promise, if it is one. */
export function application<T>(r: Request, value: T | PromiseLike<T>): T | Promise<T> {
  const { turn } = r;
  // the callback may have destroyed the request
  if (turn === null) {
    if (isPromise(value)) value.then(undefined, () => {});
    throw ended();
  }
  if (!isPromise(value)) return value;
  return awaitApplication(r.session, turn, r.scope, value).then((result) => {
    if (r.turn !== turn) throw ended();
    return result;
  });
}

/** As `application`, for a callback that answers with a number. */
export function applicationNumber(
  r: Request,
  value: number | PromiseLike<number>,
  callback: string,
): number | Promise<number> {
  const answer = application(r, value);
  return answer instanceof Promise
    ? answer.then((number) => checkNumber(number, callback))
    : checkNumber(answer, callback);
}

function checkNumber(answer: unknown, callback: string): number {
  if (typeof answer === "number") return answer;
  if (typeof answer === "boolean") return Number(answer);
  throw misuse(callback, `the callback returned ${describe(answer)}, not a number`);
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}

function ended(): BrokenOff {
  return new BrokenOff(NE_ERROR, "Aborted", new Error("the request was destroyed"));
}

/** Tells the notifier how far a body is. @returns a promise only where the notifier gave one */
export function tellProgress(
  r: Request,
  status: number,
  progress: number,
  total: number,
): Promise<unknown> | undefined {
  if (r.session.notifier !== null) {
    // one thing at a time: upload and response may go on side by side
    if (r.telling !== null) {
      return r.telling.then(() => tellProgress(r, status, progress, total));
    }
    const wait = notify(r.session, status, { sr: { progress, total } });
    if (wait !== undefined) return (r.telling = untilTold(r, wait));
  }
  if (r.turn === null) throw ended();
  return undefined;
}

async function untilTold(r: Request, wait: PromiseLike<unknown>): Promise<void> {
  try {
    await application(r, wait);
  } finally {
    r.telling = null;
  }
}

// ---- errors ----

/** The one place where a failure on the wire becomes an error string and a code. */
export function aborted(r: Request, doing: string, code: number): number {
  const s = r.session;
  const connection = r.turn?.connection ?? null;
  const failure = connection?.wire.failure ?? null;
  let result = NE_ERROR;
  trace(s, NE_DBG_HTTP, "Aborted request (%d): %s\n", code, doing);
  if (code === 0) {
    setError(s, doing);
  } else if (code === NE_SOCK_CLOSED) {
    const whom = connection?.hop === null || connection === null ? "server" : "proxy server";
    setError(s, `${doing}: connection was closed by ${whom}`, failure?.cause ?? null);
  } else if (code === NE_SOCK_TIMEOUT) {
    setError(s, `${doing}: connection timed out`, failure?.cause ?? null);
    result = NE_TIMEOUT;
  } else {
    setError(s, `${doing}: ${failure?.error ?? ""}`, failure?.cause ?? null);
  }
  if (connection !== null) closeConnection(s, connection);
  return result;
}

/**
 * As `aborted`; but a kept connection that ends before it answers had gone stale: it is closed, and
 * the request may be sent once more.
 * @param retry the connection has answered a request before, and nothing to this one
 * @returns `NE_RETRY` for a stale connection
 */
export function failedOrStale(
  r: Request,
  turn: Turn,
  doing: string,
  code: number,
  retry: boolean,
): number {
  if (retry && (code === NE_SOCK_CLOSED || code === NE_SOCK_RESET || code === NE_SOCK_TRUNC)) {
    stopUpload(r);
    trace(r.session, NE_DBG_HTTP, "Aborted request (%d): %s\n", code, doing);
    closeConnection(r.session, turn.connection as Connection);
    trace(r.session, NE_DBG_HTTP, "Persistent connection timed out, retrying.\n");
    turn.connection = null;
    return NE_RETRY;
  }
  return aborted(r, doing, code);
}

/**
 * Ends the conversation: a connection that is still open is kept.
 * @param again the request is about to be repeated
 */
export function leave(r: Request, again = false): void {
  const { turn, session: s } = r;
  for (const witness of s.witnesses) witness.ended(r.handle, s.error);
  r.stage = "idle";
  if (!again && r.body?.kind === "provider") r.body.over?.();
  stopUpload(r);
  r.turn = null;
  if (r.tunnel !== null || turn === null) return;
  r.scope.close();
  s.scopes.delete(r.scope);
  r.scope = new Scope();
  const { connection } = turn;
  turn.connection = null;
  try {
    if (connection?.open !== true) return;
    // a connection made beside the session's own is not kept
    if (turn.extra || s.destroyed) return closeConnection(s, connection);
    connection.idleSince = r.endedAt;
    connection.wire.idle();
    s.idle.push(connection);
    r.affinity = connection;
  } finally {
    s.turns.release(turn);
  }
}

/** Lets the sending of the body come to its end by itself. */
export function stopUpload(r: Request): void {
  if (r.upload === null) return;
  r.upload.stop();
  if (r.upload.result === null) r.uploadBefore = r.upload;
  r.upload = null;
}

/**
 * Runs a step of the conversation. A request that was broken off gives the code of that; what a
 * callback throws goes on to the caller. Both close the connection and end the conversation.
 */
export async function settle(r: Request, step: () => Promise<number>): Promise<number> {
  const { scope, session: s } = r;
  r.busy = true;
  try {
    const code = await step();
    if (r.upload !== null && r.upload.thrown !== null) throw r.upload.thrown.error;
    scope.check();
    const { thrownAtClose } = s;
    s.thrownAtClose = null;
    if (thrownAtClose !== null) throw thrownAtClose.error;
    return code;
  } catch (error) {
    if (r.tunnel !== null) throw error;
    // of several errors the first is the one to tell
    quietly(() => {
      const connection = r.turn?.connection ?? null;
      if (connection !== null) closeConnection(s, connection);
    });
    const isBrokenOff = error instanceof BrokenOff;
    const text = isBrokenOff ? error.message : thrownText(error);
    for (const witness of s.witnesses) witness.ended(r.handle, text);
    quietly(() => leave(r));
    if (!isBrokenOff) throw error;
    setError(s, error.message, error.cause);
    return error.code;
  } finally {
    r.busy = false;
  }
}

function thrownText(thrown: unknown): string {
  return thrown instanceof Error ? String(thrown.message) : String(thrown);
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // what went wrong before is being told
  }
}

function destroyRequest(r: Request): void {
  const s = r.session;
  if (r.turn !== null) {
    const { connection } = r.turn;
    const error = r.stage === "body" ? null : "the request was destroyed";
    for (const witness of s.witnesses) witness.ended(r.handle, error);
    r.scope.abort(new Error("the request was destroyed"));
    try {
      if (connection !== null) closeConnection(s, connection);
    } finally {
      leave(r);
    }
  }
  r.headFields = NO_FIELDS;
  r.trailer = NO_FIELDS;
  trace(s, NE_DBG_HTTP, "Running destroy hooks.\n");
  for (const { fn, userdata } of eachHook(s.hooks.destroyRequest)) {
    needSync(fn(r.handle, userdata as never), "ne_destroy_req_fn");
  }
  trace(s, NE_DBG_HTTP, "Request ends.\n");
}
