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
import { Stretch } from "../base/event_turn.js";
import { misuse } from "../base/handle.js";
import { END } from "../http/body_decoder.js";
import { MORE, Malformed } from "../http/head.js";
import { endsData } from "../wire/wire_failure.js";
import { connectionIn, move, turnOf, type Body } from "./attempt.js";
import { begin, prepare } from "./begin.js";
import { applicationNumber, eachHook, tellProgress } from "./callbacks.js";
import { closeConnection } from "./connection.js";
import { traceEnd, traceStart } from "./diagnostics.js";
import { aborted, breakOff, leave, settle } from "./ending.js";
import { reportEnd, reportVerdict } from "./report.js";
import type { Request } from "./request_state.js";
import { isTunnel, readFields, tellStatusAgain } from "./response_head.js";
import { isTraced, trace, traceBlock } from "./trace.js";
import { sourceFailure } from "./send_body.js";

/** Bytes of a body block at most, where the caller has no buffer of its own. */
const MAX_BLOCK = 256 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** `ne_request_dispatch`. */
export async function dispatchRequest(r: Request): Promise<number> {
  prepare(r, "ne_request_dispatch");
  try {
    const code = await traceStart(r, () => untilDone(r));
    traceEnd(r, code);
    return code;
  } catch (error) {
    traceEnd(r, NE_ERROR);
    throw error;
  }
}

async function untilDone(r: Request): Promise<number> {
  for (;;) {
    const code = await settle(r, () => converse(r));
    const { attempt } = r;
    if (code !== NE_RETRY || attempt.at !== "body") {
      reportEnd(r, code);
      leave(r);
      return code;
    }
    // turn and connection are kept for the repetition
    attempt.upload?.stop();
    move(r, { at: "opening", turn: attempt.turn });
  }
}

// One attempt from head to end.
async function converse(r: Request): Promise<number> {
  let code = await begin(r);
  if (code === NE_OK) code = await readBody(r, bodyOf(r));
  if (code === NE_OK) return await end(r, bodyOf(r));
  traceLast(r);
  return code;
}

// The response that is being read. A callback may have destroyed the request.
function bodyOf({ attempt }: Request): Body {
  if (attempt.at !== "body") throw new Error("no response is being read");
  return attempt;
}

/** Reads the body to its end, for the readers. @returns `NE_OK`, or why not */
export async function discardBody(r: Request): Promise<number> {
  return finishStep(r, await settle(r, () => readBody(r, bodyOf(r))));
}

// Waits only where it has to: while bytes are at hand and no callback returns a promise, blocks go
// from the connection to the readers in one go, as long as the event loop can do without its turn.
async function readBody(r: Request, body: Body): Promise<number> {
  const stretch = new Stretch();
  for (;;) {
    const read = readBlock(r, body, MAX_BLOCK);
    const block = read instanceof Promise ? await read : read;
    if (block === null) return NE_ERROR;
    const given = deliver(r, body, block);
    const code = typeof given === "number" ? given : await given;
    if (code !== NE_OK || block.length === 0) return code;
    if (stretch.isLong) await r.scope.race(stretch.turn());
  }
}

/** Reads a block for caller and readers. @returns it, empty at the end; the code on failure */
export async function readResponseBlock(r: Request, max: number): Promise<Buffer | number> {
  let block: Buffer | null = null;
  const code = await settle(r, async () => {
    const body = bodyOf(r);
    block = await readBlock(r, body, max);
    return block === null ? NE_ERROR : deliver(r, body, block);
  });
  finishStep(r, code);
  return code === NE_OK && block !== null ? block : code;
}

// A step that failed ends the conversation. (A body that breaks off is NE_ERROR, whatever the
// reason; only the deadline of the request gives NE_TIMEOUT.)
function finishStep(r: Request, code: number): number {
  if (code !== NE_OK) {
    reportEnd(r, code);
    leave(r);
    traceEnd(r, code);
  }
  return code;
}

/** Throws unless the response of the request is being read. */
export function checkReading({ attempt }: Request, caller: string): void {
  if (attempt.at !== "body") {
    throw misuse(caller, "no response is being read; begin the request first");
  }
  if (attempt.busy) throw misuse(caller, "another call is still pending on this request");
}

// The next block of the body, a view that lasts until the next read; null once the failure is
// worded. Answers without a promise as long as bytes are at hand.
function readBlock(r: Request, body: Body, max: number): Buffer | null | Promise<Buffer | null> {
  const { decoder } = body.reply;
  const { wire, readTimeoutMs } = body.connection;
  const most = Math.min(max, r.session.limits.block);
  for (;;) {
    const taken = decoder.take(wire, most);
    if (taken === END) return NO_BYTES;
    if (taken instanceof Malformed) {
      aborted(r, taken.reason);
      return null;
    }
    if (taken !== MORE) return taken;
    const added = wire.more(readTimeoutMs);
    if (typeof added !== "number") return awaitBlock(r, body, max, added);
    if (added < 0) return endOrFail(r, body);
  }
}

async function awaitBlock(
  r: Request,
  body: Body,
  max: number,
  added: Promise<number>,
): Promise<Buffer | null> {
  return (await added) < 0 ? endOrFail(r, body) : readBlock(r, body, max);
}

function endOrFail(r: Request, { reply, connection }: Body): Buffer | null {
  // cut since the provider of the request's body failed, and has set the error
  if (sourceFailure(r) !== null) return null;
  const { failure } = connection.wire;
  if (endsData(failure) && reply.decoder.endOfStream()) return NO_BYTES;
  aborted(r, reply.decoder.doing, failure);
  return null;
}

// Notifier first, then the readers, the one registered last first.
function deliver(r: Request, { reply }: Body, block: Buffer): number | Promise<number> {
  const s = r.session;
  reply.progress += block.length;
  r.report.body?.add(block);
  if (block.length > 0) {
    for (const observer of s.listeners.observers) observer.received(r.handle, block);
  }
  if (reply.progress > s.limits.body) return aborted(r, "Response body exceeds the limit");
  if (block.length > 0 && isTraced(s, NE_DBG_HTTP)) {
    const text = "Reading %d bytes of response body.\nGot %d bytes.\n";
    trace(s, NE_DBG_HTTP, text, block.length, block.length);
  }
  if (block.length > 0) traceBlock(s, "Read block", block);
  if (block.length === 0) {
    if (reply.total >= 0) return feed(r, block, 0);
    reply.total = reply.progress;
  }
  const wait = tellProgress(r, ne_status_recving, reply.progress, reply.total);
  return wait === undefined ? feed(r, block, 0) : wait.then(() => feed(r, block, 0));
}

function feed(r: Request, block: Buffer, from: number): number | Promise<number> {
  const { readers } = r;
  for (let i = from; i < readers.length; i++) {
    const reader = readers[readers.length - 1 - i];
    if (reader?.chosen !== true) continue;
    const given = reader.read(reader.userdata, block);
    const result = applicationNumber(r, given, "ne_block_reader");
    if (typeof result !== "number") {
      return result.then((code) => (code === 0 ? feed(r, block, i + 1) : refused(r)));
    }
    if (result !== 0) return refused(r);
  }
  return NE_OK;
}

// A reader broke the response off, and has set the error.
function refused(r: Request): number {
  if (r.report.phase === "body") r.report.phase = "callback";
  const connection = connectionIn(r);
  if (connection !== null) closeConnection(r.session, connection);
  return NE_ERROR;
}

/** `ne_end_request`. */
export async function endRequest(r: Request, caller: string): Promise<number> {
  checkReading(r, caller);
  const code = await settle(r, () => end(r, bodyOf(r)));
  reportEnd(r, code);
  leave(r, code === NE_RETRY);
  if (code !== NE_RETRY) traceEnd(r, code);
  return code;
}

/** Gives up a response whose body nobody is going to read: its connection is closed. */
export function abandonResponse(r: Request): void {
  if (turnOf(r) !== null) breakOff(r, null);
}

// How long the rest of a body may take to go out once its response has been read.
const FINISH_UPLOAD_MS = 500;

// Trailer, hooks, and what becomes of the connection. A body that is still going out beside its
// response is given a moment: a server that reads on has the connection kept, as C would.
async function end(r: Request, body: Body): Promise<number> {
  const { upload, reply, connection } = body;
  if (upload !== null && upload.result === null && reply.persists) {
    await r.scope.race(finishedSoon(upload.finished));
  }
  const failed = sourceFailure(r);
  if (failed !== null) return failed;
  const { decoder } = reply;
  if (decoder.kind === "chunked" && decoder.done) {
    const trailer = await readFields(r, connection, "trailer");
    if (typeof trailer === "number") return trailer;
  }
  connection.responses++;
  trace(r.session, NE_DBG_HTTP, "Running post_send hooks\n");
  tellStatusAgain(r);
  const code = r.session.hooks.postSend.length === 0 ? NE_OK : await runPostSend(r);
  if (code === NE_OK) tellStatusAgain(r);
  reportVerdict(r.report, code);
  if (!mayKeep(r, body)) closeConnection(r.session, connection);
  // for nx_detach_socket to take: no later request may use it
  if (r.tunnel === null && isTunnel(r)) connection.serverKeepMs = 0;
  traceLast(r);
  const { timings, startedAt } = r.clock;
  timings.total = (performance.now() - startedAt) / 1000;
  timings.receive = timings.total - (timings.first_byte ?? 0);
  r.session.last.timings = timings;
  for (const observer of r.session.listeners.observers) observer.ended(r.handle, null);
  return code;
}

async function finishedSoon(finished: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const moment = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FINISH_UPLOAD_MS);
  });
  await Promise.race([finished, moment]);
  clearTimeout(timer);
}

async function runPostSend(r: Request): Promise<number> {
  for (const { fn, userdata } of eachHook(r.session.hooks.postSend)) {
    const given = fn(r.handle, userdata, r.status);
    const result = applicationNumber(r, given, "ne_post_send_fn");
    const code = typeof result === "number" ? result : await result;
    if (code !== NE_OK) return code;
  }
  return NE_OK;
}

function traceLast(r: Request): void {
  const { session: s, status } = r;
  const text = "Request ends, status %d class %dxx, error line:\n%s\n";
  trace(s, NE_DBG_HTTP, text, status.code, status.klass, s.error);
}

function mayKeep(r: Request, { reply, upload }: Body): boolean {
  // a tunnel is what the request was for
  if (isTunnel(r)) return true;
  if (r.session.flags[NE_SESSFLAG_PERSIST] === 0) return false;
  if (!reply.persists || !reply.decoder.done) return false;
  return upload === null || upload.result?.how === "sent";
}
