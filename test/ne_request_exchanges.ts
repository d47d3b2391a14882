// Whole exchanges, event by event and in C's order: the table is test/fixtures/exchanges.ts.
import t from "tap";
import { conversation, play } from "./fixtures/exchange_client.js";
import { EXCHANGES } from "./fixtures/exchanges.js";
import { scripted, type Peer } from "./fixtures/server.js";

for (const { name, requests, connections, events } of EXCHANGES) {
  t.test(name, async (t) => {
    const scripts = connections.map((steps) => (peer: Peer) => play(peer, steps));
    const server = await scripted(t, scripts, { fewer: true });
    t.same(await conversation(server.port, requests), events);
  });
}
