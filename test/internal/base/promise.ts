// What is awaited: promises of any make, and nothing else.
import t from "tap";
import { isPromise } from "../../../lib/internal/base/promise.js";

t.test("promises", async (t) => {
  for (const value of [Promise.resolve(), { then() {} }, new Promise(() => {})]) {
    t.equal(isPromise(value), true);
  }
  const callable = Object.assign(() => {}, { then() {} });
  for (const value of [undefined, null, 0, "then", {}, { then: 1 }, [], callable]) {
    t.equal(isPromise<unknown>(value), false);
  }
});
