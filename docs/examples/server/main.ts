// `npm run serve -- DIR`: the example server over a folder of your own.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startDavServer, type DavServerOptions } from "./server.js";

const USAGE = `usage: npm run serve -- DIR [--port N] [--host ADDRESS] [--tls]
                           [--user NAME:PASSWORD]

Serves a folder by WebDAV until Ctrl-C. What clients delete there is gone.
`;

/** A mistake in the arguments: said, and the exit code is 2. */
class BadArgument extends Error {}

/** What the arguments ask for, or `null` for help. */
function readArguments(args: string[]): DavServerOptions | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      host: { type: "string" },
      port: { type: "string" },
      tls: { type: "boolean" },
      user: { type: "string" },
    },
  });
  if (values.help === true) return null;
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) throw new BadArgument("one folder, please");
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new BadArgument(`there is no folder ${folder}`);
  }
  const port = Number(values.port ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new BadArgument("the port must be a number from 0 to 65535");
  }
  const options: DavServerOptions = { root: resolve(folder), port, tls: values.tls === true };
  if (values.host !== undefined) options.host = values.host;
  if (values.user !== undefined) {
    const colon = values.user.indexOf(":");
    if (colon < 1) throw new BadArgument("the user must be NAME:PASSWORD");
    options.auth = {
      realm: "libneon demo",
      username: values.user.slice(0, colon),
      password: values.user.slice(colon + 1),
      scheme: "digest",
    };
  }
  return options;
}

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(USAGE);
    return;
  }
  const server = await startDavServer(options);
  process.stdout.write(`${server.url}/ serves ${server.root}\nCtrl-C ends it.\n`);
  const end = (): void => void server.close();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}

main().catch((error: unknown) => {
  const { message, code } = error as NodeJS.ErrnoException;
  process.stderr.write(`${message}\n`);
  const isMistake = error instanceof BadArgument || code?.startsWith("ERR_PARSE_ARGS") === true;
  if (isMistake) process.stderr.write(USAGE);
  process.exitCode = isMistake ? 2 : 1;
});
