// A second session with the settings of a first one, for another server or the same.
//
// Settings, hooks and private values are copied. What was learnt from the server is not:
// connections, HTTP version, TLS sessions, the certificate accepted last. What holds for one server
// only (an address list, a Unix-domain socket) is copied only for the same host and port. The
// records of plugins (base/clonable.ts) are replaced by what they return for the clone, once each.
//
// A clone for a stranger (a server that a redirect chose, not the application) carries no
// credentials: no client certificate and no private values. Since the application's hooks may add
// secrets to any request, it has no hooks except those of plugins that allow it.
import {
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_TLS_SNI,
} from "../base/constants.js";
import { isPlugin, cloneForSession } from "../base/clonable.js";
import { createHop } from "./route.js";
import { createSession, setCertProvider, tieToSignal, useEnvironmentProxy } from "./session.js";
import { HOOK_KINDS, type HookKind, type Hooks, type Session } from "./session_state.js";
import { trustDefaultCa } from "../wire/default_roots.js";

export interface CloneOptions {
  scheme: string;
  host: string;
  port: number;
  /** The server was chosen by a redirect. */
  stranger: boolean;
}

/** Makes the clone. */
export function cloneSession(s: Session, options: CloneOptions): Session {
  const { stranger } = options;
  const clone = createSession(options.scheme, options.host, options.port);
  const sameHost =
    clone.server.hostname.toLowerCase() === s.server.hostname.toLowerCase() &&
    clone.server.port === s.server.port;
  copySettings(s, clone);
  copyRoute(s, clone, sameHost);
  copyTls(s, clone, stranger);
  copyHooks(s, clone, stranger, sameHost && clone.scheme === s.scheme);
  return clone;
}

function copySettings(s: Session, clone: Session): void {
  const sni = clone.flags[NE_SESSFLAG_TLS_SNI] ?? 0;
  clone.flags = [...s.flags];
  // of a session without TLS the flag says nothing
  if (!s.secure || s.server.literal || sni === 0) clone.flags[NE_SESSFLAG_TLS_SNI] = sni;
  // belongs to a login, and the clone has none yet
  clone.flags[NE_SESSFLAG_CONNAUTH] = 0;
  clone.userAgent = s.userAgent;
  clone.timeouts = { ...s.timeouts };
  clone.limits = { ...s.limits };
  clone.work.turns.max = s.work.turns.max;
  clone.listeners.debug = s.listeners.debug;
  clone.listeners.observers = s.listeners.observers;
  copySignal(s, clone);
}

function copySignal(s: Session, clone: Session): void {
  if (s.signal !== null) tieToSignal(clone, s.signal.signal);
}

function copyRoute(s: Session, clone: Session, sameHost: boolean): void {
  const { hop, addresses, unixPath } = s.route;
  if (s.route.fromEnvironment && !(sameHost && s.scheme === clone.scheme)) {
    // another server may have another proxy, or none
    clone.route = { ...s.route };
    useEnvironmentProxy(clone);
    return;
  }
  clone.route = {
    ...s.route,
    hop: hop === null ? null : createHop(hop.kind, hop.host, hop.port, hop),
    addresses: sameHost && addresses !== null ? { ...addresses, first: 0 } : null,
    unixPath: sameHost ? unixPath : null,
  };
}

function copyTls(s: Session, clone: Session, stranger: boolean): void {
  if (clone.tls === null) return;
  // the CAs that the first server was trusted by may say nothing about this one
  if (stranger || s.tls === null) trustDefaultCa(clone.tls);
  if (s.tls === null) return;
  clone.tls.trusted = [...s.tls.trusted];
  clone.tls.findDefaultCa ??= s.tls.findDefaultCa;
  clone.tls.minProto = s.tls.minProto;
  clone.tls.maxProto = s.tls.maxProto;
  if (stranger) return;
  clone.tls.clientCert = s.tls.clientCert;
  setCertProvider(clone, s.tlsCallbacks.provider);
}

function copyHooks(s: Session, clone: Session, stranger: boolean, sameOrigin: boolean): void {
  const records = new Map<object, unknown>();
  // the record to use in the clone, undefined to leave the hook out
  const recordFor = (userdata: unknown): unknown => {
    if (!isPlugin(userdata)) return stranger ? undefined : userdata;
    if (stranger && userdata.forStrangers !== true) return undefined;
    if (!records.has(userdata)) {
      records.set(userdata, userdata[cloneForSession](clone.handle, sameOrigin));
    }
    return records.get(userdata) ?? undefined;
  };
  const copyKind = <K extends HookKind>(from: Hooks, to: Hooks, kind: K): void => {
    for (const { fn, userdata } of from[kind]) {
      const record = recordFor(userdata);
      if (record !== undefined) to[kind].push({ fn, userdata: record });
    }
  };
  for (const kind of HOOK_KINDS) copyKind(s.hooks, clone.hooks, kind);
  for (const [id, value] of s.privates) {
    const record = recordFor(value);
    if (record !== undefined) clone.privates.set(id, record);
  }
  // neither changes a request; the verify callback is asked again for each server
  clone.listeners.notifier = s.listeners.notifier;
  clone.tlsCallbacks.verify = s.tlsCallbacks.verify;
}
