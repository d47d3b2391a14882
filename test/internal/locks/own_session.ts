// Which session the requests of a lock go over, and that a clone made for them does not stay.
import t from "tap";
import { onOwnSession } from "../../../lib/internal/locks/own_session.js";
import {
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_error,
  NE_OK,
  ne_options,
  ne_request_create,
  ne_request_destroy,
  ne_server_capabilities,
  type ne_session,
  ne_session_create,
  ne_session_destroy,
  nx_set_max_connections,
  nx_set_session_signal,
} from "../../../lib/index.js";
import { type Peer, scripted, type ScriptedServer, type TestScope } from "../../fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function started(t: TestScope): Promise<{ sess: ne_session; server: ScriptedServer }> {
  const again = async (peer: Peer): Promise<void> => {
    await peer.readRequest();
    await peer.write(OK);
    await again(peer);
  };
  const server = await scripted(t, (peer: Peer) => again(peer).catch(() => {}));
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  return { sess, server };
}

/** The session that a call is given, and what a request over it gives. */
async function given(sess: ne_session): Promise<{ own: ne_session; code: number }> {
  const calls: ne_session[] = [];
  const code = await onOwnSession(sess, "test", (own) => {
    calls.push(own);
    return ne_options(own, "/", new ne_server_capabilities());
  });
  return { own: calls[0] as ne_session, code };
}

t.test("an idle session is used itself", async (t) => {
  const { sess, server } = await started(t);
  t.equal((await given(sess)).own, sess);
  t.equal((await given(sess)).own, sess);
  t.equal(server.connections, 1);
});

t.test("beside a response that is being read a clone is, and goes", async (t) => {
  const { sess, server } = await started(t);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_begin_request(req), NE_OK);
  const { own, code } = await given(sess);
  t.equal(code, NE_OK, "without waiting for the response to be read");
  t.not(own, sess);
  t.throws(() => ne_get_error(own), "it is destroyed");
  t.equal(server.connections, 2);
  nx_set_max_connections(sess, 2);
  t.equal((await given(sess)).own, sess, "where there is room for another request");
  nx_set_max_connections(sess, 1);
  await ne_discard_response(req);
  await ne_end_request(req);
  ne_request_destroy(req);
  t.equal((await given(sess)).own, sess);
});

t.test("a signal of the session does not end them", async (t) => {
  const { sess } = await started(t);
  nx_set_session_signal(sess, AbortSignal.abort());
  const { own, code } = await given(sess);
  t.not(own, sess);
  t.equal(code, NE_OK);
});
