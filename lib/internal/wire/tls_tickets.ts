// TLS sessions that are kept for resumption.

import { createHash } from "node:crypto";
import { trustKey, type Ticket, type TlsContext } from "../tls/context.js";

/** Sessions kept for resumption: a session talks to one server, a proxy's makes two. */
const MAX_TICKETS = 16;

/** Who a session is kept for. */
export interface TicketPeer {
  /** "host:port". */
  sessionKey: string;
  /** The name that SNI tells, null for none. */
  servername: string | null;
}

/**
 * Sessions are resumed only under the same key: same peer, versions, client certificate and trust
 * (OpenSSL's verdict comes with the session).
 */
export function ticketKey(peer: TicketPeer, context: TlsContext): string {
  const der = context.clientCert?.owner?.x509.der;
  const fingerprint = der === undefined ? "" : createHash("sha256").update(der).digest("hex");
  const { minProto, maxProto } = context;
  const { sessionKey, servername } = peer;
  const trust = trustKey(context);
  return JSON.stringify([sessionKey, servername, minProto, maxProto, fingerprint, trust]);
}

/** Keeps a session for resumption, and drops the oldest of too many. */
export function keepTicket(context: TlsContext, key: string, ticket: Ticket): void {
  context.tickets.delete(key);
  context.tickets.set(key, ticket);
  for (const oldest of context.tickets.keys()) {
    if (context.tickets.size <= MAX_TICKETS) break;
    context.tickets.delete(oldest);
  }
}
