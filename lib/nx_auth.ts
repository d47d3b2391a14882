// Authentication beyond ne_auth.h: Negotiate with the tokens of an application's Kerberos binding,
// Bearer tokens, and a user name and password as values.
import { askBearer, isBearerToken } from "./internal/auth/bearer.js";
import {
  BEARER,
  expandProtocols,
  NE_AUTH_GSSAPI_ONLY,
  NE_AUTH_PROXY,
  NE_AUTH_SSPI,
  WITH_PASSWORD,
} from "./internal/auth/protocol_bits.js";
import { register } from "./internal/plugins/login.js";
import { askOnce, PROXY, SERVER } from "./internal/plugins/registration.js";
import { isBytes } from "./internal/base/bytes.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { needCallback, needText } from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import { needSession } from "./internal/session/plugin_access.js";

/**
 * Makes the next token of a Negotiate (SPNEGO) exchange. `challenge` is what the server sent, empty
 * at the start. `service` is like `HTTP@host.example.com`. `exchange` is an object that stands for
 * one exchange: several connections may authenticate at once, so use it as the key of a `WeakMap`
 * to find the context. The application implements this function with its Kerberos binding.
 *
 * When the server accepts and sends a final token as its own proof, the function is called with it
 * once more.
 * @returns the token; an empty one if the server's final token verifies; `null` to give up. For the
 *   final token `null` fails the request ("Negotiate response verification failure").
 * @example
 * ```ts
 * const contexts = new WeakMap<object, KerberosContext>();
 * nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, async (_, service, challenge, exchange) => {
 *   const context = contexts.get(exchange) ?? (await newContext(service));
 *   contexts.set(exchange, context);
 *   return context.step(challenge);
 * });
 * ```
 */
export type nx_negotiate_fn<T = unknown> = (
  userdata: T,
  service: string,
  challenge: Buffer,
  exchange: object,
) => Uint8Array | null | Promise<Uint8Array | null>;

/**
 * Answers Negotiate challenges of the server (or, with `NE_AUTH_PROXY`, the proxy) with `fn`.
 * Without it such a challenge is skipped, and the next one is tried.
 * @param protocol `NE_AUTH_NEGOTIATE` or any part of it, with `NE_AUTH_PROXY` for the proxy.
 */
export function nx_add_negotiate<T>(
  sess: ne_session,
  protocol: number,
  fn: nx_negotiate_fn<T>,
  userdata?: T,
): void {
  const caller = "nx_add_negotiate";
  needSession(sess, caller);
  if (!Number.isInteger(protocol)) throw misuse(caller, "the protocol must be a number");
  needCallback(fn, caller, "the token function");
  const take = (token: Uint8Array | null): Uint8Array | null => {
    if (token !== null && !isBytes(token)) {
      throw misuse(caller, "the token must be a Uint8Array or null");
    }
    return token;
  };
  register(sess, (protocol & NE_AUTH_PROXY) !== 0 ? PROXY : SERVER, {
    protocols: NE_AUTH_GSSAPI_ONLY | NE_AUTH_SSPI,
    answers: NE_AUTH_GSSAPI_ONLY | NE_AUTH_SSPI,
    ask: ({ question, service }) => {
      if (question.want !== "token") return null;
      const { challenge, exchange } = question;
      return settle(fn(userdata ?? (null as T), service, challenge, exchange), take);
    },
    eager: null,
  });
}

/**
 * Sets a fixed user name and password for a session. They answer challenges of the server (or, with
 * `NE_AUTH_PROXY`, the proxy) in the given schemes, once per realm; if they are refused, the
 * request fails with `NE_AUTH` (`NE_PROXYAUTH`). A second call replaces them.
 * @param protocol `NE_AUTH_*` bits combined with `|`, one of them of a scheme with a password;
 *   `NE_AUTH_DEFAULT` is Basic and Digest.
 * @example
 * ```ts
 * nx_set_credentials(sess, NE_AUTH_DEFAULT, "aladdin", "open sesame");
 * ```
 */
export function nx_set_credentials(
  sess: ne_session,
  protocol: number,
  username: string,
  password: string,
): void {
  const caller = "nx_set_credentials";
  needSession(sess, caller);
  if (!Number.isInteger(protocol)) throw misuse(caller, "the protocol must be a number");
  if ((expandProtocols(protocol, false) & WITH_PASSWORD) === 0) {
    throw misuse(caller, "the protocol names no scheme with a password");
  }
  needText(username, caller, "the user name");
  needText(password, caller, "the password");
  register(sess, (protocol & NE_AUTH_PROXY) !== 0 ? PROXY : SERVER, {
    protocols: protocol,
    answers: WITH_PASSWORD,
    ask: askOnce(username, password),
    eager: null,
    slot: caller,
  });
}

/**
 * Supplies a Bearer token.
 * @param realm from the challenge, `""` if it had none or there was no challenge yet.
 * @param attempt 0 at the first call for a request, one more at each further call.
 * @returns the token, or `null` to give up this challenge.
 */
export type nx_bearer_fn<T = unknown> = (
  userdata: T,
  realm: string,
  attempt: number,
) => string | null | Promise<string | null>;

/**
 * Answers a Bearer challenge (RFC 6750) with a token from `fn`, or sends one with the first request
 * if `eager` is true; the function is asked again after a 401. The token is kept for the session
 * and sent with each request to its server, so use https.
 * @example
 * ```ts
 * nx_add_bearer(sess, (_userdata, _realm, attempt) => (attempt === 0 ? token : null), null, true);
 * ```
 */
export function nx_add_bearer<T>(
  sess: ne_session,
  fn: nx_bearer_fn<T>,
  userdata?: T,
  eager?: boolean,
): void {
  const caller = "nx_add_bearer";
  needSession(sess, caller);
  needCallback(fn, caller, "the token function");
  const take = (token: string | null): string | null => {
    if (token !== null && !isBearerToken(token)) {
      throw misuse(caller, "the token must be visible ASCII characters, or null");
    }
    return token;
  };
  register(sess, SERVER, {
    protocols: BEARER,
    answers: BEARER,
    ask: ({ question, attempt }) => {
      if (question.want !== "bearer") return null;
      return settle(fn(userdata ?? (null as T), question.realm, attempt), take);
    },
    eager: eager === true ? () => askBearer("") : null,
  });
}

function settle<T, R>(value: T | PromiseLike<T>, take: (value: T) => R): R | PromiseLike<R> {
  return isPromise(value) ? value.then(take) : take(value);
}
