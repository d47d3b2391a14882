// Generators and their answers: nothing is awaited that is there already.
import t from "tap";
import { run, valueOf, type Steps } from "../../../lib/internal/base/steps.js";
import { runScheme } from "../../../lib/internal/plugins/run_scheme.js";
import type { Answer, Asking } from "../../../lib/internal/auth/scheme.js";

function* asking(count: number): Asking<string> {
  let all = "";
  for (let i = 0; i < count; i++) all += String(yield { want: "bearer", realm: String(i) });
  return all;
}

t.test("answers that are there", async (t) => {
  const seen: string[] = [];
  const answer = function* (question: { want: string; realm?: string | null }): Steps<Answer> {
    seen.push(question.realm ?? "");
    return "x";
  };
  t.equal(run(runScheme(asking(3), answer)), "xxx", "no promise");
  t.strictSame(seen, ["0", "1", "2"]);
  t.equal(run(runScheme(asking(0), answer)), "");
});

t.test("answers that come later, from the first promise on", async (t) => {
  const answers: (Answer | PromiseLike<Answer>)[] = ["a", Promise.resolve("b"), "c"];
  const result = run(runScheme(asking(3), () => valueOf(answers.shift() ?? null)));
  t.type(result, Promise);
  t.equal(await result, "abc");
});

t.test("failures come out", async (t) => {
  const now = (): Steps<Answer> => {
    throw new Error("now");
  };
  t.throws(() => run(runScheme(asking(1), now)), /now/);
  const later = (): Steps<Answer> => valueOf(Promise.reject(new Error("later")));
  await t.rejects(Promise.resolve(run(runScheme(asking(1), later))), /later/);
});
