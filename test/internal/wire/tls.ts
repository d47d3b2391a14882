// Handshakes against servers of node:tls and against scripted peers: what is known afterwards, how
// failures are worded, resumption, client certificates on demand, and the two ends of a stream.
import net from "node:net";
import tls from "node:tls";
import t, { type Test } from "tap";
import { readableName } from "../../../lib/internal/asn1/name.js";
import { createTlsContext, setClientCert, setVersions } from "../../../lib/internal/tls/context.js";
import type { TlsContext } from "../../../lib/internal/tls/context.js";
import { dnames } from "../../../lib/internal/tls/certificate_handles.js";
import { judge } from "../../../lib/internal/tls/verify.js";
import {
  handshakeClient,
  handshakeServer,
  type TlsFailure,
  type TlsOutcome,
} from "../../../lib/internal/wire/tls.js";
import { endedCleanly } from "../../../lib/internal/wire/tls_end.js";
import { tlsErrorOf } from "../../../lib/internal/wire/tls_errors.js";
import { tapTls } from "../../../lib/internal/wire/tls_tap.js";
import { sessionId } from "../../../lib/internal/wire/node_internals.js";
import {
  NO_TLS,
  cert,
  certFile,
  clientCert,
  connect,
  cuttingServer,
  tcpServer,
  tlsServer,
} from "../../fixtures/tls.js";

const VERSIONS: readonly [version: tls.SecureVersion, proto: number][] = [
  ["TLSv1.2", 4],
  ["TLSv1.3", 5],
];

const only = (version: tls.SecureVersion): tls.TlsOptions => ({
  minVersion: version,
  maxVersion: version,
});

async function shake(
  t: Test,
  port: number,
  context: TlsContext,
  options: Partial<Parameters<typeof handshakeClient>[2]> = {},
): Promise<TlsOutcome | TlsFailure> {
  const raw = await connect(t, port);
  return handshakeClient(raw, context, {
    servername: "localhost",
    sessionKey: `localhost:${port}`,
    timeoutMs: 20_000,
    ownBlocks: false,
    tap: tapTls,
    ...options,
  });
}

async function ready(...args: Parameters<typeof shake>): Promise<TlsOutcome> {
  const result = await shake(...args);
  if (!result.ok) throw new Error(result.error);
  args[0].teardown(() => result.socket.destroy());
  return result;
}

async function failed(...args: Parameters<typeof shake>): Promise<[number, string]> {
  const result = await shake(...args);
  return result.ok ? [0, "no failure"] : [result.code, result.error];
}

// what comes back for a line, or how the stream ended
function ask(socket: tls.TLSSocket, line = "hello"): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString()));
    socket.once("error", (error) => resolve(`${tlsErrorOf(error).code} ${tlsErrorOf(error).text}`));
    socket.once("end", () => resolve(endedCleanly(socket) ? "clean end" : "truncated"));
    socket.write(line);
  });
}

t.test("what_is_known_after_a_handshake", async (t) => {
  for (const [version, proto] of VERSIONS) {
    const file = Buffer.concat([certFile("chain-with-root.pem"), certFile("wronghost.pem")]);
    const { port } = await tlsServer(t, { ...only(version), cert: file });
    const outcome = await ready(t, port, createTlsContext());
    t.equal(outcome.protocol, proto);
    t.match(outcome.cipher, /^TLS_/);
    t.equal(outcome.resumed, false);
    t.same(
      outcome.chain.map(({ der }) => der),
      ["chained.pem", "inter.pem", "ca.pem", "wronghost.pem"].map((name) => cert(name).der),
      "the chain as it was sent, root and stranger included",
    );
    t.equal(await ask(outcome.socket), "hello");
  }
});

t.test("a certificate that is trusted itself is not read again", async (t) => {
  const { port } = await tlsServer(t, { cert: certFile("chain-with-root.pem") });
  const context = createTlsContext();
  const root = cert("ca.pem");
  context.trusted.push(cert("selfsigned.pem"), root);
  const { chain } = await ready(t, port, context);
  t.equal(chain[2], root);
  t.same(
    chain.map(({ der }) => der),
    ["chained.pem", "inter.pem", "ca.pem"].map((name) => cert(name).der),
  );
});

t.test("server_name", async (t) => {
  const seen: unknown[] = [];
  const { port } = await tlsServer(t, {}, (socket) => {
    seen.push((socket as tls.TLSSocket & { servername?: string | false }).servername);
    socket.on("data", (data) => socket.write(data));
  });
  for (const servername of ["localhost", "LocalHost.", "127.0.0.1", "::1", null]) {
    await ask((await ready(t, port, createTlsContext(), { servername })).socket);
  }
  t.same(seen, ["localhost", "LocalHost.", false, false, false]);
});

t.test("no_alpn", async (t) => {
  const { port } = await tlsServer(t, { ALPNProtocols: ["h2", "http/1.1"] });
  t.equal((await ready(t, port, createTlsContext())).socket.alpnProtocol, false);
});

t.test("resumption", async (t) => {
  for (const [version] of VERSIONS) {
    const { port } = await tlsServer(t, only(version));
    const context = createTlsContext();
    const first = await ready(t, port, context);
    first.accept();
    await ask(first.socket);
    const second = await ready(t, port, context);
    t.equal(second.resumed, true, version);
    t.same(second.chain, first.chain, "its certificate is that of the first connection");
    t.equal(judge(second, context, "localhost", null, Date.now() / 1000).failures, 8);
    t.equal(await ask(second.socket), "hello");

    const others: [string, Partial<Parameters<typeof handshakeClient>[2]>][] = [
      ["another host", { sessionKey: `other:${port}` }],
      ["another server name", { servername: "other" }],
    ];
    for (const [what, options] of others) {
      t.equal((await ready(t, port, context, options)).resumed, false, what);
    }
    setClientCert(context, clientCert("client.p12"));
    t.equal((await ready(t, port, context)).resumed, false, "another client certificate");
  }
});

t.test("refused_sessions_are_not_resumed", async (t) => {
  for (const [version] of VERSIONS) {
    const { port } = await tlsServer(t, only(version));
    const context = createTlsContext();
    for (let i = 0; i < 2; i += 1) {
      const outcome = await ready(t, port, context);
      t.equal(outcome.resumed, false);
      await ask(outcome.socket);
      t.equal(context.tickets.size, 0);
    }
  }
});

t.test("tickets_are_limited", async (t) => {
  const { port } = await tlsServer(t, only("TLSv1.2"));
  const context = createTlsContext();
  for (let i = 0; i < 20; i += 1) {
    const outcome = await ready(t, port, context, { sessionKey: `host${i}` });
    outcome.accept();
    outcome.socket.destroy();
  }
  t.equal(context.tickets.size, 16);
});

t.test("session_id", async (t) => {
  for (const [version, before, after] of [
    ["TLSv1.2", 32, 32],
    ["TLSv1.3", 0, 32],
  ] as const) {
    const { port } = await tlsServer(t, only(version));
    const { socket } = await ready(t, port, createTlsContext());
    t.equal(sessionId(socket).length, before, version);
    await ask(socket);
    t.equal(sessionId(socket).length, after, `${version} after the tickets`);
  }
});

t.test("protocol_limits", async (t) => {
  const { port } = await tlsServer(t, {});
  for (const [min, max, proto] of [
    [0, 0, 5],
    [0, 4, 4],
    [4, 4, 4],
    [5, 5, 5],
    [4, 5, 5],
    [1, 5, 5],
  ] as const) {
    const context = createTlsContext();
    t.equal(setVersions(context, min, max), true);
    t.equal((await ready(t, port, context)).protocol, proto, `${min} to ${max}`);
  }
  for (const [min, max] of [
    [5, 4],
    [0, 1],
    [0, 6],
    [-1, 0],
    [0, 4.5],
  ] as const) {
    t.equal(setVersions(createTlsContext(), min, max), false, `${min} to ${max}`);
  }
  const old = await tlsServer(t, only("TLSv1.2"));
  const context = createTlsContext();
  setVersions(context, 5, 5);
  t.same(await failed(t, old.port, context), [-1, "SSL error: tlsv1 alert protocol version"]);
});

const ALERT = (level: number, number: number): Buffer =>
  Buffer.from([21, 3, 3, 0, 2, level, number]);

const PEERS: readonly [reason: string, bytes: Buffer, code: number, text: string | RegExp][] = [
  ["plain HTTP", Buffer.from("HTTP/1.0 400 Bad\r\n\r\n"), -1, NO_TLS],
  ["the end of the stream", Buffer.alloc(0), -5, "Secure connection truncated"],
  ["half a record", Buffer.from([22, 3, 3, 0, 200, 2, 0, 0]), -5, "Secure connection truncated"],
  ["close_notify", ALERT(1, 0), -3, "Connection closed"],
  ["handshake_failure", ALERT(2, 40), -1, "Handshake failed"],
  ["protocol_version", ALERT(2, 70), -1, "SSL error: tlsv1 alert protocol version"],
  ["unknown_ca", ALERT(2, 48), -1, "SSL error: tlsv1 alert unknown ca"],
  ["unrecognized_name", ALERT(2, 112), -1, "SSL error: tlsv1 unrecognized name"],
];

t.test("peers_that_do_not_shake_hands", async (t) => {
  for (const [reason, bytes, code, text] of PEERS) {
    const port = await tcpServer(t, (socket) => socket.once("data", () => socket.end(bytes)));
    for (const provider of [null, () => {}]) {
      const context = createTlsContext();
      context.provider = provider;
      t.match(
        await failed(t, port, context),
        [code, text],
        `${reason}${provider ? ", tapped" : ""}`,
      );
    }
  }
});

t.test("reset", async (t) => {
  const port = await tcpServer(t, (socket) => socket.once("data", () => socket.resetAndDestroy()));
  for (const provider of [null, () => {}]) {
    const context = createTlsContext();
    context.provider = provider;
    t.same(await failed(t, port, context), [-4, "Connection reset by peer"]);
  }
});

t.test("a_stall_in_the_middle", async (t) => {
  const real = await tlsServer(t, only("TLSv1.2"));
  // lets the first bytes of the server's flight through
  const port = await tcpServer(t, (socket) => {
    const onward = net.connect(real.port, "127.0.0.1");
    t.teardown(() => onward.destroy());
    socket.pipe(onward);
    onward.once("data", (data: Buffer) => socket.write(data.subarray(0, 100)));
  });
  for (const provider of [null, () => {}]) {
    const context = createTlsContext();
    context.provider = provider;
    t.same(await failed(t, port, context, { timeoutMs: 50 }), [-2, "Connection timed out"]);
  }
});

t.test("abort", async (t) => {
  const port = await tcpServer(t, () => {});
  const why = new Error("stop it");
  const result = await shake(t, port, createTlsContext(), {
    onAbort: (cancel) => setImmediate(cancel, why),
  });
  t.match(result, { ok: false, code: -1, error: "stop it", cause: why });
});

t.test("client_certificates", async (t) => {
  for (const [version] of VERSIONS) {
    const { port } = await tlsServer(
      t,
      { ...only(version), requestCert: true, ca: [certFile("ca.pem")] },
      (socket) => {
        const name = socket
          .getPeerX509Certificate()
          ?.subject.split("\n")
          .find((l) => l.startsWith("CN="));
        socket.on("data", () => socket.write(`${name} ${socket.authorized}`));
      },
    );
    for (const [file, seen] of [
      ["client.p12", "CN=Just A. Client true"],
      ["client-ec.p12", "CN=ec client true"],
      ["client-ed25519.p12", "CN=ed25519 client true"],
      ["client-chain.p12", "CN=Chained Client true"],
    ] as const) {
      const context = createTlsContext();
      setClientCert(context, clientCert(file));
      t.equal(await ask((await ready(t, port, context)).socket), seen, `${version} ${file}`);
    }
  }
});

const REJECTED = "Handshake rejected - client certificate was requested";

t.test("refused_for_want_of_a_client_certificate", async (t) => {
  const needs: tls.TlsOptions = { requestCert: true, ca: [certFile("ca.pem")] };
  for (const provider of [null, () => {}]) {
    const context = createTlsContext();
    context.provider = provider;
    const old = await tlsServer(t, { ...only("TLSv1.2"), ...needs, rejectUnauthorized: true });
    t.same(await failed(t, old.port, context), [-1, REJECTED], "in the handshake of TLS 1.2");
    const { port } = await tlsServer(t, { ...only("TLSv1.3"), ...needs, rejectUnauthorized: true });
    const { socket } = await ready(t, port, context);
    t.equal(await ask(socket), `-1 ${REJECTED}`, "after that of TLS 1.3");
  }
});

t.test("provider_is_called_with_the_ca_names", async (t) => {
  for (const [version] of VERSIONS) {
    for (const curve of ["auto", "P-256"]) {
      const { port } = await tlsServer(
        t,
        {
          ...only(version),
          ecdhCurve: curve, // one that the client does not offer first: a second hello
          requestCert: true,
          ca: [certFile("ca.pem"), certFile("ca-ec.pem")],
        },
        (socket) => {
          const shown = socket.getPeerX509Certificate();
          socket.on("data", () => socket.write(`${shown?.raw.length ?? 0} ${socket.authorized}`));
        },
      );
      for (const file of [
        "client.p12",
        "client-ec.p12",
        "client-ed25519.p12",
        "client-chain.p12",
      ]) {
        const context = createTlsContext();
        const chosen = clientCert(file);
        const asked: string[][] = [];
        context.provider = async (names) => {
          asked.push(names.map((name) => readableName(dnames.open(name, "test"))));
          await null;
          setClientCert(context, chosen);
        };
        let result = await shake(t, port, context);
        t.equal(
          !result.ok && result.again,
          version === "TLSv1.2",
          "TLS 1.2 takes a new connection",
        );
        if (!result.ok) result = await ready(t, port, context);
        const length = chosen.owner?.x509.der.length;
        t.equal(await ask(result.socket), `${length} true`, `${version} ${curve} ${file}`);
        t.same(asked, [[readableName(cert("ca.pem").subject), "EC Root"]]);
        result.accept();
        const next = await ready(t, port, context);
        t.equal(await ask(next.socket), `${length} true`, "and the next connection");
        t.equal(asked.length, 1, "the provider is not asked again");
        next.socket.destroy();
        result.socket.destroy();
      }
    }
  }
});

t.test("provider_is_not_called_unless_asked", async (t) => {
  for (const [version] of VERSIONS) {
    const { port } = await tlsServer(t, only(version));
    const context = createTlsContext();
    context.provider = () => {
      t.fail("nobody asked");
    };
    for (let i = 0; i < 2; i += 1) {
      const outcome = await ready(t, port, context);
      t.equal(outcome.resumed, i === 1);
      outcome.accept();
      t.equal(await ask(outcome.socket, "x".repeat(100_000)).then((s) => s[0]), "x");
      outcome.socket.destroy();
    }
  }
});

t.test("what_a_provider_throws_comes_out", async (t) => {
  for (const [version] of VERSIONS) {
    const { port } = await tlsServer(t, { ...only(version), requestCert: true });
    for (const provider of [
      (): never => {
        throw new RangeError("mine");
      },
      (): Promise<void> => Promise.reject(new RangeError("mine")),
    ]) {
      const context = createTlsContext();
      context.provider = provider;
      await t.rejects(shake(t, port, context), new RangeError("mine"));
    }
  }
});

t.test("names_end_with_the_call_of_the_provider", async (t) => {
  const { port } = await tlsServer(t, { requestCert: true, ca: [certFile("ca.pem")] });
  const context = createTlsContext();
  let kept: unknown = null;
  context.provider = (names) => {
    kept = names[0];
  };
  await shake(t, port, context);
  t.throws(
    () => dnames.open(kept, "test"),
    new TypeError("test: the ne_ssl_dname was destroyed already"),
  );
});

t.test("clean_ends_and_truncation", async (t) => {
  for (const [version] of VERSIONS) {
    for (const size of [1, 500_000]) {
      const body = Buffer.alloc(size, "x");
      const { port } = await tlsServer(t, only(version), (socket) => {
        socket.once("data", () => socket.end(body));
      });
      const cut = await cuttingServer(t, only(version), body);
      for (const [where, ended] of [
        [port, "clean"],
        [cut, "truncated"],
      ] as const) {
        for (const slow of [false, true]) {
          for (const provider of [null, () => {}]) {
            const context = createTlsContext();
            context.provider = provider;
            const { socket } = await ready(t, where, context);
            const how = `${version} ${size}${slow ? " slow" : ""}${provider ? " tapped" : ""}`;
            t.equal(await drain(socket, slow), `${size} ${ended}`, how);
            socket.destroy();
          }
        }
      }
    }
  }
});

// all that comes, in small gulps if slow, and how it ended
function drain(socket: tls.TLSSocket, slow: boolean): Promise<string> {
  return new Promise((resolve) => {
    let bytes = 0;
    socket.on("data", (data: Buffer) => {
      bytes += data.length;
      if (!slow) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on("error", (error) => resolve(`${bytes} ${tlsErrorOf(error).text}`));
    socket.on("end", () => resolve(`${bytes} ${endedCleanly(socket) ? "clean" : "truncated"}`));
    socket.write("x");
  });
}

t.test("server_side", async (t) => {
  const context = createTlsContext(true);
  const server = context.server as NonNullable<TlsContext["server"]>;
  server.certPem = certFile("chain-good.pem").toString();
  server.keyPem = certFile("server.key").toString();
  const results: (TlsOutcome | TlsFailure)[] = [];
  const settled: (() => void)[] = [];
  const port = await tcpServer(t, (socket) => {
    void handshakeServer(socket, context, { timeoutMs: 20_000 }).then((result) => {
      results.push(result);
      if (result.ok) result.socket.on("data", (data: Buffer) => result.socket.write(data));
      settled.shift()?.();
    });
  });
  const next = (): Promise<void> => new Promise((resolve) => settled.push(resolve));

  let over = next();
  const first = await ready(t, port, createTlsContext());
  t.equal(await ask(first.socket), "hello");
  await over;
  t.equal(first.chain.length, 2, "the chain of the file is sent");
  t.match(results.pop(), { ok: true, chain: [], protocol: 5 });

  server.requireClient = true;
  server.caNames = server.verifyCas = [certFile("ca.pem").toString()];
  const good = createTlsContext();
  setClientCert(good, clientCert("client.p12"));
  over = next();
  t.equal(await ask((await ready(t, port, good)).socket), "hello");
  await over;
  t.match(results.pop(), { ok: true, chain: [{ der: cert("client.pem").der }] });

  over = next();
  await shake(t, port, createTlsContext());
  await over;
  t.match(results.pop(), {
    ok: false,
    code: -1,
    error: "SSL error: peer did not return a certificate",
  });

  const bad = createTlsContext();
  setClientCert(bad, clientCert("client-chain.p12"));
  server.verifyCas = [certFile("ca-ec.pem").toString()];
  over = next();
  await shake(t, port, bad);
  await over;
  t.match(results.pop(), { ok: false, code: -1, error: "SSL error: certificate verify failed" });

  over = next();
  (await connect(t, port)).end("GET / HTTP/1.0\r\n\r\n");
  await over;
  t.match(results.pop(), { ok: false, code: -1, error: "SSL error: http request" });

  over = next();
  (await connect(t, port)).end();
  await over;
  t.match(results.pop(), { ok: false, code: -5, error: "Secure connection truncated" });

  server.keyPem = null;
  over = next();
  await connect(t, port);
  await over;
  t.match(results.pop(), { ok: false, code: -1 });
});
