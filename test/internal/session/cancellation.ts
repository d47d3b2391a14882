// internal/session/cancellation.ts: a request's permission to go on.
import t from "tap";
import { BrokenOff, Scope } from "../../../lib/internal/session/cancellation.js";
import { NE_ERROR, NE_TIMEOUT } from "../../../lib/index.js";
import { failureOf } from "../../fixtures/conversation.js";

const why = new Error("why");
const never = new Promise<never>(() => {});

t.test("a scope that breaks tells everyone, once", async (t) => {
  const scope = new Scope();
  const told: string[] = [];
  scope.onBreak(() => void told.push("a"));
  const forget = scope.onBreak(() => void told.push("b"));
  scope.onBreak(() => void told.push("c"));
  forget();
  scope.check();
  scope.abort(why);
  scope.break(NE_TIMEOUT, "later", new Error("other"));
  t.strictSame(told, ["a", "c"]);
  const { broken } = scope;
  t.match(broken, { code: NE_ERROR, message: "Aborted", cause: why });
  t.equal(await failureOf(() => scope.check()), broken);
  scope.onBreak((given) => t.equal(given, broken, "who comes late is told at once"))();
});

t.test("waiting for a promise, but no longer than the scope lives", async (t) => {
  const scope = new Scope();
  t.equal(await scope.race(Promise.resolve(5)), 5);
  t.equal(await failureOf(() => scope.race(Promise.reject(why))), why);
  const waiting = scope.race(never);
  const late = scope.race(new Promise((_resolve, reject) => setImmediate(() => reject(why))));
  scope.abort(why);
  t.type(await failureOf(() => waiting), BrokenOff);
  t.type(await failureOf(() => late), BrokenOff, "what is rejected later is heard by nobody");
  t.type(await failureOf(() => scope.race(Promise.resolve(1))), BrokenOff);
  await new Promise((resolve) => setImmediate(resolve));
});

t.test("a bound on the time", async (t) => {
  const scope = new Scope();
  scope.setDeadline(60_000);
  scope.setDeadline(1);
  const broken = (await failureOf(() => scope.race(never))) as BrokenOff;
  t.match(broken, { code: NE_TIMEOUT, message: "Request timed out" });
  const free = new Scope();
  free.setDeadline(1);
  free.setDeadline(0);
  free.setDeadline(2 ** 40);
  await new Promise((resolve) => setTimeout(resolve, 5));
  free.check();
  free.close();
  t.equal(free.broken, null);
});

t.test("what is over cannot be broken off by the clock, and says that it is over", async (t) => {
  const scope = new Scope();
  let over = 0;
  scope.onClose(() => void over++);
  scope.onBreak(() => t.fail("nobody waits any more"));
  scope.setDeadline(1);
  scope.close();
  scope.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.strictSame([over, scope.broken], [1, null]);
  scope.abort(why);
});
