// Prints the events of the next week in all calendars of a CalDAV account. docs/calendars.md says
// how it decides.
//
//   node dist/examples/agenda/main.js URL [--user NAME[:PASSWORD]] [--from DATE] [--days N]
import { parseArgs } from "node:util";
import { ne_session_destroy } from "libneon/ne_session";
import { BadArgument, logIn, openSession, runCommand } from "../command-line.js";
import { printable } from "../terminal.js";
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

const MOST_DAYS = 366;

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

async function run({ url, user, within }: Arguments): Promise<number> {
  const sess = openSession(url, "libneon-agenda/0.2");
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

process.exitCode = await runCommand("agenda", USAGE, async (args) => {
  const given = readArguments(args);
  if (given === null) process.stdout.write(USAGE);
  return given === null ? 0 : await run(given);
});
