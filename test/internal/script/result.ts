// The value of nx_send: frozen, taken apart without harm, and shown without its secrets.
import { inspect } from "node:util";
import t from "tap";
import type { ResultRecord } from "../../../lib/internal/script/send_state.js";
import { resultOf } from "../../../lib/internal/script/result.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";

function record(change: Partial<ResultRecord> = {}, line = "200 OK"): ResultRecord {
  const status = new ne_status();
  ne_parse_statusline(`HTTP/1.1 ${line}`, status);
  return {
    ...{ code: 0, error: line, cause: null, status, headers: [], trailers: [], stream: null },
    ...{ body: Buffer.from(""), url: "http://h/", redirects: [], not_followed: null },
    ...change,
  };
}

t.test("ok is NE_OK and a 2xx status", async (t) => {
  t.equal(resultOf(record()).ok, true);
  t.equal(resultOf(record({}, "204 No Content")).ok, true);
  for (const line of ["302 Found", "404 Not Found", "500 Oops"]) {
    t.equal(resultOf(record({}, line)).ok, false, line);
  }
  t.equal(resultOf(record({ code: 1 })).ok, false, "a body that broke off");
  t.equal(resultOf(record({ code: 1, status: null })).ok, false);
});

t.test("fields, in any case, joined in order", async (t) => {
  const headers = [["A", "1"], ["b", "x"], ["a", "2"]] as const;
  const { header } = resultOf(record({ headers }));
  t.equal(header("a"), "1, 2");
  t.equal(header("B"), "x");
  t.equal(header("c"), null);
  t.throws(() => header(7 as unknown as string), /nx_result.header: the name must be a string/);
});

t.test("text and JSON by the charset of the field", async (t) => {
  const of = (bytes: Buffer, type?: string) =>
    resultOf(record({ body: bytes, headers: type === undefined ? [] : [["Content-Type", type]] }));
  t.equal(of(Buffer.from("ä")).text(), "ä");
  t.equal(of(Buffer.from("\xe4", "latin1"), "text/plain; charset=iso-8859-1").text(), "ä");
  t.strictSame(of(Buffer.from('{"a":1}')).json(), { a: 1 });
  t.throws(() => of(Buffer.from("{")).json(), SyntaxError);
  const { text } = of(Buffer.from("taken apart"));
  t.equal(text(), "taken apart");
});

t.test("frozen", async (t) => {
  const result = resultOf(record());
  t.equal(Object.isFrozen(result), true);
  t.throws(() => Object.assign(result, { code: 1 }), TypeError);
});

t.test("one line, without what a query may hold", async (t) => {
  const url = "http://h/a?access_token=secret";
  const result = resultOf(record({ url, body: Buffer.from("abc") }));
  t.equal(inspect(result), "nx_result <200 OK, 3 bytes, http://h/a?…>");
});
