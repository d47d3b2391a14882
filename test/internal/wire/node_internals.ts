// What the library assumes about Node beyond its documentation: one assertion for each, under the
// name of the function that relies on it, and what happens where it does not hold.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import t, { type Test } from "tap";
import {
  addTrust,
  descriptorOf,
  isEarlyEnd,
  isReading,
  isStopped,
  readInto,
  skipPeerObjects,
  verifyResult,
} from "../../../lib/internal/wire/node_internals.js";
import { certFile, tcpServer, tlsServer } from "../../fixtures/tls.js";

async function connected(t: Test, port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  t.teardown(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function shaken(
  t: Test,
  port: number,
  options: tls.ConnectionOptions = {},
  before: (socket: tls.TLSSocket) => void = () => {},
): Promise<tls.TLSSocket> {
  const raw = await connected(t, port);
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false, ...options });
  socket.on("error", () => {});
  before(socket);
  await once(socket, "secureConnect");
  return socket;
}

t.test("verifyResult", async (t) => {
  const { port } = await tlsServer(t, {});
  const ca = certFile("ca.pem");
  const name = { checkServerIdentity: () => undefined };
  const good = await shaken(t, port, { ca, ...name });
  t.equal(verifyResult(good), null);
  const unknown = await shaken(t, port, { ca: [], ...name });
  const { code, reason } = verifyResult(unknown) ?? { code: "", reason: "" };
  t.match(code, /^[A-Z_]+$/);
  t.match(reason, /certificate/, "in words");
  t.equal(code, String(unknown.authorizationError), "and by name");
  t.same(
    verifyResult({ _handle: null, authorized: true } as never),
    null,
    "otherwise what is documented is asked",
  );
  t.same(
    verifyResult({ _handle: {}, authorized: false, authorizationError: "INVALID_CA" } as never),
    { code: "INVALID_CA", reason: "INVALID_CA" },
  );
  t.same(
    verifyResult({ _handle: {} } as never),
    { code: "UNSPECIFIED", reason: "UNSPECIFIED" },
    "and what is unknown is refused",
  );
});

t.test("skipPeerObjects", async (t) => {
  const { port } = await tlsServer(t, {});
  let asked = 0;
  let restore = (): void => {};
  const given: unknown[] = [];
  const socket = await shaken(
    t,
    port,
    {
      ca: certFile("ca.pem"),
      checkServerIdentity: (_, cert) => {
        given.push(cert);
        return undefined;
      },
    },
    (fresh) => {
      restore = skipPeerObjects(fresh);
      const { getPeerCertificate } = fresh;
      fresh.getPeerCertificate = ((detailed: boolean) => {
        asked += 1;
        return getPeerCertificate.call(fresh, detailed);
      }) as typeof getPeerCertificate;
    },
  );
  t.equal(asked, 1, "Node asks the socket's own method");
  t.same(given, [{}], "and no object was made");
  restore();
  t.match(socket.getPeerCertificate(), { subject: {} }, "the method is back");
});

t.test("addTrust", async (t) => {
  const { port } = await tlsServer(t, {});
  const secureContext = tls.createSecureContext();
  t.equal(addTrust(secureContext, [certFile("ca-ec.pem").toString()]), true);
  t.equal((await shaken(t, port, { secureContext })).authorized, false, "the wrong CA");
  addTrust(secureContext, [certFile("ca.pem").toString()]);
  const name = { servername: "localhost" };
  t.equal((await shaken(t, port, { secureContext, ...name })).authorized, true);
  t.equal(addTrust({ context: {} } as never, []), false, "else all CAs have to be named");
});

t.test("isReading", async (t) => {
  const quiet = await connected(t, await tcpServer(t, (socket) => socket.resume()));
  quiet.resume();
  t.equal(isReading(quiet), true);
  const over = await connected(t, await tcpServer(t, (socket) => socket.end()));
  over.resume();
  await once(over, "end");
  t.equal(isReading(over), false, "the end has come");
  t.equal(isReading({ _handle: null } as never), false, "unknown: it may have come");
  t.equal(isReading({ _handle: {} } as never), false);
});

t.test("isStopped", async (t) => {
  const socket = await connected(t, await tcpServer(t, (peer) => peer.resume()));
  socket.resume();
  t.equal(isStopped(socket), false);
  socket.pause();
  await new Promise((resolve) => setImmediate(resolve));
  t.type(isStopped(socket), "boolean");
  t.equal(isStopped({ _handle: { reading: false } } as never), true);
  t.equal(isStopped({ _handle: {} } as never), false, "unknown: it reads");
});

t.test("readInto", async (t) => {
  const { port } = await tlsServer(t, {});
  const raw = await connected(t, port);
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false });
  const blocks: string[] = [];
  const block = Buffer.alloc(100);
  let arrived = (): void => {};
  const here = new Promise<void>((resolve) => (arrived = resolve));
  const onRead = {
    buffer: () => block,
    callback: (length: number, bytes: Uint8Array) => {
      blocks.push(Buffer.from(bytes.subarray(0, length)).toString());
      t.equal(bytes, block, "the block that was given");
      arrived();
      return true;
    },
  };
  t.equal(readInto(socket, onRead), true);
  await once(socket, "secureConnect");
  socket.write("hello");
  await here;
  t.same(blocks, ["hello"]);
  t.equal(readInto({ _handle: {} } as never, onRead), false, "else it reads as any stream");
});

t.test("descriptorOf", async (t) => {
  const socket = await connected(t, await tcpServer(t, () => {}));
  if (process.platform !== "win32") t.ok(descriptorOf(socket) > 2);
  socket.destroy();
  t.equal(descriptorOf(socket), -1);
  t.equal(descriptorOf(undefined), -1);
});

t.test("isEarlyEnd", async (t) => {
  const raw = await connected(t, await tcpServer(t, (peer) => peer.end()));
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false });
  const [error] = (await once(socket, "error")) as [Error];
  t.equal(isEarlyEnd(error), true);
  const cut = await connected(
    t,
    await tcpServer(t, (peer) => peer.once("data", () => peer.resetAndDestroy())),
  );
  const reset = tls.connect({ socket: cut, rejectUnauthorized: false });
  const [failure] = (await once(reset, "error")) as [Error];
  t.equal(isEarlyEnd(failure), false, "a reset has its system call");
});
