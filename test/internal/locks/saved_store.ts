// A lock store as text: it comes back as it was, and text that is none adds nothing.
import t from "tap";
import { NE_DEPTH_INFINITE } from "../../../lib/internal/base/constants.js";
import {
  NE_TIMEOUT_INFINITE,
  ne_lock_create,
  ne_lock_free,
  ne_lockscope_shared,
  type LockRecord,
} from "../../../lib/internal/plugins/lock_record.js";
import {
  ne_lockstore_add,
  ne_lockstore_create,
  storedLocks,
} from "../../../lib/internal/plugins/lock_store.js";
import { loadStore, saveStore } from "../../../lib/internal/locks/saved_store.js";
import { ne_uri_parse, ne_uri_unparse } from "../../../lib/ne_uri.js";

function lock(url: string, token: string, change: Partial<LockRecord> = {}): LockRecord {
  const made = ne_lock_create();
  ne_uri_parse(url, made.uri);
  return Object.assign(made, { token, timeout: 60, ...change });
}

const shown = ({ uri, token, depth, scope, owner, timeout }: Readonly<LockRecord>): unknown => [
  ne_uri_unparse(uri), token, depth, scope, owner, timeout,
];

t.test("there and back", async (t) => {
  const store = ne_lockstore_create();
  ne_lockstore_add(store, lock("http://h/a%20b", "t:1", { owner: "me <b/>" }));
  const deep = lock("https://h:8443/c/", "t:2", { scope: ne_lockscope_shared });
  ne_lockstore_add(store, Object.assign(deep, { depth: NE_DEPTH_INFINITE, timeout: NE_TIMEOUT_INFINITE }));
  const text = saveStore(store);
  const other = ne_lockstore_create();
  loadStore(other, text, "f");
  t.strictSame(storedLocks(other, "f").map(shown), storedLocks(store, "f").map(shown));
  t.equal(saveStore(other), text);
  loadStore(other, text, "f");
  t.equal(storedLocks(other, "f").length, 2, "tokens that are there are not added again");
});

t.test("a token that the text has twice is added once, a freed lock is not saved", async (t) => {
  const store = ne_lockstore_create();
  const [one, freed] = [lock("http://h/a", "t:1"), lock("http://h/b", "t:2")];
  ne_lockstore_add(store, one);
  ne_lockstore_add(store, lock("http://h/c", "t:1"));
  ne_lockstore_add(store, freed);
  ne_lock_free(freed);
  const spoiled = lock("http://h/d", "t:3");
  ne_lockstore_add(store, spoiled);
  spoiled.token = null;
  const text = saveStore(store);
  const { locks } = JSON.parse(text) as { locks: { url: string }[] };
  t.strictSame(locks.map(({ url }) => url), ["http://h/a", "http://h/c"]);
  const other = ne_lockstore_create();
  loadStore(other, text, "f");
  t.strictSame(storedLocks(other, "f").map(({ uri }) => uri.path), ["/a"]);
});

t.test("an empty store", async (t) => {
  const text = saveStore(ne_lockstore_create());
  t.strictSame(JSON.parse(text), { kind: "libneon locks 1", locks: [] });
});

t.test("text that is none", async (t) => {
  const store = ne_lockstore_create();
  const texts = ["", "{", "null", "[]", "7", '"x"', '{"kind":"libneon locks 2","locks":[]}',
    '{"kind":"libneon locks 1"}', '{"kind":"libneon locks 1","locks":{}}'];
  for (const text of texts) {
    const wanted = new TypeError("nx_lockstore_load: the text is no saved store");
    t.throws(() => loadStore(store, text, "nx_lockstore_load"), wanted, text);
  }
});

t.test("one wrong lock, and nothing is added", async (t) => {
  const good = { url: "http://h/a", token: "t:1", deep: false, shared: false, owner: null, timeout: 1 };
  const wrong: unknown[] = [
    null,
    7,
    ...[{ url: "/a" }, { url: "http:///a" }, { url: 7 }, { url: "http://h/a>b" }, { url: "http://h/a\u0101" }],
    ...[{ token: "" }, { token: "a\r\nb" }, { token: "a>b" }, { token: null }],
    ...[{ deep: 1 }, { shared: "no" }, { owner: 7 }, { timeout: "1" }, { timeout: 1.5 }],
  ].map((change) => (typeof change === "object" && change !== null ? { ...good, ...change } : change));
  const store = ne_lockstore_create();
  for (const one of wrong) {
    const text = JSON.stringify({ kind: "libneon locks 1", locks: [good, one] });
    t.throws(() => loadStore(store, text, "f"), new TypeError("f: a lock in the text is none"), text);
    t.equal(storedLocks(store, "f").length, 0);
  }
});
