// TLS on bare sockets, with real handshakes: what ne_sock_handshake fails on, what
// ne_ssl_check_certificate says of a certificate, how both directions are shut down.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import type tls from "node:tls";
import t, { type Test } from "tap";
import {
  NE_SOCK_BOTH,
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RECV,
  NE_SOCK_RETRY,
  NE_SOCK_SEND,
  NE_SSL_CTX_CLIENT,
  NE_SSL_CTX_SERVER,
  NE_SSL_IDMISMATCH,
  NE_SSL_UNTRUSTED,
  ne_iaddr_ipv4,
  ne_iaddr_make,
  ne_sock_accept,
  ne_sock_accept_ssl,
  ne_sock_close,
  ne_sock_connect,
  ne_sock_create,
  ne_sock_error,
  ne_sock_fullread,
  ne_sock_fullwrite,
  ne_sock_getcert,
  ne_sock_handshake,
  ne_sock_read,
  ne_sock_shutdown,
  ne_ssl_cert_read,
  ne_ssl_check_certificate,
  ne_ssl_context_create,
  ne_ssl_context_keypair,
  ne_ssl_context_trustcert,
  type ne_inet_addr,
  type ne_socket,
  type ne_ssl_certificate,
  type ne_ssl_context,
} from "../lib/index.js";
import { certPath, tlsServer } from "./fixtures/tls.js";
import {
  OIDS,
  caFields,
  certify,
  cn,
  ecKeys,
  extension,
  leafFields,
  oid,
  octets,
  pem,
  seq,
  type Fields,
} from "./fixtures/x509.js";

const v4 = (...bytes: number[]): ne_inet_addr =>
  ne_iaddr_make(ne_iaddr_ipv4, Buffer.from(bytes)) as ne_inet_addr;

const read = (name: string): ne_ssl_certificate =>
  ne_ssl_cert_read(certPath(name)) as ne_ssl_certificate;

function trusting(...names: string[]): ne_ssl_context {
  const context = ne_ssl_context_create(NE_SSL_CTX_CLIENT);
  for (const name of names) ne_ssl_context_trustcert(context, read(name));
  return context;
}

async function connected(t: Test, port: number): Promise<ne_socket> {
  const sock = ne_sock_create();
  t.equal(await ne_sock_connect(sock, v4(127, 0, 0, 1), port), 0);
  t.teardown(() => ne_sock_close(sock).catch(() => {}));
  return sock;
}

/** The result, the bits (-1 if untouched) and the error of a check. */
function check(
  sock: ne_socket,
  context: ne_ssl_context,
  host: string | null,
  address: ne_inet_addr | null = null,
  cert = ne_sock_getcert(sock, context) as ne_ssl_certificate,
): [number, number, string] {
  const failures = { value: -1 };
  const code = ne_ssl_check_certificate(context, sock, host, address, cert, 0, failures);
  return [code, failures.value, ne_sock_error(sock)];
}

t.test("a good certificate, by name and by address", async (t) => {
  const { port } = await tlsServer(t, {});
  const context = trusting("ca.pem");
  const sock = await connected(t, port);
  t.equal(await ne_sock_handshake(sock, context, "localhost", 0), 0);
  t.same(check(sock, context, "localhost"), [0, -1, ""]);
  t.same(check(sock, context, null, v4(127, 0, 0, 1)), [0, -1, ""]);
  const mismatch =
    "Server certificate verification failed: certificate issued for a different hostname";
  const wrong = [NE_SOCK_ERROR, NE_SSL_IDMISMATCH, mismatch];
  t.same(check(sock, context, "localhost", v4(127, 0, 0, 2)), wrong, "the address decides");
  t.same(check(sock, context, null, v4(127, 0, 0, 2)), wrong);
  t.same(check(sock, context, "other"), wrong);
  t.same(check(sock, context, null), wrong, "neither");
  await ne_sock_fullwrite(sock, Buffer.from("hello"));
  const echoed = Buffer.alloc(5);
  t.equal(await ne_sock_fullread(sock, echoed), 0);
  t.equal(echoed.toString(), "hello");
});

t.test("nobody trusts it, or another certificate is asked about", async (t) => {
  const { port } = await tlsServer(t, {});
  const nobody = trusting();
  const sock = await connected(t, port);
  t.equal(await ne_sock_handshake(sock, nobody, "localhost", 0), 0);
  const untrusted = "Server certificate verification failed: issuer is not trusted";
  t.same(check(sock, nobody, "localhost"), [NE_SOCK_ERROR, NE_SSL_UNTRUSTED, untrusted]);
  const late = trusting("ca.pem");
  t.same(
    check(sock, late, "localhost").slice(0, 2),
    [NE_SOCK_ERROR, NE_SSL_UNTRUSTED],
    "trust that came after the handshake",
  );
  t.same(check(sock, late, "localhost", null, read("good-ec.pem")), [
    NE_SOCK_ERROR,
    NE_SSL_UNTRUSTED,
    `${untrusted} (not the certificate of the handshake)`,
  ]);
});

const rootKeys = ecKeys();
const leafKeys = ecKeys();
const ROOT = cn("A root of the test");
const rootDer = certify(caFields(ROOT, rootKeys.publicKey), rootKeys.privateKey);

function leaf(change: (fields: Fields) => void): Buffer {
  const fields = leafFields(ROOT, leafKeys.publicKey);
  change(fields);
  return certify(fields, rootKeys.privateKey);
}

t.test("what no callback could accept fails the handshake", async (t) => {
  const flipped = leaf(() => {});
  flipped[flipped.length - 1] = (flipped[flipped.length - 1] as number) ^ 1;
  const clients = seq(oid(OIDS.clientAuth));
  const rows: [what: string, der: Buffer, code: number][] = [
    ["nothing wrong", leaf(() => {}), 0],
    ["a forged signature", flipped, NE_SOCK_ERROR],
    [
      "an unknown critical extension",
      leaf(({ extensions }) => extensions?.set("x", extension("1.2.3.4", true, octets()))),
      NE_SOCK_ERROR,
    ],
    [
      "for clients only",
      leaf(({ extensions }) =>
        extensions?.set("extendedKeyUsage", extension(OIDS.extendedKeyUsage, false, clients)),
      ),
      NE_SOCK_ERROR,
    ],
  ];
  const root = `${t.testdir({})}/root.pem`;
  writeFileSync(root, pem(rootDer));
  for (const [what, der, wanted] of rows) {
    const key = leafKeys.privateKey.export({ format: "pem", type: "pkcs8" });
    const { port } = await tlsServer(t, { cert: pem(der), key });
    const context = ne_ssl_context_create(NE_SSL_CTX_CLIENT);
    ne_ssl_context_trustcert(context, ne_ssl_cert_read(root) as ne_ssl_certificate);
    const sock = await connected(t, port);
    t.equal(await ne_sock_handshake(sock, context, "localhost", 0), wanted, what);
    if (wanted === 0) {
      t.same(check(sock, context, "localhost").slice(0, 2), [0, -1]);
    } else {
      t.equal(ne_sock_error(sock), "SSL error: certificate verify failed", what);
      t.equal(ne_sock_getcert(sock, context), null, "there is no connection any more");
    }
  }
});

t.test("both sides are sockets of the library, bytes that came early are not lost", async (t) => {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const serving = ne_ssl_context_create(NE_SSL_CTX_SERVER);
  const pair = [certPath("good.pem"), certPath("server.key")] as const;
  t.equal(ne_ssl_context_keypair(serving, ...pair), 0);
  const accepted = ne_sock_create();
  t.teardown(() => ne_sock_close(accepted).catch(() => {}));
  const [, sock] = await Promise.all([ne_sock_accept(accepted, server), connected(t, port)]);
  // the client speaks first: its hello may be there before the server begins
  const context = trusting("ca.pem");
  const client = ne_sock_handshake(sock, context, "localhost", 0);
  t.equal(await ne_sock_accept_ssl(accepted, serving), 0);
  t.equal(await client, 0);
  await ne_sock_fullwrite(accepted, Buffer.from("early"));
  const bytes = Buffer.alloc(5);
  t.equal(await ne_sock_fullread(sock, bytes), 0);
  t.equal(bytes.toString(), "early");
});

t.test("shutting down", async (t) => {
  for (const flags of [NE_SOCK_SEND, NE_SOCK_BOTH]) {
    const { port, server } = await tlsServer(t, { allowHalfOpen: true }, (socket) => {
      socket.resume();
    });
    const arrived = once(server, "secureConnection") as Promise<[tls.TLSSocket]>;
    const sock = await connected(t, port);
    t.equal(await ne_sock_handshake(sock, trusting("ca.pem"), "localhost", 0), 0);
    t.equal(await ne_sock_shutdown(sock, flags), NE_SOCK_RETRY);
    t.equal(ne_sock_error(sock), "Incomplete TLS closure");
    t.equal(await ne_sock_shutdown(sock, flags), NE_SOCK_RETRY, "the peer is silent");
    (await arrived)[0].end();
    t.equal(await ne_sock_read(sock, Buffer.alloc(1)), NE_SOCK_CLOSED);
    t.equal(await ne_sock_shutdown(sock, flags), 0, "it has answered");
  }
});

t.test("shutting down receiving", async (t) => {
  const { port, server } = await tlsServer(t, { allowHalfOpen: true });
  const arrived = once(server, "secureConnection") as Promise<[tls.TLSSocket]>;
  const sock = await connected(t, port);
  t.equal(await ne_sock_handshake(sock, trusting("ca.pem"), "localhost", 0), 0);
  t.equal(await ne_sock_shutdown(sock, NE_SOCK_RECV), NE_SOCK_RETRY);
  t.equal(await ne_sock_shutdown(sock, NE_SOCK_RECV), NE_SOCK_RETRY);
  t.equal(await ne_sock_fullwrite(sock, Buffer.from("x")), 0, "sending is still possible");
  t.equal(await ne_sock_fullread(sock, Buffer.alloc(1)), 0);
  (await arrived)[0].end();
  t.equal(await ne_sock_read(sock, Buffer.alloc(1)), NE_SOCK_CLOSED);
  t.equal(await ne_sock_shutdown(sock, NE_SOCK_RECV), 0);
});

t.test("an open socket does not keep the process alive", async (t) => {
  const silent = net.createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.teardown(() => silent.close());
  const { port } = silent.address() as net.AddressInfo;
  const file = t.testdir({
    "main.ts": `
      import * as ne from ${JSON.stringify(new URL("../lib/index.js", import.meta.url).href)};
      const sock = ne.ne_sock_create();
      const address = ne.ne_iaddr_make(ne.ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1]));
      console.log(await ne.ne_sock_connect(sock, address as never, ${port}));
      console.log(await ne.ne_sock_fullwrite(sock, Buffer.from("x")));
    `,
  });
  const { stdout, status, stderr } = await run([...process.execArgv, `${file}/main.ts`]);
  t.equal(stdout, "0\n0\n", stderr);
  t.equal(status, 0);
});

function run(args: string[]): Promise<{ stdout: string; stderr: string; status: number | null }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ stdout, stderr, status: child.exitCode }),
    );
  });
}
