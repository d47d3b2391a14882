// What is kept of one attempt of a request: the bytes of its head and body, what came back, and
// when. Everything is put down as it is, cheaply; har.ts and curl.ts make something of it later.
import type { Fields } from "../http/head.js";
import { NO_BODY, KeptBody } from "../session/kept_body.js";
import { NO_FIELDS } from "../session/request_state.js";

/** Interim responses that are kept of one request. */
const MAX_INTERIMS = 20;

/** An interim response. */
export interface Interim {
  code: number;
  reason: string;
  fields: Fields;
}

/** How a connection was reached, as curl has to be told. */
export interface Route {
  /** Number of the connection, as the recorder counts. */
  id: number;
  /** The address at its other end, `null` where that has none. */
  peer: string | null;
  proxy: { url: string; login: string | null; tunnel: boolean } | null;
  unixPath: string | null;
}

export interface RecordedAttempt {
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  readonly hostport: string;
  /** Milliseconds on the clock of `performance`: begun, head sent, status line read, over. */
  readonly begunAt: number;
  sentAt: number | null;
  statusAt: number | null;
  endedAt: number;
  /** Milliseconds that parts of it took, `null` for what did not happen. */
  readonly took: {
    lookup: number | null;
    connect: number | null;
    handshake: number | null;
    send: number | null;
  };
  route: Route | null;
  /** Latin-1, with the empty line behind it; `null` if it was never sent. */
  head: string | null;
  body: KeptBody;
  /** Payload bytes of each chunk of a body sent in chunks. */
  chunks: number[] | null;
  /** Fields sent behind the chunks, with their line ends. */
  trailerFields: string;
  readonly interims: Interim[];
  interimCount: number;
  /** `null` without a final status line. */
  status: { code: number; reason: string; major: number; minor: number } | null;
  fields: Fields;
  /** Bytes of the head of the final response, -1 unless it was read. */
  headBytes: number;
  readonly responseBody: KeptBody;
  trailer: Fields;
  /** Why it failed. */
  error: string | null;
  /** The end of the response was read. */
  complete: boolean;
}

/**
 * An empty attempt for a request that begins now. (Named field by field: an object that is made
 * from another one is many times slower.)
 */
export function createAttempt(
  request: Pick<RecordedAttempt, "method" | "target" | "scheme" | "hostport">,
  bodyLimit: number,
): RecordedAttempt {
  return {
    method: request.method,
    target: request.target,
    scheme: request.scheme,
    hostport: request.hostport,
    begunAt: performance.now(),
    sentAt: null,
    statusAt: null,
    endedAt: 0,
    took: { lookup: null, connect: null, handshake: null, send: null },
    route: null,
    head: null,
    body: NO_BODY,
    chunks: null,
    trailerFields: "",
    interims: [],
    interimCount: 0,
    status: null,
    fields: NO_FIELDS,
    headBytes: -1,
    responseBody: new KeptBody(bodyLimit),
    trailer: NO_FIELDS,
    error: null,
    complete: false,
  };
}

/** Puts an interim response down; of very many only the first are kept. */
export function addInterim(attempt: RecordedAttempt, interim: Interim): void {
  attempt.interimCount++;
  if (attempt.interims.length < MAX_INTERIMS) attempt.interims.push(interim);
}
