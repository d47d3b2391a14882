// The options of nx_send: what is sent for them, and each mistake named before anything is sent.
import t from "tap";
import {
  readPlan,
  SEND_OPTIONS,
  type nx_send_options,
} from "../../../lib/internal/script/send_options.js";

const read = (options: nx_send_options = {}, target = "/", method = "GET") =>
  readPlan(method, target, options, "nx_send");

t.test("by default", async (t) => {
  t.match(read(), {
    ...{ method: "GET", target: "/", fields: [], body: null, signal: null, timeout: 0 },
    ...{ redirects: 0, retries: 0, expect: false, stream: false, decompress: true },
    ...{ uploadProgress: null, downloadProgress: null },
  });
  const names = Object.fromEntries(SEND_OPTIONS.map((name) => [name, undefined]));
  t.strictSame(read(names as nx_send_options), read(), "undefined is as good as left out");
});

t.test("targets", async (t) => {
  const rows: [given: string, sent: string][] = [
    ["", "/"],
    ["?a", "/?a"],
    ["/a#b", "/a"],
    ["#b", "/"],
    ["*", "*"],
    ["http://h/a", "http://h/a"],
  ];
  for (const [given, sent] of rows) t.equal(read({}, given).target, sent, given);
});

t.test("fields, and the type of the body", async (t) => {
  t.strictSame(read({ headers: { A: "1", B: ["2", "3"] } }).fields, [["A", "1"], ["B", "2"], ["B", "3"]]);
  t.strictSame(read({ body: new URLSearchParams("a=b") }).fields.length, 1);
  const own = read({ body: new URLSearchParams("a=b"), headers: { "content-type": "x/y" } });
  t.strictSame(own.fields, [["content-type", "x/y"]], "the caller's own wins");
});

t.test("asking first", async (t) => {
  t.equal(read({ expect: true, body: "x" }).expect, true);
  t.equal(read({ expect: true }).expect, false, "for nothing there is nothing to ask");
  const field = read({ headers: { Expect: "100-Continue" }, body: "x" });
  t.strictSame([field.expect, field.fields.map(([name]) => name.toLowerCase()).includes("expect")],
    [true, false]);
});

t.test("numbers and flags", async (t) => {
  t.match(read({ timeout: 1.5, redirects: 3, retries: Infinity }), { timeout: 1.5, redirects: 3, retries: Infinity });
  t.equal(read({ timeout: Infinity }).timeout, 0);
  t.match(read({ stream: true, decompress: false }), { stream: true, decompress: false });
  const { redirectHeaders } = read({ redirect_headers: ["X-A", "x-b"] });
  t.strictSame([...redirectHeaders], ["x-a", "x-b"]);
});

t.test("mistakes", async (t) => {
  const rows: [options: unknown, message: RegExp][] = [
    [{ timeOut: 1 }, /there is no option "timeOut"/],
    [null, /the options must be an object, not null/],
    [[], /the options must be an object, not Array/],
    [{ timeout: -1 }, /"timeout" must be a number of seconds from 0 on, not -1/],
    [{ timeout: "1" }, /"timeout" must be .* not string/],
    [{ timeout: NaN }, /"timeout" must be .* not NaN/],
    [{ redirects: 1.5 }, /"redirects" must be a whole number/],
    [{ redirects: true }, /"redirects" must be a whole number from 0 on, not boolean/],
    [{ retries: -1 }, /"retries" must be a whole number/],
    [{ length: -2 }, /"length" must be/],
    [{ length: 2 }, /"length" is 2, without a body/],
    [{ signal: {} }, /"signal" must be an AbortSignal, not Object/],
    [{ stream: 1 }, /"stream" must be true or false, not 1/],
    [{ decompress: "no" }, /"decompress" must be true or false/],
    [{ upload_progress: 1 }, /"upload_progress" must be a function/],
    [{ redirect_headers: "x" }, /"redirect_headers" must be an array of names, not string/],
    [{ redirect_headers: ["a b"] }, /field name is not a token/],
    [{ headers: { "a b": "c" } }, /field name is not a token/],
    [{ headers: { a: "c\r\nd: e" } }, /holds CR, LF or NUL/],
    [{ body: 7 }, /body/],
  ];
  for (const [options, message] of rows) {
    t.throws(() => read(options as nx_send_options), { name: "TypeError", message }, String(message));
    t.throws(() => read(options as nx_send_options), { message: /^nx_send: / });
  }
  t.throws(() => read({}, "/a b"), { message: /^nx_send: the target holds/ });
  t.throws(() => read({}, "/", "GE T"), { message: 'nx_send: the method is not a token: "GE "…' });
});
