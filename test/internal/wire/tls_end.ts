// How the data of a TLS connection ended: with the closing alert it is whole, without it is not.
import { Duplex } from "node:stream";
import tls from "node:tls";
import t, { type Test } from "tap";
import { endedCleanly, watchEnd } from "../../../lib/internal/wire/tls_end.js";
import { certFile, connect, cuttingServer, tlsServer } from "../../fixtures/tls.js";

/** How a connection to this port ended, after everything was read. */
async function ending(t: Test, port: number, below?: (raw: Duplex) => Duplex): Promise<string> {
  const raw = await connect(t, port);
  const bottom = below?.(raw) ?? raw;
  const socket = tls.connect({ socket: bottom, rejectUnauthorized: false });
  watchEnd(socket, bottom);
  t.teardown(() => socket.destroy());
  socket.write("hello");
  let bytes = 0;
  return new Promise((resolve) => {
    socket.on("data", (data: Buffer) => (bytes += data.length));
    socket.once("error", ({ message }) => resolve(message));
    socket.once("end", () => resolve(`${bytes} ${endedCleanly(socket) ? "clean" : "truncated"}`));
  });
}

const VERSIONS: readonly tls.SecureVersion[] = ["TLSv1.2", "TLSv1.3"];

/** A stream above a socket that is none itself. */
function wrapped(raw: Duplex): Duplex {
  const outer = new Duplex({
    read: () => raw.resume(),
    write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, () => done()),
    final: (done) => void raw.end(() => done()),
  });
  raw.on("data", (data) => outer.push(data));
  raw.on("end", () => outer.push(null));
  return outer;
}

t.test("the closing alert", async (t) => {
  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version };
    const answering = (socket: tls.TLSSocket): void => {
      socket.once("data", () => socket.end(Buffer.alloc(100_000)));
    };
    const { port } = await tlsServer(t, only, answering);
    t.equal(await ending(t, port), "100000 clean", version);
    t.equal(await ending(t, port, wrapped), "100000 clean", `${version} over another stream`);
  }
});

t.test("the end of the stream below", async (t) => {
  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version };
    const port = await cuttingServer(t, only, Buffer.alloc(100_000));
    t.equal(await ending(t, port), "100000 truncated", version);
    t.equal(await ending(t, port, wrapped), "100000 truncated", `${version} over another stream`);
  }
});

t.test("what was never watched, or has not ended, is not clean", async (t) => {
  const socket = new tls.TLSSocket(new Duplex({ read() {} }), {
    secureContext: tls.createSecureContext({ ca: certFile("ca.pem") }),
  });
  t.equal(endedCleanly(socket), false);
  watchEnd(socket, new Duplex({ read() {} }));
  t.equal(endedCleanly(socket), false);
  socket.destroy();
});
