// Options of calls: what is read of an object, and what is a mistake.
import vm from "node:vm";
import t from "tap";
import { describe, readOptions } from "../../../lib/internal/base/call_options.js";

const KNOWN = new Set(["a", "b"]);
class Settings {
  a = 1;
}

const read = (given: unknown, what?: string): object =>
  readOptions(given as object, KNOWN, "f", what);

t.test("what an object has itself", async (t) => {
  t.strictSame({ ...read({ a: 1, b: undefined }) }, { a: 1, b: undefined });
  t.strictSame({ ...read(Object.assign(Object.create(null), { a: 1 })) }, { a: 1 });
  t.strictSame({ ...read(vm.runInNewContext("({ a: 1 })")) }, { a: 1 }, "of another realm");
  t.strictSame({ ...read(Object.assign(Object.create({ b: 2 }), { a: 1 })) }, { a: 1 });
  t.strictSame({ ...read(new Settings()) }, { a: 1 });
  const given = { a: 1 };
  t.not(read(given), given, "a copy");
});

t.test("anything but an options object is refused", async (t) => {
  const rows: [given: unknown, error: string][] = [
    [null, "f: the options must be an object, not null"],
    [5, "f: the options must be an object, not number"],
    ["a", "f: the options must be an object, not string"],
    [[], "f: the options must be an object, not Array"],
    [new Map([["a", 1]]), "f: the options must be an object, not Map"],
    [new Headers(), "f: the options must be an object, not Headers"],
    [{ c: undefined }, 'f: there is no option "c"'],
  ];
  for (const [given, message] of rows) t.throws(() => read(given), { name: "TypeError", message });
  t.throws(() => read({ c: 1 }, "range"), { message: 'f: there is no option "c" in range' });
  t.throws(() => read(1, "range"), { message: "f: the range must be an object, not number" });
});

t.test("what a value is", async (t) => {
  const rows: [value: unknown, what: string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [new Date(), "Date"],
    [{}, "Object"],
    [Object.create(null), "object"],
    [{ constructor: 5 }, "object"],
    [Symbol("x"), "symbol"],
  ];
  for (const [value, what] of rows) t.equal(describe(value), what);
});
