// The blocks that sockets read into: none is handed out while in use, whatever comes arrives whole
// and in order, over TLS too, and a reader that does nothing holds the server up.
import { PassThrough } from "node:stream";
import type { TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { createTlsContext, setVersions } from "../../../lib/internal/tls/context.js";
import { tlsWire } from "../../../lib/internal/wire/tls_wire.js";
import { ReadRing, ringOf } from "../../../lib/internal/wire/read_blocks.js";
import { handshakeClient } from "../../../lib/internal/wire/tls.js";
import type { Wire } from "../../../lib/internal/wire/wire.js";
import { connect, tlsServer } from "../../fixtures/tls.js";

const DATA = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));

/** A handshake with a server that does `serve`, at once. */
async function handshake(
  t: Test,
  proto: number,
  serve: (socket: TLSSocket) => void,
): Promise<() => Wire> {
  const { port } = await tlsServer(t, {}, serve);
  const context = createTlsContext();
  setVersions(context, proto, proto);
  const outcome = await handshakeClient(await connect(t, port), context, {
    servername: null,
    sessionKey: "",
    timeoutMs: 20_000,
    ownBlocks: true,
  });
  if (!outcome.ok) throw new Error(outcome.error);
  t.ok(outcome.ring, "this Node lets a TLS socket read into blocks");
  return () => {
    const wire = tlsWire(outcome);
    t.teardown(() => wire.destroy());
    return wire;
  };
}

async function readAll(wire: Wire): Promise<Buffer> {
  const got: Buffer[] = [];
  for (let parts = 0; (await wire.more(5000)) >= 0; parts++) {
    // now and then some bytes are left for the next time
    const keep = parts % 3 === 0 ? Math.min(7, wire.available) : 0;
    got.push(Buffer.from(wire.bytes.subarray(wire.pos, wire.end - keep)));
    wire.pos = wire.end - keep;
  }
  got.push(Buffer.from(wire.bytes.subarray(wire.pos, wire.end)));
  return Buffer.concat(got);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

for (const proto of [4, 5]) {
  t.test(`NE_SSL_PROTO ${proto}: records of every size`, async (t) => {
    const wire = (
      await handshake(t, proto, (socket) => {
        for (let at = 0, size = 1; at < DATA.length; at += size, size = (size * 7) % 40_009) {
          socket.write(DATA.subarray(at, at + size));
        }
        socket.end();
      })
    )();
    t.ok((await readAll(wire)).equals(DATA));
    t.match(wire.failure, { error: "Connection closed" });
  });

  t.test(`NE_SSL_PROTO ${proto}: what came before the wire, and a reader that waits`, async (t) => {
    const start = await handshake(t, proto, (socket) => socket.end(DATA));
    await turns(100);
    const wire = start();
    while (wire.received === 0) await turns(1);
    await turns(100);
    // what OpenSSL had deciphered already comes all the same
    t.ok(wire.received <= 256 * 1024, `${wire.received} bytes`);
    t.ok((await readAll(wire)).equals(DATA));
  });
}

t.test("no block is lent twice", async (t) => {
  const ring = new ReadRing(8);
  const stream = new PassThrough();
  let resumed = 0;
  stream.resume = () => {
    resumed++;
    return stream;
  };
  const taken: Buffer[] = [];
  const take = (bytes: Buffer): void => void taken.push(bytes);
  const read = (): boolean => ring.onread.callback(8, ring.onread.buffer());
  t.same([read(), read()], [true, true]);
  ring.attach({ take });
  t.equal(taken.length, 2, "what came before");
  // node:tls goes on to the end of what it has deciphered
  t.same([read(), read(), read()], [false, false, false]);
  t.equal(new Set(taken).size, 5);
  for (const block of taken.splice(0, 2)) ring.release(block, stream);
  t.equal(resumed, 0);
  for (const block of taken.splice(0)) ring.release(block, stream);
  t.equal(resumed, 1);
  t.same([read(), read(), read()], [true, true, false]);
  t.equal(new Set(taken).size, 3);
});

t.test("a Node without the slots", (t) => {
  t.equal(ringOf({ _handle: { useUserBuffer() {} } } as unknown as TLSSocket), null);
  t.end();
});
