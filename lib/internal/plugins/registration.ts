// Who answers challenges: the two classes, server and proxy, and what a session registers for each.
import type { Answer, Asking, Login, Question } from "../auth/scheme.js";
import { NE_AUTH, NE_PROXYAUTH } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";

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
  readonly eager: (() => Asking<Login | null>) | null;
  /** Whether it still holds for this session; always, where it is left out. */
  readonly active?: (sess: ne_session) => boolean;
  /** Takes the place of the registration with the same slot, and what it logged in. */
  readonly slot?: string;
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
