// https sessions: every certificate of the set on new and on resumed connections, what the callback
// sees and when, that no byte of a request is sent before the verdict, client certificates, and the
// ends of connections.
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import t, { type Test } from "tap";
import { allCertificates } from "../lib/internal/asn1/pem.js";
import { ne_set_server_auth } from "../lib/ne_auth.js";
import {
  ne_get_status,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../lib/ne_request.js";
import {
  NE_SESSFLAG_PERSIST,
  NE_SESSFLAG_TLS_SNI,
  ne_close_connection,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_connect_timeout,
  ne_set_error,
  ne_set_notifier,
  ne_set_read_timeout,
  ne_set_session_flag,
  ne_ssl_provide_clicert,
  ne_ssl_set_clicert,
  ne_ssl_set_protovers,
  ne_ssl_set_verify,
  ne_ssl_trust_cert,
  ne_status_handshake,
  type ne_session,
} from "../lib/ne_session.js";
import {
  ne_ssl_cert_digest,
  ne_ssl_cert_export,
  ne_ssl_cert_read,
  ne_ssl_cert_signedby,
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_read,
  ne_ssl_readable_dname,
  type ne_ssl_certificate,
  type ne_ssl_client_cert,
} from "../lib/ne_ssl.js";
import {
  NO_TLS,
  certFile,
  certPath,
  cuttingServer,
  keyFor,
  tcpServer,
  tlsServer,
} from "./fixtures/tls.js";

const recorded = JSON.parse(
  readFileSync(new URL("fixtures/verdicts.json", import.meta.url), "utf8"),
) as Record<string, Record<string, [name: Found, address: Found]>>;
type Found = number | "handshake" | "nameless";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers each request that ends with an empty line. */
function answer(socket: tls.TLSSocket, text = OK): void {
  let head = "";
  socket.on("data", (data: Buffer) => {
    head += data.toString("latin1");
    if (!head.endsWith("\r\n\r\n")) return;
    head = "";
    socket.write(text);
  });
}

function session(
  t: Test,
  port: number,
  trust: string | null = "ca.pem",
  host = "localhost",
): ne_session {
  const sess = ne_session_create("https", host, port);
  ne_set_read_timeout(sess, 20);
  if (trust !== null)
    ne_ssl_trust_cert(sess, ne_ssl_cert_read(certPath(trust)) as ne_ssl_certificate);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

async function get(sess: ne_session): Promise<[ret: number, code: number, error: string]> {
  const req = ne_request_create(sess, "GET", "/");
  const ret = await ne_request_dispatch(req);
  const code = ne_get_status(req).code;
  ne_request_destroy(req);
  return [ret, code, ret === 0 ? "" : ne_get_error(sess)];
}

function errorFor(found: Found): string {
  if (found === "handshake") return "SSL handshake failed: SSL error: certificate verify failed";
  if (found === "nameless") {
    return "SSL error: Server certificate was missing commonName attribute in subject name";
  }
  const texts: [number, string][] = [
    [1, "certificate is not yet valid"],
    [2, "certificate has expired"],
    [4, "certificate issued for a different hostname"],
    [8, "issuer is not trusted"],
    [16, "bad certificate chain"],
  ];
  const reasons = texts.filter(([bit]) => found & bit).map(([, text]) => text);
  return `SSL error: Server certificate verification failed: ${reasons.join(", ")}`;
}

t.test("every_certificate_on_new_and_resumed_connections", async (t) => {
  const rows = Object.entries(recorded["ca"] ?? {});
  for (const [file, [name, address]] of rows) {
    let requests = 0;
    const { port } = await tlsServer(t, { cert: certFile(file), key: keyFor(file) }, (socket) => {
      socket.once("data", () => {
        requests += 1;
        socket.end(OK);
      });
    });
    for (const [host, found] of [
      ["localhost", name],
      ["127.0.0.1", address],
    ] as const) {
      requests = 0;
      const strict = session(t, port, "ca.pem", host);
      for (let i = 0; i < 2; i += 1) {
        const wanted = found === 0 ? [0, 200, ""] : [1, 0, errorFor(found)];
        t.same(await get(strict), wanted, `${file} by ${host}, connection ${i}`);
      }
      if (found === 0) continue;
      t.equal(requests, 0, "nothing was sent");

      const asked: unknown[] = [];
      const refusing = session(t, port, "ca.pem", host);
      ne_ssl_set_verify(refusing, (_, failures, cert) => {
        asked.push([failures, ne_ssl_cert_export(cert)]);
        return 1;
      });
      const leaf = allCertificates(certFile(file))[0]?.toString("base64");
      for (let i = 0; i < 2; i += 1) t.same(await get(refusing), [1, 0, errorFor(found)], file);
      t.same(asked, typeof found === "number" ? [0, 1].map(() => [found, leaf]) : [], file);
      t.equal(requests, 0, "nothing was sent");
      if (typeof found !== "number") continue;

      const accepting = session(t, port, "ca.pem", host);
      let questions = 0;
      ne_ssl_set_verify(accepting, async () => {
        questions += 1;
        return Promise.resolve(0);
      });
      for (let i = 0; i < 3; i += 1) t.same(await get(accepting), [0, 200, ""], file);
      t.equal(questions, 1, "a leaf that was accepted is not asked about again");
    }
  }
});

t.test("chain_of_the_callback", async (t) => {
  for (const file of [
    "chain-good.pem",
    "chain-with-root.pem",
    "chain-unrelated.pem",
    "chain-wrong-order.pem",
  ]) {
    const { port } = await tlsServer(t, { cert: certFile(file) }, answer);
    const sess = session(t, port, null);
    const seen: string[] = [];
    let kept: ne_ssl_certificate | null = null;
    ne_ssl_set_verify(sess, (_, _failures, cert) => {
      let at: ne_ssl_certificate | null = cert;
      for (; at !== null; at = ne_ssl_cert_signedby(at)) seen.push(ne_ssl_cert_export(at));
      kept = cert;
      return 0;
    });
    t.same(await get(sess), [0, 200, ""]);
    t.same(
      seen,
      allCertificates(certFile(file)).map((der) => der.toString("base64")),
      file,
    );
    t.throws(
      () => ne_ssl_cert_digest(kept as never, { value: "" }),
      new TypeError("ne_ssl_cert_digest: the ne_ssl_certificate was destroyed already"),
    );
  }
});

t.test("the_error_is_set_before_the_callback", async (t) => {
  const { port } = await tlsServer(t, { cert: certFile("expired.pem") }, answer);
  const sess = session(t, port);
  let before = "";
  ne_ssl_set_verify(sess, () => {
    before = ne_get_error(sess);
    ne_set_error(sess, "the person said no");
    return 1;
  });
  t.same(await get(sess), [1, 0, "the person said no"]);
  t.equal(before, errorFor(2));
});

t.test("one_accepted_leaf_is_remembered", async (t) => {
  const files = ["expired.pem", "selfsigned.pem"];
  let turn = 0;
  const { port } = await tlsServer(
    t,
    {
      SNICallback: (_name, done) => {
        const file = files[turn % 2] as string;
        done(null, tls.createSecureContext({ cert: certFile(file), key: certFile("server.key") }));
      },
      sessionTimeout: 1,
    },
    (socket) => socket.once("data", () => socket.end(OK)),
  );
  const sess = session(t, port, null);
  const asked: number[] = [];
  const verify = (decision: number): void =>
    ne_ssl_set_verify(sess, (_, failures) => {
      asked.push(failures);
      return decision;
    });
  verify(0);
  t.equal((await get(sess))[0], 0, "expired, accepted");
  t.equal((await get(sess))[0], 0, "not asked about again");
  verify(1);
  t.equal((await get(sess))[0], 1, "a new callback decides anew");
  turn += 1;
  const other = session(t, port, null);
  ne_ssl_set_verify(other, () => 1);
  t.equal((await get(other))[0], 1, "another session knows nothing of it");
  t.same(asked, [10, 10]);
});

t.test("what_the_callback_throws_comes_out", async (t) => {
  const { port } = await tlsServer(t, { cert: certFile("expired.pem") }, answer);
  const sess = session(t, port);
  for (const fn of [
    (): never => {
      throw new RangeError("mine");
    },
    (): Promise<number> => Promise.reject(new RangeError("mine")),
  ]) {
    ne_ssl_set_verify(sess, fn);
    await t.rejects(get(sess), new RangeError("mine"));
  }
  ne_ssl_set_verify(sess, () => 0);
  t.same(await get(sess), [0, 200, ""], "the session goes on");
});

t.test("no_byte_of_the_request_before_the_verdict", async (t) => {
  const server = await tlsServer(t, { cert: certFile("expired.pem") }, answer);
  let fromClient = 0;
  const port = await tcpServer(t, (client) => {
    const onward = net.connect(server.port, "127.0.0.1");
    t.teardown(() => onward.destroy());
    onward.on("error", () => {});
    onward.on("data", (data: Buffer) => client.write(data));
    client.on("data", (data: Buffer) => {
      fromClient += data.length;
      onward.write(data);
    });
  });
  const sess = session(t, port);
  let atVerdict = 0;
  ne_ssl_set_verify(sess, async () => {
    // whatever the client has begun to send arrives before an answer to it could
    await new Promise<void>((resolve) => {
      const probe = net.connect(port, "127.0.0.1", () => {
        probe.destroy();
        setImmediate(resolve);
      });
    });
    atVerdict = fromClient;
    return 0;
  });
  t.same(await get(sess), [0, 200, ""]);
  t.ok(fromClient - atVerdict >= "GET / HTTP/1.1\r\n\r\n".length, "the request came after it");
  const refusing = session(t, port);
  let received = "";
  server.server.on("secureConnection", (socket: tls.TLSSocket) => {
    socket.on("data", (data: Buffer) => (received += data.toString()));
  });
  ne_ssl_set_verify(refusing, () => 1);
  t.equal((await get(refusing))[0], 1);
  t.equal(received, "");
});

t.test("handshake_event", async (t) => {
  for (const [version, proto] of [
    ["TLSv1.2", 4],
    ["TLSv1.3", 5],
  ] as const) {
    const { port } = await tlsServer(t, { minVersion: version, maxVersion: version }, answer);
    const sess = session(t, port);
    const events: unknown[] = [];
    ne_set_notifier(sess, (_, status, info) => {
      if (status === ne_status_handshake) events.push(info.hs.protocol, info.hs.ciphersuite);
    });
    await get(sess);
    await get(sess);
    t.match(events, [proto, /^TLS_/], version);
    t.equal(events.length, 2, "once for a connection");
  }
});

t.test("no_handshake_event_without_a_verdict", async (t) => {
  const { port } = await tlsServer(t, { cert: certFile("expired.pem") }, answer);
  const sess = session(t, port);
  ne_set_notifier(sess, (_, status) => {
    if (status === ne_status_handshake) t.fail("not ready");
  });
  t.equal((await get(sess))[0], 1);
});

t.test("server_name_indication", async (t) => {
  const seen: unknown[] = [];
  const { port } = await tlsServer(t, {}, (socket) => {
    seen.push((socket as tls.TLSSocket & { servername?: unknown }).servername);
    answer(socket);
  });
  await get(session(t, port));
  await get(session(t, port, "ca.pem", "127.0.0.1"));
  const off = session(t, port);
  ne_set_session_flag(off, NE_SESSFLAG_TLS_SNI, 0);
  await get(off);
  t.same(seen, ["localhost", false, false]);
});

t.test("the_second_connection_for_a_certificate_is_not_announced", async (t) => {
  const wish = { maxVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: false } as const;
  const { port } = await tlsServer(t, wish, answer);
  const sess = session(t, port, "ca.pem", "127.0.0.1");
  ne_ssl_set_verify(sess, () => 0);
  const told: number[] = [];
  ne_set_notifier(sess, (_, status) => void told.push(status));
  let asked = 0;
  ne_ssl_provide_clicert(sess, () => {
    asked++;
    ne_ssl_set_clicert(sess, client("client.p12"));
  });
  t.same(await get(sess), [0, 200, ""]);
  // as C, which goes on with the handshake under way: connecting, connected, handshake, receiving
  t.same([asked, told.filter((status) => status !== 4)], [1, [1, 2, 6]]);
});

t.test("protocol_versions", async (t) => {
  const { port } = await tlsServer(t, { maxVersion: "TLSv1.2" }, answer);
  const sess = session(t, port);
  t.equal(ne_ssl_set_protovers(sess, 5, 5), 0);
  t.same(await get(sess), [1, 0, "SSL handshake failed: SSL error: tlsv1 alert protocol version"]);
  t.equal(ne_ssl_set_protovers(sess, 4, 5), 0);
  t.same(await get(sess), [0, 200, ""]);
  t.equal(ne_ssl_set_protovers(sess, 5, 4), 1);
  t.not(ne_get_error(sess), "");
});

const REJECTED = "Handshake rejected - client certificate was requested";

function client(file: string): ne_ssl_client_cert {
  const cert = ne_ssl_clicert_read(certPath(file)) as ne_ssl_client_cert;
  ne_ssl_clicert_decrypt(cert, "secret");
  return cert;
}

t.test("client_certificates", async (t) => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const needs = {
      minVersion: version,
      maxVersion: version,
      requestCert: true,
      ca: [certFile("ca.pem")],
    };
    const required = await tlsServer(t, { ...needs, rejectUnauthorized: true }, answer);
    const prefix = version === "TLSv1.2" ? "SSL handshake failed" : "Could not read status line";
    t.same(await get(session(t, required.port)), [1, 0, `${prefix}: ${REJECTED}`], "none");

    const shown = session(t, required.port);
    ne_ssl_set_clicert(shown, client("client.p12"));
    t.same(await get(shown), [0, 200, ""], "set");

    const optional = await tlsServer(t, { ...needs, rejectUnauthorized: false }, answer);
    t.same(await get(session(t, optional.port)), [0, 200, ""], "asked for, not required");

    const asked: string[][] = [];
    const provided = session(t, required.port);
    ne_ssl_provide_clicert(provided, async (_, sess, names) => {
      asked.push(names.map(ne_ssl_readable_dname));
      await null;
      ne_ssl_set_clicert(sess, client("client-ec.p12"));
    });
    for (let i = 0; i < 3; i += 1) {
      t.same(await get(provided), [0, 200, ""], `${version} provided, ${i}`);
      ne_close_connection(provided);
    }
    t.same(asked, [["Root, Widgets Ltd, Testville, Testshire, GB"]]);

    const without = session(t, required.port);
    let calls = 0;
    ne_ssl_provide_clicert(without, () => {
      calls += 1;
    });
    t.same(await get(without), [1, 0, `${prefix}: ${REJECTED}`], "a provider that has none");
    t.equal(calls, 1);

    const throwing = session(t, required.port);
    ne_ssl_provide_clicert(throwing, () => {
      throw new RangeError("mine");
    });
    await t.rejects(get(throwing), new RangeError("mine"));
  }
});

t.test("a_certificate_set_meanwhile_needs_a_new_connection", async (t) => {
  const fields = 'WWW-Authenticate: Basic realm="r"\r\nContent-Length: 0';
  const challenge = `HTTP/1.1 401 X\r\n${fields}\r\n\r\n`;
  const seen: string[] = [];
  const wish = { requestCert: true, rejectUnauthorized: false };
  const { port } = await tlsServer(t, wish, (socket) => {
    socket.on("data", (data: Buffer) => {
      const shown = Object.keys(socket.getPeerCertificate()).length > 0;
      seen.push(shown ? "a certificate" : "none");
      socket.write(/^authorization:/im.test(data.toString("latin1")) ? OK : challenge);
    });
  });
  const set = (sess: ne_session): void => ne_ssl_set_clicert(sess, client("client.p12"));

  const asked = session(t, port);
  ne_set_server_auth(asked, (_, _realm, attempt, username, password) => {
    [username.value, password.value] = ["u", "pw"];
    set(asked);
    return attempt;
  });
  t.same(await get(asked), [0, 200, ""]);
  t.same(seen.splice(0), ["none", "a certificate"], "by the callback for credentials");

  // when this hook runs, the request has taken the kept connection already
  const hooked = session(t, port);
  let requests = 0;
  ne_hook_pre_send(hooked, () => {
    if (++requests === 2) set(hooked);
  }, null);
  t.same(await get(hooked), [0, 401, ""]);
  t.same(await get(hooked), [0, 401, ""]);
  t.same(seen, ["none", "a certificate"], "by a hook");
});

t.test("an_encrypted_client_certificate_is_refused", async (t) => {
  const { port } = await tlsServer(t, {}, answer);
  const sess = session(t, port);
  const cert = ne_ssl_clicert_read(certPath("client.p12")) as ne_ssl_client_cert;
  t.throws(
    () => ne_ssl_set_clicert(sess, cert),
    new TypeError("ne_ssl_set_clicert: the client certificate is encrypted"),
  );
});

t.test("ends_of_connections", async (t) => {
  const whole = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end";
  const short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut";
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const [text, clean, wanted] of [
      [whole, true, [0, 200, ""]],
      [whole, false, [0, 200, ""]],
      [short, true, [1, 200, "Could not read response body: connection was closed by server"]],
      [short, false, [1, 200, "Could not read response body: Secure connection truncated"]],
    ] as const) {
      const options = { minVersion: version, maxVersion: version };
      const port = clean
        ? (await tlsServer(t, options, (socket) => socket.once("data", () => socket.end(text))))
            .port
        : await cuttingServer(t, options, text);
      t.same(await get(session(t, port)), wanted, `${version} ${clean ? "clean" : "cut"}`);
    }
  }
});

t.test("a_reset_is_a_cut_too", async (t) => {
  const cut = "Secure connection truncated";
  const rows: [sent: string, wanted: [ret: number, code: number, error: string]][] = [
    ["", [1, 0, `Could not read status line: ${cut}`]],
    ["HTTP/1.1 200 O", [1, 0, `Could not read status line: ${cut}`]],
    ["HTTP/1.1 200 OK\r\nA: ", [1, 200, `Error reading response headers: ${cut}`]],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
      [1, 200, `Could not read response body: ${cut}`],
    ],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
      [1, 200, `Could not read response body: ${cut}`],
    ],
    // no body ends with a reset, whatever bounds it
    ["HTTP/1.1 200 OK\r\n\r\nabc", [1, 200, `Could not read response body: ${cut}`]],
  ];
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const key = certFile("server.key");
    const cert = certFile("good.pem");
    const settings = { key, cert, minVersion: version, maxVersion: version };
    const secureContext = tls.createSecureContext(settings);
    for (const [text, wanted] of rows) {
      const port = await tcpServer(t, (below) => {
        const inner = new tls.TLSSocket(below, { isServer: true, secureContext });
        inner.on("error", () => {});
        inner.once("data", () => inner.write(text, () => below.resetAndDestroy()));
      });
      t.same(await get(session(t, port)), wanted, `${version} ${text}`);
    }
  }
});

t.test("a_kept_connection_that_is_cut_is_a_stale_one", async (t) => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const cut of ["destroy", "resetAndDestroy"] as const) {
      const secureContext = tls.createSecureContext({
        ...{ key: certFile("server.key"), cert: certFile("good.pem") },
        ...{ minVersion: version, maxVersion: version },
      });
      let connections = 0;
      let requests = 0;
      const port = await tcpServer(t, (below) => {
        connections += 1;
        const inner = new tls.TLSSocket(below, { isServer: true, secureContext });
        inner.on("error", () => {});
        inner.on("data", () => {
          requests += 1;
          if (requests === 2) below[cut]();
          else inner.write(OK);
        });
      });
      const sess = session(t, port);
      t.same(await get(sess), [0, 200, ""]);
      t.same(await get(sess), [0, 200, ""], `${version}: sent again after ${cut}`);
      t.same([connections, requests], [2, 3]);
    }
  }
});

t.test("garbage_and_silence", async (t) => {
  const garbage = await tcpServer(t, (socket) =>
    socket.once("data", () => socket.end("no TLS\r\n")),
  );
  const [code, status, text] = await get(session(t, garbage));
  t.same([code, status], [1, 0]);
  t.match(text, NO_TLS);
  t.match(text, /^SSL handshake failed: SSL error: /);
  const gone = await tcpServer(t, (socket) => socket.once("data", () => socket.end()));
  t.same(await get(session(t, gone)), [1, 0, "SSL handshake failed: Secure connection truncated"]);
  const silent = session(t, await tcpServer(t, () => {}));
  ne_set_connect_timeout(silent, 1);
  t.same((await get(silent)).slice(0, 2), [6, 0], "a server that never answers");
  t.match(ne_get_error(silent), /timed out$/);
});

t.test("kept_connections_need_no_new_verdict", async (t) => {
  let connections = 0;
  const { port } = await tlsServer(t, { cert: certFile("expired.pem") }, (socket) => {
    connections += 1;
    answer(socket);
  });
  const sess = session(t, port);
  let asked = 0;
  ne_ssl_set_verify(sess, () => {
    asked += 1;
    return 0;
  });
  for (let i = 0; i < 3; i += 1) await get(sess);
  t.same([connections, asked], [1, 1]);
  const single = session(t, port);
  ne_set_session_flag(single, NE_SESSFLAG_PERSIST, 0);
  ne_ssl_set_verify(single, () => 0);
  for (let i = 0; i < 2; i += 1) t.equal((await get(single))[0], 0);
});

t.test("connections_wait_while_a_person_looks_at_the_certificate", async (t) => {
  const { port } = await tlsServer(t, { cert: certFile("expired.pem") }, answer);
  const thinking = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const many = (sess: ne_session): Promise<[number, number, string][]> =>
    Promise.all(Array.from({ length: 20 }, () => get(sess)));

  const accepting = session(t, port);
  let asked = 0;
  ne_ssl_set_verify(accepting, async () => {
    asked++;
    await thinking();
    return 0;
  });
  for (const result of await many(accepting)) t.strictSame(result, [0, 200, ""]);
  t.equal(asked, 1, "one answer for all");

  const refusing = session(t, port);
  let [looking, most] = [0, 0];
  ne_ssl_set_verify(refusing, async () => {
    most = Math.max(most, ++looking);
    await thinking();
    looking--;
    return 1;
  });
  for (const result of await many(refusing)) t.strictSame(result, [1, 0, errorFor(2)]);
  t.equal(most, 1, "a refusal is for one connection, and the next is asked about after it");

  const failing = session(t, port);
  let thrown = 0;
  ne_ssl_set_verify(failing, async () => {
    await thinking();
    if (thrown++ === 0) throw new Error("nobody is there");
    return 0;
  });
  const [first, ...others] = await Promise.allSettled([get(failing), get(failing), get(failing)]);
  t.match(first, { status: "rejected", reason: { message: "nobody is there" } });
  for (const { status } of others) t.equal(status, "fulfilled", "no other call gets what it threw");

  const nesting = session(t, port);
  let depth = 0;
  ne_ssl_set_verify(nesting, async () => {
    await thinking();
    if (depth++ === 0) t.strictSame(await get(nesting), [0, 200, ""]);
    return 0;
  });
  t.strictSame(await get(nesting), [0, 200, ""], "a request of the callback does not wait for it");
  t.equal(depth, 2);
  const crowded = session(t, port);
  let deep = 0;
  ne_ssl_set_verify(crowded, async () => {
    await thinking();
    if (deep++ === 0) t.strictSame(await get(crowded), [0, 200, ""]);
    return 0;
  });
  for (const result of await many(crowded)) t.strictSame(result, [0, 200, ""]);
  t.equal(deep, 2, "nor where others wait");
});

t.test("closing_the_connection_ends_a_handshake", async (t) => {
  for (const provider of [null, (): void => {}]) {
    const sess = session(
      t,
      // all that the client has said by then is its hello
      await tcpServer(t, (socket) => socket.once("data", () => ne_close_connection(sess))),
    );
    if (provider !== null) ne_ssl_provide_clicert(sess, provider);
    t.strictSame(await get(sess), [
      1,
      0,
      "SSL handshake failed: Connection was closed by the application",
    ]);
  }
});
