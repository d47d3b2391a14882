// Generated exchanges played by C neon (Debian's, 0.32.5) and by this library, each against a
// server of its own: return codes, error texts, hooks and callbacks in their order, the bytes of
// the requests and the connections are compared. A difference is a failure unless its kind is
// known.
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import path from "node:path";
import { conversation, play } from "../fixtures/exchange_client.js";
import { Folder, findProgram } from "../fixtures/real/launch.js";
import { scripted, type Peer, type TestScope } from "../fixtures/server.js";
import { ROOT } from "../fixtures/sources.js";
import { differenceOf, type Difference } from "./differences.js";
import { generateExchange, type GeneratedExchange } from "./generated_exchanges.js";
import { Tally, type Suite } from "./suite.js";

/** What one of the two did with an exchange. */
export interface Course {
  /** A line of events a request, one for the end of the session. */
  readonly events: readonly string[];
  /** What each connection was sent. */
  readonly received: readonly string[];
}

type Client = (port: number, requests: readonly string[]) => Promise<readonly string[]>;

/** The program, compiled; or why it cannot be. */
function compile(t: TestScope): { program: string; version: string } | string {
  const compiler = findProgram("cc", "gcc");
  const settings = findProgram("pkg-config");
  if (compiler === null || settings === null) return "there is no C compiler, or no pkg-config";
  const ask = (...args: string[]): string =>
    spawnSync(settings, [...args, "neon"], { encoding: "utf8" }).stdout.trim();
  const flags = ask("--cflags", "--libs");
  if (flags === "") return "the headers of C neon are not installed";
  const program = new Folder(t, "neon").of("neon");
  const source = path.join(ROOT, "test/conformance/neon.c");
  const args = ["-O1", "-D_GNU_SOURCE", source, "-o", program, ...flags.split(/\s+/)];
  const built = spawnSync(compiler, args, { encoding: "utf8" });
  if (built.status !== 0) return `neon.c does not compile: ${built.stderr}`;
  return { program, version: ask("--modversion") };
}

/** Asks the C program, which answers every line of its input with lines that end in ".". */
function cClient(child: ChildProcessWithoutNullStreams): Client {
  let text = "";
  let wake = (): void => {};
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    wake();
  });
  child.on("close", () => {
    text += "\nthe program has ended\n.\n";
    wake();
  });
  return async (port, requests) => {
    text = "";
    child.stdin.write(`${[port, ...requests].join("\t")}\n`);
    while (!text.endsWith("\n.\n")) await new Promise<void>((resolve) => (wake = resolve));
    const lines = text.slice(0, -"\n.\n".length).trim().split("\n");
    return lines.map((line) => line.trim());
  };
}

const PLAIN = ["R", "w:HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"];

async function course(
  t: TestScope,
  client: Client,
  { requests, connections }: GeneratedExchange,
): Promise<Course> {
  const server = await scripted(t, (peer: Peer) =>
    play(peer, [...(connections[peer.number] ?? []), ...Array<string[]>(4).fill(PLAIN).flat()]),
  );
  const events = await client(server.port, requests);
  const received = server.received.map((text) =>
    text
      .replaceAll(`127.0.0.1:${server.port}`, "HOST")
      .replaceAll(/(?<=User-Agent: .*)\bneon\/[\d.]+/g, "neon"),
  );
  await server.close();
  return { events, received };
}

const FIRST_SEED = 9112;

/** How often an exchange may differ before it is a difference. */
const ROUNDS = 2;

function countOf(extent: "short" | "full"): number {
  const asked = Number(process.env["NEON_EXCHANGES"] ?? "0");
  if (asked > 0) return asked;
  return extent === "full" ? 500 : 40;
}

export const DIFFERENTIAL: Suite = {
  name: "C neon",
  async run(t, extent) {
    const built = compile(t);
    if (typeof built === "string") return built;
    const child = spawn(built.program);
    t.teardown(() => child.kill());
    const theirs = cClient(child);
    const count = countOf(extent);
    const tally = new Tally(`C neon ${built.version}, ${count} exchanges from seed ${FIRST_SEED}`);
    for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) {
      const exchange = generateExchange(seed);
      const lax = { ...exchange, requests: ["strict,0", ...exchange.requests] };
      let difference: Difference | null = null;
      // the end of a connection may cross a request: once more tells chance from difference
      for (let round = 0; round < ROUNDS; round++) {
        const c = await course(t, theirs, exchange);
        const ours = await course(t, conversation, exchange);
        difference = await differenceOf(exchange, c, ours, () => course(t, conversation, lax));
        if (difference === null) break;
      }
      if (difference === null) tally.pass();
      else if (difference.reason !== null) tally.explain(`seed ${seed}`, difference.reason);
      else tally.fail(`seed ${seed}`, difference.text);
    }
    child.stdin.end();
    return tally;
  },
};
