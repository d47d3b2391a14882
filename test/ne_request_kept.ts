// What a connection may carry next: a response that was left early, a tunnel's first request, what
// came behind an answer to CONNECT, a 101 that nobody asked for.
import t from "tap";
import {
  NE_CONNECT,
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_IDEMPOTENT,
  ne_begin_request,
  ne_end_request,
  ne_get_error,
  ne_read_response_block,
  ne_request_create,
  ne_request_destroy,
  ne_set_read_timeout,
  ne_set_request_flag,
  NE_TIMEOUT,
  nx_session_proxy,
  nx_set_max_connections,
} from "../lib/index.js";
import { OK, openSession, send, settled } from "./fixtures/conversation.js";
import { sessions } from "../lib/internal/session/session.js";
import { gate, refusedPort, scripted } from "./fixtures/server.js";

t.test("a small buffer gets all of a large chunk", async (t) => {
  const text = "0123456789abcdef";
  const server = await scripted(t, [
    [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n${text}\r\n0\r\n\r\n`, OK],
  ]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_begin_request(req), NE_OK);
  const buffer = new Uint8Array(5);
  let got = "";
  for (let count; (count = await ne_read_response_block(req, buffer)) > 0;) {
    got += Buffer.from(buffer.subarray(0, count)).toString();
  }
  t.equal(got, text);
  t.equal(await ne_end_request(req), NE_OK);
  ne_request_destroy(req);
  t.equal((await send(sess)).code, NE_OK, "over the same connection");
});

t.test("a body that was not read to its end closes the connection", async (t) => {
  const rest = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
      await rest.opened;
      await peer.write("HTTP/1.1 204 Not yours\r\n\r\n".padEnd(60));
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_begin_request(req), NE_OK);
  t.equal(await ne_end_request(req), NE_OK);
  ne_request_destroy(req);
  rest.open();
  await settled();
  t.match(await send(sess), { code: NE_OK, status: 200 });
  t.equal(server.connections, 2);
});

t.test("a server behind a tunnel that closes on a POST is sent it once", async (t) => {
  let posts = 0;
  const server = await scripted(t, async (peer) => {
    if ((await peer.readHead().catch(() => null)) === null) return;
    await peer.write("HTTP/1.1 200 Tunnel\r\n\r\n");
    if ((await peer.readHead().catch(() => null)) === null) return;
    posts++;
    await peer.end();
  });
  const sess = openSession(t, 9);
  nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port: server.port, tunnel: true });
  for (const idempotent of [0, 1]) {
    posts = 0;
    const result = await send(sess, "POST", "/", (req) =>
      ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, idempotent),
    );
    t.equal(result.code, NE_ERROR);
    t.equal(posts, 1);
  }
});

t.test("bytes behind the answer to CONNECT are not the server's", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 200 Tunnel\r\n\r\nHTTP/1.1 204 Not the server\r\n\r\n");
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, 9);
  nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port: server.port, tunnel: true });
  t.match(await send(sess), {
    code: NE_ERROR,
    status: 0,
    error: /^Could not create (SSL )?connection through proxy server: unexpected data$/,
  });
  await server.done();
});

t.test("a 101 response that nobody asked for is no final one", async (t) => {
  const server = await scripted(t, [[`HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n${OK}`, OK]]);
  const sess = openSession(t, server.port);
  t.match(await send(sess), { code: NE_OK, status: 200, body: "ok" });
  t.match(await send(sess), { code: NE_OK, status: 200 }, "and the connection is still HTTP");
});

t.test("another response on another connection decides nothing about this one", async (t) => {
  const first = gate();
  const second = gate();
  const server = await scripted(t, async (peer) => {
    const asked = await peer.readHead().catch(() => null);
    if (asked?.target === "/new") {
      await peer.write("HTTP/1.1 200 OK\r\n");
      first.open();
      await second.opened;
      await peer.write("Connection: X-Hop\r\nX-Hop: kept\r\nContent-Length: 2\r\n\r\nok");
      if ((await peer.readHead().catch(() => null)) !== null) await peer.write(OK);
    } else if (asked?.target === "/old") {
      await peer.write("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
      await peer.end();
    }
  });
  const sess = openSession(t, server.port);
  nx_set_max_connections(sess, 2);
  const fresh = send(sess, "GET", "/new");
  await first.opened;
  t.equal((await send(sess, "GET", "/old")).code, NE_OK);
  second.open();
  t.match(await fresh, { code: NE_OK, body: "ok" });
  t.equal((await send(sess, "GET", "/again")).code, NE_OK, ne_get_error(sess));
  t.equal(server.connections, 2, "the HTTP/1.1 connection was kept");
});

t.test("no fragment is sent, and an empty target is the root", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const sess = openSession(t, server.port);
  for (const target of ["", "#top", "/a?b#c"]) await send(sess, "GET", target);
  t.strictSame(
    server.requests.map(({ line }) => line),
    ["GET / HTTP/1.1", "GET / HTTP/1.1", "GET /a?b HTTP/1.1"],
  );
});

t.test("a kept connection that goes silent is no stale one", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.readRequest();
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  ne_set_read_timeout(sess, 1);
  t.equal((await send(sess)).code, NE_OK);
  t.match(await send(sess), {
    code: NE_TIMEOUT,
    error: "Could not read status line: connection timed out",
  });
  t.equal(server.requests.length, 2, "nothing is sent a second time");
});

t.test("a request that is over is not among those that can be broken off", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const rows = [
    [server.port, NE_OK],
    [await refusedPort(), NE_CONNECT],
  ] as const;
  for (const [port, code] of rows) {
    const sess = openSession(t, port);
    t.strictSame([(await send(sess)).code, (await send(sess)).code], [code, code]);
    t.equal(sessions.open(sess, "test").work.scopes.size, 0);
  }
});
