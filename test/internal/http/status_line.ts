// Status lines as neon reads them, and as most peers write them.
import t from "tap";
import { parseStatusLine } from "../../../lib/internal/http/status_line.js";
import { ne_status } from "../../../lib/ne_utils.js";

function read(line: string, strict: boolean): unknown {
  const status = Object.assign(new ne_status(), { code: 7, reason_phrase: "before" });
  const found = parseStatusLine(line, strict, status);
  const { major_version: major, minor_version: minor, code, klass, reason_phrase } = status;
  return found ? [`${major}.${minor}`, code, klass, reason_phrase] : { ...status };
}

const NONE = { ...new ne_status() };

t.test("what both read", async (t) => {
  const rows = [
    ["HTTP/1.1 200 OK", ["1.1", 200, 2, "OK"]],
    ["HTTP/1.0 404 Not Found", ["1.0", 404, 4, "Not Found"]],
    ["HTTP/1.1 207 ", ["1.1", 207, 2, ""]],
  ] as const;
  for (const [line, wanted] of rows) {
    for (const strict of [true, false]) t.strictSame(read(line, strict), wanted, line);
  }
});

t.test("what only a lenient reader takes", async (t) => {
  const rows = [
    ["HTTP/1.1 200", ["1.1", 200, 2, ""]],
    ["HTTP/1.1 999 Odd", ["1.1", 999, 5, "Odd"]],
    ["HTTP/1.1 600", ["1.1", 600, 5, ""]],
    ["HTTP/1.1 700 a  b", ["1.1", 700, 5, "a  b"]],
  ] as const;
  for (const [line, wanted] of rows) t.strictSame(read(line, false), wanted, line);
  t.strictSame(read("HTTP/1.1 200", true), NONE, "neon wants the blank");
});

t.test("a malformed line leaves the status as new", async (t) => {
  const lines = ["", "HTTP/1.1", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "http/1.1 200 OK",
    "HTTP/1.1200 OK", "HTTP/1.1 2x0 OK", "XTTP/1.1 200 OK", "HTTP/11.1 200", "HTTP/1. 200 OK",
    "HTTP/1.1 200OK", "GET / HTTP/1.1"];
  for (const line of lines) t.strictSame(read(line, false), NONE, line);
});
