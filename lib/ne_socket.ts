// ne_socket.h: name resolution, addresses, TCP sockets, TLS and SOCKS on sockets.
//
// Functions that return an NE_SOCK_* code (all negative) on failure also set the socket's error
// string, except for a read that timed out. Timeouts are in seconds. A second call on a socket
// while one is still pending throws.
import type { Server } from "node:net";
import type { ne_out, ne_printf_arg } from "./ne_defs.js";
import { NE_SOCK_ERROR, NE_SOCK_TIMEOUT } from "./internal/base/constants.js";
import { errnoOf } from "./internal/base/errno.js";
import { format } from "./internal/base/printf.js";
import {
  misuse,
  needHandle,
  type ne_inet_addr,
  type ne_sock_addr,
  type ne_socket,
  type ne_ssl_certificate,
  type ne_ssl_context,
} from "./internal/base/handle.js";
import { parseIPv4, parseIPv6 } from "./internal/base/ip_literal.js";
import {
  certificateOf,
  certificates,
  chainOf,
  contexts,
  giveCertificate,
} from "./internal/tls/certificate_handles.js";
import type { X509 } from "./internal/asn1/x509.js";
import type { Refusal } from "./internal/tls/second_verdict.js";
import { failuresText, judge } from "./internal/tls/verify.js";
import {
  hasInterface,
  parseLiteral,
  printAddress,
  resolveHost,
  reverseLookup,
  type Address,
} from "./internal/wire/address.js";
import { descriptorOf } from "./internal/wire/node_internals.js";
import { tlsWire } from "./internal/wire/tls_wire.js";
import { addresses, lookups, sockets } from "./internal/wire/socket_handles.js";
import { sessionId } from "./internal/wire/node_internals.js";
import {
  acceptConnection,
  closeSocket,
  connectedWire,
  createSocketState,
  exclusively,
  readFully,
  readLine,
  readSome,
  setSocketError,
  shutDown,
  socketFailed,
  writeFully,
  type SocketState,
} from "./internal/wire/socket.js";
import { driveSocks } from "./internal/wire/socks_client.js";
import { connectTcp } from "./internal/wire/tcp.js";
import {
  handshakeClient,
  handshakeServer,
  type TlsFailure,
  type TlsOutcome,
} from "./internal/wire/tls.js";
import { tapTls } from "./internal/wire/tls_tap.js";
import { Wire } from "./internal/wire/wire.js";
import {
  needBytes,
  needList,
  needObject,
  needPort,
  needText,
  needTimeout,
} from "./internal/base/arguments.js";
import { NE_SSL_PROTO_UNSPEC, type ne_ssl_protocol } from "./ne_ssl.js";

export type { ne_inet_addr, ne_sock_addr, ne_socket };
export {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_RETRY,
  NE_SOCK_TIMEOUT,
  NE_SOCK_TRUNC,
} from "./internal/base/constants.js";

/** Prepares the process; counted. Not needed here, kept for ported code. @returns 0. */
export function ne_sock_init(): number {
  return 0;
}

/** Undoes one `ne_sock_init`; surplus calls have no effect. */
export function ne_sock_exit(): void {
  // counted in C; there is nothing to undo
}

/** For `ne_addr_resolve`: find the canonical name too. */
export const NE_ADDR_CANON = 0x01;

/**
 * Looks up a host name. An IPv4 literal and an IPv6 literal (in brackets or not) need no lookup; in
 * brackets nothing but an IPv6 literal is accepted.
 * @param flags 0 or `NE_ADDR_CANON`.
 * @returns an object, also on failure; ask it with `ne_addr_result`. To be destroyed by
 *   `ne_addr_destroy`.
 */
export async function ne_addr_resolve(hostname: string, flags: number): Promise<ne_sock_addr> {
  needText(hostname, "ne_addr_resolve", "hostname");
  const found = await resolveHost(hostname, (flags & NE_ADDR_CANON) !== 0);
  return lookups.create({
    addresses: found.ok ? found.addresses : [],
    error: found.ok ? null : found.error,
    canonical: found.ok ? found.canonical : null,
    handles: [],
    next: -1,
  });
}

/** @returns 0 if the lookup succeeded, else non-zero. */
export function ne_addr_result(addr: ne_sock_addr): number {
  return lookups.open(addr, "ne_addr_result").error === null ? 0 : 1;
}

/** @returns the first address (borrowed). Throws if the lookup failed. */
export function ne_addr_first(addr: ne_sock_addr): ne_inet_addr {
  const lookup = lookups.open(addr, "ne_addr_first");
  if (lookup.error !== null) throw misuse("ne_addr_first", "the lookup failed");
  lookup.next = 0;
  return ne_addr_next(addr) as ne_inet_addr;
}

/**
 * @returns the address after the one returned last (borrowed), or `null` after the last one or if
 *   `ne_addr_first` was not called.
 */
export function ne_addr_next(addr: ne_sock_addr): ne_inet_addr | null {
  const lookup = lookups.open(addr, "ne_addr_next");
  const address = lookup.next < 0 ? undefined : lookup.addresses[lookup.next];
  if (address === undefined) return null;
  return (lookup.handles[lookup.next++] ??= addresses.lend(address));
}

/** @returns the reason a lookup failed; `Host not found` for an unknown name. */
export function ne_addr_error(addr: ne_sock_addr): string {
  return lookups.open(addr, "ne_addr_error").error ?? "Success";
}

/** @returns the canonical name, or `null` if it was not asked for or the lookup failed. */
export function ne_addr_canonical(addr: ne_sock_addr): string | null {
  return lookups.open(addr, "ne_addr_canonical").canonical;
}

/** Destroys a lookup result and the addresses borrowed from it. */
export function ne_addr_destroy(addr: ne_sock_addr): void {
  lookups.destroy(addr, "ne_addr_destroy");
}

/** An IPv4 address, 4 bytes. */
export const ne_iaddr_ipv4 = 0;

/** An IPv6 address, 16 bytes. */
export const ne_iaddr_ipv6 = 1;

/** The kind of an address. */
export type ne_iaddr_type = typeof ne_iaddr_ipv4 | typeof ne_iaddr_ipv6;

/**
 * Makes an address from its bytes in network order: 4 for IPv4, 16 for IPv6 (another length
 * throws).
 * @returns the address, or `null` if its kind is not supported.
 */
export function ne_iaddr_make(type: ne_iaddr_type, raw: Uint8Array): ne_inet_addr | null {
  if (type !== ne_iaddr_ipv4 && type !== ne_iaddr_ipv6) return null;
  return addresses.create(makeAddress(type, raw, "ne_iaddr_make"));
}

/**
 * Overwrites an address, its kind included; a scope is cleared.
 * @returns `ia`, or `null` as `ne_iaddr_make`.
 */
export function ne_iaddr_put(
  ia: ne_inet_addr,
  type: ne_iaddr_type,
  raw: Uint8Array,
): ne_inet_addr | null {
  const address = addresses.open(ia, "ne_iaddr_put");
  if (type !== ne_iaddr_ipv4 && type !== ne_iaddr_ipv6) return null;
  Object.assign(address, makeAddress(type, raw, "ne_iaddr_put"));
  return ia;
}

/** @returns 0 if kind and bytes are equal (scopes are not compared), else non-zero. */
export function ne_iaddr_cmp(i1: ne_inet_addr, i2: ne_inet_addr): number {
  const a = addresses.open(i1, "ne_iaddr_cmp");
  const b = addresses.open(i2, "ne_iaddr_cmp");
  if (a.kind !== b.kind) return a.kind === "ipv4" ? -1 : 1;
  return Buffer.compare(a.bytes, b.bytes);
}

/** @returns the kind of the address. */
export function ne_iaddr_typeof(ia: ne_inet_addr): ne_iaddr_type {
  return addresses.open(ia, "ne_iaddr_typeof").kind === "ipv4" ? ne_iaddr_ipv4 : ne_iaddr_ipv6;
}

/** @returns the usual text form, IPv6 compressed, without brackets and scope. */
export function ne_iaddr_print(ia: ne_inet_addr): string {
  return printAddress(addresses.open(ia, "ne_iaddr_print"));
}

/** Writes the 4 or 16 bytes in network order to the start of `buffer`. @returns `buffer`. */
export function ne_iaddr_raw<B extends Uint8Array>(ia: ne_inet_addr, buffer: B): B {
  const { bytes } = addresses.open(ia, "ne_iaddr_raw");
  needBytes(buffer, "ne_iaddr_raw", "buffer");
  if (buffer.length < bytes.length) throw misuse("ne_iaddr_raw", "the buffer is too small");
  buffer.set(bytes);
  return buffer;
}

/**
 * Looks up the name of an address; if it has none, its text form is the name.
 * @param buf receives the name on success.
 * @returns 0, or non-zero on failure.
 */
export async function ne_iaddr_reverse(ia: ne_inet_addr, buf: ne_out<string>): Promise<number> {
  const address = addresses.open(ia, "ne_iaddr_reverse");
  needObject(buf, "ne_iaddr_reverse", "buf");
  const name = await reverseLookup(address);
  if (name === null) return 1;
  buf.value = name;
  return 0;
}

/** Parses the text form of an address of the given kind (no brackets). @returns it, or `null`. */
export function ne_iaddr_parse(addr: string, type: ne_iaddr_type): ne_inet_addr | null {
  needText(addr, "ne_iaddr_parse", "addr");
  const bytes = type === ne_iaddr_ipv4 ? parseIPv4(addr) : parseIPv6(addr);
  return bytes === null ? null : ne_iaddr_make(type, bytes);
}

/**
 * Sets the scope of an IPv6 address to a network interface, by the interface's name.
 * @returns 0; the errno number EINVAL for an IPv4 address; another errno number (ENODEV) if there
 *   is no such interface.
 */
export function ne_iaddr_set_scope(ia: ne_inet_addr, scope: string): number {
  const address = addresses.open(ia, "ne_iaddr_set_scope");
  if (address.kind === "ipv4") return errnoOf("EINVAL");
  if (!hasInterface(scope)) return errnoOf("ENODEV");
  address.scope = scope;
  return 0;
}

/**
 * @returns the name of the interface set as scope, or `null` if none is set or the address is IPv4.
 */
export function ne_iaddr_get_scope(ia: ne_inet_addr): string | null {
  return addresses.open(ia, "ne_iaddr_get_scope").scope;
}

/**
 * Destroys an address made by `ne_iaddr_make` or `ne_iaddr_parse`, or returned by `ne_sock_peer`.
 */
export function ne_iaddr_free(addr: ne_inet_addr): void {
  addresses.destroy(addr, "ne_iaddr_free");
}

/**
 * Creates an unconnected socket: read timeout 120 seconds, no connect timeout.
 *
 * @example
 * ```ts
 * const sock = ne_sock_create();
 * const found = await ne_addr_resolve("example.com", 0);
 * if (ne_addr_result(found) !== 0) throw new Error(ne_addr_error(found));
 * if ((await ne_sock_connect(sock, ne_addr_first(found), 80)) !== 0) {
 *   throw new Error(ne_sock_error(sock));
 * }
 * await ne_sock_fullwrite(sock, Buffer.from("HEAD / HTTP/1.0\r\n\r\n"));
 * const line = Buffer.alloc(4096);
 * const length = await ne_sock_readline(sock, line);
 * if (length > 0) console.log(line.toString("latin1", 0, length));
 * await ne_sock_close(sock);
 * ne_addr_destroy(found);
 * ```
 */
export function ne_sock_create(): ne_socket {
  return sockets.create(createSocketState());
}

/**
 * Chooses the local end for the next `ne_sock_connect`. An address of another kind than the peer's
 * is ignored.
 * @param addr local address, `null` for any.
 * @param port local port, 0 for any.
 */
export function ne_sock_prebind(sock: ne_socket, addr: ne_inet_addr | null, port: number): void {
  const k = sockets.open(sock, "ne_sock_prebind");
  k.local = addr === null ? null : addresses.open(addr, "ne_sock_prebind");
  k.localPort = needPort(port, "ne_sock_prebind");
}

/**
 * Connects. Nagle's algorithm is turned off.
 * @returns 0, `NE_SOCK_TIMEOUT` if a connect timeout is set and passed, or `NE_SOCK_ERROR`.
 */
export async function ne_sock_connect(
  sock: ne_socket,
  addr: ne_inet_addr,
  port: number,
): Promise<number> {
  const k = sockets.open(sock, "ne_sock_connect");
  const address = addresses.open(addr, "ne_sock_connect");
  needPort(port, "ne_sock_connect");
  if (k.wire !== null) throw misuse("ne_sock_connect", "the socket is connected already");
  return exclusively(k, "ne_sock_connect", async () => {
    const result = await connectTcp({
      address,
      port,
      local: k.local,
      localPort: k.localPort,
      timeoutMs: k.connectTimeoutMs,
      ownBlocks: false,
    });
    if (!(result instanceof Wire)) return socketFailed(k, result);
    k.wire = result;
    return 0;
  });
}

/**
 * Reads at least one byte and at most `buffer.length`; bytes already buffered come first, alone.
 * @returns the number of bytes read, or `NE_SOCK_*` (`NE_SOCK_CLOSED` at the end of the data).
 */
export async function ne_sock_read(sock: ne_socket, buffer: Uint8Array): Promise<number> {
  const k = sockets.open(sock, "ne_sock_read");
  needSpace(buffer, "ne_sock_read");
  const wire = connectedWire(k, "ne_sock_read");
  return exclusively(k, "ne_sock_read", () => readSome(k, wire, buffer, false));
}

/** Like `ne_sock_read`, but the bytes stay to be read again. */
export async function ne_sock_peek(sock: ne_socket, buffer: Uint8Array): Promise<number> {
  const k = sockets.open(sock, "ne_sock_peek");
  needSpace(buffer, "ne_sock_peek");
  const wire = connectedWire(k, "ne_sock_peek");
  return exclusively(k, "ne_sock_peek", () => readSome(k, wire, buffer, true));
}

/**
 * Waits until there is something to read (the end of the data counts).
 * @param n seconds; 0 waits without bound.
 * @returns 0, `NE_SOCK_TIMEOUT`, or another `NE_SOCK_*`.
 */
export async function ne_sock_block(sock: ne_socket, n: number): Promise<number> {
  const k = sockets.open(sock, "ne_sock_block");
  const wire = connectedWire(k, "ne_sock_block");
  return exclusively(k, "ne_sock_block", async () => {
    // as in C, 0 is no bound
    const timeoutMs = n === 0 ? 0 : needTimeout(n, "ne_sock_block");
    if (wire.available > 0 || (await wire.more(timeoutMs)) !== NE_SOCK_TIMEOUT) return 0;
    return NE_SOCK_TIMEOUT;
  });
}

/**
 * Writes all of `data`.
 * @returns 0 when every byte was handed to the system, or `NE_SOCK_*`.
 */
export async function ne_sock_fullwrite(sock: ne_socket, data: Uint8Array): Promise<number> {
  const k = sockets.open(sock, "ne_sock_fullwrite");
  needBytes(data, "ne_sock_fullwrite", "data");
  const wire = connectedWire(k, "ne_sock_fullwrite");
  return exclusively(k, "ne_sock_fullwrite", () => writeFully(k, wire, [data]));
}

/** One block for `ne_sock_fullwritev`: the first `len` bytes of `base`. */
export class ne_iovec {
  /** The bytes. */
  base: Uint8Array | null = null;
  /** How many of them to write. */
  len = 0;
}

/** Writes all blocks (at least one) in order. @returns as `ne_sock_fullwrite`. */
export async function ne_sock_fullwritev(
  sock: ne_socket,
  vector: readonly Readonly<ne_iovec>[],
): Promise<number> {
  const k = sockets.open(sock, "ne_sock_fullwritev");
  needList(vector, "ne_sock_fullwritev", "vector");
  for (const block of vector) needObject(block, "ne_sock_fullwritev", "every block");
  if (vector.length === 0) throw misuse("ne_sock_fullwritev", "there is no block to write");
  const blocks = vector.map(({ base, len }) => {
    if (len === 0) return new Uint8Array(0);
    return needBytes(base as Uint8Array, "ne_sock_fullwritev", "base").subarray(0, len);
  });
  const wire = connectedWire(k, "ne_sock_fullwritev");
  return exclusively(k, "ne_sock_fullwritev", () => writeFully(k, wire, blocks));
}

/**
 * Reads one line, up to and including its LF, and stores it followed by a zero byte.
 * @returns the length of the line with the LF but without the zero byte, or `NE_SOCK_*`:
 *   `NE_SOCK_ERROR` with the error `Line too long` if line and zero byte do not fit into `buffer`
 *   or the line is longer than 4096 bytes. An unfinished line before the end of the data gives
 *   `NE_SOCK_CLOSED`.
 */
export async function ne_sock_readline(sock: ne_socket, buffer: Uint8Array): Promise<number> {
  const k = sockets.open(sock, "ne_sock_readline");
  needSpace(buffer, "ne_sock_readline");
  const wire = connectedWire(k, "ne_sock_readline");
  return exclusively(k, "ne_sock_readline", () => readLine(k, wire, buffer));
}

/** Fills the whole of `buffer`. @returns 0, or `NE_SOCK_*`. */
export async function ne_sock_fullread(sock: ne_socket, buffer: Uint8Array): Promise<number> {
  const k = sockets.open(sock, "ne_sock_fullread");
  needBytes(buffer, "ne_sock_fullread", "buffer");
  const wire = connectedWire(k, "ne_sock_fullread");
  return exclusively(k, "ne_sock_fullread", () => readFully(k, wire, buffer));
}

/**
 * Waits for a connection and makes `sock` its server side.
 * @param fd a listening socket: a descriptor, or a listening `net.Server`.
 * @returns 0, or -1 on failure.
 */
export async function ne_sock_accept(sock: ne_socket, fd: number | Server): Promise<number> {
  const k = sockets.open(sock, "ne_sock_accept");
  if (k.wire !== null) throw misuse("ne_sock_accept", "the socket is connected already");
  return exclusively(k, "ne_sock_accept", async () => {
    const result = await acceptConnection(fd);
    if (!(result instanceof Wire)) return socketFailed(k, result);
    k.wire = result;
    return 0;
  });
}

/** @returns the descriptor of the socket, or -1 if it is not connected or the system shows none. */
export function ne_sock_fd(sock: ne_socket): number {
  return descriptorOf(sockets.open(sock, "ne_sock_fd").wire?.stream);
}

/**
 * The other end of a connection.
 * @param port receives the peer's port.
 * @returns the address, to be destroyed by `ne_iaddr_free`, or `null` on error.
 */
export function ne_sock_peer(sock: ne_socket, port: ne_out<number>): ne_inet_addr | null {
  const k = sockets.open(sock, "ne_sock_peer");
  const stream = k.wire?.stream as { remoteAddress?: string; remotePort?: number } | undefined;
  const address = parseLiteral(stream?.remoteAddress ?? "");
  if (address === null || address === undefined) {
    setSocketError(k, "Transport endpoint is not connected");
    return null;
  }
  port.value = stream?.remotePort ?? 0;
  return addresses.create(address);
}

/** Shut down receiving. */
export const NE_SOCK_RECV = 1;

/** Shut down sending. */
export const NE_SOCK_SEND = 2;

/** Shut down both. */
export const NE_SOCK_BOTH = 3;

/**
 * Shuts down one or both directions; the socket stays. On TLS: a flag with sending first sends the
 * closing alert, once; neither direction is down before the peer's has come.
 * @param flags `NE_SOCK_RECV`, `NE_SOCK_SEND` or `NE_SOCK_BOTH`; 0 gives `NE_SOCK_ERROR`.
 * @returns 0; on TLS `NE_SOCK_RETRY` (error `Incomplete TLS closure`) while the peer's closing
 *   alert is missing; or another `NE_SOCK_*`.
 */
export async function ne_sock_shutdown(sock: ne_socket, flags: number): Promise<number> {
  const k = sockets.open(sock, "ne_sock_shutdown");
  const wire = connectedWire(k, "ne_sock_shutdown");
  if (![0, NE_SOCK_RECV, NE_SOCK_SEND, NE_SOCK_BOTH].includes(flags)) {
    throw misuse("ne_sock_shutdown", "unknown flags");
  }
  return exclusively(k, "ne_sock_shutdown", async () => {
    if (flags === 0) {
      setSocketError(k, "Missing flags for socket shutdown");
      return NE_SOCK_ERROR;
    }
    const send = (flags & NE_SOCK_SEND) !== 0;
    return shutDown(k, wire, { send, receive: (flags & NE_SOCK_RECV) !== 0 });
  });
}

/**
 * Closes and destroys the socket, from the moment of the call. On TLS the closing alert is sent,
 * the peer's is not awaited. The promise resolves when the descriptor is free.
 * @returns 0, or non-zero if closing failed.
 */
export async function ne_sock_close(sock: ne_socket): Promise<number> {
  const k = sockets.open(sock, "ne_sock_close");
  const closed = closeSocket(k);
  sockets.destroy(sock, "ne_sock_close");
  return closed;
}

/** @returns the socket's error string; `""` before the first error. */
export function ne_sock_error(sock: ne_socket): string {
  return sockets.open(sock, "ne_sock_error").error;
}

/** Sets the socket's error string (printf-style). */
export function ne_sock_set_error(
  sock: ne_socket,
  template: string,
  ...args: ne_printf_arg[]
): void {
  const k = sockets.open(sock, "ne_sock_set_error");
  setSocketError(k, format(template, args, "ne_sock_set_error"));
}

/** Sets how long one read may wait, in seconds, greater than 0; 120 if never set. */
export function ne_sock_read_timeout(sock: ne_socket, timeout: number): void {
  const k = sockets.open(sock, "ne_sock_read_timeout");
  k.readTimeoutMs = needTimeout(timeout, "ne_sock_read_timeout");
}

/** Sets how long a connect may take, in seconds; 0 leaves it to the system. */
export function ne_sock_connect_timeout(sock: ne_socket, timeout: number): void {
  const k = sockets.open(sock, "ne_sock_connect_timeout");
  k.connectTimeoutMs = timeout === 0 ? 0 : needTimeout(timeout, "ne_sock_connect_timeout");
}

/**
 * Does a TLS handshake as server.
 * @returns 0, or `NE_SOCK_*`.
 */
export async function ne_sock_accept_ssl(sock: ne_socket, ctx: ne_ssl_context): Promise<number> {
  const k = sockets.open(sock, "ne_sock_accept_ssl");
  const context = contexts.open(ctx, "ne_sock_accept_ssl");
  const wire = connectedWire(k, "ne_sock_accept_ssl");
  return exclusively(k, "ne_sock_accept_ssl", async () => {
    const raw = releaseStream(wire);
    return useTls(k, await handshakeServer(raw, context, { timeoutMs: k.readTimeoutMs }));
  });
}

/**
 * `ne_sock_handshake(sock, ctx, null, 0)`; `userdata` is not used.
 * @deprecated Use `ne_sock_handshake`, which tells the server the host name.
 */
export async function ne_sock_connect_ssl(
  sock: ne_socket,
  ctx: ne_ssl_context,
  userdata?: unknown,
): Promise<number> {
  void userdata;
  needHandle(sock, "ne_socket", "ne_sock_connect_ssl");
  needHandle(ctx, "ne_ssl_context", "ne_sock_connect_ssl");
  return ne_sock_handshake(sock, ctx, null, 0);
}

/**
 * Does a TLS handshake as client, resuming the context's last session if possible. It fails where
 * no callback could accept the server's chain (a signature that does not fit, an unknown critical
 * extension, a certificate that is not for servers). All else is not judged here: call
 * `ne_ssl_check_certificate` next.
 * @param hostname name to send as server name indication, `null` for none.
 * @param flags must be 0.
 * @returns 0, or `NE_SOCK_ERROR`.
 */
export async function ne_sock_handshake(
  sock: ne_socket,
  ctx: ne_ssl_context,
  hostname: string | null,
  flags: number,
): Promise<number> {
  const k = sockets.open(sock, "ne_sock_handshake");
  const context = contexts.open(ctx, "ne_sock_handshake");
  if (flags !== 0) throw misuse("ne_sock_handshake", "flags must be 0");
  const wire = connectedWire(k, "ne_sock_handshake");
  return exclusively(k, "ne_sock_handshake", async () => {
    const raw = releaseStream(wire);
    const outcome = await handshakeClient(raw, context, {
      servername: hostname,
      sessionKey: hostname ?? "",
      timeoutMs: k.readTimeoutMs,
      ownBlocks: false,
      tap: tapTls,
    });
    if (useTls(k, outcome) !== 0 || !outcome.ok) return NE_SOCK_ERROR;
    const { hard, inHandshake } = judge(outcome, context, hostname, null, now());
    if (hard !== null && inHandshake) {
      await closeSocket(k);
      k.tls = null;
      setSocketError(k, hard);
      return NE_SOCK_ERROR;
    }
    // any other fault is for ne_ssl_check_certificate and its caller to judge
    outcome.accept();
    return 0;
  });
}

/**
 * The ID of the TLS session.
 * @param buf where to store it; `null` to ask for the length only.
 * @param buflen on entry the space in `buf` to use (not read if `buf` is `null`), on success the
 *   length of the ID.
 * @returns 0, or -1 without TLS or if the space is too small.
 */
export function ne_sock_sessid(
  sock: ne_socket,
  buf: Uint8Array | null,
  buflen: ne_out<number>,
): number {
  const k = sockets.open(sock, "ne_sock_sessid");
  if (k.tls === null) return -1;
  const id = sessionId(k.tls.socket);
  if (buf !== null) {
    if (id.length > Math.min(buflen.value, buf.length)) return -1;
    buf.set(id);
  }
  buflen.value = id.length;
  return 0;
}

/** @returns the standard name of the cipher suite, or `null` without TLS. */
export function ne_sock_cipher(sock: ne_socket): string | null {
  return sockets.open(sock, "ne_sock_cipher").tls?.cipher ?? null;
}

/** @returns the TLS version in use, `NE_SSL_PROTO_UNSPEC` without TLS. */
export function ne_sock_getproto(sock: ne_socket): ne_ssl_protocol {
  const { tls } = sockets.open(sock, "ne_sock_getproto");
  return tls === null ? NE_SSL_PROTO_UNSPEC : (tls.protocol as ne_ssl_protocol);
}

/**
 * @returns the peer's certificate with its chain, owned by the caller, or `null` if it sent none.
 */
export function ne_sock_getcert(sock: ne_socket, ctx: ne_ssl_context): ne_ssl_certificate | null {
  contexts.open(ctx, "ne_sock_getcert");
  const { tls } = sockets.open(sock, "ne_sock_getcert");
  const certificate = tls === null ? null : certificateOf(tls.chain);
  return certificate === null ? null : giveCertificate(certificate);
}

/**
 * Judges the server's certificate after `ne_sock_handshake`: trust, validity, and whether it was
 * issued for `hostname` or, if the server was addressed by literal, for `address`. A host name is
 * compared with the DNS alternative names, and with the last common name only if there are none;
 * `*.` in front of a name matches exactly one label. An address is compared with the IP alternative
 * names only. With neither there is no match. A certificate without any name is a hard failure.
 *
 * Where nothing is wrong, OpenSSL must have authorized the very certificate in the handshake too,
 * under the trust that the context had by then.
 * @param hostname the name that the server was addressed by; not looked at if there is an `address`
 * @param address the literal that it was addressed by, `null` for a name
 * @param cert what `ne_sock_getcert` gave
 * @param flags must be 0.
 * @param failures receives the failure bits `NE_SSL_*` if an override is possible; else it is left
 *   alone.
 * @returns 0 if all is well, else `NE_SOCK_ERROR` with the socket's error string set
 *   (`Server certificate verification failed: …`).
 */
export function ne_ssl_check_certificate(
  ctx: ne_ssl_context,
  sock: ne_socket,
  hostname: string | null,
  address: ne_inet_addr | null,
  cert: ne_ssl_certificate,
  flags: number,
  failures: ne_out<number>,
): number {
  const context = contexts.open(ctx, "ne_ssl_check_certificate");
  const k = sockets.open(sock, "ne_ssl_check_certificate");
  const chain = chainOf(certificates.open(cert, "ne_ssl_check_certificate"));
  if (flags !== 0) throw misuse("ne_ssl_check_certificate", "flags must be 0");
  if (hostname !== null) needText(hostname, "ne_ssl_check_certificate", "hostname");
  needObject(failures, "ne_ssl_check_certificate", "failures");
  const ip = address === null ? null : addresses.open(address, "ne_ssl_check_certificate").bytes;
  const peer = { chain, refusal: refusalOf(k, chain) };
  const verdict = judge(peer, context, ip === null ? hostname : null, ip, now());
  if (verdict.hard !== null) {
    setSocketError(k, verdict.hard);
    return NE_SOCK_ERROR;
  }
  if (verdict.failures === 0) return 0;
  failures.value = verdict.failures;
  setSocketError(k, failuresText(verdict));
  return NE_SOCK_ERROR;
}

/** SOCKS version 4: the client resolves names; IPv4 only. */
export const NE_SOCK_SOCKSV4 = 0;

/** SOCKS version 4A: the proxy resolves names. */
export const NE_SOCK_SOCKSV4A = 1;

/** SOCKS version 5: names or addresses, optional login. */
export const NE_SOCK_SOCKSV5 = 2;

/** A version of the SOCKS protocol (`enum ne_sock_sversion`). */
export type ne_sock_sversion =
  typeof NE_SOCK_SOCKSV4 | typeof NE_SOCK_SOCKSV4A | typeof NE_SOCK_SOCKSV5;

/**
 * Asks the SOCKS proxy at the other end of `sock` to connect onward. On failure the caller has to
 * close the socket.
 * @param addr target address: required (IPv4) for V4, not used for V4A, preferred for V5 if given.
 * @param hostname target name: not used for V4, required for V4A, and for V5 without `addr`.
 * @param username required for V4 and V4A; for V5 `null` means that no login is possible.
 * @param password used by V5 only, required there with a user name.
 * @returns 0, or `NE_SOCK_ERROR`.
 */
export async function ne_sock_proxy(
  sock: ne_socket,
  vers: ne_sock_sversion,
  addr: ne_inet_addr | null,
  hostname: string | null,
  port: number,
  username?: string | null,
  password?: string | null,
): Promise<number> {
  const k = sockets.open(sock, "ne_sock_proxy");
  const version = SOCKS_VERSIONS[vers];
  if (version === undefined) throw misuse("ne_sock_proxy", "unknown SOCKS version");
  const address = addr === null ? null : addresses.open(addr, "ne_sock_proxy");
  checkProxy(vers, address, hostname, username ?? null, password ?? null);
  const wire = connectedWire(k, "ne_sock_proxy");
  const target = {
    version,
    address: address?.bytes ?? null,
    hostname,
    port: needPort(port, "ne_sock_proxy"),
    username: username ?? null,
    password: password ?? null,
  };
  return exclusively(k, "ne_sock_proxy", async () => {
    const failure = await driveSocks(wire, target, k.readTimeoutMs);
    return failure === null ? 0 : socketFailed(k, failure);
  });
}

// What OpenSSL said of a certificate in the handshake of this socket.
function refusalOf({ tls }: SocketState, chain: readonly X509[]): Refusal | null {
  const [leaf] = chain;
  const [shown] = tls?.chain ?? [];
  if (tls !== null && leaf !== undefined && shown?.der.equals(leaf.der)) return tls.refusal;
  return { code: "CERT_UNTRUSTED", reason: "not the certificate of the handshake" };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

const SOCKS_VERSIONS = ["4", "4a", "5"] as const;

function needSpace(buffer: Uint8Array, caller: string): void {
  if (needBytes(buffer, caller, "buffer").length === 0) throw misuse(caller, "the buffer is empty");
}

function makeAddress(type: ne_iaddr_type, raw: Uint8Array, caller: string): Address {
  const length = type === ne_iaddr_ipv4 ? 4 : 16;
  if (needBytes(raw, caller, "raw").length !== length) {
    throw misuse(caller, `an address of this kind has ${length} bytes`);
  }
  const kind = type === ne_iaddr_ipv4 ? "ipv4" : "ipv6";
  return { kind, bytes: Buffer.from(raw), scope: null };
}

// The stream of a wire for TLS to go on with; what was read ahead goes back into it.
function releaseStream(wire: Wire): Wire["stream"] {
  const rest = wire.release();
  if (rest.length > 0) wire.stream.unshift(rest);
  return wire.stream;
}

function useTls(k: SocketState, outcome: TlsOutcome | TlsFailure): number {
  if (!outcome.ok) {
    k.wire = null;
    return socketFailed(k, outcome);
  }
  k.tls = outcome;
  k.wire = tlsWire(outcome);
  return 0;
}

function checkProxy(
  vers: ne_sock_sversion,
  address: Address | null,
  hostname: string | null,
  username: string | null,
  password: string | null,
): void {
  const wrong = (what: string): TypeError => misuse("ne_sock_proxy", what);
  if (vers === NE_SOCK_SOCKSV4 && address?.kind !== "ipv4") {
    throw wrong("SOCKS version 4 needs an IPv4 address");
  }
  if (vers === NE_SOCK_SOCKSV4A && hostname === null) throw wrong("version 4A needs a host name");
  if (vers === NE_SOCK_SOCKSV5 && address === null && hostname === null) {
    throw wrong("version 5 needs an address or a host name");
  }
  if (vers !== NE_SOCK_SOCKSV5 && username === null) {
    throw wrong("SOCKS version 4 needs a user name");
  }
  if (vers === NE_SOCK_SOCKSV5 && username !== null && password === null) {
    throw wrong("a user name needs a password");
  }
}
