// The wire over a TLS connection: its closing alert tells a clean end from a cut one.
import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { NE_SOCK_CLOSED, NE_SOCK_TRUNC } from "../base/constants.js";
import type { TlsOutcome } from "./tls.js";
import { endedCleanly } from "./tls_end.js";
import { tlsErrorOf } from "./tls_errors.js";
import { Wire } from "./wire.js";
import type { Endings, WireFailure } from "./wire_failure.js";
import { codeOf, propertyOf } from "../base/unknown_value.js";

/** The wire of a finished handshake. */
export function tlsWire({ socket, ring, below }: TlsOutcome): Wire {
  // a socket of TLS takes no write beside those of the TLS above it: Node aborts the process
  const bottom = below instanceof Socket && !("encrypted" in below) ? below : null;
  return new Wire(socket, ring, { ...endingsOf(socket), socket: () => bottom });
}

const CUT = { code: NE_SOCK_TRUNC, error: "Secure connection truncated" };

const endingsOf = (socket: TLSSocket): Pick<Endings, "ended" | "failed"> => ({
  ended: (): WireFailure =>
    endedCleanly(socket)
      ? { code: NE_SOCK_CLOSED, error: "Connection closed", cause: null }
      : { ...CUT, cause: null },
  failed: (error: Error, reading: boolean): WireFailure => {
    const isRead = propertyOf(error, "syscall") === "read" || codeOf(error) === "ECONNRESET";
    // in C's words a reset, too, is an end that was not announced; the cause tells them apart
    if (reading && isRead) return { ...CUT, cause: error };
    const words = tlsErrorOf(error);
    return { code: words.code, error: words.text, cause: error };
  },
});
