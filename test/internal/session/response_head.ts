// The head of a response: how many interim responses may go before it, when a body that is held
// back goes out, and what a failure says of how far it came.
import { PassThrough } from "node:stream";
import t from "tap";
import { NE_DBG_HTTP } from "../../../lib/ne_utils.js";
import {
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_EXPECT100,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  ne_set_request_flag,
} from "../../../lib/ne_request.js";
import {
  NE_SESSFLAG_ICYPROTO,
  ne_set_notifier,
  ne_set_session_flag,
  ne_status_recving,
} from "../../../lib/ne_session.js";
import { nx_set_debug, nx_set_expect_timeout, nx_set_limits } from "../../../lib/nx_session.js";
import { nx_get_failure } from "../../../lib/nx_trace.js";
import { OK, openSession, send, settled } from "../../fixtures/conversation.js";
import { END, scripted } from "../../fixtures/server.js";

const BUSY = "HTTP/1.1 102 Busy\r\n\r\n";

t.test("as many interim responses as the limit says, and no more", async (t) => {
  const server = await scripted(t, [[BUSY + BUSY + OK], [BUSY + BUSY + BUSY]]);
  const sess = openSession(t, server.port);
  nx_set_limits(sess, { interim_count: 2 });
  t.equal((await send(sess)).code, NE_OK);
  server.peers[0]?.reset();
  const many = await send(sess);
  t.match(many, { code: NE_ERROR, error: "Too many interim responses" });
});

t.test("behind an interim response the answer is waited for", async (t) => {
  const server = await scripted(t, [[BUSY, END]]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).code, NE_ERROR);
  t.match(nx_get_failure(sess), { phase: "wait" });
});

t.test("a body that was held back in vain goes out once", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      t.equal(String(await peer.readBody()), "body");
      // longer than the wait for a 100 response
      const start = performance.now();
      while (performance.now() < start + 20) await settled();
      t.equal(peer.unread, 0);
      await peer.write(OK);
    },
  ]);
  const sess = openSession(t, server.port);
  nx_set_expect_timeout(sess, 0.005);
  const sent = await send(sess, "PUT", "/", (req) => {
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    ne_set_request_body_buffer(req, Buffer.from("body"));
  });
  t.equal(sent.code, NE_OK);
});

t.test("and not at all to a server that has gone", async (t) => {
  const server = await scripted(t, [async (peer) => void (await peer.readHead(), await peer.end())]);
  const sent = await send(openSession(t, server.port), "PUT", "/", (req) => {
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    ne_set_request_body_provider(req, 4, () => {
      t.fail("nobody takes it");
      return -1;
    });
  });
  t.match(sent, { code: NE_ERROR, error: /^Could not read status line: / });
});

t.test("a session that takes ICY answers takes those of HTTP, too", async (t) => {
  const rows: [icy: number, answer: string, code: number][] = [
    [1, "ICY 200 OK\r\n\r\n", NE_OK],
    [1, OK, NE_OK],
    [0, "ICY 200 OK\r\n\r\n", NE_ERROR],
  ];
  for (const [icy, answer, code] of rows) {
    const server = await scripted(t, [[answer, END]]);
    const sess = openSession(t, server.port);
    ne_set_session_flag(sess, NE_SESSFLAG_ICYPROTO, icy);
    t.equal((await send(sess)).code, code, answer);
  }
});

t.test("while a body goes out, an answer that has begun is waited for", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 2");
      await peer.readBody();
      await peer.write("00 OK\r\nContent-Length: 0\r\n\r\n");
    },
  ]);
  let left = 3;
  const sent = await send(openSession(t, server.port), "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 3, async (_userdata, buffer) => {
      if (buffer.length === 0) return 0;
      const start = performance.now();
      while (performance.now() < start + 10) await settled();
      return left-- > 0 ? 1 : 0;
    });
  });
  t.match(sent, { code: NE_OK, status: 200 });
});

t.test("debug output hides a secret that is folded, and nothing else", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=\r\n  hidden\r\n  too\r\nX-Shown: b\r\n  shown\r\n";
  const server = await scripted(t, [[`${head}Content-Length: 0\r\n\r\n`]]);
  const sess = openSession(t, server.port);
  const output = new PassThrough();
  nx_set_debug(sess, output, NE_DBG_HTTP);
  t.equal((await send(sess)).code, NE_OK);
  const text = String(output.read());
  t.notMatch(text, /hidden|too/);
  t.match(text, "[hdr] X-Shown: b\n[cont]   shown\n");
});

t.test("progress is counted from nothing, to the length that the head says", async (t) => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  const server = await scripted(t, [[OK, chunked]]);
  const sess = openSession(t, server.port);
  const told: [number, number][] = [];
  ne_set_notifier(sess, (_userdata, status, info) => {
    if (status === ne_status_recving) told.push([info.sr.progress, info.sr.total]);
  });
  t.equal((await send(sess)).code, NE_OK);
  t.strictSame(told.splice(0), [[0, 2], [2, 2]]);
  t.equal((await send(sess)).code, NE_OK);
  t.strictSame(told, [[0, -1], [2, -1], [2, 2]]);
});
