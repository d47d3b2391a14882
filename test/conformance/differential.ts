// Generated exchanges played by C neon (Debian's, 0.32.5) and by this library, each against a
// server of its own: return codes, error texts, hooks and callbacks in their order, the bytes of
// the requests and the connections are compared. A difference is a failure unless its kind is
// known.
import { spawn } from "node:child_process";
import { cClient, compile, type Client } from "../fixtures/c_neon.js";
import { conversation, play } from "../fixtures/exchange_client.js";
import { scripted, type Peer, type TestScope } from "../fixtures/server.js";
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
    const built = compile(t, "test/conformance/neon.c");
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
