// Status lines as they stand in documents.
import t from "tap";
import { parseStatusElement } from "../../../lib/internal/multistatus/status_element.js";

t.test("what servers write", async (t) => {
  const rows: [text: string, code: number | null, reason: string][] = [
    ["HTTP/1.1 200 OK", 200, "OK"],
    [" \nHTTP/1.1 404 Not Found\t", 404, "Not Found"],
    ["HTTP/1.1 200 ", 200, ""],
    ["HTTP/1.1 200", 200, ""],
    ["HTTP/2 200 OK", 200, "OK"],
    ["HTTP/3 507", 507, ""],
    ["200 OK", null, ""],
    ["HTTP/1.1 2000", null, ""],
    ["HTTP/11 200 OK", null, ""],
    ["", null, ""],
  ];
  for (const [text, code, reason] of rows) {
    const status = parseStatusElement(text);
    t.equal(status?.code ?? null, code, text);
    if (status !== null) t.equal(status.reason_phrase, reason, text);
  }
});
