// The tour's second part: WebDAV. Collections, properties, locks, and a tree that cannot be deleted
// whole.

import {
  ne_delete,
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_DEPTH_ZERO,
  ne_mkcol,
  ne_putbuf,
} from "libneon/ne_basic";
import {
  ne_lock,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_discover,
  ne_lock_refresh,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_register,
  ne_lockstore_remove,
  ne_unlock,
} from "libneon/ne_locks";
import {
  ne_proppatch,
  ne_propset,
  ne_propset_value,
  ne_simple_propfind,
  type ne_prop_result_set,
  type ne_propname,
  type ne_proppatch_operation,
} from "libneon/ne_props";
import { NE_ERROR } from "libneon/ne_request";
import { ne_fill_server_uri, ne_session_destroy, type ne_session } from "libneon/ne_session";
import type { ne_uri } from "libneon/ne_uri";
import type { DavServer } from "./server/server.js";
import { Table } from "./listing.js";
import type { Tour } from "./tour.js";

const COLOUR: ne_propname = { nspace: "http://example.com/paint", name: "colour" };

/** The name of a file that the tour's server will not delete. */
export const STUBBORN = "stubborn.txt";

export async function tourDav(tour: Tour, server: DavServer): Promise<void> {
  tour.say(`\nWebDAV, to ${server.url}`);
  const sess = tour.session("http", "localhost", server.port);
  const store = ne_lockstore_create();
  try {
    await properties(tour, sess);
    tour.say("  ne_lockstore_register(store, sess)");
    ne_lockstore_register(store, sess);
    await locks(tour, sess, store);
    await stubborn(tour, sess);
  } finally {
    ne_session_destroy(sess);
    ne_lockstore_destroy(store);
  }
}

async function put(tour: Tour, sess: ne_session, path: string, expected = {}): Promise<void> {
  const run = (): Promise<number> => ne_putbuf(sess, path, Buffer.from(`This is ${path}.\n`));
  await tour.call(sess, `ne_putbuf(sess, "${path}", buf)`, run, expected);
}

async function properties(tour: Tour, sess: ne_session): Promise<void> {
  await tour.call(sess, 'ne_mkcol(sess, "/paint/")', () => ne_mkcol(sess, "/paint/"));
  await tour.call(sess, 'ne_mkcol(sess, "/paint/old/")', () => ne_mkcol(sess, "/paint/old/"));
  await put(tour, sess, "/paint/wall.txt");
  await put(tour, sess, "/paint/door%20%26%20frame.txt");

  const ops: ne_proppatch_operation[] = [
    { name: COLOUR, type: ne_propset, value: "green &amp; <b>blue</b>" },
  ];
  const patch = 'ne_proppatch(sess, "/paint/wall.txt", ops)';
  await tour.call(sess, patch, () => ne_proppatch(sess, "/paint/wall.txt", ops));
  const found: string[] = [];
  const results = (_: null, _uri: Readonly<ne_uri>, set: ne_prop_result_set): void => {
    found.push(ne_propset_value(set, COLOUR) ?? "");
  };
  const find = 'ne_simple_propfind(sess, "/paint/wall.txt", …)';
  await tour.call(sess, find, () =>
    ne_simple_propfind(sess, "/paint/wall.txt", NE_DEPTH_ZERO, [COLOUR], results, null),
  );
  tour.check(`its colour is ${found[0]}`, found[0]?.startsWith("green & <") ?? false);

  const table = new Table("/paint/");
  const list = 'ne_simple_propfind(sess, "/paint/", NE_DEPTH_ONE, …)';
  await tour.call(sess, list, () =>
    ne_simple_propfind(sess, "/paint/", NE_DEPTH_ONE, Table.wanted, Table.add, table),
  );
  for (const line of table.lines()) tour.say(`    | ${line}`);
  tour.check("three members", table.rows.length === 3);
}

async function locks(
  tour: Tour,
  sess: ne_session,
  store: ReturnType<typeof ne_lockstore_create>,
): Promise<void> {
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = "/paint/wall.txt";
  lock.depth = NE_DEPTH_ZERO;
  lock.owner = "the painter";
  lock.timeout = 600;
  await tour.call(sess, "ne_lock(sess, lock)", () => ne_lock(sess, lock), { error: "200" });
  tour.check(`the token is ${lock.token}`, (lock.token ?? "") !== "");
  const refused = { code: NE_ERROR, error: "423 Locked" };
  await put(tour, sess, "/paint/wall.txt", refused);
  tour.say("  ne_lockstore_add(store, lock)");
  ne_lockstore_add(store, lock);
  await put(tour, sess, "/paint/wall.txt", { error: "204" });

  let seen = "";
  const discover = 'ne_lock_discover(sess, "/paint/wall.txt", …)';
  await tour.call(sess, discover, () =>
    ne_lock_discover(sess, "/paint/wall.txt", (_, found) => {
      if (found !== null) seen = `${found.owner}, ${found.timeout} s`;
    }),
  );
  tour.check(`the server tells of a lock: ${seen}`, seen.startsWith("the painter"));
  lock.timeout = 1200;
  await tour.call(sess, "ne_lock_refresh(sess, lock)", () => ne_lock_refresh(sess, lock));
  tour.check(`it has ${lock.timeout} s now`, lock.timeout > 1100);
  await tour.call(sess, "ne_unlock(sess, lock)", () => ne_unlock(sess, lock), { error: "204" });
  ne_lockstore_remove(store, lock);
  ne_lock_destroy(lock);
  await put(tour, sess, "/paint/wall.txt", { error: "204" });
}

async function stubborn(tour: Tour, sess: ne_session): Promise<void> {
  await put(tour, sess, `/paint/old/${STUBBORN}`);
  const expected = { code: NE_ERROR, error: `${STUBBORN}: 403 Forbidden` };
  await tour.call(sess, 'ne_delete(sess, "/paint/")', () => ne_delete(sess, "/paint/"), expected);
  const table = new Table("/");
  const list = 'ne_simple_propfind(sess, "/paint/", NE_DEPTH_INFINITE, …)';
  await tour.call(sess, list, () =>
    ne_simple_propfind(sess, "/paint/", NE_DEPTH_INFINITE, Table.wanted, Table.add, table),
  );
  for (const line of table.lines()) tour.say(`    | ${line}`);
  tour.check("the stubborn file and its collections are left", table.rows.length === 3);
}
