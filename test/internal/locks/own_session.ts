// Requests of a lock go out on the idle session itself, or on a clone: a busy session, or one whose
// signal has fired, does not keep a lock from being given back.
import t, { type Test } from "tap";
import { onOwnSession } from "../../../lib/internal/locks/own_session.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { nx_set_max_connections, nx_set_session_signal } from "../../../lib/nx_session.js";
import { OK, send } from "../../fixtures/conversation.js";
import { gate, scripted } from "../../fixtures/server.js";

function sessionFor(t: { teardown(fn: () => void): void }, port: number): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

t.test("an idle session is used itself", async (t) => {
  const sess = sessionFor(t, 1);
  t.equal(await onOwnSession(sess, "f", async (own) => own), sess);
});

/** A call beside a request that is under way, and what its session sent meanwhile. */
async function besideAnother(t: Test, most: number): Promise<{ sess: ne_session; used: ne_session }> {
  const held = gate();
  const begun = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      begun.open();
      await held.opened;
      await peer.write(OK);
    },
    [OK],
  ]);
  const sess = sessionFor(t, server.port);
  nx_set_max_connections(sess, most);
  const req = ne_request_create(sess, "GET", "/long");
  const running = ne_request_dispatch(req);
  await begun.opened;
  const used = await onOwnSession(sess, "f", async (own) => {
    t.equal((await send(own, "GET", "/short")).code, 0);
    return own;
  });
  held.open();
  t.equal(await running, 0);
  ne_request_destroy(req);
  t.strictSame(server.requests.map(({ target }) => target), ["/long", "/short"]);
  return { sess, used };
}

t.test("beside a request that is under way a clone is used, and destroyed", async (t) => {
  const { sess, used } = await besideAnother(t, 1);
  t.not(used, sess);
  t.throws(() => ne_request_create(used, "GET", "/"), /destroyed/);
});

t.test("a session that may run one request more is used itself", async (t) => {
  const { sess, used } = await besideAnother(t, 2);
  t.equal(used, sess);
});

t.test("a signal that has ended the session's requests does not end these", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = sessionFor(t, server.port);
  nx_set_session_signal(sess, AbortSignal.abort());
  t.not((await send(sess)).code, 0);
  t.equal(await onOwnSession(sess, "f", async (own) => (await send(own)).code), 0);
});

t.test("a call that throws leaves no session behind", async (t) => {
  const sess = sessionFor(t, 1);
  nx_set_session_signal(sess, new AbortController().signal);
  let used: ne_session | null = null;
  const call = onOwnSession(sess, "f", async (own) => {
    used = own;
    throw new Error("broken");
  });
  await t.rejects(call, /broken/);
  t.throws(() => ne_request_create(used as unknown as ne_session, "GET", "/"), /destroyed/);
});

t.test("a session that is none", async (t) => {
  const none = {} as ne_session;
  await t.rejects(onOwnSession(none, "nx_unlock", async () => 0), { message: /^nx_unlock: / });
});
