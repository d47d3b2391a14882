// The old interface to access control lists: its own entries, the same constants, and a request
// that names a privilege for each field that is 0.
import t from "tap";
import {
  ne_acl_all,
  ne_acl_deny,
  ne_acl_entry,
  ne_acl_grant,
  ne_acl_href,
  ne_acl_property,
  ne_acl_set,
} from "../lib/ne_acl.js";
import { NE_ERROR, NE_OK } from "../lib/ne_request.js";
import { ne_get_error, ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { answering, ownFields } from "./fixtures/dav.js";

t.test("the list", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" });
  const everything = new ne_acl_entry();
  everything.principal = "http://p/";
  const nothing: ne_acl_entry = {
    apply: ne_acl_property,
    type: ne_acl_deny,
    principal: "owner",
    ...{ read: 1, read_acl: 1, write: 1, write_acl: 1, read_cuprivset: 1 },
  };
  const some: ne_acl_entry = { ...everything, apply: ne_acl_all, principal: null, write: 1 };
  t.equal(everything.apply, ne_acl_href);
  t.equal(everything.type, ne_acl_grant);
  t.equal(await ne_acl_set(sess, "/a", [everything, nothing, some]), NE_OK);
  const body = [
    '<?xml version="1.0" encoding="utf-8"?>',
    "<acl xmlns='DAV:'>",
    "<ace>",
    "<principal><href>http://p/</href>",
    "</principal>",
    "<grant>",
    "<privilege><read/></privilege>",
    "<privilege><read-acl/></privilege>",
    "<privilege><write/></privilege>",
    "<privilege><write-acl/></privilege>",
    "<privilege><read-current-user-privilege-set/></privilege>",
    "</grant>",
    "</ace>",
    "<ace>",
    "<principal><property><owner/></property>",
    "</principal>",
    "<deny>",
    "</deny>",
    "</ace>",
    "<ace>",
    "<principal><all/>",
    "</principal>",
    "<grant>",
    "<privilege><read/></privilege>",
    "<privilege><read-acl/></privilege>",
    "<privilege><write-acl/></privilege>",
    "<privilege><read-current-user-privilege-set/></privilege>",
    "</grant>",
    "</ace>",
    "</acl>",
    "",
  ].join("\r\n");
  t.equal(server.requests[0]?.body.toString(), body);
  t.equal(server.requests[0]?.line, "ACL /a HTTP/1.1");
  t.same(ownFields(server.requests[0]!), [
    `Content-Length: ${body.length}`,
    "Content-Type: application/xml",
  ]);
});

t.test("results", async (t) => {
  const rows = [
    ["200 OK", NE_OK],
    ["207 Multi-Status", NE_ERROR],
    // neon takes this for success
    ["403 Forbidden", NE_ERROR],
  ] as const;
  for (const [status, ret] of rows) {
    const { sess } = await answering(t, { status });
    t.equal(await ne_acl_set(sess, "/a", []), ret);
    t.equal(ne_get_error(sess), status);
  }
});

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  t.teardown(() => ne_session_destroy(sess));
  await t.rejects(ne_acl_set(sess, "/a", [new ne_acl_entry()]), {
    message: "ne_acl_set: an entry for an href or a property needs its principal",
  });
});
