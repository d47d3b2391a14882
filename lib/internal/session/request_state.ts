// The record of a request: what the application set, and the state of its attempt to get a
// response.
import type { ne_request, ne_session } from "../base/handle.js";
import { Fields } from "../http/head.js";
import type { ne_uri } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";
import type { Attempt } from "./attempt.js";
import type { Scope } from "./cancellation.js";
import type { Report, Timings } from "./report.js";
import type { Hook, Hop } from "./route.js";
import type { Session } from "./session_state.js";

/** A body reader with its acceptance callback. */
export interface Reader {
  accept(
    userdata: unknown,
    req: ne_request,
    st: Readonly<ne_status>,
  ): number | PromiseLike<number>;
  read(userdata: unknown, block: Buffer): number | PromiseLike<number>;
  userdata: unknown;
  /** Takes the body of the present response. */
  chosen: boolean;
}

/** Told of an interim response. */
export interface InterimHandler {
  handle(userdata: unknown, req: ne_request, st: Readonly<ne_status>): unknown;
}

export interface MemoryBody {
  kind: "buffer";
  bytes: Uint8Array;
  length: number;
}

export interface FileBody {
  kind: "file";
  fd: () => number;
  offset: number;
  length: number;
}

export interface ProvidedBody {
  kind: "provider";
  provide(userdata: unknown, buffer: Uint8Array): number | PromiseLike<number>;
  userdata: unknown;
  length: number;
  /** The length is 0, and that the provider has nothing is to be proven before the sending. */
  toProve?: boolean;
  /** What the provider was asked for and has not given: it is asked for one thing at a time. */
  asked: Promise<unknown> | null;
  /** Told when the request is over, and no repetition will ask for the body again. */
  over?: () => void;
}

/** Where the body of a request comes from; `length` -1: until it ends, in chunks. */
export type RequestBody = MemoryBody | FileBody | ProvidedBody;

/** Makes a CONNECT tunnel through a proxy; words its own errors. */
export type OpenTunnel = (r: Request, hop: Hop) => Promise<number>;

/** When a request was begun, and how long its parts took. */
export interface Clock {
  /** Its place in the order in which the session's requests were begun. */
  ordinal: number;
  /** When it was begun, repetitions not counting, on the clock of `performance`. */
  startedAt: number;
  timings: Timings;
}

/** What the channels of a request are given: the same object each time, filled at its end. */
export interface TracedRequest {
  readonly session: ne_session;
  readonly request: ne_request;
  readonly method: string;
  /** Secrets in it are hidden. */
  readonly url: string;
  /** The `NE_*` code, `null` until the request has ended. */
  code: number | null;
  /** The status of the response, 0 where none was read, `null` until the request has ended. */
  status: number | null;
  /** Why there is no response. */
  error: Error | null;
}

/** The fields to send, each with its line end. */
export interface OutgoingFields {
  /** Those that every request begins with, as of its creation. */
  fixed: string;
  /** Those added by the caller. */
  added: string;
  /** Those to send behind a body in chunks. */
  trailer: string;
}

export interface Request {
  handle: ne_request;
  session: Session;
  method: string;
  /** As it is sent. */
  target: string;
  /** What is not sent of the target that was given, from its "#" on. */
  fragment: string;
  fields: OutgoingFields;
  flags: number[];
  body: RequestBody | null;
  readers: Reader[];
  interims: Hook<InterimHandler["handle"]>[];
  /** Made with the first value. */
  privates: Map<string, unknown> | null;
  /** A CONNECT request runs inside the turn of the request that needs the tunnel. */
  tunnel: { request: Request; hop: Hop } | null;
  /** Makes a tunnel for this request. */
  openTunnel: OpenTunnel;
  /** Its permission to go on, new for each conversation. */
  scope: Scope;
  /** What bounds this request alone. */
  bounds: {
    /** How long it may take as a whole, in milliseconds; 0 for what the session says. */
    deadlineMs: number;
    signal: AbortSignal | null;
  };
  /** Never sent again by itself where a kept connection ends without a response. */
  once: boolean;
  attempt: Attempt;
  /** The head of a response to the last sending has been read. */
  answered: boolean;
  /** What diagnostics channels are told of it, while anybody listens. */
  traced: TracedRequest | null;
  clock: Clock;
  /** How it went. */
  report: Report;
  /** Of the last response. */
  status: ne_status;
  /** What it brought besides its body. */
  response: { fields: Fields; trailer: Fields };
  /** See `ne_get_request_target`. */
  targetUri: ne_uri | null;
}

/** The fields of a response that has not come. */
export const NO_FIELDS = new Fields();

export function startClock(ordinal: number): Clock {
  return {
    ordinal,
    startedAt: performance.now(),
    timings: {
      lookup: null,
      connect: null,
      handshake: null,
      send: null,
      first_byte: null,
      receive: null,
      total: 0,
      reused: false,
    },
  };
}

/** The clock of a request that was never begun. */
export const NO_CLOCK: Clock = startClock(0);
