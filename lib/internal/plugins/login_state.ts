// What authentication remembers: one record for each class on the session, one on every request;
// and how the two look to a scheme.
import { randomBytes, type Hash } from "node:crypto";
import type { Circumstances, Login, Outgoing, Signature } from "../auth/scheme.js";
import { hideInField } from "../http/secrets.js";
import { cloneForSession, type Plugin } from "../base/clonable.js";
import { NE_DBG_HTTPAUTH } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { SharedQuestion } from "../base/shared_question.js";
import { connectionOf, traceSession } from "../session/plugin_access.js";
import {
  ne_fill_proxy_uri,
  ne_fill_server_uri,
  ne_get_session_private,
  ne_set_session_flag,
  NE_SESSFLAG_CONNAUTH,
} from "../../ne_session.js";
import { ne_uri } from "../../ne_uri.js";
import { PROXY, SERVER, type AuthClass, type Registration } from "./registration.js";

/** A class of a session: who is registered, and the login that was accepted. */
export interface Guarded extends Plugin {
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

/** A request: how often was asked for it, and what it was signed with. */
export interface Signed {
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

/** The record of a class for a session, to which nobody has logged in. */
export function newGuarded(
  sess: ne_session,
  cls: AuthClass,
  registrations: Registration[],
): Guarded {
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

/** A line of debug output, in C's words, as all here. */
export function traceAuth(g: Guarded, template: string, ...args: (string | number)[]): void {
  traceSession(g.sess, NE_DBG_HTTPAUTH, `auth: ${template}`, ...args);
}

/** What has come, for debug output. */
export function tracePostSend(
  g: Guarded,
  { rounds }: Signed,
  code: number,
  field: string | null,
): void {
  const { cls } = g;
  const shown = field === null ? "(none)" : hideInField(cls.challengeField, field);
  const words = "Post-send (#%d), code is %d (want %d), %s is %s\n";
  traceAuth(g, words, rounds, code, cls.code, cls.challengeField, shown);
}

/** Puts a login in the place of the one before. */
export function setLogin(g: Guarded, login: Login | null, by: Registration | null): void {
  g.login = login;
  g.by = by;
  if (login !== null && g.cls.proxy) g.peer = peerOf(g);
  const bound = [SERVER, PROXY].some(
    (cls) => ne_get_session_private<Guarded>(g.sess, cls.id)?.login?.bound === true,
  );
  ne_set_session_flag(g.sess, NE_SESSFLAG_CONNAUTH, bound ? 1 : 0);
}

/** The request as a scheme sees it. */
export function outgoing(signed: Signed): Outgoing {
  const { method, target } = signed;
  return { method, target, connection: connectionOf(signed.req) };
}

/** What a scheme has to know to answer a challenge. */
export function circumstances(g: Guarded, signed: Signed, old: Login | null): Circumstances {
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

/** The server of a session. */
export function originOf(sess: ne_session): Circumstances["origin"] {
  const uri = new ne_uri();
  ne_fill_server_uri(sess, uri);
  return { scheme: uri.scheme ?? "", host: uri.host ?? "", port: uri.port };
}

/** The proxy of a session. */
export function peerOf(g: Guarded): string {
  const uri = new ne_uri();
  ne_fill_proxy_uri(g.sess, uri);
  return `${uri.host ?? ""}:${uri.port}`;
}

/** The host that asks. */
export function hostOf(g: Guarded): string {
  const uri = new ne_uri();
  if (g.cls.proxy) ne_fill_proxy_uri(g.sess, uri);
  else ne_fill_server_uri(g.sess, uri);
  return uri.host ?? "";
}
