// Why nothing more can be read from a connection or written to it, and how that is found out for
// one kind of stream.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_TIMEOUT,
  NE_SOCK_TRUNC,
} from "../base/constants.js";
import { errnoText } from "../base/errno.js";
import { codeOf } from "../base/unknown_value.js";

/** Why nothing more can be read or written: a socket code, its text, and Node's error if any. */
export interface WireFailure {
  code: number;
  error: string;
  cause: Error | null;
}

/** The code and text of a stream's error. */
export function failureOf(thrown: unknown): WireFailure {
  // an application's stream or connector may fail with anything
  const reason = typeof thrown === "object" ? "no reason given" : String(thrown);
  const error = thrown instanceof Error ? thrown : new Error(reason);
  const code = codeOf(error);
  if (code === "ECONNRESET") {
    return { code: NE_SOCK_RESET, error: "Connection reset by peer", cause: error };
  }
  if (code === "EPIPE") return { code: NE_SOCK_CLOSED, error: "Broken pipe", cause: error };
  return { code: NE_SOCK_ERROR, error: errnoText(error), cause: error };
}

/** How the ends of one kind of stream are to be read. */
export interface Endings {
  /** The stream has ended: in good order, or cut off? */
  ended(stream: Duplex): WireFailure;
  /** @param reading whether a read finds the error, else a write */
  failed(error: Error, reading: boolean): WireFailure;
  /** What the bytes come through at the bottom, if it is a TCP socket. */
  socket(stream: Duplex): Socket | null;
}

/**
 * The one judge of how a stream ended: whether data that lasts until the end of the connection is
 * whole. The peer has to have ended the stream, in TLS with its closing alert or without; a reset,
 * an error, and an end that we could not see are no such end.
 */
export function endsData({ code, cause }: WireFailure): boolean {
  return cause === null && (code === NE_SOCK_CLOSED || code === NE_SOCK_TRUNC);
}

/** What a read finds behind the end of the data. */
export const CLOSED: WireFailure = {
  code: NE_SOCK_CLOSED,
  error: "Connection closed",
  cause: null,
};

/** What a write finds after the sending side was shut down, or after a reset was told. */
export const BROKEN_PIPE: WireFailure = { code: NE_SOCK_CLOSED, error: "Broken pipe", cause: null };

/** What waits, or goes on, after this side has closed the connection: never a stale connection. */
export const CLOSED_HERE: WireFailure = {
  code: NE_SOCK_ERROR,
  error: "Connection was closed by the application",
  cause: null,
};

/** What a wait ends with whose deadline has passed. */
export const TIMED_OUT: WireFailure = {
  code: NE_SOCK_TIMEOUT,
  error: "Connection timed out",
  cause: null,
};

/** Endings of a stream that has no closing alert of its own. */
export const PLAIN: Endings = {
  ended: () => CLOSED,
  failed: failureOf,
  socket: (stream) => (stream instanceof Socket ? stream : null),
};
