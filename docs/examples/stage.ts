// Where the examples are played: WebDAV servers of their own, a folder of their own, and a place to
// say what happens. An example is a program too: `node dist/examples/shell.js`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DavServer, type DavServerOptions, startDavServer } from "./server/server.js";

export interface Stage {
  /** A folder that is removed afterwards. */
  readonly folder: string;
  /** Starts a server that ends with the example. */
  serve(options?: DavServerOptions): Promise<DavServer>;
  /** Says what happened, in a line. */
  say(line: string): void;
}

export type Example = (stage: Stage) => Promise<void>;

/** Plays an example from beginning to end. */
export async function play(example: Example, say: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "libneon-example-"));
  const servers: DavServer[] = [];
  const serve = async (options: DavServerOptions = {}): Promise<DavServer> => {
    const server = await startDavServer(options);
    servers.push(server);
    return server;
  };
  try {
    await example({ folder, serve, say });
  } finally {
    for (const server of servers) await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Plays the example if the file it is in is the program. */
export function playIfProgram(url: string, example: Example): void {
  if (process.argv[1] === undefined || fileURLToPath(url) !== process.argv[1]) return;
  play(example, (line) => console.log(line)).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
