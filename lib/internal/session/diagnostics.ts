// Node's diagnostics channels, for those who measure programs from outside: a tracing channel for
// requests and three channels for connections. Without a subscriber they cost a look at a flag.
//
//   libneon:request            start, end, asyncStart, asyncEnd, error: from the first sending of a
//                              request to its end, repetitions included
//   libneon:connection:open    a connection was made; a TLS handshake comes after it
//   libneon:connection:reuse   a kept connection is about to carry another request
//   libneon:connection:close   a connection is being closed
import { channel, tracingChannel } from "node:diagnostics_channel";
import { NE_OK } from "../base/constants.js";
import { hideInText } from "../http/secrets.js";
import type { Request, TracedRequest } from "./request_state.js";
import type { Connection, Session } from "./session_state.js";

const request = tracingChannel<unknown, TracedRequest>("libneon:request");
const CONNECTION = {
  open: channel("libneon:connection:open"),
  reuse: channel("libneon:connection:reuse"),
  close: channel("libneon:connection:close"),
};

/** Runs a step that begins a request. */
export function traceStart(r: Request, step: () => Promise<number>): Promise<number> {
  const { start, end } = request;
  // repeated, it goes on
  if (r.traced !== null || r.tunnel !== null || !request.hasSubscribers) return step();
  const message = messageOf(r);
  r.traced = message;
  const going: Promise<number> = start.runStores(message, step);
  end.publish(message);
  return going;
}

function messageOf(r: Request): TracedRequest {
  const { session: s, method, target } = r;
  const url = target.startsWith("/") ? `${s.scheme}://${s.hostport}${target}` : target;
  return {
    session: s.handle,
    request: r.handle,
    method,
    url: hideInText(url),
    code: null,
    status: null,
    error: null,
  };
}

/** The request has ended. */
export function traceEnd(r: Request, code: number): void {
  const message = r.traced;
  if (message === null) return;
  r.traced = null;
  message.code = code;
  message.status = r.answered ? r.status.code : 0;
  if (code !== NE_OK) {
    message.error = new Error(r.session.error, { cause: r.session.cause });
    request.error.publish(message);
  }
  request.asyncStart.publish(message);
  request.asyncEnd.publish(message);
}

/** Tells of a connection. */
export function traceConnection(
  event: keyof typeof CONNECTION,
  s: Session,
  connection: Connection,
): void {
  const told = CONNECTION[event];
  if (!told.hasSubscribers) return;
  const { hostname, port } = s.server;
  const { hop } = connection;
  const proxy = hop === null ? null : `${hop.host}:${hop.port}`;
  told.publish({ session: s.handle, id: numberOf(connection), host: hostname, port, proxy });
}

const numbers = new WeakMap<Connection, number>();
let last = 0;

// Tells connections apart.
function numberOf(connection: Connection): number {
  const known = numbers.get(connection) ?? ++last;
  numbers.set(connection, known);
  return known;
}
