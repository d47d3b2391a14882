// Locks on Apache's mod_dav with short timeouts: our clock is moved on by the test, the requests
// are real, and what the server says of its locks is asked each time.
import t, { type Test } from "tap";
import { nx_error, nx_lock_expires, nx_locks, nx_send, nx_unlock } from "../lib/index.js";
import type { nx_held_lock } from "../lib/index.js";
import { takeLock, type LockWish } from "../lib/internal/locks/taking.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import { TestClock } from "./fixtures/lock_server.js";
import { startApache } from "./fixtures/real/apache.js";

const WISH: LockWish = {
  ...{ timeout: 10, depth: 0, scope: "exclusive", owner: null, renew: true },
  ...{ onlost: null, store: null, signal: null },
};
const PATH = "/dav/a.txt";

function session(t: Test, port: number): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

interface Scene {
  readonly mine: ne_session;
  /** Somebody else's. */
  readonly other: ne_session;
  readonly clock: TestClock;
  readonly lost: Error[];
  take(wish?: Partial<LockWish>, path?: string): Promise<nx_held_lock>;
  /** Lets the next refresh happen, and waits for what comes of it. */
  pass(): Promise<void>;
}

async function scene(t: Test, minimum: number): Promise<Scene | null> {
  const config = minimum > 0 ? `DavMinTimeout ${minimum}` : "";
  const apache = await startApache(t, { files: { "dav/a.txt": "old", "dav/d/b.txt": "b" }, config });
  if (apache === null) return null;
  const [mine, other] = [session(t, apache.port), session(t, apache.port)];
  const clock = new TestClock();
  const lost: Error[] = [];
  return {
    ...{ mine, other, clock, lost },
    async take(wish = {}, path = PATH) {
      const onlost = (reason: Error): void => void lost.push(reason);
      const taken = await takeLock(mine, path, { ...WISH, onlost, ...wish }, clock);
      return taken as unknown as nx_held_lock;
    },
    async pass() {
      if (!clock.next()) throw new Error("nothing is planned");
      while (clock.waits.length === 0 && lost.length === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

async function put(sess: ne_session, path: string): Promise<number | undefined> {
  return (await nx_send(sess, "PUT", path, { body: "new" })).status?.code;
}

/** Seconds that a lock has left, by our clock. */
function left(lock: nx_held_lock, { clock }: Scene): number {
  return ((nx_lock_expires(lock)?.getTime() ?? Infinity) - clock.time) / 1000;
}

// Of a resource whose locks have all run out Apache says that it has no lockdiscovery.
async function isLocked(sess: ne_session): Promise<boolean> {
  try {
    return (await nx_locks(sess, PATH)).length > 0;
  } catch (error) {
    if (error instanceof nx_error && error.status?.code === 404) return false;
    throw error;
  }
}

t.test("a lock of ten seconds is held for minutes", async (t) => {
  const on = await scene(t, 0);
  if (on === null) return void t.pass("Apache is not installed");
  const lock = await on.take();
  const [first] = await nx_locks(on.other, PATH);
  for (let i = 0; i < 40; i++) {
    const [wait = 0] = on.clock.waits;
    t.ok(wait > 4000 && wait <= 5000, `after ${wait} ms`);
    await on.pass();
    const [seen, ...more] = await nx_locks(on.other, PATH);
    t.equal(more.length, 0);
    t.equal(seen?.token, first?.token, "the same lock");
    const seconds = seen?.timeout ?? 0;
    t.ok(seconds >= 8 && seconds <= 10, `refreshed: ${seconds} seconds`);
    t.ok(left(lock, on) >= 9 && left(lock, on) <= 10);
  }
  t.strictSame(on.lost, []);
  t.equal(await put(on.other, PATH), 423);
  t.equal(await put(on.mine, PATH), 204);
  await nx_unlock(lock);
  t.strictSame(on.clock.waits, []);
  t.equal(await put(on.other, PATH), 204);
});

t.test("the least time that the server grants counts", async (t) => {
  const on = await scene(t, 3600);
  if (on === null) return void t.pass("Apache is not installed");
  const lock = await on.take({ timeout: 2 });
  t.ok(left(lock, on) > 3590 && left(lock, on) <= 3600, "not two seconds");
  t.ok(Number(on.clock.waits[0]) > 1_790_000);
  await on.pass();
  // to a refresh Apache grants what is asked for, so that is what counts from then on
  const [seen] = await nx_locks(on.other, PATH);
  const seconds = seen?.timeout ?? 0;
  t.ok(Math.abs(left(lock, on) - seconds) <= 1, `${left(lock, on)}, as the server says: ${seconds}`);
  t.ok(Math.abs(Number(on.clock.waits[0]) / 500 - seconds) <= 1);
  await nx_unlock(lock);
});

t.test("a folder and what is made in it later; shared locks beside each other", async (t) => {
  const on = await scene(t, 0);
  if (on === null) return void t.pass("Apache is not installed");
  const folder = await on.take({ depth: Infinity }, "/dav/d/");
  for (let i = 0; i < 3; i++) await on.pass();
  t.equal(await put(on.mine, "/dav/d/later.txt"), 201);
  t.equal(await put(on.other, "/dav/d/later.txt"), 423);
  await nx_unlock(folder);
  const one = await on.take({ scope: "shared" });
  const two = await on.take({ scope: "shared" });
  for (let i = 0; i < 6; i++) await on.pass();
  t.equal((await nx_locks(on.other, PATH)).length, 2);
  t.equal(await put(on.other, PATH), 423);
  await nx_unlock(one);
  await nx_unlock(two);
  t.strictSame(on.lost, []);
});

t.test("a lock that ran out is lost, once, with the reason", async (t) => {
  const on = await scene(t, 0);
  if (on === null) return void t.pass("Apache is not installed");
  const lock = await on.take({ timeout: 1 });
  // the server's clock is its own: it is asked until its second is over
  while (await isLocked(on.other));
  t.equal(await put(on.other, PATH), 204, "somebody else has written");
  await on.pass();
  t.equal(on.lost.length, 1);
  t.ok(on.lost[0] instanceof nx_error);
  t.match(on.lost[0]?.message, /\/dav\/a\.txt|not refreshed/);
  t.strictSame(on.clock.waits, [], "it is not tried again");
  await nx_unlock(lock).catch(() => {});
  t.equal(on.lost.length, 1);
  const again = await on.take();
  t.equal(await put(on.mine, PATH), 204);
  await nx_unlock(again);
});
