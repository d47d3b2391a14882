// Every assumption about Node that its documentation does not promise. Each is one function with
// what it relies on and what happens where that does not hold; test/internal/wire/node_internals.ts
// asserts each by the same name. The rest of the library uses only what nodejs.org documents.

import type { Socket } from "node:net";
import { constants as osConstants } from "node:os";
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import { Der, TAG, orNull } from "../asn1/der.js";
import type { Refusal } from "../tls/second_verdict.js";
import { codeOf, errorOf, hasMethods, propertyOf } from "../base/unknown_value.js";

// The handle below a socket of Node: `_handle`, `null` once it is closed.
function handleOf(socket: unknown): unknown {
  return propertyOf(socket, "_handle");
}

// What a function of a handle gives; `undefined` where there is no such function.
function ask(handle: unknown, name: string, ...args: readonly unknown[]): unknown {
  const method = propertyOf(handle, name);
  return typeof method === "function" ? Reflect.apply(method, handle, args) : undefined;
}

/**
 * What OpenSSL said about the peer's chain: `TLSSocket._handle.verifyError()` gives the result with
 * its words. Without it, a client socket's documented `authorized` and `authorizationError` are
 * asked, and a server socket's chain counts as refused.
 */
export function verifyResult(socket: TLSSocket): Refusal | null {
  const handle = handleOf(socket);
  if (hasMethods(handle, "verifyError")) {
    const error = ask(handle, "verifyError");
    if (error == null) return null;
    return { code: codeOf(error) ?? "UNSPECIFIED", reason: errorOf(error).message };
  }
  if (socket.authorized) return null;
  const code = String(socket.authorizationError ?? "UNSPECIFIED");
  return { code, reason: code };
}

/**
 * Keeps Node from making objects of the peer's whole chain at the end of the handshake, which takes
 * long for a hostile one: tls.connect calls the socket's own `getPeerCertificate` before
 * `checkServerIdentity`, and we need neither. Where Node does not, it only costs time.
 * @returns gives the socket its method back
 */
export function skipPeerObjects(socket: TLSSocket): () => void {
  Reflect.set(socket, "getPeerCertificate", () => ({}));
  return () => Reflect.deleteProperty(socket, "getPeerCertificate");
}

/**
 * Trusts more than Node's default CAs: `SecureContext.context.addCACert` adds to what the context
 * trusts already.
 * @returns false where there is no such function: the caller has to name all CAs instead
 */
export function addTrust(secure: SecureContext, pems: readonly string[]): boolean {
  const native: unknown = secure.context;
  if (!hasMethods(native, "addCACert")) return false;
  for (const pem of pems) ask(native, "addCACert", pem);
  return true;
}

/**
 * Whether a socket was told to stop reading: `_handle.reading` is false then. Without it, it counts
 * as reading.
 */
export function isStopped(socket: Socket): boolean {
  return propertyOf(handleOf(socket), "reading") === false;
}

const STILL_READING = -osConstants.errno.EALREADY;

/**
 * Whether a socket still reads, so that its end has not come: `_handle.readStart()` answers that it
 * does already. Where there is no such function the end may have come, and TLS above it counts as
 * truncated.
 */
export function isReading(socket: Socket): boolean {
  return ask(handleOf(socket), "readStart") === STILL_READING;
}

/** What a socket reads into: Node's option `onread`. */
export interface OnRead {
  buffer(): Buffer;
  callback(length: number, block: Uint8Array): boolean;
}

/** Node's own slots for `onread`, by their description. */
const SLOTS = ["kBuffer", "kBufferGen", "kBufferCb"];

/**
 * Has a TLS socket over a connected one read into blocks: Node ignores the option `onread` there
 * (nodejs.org, tls.connect), though both kinds of socket keep it in the same slots, and the handle
 * takes the block by `useUserBuffer`.
 * @returns false where slots or function are missing, and nothing is done: it reads as any stream
 */
export function readInto(socket: TLSSocket, { buffer, callback }: OnRead): boolean {
  const own = Object.getOwnPropertySymbols(socket);
  const slots = SLOTS.map((name) => own.find(({ description }) => description === name));
  const handle = handleOf(socket);
  if (slots.includes(undefined) || !hasMethods(handle, "useUserBuffer")) return false;
  const first = buffer();
  for (const [index, value] of [first, buffer, callback].entries()) {
    Reflect.set(socket, slots[index] ?? "", value);
  }
  ask(handle, "useUserBuffer", first);
  return true;
}

/**
 * The descriptor of a socket: `_handle.fd`. -1 where the system or Node shows none.
 */
export function descriptorOf(stream: Duplex | undefined): number {
  const fd = propertyOf(handleOf(stream), "fd");
  return typeof fd === "number" ? fd : -1;
}

/**
 * Whether an error of a TLS handshake means that the stream below ended: Node makes an ECONNRESET
 * of it that no system call gave. Without that it is told as a reset.
 */
export function isEarlyEnd(error: Error): boolean {
  return codeOf(error) === "ECONNRESET" && propertyOf(error, "syscall") === undefined;
}

/**
 * Runs `act` where a stream of Node comes to its end: what is read goes through the public `push`
 * of the stream itself, the end as `null`. `act` is given what ends the stream. Where Node does not
 * do so, `act` is never called.
 */
export function aroundEnd(stream: Duplex, act: (end: () => void) => void): void {
  const { push } = stream;
  stream.push = function (chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null) return push.call(stream, chunk, encoding);
    act(() => push.call(stream, null));
    return false;
  };
}

/**
 * Lets a socket whose write fails be read to its end before it is destroyed. Node calls the
 * socket's own `destroy` with the error of the write, and what the peer had sent before would be
 * lost: the answer that says why it reads no more, for one. The system knows the end by then, and a
 * read that fails destroys the socket by itself. Where Node does not call `destroy`, the socket is
 * destroyed at once; so is one that is stopped and not read into blocks, since Node resumes no
 * stream that failed.
 * @param inBlocks what is read goes into blocks (`onread`)
 * @returns takes that back
 */
export function readBeforeDestroy(socket: Socket, inBlocks: boolean): () => void {
  const restore = (): boolean => Reflect.deleteProperty(socket, "destroy");
  socket.destroy = function (error?: Error): Socket {
    restore();
    const isWrite = propertyOf(error, "syscall") === "write";
    const isReadable = !socket.readableEnded && (inBlocks || !isStopped(socket));
    if (!isWrite || !isReadable) return socket.destroy(error);
    aroundEnd(socket, (end) => {
      end();
      socket.destroy(error);
    });
    return socket;
  };
  return restore;
}

/**
 * Asks whether a reset came along with the end of a socket: libuv tells it as an end, the system
 * still holds the error, and a write of nothing meets it. Where that write succeeds, or the socket
 * takes no write any more, it was an end.
 * @param told is given the error of the reset, else `null`
 */
export function askHeldReset(socket: Socket, told: (reset: Error | null) => void): void {
  if (!socket.writable || socket.writableLength > 0) {
    told(null);
    return;
  }
  socket.write(Buffer.alloc(0), (error) => {
    told(error != null && codeOf(error) === "ECONNRESET" ? error : null);
  });
}

/**
 * Runs `done` once a TLS socket has shaken hands: a client's tells of it by the documented
 * `secureConnect`, a server's that was made by hand by `secure`. Without that the handshake ends
 * with its time.
 */
export function whenSecure(socket: TLSSocket, isServer: boolean, done: () => void): void {
  socket.once(isServer ? "secure" : "secureConnect", done);
}

/**
 * Destroys a TLS socket that was made by hand as a server's when TLS fails on it: after the
 * handshake Node tells of that by the event `_tlsError` alone and leaves the socket open. Without
 * the event, what waits for data ends with its time.
 */
export function destroyOnTlsError(socket: TLSSocket): void {
  socket.on("_tlsError", (error: Error) => socket.destroy(error));
}

/**
 * The ID of the TLS session, 32 bytes in TLS 1.2, none in TLS 1.3 before a ticket: `getSession`
 * gives OpenSSL's form of a session, in which version, protocol and cipher stand before the ID.
 * Node 22 and later put a heading of their own before it. Any other form has no ID.
 */
export function sessionId(socket: TLSSocket): Buffer {
  const session = socket.getSession() ?? Buffer.alloc(0);
  let at = session.indexOf(TAG.SEQUENCE);
  for (; at >= 0; at = session.indexOf(TAG.SEQUENCE, at + 1)) {
    const id = orNull(() => idOf(new Der(session.subarray(at))));
    if (id !== null) return Buffer.from(id);
  }
  return Buffer.alloc(0);
}

function idOf(session: Der): Buffer {
  const fields = session.open(TAG.SEQUENCE);
  session.end();
  fields.bytes(TAG.INTEGER);
  fields.bytes(TAG.INTEGER);
  fields.bytes(TAG.OCTET_STRING);
  return fields.bytes(TAG.OCTET_STRING);
}

/**
 * The name of the alert in OpenSSL's reason of an error: "handshake failure" of "ssl/tls alert
 * handshake failure", which older versions call "sslv3 alert handshake failure". `null` for any
 * other reason, and then the error is told in OpenSSL's words.
 */
export function alertName(reason: string): string | null {
  return /^(?:sslv3|ssl\/tls|tlsv1|tlsv13) alert (.+)$/.exec(reason)?.[1] ?? null;
}
