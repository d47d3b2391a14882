// The wire: bytes pulled from, and pushed to, one Duplex stream: a TCP socket, a TLS socket, or one
// that the application made. Stream events only fill a queue or settle the one wait that is under
// way; no protocol logic runs inside them. Every wait has a deadline and ends at once when the wire
// is cut.
//
//   stream ──► segments (queue) ──► view: bytes[pos, end) ──► parser
//
// The view is what the parser may look at. more() adds at least one byte to it: an empty view
// simply becomes the next segment, without copying; a view with an unfinished line is joined with
// it.
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import { NE_SOCK_ERROR } from "../base/constants.js";
import { eventTurn } from "../base/event_turn.js";
import { askHeldReset, readBeforeDestroy } from "./node_internals.js";
import type { ReadRing, Segment } from "./read_blocks.js";
import { Waits } from "./waits.js";
import {
  BROKEN_PIPE,
  CLOSED,
  CLOSED_HERE,
  PLAIN,
  TIMED_OUT,
  type Endings,
  type WireFailure,
} from "./wire_failure.js";

/** One end of a connection. */
export interface WireEnd {
  address: string;
  port: number;
}

/** What bytes go through: any stream, which may be a socket. */
export type Transport = Duplex &
  Partial<Pick<Socket, "ref" | "unref" | "destroySoon">> &
  Partial<Pick<Socket, "localAddress" | "localPort" | "remoteAddress" | "remotePort">>;

/** Bytes read ahead before a stream without blocks of our own is paused. */
const MAX_QUEUED = 256 * 1024;
const EMPTY = Buffer.alloc(0);

/** What was read so short a time ago needs no look for what came since, in milliseconds. */
const FRESH_MS = 0.5;

/** How long a closed connection may take to say so to its peer. */
const LINGER_MS = 5000;

export class Wire {
  readonly stream: Transport;
  /** The view: bytes read but not consumed are `bytes[pos, end)`. */
  bytes: Buffer = EMPTY;
  pos = 0;
  end = 0;
  /** What the last failed read or write ran into. */
  failure: WireFailure = { code: NE_SOCK_ERROR, error: "", cause: null };
  /** Bytes that have come in. */
  received = 0;
  /** Bytes that were handed to the stream. */
  sent = 0;

  #queue: Segment[] = [];
  #queued = 0;
  #ring: ReadRing | null;
  #viewInRing = false;
  #paused = false;
  #receives = true;
  // what follows the queued bytes
  #readEnd: WireFailure | null = null;
  #writeEnd: WireFailure | null = null;
  #closed = false;
  #released = false;
  #waits: Waits;
  #peeker: (() => void) | null = null;
  #unwritten = 0;
  #endings: Endings;
  // when the system was last asked for what it had received
  #readAt = 0;
  // a socket that fails to write is not read to its end any more
  #destroyAtOnce: () => void = () => {};

  /**
   * @param ring the blocks that the stream reads into, else `null`
   */
  constructor(stream: Transport, ring: ReadRing | null = null, endings: Endings = PLAIN) {
    this.stream = stream;
    this.#ring = ring;
    this.#endings = endings;
    this.#waits = new Waits(stream, () => {
      this.failure = TIMED_OUT;
    });
    if (ring !== null) ring.attach(this);
    else stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
    if (stream instanceof Socket) this.#destroyAtOnce = readBeforeDestroy(stream, ring !== null);
  }

  /** Whether the stream reads into blocks of ours, so that it can't be handed on. */
  get bound(): boolean {
    return this.#ring !== null;
  }

  /** Both ends of a TCP connection; `null` for other transports. */
  get ends(): { local: WireEnd; peer: WireEnd } | null {
    const { localAddress, localPort, remoteAddress, remotePort } = this.stream;
    if (localAddress === undefined || localPort === undefined) return null;
    if (remoteAddress === undefined || remotePort === undefined) return null;
    return {
      local: { address: localAddress, port: localPort },
      peer: { address: remoteAddress, port: remotePort },
    };
  }

  /** Bytes in the view. */
  get available(): number {
    return this.end - this.pos;
  }

  /** Bytes that have been read and consumed. */
  get consumed(): number {
    return this.received - this.#queued - this.available;
  }

  /** Whether bytes, or the end, are there to be read without waiting. */
  get readable(): boolean {
    return this.hasBytes || this.#readEnd !== null || this.stream.readableEnded;
  }

  /** Whether bytes are there that nobody has read, the end not counting. */
  get hasBytes(): boolean {
    return this.pos < this.end || this.#queue.length > 0;
  }

  /** Whether the peer has ended or broken the connection, as far as is known. */
  get ended(): boolean {
    return this.#readEnd !== null || this.#closed;
  }

  /** A filled block of the ring, or a chunk of any other stream. */
  take(bytes: Buffer, length: number): void {
    if (this.#closed) {
      this.#ring?.release(bytes, this.stream);
      return;
    }
    this.received += length;
    this.#readAt = performance.now();
    this.#queue.push({ bytes, end: length });
    this.#queued += length;
    this.#wake();
  }

  #onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (bytes.length === 0) return;
    this.take(bytes, bytes.length);
    if (this.#queued > MAX_QUEUED && !this.#paused) {
      this.#paused = true;
      this.stream.pause();
    }
  };

  #onEnd = (): void => {
    const ended = this.#endings.ended(this.stream);
    const socket = this.#endings.socket(this.stream);
    if (socket === null) {
      this.#endReading(ended);
      return;
    }
    askHeldReset(socket, (reset) => {
      this.#endReading(reset === null ? ended : this.#endings.failed(reset, true));
    });
  };

  #onError = (error: Error): void => {
    this.#writeEnd ??= this.#endings.failed(error, false);
    this.#endReading(this.#endings.failed(error, true));
    this.#settleWriter(this.#writeEnd.code);
  };

  // a stream that was destroyed before its end has lost what was to come
  #onClose = (): void => {
    this.#writeEnd ??= CLOSED;
    const cause = new Error("the stream was closed before its end");
    this.#endReading({ ...this.#endings.ended(this.stream), cause });
    this.#settleWriter(this.#writeEnd.code);
  };

  #endReading(failure: WireFailure): void {
    this.#readEnd ??= failure;
    this.#wake();
  }

  // Something to read has come: a watch on the reading side, and the reader's wait, are over.
  #wake(): void {
    this.#endWatch();
    if (this.#waits.isReading) this.#waits.endRead(this.#pull());
  }

  #endWatch(): void {
    const peeker = this.#peeker;
    if (peeker === null) return;
    this.#peeker = null;
    peeker();
  }

  // One segment of the queue into the view; the failure's code when there is none.
  #pull(): number {
    const segment = this.#queue.shift();
    if (segment === undefined) {
      this.failure = this.#readEnd as WireFailure;
      return this.failure.code;
    }
    const added = segment.end;
    this.#queued -= added;
    if (this.pos === this.end) {
      this.#releaseView();
      this.bytes = segment.bytes;
      this.pos = 0;
      this.end = added;
      this.#viewInRing = this.#ring !== null;
    } else {
      const joined = Buffer.allocUnsafe(this.end - this.pos + added);
      this.bytes.copy(joined, 0, this.pos, this.end);
      segment.bytes.copy(joined, this.end - this.pos, 0, added);
      this.#releaseView();
      this.#ring?.release(segment.bytes, this.stream);
      this.bytes = joined;
      this.pos = 0;
      this.end = joined.length;
    }
    if (this.#paused && this.#queued <= MAX_QUEUED / 2) {
      this.#paused = false;
      this.stream.resume();
    }
    return added;
  }

  #releaseView(): void {
    if (this.#viewInRing) {
      this.#viewInRing = false;
      this.#ring?.release(this.bytes, this.stream);
    }
  }

  /**
   * Adds at least one byte to the view.
   * @param timeoutMs how long to wait, 0 for ever
   * @returns the number of bytes added, or the code of `failure`; a promise only if it has to wait
   */
  more(timeoutMs: number): number | Promise<number> {
    if (this.#queue.length > 0 || this.#readEnd !== null) return this.#pull();
    if (!this.#receives) {
      this.failure = CLOSED;
      return CLOSED.code;
    }
    return this.#waits.read(timeoutMs);
  }

  /** Whether the system was asked just now for what it has received. */
  get isFresh(): boolean {
    return performance.now() - this.#readAt < FRESH_MS;
  }

  /**
   * Lets the event loop take in what the system has received. It need not have looked since the
   * last read: the program may have kept it busy.
   */
  async poll(): Promise<void> {
    // the first turn only ends the round under way, the second comes after a look at every socket
    await eventTurn();
    await eventTurn();
  }

  /**
   * Hands bytes to the stream. It answers as soon as the stream has room for more: a failure of the
   * network shows in a later write or read.
   * @returns 0, or the code of `failure`; a promise only if it has to wait
   */
  write(data: Uint8Array | string, timeoutMs: number): number | Promise<number> {
    if (this.#writeEnd === null && this.stream.writableEnded) this.#writeEnd = BROKEN_PIPE;
    if (this.#writeEnd !== null || this.#closed) return this.#writeFailed();
    this.#unwritten++;
    this.sent += data.length;
    const room = this.stream.write(data, "latin1", this.#onWritten);
    if (room || this.#isWritten()) return 0;
    return this.#waits.write(timeoutMs);
  }

  /** What is written before the event loop goes on is handed to the system as one piece. */
  gather(): void {
    const { stream } = this;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  /** Waits until everything was handed to the system. @returns 0, or the code of `failure` */
  async flush(timeoutMs: number): Promise<number> {
    if (this.#writeEnd !== null) return this.#writeFailed();
    if (this.#unwritten === 0 || this.stream.writableLength === 0) return 0;
    return this.#waits.write(timeoutMs);
  }

  #isWritten(): boolean {
    return this.stream.writableLength === 0 && this.stream.errored === null;
  }

  #writeFailed(): number {
    this.failure = this.#writeEnd ?? CLOSED;
    return this.failure.code;
  }

  #onWritten = (error?: Error | null): void => {
    this.#unwritten--;
    if (error) {
      this.#writeEnd ??= this.#endings.failed(error, false);
      this.#settleWriter(this.#writeEnd.code);
    } else if (this.#unwritten === 0) {
      this.#settleWriter(0);
    }
  };

  #settleWriter(code: number): void {
    if (!this.#waits.isWriting) return;
    if (code !== 0 && this.#writeEnd !== null) this.failure = this.#writeEnd;
    this.#waits.endWrite(code);
  }

  /** Calls `told` once, as soon as there is something to read or the connection ends. */
  watch(told: () => void): void {
    if (this.readable) told();
    else this.#peeker = told;
  }

  /** Takes back `watch`. */
  unwatch(): void {
    this.#peeker = null;
  }

  /** Ends every wait, now and later, with this failure, and destroys the stream. */
  cut(failure: WireFailure): void {
    this.#readEnd ??= failure;
    this.#writeEnd ??= failure;
    this.failure = failure;
    this.#settleWriter(failure.code);
    this.destroy();
    this.#endWatch();
    this.#waits.endRead(failure.code);
  }

  /** Gives the read that is waiting, if any, a new deadline. */
  rearm(timeoutMs: number): void {
    this.#waits.rearm(timeoutMs);
  }

  /** Reads find the end behind what has arrived, as on Linux: what comes later is not refused. */
  async shutdownReading(): Promise<void> {
    // the bytes that the system has already
    await eventTurn();
    this.#receives = false;
    if (this.#waits.isReading) this.#endReading(CLOSED);
  }

  /** Sends the end of the data. @returns 0, or the code of `failure` */
  shutdownWriting(): Promise<number> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.stream.off("error", done);
        this.stream.off("close", done);
        const shut = this.#writeEnd === null || this.#writeEnd === BROKEN_PIPE;
        resolve(shut ? 0 : this.#writeFailed());
      };
      if (this.#writeEnd !== null || this.stream.writableEnded) {
        done();
        return;
      }
      this.stream.once("error", done);
      this.stream.once("close", done);
      this.stream.end(done);
    });
  }

  /** Closes in good order without waiting: what was written still goes out. */
  close(): void {
    // TLS is shaking hands over it
    if (this.#released) this.stream.destroy();
    if (this.#closed) return;
    this.#finish();
    this.#readEnd ??= CLOSED_HERE;
    this.#writeEnd ??= CLOSED_HERE;
    this.#wake();
    this.#settleWriter(this.#writeEnd.code);
    const { stream } = this;
    if (stream.destroyed) return;
    // what the system has not taken by now is part of something that was broken off
    if (stream.writableLength > 0 || stream.errored !== null) {
      stream.destroy();
      return;
    }
    stream.resume();
    if (stream.destroySoon !== undefined) stream.destroySoon();
    else stream.end(() => stream.destroy());
    stream.unref?.();
    // a peer that takes nothing more must not hold the connection
    const timer = setTimeout(() => stream.destroy(), LINGER_MS).unref();
    stream.once("close", () => clearTimeout(timer));
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#finish();
    this.stream.destroy();
  }

  #finish(): void {
    this.#closed = true;
    this.#waits.stop();
    this.stream.off("data", this.#onData);
    this.#queue.length = 0;
    this.bytes = EMPTY;
    this.pos = 0;
    this.end = 0;
    this.#viewInRing = false;
  }

  /**
   * Takes the stream out of the wire, for TLS or a caller to go on with. Not for a stream with a
   * ring. @returns the bytes that were read but not consumed
   */
  release(): Buffer {
    const rest = [this.bytes.subarray(this.pos, this.end)];
    for (const segment of this.#queue) rest.push(segment.bytes.subarray(0, segment.end));
    const stream = this.stream;
    stream.pause();
    stream.off("end", this.#onEnd);
    stream.off("error", this.#onError);
    stream.off("close", this.#onClose);
    this.#finish();
    this.#released = true;
    this.#destroyAtOnce();
    stream.ref?.();
    return Buffer.concat(rest);
  }
}
