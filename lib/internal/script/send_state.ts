// The records that the parts of this room share: what nx_send sends, how far it has come, and how
// it ended.
import type { Readable } from "node:stream";
import type { Session } from "../session/session_state.js";
import { ne_uri_defaultport } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";
import type { Field } from "./header_list.js";
import type { Redirected } from "./redirect.js";
import type { OutgoingBody, nx_progress_fn } from "./request_body.js";

/** A request to send, and how. */
export interface SendPlan {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: OutgoingBody | null;
  readonly signal: AbortSignal | null;
  /** Seconds, 0 for no bound. */
  readonly timeout: number;
  readonly redirects: number;
  /** Names, in lower case, of fields that may go to another origin. */
  readonly redirectHeaders: ReadonlySet<string>;
  readonly retries: number;
  readonly expect: boolean;
  readonly stream: boolean;
  readonly decompress: boolean;
  readonly uploadProgress: nx_progress_fn | null;
  readonly downloadProgress: nx_progress_fn | null;
}

/** A redirect that was followed. */
export interface Hop {
  readonly status: number;
  readonly from: string;
  readonly to: string;
}

/** What came of it. */
export interface ResultRecord {
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
  readonly status: Readonly<ne_status> | null;
  readonly headers: readonly Field[];
  readonly trailers: readonly Field[];
  readonly body: Buffer;
  readonly stream: Readable | null;
  readonly url: string;
  readonly redirects: readonly Hop[];
  readonly not_followed: string | null;
}

/** One request of the sequence. */
export interface Step {
  readonly s: Session;
  /** Destroys the session, if it was made for this step. */
  readonly leave: () => void;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: OutgoingBody | null;
  readonly expect: boolean;
}

/** A sequence of requests under way. */
export interface SendState {
  /** The session that the first request is sent over. */
  readonly home: Session;
  readonly plan: SendPlan;
  step: Step;
  readonly hops: Hop[];
  /** Tries after the first. */
  tries: number;
  /** When it has to be over, on the clock of `performance`. */
  readonly deadline: number;
  /** Where the response at hand leads, or why that is not followed. */
  redirect: Redirected | string | null;
  /** The response is a stream that is still being read from the connection. */
  streaming: boolean;
}

/** The URL of a step. */
export function urlOf({ s, target }: Step): string {
  if (!target.startsWith("/")) {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return target;
    return `${s.scheme}://${hostOf(s)}/`;
  }
  return `${s.scheme}://${hostOf(s)}${target}`;
}

// Host and port: of an IPv6 address with its brackets, and its zone, which the Host field has not.
function hostOf(s: Session): string {
  const { hostname, port } = s.server;
  if (!hostname.includes(":")) return s.hostport;
  const host = hostname.startsWith("[") ? hostname : `[${hostname}]`;
  return port === ne_uri_defaultport(s.scheme) ? host : `${host}:${port}`;
}
