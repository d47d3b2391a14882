// internal/base/unknown_value.ts: any value can be asked, and only an Error comes out as it is.
import vm from "node:vm";
import t from "tap";
import {
  codeOf,
  errorOf,
  hasMethods,
  ownPropertyOf,
  propertyOf,
} from "../../../lib/internal/base/unknown_value.js";

t.test("a property of anything", async (t) => {
  t.equal(propertyOf({ a: 1 }, "a"), 1);
  t.equal(propertyOf(Object.create({ a: 2 }), "a"), 2, "inherited");
  t.equal(propertyOf(Object.assign(() => {}, { a: 3 }), "a"), 3, "of a function");
  for (const value of [null, undefined, 5, "text", true]) {
    t.equal(propertyOf(value, "length"), undefined, String(value));
  }
  t.equal(ownPropertyOf({ a: 1 }, "a"), 1);
  t.equal(ownPropertyOf({}, "toString"), undefined, "of the object alone");
});

t.test("methods are functions", async (t) => {
  t.equal(hasMethods({ on() {}, destroy() {} }, "on", "destroy"), true);
  t.equal(hasMethods({ on() {}, destroy: 1 }, "on", "destroy"), false);
  t.equal(hasMethods(null, "on"), false);
});

t.test("what was thrown", async (t) => {
  const error = new TypeError("no");
  t.equal(errorOf(error), error);
  const foreign: unknown = vm.runInNewContext("new RangeError('far')");
  t.equal(errorOf(foreign), foreign, "an Error of another realm");
  const abort = new DOMException("gone", "AbortError");
  t.equal(errorOf(abort), abort);
  t.match(errorOf("text"), { message: "text" });
  t.match(errorOf(null), { message: "null" });
});

t.test("codes are texts", async (t) => {
  t.equal(codeOf(Object.assign(new Error(), { code: "EPIPE" })), "EPIPE");
  t.equal(codeOf(new DOMException("gone", "AbortError")), undefined, "a number is none");
  t.equal(codeOf(undefined), undefined);
});
