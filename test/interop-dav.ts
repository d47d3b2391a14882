// WebDAV against real servers: Apache's mod_dav, lighttpd's mod_webdav, nginx, and the server of
// our own examples. A server that is not installed is skipped, with a word about it.
import t, { type Test } from "tap";
import { startDavServer } from "../docs/examples/server/server.js";
import {
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_DEPTH_ZERO,
  ne_copy,
  ne_delete,
  ne_mkcol,
  ne_move,
  ne_putbuf,
} from "../lib/ne_basic.js";
import {
  NE_TIMEOUT_INFINITE,
  ne_lock,
  ne_lock_copy,
  ne_lock_create,
  ne_lock_discover,
  ne_lock_refresh,
  ne_lockscope_shared,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_register,
  ne_unlock,
} from "../lib/ne_locks.js";
import {
  type ne_proppatch_operation,
  ne_propnames,
  ne_proppatch,
  ne_propremove,
  ne_propset,
  ne_propset_iterate,
  ne_propset_status,
  ne_propset_value,
  ne_simple_propfind,
} from "../lib/ne_props.js";
import { NE_ERROR, NE_OK } from "../lib/ne_request.js";
import {
  ne_fill_server_uri,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
} from "../lib/ne_session.js";
import type { ne_session } from "../lib/ne_session.js";
import { startApache } from "./fixtures/real/apache.js";
import { startLighttpd } from "./fixtures/real/lighttpd.js";
import { nginxHasDavExt, startNginx } from "./fixtures/real/nginx.js";

/** What a server cannot do, or does in a way that no client can help. */
type Flaw =
  | "no PROPPATCH"
  | "no shared locks"
  // DELETE of a tree does not look for shared locks in it
  | "deletes shared locks"
  // elements in the values of properties are lost, and 207s and lists of names lack declarations
  | "loses namespaces";

interface Target {
  port: number;
  /** A collection to work in. */
  at: string;
  flaws?: readonly Flaw[];
}

interface Place {
  sess: ne_session;
  /** Somebody else's session. */
  other: ne_session;
  at: string;
  has(flaw: Flaw): boolean;
}

const SERVERS: Record<string, (t: Test) => Promise<Target | null>> = {
  "the server of our examples": async (t) => {
    const server = await startDavServer();
    t.teardown(() => server.close());
    return { port: server.port, at: "/" };
  },
  "Apache mod_dav": async (t) => {
    const server = await startApache(t);
    return server === null ? null : { port: server.port, at: "/dav/" };
  },
  "lighttpd mod_webdav": async (t) => {
    const server = await startLighttpd(t);
    if (server === null) return null;
    return { port: server.port, at: "/dav/", flaws: ["deletes shared locks", "loses namespaces"] };
  },
  "nginx with its WebDAV extension": async (t) => {
    if (!nginxHasDavExt()) return null;
    const server = await startNginx(t);
    if (server === null) return null;
    return { port: server.port, at: "/dav/", flaws: ["no PROPPATCH", "no shared locks"] };
  },
};

const RESOURCETYPE = { nspace: "DAV:", name: "resourcetype" };
const SIZE = { nspace: "DAV:", name: "getcontentlength" };
const MINE = { nspace: "http://example.com/ns/", name: "größe" };

function text(value: string): Buffer {
  return Buffer.from(value);
}

function lockOn(sess: ne_session, path: string, depth = NE_DEPTH_ZERO): ne_lock {
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = path;
  lock.depth = depth;
  lock.owner = "<href xmlns='DAV:'>mailto:me@example.com</href>";
  lock.timeout = 600;
  return lock;
}

/** Asserts a success, showing the error where there is none. */
async function well(t: Test, sess: ne_session, what: string, call: Promise<number>): Promise<void> {
  const ret = await call;
  t.equal(ret, NE_OK, ret === NE_OK ? what : `${what}: ${ne_get_error(sess)}`);
}

async function collections(t: Test, { sess, at }: Place): Promise<void> {
  await well(t, sess, "MKCOL", ne_mkcol(sess, `${at}c`));
  t.equal(await ne_mkcol(sess, `${at}c`), NE_ERROR);
  t.match(ne_get_error(sess), /^405 /);
  for (const name of ["a%20b", "%c3%a4", "x"]) {
    await well(t, sess, `PUT ${name}`, ne_putbuf(sess, `${at}c/${name}`, text(name)));
  }
  await well(t, sess, "COPY", ne_copy(sess, 1, NE_DEPTH_INFINITE, `${at}c/`, `${at}d/`));
  await well(t, sess, "MOVE", ne_move(sess, 1, `${at}d/x`, `${at}d/y`));
}

async function listing(t: Test, { sess, at, has }: Place): Promise<void> {
  const found = new Map<string, string | null>();
  const props = [RESOURCETYPE, SIZE, MINE];
  await well(
    t,
    sess,
    "PROPFIND",
    ne_simple_propfind(sess, `${at}c/`, NE_DEPTH_ONE, props, (_u, uri, set) => {
      const isCollection = ne_propset_value(set, RESOURCETYPE)?.includes("<DAV:collection");
      t.notOk(ne_propset_value(set, MINE));
      const path = uri.path!.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
      found.set(path, isCollection ? null : ne_propset_value(set, SIZE));
    }),
  );
  t.same(Object.fromEntries(found), {
    [`${at}c/`]: null,
    [`${at}c/%c3%a4`]: "6",
    [`${at}c/a%20b`]: "5",
    [`${at}c/x`]: "1",
  });
  const names: string[] = [];
  await well(
    t,
    sess,
    "names of properties",
    ne_propnames(sess, `${at}c/x`, NE_DEPTH_ZERO, (list, _uri, set) => {
      ne_propset_iterate(set, (_u, { nspace, name }) => {
        list.push(`${nspace}${name}`);
        return 0;
      });
    }, names),
  );
  const nspace = has("loses namespaces") ? "null" : "DAV:";
  t.ok(names.includes(`${nspace}getcontentlength`), names.join());
  t.equal(await ne_simple_propfind(sess, `${at}none`, NE_DEPTH_ZERO, null, () => {}), NE_ERROR);
  t.match(ne_get_error(sess), /^404 /);
}

async function properties(t: Test, { sess, at, has }: Place): Promise<void> {
  if (has("no PROPPATCH")) return t.comment("skipped: the server knows no PROPPATCH");
  const path = `${at}c/x`;
  const value = async (): Promise<string | null | undefined> => {
    let found: string | null | undefined;
    await ne_simple_propfind(sess, path, NE_DEPTH_ZERO, [MINE], (_u, _uri, set) => {
      found = ne_propset_value(set, MINE);
      if (found === null) t.equal(ne_propset_status(set, MINE)?.code ?? 404, 404);
    });
    return found;
  };
  const set: ne_proppatch_operation = { name: MINE, type: ne_propset, value: "5 &lt; <b/>ü" };
  await well(t, sess, "PROPPATCH, set", ne_proppatch(sess, path, [set]));
  t.match(await value(), has("loses namespaces") ? /^5 < ü$/ : /^5 < <[^>]*b[^>]*><\/[^>]*b>ü$/);
  const remove: ne_proppatch_operation = { name: MINE, type: ne_propremove, value: null };
  await well(t, sess, "PROPPATCH, remove", ne_proppatch(sess, path, [remove]));
  t.equal(await value(), null);
  const readOnly: ne_proppatch_operation = {
    name: { nspace: "DAV:", name: "lockdiscovery" },
    type: ne_propset,
    value: "x",
  };
  t.equal(await ne_proppatch(sess, path, [set, readOnly]), NE_ERROR);
  t.match(
    ne_get_error(sess),
    has("loses namespaces") ? /undeclared namespace prefix$/ : /\/c\/x: 4\d\d /,
  );
  t.equal(await value(), null, "all or nothing");
}

async function locks(t: Test, { sess, other, at, has }: Place): Promise<void> {
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const path = `${at}c/x`;
  const lock = lockOn(sess, path);
  await well(t, sess, "LOCK", ne_lock(sess, lock));
  t.match(lock.token, /^(opaquelocktoken|urn):/);
  t.ok(lock.timeout === NE_TIMEOUT_INFINITE || lock.timeout > 0);
  t.equal(await ne_lock(other, lockOn(other, path)), NE_ERROR);
  t.match(ne_get_error(other), /^423 /);

  for (const session of [sess, other]) {
    t.equal(await ne_putbuf(session, path, text("no")), NE_ERROR);
    t.match(ne_get_error(session), /^423 /);
  }
  const kept = ne_lock_copy(lock);
  ne_lockstore_add(store, kept);
  await well(t, sess, "PUT with token", ne_putbuf(sess, path, text("yes")));
  const op: ne_proppatch_operation = { name: MINE, type: ne_propset, value: "1" };
  if (!has("no PROPPATCH")) {
    await well(t, sess, "PROPPATCH with token", ne_proppatch(sess, path, [op]));
  }

  const tokens: (string | null)[] = [];
  await well(
    t,
    other,
    "discovery",
    ne_lock_discover(other, path, (list, found, uri) => {
      t.equal(uri.path, path);
      list.push(found!.token);
    }, tokens),
  );
  t.same(tokens, [lock.token]);
  await well(t, sess, "refresh", ne_lock_refresh(sess, lock));
  await well(t, sess, "UNLOCK", ne_unlock(sess, lock));
  tokens.length = 0;
  await ne_lock_discover(other, path, (list, found) => void list.push(found!.token), tokens);
  t.same(tokens, []);
}

async function deepLocks(t: Test, { sess, other, at }: Place): Promise<void> {
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const lock = lockOn(sess, `${at}c/`, NE_DEPTH_INFINITE);
  await well(t, sess, "LOCK of a tree", ne_lock(sess, lock));
  t.equal(lock.depth, NE_DEPTH_INFINITE);
  ne_lockstore_add(store, lock);
  // Apache says so in a 207, of the locked parent
  t.equal(await ne_putbuf(other, `${at}c/new`, text("no")), NE_ERROR);
  t.match(ne_get_error(other), /^(423|\/.*c: 423) /);
  await well(t, sess, "PUT of a new member", ne_putbuf(sess, `${at}c/new`, text("yes")));
  await well(t, sess, "DELETE of a member", ne_delete(sess, `${at}c/new`));
  await well(t, sess, "UNLOCK", ne_unlock(sess, lock));
}

async function sharedLocks(t: Test, { sess, other, at, has }: Place): Promise<void> {
  if (has("no shared locks")) return t.comment("skipped: the server knows no shared locks");
  const shared = [lockOn(sess, `${at}d/y`), lockOn(other, `${at}d/y`)];
  for (const [i, session] of [sess, other].entries()) {
    shared[i]!.scope = ne_lockscope_shared;
    await well(t, session, "a shared LOCK", ne_lock(session, shared[i]!));
    t.equal(shared[i]!.scope, ne_lockscope_shared);
  }
  t.not(shared[0]!.token, shared[1]!.token);
  if (has("deletes shared locks")) return;
  // a tree with a lock in it that is not ours: a 207 says which member, if the server bothers
  t.equal(await ne_delete(other, `${at}d/`), NE_ERROR);
  t.match(ne_get_error(other), /^(423 |424 |\/.*d\/y: 423 )/);
  for (const [i, session] of [sess, other].entries()) {
    await well(t, session, "UNLOCK", ne_unlock(session, shared[i]!));
  }
}

for (const [name, start] of Object.entries(SERVERS)) {
  t.test(name, async (t) => {
    const target = await start(t);
    if (target === null) return t.comment(`skipped: ${name} is not installed`);
    const session = (): ne_session => {
      const sess = ne_session_create("http", "127.0.0.1", target.port);
      t.teardown(() => ne_session_destroy(sess));
      return sess;
    };
    const { at, flaws = [] } = target;
    const has = (flaw: Flaw): boolean => flaws.includes(flaw);
    const steps = { collections, listing, properties, locks, deepLocks, sharedLocks };
    for (const [step, test] of Object.entries(steps)) {
      await t.test(step, (t) => test(t, { sess: session(), other: session(), at, has }));
    }
    await t.test("the end", async (t) => {
      const sess = session();
      for (const path of [`${at}c/`, `${at}d/`]) {
        await well(t, sess, `DELETE ${path}`, ne_delete(sess, path));
      }
    });
  });
}
