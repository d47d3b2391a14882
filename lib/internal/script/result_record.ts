// Makes the record of a request's outcome, from its code and the request, before that is destroyed.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import type { ne_request } from "../base/handle.js";
import { failResponse, reportUnreadable } from "../session/failed_response.js";
import { requests } from "../session/request.js";
import type { Session } from "../session/session_state.js";
import { ne_set_error } from "../../ne_session.js";
import { nx_response_fields, nx_response_trailer_fields } from "../../nx_session.js";
import { urlOf, type ResultRecord, type SendState, type Hop } from "./send_state.js";
import { decodeBody, type Coding } from "./decode.js";
import type { Field } from "./header_list.js";
import {
  codingsIn,
  ContentStream,
  decodedBody,
  statusOf,
  type BlockQueue,
  type IncomingBody,
} from "./response_body.js";

const NOTHING = Buffer.alloc(0);
const NO_FIELDS: readonly Field[] = Object.freeze([]);
const NO_HOPS: readonly Hop[] = Object.freeze([]);

interface Failure {
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
}

/** A request that no response was read to. */
export function failedRecord(state: SendState, code: number): ResultRecord {
  return {
    ...failureOf(state, code),
    status: null,
    headers: NO_FIELDS,
    trailers: NO_FIELDS,
    body: NOTHING,
    stream: null,
    url: urlOf(state.step),
    redirects: hopsOf(state),
    not_followed: null,
  };
}

// The session says why its last request failed.
function failureOf({ step, home }: SendState, code: number): Failure {
  const { s } = step;
  if (s.destroyed || home.destroyed) {
    const cause = s.cause ?? new Error("the session was destroyed");
    return { code: NE_ERROR, error: "Session destroyed", cause };
  }
  return { code, error: s.error, cause: s.cause };
}

function hopsOf({ hops }: SendState): readonly Hop[] {
  return hops.length === 0 ? NO_HOPS : Object.freeze([...hops]);
}

/** What a dispatch came to, the body in memory. */
export async function recordOf(
  state: SendState,
  req: ne_request,
  incoming: IncomingBody,
  code: number,
): Promise<ResultRecord> {
  if (!requests.open(req, "nx_send").answered) return failedRecord(state, code);
  // before a callback of the application can change what the session says
  const head = headOf(state, req, code);
  const trailers = frozen(nx_response_trailer_fields(req));
  const blocks = incoming.body.take();
  const codings = blocks.length === 0 ? [] : codingsIn(req, state.plan.decompress);
  if (codings.length > 0) {
    const decoded = await decode(state, { ...head, trailers }, blocks, codings);
    if (decoded.code !== code) reportUncoded(req);
    return decoded;
  }
  const [first = NOTHING] = blocks;
  const body = blocks.length > 1 ? Buffer.concat(blocks) : first;
  if (!state.plan.stream) return { ...head, trailers, body };
  return { ...head, trailers, stream: inMemory([body]) };
}

async function decode(
  state: SendState,
  head: ResultRecord,
  blocks: Buffer[],
  codings: readonly Coding[],
): Promise<ResultRecord> {
  const { s } = state.step;
  if (state.plan.stream) {
    const content = decodeBody(blocks, codings, s.limits);
    return { ...head, stream: new ContentStream(content, async () => {}) };
  }
  const { body, failure } = await decodedBody(s, blocks, codings);
  // of a body that broke off, that is the reason, and not what became of its rest
  if (failure === null || head.code !== NE_OK) return { ...head, body };
  setError(s, failure);
  return { ...head, ...failureIn(failure), body };
}

// The request may be gone: a callback of the application can destroy it.
function reportUncoded(req: ne_request): void {
  if (!requests.is(req)) return;
  reportUnreadable(req);
  failResponse(req);
}

function inMemory(blocks: Buffer[]): ContentStream {
  const content = async function* (): AsyncGenerator<Buffer> {
    yield* blocks.filter(({ length }) => length > 0);
  };
  return new ContentStream(content(), async () => {});
}

function failureIn({ code, message, cause }: nx_error): Failure {
  return { code, error: message, cause: cause instanceof Error ? cause : null };
}

function setError(s: Session, { message }: nx_error): void {
  if (!s.destroyed) ne_set_error(s.handle, "%s", message);
}

/** A response whose body is a stream, from its head. */
export function streamingRecord(
  state: SendState,
  req: ne_request,
  queue: BlockQueue,
  trailers: Field[],
  stop: () => Promise<void>,
): ResultRecord {
  const codings = codingsIn(req, state.plan.decompress);
  const status = statusOf(req);
  const { s } = state.step;
  const content = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* decodeBody(queue.read(), codings, s.limits);
    } catch (error) {
      if (!(error instanceof nx_error) || error.status !== null) throw error;
      setError(s, error);
      throw new nx_error(error.message, error.code, status, error);
    }
  };
  const stream = new ContentStream(content(), stop);
  return { ...headOf(state, req, NE_OK), trailers, stream };
}

/** Why a body broke off, as what its stream is destroyed with. */
export function streamError(state: SendState, req: ne_request, code: number): nx_error {
  const { error, cause, code: shown } = failureOf(state, code);
  return new nx_error(error, shown, statusOf(req), cause);
}

function headOf(state: SendState, req: ne_request, code: number): ResultRecord {
  const status = statusOf(req);
  const { redirect } = state;
  const failure = code === NE_OK ? null : failureOf(state, code);
  return {
    code: failure?.code ?? NE_OK,
    error: failure?.error ?? `${status.code} ${status.reason_phrase ?? ""}`,
    cause: failure?.cause ?? null,
    status,
    headers: frozen(nx_response_fields(req)),
    trailers: NO_FIELDS,
    body: NOTHING,
    stream: null,
    url: urlOf(state.step),
    redirects: hopsOf(state),
    // one to be followed is here because its response was not read to its end
    not_followed:
      redirect === null || typeof redirect === "string" ? redirect : "the response broke off",
  };
}

function frozen(fields: readonly Field[]): readonly Field[] {
  return fields.length === 0 ? NO_FIELDS : Object.freeze(fields);
}
