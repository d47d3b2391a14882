// TLS over a connected stream, as client and as server. The handshake is done by node:tls without
// any verification; the verdict is ours (internal/tls/verify.ts), and its caller sends no byte of a
// request before it. After the handshake nothing here is in the way of the data.

import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { X509 } from "../asn1/x509.js";
import type { TlsContext } from "../tls/context.js";

/** A finished handshake. */
export interface TlsOutcome {
  ok: true;
  socket: TLSSocket;
  /** What the peer sent, leaf first; on a resumed connection what it sent at the first one. */
  chain: readonly X509[];
  /** NE_SSL_PROTO_*. */
  protocol: number;
  /** Standard name of the cipher suite. */
  cipher: string | null;
  resumed: boolean;
  /** Keeps the session for resumption: call it once the certificate is accepted. */
  accept(): void;
}

/** A failed handshake: an NE_SOCK_* code and neon's text without a prefix. The stream is closed. */
export interface TlsFailure {
  ok: false;
  code: number;
  error: string;
  cause: Error | null;
}

export interface ClientOptions {
  /** Name for SNI; null or an address literal: none. */
  servername: string | null;
  /** Sessions are resumed only under the same key ("host:port"). */
  sessionKey: string;
  /** How long the whole handshake may take, null for no limit. A provider's wait does not count. */
  timeoutMs: number | null;
  /** Is given a function that breaks the handshake off with this error (code NE_SOCK_ERROR). */
  onAbort?: (cancel: (why: Error) => void) => void;
}

/**
 * Handshake as client. Rejects only with what a client certificate provider threw.
 * The text has no prefix: a session puts "SSL handshake failed: " in front.
 */
export async function handshakeClient(
  raw: Duplex,
  context: TlsContext,
  options: ClientOptions,
): Promise<TlsOutcome | TlsFailure> {
  void [raw, context, options];
  throw new Error("skeleton");
}

/** Handshake as server. */
export async function handshakeServer(
  raw: Duplex,
  context: TlsContext,
  options: { timeoutMs: number | null },
): Promise<TlsOutcome | TlsFailure> {
  void [raw, context, options];
  throw new Error("skeleton");
}

/** Whether the end of the data was announced by the peer's closing alert. */
export function endedCleanly(socket: TLSSocket): boolean {
  void socket;
  throw new Error("skeleton");
}

/** The code and neon's text for an error on an established TLS connection (fact 70). */
export function tlsErrorOf(error: Error): { code: number; text: string } {
  void error;
  throw new Error("skeleton");
}

/** The ID of the TLS session: 32 bytes in TLS 1.2, none in TLS 1.3 before a ticket (fact 75). */
export function sessionId(socket: TLSSocket): Buffer {
  void socket;
  throw new Error("skeleton");
}
