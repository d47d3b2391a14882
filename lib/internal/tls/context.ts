// The settings that TLS connections share: what stands behind an ne_ssl_context, and the same
// record once more inside every https session. Nothing here touches a socket.

import type { X509 } from "../asn1/x509.js";
import type { Certificate, ClientCert } from "./certificate.js";
import { misuse, type ne_ssl_dname } from "../base/handle.js";

/** What resuming a TLS session needs: Node shows no certificate on a resumed connection. */
export interface Ticket {
  session: Buffer;
  chain: readonly X509[];
}

/** A leaf that was accepted, in spite of which failures, and by which callback. */
export interface Accepted {
  leaf: Buffer;
  failures: number;
  by: unknown;
}

/** Server side: the identity to show and whom to ask for one. */
export interface ServerSettings {
  certPem: string | null;
  keyPem: string | null;
  requireClient: boolean;
  caNames: readonly string[];
  verifyCas: readonly string[];
}

/** Settings for TLS connections: of one session, or of one ne_ssl_context. */
export interface TlsContext {
  server: ServerSettings | null;
  trusted: X509[];
  /** Gives the runtime's own CA certificates of this canonical subject; null: not trusted. */
  findDefaultCa: ((subject: string) => readonly X509[]) | null;
  clientCert: ClientCert | null;
  /** Called while the server asks for a certificate and none is set; may set one. */
  provider: ((names: readonly ne_ssl_dname[]) => unknown) | null;
  /** NE_SSL_PROTO_* limits, 0 for none. */
  minProto: number;
  maxProto: number;
  tickets: Map<string, Ticket>;
  /** The one leaf that the application accepted last in spite of failures. */
  accepted: Accepted | null;
  /** What wire/tls_options.ts has made of these settings for node:tls, and when it holds. */
  prepared: { key: string; clientCert: ClientCert | null; value: unknown } | null;
}

/** A context that trusts nobody. */
export function createTlsContext(server = false): TlsContext {
  return {
    server: server
      ? {
          certPem: null,
          keyPem: null,
          requireClient: false,
          caNames: [],
          verifyCas: [],
        }
      : null,
    trusted: [],
    findDefaultCa: null,
    clientCert: null,
    provider: null,
    minProto: 0,
    maxProto: 0,
    tickets: new Map(),
    accepted: null,
    prepared: null,
  };
}

/**
 * Trusts a certificate. The runtime's own CAs are trusted by `trustDefaultCa` of
 * wire/default_roots.ts.
 */
export function trustCert(context: TlsContext, cert: Certificate): void {
  context.trusted.push(cert.x509);
}

/** Changes whenever the trust does: what OpenSSL said under another trust does not count. */
export function trustKey({ trusted, findDefaultCa }: TlsContext): string {
  return `${trusted.length}${findDefaultCa === null ? "" : "+"}`;
}

/** Presents a copy of this client certificate when asked. Throws if it is encrypted. */
export function setClientCert(
  context: TlsContext,
  cert: ClientCert,
  caller = "ne_ssl_set_clicert",
): void {
  if (cert.unlock !== null) throw misuse(caller, "the client certificate is encrypted");
  context.clientCert = { ...cert, ownerHandle: null };
}

/** NE_SSL_PROTO_TLS_1_0: what is below cannot be an upper limit. */
const TLS_1_0 = 2;
const TLS_1_3 = 5;

/** Limits the versions, 0 for no limit. False for an impossible range. */
export function setVersions(context: TlsContext, min: number, max: number): boolean {
  const known = [min, max].every(
    (proto) => Number.isInteger(proto) && proto >= 0 && proto <= TLS_1_3,
  );
  if (!known || (max !== 0 && (max < TLS_1_0 || min > max))) return false;
  context.minProto = min;
  context.maxProto = max;
  return true;
}
