// ne_auth.h: authentication to servers (401) and proxies (407). The four ways to register differ in
// what they tell the callback; what happens to challenges is internal/plugins/login.ts, a plugin of
// the public hooks, and how each scheme works stands in internal/auth.
import {
  expandProtocols,
  NE_AUTH_BASIC,
  NE_AUTH_DEFAULT,
  NE_AUTH_DIGEST,
  WITH_PASSWORD,
} from "./internal/auth/protocol_bits.js";
import type { Answer } from "./internal/auth/scheme.js";
import { forgetLogins, register } from "./internal/plugins/login.js";
import { PROXY, SERVER, type AuthClass, type Inquiry } from "./internal/plugins/registration.js";
import { misuse, type ne_session } from "./internal/base/handle.js";
import { needCallback, needText } from "./internal/base/arguments.js";
import { isPromise } from "./internal/base/promise.js";
import { needSession } from "./internal/session/plugin_access.js";
import type { ne_out } from "./ne_defs.js";
import { ne_strclean } from "./ne_string.js";

export {
  NE_AUTH_ALL,
  NE_AUTH_BASIC,
  NE_AUTH_DEFAULT,
  NE_AUTH_DIGEST,
  NE_AUTH_GSSAPI,
  NE_AUTH_GSSAPI_ONLY,
  NE_AUTH_LEGACY_DIGEST,
  NE_AUTH_NEGOTIATE,
  NE_AUTH_NTLM,
  NE_AUTH_PROXY,
  NE_AUTH_SSPI,
} from "./internal/auth/protocol_bits.js";

/** Size of the buffers that C passes to an `ne_auth_creds` callback; here there is no limit. */
export const NE_ABUFSIZ = 256;

/**
 * Supplies a user name and password.
 * @param realm from the challenge, control and non-ASCII characters replaced by spaces; `""` for
 *   NTLM, which has none.
 * @param attempt 0 at the first call for a request, one more at each further call: where a response
 *   holds several challenges each has a new number.
 * @param username to be set; at the call `""`, or the name given last, as in C: a callback may ask
 *   for the missing password alone. Sent as UTF-8. Not accepted: control characters, and a colon
 *   (Basic). NTLM takes `DOMAIN\user`.
 * @param password to be set; `""` at the call.
 * @returns 0 to try these, else to give up this challenge. The callback is asked again as long as
 *   the server refuses, at most a hundred times for one request; returning `attempt` itself tries
 *   once.
 */
export type ne_auth_creds<T = unknown> = (
  userdata: T,
  realm: string,
  attempt: number,
  username: ne_out<string>,
  password: ne_out<string>,
) => number | Promise<number>;

/**
 * Supplies a user name and password; the newer form, which is told the protocol.
 * @param attempt how many times the request was sent again because of a challenge, 0 at first.
 * @param protocol the one `NE_AUTH_*` bit of the challenge, with `NE_AUTH_PROXY` from a proxy.
 * @param realm as for `ne_auth_creds`.
 * @param username to be set; as for `ne_auth_creds`.
 * @param password to be set; `""` at the call.
 * @returns as `ne_auth_creds`. The size argument that C passes last is dropped: there is no limit.
 */
export type ne_auth_provide<T = unknown> = (
  userdata: T,
  attempt: number,
  protocol: number,
  realm: string,
  username: ne_out<string>,
  password: ne_out<string>,
) => number | Promise<number>;

/**
 * Registers credentials for the server, for `NE_AUTH_DEFAULT`.
 * @example
 * ```ts
 * ne_set_server_auth(sess, (_, realm, attempt, username, password) => {
 *   username.value = "aladdin";
 *   password.value = "open sesame";
 *   return attempt;
 * });
 * ```
 */
export function ne_set_server_auth<T>(
  sess: ne_session,
  creds: ne_auth_creds<T>,
  userdata?: T,
): void {
  addCreds("ne_set_server_auth", sess, SERVER, NE_AUTH_DEFAULT, creds, userdata);
}

/** Registers credentials for the proxy, for `NE_AUTH_DEFAULT`; else as `ne_set_server_auth`. */
export function ne_set_proxy_auth<T>(
  sess: ne_session,
  creds: ne_auth_creds<T>,
  userdata?: T,
): void {
  addCreds("ne_set_proxy_auth", sess, PROXY, NE_AUTH_DEFAULT, creds, userdata);
}

/**
 * Registers credentials for the server. Each challenge of a response, from the strongest to the
 * weakest, goes to the first registered callback whose protocols include it.
 * @param protocol `NE_AUTH_*` bits combined with `|`.
 * @param creds may be `null` if no protocol asks for credentials (Negotiate).
 */
export function ne_add_server_auth<T>(
  sess: ne_session,
  protocol: number,
  creds?: ne_auth_creds<T> | null,
  userdata?: T,
): void {
  addCreds("ne_add_server_auth", sess, SERVER, protocol, creds ?? null, userdata);
}

/** Registers credentials for the proxy; otherwise as `ne_add_server_auth`. */
export function ne_add_proxy_auth<T>(
  sess: ne_session,
  protocol: number,
  creds?: ne_auth_creds<T> | null,
  userdata?: T,
): void {
  addCreds("ne_add_proxy_auth", sess, PROXY, protocol, creds ?? null, userdata);
}

/**
 * Registers credentials for both server and proxy. (The reference version, unlike this one, does
 * not use them for CONNECT when the session is https.)
 */
export function ne_add_auth<T>(
  sess: ne_session,
  protocol: number,
  creds: ne_auth_provide<T>,
  userdata?: T,
): void {
  const caller = "ne_add_auth";
  needSession(sess, caller);
  checkProtocol(caller, protocol);
  needCallback(creds, caller);
  const ask = (inquiry: Inquiry): Answer | PromiseLike<Answer> => {
    const { question, rounds, protocol: bits, names } = inquiry;
    if (question.want !== "password") return null;
    return fetchCredentials(caller, names, (username, password) =>
      creds(userdata ?? (null as T), rounds, bits, shownRealm(question), username, password),
    );
  };
  // the order in which the fields are sent when both are needed
  for (const cls of [PROXY, SERVER]) {
    register(sess, cls, { protocols: protocol, answers: WITH_PASSWORD, ask, eager: null });
  }
}

/**
 * Forgets accepted credentials and challenges; the callbacks stay registered. A connection that
 * NTLM or Negotiate has bound to a user carries no later request.
 */
export function ne_forget_auth(sess: ne_session): void {
  needSession(sess, "ne_forget_auth");
  forgetLogins(sess);
}

function addCreds<T>(
  caller: string,
  sess: ne_session,
  cls: AuthClass,
  protocol: number,
  creds: ne_auth_creds<T> | null,
  userdata: T | undefined,
): void {
  needSession(sess, caller);
  checkProtocol(caller, protocol);
  const asksPassword = expandProtocols(protocol, false) & (NE_AUTH_BASIC | NE_AUTH_DIGEST);
  if (creds === null && asksPassword === 0) {
    register(sess, cls, { protocols: 0, answers: 0, ask: () => null, eager: null });
    return;
  }
  needCallback(creds, caller);
  register(sess, cls, {
    protocols: protocol,
    answers: WITH_PASSWORD,
    ask: ({ question, attempt, names }) => {
      if (question.want !== "password") return null;
      return fetchCredentials(caller, names, (username, password) =>
        creds(userdata ?? (null as T), shownRealm(question), attempt, username, password),
      );
    },
    eager: null,
  });
}

function checkProtocol(caller: string, protocol: number): void {
  if (!Number.isInteger(protocol)) throw misuse(caller, "the protocol must be a number");
}

function shownRealm({ realm }: { realm: string | null }): string {
  return ne_strclean(realm ?? "");
}

function fetchCredentials(
  caller: string,
  names: { last: string },
  call: (username: ne_out<string>, password: ne_out<string>) => number | PromiseLike<number>,
): Answer | PromiseLike<Answer> {
  const username = { value: names.last };
  const password = { value: "" };
  const take = (refusal: number): Answer => {
    if (typeof refusal !== "number") throw misuse(caller, "the callback must return a number");
    if (typeof username.value === "string") names.last = username.value;
    if (refusal !== 0) return null;
    return {
      username: needText(username.value, caller, "the user name"),
      password: needText(password.value, caller, "the password"),
    };
  };
  const refusal = call(username, password);
  return isPromise(refusal) ? Promise.resolve(refusal).then(take) : take(refusal);
}
