// Cookies (RFC 6265) for sessions, built on hooks: a pre_send hook adds the Cookie field, a
// post_headers hook keeps what the response sets.
import { CookieStore, cookieFrom, type CookieHost } from "./internal/http/cookies.js";
import { cloneForSession, isPlugin, type Plugin } from "./internal/base/clonable.js";
import {
  HandleType,
  misuse,
  type ne_opaque,
  type ne_request,
  type ne_session,
} from "./internal/base/handle.js";
import { requests } from "./internal/session/request.js";
import { sessions } from "./internal/session/session.js";
import {
  ne_get_request_target,
  ne_get_session,
  ne_hook_post_headers,
  ne_hook_pre_send,
} from "./ne_request.js";
import { ne_fill_server_uri } from "./ne_session.js";
import { ne_buffer_altered, ne_buffer_concat, ne_shave, type ne_buffer } from "./ne_string.js";
import { ne_uri } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";
import { nx_response_fields } from "./nx_session.js";

/** A set of cookies, to be shared by any number of sessions. */
export interface nx_cookie_jar extends ne_opaque<"nx_cookie_jar"> {}

const jars = new HandleType<"nx_cookie_jar", CookieStore>("nx_cookie_jar");

/** Version of the text that `nx_cookie_jar_save` makes. */
const FORMAT = 1;
/** Characters of such a text: every cookie and path at its limit. */
const MAX_TEXT = 64 * 1024 * 1024;

// A jar's registration with a session.
interface Registration extends Plugin {
  readonly jar: nx_cookie_jar;
  readonly store: CookieStore;
}

/** Creates an empty jar. */
export function nx_cookie_jar_create(): nx_cookie_jar {
  return jars.lend(new CookieStore());
}

/**
 * Sends the jar's matching cookies with the session's requests and keeps those that its responses
 * set. They never go into CONNECT requests, nor into requests whose target is on another server.
 * A Cookie field that the application sets itself stays, with the jar's cookies behind it.
 *
 * A cookie's domain is refused if it looks like a public suffix: a name of one label, or one like
 * `co.uk`. There is no list of public suffixes. `SameSite` is ignored.
 * @example
 * ```ts
 * const jar = nx_cookie_jar_create();
 * nx_cookies_register(sess, jar);
 * await nx_send(sess, "POST", "/login", { body: new URLSearchParams({ user: "me" }) });
 * fs.writeFileSync("cookies.json", nx_cookie_jar_save(jar, true), { mode: 0o600 });
 * ```
 */
export function nx_cookies_register(sess: ne_session, jar: nx_cookie_jar): void {
  const s = sessions.open(sess, "nx_cookies_register");
  const store = jars.open(jar, "nx_cookies_register");
  // the same jar twice would send every cookie twice
  if (s.hooks.preSend.some(({ userdata }) => isRegistration(userdata, store))) return;
  const registration = newRegistration(jar, store);
  ne_hook_pre_send(sess, send, registration);
  ne_hook_post_headers(sess, keep, registration);
}

/** The jar as JSON text, session cookies left out unless `all`. */
export function nx_cookie_jar_save(jar: nx_cookie_jar, all: boolean = false): string {
  const store = jars.open(jar, "nx_cookie_jar_save");
  if (typeof all !== "boolean") throw misuse("nx_cookie_jar_save", "all must be true or false");
  return JSON.stringify({ version: FORMAT, cookies: store.list(seconds(), all) });
}

/** @returns a jar from such text, or `null` where it is not one. */
export function nx_cookie_jar_load(text: string): nx_cookie_jar | null {
  if (typeof text !== "string") throw misuse("nx_cookie_jar_load", "the text must be a string");
  if (text.length > MAX_TEXT) return null;
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof saved !== "object" || saved === null) return null;
  const { version, cookies } = saved as { version?: unknown; cookies?: unknown };
  if (version !== FORMAT || !Array.isArray(cookies)) return null;
  const store = new CookieStore();
  const now = seconds();
  for (const entry of cookies) {
    const cookie = cookieFrom(entry);
    if (cookie === null) return null;
    store.put(cookie, true, now);
  }
  return jars.lend(store);
}

/** Empties the jar. */
export function nx_cookie_jar_clear(jar: nx_cookie_jar): void {
  jars.open(jar, "nx_cookie_jar_clear").clear();
}

function newRegistration(jar: nx_cookie_jar, store: CookieStore): Registration {
  // a clone for another server may share the jar: cookies know where they belong
  return { jar, store, [cloneForSession]: () => newRegistration(jar, store) };
}

function isRegistration(userdata: unknown, store: CookieStore): boolean {
  return isPlugin(userdata) && (userdata as Partial<Registration>).store === store;
}

function send(req: ne_request, { store }: Registration, header: ne_buffer): void {
  const to = hostOf(req);
  const field = to === null ? null : store.header(to, seconds());
  if (field === null) return;
  // RFC 6265 section 5.4: one field at most
  const own = /^cookie:([^\r\n]*)/im.exec(header.data);
  if (own === null) {
    ne_buffer_concat(header, "Cookie: ", field, "\r\n");
    return;
  }
  const line = own[0];
  const value = ne_shave(own[1] ?? "", " \t");
  const end = own.index + line.indexOf(value, "cookie:".length) + value.length;
  const joined = value === "" ? ` ${field}` : `; ${field}`;
  header.data = header.data.slice(0, end) + joined + header.data.slice(end);
  ne_buffer_altered(header);
}

function keep(
  req: ne_request,
  { store }: Registration,
  status: Readonly<ne_status>,
): void {
  // what a proxy sets is none of the server's cookies
  if (status.code === 407) return;
  const fields = nx_response_fields(req).filter(([name]) => name.toLowerCase() === "set-cookie");
  if (fields.length === 0) return;
  const from = hostOf(req);
  if (from === null) return;
  const now = seconds();
  for (const [, value] of fields) store.set(value, from, now);
}

// Whose cookies a request concerns; null for one that is not for the session's own server.
function hostOf(req: ne_request): CookieHost | null {
  if (requests.open(req, "nx_cookies_register").method === "CONNECT") return null;
  const target = ne_get_request_target(req);
  const server = new ne_uri();
  ne_fill_server_uri(ne_get_session(req), server);
  const host = server.host ?? "";
  if (target?.host?.toLowerCase() !== host.toLowerCase()) return null;
  const path = (target.path ?? "").replace(/\?.*$/s, "");
  return { host, path: path === "" ? "/" : path, secure: server.scheme === "https" };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
