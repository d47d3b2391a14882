// What a conversation costs: memory stays flat however much a peer sends, a reader that takes its
// time holds the peer up, and nothing is left of what is over.
import t from "tap";
import {
  NE_ERROR,
  NE_OK,
  ne_accept_always,
  ne_add_response_body_reader,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_set_error,
  ne_set_request_body_provider,
} from "../lib/index.js";
import { OK, openSession, send, settled } from "./fixtures/conversation.js";
import { scripted, type Peer } from "./fixtures/server.js";

const MIB = 1 << 20;
const BLOCK = Buffer.alloc(MIB, "x");

/** Bytes in use beside the heap, where network buffers are, and on it. */
function inUse(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

async function endless(peer: Peer, head: string, block: Buffer): Promise<void> {
  await peer.readRequest();
  await peer.write(head);
  while (!peer.ended) await peer.write(block);
}

const ENDLESS: [string, string, Buffer][] = [
  ["a body until the end", "HTTP/1.1 200 OK\r\n\r\n", BLOCK],
  [
    "a body of a great length",
    "HTTP/1.1 200 OK\r\nContent-Length: 9007199254740991\r\n\r\n",
    BLOCK,
  ],
  [
    "a body in chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    Buffer.from(`4000\r\n${"x".repeat(0x4000)}\r\n`),
  ],
  [
    "a body in one chunk of four gigabytes",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    BLOCK,
  ],
];

for (const [name, head, block] of ENDLESS) {
  t.test(`${name} without end keeps memory flat`, async (t) => {
    const server = await scripted(t, [(peer: Peer) => endless(peer, head, block)], {
      forget: true,
    });
    const sess = openSession(t, server.port);
    const req = ne_request_create(sess, "GET", "/");
    let seen = 0;
    let most = 0;
    let start = 0;
    ne_add_response_body_reader(req, ne_accept_always, (_userdata, piece) => {
      const before = seen;
      seen += piece.length;
      if (start === 0 && seen > 8 * MIB) start = inUse();
      if (Math.floor(before / MIB) !== Math.floor(seen / MIB) && start > 0) {
        most = Math.max(most, inUse() - start);
      }
      if (seen < 128 * MIB) return 0;
      ne_set_error(sess, "enough");
      return 1;
    });
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    ne_request_destroy(req);
    t.ok(most < 64 * MIB, `${Math.round(most / MIB)} MiB more`);
  });
}

t.test("a reader that takes its time holds the server up", async (t) => {
  let sent = 0;
  const server = await scripted(
    t,
    [
      async (peer) => {
        await peer.readRequest();
        await peer.write("HTTP/1.1 200 OK\r\n\r\n");
        while (!peer.ended) {
          await peer.write(BLOCK);
          sent += BLOCK.length;
        }
      },
    ],
    { forget: true },
  );
  const sess = openSession(t, server.port);
  let first = true;
  const result = await send(sess, "GET", "/", (req) => {
    ne_add_response_body_reader(req, ne_accept_always, async () => {
      if (!first) return 1;
      first = false;
      // until the server gets nothing more out
      for (let before = -1; before !== sent;) {
        before = sent;
        for (let turn = 0; turn < 20; turn++) await settled();
      }
      return 0;
    });
  });
  t.equal(result.code, NE_ERROR);
  t.ok(sent < 48 * MIB, `${sent / MIB} MiB were sent, the system's own buffers included`);
});

t.test("a server that takes its time holds the provider up", async (t) => {
  const server = await scripted(
    t,
    [
      async (peer) => {
        await peer.readHead();
        peer.pause();
        await stuck;
        peer.resume();
        await peer.readBytes(100 * MIB);
        await peer.write(OK);
      },
    ],
    { forget: true },
  );
  let free = (): void => {};
  const stuck = new Promise<void>((resolve) => (free = resolve));
  let asked = 0;
  let at = 0;
  const request = send(openSession(t, server.port), "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 100 * MIB, (_userdata, buffer) => {
      const count = Math.min(buffer.length, 100 * MIB - asked);
      asked += count;
      return count;
    });
  });
  while (asked === 0) await settled();
  for (let before = -1; before !== asked;) {
    before = asked;
    for (let turn = 0; turn < 20; turn++) await settled();
    at = asked;
  }
  t.ok(at < 48 * MIB, `${at / MIB} MiB were asked for`);
  free();
  t.equal((await request).code, NE_OK);
});

t.test("nothing is left of a thousand sessions", async (t) => {
  const server = await scripted(t, async (peer) => {
    while (!peer.ended) {
      const request = await peer.readRequest().catch(() => null);
      if (request === null) return;
      await peer.write(OK);
    }
  });
  const count = (): Record<string, number> => {
    const resources: Record<string, number> = {};
    for (const name of process.getActiveResourcesInfo())
      resources[name] = (resources[name] ?? 0) + 1;
    return resources;
  };
  const before = count();
  for (let i = 0; i < 1000; i++) {
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const result = await send(sess);
    if (result.code !== NE_OK) t.fail(result.error);
    ne_session_destroy(sess);
  }
  while (server.peers.some(({ ended }) => !ended)) await settled();
  for (let turn = 0; turn < 20; turn++) await settled();
  const after = count();
  // the server's own ends may still be closing
  t.ok((after["TCPSocketWrap"] ?? 0) - (before["TCPSocketWrap"] ?? 0) < 20, JSON.stringify(after));
  t.ok((after["Timeout"] ?? 0) - (before["Timeout"] ?? 0) < 20, JSON.stringify(after));
});

t.test("an idle session does not keep the process", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  await send(sess);
  for (let turn = 0; turn < 5; turn++) await settled();
  // the server's end of the connection is the only one that counts
  t.equal(sockets(), 1);
});
