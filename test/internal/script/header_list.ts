// Header lists in every form: what they come to, and what is none.
import t from "tap";
import { readHeaderList } from "../../../lib/internal/script/header_list.js";

const read = (given: unknown): unknown => readHeaderList(given, "f");

t.test("forms", async (t) => {
  const pairs = [["X-A", "1"], ["X-B", "2"], ["X-A", "3"]] as const;
  const rows: [form: string, given: unknown, fields: unknown][] = [
    ["a record", { "X-A": "1", b: "2" }, [["X-A", "1"], ["b", "2"]]],
    ["with arrays", { a: ["1", "2"], b: [] }, [["a", "1"], ["a", "2"]]],
    ["without a prototype", Object.assign(Object.create(null), { a: "1" }), [["a", "1"]]],
    ["pairs", pairs, pairs],
    ["a Map", new Map([["X-A", "1"], ["x-a", "2"]]), [["X-A", "1"], ["x-a", "2"]]],
    ["Headers", new Headers([["X-A", "1"], ["X-A", "2"]]), [["x-a", "1, 2"]]],
    ["cookies of Headers", new Headers([["Set-Cookie", "a"], ["Set-Cookie", "b"]]),
      [["set-cookie", "a"], ["set-cookie", "b"]]],
    ["URLSearchParams", new URLSearchParams("a=1&a=2"), [["a", "1"], ["a", "2"]]],
    ["a generator", (function* () { yield ["a", "1"]; })(), [["a", "1"]]],
    ["an empty record", {}, []],
    ["an empty list", [], []],
    ["an empty value", { a: "" }, [["a", ""]]],
    ["framing in an iterable is left out",
      [["Content-Length", "5"], ["a", "1"], ["TRANSFER-ENCODING", "chunked"]], [["a", "1"]]],
  ];
  for (const [form, given, fields] of rows) t.strictSame(read(given), fields, form);
});

t.test("values that are not header fields are refused", async (t) => {
  class Own {
    "X-A" = "1";
  }
  const rows: [reason: string, given: unknown, error: RegExp][] = [
    ["null", null, /^f: headers must be .* not null$/],
    ["text", "X-A: 1", /not string/],
    ["a number", 5, /not number/],
    ["a list of texts", ["X-A: 1"], /something else than pairs/],
    ["two characters are no pair", ["ab"], /something else than pairs/],
    ["a pair too long", [["a", "1", "2"]], /something else than pairs/],
    ["a pair too short", [["a"]], /something else than pairs/],
    ["a Set", new Set(["a"]), /something else than pairs/],
    ["bytes", new Uint8Array(2), /something else than pairs/],
    ["a Date", new Date(), /not Date/],
    ["a promise", Promise.resolve({}), /not Promise/],
    ["a WeakMap", new WeakMap(), /not WeakMap/],
    ["an object of a class", new Own(), /not Own/],
    ["an object with defaults behind it", Object.create({ "X-A": "1" }), /not Object/],
    ["a value that is a number", { a: 5 }, /the value of a must be a string, not number/],
    ["a value that is undefined", { a: undefined }, /not undefined/],
    ["a number in an array", { a: ["1", 5] }, /the value of a must be a string/],
    ["a number in a pair", [["a", 5]], /the value of a must be a string/],
    ["a name that is none", { "a b": "1" }, /field name is not a token/],
    ["no name", [["", "1"]], /field name is not a token/],
    ["framing in a record", { "content-LENGTH": "5" }, /content-LENGTH comes from the body/],
    ["the same", { "Transfer-Encoding": "chunked" }, /Transfer-Encoding comes from the body/],
    ["CR and LF", { a: "1\r\nB: 2" }, /CR, LF or NUL/],
    ["NUL in a Map", new Map([["a", "\0"]]), /CR, LF or NUL/],
    ["LF in a name", [["a\nb", "1"]], /field name is not a token/],
    ["beyond latin1", { a: "\u20ac" }, /above U\+00FF/],
  ];
  for (const [reason, given, error] of rows) {
    t.throws(() => read(given), { name: "TypeError", message: error }, reason);
  }
});
