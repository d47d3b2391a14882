// An upload under way: what it is to do, what it has done, and what its protocols share.
import { ne_get_scheme, ne_get_server_hostport } from "../../ne_session.js";
import { NE_DEPTH_INFINITE } from "../base/constants.js";
import {
  sendRequest,
  fieldOf,
  hasStatus,
  isDone,
  type TransferResponse,
  type TransferRequest,
  type Field,
  type TransferContext,
} from "./transfer_request.js";
import { unlessAborted } from "./abortable.js";
import { refused } from "./failed_transfer.js";
import { isLost, Tries } from "./retries.js";
import type { Source, ProgressFn } from "./source.js";
import type { nx_progress_fn } from "../script/request_body.js";

/** The names of the protocols. */
export const PROTOCOLS = ["put", "nextcloud", "tus", "sabre-patch", "content-range"] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

/** Where an upload stands, as the caller keeps it. */
export interface State {
  readonly protocol: ProtocolName;
  readonly path: string;
  readonly url: string;
  readonly size: number | null;
  readonly done: number;
  readonly source: string;
}

/** What has to hold of the resource that is replaced. */
export interface Conditions {
  /** An entity tag, a list of them or `*`. */
  readonly match: string | null;
  readonly noneMatch: string | null;
}

export interface Job {
  readonly context: TransferContext;
  readonly path: string;
  readonly source: Source;
  /** What tells the source from another; empty where nobody asks. */
  fingerprint: string;
  conditions: Conditions;
  readonly contentType: string | null;
  readonly mtime: Date | null;
  /** Bytes a piece, of the first one where they grow. */
  readonly chunk: number;
  /** Whether pieces become larger where they go quickly: the caller has not said how large. */
  readonly chunkGrows: boolean;
  readonly retries: number;
  readonly progress: nx_progress_fn | null;
  readonly onstate: ((state: State) => unknown) | null;
  /** Bytes that the server has, as far as is known. */
  done: number;
}

/** A file that was found to be the one that was sent. */
export interface Found {
  readonly etag: string | null;
}

/** Over which line requests go, and how often they are tried again. */
export type Retrying = Pick<Job, "context" | "retries">;

/** What became of an upload. */
export interface Result {
  readonly created: boolean;
  readonly etag: string | null;
}

/** A protocol that sends a file in pieces. */
export interface Protocol {
  readonly name: ProtocolName;
  /** How many pieces more there may be. */
  piecesLeft(): number;
  /** Makes room on the server. @returns where the pieces go */
  begin(job: Job): Promise<string>;
  /** The bytes that the server has of what was begun; throws `BeginAnew` where it is gone. */
  standing(job: Job, url: string): Promise<number>;
  /** Sends a piece, or throws. @returns the bytes that the server has now */
  send(job: Job, url: string, piece: Piece): Promise<number>;
  /** Makes the file of what has been sent. */
  finish(job: Job, url: string): Promise<Result>;
  /** Removes what was begun. */
  remove(job: Job, url: string): Promise<void>;
  /** Whether a response to a piece only means that it has to be asked where things stand. */
  passes?(response: TransferResponse): boolean;
}

/** A part of the source. */
export interface Piece {
  readonly start: number;
  readonly length: number;
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

/** Tells the caller where the upload stands. */
export async function tell(job: Job, protocol: ProtocolName, url: string): Promise<void> {
  const { path, source, fingerprint, done, context } = job;
  const state = { protocol, path, url, size: source.size, done, source: fingerprint };
  await unlessAborted(context, job.onstate?.(Object.freeze(state)));
}

/** Progress for the body of a piece. */
export function progressFrom(job: Job, start: number): ProgressFn {
  const { progress, source } = job;
  return progress === null ? null : (done) => progress(start + done, source.size);
}

/** Sends one request that may be repeated, as often as it takes. @returns the last response */
export async function sendUntilDone(
  { context, retries }: Retrying,
  request: TransferRequest,
  isFine = isDone,
): Promise<TransferResponse> {
  const tries = new Tries(context, retries);
  for (;;) {
    const response = await sendRequest(context, request);
    if (isFine(response)) return response;
    await tries.again(response);
  }
}

/**
 * Sends a request that must not be repeated where it was heard. Once a response has been lost,
 * `look` tells, before each repetition and before giving up, whether it was.
 * @returns the response, or what `look` found
 */
export async function sendUnrepeatable<T>(
  job: Job,
  request: TransferRequest,
  inspect: () => Promise<T | null>,
): Promise<{ response: TransferResponse } | { found: T }> {
  const tries = new Tries(job.context, job.retries);
  let wasLost = false;
  for (;;) {
    const response = await sendRequest(job.context, request);
    if (isDone(response)) return { response };
    wasLost ||= isLost(response);
    const isHopeful = await tries.may(response);
    const found = wasLost ? await inspect() : null;
    if (found !== null) return { found };
    if (!isHopeful) throw refused(response);
  }
}

/** Removes a resource that nobody needs any more. */
export async function discard(
  { context }: Job,
  target: string,
  fields: readonly Field[] = [],
): Promise<void> {
  const changes = [[target, NE_DEPTH_INFINITE]] as const;
  await sendRequest(context, { method: "DELETE", target, fields, changes });
}

/** The URL of a path, as Destination and If show it. */
export function urlOf({ sess }: TransferContext, path: string): string {
  return `${ne_get_scheme(sess)}://${ne_get_server_hostport(sess)}${path}`;
}

/** Fields that say when the file was modified, where the server cares. */
export function mtimeFields({ mtime }: Pick<Job, "mtime">): Field[] {
  return mtime === null ? [] : [["X-OC-Mtime", String(Math.floor(mtime.getTime() / 1000))]];
}

/** Fields that say what the file is. */
export function typeFields({ contentType }: Pick<Job, "contentType">): Field[] {
  return contentType === null ? [] : [["Content-Type", contentType]];
}

/** Throws what a response is where it is no success. */
export function requireDone(response: TransferResponse): TransferResponse {
  if (isDone(response)) return response;
  throw refused(response);
}

/** What the caller is told of the request that made the file, or of the file that was found. */
export function resultOf(
  { conditions }: Pick<Job, "conditions">,
  end: { response: TransferResponse } | { found: Found },
): Result {
  if ("found" in end) {
    return { created: conditions.noneMatch === "*", etag: end.found.etag };
  }
  const { response } = end;
  const etag = fieldOf(response, "etag") ?? fieldOf(response, "oc-etag");
  return { created: hasStatus(response, 201), etag };
}
