// The second half of a conversation: how long a body may be, whose turn it is once a step has
// failed, and which connections are kept.
import t from "tap";
import {
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_hook_post_send,
  ne_read_response_block,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_provider,
} from "../../../lib/ne_request.js";
import { NE_SESSFLAG_PERSIST, ne_set_session_flag } from "../../../lib/ne_session.js";
import { nx_get_timings, nx_set_limits } from "../../../lib/nx_session.js";
import { nx_get_failure } from "../../../lib/nx_trace.js";
import { OK, openSession, send } from "../../fixtures/conversation.js";
import { END, gate, scripted } from "../../fixtures/server.js";

const CUT = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok";

t.test("a body as long as the limit, and one byte more", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  nx_set_limits(sess, { body: 2 });
  t.match(await send(sess), { code: NE_OK, body: "ok" });
  nx_set_limits(sess, { body: 1 });
  t.match(await send(sess), { code: NE_ERROR, error: "Response body exceeds the limit" });
  t.match(nx_get_failure(sess), { phase: "body" });
});

t.test("a step that fails leaves the turn to the next request", async (t) => {
  const steps = [
    ne_discard_response,
    (req: Parameters<typeof ne_discard_response>[0]) => ne_read_response_block(req, Buffer.alloc(9)),
  ];
  for (const step of steps) {
    const server = await scripted(t, [[CUT, END], [OK]]);
    const sess = openSession(t, server.port);
    const req = ne_request_create(sess, "GET", "/");
    t.equal(await ne_begin_request(req), NE_OK);
    let code = await step(req);
    while (code > 0 && step !== ne_discard_response) code = await step(req);
    t.not(code, NE_OK);
    t.equal((await send(sess)).code, NE_OK);
    ne_request_destroy(req);
  }
});

t.test("a repetition by hand waits for its turn, one by dispatch has it still", async (t) => {
  const server = await scripted(t, [[OK, OK, OK, OK, OK, OK]]);
  const sess = openSession(t, server.port);
  let left = 0;
  ne_hook_post_send(sess, () => (left-- > 0 ? NE_RETRY : NE_OK), null);
  left = 1;
  const dispatched = send(sess, "GET", "/1");
  const after = send(sess, "GET", "/2");
  t.strictSame([(await dispatched).code, (await after).code], [NE_OK, NE_OK]);
  left = 1;
  const req = ne_request_create(sess, "GET", "/3");
  t.equal(await ne_begin_request(req), NE_OK);
  const next = send(sess, "GET", "/4");
  t.equal(await ne_discard_response(req), NE_OK);
  t.equal(await ne_end_request(req), NE_RETRY);
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal((await next).code, NE_OK);
  ne_request_destroy(req);
  const targets = server.requests.map(({ target }) => target).join(" ");
  t.equal(targets, "/1 /1 /2 /3 /4 /3");
});

t.test("kept are connections whose request and response are whole", async (t) => {
  const server = await scripted(t, [[OK, OK], [OK], [OK]]);
  const sess = openSession(t, server.port);
  await send(sess);
  ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, 0);
  await send(sess);
  await send(sess);
  ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, 1);
  await send(sess);
  t.equal(server.connections, 3);
});

t.test("a connection whose upload is not over is closed behind an early answer", async (t) => {
  const never = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  const sent = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 9, async (_userdata, buffer) => {
      if (buffer.length > 0) await never.opened;
      return 0;
    });
  });
  t.match(sent, { code: NE_OK, status: 413 });
  never.open();
  t.equal((await send(sess)).code, NE_OK);
});

t.test("what a hook makes of an answer is the failure that is told", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  ne_hook_post_send(sess, () => NE_ERROR, null);
  t.equal((await send(sess)).code, NE_ERROR);
  t.match(nx_get_failure(sess), { phase: "callback" });
});

t.test("times add up", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  const before = performance.now();
  await send(sess);
  const { total = 0, first_byte, receive } = nx_get_timings(sess) ?? {};
  t.ok(total > 0 && total <= (performance.now() - before) / 1000, "in seconds");
  t.ok(Math.abs((first_byte ?? 0) + (receive ?? 0) - total) < 1e-9);
});

t.test("an answer that nobody is going to read costs its connection, and no turn", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(CUT);
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_begin_request(req), NE_OK);
  ne_request_destroy(req);
  t.equal((await send(sess)).code, NE_OK);
  t.equal(server.connections, 2);
});
