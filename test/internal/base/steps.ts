// internal/base/steps.ts: what is there is used at once, what is not is waited for, in order, and
// what fails is thrown where it was wanted.
import t from "tap";
import { run, valueOf, type Steps } from "../../../lib/internal/base/steps.js";

function* sum(...numbers: (number | PromiseLike<number>)[]): Steps<number> {
  let total = 0;
  for (const number of numbers) total += yield* valueOf(number);
  return total;
}

t.test("nothing to wait for gives no promise", async (t) => {
  t.equal(run(sum(1, 2, 3)), 6);
  t.equal(run(sum()), 0);
});

t.test("a promise anywhere gives a promise", async (t) => {
  const result = run(sum(1, Promise.resolve(2), 3, Promise.resolve(4)));
  t.ok(result instanceof Promise);
  t.equal(await result, 10);
  // what can only be waited for is enough
  const thenable: PromiseLike<number> = { then: (...args) => Promise.resolve(5).then(...args) };
  t.equal(await run(sum(thenable)), 5);
});

t.test("undefined is a value like others", async (t) => {
  t.equal(await run(valueOf(Promise.resolve(undefined))), undefined);
});

t.test("a rejection is thrown into the steps", async (t) => {
  const seen: string[] = [];
  function* careful(): Steps<string> {
    try {
      yield* valueOf(Promise.reject(new Error("no")));
      return "gone on";
    } catch (error) {
      seen.push(String(error));
      return "caught";
    } finally {
      seen.push("left");
    }
  }
  t.equal(await run(careful()), "caught");
  t.strictSame(seen, ["Error: no", "left"]);
  const failed = run(sum(1, Promise.reject(new Error("far"))));
  await t.rejects(Promise.resolve(failed), { message: "far" });
});

t.test("what is thrown at once is thrown by run", async (t) => {
  function* broken(): Steps<number> {
    throw new RangeError("here");
  }
  t.throws(() => run(broken()), RangeError);
});
