// Locks by place: found at, above and below a path, on their server, and nothing is left behind.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import t from "tap";
import { LockIndex, spotOf } from "../../../lib/internal/plugins/lock_index.js";
import { ne_uri, ne_uri_parse } from "../../../lib/ne_uri.js";

function spot(url: string): ReturnType<typeof spotOf> {
  const uri = new ne_uri();
  ne_uri_parse(url, uri);
  return spotOf(uri, uri.path ?? "");
}

function indexed(...urls: string[]): LockIndex<string> {
  const index = new LockIndex<string>();
  for (const url of urls) index.add(spot(url), url);
  return index;
}

t.test("spellings of one place", async (t) => {
  const index = indexed("http://h/a/b");
  for (const url of ["http://h/a/b", "http://h/a/b/", "HTTP://H:80/A/B", "http://h/%61/b"]) {
    t.strictSame(index.at(spot(url)), ["http://h/a/b"], url);
  }
  for (const url of ["https://h/a/b", "http://h:81/a/b", "http://g/a/b", "http://h/a", "http://h/a/b/c"]) {
    t.strictSame(index.at(spot(url)), [], url);
  }
});

t.test("at, above and below", async (t) => {
  const all = ["http://h/", "http://h/a", "http://h/a/b", "http://h/a/b/c", "http://h/ab"];
  const index = indexed(...all);
  const sorted = (found: string[]): string[] => found.map((url) => url.slice(8)).sort();
  t.strictSame(sorted(index.at(spot("http://h/a/"))), ["/a"]);
  t.strictSame(sorted(index.above(spot("http://h/a/b"))), ["/", "/a"]);
  t.strictSame(sorted(index.below(spot("http://h/a"))), ["/a/b", "/a/b/c"]);
  t.strictSame(sorted(index.below(spot("http://h/"))), ["/a", "/a/b", "/a/b/c", "/ab"]);
  t.strictSame(index.above(spot("http://h/")), []);
  t.strictSame(sorted(index.above(spot("http://h/a/x/y/z"))), ["/", "/a"], "where nothing is");
  t.strictSame(index.below(spot("http://h/x")), []);
});

t.test("several at one place, each taken out alone", async (t) => {
  const index = new LockIndex<string>();
  const place = spot("http://h/a/b");
  index.add(place, "one");
  index.add(place, "two");
  index.remove(place, "one");
  t.strictSame(index.at(place), ["two"]);
  index.remove(place, "two");
  t.strictSame(index.at(place), []);
  index.remove(place, "two");
  index.remove(spot("http://nowhere/a"), "two");
  t.strictSame(index.below(spot("http://h/")), []);
  index.add(place, "three");
  t.strictSame(index.at(place), ["three"], "branches grow again");
});

t.test("a branch with something below it stays", async (t) => {
  const index = indexed("http://h/a", "http://h/a/b/c");
  index.remove(spot("http://h/a"), "http://h/a");
  t.strictSame(index.below(spot("http://h/")), ["http://h/a/b/c"]);
  t.strictSame(index.above(spot("http://h/a/b/c/d")), ["http://h/a/b/c"]);
});

t.test("nothing is left of what was taken out", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const inUse = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const index = new LockIndex<string>();
  const before = inUse();
  for (let i = 0; i < 20_000; i++) {
    const place = spot(`http://h/d/${i}`);
    index.add(place, "lock");
    index.remove(place, "lock");
  }
  const grown = inUse() - before;
  // a branch with its set and map has several hundred bytes
  t.ok(grown < 2_000_000, `${grown} bytes`);
  t.strictSame(index.below(spot("http://h/")), []);
});

t.test("a place without a server is nobody's", async (t) => {
  const index = indexed("http://h/a");
  t.strictSame(index.at(spotOf(new ne_uri(), "/a")), []);
});
