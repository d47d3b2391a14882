// The SOCKS conversation over a wire: a proxy that goes silent, or away, holds nobody up.
import t from "tap";
import { connectTcp } from "../../../lib/internal/wire/tcp.js";
import { driveSocks } from "../../../lib/internal/wire/socks_client.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import { tcpServer } from "../../fixtures/tls.js";

const target = {
  version: "5",
  address: null,
  hostname: "origin.example",
  port: 80,
  username: null,
  password: null,
} as const;

async function wireTo(port: number): Promise<Wire> {
  const address = { kind: "ipv4", bytes: Buffer.from([127, 0, 0, 1]), scope: null } as const;
  const rest = { local: null, localPort: 0, timeoutMs: 5000, ownBlocks: false };
  const wire = await connectTcp({ address, port, ...rest });
  if (!(wire instanceof Wire)) throw new Error(wire.error);
  return wire;
}

t.test("a proxy that never answers", async (t) => {
  const wire = await wireTo(await tcpServer(t, (socket) => socket.resume()));
  const failure = await driveSocks(wire, target, 30);
  t.equal(failure?.code, -1);
  t.match(failure?.error, /: Connection timed out$/);
  wire.destroy();
});

t.test("a proxy that answers half", async (t) => {
  const wire = await wireTo(await tcpServer(t, (socket) => socket.write(Buffer.from([5]))));
  t.match((await driveSocks(wire, target, 30))?.error, /: Connection timed out$/);
  wire.destroy();
});

t.test("a proxy that goes away", async (t) => {
  const wire = await wireTo(await tcpServer(t, (socket) => socket.end(Buffer.from([5]))));
  t.match((await driveSocks(wire, target, 5000))?.error, /: Connection closed$/);
  wire.destroy();
});

t.test("a proxy that connects onward", async (t) => {
  const answers = [Buffer.from([5, 0]), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])];
  const port = await tcpServer(t, (socket) => {
    socket.on("data", () => socket.write(answers.shift() ?? ""));
  });
  const wire = await wireTo(port);
  t.equal(await driveSocks(wire, target, 5000), null);
  wire.destroy();
});
