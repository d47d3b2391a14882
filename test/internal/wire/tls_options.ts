// What node:tls is told: versions, trust and certificates, seen in real handshakes.
import tls from "node:tls";
import t, { type Test } from "tap";
import {
  createTlsContext,
  setVersions,
  trustCert,
  type TlsContext,
} from "../../../lib/internal/tls/context.js";
import { certificateOf } from "../../../lib/internal/tls/certificate_handles.js";
import { trustDefaultCa } from "../../../lib/internal/wire/default_roots.js";
import {
  clientSettings,
  isUsableKeyPair,
  NO_SETTINGS,
  serverSettings,
} from "../../../lib/internal/wire/tls_options.js";
import { cert, certFile, clientCert, tlsServer } from "../../fixtures/tls.js";

interface Shaken {
  version: string | null;
  trusted: boolean;
  error: string;
}

/** A handshake of node:tls under the settings of a context. */
function shake(t: Test, port: number, context: TlsContext): Promise<Shaken> {
  const secureContext = clientSettings(context, context.clientCert);
  const options = { port, host: "127.0.0.1", servername: "localhost", secureContext };
  const socket = tls.connect({ ...NO_SETTINGS, ...options, rejectUnauthorized: false });
  t.teardown(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once("error", ({ message }) => resolve({ version: null, trusted: false, error: message }));
    socket.once("secureConnect", () => {
      resolve({ version: socket.getProtocol(), trusted: socket.authorized, error: "" });
      socket.end();
    });
  });
}

function trusting(...files: string[]): TlsContext {
  const context = createTlsContext();
  for (const file of files) {
    const ca = certificateOf([cert(file)]);
    if (ca !== null) trustCert(context, ca);
  }
  return context;
}

t.test("versions", async (t) => {
  const { port } = await tlsServer(t, { minVersion: "TLSv1.2", maxVersion: "TLSv1.3" });
  const rows: [min: number, max: number, version: string | null][] = [
    [0, 0, "TLSv1.3"],
    [4, 4, "TLSv1.2"],
    [0, 4, "TLSv1.2"],
    [5, 5, "TLSv1.3"],
    [2, 5, "TLSv1.3"],
    [0, 3, null],
  ];
  for (const [min, max, version] of rows) {
    const context = createTlsContext();
    setVersions(context, min, max);
    t.equal((await shake(t, port, context)).version, version, `${min} to ${max}`);
  }
});

t.test("OpenSSL is given the same trust as our own judge", async (t) => {
  const { port } = await tlsServer(t, {});
  const trusted = async (context: TlsContext): Promise<boolean> =>
    (await shake(t, port, context)).trusted;
  t.equal(await trusted(createTlsContext()), false, "nobody is trusted");
  t.equal(await trusted(trusting("ca.pem")), true);
  t.equal(await trusted(trusting("ca-ec.pem")), false);
  const withDefaults = trusting("ca.pem");
  trustDefaultCa(withDefaults);
  t.equal(await trusted(withDefaults), true, "beside Node's own");
  const onlyDefaults = createTlsContext();
  trustDefaultCa(onlyDefaults);
  t.equal(await trusted(onlyDefaults), false);
});

t.test("settings are kept while they hold", async (t) => {
  const context = trusting("ca.pem");
  const first = clientSettings(context, null);
  t.equal(clientSettings(context, null), first);
  const shown = clientCert("client.p12");
  t.not(clientSettings(context, shown), first, "another certificate");
  t.equal(clientSettings(context, shown), clientSettings(context, shown));
  const before = clientSettings(context, null);
  setVersions(context, 5, 0);
  t.not(clientSettings(context, null), before, "other versions");
  const after = clientSettings(context, null);
  trustDefaultCa(context);
  t.not(clientSettings(context, null), after, "another trust");
});

t.test("a server's", async (t) => {
  t.throws(() => serverSettings(createTlsContext()), { message: "no certificate is set" });
  const context = createTlsContext(true);
  t.throws(() => serverSettings(context), { message: "no certificate is set" });
  if (context.server === null) return t.fail("no server");
  context.server.certPem = certFile("good.pem").toString();
  t.throws(() => serverSettings(context), { message: "no certificate is set" });
  context.server.keyPem = certFile("server.key").toString();
  const server = tls.createServer({ secureContext: serverSettings(context) } as tls.TlsOptions);
  t.ok(server);
  const { port } = await tlsServer(t, { SNICallback: (_, done) => done(null, serverSettings(context)) });
  t.match(await shake(t, port, trusting("ca.pem")), { trusted: true, error: "" });
  context.server.keyPem = certFile("other.key").toString();
  t.throws(() => serverSettings(context), "a key of another certificate");
});

t.test("whether certificate and key belong together", async (t) => {
  const pem = (name: string): string => certFile(name).toString();
  t.equal(isUsableKeyPair(pem("good.pem"), pem("server.key")), true);
  t.equal(isUsableKeyPair(pem("good-ec.pem"), pem("server-ec.key")), true);
  t.equal(isUsableKeyPair(pem("good.pem"), pem("other.key")), false);
  t.equal(isUsableKeyPair(pem("good.pem"), "no key"), false);
  t.equal(isUsableKeyPair("no certificate", pem("server.key")), false);
});

t.test("nothing on Object.prototype is a setting", async (t) => {
  const { port } = await tlsServer(t, {});
  Object.assign(Object.prototype, { ca: certFile("ca.pem"), maxVersion: "TLSv1.2" });
  t.teardown(() => {
    for (const name of ["ca", "maxVersion"]) Reflect.deleteProperty(Object.prototype, name);
  });
  const secure = clientSettings(createTlsContext(), null);
  for (const name of ["ca", "maxVersion"]) Reflect.deleteProperty(Object.prototype, name);
  const context = createTlsContext();
  context.prepared = { key: "0-0-0", clientCert: null, value: secure };
  const shaken = await shake(t, port, context);
  t.match(shaken, { version: "TLSv1.3", trusted: false });
});
