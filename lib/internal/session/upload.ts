// Sends a request body, from memory, a file or a provider, while the response may already be
// coming. The sending runs beside the reading: an answer that comes early is read at once, and the
// sending goes on until the answer is complete.
import fs from "node:fs";
import { asBuffer } from "../base/bytes.js";
import {
  NE_BUFSIZ,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_EXPECT100,
  NE_SOCK_CLOSED,
  UPLOAD_CHUNK,
  ne_status_sending,
} from "../base/constants.js";
import { errnoText } from "../base/errno.js";
import { CHUNK_FRAME, chunkedEnd, chunkStart } from "../http/request_head.js";
import {
  applicationNumber,
  failedOrStale,
  tellProgress,
  type Request,
  type RequestBody,
  type Upload,
} from "./request.js";
import {
  closeConnection,
  traceBlock,
  setError,
  trace,
  writeTimeout,
  type Connection,
  type Turn,
} from "./session.js";
import type { Wire } from "../wire/wire.js";

/** Bytes read from a file, or taken from memory, at once where nobody counts neon's blocks. */
const LARGE_BLOCK = 128 * 1024;
/** Bytes sent before the event loop is given a chance to see what has come. */
const BLIND_BYTES = 64 * 1024;
/** The provider or file failed, and the error is set. */
class SourceFailed extends Error {}

/** Whether the body waits for a 100 response (RFC 9110 section 10.1.1). */
export function expects100(r: Request): boolean {
  return r.flags[NE_REQFLAG_EXPECT100] !== 0 && r.body !== null && r.body.length !== 0;
}

/**
 * Sends the body until it is out, or an answer comes: then the sending goes on beside the reading.
 * @param retry the connection has answered a request before, and nothing to this one
 */
export async function sendBody(r: Request, turn: Turn, retry: boolean): Promise<number> {
  await awaitUploadBefore(r);
  const { wire } = turn.connection as Connection;
  const upload = startUpload(r, wire);
  r.upload = upload;
  await new Promise<void>((resolve) => {
    // as C, which sends the whole body first, as long as nothing holds it up
    upload.look = () => {
      if (upload.waits && wire.hasBytes) resolve();
    };
    wire.watch(upload.look);
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
  return failedOrStale(r, turn, upload.doing, upload.result.code, retry);
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

/** What the connection was cut for, if the provider failed beside the reading. */
export function uploadFailure(r: Request): number | null {
  if (r.upload?.result?.provider !== true) return null;
  if (r.upload.thrown !== null) throw r.upload.thrown.error;
  const connection = r.turn?.connection ?? null;
  // the status line may have been read since
  r.session.error = r.upload.error;
  if (connection !== null) closeConnection(r.session, connection);
  return NE_ERROR;
}

// Begins to send the body of a request.
function startUpload(r: Request, wire: Wire): Upload {
  let stopped = false;
  const upload: Upload = {
    result: null,
    thrown: null,
    error: "",
    waits: false,
    look: () => {},
    doing: "Could not send request body",
    finished: Promise.resolve(),
    stop: () => {
      stopped = true;
    },
  };
  trace(r.session, NE_DBG_HTTP, "Sending request body:\n");
  upload.finished = send(r, r.body as RequestBody, wire, upload, () => stopped).then(
    (code) => {
      upload.result = { code, provider: false };
      wire.rearm(r.session.readTimeoutMs);
    },
    (error: unknown) => {
      upload.result = { code: NE_ERROR, provider: true };
      upload.error = r.session.error;
      if (!(error instanceof SourceFailed)) upload.thrown = { error };
      if (!stopped) wire.cut({ code: NE_SOCK_CLOSED, error: "Connection closed", cause: null });
    },
  );
  return upload;
}

// Waits for the peer or the application; an answer that has come may be read meanwhile.
function aside<T>(upload: Upload, wait: Promise<T>): Promise<T> {
  upload.waits = true;
  upload.look();
  return wait;
}

async function send(
  r: Request,
  body: RequestBody,
  wire: Wire,
  upload: Upload,
  isStopped: () => boolean,
): Promise<number> {
  const counted = r.session.notifier !== null || body.kind === "provider";
  const step = body.length < 0 ? UPLOAD_CHUNK : counted ? NE_BUFSIZ : LARGE_BLOCK;
  const timeoutMs = writeTimeout(r.session);
  let progress = 0;
  let blind = 0;
  const told = tellProgress(r, ne_status_sending, progress, body.length);
  if (told !== undefined) await aside(upload, told);
  const source = await openSource(r, body, wire.stream.writableHighWaterMark, upload);
  for (;;) {
    upload.waits = false;
    const block = await source(step);
    if (blind >= BLIND_BYTES) {
      // a server that refuses closes after its answer: to write then would lose it
      await aside(upload, new Promise((resolve) => setImmediate(resolve)));
      blind = 0;
    }
    if (isStopped()) return NE_OK;
    if (block.length === 0) break;
    if (body.length >= 0 && progress + block.length > body.length) {
      setError(r.session, `Request body was longer than the ${body.length} bytes announced`);
      throw new SourceFailed();
    }
    for (const witness of r.session.witnesses) witness.sent(r.handle, block);
    const sent = wire.write(body.length < 0 ? frame(block, progress === 0) : block, timeoutMs);
    const code = typeof sent === "number" ? sent : await aside(upload, sent);
    if (code !== 0 || isStopped()) return code;
    progress += block.length;
    blind += block.length;
    traceBlock(r.session, "Body block", block);
    const wait = tellProgress(r, ne_status_sending, progress, body.length);
    if (wait !== undefined) await aside(upload, wait);
  }
  if (body.length < 0) {
    upload.doing = "Could not send chunked request terminator";
    const sent = wire.write(chunkedEnd(progress === 0, r.trailerFields), timeoutMs);
    return typeof sent === "number" ? sent : await aside(upload, sent);
  }
  if (progress < body.length) {
    setError(r.session, `Request body ended after ${progress} of ${body.length} bytes`);
    throw new SourceFailed();
  }
  return NE_OK;
}

// A chunk with its frame in front, in the memory that the provider wrote into.
function frame(block: Buffer, first: boolean): Buffer {
  const { buffer, byteOffset, length } = block;
  const whole = Buffer.from(buffer, byteOffset - CHUNK_FRAME, CHUNK_FRAME + length);
  whole.write(chunkStart(length, first), 0, "latin1");
  return whole;
}

// A function that gives the next block, at most as long as asked for; an empty one is the end.
async function openSource(
  r: Request,
  body: RequestBody,
  queue: number,
  upload: Upload,
): Promise<(length: number) => Buffer | Promise<Buffer>> {
  switch (body.kind) {
    case "buffer":
      return memorySource(body.bytes);
    case "file":
      return fileSource(r, body, queue);
    case "provider":
      return providerSource(r, body, upload);
    default:
      return body satisfies never;
  }
}

function memorySource(bytes: Uint8Array): (length: number) => Buffer {
  const whole = asBuffer(bytes);
  let at = 0;
  return (length) => whole.subarray(at, (at += Math.min(length, whole.length - at)));
}

// Reads one block ahead, so that disk and network work at the same time. A block larger than the
// stream's queue has gone out before the next one is asked for: two of these do for any file.
function fileSource(
  r: Request,
  body: RequestBody & { kind: "file" },
  queue: number,
): (length: number) => Promise<Buffer> {
  const fd = body.fd();
  const end = body.offset + body.length;
  let at = body.offset;
  let ahead: { wanted: number; block: Promise<Buffer> } | null = null;
  let cut = false;
  const large: [Buffer | null, Buffer | null] = [null, null];
  let turn: 0 | 1 = 0;
  const blockOf = (length: number): Buffer => {
    if (length < LARGE_BLOCK || queue >= LARGE_BLOCK) return Buffer.allocUnsafeSlow(length);
    turn = turn === 0 ? 1 : 0;
    return (large[turn] ??= Buffer.allocUnsafeSlow(length));
  };
  const readAhead = (length: number): { wanted: number; block: Promise<Buffer> } => {
    const wanted = Math.min(length, end - at);
    const from = at;
    at += wanted;
    const block = readFully(fd, from, blockOf(wanted));
    // a failure is met when the block is wanted
    block.catch(() => {});
    return { wanted, block };
  };
  return async (length) => {
    const { wanted, block } = ahead ?? readAhead(length);
    ahead = at < end ? readAhead(length) : { wanted: 0, block: Promise.resolve(Buffer.alloc(0)) };
    try {
      if (cut) throw new PrematureEnd();
      const bytes = await block;
      // what the file still had is sent before its end is an error
      cut = bytes.length < wanted;
      return bytes;
    } catch (error) {
      wordFileError(r, fd, body.offset, error as Error);
      throw new SourceFailed();
    }
  };
}

class PrematureEnd extends Error {}

// C seeks before it reads: what has no position, or is not open, fails there.
function wordFileError(r: Request, fd: number, offset: number, error: Error): void {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof PrematureEnd) {
    setError(r.session, "Premature EOF in request body file");
  } else if (code === "ESPIPE" || (code === "EBADF" && !isOpen(fd))) {
    const doing = `Could not seek to offset ${offset} of request body file`;
    setError(r.session, `${doing}: ${errnoText(error)}`, error);
  } else {
    setError(r.session, `Failed reading request body file: ${errnoText(error)}`, error);
  }
}

function isOpen(fd: number): boolean {
  try {
    fs.fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

function readFully(fd: number, from: number, block: Buffer): Promise<Buffer> {
  const { length } = block;
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      if (done === length) {
        resolve(block);
        return;
      }
      fs.read(fd, block, done, length - done, from + done, (error, count) => {
        if (error !== null) reject(error);
        else if (count === 0 && done === 0) reject(new PrematureEnd());
        else if (count === 0) resolve(block.subarray(0, done));
        else next(done + count);
      });
    };
    next(0);
  });
}

async function providerSource(
  r: Request,
  body: RequestBody & { kind: "provider" },
  upload: Upload,
): Promise<(length: number) => Promise<Buffer>> {
  const ask = async (buffer: Buffer): Promise<number> => {
    const given = body.provide(body.userdata as never, buffer);
    const answer = applicationNumber(r, given, "ne_provide_body");
    return typeof answer === "number" ? answer : aside(upload, answer);
  };
  // every sending begins with a call for nothing, which means: start over
  if ((await ask(Buffer.alloc(0))) !== 0) throw new SourceFailed();
  return async (length) => {
    const memory = Buffer.allocUnsafeSlow(CHUNK_FRAME + length);
    const buffer = memory.subarray(CHUNK_FRAME);
    const count = await ask(buffer);
    if (count < 0) throw new SourceFailed();
    if (!Number.isInteger(count) || count > length) {
      throw new TypeError(`ne_provide_body: returned ${count} for a buffer of ${length} bytes`);
    }
    return buffer.subarray(0, count);
  };
}
