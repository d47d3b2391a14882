// Every assumption about Node that its documentation does not promise. Each is one function with
// what it relies on and what happens where that does not hold; test/internal/wire/node_internals.ts
// asserts each by the same name. The rest of the library uses only what nodejs.org documents.

import type { Socket } from "node:net";
import { constants as osConstants } from "node:os";
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Refusal } from "../tls/second_judge.js";

interface VerifyingHandle {
  verifyError?(): (Error & { code?: string }) | null | undefined;
}

/**
 * What OpenSSL said about the peer's chain: `TLSSocket._handle.verifyError()` gives the result with
 * its words. Without it, a client socket's documented `authorized` and `authorizationError` are
 * asked, and a server socket's chain counts as refused.
 */
export function verifyResult(socket: TLSSocket): Refusal | null {
  const { _handle: handle } = socket as unknown as { _handle: VerifyingHandle | null };
  if (typeof handle?.verifyError === "function") {
    const error = handle.verifyError();
    if (error == null) return null;
    return { code: error.code ?? "UNSPECIFIED", reason: error.message };
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
  const own = socket as { getPeerCertificate?: unknown };
  own.getPeerCertificate = () => ({});
  return () => delete own.getPeerCertificate;
}

interface NativeContext {
  addCACert?(pem: string): void;
}

/**
 * Trusts more than Node's default CAs: `SecureContext.context.addCACert` adds to what the context
 * trusts already.
 * @returns false where there is no such function: the caller has to name all CAs instead
 */
export function addTrust(secure: SecureContext, pems: readonly string[]): boolean {
  const native = secure.context as NativeContext;
  if (typeof native.addCACert !== "function") return false;
  for (const pem of pems) native.addCACert(pem);
  return true;
}

interface ReadingHandle {
  reading?: boolean;
  readStart?(): number;
}

function readingHandle(socket: Socket): ReadingHandle | null {
  return (socket as unknown as { _handle: ReadingHandle | null })._handle;
}

/**
 * Whether a socket was told to stop reading: `_handle.reading` is false then. Without it, it counts
 * as reading.
 */
export function isStopped(socket: Socket): boolean {
  return readingHandle(socket)?.reading === false;
}

const STILL_READING = -osConstants.errno.EALREADY;

/**
 * Whether a socket still reads, so that its end has not come: `_handle.readStart()` answers that it
 * does already. Where there is no such function the end may have come, and TLS above it counts as
 * truncated.
 */
export function isReading(socket: Socket): boolean {
  return readingHandle(socket)?.readStart?.() === STILL_READING;
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
  const { _handle: handle } = socket as unknown as {
    _handle: { useUserBuffer?(block: Uint8Array): void } | null;
  };
  if (slots.includes(undefined) || typeof handle?.useUserBuffer !== "function") return false;
  const first = buffer();
  for (const [index, value] of [first, buffer, callback].entries()) {
    Reflect.set(socket, slots[index] ?? "", value);
  }
  handle.useUserBuffer(first);
  return true;
}

/**
 * The descriptor of a socket: `_handle.fd`. -1 where the system or Node shows none.
 */
export function descriptorOf(stream: Duplex | undefined): number {
  const { _handle: handle } = (stream ?? {}) as { _handle?: { fd?: number } | null };
  return handle?.fd ?? -1;
}

/**
 * Whether an error of a TLS handshake means that the stream below ended: Node makes an ECONNRESET
 * of it that no system call gave. Without that it is told as a reset.
 */
export function isEarlyEnd(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" && syscall === undefined;
}
