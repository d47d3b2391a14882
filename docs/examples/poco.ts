// What Poco's HTTPClientSession and HTTPSession do, done here: one small function for each row of
// docs/coming-from-poco.md, which test/coming-from-poco.ts runs. Each is on its own and checks
// itself.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as ne from "libneon";
import { makeSelfSigned } from "./self-signed.js";
import { play, type Stage } from "./stage.js";

/** Where the rows are played. */
export interface PocoStage extends Stage {
  /** A WebDAV server on the loopback interface. */
  readonly host: string;
  readonly port: number;
  /** Starts a server that does something else; it ends with the example. */
  listen(serve: (socket: Socket) => void): Promise<number>;
}

type Row = (stage: PocoStage) => Promise<void>;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Plays one row. */
export async function playRow(row: Row): Promise<void> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (serve: (socket: Socket) => void): Promise<number> => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      serve(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  try {
    await play(async (stage) => {
      const { host, port } = await stage.serve();
      await row({ ...stage, host, port, listen });
    }, () => {});
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  }
}

// Answers each request without a body.
function answer(socket: Socket, response: string = OK): void {
  let head = "";
  socket.on("data", (data) => {
    head += data.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    head = "";
    socket.write(response);
  });
  socket.on("end", () => socket.end());
}

async function get(sess: ne.ne_session, path = "/"): Promise<number> {
  const req = ne.ne_request_create(sess, "GET", path);
  const code = await ne.ne_request_dispatch(req);
  ne.ne_request_destroy(req);
  return code;
}

// ---- making and ending ----

/** HTTPClientSession(host, port) */
export async function create({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** HTTPClientSession(), HTTPSession(): a session is not connected until its first request */
export async function createUnconnected({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  assert.equal(ne.nx_session_connected(sess), false);
  ne.ne_session_destroy(sess);
}

/** HTTPClientSession(address), connect(address): an address in place of the name's */
export async function createForAddress({ port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  const address = ne.ne_iaddr_make(ne.ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1]));
  assert.ok(address);
  ne.ne_set_addrlist2(sess, port, [address]);
  assert.equal(await get(sess), ne.NE_OK);
  assert.equal(ne.ne_get_server_hostport(sess), "www.example.com");
  ne.ne_session_destroy(sess);
  ne.ne_iaddr_free(address);
}

/** HTTPClientSession(socket), attachSocket: a transport of the application's own */
export async function createForSocket({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_set_connector(sess, () => connect(port, host));
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** HTTPClientSession(host, port, proxyConfig), setProxyConfig, setProxy */
export async function createWithProxy({ listen }: PocoStage): Promise<void> {
  const proxy = { scheme: "http", host: "127.0.0.1", port: await listen(answer) } as const;
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_session_proxy(sess, proxy);
  assert.equal(await get(sess), ne.NE_OK);
  assert.deepEqual(ne.nx_get_session_proxy(sess), proxy);
  ne.ne_session_destroy(sess);
}

/** ~HTTPClientSession, close */
export async function destroy({ host, port }: PocoStage): Promise<void> {
  let closed = 0;
  {
    using sess = ne.ne_session_create("http", host, port);
    ne.ne_hook_close_conn(sess, () => closed++);
    await get(sess);
  }
  assert.equal(closed, 1);
}

/** a session over a Unix-domain socket */
export async function unixSocket({ folder, host, port }: PocoStage): Promise<void> {
  const path = join(folder, "socket");
  const server = createServer((socket) => {
    const onward = connect(port, host);
    socket.pipe(onward).pipe(socket);
    socket.on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const sess = ne.ne_session_create("http", "localhost", 80);
  ne.nx_session_unix(sess, path);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
  server.close();
}

// ---- where to ----

/** setHost, setPort: a session is for one server; another one gets a session like it */
export async function setHostAndPort({ host, port }: PocoStage): Promise<void> {
  const first = ne.ne_session_create("http", "www.example.com", 80);
  ne.ne_set_useragent(first, "example/1.0");
  const sess = ne.nx_session_clone(first, "http", host, port);
  ne.ne_session_destroy(first);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** getHost, getPort */
export async function getHostAndPort({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const uri = new ne.ne_uri();
  ne.ne_fill_server_uri(sess, uri);
  assert.deepEqual([uri.host, uri.port], [host, port]);
  ne.ne_session_destroy(sess);
}

/** secure */
export async function secure(): Promise<void> {
  const sess = ne.ne_session_create("https", "www.example.com", 443);
  assert.equal(ne.ne_get_scheme(sess) === "https", true);
  ne.ne_session_destroy(sess);
}

/** HTTP_PORT */
export async function defaultPort(): Promise<void> {
  assert.equal(ne.ne_uri_defaultport("http"), 80);
}

/** setSourceAddress, getSourceAddress, getSourceAddress4, getSourceAddress6, connect(to, from) */
export async function sourceAddress({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const four = ne.ne_iaddr_make(ne.ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1]));
  const six = ne.ne_iaddr_make(ne.ne_iaddr_ipv6, Buffer.alloc(16));
  assert.ok(four && six);
  ne.nx_set_source_address(sess, four);
  ne.nx_set_source_address(sess, six);
  assert.equal(ne.nx_get_source_address(sess, ne.ne_iaddr_ipv4)?.address, "127.0.0.1");
  assert.equal(ne.nx_get_source_address(sess, ne.ne_iaddr_ipv6)?.address, "::");
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
  ne.ne_iaddr_free(four);
  ne.ne_iaddr_free(six);
}

/** clientAddress, serverAddress */
export async function addresses({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  await get(sess);
  const ends = ne.nx_session_addresses(sess);
  assert.equal(ends?.local.address, "127.0.0.1");
  assert.deepEqual(ends?.peer, { address: "127.0.0.1", port });
  ne.ne_session_destroy(sess);
}

// ---- proxies ----

/** setProxyHost, setProxyPort, setProxyProtocol, setProxyTunnel: one value, changed in parts */
export async function proxyParts({ listen }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_session_proxy(sess, { scheme: "https", host: "proxy.example.com", port: 3128 });
  const proxy = ne.nx_get_session_proxy(sess);
  assert.ok(proxy);
  const port = await listen(answer);
  ne.nx_session_proxy(sess, { ...proxy, scheme: "http", host: "127.0.0.1", port, tunnel: false });
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** getProxyHost, getProxyPort, getProxyProtocol, isProxyTunnel, getProxyConfig */
export async function proxyInUse(): Promise<void> {
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  const config = { scheme: "http", host: "proxy.example.com", port: 3128, tunnel: true } as const;
  ne.nx_session_proxy(sess, config);
  const proxy = ne.nx_get_session_proxy(sess);
  assert.equal(proxy?.host, "proxy.example.com");
  assert.equal(proxy?.port, 3128);
  assert.equal(proxy?.scheme, "http");
  assert.equal(proxy?.tunnel, true);
  ne.ne_session_destroy(sess);
}

const DENIED =
  'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n';

/** setProxyCredentials, setProxyUsername, setProxyPassword and their getters */
export async function proxyCredentials({ listen }: PocoStage): Promise<void> {
  const heads: string[] = [];
  const port = await listen((socket) => {
    socket.on("data", (data) => {
      heads.push(data.toString());
      socket.write(heads.length === 1 ? DENIED : OK);
    });
  });
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  const login = { username: "me", password: "secret" };
  ne.nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port, ...login });
  assert.equal(await get(sess), ne.NE_OK);
  assert.match(heads[1] ?? "", /^Proxy-Authorization: Basic bWU6c2VjcmV0\r$/m);
  assert.equal(ne.nx_get_session_proxy(sess)?.username, "me");
  ne.ne_session_destroy(sess);
}

/** proxyAuthenticate, proxyAuthenticateDigest, proxyAuthenticateNTLM, sendChallengeRequest */
export async function proxyAuthentication({ listen }: PocoStage): Promise<void> {
  const heads: string[] = [];
  const digest = DENIED.replace("Basic realm", 'Digest qop="auth", nonce="n", realm');
  const port = await listen((socket) => {
    socket.on("data", (data) => {
      heads.push(data.toString());
      socket.write(heads.length === 1 ? digest : OK);
    });
  });
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port });
  // any scheme that the proxy offers: the challenge is answered when it comes
  ne.ne_set_proxy_auth(sess, (_userdata, _realm, attempt, username, password) => {
    username.value = "me";
    password.value = "secret";
    return attempt;
  });
  assert.equal(await get(sess), ne.NE_OK);
  assert.match(heads[1] ?? "", /^Proxy-Authorization: Digest realm="p", .*username="me"/m);
  ne.ne_session_destroy(sess);
}

/** setGlobalProxyConfig, getGlobalProxyConfig */
export async function globalProxy({ listen }: PocoStage): Promise<void> {
  const proxy = { scheme: "http", host: "127.0.0.1", port: await listen(answer) } as const;
  ne.nx_set_default_proxy(proxy);
  try {
    assert.deepEqual(ne.nx_get_default_proxy(), proxy);
    const sess = ne.ne_session_create("http", "www.example.com", 80);
    assert.equal(await get(sess), ne.NE_OK);
    ne.ne_session_destroy(sess);
  } finally {
    ne.nx_set_default_proxy(null);
  }
}

/** bypassProxy, ProxyConfig::nonProxyHosts */
export async function bypass({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const bypass = [/^(localhost|127\.0\.0\.1)$/, "192.168.0.0/16"];
  ne.nx_session_proxy(sess, { scheme: "http", host: "proxy.invalid", port: 3128, bypass });
  assert.equal(ne.nx_bypass_proxy(sess), true);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** proxyTunnel: through CONNECT, which https uses anyway */
export async function proxyTunnel({ listen }: PocoStage): Promise<void> {
  const lines: string[] = [];
  const port = await listen((socket) => {
    socket.on("data", (data) => {
      const [line = ""] = data.toString().split("\r\n");
      lines.push(line);
      socket.write(line.startsWith("CONNECT") ? "HTTP/1.1 200 Established\r\n\r\n" : OK);
    });
  });
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port, tunnel: true });
  assert.equal(await get(sess), ne.NE_OK);
  assert.deepEqual(lines, ["CONNECT www.example.com:80 HTTP/1.1", "GET / HTTP/1.1"]);
  ne.ne_session_destroy(sess);
}

/** proxyConnect: the connection that CONNECT makes, for the application to use */
export async function proxyConnect({ listen }: PocoStage): Promise<void> {
  const port = await listen((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 Established\r\n\r\n");
      socket.pipe(socket);
    });
  });
  const proxy = ne.ne_session_create("http", "127.0.0.1", port);
  const req = ne.ne_request_create(proxy, "CONNECT", "db.example.com:5432");
  assert.equal(await ne.ne_request_dispatch(req), ne.NE_OK);
  const tunnel = ne.nx_detach_socket(req);
  assert.ok(tunnel);
  tunnel.socket.end("hello");
  assert.equal(await text(tunnel.socket), "hello");
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(proxy);
}

/** proxyRequestPrefix: the target is made absolute where it goes to a proxy */
export async function proxyRequestPrefix({ listen }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  ne.nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port: await listen(answer) });
  let sent = "";
  ne.ne_hook_create_request(sess, (_req, _userdata, _method, target) => (sent = target));
  assert.equal(await get(sess, "/a"), ne.NE_OK);
  assert.equal(sent, "http://www.example.com/a");
  ne.ne_session_destroy(sess);
}

/** _proxySessionFactory: TLS to the proxy itself */
export async function proxyOverTls(): Promise<void> {
  const own = makeSelfSigned();
  const pem = own.cert.replace(/-----[^-]+-----|\s/g, "");
  const cert = ne.ne_ssl_cert_import(pem);
  assert.ok(cert);
  const sess = ne.ne_session_create("http", "www.example.com", 80);
  const proxy = { scheme: "https", host: "localhost", port: 3129, trust: [cert] } as const;
  ne.nx_session_proxy(sess, proxy);
  assert.equal(ne.nx_get_session_proxy(sess)?.scheme, "https");
  ne.ne_session_destroy(sess);
  ne.ne_ssl_cert_free(cert);
}

// ---- connections and time ----

/** setKeepAlive, getKeepAlive */
export async function keepAlive({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  ne.ne_set_session_flag(sess, ne.NE_SESSFLAG_PERSIST, 0);
  await get(sess);
  assert.equal(ne.nx_session_connected(sess), false);
  assert.equal(ne.ne_get_session_flag(sess, ne.NE_SESSFLAG_PERSIST), 0);
  ne.ne_session_destroy(sess);
}

/** setKeepAliveTimeout, getKeepAliveTimeout */
export async function keepAliveTimeout({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  ne.nx_set_keepalive_timeout(sess, 8);
  assert.equal(ne.nx_get_timeouts(sess).keepalive, 8);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** setTimeout and its three parts, and what they were set to */
export async function timeouts({ listen }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "127.0.0.1", await listen(() => {}));
  ne.ne_set_connect_timeout(sess, 30);
  ne.nx_set_write_timeout(sess, 60);
  ne.ne_set_read_timeout(sess, 0.05);
  const { connect, write, read } = ne.nx_get_timeouts(sess);
  assert.deepEqual([connect, write, read], [30, 60, 0.05]);
  assert.equal(await get(sess), ne.NE_TIMEOUT);
  ne.ne_session_destroy(sess);
}

/** connected */
export async function connected({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  assert.equal(ne.nx_session_connected(sess), false);
  await get(sess);
  assert.equal(ne.nx_session_connected(sess), true);
  ne.ne_session_destroy(sess);
}

/** mustReconnect, reconnect: a session finds out by itself, and repeats what it may repeat */
export async function reconnect({ listen }: PocoStage): Promise<void> {
  let connections = 0;
  const port = await listen((socket) => {
    connections++;
    socket.once("data", () => socket.end(OK));
  });
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  assert.equal(await get(sess), ne.NE_OK);
  assert.equal(await get(sess), ne.NE_OK);
  assert.equal(connections, 2);
  ne.ne_session_destroy(sess);
}

/** reset */
export async function reset({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  await get(sess);
  ne.ne_close_connection(sess);
  assert.equal(ne.nx_session_connected(sess), false);
  assert.equal(await get(sess), ne.NE_OK);
  ne.ne_session_destroy(sess);
}

/** abort: works from anywhere, and ends every wait */
export async function abort({ listen }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", "127.0.0.1", await listen(() => {}));
  const waiting = get(sess);
  await new Promise((resolve) => setImmediate(resolve));
  ne.nx_session_abort(sess);
  assert.equal(await waiting, ne.NE_ERROR);
  assert.equal(ne.ne_get_error(sess), "Aborted");
  ne.ne_session_destroy(sess);
}

/** networkException, setException, clearException */
export async function networkException({ listen }: PocoStage): Promise<void> {
  const port = await listen((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  assert.equal(await get(sess), ne.NE_ERROR);
  assert.equal((ne.nx_get_cause(sess) as NodeJS.ErrnoException).code, "ECONNRESET");
  ne.ne_session_destroy(sess);
}

/** attachSessionData, sessionData */
export async function sessionData({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  ne.ne_set_session_private(sess, "my data", { count: 1 });
  assert.deepEqual(ne.ne_get_session_private(sess, "my data"), { count: 1 });
  ne.ne_session_destroy(sess);
}

// ---- requests and responses ----

/** sendRequest, sendRequestImpl: a stream to write the body to */
export async function sendRequest({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const req = ne.ne_request_create(sess, "PUT", "/file.txt");
  const body = ne.nx_request_writable(req);
  const sent = ne.ne_request_dispatch(req);
  body.write("first, ");
  body.end("last");
  assert.equal(await sent, ne.NE_OK);
  assert.equal(ne.ne_get_status(req).code, 201);
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** receiveResponse: a stream to read the body from */
export async function receiveResponse({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const req = ne.ne_request_create(sess, "GET", "/");
  assert.equal(await ne.ne_begin_request(req), ne.NE_OK);
  assert.equal(ne.ne_get_response_header(req, "Content-Type"), "text/html; charset=utf-8");
  assert.match(await text(ne.nx_response_readable(req)), /^<!DOCTYPE html>/);
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** peekResponse: the body waits for 100 Continue */
export async function peekResponse({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const req = ne.ne_request_create(sess, "PUT", "/file.txt");
  ne.ne_set_request_flag(req, ne.NE_REQFLAG_EXPECT100, 1);
  ne.ne_set_request_body_buffer(req, Buffer.from("wanted"));
  let peeked = 0;
  ne.ne_add_interim_handler(req, (_userdata, _req, status) => void (peeked = status.code));
  assert.equal(await ne.ne_request_dispatch(req), ne.NE_OK);
  assert.equal(peeked, 100);
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** flushRequest: a write's callback says that its bytes went out */
export async function flushRequest({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const req = ne.ne_request_create(sess, "PUT", "/file.txt");
  const body = ne.nx_request_writable(req);
  const sent = ne.ne_request_dispatch(req);
  await new Promise((resolve) => body.write("out with it", resolve));
  body.end();
  await once(body, "close");
  assert.equal(await sent, ne.NE_OK);
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** requestTrailer */
export async function requestTrailer({ listen }: PocoStage): Promise<void> {
  let received = "";
  const port = await listen((socket) => {
    socket.on("data", (data) => {
      received += data.toString();
      if (received.endsWith("X-Sum: 5\r\n\r\n")) socket.write(OK);
    });
  });
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  const req = ne.ne_request_create(sess, "PUT", "/");
  const body = ne.nx_request_writable(req);
  ne.ne_add_request_header(req, "Trailer", "X-Sum");
  const sent = ne.ne_request_dispatch(req);
  body.write("bytes");
  ne.nx_add_request_trailer(req, "X-Sum", "5");
  body.end();
  assert.equal(await sent, ne.NE_OK);
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** responseTrailer */
export async function responseTrailer({ listen }: PocoStage): Promise<void> {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const chunked = `${head}2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n`;
  const port = await listen((socket) => answer(socket, chunked));
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  const req = ne.ne_request_create(sess, "GET", "/");
  assert.equal(await ne.ne_request_dispatch(req), ne.NE_OK);
  assert.equal(ne.ne_get_response_trailer(req, "X-Sum"), "2");
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

// ---- sockets ----

/** detachSocket, drainBuffer: the connection, and what was read of it already */
export async function detachSocket({ listen }: PocoStage): Promise<void> {
  const switching = "HTTP/1.1 101 On\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";
  const port = await listen((socket) => {
    socket.once("data", () => {
      socket.write(`${switching}welcome`);
      socket.pipe(socket);
    });
  });
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  const req = ne.ne_request_create(sess, "GET", "/");
  ne.ne_add_request_header(req, "Upgrade", "echo");
  ne.ne_add_request_header(req, "Connection", "Upgrade");
  assert.equal(await ne.ne_request_dispatch(req), ne.NE_OK);
  const detached = ne.nx_detach_socket(req);
  assert.ok(detached);
  detached.socket.end(" back");
  assert.equal(detached.head.toString() + (await text(detached.socket)), "welcome back");
  ne.ne_request_destroy(req);
  ne.ne_session_destroy(sess);
}

/** socket: options are set where the socket is made */
export async function socketOptions({ host, port }: PocoStage): Promise<void> {
  const sess = ne.ne_session_create("http", host, port);
  const sockets: Socket[] = [];
  ne.nx_set_connector(sess, (_userdata, to, at) => {
    const socket = connect(at, to).setKeepAlive(true, 60_000);
    sockets.push(socket);
    return socket;
  });
  assert.equal(await get(sess), ne.NE_OK);
  assert.equal(sockets[0]?.remotePort, port);
  ne.ne_session_destroy(sess);
}

/** get, peek, read, receive, refill, buffered, write: a connection without HTTP, byte by byte */
export async function rawSocket({ listen }: PocoStage): Promise<void> {
  const port = await listen((socket) => socket.pipe(socket));
  const sock = ne.ne_sock_create();
  const address = ne.ne_iaddr_make(ne.ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1]));
  assert.ok(address);
  assert.equal(await ne.ne_sock_connect(sock, address, port), 0);
  assert.equal(await ne.ne_sock_fullwrite(sock, Buffer.from("hello")), 0);
  const buffer = Buffer.alloc(5);
  assert.equal((await ne.ne_sock_peek(sock, buffer)) > 0, true);
  assert.equal(await ne.ne_sock_fullread(sock, buffer), 0);
  assert.equal(buffer.toString(), "hello");
  ne.ne_sock_close(sock);
  ne.ne_iaddr_free(address);
}
