// Between TCP and node:tls: nothing is changed where the server asks for nothing, and a flight that
// asks is held up until the answer is there.
import { Duplex } from "node:stream";
import tls from "node:tls";
import t, { type Test } from "tap";
import { readableName } from "../../../lib/internal/asn1/name.js";
import { TlsTap, type OnAsked } from "../../../lib/internal/wire/tls_tap.js";
import type { Shown } from "../../../lib/internal/tls/late_certificate.js";
import { certFile, clientCert, connect, tlsServer } from "../../fixtures/tls.js";
import { gate } from "../../fixtures/server.js";
import { settled } from "../../fixtures/conversation.js";
import { Other } from "../../fixtures/stream.js";

const VERSIONS: readonly tls.SecureVersion[] = ["TLSv1.2", "TLSv1.3"];

const shown = (): Shown => {
  const { owner, key } = clientCert("client.p12");
  if (owner === null || key === null) throw new Error("no client certificate");
  return { chain: [owner.x509.der], key };
};

async function client(
  t: Test,
  port: number,
  onAsked: OnAsked,
): Promise<{ tap: TlsTap; socket: tls.TLSSocket }> {
  const tap = new TlsTap(await connect(t, port), onAsked);
  const socket = tls.connect({ socket: tap, servername: "localhost", rejectUnauthorized: false });
  socket.on("keylog", (line: Buffer) => tap.keylog(line));
  t.teardown(() => socket.destroy());
  return { tap, socket };
}

function hello(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString()));
    socket.once("error", ({ message }) => resolve(message));
    socket.write("hello");
  });
}

t.test("a server that asks for nothing", async (t) => {
  for (const version of VERSIONS) {
    const { port } = await tlsServer(t, { minVersion: version, maxVersion: version });
    let asked = 0;
    const { tap, socket } = await client(t, port, async () => (asked++, null));
    t.equal(await hello(socket), "hello", version);
    t.strictSame([asked, tap.answered], [0, false]);
  }
});

t.test("a server that asks: with the names of its CAs, once", async (t) => {
  for (const version of VERSIONS) {
    const options = { requestCert: true, rejectUnauthorized: false, ca: certFile("ca.pem") };
    const { port } = await tlsServer(t, { ...options, minVersion: version, maxVersion: version });
    const asked: [string[], boolean][] = [];
    const { tap, socket } = await client(t, port, async (names, canShow) => {
      asked.push([names.map(readableName), canShow]);
      return null;
    });
    t.equal(await hello(socket), "hello");
    t.equal(tap.answered, false);
    t.equal(asked.length, 1, version);
    t.match(asked[0]?.[0][0], /Widgets/);
    t.equal(asked[0]?.[1], version === "TLSv1.3", "only TLS 1.3 can still show one");
  }
});

t.test("a certificate that is chosen late is shown, and belongs to the key", async (t) => {
  const options = { requestCert: true, rejectUnauthorized: true, ca: certFile("ca.pem") };
  const seen: boolean[] = [];
  const { port } = await tlsServer(t, { ...options, minVersion: "TLSv1.3" }, (socket) => {
    seen.push(socket.authorized);
    socket.on("data", (data) => socket.write(data));
  });
  const held = gate();
  const { tap, socket } = await client(t, port, async () => {
    await held.opened;
    return shown();
  });
  const answer = hello(socket);
  await settled();
  t.strictSame(seen, [], "the flight is held up");
  held.open();
  t.equal(await answer, "hello");
  t.strictSame([seen, tap.answered], [[true], true]);
});

t.test("what a provider throws ends the connection", async (t) => {
  const options = { requestCert: true, rejectUnauthorized: false, ca: certFile("ca.pem") };
  const { port } = await tlsServer(t, options);
  const { socket } = await client(t, port, () => Promise.reject(new Error("no choice")));
  t.equal(await hello(socket), "no choice");
});

t.test("bytes that are no TLS pass as they are, and so does the end", async (t) => {
  const raw = new Other();
  const tap = new TlsTap(raw, async () => null);
  const chunks: string[] = [];
  tap.on("data", (data: Buffer) => chunks.push(data.toString()));
  const ended = new Promise((resolve) => tap.once("end", resolve));
  raw.push("HTTP/1.1 400 Bad Request\r\n\r\n");
  raw.push(null);
  await ended;
  t.equal(chunks.join(""), "HTTP/1.1 400 Bad Request\r\n\r\n");
  tap.write("bye");
  tap.end();
  await new Promise((resolve) => raw.once("finish", resolve));
  t.strictSame(raw.written, ["bye"]);
});

t.test("a flight that ends in its midst is handed on, with its end", async (t) => {
  const raw = new Other();
  const tap = new TlsTap(raw, async () => null);
  const chunks: Buffer[] = [];
  tap.on("data", (data: Buffer) => chunks.push(data));
  const ended = new Promise((resolve) => tap.once("end", resolve));
  const cut = Buffer.from([22, 3, 3, 0, 100, 2, 0]);
  raw.push(cut);
  raw.push(null);
  await ended;
  t.same(Buffer.concat(chunks), cut);
});

t.test("errors and the end of the socket below end it", async (t) => {
  const raw = new Other();
  const tap = new TlsTap(raw, async () => null);
  const failed = new Promise<Error>((resolve) => tap.once("error", resolve));
  raw.destroy(new Error("gone"));
  t.equal((await failed).message, "gone");
  const other = new Other();
  const above: Duplex = new TlsTap(other, async () => null);
  above.destroy();
  await new Promise((resolve) => other.once("close", resolve));
  t.equal(other.destroyed, true);
});
