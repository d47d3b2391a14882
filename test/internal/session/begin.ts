// The first half of a conversation: whose turn it is after a failure, and what a request that is
// begun once more knows of the time before.
import t from "tap";
import {
  NE_CONNECT,
  NE_ERROR,
  NE_OK,
  ne_begin_request,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import {
  nx_get_timings,
  nx_set_request_signal,
  nx_set_session_signal,
} from "../../../lib/nx_session.js";
import { OK, openSession, send } from "../../fixtures/conversation.js";
import { refusedPort, scripted } from "../../fixtures/server.js";

t.test("a request that could not be begun leaves its turn to the next one", async (t) => {
  const sess = openSession(t, await refusedPort());
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_begin_request(req), NE_CONNECT);
  t.equal((await send(sess)).code, NE_CONNECT, "it does not wait");
  t.equal(await ne_begin_request(req), NE_CONNECT, "nor is the request lost");
  ne_request_destroy(req);
});

t.test("a request that is begun once more counts its own time", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.match(nx_get_timings(sess), { connect: Number, reused: false });
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.match(nx_get_timings(sess), { connect: null, reused: true });
  ne_request_destroy(req);
});

t.test("a request whose signal has fired does not begin", async (t) => {
  const sess = openSession(t, await refusedPort());
  ne_hook_pre_send(sess, () => void t.fail("no head is written"), null);
  const running = ne_request_create(sess, "GET", "/");
  nx_set_request_signal(running, AbortSignal.abort());
  t.equal(await ne_request_dispatch(running), NE_ERROR);
  ne_request_destroy(running);
  nx_set_session_signal(sess, AbortSignal.abort());
  t.equal((await send(sess)).code, NE_ERROR);
});
