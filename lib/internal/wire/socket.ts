// The state behind an ne_socket, and its reads and writes: the wire under C's calling conventions,
// where a result below zero is a code and the error string says more.
import type { Server } from "node:net";
import net from "node:net";
import {
  DEFAULT_READ_TIMEOUT_MS,
  MAX_SOCKET_ERROR,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_RETRY,
  NE_SOCK_TIMEOUT,
} from "../base/constants.js";
import { ownOnly, printable } from "../base/bytes.js";
import { misuse } from "../base/handle.js";
import type { Address } from "./address.js";
import type { TlsOutcome } from "./tls.js";
import { Wire } from "./wire.js";
import { BROKEN_PIPE, CLOSED, type WireFailure } from "./wire_failure.js";

export interface SocketState {
  wire: Wire | null;
  /** Set by a TLS handshake. */
  tls: TlsOutcome | null;
  error: string;
  readTimeoutMs: number;
  connectTimeoutMs: number;
  local: Address | null;
  localPort: number;
  /** A call that is still pending. */
  busy: string | null;
  /** A reset has been told: as the system does, only once. */
  wasReset: boolean;
  /** Our closing alert of TLS is on its way. */
  alertSent: boolean;
}

/** Bytes of a line, its end included. */
const MAX_SOCKET_LINE = 4096;

export function createSocketState(): SocketState {
  return {
    wire: null,
    tls: null,
    error: "",
    readTimeoutMs: DEFAULT_READ_TIMEOUT_MS,
    connectTimeoutMs: 0,
    local: null,
    localPort: 0,
    busy: null,
    wasReset: false,
    alertSent: false,
  };
}

/** Sets the error string of a socket. */
export function setSocketError(k: SocketState, text: string): void {
  k.error = printable(text).slice(0, MAX_SOCKET_ERROR);
}

/** Sets the error string from a failure and gives its code. */
export function socketFailed(k: SocketState, failure: WireFailure): number {
  setSocketError(k, failure.error);
  return failure.code;
}

/** Runs a call that waits; a second one on the same socket meanwhile is the caller's mistake. */
export async function exclusively<T>(
  k: SocketState,
  caller: string,
  run: () => Promise<T>,
): Promise<T> {
  if (k.busy !== null) throw misuse(caller, `${k.busy} is still pending on this socket`);
  k.busy = caller;
  try {
    return await run();
  } finally {
    k.busy = null;
  }
}

/** The wire of a connected socket. */
export function connectedWire(k: SocketState, caller: string): Wire {
  if (k.wire === null) throw misuse(caller, "the socket is not connected");
  return k.wire;
}

// What follows a reset that was told is the end.
function afterReset(k: SocketState, failure: WireFailure, then: WireFailure): WireFailure {
  if (failure.code !== NE_SOCK_RESET || k.tls !== null) return failure;
  if (k.wasReset) return then;
  k.wasReset = true;
  return failure;
}

// A read that timed out sets no error string.
function readFailed(k: SocketState, wire: Wire): number {
  const failure = afterReset(k, wire.failure, CLOSED);
  if (failure.code !== NE_SOCK_TIMEOUT) setSocketError(k, failure.error);
  return failure.code;
}

/** Waits for something to read. */
async function waitReadable(k: SocketState, wire: Wire, timeoutMs: number): Promise<number> {
  if (wire.available > 0) return 0;
  const code = await wire.more(timeoutMs);
  return code < 0 ? readFailed(k, wire) : 0;
}

/** Reads some bytes into a buffer; `keep` leaves them to be read again. */
export async function readSome(
  k: SocketState,
  wire: Wire,
  buffer: Uint8Array,
  keep: boolean,
): Promise<number> {
  const code = await waitReadable(k, wire, k.readTimeoutMs);
  if (code < 0) return code;
  const count = Math.min(wire.available, buffer.length);
  buffer.set(wire.bytes.subarray(wire.pos, wire.pos + count));
  if (!keep) wire.pos += count;
  return count;
}

/** Fills a buffer. */
export async function readFully(k: SocketState, wire: Wire, buffer: Uint8Array): Promise<number> {
  for (let done = 0; done < buffer.length; ) {
    const count = await readSome(k, wire, buffer.subarray(done), false);
    if (count < 0) return count;
    done += count;
  }
  return 0;
}

/** Reads a line with its LF and a zero byte behind it. @returns its length, or a code */
export async function readLine(k: SocketState, wire: Wire, buffer: Uint8Array): Promise<number> {
  for (;;) {
    const lf = wire.bytes.indexOf(10, wire.pos);
    const found = lf >= 0 && lf < wire.end;
    const length = found ? lf + 1 - wire.pos : wire.available;
    const most = found ? MAX_SOCKET_LINE : MAX_SOCKET_LINE - 1;
    if (length + 1 > buffer.length || length > most) {
      setSocketError(k, "Line too long");
      return NE_SOCK_ERROR;
    }
    if (found) {
      buffer.set(wire.bytes.subarray(wire.pos, lf + 1));
      buffer[length] = 0;
      wire.pos = lf + 1;
      return length;
    }
    const code = await wire.more(k.readTimeoutMs);
    if (code < 0) return readFailed(k, wire);
  }
}

/** Writes all blocks; 0 when every byte was handed to the system. */
export async function writeFully(
  k: SocketState,
  wire: Wire,
  blocks: readonly Uint8Array[],
): Promise<number> {
  let code = 0;
  for (const block of blocks) {
    if (block.length > 0 && code === 0) code = await wire.write(block, k.readTimeoutMs);
  }
  if (code === 0) code = await wire.flush(k.readTimeoutMs);
  return code < 0 ? socketFailed(k, afterReset(k, wire.failure, BROKEN_PIPE)) : 0;
}

/** Shuts down one or both directions. @returns 0, or a code with the error set */
export async function shutDown(
  k: SocketState,
  wire: Wire,
  { send, receive }: { send: boolean; receive: boolean },
): Promise<number> {
  if (send && !k.alertSent) {
    if ((await wire.shutdownWriting()) !== 0) return socketFailed(k, wire.failure);
    k.alertSent = k.tls !== null;
  }
  if (k.tls !== null && !wire.ended) {
    setSocketError(k, "Incomplete TLS closure");
    return NE_SOCK_RETRY;
  }
  if (receive) await wire.shutdownReading();
  return 0;
}

// Connections that a listening socket took while nobody was waiting for one.
interface Listener {
  server: Server;
  arrived: net.Socket[];
  waiting: ((result: Wire | WireFailure) => void)[];
}

const listeners = new Map<number | Server, Listener>();

/** Waits for a connection to a listening socket. */
export function acceptConnection(listening: number | Server): Promise<Wire | WireFailure> {
  if (typeof listening !== "number" && !listening.listening) {
    const failure = { code: NE_SOCK_ERROR, error: "Invalid argument", cause: null };
    return Promise.resolve(failure);
  }
  const listener = listeners.get(listening) ?? listenOn(listening);
  const socket = listener.arrived.shift();
  if (socket !== undefined) return Promise.resolve(new Wire(socket));
  listener.server.ref();
  return new Promise((resolve) => {
    listener.waiting.push(resolve);
  });
}

function listenOn(listening: number | Server): Listener {
  const server =
    typeof listening === "number" ? net.createServer(ownOnly({ allowHalfOpen: true })) : listening;
  const listener: Listener = { server, arrived: [], waiting: [] };
  const settle = (result: Wire | WireFailure): void => {
    listener.waiting.shift()?.(result);
    if (listener.waiting.length === 0 && typeof listening === "number") server.unref();
  };
  const onConnection = (socket: net.Socket): void => {
    socket.setNoDelay(true);
    if (listener.waiting.length > 0) settle(new Wire(socket));
    else listener.arrived.push(socket.unref());
  };
  const failed = (error: Error | null): void => {
    listeners.delete(listening);
    server.off("connection", onConnection);
    const why = error?.message ?? "the listening socket was closed";
    while (listener.waiting.length > 0) {
      settle({ code: NE_SOCK_ERROR, error: why, cause: error });
    }
    for (const socket of listener.arrived) socket.destroy();
  };
  server.on("connection", onConnection);
  server.once("error", failed);
  server.once("close", () => failed(null));
  listeners.set(listening, listener);
  if (typeof listening === "number") server.listen({ fd: listening });
  return listener;
}

/** Closes a socket. @returns when its descriptor is free */
export function closeSocket(k: SocketState): Promise<number> {
  const { wire } = k;
  k.wire = null;
  if (wire === null) return Promise.resolve(0);
  const { stream } = wire;
  if (stream.destroyed || stream.closed) return Promise.resolve(0);
  return new Promise((resolve) => {
    stream.once("close", () => resolve(0));
    wire.close();
    stream.ref?.();
  });
}
