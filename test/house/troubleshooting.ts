// docs/troubleshooting.md explains every error line of the library, and none that there is not. The
// failures of the catalogue (test/failures) are looked up there too, as they happen.
import t from "tap";
import { errorTexts } from "../fixtures/error_texts.js";
import { explainedLines, isExplained } from "../fixtures/troubleshooting.js";

const texts = errorTexts();

t.test("the library's texts are found", async (t) => {
  t.ok(texts.length > 150, `${texts.length} texts`);
  for (const known of [
    "Could not read status line: …",
    "Could not resolve hostname `…': …",
    "not well-formed (invalid token)",
    "rejected … challenge",
    "Could not read login reply",
    "LOCK response missing Lock-Token header",
  ]) {
    t.ok(texts.some(({ text }) => text === known), known);
  }
});

t.test("every text has a row", async (t) => {
  for (const { file, text } of texts) t.ok(isExplained(text), `${file}: ${text}`);
});

t.test("a row says something, and stands for a text of the library", async (t) => {
  // statuses are the server's words; variables have their names, and the parser its lines, from
  // where the text is put together
  const elsewhere =
    /^(?:\d\d\d |… …$|PATH: |…\w+_proxy…$|XML parse error|Invalid HTTP status line)/;
  for (const { text, pattern } of explainedLines()) {
    if (elsewhere.test(text)) continue;
    t.ok(text.replace(/[…\s:]/g, "").length >= 5, `${text} is no pattern for everything`);
    const known = texts.some(({ text: each }) => pattern.test(each) || overlaps(each, text));
    t.ok(known, `${text} is a text of the library`);
  }
});

// A row may be more particular than the text it stands for: `SSL error: …` has several.
function overlaps(text: string, row: string): boolean {
  if (!text.includes("…")) return row.endsWith(`: ${text}`) || row === `${text}: …`;
  const fixed = text.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${fixed.join(".+")}$`).test(row);
}
