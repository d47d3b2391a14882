// The blocks that a socket of Node reads into, over and over: a transfer of any size then leaves
// no garbage. A socket that connects by itself takes them as its option `onread`; a TLS socket
// over a connected one has the same machinery, but no option for it.
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { readInto } from "./node_internals.js";
import { asBuffer } from "../base/bytes.js";

/** A block, and how much of it is filled. */
export interface Segment {
  bytes: Buffer;
  end: number;
}

/** Who is given what was read. */
export interface Taker {
  take(bytes: Buffer, length: number): void;
}

/** Blocks in use, one being parsed and others waiting, before the socket is paused. */
const MOST = 3;
const TCP_BLOCK = 64 * 1024;
/** A TLS record holds as much at most, and Node reads record by record. */
const TLS_BLOCK = 16 * 1024;

export class ReadRing {
  #size: number;
  #free: Buffer[] = [];
  #inUse = 0;
  #taker: Taker | null = null;
  #early: Segment[] = [];

  constructor(size = TCP_BLOCK) {
    this.#size = size;
  }

  readonly onread = {
    buffer: (): Buffer => this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size),
    callback: (length: number, block: Uint8Array): boolean => {
      this.#inUse++;
      // the very block that `buffer` gave
      const bytes = asBuffer(block);
      if (this.#taker === null) this.#early.push({ bytes, end: length });
      else this.#taker.take(bytes, length);
      return this.#inUse < MOST;
    },
  };

  /** What was read goes to `taker`, also what came before it. */
  attach(taker: Taker): void {
    this.#taker = taker;
    for (const { bytes, end } of this.#early.splice(0)) taker.take(bytes, end);
  }

  /** A block has been consumed. */
  release(block: Buffer, stream: Duplex): void {
    if (this.#free.length < MOST) this.#free.push(block);
    if (this.#inUse-- === MOST) stream.resume();
  }
}

/**
 * Lets a new TLS socket over a connected one read into blocks of ours.
 * @returns `null` if this Node cannot: the socket then reads as any other
 */
export function ringOf(socket: TLSSocket): ReadRing | null {
  const ring = new ReadRing(TLS_BLOCK);
  return readInto(socket, ring.onread) ? ring : null;
}
