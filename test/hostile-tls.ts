// Hostile peers and accidents, part c: proxies, TLS and callbacks that throw. One test for each
// class, by number; what the tests of one module hold already is not repeated here.
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import {
  NE_ERROR,
  NE_OK,
  NE_SOCK_SOCKSV4A,
  NE_SOCK_SOCKSV5,
  NE_SSL_PROTO_TLS_1_2,
  NE_SSL_PROTO_UNSPEC,
  NE_TIMEOUT,
  ne_accept_always,
  ne_add_interim_handler,
  ne_add_response_body_reader,
  ne_close_connection,
  ne_get_error,
  ne_hook_close_conn,
  ne_hook_create_request,
  ne_hook_destroy_request,
  ne_hook_post_headers,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_session_socks_proxy,
  ne_set_addrlist,
  ne_set_notifier,
  ne_set_proxy_auth,
  ne_set_request_body_provider,
  ne_set_server_auth,
  ne_simple_propfind,
  ne_ssl_cert_read,
  ne_ssl_provide_clicert,
  ne_ssl_set_clicert,
  ne_ssl_set_protovers,
  ne_ssl_set_verify,
  ne_ssl_trust_cert,
  nx_add_bearer,
  nx_send,
  nx_session_proxy,
  nx_session_unix,
  nx_set_connector,
  nx_set_request_timeout,
  type ne_request,
  type ne_session,
  type ne_ssl_certificate,
} from "../lib/index.js";
import { answer, send, sessionTo } from "./fixtures/auth.js";
import { settled } from "./fixtures/conversation.js";
import { holdTime } from "./fixtures/held_time.js";
import { relay, socks } from "./fixtures/proxy.js";
import { END, scripted, type Peer, type TestScope } from "./fixtures/server.js";
import { certFile, certPath } from "./fixtures/tls.js";

const OK = answer(200);
const KEY = certFile("server.key");
const TLS = { key: KEY, cert: certFile("good.pem") };
const WRONG = { key: KEY, cert: certFile("wronghost.pem") };

function ending(t: TestScope, sess: ne_session): ne_session {
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

/** A session that trusts the CA of the tests. */
function secure(t: TestScope, port: number, host = "127.0.0.1"): ne_session {
  const sess = ending(t, ne_session_create("https", host, port));
  ne_ssl_trust_cert(sess, ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate);
  return sess;
}

/** Serves whoever comes, as long as he follows. */
function serving(reply: string): (peer: Peer) => Promise<void> {
  return async (peer) => {
    while ((await peer.readRequest().catch(() => null)) !== null) await peer.write(reply);
  };
}

t.test("28: a proxy that answers CONNECT with nonsense gets nothing more", async (t) => {
  const flood = (text: string) => async (peer: Peer) => {
    while (!peer.ended) await peer.write(text.repeat(50));
  };
  const after = (text: string, then: (peer: Peer) => Promise<void>) => async (peer: Peer) => {
    await peer.write(text);
    await then(peer);
  };
  const end = (peer: Peer): Promise<void> => peer.end();
  const answerPlainly = async (peer: Peer): Promise<void> => {
    await peer.readSome();
    await peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    await peer.end();
  };
  const CONNECTED = "HTTP/1.1 200 X\r\n\r\n";
  const rows: [name: string, play: (peer: Peer) => Promise<void>, error: RegExp][] = [
    ["closes", end, /: Could not read status line: connection was closed by/],
    ["resets", async (peer) => peer.reset(), /: Could not read status line: Connection reset/],
    ["talks TLS at once", after("\x16\x03\x03", end), /./],
    ["101", after("HTTP/1.1 101 Switch\r\n\r\n", end), /./],
    ["interim without end", flood("HTTP/1.1 102 X\r\n\r\n"), /: Too many interim responses$/],
    ["fields without end", after("HTTP/1.1 200 X\r\n", flood("X: y\r\n")), /maximum number/],
    ["a body without end", after("HTTP/1.1 403 X\r\n\r\n", flood("body")), /./],
    ["early bytes", after(`${CONNECTED}HTTP/1.1 200 Fake\r\n\r\n`, end), /^Could not create SSL .*: unexpected data$/],
    ["a server without TLS", after(CONNECTED, answerPlainly), /SSL handshake failed/],
  ];
  for (const [name, play, error] of rows) {
    const proxy = await scripted(t, async (peer) => {
      await peer.readHead();
      await play(peer);
    });
    const sess = secure(t, 443, "origin.example");
    ne_session_proxy(sess, "127.0.0.1", proxy.port);
    // some go on for ever
    nx_set_request_timeout(sess, name === "a body without end" ? 0.1 : 0);
    const outcome = await send(sess, "/secret");
    t.not(outcome.code, NE_OK, name);
    t.match(outcome.error, error, name);
    t.notMatch(proxy.received.join(""), /secret/, name);
    await proxy.close();
  }
});

t.test("29: a certificate that is refused is refused on every way", async (t) => {
  const path = join(tmpdir(), `neon-hostile-${process.pid}.sock`);
  const ways: Record<string, (sess: ne_session, port: number) => Promise<void> | void> = {
    connector: (sess, port) => nx_set_connector(sess, () => net.connect(port, "127.0.0.1")),
    "Unix-domain socket": async (sess, port) => {
      const server = net.createServer((socket) => {
        const onward = net.connect(port, "127.0.0.1");
        socket.pipe(onward).pipe(socket);
        for (const end of [socket, onward]) end.on("error", () => {});
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      t.teardown(() => server.close());
      nx_session_unix(sess, path);
    },
    "versions cleared": (sess) => {
      ne_ssl_set_protovers(sess, NE_SSL_PROTO_UNSPEC, NE_SSL_PROTO_UNSPEC);
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    const server = await scripted(t, [() => {}], { tls: WRONG });
    const sess = secure(t, server.port);
    await way(sess, server.port);
    const { code, error } = await send(sess, "/");
    t.equal(code, NE_ERROR, name);
    t.match(error, /certificate issued for a different hostname/, name);
    t.equal(server.requests.length, 0, name);
  }
});

t.test("29: refused on the connection of a retry, and after a redirect", async (t) => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    let first = true;
    const server = await scripted(t, async (peer) => {
      const tls = { ...(first ? TLS : WRONG), maxVersion: version };
      const serves = first;
      first = false;
      if (!(await peer.startTls(tls)) || !serves) return;
      await peer.readRequest();
      await peer.write(OK);
      await peer.readRequest();
      await peer.end();
    });
    const sess = secure(t, server.port);
    t.equal((await send(sess, "/")).code, NE_OK);
    const { code, error } = await send(sess, "/again");
    t.equal(code, NE_ERROR, version);
    t.match(error, /certificate issued for a different hostname/);
    t.equal(server.requests.length, 2);
    await server.close();
  }
  const wrong = await scripted(t, [() => {}], { tls: WRONG });
  const location = `Location: ${wrong.origin}/`;
  const home = await scripted(t, [[answer(302, location)]], { tls: TLS });
  const sess = secure(t, home.port);
  const result = await nx_send(sess, "GET", "/", { redirects: 1 });
  t.match(result.error, /certificate issued for a different hostname/);
  t.equal(wrong.requests.length, 0);
});

t.test("29: a session that was refused is not resumed later", async (t) => {
  const versions = ["TLSv1.2", "TLSv1.3"] as const;
  for (const version of versions) {
    const server = await scripted(t, [() => {}, () => {}, () => {}], {
      tls: { ...WRONG, maxVersion: version },
    });
    const sess = secure(t, server.port);
    const asked: number[] = [];
    ne_ssl_set_verify(sess, (_, failures) => asked.push(failures));
    for (let i = 0; i < 3; i++) t.equal((await send(sess, "/")).code, NE_ERROR);
    t.strictSame(asked, [4, 4, 4], version);
    t.equal(server.requests.length, 0);
  }
});

t.test("30: names for a SOCKS proxy of 255 and 256 bytes", async (t) => {
  for (const version of [NE_SOCK_SOCKSV4A, NE_SOCK_SOCKSV5] as const) {
    const proxy = await scripted(t, async (peer) => {
      await peer.readSome().catch(() => {});
      await peer.end();
    });
    const outcomes: string[] = [];
    for (const length of [255, 256, 70000]) {
      const sess = ending(t, ne_session_create("http", "h".repeat(length), 80));
      ne_session_socks_proxy(sess, version, "127.0.0.1", proxy.port, "u", "p");
      outcomes.push((await send(sess, "/")).error.replace(/^.*\): /, ""));
    }
    t.match(outcomes[0], /Connection closed/);
    t.match(outcomes[1], /Invalid host name/);
    t.equal(outcomes[2], outcomes[1]);
    t.notMatch(proxy.received.slice(1).join(""), /hhh/);
    await proxy.close();
  }
});

t.test("30: each server behind a SOCKS proxy has its own connection", async (t) => {
  const servers = [await scripted(t, [[OK]]), await scripted(t, [[OK]])];
  for (const server of servers) {
    const proxy = await socks(t, server.port);
    const sess = ending(t, sessionTo(server.port));
    ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, "127.0.0.1", proxy.port, "u", "p");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal(server.requests.length, 1);
  }
});

t.test("31: no value stands for no verification", async (t) => {
  for (const value of [undefined, null, false, 0, ""]) {
    const server = await scripted(t, serving(OK), { tls: WRONG });
    const sess = secure(t, server.port);
    for (const set of [
      () => ne_ssl_set_verify(sess, value as null),
      () => nx_session_proxy(sess, value as null),
      () => ne_ssl_set_protovers(sess, value as 0, value as 0),
      () => ne_ssl_trust_cert(sess, value as unknown as ne_ssl_certificate),
      () => ne_ssl_set_clicert(sess, value as never),
      () => ne_ssl_provide_clicert(sess, value as never),
    ]) {
      try {
        set();
      } catch (error) {
        t.ok(error instanceof TypeError);
      }
    }
    const { code, error } = await send(sess, "/");
    t.equal(code, NE_ERROR, String(value));
    t.match(error, /certificate issued for a different hostname/);
    t.equal(server.requests.length, 0);
  }
  const server = await scripted(t, serving(OK), { tls: WRONG });
  const proxy = await scripted(t, serving(OK), { tls: TLS });
  for (const trust of [undefined, null]) {
    const sess = secure(t, server.port);
    const setting = { scheme: "https", host: "127.0.0.1", port: proxy.port } as const;
    nx_session_proxy(sess, { ...setting, trust: trust as never });
    t.match((await send(sess, "/")).error, /issuer is not trusted/);
  }
  t.equal(proxy.requests.length, 0);
});

t.test("31: a verify callback that gives no number refuses", async (t) => {
  for (const value of [undefined, null, "", {}, NaN, false]) {
    const server = await scripted(t, [() => {}], { tls: WRONG });
    const sess = secure(t, server.port);
    ne_ssl_set_verify(sess, () => value as never);
    const code = await send(sess, "/").then(
      (outcome) => outcome.code,
      (error: unknown) => error instanceof TypeError,
    );
    t.ok(code === NE_ERROR || code === true, `${String(value)} gave ${String(code)}`);
    t.equal(server.requests.length, 0);
  }
});

t.test("33: a proxy's and a server's sessions of TLS are kept apart", async (t) => {
  const server = await scripted(t, [[OK, END], [OK]], { tls: TLS });
  const outer = await relay(t, { tls: TLS });
  const sess = secure(t, server.port);
  const trust = [ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate];
  nx_session_proxy(sess, { scheme: "https", host: "127.0.0.1", port: outer.port, trust });
  for (let i = 0; i < 2; i++) {
    t.equal((await send(sess, "/")).code, NE_OK);
    ne_close_connection(sess);
  }
  t.strictSame(
    outer.requests.map(({ method }) => method),
    ["CONNECT", "CONNECT"],
  );
  t.equal(server.requests.length, 2);
});

t.test("33: each of them is told its own name", async (t) => {
  const names: string[] = [];
  const tls = {
    ...TLS,
    SNICallback: (name: string, done: (error: null) => void): void => {
      names.push(name);
      done(null);
    },
  };
  const trust = [ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate];
  const proxy = await relay(t, { tls });
  const server = await scripted(t, [[OK]], { tls });
  for (const sess of [
    ending(t, ne_session_create("http", "origin.example", 80)),
    secure(t, server.port),
  ]) {
    nx_session_proxy(sess, { scheme: "https", host: "localhost", port: proxy.port, trust });
    t.equal((await send(sess, "/")).code, NE_OK);
  }
  // the server is an address, which is no name to tell
  t.strictSame(names, ["localhost", "localhost"]);
});

t.test("34: a chain of a hundred certificates has an end", async (t) => {
  const chain = Buffer.concat([
    certFile("chained.pem"),
    ...Array.from({ length: 50 }, () => [certFile("inter.pem"), certFile("ca.pem")]).flat(),
  ]);
  const server = await scripted(t, serving(OK), { tls: { key: KEY, cert: chain } });
  const sess = secure(t, server.port);
  const { code } = await send(sess, "/");
  t.ok(code === NE_OK || code === NE_ERROR);
  t.equal(server.connections, 1);
});

const THROWN = new Error("of the application");

/** The ways in which a callback may fail. */
const FAILING: Record<string, () => never> = {
  throws: () => {
    throw THROWN;
  },
  rejects: () => Promise.reject(THROWN) as never,
};

t.test("35: what a callback throws ends the request, and nothing else", async (t) => {
  type Setup = (sess: ne_session, req: ne_request, fail: () => never) => void;
  const interim = `HTTP/1.1 103 Hints\r\n\r\n${answer(200, "X: y").replace("0\r\n", "2\r\n")}ok`;
  const challenge = answer(401, 'WWW-Authenticate: Basic realm="r"');
  const callbacks: Record<string, [reply: string, setup: Setup]> = {
    pre_send: [OK, (sess, _req, fail) => ne_hook_pre_send(sess, fail)],
    post_headers: [OK, (sess, _req, fail) => ne_hook_post_headers(sess, fail)],
    post_send: [OK, (sess, _req, fail) => ne_hook_post_send(sess, fail)],
    notifier: [OK, (sess, _req, fail) => ne_set_notifier(sess, fail)],
    "notifier at the end": [
      OK,
      (sess, _req, fail) =>
        ne_set_notifier(sess, (_, status) => (status === 4 ? fail() : undefined)),
    ],
    interim: [interim, (_sess, req, fail) => ne_add_interim_handler(req, fail)],
    accept: [interim, (_sess, req, fail) => ne_add_response_body_reader(req, fail, () => 0)],
    reader: [
      interim,
      (_sess, req, fail) => ne_add_response_body_reader(req, ne_accept_always, fail),
    ],
    provider: [OK, (_sess, req, fail) => ne_set_request_body_provider(req, -1, fail)],
    credentials: [challenge, (sess, _req, fail) => ne_set_server_auth(sess, fail)],
    token: [OK, (sess, _req, fail) => nx_add_bearer(sess, fail, null, true)],
  };
  for (const [name, [reply, setup]] of Object.entries(callbacks)) {
    for (const [way, fail] of Object.entries(FAILING)) {
      const server = await scripted(t, serving(reply));
      const sess = ending(t, sessionTo(server.port));
      let failing = true;
      const once = (): never => {
        if (failing) return fail();
        return 0 as never;
      };
      // for auth, which is told of a request when it is made
      const early = name === "credentials" || name === "token";
      if (early) setup(sess, null as never, once);
      const req = ne_request_create(sess, "GET", "/");
      if (!early) setup(sess, req, once);
      await t.rejects(ne_request_dispatch(req), THROWN, `${name} ${way}`);
      failing = false;
      if (!early) t.equal(await ne_request_dispatch(req), NE_OK, `${name} ${way}, then`);
      ne_request_destroy(req);
      await server.close();
    }
  }
});

t.test("35: of hooks that end things, too", async (t) => {
  const server = await scripted(t, serving(OK));
  const [throws] = Object.values(FAILING) as [() => never];
  const creating = ending(t, sessionTo(server.port));
  ne_hook_create_request(creating, throws);
  t.throws(() => ne_request_create(creating, "GET", "/"), THROWN);

  const destroying = ending(t, sessionTo(server.port));
  ne_hook_destroy_request(destroying, throws);
  const req = ne_request_create(destroying, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.throws(() => ne_request_destroy(req), THROWN);
  t.throws(() => ne_request_destroy(req), TypeError, "it is destroyed all the same");

  const closing = sessionTo(server.port);
  t.equal((await send(closing, "/")).code, NE_OK);
  ne_hook_close_conn(closing, throws);
  t.throws(() => ne_session_destroy(closing), THROWN);
  t.throws(() => ne_session_destroy(closing), TypeError);
  await server.close();
});

t.test("35: of callbacks for TLS, proxies and connectors", async (t) => {
  for (const [way, fail] of Object.entries(FAILING)) {
    const wrong = await scripted(t, [() => {}], { tls: WRONG });
    const judged = secure(t, wrong.port);
    ne_ssl_set_verify(judged, fail);
    await t.rejects(send(judged, "/"), THROWN, `verify ${way}`);
    t.equal(wrong.requests.length, 0);

    const proxy = await scripted(t, [[answer(407, 'Proxy-Authenticate: Basic realm="p"')]]);
    const tunnelled = secure(t, 443, "origin.example");
    ne_session_proxy(tunnelled, "127.0.0.1", proxy.port);
    ne_set_proxy_auth(tunnelled, fail);
    await t.rejects(send(tunnelled, "/"), THROWN, `proxy credentials ${way}`);

    const connected = ending(t, sessionTo(1));
    nx_set_connector(connected, fail);
    const { error } = await send(connected, "/");
    t.match(error, /of the application/, `connector ${way}`);

    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const asking = { ...TLS, requestCert: true, rejectUnauthorized: false, maxVersion };
      const server = await scripted(t, [() => {}], { tls: asking });
      const asked = secure(t, server.port);
      ne_ssl_provide_clicert(asked, fail);
      await t.rejects(send(asked, "/"), THROWN, `client certificate ${way}`);
      t.equal(server.requests.length, 0);
    }
  }
});

t.test("35: of results of properties", async (t) => {
  const body =
    '<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><x/></prop>' +
    "<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>";
  const head = `HTTP/1.1 207 X\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}`;
  const reply = `${head}\r\n\r\n${body}`;
  for (const [way, fail] of Object.entries(FAILING)) {
    const server = await scripted(t, serving(reply));
    const sess = ending(t, sessionTo(server.port));
    await t.rejects(ne_simple_propfind(sess, "/", 0, null, fail), THROWN, way);
    t.equal(await ne_simple_propfind(sess, "/", 0, null, () => {}), NE_OK);
    t.equal(server.connections, 2);
    await server.close();
  }
});

t.test("11: the bound of the whole request holds inside TLS, too", async (t) => {
  const time = holdTime(t);
  const stall = async (peer: Peer): Promise<void> => {
    while (!peer.ended) {
      await settled();
      time.pass(30);
    }
  };
  const stalls: Record<string, (peer: Peer) => Promise<void>> = {
    "before the handshake": stall,
    "in the handshake": async (peer) => {
      await peer.readSome();
      await peer.write(Buffer.from("1603030100020000", "hex"));
      await stall(peer);
    },
    "in a record": async (peer) => {
      await peer.startTls(TLS);
      await peer.readRequest();
      // the begin of a record of application data, past TLS
      const raw = (peer.stream as unknown as { _parent: net.Socket })._parent;
      raw.write(Buffer.from("170303400000", "hex"));
      await stall(peer);
    },
  };
  for (const [name, script] of Object.entries(stalls)) {
    const server = await scripted(t, script);
    const sess = secure(t, server.port);
    nx_set_request_timeout(sess, 30);
    const { code, error } = await send(sess, "/");
    t.strictSame([code, error], [NE_TIMEOUT, "Request timed out"], name);
    await server.close();
  }
});

t.test("36: limits of versions that are cleared are clear", async (t) => {
  const server = await scripted(t, serving(OK), { tls: { ...TLS, minVersion: "TLSv1.3" } });
  const sess = secure(t, server.port);
  ne_ssl_set_protovers(sess, NE_SSL_PROTO_UNSPEC, NE_SSL_PROTO_TLS_1_2);
  t.equal((await send(sess, "/")).code, NE_ERROR);
  ne_ssl_set_protovers(sess, NE_SSL_PROTO_UNSPEC, NE_SSL_PROTO_UNSPEC);
  t.equal((await send(sess, "/")).code, NE_OK);
  ne_set_addrlist(sess, []);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(ne_get_error(sess), "200 X");
});
