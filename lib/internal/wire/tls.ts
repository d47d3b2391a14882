// TLS over a connected stream, as client and as server. The handshake is done by node:tls, which
// lets it succeed whatever OpenSSL says of the peer's chain, and reports what it said; the verdict
// is ours (internal/tls/verify.ts), and its caller sends no byte of a request before it. After the
// handshake nothing here is in the way of the data.

import * as net from "node:net";
import type { Duplex } from "node:stream";
import type * as tls from "node:tls";
import { allCertificates } from "../asn1/pem.js";
import { ownOnly } from "../base/bytes.js";
import { parseCertificate, type X509 } from "../asn1/x509.js";
import { NE_SOCK_ERROR, NE_SOCK_TIMEOUT } from "../base/constants.js";
import { whenOverdue } from "../base/event_turn.js";
import type { TlsContext } from "../tls/context.js";
import type { Shown } from "../tls/late_certificate.js";
import type { Refusal } from "../tls/second_verdict.js";
import { isTrustedClient } from "../tls/verify.js";
import { endNames, lendNames, type ClientCert } from "../tls/certificate_handles.js";
import { ringOf, type ReadRing } from "./read_blocks.js";
import { nodeTls } from "./default_roots.js";
import {
  destroyOnTlsError,
  isEarlyEnd,
  skipPeerObjects,
  verifyResult,
  whenSecure,
} from "./node_internals.js";
import { endedCleanly, watchEnd } from "./tls_end.js";
import {
  ENDED,
  TRUNCATED,
  wordForGood,
  wordTlsError,
  type TlsError,
  type TlsState,
} from "./tls_errors.js";
import { NO_SETTINGS, clientSettings, serverSettings } from "./tls_options.js";
import type { Tapping, TlsTap } from "./tls_tap.js";
import { keepTicket, ticketKey, type TicketPeer } from "./tls_tickets.js";
import { errorOf } from "../base/unknown_value.js";

/** A finished handshake. */
export interface TlsOutcome {
  ok: true;
  socket: tls.TLSSocket;
  /** The stream below that was given. */
  below: Duplex;
  /** What it reads into, null if it reads as any stream does. */
  ring: ReadRing | null;
  /** What the peer sent, leaf first; on a resumed connection what it sent at the first one. */
  chain: readonly X509[];
  /** What OpenSSL said against it, null if it authorized it. */
  refusal: Refusal | null;
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
  /**
   * No failure yet: in TLS 1.2 the server asked for a client certificate, the provider has set one,
   * and a handshake that has begun cannot take it up. Open a new connection and shake hands again.
   */
  again: boolean;
}

/** The name for SNI may be null or an address literal: none. */
export interface ClientOptions extends TicketPeer {
  /** How long the whole handshake may take, null for no limit. A provider's wait does not count. */
  timeoutMs: number | null;
  /** Is given a function that breaks the handshake off with this error (code NE_SOCK_ERROR). */
  onAbort?: (cancel: (why: Error) => void) => void;
  /** Read into blocks of our own: the TLS socket can then serve one wire only. */
  ownBlocks: boolean;
  /** Hears the server ask for a certificate, where the context has a provider: `tapTls`. */
  tap?: Tapping | null;
  /** Waits for the promise of a client certificate provider. */
  waitFor?: (promise: Promise<void>) => Promise<void>;
  /** Told each line of the key log of the connection. */
  onKeys?: ((line: Buffer) => void) | null;
}

/** Certificates of a peer's chain that are looked at: OpenSSL stops at about ten. */
const MAX_CHAIN = 100;

const PROTOCOLS: Readonly<Record<string, number>> = {
  "SSLv3": 1,
  "TLSv1": 2,
  "TLSv1.1": 3,
  "TLSv1.2": 4,
  "TLSv1.3": 5,
};

/**
 * Handshake as client. Rejects only with what a client certificate provider threw.
 * The text has no prefix: a session puts "SSL handshake failed: " in front.
 */
export async function handshakeClient(
  raw: Duplex,
  context: TlsContext,
  options: ClientOptions,
): Promise<TlsOutcome | TlsFailure> {
  const handshake = new Handshake(raw, context, options.timeoutMs);
  options.onAbort?.((why) => handshake.fail({ code: NE_SOCK_ERROR, text: why.message }, why));
  let prepared: tls.SecureContext;
  try {
    prepared = clientSettings(context, context.clientCert);
  } catch (error) {
    handshake.failWith(error);
    return handshake.result;
  }
  handshake.state.presented = context.clientCert !== null;
  let stream = raw;
  let tap: TlsTap | null = null;
  if (context.clientCert === null && context.provider !== null && options.tap) {
    stream = tap = options.tap(raw, async (names, canShow) => {
      await handshake.pausing(askProvider(context, names, options.waitFor));
      const { clientCert } = context;
      if (clientCert === null) return null;
      if (!canShow) handshake.breakOff();
      handshake.state.presented = true;
      return shownOf(clientCert);
    });
  }
  const key = ticketKey(options, context);
  const ticket = context.tickets.get(key);
  const { servername } = options;
  const settings: tls.ConnectionOptions = {
    socket: stream,
    secureContext: prepared,
    // both verdicts are heard before anything is sent, and whose name it is, is for ours
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(servername !== null && net.isIP(servername) === 0 ? { servername } : {}),
    ...(ticket === undefined ? {} : { session: ticket.session }),
  };
  const socket = nodeTls().connect(ownOnly({ ...NO_SETTINGS, ...settings }));
  const restore = skipPeerObjects(socket);
  if (options.onKeys) socket.on("keylog", options.onKeys);
  if (tap !== null) socket.on("keylog", (line: Buffer) => tap.keylog(line));
  let session: Buffer | null = null;
  let chain: readonly X509[] = [];
  let accepted = false;
  const keep = (): void => {
    if (accepted && session !== null && tap?.answered !== true)
      keepTicket(context, key, { session, chain });
  };
  socket.on("session", (data: Buffer) => {
    session = data;
    keep();
  });
  handshake.start(socket, stream, { isServer: false, ownBlocks: options.ownBlocks });
  const result = await handshake.result;
  restore();
  if (!result.ok) return result;
  if (result.resumed && ticket !== undefined) result.chain = ticket.chain;
  chain = result.chain;
  result.accept = () => {
    accepted = true;
    keep();
  };
  return result;
}

/** Handshake as server. */
export async function handshakeServer(
  raw: Duplex,
  context: TlsContext,
  options: { timeoutMs: number | null },
): Promise<TlsOutcome | TlsFailure> {
  const handshake = new Handshake(raw, context, options.timeoutMs);
  try {
    const settings = {
      isServer: true,
      secureContext: serverSettings(context),
      requestCert: context.server?.requireClient === true,
      // OpenSSL refuses a client that shows nothing; what it shows is judged below
      rejectUnauthorized: context.server?.requireClient === true,
    };
    const { TLSSocket } = nodeTls();
    const socket = new TLSSocket(raw, ownOnly({ ...NO_SETTINGS, ...settings }));
    destroyOnTlsError(socket);
    handshake.start(socket, raw, { isServer: true, ownBlocks: false });
  } catch (error) {
    handshake.failWith(error);
  }
  const result = await handshake.result;
  if (!result.ok || context.server?.requireClient !== true) return result;
  const trusted = [...context.trusted, ...context.server.verifyCas.flatMap(parsePem)];
  if (isTrustedClient(result, trusted, Math.floor(Date.now() / 1000))) return result;
  result.socket.destroy();
  const what =
    result.chain.length === 0 ? "peer did not return a certificate" : "certificate verify failed";
  return { ok: false, code: NE_SOCK_ERROR, error: `SSL error: ${what}`, cause: null, again: false };
}

function parsePem(pem: string): X509[] {
  const certs = allCertificates(Buffer.from(pem)).map(parseCertificate);
  return certs.filter((cert) => cert !== null);
}

// One handshake under way: settled by success, an error, the end of the stream, time or an abort.
class Handshake {
  readonly result: Promise<TlsOutcome | TlsFailure>;
  readonly state: TlsState = { presented: false, greeted: false };
  socket: tls.TLSSocket | null = null;
  #ring: ReadRing | null = null;
  #raw: Duplex;
  #trusted: readonly X509[];
  #resolve: (result: TlsOutcome | TlsFailure) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #settled = false;
  #left: number;
  #since = 0;
  #inTime: (() => void) | null = null;

  constructor(raw: Duplex, { trusted }: TlsContext, timeoutMs: number | null) {
    this.#raw = raw;
    this.#trusted = trusted;
    this.#left = timeoutMs ?? 0;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // the TLS socket tells of errors; nobody listens to the stream below any more
    raw.on("error", () => {});
  }

  start(
    socket: tls.TLSSocket,
    below: Duplex,
    { isServer, ownBlocks }: { isServer: boolean; ownBlocks: boolean },
  ): void {
    this.socket = socket;
    if (ownBlocks) this.#ring = ringOf(socket);
    watchEnd(socket, below);
    const failed = (error: Error): void => {
      this.state.greeted ||= socket.getPeerX509Certificate?.() !== undefined;
      const words = wordForGood(error, this.state);
      if (isEarlyEnd(error)) this.#ended();
      else this.fail(words, error);
    };
    socket.on("error", failed);
    socket.on("close", () => this.#ended());
    socket.once("end", () => this.#ended());
    whenSecure(socket, isServer, () => this.#succeed(socket));
    this.#arm();
  }

  fail({ code, text }: TlsError, cause: Error | null, again = false): void {
    if (!this.#settle()) return;
    this.socket?.destroy();
    this.#raw.destroy();
    this.#resolve({ ok: false, code, error: text, cause, again });
  }

  /** Ends it with an error of Node or OpenSSL. */
  failWith(thrown: unknown): void {
    const error = errorOf(thrown);
    this.fail(wordTlsError(error, this.state), error);
  }

  /** Ends it in favour of a new one that has a client certificate from the start. */
  breakOff(): void {
    this.fail({ code: NE_SOCK_ERROR, text: "client certificate was requested" }, null, true);
  }

  /** Waits for an application without the time counting; what it throws ends the handshake. */
  async pausing(wait: Promise<void>): Promise<void> {
    this.#disarm();
    try {
      await wait;
    } catch (error) {
      if (this.#settle()) {
        this.socket?.destroy();
        this.#raw.destroy();
        this.#reject(error);
      }
      throw error;
    }
    if (!this.#settled) this.#arm();
  }

  #ended(): void {
    const socket = this.socket;
    this.fail(socket !== null && endedCleanly(socket) ? ENDED : TRUNCATED, null);
  }

  #succeed(socket: tls.TLSSocket): void {
    if (!this.#settle()) return;
    this.state.greeted = true;
    const cipher = socket.getCipher();
    this.#resolve({
      ok: true,
      socket,
      below: this.#raw,
      ring: this.#ring,
      chain: peerChain(socket, this.#trusted),
      refusal: verifyResult(socket),
      protocol: protocolOf(socket),
      cipher: cipher?.standardName ?? null,
      resumed: socket.isSessionReused(),
      accept: () => {},
    });
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#disarm();
    return true;
  }

  #arm(): void {
    if (this.#left <= 0 || this.#settled) return;
    this.#since = performance.now();
    this.#inTime = whenOverdue(this.#left, () => {
      this.fail({ code: NE_SOCK_TIMEOUT, text: "Connection timed out" }, null);
    });
  }

  #disarm(): void {
    if (this.#inTime === null) return;
    this.#inTime();
    this.#inTime = null;
    this.#left = Math.max(1, this.#left - (performance.now() - this.#since));
  }
}

async function askProvider(
  context: TlsContext,
  names: Parameters<typeof lendNames>[0],
  waitFor: ClientOptions["waitFor"],
): Promise<void> {
  const lent = lendNames(names);
  try {
    const answer = context.provider?.(lent);
    if (answer instanceof Promise) await (waitFor === undefined ? answer : waitFor(answer));
  } finally {
    endNames(lent);
  }
}

function shownOf({ owner, issuers, key }: ClientCert): Shown | null {
  if (owner === null || key === null) return null;
  return { chain: [owner.x509, ...issuers].map(({ der }) => der), key };
}

// What was sent, in the order sent; a circle at the root ends it. What is trusted has been read.
function peerChain(socket: tls.TLSSocket, trusted: readonly X509[]): X509[] {
  const chain: X509[] = [];
  let cert = socket.getPeerX509Certificate();
  while (cert !== undefined && chain.length < MAX_CHAIN) {
    const { raw } = cert;
    const parsed = trusted.find(({ der }) => der.equals(raw)) ?? parseCertificate(raw);
    if (parsed === null) break;
    chain.push(parsed);
    cert = cert.issuerCertificate;
  }
  return chain;
}

/** NE_SSL_PROTO_* of a connection. */
function protocolOf(socket: tls.TLSSocket): number {
  return PROTOCOLS[socket.getProtocol() ?? ""] ?? 0;
}
