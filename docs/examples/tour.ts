// How the tour of `npm start` shows a call: the call as a ported program writes it, the code it
// returned, and the session's error string. Each step says what it expects; one that comes out
// otherwise fails the tour.

import {
  NE_AUTH,
  NE_CONNECT,
  NE_ERROR,
  NE_FAILED,
  NE_LOOKUP,
  NE_OK,
  NE_PROXYAUTH,
  NE_REDIRECT,
  NE_RETRY,
  NE_TIMEOUT,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_set_notifier,
  ne_set_useragent,
  ne_session_create,
  ne_status_connected,
  ne_status_connecting,
  ne_status_disconnected,
  ne_status_handshake,
  ne_status_lookup,
  ne_status_recving,
  ne_status_sending,
  type ne_session,
  type ne_session_status,
  type ne_session_status_info,
} from "libneon/ne_session";
import { ne_iaddr_print } from "libneon/ne_socket";
import { ne_ssl_proto_name } from "libneon/ne_ssl";
import { columnsOf, fit, paint, printable, ProgressBar } from "./terminal.js";

const CALL_COLUMNS = 62;
const WIDE_COLUMNS = 100; // narrower, what came of a call goes onto a line of its own
const SHOWN_BODY_BYTES = 1 << 18; // smaller bodies come and go without a bar

const CODES: Record<number, string> = {
  [NE_OK]: "NE_OK",
  [NE_ERROR]: "NE_ERROR",
  [NE_LOOKUP]: "NE_LOOKUP",
  [NE_AUTH]: "NE_AUTH",
  [NE_PROXYAUTH]: "NE_PROXYAUTH",
  [NE_CONNECT]: "NE_CONNECT",
  [NE_TIMEOUT]: "NE_TIMEOUT",
  [NE_FAILED]: "NE_FAILED",
  [NE_RETRY]: "NE_RETRY",
  [NE_REDIRECT]: "NE_REDIRECT",
};

/** The name of an `NE_*` code. */
export function codeName(code: number): string {
  return CODES[code] ?? String(code);
}

export class Tour {
  /** how many steps came out otherwise than expected */
  failures = 0;
  /** a folder for the tour's files, removed after it */
  readonly folder: string;
  #bar = new ProgressBar(process.stdout);

  constructor(folder: string) {
    this.folder = folder;
  }

  say(line = "", colour: Parameters<typeof paint>[1] | null = null): void {
    for (const part of fit(line, columnsOf(process.stdout))) {
      process.stdout.write(`${colour === null ? part : paint(part, colour)}\n`);
    }
  }

  /** A session whose events are shown. */
  session(scheme: string, host: string, port: number): ne_session {
    this.say(`  ne_session_create("${scheme}", "${host}", ${port})`);
    const sess = ne_session_create(scheme, host, port);
    ne_set_useragent(sess, "libneon-demo/0.2");
    ne_set_notifier(sess, (_, status, info) => this.#notify(status, info));
    return sess;
  }

  #event(line: string): void {
    this.say(line, "dim");
  }

  #notify(status: ne_session_status, info: ne_session_status_info): void {
    switch (status) {
      case ne_status_lookup:
        return this.#event(`    - looking up ${info.lu.hostname}`);
      case ne_status_connecting:
        return this.#event(`    - connecting to ${ne_iaddr_print(info.ci.address)}`);
      case ne_status_connected:
        return this.#event("    - connected");
      case ne_status_handshake:
        return this.#event(`    - ${ne_ssl_proto_name(info.hs.protocol)}, ${info.hs.ciphersuite}`);
      case ne_status_disconnected:
        return this.#event("    - disconnected");
      case ne_status_sending:
        return this.#transfer("sending", info.sr.progress, info.sr.total);
      case ne_status_recving:
        return this.#transfer("receiving", info.sr.progress, info.sr.total);
    }
  }

  #transfer(label: string, progress: number, total: number): void {
    if (total >= SHOWN_BODY_BYTES) this.#bar.update(`  - ${label}`, progress, total);
  }

  /** Runs a call and shows what came of it. */
  async call(
    sess: ne_session,
    text: string,
    run: () => number | Promise<number>,
    expected: { code?: number; error?: string | RegExp } = {},
  ): Promise<boolean> {
    const { code: wanted = NE_OK, error: words = "" } = expected;
    const code = await run();
    this.#bar.end();
    const error = ne_get_error(sess);
    const fits = typeof words === "string" ? error.includes(words) : words.test(error);
    if (columnsOf(process.stdout) < WIDE_COLUMNS) {
      this.say(`  ${text}`);
      this.say(`    ${codeName(code)} ${printable(error)}`);
    } else {
      const call = `  ${text} `.padEnd(CALL_COLUMNS, ".");
      this.say(`${call} ${codeName(code).padEnd(11)} ${printable(error)}`);
    }
    if (code === wanted && fits) return true;
    this.failures++;
    this.say(`    ! expected ${codeName(wanted)} ${String(words)}`, "bad");
    return false;
  }

  /** States something that must be so. */
  check(text: string, is: boolean): void {
    if (!is) this.failures++;
    if (is) this.say(`    = ${text}`, "good");
    else this.say(`    ! not so: ${text}`, "bad");
  }
}
