// Reads and writes under C's conventions: codes below zero, error strings, a reset told once, and
// lines that are too long.
import net from "node:net";
import t from "tap";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_RETRY,
  NE_SOCK_TIMEOUT,
} from "../../../lib/internal/base/constants.js";
import {
  acceptConnection,
  closeSocket,
  connectedWire,
  createSocketState,
  exclusively,
  readFully,
  readLine,
  readSome,
  setSocketError,
  shutDown,
  writeFully,
  type SocketState,
} from "../../../lib/internal/wire/socket.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import type { TlsOutcome } from "../../../lib/internal/wire/tls.js";
import { gate } from "../../fixtures/server.js";
import { Other, systemError } from "../../fixtures/stream.js";

function opened(): { k: SocketState; wire: Wire; other: Other } {
  const other = new Other();
  const wire = new Wire(other);
  return { k: { ...createSocketState(), wire }, wire, other };
}

t.test("some bytes, and the same again", async (t) => {
  const { k, wire, other } = opened();
  other.push("abcdef");
  const buffer = Buffer.alloc(4);
  t.equal(await readSome(k, wire, buffer, true), 4);
  t.equal(buffer.toString(), "abcd");
  t.equal(await readSome(k, wire, buffer, false), 4, "they were kept");
  t.equal(await readSome(k, wire, buffer, false), 2);
  t.equal(buffer.toString(), "efcd");
  other.push(null);
  t.equal(await readSome(k, wire, buffer, false), NE_SOCK_CLOSED);
  t.equal(k.error, "Connection closed");
});

t.test("a buffer is filled, or the code says why not", async (t) => {
  const { k, wire, other } = opened();
  const buffer = Buffer.alloc(5);
  const reading = readFully(k, wire, buffer);
  for (const piece of ["ab", "cd", "ef"]) other.push(piece);
  t.equal(await reading, 0);
  t.equal(buffer.toString(), "abcde");
  other.push(null);
  t.equal(await readFully(k, wire, buffer), NE_SOCK_CLOSED);
});

t.test("lines", async (t) => {
  const { k, wire, other } = opened();
  const buffer = Buffer.alloc(10, "-");
  other.push("one\r\n\ntwo");
  t.equal(await readLine(k, wire, buffer), 5);
  t.equal(buffer.toString("latin1", 0, 6), "one\r\n\0");
  t.equal(await readLine(k, wire, buffer), 1);
  const rest = readLine(k, wire, buffer);
  other.push("\nx");
  t.equal(await rest, 4);
  other.push(null);
  t.equal(await readLine(k, wire, buffer), NE_SOCK_CLOSED, "a line that never ends is none");
});

t.test("lines that are too long", async (t) => {
  const rows: [sent: string, room: number, found: number][] = [
    [`${"x".repeat(8)}\n`, 10, 9],
    [`${"x".repeat(9)}\n`, 10, NE_SOCK_ERROR],
    ["x".repeat(10), 10, NE_SOCK_ERROR],
    [`${"x".repeat(4095)}\n`, 9000, 4096],
    [`${"x".repeat(4096)}\n`, 9000, NE_SOCK_ERROR],
    ["x".repeat(4096), 9000, NE_SOCK_ERROR],
  ];
  for (const [sent, room, found] of rows) {
    const { k, wire, other } = opened();
    other.push(sent);
    t.equal(await readLine(k, wire, Buffer.alloc(room)), found, `${sent.length} in ${room}`);
    t.equal(k.error, found < 0 ? "Line too long" : "");
    wire.destroy();
  }
});

t.test("a read that times out says so by its code alone", async (t) => {
  const { k, wire } = opened();
  k.readTimeoutMs = 1;
  k.error = "before";
  t.equal(await readSome(k, wire, Buffer.alloc(1), false), NE_SOCK_TIMEOUT);
  t.equal(k.error, "before");
  wire.destroy();
});

t.test("a reset is told once, then it is the end", async (t) => {
  const { k, wire, other } = opened();
  other.destroy(systemError("ECONNRESET"));
  const buffer = Buffer.alloc(1);
  t.equal(await readSome(k, wire, buffer, false), NE_SOCK_RESET);
  t.equal(k.error, "Connection reset by peer");
  t.equal(await readSome(k, wire, buffer, false), NE_SOCK_CLOSED);
  t.equal(await writeFully(k, wire, [Buffer.from("x")]), NE_SOCK_CLOSED);
  t.equal(k.error, "Broken pipe");
});

t.test("blocks are written in their order, empty ones left out", async (t) => {
  const { k, wire, other } = opened();
  const blocks = ["ab", "", "c"].map((text) => Buffer.from(text));
  t.equal(await writeFully(k, wire, blocks), 0);
  t.strictSame(other.written.join(""), "abc");
  other.destroy(systemError("EPIPE"));
  t.equal(await writeFully(k, wire, blocks), NE_SOCK_CLOSED);
  t.equal(k.error, "Broken pipe");
});

t.test("shutting down", async (t) => {
  const { k, wire, other } = opened();
  t.equal(await shutDown(k, wire, { send: true, receive: false }), 0);
  t.equal(other.writableEnded, true);
  t.equal(await shutDown(k, wire, { send: false, receive: true }), 0);
  t.ok((await readSome(k, wire, Buffer.alloc(1), false)) < 0, "nothing is received any more");
});

t.test("shutting down TLS waits for the peer's alert", async (t) => {
  const { k, wire, other } = opened();
  k.tls = {} as TlsOutcome;
  t.equal(await shutDown(k, wire, { send: true, receive: true }), NE_SOCK_RETRY);
  t.equal(k.error, "Incomplete TLS closure");
  other.push(null);
  t.ok((await readSome(k, wire, Buffer.alloc(1), false)) < 0);
  t.equal(await shutDown(k, wire, { send: true, receive: true }), 0);
});

t.test("one call at a time", async (t) => {
  const { k, wire } = opened();
  const held = gate();
  const first = exclusively(k, "ne_sock_read", async () => {
    await held.opened;
    return 7;
  });
  const why = "ne_sock_peek: ne_sock_read is still pending on this socket";
  await t.rejects(exclusively(k, "ne_sock_peek", async () => 1), new TypeError(why));
  held.open();
  t.equal(await first, 7);
  await t.rejects(exclusively(k, "f", () => Promise.reject(new Error("broken"))), /broken/);
  t.equal(await exclusively(k, "f", async () => 2), 2, "free again, whatever happened");
  t.equal(connectedWire(k, "f"), wire);
  k.wire = null;
  t.throws(() => connectedWire(k, "f"), new TypeError("f: the socket is not connected"));
  wire.destroy();
});

t.test("error strings are one line of neon's length", async (t) => {
  const k = createSocketState();
  setSocketError(k, `a\r\nb${"x".repeat(300)}`);
  t.equal(k.error, `a  b${"x".repeat(187)}`);
});

t.test("connections that arrive before they are waited for, and after", async (t) => {
  const server = net.createServer();
  t.match(await acceptConnection(server), { code: NE_SOCK_ERROR, error: "Invalid argument" });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const waiting = acceptConnection(server);
  const clients = [net.connect(port, "127.0.0.1")];
  t.teardown(() => {
    for (const client of clients) client.destroy();
  });
  const first = await waiting;
  const arrived = new Promise((resolve) => server.once("connection", resolve));
  clients.push(net.connect(port, "127.0.0.1"));
  await arrived;
  const second = await acceptConnection(server);
  if (!(first instanceof Wire) || !(second instanceof Wire)) return t.fail("no connection");
  t.equal(first.ends?.peer.port, clients[0]?.localPort);
  t.equal(second.ends?.peer.port, clients[1]?.localPort);
  for (const wire of [first, second]) {
    t.equal(await closeSocket({ ...createSocketState(), wire }), 0);
    t.equal(wire.stream.destroyed, true, "its descriptor is free");
  }
  const last = acceptConnection(server);
  server.close();
  t.match(await last, { code: NE_SOCK_ERROR, error: "the listening socket was closed" });
});

t.test("closing what is not open", async (t) => {
  t.equal(await closeSocket(createSocketState()), 0);
  const { k, other } = opened();
  other.destroy();
  t.equal(await closeSocket(k), 0);
  t.equal(k.wire, null);
});
