// What node:tls is told of the settings of a context: certificates, keys and versions.

import type * as tls from "node:tls";
import { ownOnly } from "../base/bytes.js";
import type { TlsContext } from "../tls/context.js";
import { pemPair, type ClientCert } from "../tls/certificate_handles.js";
import { nodeTls } from "./default_roots.js";

const VERSIONS: readonly (tls.SecureVersion | undefined)[] = [
  undefined,
  "TLSv1",
  "TLSv1",
  "TLSv1.1",
  "TLSv1.2",
  "TLSv1.3",
];

// Node copies the settings into objects that inherit what somebody put on Object.prototype.
export const NO_SETTINGS = {
  ALPNProtocols: undefined,
  pskCallback: undefined,
  servername: undefined,
  session: undefined,
} as object;

function secureContext(settings: tls.SecureContextOptions): tls.SecureContext {
  return nodeTls().createSecureContext(ownOnly(settings));
}

/** What a connection as client is made with; kept while it holds. */
export function clientSettings(context: TlsContext, cert: ClientCert | null): tls.SecureContext {
  const key = `${context.minProto}-${context.maxProto}`;
  const { prepared } = context;
  if (prepared !== null && prepared.key === key && prepared.clientCert === cert) {
    return prepared.value as tls.SecureContext;
  }
  const pair = cert === null ? null : pemPair(cert);
  // an empty list keeps Node from loading its own: the verdict is ours
  const value = secureContext({ ca: [], ...(pair ?? {}), ...versionSettings(context) });
  context.prepared = { key, clientCert: cert, value };
  return value;
}

/** What a connection as server is made with; throws if its certificate or key is no use. */
export function serverSettings(context: TlsContext): tls.SecureContext {
  const server = context.server;
  if (server === null || server.certPem === null || server.keyPem === null) {
    throw new Error("no certificate is set");
  }
  return secureContext({
    cert: server.certPem,
    key: server.keyPem,
    // their names are what a client is told
    ca: [...server.caNames, ...server.verifyCas],
    ...versionSettings(context),
  });
}

function versionSettings({ minProto, maxProto }: TlsContext): tls.SecureContextOptions {
  const old = (minProto !== 0 && minProto < 4) || (maxProto !== 0 && maxProto < 4);
  const min = minProto === 0 && old ? "TLSv1" : VERSIONS[minProto];
  const max = VERSIONS[maxProto];
  return {
    ...(min === undefined ? {} : { minVersion: min }),
    ...(max === undefined ? {} : { maxVersion: max }),
    // whoever asks for TLS 1.0 or 1.1 by number gets their SHA-1 too
    ...(old ? { ciphers: `${nodeTls().DEFAULT_CIPHERS}:@SECLEVEL=0` } : {}),
  };
}

/** Whether a certificate and a key can be used together as a server's. */
export function isUsableKeyPair(certPem: string, keyPem: string): boolean {
  try {
    secureContext({ cert: certPem, key: keyPem, ca: [] });
    return true;
  } catch {
    return false;
  }
}
