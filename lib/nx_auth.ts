// Authentication that needs something from outside the library: Negotiate with the tokens of an
// application's Kerberos binding, and Bearer tokens.
import { bearerLogin, isBearerToken } from "./internal/auth/bearer.js";
import {
  BEARER,
  NE_AUTH_GSSAPI_ONLY,
  NE_AUTH_PROXY,
  NE_AUTH_SSPI,
} from "./internal/auth/protocol_bits.js";
import type { Answer, Question } from "./internal/auth/scheme.js";
import { PROXY, register, SERVER } from "./internal/guests/login.js";
import { isBytes } from "./internal/base/bytes.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { needCallback } from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import { needSession } from "./internal/session/guest_access.js";

/**
 * Makes the next token of a Negotiate (SPNEGO) exchange. `challenge` is what the server sent, empty
 * at the start. `service` is like `HTTP@host.example.com`. Returns the token, or `null` to give up.
 * An application backs it with whatever Kerberos binding it uses.
 *
 * When the server accepts and sends a last token as its own proof, the function is called with it
 * once more; what it returns then is not sent. To refuse such a server, throw.
 */
export type nx_negotiate_fn<T = unknown> = (
  userdata: T,
  service: string,
  challenge: Buffer,
) => Uint8Array | null | Promise<Uint8Array | null>;

/**
 * Answers Negotiate challenges of the server (or, with `NE_AUTH_PROXY`, the proxy) with `fn`.
 * Without it such a challenge is passed over for the next one offered.
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
      return settle(fn(userdata ?? (null as T), service, question.challenge), take);
    },
    eager: null,
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
 * Answers a Bearer challenge (RFC 6750), or sends the token at once where `eager`; the function is
 * asked again after a 401. A token is kept for the session and sent with each request to its
 * server, so use https.
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
  const question: Question = { want: "bearer", realm: "" };
  register(sess, SERVER, {
    protocols: BEARER,
    answers: BEARER,
    ask: ({ question: asked, attempt }) => {
      if (asked.want !== "bearer") return null;
      return settle(fn(userdata ?? (null as T), asked.realm, attempt), take);
    },
    eager:
      eager === true
        ? (answer) =>
            settle(answer(question), (token: Answer) =>
              token === null ? null : bearerLogin(token as string),
            )
        : null,
  });
}

function settle<T, R>(value: T | PromiseLike<T>, take: (value: T) => R): R | PromiseLike<R> {
  return isPromise(value) ? value.then(take) : take(value);
}
