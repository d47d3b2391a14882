// What the library assumes about Node beyond its documentation: one assertion for each, under the
// name of the function that relies on it, and what happens where it does not hold.
import { once } from "node:events";
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import t, { type Test } from "tap";
import {
  addTrust,
  alertName,
  aroundEnd,
  askHeldReset,
  descriptorOf,
  destroyOnTlsError,
  isEarlyEnd,
  isReading,
  isStopped,
  readBeforeDestroy,
  readInto,
  sessionId,
  skipPeerObjects,
  verifyResult,
  whenSecure,
} from "../../../lib/internal/wire/node_internals.js";
import { readText} from "../../fixtures/sources.js";
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

t.test("aroundEnd", async (t) => {
  const over = await connected(t, await tcpServer(t, (peer) => peer.end("last")));
  const seen: string[] = [];
  aroundEnd(over, (end) => {
    seen.push("asked");
    end();
  });
  over.on("data", (data) => seen.push(String(data)));
  over.on("end", () => seen.push("end"));
  await once(over, "end");
  t.same(seen, ["last", "asked", "end"], "a TCP socket's end, behind its data");
  const { port } = await tlsServer(t, {}, (socket) => socket.end("last"));
  const secure = await shaken(t, port);
  seen.length = 0;
  aroundEnd(secure, (end) => {
    seen.push("asked");
    end();
  });
  secure.on("data", (data) => seen.push(String(data)));
  secure.on("end", () => seen.push("end"));
  await once(secure, "end");
  t.same(seen, ["last", "asked", "end"], "a TLS socket's, too");
  const held = new Duplex({ read: () => {}, write: () => {} });
  aroundEnd(held, () => {});
  held.push(null);
  held.resume();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(held.readableEnded, false, "the end does not come by itself");
});

// A socket that does not read yet; its peer answers the first bytes and resets the connection.
async function answeredAndReset(t: Test, onread?: net.OnReadOpts): Promise<net.Socket> {
  const port = await tcpServer(t, (peer) => {
    peer.once("data", () => peer.write("the answer", () => peer.resetAndDestroy()));
  });
  const blocks = onread === undefined ? {} : { onread };
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, ...blocks });
  socket.on("error", () => {});
  t.teardown(() => socket.destroy());
  socket.pause();
  await once(socket, "connect");
  return socket;
}

async function writeInVain(socket: net.Socket): Promise<void> {
  let failed: Error | null | undefined = null;
  while (!failed) {
    failed = await new Promise((resolve) => socket.write("more", resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test("readBeforeDestroy", async (t) => {
  const asked: (Error | undefined)[] = [];
  const plain = await answeredAndReset(t);
  const { destroy } = plain;
  plain.destroy = function (error?: Error) {
    asked.push(error);
    return destroy.call(plain, error);
  };
  await writeInVain(plain);
  t.match(asked[0], { syscall: "write" }, "Node calls the socket's own destroy");
  t.equal(plain.destroyed, true);

  let text = "";
  const callback = (length: number, block: Uint8Array): boolean => {
    text += Buffer.from(block.subarray(0, length)).toString();
    return true;
  };
  const socket = await answeredAndReset(t, { buffer: Buffer.alloc(100), callback });
  readBeforeDestroy(socket, true);
  await writeInVain(socket);
  t.equal(socket.destroyed, false, "not yet");
  const failure = once(socket, "error");
  socket.resume();
  t.match(await failure, [{ syscall: "write" }], "the error comes");
  t.equal(text, "the answer", "behind what the peer had sent");

  const stopped = await answeredAndReset(t);
  readBeforeDestroy(stopped, false);
  await writeInVain(stopped);
  t.equal(stopped.destroyed, true, "Node would not resume it");

  const back = await connected(t, await tcpServer(t, () => {}));
  const restore = readBeforeDestroy(back, false);
  t.equal(Object.hasOwn(back, "destroy"), true);
  restore();
  t.equal(Object.hasOwn(back, "destroy"), false, "taken back");
  readBeforeDestroy(back, false);
  back.destroy();
  t.equal(back.destroyed, true, "without a failed write it is destroyed at once");
});

t.test("askHeldReset", async (t) => {
  const ask = (socket: net.Socket): Promise<Error | null> =>
    new Promise((resolve) => askHeldReset(socket, resolve));
  const clean = await connected(t, await tcpServer(t, (peer) => peer.end()));
  clean.resume();
  await once(clean, "end");
  t.equal(await ask(clean), null, "an end");
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const held = { writable: true, writableLength: 0, write: (_: Buffer, f: Function) => f(reset) };
  t.equal(await ask(held as never), reset, "a reset that a write of nothing meets");
  t.equal(await ask({ ...held, writable: false } as never), null, "nothing can be asked");
  t.equal(await ask({ ...held, writableLength: 1 } as never), null, "nor in front of data");
});

// A server's socket made by hand on every connection, and an end of it that has shaken hands.
async function byHand(t: Test): Promise<{ server: tls.TLSSocket; raw: net.Socket }> {
  const secure: Promise<tls.TLSSocket>[] = [];
  const port = await tcpServer(t, (peer) => {
    const [key, cert] = [certFile("server.key"), certFile("good.pem")];
    const socket = new tls.TLSSocket(peer, { isServer: true, key, cert });
    socket.on("error", () => {});
    secure.push(new Promise((resolve) => whenSecure(socket, true, () => resolve(socket))));
  });
  const raw = await connected(t, port);
  const client = tls.connect({ socket: raw, rejectUnauthorized: false });
  client.on("error", () => {});
  await new Promise<void>((resolve) => whenSecure(client, false, resolve));
  return { server: (await secure[0]) as tls.TLSSocket, raw };
}

t.test("whenSecure", async (t) => {
  const { server } = await byHand(t);
  t.equal(server.getProtocol(), "TLSv1.3", "both sides are told");
});

t.test("destroyOnTlsError", async (t) => {
  const { server, raw } = await byHand(t);
  destroyOnTlsError(server);
  raw.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40)]));
  const [error] = (await once(server, "error")) as [Error];
  t.match(error, { reason: "decryption failed or bad record mac" });
  t.equal(server.destroyed, true);
});

t.test("sessionId", async (t) => {
  const { port } = await tlsServer(t, { maxVersion: "TLSv1.2" });
  const socket = await shaken(t, port);
  const id = sessionId(socket);
  t.equal(id.length, 32);
  t.ok(socket.getSession()?.includes(id), "it stands in what Node gives");
  const none = Buffer.alloc(0);
  t.same(sessionId({ getSession: () => undefined } as never), none, "no session");
  t.same(sessionId({ getSession: () => Buffer.from("another form") } as never), none);
});

t.test("alertName", async (t) => {
  for (const [server, name] of [
    [{ requestCert: true, minVersion: "TLSv1.3" }, "certificate required"],
    [{ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }, "handshake failure"],
  ] as [tls.TlsOptions, string][]) {
    const { port } = await tlsServer(t, { ca: certFile("ca.pem"), ...server });
    const socket = tls.connect({ socket: await connected(t, port), rejectUnauthorized: false });
    const [error] = (await once(socket, "error")) as [Error & { reason?: string }];
    t.equal(alertName(error.reason ?? ""), name);
  }
  t.equal(alertName("wrong version number"), null);
});

t.test("each assumption has its test", async (t) => {
  const inLibrary = readText("lib/internal/wire/node_internals.ts");
  const inTest = readText("test/internal/wire/node_internals.ts");
  const names = [...inLibrary.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
  t.ok(names.length > 10);
  for (const name of names) t.ok(inTest.includes(`t.test("${name}"`), `${name}`);
});
