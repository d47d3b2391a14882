// How the data of a TLS connection ended: with the closing alert or without.
//
// Node ends a TLS stream in the same way for the closing alert and for the end of the TCP stream.
// But when the latter has come, libuv has stopped reading below, and not yet when it was the alert;
// with any other stream below, that stream has ended itself before it can end this one. What cannot
// be seen counts as truncated.

import * as net from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { aroundEnd, isReading, isStopped } from "./node_internals.js";

const ends = new WeakMap<TLSSocket, "clean" | "truncated">();

/** Whether the end of the data was announced by the peer's closing alert. */
export function endedCleanly(socket: TLSSocket): boolean {
  return ends.get(socket) === "clean";
}

/** Notes, from now on, in which way the data ends. */
export function watchEnd(socket: TLSSocket, below: Duplex): void {
  aroundEnd(socket, (end) => {
    if (!ends.has(socket)) ends.set(socket, isAlertOnly(socket, below) ? "clean" : "truncated");
    end();
  });
}

function isAlertOnly(socket: TLSSocket, below: Duplex): boolean {
  if (below.destroyed) return false;
  if (!(below instanceof net.Socket)) return !below.readableEnded;
  // what is stopped cannot have read the end
  return isStopped(socket) || isReading(below);
}
