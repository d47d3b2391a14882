// Whether the server says of a resource as a whole that it failed.
import t from "tap";
import { isRefused, type Response } from "../../../lib/internal/resources/response_element.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";

t.test("refused", async (t) => {
  const rows: [line: string | null, refused: boolean][] = [
    [null, false],
    ["200 OK", false],
    ["207 Multi-Status", false],
    ["302 Found", true],
    ["403 Forbidden", true],
    ["500 Oops", true],
    ["102 Processing", true],
  ];
  for (const [line, refused] of rows) {
    const status = line === null ? null : new ne_status();
    if (status !== null) ne_parse_statusline(`HTTP/1.1 ${line}`, status);
    t.equal(isRefused({ status } as Response), refused, String(line));
  }
});
