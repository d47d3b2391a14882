// One request of a sequence: made, sent, and its response taken in, to memory or to a stream.
import { NE_OK, NE_REDIRECT } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import {
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_get_status,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "../../ne_request.js";
import {
  nx_request_abort,
  nx_response_fields,
  nx_response_trailer_fields,
  nx_set_request_deadline,
  nx_set_request_signal,
} from "../../nx_session.js";
import { recordOf, streamError, streamingRecord } from "./result_record.js";
import { urlOf, type ResultRecord, type SendState } from "./send_state.js";
import { ACCEPTED } from "./send_options.js";
import { addField, type Field } from "./header_list.js";
import { submitLocks } from "./lock_tokens.js";
import { redirectAfter, type Redirected } from "./redirect.js";
import { IncomingBody, type BodyUse } from "./response_body.js";
import { isIdempotent, mayRetry } from "./retry.js";

/** Methods of requests that are expected to have a body. */
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);
const NO_BYTES = Buffer.alloc(0);

/** What one request came to: a response, or a redirect to follow with its status. */
export type Outcome =
  | { readonly record: ResultRecord }
  | { readonly redirect: Redirected; readonly status: number };

/** Sends the request of the step at hand. */
export async function sendStep(state: SendState): Promise<Outcome> {
  const { step, plan } = state;
  state.redirect = null;
  const req = ne_request_create(step.s.handle, step.method, step.target);
  if (plan.stream) return sendStreaming(state, req);
  try {
    const incoming = prepare(state, req, () => {});
    const code = await ne_request_dispatch(req);
    return await outcomeOf(state, req, incoming, code);
  } finally {
    ne_request_destroy(req);
  }
}

function prepare(
  state: SendState,
  req: ne_request,
  streams: (incoming: IncomingBody) => void,
): IncomingBody {
  const { step, plan, deadline } = state;
  if (plan.signal !== null) nx_set_request_signal(req, plan.signal);
  for (const field of step.fields) addField(req, field);
  submitLocks(req, step.method, step.target, step.fields);
  // a part of something compressed can't be decoded
  const asks = step.fields.some(([name]) => /^(accept-encoding|range)$/i.test(name));
  if (plan.decompress && !asks) ne_add_request_header(req, "Accept-Encoding", ACCEPTED);
  if (!isIdempotent(step.method)) ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  if (step.expect) ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  if (step.body !== null) step.body.give(req, plan.uploadProgress);
  // servers want to be told that there is none (RFC 9110 section 8.6)
  else if (WITH_BODY.has(step.method)) ne_set_request_body_buffer(req, NO_BYTES);
  if (deadline !== Infinity) {
    // a bound of 0 would be none
    nx_set_request_deadline(req, Math.max((deadline - performance.now()) / 1000, 0.001));
  }
  const incoming = new IncomingBody(step.s.handle, {
    stream: plan.stream,
    progress: plan.downloadProgress,
    useOf: (code) => useOf(state, req, code),
    streams,
  });
  ne_add_response_body_reader(req, IncomingBody.accept, IncomingBody.read, incoming);
  return incoming;
}

// A response has come, and its body is in memory or was passed over.
async function outcomeOf(
  state: SendState,
  req: ne_request,
  incoming: IncomingBody,
  code: number,
): Promise<Outcome> {
  const { redirect } = state;
  // ne_redirect says NE_REDIRECT where it is registered
  const isOver = code === NE_OK || code === NE_REDIRECT || incoming.cut;
  if (isOver && redirect !== null && typeof redirect === "object") {
    return { redirect, status: ne_get_status(req).code };
  }
  return { record: await recordOf(state, req, incoming, code) };
}

// A stream is the response as soon as it begins; the request goes on behind it.
function sendStreaming(state: SendState, req: ne_request): Promise<Outcome> {
  const { leave } = state.step;
  const trailers: Field[] = [];
  let isOver = false;
  let tellOver = (): void => {};
  const over = new Promise<void>((resolve) => (tellOver = resolve));
  const stop = (): Promise<void> => {
    if (!isOver) nx_request_abort(req);
    return over;
  };
  const finish = (): void => {
    isOver = true;
    Object.freeze(trailers);
    ne_request_destroy(req);
    if (state.streaming) leave();
    tellOver();
  };
  return new Promise((resolve, reject) => {
    const begin = ({ queue }: IncomingBody): void => {
      if (queue === null) return;
      state.streaming = true;
      resolve({ record: streamingRecord(state, req, queue, trailers, stop) });
    };
    const run = async (): Promise<void> => {
      const incoming = prepare(state, req, begin);
      try {
        const code = await ne_request_dispatch(req);
        if (incoming.queue === null) return resolve(await outcomeOf(state, req, incoming, code));
        trailers.push(...nx_response_trailer_fields(req));
        incoming.queue.end(code === NE_OK ? null : streamError(state, req, code));
      } catch (error) {
        incoming.queue?.end(error as Error);
        throw error;
      }
    };
    run().catch(reject).finally(finish);
  });
}

// What is to become of the body of a response.
function useOf(state: SendState, req: ne_request, code: number): BodyUse {
  state.redirect = code >= 300 && code < 400 ? redirectFrom(state, req, code) : null;
  if (state.redirect !== null && typeof state.redirect === "object") return "skip";
  return isLast(state, code) ? "wanted" : "quiet";
}

// Whether a response is what the call comes to, as far as its status says: a challenge may be
// answered by who has a hook for it, and others may be followed by another try.
function isLast(state: SendState, code: number): boolean {
  const { step } = state;
  if (code === 401 || code === 407) return step.s.hooks.postSend.length === 0;
  return !mayRetry(state, code);
}

function redirectFrom(state: SendState, req: ne_request, code: number): Redirected | string | null {
  const { step, plan, hops } = state;
  const { method, body } = step;
  return redirectAfter({
    code,
    fields: nx_response_fields(req),
    from: urlOf(step),
    method,
    body: body === null ? "none" : body.isRepeatable() ? "repeatable" : "once",
    taken: hops.length,
    limit: plan.redirects,
  });
}
