// New collections: those above them made where they are missing, and one that is there only where
// that is wanted and it is one.
import t from "tap";
import { makeCollection, type Making } from "../../../lib/internal/resources/mkcol.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const COLLECTION = propstat("<D:resourcetype><D:collection/></D:resourcetype>");
const there = (path: string, props = COLLECTION): Answered => ({ body: multistatus(response(path, props)) });
const CREATED: Answered = { status: "201 Created" };

async function make(
  t: Parameters<typeof answering>[0],
  change: Partial<Making>,
  ...answers: Answered[]
): Promise<{ error: unknown; sent: string[]; bodies: string[] }> {
  const { sess, server } = await answering(t, ...answers);
  const making: Making = {
    ...{ sess, path: "/a/b/c/", kind: "collection", props: "", hasType: false },
    ...{ parents: false, existsOk: false, caller: "f" },
    ...change,
  };
  const error = await failureOf(() => makeCollection(making));
  return {
    error,
    sent: server.requests.map(({ method, target }) => `${method} ${target}`),
    bodies: server.requests.map(({ body }) => body.toString()),
  };
}

t.test("kinds", async (t) => {
  const plain = await make(t, {}, CREATED);
  t.strictSame([plain.error, plain.sent, plain.bodies], [null, ["MKCOL /a/b/c/"], [""]]);
  const calendar = await make(t, { kind: "calendar", props: "<D:displayname>x</D:displayname>" }, CREATED);
  t.strictSame(calendar.sent, ["MKCALENDAR /a/b/c/"]);
  t.match(calendar.bodies[0], "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>");
  const book = await make(t, { kind: "addressbook" }, CREATED);
  t.match(book.bodies[0], '<D:collection/><C:addressbook xmlns:C="urn:ietf:params:xml:ns:carddav"/>');
});

t.test("those above it", async (t) => {
  const missing: Answered = { status: "409 Conflict" };
  const alone = await make(t, {}, missing);
  t.match(alone.error, { status: { code: 409 } });
  const all = await make(t, { parents: true }, missing, missing, CREATED, CREATED, CREATED);
  t.equal(all.error, null);
  t.strictSame(all.sent, ["MKCOL /a/b/c/", "MKCOL /a/b/", "MKCOL /a/", "MKCOL /a/b/", "MKCOL /a/b/c/"]);
  const top = await make(t, { parents: true, path: "/a/" }, missing);
  t.match(top.error, { status: { code: 409 } }, "nothing is above the root");
  const still = await make(t, { parents: true, path: "/a/b/" }, missing, CREATED, missing);
  t.match(still.error, { status: { code: 409 } });
});

t.test("one that is there already", async (t) => {
  const taken: Answered = { status: "405 Method Not Allowed" };
  t.match((await make(t, {}, taken)).error, { status: { code: 405 } });
  t.equal((await make(t, { existsOk: true }, taken, there("/a/b/c/"))).error, null);
  const file = await make(t, { existsOk: true }, taken, there("/a/b/c/", propstat("<D:resourcetype/>")));
  t.match(file.error, { status: { code: 405 } }, "a file is none");
  const gone = await make(t, { existsOk: true }, taken, { status: "404 Not Found" });
  t.match(gone.error, { status: { code: 405 } });
  const unknown = await make(t, { existsOk: true }, taken, { status: "500 Oops" });
  t.ok(unknown.error, "what cannot be found out is not there");
});
