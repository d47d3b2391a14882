// The wire over a TLS connection: its closing alert tells a clean end from a cut one.
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { NE_SOCK_CLOSED, NE_SOCK_TRUNC } from "../base/constants.js";
import type { TlsOutcome } from "./tls.js";
import { endedCleanly } from "./tls_end.js";
import { tlsErrorOf } from "./tls_errors.js";
import { Wire, type Endings, type WireFailure } from "./wire.js";

/** The wire of a finished handshake. */
export function tlsWire({ socket, ring }: TlsOutcome): Wire {
  return new Wire(socket, ring, tlsEndings);
}

const CUT = { code: NE_SOCK_TRUNC, error: "Secure connection truncated" };

const tlsEndings: Endings = {
  ended: (stream: Duplex): WireFailure =>
    endedCleanly(stream as TLSSocket)
      ? { code: NE_SOCK_CLOSED, error: "Connection closed", cause: null }
      : { ...CUT, cause: null },
  failed: (error: Error, reading: boolean): WireFailure => {
    // a reset, too, is an end that was not announced: C's reads tell no more of it
    if (reading && (error as NodeJS.ErrnoException).syscall === "read") {
      return { ...CUT, cause: error };
    }
    const { code, text } = tlsErrorOf(error);
    return { code, error: text, cause: error };
  },
};
