// Authentication, a plugin of the public hooks. For each class (server, proxy) the session has a
// record: who is registered, and the login that was accepted. Every request has one as well: how
// often the application was asked, and what the request was signed with.
//
//   create_request   the request's record
//   pre_send         login ──► Authorization
//   post_send        401: challenges, strongest first ──► first registration for the scheme
//                         ──► login and NE_RETRY, or NE_AUTH with all the reasons
//                    else: the server's proof, if it gave one
//
// All of it is steps (base/steps.ts): nothing is waited for unless a callback gave a promise.
import { createHash, type Hash } from "node:crypto";
import { resetStale } from "../auth/digest.js";
import { NE_AUTH_PROXY } from "../auth/protocol_bits.js";
import type { Answer, Login, Question, Scheme, Signature } from "../auth/scheme.js";
import { isOnOrigin } from "../http/target_origin.js";
import { NE_ERROR, NE_OK, NE_RETRY } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { isPromise } from "../base/promise.js";
import {
  countBegun,
  ordinalOf,
  isReadByProxy,
  renewConnections,
  requestBodyHash,
  whileRunning,
} from "../session/plugin_access.js";
import { reportLogin } from "../session/failed_response.js";
import {
  ne_get_session_private,
  ne_set_error,
  ne_set_session_private,
} from "../../ne_session.js";
import {
  ne_accept_always,
  ne_add_response_body_reader,
  ne_get_request_private,
  ne_get_response_header,
  ne_get_response_trailer,
  ne_get_status,
  ne_hook_create_request,
  ne_hook_destroy_session,
  ne_hook_post_send,
  ne_hook_pre_send,
  type ne_post_send_fn,
  type ne_pre_send_fn,
  ne_set_request_private,
} from "../../ne_request.js";
import { ne_buffer_concat, type ne_buffer } from "../../ne_string.js";
import { run, valueOf, type Steps } from "../base/steps.js";
import { runScheme } from "./run_scheme.js";
import {
  circumstances,
  hostOf,
  newGuarded,
  originOf,
  outgoing,
  peerOf,
  setLogin,
  traceAuth,
  tracePostSend,
  type Guarded,
  type Signed,
} from "./login_state.js";
import { usableChallenges, answerChallenge } from "./usable_challenges.js";
import { PROXY, SERVER, type AuthClass, type Registration } from "./registration.js";
import type { ne_status } from "../../ne_utils.js";
import { BEARER } from "../auth/bearer.js";

/** Times that one request is sent again for challenges: no callback is asked for ever. */
const MAX_ROUNDS = 100;

/** Registers a callback with a session for one class. */
export function register(sess: ne_session, cls: AuthClass, registration: Registration): void {
  const known = ne_get_session_private<Guarded>(sess, cls.id);
  if (known !== null) {
    const at = known.registrations.findIndex(
      ({ slot }) => slot !== undefined && slot === registration.slot,
    );
    if (at < 0) {
      known.registrations.push(registration);
      return;
    }
    if (known.by === known.registrations[at]) forgetLogin(known);
    known.registrations[at] = registration;
    return;
  }
  const guarded = newGuarded(sess, cls, [registration]);
  ne_set_session_private(sess, cls.id, guarded);
  ne_hook_create_request(sess, createRequest, guarded);
  ne_hook_pre_send(sess, preSend, guarded);
  ne_hook_post_send(sess, postSend, guarded);
  ne_hook_destroy_session(sess, destroySession, guarded);
}

/** Forgets the logins of a session. */
export function forgetLogins(sess: ne_session): void {
  for (const cls of [SERVER, PROXY]) {
    const guarded = ne_get_session_private<Guarded>(sess, cls.id);
    if (guarded !== null) forgetLogin(guarded);
  }
}

// A connection that a login is bound to stays that user's, so the next user needs another one.
function forgetLogin(g: Guarded): void {
  if (g.login?.bound === true) renewConnections(g.sess);
  setLogin(g, null, null);
}

function destroySession(guarded: Guarded): void {
  guarded.login = null;
  guarded.by = null;
  guarded.registrations.length = 0;
}

function createRequest(req: ne_request, g: Guarded, method: string, target: string): void {
  traceAuth(g, "Create for %s\n", g.cls.challengeField);
  const signed: Signed = {
    req,
    method,
    target,
    attempts: new Map(),
    rounds: 0,
    used: null,
    by: null,
    signature: null,
    body: null,
    readsBody: false,
  };
  ne_set_request_private(req, g.cls.id, signed);
}

// ---- sending ----

const preSend: ne_pre_send_fn<Guarded> = (req, g, header) => run(sign(req, g, header));

function* sign(req: ne_request, g: Guarded, header: ne_buffer): Steps<void> {
  const signed = ne_get_request_private<Signed>(req, g.cls.id);
  if (signed === null) return;
  signed.used = null;
  signed.signature = null;
  if (!concerns(g, signed)) return;
  if (g.login !== null && isOutdated(g)) setLogin(g, null, null);
  const login = g.login ?? (yield* loginEagerly(g, signed));
  const signature = login === null ? null : yield* signWith(g, signed, login);
  if (signature !== null) {
    ne_buffer_concat(header, g.cls.requestField, ": ", signature.value, "\r\n");
  }
}

// A login for another proxy, or of a setting that was replaced.
function isOutdated(g: Guarded): boolean {
  return (g.cls.proxy && g.peer !== peerOf(g)) || g.by?.active?.(g.sess) === false;
}

function* signWith(g: Guarded, signed: Signed, login: Login): Steps<Signature | null> {
  const by = g.by;
  signed.by = by;
  traceAuth(g, "Sending '%s' response.\n", login.scheme.name);
  const signature = yield* runScheme(login.sign(outgoing(signed)), (question) =>
    question.want === "bodyHash"
      ? requestBodyHash(signed.req, question.algorithm)
      : ask(g, signed, by, login.scheme, question),
  );
  if (signature !== null || login.bound) signed.used = login;
  signed.signature = signature;
  if (signature?.bodyAlgorithm !== undefined) hashBody(signed, signature.bodyAlgorithm);
  return signature;
}

// Login without a challenge, where a registration wants that.
function* loginEagerly(g: Guarded, signed: Signed): Steps<Login | null> {
  const registration = g.registrations.find(({ eager }) => eager !== null);
  if (registration?.eager == null || signed.rounds > 0) return null;
  const login = yield* runScheme(registration.eager(), (question) =>
    ask(g, signed, registration, BEARER, question),
  );
  if (login !== null) setLogin(g, login, registration);
  return login;
}

// For auth-int the server's proof covers the body of its response (RFC 7616, 3.5).
function hashBody(signed: Signed, algorithm: string): void {
  if (signed.readsBody) return;
  signed.readsBody = true;
  const accept = (_: null, req: ne_request, st: Readonly<ne_status>): number => {
    signed.body = createHash(algorithm);
    return ne_accept_always(null, req, st);
  };
  ne_add_response_body_reader(
    signed.req,
    accept,
    (_, block) => {
      signed.body?.update(block);
      return 0;
    },
    null,
  );
}

// Whether a request is this class's matter: the proxy sees only requests made to it, and what goes
// through a tunnel, or to a server that is reached directly, never holds a proxy's credentials. The
// server's are for its own targets: a proxy carries a request to whatever host its target names.
function concerns(g: Guarded, signed: Signed): boolean {
  const isConnect = signed.method === "CONNECT";
  if (g.cls.proxy) return isReadByProxy(g.sess, isConnect);
  return !isConnect && isOnOrigin(signed.target, originOf(g.sess));
}

// ---- receiving ----

const postSend: ne_post_send_fn<Guarded> = (req, g, status) => run(judgeResponse(req, g, status));

function* judgeResponse(
  req: ne_request,
  g: Guarded,
  status: Readonly<ne_status>,
): Steps<number> {
  const signed = ne_get_request_private<Signed>(req, g.cls.id);
  if (signed === null || !concerns(g, signed)) return NE_OK;
  const last = ne_get_response_header(req, g.cls.challengeField);
  tracePostSend(g, signed, status.code, last);
  const field = challengeOf(req, g, signed, status.code);
  if (field !== null) return yield* refused(g, signed, field);
  const { signature, used } = signed;
  const problem = problemOf(req, g, signed);
  if (problem !== null) return disproved(req, g, problem);
  if (used === null || status.code === 401 || status.code === 407) return NE_OK;
  resetStale(used);
  if (used.finish === undefined) return NE_OK;
  const wrong = yield* runScheme(used.finish(outgoing(signed), signature, last), (question) =>
    ask(g, signed, signed.by, used.scheme, question),
  );
  return wrong === null ? NE_OK : disproved(req, g, wrong);
}

function disproved(req: ne_request, g: Guarded, problem: string): number {
  reportLogin(req);
  ne_set_error(g.sess, "%s", problem);
  return NE_ERROR;
}

// What is wrong with the server's proof; what the trailer says counts last.
function problemOf(req: ne_request, g: Guarded, signed: Signed): string | null {
  const { infoField } = g.cls;
  const header = ne_get_response_header(req, infoField);
  const trailer = ne_get_response_trailer(req, infoField);
  for (const info of [header, trailer]) {
    const problem = info === null ? null : checkProof(signed.signature, signed.body, info);
    if (problem !== null) return problem;
  }
  return null;
}

function checkProof(signature: Signature | null, body: Hash | null, info: string): string | null {
  if (signature?.check == null) return null;
  const { bodyAlgorithm } = signature;
  if (bodyAlgorithm === undefined) return signature.check(info);
  return signature.check(info, (body?.copy() ?? createHash(bodyAlgorithm)).digest("hex"));
}

// The field with the challenges, if the response is one. Some proxies answer CONNECT with 401.
function challengeOf(req: ne_request, g: Guarded, signed: Signed, code: number): string | null {
  const { cls } = g;
  if (code === cls.code) return ne_get_response_header(req, cls.challengeField);
  if (!cls.proxy || signed.method !== "CONNECT" || code !== 401) return null;
  return (
    ne_get_response_header(req, cls.challengeField) ??
    ne_get_response_header(req, SERVER.challengeField)
  );
}

function* refused(g: Guarded, signed: Signed, field: string): Steps<number> {
  traceAuth(g, "Got challenge (code %d).\n", ne_get_status(signed.req).code);
  if (signed.rounds >= MAX_ROUNDS) {
    setLogin(g, null, null);
    return fail(g, [`gave up after ${MAX_ROUNDS} attempts`]);
  }
  const { login } = g;
  if (login !== null && login !== signed.used && login.applies(outgoing(signed))) {
    // another request has logged in meanwhile
    signed.rounds++;
    return NE_RETRY;
  }
  if (g.question.isPendingFor(ordinalOf(signed.req))) {
    yield* valueOf(whileRunning(signed.req, g.question.decided));
    countLoginBeside(g, signed);
    return yield* refused(g, signed, field);
  }
  const begun = countBegun(g.sess);
  const decided = run(logIn(g, signed, field));
  return yield* valueOf(isPromise(decided) ? g.question.hold(begun, decided) : decided);
}

// Takes the first challenge that is answered; where none is, all the reasons are told.
function* logIn(g: Guarded, signed: Signed, field: string): Steps<number> {
  const old = signed.used ?? g.login;
  // one that is bound to connections may be in the midst of its exchange on another of them
  if (old === g.login && old?.bound !== true) setLogin(g, null, null);
  const reasons: string[] = [];
  const challenges = usableChallenges(g, field, reasons);
  const at = circumstances(g, signed, old);
  for (const usable of challenges) {
    const { registration, scheme } = usable;
    traceAuth(g, "Trying %s challenge...\n", scheme.name);
    const result = yield* runScheme(answerChallenge(usable, at), (question) =>
      ask(g, signed, registration, scheme, question),
    );
    if (typeof result !== "string") {
      traceAuth(g, "Accepted %s challenge.\n", scheme.name);
      setLogin(g, result, registration);
      signed.rounds++;
      return NE_RETRY;
    }
    reasons.push(result);
  }
  if (old === g.login) setLogin(g, null, null);
  return fail(g, reasons);
}

// A response that another request got counts as one of this request's attempts.
function countLoginBeside(g: Guarded, signed: Signed): void {
  const { by, login } = g;
  const isNew = login !== null && login !== signed.used && login.applies(outgoing(signed));
  if (by !== null && isNew) {
    signed.attempts.set(by, (signed.attempts.get(by) ?? 0) + 1);
  }
}

function fail(g: Guarded, reasons: readonly string[]): number {
  traceAuth(g, "No challenges accepted.\n");
  const why = reasons.length > 0 ? reasons.join(", ") : "could not parse challenge";
  ne_set_error(g.sess, "%s: %s", g.cls.message, why);
  return g.cls.failure;
}

// ---- asking ----

function* ask(
  g: Guarded,
  signed: Signed,
  registration: Registration | null,
  scheme: Scheme,
  question: Question,
): Steps<Answer> {
  if (registration === null) return null;
  const attempt = signed.attempts.get(registration) ?? 0;
  if (question.want !== "token") signed.attempts.set(registration, attempt + 1);
  const answer = registration.ask({
    question,
    attempt,
    rounds: signed.rounds,
    protocol: scheme.protocol | (g.cls.proxy ? NE_AUTH_PROXY : 0),
    service: `HTTP@${hostOf(g)}`,
    request: signed.req,
    names: g.names,
  });
  // what comes after the request's end answers nothing any more
  return yield* valueOf(isPromise(answer) ? whileRunning(signed.req, answer) : answer);
}
