// Hostile peers and accidents, part b: credentials, redirects and the reuse of connections. One
// test for each class, by number; what the tests of one module hold already is not repeated here.
import { fork } from "node:child_process";
import net from "node:net";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import t from "tap";
import {
  NE_AUTH,
  NE_AUTH_DIGEST,
  NE_AUTH_NTLM,
  NE_DBG_HTTPPLAIN,
  NE_OK,
  NE_PROXYAUTH,
  ne_add_request_header,
  ne_add_server_auth,
  ne_base64,
  ne_debug_init,
  ne_forget_auth,
  ne_get_error,
  ne_iaddr_make,
  ne_iaddr_ipv4,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_session_socks_proxy,
  ne_set_addrlist2,
  ne_set_notifier,
  ne_set_proxy_auth,
  ne_set_request_body_buffer,
  ne_set_server_auth,
  NE_SOCK_SOCKSV5,
  ne_ssl_cert_read,
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_read,
  ne_ssl_provide_clicert,
  ne_ssl_set_clicert,
  ne_ssl_set_protovers,
  ne_ssl_set_verify,
  ne_ssl_trust_cert,
  NE_SSL_PROTO_TLS_1_2,
  nx_add_bearer,
  nx_cookie_jar_create,
  nx_cookies_register,
  nx_send,
  nx_session_for,
  nx_session_proxy,
  nx_session_unix,
  nx_set_connector,
  nx_set_debug,
  type ne_session,
  type ne_ssl_certificate,
  type ne_ssl_client_cert,
} from "../lib/index.js";
import { answer, send, sessionTo } from "./fixtures/auth.js";
import { socks } from "./fixtures/proxy.js";
import { scripted, type Peer, type PeerRequest, type TestScope } from "./fixtures/server.js";
import { certFile, certPath } from "./fixtures/tls.js";

const OK = answer(200);
const BASIC = 'WWW-Authenticate: Basic realm="r"';
const PBASIC = 'Proxy-Authenticate: Basic realm="p"';
const TLS = { key: certFile("server.key"), cert: certFile("good.pem") };

function login(sess: ne_session, user = "user", password = "secret-pw"): void {
  ne_set_server_auth(sess, (_, _realm, attempt, username, word) => {
    username.value = user;
    word.value = password;
    return attempt;
  });
}

function ending(t: TestScope, sess: ne_session): ne_session {
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

function ca(): ne_ssl_certificate {
  return ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate;
}

function clientCertificate(): ne_ssl_client_cert {
  const cert = ne_ssl_clicert_read(certPath("client.p12")) as ne_ssl_client_cert;
  ne_ssl_clicert_decrypt(cert, "secret");
  return cert;
}

t.test("15: nothing of one origin goes to another one that a redirect names", async (t) => {
  const secrets = { "X-Api-Key": "hidden-key", "X-Auth-Token": "hidden-token", "X-Plain": "seen" };
  for (const [scheme, options] of [
    ["http", {}],
    ["https", { tls: TLS }],
  ] as const) {
    const foreign = answer(200, "Set-Cookie: theirs=1");
    const serve = async (peer: Peer): Promise<void> => {
      if (scheme === "http" || peer.secured) await peer.readRequest().catch(() => {});
      if (peer.request !== null) await peer.write(foreign);
    };
    const other = await scripted(t, serve, options);
    const location = `Location: ${other.origin}/there`;
    const home = await scripted(t, [
      [answer(401, BASIC), answer(200, "Set-Cookie: sid=hidden-cookie"), answer(302, location)],
    ]);
    const sess = ending(t, sessionTo(home.port));
    login(sess, "user", "hidden-pw");
    nx_cookies_register(sess, nx_cookie_jar_create());
    await nx_send(sess, "GET", "/a");
    const result = await nx_send(sess, "GET", "/a", {
      redirects: 3,
      redirect_headers: ["x-PLAIN"],
      headers: secrets,
    });
    // the other server's certificate is one that nobody trusts
    t.equal(result.ok, scheme === "http", scheme);
    t.match(home.requests[2]?.head, /Authorization: Basic [^]*Cookie: sid=hidden-cookie/, scheme);
    t.notMatch(other.received.join(""), /hidden|authorization|cookie/i, scheme);
    if (scheme === "http") t.equal(other.requests[0]?.field("x-plain"), "seen");
  }
});

t.test("16: a Digest login is neither another server's nor another proxy's", async (t) => {
  const DIGEST = 'Proxy-Authenticate: Digest realm="p", nonce="first-nonce", qop="auth"';
  const first = await scripted(t, [[answer(407, DIGEST), OK]]);
  const second = await scripted(t, [[answer(407, DIGEST.replace("first", "second")), OK]]);
  const sess = ending(t, ne_session_create("http", "origin.example", 80));
  ne_set_proxy_auth(sess, (_, _realm, attempt, username) => {
    username.value = "u";
    return attempt;
  });
  for (const { port } of [first, second]) {
    ne_session_proxy(sess, "127.0.0.1", port);
    t.equal((await send(sess, "/")).code, NE_OK);
  }
  t.equal(second.requests[0]?.field("proxy-authorization"), null);
  t.match(second.requests[1]?.field("proxy-authorization"), /second-nonce/);
  t.match(second.requests[1]?.field("proxy-authorization"), /nc=00000001/);
  t.notMatch(second.received.join(""), /first-nonce/);
});

t.test("17: a proxy's password is never the server's, nor kept when it is cleared", async (t) => {
  const origin = await scripted(t, [[answer(407, PBASIC)]]);
  const proxy = await scripted(t, [[answer(407, PBASIC), OK], [OK]]);
  const sess = ending(t, sessionTo(origin.port));
  const setting = { scheme: "http", host: "127.0.0.1", port: proxy.port } as const;
  nx_session_proxy(sess, { ...setting, username: "proxy-user", password: "proxy-pw" });
  t.equal((await send(sess, "/")).code, NE_OK);
  // a server that is reached directly and plays the proxy
  nx_session_proxy(sess, null);
  t.equal((await send(sess, "/")).status, 407);
  nx_session_proxy(sess, setting);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(proxy.requests.at(-1)?.field("proxy-authorization"), null);
  t.notMatch(origin.received.join(""), /proxy-authorization/i);
});

t.test("18: another way to the server is another connection", async (t) => {
  const addrs = [ne_iaddr_make(ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1]))!];
  const ways: Record<string, (sess: ne_session, other: number) => void> = {
    proxy: (sess, port) => ne_session_proxy(sess, "127.0.0.1", port),
    "proxy with login": (sess, port) =>
      nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port, username: "proxy-user" }),
    connector: (sess, port) =>
      nx_set_connector(sess, () => net.connect({ host: "127.0.0.1", port })),
    "address list": (sess, port) => ne_set_addrlist2(sess, port, addrs),
  };
  for (const [name, change] of Object.entries(ways)) {
    const first = await scripted(t, [[OK]]);
    const other = await scripted(t, [[OK]]);
    const sess = ending(t, sessionTo(first.port));
    t.equal((await send(sess, "/one")).code, NE_OK, name);
    change(sess, other.port);
    t.equal((await send(sess, "/two")).code, NE_OK, name);
    t.equal(first.requests.length, 1, name);
    t.equal(other.requests.length, 1, name);
  }
});

t.test("18: another user of a SOCKS proxy is another connection", async (t) => {
  const origin = await scripted(t, [[OK], [OK]]);
  const proxy = await socks(t, origin.port);
  const sess = ending(t, sessionTo(origin.port));
  for (const user of ["ann", "bob"]) {
    ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, "127.0.0.1", proxy.port, user, "pw");
    t.equal((await send(sess, "/")).code, NE_OK);
  }
  t.strictSame(proxy.asked, ["5 1 7f000001 ann:pw", "5 1 7f000001 bob:pw"]);
});

t.test("18: another setting of TLS is another connection", async (t) => {
  const changes: Record<string, (sess: ne_session) => void> = {
    "client certificate": (sess) => ne_ssl_set_clicert(sess, clientCertificate()),
    "supplier of one": (sess) => ne_ssl_provide_clicert(sess, () => {}),
    "verify callback": (sess) => ne_ssl_set_verify(sess, () => 1),
    versions: (sess) => ne_ssl_set_protovers(sess, NE_SSL_PROTO_TLS_1_2, NE_SSL_PROTO_TLS_1_2),
  };
  for (const [name, change] of Object.entries(changes)) {
    const server = await scripted(t, [[OK], [OK, OK]], { tls: TLS });
    const sess = ending(t, ne_session_create("https", "127.0.0.1", server.port));
    ne_ssl_trust_cert(sess, ca());
    t.equal((await send(sess, "/")).code, NE_OK, name);
    change(sess);
    t.equal((await send(sess, "/")).code, NE_OK, name);
    t.equal((await send(sess, "/")).code, NE_OK, name);
    t.equal(server.connections, 2, name);
  }
});

t.test("18: a certificate that was supplied when asked for keeps its connection", async (t) => {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const asking = { ...TLS, requestCert: true, rejectUnauthorized: false, maxVersion };
    const options = { tls: asking, fewer: true };
    const server = await scripted(
      t,
      maxVersion === "TLSv1.3" ? [[OK, OK]] : [(peer) => peer.readEof(), [OK, OK]],
      options,
    );
    const sess = ending(t, ne_session_create("https", "127.0.0.1", server.port));
    ne_ssl_trust_cert(sess, ca());
    let asked = 0;
    ne_ssl_provide_clicert(sess, () => {
      asked++;
      ne_ssl_set_clicert(sess, clientCertificate());
    });
    t.equal((await send(sess, "/")).code, NE_OK, maxVersion);
    t.equal((await send(sess, "/")).code, NE_OK, maxVersion);
    t.equal(asked, 1, maxVersion);
    t.equal(server.requests.length, 2, maxVersion);
  }
});

/** A CHALLENGE_MESSAGE of NTLM without target information. */
function ntlmChallenge(): string {
  const message = Buffer.alloc(48);
  message.write("NTLMSSP\0", 0, "latin1");
  message.writeUInt32LE(2, 8);
  message.writeUInt32LE(0x00088201, 20);
  message.writeBigUInt64LE(0x0123456789abcdefn, 24);
  return `WWW-Authenticate: NTLM ${ne_base64(message)}`;
}

const NTLM_HANDSHAKE = [
  (_: PeerRequest) => answer(401, "WWW-Authenticate: NTLM"),
  (_: PeerRequest) => answer(401, ntlmChallenge()),
  OK,
];

t.test("19: the next user never rides on a connection of NTLM", async (t) => {
  const [ask, challenge] = NTLM_HANDSHAKE;
  const server = await scripted(t, [
    [ask!, challenge!, OK],
    [ask!, challenge!, OK],
  ]);
  const sess = ending(t, sessionTo(server.port));
  let user = "ann";
  ne_add_server_auth(sess, NE_AUTH_NTLM, (_, _realm, attempt, username, password) => {
    username.value = user;
    password.value = "pw";
    return attempt;
  });
  t.equal((await send(sess, "/")).code, NE_OK);
  ne_forget_auth(sess);
  user = "bob";
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(server.connections, 2);
  const last = Buffer.from(
    server.requests.at(-1)?.field("authorization")?.slice("NTLM ".length) ?? "",
    "base64",
  );
  t.match(last.toString("utf16le"), /bob/);
});

t.test("20: Basic is not sent where Digest failed, unless it was asked for", async (t) => {
  const both = answer(401, 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', BASIC);
  const server = await scripted(t, [[both, both]]);
  const sess = ending(t, sessionTo(server.port));
  ne_add_server_auth(sess, NE_AUTH_DIGEST, (_, _realm, attempt, username) => {
    username.value = "u";
    return attempt;
  });
  t.equal((await send(sess, "/")).code, NE_AUTH);
  t.notMatch(server.received.join(""), /Authorization: Basic/);
});

t.test("22: refusals without end come to an end, in a tunnel too", async (t) => {
  const proxy = await scripted(t, async (peer) => {
    while ((await peer.readRequest().catch(() => null)) !== null) {
      await peer.write(answer(407, PBASIC));
    }
  });
  const sess = ending(t, ne_session_create("https", "origin.example", 443));
  ne_session_proxy(sess, "127.0.0.1", proxy.port);
  const attempts: number[] = [];
  ne_set_proxy_auth(sess, (_, _realm, attempt) => {
    attempts.push(attempt);
    return 0;
  });
  const { code, error } = await send(sess, "/");
  t.equal(code, NE_PROXYAUTH);
  t.match(error, /gave up after 100 attempts/);
  t.strictSame(attempts, [...Array(100).keys()]);
  await proxy.close();
});

/** What is written to it. */
class Log extends Writable {
  text = "";

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

t.test("23: secrets are in no log, no error and no notice", async (t) => {
  const own = new Log();
  const all = new Log();
  ne_debug_init(all, 0xffff & ~NE_DBG_HTTPPLAIN);
  t.teardown(() => ne_debug_init(null, 0));
  let told = "";
  const watch = (sess: ne_session): ne_session => {
    nx_set_debug(sess, own, 0xffff & ~NE_DBG_HTTPPLAIN);
    ne_set_notifier(sess, (_, status, info) => {
      told += `${status} ${JSON.stringify(info)}`;
    });
    return ending(t, sess);
  };
  const challenges = [
    [answer(401, BASIC), OK],
    [answer(401, 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'), OK],
    [answer(401, "WWW-Authenticate: NTLM"), answer(401, ntlmChallenge()), OK],
  ];
  const sent: string[] = [];
  for (const answers of challenges) {
    const server = await scripted(t, [answers]);
    const sess = watch(sessionTo(server.port));
    ne_add_server_auth(sess, NE_AUTH_NTLM | 7, (_, _realm, attempt, username, password) => {
      username.value = "hidden-user";
      password.value = "hidden-pw";
      return attempt;
    });
    t.equal((await send(sess, "/")).code, NE_OK);
    told += ne_get_error(sess);
    sent.push(...server.requests.flatMap(({ fields }) => fields));
  }
  const server = await scripted(t, [[answer(200, "Set-Cookie: sid=hidden-cookie"), OK]]);
  const sess = watch(sessionTo(server.port));
  nx_cookies_register(sess, nx_cookie_jar_create());
  nx_add_bearer(sess, () => "hidden-token", null, true);
  await send(sess, "/");
  await send(sess, "/");
  sent.push(...server.requests.flatMap(({ fields }) => fields));
  const proxy = await scripted(t, [[answer(407, PBASIC), OK]]);
  const through = watch(ne_session_create("http", "origin.example", 80));
  const setting = { scheme: "http", host: "127.0.0.1", port: proxy.port } as const;
  nx_session_proxy(through, { ...setting, username: "hidden-user", password: "hidden-pw" });
  const req = ne_request_create(through, "GET", "/");
  ne_add_request_header(req, "authorization", "Basic hidden-own");
  t.equal(await ne_request_dispatch(req), NE_OK);
  ne_request_destroy(req);
  sent.push(...proxy.requests.flatMap(({ fields }) => fields));
  const secrets = sent
    .filter((field) => /^(proxy-)?authorization|^cookie/i.test(field))
    .map((field) => field.slice(field.indexOf(":") + 2));
  t.ok(secrets.length >= 8, `${secrets.length} secrets were sent`);
  for (const [name, text] of Object.entries({ own: own.text, all: all.text, told })) {
    t.notMatch(text, /hidden/, name);
    for (const secret of secrets) t.notOk(text.includes(secret), `${name}: ${secret}`);
  }
  t.match(own.text, /authorization: x+/i);
});

t.test("23: debug output shows no API key, lock token, or secret in a target or body", async (t) => {
  const own = new Log();
  const all = new Log();
  const body = '{"name":"shown","password":"hidden-pw"}';
  const reply =
    "HTTP/1.1 200 OK\r\nLock-Token: <opaquelocktoken:hidden-1>\r\nX-Api-Key: hidden-2\r\n" +
    `Location: /?sig=hidden-3\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const server = await scripted(t, [[reply], [reply]]);
  const dispatch = async (mask: number): Promise<void> => {
    const sess = ending(t, sessionTo(server.port));
    ne_debug_init(all, mask);
    nx_set_debug(sess, own, mask);
    const req = ne_request_create(sess, "POST", "/a?access_token=hidden-4");
    ne_add_request_header(req, "X-API-Key", "hidden-5");
    ne_add_request_header(req, "If", "(<opaquelocktoken:hidden-6>)");
    ne_add_request_header(req, "Destination", "http://hidden-user:pw@h/");
    ne_set_request_body_buffer(req, Buffer.from(body));
    await ne_request_dispatch(req);
    ne_request_destroy(req);
    ne_debug_init(null, 0);
  };
  await dispatch(0xffff & ~NE_DBG_HTTPPLAIN);
  for (const { text } of [own, all]) {
    t.notMatch(text, "hidden-");
    t.match(text, '{"name":"shown",');
    t.match(text, "X-API-Key: xxxxxxxx\n");
  }
  await dispatch(0xffff);
  for (const { text } of [own, all]) {
    for (const at of [1, 2, 3, 4, 5, 6, "user:pw", "pw"]) t.match(text, `hidden-${at}`);
  }
});

t.test("23: a user in a URL stays out of everything", async (t) => {
  const server = await scripted(t, [[OK]]);
  for (const user of ["hidden:pw", "hidden:p@ss", "hidden%40x"]) {
    const sess = nx_session_for(`http://${user}@127.0.0.1:${server.port}/`);
    if (sess === null) continue;
    const { ok, url } = await nx_send(sess, "GET", "/");
    t.notMatch(url, /hidden/);
    t.ok(ok || !/hidden|ss@/.test(ne_get_error(sess)));
    ne_session_destroy(sess);
    break;
  }
  t.notMatch(server.received.join(""), /hidden|authorization/i);
  t.throws(() => ne_session_create("http", "user:pw@host", 80), TypeError);
});

t.test("24: redirects lead to http and https only, and never from https to http", async (t) => {
  const places = [
    "file:///etc/passwd",
    "unix:/var/run/docker.sock",
    "ftp://127.0.0.1/",
    "javascript:alert(1)",
    "http://127.0.0.1:99999/",
    "http://user@127.0.0.1:1@127.0.0.1/",
    "http:///nohost",
  ];
  for (const place of places) {
    const server = await scripted(t, [[answer(302, `Location: ${place}`)]]);
    const sess = ending(t, sessionTo(server.port));
    const { code, status } = await nx_send(sess, "GET", "/", { redirects: 5 });
    t.strictSame([code, status?.code], [NE_OK, 302], place);
  }
  const plain = await scripted(t, []);
  const secure = await scripted(t, [[answer(302, `Location: ${plain.origin}/`)]], { tls: TLS });
  const sess = ending(t, ne_session_create("https", "127.0.0.1", secure.port));
  ne_ssl_trust_cert(sess, ca());
  t.equal((await nx_send(sess, "GET", "/", { redirects: 5 })).status?.code, 302);
  t.equal(plain.connections, 0);
});

t.test("27: members of Object.prototype are not settings", async (t) => {
  const serve = async (peer: Peer): Promise<void> => {
    while ((await peer.readRequest().catch(() => null)) !== null) await peer.write(OK);
  };
  const plain = await scripted(t, serve);
  const secure = await scripted(t, serve, { tls: TLS });
  const trap = await scripted(t, serve);
  const child = fork(fileURLToPath(new URL("./fixtures/polluted.ts", import.meta.url)), [
    String(plain.port),
    String(secure.port),
    String(trap.port),
  ]);
  const messages: Record<string, unknown[]> = {};
  child.on("message", (message: [string, unknown[]]) => {
    messages[message[0]] = message[1];
  });
  const code = await new Promise((resolve) => child.on("exit", resolve));
  t.equal(code, 0);
  const { clean, ...polluted } = messages;
  t.ok(Object.keys(polluted).length > 30);
  for (const [name, outcome] of Object.entries(polluted)) t.strictSame(outcome, clean, name);
  t.strictSame(trap.received, [], "nobody was led astray");
  await Promise.all([plain.close(), secure.close(), trap.close()]);
});

t.test("36: a cleared jar is empty", async (t) => {
  const server = await scripted(t, [
    [answer(401, BASIC), OK, answer(200, "Set-Cookie: a=1"), OK],
    [OK],
  ]);
  const sess = ending(t, sessionTo(server.port));
  login(sess);
  t.equal((await send(sess, "/")).code, NE_OK);
  ne_forget_auth(sess);
  await send(sess, "/");
  t.equal(server.requests[2]?.field("authorization"), null);
  await send(sess, "/");
  nx_session_unix(sess, "/nowhere/at/all");
  t.not((await send(sess, "/")).code, NE_OK);
  nx_set_connector(sess, null);
  t.equal((await send(sess, "/")).code, NE_OK);
});
