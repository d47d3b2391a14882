// The greatest length of a value, in bytes of UTF-8.
import t from "tap";
import { exceeds, valueTooLong } from "../../../lib/internal/multistatus/value_limit.js";

t.test("lengths", async (t) => {
  const rows: [text: string, max: number, longer: boolean][] = [
    ["", 0, false],
    ["a", 0, true],
    ["abc", 3, false],
    ["abcd", 3, true],
    ["ä", 2, false],
    ["ä", 1, true],
    ["€", 3, false],
    ["€", 2, true],
    ["\u{1f600}", 4, false],
    ["\u{1f600}", 3, true],
    ["a".repeat(100), 299, false],
    ["a".repeat(100), 99, true],
  ];
  for (const [text, max, longer] of rows) t.equal(exceeds(text, max), longer, `${text} ${max}`);
});

t.test("the words name the property on one line", async (t) => {
  t.equal(
    valueTooLong("a\nb", 10),
    'the value of a b exceeds 10 bytes (nx_set_limits, "property")',
  );
});
