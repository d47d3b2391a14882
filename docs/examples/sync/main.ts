// A two-way synchroniser: keeps a folder and a collection of a WebDAV server alike. It runs once;
// docs/synchroniser.md says how it decides.
//
//   node dist/examples/sync/main.js FOLDER URL [--user NAME[:PASSWORD]] [--emptied]
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ne_path_unescape } from "libneon/ne_uri";
import { nx_path } from "libneon/nx_dav";
import { BadArgument, logIn, openSession, runCommand } from "../command-line.js";
import { printable } from "../terminal.js";
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
  const server = new There(openSession(url, "libneon-sync/0.2"), names);
  try {
    if (user !== undefined) await logIn(server.sess, user);
    const workspace = await Workspace.open(folder);
    try {
      const state = await State.load(workspace.state, new URL(url).origin + nx_path(...names, ""));
      if (state.files.size === 0) await server.makeRoot();
      await state.save();
      try {
        const settings = { root: folder, workspace, state, server, emptied, say };
        return (await synchronise(settings)) === 0 ? 0 : 3;
      } finally {
        await state.save();
      }
    } finally {
      await workspace.close();
    }
  } finally {
    server.close();
  }
}

process.exitCode = await runCommand("sync", USAGE, async (args) => {
  const given = readArguments(args);
  if (given === null) process.stdout.write(USAGE);
  return given === null ? 0 : await run(given);
});
