// Locks on a clock that the test moves on: days pass in a second.
import t from "tap";
import { NE_TIMEOUT_INVALID } from "../../../lib/internal/plugins/lock_record.js";
import { expiryOf } from "../../../lib/internal/locks/renewing.js";
import type { LockWish } from "../../../lib/internal/locks/taking.js";
import { takeLock } from "../../../lib/internal/locks/taking.js";
import { systemClock } from "../../../lib/internal/locks/clock.js";
import { ne_delete, ne_putbuf } from "../../../lib/ne_basic.js";
import {
  NE_ERROR,
  NE_OK,
  NE_TIMEOUT_INFINITE,
  ne_hook_create_request,
  ne_hook_destroy_request,
  ne_hook_pre_send,
  ne_set_server_auth,
  ne_unhook_pre_send,
  nx_lock_expires,
  type ne_session,
  type nx_held_lock,
  nx_lock_token,
  nx_send,
  nx_unlock,
} from "../../../lib/index.js";
import { answer, multistatus, response } from "../../fixtures/dav.js";
import { LockServer, TestClock } from "../../fixtures/lock_server.js";
import { gate, type TestScope } from "../../fixtures/server.js";

const WISH: LockWish = {
  ...{ timeout: 100, depth: 0, scope: "exclusive", owner: null, renew: true },
  ...{ onlost: null, store: null, signal: null },
};

interface Holding {
  server: LockServer;
  clock: TestClock;
  lock: nx_held_lock;
  lost: Error[];
  /** Lets the next thing happen and waits until something else is planned, or the lock is lost. */
  pass(): Promise<void>;
}

async function holding(
  t: TestScope,
  wish: Partial<LockWish> = {},
  prepare: (server: LockServer) => void = () => {},
): Promise<Holding> {
  const server = await LockServer.start(t);
  prepare(server);
  const clock = new TestClock();
  const lost: Error[] = [];
  const onlost = (reason: Error): void => void lost.push(reason);
  const taken = await takeLock(server.sess, "/a%20b", { ...WISH, onlost, ...wish }, clock);
  const lock = taken as unknown as nx_held_lock;
  const pass = async (): Promise<void> => {
    if (!clock.next()) throw new Error("nothing is planned");
    await until(() => clock.waits.length > 0 || lost.length > 0);
  };
  return { server, clock, lock, lost, pass };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

t.test("refreshed at half time, for days", async (t) => {
  const { server, clock, lock, lost, pass } = await holding(t, {}, (s) => {
    s.timeout = "Second-3600";
  });
  const start = clock.time;
  while (clock.time < start + 3 * 86_400_000) {
    t.same(clock.waits, [1_800_000]);
    await pass();
    t.equal(nx_lock_expires(lock)?.getTime(), clock.time + 3_600_000);
  }
  t.same(lost, []);
  t.equal(server.seen.length, 1 + 144);
  t.equal(server.server.connections, 1 + 144, "as LOCK is not idempotent");
  t.equal(server.submitted.at(-1), "(<t:1>)");
  await nx_unlock(lock);
  t.same(clock.waits, []);
});

t.test("the time that the server grants counts, not the one asked for", async (t) => {
  const rows: [granted: string, waits: number[], expires: number | null][] = [
    ["Second-10", [5000], 10_000],
    ["Infinite", [], null],
    ["Second-9223372036854775807", [], null],
    ["Second-0", [50_000], 100_000],
    ["Second--5", [50_000], 100_000],
    ["", [50_000], 100_000],
  ];
  for (const [granted, waits, expires] of rows) {
    const { clock, lock } = await holding(t, {}, (s) => (s.timeout = granted));
    t.same(clock.waits, waits, granted);
    const at = nx_lock_expires(lock)?.getTime() ?? null;
    t.equal(at === null ? null : at - clock.time, expires, granted);
  }
});

t.test("not refreshed where that is not wanted", async (t) => {
  const { clock } = await holding(t, { renew: false });
  t.same(clock.waits, []);
});

t.test("what may pass is tried again until the lock has run out", async (t) => {
  const { server, clock, lost, pass } = await holding(t);
  const start = clock.time;
  const busy = (): Uint8Array => answer({ status: "503 Busy", type: null });
  for (let i = 0; i < 100; i++) server.instead.push(busy);
  const pauses: number[] = [];
  while (lost.length === 0) {
    const before = clock.time;
    await pass();
    pauses.push(clock.time - before);
  }
  t.same(pauses, [50_000, 1000, 2000, 4000, 8000, 16_000, 19_000]);
  t.equal(clock.time, start + 100_000, "the last try is when it runs out");
  t.equal(lost.length, 1);
  t.match(lost[0], { name: "nx_error", status: { code: 503 }, path: "/a%20b" });
  t.same(clock.waits, [], "and then no more");
});

t.test("a failure that passes is forgotten", async (t) => {
  const { server, clock, lost, pass } = await holding(t);
  server.instead.push(() => answer({ status: "503 Busy", type: null, fields: ["Retry-After: 9"] }));
  await pass();
  const [wait = 0] = clock.waits;
  t.ok(wait > 7000 && wait <= 9000, "Retry-After is kept");
  await pass();
  t.same(clock.waits, [50_000]);
  t.same(lost, []);
});

t.test("a connection that cannot be made may pass", async (t) => {
  const { server, clock, lost, pass } = await holding(t);
  await server.server.close();
  await pass();
  t.same(clock.waits, [1000]);
  t.same(lost, []);
});

t.test("a refusal ends it at once", async (t) => {
  for (const status of ["412 Precondition Failed", "423 Locked", "404 Not Found", "409 x"]) {
    const { server, clock, lock, lost, pass } = await holding(t);
    server.instead.push(() => answer({ status, type: null }));
    await pass();
    t.equal(lost.length, 1, status);
    t.match(lost[0], { name: "nx_error", message: `The lock was not refreshed: ${status}` });
    t.same(clock.waits, []);
    // its token is still sent
    t.equal(await ne_putbuf(server.sess, "/a%20b", Buffer.from("x")), NE_OK);
    t.equal(server.submitted.at(-1), `(<${nx_lock_token(lock)}>)`);
  }
});

t.test("success without the lock: discovery decides", async (t) => {
  const { server, clock, lost, pass } = await holding(t);
  server.instead.push(() => answer({ status: "200 OK", type: null }));
  await pass();
  t.equal(server.seen.at(-1), "PROPFIND /a%20b");
  t.same(clock.waits, [50_000]);
  t.same(lost, []);
  server.locks.length = 0;
  server.instead.push(() => answer({ status: "200 OK", type: null }));
  await pass();
  t.match(lost, [{ message: "The lock on /a%20b is not there any more" }]);
});

t.test("a little earlier or later, so that many locks do not meet", async (t) => {
  for (const [random, wait] of [[0, 45_000], [1, 55_000]] as const) {
    const server = await LockServer.start(t);
    const clock = Object.assign(new TestClock(), { random: () => random });
    await takeLock(server.sess, "/a", WISH, clock);
    t.same(clock.waits.map(Math.round), [wait]);
  }
});

t.test("when a lock runs out", async (t) => {
  const never = NE_TIMEOUT_INFINITE;
  const rows: [wanted: number, granted: number, askedAt: number, at: number | null][] = [
    [100, 50, 7, 50_007],
    [100, 0, 7, 100_007],
    [100, NE_TIMEOUT_INVALID, 7, 100_007],
    [100, never, 7, null],
    [never, 50, 7, 50_007],
    [never, 0, 7, null],
    [1, 8.64e12, 0, 8.64e15],
    [1, 8.64e12, 1, null],
  ];
  for (const [wanted, granted, askedAt, at] of rows) {
    t.equal(expiryOf(wanted, granted, askedAt), at, `${wanted} ${granted}`);
  }
});

t.test("pauses grow to half a minute", async (t) => {
  const { server, clock, pass } = await holding(t, {}, (s) => (s.timeout = "Second-1000"));
  const old = ["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"];
  for (let i = 0; i < 8; i++) {
    server.instead.push(() => answer({ status: "503 Busy", type: null, fields: old }));
  }
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    await pass();
    waits.push(...clock.waits);
  }
  t.same(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

t.test("success whose answer nobody can read: discovery decides", async (t) => {
  const busy = answer({ status: "503 Busy", type: null });
  const rows: [what: string, discovered: Uint8Array | null, waits: number[], lost: number][] = [
    ["the lock is there", null, [50_000], 0],
    ["the server does not say now", busy, [1000], 0],
    ["nor has it the resource", answer({ status: "404 Not Found", type: null }), [], 1],
    ["nobody understands it", answer({ body: "" }), [], 1],
  ];
  for (const [what, discovered, waits, count] of rows) {
    const { server, clock, lost, pass } = await holding(t);
    server.instead.push(
      () => answer({ status: "200 OK", type: "text/html", body: "<html><p>" }),
      discovered === null ? null : () => discovered,
    );
    await pass();
    t.equal(server.seen.at(-1), "PROPFIND /a%20b", what);
    t.same([clock.waits, lost.length], [waits, count], what);
  }
});

t.test("a lock that discovery shows to have no end is not refreshed any more", async (t) => {
  const { server, clock, lock, pass } = await holding(t);
  for (const each of server.locks) each.timeout = "Infinite";
  server.instead.push(() => answer({ status: "200 OK", type: null }));
  clock.next();
  while (nx_lock_expires(lock) !== null) await new Promise((resolve) => setImmediate(resolve));
  t.same(clock.waits, []);
  await t.rejects(pass(), /nothing is planned/);
});

t.test("a 207 that refuses is a refusal", async (t) => {
  const { server, lost, pass } = await holding(t);
  const body = multistatus(response("/a%20b", "<D:status>HTTP/1.1 423 Locked</D:status>"));
  server.instead.push(() => answer({ body }));
  await pass();
  t.match(lost, [{ name: "nx_error", status: { code: 423 } }]);
  t.same(server.seen.slice(1), ["LOCK /a%20b"]);
});

t.test("failures that say nothing about the lock may pass", async (t) => {
  const refuse = (sess: ne_session): void => ne_set_server_auth(sess, () => 1);
  const boom = new Error("boom");
  const explode = (sess: ne_session): void => {
    const hook = (): void => {
      ne_unhook_pre_send(sess, hook, null);
      throw boom;
    };
    ne_hook_pre_send(sess, hook, null);
  };
  const challenge = ['WWW-Authenticate: Basic realm="r"'];
  const rows: [what: string, prepare: (sess: ne_session) => void, reply: string | Uint8Array][] = [
    ["no login", refuse, answer({ status: "401 Unauthorized", type: null, fields: challenge })],
    ["a hook that throws", explode, answer({ status: "500 Oops", type: null })],
    ["no HTTP", () => {}, "nonsense\r\n\r\n"],
  ];
  for (const [what, prepare, reply] of rows) {
    const { server, clock, lost, pass } = await holding(t);
    let left = 0;
    ne_hook_create_request(server.sess, () => void left++, null);
    ne_hook_destroy_request(server.sess, () => void left--, null);
    prepare(server.sess);
    server.instead.push(() => reply);
    await pass();
    t.same([clock.waits, lost], [[1000], []], what);
    t.equal(left, 0, "its request was destroyed");
  }
});

t.test("which statuses may pass", async (t) => {
  const passing = [408, 425, 429, 500, 502, 503, 504];
  for (const code of [...passing, 400, 403, 410, 501, 505, 507]) {
    const { server, clock, lost, pass } = await holding(t);
    server.instead.push(() => answer({ status: `${code} No`, type: null }));
    await pass();
    const may = passing.includes(code);
    t.same([clock.waits, lost.length], may ? [[1000], 0] : [[], 1], String(code));
  }
});

t.test("a lock with a millisecond left is tried for once more", async (t) => {
  const { server, clock, lost, pass } = await holding(t);
  const end = clock.time + 100_000;
  server.instead.push(() => {
    clock.time = end - 1;
    return answer({ status: "503 Busy", type: null });
  });
  await pass();
  t.same([clock.waits, lost], [[1], []]);
  await pass();
  t.same([clock.waits, lost], [[50_000], []]);
});

t.test("an answer to another request shows that it is gone", async (t) => {
  const { server, clock, lost } = await holding(t);
  const failed = (): Uint8Array => answer({ status: "412 Precondition Failed", type: null });
  server.instead.push(failed);
  t.equal(await ne_putbuf(server.sess, "/a%20b", Buffer.from("x")), NE_ERROR);
  await server.answered(3);
  t.equal(server.seen[2], "PROPFIND /a%20b", "there are other reasons for a 412");
  t.same(lost, []);
  server.locks.length = 0;
  server.instead.push(failed, null, failed);
  t.equal(await ne_putbuf(server.sess, "/a%20b", Buffer.from("x")), NE_ERROR);
  await until(() => lost.length > 0);
  t.match(lost, [{ message: "The lock on /a%20b is not there any more (412 Precondition Failed)" }]);
  t.same(clock.waits, []);
  t.equal(await ne_putbuf(server.sess, "/a%20b", Buffer.from("x")), NE_ERROR);
  t.equal(lost.length, 1, "told once");
});

t.test("a lock goes with its resource", async (t) => {
  const { server, lost } = await holding(t);
  t.equal(await ne_delete(server.sess, "/other"), NE_OK);
  t.same(lost, []);
  t.equal(await ne_delete(server.sess, "/a%20b"), NE_OK);
  t.match(lost, [{ message: "The lock on /a%20b went with it (DELETE)" }]);
});

t.test("given back while the session is busy, and refreshed so", async (t) => {
  const { server, clock, lock, pass } = await holding(t);
  const slow = gate();
  const started = gate();
  const body = {
    async *[Symbol.asyncIterator]() {
      started.open();
      await slow.opened;
      yield Buffer.from("x");
    },
  };
  const sending = nx_send(server.sess, "PUT", "/slow", { body });
  await started.opened;
  await pass();
  t.same(clock.waits, [50_000]);
  await nx_unlock(lock);
  t.equal(server.locks.length, 0);
  slow.open();
  t.equal((await sending).ok, true);
});

t.test("a destroyed session ends its timers", async (t) => {
  const { server, clock, lock, lost } = await holding(t);
  server.destroySession();
  t.same([clock.waits, lost], [[], []]);
  await t.rejects(nx_unlock(lock), {
    message: "nx_unlock: the session of the lock was destroyed already",
  });
});

t.test("a session destroyed during a refresh", async (t) => {
  const { server, clock, lost } = await holding(t);
  server.instead.push(() => {
    server.destroySession();
    return answer({ status: "503 Busy", type: null });
  });
  clock.next();
  await server.answered(2);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(clock.waits, []);
  t.same(lost, []);
});

t.test("the clock of the system", async (t) => {
  t.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  t.ok(systemClock.random() < 1);
  const off = systemClock.after(2 ** 40, () => t.fail("too early"));
  off();
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {}, 1000);
    systemClock.after(1, () => {
      clearInterval(alive);
      resolve();
    });
  });
});
