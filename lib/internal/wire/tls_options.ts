// What node:tls is told of the settings of a context: certificates, keys and versions.

import type * as tls from "node:tls";
import { ownOnly } from "../base/bytes.js";
import { writePem } from "../asn1/pem.js";
import { trustKey, type TlsContext } from "../tls/context.js";
import { pemPair, type ClientCert } from "../tls/certificate_handles.js";
import { extraCertificates, nodeTls } from "./default_roots.js";
import { addTrust } from "./node_internals.js";

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
};

function secureContext(settings: tls.SecureContextOptions): tls.SecureContext {
  return nodeTls().createSecureContext(ownOnly(settings));
}

/** What a connection as client is made with; kept while it holds. */
export function clientSettings(context: TlsContext, cert: ClientCert | null): tls.SecureContext {
  const key = `${context.minProto}-${context.maxProto}-${trustKey(context)}`;
  const { prepared } = context;
  if (prepared !== null && prepared.key === key && prepared.clientCert === cert) {
    return prepared.value as tls.SecureContext;
  }
  const pair = cert === null ? null : pemPair(cert);
  const value = trusting(context, { ...(pair ?? {}), ...versionSettings(context) });
  context.prepared = { key, clientCert: cert, value };
  return value;
}

// OpenSSL is given the same trust as our own judge. Node's own CAs are the default, which is quick;
// the extra ones go in again, since Node 20 forgets them as soon as another one is added.
function trusting(context: TlsContext, settings: tls.SecureContextOptions): tls.SecureContext {
  const own = context.trusted.map(({ der }) => writePem("CERTIFICATE", der));
  if (context.findDefaultCa === null) return secureContext({ ...settings, ca: own });
  const value = secureContext(settings);
  if (own.length === 0) return value;
  const extra = extraCertificates().map((der) => writePem("CERTIFICATE", der));
  if (addTrust(value, [...own, ...extra])) return value;
  return secureContext({ ...settings, ca: [...nodeTls().rootCertificates, ...extra, ...own] });
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
    ca: [
      ...server.caNames,
      ...server.verifyCas,
      ...context.trusted.map(({ der }) => writePem("CERTIFICATE", der)),
    ],
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
    // TLS 1.0 and 1.1, asked for by number, need SHA-1
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
