// TLS sessions that are kept for resumption, and their IDs.

import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { Der, TAG, orNull } from "../asn1/der.js";
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

/** The ID of the TLS session: 32 bytes in TLS 1.2, none in TLS 1.3 before a ticket. */
export function sessionId(socket: TLSSocket): Buffer {
  const session = socket.getSession();
  if (session === undefined) return Buffer.alloc(0);
  // Node 22 and later put a heading of their own before OpenSSL's form of a session
  let at = session.indexOf(TAG.SEQUENCE);
  for (; at >= 0; at = session.indexOf(TAG.SEQUENCE, at + 1)) {
    const id = orNull(() => idOf(new Der(session.subarray(at))));
    if (id !== null) return Buffer.from(id);
  }
  return Buffer.alloc(0);
}

// OpenSSL's form: version, protocol, cipher, ID, and what does not matter here.
function idOf(session: Der): Buffer {
  const fields = session.open(TAG.SEQUENCE);
  session.end();
  fields.bytes(TAG.INTEGER);
  fields.bytes(TAG.INTEGER);
  fields.bytes(TAG.OCTET_STRING);
  return fields.bytes(TAG.OCTET_STRING);
}
