// Sends a request body while the response may already be coming. The sending runs beside the
// reading: a response that comes early is read at once, and the sending goes on until the response
// is complete.
import {
  NE_BUFSIZ,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_EXPECT100,
  UPLOAD_CHUNK,
  ne_status_sending,
} from "../base/constants.js";
import { eventTurn } from "../base/event_turn.js";
import { CHUNK_FRAME, chunkedEnd, chunkStart } from "../http/request_head.js";
import type { Wire } from "../wire/wire.js";
import { CLOSED } from "../wire/wire_failure.js";
import { connectionIn, uploadOf, type Sending, type Upload, type UploadResult } from "./attempt.js";
import { openSource, SourceFailed } from "./body_source.js";
import { tellProgress } from "./callbacks.js";
import { closeConnection } from "./connection.js";
import { Pace } from "./pace.js";
import type { ProvidedBody, Request, RequestBody } from "./request_state.js";
import { setError, writeTimeout, type Connection } from "./session_state.js";
import { trace, traceBlock } from "./trace.js";

/** Bytes sent before the event loop is given a chance to see what has come. */
const BLIND_BYTES = 64 * 1024;
/** What a block counts for at least: many small ones take their time, too. */
const BLIND_BLOCK = 1024;

/** Whether the body waits for a 100 response (RFC 9110 section 10.1.1). */
export function expects100(r: Request): boolean {
  return r.flags[NE_REQFLAG_EXPECT100] !== 0 && r.body !== null && r.body.length !== 0;
}

/**
 * Sends the body until it is out, or a response comes: then the sending goes on beside the reading.
 * What breaks on the wire is no error yet: a response that came before says why.
 * @returns `NE_OK`, or the code of a body that could not be had
 */
export async function sendBody(r: Request, sending: Sending): Promise<number> {
  const { connection } = sending;
  const { wire } = connection;
  const upload = startUpload(r, connection);
  sending.upload = upload;
  await new Promise<void>((resolve) => {
    // as C, which sends the whole body first, as long as nothing holds it up
    upload.look = () => {
      if (upload.waits && wire.hasBytes) resolve();
    };
    wire.watch(upload.look);
    void upload.finished.then(resolve);
  });
  wire.unwatch();
  return sourceFailure(r) ?? NE_OK;
}

/**
 * Whether a body that is said to be empty is so: its provider is asked for a byte, since nobody
 * else would notice one. If not, the error is set.
 */
export async function isEmpty(r: Request, body: ProvidedBody): Promise<boolean> {
  const { phase } = r.report;
  r.report.phase = "callback";
  try {
    const source = await openSource(r, 1, (wait) => r.scope.race(wait));
    if ((await source(1)).length === 0) {
      body.toProve = false;
      r.report.phase = phase;
      return true;
    }
    setError(r.session, "Request body was longer than the 0 bytes announced");
  } catch (thrown) {
    if (!(thrown instanceof SourceFailed)) throw thrown;
  }
  return false;
}

/** What the connection was cut for, if the provider or file of the request's body failed. */
export function sourceFailure(r: Request): number | null {
  const result = uploadOf(r)?.result ?? null;
  if (result?.how === "threw") throw result.thrown;
  if (result?.how !== "refused") return null;
  // the status line may have been read since
  setError(r.session, result.error, result.cause);
  r.report.phase = r.body?.kind === "provider" ? "callback" : "send";
  const connection = connectionIn(r);
  if (connection !== null) closeConnection(r.session, connection);
  return NE_ERROR;
}

// Begins to send the body of a request.
function startUpload(r: Request, connection: Connection): Upload {
  const { wire } = connection;
  const { session: s } = r;
  trace(s, NE_DBG_HTTP, "Sending request body:\n");
  const sender = new Sender(r, connection);
  const { upload } = sender;
  upload.finished = sender.run().then((result) => {
    upload.result = result;
    if (result.how === "sent" || result.how === "broken") wire.rearm(connection.readTimeoutMs);
    else if (!sender.stopped) wire.cut(CLOSED);
  });
  return upload;
}

// One sending of a body.
class Sender {
  stopped = false;
  readonly upload: Upload = {
    result: null,
    finished: Promise.resolve(),
    waits: false,
    look: () => {},
    doing: "Could not send request body",
    stop: () => {
      this.stopped = true;
    },
  };
  #r: Request;
  #wire: Wire;
  #timeoutMs: number;
  #progress = 0;

  constructor(r: Request, connection: Connection) {
    this.#r = r;
    this.#wire = connection.wire;
    this.#timeoutMs = writeTimeout(r.session, connection.readTimeoutMs);
  }

  async run(): Promise<UploadResult> {
    const { session: s, body } = this.#r;
    try {
      const sent = body === null || (await this.#send(body));
      return sent ? { how: "sent" } : { how: "broken", failure: this.#wire.failure };
    } catch (thrown) {
      if (!(thrown instanceof SourceFailed)) return { how: "threw", thrown };
      return { how: "refused", error: s.error, cause: s.cause };
    }
  }

  // Whether all was sent, or it was stopped; else the wire broke.
  async #send(body: RequestBody): Promise<boolean> {
    const r = this.#r;
    const counted = r.session.listeners.notifier !== null || body.kind === "provider";
    const pace = new Pace(body.length < 0 ? UPLOAD_CHUNK : counted ? NE_BUFSIZ : null);
    const begun = this.#tell(body);
    if (begun !== undefined) await begun;
    const queue = this.#wire.stream.writableHighWaterMark;
    const source = await openSource(r, queue, (wait) => this.#aside(wait));
    let blind = 0;
    for (;;) {
      this.upload.waits = false;
      const block = await source(pace.step);
      if (blind >= BLIND_BYTES) {
        // what has come is read between the writes
        await this.#aside(eventTurn());
        blind = 0;
      }
      if (this.stopped) return true;
      if (block.length === 0) break;
      if (body.length >= 0 && this.#progress + block.length > body.length) {
        setError(r.session, `Request body was longer than the ${body.length} bytes announced`);
        throw new SourceFailed();
      }
      for (const observer of r.session.listeners.observers) observer.sent(r.handle, block);
      const begunAt = performance.now();
      if (!(await this.#write(body.length < 0 ? frame(block, this.#progress === 0) : block))) {
        return false;
      }
      pace.took(block.length, performance.now() - begunAt);
      this.#progress += block.length;
      blind += Math.max(block.length, BLIND_BLOCK);
      traceBlock(r.session, "Body block", block);
      const told = this.#tell(body);
      if (told !== undefined) await told;
    }
    return this.#finish(body);
  }

  async #finish(body: RequestBody): Promise<boolean> {
    const r = this.#r;
    if (body.length < 0) {
      this.upload.doing = "Could not send chunked request terminator";
      return this.#write(chunkedEnd(this.#progress === 0, r.fields.trailer));
    }
    if (this.#progress < body.length) {
      setError(r.session, `Request body ended after ${this.#progress} of ${body.length} bytes`);
      throw new SourceFailed();
    }
    return true;
  }

  async #write(bytes: Uint8Array | string): Promise<boolean> {
    const sent = this.#wire.write(bytes, this.#timeoutMs);
    return (typeof sent === "number" ? sent : await this.#aside(sent)) === 0;
  }

  // The provider is asked for more as soon as the notifier is done, before the notifier is told of
  // the response: so its promise itself is given on, and no turn of the microtasks is added.
  #tell(body: RequestBody): Promise<unknown> | undefined {
    const wait = tellProgress(this.#r, ne_status_sending, this.#progress, body.length);
    return wait === undefined ? undefined : this.#aside(wait);
  }

  // Waits for the peer or the application; a response that has come may be read meanwhile.
  #aside<T>(wait: Promise<T>): Promise<T> {
    this.upload.waits = true;
    this.upload.look();
    return wait;
  }
}

// A chunk with its frame in front, in the memory that the provider wrote into.
function frame(block: Buffer, first: boolean): Buffer {
  const { buffer, byteOffset, length } = block;
  const whole = Buffer.from(buffer, byteOffset - CHUNK_FRAME, CHUNK_FRAME + length);
  whole.write(chunkStart(length, first), 0, "latin1");
  return whole;
}
