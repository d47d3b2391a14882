// internal/wire/tcp.ts: one connection to one address.
import fs from "node:fs";
import path from "node:path";
import t from "tap";
import { NE_SOCK_CLOSED, NE_SOCK_ERROR } from "../../../lib/index.js";
import { connectTcp, connectUnix, type TcpOptions } from "../../../lib/internal/wire/tcp.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import type { WireFailure } from "../../../lib/internal/wire/wire_failure.js";
import { refusedPort, scripted, type Peer } from "../../fixtures/server.js";

const loopback = { kind: "ipv4", bytes: Buffer.from([127, 0, 0, 1]), scope: null } as const;
const nowhere = { kind: "ipv4", bytes: Buffer.from([192, 0, 2, 1]), scope: null } as const;

function options(port: number, more: Partial<TcpOptions> = {}): TcpOptions {
  return {
    address: loopback,
    port,
    local: null,
    localPort: 0,
    timeoutMs: 0,
    ownBlocks: false,
    ...more,
  };
}

t.test("bytes both ways, into blocks of its own and without", async (t) => {
  const size = 1_000_000;
  for (const ownBlocks of [false, true]) {
    const server = await scripted(t, [
      async (peer) => {
        t.equal(String(await peer.readBytes(2)), "hi");
        await peer.write(Buffer.alloc(size, "0123456789abcde"));
        await peer.end();
      },
    ]);
    const wire = (await connectTcp(options(server.port, { ownBlocks }))) as Wire;
    t.equal(wire.bound, ownBlocks);
    t.equal(wire.write("hi", 0), 0);
    const got: Buffer[] = [];
    let parts = 0;
    for (;;) {
      const added = await wire.more(5000);
      if (added < 0) break;
      parts++;
      // now and then some bytes are left for the next time
      const keep = parts % 3 === 0 ? Math.min(7, wire.available) : 0;
      got.push(Buffer.from(wire.bytes.subarray(wire.pos, wire.end - keep)));
      wire.pos = wire.end - keep;
    }
    got.push(Buffer.from(wire.bytes.subarray(wire.pos, wire.end)));
    t.equal(wire.failure.code, NE_SOCK_CLOSED);
    t.ok(Buffer.concat(got).equals(Buffer.alloc(size, "0123456789abcde")));
    wire.close();
  }
});

t.test("a wire with its own blocks holds the server up while nobody reads", async (t) => {
  const size = 40 << 20;
  const server = await scripted(
    t,
    [
      async (peer: Peer) => {
        await peer.write(Buffer.alloc(size));
        await peer.end();
      },
    ],
    { forget: true },
  );
  const wire = (await connectTcp(options(server.port, { ownBlocks: true }))) as Wire;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.ok(wire.received <= 3 * 65536, `${wire.received} bytes`);
  let got = 0;
  for (let added; (added = await wire.more(5000)) >= 0;) {
    got += added;
    wire.pos = wire.end;
  }
  t.equal(got, size);
  wire.close();
});

t.test("a wire keeps the process only while something waits for it", async (t) => {
  const server = await scripted(t, [(peer) => peer.readEof()]);
  const wire = (await connectTcp(options(server.port))) as Wire;
  const { stream } = wire as unknown as { stream: { _handle: { hasRef(): boolean } } };
  t.equal(stream._handle.hasRef(), false);
  const waiting = wire.more(60_000);
  t.equal(stream._handle.hasRef(), true);
  await server.peers[0]?.write("x");
  t.equal(await waiting, 1);
  t.equal(stream._handle.hasRef(), false);
  wire.close();
});

t.test("attempts that fail", async (t) => {
  const refused = (await connectTcp(options(await refusedPort()))) as WireFailure;
  t.match(refused, {
    code: NE_SOCK_ERROR,
    error: "Connection refused",
    cause: { code: "ECONNREFUSED" },
  });
  const server = await scripted(t, [], { fewer: true });
  const local = (await connectTcp(options(server.port, { local: nowhere }))) as WireFailure;
  t.match(local, { code: NE_SOCK_ERROR, error: "Cannot assign requested address" });
  const broken = { code: NE_SOCK_ERROR, error: "enough", cause: null };
  const cancelled = connectTcp(options(server.port, { onCancel: (cancel) => cancel(broken) }));
  t.equal(await cancelled, broken);
  let cancel = (_why: WireFailure): void => {};
  const later = connectTcp(
    options(9, { address: nowhere, timeoutMs: 60_000, onCancel: (f) => (cancel = f) }),
  );
  cancel(broken);
  t.equal(await later, broken);
  cancel(broken);
});

t.test("a time longer than a timer can be is not no time at all", async (t) => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", onWarning);
  const server = await scripted(t, [async (peer) => peer.readEof()]);
  const wire = await connectTcp(options(server.port, { timeoutMs: 2 ** 40 }));
  if (wire instanceof Wire) wire.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  t.strictSame([wire instanceof Wire, warnings], [true, []]);
});

t.test("Unix-domain sockets", async (t) => {
  const name = path.join(t.testdir({}), "s");
  const server = await scripted(t, [async (peer) => peer.write("hello")], { path: name });
  const wire = (await connectUnix(name, 1000)) as Wire;
  t.equal(await wire.more(1000), 5);
  wire.close();
  await server.close();
  fs.rmSync(name, { force: true });
  t.match(await connectUnix(name, 0), { code: NE_SOCK_ERROR, error: "No such file or directory" });
});
