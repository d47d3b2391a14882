// Paths from segments: what is escaped, and what is no segment.
import t from "tap";
import { joinPath } from "../../../lib/internal/resources/nx_path.js";

t.test("paths", async (t) => {
  const rows: [segments: string[], path: string][] = [
    [[], "/"],
    [["a"], "/a"],
    [["a", "b", ""], "/a/b/"],
    [["a b", "c/d", "100%"], "/a%20b/c%2fd/100%25"],
    [["ä", "\u{1f600}"], "/%c3%a4/%f0%9f%98%80"],
    [["?", "#", ";x=y", "@:"], "/%3f/%23/;x=y/@:"],
    [["-._~!$&'()*+,;=:@"], "/-._~!$&'()*+,;=:@"],
    [["..."], "/..."],
    [["\udce4"], "/%e4"],
  ];
  for (const [segments, path] of rows) {
    t.equal(joinPath(segments, "f").toLowerCase(), path.toLowerCase(), JSON.stringify(segments));
  }
});

t.test("what is no segment", async (t) => {
  const rows: [segments: unknown[], message: string][] = [
    [["."], '"." is no segment'],
    [["a", ".."], '".." is no segment'],
    [["", "a"], "only the last segment may be empty"],
    [["a\0"], "a segment holds NUL"],
    [["\ud800"], "a segment holds a lone surrogate"],
    [[7], "every segment must be a string, not number"],
  ];
  for (const [segments, message] of rows) {
    t.throws(() => joinPath(segments as string[], "f"), new TypeError(`f: ${message}`));
  }
});
