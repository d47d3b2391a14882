// The lock store and the If field: which locks a request submits, how they are written, and what
// never gets into the field. The tables were compared with the C library.
import t, { type Test } from "tap";
import {
  NE_TIMEOUT_INVALID,
  ne_lock_copy,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_free,
  type LockRecord,
} from "../../../lib/internal/plugins/lock_record.js";
import {
  dropLock,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_findbyuri,
  ne_lockstore_first,
  ne_lockstore_next,
  ne_lockstore_remove,
  storedLocks,
} from "../../../lib/internal/plugins/lock_store.js";
import {
  joinStore,
  ne_lock_using_parent,
  ne_lock_using_resource,
  ne_lockstore_register,
  registeredStore,
  submitsLocks,
  submittedTokens,
} from "../../../lib/internal/plugins/lock_submission.js";
import { cloneForSession, isPlugin } from "../../../lib/internal/base/clonable.js";
import {
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_session_create,
  ne_session_destroy,
  ne_set_session_flag,
} from "../../../lib/ne_session.js";
import { ne_uri, ne_uri_parse } from "../../../lib/ne_uri.js";
import { answering } from "../../fixtures/dav.js";

function lockAt(url: string, depth: number, token: string): LockRecord {
  const lock = ne_lock_create();
  ne_uri_parse(url, lock.uri);
  lock.depth = depth;
  lock.token = token;
  return lock;
}

/** Calls made before the request is sent: `r` path depth, or `p` path. */
type Using = (readonly ["r", string, number] | readonly ["p", string])[];

/** The If field of a request, `""` for none; paths of locks and in the field lack the origin. */
async function ifField(
  t: Test,
  locks: readonly (readonly [where: string, depth: number, token: string])[],
  using: Using,
  sharepoint = false,
  target = "/m",
): Promise<string> {
  const { sess, server, origin } = await answering(t, { status: "204 No Content", type: null });
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  if (sharepoint) ne_set_session_flag(sess, NE_SESSFLAG_SHAREPOINT, 1);
  for (const [where, depth, token] of locks) {
    const url = where.startsWith("/") ? origin + where : where.replace("PORT", `${server.port}`);
    ne_lockstore_add(store, lockAt(url, depth, token));
  }
  const req = ne_request_create(sess, "M", target);
  for (const call of using) {
    if (call[0] === "r") ne_lock_using_resource(req, call[1], call[2]);
    else ne_lock_using_parent(req, call[1]);
  }
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  const request = server.requests[0]!;
  const last = request.fields.at(-1)!;
  t.equal(request.fields.filter((line) => /^if:/i.test(line)).length, /^If: /.test(last) ? 1 : 0);
  return last.startsWith("If: ") ? last.slice(4).replaceAll(origin, "") : "";
}

const TREE = [
  ["/a/b", 0, "t:b"],
  ["/a/", 2, "t:a"],
  ["/a/b/c", 0, "t:c"],
  ["/", 2, "t:root"],
  ["/x", 2, "t:x"],
  ["/a/b/", 0, "t:slash"],
  ["/a/%62", 0, "t:escaped"],
] as const;

const FIELDS: [why: string, using: Using, field: string][] = [
  [
    "on the resource, and of infinite depth above it",
    [["r", "/a/b", 0]],
    "</a/b> (<t:b>) </a/> (<t:a>) </> (<t:root>) </a/b/> (<t:slash>) </a/%62> (<t:escaped>)",
  ],
  [
    "depth one is like zero",
    [["r", "/a/b", 1]],
    "</a/b> (<t:b>) </a/> (<t:a>) </> (<t:root>) </a/b/> (<t:slash>) </a/%62> (<t:escaped>)",
  ],
  [
    "depth infinite: those below, too",
    [["r", "/a/b", 2]],
    "</a/b> (<t:b>) </a/> (<t:a>) </a/b/c> (<t:c>) </> (<t:root>) </a/b/> (<t:slash>) " +
      "</a/%62> (<t:escaped>)",
  ],
  [
    "the parent",
    [["p", "/a/b/c"]],
    "</a/b> (<t:b>) </a/> (<t:a>) </> (<t:root>) </a/b/> (<t:slash>) </a/%62> (<t:escaped>)",
  ],
  ["the parent of the root: none", [["p", "/"]], ""],
  ["the parent of no path: none", [["p", "*"], ["p", "x"]], ""],
  ["case does not count", [["r", "/X", 0]], "</> (<t:root>) </x> (<t:x>)"],
  [
    "several calls: what was found last comes first, nothing twice",
    [["r", "/x", 2], ["r", "/x", 0], ["p", "/x/y"], ["p", "/a/b"]],
    "</a/> (<t:a>) </> (<t:root>) </x> (<t:x>)",
  ],
  ["nothing was told", [], ""],
];

for (const [why, using, field] of FIELDS) {
  t.test(`submits: ${why}`, async (t) => {
    t.equal(await ifField(t, TREE, using), field);
  });
}

t.test("SharePoint: no resource tags", async (t) => {
  t.equal(
    await ifField(t, TREE, [["r", "/a/b", 0]], true),
    "(<t:b> <t:a> <t:root> <t:slash> <t:escaped>)",
  );
});

t.test("paths are compared by their segments", async (t) => {
  const locks = [["/foo%20a", 0, "t1"], ["/foobar", 2, "t2"], ["/f", 2, "t3"]] as const;
  const field = await ifField(t, locks, [["r", "/x", 0], ["r", "/foo a", 2], ["p", "/foob/x"]]);
  t.equal(field, "</foo%20a> (<t1>)");
});

t.test("a lone lock on the target itself has no tag, any other has", async (t) => {
  const cases: [locks: Parameters<typeof ifField>[1], using: Using, field: string][] = [
    [[["/target", 0, "t"]], [["r", "/target", 0]], "(<t>)"],
    [[["/%74arget/", 2, "t"]], [["r", "/target", 0]], "(<t>)"],
    [[["/", 2, "t"]], [["r", "/target", 0]], "</> (<t>)"],
    [[["/target/x", 0, "t"]], [["r", "/target", 2]], "</target/x> (<t>)"],
    [
      [["/target", 0, "t"], ["/", 0, "u"]],
      [["r", "/target", 0], ["p", "/target"]],
      "</> (<u>) </target> (<t>)",
    ],
  ];
  for (const [locks, using, field] of cases) {
    t.equal(await ifField(t, locks, using, false, "/target"), field);
  }
});

t.test("many locks are as quick as few", async (t) => {
  const store = ne_lockstore_create();
  const locks = Array.from({ length: 20_000 }, (_, i) => lockAt(`http://h/d/${i}`, 0, `t:${i}`));
  for (const lock of locks) ne_lockstore_add(store, lock);
  // each of these would look at every lock
  t.ok(locks.every((lock) => ne_lockstore_findbyuri(store, lock.uri) === lock));
  for (const lock of locks) ne_lockstore_remove(store, lock);
  t.equal(ne_lockstore_first(store), null);
});

t.test("a token is submitted once, case not counting", async (t) => {
  const locks = [["/a", 0, "t:X"], ["/a", 2, "T:x"]] as const;
  t.equal(await ifField(t, locks, [["r", "/a", 0]]), "</a> (<T:x>)");
});

t.test("query and user of a lock's uri are shown", async (t) => {
  const locks = [["http://u@127.0.0.1:PORT/a?q", 0, "t"]] as const;
  const field = await ifField(t, locks, [["r", "/a", 0]]);
  t.match(field, /^<http:\/\/u@127\.0\.0\.1:\d+\/a\?q> \(<t>\)$/);
});

t.test("tokens go to their own server only", async (t) => {
  const locks = [
    ["http://other:PORT/a", 2, "t:host"],
    ["https://127.0.0.1:PORT/a", 2, "t:scheme"],
    ["http://127.0.0.1:1/a", 2, "t:port"],
    ["http://127.0.0.1/a", 2, "t:noport"],
    ["http://localhost:PORT/a", 2, "t:name"],
  ] as const;
  for (const using of [[["r", "/a", 2]], [["p", "/a/b"]]] as Using[]) {
    t.equal(await ifField(t, locks, using), "");
    t.equal(await ifField(t, locks, using, true), "", "SharePoint");
  }
});

t.test("scheme and host are compared without case", async (t) => {
  const locks = [["HTTP://127.0.0.1:PORT/a", 0, "t"]] as const;
  t.match(await ifField(t, locks, [["r", "/a", 0]]), /\(<t>\)$/);
});

t.test("a port left out is the default one", async (t) => {
  const sess = ne_session_create("http", "h.example", 80);
  t.teardown(() => ne_session_destroy(sess));
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const lock = lockAt("http://H.example/a", 0, "a token");
  ne_lockstore_add(store, lock);
  const req = ne_request_create(sess, "M", "/a");
  t.teardown(() => ne_request_destroy(req));
  ne_lock_using_resource(req, "/a", 0);
  // it was taken: spoiling the token now is found out when the request is sent
  lock.token = "a>\r\nX-Evil: 1";
  await t.rejects(ne_request_dispatch(req), {
    message: /^ne_lock_using_resource: the lock's token has a character/,
  });
});

t.test("without a registered store nothing happens", async (t) => {
  const { sess, server } = await answering(t, { status: "204 No Content", type: null });
  const req = ne_request_create(sess, "M", "/a");
  ne_lock_using_resource(req, "/a", 2);
  ne_lock_using_parent(req, "/a");
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  t.equal(server.requests[0]?.field("if"), null);
});

t.test("a request submits what was in the store when it was told", async (t) => {
  const { sess, server, origin } = await answering(t, { status: "204 No Content", type: null });
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const taken = lockAt(`${origin}/a`, 0, "t:taken");
  const gone = lockAt(`${origin}/`, 2, "t:gone");
  for (const lock of [taken, gone]) ne_lockstore_add(store, lock);
  const req = ne_request_create(sess, "M", "/a");
  ne_lock_using_resource(req, "/a", 0);
  ne_lockstore_add(store, lockAt(`${origin}/a`, 0, "t:late"));
  ne_lockstore_remove(store, taken);
  ne_lockstore_remove(store, gone);
  ne_lock_destroy(gone);
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  t.equal(server.requests[0]?.field("if"), "(<t:taken>)");
});

t.test("registered twice, or with two stores: one field, of the first", async (t) => {
  const { sess, server, origin } = await answering(t, { status: "204 No Content", type: null });
  const [first, second] = [ne_lockstore_create(), ne_lockstore_create()];
  for (const store of [first, first, second]) ne_lockstore_register(store, sess);
  ne_lockstore_add(first, lockAt(`${origin}/a`, 0, "t:1"));
  ne_lockstore_add(second, lockAt(`${origin}/a`, 0, "t:2"));
  const req = ne_request_create(sess, "M", "/a");
  ne_lock_using_resource(req, "/a", 0);
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  t.same(
    server.requests[0]?.fields.filter((line) => line.startsWith("If")),
    ["If: (<t:1>)"],
  );
});

t.test("one store serves several sessions", async (t) => {
  const store = ne_lockstore_create();
  const answer = { status: "204 No Content", type: null };
  const servers = [await answering(t, answer), await answering(t, answer)];
  for (const { sess, origin } of servers) {
    ne_lockstore_register(store, sess);
    ne_lockstore_add(store, lockAt(`${origin}/a`, 0, `t:${origin}`));
  }
  for (const { sess, server, origin } of servers) {
    const req = ne_request_create(sess, "M", "/a");
    ne_lock_using_resource(req, "/a", 0);
    await ne_request_dispatch(req);
    ne_request_destroy(req);
    t.equal(server.requests[0]?.field("if"), `(<t:${origin}>)`);
  }
});

t.test("a destroyed store", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  const store = ne_lockstore_create();
  const lock = lockAt("http://127.0.0.1:1/a", 0, "t");
  ne_lockstore_add(store, lock);
  ne_lockstore_register(store, sess);
  ne_lockstore_destroy(store);
  t.same({ ...lock.uri }, { ...new ne_uri() }, "its locks are freed");
  t.equal(lock.token, null);
  const req = ne_request_create(sess, "M", "/a");
  t.teardown(() => ne_request_destroy(req));
  t.throws(() => ne_lock_using_resource(req, "/a", 0), {
    message: "ne_lock_using_resource: the ne_lock_store was destroyed already",
  });
  t.throws(() => ne_lockstore_first(store), TypeError);
  t.throws(() => ne_lockstore_destroy(store), TypeError);
});

// ---- the store itself

t.test("the lock added last is the first", async (t) => {
  const store = ne_lockstore_create();
  t.equal(ne_lockstore_first(store), null);
  t.throws(() => ne_lockstore_next(store), {
    message: "ne_lockstore_next: no iteration is under way",
  });
  const [a, b, c] = ["/a", "/b", "/c"].map((path) => lockAt(`http://h${path}`, 0, path)) as [
    LockRecord,
    LockRecord,
    LockRecord,
  ];
  for (const lock of [a, b, c]) ne_lockstore_add(store, lock);
  t.equal(ne_lockstore_first(store), c);
  t.equal(ne_lockstore_next(store), b);
  t.equal(ne_lockstore_next(store), a);
  t.equal(ne_lockstore_next(store), null);
  t.throws(() => ne_lockstore_next(store), TypeError);
});

t.test("locks may be taken out on the way", async (t) => {
  const paths = ["/a", "/b", "/c", "/d", "/e"];
  for (const removeAt of paths) {
    for (const remove of paths) {
      const store = ne_lockstore_create();
      const locks = paths.map((path) => lockAt(`http://h${path}`, 0, path));
      for (const lock of locks) ne_lockstore_add(store, lock);
      const seen: string[] = [];
      for (let l = ne_lockstore_first(store); l !== null; l = ne_lockstore_next(store)) {
        seen.push(l.token!);
        if (l.token === removeAt) {
          ne_lockstore_remove(store, locks.find(({ token }) => token === remove)!);
        }
      }
      const wanted = paths.filter((path) => path !== remove || remove >= removeAt).reverse();
      t.same(seen, wanted, `at ${removeAt}, without ${remove}`);
    }
  }
});

t.test("finding by uri is exact", async (t) => {
  const store = ne_lockstore_create();
  const older = lockAt("http://h:80/a", 0, "t:1");
  const newer = lockAt("http://h:80/a", 2, "t:2");
  ne_lockstore_add(store, older);
  ne_lockstore_add(store, newer);
  const rows: [string, unknown][] = [
    ["http://h:80/a", newer],
    ["HTTP://H:80/a", newer],
    ["http://h/a", null],
    ["http://h:80/a/", null],
    ["http://h:80/b", null],
    ["https://h:80/a", null],
  ];
  for (const [url, wanted] of rows) {
    const uri = new ne_uri();
    ne_uri_parse(url, uri);
    t.equal(ne_lockstore_findbyuri(store, uri), wanted, url);
  }
  ne_lockstore_remove(store, newer);
  t.equal(ne_lockstore_findbyuri(store, older.uri), older);
  t.equal(newer.token, "t:2", "not destroyed");
});

t.test("locks that do not belong into a store", async (t) => {
  const store = ne_lockstore_create();
  const lock = lockAt("http://h/a", 0, "t");
  ne_lockstore_add(store, lock);
  t.throws(() => ne_lockstore_add(store, lock), {
    message: "ne_lockstore_add: this lock is in the store already",
  });
  t.throws(() => ne_lockstore_remove(store, lockAt("http://h/a", 0, "t")), {
    message: "ne_lockstore_remove: this lock is not in the store",
  });
  const tokenless = ne_lock_create();
  ne_uri_parse("http://h/a", tokenless.uri);
  t.throws(() => ne_lockstore_add(store, tokenless), {
    message: "ne_lockstore_add: the lock has no token",
  });
  for (const url of ["/a", "//h/a", "mailto:x"]) {
    t.throws(() => ne_lockstore_add(store, lockAt(url, 0, "t")), {
      message: "ne_lockstore_add: the lock's uri needs scheme, host and path",
    });
  }
});

t.test("what no header field may show does not get into a store", async (t) => {
  const store = ne_lockstore_create();
  for (const c of ["\r", "\n", "\0", "\x1b", "\x7f", "<", ">", "\u010a", "\u560d"]) {
    t.throws(() => ne_lockstore_add(store, lockAt("http://h/a", 0, `t${c}u`)), {
      message: "ne_lockstore_add: the lock's token has a character that no header field may show",
    });
    const lock = lockAt("http://h/a", 0, "t");
    lock.uri.path = `/a${c}b`;
    t.throws(() => ne_lockstore_add(store, lock), {
      message: "ne_lockstore_add: the lock's uri has a character that no header field may show",
    });
  }
  t.equal(ne_lockstore_first(store), null);
  // the last that is one byte
  const lock = lockAt("http://h/a", 0, "t\u00ffu");
  ne_lockstore_add(store, lock);
  t.equal(ne_lockstore_first(store), lock);
});

t.test("nor out of it, where the lock was changed meanwhile", async (t) => {
  const change: Record<string, (lock: ReturnType<typeof lockAt>) => void> = {
    uri: (lock) => void (lock.uri.path = "/a>\r\nX: y"),
    token: (lock) => void (lock.token = "t>\r\nX: y"),
  };
  for (const [what, spoil] of Object.entries(change)) {
    const sess = ne_session_create("http", "h", 80);
    const store = ne_lockstore_create();
    ne_lockstore_register(store, sess);
    const [lock, other] = [lockAt("http://h/a", 0, "t"), lockAt("http://h/b", 0, "u")];
    for (const each of [lock, other]) ne_lockstore_add(store, each);
    spoil(lock);
    const req = ne_request_create(sess, "MOVE", "/a");
    ne_lock_using_resource(req, "/b", 0);
    ne_lock_using_resource(req, "/a", 0);
    await t.rejects(ne_request_dispatch(req), {
      message: `ne_lock_using_resource: the lock's ${what} has a character that no header field may show`,
    });
    ne_request_destroy(req);
    ne_session_destroy(sess);
  }
});

t.test("whether a request submits locks, and which", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  const told = (path: string): [submits: boolean, tokens: readonly string[]] => {
    const req = ne_request_create(sess, "M", path);
    ne_lock_using_resource(req, path, 0);
    const found: ReturnType<typeof told> = [submitsLocks(req), submittedTokens(req)];
    ne_request_destroy(req);
    return found;
  };
  t.strictSame(told("/a"), [false, []], "no store");
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  ne_lockstore_add(store, lockAt("http://h:80/a", 0, "t:1"));
  ne_lockstore_add(store, lockAt("http://h:80/a", 0, "t:2"));
  t.strictSame(told("/a"), [true, ["t:2", "t:1"]]);
  t.strictSame(told("/b"), [false, []], "a store without a lock on it");
});

t.test("stores that are joined: those of every store, the first registered", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  const [one, two] = [ne_lockstore_create(), ne_lockstore_create()];
  t.equal(registeredStore(sess), null);
  for (const store of [one, two, two, one]) joinStore(sess, store, "f");
  t.equal(registeredStore(sess), one);
  ne_lockstore_add(one, lockAt("http://h:80/a", 0, "t:1"));
  const lock = lockAt("http://h:80/a", 0, "t:2");
  ne_lockstore_add(two, lock);
  const req = ne_request_create(sess, "M", "/a");
  t.teardown(() => ne_request_destroy(req));
  ne_lock_using_resource(req, "/a", 0);
  t.strictSame(submittedTokens(req), ["t:1", "t:2"]);
  t.throws(() => joinStore(sess, {} as typeof one, "f"), { message: /^f: / });
});

t.test("all locks of a store, and one taken out that may be gone", async (t) => {
  const store = ne_lockstore_create();
  const [a, b] = [lockAt("http://h/a", 0, "t:a"), lockAt("http://h/b", 0, "t:b")];
  for (const lock of [a, b]) ne_lockstore_add(store, lock);
  t.equal(ne_lockstore_first(store), b);
  t.strictSame(storedLocks(store, "f"), [b, a]);
  t.equal(ne_lockstore_next(store), a, "the iteration goes on");
  dropLock(store, b);
  dropLock(store, b);
  t.strictSame(storedLocks(store, "f"), [a]);
  ne_lockstore_destroy(store);
  t.doesNotThrow(() => dropLock(store, a), "nor is there anything in a destroyed store");
});

t.test("lock objects", async (t) => {
  const lock = ne_lock_create();
  t.same({ ...lock, uri: { ...lock.uri } }, {
    uri: { ...new ne_uri() },
    depth: 0,
    type: 0,
    scope: 0,
    token: null,
    owner: null,
    timeout: NE_TIMEOUT_INVALID,
  });
  t.throws(() => ne_lock_copy(lock), { message: "ne_lock_copy: the lock has no token" });
  ne_uri_parse("http://h/a", lock.uri);
  lock.token = "t";
  lock.owner = "o";
  lock.timeout = 5;
  const copy = ne_lock_copy(lock);
  t.same(copy, lock);
  ne_lock_free(lock);
  t.equal(lock.uri.path, null);
  t.equal(lock.token, null);
  t.equal(lock.owner, null);
  t.equal(lock.timeout, 5, "the numbers stay");
  t.equal(copy.uri.path, "/a");
  ne_lock_destroy(copy);
  t.equal(copy.uri.path, null);
});

t.test("a registration goes along with its session's clones", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const { sessions } = await import("../../../lib/internal/session/session.js");
  const hooks = sessions.open(sess, "test").hooks;
  const [create] = hooks.createRequest;
  const [send] = hooks.preSend;
  t.equal(create?.userdata, send?.userdata);
  const plugin = send?.userdata;
  if (!isPlugin(plugin)) return t.fail("no guest");
  const clone = plugin[cloneForSession](sess, false);
  t.not(clone, plugin);
  t.strictSame((clone as { stores?: unknown }).stores, [store], "the store is shared");
});
