// TLS over a connection as it is, then the verdict on the peer's certificate, before anything is
// sent over it. Where OpenSSL leaves the choice to a person, the application's callback decides.
import {
  NE_ERROR,
  NE_OK,
  NE_SESSFLAG_TLS_SNI,
  NE_SOCK_TIMEOUT,
  NE_TIMEOUT,
  ne_status_handshake,
} from "../base/constants.js";
import { isPromise } from "../base/promise.js";
import {
  certificateOf,
  endCertificate,
  lendCertificate,
  type Certificate,
} from "../tls/certificate_handles.js";
import type { TlsContext } from "../tls/context.js";
import { failuresText, judge, rememberAccepted, wasAccepted } from "../tls/verify.js";
import { handshakeClient, type TlsOutcome } from "../wire/tls.js";
import { tlsWire } from "../wire/tls_wire.js";
import { CLOSED_HERE } from "../wire/wire_failure.js";
import { awaitApplication } from "./callbacks.js";
import { closeConnection } from "./connection.js";
import { lost, seconds, tell, type NewConnection } from "./new_connection.js";
import { reportHandshake } from "./report.js";
import type { Endpoint } from "./route.js";
import { setError, type Session, type TlsCallbacks } from "./session_state.js";

/**
 * The server asked for a client certificate in a TLS 1.2 handshake, which has to start again with
 * it, over another connection.
 */
export const AGAIN = -1;

/**
 * Starts TLS over the turn's connection.
 * @returns `NE_OK`, `AGAIN`, or a code with the error set
 */
export async function startTls(
  o: NewConnection,
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
  o: NewConnection,
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
  o: NewConnection,
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
