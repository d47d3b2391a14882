// The first half of a conversation: whose turn it is after a failure, and what a request that is
// begun once more knows of the time before.
import t from "tap";
import {
  NE_CONNECT,
  NE_ERROR,
  NE_OK,
  NE_TIMEOUT,
  ne_begin_request,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import {
  nx_get_timings,
  nx_set_request_deadline,
  nx_set_request_signal,
  nx_set_request_timeout,
  nx_set_session_signal,
} from "../../../lib/nx_session.js";
import { nx_session_proxy } from "../../../lib/nx_proxy.js";
import { nx_get_failure } from "../../../lib/nx_trace.js";
import { OK, openSession, send, settled } from "../../fixtures/conversation.js";
import { holdTime } from "../../fixtures/held_time.js";
import { END, refusedPort, scripted } from "../../fixtures/server.js";

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

t.test("a bound of the request goes before one of its session", async (t) => {
  const time = holdTime(t);
  const waited: number[] = [];
  const server = await scripted(t, async (peer) => {
    await peer.readRequest();
    for (let seconds = 1; !peer.ended; seconds++) {
      waited[peer.number] = seconds;
      time.pass(1);
      await settled();
    }
  });
  const sess = openSession(t, server.port);
  nx_set_request_timeout(sess, 30);
  const bounded = await send(sess, "GET", "/", (req) => nx_set_request_deadline(req, 10));
  t.equal(bounded.code, NE_TIMEOUT);
  t.equal((await send(sess)).code, NE_TIMEOUT);
  t.ok(waited[0]! < 15 && waited[1]! > 25, waited.join(" and "));
});

t.test("a login that is not asked for goes to the proxy alone", async (t) => {
  const rows: [login: object, tunnel: boolean, fields: (string | null)[]][] = [
    [{}, false, [null]],
    [{}, true, [null, null]],
    [{ username: "u", preemptive: true }, false, ["Basic dTo="]],
    [{ username: "u", password: "p", preemptive: true }, true, ["Basic dTpw", null]],
  ];
  for (const [login, tunnel, fields] of rows) {
    const connected = "HTTP/1.1 200 Connected\r\n\r\n";
    const proxy = await scripted(t, [tunnel ? [connected, OK] : [OK]]);
    const sess = openSession(t, 80, "origin.example");
    const host = "127.0.0.1";
    nx_session_proxy(sess, { scheme: "http", host, port: proxy.port, tunnel, ...login });
    t.equal((await send(sess)).code, NE_OK);
    t.strictSame(proxy.requests.map((request) => request.field("proxy-authorization")), fields);
  }
});

t.test("what is known of a request that got no answer is its own", async (t) => {
  const server = await scripted(t, [[OK, "", END], ["", END]]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess, "GET", `/${"a".repeat(1000)}`)).code, NE_OK);
  t.equal((await send(sess)).code, NE_ERROR);
  const [, , again] = server.requests;
  t.match(nx_get_failure(sess), { phase: "wait", sent: again?.head.length, received: 0 });
});

t.test("a request that has to wait for its turn begins when it comes", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  const both = await Promise.all([send(sess, "GET", "/1"), send(sess, "GET", "/2")]);
  t.strictSame(both.map(({ code }) => code), [NE_OK, NE_OK]);
  t.strictSame(server.requests.map(({ target }) => target), ["/1", "/2"]);
});
