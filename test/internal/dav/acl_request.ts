// The ACL request: its document, and answers that are a failure in spite of their status.
import t from "tap";
import { NE_ERROR, NE_OK } from "../../../lib/internal/base/constants.js";
import { setAcl, type Ace } from "../../../lib/internal/dav/acl_request.js";
import { ne_get_error } from "../../../lib/ne_session.js";
import { answering, multistatus, ownFields, response } from "../../fixtures/dav.js";
import { mistake } from "../../fixtures/conversation.js";

const GRANT: Ace = { principal: "<all/>", effect: "grant", privileges: ["read", "write"] };
const DENY: Ace = { principal: "<href>/p/x</href>", effect: "deny", privileges: [] };

t.test("the document", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" }, { status: "200 OK" });
  t.equal(await setAcl("f", sess, "/a", [GRANT, DENY], (ace) => ace), NE_OK);
  t.equal(await setAcl("f", sess, "/a", [], (ace) => ace), NE_OK);
  const [first, second] = server.requests;
  t.equal(first?.line, "ACL /a HTTP/1.1");
  t.match(first === undefined ? [] : ownFields(first), [
    /^Content-Length: \d+$/i,
    /^Content-Type: (text|application)\/xml/,
  ]);
  t.equal(
    first?.body.toString(),
    '<?xml version="1.0" encoding="utf-8"?>\r\n<acl xmlns=\'DAV:\'>\r\n' +
      "<ace>\r\n<principal><all/>\r\n</principal>\r\n<grant>\r\n" +
      "<privilege><read/></privilege>\r\n<privilege><write/></privilege>\r\n" +
      "</grant>\r\n</ace>\r\n" +
      "<ace>\r\n<principal><href>/p/x</href>\r\n</principal>\r\n<deny>\r\n</deny>\r\n</ace>\r\n" +
      "</acl>\r\n",
  );
  t.match(second?.body.toString(), /<acl xmlns='DAV:'>\r\n<\/acl>/);
});

t.test("failures", async (t) => {
  const body = multistatus(response("/a", "<D:status>HTTP/1.1 423 Locked</D:status>"));
  const { sess } = await answering(t, { status: "403 Forbidden" }, { body });
  t.equal(await setAcl("f", sess, "/a", [GRANT], (ace) => ace), NE_ERROR);
  t.equal(ne_get_error(sess), "403 Forbidden");
  t.equal(await setAcl("f", sess, "/a", [GRANT], (ace) => ace), NE_ERROR);
  t.match(ne_get_error(sess), /423 Locked/);
});

t.test("mistakes are thrown before anything is sent", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" });
  const call = (entries: unknown): Promise<string> =>
    mistake(() => setAcl("ne_acl_set", sess, "/a", entries as Ace[], (ace) => ace));
  t.equal(await call(null), "ne_acl_set: entries must be an array");
  t.equal(await call([null]), "ne_acl_set: every entry must be an object");
  t.equal(server.connections, 0);
  t.equal(await setAcl("f", sess, "/a", [], (ace: Ace) => ace), NE_OK);
});
