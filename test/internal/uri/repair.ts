// References that no grammar allows, and what is made of them.
import t from "tap";
import { repairHref, repairReference } from "../../../lib/internal/uri/repair.js";

const HEALED: readonly [text: string, repaired: string][] = [
  ["/a%20b?c=d#e", "/a%20b?c=d#e"],
  ["/a b", "/a%20b"],
  ["/[a]{b}|^<>\"\\`", "/%5ba%5d%7bb%7d%7c%5e%3c%3e%22%5c%60"],
  ["/ä\u{1f600}", "/%c3%a4%f0%9f%98%80"],
  ["/\udce4", "/%e4"],
  ["/\ud800", "/%ef%bf%bd"],
  ["/100%", "/100%25"],
  ["/%zz%4", "/%25zz%254"],
  ["/%e4%2f", "/%e4%2f"],
  ["http://[::1]:81/[a]", "http://[::1]:81/%5ba%5d"],
  ["//[fe80::1%25eth0]/x y", "//[fe80::1%25eth0]/x%20y"],
  ["a:b c", "a:b%20c"],
  ["/\t\x7f", "/%09%7f"],
  ["", ""],
];

t.test("what a URI may not hold is escaped, the rest stays", async (t) => {
  for (const [text, repaired] of HEALED) {
    t.equal(repairReference(text), repaired, text);
    t.equal(repairReference(repaired), repaired, "once is enough");
  }
});

t.test("a raw # in an href is part of the name", async (t) => {
  t.equal(repairHref("/d/a#b c"), "/d/a%23b%20c");
  t.equal(repairHref("/d/#"), "/d/%23");
  t.equal(repairHref("/d/plain"), "/d/plain");
});

t.test("a URL that was escaped as a whole is a URL", async (t) => {
  t.equal(repairHref("http%3A//example.com/a%20b"), "http://example.com/a%20b");
  t.equal(repairHref("HTTPS%3a//example.com/"), "HTTPS://example.com/");
  t.equal(repairHref("/http%3A//example.com/"), "/http%3A//example.com/", "but no path is");
});
