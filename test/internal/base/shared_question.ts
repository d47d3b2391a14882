// Who waits for a question that another request asks, and who asks by itself.
import t from "tap";
import { SharedQuestion } from "../../../lib/internal/base/shared_question.js";

t.test("what was begun before the question waits, what was begun later does not", async (t) => {
  const question = new SharedQuestion();
  t.equal(question.isPendingFor(1), false, "nothing was asked");
  let answer = (_code: number): void => {};
  const held = question.hold(3, new Promise<number>((resolve) => (answer = resolve)));
  t.equal(question.isPendingFor(3), true);
  t.equal(question.isPendingFor(4), false, "it may be the callback's own");
  t.equal(await question.hold(9, Promise.resolve(7)), 7, "a question inside of it");
  t.equal(question.isPendingFor(4), false, "holds nobody more");
  const order: string[] = [];
  const waited = question.decided.then(() => {
    order.push(question.isPendingFor(2) ? "still held" : "free");
  });
  answer(5);
  t.equal(await held, 5);
  await waited;
  t.strictSame(order, ["free"], "who waited can ask next");
});

t.test("a question that fails frees those who wait, and fails for who asked", async (t) => {
  const question = new SharedQuestion();
  const held = question.hold(1, Promise.reject(new Error("no answer")));
  t.equal(question.isPendingFor(1), true);
  const pending = question.decided;
  await t.rejects(held, { message: "no answer" });
  await pending;
  t.equal(question.isPendingFor(1), false);
});
