// Streams that need no TLS although the session's scheme is https: those of nx_replay, which lead
// to no peer. Only the library can make one.
import type { Duplex } from "node:stream";

const exempt = new WeakSet<Duplex>();

/** Marks a stream that a connector gives. */
export function exemptFromTls<S extends Duplex>(stream: S): S {
  exempt.add(stream);
  return stream;
}

/** Whether the stream was marked. */
export function isExemptFromTls(stream: Duplex): boolean {
  return exempt.has(stream);
}
