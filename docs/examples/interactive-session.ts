// A session for a URL that a person gave, who may be asked on the way: for a password, and whether
// a certificate is to be accepted.
import { ne_add_server_auth, NE_AUTH_DEFAULT } from "libneon/ne_auth";
import {
  ne_session_create,
  ne_set_connect_timeout,
  ne_set_read_timeout,
  ne_set_useragent,
  ne_ssl_set_verify,
  ne_ssl_trust_cert,
  ne_ssl_trust_default_ca,
  type ne_session,
} from "libneon/ne_session";
import { ne_ssl_cert_read } from "libneon/ne_ssl";
import { ne_path_unescape, ne_uri, ne_uri_defaultport, ne_uri_parse } from "libneon/ne_uri";
import { BadArgument } from "./command-line.js";
import { judge, loginOf, logIn, type Asking, type Login } from "./questions.js";
import { printable } from "./terminal.js";

const CONNECT_TIMEOUT = 15; // seconds
const READ_TIMEOUT = 60; // seconds

/** What the program was told. */
export interface SessionOptions {
  url: string;
  /** `NAME` or `NAME:PASSWORD` */
  user?: string | undefined;
  /** A file of certificates to trust as well. */
  ca?: string | undefined;
}

/** A session, and whoever asks on its behalf. */
export interface InteractiveSession {
  readonly sess: ne_session;
  readonly uri: ne_uri;
  readonly login: Login;
  readonly certificate: Asking;
}

/** Opens a session, which calls itself `agent` and says things by `say`. Nothing is sent yet. */
export function openInteractive(
  options: SessionOptions,
  agent: string,
  say: (line: string) => void,
): InteractiveSession {
  const uri = new ne_uri();
  const known = ne_uri_parse(options.url, uri) === 0 && /^https?$/i.test(uri.scheme ?? "");
  if (!known || uri.scheme === null || uri.host === null || uri.host === "") {
    throw new BadArgument(`not an http or https URL: ${printable(options.url)}`);
  }
  const ca = options.ca === undefined ? null : ne_ssl_cert_read(options.ca);
  if (ca === null && options.ca !== undefined) {
    throw new BadArgument(`no certificate can be read from ${printable(options.ca)}`);
  }
  const sess = ne_session_create(uri.scheme, uri.host, uri.port || ne_uri_defaultport(uri.scheme));
  ne_set_useragent(sess, agent);
  ne_set_connect_timeout(sess, CONNECT_TIMEOUT);
  ne_set_read_timeout(sess, READ_TIMEOUT);
  const named = uri.userinfo === null ? "" : (ne_path_unescape(uri.userinfo) ?? "");
  const login = loginOf(options.user ?? named, say);
  const certificate: Asking = { say };
  if (login.name !== "") ne_add_server_auth(sess, NE_AUTH_DEFAULT, logIn, login);
  ne_ssl_trust_default_ca(sess);
  if (ca !== null) ne_ssl_trust_cert(sess, ca);
  ne_ssl_set_verify(sess, judge, certificate);
  return { sess, uri, login, certificate };
}
