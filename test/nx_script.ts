// The functional face: results, redirects, sessions from URLs and from sessions, listings.
import { once } from "node:events";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";
import zlib from "node:zlib";
import t, { type Test } from "tap";
import { ne_set_server_auth } from "../lib/ne_auth.js";
import { ne_redirect_register } from "../lib/ne_redirect.js";
import {
  ne_add_request_header,
  ne_hook_create_request,
  ne_hook_pre_send,
  NE_CONNECT,
  NE_LOOKUP,
  NE_ERROR,
  ne_hook_post_send,
  NE_OK,
  NE_REDIRECT,
  NE_RETRY,
  NE_TIMEOUT,
} from "../lib/ne_request.js";
import {
  ne_get_scheme,
  ne_get_server_hostport,
  ne_get_session_flag,
  ne_get_session_private,
  NE_SESSFLAG_RFC4918,
  NE_SESSFLAG_TLS_SNI,
  ne_session_create,
  ne_session_destroy,
  ne_set_session_flag,
  ne_set_session_private,
  ne_set_useragent,
  ne_ssl_set_clicert,
  ne_ssl_set_verify,
  type ne_session,
  ne_set_addrlist,
} from "../lib/ne_session.js";
import {
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_free,
  ne_ssl_clicert_read,
} from "../lib/ne_ssl.js";
import { ne_buffer_zappend } from "../lib/ne_string.js";
import { nx_cookie_jar_create, nx_cookies_register } from "../lib/nx_cookies.js";
import {
  nx_error,
  nx_list,
  nx_send,
  nx_session_clone,
  nx_session_for,
  type nx_resource,
} from "../lib/nx_script.js";
import {
  nx_session_abort,
  nx_session_connected,
  nx_session_unix,
  nx_set_limits,
} from "../lib/nx_session.js";
import {
  ne_iaddr_free,
  ne_iaddr_ipv4,
  ne_iaddr_make,
  type ne_inet_addr,
} from "../lib/ne_socket.js";
import { multistatus, propstat, response } from "./fixtures/dav.js";
import { holdTime } from "./fixtures/held_time.js";
import {
  gate,
  refusedPort,
  scripted,
  type Peer,
  type Script,
  type ScriptedServer,
} from "./fixtures/server.js";
import { certFile, certPath } from "./fixtures/tls.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function session(t: Test, port: number, scheme = "http"): ne_session {
  const sess = ne_session_create(scheme, "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

async function serving(
  t: Test,
  ...scripts: readonly Script[]
): Promise<{ sess: ne_session; server: ScriptedServer }> {
  const server = await scripted(t, scripts);
  return { sess: session(t, server.port), server };
}

function reply(body: string | Uint8Array, ...fields: readonly string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = ["HTTP/1.1 200 OK", ...fields, `Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

function moved(location: string, code = 302, body = ""): string {
  const line = `HTTP/1.1 ${code} Moved\r\nLocation: ${location}\r\n`;
  return `${line}Content-Length: ${body.length}\r\n\r\n${body}`;
}

t.test("a result", async (t) => {
  const head =
    "HTTP/1.1 404 Not Here\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\n" +
    "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n";
  const { sess, server } = await serving(t, [`${head}9\r\n{"a":[1]}\r\n0\r\nX-Sum: 7\r\n\r\n`]);
  const result = await nx_send(sess, "GET", "/x?y=1#z".slice(0, 6));
  t.equal(result.code, NE_OK);
  t.equal(result.error, "404 Not Here");
  t.equal(result.cause, null);
  t.equal(result.ok, false);
  t.match(result.status, { code: 404, klass: 4, reason_phrase: "Not Here" });
  t.strictSame(result.headers.slice(0, 3), [["X-One", "1"], ["x-two", "a"], ["X-Two", "b"]]);
  t.strictSame(result.trailers, [["X-Sum", "7"]]);
  t.equal(result.header("X-TWO"), "a, b");
  t.equal(result.header("none"), null);
  t.equal(result.body.toString(), '{"a":[1]}');
  t.strictSame(result.json(), { a: [1] });
  t.equal(result.stream, null);
  t.equal(result.url, `${server.origin}/x?y=1`);
  t.throws(() => {
    (result as { code: number }).code = 1;
  }, TypeError);
});

t.test("text in its charset", async (t) => {
  const latin = reply(Uint8Array.of(0x80, 0xe9), "Content-Type: text/plain; charset=ISO-8859-1");
  const { sess } = await serving(t, [latin, reply("\u00e9"), reply("no json")]);
  t.equal((await nx_send(sess, "GET", "/")).text(), "\u20ac\u00e9");
  t.equal((await nx_send(sess, "GET", "/")).text(), "\u00e9");
  const last = await nx_send(sess, "GET", "/");
  t.throws(() => last.json(), SyntaxError);
});

t.test("bodies", async (t) => {
  const { sess, server } = await serving(t, Array.from({ length: 5 }, () => OK));
  const twoBytes = (): Readable => Readable.from(["\u00fc"]);
  const bodies = ["\u00fc", Buffer.from("\u00fc"), twoBytes(), twoBytes, twoBytes()];
  for (const [i, body] of bodies.entries()) {
    const result = await nx_send(sess, "PUT", "/", i === 4 ? { body, length: 2 } : { body });
    t.ok(result.ok);
    t.equal(server.requests[i]?.body.toString(), "\u00fc");
    const chunked = i === 2 || i === 3;
    t.equal(server.requests[i]?.field("content-length"), chunked ? null : "2");
  }
});

t.test("fields of the request", async (t) => {
  const { sess, server } = await serving(t, [OK]);
  const headers = { "X-One": "1", "X-List": ["a", "b"] };
  await nx_send(sess, "GET", "/", { headers });
  const [request] = server.requests;
  const own = "X-One: 1\r\nX-List: a\r\nX-List: b\r\n";
  t.match(request?.head, `${own}Accept-Encoding: gzip, deflate, br`);
});

t.test("Host and User-Agent of the caller's own", async (t) => {
  const { sess, server } = await serving(t, [OK, moved("/b", 307), OK, OK]);
  ne_set_useragent(sess, "app/1");
  const headers = { host: "virtual.example", "user-agent": "mine" };
  t.ok((await nx_send(sess, "GET", "/", { headers })).ok);
  t.ok((await nx_send(sess, "GET", "/", { headers: new Headers(headers), redirects: 1 })).ok);
  t.ok((await nx_send(sess, "GET", "/")).ok);
  t.strictSame(
    server.requests.map((request) => [request.field("host"), request.field("user-agent")]),
    [
      ...[1, 2, 3].map(() => ["virtual.example", "mine"]),
      [`127.0.0.1:${server.port}`, "app/1 neon/0.37.1"],
    ],
  );
  const twice = nx_send(sess, "GET", "/", { headers: { Host: ["a", "b"] } });
  await t.rejects(twice, { name: "TypeError", message: /^nx_send: .* more than one Host/ });
});

t.test("a request that may not be repeated goes over a connection of its own", async (t) => {
  const { sess, server } = await serving(t, [OK], [OK, OK]);
  await nx_send(sess, "GET", "/");
  await nx_send(sess, "POST", "/", { body: "x" });
  await nx_send(sess, "GET", "/");
  t.equal(server.connections, 2);
});

t.test("failures are values", async (t) => {
  await t.test("no server", async (t) => {
    const port = await refusedPort();
    const result = await nx_send(session(t, port), "GET", "/a");
    t.match(result, {
      code: NE_CONNECT,
      error: "Could not connect to server: Connection refused",
      cause: { code: "ECONNREFUSED" },
      status: null,
      ok: false,
      headers: [],
      url: `http://127.0.0.1:${port}/a`,
    });
  });
  await t.test("a response that breaks off", async (t) => {
    const { sess } = await serving(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123");
    const result = await nx_send(sess, "GET", "/");
    t.equal(result.code, NE_ERROR);
    t.equal(result.error, "Could not read response body: connection was closed by server");
    t.equal(result.status?.code, 200);
    t.equal(result.body.toString(), "123", "what had arrived");
    t.equal(result.ok, false);
  });
  await t.test("a signal, before and after", async (t) => {
    const stalled: Script = async (peer) => {
      await peer.readHead();
      await peer.readEof();
    };
    const { sess, server } = await serving(t, stalled);
    const before = await nx_send(sess, "GET", "/", { signal: AbortSignal.abort() });
    t.match(before, { code: NE_ERROR, error: "Aborted", cause: { name: "AbortError" } });
    t.equal(server.connections, 0);
    const controller = new AbortController();
    const going = nx_send(sess, "GET", "/", { signal: controller.signal });
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("enough"));
    t.match(await going, { code: NE_ERROR, error: "Aborted", cause: { message: "enough" } });
  });
  await t.test("too long", async (t) => {
    const time = holdTime(t);
    const stalled = async (peer: Peer): Promise<void> => {
      await peer.readHead();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123");
    };
    const { sess, server } = await serving(
      t,
      async (peer) => {
        await stalled(peer);
        await time.outlast(peer, 30);
      },
      stalled,
    );
    const result = await nx_send(sess, "GET", "/", { timeout: 30 });
    t.match(result, { code: NE_TIMEOUT, error: "Request timed out" });
    const streamed = await nx_send(sess, "GET", "/", { timeout: 30, stream: true });
    void time.outlast(server.peers[1]!, 30);
    await t.rejects(text(streamed.stream!), { name: "nx_error", code: NE_TIMEOUT });
  });
  await t.test("what the application throws rejects the call", async (t) => {
    const { sess } = await serving(t, (peer) => peer.readEof());
    const failure = new Error("no more");
    async function* failing(): AsyncGenerator<string> {
      throw failure;
    }
    await t.rejects(nx_send(sess, "PUT", "/", { body: failing() }), failure);
  });
  await t.test("mistakes in the call reject it", async (t) => {
    const sess = session(t, 1);
    const rows: [method: string, target: string, options: object][] = [
      ["GET ", "/", {}],
      ["GET", "/ x", {}],
      ["GET", "/", { headers: { "X-A": "a\r\nb" } }],
      ["GET", "/", { headers: { "X-A": 5 } }],
      ["PUT", "/", { headers: { "content-length": "5" } }],
      ["PUT", "/", { body: 5 }],
      ["PUT", "/", { body: twoThings(), length: -5 }],
      ["GET", "/", { redirects: -1 }],
      ["GET", "/", { timeout: -1 }],
      ["GET", "/", { signal: {} }],
    ];
    for (const [method, target, options] of rows) {
      await t.rejects(nx_send(sess, method, target, options), TypeError, JSON.stringify(options));
    }
  });
});

async function* twoThings(): AsyncGenerator<string> {
  yield "two";
}

t.test("decompression", async (t) => {
  const gzip = reply(zlib.gzipSync("unpacked"), "Content-Encoding: gzip");
  await t.test("by default", async (t) => {
    const br = reply(zlib.brotliCompressSync("unpacked"), "Content-Encoding: br");
    const { sess } = await serving(t, [gzip, br]);
    t.equal((await nx_send(sess, "GET", "/")).text(), "unpacked");
    t.equal((await nx_send(sess, "GET", "/")).text(), "unpacked");
  });
  await t.test("not if it is turned off, nor asked for with a range", async (t) => {
    const { sess, server } = await serving(t, [gzip, OK]);
    const packed = await nx_send(sess, "GET", "/", { decompress: false });
    t.equal(zlib.gunzipSync(packed.body).toString(), "unpacked");
    await nx_send(sess, "GET", "/", { headers: { Range: "bytes=0-1" } });
    for (const request of server.requests) t.equal(request.field("accept-encoding"), null);
  });
  await t.test("never where there is no body", async (t) => {
    const head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 50\r\n\r\n";
    const none = "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n";
    const part = reply("a part", "Content-Encoding: gzip").toString().replace("200 OK", "206 Part");
    const { sess } = await serving(t, [head, none, part]);
    t.equal((await nx_send(sess, "HEAD", "/")).code, NE_OK);
    t.equal((await nx_send(sess, "GET", "/")).status?.code, 304);
    t.equal((await nx_send(sess, "GET", "/")).text(), "a part", "nor of a part alone");
  });
  await t.test("a damaged body is a failure, and the session goes on", async (t) => {
    const damaged = reply("not gzip", "Content-Encoding: gzip");
    const cut = reply(zlib.gzipSync("unpacked").subarray(0, -4), "Content-Encoding: gzip");
    const { sess } = await serving(t, [damaged, cut, OK]);
    const first = await nx_send(sess, "GET", "/");
    t.match(first, { code: NE_ERROR, error: /^Could not uncompress response: /, ok: false });
    t.match(await nx_send(sess, "GET", "/"), {
      code: NE_ERROR,
      error: "Compressed response was truncated",
    });
    t.ok((await nx_send(sess, "GET", "/")).ok);
  });
  await t.test("within limits", async (t) => {
    const bomb = reply(zlib.gzipSync(Buffer.alloc(4 << 20)), "Content-Encoding: gzip");
    const serve = async (peer: Peer): Promise<void> => {
      for (;;) {
        await peer.readRequest();
        await peer.write(bomb);
      }
    };
    const server = await scripted(t, (peer) => serve(peer).catch(() => {}));
    const sess = session(t, server.port);
    nx_set_limits(sess, { inflate_ratio: 10 });
    t.match(await nx_send(sess, "GET", "/"), {
      code: NE_ERROR,
      error: "Compressed response grows beyond the limit",
    });
    nx_set_limits(sess, { body: 100_000 });
    const streamed = await nx_send(sess, "GET", "/", { stream: true });
    await t.rejects(text(streamed.stream!), {
      name: "nx_error",
      code: NE_ERROR,
      message: "Response body exceeds the limit",
      status: { code: 200 },
    });
    nx_set_limits(sess, { inflate_ratio: 2000 });
    t.equal((await nx_send(sess, "GET", "/")).body.length, 4 << 20);
  });
});

t.test("a body as a stream", async (t) => {
  await t.test("decoded, with its trailers at the end", async (t) => {
    const packed = zlib.gzipSync("streamed");
    const head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n";
    const chunked = Buffer.concat([
      Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`),
      Buffer.from(`${packed.length.toString(16)}\r\n`),
      packed,
      Buffer.from("\r\n0\r\nX-Sum: 7\r\n\r\n"),
    ]);
    const { sess, server } = await serving(t, [chunked, OK]);
    const result = await nx_send(sess, "GET", "/", { stream: true });
    t.strictSame(result.trailers, []);
    t.equal(await text(result.stream!), "streamed");
    t.strictSame(result.trailers, [["X-Sum", "7"]]);
    t.equal(result.body.length, 0);
    t.ok((await nx_send(sess, "GET", "/")).ok);
    t.equal(server.connections, 1);
  });
  await t.test("destroyed early, closes the connection at once", async (t) => {
    const stalled: Script = async (peer: Peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123");
      await peer.readEof();
    };
    const { sess } = await serving(t, stalled, stalled, [OK]);
    const unread = await nx_send(sess, "GET", "/", { stream: true });
    unread.stream!.destroy();
    await once(unread.stream!, "close");
    t.equal(nx_session_connected(sess), false);
    const result = await nx_send(sess, "GET", "/", { stream: true });
    t.equal(String((await once(result.stream!, "data"))[0]), "123");
    result.stream!.destroy();
    await once(result.stream!, "close");
    t.equal(nx_session_connected(sess), false);
    t.ok((await nx_send(sess, "GET", "/")).ok);
  });
  await t.test("a challenge in between is answered", async (t) => {
    const denied =
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 3\r\n\r\nno.';
    const { sess, server } = await serving(t, [denied, OK]);
    login(sess);
    const result = await nx_send(sess, "GET", "/", { stream: true });
    t.equal(await text(result.stream!), "ok");
    t.match(server.requests[1]?.field("authorization"), /^Basic /);
  });
  await t.test("an error is one too, however long", async (t) => {
    const long = "x".repeat(3 << 20);
    const error = (body: string): string =>
      `HTTP/1.1 500 Broken\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const { sess } = await serving(t, [error("short"), error(long), OK]);
    for (const body of ["short", long]) {
      const result = await nx_send(sess, "GET", "/", { stream: true });
      t.equal(result.error, "500 Broken");
      t.equal(await text(result.stream!), body);
    }
    t.ok((await nx_send(sess, "GET", "/")).ok);
  });
});

function login(sess: ne_session): void {
  ne_set_server_auth(sess, (_userdata, _realm, attempt, username, password) => {
    username.value = "user";
    password.value = "secret";
    return attempt;
  });
}

t.test("a hook that wants the request again", async (t) => {
  const { sess, server } = await serving(t, [reply("first"), reply("second")]);
  let rounds = 0;
  ne_hook_post_send(sess, () => (rounds++ === 0 ? NE_RETRY : NE_OK));
  t.equal((await nx_send(sess, "GET", "/")).text(), "second");
  t.equal(server.requests.length, 2);
});

t.test("redirects", async (t) => {
  await t.test("are the result unless they are to be followed", async (t) => {
    const { sess } = await serving(t, [moved("/b")]);
    const result = await nx_send(sess, "GET", "/a");
    t.equal(result.error, "302 Moved");
    t.equal(result.header("location"), "/b");
  });
  await t.test("on one server keep session and connection", async (t) => {
    const { sess, server } = await serving(t, [moved("/b", 301, "gone"), moved("c?d"), OK]);
    const headers = { Authorization: "Basic eA==" };
    const result = await nx_send(sess, "GET", "/a", { redirects: 5, headers });
    t.equal(result.text(), "ok");
    t.equal(result.url, `${server.origin}/c?d`);
    t.strictSame(server.requests.map(({ target }) => target), ["/a", "/b", "/c?d"]);
    for (const request of server.requests) t.equal(request.field("authorization"), "Basic eA==");
  });
  await t.test("are counted", async (t) => {
    const { sess } = await serving(t, [moved("/a"), moved("/a"), moved("/a")]);
    const result = await nx_send(sess, "GET", "/a", { redirects: 2 });
    t.equal(result.error, "302 Moved");
  });
  await t.test("with a body", async (t) => {
    const rows: [code: number, method: string, line: string, body: string][] = [
      [301, "POST", "GET /b HTTP/1.1", ""],
      [302, "POST", "GET /b HTTP/1.1", ""],
      [303, "PUT", "GET /b HTTP/1.1", ""],
      [307, "POST", "POST /b HTTP/1.1", "body"],
      [308, "PUT", "PUT /b HTTP/1.1", "body"],
      [301, "PUT", "PUT /b HTTP/1.1", "body"],
    ];
    for (const [code, method, line, body] of rows) {
      const server = await scripted(t, (peer) => redirecting(peer, code));
      const sess = session(t, server.port);
      const options = { redirects: 1, body: "body", headers: { "Content-Type": "text/plain" } };
      const result = await nx_send(sess, method, "/a", options);
      const last = server.requests[1];
      t.equal(result.text(), "ok");
      t.equal(last?.line, line, `${code} to ${method}`);
      t.equal(last?.body.toString(), body);
      t.equal(last?.field("content-type"), body === "" ? null : "text/plain");
    }
  });
  await t.test("end at a body that can't be sent again", async (t) => {
    for (const code of [307, 308]) {
      const { sess } = await serving(t, [moved("/b", code)]);
      const result = await nx_send(sess, "PUT", "/a", { redirects: 5, body: twoThings() });
      t.equal(result.error, `${code} Moved`);
    }
    const { sess, server } = await serving(t, [moved("/b", 307), OK]);
    const again = await nx_send(sess, "PUT", "/a", { redirects: 5, body: () => twoThings() });
    t.equal(again.text(), "ok");
    t.equal(server.requests[1]?.body.toString(), "two");
  });
  await t.test("to another server carry nothing that is secret", async (t) => {
    const other = await scripted(t, [[OK]]);
    const { sess, server } = await serving(t, [moved(`${other.origin}/there`)]);
    login(sess);
    const jar = nx_cookie_jar_create();
    nx_cookies_register(sess, jar);
    ne_set_useragent(sess, "test/1");
    ne_hook_pre_send(sess, (_req, _userdata, header) => {
      ne_buffer_zappend(header, "X-Hidden: in a hook\r\n");
    });
    ne_hook_create_request(sess, (req) => ne_add_request_header(req, "X-Made", "in a hook"));
    const headers = {
      Authorization: "Bearer secret",
      Cookie: "id=secret",
      "X-Api-Key": "secret",
      Accept: "text/plain",
    };
    const result = await nx_send(sess, "GET", "/", { redirects: 1, headers });
    t.equal(result.url, `${other.origin}/there`);
    t.match(server.requests[0]?.head, /X-Hidden: in a hook/);
    t.match(server.requests[0]?.head, /X-Made: in a hook/);
    const [request] = other.requests;
    t.notMatch(request?.head, /secret|hidden|made|referer|authorization|cookie/i);
    t.equal(request?.field("accept"), "text/plain");
    t.match(request?.field("user-agent"), /^test\/1/, "settings go along");
    t.equal(request?.field("host"), `127.0.0.1:${other.port}`);
  });
  await t.test("a challenge of another server is not answered", async (t) => {
    const denied =
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n';
    const other = await scripted(t, [[denied]]);
    const { sess } = await serving(t, [moved(`${other.origin}/`)]);
    login(sess);
    const result = await nx_send(sess, "GET", "/", { redirects: 1 });
    t.equal(result.error, "401 No");
  });
  await t.test("back home bring nothing from outside to the session's login", async (t) => {
    const server = await scripted(t, (peer) => homecoming(peer, () => other.origin));
    const other = await scripted(t, [[() => moved(`${server.origin}/delete-all`)]]);
    const sess = session(t, server.port);
    const headers = { Authorization: "Bearer secret" };
    const result = await nx_send(sess, "GET", "/", { redirects: 5, headers });
    t.equal(result.text(), "ok");
    t.equal(server.requests[0]?.field("authorization"), "Bearer secret");
    t.equal(server.requests[1]?.target, "/delete-all");
    t.equal(server.requests[1]?.field("authorization"), null);
  });
  await t.test("of a session that reports them", async (t) => {
    const { sess } = await serving(t, [moved("/b"), moved("/b"), OK]);
    ne_redirect_register(sess);
    t.equal((await nx_send(sess, "GET", "/a")).code, NE_REDIRECT);
    t.equal((await nx_send(sess, "GET", "/a", { redirects: 1 })).text(), "ok");
  });
  await t.test("with a body nobody wants", async (t) => {
    const long: Script = async (peer: Peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 302 Moved\r\nLocation: /b\r\nContent-Length: 99999999\r\n\r\n");
      await peer.write(Buffer.alloc(1 << 20));
      await peer.readEof();
    };
    const { sess } = await serving(t, long, [OK]);
    t.equal((await nx_send(sess, "GET", "/a", { redirects: 1 })).text(), "ok");
  });
  await t.test("to a server that is not there", async (t) => {
    const port = await refusedPort();
    const { sess } = await serving(t, [moved(`http://127.0.0.1:${port}/`)]);
    const result = await nx_send(sess, "GET", "/", { redirects: 1 });
    t.match(result, { code: NE_CONNECT, status: null, url: `http://127.0.0.1:${port}/` });
  });
  await t.test("as a stream from another server", async (t) => {
    const other = await scripted(t, [[OK]]);
    const { sess } = await serving(t, [moved(`${other.origin}/`)]);
    const result = await nx_send(sess, "GET", "/", { redirects: 1, stream: true });
    t.equal(await text(result.stream!), "ok");
    await other.peers[0]?.closed();
    t.pass("its session is gone with it");
  });
});

t.test("redirects over TLS", async (t) => {
  const certificate = { key: certFile("server.key"), cert: certFile("good.pem") };
  const asking = { ...certificate, requestCert: true, rejectUnauthorized: false };
  const shown = (peer: Peer): string => {
    const { subject } = (peer.stream as TLSSocket).getPeerCertificate();
    return typeof subject === "object" ? "a client certificate" : "none";
  };
  const secure = (t: Test, port: number): ne_session => {
    const sess = session(t, port, "https");
    ne_ssl_set_verify(sess, () => 0);
    const client = ne_ssl_clicert_read(certPath("client.p12"));
    if (client === null || ne_ssl_clicert_decrypt(client, "secret") !== 0) {
      throw new Error("client.p12");
    }
    ne_ssl_set_clicert(sess, client);
    ne_ssl_clicert_free(client);
    return sess;
  };
  await t.test("the client certificate stays with its origin", async (t) => {
    const certificates: string[] = [];
    const serve = (answer: () => string): Script => async (peer: Peer) => {
      await peer.readRequest();
      certificates.push(shown(peer));
      await peer.write(answer());
    };
    const other = await scripted(t, [serve(() => OK)], { tls: asking });
    const server = await scripted(t, [serve(() => moved(`${other.origin}/`))], { tls: asking });
    const result = await nx_send(secure(t, server.port), "GET", "/", { redirects: 1 });
    t.equal(result.text(), "ok");
    t.strictSame(certificates, ["a client certificate", "none"]);
  });
  await t.test("a clone of the program's own has it", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readRequest();
      t.equal(shown(peer), "a client certificate");
      await peer.write(OK);
    }], { tls: asking });
    const clone = nx_session_clone(secure(t, 1), "https", "127.0.0.1", server.port);
    t.teardown(() => ne_session_destroy(clone));
    t.ok((await nx_send(clone, "GET", "/")).ok);
  });
  await t.test("never to plain http", async (t) => {
    const plain = await scripted(t, [[OK]], { fewer: true });
    const server = await scripted(t, [[moved(`${plain.origin}/`)]], { tls: certificate });
    const result = await nx_send(secure(t, server.port), "GET", "/", { redirects: 1 });
    t.equal(result.error, "302 Moved");
    t.equal(plain.connections, 0);
  });
  await t.test("from http to a server that nobody vouches for", async (t) => {
    const other = await scripted(t, [async (peer: Peer) => peer.readEof()], { tls: certificate });
    const server = await scripted(t, [[moved(`${other.origin}/`)]]);
    const result = await nx_send(session(t, server.port), "GET", "/", { redirects: 1 });
    t.equal(result.code, NE_ERROR);
    t.match(result.error, /issuer is not trusted/);
    t.equal(other.requests.length, 0);
  });
});

async function redirecting(peer: Peer, code: number): Promise<void> {
  for (;;) {
    const { target } = await peer.readRequest();
    await peer.write(target === "/b" ? OK : moved("/b", code));
    if (target === "/b") return;
    if (code === 307 || code === 301 || code === 302) {
      // a POST does not use a kept connection
      if (peer.request?.method === "POST" && code === 307) return;
    }
  }
}

async function homecoming(peer: Peer, away: () => string): Promise<void> {
  const { target } = await peer.readRequest();
  await peer.write(target === "/" ? moved(`${away()}/`) : OK);
}

t.test("a session for a URL", async (t) => {
  const rows: [url: string, scheme: string, hostport: string][] = [
    ["http://example.com/a/b", "http", "example.com"],
    ["HTTPS://Example.COM:8443", "https", "example.com:8443"],
    ["https://example.com:443/", "https", "example.com"],
    ["http://user:secret@example.com/", "http", "example.com"],
    ["http://b\u00fccher.example/", "http", "xn--bcher-kva.example"],
    ["http://[::1]:8080/", "http", "[::1]:8080"],
    ["http://[fe80::1%25eth0]/", "http", "[fe80::1]"],
  ];
  for (const [url, scheme, hostport] of rows) {
    const sess = nx_session_for(url);
    if (sess === null) {
      t.fail(url);
      continue;
    }
    t.equal(ne_get_scheme(sess), scheme, url);
    t.equal(ne_get_server_hostport(sess), hostport, url);
    ne_session_destroy(sess);
  }
  const none = ["", "/a", "example.com", "mailto:a@b", "ftp://a/", "http://", "http://a:0x/"];
  for (const url of none) {
    t.equal(nx_session_for(url), null, url);
  }
});

t.test("a session from a session", async (t) => {
  await t.test("has its settings, hooks and plugins", async (t) => {
    const denied =
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n';
    const { sess, server } = await serving(t, [denied, OK], [denied, OK]);
    login(sess);
    ne_set_useragent(sess, "test/1");
    ne_set_session_flag(sess, NE_SESSFLAG_RFC4918, 1);
    ne_set_session_private(sess, "id", "value");
    const seen: unknown[] = [];
    ne_hook_create_request(sess, (_req, userdata) => seen.push(userdata), "data");
    const clone = nx_session_clone(sess);
    t.teardown(() => ne_session_destroy(clone));
    t.equal((await nx_send(sess, "GET", "/")).text(), "ok");
    t.equal((await nx_send(clone, "GET", "/")).text(), "ok");
    t.equal(server.requests[2]?.field("authorization"), null, "logins are its own");
    t.match(server.requests[3]?.field("authorization"), /^Basic /);
    t.match(server.requests[3]?.field("user-agent"), /^test\/1/);
    t.equal(ne_get_session_flag(clone, NE_SESSFLAG_RFC4918), 1);
    t.equal(ne_get_session_private(clone, "id"), "value");
    t.strictSame(seen, ["data", "data"]);
  });
  await t.test("for another server", async (t) => {
    const sess = session(t, 80);
    const other = nx_session_clone(sess, "https", "example.com", 444);
    t.equal(ne_get_scheme(other), "https");
    t.equal(ne_get_server_hostport(other), "example.com:444");
    t.equal(ne_get_session_flag(other, NE_SESSFLAG_TLS_SNI), 1, "as a new session has it");
    ne_set_session_flag(other, NE_SESSFLAG_TLS_SNI, 0);
    const third = nx_session_clone(other, undefined, "www.example.com");
    t.equal(ne_get_session_flag(third, NE_SESSFLAG_TLS_SNI), 0, "as it was set");
    ne_session_destroy(third);
    ne_session_destroy(other);
    t.throws(() => nx_session_clone(sess, "https"), /^nx_session_clone: another scheme needs/);
    t.throws(() => nx_session_clone(sess, "http", "a b"), TypeError);
    t.throws(() => nx_session_clone(sess, "http", "a", 70000), TypeError);
  });
  await t.test("with its limits", async (t) => {
    const { sess } = await serving(t, ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"]);
    nx_set_limits(sess, { body: 4 });
    const clone = nx_session_clone(sess);
    t.teardown(() => ne_session_destroy(clone));
    t.match(await nx_send(clone, "GET", "/"), {
      code: NE_ERROR,
      error: "Response body exceeds the limit",
    });
  });
  await t.test("with its addresses and its socket for the same host only", async (t) => {
    const { sess, server } = await serving(t, [OK], [OK]);
    const address = ne_iaddr_make(ne_iaddr_ipv4, Buffer.from([127, 0, 0, 1])) as ne_inet_addr;
    const pinned = ne_session_create("http", "pinned.invalid", server.port);
    ne_set_addrlist(pinned, [address]);
    const far = ne_session_create("http", "far.invalid", 80);
    nx_session_unix(far, "/nowhere/at/all");
    for (const [from, host, code] of [
      [pinned, undefined, NE_OK],
      [pinned, "other.invalid", NE_LOOKUP],
      [far, undefined, NE_CONNECT],
      [far, "other.invalid", NE_LOOKUP],
    ] as const) {
      const clone = nx_session_clone(from, undefined, host);
      t.equal((await nx_send(clone, "GET", "/")).code, code, `${host}`);
      ne_session_destroy(clone);
    }
    t.equal((await nx_send(sess, "GET", "/")).code, NE_OK);
    ne_session_destroy(pinned);
    ne_session_destroy(far);
    ne_iaddr_free(address);
  });
  await t.test("outlives it", async (t) => {
    const server = await scripted(t, [[OK]]);
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    login(sess);
    const clone = nx_session_clone(sess);
    ne_session_destroy(sess);
    t.ok((await nx_send(clone, "GET", "/")).ok);
    ne_session_destroy(clone);
  });
});

// ---- listings ----

const MULTI = "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\n";

function listing(...responses: readonly string[]): string {
  const body = multistatus(...responses);
  return `${MULTI}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const FOLDER = propstat("<D:resourcetype><D:collection/></D:resourcetype>");
const FILE = propstat("<D:resourcetype/>");

async function all(found: AsyncIterable<nx_resource>): Promise<nx_resource[]> {
  const list: nx_resource[] = [];
  for await (const resource of found) list.push(resource);
  return list;
}

async function paths(found: AsyncIterable<nx_resource>): Promise<string[]> {
  return (await all(found)).map(({ path }) => path);
}

t.test("a listing", async (t) => {
  const props =
    "<D:resourcetype/><D:getcontentlength>12</D:getcontentlength>" +
    "<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>" +
    "<D:creationdate>1994-11-06T08:00:00Z</D:creationdate><D:getetag>\"e\"</D:getetag>" +
    '<D:getcontenttype>text/plain</D:getcontenttype><x:colour xml:lang="en">red</x:colour>';
  const missing = propstat("<x:shape/>", "404 Not Found");
  const { sess, server } = await serving(t, [
    listing(
      response("/a/", FOLDER),
      response("/a/b%20%C3%A9.txt", propstat(props), missing),
      response("/a/closed", "<D:status>HTTP/1.1 403 Forbidden</D:status>"),
    ),
  ]);
  const wanted = [{ nspace: "http://example.com/", name: "colour" }];
  const [folder, file, closed] = await all(nx_list(sess, "/a/", { props: wanted }));
  t.match(folder, { path: "/a/", name: "a", collection: true, size: null, status: null });
  t.match(file, {
    path: "/a/b%20%C3%A9.txt",
    name: "b \u00e9.txt",
    collection: false,
    size: 12,
    etag: '"e"',
    content_type: "text/plain",
    status: null,
  });
  t.equal(file?.modified?.toISOString(), "1994-11-06T08:49:37.000Z");
  t.equal(file?.created?.toISOString(), "1994-11-06T08:00:00.000Z");
  t.equal(file?.prop("http://example.com/", "colour"), "red");
  t.equal(file?.prop("http://example.com/", "shape"), null);
  t.equal(file?.prop("DAV:", "colour"), null);
  t.match(file?.props.at(-2), { name: "colour", value: "red", lang: "en", status: { code: 200 } });
  t.match(file?.props.at(-1), { name: "shape", value: null, status: { code: 404 } });
  t.match(closed, { path: "/a/closed", props: [], status: { code: 403 } });
  const [request] = server.requests;
  t.equal(request?.field("depth"), "1");
  t.match(request?.body.toString(), '<colour xmlns="http://example.com/"/>');
  t.match(request?.body.toString(), '<resourcetype xmlns="DAV:"/>');
});

t.test("odd values", async (t) => {
  const rows: [props: string, wanted: object][] = [
    ["<D:getcontentlength> 5 </D:getcontentlength>", { size: 5 }],
    ["<D:getcontentlength>-5</D:getcontentlength>", { size: null }],
    ["<D:getcontentlength>99999999999999999999</D:getcontentlength>", { size: null }],
    ["<D:getcontentlength/>", { size: null }],
    ["<D:getlastmodified>yesterday</D:getlastmodified>", { modified: null }],
    ["<D:getlastmodified>1994-11-06T08:00:00Z</D:getlastmodified>",
      { modified: new Date("1994-11-06T08:00:00Z") }],
    ["<D:resourcetype><D:collection></D:collection><x:calendar/></D:resourcetype>",
      { collection: true }],
    ["<D:resourcetype><x:collection/></D:resourcetype>", { collection: false }],
    ["<D:getetag></D:getetag>", { etag: null }],
  ];
  for (const [props, wanted] of rows) {
    const { sess } = await serving(t, [listing(response("/", propstat(props)))]);
    t.match((await all(nx_list(sess, "/", { depth: 0 })))[0], wanted, props);
  }
});

t.test("an href of another host is a path here", async (t) => {
  const { sess, server } = await serving(t, [
    listing(
      response("/", FOLDER),
      response("http://evil.example/x/", FOLDER),
      response(`http://127.0.0.1:1/y`, FILE),
    ),
  ]);
  t.strictSame(await paths(nx_list(sess, "/")), [
    "/",
    "/x/",
    "/y",
  ]);
  t.equal(server.requests.length, 1);
});

t.test("each resource once", async (t) => {
  const { sess } = await serving(t, [
    listing(response("/", FOLDER), response("/a", FILE), response("/a", FILE)),
  ]);
  t.strictSame(await paths(nx_list(sess, "/")), ["/", "/a"]);
});

t.test("failures of a listing", async (t) => {
  await t.test("a status", async (t) => {
    const { sess } = await serving(t, ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]);
    const failing = all(nx_list(sess, "/"));
    await t.rejects(failing, { code: NE_ERROR, message: "404 Not Found", status: { code: 404 } });
    await t.rejects(failing, nx_error);
  });
  await t.test("an answer that is no list", async (t) => {
    const { sess } = await serving(t, [OK]);
    const message = "the answer is no list of resources: 200 OK";
    await t.rejects(all(nx_list(sess, "/")), { code: NE_ERROR, message });
  });
  await t.test("no server", async (t) => {
    const sess = session(t, await refusedPort());
    await t.rejects(all(nx_list(sess, "/")), {
      code: NE_CONNECT,
      status: null,
      cause: { code: "ECONNREFUSED" },
    });
  });
  await t.test("broken XML, after what came before it", async (t) => {
    const body = `${multistatus(response("/", FOLDER)).slice(0, -8)}<`;
    const { sess } = await serving(t, `${MULTI}Content-Length: ${body.length}\r\n\r\n${body}`);
    const found = nx_list(sess, "/");
    t.match(await found.next(), { value: { path: "/" }, done: false });
    await t.rejects(found.next(), { message: /^Could not parse response: XML parse error/ });
    t.match(await found.next(), { done: true });
  });
  await t.test("mistakes", async (t) => {
    const sess = session(t, 1);
    for (const depth of [2, -1, NaN, "1"]) {
      t.throws(() => nx_list(sess, "/", { depth: depth as number }), /^nx_list: the depth must be/);
    }
    t.throws(() => nx_list(sess, 5 as never), TypeError);
    t.throws(() => nx_list(sess, "/", { props: {} as never }), TypeError);
    await t.rejects(nx_list(sess, "/ ").next(), TypeError);
  });
});

// A response whose end the server keeps to itself.
const endless: Script = async (peer: Peer) => {
  await peer.readRequest();
  await peer.write(`${MULTI}Transfer-Encoding: chunked\r\n\r\n`);
  const part = multistatus(...Array.from({ length: 50 }, (_, i) => response(`/${i}`, FILE)));
  const open = part.slice(0, part.lastIndexOf("</D:multistatus>"));
  await peer.write(`${Buffer.byteLength(open).toString(16)}\r\n${open}\r\n`);
  await peer.readEof();
};

t.test("resources come as the response does", async (t) => {
  const more = gate();
  const { sess } = await serving(t, async (peer: Peer) => {
    await peer.readRequest();
    const whole = multistatus(response("/1", FILE), response("/2", FILE));
    const at = whole.indexOf('<D:response><D:href>/2');
    await peer.write(`${MULTI}Content-Length: ${whole.length}\r\n\r\n${whole.slice(0, at)}`);
    await more.opened;
    await peer.write(whole.slice(at));
  });
  const found = nx_list(sess, "/");
  t.match(await found.next(), { value: { path: "/1" } });
  more.open();
  t.match(await found.next(), { value: { path: "/2" } });
  t.match(await found.next(), { done: true });
});

t.test("the loop may use the session", async (t) => {
  const list = listing(response("/a", FILE), response("/b", FILE));
  const server = await scripted(t, async (peer: Peer) => {
    const { method } = await peer.readRequest();
    await peer.write(method === "GET" ? OK : list);
  });
  const sess = session(t, server.port);
  const bodies: string[] = [];
  for await (const { path } of nx_list(sess, "/")) {
    bodies.push(path + (await nx_send(sess, "GET", path)).text());
  }
  t.strictSame(bodies, ["/aok", "/bok"]);
});

t.test("leaving a listing", async (t) => {
  await t.test("from the loop", async (t) => {
    const { sess } = await serving(t, endless, [OK]);
    for await (const { path } of nx_list(sess, "/")) if (path === "/3") break;
    t.equal(nx_session_connected(sess), false, "the connection is closed");
    t.ok((await nx_send(sess, "GET", "/")).ok);
  });
  await t.test("by what the loop throws", async (t) => {
    const { sess } = await serving(t, endless);
    const failure = new Error("seen enough");
    await t.rejects(async () => {
      for await (const { path } of nx_list(sess, "/")) if (path === "/3") throw failure;
    }, failure);
    t.equal(nx_session_connected(sess), false);
  });
  await t.test("while it waits for the server", async (t) => {
    const { sess } = await serving(t, endless);
    const found = nx_list(sess, "/");
    for (let i = 0; i < 50; i++) await found.next();
    const waiting = found.next();
    t.match(await found.return!(), { done: true });
    t.match(await waiting, { done: true });
    t.equal(nx_session_connected(sess), false);
  });
  await t.test("before it began", async (t) => {
    const sess = session(t, 1);
    const found = nx_list(sess, "/");
    await found.return!();
    t.match(await found.next(), { done: true });
  });
  await t.test("by a signal, in the loop and while it waits", async (t) => {
    for (const waiting of [false, true]) {
      const { sess } = await serving(t, endless);
      const controller = new AbortController();
      const found = nx_list(sess, "/", { signal: controller.signal });
      for (let i = 0; i < (waiting ? 50 : 1); i++) await found.next();
      const next = waiting ? found.next() : null;
      controller.abort();
      const error = { message: "Aborted", code: NE_ERROR, cause: { name: "AbortError" } };
      await t.rejects(next ?? found.next(), error);
      t.equal(nx_session_connected(sess), false);
    }
  });
  await t.test("by nx_session_abort", async (t) => {
    const { sess } = await serving(t, endless);
    const found = nx_list(sess, "/");
    await found.next();
    nx_session_abort(sess);
    await t.rejects(found.next(), { message: "Aborted" });
  });
});

t.test("a slow loop keeps memory flat", async (t) => {
  const COUNT = 40_000;
  let written = 0;
  const stopped = gate();
  const server = await scripted(
    t,
    [async (peer: Peer) => {
      await peer.readRequest();
      await peer.write(`${MULTI}Transfer-Encoding: chunked\r\n\r\n`);
      const send = async (text: string): Promise<void> => {
        const bytes = `${text.length.toString(16)}\r\n${text}\r\n`;
        if (peer.stream.write(bytes)) return;
        const drained = once(peer.stream, "drain");
        const turn = new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        await Promise.race([drained, turn.then(() => stopped.open())]);
        await drained;
      };
      const start = multistatus();
      await send(start.slice(0, start.indexOf("</D:multistatus>")));
      const padding = propstat(`<x:pad>${"x".repeat(800)}</x:pad>`);
      for (; written < COUNT; written += 100) {
        const list = Array.from({ length: 100 }, (_, i) => response(`/${written + i}`, padding));
        await send(list.join(""));
      }
      await send("</D:multistatus>");
      await peer.write("0\r\n\r\n");
    }],
    { forget: true },
  );
  const sess = session(t, server.port);
  const found = nx_list(sess, "/");
  await found.next();
  await stopped.opened;
  t.ok(written < COUNT, `${written} of ${COUNT} were sent when the loop stood still`);
  let count = 1;
  for await (const { path } of found) if (path === `/${count}`) count++;
  t.equal(count, COUNT);
});

t.test("a walk", async (t) => {
  const tree = new Map<string, string>([
    ["/a/", listing(
      response("/a/", FOLDER),
      response("/a/1.txt", FILE),
      response("/a/b%c3%a9/", FOLDER),
      response("/a/empty", FOLDER),
      response("/a/2.txt", FILE),
    )],
    // another spelling of the same path, without the slash
    ["/a/b%c3%a9/", listing(
      response("/%61/b%C3%A9", FOLDER),
      response("/a/b%C3%A9/c/", FOLDER),
      response("/a/b%C3%A9/3.txt", FILE),
    )],
    ["/a/b%C3%A9/c/", listing(response("/a/b%C3%A9/c/", FOLDER), response("4.txt", FILE))],
    ["/a/empty/", listing(response("/a/empty/", FOLDER))],
  ]);
  const answers = async (peer: Peer): Promise<void> => {
    for (;;) {
      const { target, method } = await peer.readRequest();
      await peer.write(method === "GET" ? OK : (tree.get(target) ?? "HTTP/1.1 404 Gone\r\n" +
        "Content-Length: 0\r\n\r\n"));
    }
  };
  await t.test("goes by requests of depth 1", async (t) => {
    const server = await scripted(t, (peer) => answers(peer).catch(() => {}));
    const sess = session(t, server.port);
    t.strictSame(await paths(nx_list(sess, "/a/", { depth: Infinity })), [
      "/a/", "/a/1.txt", "/a/b%c3%a9/", "/a/empty", "/a/2.txt",
      "/a/b%C3%A9/c/", "/a/b%C3%A9/3.txt",
      "/a/b%C3%A9/c/4.txt",
    ]);
    t.strictSame(server.requests.map((r) => `${r.target} ${r.field("depth")}`), [
      "/a/ 1", "/a/b%c3%a9/ 1", "/a/b%C3%A9/c/ 1", "/a/empty/ 1",
    ]);
    t.equal(server.connections, 1);
  });
  await t.test("stops at any time", async (t) => {
    const server = await scripted(t, (peer) => answers(peer).catch(() => {}));
    const sess = session(t, server.port);
    for await (const { path } of nx_list(sess, "/a/", { depth: Infinity })) {
      if (path.endsWith("/c/")) break;
    }
    t.equal(server.requests.length, 2);
  });
  await t.test("follows nothing that is not inside", async (t) => {
    const server = await scripted(t, [[
      listing(
        response("/a/", FOLDER),
        response("/", FOLDER),
        response("/secret/", FOLDER),
        response("/a/../up/", FOLDER),
        response("/a/%2e%2e/", FOLDER),
        response("/a/x/y/", FOLDER),
        response("/ab/", FOLDER),
        response("http://evil.example/b/", FOLDER),
        response("http://127.0.0.1:1/b/", FOLDER),
        response("/a/?q", FOLDER),
        response("/a/file", FILE),
      ),
    ]]);
    const sess = session(t, server.port);
    t.strictSame(await paths(nx_list(sess, "/a/", { depth: Infinity })), ["/a/", "/a/file"]);
  });
  await t.test("ends in a tree without end", async (t) => {
    const server = await scripted(t, (peer) => deeper(peer).catch(() => {}));
    const sess = session(t, server.port);
    await t.rejects(paths(nx_list(sess, "/", { depth: Infinity })), {
      name: "nx_error",
      message: /: folders are nested too deeply$/,
    });
    t.equal(server.requests.length, 257);
  });
  await t.test("says where it failed", async (t) => {
    const server = await scripted(t, [[
      listing(response("/", FOLDER), response("/gone/", FOLDER)),
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ]]);
    const sess = session(t, server.port);
    await t.rejects(paths(nx_list(sess, "/", { depth: Infinity })), {
      message: "/gone/: 404 Not Found",
      status: { code: 404 },
    });
  });
  await t.test("of a file is the file", async (t) => {
    const { sess } = await serving(t, [listing(response("/f", FILE))]);
    t.strictSame(await paths(nx_list(sess, "/f", { depth: Infinity })), ["/f"]);
  });
});

async function deeper(peer: Peer): Promise<void> {
  for (;;) {
    const { target } = await peer.readRequest();
    await peer.write(listing(response(target, FOLDER), response(`${target}d/`, FOLDER)));
  }
}
