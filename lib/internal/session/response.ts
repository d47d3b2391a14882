// The second half of a conversation: reads the body, hands it to the readers, ends the request and
// decides whether its connection is kept.
import {
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  NE_SESSFLAG_PERSIST,
  ne_status_recving,
} from "../base/constants.js";
import { misuse } from "../base/handle.js";
import { END, type BodyDecoder } from "../http/body_decoder.js";
import { MORE, Malformed, type Fields } from "../http/head.js";
import { begin, prepare } from "./begin.js";
import { aborted, applicationNumber, leave, settle, stopUpload, tellProgress } from "./request.js";
import type { Request } from "./request.js";
import { isTunnel, readFields } from "./response_head.js";
import {
  closeConnection,
  eachHook,
  isTraced,
  trace,
  traceBlock,
  type Connection,
  type Timings,
} from "./session.js";
import { uploadFailure } from "./upload.js";
import { endsData } from "../wire/wire.js";

/** Bytes of a body block at most, where the caller has no buffer of its own. */
const MAX_BLOCK = 256 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** `ne_request_dispatch`. */
export async function dispatchRequest(r: Request): Promise<number> {
  for (;;) {
    prepare(r, "ne_request_dispatch");
    const code = await settle(r, () => converse(r));
    if (r.turn === null) return code;
    if (code !== NE_RETRY) {
      leave(r);
      return code;
    }
    holdForRetry(r);
  }
}

// One attempt from head to end.
async function converse(r: Request): Promise<number> {
  let code = await begin(r);
  if (code === NE_OK) {
    const read = readBody(r);
    code = typeof read === "number" ? read : await read;
  }
  if (code === NE_OK) return end(r);
  traceEnd(r);
  return code;
}

/** Reads the body to its end, for the readers. @returns `NE_OK`, or why not */
export async function discardBody(r: Request): Promise<number> {
  const code = await settle(r, async () => readBody(r));
  return finishStep(r, code);
}

// Answers without a promise while bytes are at hand and no callback returns one.
function readBody(r: Request): number | Promise<number> {
  for (;;) {
    const block = readBlock(r, MAX_BLOCK);
    if (block instanceof Promise) return awaitBody(r, block);
    if (block === null) return NE_ERROR;
    const given = deliver(r, block);
    if (typeof given !== "number") {
      const isLast = block.length === 0;
      return given.then((code) =>
        code !== NE_OK || isLast ? code : awaitBody(r, readBlock(r, MAX_BLOCK)),
      );
    }
    if (given !== NE_OK || block.length === 0) return given;
  }
}

// The rest of the body, from a block that may still have to come.
async function awaitBody(
  r: Request,
  first: Buffer | null | Promise<Buffer | null>,
): Promise<number> {
  for (let read = first; ; read = readBlock(r, MAX_BLOCK)) {
    const block = read instanceof Promise ? await read : read;
    if (block === null) return NE_ERROR;
    const given = deliver(r, block);
    const code = typeof given === "number" ? given : await given;
    if (code !== NE_OK || block.length === 0) return code;
  }
}

/** Reads a block for caller and readers. @returns it, empty at the end; `null` on failure */
export async function readResponseBlock(r: Request, max: number): Promise<Buffer | null> {
  const block = await takeResponseBlock(r, max);
  return typeof block === "number" ? null : block;
}

/** As `readResponseBlock`. @returns the code on failure */
export async function takeResponseBlock(r: Request, max: number): Promise<Buffer | number> {
  let block: Buffer | null = null;
  const code = await settle(r, async () => {
    block = await readBlock(r, max);
    return block === null ? NE_ERROR : deliver(r, block);
  });
  return finishStep(r, code) === NE_OK ? (block as Buffer | null) ?? NE_ERROR : code;
}

// A step that failed ends the conversation. (A body that breaks off is NE_ERROR, whatever the
// reason; only the deadline of the request gives NE_TIMEOUT.)
function finishStep(r: Request, code: number): number {
  if (code !== NE_OK && r.turn !== null) leave(r);
  return code;
}

/** Throws unless the response of the request is being read. */
export function checkReading(r: Request, caller: string): void {
  if (r.stage !== "body") {
    throw misuse(caller, "no response is being read; begin the request first");
  }
  if (r.busy) throw misuse(caller, "another call is still pending on this request");
}

// The next block of the body, a view that lasts until the next read; null once the failure is
// worded. Answers without a promise as long as bytes are at hand.
function readBlock(r: Request, max: number): Buffer | null | Promise<Buffer | null> {
  const decoder = r.decoder as BodyDecoder;
  const { wire } = (r.turn as NonNullable<Request["turn"]>).connection as Connection;
  for (;;) {
    const taken = decoder.take(wire, max);
    if (taken === END) return NO_BYTES;
    if (taken instanceof Malformed) {
      aborted(r, taken.reason, 0);
      return null;
    }
    if (taken !== MORE) return taken;
    const added = wire.more(r.session.readTimeoutMs);
    if (typeof added !== "number") return awaitBlock(r, max, added);
    if (added < 0) return endOrFail(r, decoder, added);
  }
}

async function awaitBlock(r: Request, max: number, added: Promise<number>): Promise<Buffer | null> {
  const code = await added;
  if (code < 0) return endOrFail(r, r.decoder as BodyDecoder, code);
  return readBlock(r, max);
}

function endOrFail(r: Request, decoder: BodyDecoder, code: number): Buffer | null {
  // cut since the provider of the request's body failed, and has set the error
  if (uploadFailure(r) !== null) return null;
  const failure = r.turn?.connection?.wire.failure;
  if (failure && endsData(failure) && decoder.endOfStream()) return NO_BYTES;
  aborted(r, decoder.doing, code);
  return null;
}

// Notifier first, then the readers, the one registered last first.
function deliver(r: Request, block: Buffer): number | Promise<number> {
  const s = r.session;
  r.progress += block.length;
  if (block.length > 0) for (const witness of s.witnesses) witness.received(r.handle, block);
  if (r.progress > s.limits.body) return aborted(r, "Response body exceeds the limit", 0);
  if (block.length > 0 && isTraced(s, NE_DBG_HTTP)) {
    const text = "Reading %d bytes of response body.\nGot %d bytes.\n";
    trace(s, NE_DBG_HTTP, text, block.length, block.length);
  }
  if (block.length > 0) traceBlock(s, "Read block", block);
  if (block.length === 0) {
    if (r.total >= 0) return feed(r, block, 0);
    r.total = r.progress;
  }
  const wait = tellProgress(r, ne_status_recving, r.progress, r.total);
  return wait === undefined ? feed(r, block, 0) : wait.then(() => feed(r, block, 0));
}

function feed(r: Request, block: Buffer, from: number): number | Promise<number> {
  const { readers } = r;
  for (let i = from; i < readers.length; i++) {
    const reader = readers[readers.length - 1 - i] as (typeof readers)[number];
    if (!reader.chosen) continue;
    const answer = applicationNumber(
      r,
      reader.read(reader.userdata as never, block),
      "ne_block_reader",
    );
    if (typeof answer !== "number") {
      return answer.then((code) => (code === 0 ? feed(r, block, i + 1) : refused(r)));
    }
    if (answer !== 0) return refused(r);
  }
  return NE_OK;
}

// A reader broke the response off, and has set the error.
function refused(r: Request): number {
  const connection = r.turn?.connection ?? null;
  if (connection !== null) closeConnection(r.session, connection);
  return NE_ERROR;
}

/** `ne_end_request`. */
export async function endRequest(r: Request, caller: string): Promise<number> {
  checkReading(r, caller);
  const code = await settle(r, async () => end(r));
  if (r.turn !== null) leave(r, code === NE_RETRY);
  return code;
}

// Keeps turn and connection for the repetition.
function holdForRetry(r: Request): void {
  r.stage = "idle";
  stopUpload(r);
}

/** Gives up a response whose body nobody is going to read: its connection is closed. */
export function abandonResponse(r: Request): void {
  const { turn } = r;
  if (turn === null) return;
  for (const witness of r.session.witnesses) witness.ended(r.handle, null);
  try {
    if (turn.connection !== null) closeConnection(r.session, turn.connection);
  } finally {
    leave(r);
  }
}

// How long the rest of a body may take to go out once its answer has been read.
const FINISH_UPLOAD_MS = 500;

// Trailer, hooks, and what becomes of the connection. A body that is still going out beside its
// answer is given a moment: a server that reads on has the connection kept, as C would.
function end(r: Request): number | Promise<number> {
  const { upload } = r;
  if (upload === null || upload.result !== null || !r.persists) return endResponse(r);
  let timer: NodeJS.Timeout | null = null;
  const moment = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FINISH_UPLOAD_MS);
  });
  return r.scope
    .race(Promise.race([upload.finished, moment]))
    .finally(() => clearTimeout(timer ?? undefined))
    .then(() => endResponse(r));
}

function endResponse(r: Request): number | Promise<number> {
  const failed = uploadFailure(r);
  if (failed !== null) return failed;
  const connection = (r.turn as NonNullable<Request["turn"]>).connection as Connection;
  const decoder = r.decoder as BodyDecoder;
  if (decoder.kind !== "chunked" || !decoder.done) return finishResponse(r, connection);
  const trailer = readFields(r, connection, "trailer");
  const use = (read: Fields | number): number | Promise<number> =>
    typeof read === "number" ? read : finishResponse(r, connection);
  return trailer instanceof Promise ? trailer.then(use) : use(trailer);
}

function finishResponse(r: Request, connection: Connection): number | Promise<number> {
  connection.responses++;
  const s = r.session;
  trace(s, NE_DBG_HTTP, "Running post_send hooks\n");
  if (s.hooks.postSend.length === 0) return finishConnection(r, connection, NE_OK);
  return runPostSend(r).then((code) => finishConnection(r, connection, code));
}

async function runPostSend(r: Request): Promise<number> {
  for (const { fn, userdata } of eachHook(r.session.hooks.postSend)) {
    const given = fn(r.handle, userdata as never, r.status);
    const answer = applicationNumber(r, given, "ne_post_send_fn");
    const code = typeof answer === "number" ? answer : await answer;
    if (code !== NE_OK) return code;
  }
  return NE_OK;
}

function finishConnection(r: Request, connection: Connection, code: number): number {
  if (!mayKeep(r, r.decoder as BodyDecoder)) closeConnection(r.session, connection);
  // for nx_detach_socket to take: no later request may use it
  if (r.tunnel === null && isTunnel(r)) connection.serverKeepMs = 0;
  traceEnd(r);
  const timing = r.timing as Timings;
  r.endedAt = performance.now();
  timing.total = (r.endedAt - r.startedAt) / 1000;
  timing.receive = timing.total - (timing.first_byte ?? 0);
  r.session.timings = timing;
  for (const witness of r.session.witnesses) witness.ended(r.handle, null);
  return code;
}

function traceEnd(r: Request): void {
  const { session: s, status } = r;
  const text = "Request ends, status %d class %dxx, error line:\n%s\n";
  trace(s, NE_DBG_HTTP, text, status.code, status.klass, s.error);
}

function mayKeep(r: Request, decoder: BodyDecoder): boolean {
  // a tunnel is what the request was for
  if (isTunnel(r)) return true;
  if (r.session.flags[NE_SESSFLAG_PERSIST] === 0 || !r.persists || !decoder.done) return false;
  if (r.upload !== null && r.upload.result?.code !== NE_OK) return false;
  return true;
}
