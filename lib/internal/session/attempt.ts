// One attempt to get a response: where it is, what it has there, and where it may go.
//
//   from     to: waiting  opening  sending  answered  body  idle
//   idle            x
//   waiting                  x                               x
//   opening                           x                      x
//   sending                  x                 x             x    opening: a stale connection
//   answered                                            x    x
//   body                     x                               x    opening: sent again, NE_RETRY
//
//   idle      not begun, or over
//   waiting   for its turn
//   opening   has its turn: the head is made, a connection taken or opened
//   sending   head and body go out, the final status line has not come
//   answered  the status is known: fields, framing, post_headers hooks
//   body      who takes the body, and from there to the end of the request
//
// A state holds what exists only while it lasts. After a wait, check that it is still the state.
import type { BodyDecoder } from "../http/body_decoder.js";
import type { WireFailure } from "../wire/wire_failure.js";
import type { Connection, Turn } from "./session_state.js";

/** The sending of a body, under way or over. */
export interface Upload {
  /** `null` while it goes on. */
  result: UploadResult | null;
  finished: Promise<void>;
  /** It waits for the peer or the application: the moment to look for an early response. */
  waits: boolean;
  /** Told when it begins to wait. */
  look: () => void;
  /** What is being sent, for the error of a connection that fails now. */
  doing: string;
  stop(): void;
}

/** How the sending of a body ended. */
export type UploadResult =
  | { readonly how: "sent" }
  /** The connection broke. */
  | { readonly how: "broken"; readonly failure: WireFailure }
  /** The file or provider failed, and set this error. */
  | { readonly how: "refused"; readonly error: string; readonly cause: Error | null }
  /** The provider threw. */
  | { readonly how: "threw"; readonly thrown: unknown };

/** The body of a response that is being read. */
export interface Reply {
  readonly decoder: BodyDecoder;
  /** The head says that the connection may carry another request. */
  readonly persists: boolean;
  progress: number;
  /** -1 where that is not known. */
  total: number;
}

export interface Idle {
  readonly at: "idle";
  /** The connection that a repetition goes over, if it was kept. */
  readonly kept: Connection | null;
}

export interface Waiting {
  readonly at: "waiting";
  readonly turn: Turn;
  /** As in `Idle`. */
  readonly kept: Connection | null;
}

export interface Opening {
  readonly at: "opening";
  readonly turn: Turn;
}

export interface Sending {
  readonly at: "sending";
  readonly turn: Turn;
  readonly connection: Connection;
  /** The connection has answered a request before, and nothing to this one. */
  mayBeStale: boolean;
  upload: Upload | null;
  /** What could not be sent; a response that came before says why. */
  broken: { readonly doing: string; readonly failure: WireFailure } | null;
}

export interface Answered {
  readonly at: "answered";
  readonly turn: Turn;
  readonly connection: Connection;
  readonly upload: Upload | null;
}

export interface Body {
  readonly at: "body";
  readonly turn: Turn;
  readonly connection: Connection;
  readonly upload: Upload | null;
  readonly reply: Reply;
  /** A step of the conversation is under way. */
  busy: boolean;
}

export type Attempt = Idle | Waiting | Opening | Sending | Answered | Body;

/** Where an attempt may go. */
export const EDGES: { readonly [at in Attempt["at"]]: readonly Attempt["at"][] } = {
  idle: ["waiting"],
  waiting: ["opening", "idle"],
  opening: ["sending", "idle"],
  sending: ["opening", "answered", "idle"],
  answered: ["body", "idle"],
  body: ["opening", "idle"],
};

/** Goes on to another state. */
export function move<A extends Attempt>(r: { attempt: Attempt }, to: A): A {
  const from = r.attempt.at;
  if (!EDGES[from].includes(to.at)) {
    throw new Error(`an attempt cannot go from "${from}" to "${to.at}"`);
  }
  r.attempt = to;
  return to;
}

/** The turn of an attempt that has begun. */
export function turnOf({ attempt }: { readonly attempt: Attempt }): Turn | null {
  return attempt.at === "idle" ? null : attempt.turn;
}

/** The connection of an attempt, as soon as it has one. */
export function connectionIn({ attempt }: { readonly attempt: Attempt }): Connection | null {
  return attempt.at === "idle" ? null : attempt.turn.connection;
}

/** The response of an attempt whose head has been read. */
export function replyOf({ attempt }: { readonly attempt: Attempt }): Reply | null {
  return attempt.at === "body" ? attempt.reply : null;
}

/** The upload of an attempt, if one has begun. */
export function uploadOf({ attempt }: { readonly attempt: Attempt }): Upload | null {
  return "upload" in attempt ? attempt.upload : null;
}
