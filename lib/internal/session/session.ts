// Creates, configures and destroys sessions.
import { NE_ERROR, NE_DBG_HTTP } from "../base/constants.js";
import { abortCause, onAbort } from "../base/abort_signal.js";
import { ownOnly } from "../base/bytes.js";
import { HandleType, type ne_session } from "../base/handle.js";
import { SharedQuestion } from "../base/shared_question.js";
import { proxyFromEnv } from "../proxy/env.js";
import { createTlsContext } from "../tls/context.js";
import { eachHook, needSync } from "./callbacks.js";
import { closeAll, closeConnection, connectionsOf } from "./connection.js";
import { createEndpoint, createHop, DIRECT, type Route } from "./route.js";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "./session_state.js";
import type { Limits, Session, TlsCallbacks } from "./session_state.js";
import { trace } from "./trace.js";
import { Turns } from "./turns.js";

export const sessions = new HandleType<"ne_session", Session>(
  "ne_session",
  destroySession,
  (s) => {
    const open = connectionsOf(s).filter((connection) => connection.open).length;
    return `${s.scheme}://${s.hostport}, ${open} ${open === 1 ? "connection" : "connections"}`;
  },
);

const SCHEME_PORT: Readonly<Record<string, number>> = { https: 443 };

/** A session's record and handle, configured as a new session is. */
export function createSession(scheme: string, host: string, port: number): Session {
  const secure = scheme === "https";
  const server = createEndpoint(host, port);
  const shown = host.startsWith("[") ? host.replace(/%[^\]]*/, "") : host;
  return sessions.createWith((handle) => ({
    handle,
    scheme,
    secure,
    server,
    hostport: port === (SCHEME_PORT[scheme] ?? 80) ? shown : `${shown}:${port}`,
    error: "Unknown error.",
    cause: null,
    flags: [1, 0, 0, 0, 0, secure && !server.literal ? 1 : 0, 0, 0, 1],
    hooks: {
      createRequest: [],
      preSend: [],
      postHeaders: [],
      postSend: [],
      destroyRequest: [],
      destroySession: [],
      closeConn: [],
    },
    listeners: { notifier: null, debug: null, observers: [] },
    privates: new Map(),
    route: DIRECT,
    userAgent: null,
    timeouts: { ...DEFAULT_TIMEOUTS },
    http11: false,
    tls: secure ? createTlsContext() : null,
    tlsCallbacks: { verify: null, provider: null, verifying: new SharedQuestion() },
    settings: 0,
    work: { idle: [], turns: new Turns(), scopes: new Set(), begun: 0 },
    limits: { ...DEFAULT_LIMITS },
    signal: null,
    last: { timings: null, report: null, statusOf: null },
    askedBy: null,
    destroyed: false,
  }));
}

/** Sets who supplies client certificates, if the session is one with TLS. */
export function setCertProvider(s: Session, provider: TlsCallbacks["provider"]): void {
  if (s.tls === null) return;
  s.settings++;
  s.tlsCallbacks.provider = provider;
  s.tls.provider =
    provider === null
      ? null
      : (dnames) => provider.fn(provider.userdata, s.handle, dnames);
}

/**
 * Replaces the proxy, address list and connector set before. What took another way is not used
 * again.
 */
export function setRoute(
  s: Session,
  route: Partial<Omit<Route, "localAddress" | "sources">>,
): void {
  for (const connection of [...s.work.idle]) closeConnection(s, connection);
  const { localAddress, sources } = s.route;
  s.settings++;
  s.route = { ...DIRECT, ...ownOnly(route), localAddress, sources };
}

/** Takes the proxy that the environment names for the session's server, or none. */
export function useEnvironmentProxy(s: Session): void {
  try {
    const found = proxyFromEnv(s.scheme, s.server.hostname, s.server.port, process.env);
    const hop = found === null ? null : createHop(found.scheme, found.host, found.port, found);
    setRoute(s, { hop, fromEnvironment: true });
  } catch (error) {
    const unusableProxy = error instanceof Error ? error.message : String(error);
    setRoute(s, { unusableProxy, fromEnvironment: true });
  }
}

/** Breaks off whatever the session does when a signal fires; `null` takes the tie away. */
export function tieToSignal(s: Session, signal: AbortSignal | null): void {
  s.signal?.forget();
  s.signal = null;
  if (signal === null) return;
  const abort = (): void => abortAll(s, abortCause(signal));
  s.signal = { signal, forget: signal.aborted ? () => {} : onAbort(signal, abort) };
  if (signal.aborted) abort();
}

/** Breaks off every request of the session, running or waiting. */
export function abortAll(s: Session, cause: Error): void {
  for (const scope of [...s.work.scopes]) scope.abort(cause);
}

function destroySession(s: Session): void {
  trace(s, NE_DBG_HTTP, "sess: Destroying session.\n");
  try {
    for (const { fn, userdata } of eachHook(s.hooks.destroySession)) {
      needSync(fn(userdata), "ne_destroy_sess_fn");
    }
  } finally {
    s.destroyed = true;
    s.signal?.forget();
    const cause = new Error("the session was destroyed");
    for (const scope of [...s.work.scopes]) scope.break(NE_ERROR, "Session destroyed", cause);
    closeAll(s);
  }
}

/** What a response may cost, for the plugins that decode bodies. */
export function limitsOf(sess: ne_session): Readonly<Limits> {
  return sessions.open(sess, "limitsOf").limits;
}
