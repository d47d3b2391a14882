// A result that is a failure as an exception: its condition is read where the document has one.
import t from "tap";
import { errorOf } from "../../../lib/internal/script/nx_must.js";
import { resultOf } from "../../../lib/internal/script/result.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";

function errorFor(body: string, type: string | null, { code = 0, line = "423 Locked" } = {}) {
  const status = new ne_status();
  ne_parse_statusline(`HTTP/1.1 ${line}`, status);
  const headers = type === null ? [] : ([["Content-Type", type]] as const);
  return errorOf(
    resultOf({
      ...{ code, error: line, cause: null, status, headers, trailers: [], stream: null },
      ...{ body: Buffer.from(body), url: "http://h/a%20b?c", redirects: [], not_followed: null },
    }),
  );
}

const DOCUMENT = '<D:error xmlns:D="DAV:"><D:lock-token-submitted/></D:error>';

t.test("what it says", async (t) => {
  const error = errorFor(DOCUMENT, "application/xml");
  t.match(error, { name: "nx_error", message: "423 Locked", code: 1, path: "/a%20b" });
  t.match(error, { condition: "lock-token-submitted", status: { code: 423 } });
  t.strictSame(error.headers, [["Content-Type", "application/xml"]]);
  t.equal(errorFor(DOCUMENT, "text/xml; charset=utf-8").condition, "lock-token-submitted");
});

t.test("no condition where there is none", async (t) => {
  const rows: [body: string, type: string | null][] = [
    [DOCUMENT, "text/html"],
    [DOCUMENT, null],
    ["", "text/xml"],
    [DOCUMENT.slice(0, 20), "text/xml"],
    ['<error xmlns="x"><a/></error>', "text/xml"],
  ];
  for (const [body, type] of rows) t.equal(errorFor(body, type).condition, null, `${type} ${body}`);
});

t.test("the code of the dispatch, or NE_ERROR for a response that is the failure", async (t) => {
  t.equal(errorFor("", null, { code: 6 }).code, 6);
  t.equal(errorFor("", null).code, 1);
});
