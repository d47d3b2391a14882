// The wire over TLS: a clean end, a cut and a reset are told apart, and in C's words.
import net from "node:net";
import t, { type Test } from "tap";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_TRUNC,
} from "../../../lib/internal/base/constants.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import { handshakeClient } from "../../../lib/internal/wire/tls.js";
import { tlsWire } from "../../../lib/internal/wire/tls_wire.js";
import type { Wire } from "../../../lib/internal/wire/wire.js";
import { endsData } from "../../../lib/internal/wire/wire_failure.js";
import { connect, cuttingServer, tlsServer } from "../../fixtures/tls.js";

async function wireTo(t: Test, port: number): Promise<Wire> {
  const options = { servername: "localhost", sessionKey: "x", timeoutMs: 20_000, ownBlocks: false };
  const outcome = await handshakeClient(await connect(t, port), createTlsContext(), options);
  if (!outcome.ok) throw new Error(outcome.error);
  const wire = tlsWire(outcome);
  t.teardown(() => wire.destroy());
  await wire.write(Buffer.from("hello"), 20_000);
  return wire;
}

async function readAll(wire: Wire): Promise<number> {
  for (;;) {
    const code = await wire.more(20_000);
    if (code < 0) return code;
  }
}

t.test("a clean end", async (t) => {
  const { port } = await tlsServer(t, {}, (socket) => {
    socket.once("data", () => socket.end("whole"));
  });
  const wire = await wireTo(t, port);
  t.equal(await readAll(wire), NE_SOCK_CLOSED);
  t.match(wire.failure, { error: "Connection closed", cause: null });
  t.equal(wire.bytes.toString("latin1", wire.pos, wire.end), "whole");
  t.equal(endsData(wire.failure), true);
});

t.test("a cut", async (t) => {
  const wire = await wireTo(t, await cuttingServer(t, {}, "half"));
  t.equal(await readAll(wire), NE_SOCK_TRUNC);
  t.match(wire.failure, { error: "Secure connection truncated", cause: null });
});

t.test("a reset: to a reader a cut with a cause, which ends no data", async (t) => {
  let below: net.Socket | null = null;
  const { port, server } = await tlsServer(t, {}, (socket) => {
    socket.once("data", () => below?.resetAndDestroy());
  });
  server.on("connection", (socket) => (below = socket));
  const wire = await wireTo(t, port);
  t.equal(await readAll(wire), NE_SOCK_TRUNC);
  t.equal(wire.failure.error, "Secure connection truncated");
  t.equal((wire.failure.cause as NodeJS.ErrnoException | null)?.code, "ECONNRESET");
  t.equal(endsData(wire.failure), false);
});

t.test("both ends of the connection are known", async (t) => {
  const { port } = await tlsServer(t, {});
  t.equal((await wireTo(t, port)).ends?.peer.port, port);
});
