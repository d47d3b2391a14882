// The activelock elements of real and odd servers: token and scope decide, everything else is best
// effort.
import t from "tap";
import { NE_DEPTH_INFINITE } from "../../../lib/internal/base/constants.js";
import {
  newActiveLock,
  readActiveLocks,
  type ActiveLock,
  type ActiveLockTaker,
} from "../../../lib/internal/dav/active_lock.js";
import {
  NE_TIMEOUT_INFINITE,
  ne_lockscope_exclusive,
  ne_lockscope_shared,
} from "../../../lib/internal/plugins/lock_record.js";
import { ne_uri_parse } from "../../../lib/ne_uri.js";
import { ne_xml_create, ne_xml_destroy, ne_xml_parse } from "../../../lib/ne_xml.js";

/** What is read of a property with this inside each activelock. */
function read(
  insides: readonly string[],
  taker: Partial<ActiveLockTaker> = {},
  begin = newActiveLock,
): ActiveLock[] {
  const found: ActiveLock[] = [];
  const xml = ne_xml_create();
  readActiveLocks(xml, {
    ...{ takesRoot: () => true, parent: 0, ownerText: "all" as const, begin },
    end: (active) => void found.push(active),
    ...taker,
  });
  const all = insides.map((inside) => `<activelock>${inside}</activelock>`).join("");
  const document = `<prop xmlns="DAV:" xmlns:x="x"><lockdiscovery>${all}</lockdiscovery></prop>`;
  if (ne_xml_parse(xml, Buffer.from(document)) !== 0) throw new Error("not well-formed");
  ne_xml_destroy(xml);
  return found;
}

const one = (inside: string): ActiveLock => read([inside])[0] as ActiveLock;

t.test("all of a lock", async (t) => {
  const active = one(`
    <locktype><write/></locktype><lockscope><shared/></lockscope><depth> Infinity </depth>
    <owner>me</owner><timeout>Second-60</timeout>
    <locktoken><href>
      opaquelocktoken:1 </href></locktoken>
    <lockroot><href>/a</href></lockroot>`);
  t.match(active, { hasDepth: true, hasTimeout: true, hasScope: true, root: "/a" });
  t.match(active.lock, {
    token: "opaquelocktoken:1",
    scope: ne_lockscope_shared,
    depth: NE_DEPTH_INFINITE,
    owner: "me",
    timeout: 60,
  });
  const none = one("");
  t.match(none, { hasDepth: false, hasTimeout: false, hasScope: false, root: null });
  t.match(none.lock, { token: null, owner: null });
});

t.test("several locks do not mix", async (t) => {
  const locks = read(["<depth>0</depth><owner>a</owner>", "<timeout>Second-1</timeout>", ""]);
  t.strictSame(
    locks.map(({ hasDepth, hasTimeout, lock: { owner } }) => [hasDepth, hasTimeout, owner]),
    [[true, false, "a"], [false, true, null], [false, false, null]],
  );
});

t.test("timeouts", async (t) => {
  const rows: [text: string, seconds: number | null][] = [
    ["Second-3600", 3600],
    ["second-3600", 3600],
    ["Infinite", NE_TIMEOUT_INFINITE],
    ["Infinity", NE_TIMEOUT_INFINITE],
    ["Extend, Second-10, Infinite", 10],
    [" Infinite , Second-10", NE_TIMEOUT_INFINITE],
    ["Second-", 0],
    ["Second-x", 0],
    ["Second--1", null],
    ["600", 600],
    [`Second-${"9".repeat(30)}`, Number.MAX_SAFE_INTEGER],
    ["forever", null],
    ["", null],
  ];
  for (const [text, seconds] of rows) {
    const { hasTimeout, lock } = one(`<timeout>${text}</timeout>`);
    t.strictSame(hasTimeout ? lock.timeout : null, seconds, text);
  }
});

t.test("depths", async (t) => {
  const rows: [text: string, depth: number | null][] = [
    ["0", 0],
    ["1", 1],
    ["1,noroot", 1],
    ["infinity", NE_DEPTH_INFINITE],
    ["-1", null],
    ["deep", null],
    ["", null],
    ["9".repeat(30), null],
  ];
  for (const [text, depth] of rows) {
    const { hasDepth, lock } = one(`<depth>${text}</depth>`);
    t.strictSame(hasDepth ? lock.depth : null, depth, text);
  }
});

t.test("a token that could not be sent back names no lock", async (t) => {
  const token = (text: string): string | null =>
    one(`<locktoken><href>${text}</href></locktoken>`).lock.token;
  t.equal(token("urn:uuid:1"), "urn:uuid:1");
  for (const bad of ["", "  ", "a&gt;b", "a&lt;b", "a\nb", "x".repeat(8193)]) {
    t.equal(token(bad), null, bad.slice(0, 9));
  }
  t.equal(token("x".repeat(8192))?.length, 8192);
  t.equal(one("<locktoken>urn:x</locktoken>").lock.token, null, "it stands in an href");
});

t.test("scopes", async (t) => {
  t.match(one("<lockscope><exclusive/></lockscope>"), {
    hasScope: true,
    lock: { scope: ne_lockscope_exclusive },
  });
  t.equal(one("<lockscope><x:shared/></lockscope>").hasScope, false, "of another namespace");
  t.equal(one("<lockscope>shared</lockscope>").hasScope, false);
});

t.test("owners with elements in them", async (t) => {
  const owner = "<owner> a <href>mailto:b</href> c </owner>";
  const text = (ownerText: ActiveLockTaker["ownerText"]): string | null | undefined =>
    read([owner], { ownerText })[0]?.lock.owner;
  t.equal(text("all"), " a mailto:b c ");
  t.equal(text("around"), " a  c ");
  t.equal(text("behind"), " c ");
  t.equal(one(`<owner>${"x".repeat(255)}</owner>`).lock.owner?.length, 255);
  t.equal(one(`<owner>${"x".repeat(256)}</owner>`).lock.owner, "", "neon shows no longer one");
  t.equal(one(`<owner>${"ä".repeat(128)}</owner>`).lock.owner, "", "in bytes");
});

t.test("the root moves a lock whose place is known, healed where it has to be", async (t) => {
  const begin = (): ActiveLock => {
    const active = newActiveLock();
    ne_uri_parse("http://h/a/b", active.lock.uri);
    return active;
  };
  const path = (href: string): string | null | undefined =>
    read([`<lockroot><href>${href}</href></lockroot>`], {}, begin)[0]?.lock.uri.path;
  t.equal(path("/a"), "/a");
  t.equal(path("http://h/c"), "/c");
  t.equal(path("c d"), "/a/c%20d");
  const unplaced = one("<lockroot><href>/a</href></lockroot>");
  t.equal(unplaced.lock.uri.path, null, "the lock asked for stays where it is");
});

t.test("only where the taker says that the property stands", async (t) => {
  t.equal(read([""], { takesRoot: () => false }).length, 0);
  t.equal(read(["<x:locktoken><x:href>t</x:href></x:locktoken>"])[0]?.lock.token, null);
});
