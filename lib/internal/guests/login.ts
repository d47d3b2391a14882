// Authentication as a guest of the public hooks. One record for each class (server, proxy) hangs on
// the session: who is registered, and the login that was accepted. One record for each class hangs
// on every request: how often was asked, and what the request was signed with.
//
//   create_request   the request's record
//   pre_send         login ──► Authorization
//   post_send        401: challenges, strongest first ──► first registration for the scheme
//                         ──► login and NE_RETRY, or NE_AUTH with all the reasons
//                    else: the server's proof, if it gave one
//
// Nothing is awaited unless the application's callback returned a promise.
import { createHash, randomBytes, type Hash } from "node:crypto";
import { parseChallenges, type Challenge } from "../auth/challenge.js";
import { resetStale } from "../auth/digest.js";
import { expandProtocols, NE_AUTH_LEGACY_DIGEST, NE_AUTH_PROXY } from "../auth/protocol_bits.js";
import { schemeByName } from "../auth/registry.js";
import type {
  Answer,
  Asking,
  Circumstances,
  Login,
  Outgoing,
  Question,
  Scheme,
  Signature,
} from "../auth/scheme.js";
import { hideInField } from "../http/secrets.js";
import { isOnOrigin } from "../http/target.js";
import {
  NE_AUTH,
  NE_DBG_HTTPAUTH,
  NE_ERROR,
  NE_OK,
  NE_PROXYAUTH,
  NE_RETRY,
} from "../base/constants.js";
import { cloneForSession, type Guest } from "../base/clonable.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { isPromise } from "../base/promise.js";
import { SharedQuestion } from "../base/shared_question.js";
import {
  connectionOf,
  countBegun,
  ordinalOf,
  isReadByProxy,
  renewConnections,
  requestBodyHash,
  traceSession,
  whileRunning,
} from "../session/guest_access.js";
import { reportLogin } from "../session/failed_answer.js";
import {
  ne_fill_proxy_uri,
  ne_fill_server_uri,
  ne_get_scheme,
  ne_get_session_private,
  ne_set_error,
  ne_set_session_flag,
  ne_set_session_private,
  NE_SESSFLAG_CONNAUTH,
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
  ne_set_request_private,
} from "../../ne_request.js";
import { ne_buffer_concat, ne_strclean, type ne_buffer } from "../../ne_string.js";
import { ne_uri } from "../../ne_uri.js";
import type { ne_status } from "../../ne_utils.js";

/** Times that one request is sent again for challenges: no callback is asked for ever. */
const MAX_ROUNDS = 100;
/** Characters of one reason in an error string: neon's buffer of 128 less its end mark. */
const MAX_REASON = 127;

/** What differs between servers and proxies. */
export interface AuthClass {
  /** The id of the private values. */
  readonly id: string;
  readonly proxy: boolean;
  readonly requestField: string;
  readonly challengeField: string;
  readonly infoField: string;
  readonly code: number;
  readonly failure: number;
  readonly message: string;
}

export const SERVER: AuthClass = {
  id: "http://webdav.org/neon/hooks/server-auth",
  proxy: false,
  requestField: "Authorization",
  challengeField: "WWW-Authenticate",
  infoField: "Authentication-Info",
  code: 401,
  failure: NE_AUTH,
  message: "Could not authenticate to server",
};

export const PROXY: AuthClass = {
  id: "http://webdav.org/neon/hooks/proxy-auth",
  proxy: true,
  requestField: "Proxy-Authorization",
  challengeField: "Proxy-Authenticate",
  infoField: "Proxy-Authentication-Info",
  code: 407,
  failure: NE_PROXYAUTH,
  message: "Could not authenticate to proxy server",
};

/** A question on its way to a registration. */
export interface Inquiry {
  readonly question: Question;
  /** How often this registration was asked for this request before. */
  readonly attempt: number;
  /** How often the request was sent again for a challenge. */
  readonly rounds: number;
  /** The bit of the scheme, with `NE_AUTH_PROXY` from a proxy. */
  readonly protocol: number;
  /** `HTTP@` and the host that asks. */
  readonly service: string;
  /** The request that was challenged. */
  readonly request: ne_request;
  /** The user name that a callback of the session gave last; it finds it there the next time. */
  readonly names: { last: string };
}

/** A callback that answers challenges. */
export interface Registration {
  /** `NE_AUTH_*` bits as they were given. */
  readonly protocols: number;
  /** Schemes whose questions it understands. */
  readonly answers: number;
  readonly ask: (inquiry: Inquiry) => Answer | PromiseLike<Answer>;
  /** Makes a login before any challenge; `null` makes none. */
  readonly eager:
    | ((
        answer: (question: Question) => Answer | PromiseLike<Answer>,
      ) => Login | null | PromiseLike<Login | null>)
    | null;
  /** Whether it still holds for this session; always, where it is left out. */
  readonly active?: (sess: ne_session) => boolean;
  /** Takes the place of the registration with the same slot, and what it logged in. */
  readonly slot?: string;
}

interface Guarded extends Guest {
  readonly cls: AuthClass;
  readonly sess: ne_session;
  readonly registrations: Registration[];
  login: Login | null;
  /** Who answered for the login. */
  by: Registration | null;
  /** The proxy that the login is for. */
  peer: string;
  readonly names: { last: string };
  /** Held while a callback answers a challenge. */
  readonly question: SharedQuestion;
}

interface Signed {
  readonly req: ne_request;
  readonly method: string;
  readonly target: string;
  readonly attempts: Map<Registration, number>;
  rounds: number;
  /** The login that the request was last sent under. */
  used: Login | null;
  by: Registration | null;
  signature: Signature | null;
  body: Hash | null;
  readsBody: boolean;
}

interface Offer {
  readonly scheme: Scheme;
  readonly challenge: Challenge;
  readonly registration: Registration;
}

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

// A connection that a login was bound to stays its user's, whoever is logged in next.
function forgetLogin(g: Guarded): void {
  if (g.login?.bound === true) renewConnections(g.sess);
  setLogin(g, null, null);
}

function newGuarded(sess: ne_session, cls: AuthClass, registrations: Registration[]): Guarded {
  return {
    cls,
    sess,
    registrations,
    login: null,
    by: null,
    peer: "",
    names: { last: "" },
    question: new SharedQuestion(),
    // the way to a redirect's target may lead through the same proxy
    forStrangers: cls.proxy,
    [cloneForSession]: (clone) => newGuarded(clone, cls, [...registrations]),
  };
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

function preSend(req: ne_request, g: Guarded, header: ne_buffer): void | Promise<void> {
  const signed = ne_get_request_private<Signed>(req, g.cls.id);
  if (signed === null) return;
  signed.used = null;
  signed.signature = null;
  if (!concerns(g, signed)) return;
  if (g.login !== null && isOutdated(g)) setLogin(g, null, null);
  const login = g.login ?? loginEagerly(g, signed);
  const sign = (ready: Login | null): void | Promise<void> => {
    if (ready !== null) return whenReady(signWith(g, signed, ready), (s) => write(g, s, header));
  };
  return whenReady(login, sign);
}

// A login for another proxy, or of a setting that was replaced.
function isOutdated(g: Guarded): boolean {
  return (g.cls.proxy && g.peer !== peerOf(g)) || g.by?.active?.(g.sess) === false;
}

function signWith(
  g: Guarded,
  signed: Signed,
  login: Login,
): Signature | null | Promise<Signature | null> {
  const by = g.by;
  signed.by = by;
  traceAuth(g, "Sending '%s' response.\n", login.scheme.name);
  const asking = login.sign(outgoing(signed));
  const signature = drive(asking, (question) =>
    question.want === "bodyHash"
      ? requestBodyHash(signed.req, question.algorithm)
      : ask(g, signed, by, login.scheme, question),
  );
  return whenReady(signature, (done) => {
    if (done !== null || login.bound) signed.used = login;
    signed.signature = done;
    if (done?.bodyAlgorithm !== undefined) hashBody(signed, done.bodyAlgorithm);
    return done;
  });
}

function write(g: Guarded, signature: Signature | null, header: ne_buffer): void {
  if (signature === null) return;
  ne_buffer_concat(header, g.cls.requestField, ": ", signature.value, "\r\n");
}

// Login without a challenge, where a registration wants that.
function loginEagerly(g: Guarded, signed: Signed): Login | null | PromiseLike<Login | null> {
  const registration = g.registrations.find(({ eager }) => eager !== null);
  if (registration?.eager == null || signed.rounds > 0) return null;
  const scheme = schemeByName("Bearer") as Scheme;
  const login = registration.eager((question) => ask(g, signed, registration, scheme, question));
  return whenReady(login, (made) => {
    if (made !== null) setLogin(g, made, registration);
    return made;
  });
}

// For auth-int the server's proof covers the body of its answer (RFC 7616, 3.5).
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

function postSend(
  req: ne_request,
  g: Guarded,
  status: Readonly<ne_status>,
): number | Promise<number> {
  const signed = ne_get_request_private<Signed>(req, g.cls.id);
  if (signed === null || !concerns(g, signed)) return NE_OK;
  const last = ne_get_response_header(req, g.cls.challengeField);
  tracePostSend(g, signed, status.code, last);
  const field = challengeOf(req, g, signed, status.code);
  if (field !== null) return refused(g, signed, field);
  const { signature, used } = signed;
  const problem = problemOf(req, g, signed);
  if (problem !== null) return disproved(req, g, problem);
  if (used === null || status.code === 401 || status.code === 407) return NE_OK;
  resetStale(used);
  if (used.finish === undefined) return NE_OK;
  const finishing = drive(used.finish(outgoing(signed), signature, last), (question) =>
    ask(g, signed, signed.by, used.scheme, question),
  );
  return whenReady(finishing, (wrong) => (wrong === null ? NE_OK : disproved(req, g, wrong)));
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

// The field with the challenges, if the answer is one. Some proxies answer CONNECT with 401.
function challengeOf(req: ne_request, g: Guarded, signed: Signed, code: number): string | null {
  const { cls } = g;
  if (code === cls.code) return ne_get_response_header(req, cls.challengeField);
  if (!cls.proxy || signed.method !== "CONNECT" || code !== 401) return null;
  return (
    ne_get_response_header(req, cls.challengeField) ??
    ne_get_response_header(req, SERVER.challengeField)
  );
}

function refused(g: Guarded, signed: Signed, field: string): number | Promise<number> {
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
  const pending = g.question.pendingFor(ordinalOf(signed.req));
  if (pending !== null) {
    return whileRunning(signed.req, pending).then(() => refusedBeside(g, signed, field));
  }
  const begun = countBegun(g.sess);
  const old = signed.used ?? login;
  if (old === login) setLogin(g, null, null);
  const reasons: string[] = [];
  const offers = offersIn(g, field, reasons);
  let current: Offer | null = null;
  const at = circumstances(g, signed, old);
  const asking = takeOffers(offers, at, reasons, (offer) => {
    traceAuth(g, "Trying %s challenge...\n", offer.scheme.name);
    current = offer;
  });
  const accepted = drive(asking, (question) => {
    const { registration, scheme } = current as unknown as Offer;
    return ask(g, signed, registration, scheme, question);
  });
  const decided = whenReady(accepted, (made) => {
    if (made === null) return fail(g, reasons);
    const { registration, scheme } = current as unknown as Offer;
    traceAuth(g, "Accepted %s challenge.\n", scheme.name);
    setLogin(g, made, registration);
    signed.rounds++;
    return NE_RETRY;
  });
  return isPromise(decided) ? g.question.hold(begun, decided) : decided;
}

// An answer that another request got counts as one of this request's attempts.
function refusedBeside(g: Guarded, signed: Signed, field: string): number | Promise<number> {
  const { by, login } = g;
  const isNew = login !== null && login !== signed.used && login.applies(outgoing(signed));
  if (by !== null && isNew) {
    signed.attempts.set(by, (signed.attempts.get(by) ?? 0) + 1);
  }
  return refused(g, signed, field);
}

function fail(g: Guarded, reasons: readonly string[]): number {
  traceAuth(g, "No challenges accepted.\n");
  const why = reasons.length > 0 ? reasons.join(", ") : "could not parse challenge";
  ne_set_error(g.sess, "%s: %s", g.cls.message, why);
  return g.cls.failure;
}

// The challenges that somebody is registered for, the strongest first.
function offersIn(g: Guarded, field: string, reasons: string[]): Offer[] {
  const offers: Offer[] = [];
  // only for a scheme that will be answered is what follows its name a token
  const takesToken = (name: string): boolean => {
    const scheme = schemeByName(name);
    return scheme !== null && scheme.token && registeredFor(g, scheme) !== undefined;
  };
  for (const challenge of parseChallenges(field, takesToken)) {
    const scheme = schemeByName(challenge.scheme);
    const registration = scheme === null ? undefined : registeredFor(g, scheme);
    if (scheme !== null && registration !== undefined) {
      traceAuth(g, "Got '%s' challenge.\n", scheme.name);
      offers.push({ scheme, challenge, registration });
    } else {
      reasons.push(`ignored ${ne_strclean(challenge.scheme)} challenge`.slice(0, MAX_REASON));
    }
  }
  return offers.sort((a, b) => b.scheme.strength(b.challenge) - a.scheme.strength(a.challenge));
}

function registeredFor(g: Guarded, scheme: Scheme): Registration | undefined {
  const negotiate = g.cls.proxy || ne_get_scheme(g.sess) === "https";
  return g.registrations.find(
    ({ protocols, answers, active }) =>
      (expandProtocols(protocols, negotiate) & answers & scheme.protocols) !== 0 &&
      (active?.(g.sess) ?? true),
  );
}

function* takeOffers(
  offers: readonly Offer[],
  at: Circumstances,
  reasons: string[],
  begin: (offer: Offer) => void,
): Asking<Login | null> {
  for (const offer of offers) {
    begin(offer);
    const legacy = (offer.registration.protocols & NE_AUTH_LEGACY_DIGEST) !== 0;
    const result = yield* offer.scheme.challenge(offer.challenge, { ...at, legacy });
    if (typeof result !== "string") return result;
    reasons.push(result.slice(0, MAX_REASON));
  }
  return null;
}

// ---- asking ----

function ask(
  g: Guarded,
  signed: Signed,
  registration: Registration | null,
  scheme: Scheme,
  question: Question,
): Answer | PromiseLike<Answer> {
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
  return isPromise(answer) ? whileRunning(signed.req, answer) : answer;
}

/** Answers with this pair, once for each realm that a request meets. */
export function askOnce(username: string, password: string): Registration["ask"] {
  const asked = new WeakMap<ne_request, Set<string>>();
  return ({ question, request }) => {
    if (question.want !== "password") return null;
    const realms = asked.get(request) ?? new Set();
    asked.set(request, realms);
    const realm = question.realm ?? "";
    if (realms.has(realm)) return null;
    realms.add(realm);
    return { username, password };
  };
}

/** Resumes a generator with answers until it is done; waits only where an answer is a promise. */
function drive<T>(
  asking: Asking<T>,
  answer: (question: Question) => Answer | PromiseLike<Answer>,
): T | Promise<T> {
  let step = asking.next(null);
  while (step.done !== true) {
    const given = answer(step.value);
    if (isPromise(given)) return resume(asking, given, answer);
    step = asking.next(given);
  }
  return step.value;
}

async function resume<T>(
  asking: Asking<T>,
  pending: PromiseLike<Answer>,
  answer: (question: Question) => Answer | PromiseLike<Answer>,
): Promise<T> {
  let step = asking.next(await pending);
  while (step.done !== true) step = asking.next(await answer(step.value));
  return step.value;
}

/** Goes on at once, or when the promise is settled. */
function whenReady<T, R>(
  value: T | PromiseLike<T>,
  next: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

// ---- debug output, in C's words ----

function traceAuth(g: Guarded, template: string, ...args: (string | number)[]): void {
  traceSession(g.sess, NE_DBG_HTTPAUTH, `auth: ${template}`, ...args);
}

function tracePostSend(g: Guarded, { rounds }: Signed, code: number, field: string | null): void {
  const { cls } = g;
  const shown = field === null ? "(none)" : hideInField(cls.challengeField, field);
  const words = "Post-send (#%d), code is %d (want %d), %s is %s\n";
  traceAuth(g, words, rounds, code, cls.code, cls.challengeField, shown);
}

// ---- circumstances ----

function setLogin(g: Guarded, login: Login | null, by: Registration | null): void {
  g.login = login;
  g.by = by;
  if (login !== null && g.cls.proxy) g.peer = peerOf(g);
  const bound = [SERVER, PROXY].some(
    (cls) => ne_get_session_private<Guarded>(g.sess, cls.id)?.login?.bound === true,
  );
  ne_set_session_flag(g.sess, NE_SESSFLAG_CONNAUTH, bound ? 1 : 0);
}

function outgoing(signed: Signed): Outgoing {
  const { method, target } = signed;
  return { method, target, connection: connectionOf(signed.req) };
}

function circumstances(g: Guarded, signed: Signed, old: Login | null): Circumstances {
  return {
    ...outgoing(signed),
    old,
    signature: signed.signature,
    origin: originOf(g.sess),
    proxy: g.cls.proxy,
    legacy: false,
    random: randomBytes,
    now: Date.now,
  };
}

function originOf(sess: ne_session): Circumstances["origin"] {
  const uri = new ne_uri();
  ne_fill_server_uri(sess, uri);
  return { scheme: uri.scheme ?? "", host: uri.host ?? "", port: uri.port };
}

function peerOf(g: Guarded): string {
  const uri = new ne_uri();
  ne_fill_proxy_uri(g.sess, uri);
  return `${uri.host ?? ""}:${uri.port}`;
}

function hostOf(g: Guarded): string {
  const uri = new ne_uri();
  if (g.cls.proxy) ne_fill_proxy_uri(g.sess, uri);
  else ne_fill_server_uri(g.sess, uri);
  return uri.host ?? "";
}
