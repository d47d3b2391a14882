// Access control lists: the request of each module byte for byte, and its results. The old module
// has its own file, ne_acl.ts.
import t from "tap";
import {
  NE_ACL_ALL,
  NE_ACL_BIND,
  NE_ACL_READ,
  NE_ACL_READ_ACL,
  NE_ACL_READ_CUPRIVSET,
  NE_ACL_UNBIND,
  NE_ACL_UNLOCK,
  NE_ACL_WRITE,
  NE_ACL_WRITE_ACL,
  NE_ACL_WRITE_CONTENT,
  NE_ACL_WRITE_PROPERTIES,
  ne_acl3744_set,
  ne_acl_all,
  ne_acl_authenticated,
  ne_acl_deny,
  ne_acl_entry,
  ne_acl_grant,
  ne_acl_href,
  ne_acl_property,
  ne_acl_self,
  ne_acl_unauthenticated,
} from "../lib/ne_acl3744.js";
import {
  ne_lock_create,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_register,
} from "../lib/ne_locks.js";
import { NE_ERROR, NE_OK } from "../lib/ne_request.js";
import {
  ne_fill_server_uri,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
} from "../lib/ne_session.js";
import { answering, multistatus, ownFields, response } from "./fixtures/dav.js";

function entry(
  target: ne_acl_entry["target"],
  type: ne_acl_entry["type"],
  tname: string | null,
  privileges: number,
): ne_acl_entry {
  return { target, type, tname, privileges };
}

const START = `<?xml version="1.0" encoding="utf-8"?>\r\n<acl xmlns='DAV:'>\r\n`;

function ace(principal: string, effect: string, ...privileges: string[]): string {
  const lines = privileges.map((name) => `<privilege><${name}/></privilege>\r\n`).join("");
  return (
    `<ace>\r\n<principal>${principal}\r\n</principal>\r\n` +
    `<${effect}>\r\n${lines}</${effect}>\r\n</ace>\r\n`
  );
}

t.test("the list", async (t) => {
  const ok = { status: "200 OK" };
  const { sess, server } = await answering(t, ok, ok);
  const everything =
    NE_ACL_READ |
    NE_ACL_WRITE |
    NE_ACL_WRITE_PROPERTIES |
    NE_ACL_WRITE_CONTENT |
    NE_ACL_UNLOCK |
    NE_ACL_READ_ACL |
    NE_ACL_READ_CUPRIVSET |
    NE_ACL_WRITE_ACL |
    NE_ACL_BIND |
    NE_ACL_UNBIND |
    NE_ACL_ALL;
  const entries = [
    entry(ne_acl_href, ne_acl_grant, "http://p/?a&amp;b", everything),
    entry(ne_acl_property, ne_acl_deny, "x:owner xmlns:x='http://x/'", NE_ACL_READ),
    entry(ne_acl_all, ne_acl_grant, null, 0),
    entry(ne_acl_authenticated, ne_acl_grant, null, NE_ACL_BIND | NE_ACL_UNBIND),
    entry(ne_acl_unauthenticated, ne_acl_deny, "not used", NE_ACL_ALL),
    entry(ne_acl_self, ne_acl_grant, null, NE_ACL_WRITE_ACL),
  ];
  t.equal(await ne_acl3744_set(sess, "/a", entries), NE_OK);
  t.equal(await ne_acl3744_set(sess, "/a", []), NE_OK);
  const body =
    START +
    ace(
      "<href>http://p/?a&amp;b</href>",
      "grant",
      ...["read", "write", "write-properties", "write-content", "unlock", "read-acl"],
      ...["read-current-user-privileges-set", "write-acl", "bind", "unbind", "all"],
    ) +
    ace("<property><x:owner xmlns:x='http://x/'/></property>", "deny", "read") +
    ace("<all/>", "grant") +
    ace("<authenticated/>", "grant", "bind", "unbind") +
    ace("<unauthenticated/>", "deny", "all") +
    ace("<self/>", "grant", "write-acl") +
    "</acl>\r\n";
  t.equal(server.requests[0]?.body.toString(), body);
  t.equal(server.requests[0]?.line, "ACL /a HTTP/1.1");
  t.same(ownFields(server.requests[0]!), [
    `Content-Length: ${body.length}`,
    "Content-Type: application/xml",
  ]);
  t.equal(server.requests[1]?.body.toString(), `${START}</acl>\r\n`);
});

t.test("results", async (t) => {
  const failed = multistatus(response("/a", "<D:status>HTTP/1.1 403 Forbidden</D:status>"));
  const rows = [
    [{ status: "200 OK" }, NE_OK, "200 OK"],
    [{ status: "201 Created" }, NE_OK, "201 Created"],
    [{ body: failed }, NE_ERROR, "/a: 403 Forbidden"],
    // neon takes these for success
    [{ status: "403 Forbidden" }, NE_ERROR, "403 Forbidden"],
    [{ status: "500 No" }, NE_ERROR, "500 No"],
  ] as const;
  for (const [answer, ret, error] of rows) {
    const { sess } = await answering(t, answer);
    t.equal(await ne_acl3744_set(sess, "/a", []), ret);
    t.equal(ne_get_error(sess), error);
  }
});

t.test("locks on the resource are submitted", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" });
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  for (const path of ["/a/b", "/a/b/c", "/a/"]) {
    const lock = ne_lock_create();
    ne_fill_server_uri(sess, lock.uri);
    lock.uri.path = path;
    lock.token = `t:${path}`;
    ne_lockstore_add(store, lock);
  }
  await ne_acl3744_set(sess, "/a/b", []);
  t.equal(server.requests[0]?.field("if"), "(<t:/a/b>)");
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  for (const target of [ne_acl_href, ne_acl_property] as const) {
    await t.rejects(ne_acl3744_set(sess, "/a", [entry(target, ne_acl_grant, null, 0)]), {
      message: "ne_acl3744_set: an entry for an href or a property needs its tname",
    });
  }
  await t.rejects(ne_acl3744_set(sess, "/a", [entry(6 as 5, ne_acl_grant, null, 0)]), {
    message: "ne_acl3744_set: an entry has an unknown target",
  });
  t.same({ ...new ne_acl_entry() }, { target: 0, type: 0, tname: null, privileges: 0 });
});
