// A two-way synchroniser: keeps a folder and a collection of a WebDAV server alike. It runs once;
// docs/synchroniser.md says how it decides.
//
//   node dist/examples/sync/main.js FOLDER URL [--user NAME[:PASSWORD]] [--emptied]
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { NE_AUTH_DEFAULT } from "libneon/ne_auth";
import {
  ne_session_system_proxy,
  ne_set_connect_timeout,
  ne_set_read_timeout,
  ne_set_useragent,
  type ne_session,
} from "libneon/ne_session";
import { ne_path_unescape } from "libneon/ne_uri";
import { nx_set_credentials } from "libneon/nx_auth";
import { nx_path } from "libneon/nx_dav";
import { nx_session_for } from "libneon/nx_script";
import { askSecret, printable } from "../terminal.js";
import { synchronise } from "./run.js";
import { State } from "./state.js";
import { There } from "./there.js";
import { Workspace } from "./workspace.js";

const USAGE = `usage: sync FOLDER URL [--user NAME[:PASSWORD]] [--emptied]

Keeps FOLDER and the collection at URL alike. It says each thing that it does.

  --user     log in; a password left out is asked for
  --emptied  believe it if one side shows none of the files that both had

Exit code: 0 both are alike; 1 a failure ended the run; 2 a mistake in the
arguments; 3 done, but somebody should look at the lines that begin with
"conflict" or "left".
`;

const CONNECT_TIMEOUT = 30; // seconds
const READ_TIMEOUT = 60; // seconds

/** A mistake in the arguments. */
class BadArgument extends Error {}

interface Arguments {
  readonly folder: string;
  readonly url: string;
  readonly user: string | undefined;
  readonly emptied: boolean;
}

function readArguments(args: string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      emptied: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      user: { type: "string" },
    },
  });
  if (values.help === true) return null;
  const [folder, url] = positionals;
  if (folder === undefined || url === undefined || positionals.length > 2) {
    throw new BadArgument("a folder and a URL, please");
  }
  // a disk that is not mounted is no empty folder
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new BadArgument(`there is no folder ${folder}`);
  }
  return { folder: resolve(folder), url, user: values.user, emptied: values.emptied === true };
}

function openSession(url: string): ne_session {
  const isWeb = /^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(url);
  const sess = isWeb ? nx_session_for(url) : null;
  if (sess === null) throw new BadArgument("an http: or https: URL without a login, please");
  ne_set_useragent(sess, "libneon-sync/0.2");
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

function namesIn(url: string): string[] {
  const names = new URL(url).pathname.split("/").filter((part) => part !== "");
  return names.map((part) => {
    const name = ne_path_unescape(part);
    if (name === null) throw new BadArgument("the URL has a broken %-escape");
    return name;
  });
}

function say(what: string, path: string, why?: string): void {
  console.log(printable(`${what}: ${path}${why === undefined ? "" : `: ${why}`}`));
}

async function run({ folder, url, user, emptied }: Arguments): Promise<number> {
  const names = namesIn(url);
  const server = new There(openSession(url), names);
  try {
    if (user !== undefined) await logIn(server.sess, user);
    const workspace = await Workspace.open(folder);
    try {
      const state = await State.load(workspace.state, new URL(url).origin + nx_path(...names, ""));
      if (state.files.size === 0) await server.makeRoot();
      await state.save();
      const settings = { root: folder, workspace, state, server, emptied, say };
      return (await synchronise(settings)) === 0 ? 0 : 3;
    } finally {
      await workspace.close();
    }
  } finally {
    server.close();
  }
}

async function main(): Promise<number> {
  try {
    const given = readArguments(process.argv.slice(2));
    if (given === null) process.stdout.write(USAGE);
    return given === null ? 0 : await run(given);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    process.stderr.write(`sync: ${printable(message)}\n`);
    const isMistake = error instanceof BadArgument || `${code}`.startsWith("ERR_PARSE_ARGS");
    if (isMistake) process.stderr.write(USAGE);
    return isMistake ? 2 : 1;
  }
}

process.exitCode = await main();
