// What `npm start` runs. Without arguments: a tour of the library against a server of its own,
// which checks itself. With a URL: GET, or a listing, of a real server.

import { mkdtemp } from "node:fs/promises";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ne_sock_exit, ne_sock_init } from "libneon/ne_socket";
import { ne_version_string } from "libneon/ne_utils";
import { startDavServer } from "./server/server.js";
import { visit, type VisitOptions } from "./visit.js";
import { makeSelfSigned } from "./self-signed.js";
import { tourAuth, VISITOR } from "./tour-auth.js";
import { STUBBORN, tourDav } from "./tour-dav.js";
import { tourHttp } from "./tour-http.js";
import { tourTls } from "./tour-tls.js";
import { tourTransfers } from "./tour-transfers.js";
import { Tour } from "./tour.js";

const USAGE = `usage: npm start
       npm start -- URL [-o FILE] [--list]
                    [--user NAME[:PASSWORD]]
                    [--proxy URL] [--ca FILE.pem]
                    [--record FILE.har] [--explain]
                    [--cert FILE.p12]

Without a URL: a tour of the library against
a server of its own. With one: a GET, or with
--list a listing.

  -o FILE  save the content
  --user   log in; a password left out is asked for
  --proxy  an http, https or socks URL
  --ca     trust these certificates as well
  --cert   show this client certificate

Exit code: 0 for success, 1 for a request that
failed, 2 for a mistake in the arguments.
`;

async function main(): Promise<number> {
  // a reader that has seen enough (| head) ends the program, without a word
  process.stdout.on("error", () => process.exit(1));
  const options = readArguments(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  ne_sock_init();
  try {
    return options === "tour" ? await tour() : await visit(options);
  } finally {
    ne_sock_exit();
  }
}

function readArguments(args: string[]): VisitOptions | "tour" | "help" | null {
  if (args.length === 0) return "tour";
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ca: { type: "string" },
        cert: { type: "string" },
        explain: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        list: { type: "boolean" },
        output: { type: "string", short: "o" },
        proxy: { type: "string" },
        record: { type: "string" },
        user: { type: "string" },
      },
    });
    if (values.help) return "help";
    const [url] = positionals;
    if (url === undefined || positionals.length > 1) return null;
    if (values.list && values.output !== undefined) return null;
    return { ...values, url };
  } catch (error) {
    const [problem] = (error as Error).message.split(/\. /); // Node goes on to explain
    process.stderr.write(`${problem}\n`);
    return null;
  }
}

async function tour(): Promise<number> {
  const shown = new Tour(await mkdtemp(join(tmpdir(), "libneon-tour-")));
  shown.say(ne_version_string());
  const refuse = (method: string, path: string): number =>
    method === "DELETE" && path.endsWith(STUBBORN) ? 403 : 0;
  const server = await startDavServer({ refuse });
  const own = makeSelfSigned({ names: ["localhost"] });
  const secure = await startDavServer({ tls: own });
  const guarded = await startDavServer({ auth: VISITOR });
  const folders = [shown.folder, server.root, secure.root, guarded.root];
  const cleanUp = (): void => folders.forEach((f) => rmSync(f, { recursive: true, force: true }));
  process.once("exit", cleanUp); // however the program ends
  process.once("SIGINT", interrupted);
  try {
    await tourHttp(shown, server);
    await tourDav(shown, server);
    await tourTls(shown, secure, own.cert);
    await tourAuth(shown, guarded);
    await tourTransfers(shown, server);
  } finally {
    await server.close();
    await secure.close();
    await guarded.close();
    cleanUp();
    process.off("exit", cleanUp);
    process.off("SIGINT", interrupted);
  }
  const { failures } = shown;
  shown.say();
  shown.say("Try next: npm start -- https://example.com/, or docs/tutorial.md");
  if (failures === 0) shown.say("Everything came as expected.", "good");
  else shown.say(`${failures} did not.`, "bad");
  return failures === 0 ? 0 : 1;
}

function interrupted(): void {
  process.exit(130);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
