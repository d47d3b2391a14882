// How the ends of a TLS connection read: its closing alert tells a clean end from a cut one.
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { NE_SOCK_CLOSED, NE_SOCK_TRUNC } from "../constants.js";
import { endedCleanly, tlsErrorOf } from "./tls.js";
import type { Endings, WireFailure } from "./wire.js";

/** For wires over a TLS socket. */
export const tlsEndings: Endings = {
  ended: (stream: Duplex): WireFailure =>
    endedCleanly(stream as TLSSocket)
      ? { code: NE_SOCK_CLOSED, error: "Connection closed", cause: null }
      : { code: NE_SOCK_TRUNC, error: "Secure connection truncated", cause: null },
  failed: (error: Error): WireFailure => {
    const { code, text } = tlsErrorOf(error);
    return { code, error: text, cause: error };
  },
};
