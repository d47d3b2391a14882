// `npm run shell -- URL`: a WebDAV shell, written as a C program that uses neon would be. It reads
// commands from a person or from a pipe.

import { parseArgs } from "node:util";
import { NE_OK } from "libneon/ne_request";
import { ne_get_error } from "libneon/ne_session";
import { ne_sock_exit, ne_sock_init } from "libneon/ne_socket";
import { nx_session_abort } from "libneon/nx_session";
import { BadArgument } from "../command-line.js";
import type { SessionOptions } from "../interactive-session.js";
import { paint, printable } from "../terminal.js";
import { complain, runLine } from "./commands.js";
import { complete } from "./completion.js";
import { openInput, type Input } from "./input.js";
import { releaseLocks } from "./locks.js";
import { look } from "./resources.js";
import { closeShell, failed, openShell, type Shell } from "./session.js";
import { shownPath } from "./words.js";

const USAGE = `usage: npm run shell -- [-k] [-u NAME[:PASSWORD]] [--ca FILE.pem] URL

A shell for a WebDAV server; "help" lists its commands. A password left out is
asked for. Commands may come from a pipe: the first that fails ends the
program, unless -k says to keep going.

  -u, --user  log in
  -k          keep going after a command that failed
  --ca        trust these certificates as well

Exit code: 0 for success, 1 for a command that failed, 2 for a mistake in the
arguments, 130 when interrupted.
`;

interface Arguments extends SessionOptions {
  keepGoing: boolean;
}

function readArguments(args: string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ca: { type: "string" },
      help: { type: "boolean", short: "h" },
      "keep-going": { type: "boolean", short: "k" },
      user: { type: "string", short: "u" },
    },
  });
  if (values.help === true) return null;
  const [url] = positionals;
  if (url === undefined || positionals.length > 1) throw new BadArgument("one URL, please");
  return { url, user: values.user, ca: values.ca, keepGoing: values["keep-going"] === true };
}

async function main(): Promise<number> {
  // a reader that has seen enough (| head) ends the program, without a word
  process.stdout.on("error", () => process.exit(1));
  const options = readArguments(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  ne_sock_init();
  const shell = openShell(options);
  let input: Input | null = null;
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    nx_session_abort(shell.sess);
    input?.end();
  };
  process.on("SIGINT", interrupt);
  try {
    if (!(await enter(shell))) return 1;
    input = openInput((line) => complete(shell, line));
    const ended = await work(shell, input, options.keepGoing, () => interrupted);
    const released = await releaseLocks(shell);
    if (interrupted && !input.interactive) return 130;
    return ended && released ? 0 : 1;
  } finally {
    process.off("SIGINT", interrupt);
    closeShell(shell);
    ne_sock_exit();
  }
}

// The folder of the URL has to be there before anything is done in it.
async function enter(shell: Shell): Promise<boolean> {
  const found = await look(shell, shell.folder);
  if (found.code === NE_OK && !found.isCollection) failed(shell, "it is no folder");
  if (found.code === NE_OK && found.isCollection) return true;
  return complain(`${shownPath(shell.folder)}: ${ne_get_error(shell.sess)}`);
}

// A person sees what failed and goes on. @returns whether all that a pipe asked for was done
async function work(
  shell: Shell,
  input: Input,
  keepGoing: boolean,
  isInterrupted: () => boolean,
): Promise<boolean> {
  let all = true;
  for (;;) {
    const prompt = `${paint(`dav:${printable(shownPath(shell.folder))}>`, "title")} `;
    const line = await input.next(prompt);
    if (line === null) return all;
    const done = await runLine(shell, line);
    if (done === "quit") return all;
    if (done || input.interactive) continue;
    all = false;
    if (!keepGoing || isInterrupted()) return all;
  }
}

main().then(
  (code) => {
    process.exitCode = code;
    process.stdin.destroy(); // a pipe with more to say does not keep the program
  },
  (error: unknown) => {
    const { message, code } = error as NodeJS.ErrnoException;
    const isMistake = error instanceof BadArgument || `${code}`.startsWith("ERR_PARSE_ARGS");
    if (isMistake) process.stderr.write(`${message.split(/\. /)[0] ?? ""}\n${USAGE}`);
    else console.error(error);
    process.exitCode = isMistake ? 2 : 1;
  },
);
