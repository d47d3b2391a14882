// Spellings of one path, and paths that only look alike.
import t from "tap";
import { keyOf, locate, samePath } from "../../../lib/internal/uri/same_path.js";

const SAME: readonly [a: string, b: string][] = [
  ["/d/", "/d"],
  ["/", ""],
  ["/A%20%26%20B/", "/A & B"],
  ["/at@home", "/at%40home"],
  ["/par(a)'x", "/par%28a%29%27x"],
  ["/%c3%a4", "/%C3%A4"],
  ["/ä", "/%C3%A4"],
  ["/%E4", "/%e4"],
  ["/[a]", "/%5Ba%5d"],
  ["/a#b", "/a%23b"],
  ["/100%", "/100%25"],
  ["http://inner:8080/d/x", "/d/x"],
  ["https://a/d", "http://b/d/"],
  ["//d/", "/d/"],
  ["//host/d/", "/d/"],
  ["/a//b", "/a/b"],
  ["/a/./b/../c", "/a/c"],
  ["/a/%2e%2e/b", "/b"],
  ["/d?q", "/d/?q"],
  [" /d\n", "/d"],
  ["a:b.txt", "/a:b.txt"],
];

const DIFFERENT: readonly [a: string, b: string][] = [
  ["/d", "/e"],
  ["/d", "/D"],
  ["/d", "/d?q"],
  ["/d?q", "/d?r"],
  ["/a%2fb", "/a/b"],
  ["/a%3fb", "/a?b"],
  ["/%E4", "/%C3%A4"],
  ["/%E4", "/%E5"],
  ["/a", "/a/b"],
  ["//d/e", "/d"],
];

t.test("one resource, whatever the spelling", async (t) => {
  for (const [a, b] of SAME) {
    t.ok(samePath(a, b), `${a} is ${b}`);
    t.ok(samePath(b, a), `${b} is ${a}`);
  }
});

t.test("two resources", async (t) => {
  for (const [a, b] of DIFFERENT) {
    t.notOk(samePath(a, b), `${a} is not ${b}`);
    t.notOk(samePath(b, a), `${b} is not ${a}`);
  }
});

t.test("keys are equal where paths are", async (t) => {
  for (const [a, b] of SAME) {
    const keys = locate(b).map(keyOf);
    t.ok(locate(a).some((one) => keys.includes(keyOf(one))), `${a} is ${b}`);
  }
  for (const [a, b] of DIFFERENT) t.not(keyOf(locate(a)[0]), keyOf(locate(b)[0]), `${a}, ${b}`);
});
