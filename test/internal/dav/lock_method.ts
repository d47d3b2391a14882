// LOCK, refresh and UNLOCK: what is sent, and which lock of a response is ours.
import t, { type Test } from "tap";
import {
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_ERROR,
  NE_OK,
} from "../../../lib/internal/base/constants.js";
import {
  dispatchLock,
  lockRequest,
  refreshRequest,
  unlockRequest,
  type Locked,
} from "../../../lib/internal/dav/lock_method.js";
import {
  NE_TIMEOUT_INFINITE,
  ne_lock_create,
  ne_lockscope_shared,
  type LockRecord,
} from "../../../lib/internal/plugins/lock_record.js";
import { ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { ne_get_error } from "../../../lib/ne_session.js";
import { mistake } from "../../fixtures/conversation.js";
import { answering, multistatus, ownFields, response, type Answered } from "../../fixtures/dav.js";

function lock(change: Partial<LockRecord> = {}): LockRecord {
  const made = ne_lock_create();
  made.uri.path = "/a";
  return Object.assign(made, { token: "t:1", timeout: 60, ...change });
}

async function sent(
  t: Test,
  make: (sess: Parameters<typeof lockRequest>[1]) => ReturnType<typeof lockRequest>,
): Promise<{ line: string | undefined; fields: string[]; body: string }> {
  const { sess, server } = await answering(t, { status: "204 No Content", type: null });
  const req = make(sess);
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  const [request] = server.requests;
  if (request === undefined) throw new Error("nothing was sent");
  const fields = ownFields(request).filter((line) => !/^content-/i.test(line));
  return { line: request.line, fields, body: request.body.toString() };
}

t.test("requests", async (t) => {
  const taking = await sent(t, (sess) => lockRequest("f", sess, lock({ owner: "<href>x</href>" })));
  t.equal(taking.line, "LOCK /a HTTP/1.1");
  t.strictSame(taking.fields, ["Depth: 0", "Timeout: Second-60"]);
  t.equal(
    taking.body,
    `<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns='DAV:'>\n` +
      " <lockscope><exclusive/></lockscope>\n<locktype><write/></locktype>" +
      "<owner><href>x</href></owner>\n</lockinfo>\n",
  );
  const all = lock({ depth: NE_DEPTH_INFINITE, scope: ne_lockscope_shared, timeout: NE_TIMEOUT_INFINITE });
  const deep = await sent(t, (sess) => lockRequest("f", sess, all));
  t.strictSame(deep.fields, ["Depth: infinity", "Timeout: Infinite"]);
  t.match(deep.body, /<shared\/>/);
  t.notMatch(deep.body, /<owner>/);
  const one = await sent(t, (sess) => lockRequest("f", sess, lock({ depth: NE_DEPTH_ONE, timeout: 0 })));
  t.strictSame(one.fields, ["Depth: 1"]);
  const refreshing = await sent(t, (sess) => refreshRequest("f", sess, lock()));
  t.strictSame([refreshing.line, refreshing.fields, refreshing.body],
    ["LOCK /a HTTP/1.1", ["If: (<t:1>)", "Timeout: Second-60"], ""]);
  const giving = await sent(t, (sess) => unlockRequest("f", sess, lock()));
  t.strictSame([giving.line, giving.fields], ["UNLOCK /a HTTP/1.1", ["Lock-Token: <t:1>"]]);
});

t.test("mistakes", async (t) => {
  const { sess } = await answering(t, { status: "204 No Content", type: null });
  const nowhere = ne_lock_create();
  t.equal(await mistake(() => lockRequest("f", sess, nowhere)), "f: the lock's uri has no path");
  const none = null as unknown as LockRecord;
  t.equal(await mistake(() => unlockRequest("f", sess, none)), "f: the lock must be an object");
  const odd = lock({ timeout: 1.5 });
  t.equal(await mistake(() => lockRequest("f", sess, odd)), "f: the lock's timeout is not a number");
  for (const token of [null, "a>b", "a<b", "a\nb", "\u0100"]) {
    t.match(await mistake(() => refreshRequest("f", sess, lock({ token }))), /^f: /, String(token));
    t.match(await mistake(() => unlockRequest("f", sess, lock({ token }))), /^f: /, String(token));
  }
  const req = unlockRequest("f", sess, lock());
  await ne_request_dispatch(req);
  ne_request_destroy(req);
});

const active = (token: string, more = ""): string =>
  `<D:activelock><D:locktoken><D:href>${token}</D:href></D:locktoken>${more}</D:activelock>`;
const property = (...locks: string[]): string =>
  `<D:prop xmlns:D="DAV:"><D:lockdiscovery>${locks.join("")}</D:lockdiscovery></D:prop>`;

/** What comes of a LOCK that is answered so. */
async function locked(
  t: Test,
  answer: Answered,
  wanted: string | null = null,
): Promise<Locked & { error: string }> {
  const { sess } = await answering(t, answer);
  const req = lockRequest("f", sess, lock());
  const result = await dispatchLock(req, wanted);
  ne_request_destroy(req);
  return { ...result, error: ne_get_error(sess) };
}

t.test("which lock of the answer is meant", async (t) => {
  const [a, b] = [active("t:a"), active("t:b")];
  const rows: [what: string, body: string, field: string | null, wanted: string | null, found: string | null][] = [
    ["by the field", property(a, b), "<t:b>", null, "t:b"],
    ["by the field without brackets", property(a, b), "t:b", null, "t:b"],
    ["by the token wanted", property(a, b), null, "t:a", "t:a"],
    ["the token wanted wins", property(a, b), "<t:b>", "t:a", "t:a"],
    ["the only one", property(a), null, null, "t:a"],
    ["of two none", property(a, b), null, null, null],
    ["one without token is none", property("<D:activelock/>"), null, null, null],
    ["a field that no lock has", property(a), "<t:c>", null, null],
    ["one behind many", property(...Array.from({ length: 50 }, (_, i) => active(`t:${i}`)), a), "<t:a>",
      null, "t:a"],
    ["nothing", "", null, null, null],
  ];
  for (const [what, body, field, wanted, found] of rows) {
    const fields = field === null ? [] : [`Lock-Token: ${field}`];
    const result = await locked(t, { status: "200 OK", body, fields }, wanted);
    t.equal(result.ret, NE_OK, what);
    t.equal(result.found?.lock.token ?? null, found, what);
  }
});

t.test("answers that fail", async (t) => {
  const forbidden = await locked(t, { status: "423 Locked" });
  t.match(forbidden, { ret: NE_ERROR, found: null, error: "423 Locked" });
  const body = multistatus(response("/a/b", "<D:status>HTTP/1.1 423 Locked</D:status>"));
  const partly = await locked(t, { body });
  t.match(partly, { ret: NE_ERROR, found: null, error: /423 Locked/ });
  const cut = await locked(t, { status: "200 OK", body: '<D:prop xmlns:D="DAV:"><D:lock' });
  t.match(cut, { ret: NE_ERROR, found: null, error: /^Could not parse response: / });
  const page = await locked(t, { status: "200 OK", body: "<html><p>", type: "text/html" });
  t.match(page, { ret: NE_ERROR, found: null, error: /an answer to LOCK of type text\/html: / });
  const untyped = await locked(t, { status: "200 OK", body: "hello", type: null });
  t.match(untyped, { ret: NE_ERROR, error: /an answer to LOCK without Content-Type: / });
});

t.test("once the lock was found, what follows it does not matter", async (t) => {
  const body = `${property(active("t:a"))}<junk`;
  const result = await locked(t, { status: "200 OK", body, fields: ["Lock-Token: <t:a>"] });
  t.match(result, { ret: NE_OK, token: "t:a" });
  t.equal(result.found?.lock.token, "t:a");
});
