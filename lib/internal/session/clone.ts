// A second session with the settings of a first one, for another server or the same.
//
// Settings, hooks and private values are copied; what was learnt from the server is not
// (connections, HTTP version, TLS sessions, the certificate accepted last). What holds for one
// server alone, an address list or a Unix-domain socket, is copied only for the same host and port.
// The records of guests (guest.ts) are replaced by what they give for the clone, once for each.
//
// A clone for a stranger, whom a redirect chose and not the application, carries no credentials: no
// client certificate, no private values and, since an application's hooks may add secrets to any
// request, no hooks but those of guests that say they may come along.
import {
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_TLS_SNI,
} from "../base/constants.js";
import { abortCause } from "./begin.js";
import { isGuest, cloneForSession } from "../base/clonable.js";
import {
  abortAll,
  createHop,
  createSession,
  setCertProvider,
  useEnvironmentProxy,
  type Hook,
  type Hooks,
  type Session,
} from "./session.js";
import { onAbort } from "../base/abort_signal.js";
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
  const sni = clone.flags[NE_SESSFLAG_TLS_SNI] as number;
  clone.flags = [...s.flags];
  // of a session without TLS the flag says nothing
  if (!s.secure || s.server.literal || sni === 0) clone.flags[NE_SESSFLAG_TLS_SNI] = sni;
  // belongs to a login, and the clone has none yet
  clone.flags[NE_SESSFLAG_CONNAUTH] = 0;
  clone.localAddress = s.localAddress;
  clone.sources = s.sources;
  clone.attemptDelayMs = s.attemptDelayMs;
  clone.userAgent = s.userAgent;
  clone.connectTimeoutMs = s.connectTimeoutMs;
  clone.readTimeoutMs = s.readTimeoutMs;
  clone.writeTimeoutMs = s.writeTimeoutMs;
  clone.readTimeoutSet = s.readTimeoutSet;
  clone.requestTimeoutMs = s.requestTimeoutMs;
  clone.keepAliveMs = s.keepAliveMs;
  clone.limits = { ...s.limits };
  clone.turns.max = s.turns.max;
  clone.debugStream = s.debugStream;
  clone.debugMask = s.debugMask;
  clone.witnesses = s.witnesses;
  copySignal(s, clone);
}

function copySignal(s: Session, clone: Session): void {
  const { signal } = s;
  if (signal === null) return;
  clone.signal = signal;
  if (signal.aborted) return;
  clone.forgetSignal = onAbort(signal, () => abortAll(clone, abortCause(signal)));
}

function copyRoute(s: Session, clone: Session, sameHost: boolean): void {
  if (s.fromEnvironment && !(sameHost && s.scheme === clone.scheme)) {
    // another server may have another proxy, or none
    useEnvironmentProxy(clone);
    return;
  }
  clone.fromEnvironment = s.fromEnvironment;
  clone.unusableProxy = s.unusableProxy;
  clone.hop = s.hop === null ? null : createHop(s.hop.kind, s.hop.host, s.hop.port, s.hop);
  clone.bypass = s.bypass;
  clone.connector = s.connector;
  if (!sameHost) return;
  clone.addresses = s.addresses === null ? null : { ...s.addresses, first: 0 };
  clone.unixPath = s.unixPath;
}

function copyTls(s: Session, clone: Session, stranger: boolean): void {
  if (clone.tls === null) return;
  // what the first server's certificate was trusted by may say nothing about this one's
  if (stranger || s.tls === null) trustDefaultCa(clone.tls);
  if (s.tls === null) return;
  clone.tls.trusted = [...s.tls.trusted];
  clone.tls.findDefaultCa ??= s.tls.findDefaultCa;
  clone.tls.minProto = s.tls.minProto;
  clone.tls.maxProto = s.tls.maxProto;
  if (stranger) return;
  clone.tls.clientCert = s.tls.clientCert;
  setCertProvider(clone, s.certProvider);
}

function copyHooks(s: Session, clone: Session, stranger: boolean, sameOrigin: boolean): void {
  const records = new Map<object, unknown>();
  // the record to use in the clone, undefined to leave the hook out
  const recordFor = (userdata: unknown): unknown => {
    if (!isGuest(userdata)) return stranger ? undefined : userdata;
    if (stranger && userdata.forStrangers !== true) return undefined;
    if (!records.has(userdata)) {
      records.set(userdata, userdata[cloneForSession](clone.handle, sameOrigin));
    }
    return records.get(userdata) ?? undefined;
  };
  for (const kind of Object.keys(s.hooks) as (keyof Hooks)[]) {
    const list = clone.hooks[kind] as Hook<unknown>[];
    for (const { fn, userdata } of s.hooks[kind]) {
      const record = recordFor(userdata);
      if (record !== undefined) list.push({ fn, userdata: record });
    }
  }
  for (const [id, value] of s.privates) {
    const record = recordFor(value);
    if (record !== undefined) clone.privates.set(id, record);
  }
  // both only look on; the judge of certificates is asked about each server anew
  clone.notifier = s.notifier;
  clone.verify = s.verify;
}
