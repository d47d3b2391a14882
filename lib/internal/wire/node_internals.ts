// Every assumption about Node that its documentation does not promise. Each is one function with
// what it relies on and what happens where that does not hold; test/internal/wire/node_internals.ts
// asserts each by the same name. The rest of the library uses only what nodejs.org documents.

import type { Socket } from "node:net";
import { constants as osConstants } from "node:os";
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
