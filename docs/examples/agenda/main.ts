// Prints the events of the next week in all calendars of a CalDAV account. docs/calendars.md says
// how it decides.
//
//   node dist/examples/agenda/main.js URL [--user NAME[:PASSWORD]] [--from DATE] [--days N]
import { parseArgs } from "node:util";
import { NE_AUTH_DEFAULT } from "libneon/ne_auth";
import {
  ne_session_destroy,
  ne_session_system_proxy,
  ne_set_connect_timeout,
  ne_set_read_timeout,
  ne_set_useragent,
  type ne_session,
} from "libneon/ne_session";
import { nx_set_credentials } from "libneon/nx_auth";
import { nx_session_for } from "libneon/nx_script";
import { askSecret, printable } from "../terminal.js";
import { readAgenda } from "./account.js";
import type { Span } from "./events.js";
import { linesOf } from "./print.js";

const USAGE = `usage: agenda URL [--user NAME[:PASSWORD]] [--from DATE] [--days N]

Prints the events of an account from now on, or from the beginning of a day, in
local time. A URL without a path begins at /.well-known/caldav.

  --user  log in; a password left out is asked for
  --from  the first day, YYYY-MM-DD
  --days  how many days (7)

Exit code: 0 all that there is; 1 something could not be read, and was told; 2
a mistake in the arguments.
`;

const CONNECT_TIMEOUT = 30; // seconds
const READ_TIMEOUT = 60; // seconds
const MOST_DAYS = 366;

/** A mistake in the arguments. */
class BadArgument extends Error {}

interface Arguments {
  readonly url: string;
  readonly user: string | undefined;
  readonly within: Span;
}

function readArguments(args: string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      days: { type: "string", default: "7" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
      user: { type: "string" },
    },
  });
  if (values.help === true) return null;
  const [url] = positionals;
  if (url === undefined || positionals.length > 1) throw new BadArgument("a URL, please");
  return { url, user: values.user, within: readSpan(values.from, values.days) };
}

// Ends with a day, whenever it begins.
function readSpan(first: string | undefined, days: string): Span {
  const count = /^\d{1,3}$/.test(days) ? Number(days) : 0;
  if (count < 1 || count > MOST_DAYS) throw new BadArgument(`--days is 1 to ${MOST_DAYS}`);
  const isDay = first === undefined || /^\d{4}-\d\d-\d\d$/.test(first);
  const from = first === undefined ? new Date() : new Date(`${first}T00:00:00`);
  if (!isDay || Number.isNaN(from.getTime())) throw new BadArgument("--from is YYYY-MM-DD");
  const to = new Date(from.getFullYear(), from.getMonth(), from.getDate() + count);
  return { from: from.getTime(), to: to.getTime() };
}

function openSession(url: string): ne_session {
  const isWeb = /^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(url);
  const sess = isWeb ? nx_session_for(url) : null;
  if (sess === null) throw new BadArgument("an http: or https: URL without a login, please");
  ne_set_useragent(sess, "libneon-agenda/0.2");
  ne_set_connect_timeout(sess, CONNECT_TIMEOUT);
  ne_set_read_timeout(sess, READ_TIMEOUT);
  ne_session_system_proxy(sess, 0);
  return sess;
}

async function logIn(sess: ne_session, user: string): Promise<void> {
  const colon = user.indexOf(":");
  const name = colon < 0 ? user : user.slice(0, colon);
  const password = colon < 0 ? await askSecret(`Password of ${name}: `) : user.slice(colon + 1);
  if (password === null) throw new BadArgument("nobody can be asked for the password");
  nx_set_credentials(sess, NE_AUTH_DEFAULT, name, password);
}

async function run({ url, user, within }: Arguments): Promise<number> {
  const sess = openSession(url);
  try {
    if (user !== undefined) await logIn(sess, user);
    const { pathname } = new URL(url);
    const agenda = await readAgenda(sess, pathname === "/" ? null : pathname, within);
    for (const line of linesOf(agenda)) console.log(line);
    for (const failure of agenda.failures) console.error(printable(`agenda: ${failure}`));
    return agenda.failures.length === 0 ? 0 : 1;
  } finally {
    ne_session_destroy(sess);
  }
}

async function main(): Promise<number> {
  try {
    const given = readArguments(process.argv.slice(2));
    if (given === null) process.stdout.write(USAGE);
    return given === null ? 0 : await run(given);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    process.stderr.write(`agenda: ${printable(message)}\n`);
    const isMistake = error instanceof BadArgument || `${code}`.startsWith("ERR_PARSE_ARGS");
    if (isMistake) process.stderr.write(USAGE);
    return isMistake ? 2 : 1;
  }
}

process.exitCode = await main();
