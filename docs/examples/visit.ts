// `npm start -- URL`: one GET, or one PROPFIND for a listing, to a real server, with everything
// that a person may be asked on the way: a password, a certificate, the password of a key.

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { NE_DEPTH_ONE } from "libneon/ne_basic";
import { ne_simple_propfind } from "libneon/ne_props";
import {
  NE_OK,
  ne_accept_2xx,
  ne_accept_always,
  ne_add_response_body_reader,
  ne_get_response_location,
  ne_get_status,
  ne_hook_post_headers,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_response_header_iterate,
  type ne_field_cursor,
  type ne_request,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_session_destroy,
  ne_session_system_proxy,
  ne_set_error,
  ne_set_notifier,
  ne_ssl_set_clicert,
  ne_status_connecting,
  ne_status_handshake,
  ne_status_lookup,
  ne_status_recving,
  type ne_session,
  type ne_session_status,
  type ne_session_status_info,
} from "libneon/ne_session";
import { ne_iaddr_print } from "libneon/ne_socket";
import {
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_encrypted,
  ne_ssl_clicert_name,
  ne_ssl_clicert_read,
  ne_ssl_proto_name,
} from "libneon/ne_ssl";
import {
  ne_path_unescape,
  ne_uri,
  ne_uri_defaultport,
  ne_uri_parse,
  ne_uri_unparse,
} from "libneon/ne_uri";
import { nx_session_proxy, type nx_proxy } from "libneon/nx_proxy";
import { nx_get_timings } from "libneon/nx_session";
import {
  nx_get_failure,
  nx_recorder_create,
  nx_recorder_har,
  nx_recorder_register,
  type nx_recorder,
} from "libneon/nx_trace";
import { BadArgument } from "./command-line.js";
import { explain } from "./explain.js";
import { hintFor } from "./hints.js";
import { openInteractive, type SessionOptions } from "./interactive-session.js";
import { Table } from "./listing.js";
import { PASSWORD_ATTEMPTS } from "./questions.js";
import { askSecret, columnsOf, fit, paint, printable, ProgressBar } from "./terminal.js";
import { codeName } from "./tour.js";

/** The arguments after `npm start --`. */
export interface VisitOptions extends SessionOptions {
  output?: string | undefined;
  list?: boolean | undefined;
  proxy?: string | undefined;
  cert?: string | undefined;
  record?: string | undefined;
  explain?: boolean | undefined;
}

const bar = new ProgressBar(process.stdout);

function say(line = ""): void {
  for (const part of fit(line, columnsOf(process.stdout))) process.stdout.write(`${part}\n`);
}

// The error goes where errors go; what to try is for people.
function complain(code: number, error: string): void {
  for (const part of fit(`${codeName(code)}: ${printable(error)}`, columnsOf(process.stderr))) {
    process.stderr.write(`${paint(part, "bad", process.stderr)}\n`);
  }
  suggest(code, error);
}

function suggest(code: number, error: string): void {
  const hint = hintFor(code, error);
  if (hint !== null) say(`hint: ${hint}`);
}

/** @returns the exit code: 0 for a 2xx response, 1 for anything else, 2 for bad arguments. */
export async function visit(options: VisitOptions): Promise<number> {
  let sess: ne_session | null = null;
  const recorder = nx_recorder_create();
  try {
    const { sess: opened, uri } = openInteractive(options, "libneon-demo/0.2", say);
    sess = opened;
    await configure(sess, options);
    if (options.record !== undefined) nx_recorder_register(recorder, sess);
    const path = uri.query === null ? `${uri.path}` : `${uri.path}?${uri.query}`;
    const code = options.list ? await list(sess, path) : await fetch(sess, path, options.output);
    const failure = options.explain ? nx_get_failure(sess) : null;
    if (failure !== null) for (const line of explain(failure)) say(line);
    if (options.record !== undefined) save(options.record, recorder);
    return code;
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  } finally {
    if (sess !== null) ne_session_destroy(sess);
  }
}

function save(file: string, recorder: nx_recorder): void {
  try {
    writeFileSync(file, JSON.stringify(nx_recorder_har(recorder), null, 2), { mode: 0o600 });
  } catch (error) {
    throw new BadArgument(`the recording cannot be written: ${(error as Error).message}`);
  }
  say(`recorded: ${printable(file)}`);
}

async function configure(sess: ne_session, options: VisitOptions): Promise<void> {
  ne_set_notifier(sess, (_, status, info) => notify(status, info));
  if (options.proxy === undefined) ne_session_system_proxy(sess, 0);
  else setProxy(sess, options.proxy);
  if (options.cert !== undefined) await setClientCertificate(sess, options.cert);
}

function notify(status: ne_session_status, info: ne_session_status_info): void {
  if (status === ne_status_lookup) say(`Looking up ${info.lu.hostname}`);
  else if (status === ne_status_connecting) say(`Connecting to ${ne_iaddr_print(info.ci.address)}`);
  else if (status === ne_status_handshake) {
    say(`Secured by ${ne_ssl_proto_name(info.hs.protocol)}, ${info.hs.ciphersuite ?? "?"}`);
  } else if (status === ne_status_recving && info.sr.total !== 0) {
    bar.update("received", info.sr.progress, info.sr.total);
  }
}

function setProxy(sess: ne_session, url: string): void {
  const uri = new ne_uri();
  const read = ne_uri_parse(url, uri) === 0 && uri.host !== null && uri.scheme !== null;
  const scheme = uri.scheme?.toLowerCase() ?? "";
  if (!read || !/^(?:https?|socks(?:4|4a|5))$/.test(scheme)) {
    throw new BadArgument("the proxy must be an http, https, socks4, socks4a or socks5 URL");
  }
  const port = uri.port || ne_uri_defaultport(scheme) || 1080;
  const proxy: nx_proxy = { scheme: scheme as nx_proxy["scheme"], host: uri.host ?? "", port };
  if (uri.userinfo !== null) {
    const [name = "", ...rest] = uri.userinfo.split(":");
    proxy.username = ne_path_unescape(name) ?? name;
    proxy.password = ne_path_unescape(rest.join(":")) ?? rest.join(":");
  }
  nx_session_proxy(sess, proxy);
}

async function setClientCertificate(sess: ne_session, file: string): Promise<void> {
  const cert = ne_ssl_clicert_read(file);
  if (cert === null) {
    throw new BadArgument(`no client certificate can be read from ${printable(file)}`);
  }
  const name = ne_ssl_clicert_name(cert) ?? file;
  for (let attempt = 0; ne_ssl_clicert_encrypted(cert); attempt++) {
    const question = `Password of the client certificate ${printable(name)}: `;
    const password = attempt < PASSWORD_ATTEMPTS ? await askSecret(question) : null;
    if (password === null) throw new BadArgument("the client certificate could not be opened");
    if (ne_ssl_clicert_decrypt(cert, password) !== 0) process.stderr.write("Wrong password.\n");
  }
  ne_ssl_set_clicert(sess, cert);
}

async function fetch(sess: ne_session, path: string, output?: string): Promise<number> {
  const req = ne_request_create(sess, "GET", path);
  const sink = output === undefined ? null : new FileSink(sess, output);
  const received = { bytes: 0 };
  ne_hook_post_headers(sess, showHeader, received);
  if (sink !== null) ne_add_response_body_reader(req, ne_accept_2xx, FileSink.take, sink);
  ne_add_response_body_reader(req, ne_accept_always, countBytes, received);
  const code = await ne_request_dispatch(req);
  bar.end();
  sink?.close();
  const done = report(sess, code);
  if (code === NE_OK) {
    const { klass } = ne_get_status(req);
    if (klass === 3) showRedirect(req);
    if (klass > 3) suggest(code, ne_get_error(sess));
    const saved = sink?.opened ? `saved to ${printable(output ?? "")}` : "not saved";
    if (received.bytes > 0) say(`${received.bytes} bytes of content, ${saved}`);
    showTimings(sess);
    ne_request_destroy(req);
    return klass === 2 ? 0 : 1;
  }
  ne_request_destroy(req);
  return done;
}

function countBytes(received: { bytes: number }, block: Uint8Array): number {
  received.bytes += block.length;
  return 0;
}

// Runs for every response: also for a challenge that is answered, whose body does not count.
function showHeader(req: ne_request, received: { bytes: number }): void {
  received.bytes = 0;
  const status = ne_get_status(req);
  const version = `HTTP/${status.major_version}.${status.minor_version}`;
  say(`\n${version} ${status.code} ${printable(status.reason_phrase ?? "")}`);
  const name = { value: "" };
  const value = { value: "" };
  let cursor: ne_field_cursor | null = null;
  while ((cursor = ne_response_header_iterate(req, cursor, name, value)) !== null) {
    say(`  ${printable(name.value)}: ${printable(value.value)}`);
  }
  say();
}

function showRedirect(req: ne_request): void {
  const location = ne_get_response_location(req);
  if (location === null) return;
  say(`It redirects, and was not followed, to ${printable(ne_uri_unparse(location))}`);
}

// A failure in the words of the library; 0 for none.
function report(sess: ne_session, code: number): number {
  if (code === NE_OK) return 0;
  complain(code, ne_get_error(sess));
  return 1;
}

function showTimings(sess: ne_session): void {
  const timings = nx_get_timings(sess);
  if (timings === null) return;
  const { lookup, connect, handshake, send, first_byte, receive, total } = timings;
  const parts = { lookup, connect, handshake, send, "first byte": first_byte, receive, total };
  const shown = Object.entries(parts)
    .filter(([, seconds]) => seconds !== null)
    .map(([part, seconds]) => `${part} ${((seconds ?? 0) * 1000).toFixed(1)} ms`);
  say(`Time: ${shown.join(", ")}`);
}

async function list(sess: ne_session, path: string): Promise<number> {
  const table = new Table(path.replace(/\?.*$/s, ""));
  const code = await ne_simple_propfind(sess, path, NE_DEPTH_ONE, Table.wanted, Table.add, table);
  bar.end();
  if (code !== NE_OK) return report(sess, code);
  if (!ne_get_error(sess).startsWith("207")) {
    say(`It is no listing: ${printable(ne_get_error(sess))}`);
    suggest(code, ne_get_error(sess));
    return 1;
  }
  say();
  for (const line of table.lines()) say(line);
  say();
  showTimings(sess);
  return 0;
}

// Where -o puts the content. The file is made when content comes, so that a failure before that
// leaves what was there alone.
class FileSink {
  opened = false;
  #sess: ne_session;
  #file: string;
  #fd: number | null = null;

  constructor(sess: ne_session, file: string) {
    this.#sess = sess;
    this.#file = file;
  }

  static take(sink: FileSink, block: Uint8Array): number {
    return sink.#take(block);
  }

  #take(block: Uint8Array): number {
    try {
      this.#fd ??= openSync(this.#file, "w");
      this.opened = true;
      for (let at = 0; at < block.length; ) at += writeSync(this.#fd, block, at);
      return 0;
    } catch (error) {
      ne_set_error(this.#sess, "%s", `Could not write: ${(error as Error).message}`);
      return -1;
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
