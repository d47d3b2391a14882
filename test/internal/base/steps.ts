// Steps that wait only where they have to.
import t from "tap";
import { run, valueOf, type Steps } from "../../../lib/internal/base/steps.js";

t.test("what is there already is used at once", async (t) => {
  const steps = function* (): Steps<number> {
    return (yield* valueOf(1)) + (yield* valueOf(2));
  };
  t.equal(run(steps()), 3, "no promise");
});

t.test("promises are waited for, in their order", async (t) => {
  const seen: string[] = [];
  const steps = function* (): Steps<string> {
    seen.push(yield* valueOf(Promise.resolve("a")));
    seen.push(yield* valueOf("b"));
    seen.push(yield* valueOf({ then: (done: (text: string) => void) => done("c") } as PromiseLike<string>));
    return seen.join("");
  };
  const result = run(steps());
  t.type(result, Promise);
  t.strictSame(seen, []);
  t.equal(await result, "abc");
});

t.test("a rejected promise is thrown where it was waited for", async (t) => {
  const steps = function* (): Steps<string> {
    try {
      return yield* valueOf(Promise.reject<string>(new Error("mended")));
    } catch (error) {
      yield* valueOf(Promise.resolve());
      return (error as Error).message;
    }
  };
  t.equal(await run(steps()), "mended");
  const open = function* (): Steps<never> {
    yield* valueOf(Promise.reject(new Error("open")));
    throw new Error("not reached");
  };
  await t.rejects(Promise.resolve(run(open())), { message: "open" });
});

t.test("what steps throw comes out", async (t) => {
  const steps = function* (): Steps<never> {
    yield* valueOf(undefined);
    throw new Error("at once");
  };
  t.throws(() => run(steps()), { message: "at once" });
});
