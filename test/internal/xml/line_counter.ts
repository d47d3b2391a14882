// internal/xml/line_counter.ts: lines of pieces of text, whoever has counted them.
import t from "tap";
import { LineCounter } from "../../../lib/internal/xml/line_counter.js";

t.test("places in one text, from front to back", async (t) => {
  const lines = new LineCounter();
  const text = "a\nb\n\nc";
  lines.begin(0, 3);
  t.strictSame([0, 1, 2, 3, 5, 5, 6].map((pos) => lines.at(text, pos)), [1, 1, 2, 2, 4, 4, 4]);
  t.equal(lines.ahead, -1, "the count given before holds no more");
});

t.test("a text that nobody asked about costs no counting", async (t) => {
  const lines = new LineCounter();
  // the count is taken at its word
  lines.begin(0, 7);
  lines.goTo("a\nb", 3);
  t.equal(lines.line, 8);
  lines.begin(0, 3);
  lines.goTo("a\nb\nc\n", 3);
  t.equal(lines.line, 9, "two of the three are behind the place");
});

t.test("a text whose lines were asked for, or not counted, is counted", async (t) => {
  const lines = new LineCounter();
  lines.begin(0, -1);
  lines.goTo("a\nb\n", 4);
  t.equal(lines.line, 3);
  lines.begin(0, 2);
  lines.at("a\nb\n", 2);
  lines.goTo("a\nb\n", 4);
  t.equal(lines.line, 5);
});
