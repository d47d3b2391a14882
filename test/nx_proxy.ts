// Proxies on the way to a server: who sees what, how a login goes, what is refused; with a recorder
// on both sides.
import t from "tap";
import {
  NE_AUTH_DIGEST,
  ne_add_auth,
  ne_set_proxy_auth,
  ne_set_server_auth,
} from "../lib/ne_auth.js";
import {
  NE_ERROR,
  NE_OK,
  NE_PROXYAUTH,
  ne_add_request_header,
  ne_hook_create_request,
  ne_hook_destroy_request,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  type ne_request,
} from "../lib/ne_request.js";
import {
  ne_close_connection,
  ne_fill_proxy_uri,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_session_system_proxy,
  ne_set_error,
  ne_ssl_trust_cert,
  type ne_session,
} from "../lib/ne_session.js";
import { ne_ssl_cert_free, ne_ssl_cert_read, type ne_ssl_certificate } from "../lib/ne_ssl.js";
import { ne_uri } from "../lib/ne_uri.js";
import {
  nx_bypass_proxy,
  nx_get_default_proxy,
  nx_proxy_from_env,
  nx_session_proxy,
  nx_set_default_proxy,
  type nx_proxy,
} from "../lib/nx_proxy.js";
import { nx_session_clone } from "../lib/nx_script.js";
import { nx_set_request_signal } from "../lib/nx_session.js";
import { answer, digestParams, expectedDigest, send } from "./fixtures/auth.js";
import { relay, socks } from "./fixtures/proxy.js";
import { scripted, type PeerRequest, type TestScope } from "./fixtures/server.js";
import { certFile, certPath } from "./fixtures/tls.js";

const OK = answer(200);
const PBASIC = 'Proxy-Authenticate: Basic realm="p"';
const PDIGEST = 'Proxy-Authenticate: Digest realm="p", nonce="n", qop="auth"';
const TLS = { cert: certFile("good.pem"), key: certFile("server.key") };

function trusted(t: TestScope): ne_ssl_certificate {
  const cert = ne_ssl_cert_read(certPath("ca.pem"));
  if (cert === null) throw new Error("ca.pem cannot be read");
  t.teardown(() => ne_ssl_cert_free(cert));
  return cert;
}

function session(t: TestScope, scheme: string, port: number, host = "127.0.0.1"): ne_session {
  const sess = ne_session_create(scheme, host, port);
  if (scheme === "https") ne_ssl_trust_cert(sess, trusted(t));
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

const http = (port: number, more: Partial<nx_proxy> = {}): nx_proxy => ({
  scheme: "http",
  host: "127.0.0.1",
  port,
  ...more,
});

const lines = (requests: readonly PeerRequest[]): string[] => requests.map(({ line }) => line);

t.test("an HTTP proxy gets absolute targets", async (t) => {
  const proxy = await relay(t);
  const sess = session(t, "http", 80, "origin.example");
  nx_session_proxy(sess, http(proxy.port));
  t.equal((await send(sess, "/a?b")).code, NE_OK);
  t.equal((await send(sess, "/c")).code, NE_OK);
  t.strictSame(lines(proxy.requests), [
    "GET http://origin.example/a?b HTTP/1.1",
    "GET http://origin.example/c HTTP/1.1",
  ]);
  t.equal(proxy.requests[0]?.field("host"), "origin.example");
  t.equal(proxy.connections, 1);
  const uri = new ne_uri();
  ne_fill_proxy_uri(sess, uri);
  t.strictSame([uri.host, uri.port], ["127.0.0.1", proxy.port]);
});

t.test("user name and password answer its challenges, once", async (t) => {
  for (const challenge of [PBASIC, PDIGEST]) {
    const proxy = await scripted(t, [
      [answer(407, challenge), OK, answer(407, challenge), answer(407, challenge)],
    ]);
    const sess = session(t, "http", 80, "origin.example");
    nx_session_proxy(sess, http(proxy.port, { username: "u", password: "pw" }));
    t.equal((await send(sess, "/a")).code, NE_OK);
    t.equal((await send(sess, "/a")).code, NE_PROXYAUTH);
    const sent = proxy.requests[1] as PeerRequest;
    if (challenge === PBASIC) t.equal(sent.field("proxy-authorization"), "Basic dTpwdw==");
    else {
      const params = digestParams(sent, "proxy-authorization");
      t.equal(
        params.get("response"),
        expectedDigest(sent, "u", "pw", "proxy-authorization").response,
      );
    }
  }
});

t.test("a setting that was replaced is gone, its password too", async (t) => {
  const first = await relay(t);
  const second = await scripted(t, [[answer(407, PBASIC)], [answer(407, PBASIC), OK]]);
  const sess = session(t, "http", 80, "origin.example");
  nx_session_proxy(sess, http(first.port, { username: "old", password: "old" }));
  nx_session_proxy(sess, http(second.port));
  t.equal((await send(sess, "/")).code, NE_PROXYAUTH);
  nx_session_proxy(sess, http(second.port, { username: "u", password: "pw" }));
  t.equal((await send(sess, "/")).code, NE_OK);
  t.strictSame(
    second.requests.map((request) => request.field("proxy-authorization")),
    [null, null, "Basic dTpwdw=="],
  );
  t.equal(first.connections, 0);
});

t.test("the login for one proxy is not shown to another", async (t) => {
  const first = await scripted(t, [[answer(407, PBASIC), OK]]);
  const second = await scripted(t, [[OK]]);
  const sess = session(t, "http", 80, "origin.example");
  ne_set_proxy_auth(sess, (_, _realm, attempt, username) => {
    username.value = "u";
    return attempt;
  });
  ne_session_proxy(sess, "127.0.0.1", first.port);
  t.equal((await send(sess, "/")).code, NE_OK);
  ne_session_proxy(sess, "127.0.0.1", second.port);
  ne_close_connection(sess);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(second.requests[0]?.field("proxy-authorization"), null);
});

t.test("tunnels", async (t) => {
  const CHALLENGED = answer(401, 'WWW-Authenticate: Basic realm="r"');
  const credentials = (sess: ne_session): void => {
    ne_set_server_auth(sess, (_, _realm, attempt, username) => {
      username.value = "server-user";
      return attempt;
    });
    ne_set_proxy_auth(sess, (_, _realm, attempt, username) => {
      username.value = "proxy-user";
      return attempt;
    });
  };
  const base64 = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  const login = (request: PeerRequest): string | null =>
    request.field("proxy-authorization") === null ? answer(407, PBASIC) : null;

  for (const scheme of ["https", "http"]) {
    t.test(`for ${scheme}: each side sees what is its own`, async (t) => {
      const origin = await scripted(
        t,
        [[CHALLENGED, OK, OK]],
        scheme === "https" ? { tls: TLS } : {},
      );
      const proxy = await relay(t, { gate: login });
      const sess = session(t, scheme, origin.port);
      nx_session_proxy(sess, http(proxy.port, { tunnel: true }));
      credentials(sess);
      t.strictSame(await send(sess, "/a"), { code: NE_OK, status: 200, error: "200 X" });
      t.equal((await send(sess, "/b", "PUT", "secret body")).code, NE_OK);
      const connect = `CONNECT 127.0.0.1:${origin.port} HTTP/1.1`;
      t.strictSame(lines(proxy.requests), [connect, connect]);
      t.strictSame(
        proxy.requests.map((request) => [
          request.field("authorization"),
          request.field("proxy-authorization"),
        ]),
        [
          [null, null],
          [null, base64("proxy-user:")],
        ],
      );
      t.strictSame(
        lines(origin.requests).map((line) => line.split(" ")[1]),
        ["/a", "/a", "/b"],
      );
      t.strictSame(
        origin.requests.map((request) => request.field("authorization")),
        [null, base64("server-user:"), base64("server-user:")].slice(0, 3),
      );
      t.notMatch(origin.received.join(""), /proxy-/i);
      if (scheme === "https") {
        t.notMatch(proxy.received.join(""), /\r\nAuthorization:|secret body/);
      }
    });
  }

  t.test("a login over a new connection, where the proxy closes the old one", async (t) => {
    const origin = await scripted(t, [[OK]], { tls: TLS });
    const proxy = await relay(t, {
      gate: (request) =>
        request.field("proxy-authorization") === null
          ? answer(407, PDIGEST, "Connection: close")
          : null,
    });
    const sess = session(t, "https", origin.port);
    ne_session_proxy(sess, "127.0.0.1", proxy.port);
    ne_add_auth(sess, NE_AUTH_DIGEST, (_, attempt, _protocol, _realm, username, password) => {
      username.value = "u";
      password.value = "pw";
      return attempt;
    });
    t.strictSame(await send(sess, "/a"), { code: NE_OK, status: 200, error: "200 X" });
    t.equal(proxy.connections, 2);
    const sent = proxy.requests[1] as PeerRequest;
    const params = digestParams(sent, "proxy-authorization");
    t.equal(params.get("uri"), `127.0.0.1:${origin.port}`);
    t.equal(
      params.get("response"),
      expectedDigest(sent, "u", "pw", "proxy-authorization").response,
    );
  });

  t.test("NTLM, on the connection that becomes the tunnel", async (t) => {
    const TYPE2 =
      "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUA" +
      "cgACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";
    const origin = await scripted(t, [[OK]], { tls: TLS });
    const proxy = await relay(t, {
      gate: (request) => {
        const [, token] = (request.field("proxy-authorization") ?? "").split(" ");
        const type = token === undefined ? 0 : Buffer.from(token, "base64").readUInt32LE(8);
        if (type === 3) return null;
        return answer(407, `Proxy-Authenticate: NTLM${type === 1 ? ` ${TYPE2}` : ""}`);
      },
    });
    const sess = session(t, "https", origin.port);
    nx_session_proxy(sess, http(proxy.port, { username: "D\\u", password: "pw" }));
    t.strictSame(await send(sess, "/a"), { code: NE_OK, status: 200, error: "200 X" });
    t.equal(proxy.requests.length, 3);
    t.equal(proxy.connections, 1);
  });

  t.test("that are refused are used for nothing", async (t) => {
    const rows: [string, string][] = [
      [answer(403), "403 X"],
      ["HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nhello", "502 Bad Gateway"],
      ["HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "503 No"],
      ["HTTP/1.1 100 C\r\n\r\nHTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", "404 Gone"],
      [answer(407), "407 X"],
      [answer(302, "Location: https://evil.example/"), "302 X"],
    ];
    for (const scheme of ["https", "http"]) {
      for (const [refusal, why] of rows) {
        const proxy = await scripted(t, [[refusal], [refusal]]);
        const sess = session(t, scheme, 443, "origin.example");
        nx_session_proxy(sess, http(proxy.port, { tunnel: true }));
        for (let i = 0; i < 2; i++) {
          t.strictSame(await send(sess, "/secret"), {
            code: NE_ERROR,
            status: 0,
            error: `Could not create ${scheme === "https" ? "SSL " : ""}connection through proxy server: ${why}`,
          });
        }
        t.notMatch(proxy.received.join(""), /secret/);
      }
    }
  });

  t.test("begin after interim answers, whatever the length field says", async (t) => {
    for (const established of [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\n",
    ]) {
      const origin = await scripted(t, [[OK]], { tls: TLS });
      const proxy = await relay(t, { established });
      const sess = session(t, "https", origin.port);
      nx_session_proxy(sess, http(proxy.port));
      t.strictSame(
        await send(sess, "/"),
        { code: NE_OK, status: 200, error: "200 X" },
        established,
      );
    }
  });

  t.test("CONNECT ends with the request that wants the tunnel", async (t) => {
    const proxy = await scripted(t, [async (peer) => void (await peer.readEof())]);
    const sess = session(t, "https", 443, "origin.example");
    nx_session_proxy(sess, http(proxy.port));
    const destroyed: string[] = [];
    const made: ne_request[] = [];
    ne_hook_create_request(sess, (req) => void made.push(req));
    ne_hook_destroy_request(sess, (req) => {
      destroyed.push(made.indexOf(req) === 0 ? "request" : "CONNECT");
    });
    const stop = new AbortController();
    const never = new Promise<void>(() => {});
    ne_hook_pre_send(sess, (req) => {
      if (req !== made[1]) return;
      queueMicrotask(() => stop.abort());
      return never;
    });
    const req = ne_request_create(sess, "GET", "/secret");
    nx_set_request_signal(req, stop.signal);
    t.equal(await ne_request_dispatch(req), NE_ERROR, "although a hook of CONNECT never ends");
    t.match(ne_get_error(sess), /Aborted/);
    t.strictSame(destroyed, ["CONNECT"], "and CONNECT is no more");
    ne_request_destroy(req);
    t.strictSame(destroyed, ["CONNECT", "request"]);
    t.strictSame(lines(proxy.requests), []);
  });

  t.test("a hook that refuses CONNECT or closes its connection leaves no tunnel", async (t) => {
    const rows: [name: string, code: number, hook: (sess: ne_session) => number, error: string][] = [
      ["refuses", NE_ERROR, (sess) => (ne_set_error(sess, "not this one"), NE_ERROR), "not this one"],
      ["closes", NE_ERROR, (sess) => (ne_close_connection(sess), NE_OK), "200 X"],
    ];
    for (const [name, code, hook, error] of rows) {
      const established = "HTTP/1.1 200 X\r\n\r\n";
      const proxy = await scripted(t, [
        async (peer) => {
          await peer.readRequest();
          await peer.write(established);
          await peer.readEof();
        },
      ]);
      const sess = session(t, "http", 80, "origin.example");
      nx_session_proxy(sess, http(proxy.port, { tunnel: true }));
      ne_hook_post_send(sess, () => hook(sess));
      const why = `Could not create connection through proxy server: ${error}`;
      t.strictSame(await send(sess, "/secret"), { code, status: 0, error: why }, name);
      t.notMatch(proxy.received.join(""), /secret/);
    }
  });

  t.test("a refusal of the login is told as such, and its connection is closed", async (t) => {
    const proxy = await scripted(t, [[answer(407, PBASIC)], [answer(407, PBASIC)]]);
    const sess = session(t, "https", 443, "origin.example");
    nx_session_proxy(sess, http(proxy.port));
    ne_set_proxy_auth(sess, () => 1);
    for (const count of [1, 2]) {
      const { code, error } = await send(sess, "/");
      t.equal(code, NE_PROXYAUTH);
      t.match(error, /^Could not create SSL connection through proxy server: Could not auth/);
      t.equal(proxy.connections, count, "a new one each time");
    }
  });

  t.test("bytes in front of TLS are not taken for the server's", async (t) => {
    const proxy = await scripted(t, [
      async (peer) => {
        await peer.readRequest();
        await peer.write(`HTTP/1.1 200 OK\r\n\r\n${answer(200)}`);
        await peer.stall();
      },
    ]);
    const sess = session(t, "https", 443, "origin.example");
    nx_session_proxy(sess, http(proxy.port));
    t.equal((await send(sess, "/secret")).code, NE_ERROR);
    t.notMatch(proxy.received.join(""), /secret/);
  });
});

t.test("TLS to the proxy itself", async (t) => {
  const secure = (port: number, more: Partial<nx_proxy> = {}): nx_proxy => ({
    ...http(port, more),
    scheme: "https",
  });
  for (const scheme of ["http", "https"]) {
    const origin = await scripted(t, scheme === "https" ? [[OK]] : [], { tls: TLS });
    const proxy = await relay(t, { tls: TLS });
    const sess = session(t, scheme, origin.port);
    nx_session_proxy(sess, secure(proxy.port, { trust: [trusted(t)] }));
    t.strictSame(
      await send(sess, "/"),
      {
        code: NE_OK,
        status: 200,
        error: "200 X",
      },
      `${scheme} over it`,
    );
    t.match(proxy.requests[0]?.line, scheme === "http" ? /^GET http:/ : /^CONNECT /);
  }

  const stranger = await scripted(t, [() => {}], { tls: TLS });
  const sess = session(t, "http", 80, "origin.example");
  nx_session_proxy(sess, secure(stranger.port));
  const refused = await send(sess, "/secret");
  t.equal(refused.code, NE_ERROR);
  t.match(refused.error, /issuer is not trusted/);
  t.equal(stranger.requests.length, 0, "it gets no request");
});

t.test("the server's certificate is judged alike on every path", async (t) => {
  const wrong = { cert: certFile("wronghost.pem"), key: certFile("server.key") };
  const paths: [string, (origin: number) => Promise<nx_proxy | null>][] = [
    ["directly", async () => null],
    ["through CONNECT", async () => http((await relay(t)).port)],
    [
      "through TLS to the proxy",
      async () => ({
        ...http((await relay(t, { tls: TLS })).port),
        scheme: "https",
        trust: [trusted(t)],
      }),
    ],
    [
      "through SOCKS",
      async (origin) => ({
        ...http((await socks(t, origin)).port),
        scheme: "socks5",
        username: "u",
        password: "p",
      }),
    ],
  ];
  for (const [name, path] of paths) {
    const origin = await scripted(t, [() => {}], { tls: wrong });
    const sess = session(t, "https", origin.port);
    nx_session_proxy(sess, await path(origin.port));
    const { code, error } = await send(sess, "/secret");
    t.equal(code, NE_ERROR, name);
    t.match(error, /certificate issued for a different hostname/, name);
    t.equal(origin.requests.length, 0, name);
  }
});

t.test("SOCKS", async (t) => {
  const rows: [Partial<nx_proxy>, RegExp][] = [
    [{ scheme: "socks5", username: "u", password: "p" }, /^5 3 localhost u:p$/],
    [{ scheme: "socks4a", username: "u" }, /^4 000000ff u\|localhost\|$/],
    [{ scheme: "socks4a" }, /^4 000000ff \|localhost\|$/],
    [{ scheme: "socks4", username: "u" }, /^4 7f000001 u\|$/],
  ];
  for (const [more, asked] of rows) {
    const origin = await scripted(t, [[OK]]);
    const server = await socks(t, origin.port);
    const sess = session(t, "http", origin.port, "localhost");
    nx_session_proxy(sess, { ...http(server.port), ...more } as nx_proxy);
    t.strictSame(await send(sess, "/a"), { code: NE_OK, status: 200, error: "200 X" });
    t.match(server.asked[0], asked);
    t.equal(origin.requests[0]?.line, "GET /a HTTP/1.1");
  }
});

t.test("SOCKS failures say whose they are, and what they are", async (t) => {
  const METHOD = Buffer.from([5, 0]);
  const refused = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
  const rows: [string, Uint8Array[], string][] = [
    ["refused", [METHOD, refused(5)], "Could not connect: connection refused"],
    ["not permitted", [METHOD, refused(2)], "Could not connect: connection not permitted"],
    ["no SOCKS at all", [Buffer.from("HT")], "Invalid version in proxy response"],
    ["hangs up", [], "Could not read initial response from proxy: Connection closed"],
    ["hangs up later", [METHOD], "Could not read connect reply: Connection closed"],
  ];
  for (const [name, replies, why] of rows) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readBytes(3);
        for (const [i, reply] of replies.entries()) {
          if (i > 0) await peer.readSome();
          await peer.write(reply);
        }
        if (replies.length === 1 && replies[0] === METHOD) await peer.readSome();
        await peer.end();
      },
    ]);
    const sess = session(t, "http", 80, "origin.example");
    nx_session_proxy(sess, { ...http(server.port), scheme: "socks5" });
    const where = `127.0.0.1:${server.port}`;
    t.strictSame(
      await send(sess, "/secret"),
      {
        code: NE_ERROR,
        status: 0,
        error: `Could not establish connection from SOCKS proxy (${where}): ${why}`,
      },
      name,
    );
    t.notMatch(server.received.join(""), /secret/);
  }
});

t.test("bypass", async (t) => {
  const rows: [nx_proxy["bypass"], boolean][] = [
    [undefined, false],
    [["example.com"], false],
    [["127.0.0.0/8"], true],
    [[/^127\./], true],
    [["*"], true],
    [["127.0.0.1:1"], false],
  ];
  for (const [bypass, direct] of rows) {
    const origin = await scripted(t, direct ? [[OK]] : []);
    const proxy = await relay(t);
    const sess = session(t, "http", origin.port);
    nx_session_proxy(sess, http(proxy.port, bypass === undefined ? {} : { bypass }));
    t.equal(nx_bypass_proxy(sess), direct);
    t.equal((await send(sess, "/a")).code, NE_OK);
    const seen = direct ? origin.requests : proxy.requests;
    t.match(seen[0]?.line, direct ? "GET /a HTTP/1.1" : /^GET http:/);
    t.equal(seen[0]?.field("connection"), direct ? "TE, Keep-Alive" : "TE");
    t.equal(proxy.connections, direct ? 0 : 1);
  }
  t.equal(nx_bypass_proxy(session(t, "http", 80)), true, "without a proxy there is none to use");
});

t.test("a proxy that is passed by is told no secrets", async (t) => {
  const origin = await scripted(t, [[answer(407, PBASIC)]]);
  const sess = session(t, "http", origin.port);
  nx_session_proxy(sess, http(1, { bypass: ["127.0.0.1"], username: "u", password: "pw" }));
  t.strictSame(await send(sess, "/"), { code: NE_OK, status: 407, error: "407 X" });
});

t.test("the default is for sessions made from now on", async (t) => {
  t.teardown(() => nx_set_default_proxy(null));
  t.equal(nx_get_default_proxy(), null);
  const proxy = await relay(t, {
    gate: (request) => (request.field("proxy-authorization") === null ? answer(407, PBASIC) : null),
  });
  const before = session(t, "http", 80);
  const setting = http(proxy.port, { username: "u", password: "pw", bypass: ["direct.example"] });
  nx_set_default_proxy(setting);
  t.strictSame(nx_get_default_proxy(), setting);
  t.equal(nx_bypass_proxy(before), true);
  const after = session(t, "http", 80, "origin.example");
  t.equal(nx_bypass_proxy(after), false);
  t.equal((await send(after, "/")).code, NE_OK);
  t.equal(nx_bypass_proxy(session(t, "http", 80, "direct.example")), true);
  const none = session(t, "http", 80, "origin.example");
  nx_session_proxy(none, null);
  t.equal(nx_bypass_proxy(none), true, "null means none, whatever the default");
  nx_set_default_proxy(null);
  t.equal(nx_get_default_proxy(), null);
  t.equal(nx_bypass_proxy(session(t, "http", 80, "origin.example")), true);
  t.equal(nx_bypass_proxy(after), false, "what was made before keeps it");
});

t.test("the environment", async (t) => {
  const names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];
  const saved = names.map((name) => [name, process.env[name]] as const);
  const restore = (): void => {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  t.teardown(restore);
  for (const name of names) delete process.env[name];
  const proxy = await relay(t, {
    gate: (request) => (request.field("proxy-authorization") === null ? answer(407, PBASIC) : null),
  });
  process.env["http_proxy"] = `http://u:p%40ss@127.0.0.1:${proxy.port}/`;
  process.env["no_proxy"] = "direct.example, 10.0.0.0/8";
  t.strictSame(nx_proxy_from_env("http", "origin.example", 80), {
    scheme: "http",
    host: "127.0.0.1",
    port: proxy.port,
    username: "u",
    password: "p@ss",
  });
  t.equal(nx_proxy_from_env("http", "www.direct.example", 80), null);
  t.equal(nx_proxy_from_env("https", "origin.example", 443), null);
  t.equal(nx_proxy_from_env("http", "origin.example", 80, {}), null);
  const sess = session(t, "http", 80, "origin.example");
  ne_session_system_proxy(sess, 0);
  t.strictSame(await send(sess, "/"), { code: NE_OK, status: 200, error: "200 X" });
  t.equal(
    proxy.requests[0]?.field("proxy-authorization"),
    `Basic ${Buffer.from("u:p@ss").toString("base64")}`,
    "a password in the variable is sent",
  );
  const req = ne_request_create(sess, "GET", "/own");
  ne_add_request_header(req, "Proxy-Authorization", "Bearer mine");
  t.equal(await ne_request_dispatch(req), NE_OK);
  ne_request_destroy(req);
  t.strictSame(
    proxy.requests[1]?.fields.filter((line) => /^proxy-auth/i.test(line)),
    ["Proxy-Authorization: Bearer mine"],
    "unless the application sends a field of its own",
  );
  const direct = session(t, "http", 80, "10.1.2.3");
  ne_session_proxy(direct, "somewhere", 1);
  ne_session_system_proxy(direct, 0);
  t.equal(nx_bypass_proxy(direct), true, "found or not, it replaces what was set");
  restore();
});

t.test("an unusable variable fails the session's requests; nothing bypasses the proxy", async (t) => {
  const { env } = process;
  t.teardown(() => {
    process.env = env;
  });
  const server = await scripted(t, [[answer(302, "Location: http://elsewhere.example/")]]);
  const sess = session(t, "http", server.port, "127.0.0.1");
  const values = ["u:hid#den@h:1", "u:hid/den@h:1", "u:hid?den@h:1", "h:99999", "h:port", "//h",
    "htp://h", "quic://h", "http://", "http://:1", "http://u:hidden@", " ", "h:0", "http:/h:1"];
  for (const value of values) {
    for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]) {
      process.env = { [name]: value };
      ne_session_system_proxy(sess, 0);
      const { code, error } = await send(sess, "/");
      t.equal(code, NE_ERROR, `${name}=${value}`);
      t.match(error, `Could not use ${name}: it`);
      t.notMatch(error, /hid|den/);
      t.equal(nx_bypass_proxy(sess), false);
      const thrown = { name: "Error", message: error };
      t.throws(() => nx_proxy_from_env("http", "127.0.0.1", server.port), thrown);
    }
  }
  const clone = nx_session_clone(sess);
  t.equal((await send(clone, "/")).code, NE_ERROR, "nor does a clone's");
  ne_session_destroy(clone);
  t.equal(server.connections, 0);
  nx_session_proxy(sess, null);
  t.equal((await send(sess, "/")).code, NE_OK, "another setting takes its place");
});

t.test("a clone for another server asks the environment anew", async (t) => {
  const { env } = process;
  t.teardown(() => {
    process.env = env;
  });
  const first = await relay(t);
  process.env = { http_proxy: `http://127.0.0.1:${first.port}`, no_proxy: "near.example" };
  const near = session(t, "http", 80, "near.example");
  ne_session_system_proxy(near, 0);
  t.equal(nx_bypass_proxy(near), true);
  const far = nx_session_clone(near, "http", "far.example", 80);
  t.equal(nx_bypass_proxy(far), false, "what no_proxy says of one server is not said of all");
  t.equal((await send(far, "/")).code, NE_OK);
  ne_session_destroy(far);
  const back = nx_session_clone(near, "https", "near.example", 443);
  t.equal(nx_bypass_proxy(back), true);
  ne_session_destroy(back);
});

t.test("preemptive sends Basic with the first request, to the proxy alone", async (t) => {
  const login = `Basic ${Buffer.from("u:pw").toString("base64")}`;
  const setting = { username: "u", password: "pw", preemptive: true };
  const sent = (requests: readonly PeerRequest[]): (string | null)[] =>
    requests.map((request) => request.field("proxy-authorization"));
  const proxy = await relay(t);
  const sess = session(t, "http", 80, "origin.example");
  nx_session_proxy(sess, http(proxy.port, setting));
  t.equal((await send(sess, "/")).code, NE_OK);
  t.strictSame(sent(proxy.requests), [login]);
  const origin = await scripted(t, [[OK]], { tls: TLS });
  const secure = session(t, "https", origin.port, "localhost");
  nx_session_proxy(secure, http(proxy.port, setting));
  t.equal((await send(secure, "/")).code, NE_OK);
  t.strictSame(sent(proxy.requests).slice(1), [login], "CONNECT");
  t.strictSame(sent(origin.requests), [null], "not through the tunnel");
  const direct = await scripted(t, [[OK]]);
  const bypassing = session(t, "http", direct.port, "127.0.0.1");
  nx_session_proxy(bypassing, http(proxy.port, { ...setting, bypass: ["127.0.0.1"] }));
  t.equal((await send(bypassing, "/")).code, NE_OK);
  t.strictSame(sent(direct.requests), [null], "not to a server that is reached directly");
  const digest = await scripted(t, [[answer(407, PDIGEST), OK]]);
  const choosy = session(t, "http", 80, "origin.example");
  nx_session_proxy(choosy, http(digest.port, setting));
  t.equal((await send(choosy, "/")).code, NE_OK, "what the proxy wants in its place is answered");
  t.match(sent(digest.requests), [login, /^Digest /]);
  const asking = await scripted(t, [[OK]]);
  const patient = session(t, "http", 80, "origin.example");
  nx_session_proxy(patient, http(asking.port, { username: "u", password: "pw" }));
  t.equal((await send(patient, "/")).code, NE_OK);
  t.strictSame(sent(asking.requests), [null], "not by itself");
});

t.test("misuse leaves the setting before", async (t) => {
  const sess = session(t, "http", 80, "origin.example");
  nx_session_proxy(sess, http(1));
  const rows: [Partial<Record<keyof nx_proxy, unknown>>, string][] = [
    [{ scheme: "gopher" }, 'the proxy\'s scheme is not one of those known: "gopher"'],
    [{ host: "a b" }, "the proxy's host is not a host"],
    [{ port: 0 }, "the proxy's port is not a port: 0"],
    [{ bypass: ["a/b/c"] }, "a/b/c is no entry of a bypass list"],
    [{ trust: [{}] }, "what the proxy is trusted by must be an array of certificates"],
  ];
  for (const [more, what] of rows) {
    const proxy = { ...http(2), ...more } as nx_proxy;
    t.throws(() => nx_session_proxy(sess, proxy), new TypeError(`nx_session_proxy: ${what}`));
    t.throws(() => nx_set_default_proxy(proxy), new TypeError(`nx_set_default_proxy: ${what}`));
  }
  t.equal(nx_get_default_proxy(), null);
  const uri = new ne_uri();
  ne_fill_proxy_uri(sess, uri);
  t.equal(uri.port, 1);
  t.throws(
    () => nx_proxy_from_env(1 as unknown as string, "h", 80),
    new TypeError("nx_proxy_from_env: the scheme must be a string, not number"),
  );
  t.throws(
    () => nx_proxy_from_env("http", "h", "80" as unknown as number),
    new TypeError("nx_proxy_from_env: the port must be a number"),
  );
});
