// Generators and their answers: nothing is awaited that is there already.
import t from "tap";
import { drive, whenReady } from "../../../lib/internal/guests/driving.js";
import type { Answer, Asking } from "../../../lib/internal/auth/scheme.js";

function* asking(count: number): Asking<string> {
  let all = "";
  for (let i = 0; i < count; i++) all += String(yield { want: "bearer", realm: String(i) });
  return all;
}

t.test("answers that are there", async (t) => {
  const seen: string[] = [];
  const result = drive(asking(3), (question) => {
    seen.push(question.want === "bearer" ? question.realm : "");
    return "x";
  });
  t.equal(result, "xxx", "no promise");
  t.strictSame(seen, ["0", "1", "2"]);
  t.equal(drive(asking(0), () => null), "");
});

t.test("answers that come later, from the first promise on", async (t) => {
  const answers: (Answer | PromiseLike<Answer>)[] = ["a", Promise.resolve("b"), "c"];
  const result = drive(asking(3), () => answers.shift() ?? null);
  t.type(result, Promise);
  t.equal(await result, "abc");
  const like = { then: (done: (value: string) => void) => done("d") };
  t.equal(await drive(asking(1), () => like as unknown as PromiseLike<Answer>), "d");
});

t.test("failures come out", async (t) => {
  t.throws(() => drive(asking(1), () => {
    throw new Error("now");
  }), /now/);
  await t.rejects(Promise.resolve(drive(asking(1), () => Promise.reject(new Error("later")))), /later/);
});

t.test("going on at once, or when it is there", async (t) => {
  t.equal(whenReady(1, (value) => value + 1), 2);
  const later = whenReady(Promise.resolve(1), (value: number) => value + 1);
  t.type(later, Promise);
  t.equal(await later, 2);
});
