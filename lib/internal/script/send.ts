// One request as a script sends it: from its parts to a plain value, redirects followed.
//
//   attempt ──► begin ──► status ──┬─ redirect to follow ──► attempt, there
//      ▲                           └─ body ──► end ──► answer
//      └────────── NE_RETRY ◄──────────────────┘
//
// Once a redirect has left the origin, nothing of the session's own comes back, not even at home:
// who sent the request there may have chosen what it does.
import type { Readable } from "node:stream";
import { cloneSession } from "../session/clone.js";
import { NE_OK, NE_RETRY } from "../base/constants.js";
import { nx_error } from "./nx_error.js";
import { isBytes } from "../base/bytes.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { sessions, type Session } from "../session/session.js";
import {
  ne_add_request_header,
  ne_begin_request,
  NE_REQFLAG_IDEMPOTENT,
  ne_request_create,
  ne_request_destroy,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "../../ne_request.js";
import {
  ne_get_error,
  ne_get_scheme,
  ne_get_server_hostport,
  ne_session_destroy,
} from "../../ne_session.js";
import type { ne_status } from "../../ne_utils.js";
import {
  nx_get_cause,
  nx_response_fields,
  nx_response_trailer_fields,
  nx_set_request_deadline,
  nx_set_request_signal,
} from "../../nx_session.js";
import { nx_set_request_body_stream, type nx_body_source } from "../../nx_stream.js";
import { collect, contentOf, ContentStream, endOf, openBody, statusOf } from "./response_body.js";
import type { Incoming } from "./response_body.js";
import { ACCEPTED } from "./decode.js";
import { isSameOrigin, redirectAfter, redirectFields, type Redirected } from "./redirect.js";

type Field = readonly [name: string, value: string];

/** A request to send, and how. */
export interface Sending {
  readonly session: Session;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: Uint8Array | nx_body_source | (() => nx_body_source) | null;
  readonly length: number;
  readonly signal: AbortSignal | null;
  /** Seconds, 0 for no bound. */
  readonly timeout: number;
  readonly redirects: number;
  readonly stream: boolean;
  readonly decompress: boolean;
}

/** What came of it. */
export interface Answer {
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
  readonly status: Readonly<ne_status> | null;
  readonly headers: readonly Field[];
  readonly trailers: readonly Field[];
  readonly body: Buffer;
  readonly stream: Readable | null;
  readonly url: string;
}

// One request of the sequence.
interface Step {
  readonly sess: ne_session;
  /** Destroys the session, if it was made for this step. */
  readonly leave: () => void;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: Sending["body"];
  /** Redirects left. */
  readonly redirects: number;
}

/** Bytes of a redirect's body that are read to keep its connection. */
const MAX_REDIRECT_BODY = 64 * 1024;
/** Bytes of an error's body that are read before it is given as a stream. */
const MAX_HELD_BODY = 1 << 20;

/** Methods that may be repeated (RFC 9110 section 9.2.2, and the WebDAV RFCs). */
const IDEMPOTENT = new Set(
  [
    ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY"],
    ["MOVE", "UNLOCK", "REPORT", "SEARCH", "ACL"],
  ].flat(),
);

const NOTHING = Buffer.alloc(0);

type Outcome = { readonly answer: Answer } | { readonly next: Step };

/** Sends a request, and others where redirects lead. */
export async function sendFollowing(sending: Sending): Promise<Answer> {
  const { timeout } = sending;
  const deadline = performance.now() + timeout * 1000;
  let step: Step = {
    sess: sending.session.handle,
    leave: () => {},
    method: sending.method,
    target: sending.target,
    fields: sending.fields,
    body: sending.body,
    redirects: sending.redirects,
  };
  for (;;) {
    const now: Step = step;
    const req = ne_request_create(now.sess, now.method, now.target);
    const over = (): void => {
      ne_request_destroy(req);
      now.leave();
    };
    try {
      prepare(req, now, sending);
      // a bound of 0 would be none
      const left = Math.max((deadline - performance.now()) / 1000, 0.001);
      nx_set_request_deadline(req, timeout > 0 ? left : timeout);
      const outcome = await attempt(now, req, sending, over);
      if ("answer" in outcome) {
        if (outcome.answer.stream === null) over();
        return outcome.answer;
      }
      step = outcome.next;
    } catch (error) {
      over();
      throw error;
    }
    ne_request_destroy(req);
    if (step.sess !== now.sess) now.leave();
  }
}

function prepare(req: ne_request, step: Step, sending: Sending): void {
  nx_set_request_signal(req, sending.signal);
  for (const [name, value] of step.fields) ne_add_request_header(req, name, value);
  const has = (wanted: RegExp): boolean => step.fields.some(([name]) => wanted.test(name));
  // a part of something compressed can't be decoded
  if (sending.decompress && !has(/^(accept-encoding|range)$/i)) {
    ne_add_request_header(req, "Accept-Encoding", ACCEPTED);
  }
  if (!IDEMPOTENT.has(step.method)) ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  const { body } = step;
  if (body === null) return;
  if (isBytes(body)) ne_set_request_body_buffer(req, body);
  else nx_set_request_body_stream(req, body, sending.length);
}

async function attempt(
  step: Step,
  req: ne_request,
  sending: Sending,
  over: () => void,
): Promise<Outcome> {
  for (;;) {
    const begun = await ne_begin_request(req);
    if (begun !== NE_OK) return { answer: failed(step, begun) };
    const incoming = openBody(step.sess, req, step.method);
    const redirected = redirectOf(step, req, sending);
    if (redirected !== null && typeof redirected !== "string") {
      if ((await skip(incoming)) === NE_RETRY) continue;
      return { next: stepTo(redirected, step, sending) };
    }
    // a stream can't be taken back, so only what is no error becomes one at once
    if (sending.stream && statusOf(req).klass === 2) {
      return { answer: streaming(step, incoming, sending, over) };
    }
    try {
      const whole = await collect(incoming, sending.stream ? MAX_HELD_BODY : Infinity);
      const code = whole ? await endOf(incoming) : NE_OK;
      if (code === NE_RETRY) continue;
      if (sending.stream) return { answer: streaming(step, incoming, sending, over, code) };
      return { answer: await complete(step, incoming, sending, code) };
    } catch (error) {
      if (!(error instanceof nx_error)) throw error;
      return { answer: broken(step, req, error) };
    }
  }
}

// ---- answers ----

function failed(step: Step, code: number): Answer {
  const { sess } = step;
  const error = ne_get_error(sess);
  const cause = nx_get_cause(sess);
  const rest = { status: null, headers: [], trailers: [], body: NOTHING, stream: null };
  return { code, error, cause, ...rest, url: urlOf(step) };
}

function headOf(step: Step, req: ne_request, code: number): Omit<Answer, "trailers"> {
  const status = statusOf(req);
  const { sess } = step;
  return {
    code,
    error: code === NE_OK ? `${status.code} ${status.reason_phrase ?? ""}` : ne_get_error(sess),
    cause: code === NE_OK ? null : nx_get_cause(sess),
    status,
    headers: Object.freeze(nx_response_fields(req)),
    body: NOTHING,
    stream: null,
    url: urlOf(step),
  };
}

function broken(step: Step, req: ne_request, error: nx_error): Answer {
  const { code, message } = error;
  const cause = error.cause instanceof Error ? error.cause : null;
  return { ...headOf(step, req, code), error: message, cause, trailers: [] };
}

async function complete(
  step: Step,
  incoming: Incoming,
  sending: Sending,
  code: number,
): Promise<Answer> {
  const { req } = incoming;
  // before a callback of the application can change what the session says
  const head = headOf(step, req, code);
  const blocks: Buffer[] = [];
  for await (const block of contentOf(incoming, sending.decompress)) blocks.push(block);
  const trailers = Object.freeze(nx_response_trailer_fields(req));
  return { ...head, trailers, body: Buffer.concat(blocks) };
}

function streaming(
  step: Step,
  incoming: Incoming,
  sending: Sending,
  over: () => void,
  code = NE_OK,
): Answer {
  const { req } = incoming;
  const trailers: Field[] = [];
  const content = async function* (): AsyncGenerator<Buffer> {
    yield* contentOf(incoming, sending.decompress);
    trailers.push(...nx_response_trailer_fields(req));
  };
  const stream = new ContentStream(incoming, content(), over);
  return { ...headOf(step, req, code), trailers, stream };
}

function urlOf({ sess, target }: Step): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(target);
  const server = `${ne_get_scheme(sess)}://${ne_get_server_hostport(sess)}`;
  const url = absolute ? target : server + (target.startsWith("/") ? target : "/");
  return url.replace(/#.*$/s, "");
}

// ---- redirects ----

// The next request that a response asks for, or why there is none; `null` for no redirect.
function redirectOf(step: Step, req: ne_request, sending: Sending): Redirected | string | null {
  const { body, method, redirects } = step;
  const isRepeatable = isBytes(body) || typeof body === "function";
  return redirectAfter({
    code: statusOf(req).code,
    fields: nx_response_fields(req),
    from: urlOf(step),
    method,
    body: body === null ? "none" : isRepeatable ? "repeatable" : "once",
    taken: sending.redirects - redirects,
    limit: sending.redirects,
  });
}

// Reads a body that nobody wants, for the sake of the connection, if it is short.
async function skip(incoming: Incoming): Promise<number> {
  try {
    if (await collect(incoming, MAX_REDIRECT_BODY)) return await endOf(incoming);
    incoming.source.destroy();
  } catch (error) {
    if (!(error instanceof nx_error)) throw error;
  }
  return NE_OK;
}

function stepTo(redirected: Redirected, step: Step, sending: Sending): Step {
  const { place, method, withBody } = redirected;
  const { session: s } = sending;
  const from = sessions.open(step.sess, "nx_send");
  const origin = { scheme: from.scheme, host: from.server.hostname, port: from.server.port };
  const stays = isSameOrigin(origin, place);
  const next = {
    method,
    target: place.target,
    fields: redirectFields(step.fields, withBody, stays, new Set()),
    body: withBody ? step.body : null,
    redirects: step.redirects - 1,
  };
  if (stays) return { sess: step.sess, leave: step.leave, ...next };
  const sess = cloneSession(s, { ...place, stranger: true }).handle;
  return { sess, leave: () => ne_session_destroy(sess), ...next };
}
