// Opens a connection for a session, layer by layer:
//
//   name lookup ─► TCP ─► [SOCKS] ─► [TLS to the proxy] ─► [CONNECT] ─► [TLS + verdict] ─► ready
//
// Each layer either goes on or words the error, closes what is open and gives the NE_* code. A
// tunnel that failed is never used for anything else.
import {
  NE_CONNECT,
  NE_DBG_HTTP,
  NE_ERROR,
  NE_LOOKUP,
  NE_OK,
  NE_SOCK_ERROR,
  NE_SOCK_TIMEOUT,
  NE_TIMEOUT,
  ne_status_connected,
  ne_status_connecting,
  ne_status_lookup,
} from "../base/constants.js";
import { certificates } from "../tls/certificate_handles.js";
import { createTlsContext, trustCert } from "../tls/context.js";
import { printAddress, resolveHost, type Address } from "../wire/address.js";
import { connectFirst, inTurn, type Cancel } from "../wire/attempts.js";
import { trustDefaultCa } from "../wire/default_roots.js";
import { addresses as addressHandles } from "../wire/socket_handles.js";
import { driveSocks } from "../wire/socks_client.js";
import { connectTcp } from "../wire/tcp.js";
import { Wire } from "../wire/wire.js";
import type { WireFailure } from "../wire/wire_failure.js";
import { closeConnection } from "./connection.js";
import { traceConnection } from "./diagnostics.js";
import { askConnector, openUnix } from "./given_transport.js";
import { lost, seconds, tell, type NewConnection } from "./new_connection.js";
import { reportConnecting, reportOpening } from "./report.js";
import { proxyInUse, type Endpoint, type Hop } from "./route.js";
import { setError } from "./session_state.js";
import { AGAIN, startTls } from "./start_tls.js";
import { trace } from "./trace.js";
import { isExemptFromTls } from "./without_tls.js";

/** Opens a connection into `turn.connection`. @returns `NE_OK`, or a code with the error set */
export async function openConnection(o: NewConnection): Promise<number> {
  const code = await openLayers(o);
  if (code !== AGAIN) return code;
  const again = await openLayers(o);
  if (again !== AGAIN) return again;
  setError(o.session, "SSL handshake failed: the client certificate was asked for again");
  return NE_ERROR;
}

/** Opens a connection to a proxy itself, for a CONNECT request. */
export async function openToProxy(o: NewConnection, hop: Hop | null): Promise<number> {
  const reached = await reach(o, hop);
  if (reached !== NE_OK || hop?.kind !== "https") return reached;
  const context = createTlsContext();
  trustDefaultCa(context);
  for (const cert of hop.trust) trustCert(context, certificates.open(cert, "nx_session_proxy"));
  return startTls(o, context, hop.endpoint, null);
}

async function openLayers(o: NewConnection): Promise<number> {
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
async function reach(o: NewConnection, hop: Hop | null): Promise<number> {
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
async function lookUp(o: NewConnection, endpoint: Endpoint, again = false): Promise<number> {
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
  o: NewConnection,
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
async function openTransport(o: NewConnection): Promise<number> {
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

async function useWire(
  o: NewConnection,
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

// Through the proxy that the connection leads to, to the server.
async function passProxy(o: NewConnection, hop: Hop): Promise<number> {
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

async function passSocks(o: NewConnection, hop: SocksHop): Promise<number> {
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
