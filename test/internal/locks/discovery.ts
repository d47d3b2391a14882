// Which locks a resource has: a response that does not say is a failure, never "no lock".
import t, { type Test } from "tap";
import { discoverLocks, hasLock, type nx_lock_info } from "../../../lib/internal/locks/discovery.js";
import type { nx_error } from "../../../lib/internal/script/nx_error.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const lock = (token: string, more = ""): string =>
  `<D:activelock><D:locktoken><D:href>${token}</D:href></D:locktoken>${more}</D:activelock>`;
const property = (...locks: string[]): string => `<D:lockdiscovery>${locks.join("")}</D:lockdiscovery>`;
const found = (...insides: string[]): Answered => ({ body: multistatus(response("/a", ...insides)) });

async function discover(t: Test, answer: Answered): Promise<readonly nx_lock_info[]> {
  const { sess } = await answering(t, answer);
  return discoverLocks(sess, "/a");
}

t.test("what is asked", async (t) => {
  const { sess, server } = await answering(t, found(propstat(property())));
  t.strictSame(await discoverLocks(sess, "/a"), []);
  const [request] = server.requests;
  t.equal(request?.line, "PROPFIND /a HTTP/1.1");
  t.equal(request?.field("depth"), "0");
  t.match(request?.body.toString(), /<prop><lockdiscovery\/><\/prop>/);
});

t.test("locks", async (t) => {
  const all =
    "<D:lockscope><D:shared/></D:lockscope><D:depth>infinity</D:depth><D:owner> me </D:owner>" +
    "<D:timeout>Second-9</D:timeout><D:lockroot><D:href>/x y#z</D:href></D:lockroot>";
  t.same(await discover(t, found(propstat(property(lock("t:1", all), lock("t:2"), "<D:activelock/>")))), [
    { path: "/x%20y%23z", token: "t:1", owner: "me", scope: "shared", depth: Infinity, timeout: 9 },
    { path: "/a", token: "t:2", owner: "", scope: "exclusive", depth: 0, timeout: null },
    { path: "/a", token: null, owner: "", scope: "exclusive", depth: 0, timeout: null },
  ]);
});

t.test("no end of locks, and no seconds that are left", async (t) => {
  const many = lock("t", "<D:timeout>Second-0</D:timeout>").repeat(10_001);
  const locks = await discover(t, found(propstat(property(many))));
  t.equal(locks.length, 10_000);
  t.equal(locks[0]?.timeout, null);
  const last = lock("t", "<D:timeout>Second-1</D:timeout>");
  t.match(await discover(t, found(propstat(property(last)))), [{ timeout: 1 }]);
});

t.test("a property in a propstat that failed says nothing", async (t) => {
  const both = found(
    propstat(property(lock("t:1")), "403 Forbidden"),
    propstat(property(lock("t:2"))),
  );
  t.strictSame((await discover(t, both)).map(({ token }) => token), ["t:2"]);
  const early =
    "<D:propstat><D:status>HTTP/1.1 403 Forbidden</D:status>" +
    `<D:prop>${property(lock("t:1"))}</D:prop></D:propstat>`;
  await t.rejects(discover(t, found(early)), /403 Forbidden/, "its status may come first");
  const unnamed = found(propstat(property(lock("t:3")), null));
  t.strictSame((await discover(t, unnamed)).map(({ token }) => token), ["t:3"], "no status is well");
});

t.test("answers that do not say", async (t) => {
  const rows: [what: string, answer: Answered, code: number | undefined][] = [
    ["a 404", { status: "404 Not Found" }, 404],
    ["a property that is not there", found(propstat(property(), "404 Not Found")), 404],
    ["a resource that is not there", found("<D:status>HTTP/1.1 410 Gone</D:status>"), 410],
    ["another property", found(propstat("<D:displayname/>")), 207],
    ["no response", { body: multistatus() }, 207],
    ["a document that is cut off", { body: found(propstat(property())).body?.slice(0, -9) ?? "" }, 207],
    ["no document", { body: "hello" }, 207],
    ["nothing", { body: "" }, 207],
  ];
  for (const [what, answer, code] of rows) {
    const error = (await failureOf(() => discover(t, answer))) as nx_error | null;
    t.equal(error?.name, "nx_error", what);
    t.equal(error?.status?.code, code, what);
    if (code === 207) t.match(error?.message, /^\/a: the server does not say/, what);
  }
});

t.test("whether a lock is there", async (t) => {
  const ask = async (answer: Answered): Promise<boolean> =>
    hasLock((await answering(t, answer)).sess, "/a", "t:1");
  t.equal(await ask(found(propstat(property(lock("t:1"))))), true);
  t.equal(await ask(found(propstat(property(lock("t:2"))))), false);
  t.equal(await ask({ status: "404 Not Found" }), false, "gone with the resource");
  t.equal(await ask({ status: "410 Gone" }), false);
  for (const status of ["403 Forbidden", "500 Oops", "401 Unauthorized"]) {
    await t.rejects(ask({ status }), { name: "nx_error" }, `${status} says nothing`);
  }
  await t.rejects(ask({ body: "" }), { name: "nx_error" });
  const hidden = property("<D:activelock/>", lock("t:2"));
  await t.rejects(ask(found(propstat(hidden))), /hides the token/, "it may be the one that is hidden");
  t.equal(await ask(found(propstat(property("<D:activelock/>", lock("t:1"))))), true);
});
