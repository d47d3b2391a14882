// What a session notices of its locks: answers that show one to be gone, and its own end.
import t from "tap";
import { needLiveSession, storeOf, chosenStore } from "../../../lib/internal/locks/session_locks.js";
import { HeldLock, type Held } from "../../../lib/internal/locks/held_lock.js";
import { giveBack, takeLock, type LockWish } from "../../../lib/internal/locks/taking.js";
import { ne_lock_create } from "../../../lib/internal/plugins/lock_record.js";
import { ne_lockstore_add, ne_lockstore_create } from "../../../lib/internal/plugins/lock_store.js";
import {
  ne_lock_using_resource,
  ne_lockstore_register,
  registeredStore,
  submittedTokens,
} from "../../../lib/internal/plugins/lock_submission.js";
import { ne_delete, ne_move, ne_putbuf } from "../../../lib/ne_basic.js";
import { ne_request_create, ne_request_destroy } from "../../../lib/ne_request.js";
import { ne_fill_server_uri } from "../../../lib/ne_session.js";
import { answer } from "../../fixtures/dav.js";
import { LockServer, TestClock } from "../../fixtures/lock_server.js";
import { settled } from "../../fixtures/conversation.js";

async function holding(
  t: Parameters<typeof LockServer.start>[0],
): Promise<{ server: LockServer; held: Held; lost: string[]; clock: TestClock }> {
  const server = await LockServer.start(t);
  const lost: string[] = [];
  const clock = new TestClock();
  const wish: LockWish = {
    ...{ timeout: 100, depth: 0, scope: "exclusive", owner: null, renew: true },
    ...{ store: null, signal: null, onlost: ({ message }: Error) => void lost.push(message) },
  };
  const held = HeldLock.open(await takeLock(server.sess, "/d/a", wish, clock), "f");
  return { server, held, lost, clock };
}

t.test("stores", async (t) => {
  const { sess } = await LockServer.start(t);
  t.equal(registeredStore(sess), null);
  const own = storeOf(sess);
  t.equal(registeredStore(sess), own);
  t.equal(storeOf(sess), own, "made once");
  t.equal(chosenStore(sess, null), own);
  const joined = ne_lockstore_create();
  t.equal(chosenStore(sess, joined), joined);
  const locked = Object.assign(ne_lock_create(), { token: "t:joined" });
  ne_fill_server_uri(sess, locked.uri);
  locked.uri.path = "/a";
  ne_lockstore_add(joined, locked);
  const req = ne_request_create(sess, "PUT", "/a");
  ne_lock_using_resource(req, "/a", 0);
  t.strictSame(submittedTokens(req), ["t:joined"], "the session's requests know of it");
  ne_request_destroy(req);
  const other = await LockServer.start(t);
  const store = ne_lockstore_create();
  ne_lockstore_register(store, other.sess);
  t.equal(storeOf(other.sess), store, "one that is there is used");
});

t.test("a lock goes with its resource", async (t) => {
  const remove = (path: string) => (server: LockServer) => ne_delete(server.sess, path);
  const rows: [what: string, act: (server: LockServer) => Promise<number>, lost: boolean][] = [
    ["deleted", remove("/d/a"), true],
    ["its folder deleted", remove("/d/"), true],
    ["a neighbour deleted", remove("/d/ab"), false],
    ["moved away", (server) => ne_move(server.sess, 0, "/d/a", "/e"), true],
    ["written to", (server) => ne_putbuf(server.sess, "/d/a", Buffer.from("x")), false],
  ];
  for (const [what, act, isLost] of rows) {
    const { server, held, lost } = await holding(t);
    await act(server);
    t.equal(held.state, isLost ? "lost" : "held", what);
    t.equal(lost.length, isLost ? 1 : 0);
    if (isLost) t.match(lost[0], /went with it/);
  }
});

t.test("a 207 to DELETE has not deleted it", async (t) => {
  const { server, held } = await holding(t);
  server.instead.push(() => answer({ body: '<D:multistatus xmlns:D="DAV:"/>' }));
  await ne_delete(server.sess, "/d/a");
  t.equal(held.state, "held");
});

t.test("a refusal that a lost lock may explain is looked into", async (t) => {
  for (const status of ["409 Conflict", "412 Precondition Failed", "423 Locked"]) {
    const { server, held, lost } = await holding(t);
    server.instead.push(() => answer({ status }));
    await ne_putbuf(server.sess, "/d/a", Buffer.from("x"));
    await server.answered(3);
    await settled();
    t.equal(held.state, "held", `${status}: it is there`);
    server.locks.length = 0;
    server.instead.push(() => answer({ status }));
    await ne_putbuf(server.sess, "/d/a", Buffer.from("x"));
    await server.answered(5);
    while (held.state === "held") await settled();
    t.equal(held.state, "lost");
    t.match(lost[0], `is not there any more (${status})`);
  }
});

t.test("what the server does not say is not known", async (t) => {
  const { server, held } = await holding(t);
  server.locks.length = 0;
  server.instead.push(() => answer({ status: "423 Locked" }), () => answer({ status: "500 Oops" }));
  await ne_putbuf(server.sess, "/d/a", Buffer.from("x"));
  await server.answered(3);
  await settled();
  t.equal(held.state, "held");
});

t.test("a session that ends stops the timers of its locks", async (t) => {
  const { server, held, clock } = await holding(t);
  t.equal(clock.waits.length, 1);
  t.doesNotThrow(() => needLiveSession(server.sess, "f"));
  server.destroySession();
  t.equal(clock.waits.length, 0);
  t.equal(held.isStopped, true);
  const message = "f: the session of the lock was destroyed already";
  t.throws(() => needLiveSession(server.sess, "f"), new TypeError(message));
});

t.test("a lock that was given back is not the session's any more", async (t) => {
  const { server, held, lost } = await holding(t);
  await giveBack(held);
  await ne_delete(server.sess, "/d/a");
  server.destroySession();
  t.strictSame([held.state, held.isStopped, lost], ["over", false, []]);
});

t.test("nor one that is being given back: nothing is asked about it", async (t) => {
  const { server, held } = await holding(t);
  held.ending = Promise.resolve();
  server.instead.push(() => answer({ status: "412 Precondition Failed" }));
  await ne_putbuf(server.sess, "/d/a", Buffer.from("x"));
  await settled();
  t.strictSame(server.seen, ["LOCK /d/a", "PUT /d/a"]);
});
