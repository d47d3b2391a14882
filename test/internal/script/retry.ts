// What is worth another try, and when: tables with reasons.
import t from "tap";
import { isIdempotent, isTransientFailure, pauseMs } from "../../../lib/internal/script/retry.js";
import { NE_AUTH, NE_CONNECT, NE_ERROR, NE_LOOKUP, NE_OK, NE_TIMEOUT } from "../../../lib/ne_request.js";

t.test("what may pass", async (t) => {
  const rows: [code: number, status: number, error: string, may: boolean][] = [
    [NE_OK, 503, "503 Service Unavailable", true],
    [NE_OK, 408, "", true],
    [NE_OK, 429, "", true],
    [NE_OK, 502, "", true],
    [NE_OK, 504, "", true],
    [NE_OK, 500, "", false],
    [NE_OK, 501, "", false],
    [NE_OK, 404, "", false],
    [NE_OK, 200, "", false],
    [NE_CONNECT, 0, "Could not connect to server: Connection refused", true],
    [NE_LOOKUP, 0, "Could not resolve hostname", true],
    [NE_TIMEOUT, 0, "Could not connect to server: Connection timed out", true],
    [NE_TIMEOUT, 0, "Could not read status line: connection timed out", false],
    [NE_TIMEOUT, 0, "Request timed out", false],
    [NE_ERROR, 0, "Could not read status line: connection was closed by server", true],
    [NE_ERROR, 0, "Could not read status line: connection was closed by proxy server", true],
    [NE_ERROR, 0, "Could not send request: Connection reset by peer", true],
    [NE_ERROR, 0, "Could not send request body: Broken pipe", true],
    [NE_ERROR, 0, "Could not read status line: Secure connection truncated", true],
    [NE_ERROR, 0, "Could not parse response status line", false],
    [NE_ERROR, 0, "SSL handshake failed: certificate is not trusted", false],
    [NE_ERROR, 0, "Aborted", false],
    [NE_ERROR, 200, "Could not read response body: connection was closed by server", false],
    [NE_ERROR, 503, "Could not read response body: connection was closed by server", false],
    [NE_AUTH, 401, "Could not authenticate to server", false],
  ];
  for (const [code, status, error, may] of rows) {
    t.equal(isTransientFailure(code, status, error), may, `${code} ${status} ${error}`);
  }
});

t.test("methods", async (t) => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "PROPFIND", "MOVE"]) {
    t.ok(isIdempotent(method), method);
  }
  for (const method of ["POST", "PATCH", "LOCK", "get", "X"]) t.notOk(isIdempotent(method), method);
});

t.test("pauses grow, with jitter, up to a bound", async (t) => {
  t.strictSame([1, 2, 3, 4].map((tries) => pauseMs(tries, null, 1)), [100, 200, 400, 800]);
  t.strictSame([1, 2, 3, 4].map((tries) => pauseMs(tries, null, 0)), [50, 100, 200, 400]);
  t.equal(pauseMs(60, null, 1), 30_000);
  t.ok(new Set(Array.from({ length: 20 }, () => pauseMs(5, null))).size > 1);
});

t.test("Retry-After", async (t) => {
  t.equal(pauseMs(1, "3", 0), 3000);
  t.equal(pauseMs(1, " 3 ", 1), 3100, "never earlier");
  t.equal(pauseMs(3, "0", 0), 0);
  const soon = pauseMs(1, new Date(Date.now() + 60_000).toUTCString(), 0);
  t.ok(soon > 58_000 && soon <= 60_000, String(soon));
  t.equal(pauseMs(1, "Sun, 06 Nov 1994 08:49:37 GMT", 0), 0, "long ago");
  t.equal(pauseMs(1, "soon", 1), 100, "what can't be read says nothing");
  t.equal(pauseMs(1, "-5", 1), 100);
  t.ok(pauseMs(1, "99999999999999", 0) <= 2 ** 31 - 1);
});
