// Opens a connection for a session, layer by layer:
//
//   name lookup ─► TCP ─► [SOCKS] ─► [TLS to the proxy] ─► [CONNECT] ─► [TLS + verdict] ─► ready
//
// Each layer either goes on or words the error, closes what is open and gives the NE_* code. A
// tunnel that failed is never used for anything else.
import type { Duplex } from "node:stream";
import {
  NE_CONNECT,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_LOOKUP,
  NE_OK,
  NE_SESSFLAG_TLS_SNI,
  NE_SOCK_ERROR,
  NE_SOCK_TIMEOUT,
  NE_TIMEOUT,
  ne_status_connected,
  ne_status_connecting,
  ne_status_handshake,
  ne_status_lookup,
} from "../base/constants.js";
import { isPromise } from "../base/promise.js";
import type { Scope } from "./cancellation.js";
import { traceConnection } from "./diagnostics.js";
import { awaitApplication, notify } from "./callbacks.js";
import { closeConnection } from "./connection.js";
import { proxyInUse, type Endpoint, type Hop, type Route } from "./route.js";
import { reportConnecting, reportHandshake, reportOpening, type Report } from "./report.js";
import {
  setError,
  type Session,
  type StatusInfo,
  type TlsCallbacks,
  type Turn,
} from "./session_state.js";
import { trace } from "./trace.js";
import { isExemptFromTls } from "./without_tls.js";
import { driveSocks } from "../wire/socks_client.js";
import { createTlsContext, trustCert, type TlsContext } from "../tls/context.js";
import {
  certificateOf,
  certificates,
  endCertificate,
  lendCertificate,
  type Certificate,
} from "../tls/certificate_handles.js";
import { failuresText, judge, rememberAccepted, wasAccepted } from "../tls/verify.js";
import { addresses as addressHandles } from "../wire/socket_handles.js";
import { printAddress, resolveHost, type Address } from "../wire/address.js";
import { trustDefaultCa } from "../wire/default_roots.js";
import { connectFirst, inTurn, type Cancel } from "../wire/attempts.js";
import { connectTcp, connectUnix } from "../wire/tcp.js";
import { tlsWire } from "../wire/tls_wire.js";
import { handshakeClient, type TlsOutcome } from "../wire/tls.js";
import { Wire } from "../wire/wire.js";
import { CLOSED_HERE, failureOf, type WireFailure } from "../wire/wire_failure.js";
import { hasMethods } from "../base/unknown_value.js";

/** Whose connection it is to be, and how long each part took. */
export interface Opening {
  session: Session;
  turn: Turn;
  scope: Scope;
  /** The request's place in the order in which the session's requests were begun. */
  ordinal: number;
  timing: { lookup: number | null; connect: number | null; handshake: number | null };
  /** Of the request that the connection is for. */
  report: Report;
  /** Makes a CONNECT tunnel through an HTTP proxy; words its own errors. */
  tunnel: (hop: Hop) => Promise<number>;
  /** A second connection in place of a first one, of which everybody has been told. */
  quiet?: boolean;
}

/** Opens a connection into `turn.connection`. @returns `NE_OK`, or a code with the error set */
export async function openConnection(o: Opening): Promise<number> {
  const code = await openLayers(o);
  if (code !== AGAIN) return code;
  const again = await openLayers(o);
  if (again !== AGAIN) return again;
  setError(o.session, "SSL handshake failed: the client certificate was asked for again");
  return NE_ERROR;
}

/** Opens a connection to a proxy itself, for a CONNECT request. */
export async function openToProxy(o: Opening, hop: Hop | null): Promise<number> {
  const reached = await reach(o, hop);
  if (reached !== NE_OK || hop?.kind !== "https") return reached;
  const context = createTlsContext();
  trustDefaultCa(context);
  for (const cert of hop.trust) trustCert(context, certificates.open(cert, "nx_session_proxy"));
  return startTls(o, context, hop.endpoint, null);
}

// The server asked for a client certificate in a TLS 1.2 handshake, which has to start
// again with it.
const AGAIN = -1;

async function openLayers(o: Opening): Promise<number> {
  const s = o.session;
  const hop = proxyInUse(s);
  reportOpening(o.report, hop);
  if (s.route.unusableProxy !== null) {
    o.report.phase = "proxy";
    setError(s, s.route.unusableProxy);
    return NE_ERROR;
  }
  const isGiven = s.route.connector !== null || s.route.unixPath !== null;
  const reached = await (isGiven ? openTransport(o) : openToProxy(o, hop));
  if (reached !== NE_OK) return reached;
  if (hop !== null) {
    const passed = await passProxy(o, hop);
    if (passed !== NE_OK) return passed;
  }
  const { connection } = o.turn;
  if (connection === null) return lost(s);
  if (s.tls === null || isExemptFromTls(connection.wire.stream)) return NE_OK;
  return startTls(o, s.tls, s.server, s.tlsCallbacks.verify);
}

// Lookup and TCP, to the proxy or the server.
async function reach(o: Opening, hop: Hop | null): Promise<number> {
  const s = o.session;
  const endpoint = hop === null ? s.server : hop.endpoint;
  const fixed = hop === null ? s.route.addresses : null;
  if (fixed === null) {
    const found = await lookUp(o, endpoint);
    if (found !== NE_OK) return found;
  }
  const list = fixed === null ? (endpoint.addresses ?? []) : [...fixed.list];
  // what worked last is tried first
  const start = fixed === null ? 0 : fixed.first;
  const hostname = fixed === null ? endpoint.hostname : null;
  const port = fixed === null ? endpoint.port : fixed.port;
  const begun = performance.now();
  const rotated = [...list.slice(start), ...list.slice(0, start)];
  const order = s.timeouts.attemptDelay > 0 ? inTurn(rotated) : rotated;
  const outcome = await connectFirst(order, s.timeouts.attemptDelay, (address, onCancel) =>
    connectAddress(o, { address, port, hostname, hop }, onCancel),
  );
  if (outcome.wire !== null) {
    const { wire, address } = outcome;
    if (fixed !== null) fixed.first = list.indexOf(address);
    else endpoint.addresses = [address, ...list.filter((other) => other !== address)];
    o.timing.connect = seconds(begun);
    return useWire(o, wire, hop, hostname);
  }
  const { failure } = outcome;
  const whom = hop === null ? "server" : "proxy server";
  setError(s, `Could not connect to ${whom}: ${failure.error}`, failure.cause);
  return failure.code === NE_SOCK_TIMEOUT ? NE_TIMEOUT : NE_CONNECT;
}

// `again`: also where the addresses are known, as C does for SOCKS v4.
async function lookUp(o: Opening, endpoint: Endpoint, again = false): Promise<number> {
  if (endpoint.addresses !== null && !again) return NE_OK;
  const s = o.session;
  o.report.phase = "lookup";
  trace(s, NE_DBG_HTTP, "Doing DNS lookup on %s...\n", endpoint.hostname);
  await tell(o, ne_status_lookup, { lu: { hostname: endpoint.hostname } });
  const begun = performance.now();
  const found = await o.scope.race(resolveHost(endpoint.hostname));
  o.timing.lookup = seconds(begun);
  if (!found.ok) {
    setError(s, `Could not resolve hostname \`${endpoint.hostname}': ${found.error}`, found.cause);
    return NE_LOOKUP;
  }
  endpoint.addresses = found.addresses;
  return NE_OK;
}

/** One address of a server or proxy. */
interface Destination {
  address: Address;
  port: number;
  hostname: string | null;
  hop: Hop | null;
}

async function connectAddress(
  o: Opening,
  { address, port, hostname, hop }: Destination,
  onLost: (cancel: Cancel) => void,
): Promise<Wire | WireFailure> {
  const s = o.session;
  const tried = reportConnecting(o.report, printAddress(address));
  trace(s, NE_DBG_HTTP, "req: Connecting to %s:%u\n", printAddress(address), port);
  const lent = addressHandles.lend(address);
  try {
    await tell(o, ne_status_connecting, { ci: { hostname, address: lent } });
  } finally {
    addressHandles.revoke(lent);
  }
  const ties: (() => void)[] = [];
  const { localAddress, sources } = s.route;
  const source = sources.find((one) => one.address.kind === address.kind);
  const result = await connectTcp({
    address,
    port,
    local: source?.address ?? localAddress,
    localPort: source?.port ?? 0,
    timeoutMs: s.timeouts.connect,
    // TLS and tunnels need a stream that can be handed on
    ownBlocks: !s.secure && (hop === null || (hop.kind === "http" && !hop.tunnel)),
    onCancel: (cancel) => {
      onLost(cancel);
      const untie = o.scope.onBreak((broken) => {
        cancel({ code: NE_SOCK_ERROR, error: broken.message, cause: broken.cause });
      });
      ties.push(untie);
    },
  });
  for (const untie of ties) untie();
  tried.error = result instanceof Wire ? null : result.error;
  if (!(result instanceof Wire)) o.scope.check();
  return result;
}

// The transport of an application, or a Unix-domain socket.
async function openTransport(o: Opening): Promise<number> {
  const s = o.session;
  const begun = performance.now();
  const { connector, unixPath } = s.route;
  o.report.phase = "connect";
  const wire =
    connector !== null ? await askConnector(o, connector) : await openUnix(o, unixPath ?? "");
  if (!(wire instanceof Wire)) {
    o.scope.check();
    setError(s, `Could not connect to server: ${wire.error}`, wire.cause);
    return wire.code === NE_SOCK_TIMEOUT ? NE_TIMEOUT : NE_CONNECT;
  }
  o.timing.connect = seconds(begun);
  return useWire(o, wire, null, s.server.hostname);
}

function openUnix(o: Opening, path: string): Promise<Wire | WireFailure> {
  return connectUnix(path, o.session.timeouts.connect, (cancel) => {
    o.scope.onBreak(({ message, cause }) =>
      cancel({ code: NE_SOCK_ERROR, error: message, cause }),
    );
  });
}

async function askConnector(
  o: Opening,
  { fn, userdata }: NonNullable<Route["connector"]>,
): Promise<Wire | WireFailure> {
  const s = o.session;
  try {
    const result = fn(userdata, s.server.hostname, s.server.port);
    const stream = isPromise(result) ? await awaitStream(o, result) : result;
    if (!isStream(stream)) {
      return { code: NE_SOCK_ERROR, error: "the connector gave no stream", cause: null };
    }
    // the connector itself broke the request off
    if (o.scope.broken !== null) stream.destroy();
    o.scope.check();
    return new Wire(stream);
  } catch (error) {
    o.scope.check();
    return { ...failureOf(error), code: NE_SOCK_ERROR };
  }
}

function isStream(given: unknown): given is Duplex {
  return hasMethods(given, "write", "on");
}

// A stream that comes after the request was broken off is nobody's.
function awaitStream(o: Opening, promise: PromiseLike<unknown>): Promise<unknown> {
  const drop = (stream: unknown): void => {
    if (o.scope.broken === null || !isStream(stream)) return;
    if (hasMethods(stream, "destroy")) stream.destroy();
  };
  promise.then(drop, () => {});
  return awaitApplication(o.session, o.turn, o.scope, promise);
}

async function useWire(
  o: Opening,
  wire: Wire,
  hop: Hop | null,
  hostname: string | null,
): Promise<number> {
  o.turn.connection = {
    wire,
    hop,
    hostname,
    origins: o.report.origins,
    responses: 0,
    idleSince: 0,
    serverKeepMs: Infinity,
    readTimeoutMs: o.session.timeouts.read,
    settings: o.session.settings,
    open: true,
  };
  traceConnection("open", o.session, o.turn.connection);
  await tell(o, ne_status_connected, { cd: { hostname } });
  return o.turn.connection?.open === true ? NE_OK : lost(o.session);
}

// A callback has closed the connection while it was being opened.
function lost(s: Session): number {
  setError(s, `Could not connect to server: ${CLOSED_HERE.error}`);
  return NE_ERROR;
}

// Through the proxy that the connection leads to, to the server.
async function passProxy(o: Opening, hop: Hop): Promise<number> {
  const s = o.session;
  if (isSocks(hop)) return passSocks(o, hop);
  if (!s.secure && !hop.tunnel) return NE_OK;
  o.report.phase = "proxy";
  return o.tunnel(hop);
}

const SOCKS_VERSIONS = { socks4: "4", socks4a: "4a", socks5: "5" } as const;

type SocksHop = Hop & { kind: keyof typeof SOCKS_VERSIONS };

function isSocks(hop: Hop): hop is SocksHop {
  return hop.kind in SOCKS_VERSIONS;
}

async function passSocks(o: Opening, hop: SocksHop): Promise<number> {
  const s = o.session;
  const { connection } = o.turn;
  if (connection === null) return lost(s);
  let address: Address | null = null;
  if (hop.kind === "socks4") {
    // version 4 carries no names, so the server's is looked up here
    const found = await lookUp(o, s.server, true);
    if (found !== NE_OK) {
      closeConnection(s, connection);
      return found;
    }
    address = s.server.addresses?.find(({ kind }) => kind === "ipv4") ?? null;
    if (address === null) {
      closeConnection(s, connection);
      const name = s.server.hostname;
      setError(s, `Could not find IPv4 address of hostname ${name} for SOCKS v4 proxy`);
      return NE_LOOKUP;
    }
  }
  const { hostname, port, literal } = s.server;
  const target = {
    version: SOCKS_VERSIONS[hop.kind],
    address: address?.bytes ?? null,
    hostname: literal ? hostname.replace(/^\[|\]$/g, "") : hostname,
    port,
    username: hop.username,
    password: hop.password,
  };
  o.report.phase = "proxy";
  const failure = await driveSocks(connection.wire, target, s.timeouts.read);
  o.scope.check();
  if (failure === null) return NE_OK;
  closeConnection(s, connection);
  const where = `${hop.host}:${hop.port}`;
  setError(
    s,
    `Could not establish connection from SOCKS proxy (${where}): ${failure.error}`,
    failure.cause,
  );
  return NE_ERROR;
}

// TLS over the connection as it is, then the verdict, before anything is sent over it.
async function startTls(
  o: Opening,
  context: TlsContext,
  endpoint: Endpoint,
  verify: TlsCallbacks["verify"],
): Promise<number> {
  const s = o.session;
  const { connection } = o.turn;
  if (connection === null) return lost(s);
  const begun = performance.now();
  const facts = reportHandshake(o.report, endpoint === s.server);
  const raw = connection.wire;
  const rest = raw.release();
  if (rest.length > 0) raw.stream.unshift(rest);
  const ties: (() => void)[] = [];
  // the flag is about the server; a proxy is always told
  const tellsName = endpoint !== s.server || s.flags[NE_SESSFLAG_TLS_SNI] !== 0;
  const servername = tellsName && !endpoint.literal ? endpoint.hostname : null;
  const outcome = await handshakeClient(raw.stream, context, {
    servername,
    sessionKey: `${endpoint.hostname}:${endpoint.port}`,
    timeoutMs: handshakeTimeout(s),
    ownBlocks: endpoint === s.server,
    tap: s.tlsCallbacks.provider?.tap ?? null,
    onKeys: keysHeard(s),
    onAbort: (cancel) => {
      ties.push(o.scope.onBreak(({ cause }) => cancel(cause)));
    },
    // while a client certificate is asked for, other requests of the session may run
    waitFor: (promise) => awaitApplication(s, o.turn, o.scope, promise),
  }).finally(() => ties.forEach((untie) => untie()));
  if (!outcome.ok) {
    o.scope.check();
    if (outcome.again) {
      // C goes on with the handshake under way, so nobody is told of another connection; only a
      // proxy's ends as others do, since requests were sent over it
      if (connection.hop === null) {
        connection.open = false;
        o.quiet = true;
      } else {
        closeConnection(s, connection);
      }
      return AGAIN;
    }
    const error = connection.open ? outcome.error : CLOSED_HERE.error;
    setError(s, `SSL handshake failed: ${error}`, outcome.cause);
    closeConnection(s, connection);
    return outcome.code === NE_SOCK_TIMEOUT ? NE_TIMEOUT : NE_ERROR;
  }
  connection.wire = tlsWire(outcome);
  facts.protocol = outcome.socket.getProtocol();
  facts.cipher = outcome.cipher;
  if (endpoint === s.server) o.report.phase = "verify";
  const accepted = await judgePeer(o, outcome, context, endpoint, verify);
  if (accepted !== NE_OK) {
    closeConnection(s, connection);
    return accepted;
  }
  outcome.accept();
  // what was set to answer the server's wish for a client certificate is what it was made with
  if (context.provider !== null) connection.settings = s.settings;
  o.timing.handshake = seconds(begun);
  await tell(o, ne_status_handshake, {
    hs: { protocol: outcome.protocol, ciphersuite: outcome.cipher },
  });
  return NE_OK;
}

// Whoever records the keys of TLS connections, if anybody does.
function keysHeard(s: Session): ((line: Buffer) => void) | null {
  const { observers } = s.listeners;
  if (!observers.some(({ keys }) => keys !== undefined)) return null;
  return (line) => observers.forEach(({ keys }) => keys?.(line));
}

function handshakeTimeout(s: Session): number {
  return s.timeouts.connect > 0 ? Math.min(s.timeouts.connect, s.timeouts.read) : s.timeouts.read;
}

async function judgePeer(
  o: Opening,
  outcome: TlsOutcome,
  context: TlsContext,
  endpoint: Endpoint,
  verify: TlsCallbacks["verify"],
): Promise<number> {
  const s = o.session;
  const literal = endpoint.literal ? (endpoint.addresses?.[0]?.bytes ?? null) : null;
  const name = endpoint.literal ? null : endpoint.hostname;
  const verdict = judge(outcome, context, name, literal, Math.floor(Date.now() / 1000));
  if (verdict.hard !== null) {
    setError(s, `${verdict.inHandshake ? "SSL handshake failed: " : "SSL error: "}${verdict.hard}`);
    return NE_ERROR;
  }
  const { failures } = verdict;
  if (o.report.origins.tls !== null) o.report.origins.tls.failures = failures;
  const known = (): boolean => wasAccepted(context, outcome.chain, failures, verify);
  if (failures === 0 || known()) return NE_OK;
  const { verifying } = s.tlsCallbacks;
  while (verifying.isPendingFor(o.ordinal)) {
    await awaitApplication(s, o.turn, o.scope, verifying.decided);
    if (known()) return NE_OK;
  }
  setError(s, `SSL error: ${failuresText(verdict)}`);
  const certificate = certificateOf(outcome.chain);
  if (verify === null || certificate === null) return NE_ERROR;
  const { begun } = s.work;
  const decided = askVerify(o, verify, failures, certificate).then((accepted) => {
    if (accepted) rememberAccepted(context, outcome.chain, failures, verify);
    return accepted ? NE_OK : NE_ERROR;
  });
  return verifying.hold(begun, decided);
}

async function askVerify(
  o: Opening,
  { fn, userdata }: NonNullable<TlsCallbacks["verify"]>,
  failures: number,
  certificate: Certificate,
): Promise<boolean> {
  const lent = lendCertificate(certificate);
  try {
    const result = fn(userdata, failures, lent);
    const { session, turn, scope } = o;
    const wait = isPromise(result) ? awaitApplication(session, turn, scope, result) : result;
    return (await wait) === 0;
  } finally {
    endCertificate(lent);
  }
}

// Tells the notifier, and waits for it if it wants that.
async function tell(o: Opening, status: number, info: StatusInfo): Promise<void> {
  const isKnown = o.quiet === true && status !== ne_status_handshake;
  const wait = isKnown ? undefined : notify(o.session, status, info);
  if (isPromise(wait)) await awaitApplication(o.session, o.turn, o.scope, wait);
  o.scope.check();
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
