// Taking a lock and giving it back: what is granted is what counts, and a lock that cannot be used
// does not stay.
import t from "tap";
import { NE_DEPTH_ZERO } from "../../../lib/internal/base/constants.js";
import { takeLock, giveBack, sendUnlock, type LockWish } from "../../../lib/internal/locks/taking.js";
import { HeldLock } from "../../../lib/internal/locks/held_lock.js";
import { ne_lock_create, ne_lockscope_shared } from "../../../lib/internal/plugins/lock_record.js";
import { ne_lockstore_create, storedLocks } from "../../../lib/internal/plugins/lock_store.js";
import { ne_hook_create_request, ne_hook_destroy_request } from "../../../lib/ne_request.js";
import { failureOf, settled } from "../../fixtures/conversation.js";
import { answer, multistatus, response } from "../../fixtures/dav.js";
import { LockServer, TestClock } from "../../fixtures/lock_server.js";

const WISH: LockWish = {
  ...{ timeout: 100, depth: 0, scope: "exclusive", owner: null, renew: false },
  ...{ onlost: null, store: null, signal: null },
};

t.test("taken, kept in the store, and given back once", async (t) => {
  const server = await LockServer.start(t);
  const store = ne_lockstore_create();
  const clock = new TestClock();
  const lock = await takeLock(server.sess, "/a", { ...WISH, store, owner: "a <&> b", renew: true }, clock);
  const held = HeldLock.open(lock, "f");
  t.match(held, { token: "t:1", path: "/a", state: "held", expiresAt: clock.time + 100_000 });
  t.strictSame(storedLocks(store, "f").map(({ token }) => token), ["t:1"]);
  t.match(server.server.requests[0]?.body.toString(), "<owner>a &lt;&amp;&gt; b</owner>");
  t.equal(clock.waits.length, 1);
  await Promise.all([giveBack(held), giveBack(held)]);
  t.equal(clock.waits.length, 0, "nor is it refreshed any more");
  t.strictSame(server.seen, ["LOCK /a", "UNLOCK /a"]);
  t.strictSame([held.state, storedLocks(store, "f").length, server.locks.length], ["over", 0, 0]);
  await giveBack(held);
  t.equal(server.seen.length, 2, "over is over");
});

t.test("the server's word counts", async (t) => {
  const server = await LockServer.start(t);
  server.timeout = "Second-7";
  const clock = new TestClock();
  const lock = await takeLock(server.sess, "/a", { ...WISH, timeout: Infinity }, clock);
  const held = HeldLock.open(lock, "f");
  t.equal(held.expiresAt, clock.time + 7000);
  t.equal(server.server.requests[0]?.field("timeout"), "Infinite");
  await giveBack(held);
});

t.test("what is wished for is what is asked for", async (t) => {
  const server = await LockServer.start(t);
  const wish: LockWish = { ...WISH, depth: Infinity, scope: "shared" };
  const lock = await takeLock(server.sess, "/a", wish, new TestClock());
  const [deep] = server.server.requests;
  t.equal(deep?.field("depth"), "infinity");
  t.match(deep?.body.toString(), "<shared/>");
  const granted = HeldLock.open(lock, "f").lock;
  t.strictSame([granted.scope, granted.depth], [ne_lockscope_shared, NE_DEPTH_ZERO], "as granted");
  server.locks.length = 0;
  await takeLock(server.sess, "/b", WISH, new TestClock());
  t.equal(server.locks.length, 1);
  const flat = server.server.requests[1];
  t.equal(flat?.field("depth"), "0");
  t.match(flat?.body.toString(), "<exclusive/>");
  const signal = AbortSignal.abort();
  await failureOf(() => takeLock(server.sess, "/c", { ...WISH, signal }, new TestClock()));
  t.equal(server.seen.length, 2, "who has given up asks for nothing");
});

t.test("refused: nothing is kept", async (t) => {
  const server = await LockServer.start(t);
  const store = ne_lockstore_create();
  await takeLock(server.sess, "/a", WISH, new TestClock());
  const error = await failureOf(() =>
    takeLock(server.sess, "/a", { ...WISH, store }, new TestClock()),
  );
  t.match(error, { name: "nx_error", status: { code: 423 } });
  t.equal(storedLocks(store, "f").length, 0);
  // the lock that is held was submitted, and is asked after
  await server.answered(3);
  await settled();
});

t.test("a lock that was granted and that nobody can use is given back", async (t) => {
  const server = await LockServer.start(t);
  const fields = ["Lock-Token: <t:9>"];
  server.instead.push(
    () => answer({ status: "200 OK", body: "<html><p>", type: "text/html", fields }),
    () => answer({ status: "204 No Content", type: null }),
    () => answer({ status: "200 OK", body: "", type: null }),
  );
  const unreadable = await failureOf(() => takeLock(server.sess, "/a", WISH, new TestClock()));
  t.match(unreadable, { name: "nx_error" });
  t.strictSame(server.seen, ["LOCK /a", "UNLOCK /a"]);
  t.equal(server.server.requests[1]?.field("lock-token"), "<t:9>");
  const unseen = await failureOf(() => takeLock(server.sess, "/a", WISH, new TestClock()));
  t.match(unseen, { name: "nx_error", message: /the answer to LOCK shows no lock/ });
  t.equal(server.seen.length, 3, "without a token there is nothing to give back");
});

t.test("what names the token of somebody else's lock gives no lock back", async (t) => {
  const server = await LockServer.start(t);
  const fields = ["Lock-Token: <t:theirs>"];
  for (const status of ["423 Locked", "300 Multiple Choices", "207 Multi-Status"]) {
    server.seen.length = 0;
    const body = multistatus(response("/a", "<D:status>HTTP/1.1 423 Locked</D:status>"));
    server.instead.push(() => answer({ status, body, fields }));
    const error = await failureOf(() => takeLock(server.sess, "/a", WISH, new TestClock()));
    t.match(error, { name: "nx_error" }, status);
    t.strictSame(server.seen, ["LOCK /a"]);
  }
});

t.test("every request is destroyed, whatever came of it", async (t) => {
  const server = await LockServer.start(t);
  let left = 0;
  ne_hook_create_request(server.sess, () => void left++, null);
  ne_hook_destroy_request(server.sess, () => void left--, null);
  const lock = await takeLock(server.sess, "/a", WISH, new TestClock());
  t.equal(left, 0);
  server.instead.push(() => answer({ status: "403 Forbidden" }));
  await failureOf(() => giveBack(HeldLock.open(lock, "f")));
  await giveBack(HeldLock.open(lock, "f"));
  t.equal(left, 0);
  t.equal(server.seen.length, 4);
});

t.test("a server that fails says nothing about the lock", async (t) => {
  const server = await LockServer.start(t);
  const held = HeldLock.open(await takeLock(server.sess, "/a", WISH, new TestClock()), "f");
  server.locks.length = 0;
  server.instead.push(() => answer({ status: "500 Oops" }));
  t.match(await failureOf(() => giveBack(held)), { name: "nx_error", status: { code: 500 } });
  t.strictSame(server.seen, ["LOCK /a", "UNLOCK /a"], "it is not asked after");
  await server.server.close();
  t.match(await failureOf(() => giveBack(held)), { name: "nx_error", status: null });
  t.equal(held.state, "held");
});

t.test("an UNLOCK that fails for a lock that is gone is none", async (t) => {
  const server = await LockServer.start(t);
  const lock = await takeLock(server.sess, "/a", WISH, new TestClock());
  server.locks.length = 0;
  await giveBack(HeldLock.open(lock, "f"));
  t.strictSame(server.seen, ["LOCK /a", "UNLOCK /a", "PROPFIND /a"]);
});

t.test("one that fails for a lock that is there can be tried again", async (t) => {
  const server = await LockServer.start(t);
  const held = HeldLock.open(await takeLock(server.sess, "/a", WISH, new TestClock()), "f");
  server.instead.push(() => answer({ status: "403 Forbidden" }));
  t.match(await failureOf(() => giveBack(held)), { name: "nx_error", status: { code: 403 } });
  t.strictSame([held.state, held.ending], ["held", null]);
  server.instead.push(
    () => answer({ status: "409 Conflict" }),
    () => answer({ status: "500 Oops" }),
  );
  t.match(await failureOf(() => giveBack(held)), { status: { code: 409 } }, "unknown is not gone");
  await giveBack(held);
  t.equal(held.state, "over");
});

t.test("a login that is missing says nothing about the lock", async (t) => {
  for (const code of [401, 407]) {
    const server = await LockServer.start(t);
    server.instead.push(() => answer({ status: `${code} No` }));
    const lock = Object.assign(ne_lock_create(), { token: "t:1" });
    lock.uri.path = "/a";
    t.match(await failureOf(() => sendUnlock(server.sess, lock)), { status: { code } });
    t.strictSame(server.seen, ["UNLOCK /a"]);
  }
});

t.test("after its session was destroyed", async (t) => {
  const server = await LockServer.start(t);
  const held = HeldLock.open(await takeLock(server.sess, "/a", WISH, new TestClock()), "f");
  server.destroySession();
  const message = "nx_unlock: the session of the lock was destroyed already";
  t.match(await failureOf(() => giveBack(held)), new TypeError(message));
});
