// ne_session.h: what its manual promises about plain HTTP, one promise a test. TLS is in
// ne_ssl_session.ts, proxies in nx_proxy.ts.
import { Worker } from "node:worker_threads";
import net from "node:net";
import t from "tap";
import type { Test } from "tap";
import * as neon from "../lib/index.js";
import {
  NE_CONNECT,
  NE_ERROR,
  NE_LOOKUP,
  NE_OK,
  NE_SESSFLAG_CONNAUTH,
  NE_SESSFLAG_EXPECT100,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_LAST,
  NE_SESSFLAG_PERSIST,
  NE_SESSFLAG_RFC4918,
  NE_SESSFLAG_SHAREPOINT,
  NE_SESSFLAG_SSLv2,
  NE_SESSFLAG_STRICT,
  NE_SESSFLAG_TLS_SNI,
  NE_SOCK_SOCKSV4,
  NE_SOCK_SOCKSV4A,
  NE_SOCK_SOCKSV5,
  NE_TIMEOUT,
  ne_close_connection,
  ne_fill_proxy_uri,
  ne_fill_server_uri,
  ne_get_error,
  ne_get_scheme,
  ne_get_server_hostport,
  ne_get_session_flag,
  ne_get_session_private,
  ne_hook_close_conn,
  ne_hook_destroy_session,
  ne_iaddr_free,
  ne_iaddr_ipv4,
  ne_iaddr_ipv6,
  ne_iaddr_parse,
  ne_iaddr_print,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_session_socks_proxy,
  ne_session_system_proxy,
  ne_set_addrlist,
  ne_set_addrlist2,
  ne_set_connect_timeout,
  ne_set_error,
  ne_set_localaddr,
  ne_set_notifier,
  ne_set_progress,
  ne_set_read_timeout,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  ne_set_session_flag,
  ne_set_session_private,
  ne_set_useragent,
  ne_ssl_set_protovers,
  ne_status_connected,
  ne_status_connecting,
  ne_status_disconnected,
  ne_status_handshake,
  ne_status_lookup,
  ne_status_recving,
  ne_status_sending,
  ne_uri,
  ne_version_pre_http11,
} from "../lib/index.js";
import type {
  ne_inet_addr,
  ne_session,
  ne_session_flag,
  ne_session_status_info,
} from "../lib/index.js";
import { mistake, OK, openSession, send, settled, UNTIL_END } from "./fixtures/conversation.js";
import { holdTime } from "./fixtures/held_time.js";
import { hasIpv6, refusedPort, scripted } from "./fixtures/server.js";

const v4 = (text: string): ne_inet_addr => ne_iaddr_parse(text, ne_iaddr_ipv4) as ne_inet_addr;
const v6 = (text: string): ne_inet_addr => ne_iaddr_parse(text, ne_iaddr_ipv6) as ne_inet_addr;

t.test("the numbers of flags and events", async (t) => {
  t.strictSame(
    [
      NE_SESSFLAG_PERSIST,
      NE_SESSFLAG_ICYPROTO,
      NE_SESSFLAG_SSLv2,
      NE_SESSFLAG_RFC4918,
      NE_SESSFLAG_CONNAUTH,
      NE_SESSFLAG_TLS_SNI,
      NE_SESSFLAG_EXPECT100,
      NE_SESSFLAG_SHAREPOINT,
      NE_SESSFLAG_STRICT,
      NE_SESSFLAG_LAST,
    ],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  t.strictSame(
    [
      ne_status_lookup,
      ne_status_connecting,
      ne_status_connected,
      ne_status_sending,
      ne_status_recving,
      ne_status_disconnected,
      ne_status_handshake,
    ],
    [0, 1, 2, 3, 4, 5, 6],
  );
});

// ---- creation, names ----

t.test("scheme, host and port as they are shown", async (t) => {
  const table: [string, string, number, string, string][] = [
    ["http", "example.com", 80, "http", "example.com"],
    ["http", "example.com", 8080, "http", "example.com:8080"],
    ["http", "example.com", 443, "http", "example.com:443"],
    ["https", "example.com", 443, "https", "example.com"],
    ["https", "example.com", 80, "https", "example.com:80"],
    ["HTTPS", "Example.COM", 443, "https", "Example.COM"],
    ["ftp", "example.com", 80, "ftp", "example.com"],
    ["ftp", "example.com", 21, "ftp", "example.com:21"],
    ["http", "127.0.0.1", 81, "http", "127.0.0.1:81"],
    ["http", "[::1]", 80, "http", "[::1]"],
    ["http", "[::1]", 81, "http", "[::1]:81"],
    ["http", "[fe80::1%25eth0]", 80, "http", "[fe80::1]"],
    ["http", "[fe80::1%eth0]", 81, "http", "[fe80::1]:81"],
  ];
  for (const [scheme, host, port, shown, hostport] of table) {
    const sess = ne_session_create(scheme, host, port);
    t.equal(ne_get_scheme(sess), shown, host);
    t.equal(ne_get_server_hostport(sess), hostport);
    t.equal(ne_get_error(sess), "Unknown error.");
    const uri = new ne_uri();
    uri.path = "/kept";
    ne_fill_server_uri(sess, uri);
    t.strictSame([uri.scheme, uri.host, uri.port, uri.path], [shown, host, port, "/kept"]);
    ne_session_destroy(sess);
  }
});

t.test("what would change the request line or the Host field is refused", async (t) => {
  const table: [string, unknown, unknown, unknown][] = [
    ["the scheme", "", "host", 80],
    ["the scheme", "ht tp", "host", 80],
    ["the scheme", "http\r\n", "host", 80],
    ["the scheme", "h\u010attp", "host", 80],
    ["the scheme", null, "host", 80],
    ["the host", "http", null, 80],
    ...["\r", "\n", "\0", " ", "\u010a", "\u560d", "/", "?", "#", "@", "\\", "\u20ac"].flatMap(
      (bad): [string, string, string, number][] => [
        ["the host", "http", `a${bad}b`, 80],
        ["the host", "http", `[::1]${bad}`, 80],
        ["the host", "http", `[::${bad}1]`, 80],
      ],
    ),
    ["the port", "http", "host", -1],
    ["the port", "http", "host", 65536],
    ["the port", "http", "host", 80.5],
    ["the port", "http", "host", "80"],
    ["the port", "http", "host", undefined],
  ];
  for (const [what, scheme, host, port] of table) {
    const message = await mistake(() =>
      ne_session_create(scheme as string, host as string, port as number),
    );
    t.match(message, `ne_session_create: ${what}`, JSON.stringify([scheme, host, port]));
  }
});

t.test("a destroyed or foreign handle is refused by name", async (t) => {
  const sess = ne_session_create("http", "host", 80);
  ne_session_destroy(sess);
  const uri = new ne_uri();
  const calls: Record<string, (sess: ne_session) => unknown> = {
    ne_session_destroy,
    ne_close_connection,
    ne_session_proxy: (sess) => ne_session_proxy(sess, "host", 80),
    ne_session_socks_proxy: (sess) => ne_session_socks_proxy(sess, 2, "host", 80),
    ne_session_system_proxy: (sess) => ne_session_system_proxy(sess, 0),
    ne_set_session_flag: (sess) => ne_set_session_flag(sess, 0, 1),
    ne_get_session_flag: (sess) => ne_get_session_flag(sess, 0),
    ne_set_addrlist2: (sess) => ne_set_addrlist2(sess, 1, []),
    ne_set_addrlist: (sess) => ne_set_addrlist(sess, []),
    ne_set_localaddr,
    ne_set_progress,
    ne_set_notifier,
    ne_set_session_private: (sess) => ne_set_session_private(sess, "x", 1),
    ne_get_session_private: (sess) => ne_get_session_private(sess, "x"),
    ne_set_read_timeout: (sess) => ne_set_read_timeout(sess, 1),
    ne_set_connect_timeout: (sess) => ne_set_connect_timeout(sess, 1),
    ne_set_useragent: (sess) => ne_set_useragent(sess, "x"),
    ne_version_pre_http11,
    ne_get_server_hostport,
    ne_get_scheme,
    ne_fill_server_uri: (sess) => ne_fill_server_uri(sess, uri),
    ne_fill_proxy_uri: (sess) => ne_fill_proxy_uri(sess, uri),
    ne_set_error: (sess) => ne_set_error(sess, "x"),
    ne_get_error,
    ne_ssl_set_verify: (sess) => neon.ne_ssl_set_verify(sess),
    ne_ssl_trust_default_ca: (sess) => neon.ne_ssl_trust_default_ca(sess),
    ne_ssl_set_protovers: (sess) => ne_ssl_set_protovers(sess, 0, 0),
    ne_ssl_provide_clicert: (sess) => neon.ne_ssl_provide_clicert(sess, () => {}),
    ne_request_create: (sess) => ne_request_create(sess, "GET", "/"),
  };
  for (const [name, call] of Object.entries(calls)) {
    t.equal(await mistake(() => call(sess)), `${name}: the ne_session was destroyed already`);
    t.equal(await mistake(() => call({} as never)), `${name}: expected a ne_session, got object`);
    t.equal(await mistake(() => call(null as never)), `${name}: expected a ne_session, got null`);
  }
});

t.test("arguments that cannot be meant are refused by name", async (t) => {
  const sess = openSession(t, 1);
  const table: [string, () => unknown][] = [
    ["ne_session_proxy: the host", () => ne_session_proxy(sess, "a\r\nb", 80)],
    ["ne_session_proxy: the port", () => ne_session_proxy(sess, "a", NaN)],
    ["ne_session_socks_proxy: the host", () => ne_session_socks_proxy(sess, 2, "a b", 80)],
    [
      "ne_session_socks_proxy: unknown SOCKS version",
      () => ne_session_socks_proxy(sess, 9 as never, "a", 80),
    ],
    [
      "ne_session_socks_proxy: SOCKS version 4",
      () => ne_session_socks_proxy(sess, NE_SOCK_SOCKSV4, "a", 80),
    ],
    [
      "ne_session_socks_proxy: SOCKS version 4",
      () => ne_session_socks_proxy(sess, NE_SOCK_SOCKSV4A, "a", 80, null),
    ],
    [
      "ne_session_socks_proxy: a user name needs",
      () => ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, "a", 80, "u"),
    ],
    ["ne_session_system_proxy: flags", () => ne_session_system_proxy(sess, 1)],
    ["ne_set_addrlist2: the port", () => ne_set_addrlist2(sess, 65536, [])],
    ["ne_set_addrlist: expected a ne_inet_addr", () => ne_set_addrlist(sess, [sess as never])],
    [
      "ne_set_localaddr: expected a ne_inet_addr",
      () => ne_set_localaddr(sess, "127.0.0.1" as never),
    ],
    ["ne_set_notifier: the callback", () => ne_set_notifier(sess, 1 as never)],
    ["ne_set_progress: the callback", () => ne_set_progress(sess, {} as never)],
    [
      "ne_ssl_provide_clicert: the callback",
      () => neon.ne_ssl_provide_clicert(sess, null as never),
    ],
    ["ne_set_read_timeout: the timeout", () => ne_set_read_timeout(sess, 0)],
    ["ne_set_read_timeout: the timeout", () => ne_set_read_timeout(sess, NaN)],
    ["ne_set_connect_timeout: the timeout", () => ne_set_connect_timeout(sess, -1)],
    ["ne_set_connect_timeout: the timeout", () => ne_set_connect_timeout(sess, "1" as never)],
    ["ne_set_useragent: the field value", () => ne_set_useragent(sess, "a\r\nX: y")],
    ["ne_set_useragent: the field value", () => ne_set_useragent(sess, "\u010a")],
  ];
  for (const [message, call] of table) t.match(await mistake(call), message);
});

// ---- flags, values, error string ----

t.test("session flags", async (t) => {
  const flags = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 99] as ne_session_flag[];
  const all = (sess: ne_session): number[] => flags.map((flag) => ne_get_session_flag(sess, flag));
  const table: [string, string, number[]][] = [
    ["http", "host", [1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["https", "host", [1, 0, 0, 0, 0, 1, 0, 0, 1]],
    ["https", "127.0.0.1", [1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["https", "[::1]", [1, 0, 0, 0, 0, 0, 0, 0, 1]],
  ];
  for (const [scheme, host, expected] of table) {
    const sess = ne_session_create(scheme, host, 1);
    t.strictSame(all(sess), [...expected, -1, -1, -1], `${scheme} ${host}`);
    for (const flag of flags) ne_set_session_flag(sess, flag, 7);
    t.strictSame(all(sess), [7, 7, 7, 7, 7, 7, 7, 7, 7, -1, -1, -1], "values are kept as given");
    ne_session_destroy(sess);
  }
});

t.test("private values: the first under an id stays", async (t) => {
  const sess = openSession(t, 1);
  const value = {};
  t.equal(ne_get_session_private(sess, "constructor"), null);
  ne_set_session_private(sess, "constructor", value);
  ne_set_session_private(sess, "constructor", 2);
  t.equal(ne_get_session_private(sess, "constructor"), value);
  ne_set_session_private(sess, "null", null);
  ne_set_session_private(sess, "null", 1);
  t.equal(ne_get_session_private(sess, "null"), null);
});

t.test("the error string is formatted, and has its length", async (t) => {
  const sess = openSession(t, 1);
  ne_set_error(sess, "%s is %d%%, %05.1s|%-4s|%x", "a", 5, "xyz", "b", 255);
  t.match(ne_get_error(sess), /^a is 5%, +x\|b   \|ff$/);
  ne_set_error(sess, "%s", "%n%s");
  t.equal(ne_get_error(sess), "%n%s");
  ne_set_error(sess, "");
  t.equal(ne_get_error(sess), "");
  ne_set_error(sess, "%s", "y".repeat(600));
  t.equal(ne_get_error(sess).length, 511);
});

t.test("a reason beyond the length of the error string is cut", async (t) => {
  const server = await scripted(t, [
    [`HTTP/1.1 200 ${"y".repeat(900)}\r\nContent-Length: 0\r\n\r\n`],
  ]);
  t.equal((await send(openSession(t, server.port))).error, `200 ${"y".repeat(507)}`);
});

t.test("the name of the program", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  await send(sess);
  ne_set_useragent(sess, "prog/1.0 \u00e9");
  await send(sess);
  const agents = server.requests.map((request) => request.field("user-agent"));
  t.strictSame(agents, [null, "prog/1.0 \u00e9 neon/0.37.1"]);
  t.match(server.received[0], /GET \/ HTTP\/1.1\r\nUser-Agent: /);
});

t.test("ne_version_pre_http11 tells of the last response", async (t) => {
  const server = await scripted(t, [[OK], ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"], [OK]]);
  const sess = openSession(t, server.port);
  const seen = [ne_version_pre_http11(sess)];
  for (let i = 0; i < 3; i++) {
    if (i === 1) ne_close_connection(sess);
    await send(sess);
    seen.push(ne_version_pre_http11(sess));
  }
  t.strictSame(seen, [1, 0, 1, 0]);
});

t.test("ne_version_pre_http11 knows it from a status line whose fields fail", async (t) => {
  const server = await scripted(t, ["HTTP/1.1 200 OK\r\nX: cut off", [OK]]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).code, NE_ERROR);
  t.equal(ne_version_pre_http11(sess), 0);
  await send(sess);
  const fields = server.requests.map((request) => request.field("connection"));
  t.strictSame(fields, ["TE, Keep-Alive", "TE"]);
});

t.test("the proxy's URI", async (t) => {
  const sess = openSession(t, 1);
  const uri = Object.assign(new ne_uri(), { scheme: "kept", host: "none", port: 7 });
  const filled = (): unknown[] => {
    const copy = Object.assign(new ne_uri(), uri);
    ne_fill_proxy_uri(sess, copy);
    return [copy.scheme, copy.host, copy.port];
  };
  t.strictSame(filled(), ["kept", "none", 7]);
  ne_session_proxy(sess, "proxy", 3128);
  t.strictSame(filled(), ["kept", "proxy", 3128]);
  ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, "socks", 1080);
  t.strictSame(filled(), ["kept", "none", 7], "no HTTP proxy");
  ne_session_proxy(sess, "proxy", 3128);
  ne_set_addrlist(sess, []);
  t.strictSame(filled(), ["kept", "none", 7], "an address list replaces it, an empty one too");
});

t.test("the system's proxy is that of the environment", async (t) => {
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
  });
  const server = await scripted(t, [[OK], [OK]]);
  process.env = { http_proxy: `http://127.0.0.1:${server.port}` };
  const sess = openSession(t, 80, "example.test");
  ne_session_system_proxy(sess, 0);
  t.equal((await send(sess, "GET", "/a")).code, NE_OK);
  t.equal(server.requests[0]?.line, "GET http://example.test/a HTTP/1.1");
  process.env = { no_proxy: "*", all_proxy: "not a URL" };
  const other = openSession(t, server.port);
  ne_session_proxy(other, "nonexistent.invalid", 1);
  ne_session_system_proxy(other, 0);
  t.equal(
    (await send(other)).code,
    NE_OK,
    "what was set before is replaced, though nothing was found",
  );
});

t.test("no session without TLS has versions of it", async (t) => {
  const sess = openSession(t, 1);
  t.equal(ne_ssl_set_protovers(sess, 0, 0), NE_ERROR);
  t.equal(ne_get_error(sess), "SSL/TLS not enabled for the session");
  const secure = neon.ne_session_create("https", "localhost", 1);
  t.equal(ne_ssl_set_protovers(secure, 5, 4), NE_ERROR, "an impossible range");
  t.equal(ne_get_error(secure), "Could not set minimum/maximum SSL/TLS versions");
  neon.ne_session_destroy(secure);
  neon.ne_ssl_set_verify(sess, () => 0);
  neon.ne_ssl_trust_default_ca(sess);
  neon.ne_ssl_provide_clicert(sess, () => {});
  t.pass("and the other settings have no effect");
});

// ---- closing and destroying ----

t.test(
  "destroying: hooks, then the notifier, then close_conn hooks; the connection closes",
  async (t) => {
    const server = await scripted(t, [[OK]]);
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const seen: string[] = [];
    await send(sess);
    ne_hook_close_conn(sess, () => void seen.push("close"));
    ne_hook_destroy_session(sess, () => {
      seen.push("destroy");
      ne_get_error(sess);
    });
    ne_set_notifier(
      sess,
      (_userdata, status, info) => void seen.push(`n${status} ${info.cd.hostname}`),
    );
    ne_session_destroy(sess);
    t.strictSame(seen, ["destroy", "n5 127.0.0.1", "close"]);
    await server.peers[0]?.readEof();
  },
);

t.test("a destroy hook that throws does not keep the connection", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  await send(sess);
  const boom = new Error("boom");
  ne_hook_destroy_session(sess, () => {
    throw boom;
  });
  t.throws(() => ne_session_destroy(sess), boom);
  await server.peers[0]?.readEof();
  t.match(await mistake(() => ne_session_destroy(sess)), "destroyed already");
});

t.test("a session may be left to its scope", async (t) => {
  const server = await scripted(t, [[OK]]);
  {
    using sess = ne_session_create("http", "127.0.0.1", server.port);
    using req = ne_request_create(sess, "GET", "/");
    t.equal(await ne_request_dispatch(req), NE_OK);
  }
  await server.peers[0]?.readEof();
});

t.test("ne_close_connection closes what is open, once; the next request opens anew", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const sess = openSession(t, server.port);
  let closed = 0;
  ne_hook_close_conn(sess, () => void closed++);
  ne_close_connection(sess);
  t.equal(closed, 0, "there was none");
  await send(sess);
  ne_close_connection(sess);
  ne_close_connection(sess);
  t.equal(closed, 1);
  await server.peers[0]?.readEof();
  t.equal((await send(sess)).code, NE_OK);
});

t.test("without NE_SESSFLAG_PERSIST every request has its connection", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const sess = openSession(t, server.port);
  ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, 0);
  await send(sess);
  await server.peers[0]?.readEof();
  await send(sess);
  t.equal(server.requests[1]?.field("connection"), "TE, close");
});

t.test("bytes on an idle connection are never an answer", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.write("HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n");
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  await send(sess);
  await server.peers[0]?.taken();
  t.equal((await send(sess)).error, "200 OK");
  t.equal(server.connections, 2);
});

// ---- addresses ----

interface Seen {
  events: string[];
  watch(sess: ne_session): void;
}

function watcher(): Seen {
  const events: string[] = [];
  const describe = (status: number, info: ne_session_status_info): string => {
    if (status === ne_status_lookup) return `lookup ${info.lu.hostname}`;
    if (status === ne_status_connecting) {
      return `connecting ${info.ci.hostname} ${ne_iaddr_print(info.ci.address)}`;
    }
    if (status === ne_status_connected) return `connected ${info.cd.hostname}`;
    if (status === ne_status_disconnected) return `disconnected ${info.cd.hostname}`;
    const way = status === ne_status_sending ? "sending" : "recving";
    return `${way} ${info.sr.progress}/${info.sr.total}`;
  };
  return {
    events,
    watch: (sess) =>
      ne_set_notifier(sess, (_userdata, status, info) => void events.push(describe(status, info))),
  };
}

t.test("an address list is tried in order, and the Host field stays", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const sess = openSession(t, server.port, "example.test");
  const seen = watcher();
  seen.watch(sess);
  // nobody listens on the second loopback address
  ne_set_addrlist(sess, [v4("127.0.0.2"), v4("127.0.0.1"), v4("127.0.0.3")]);
  t.equal((await send(sess)).code, NE_OK);
  ne_close_connection(sess);
  t.equal((await send(sess)).code, NE_OK);
  t.equal(server.requests[0]?.field("host"), `example.test:${server.port}`);
  t.strictSame(
    seen.events.filter((event) => event.startsWith("c")),
    [
      "connecting null 127.0.0.2",
      "connecting null 127.0.0.1",
      "connected null",
      "connecting null 127.0.0.1",
      "connected null",
    ],
    "what worked is tried first",
  );
});

t.test("ne_set_addrlist2 has a port of its own; the last setting counts", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, 80, "example.test");
  ne_session_proxy(sess, "nonexistent.invalid", 1);
  ne_set_addrlist2(sess, server.port, [v4("127.0.0.1")]);
  t.equal((await send(sess)).code, NE_OK);
  t.equal(server.requests[0]?.line, "GET / HTTP/1.1");
  const other = openSession(t, 80, "nonexistent.invalid");
  ne_set_addrlist(other, [v4("127.0.0.1")]);
  ne_set_addrlist(other, []);
  t.equal((await send(other)).code, NE_LOOKUP, "an empty list removes it");
});

t.test("no address of the list answers", async (t) => {
  const port = await refusedPort();
  const sess = openSession(t, port, "example.test");
  ne_set_addrlist(sess, [v4("127.0.0.1"), v4("127.0.0.2")]);
  t.match(await send(sess), {
    code: NE_CONNECT,
    error: "Could not connect to server: Connection refused",
  });
});

t.test("the local address", async (t) => {
  const server = await scripted(t, [[OK], [OK], [OK]]);
  const sess = openSession(t, server.port);
  const from = async (): Promise<string | undefined> => {
    ne_close_connection(sess);
    t.equal((await send(sess)).code, NE_OK);
    return server.peers.at(-1)?.stream.remoteAddress;
  };
  ne_set_localaddr(sess, v4("127.0.0.5"));
  t.equal(await from(), "127.0.0.5");
  ne_set_localaddr(sess, v6("::1"));
  t.equal(await from(), "127.0.0.1", "of another kind than the server's: ignored");
  ne_set_localaddr(sess, v4("127.0.0.5"));
  ne_set_localaddr(sess, null);
  t.equal(await from(), "127.0.0.1");
  ne_set_localaddr(sess, v4("192.0.2.1"));
  ne_close_connection(sess);
  t.match(await send(sess), {
    code: NE_CONNECT,
    error: "Could not connect to server: Cannot assign requested address",
  });
});

t.test("IPv6 literals", async (t) => {
  if (!(await hasIpv6())) {
    t.pass("no IPv6 here");
    return;
  }
  for (const host of ["[::1]", "[::1%25lo]", "[::1%lo]", "[0:0::1]"]) {
    const server = await scripted(t, [[OK]], { host: "::1" });
    const sess = openSession(t, server.port, host);
    const seen = watcher();
    seen.watch(sess);
    t.equal((await send(sess)).code, NE_OK, host);
    t.strictSame(seen.events.slice(0, 2), [`connecting ${host} ::1`, `connected ${host}`]);
    t.equal(server.requests[0]?.field("host"), `${host.replace(/%[^\]]*/, "")}:${server.port}`);
  }
});

t.test("hosts that cannot be found", async (t) => {
  for (const host of ["[foo]", "[fe80::1%25nosuchif]", "nonexistent.invalid", "[::1"]) {
    const sess = openSession(t, 80, host);
    const seen = watcher();
    seen.watch(sess);
    const { code, error } = await send(sess);
    t.equal(code, NE_LOOKUP, host);
    t.ok(error.startsWith(`Could not resolve hostname \`${host}': `), error);
    t.strictSame(seen.events, [`lookup ${host}`]);
  }
});

// ---- the notifier ----

t.test("events of a request, in their order and numbers", async (t) => {
  const server = await scripted(t, [
    [
      OK,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`,
      "HTTP/1.1 204 None\r\n\r\n",
    ],
  ]);
  const sess = openSession(t, server.port, "localhost");
  ne_set_addrlist(sess, []);
  const seen = watcher();
  seen.watch(sess);
  await send(sess, "PUT", "/", (req) => ne_set_request_body_buffer(req, Buffer.alloc(10_000)));
  ne_set_notifier(sess, null);
  const first = seen.events.splice(0).filter((event) => !event.includes("::1"));
  t.strictSame(first, [
    "lookup localhost",
    "connecting localhost 127.0.0.1",
    "connected localhost",
    "sending 0/10000",
    "sending 8192/10000",
    "sending 10000/10000",
    "recving 0/2",
    "recving 2/2",
  ]);
  seen.watch(sess);
  await send(sess);
  t.strictSame(seen.events.splice(0), [
    "recving 0/-1",
    "recving 3/-1",
    "recving 7/-1",
    "recving 7/7",
  ]);
  await send(sess, "GET");
  t.strictSame(seen.events.splice(0).slice(0, 1), ["recving 0/-1"]);
  ne_close_connection(sess);
  t.strictSame(seen.events, ["disconnected localhost"]);
});

t.test("a name is looked up once", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const sess = openSession(t, server.port, "localhost");
  const seen = watcher();
  seen.watch(sess);
  await send(sess);
  ne_close_connection(sess);
  await send(sess);
  t.equal(seen.events.filter((event) => event.startsWith("lookup")).length, 1);
});

t.test("the details of an event have one member, and an address lent for the call", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  const members: [number, string[]][] = [];
  let lent: ne_inet_addr | null = null;
  let message = "";
  ne_set_notifier(
    sess,
    (userdata, status, info) => {
      t.equal(userdata, "mine");
      members.push([status, Object.keys(info)]);
      if (status !== ne_status_connecting) return;
      lent = info.ci.address;
      try {
        ne_iaddr_free(lent);
      } catch (error) {
        message = (error as Error).message;
      }
    },
    "mine",
  );
  await send(sess);
  ne_set_notifier(sess, null);
  t.strictSame(members, [
    [1, ["ci"]],
    [2, ["cd"]],
    [4, ["sr"]],
    [4, ["sr"]],
  ]);
  t.match(message, "borrowed and must not be destroyed");
  t.match(
    await mistake(() => ne_iaddr_print(lent as unknown as ne_inet_addr)),
    "was destroyed already",
  );
});

t.test("progress takes the notifier's place, and the other way round", async (t) => {
  const server = await scripted(t, [[OK, OK, OK, OK]]);
  const sess = openSession(t, server.port);
  let events = 0;
  const progress: unknown[] = [];
  ne_set_notifier(sess, () => void events++);
  ne_set_progress(
    sess,
    (userdata, done, total) => {
      progress.push([userdata, done, total]);
    },
    "mine",
  );
  await send(sess, "PUT", "/", (req) => ne_set_request_body_buffer(req, Buffer.alloc(5)));
  t.equal(events, 0);
  t.strictSame(progress.splice(0), [
    ["mine", 0, 5],
    ["mine", 5, 5],
    ["mine", 0, 2],
    ["mine", 2, 2],
  ]);
  ne_set_notifier(sess, () => void events++);
  await send(sess);
  t.strictSame([progress.length, events], [0, 2]);
  ne_set_progress(sess, null);
  await send(sess);
  t.equal(events, 2);
  ne_set_progress(sess, (userdata) => void progress.push(userdata));
  await send(sess);
  t.strictSame(progress, [null, null]);
});

t.test("a notifier's promise throttles the transfer", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  let busy = false;
  let overlaps = 0;
  ne_set_notifier(sess, async () => {
    if (busy) overlaps++;
    busy = true;
    await settled();
    busy = false;
  });
  let left = 50_000;
  const { code } = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, left, (_userdata, buffer) => {
      if (busy) overlaps++;
      const count = Math.min(left, buffer.length);
      left -= count;
      return count;
    });
  });
  t.strictSame([code, overlaps], [NE_OK, 0]);
});

// ---- timeouts ----

t.test("the read timeout: status line and fields, then the body", async (t) => {
  const table: [string, number, string][] = [
    ["", NE_TIMEOUT, "Could not read status line: connection timed out"],
    ["HTTP/1.1 2", NE_TIMEOUT, "Could not read status line: connection timed out"],
    ["HTTP/1.1 200 OK\r\nX: ", NE_TIMEOUT, "Error reading response headers: connection timed out"],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
      NE_ERROR,
      "Could not read response body: connection timed out",
    ],
    [`${UNTIL_END}ab`, NE_ERROR, "Could not read response body: connection timed out"],
  ];
  const time = holdTime(t);
  for (const [text, code, error] of table) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readRequest();
        await peer.write(text);
        await time.outlast(peer, 30);
      },
    ]);
    const sess = openSession(t, server.port);
    ne_set_read_timeout(sess, 30);
    t.match(await send(sess), { code, error });
  }
});

t.test("very long timeouts wait", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  ne_set_read_timeout(sess, 1e9);
  ne_set_connect_timeout(sess, 1e9);
  t.equal((await send(sess)).code, NE_OK);
});

// A listening socket that never takes a connection: once its queue is full, no more is answered.
async function fullPort(t: Test): Promise<number> {
  const code = `
    const net = require("node:net");
    const { parentPort } = require("node:worker_threads");
    const server = net.createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(code, { eval: true });
  t.teardown(() => worker.terminate());
  const port = await new Promise<number>((resolve) => worker.once("message", resolve));
  for (let i = 0; i < 8; i++) {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    t.teardown(() => socket.destroy());
    if (i < 2) await new Promise((resolve) => socket.once("connect", resolve));
  }
  return port;
}

t.test("the connect timeout", async (t) => {
  const sess = openSession(t, await fullPort(t));
  ne_set_connect_timeout(sess, 0.1);
  t.match(await send(sess), {
    code: NE_TIMEOUT,
    error: "Could not connect to server: Connection timed out",
  });
  const req = ne_request_create(sess, "GET", "/");
  const code = ne_request_dispatch(req);
  await settled();
  ne_request_destroy(req);
  t.equal(await code, NE_ERROR, "destroying the request ends the attempt");
});
