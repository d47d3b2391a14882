// nx_put: one PUT of a body of any form, on conditions.
import { Readable } from "node:stream";
import t from "tap";
import {
  ne_get_error,
  ne_set_server_auth,
  nx_put,
  type nx_body,
} from "../../../lib/index.js";
import { mistake } from "../../fixtures/conversation.js";
import { END, scripted } from "../../fixtures/server.js";
import { content, nxError, openSession } from "../../fixtures/transfer/client.js";
import { transferServer } from "../../fixtures/transfer/server.js";

const CREATED = 'HTTP/1.1 201 Created\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n';
const REPLACED = "HTTP/1.1 204 No Content\r\n\r\n";
const FAILED = "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n";

t.test("one request, and what the answer says", async (t) => {
  const server = await scripted(t, [[CREATED, REPLACED]]);
  const sess = openSession(t, server);
  const told: [number, number | null][] = [];
  const first = await nx_put(sess, "/a", "text", {
    if_none_match: "*",
    content_type: "text/plain",
    mtime: new Date(1_700_000_000_999),
    headers: [["X-A", "b"], ["Host", "virtual.example"]],
    progress: (done, total) => void told.push([done, total]),
  });
  t.strictSame(first, { created: true, etag: '"1"' });
  t.same(told.at(-1), [4, 4]);
  t.strictSame(await nx_put(sess, "/a", "", { if_match: '"1"' }), { created: false, etag: null });
  const [one, two] = server.requests;
  t.equal(one?.line, "PUT /a HTTP/1.1");
  t.equal(one?.field("if-none-match"), "*");
  t.equal(one?.field("content-type"), "text/plain");
  t.equal(one?.field("x-oc-mtime"), "1700000000");
  t.equal(one?.field("x-a"), "b");
  t.equal(one?.field("host"), "virtual.example", "in the place of the session's");
  t.equal(two?.field("if-match"), '"1"');
  t.equal(two?.field("content-length"), "0");
  t.equal(ne_get_error(sess), "204 No Content");
});

t.test("a body of any form arrives as it is", async (t) => {
  const bytes = content(70_000);
  const blocks = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
  };
  const bodies: (() => nx_body)[] = [
    () => bytes,
    () => new Blob([bytes]),
    () => Readable.from(blocks()),
    blocks,
    () => blocks,
  ];
  const server = await transferServer(t);
  const sess = openSession(t, server);
  for (const body of bodies) {
    server.files.clear();
    await nx_put(sess, "/a", body());
    t.ok(server.files.get("/a")?.equals(bytes));
    await nx_put(sess, "/a", body(), { length: bytes.length });
    t.ok(server.files.get("/a")?.equals(bytes));
  }
});

t.test("failures", async (t) => {
  const server = await scripted(t, [[FAILED]]);
  const error = await nxError(() => nx_put(openSession(t, server), "/a", "x", { if_match: '"1"' }));
  t.match(error, { message: "412 Precondition Failed", status: { code: 412 }, path: "/a", done: 0 });
});

t.test("a login does not cost a stream", async (t) => {
  const login = { user: "me", password: "secret", readsToo: true };
  const server = await transferServer(t, { login });
  const sess = openSession(t, server);
  ne_set_server_auth(sess, (_userdata, _realm, attempt, name, password) => {
    name.value = login.user;
    password.value = login.password;
    return attempt;
  });
  await nx_put(sess, "/a", Readable.from([content(5000)]));
  t.equal(server.files.get("/a")?.length, 5000);
});

t.test("a conditional PUT that got no answer is sent again only where nothing has changed", async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 1\r\n\r\n';
  const server = await scripted(t, [[REPLACED, "", END], [head, REPLACED], ["", END], [head]]);
  const sess = openSession(t, server);
  await nx_put(sess, "/a", "x");
  await nx_put(sess, "/a", "x", { if_match: '"1"' });
  t.same(server.requests.map(({ method }) => method), ["PUT", "PUT", "HEAD", "PUT"]);
  await nxError(() => nx_put(openSession(t, server), "/a", "x", { if_match: '"2"' }));
  t.equal(server.requests.filter(({ method }) => method === "PUT").length, 4);
});

t.test("mistakes", async (t) => {
  const server = await scripted(t, []);
  const sess = openSession(t, server);
  t.match(await mistake(() => nx_put(sess, "/a/", "x")), "must be a file's");
  t.match(await mistake(() => nx_put(sess, "a", "x")), "begin with a slash");
  t.match(await mistake(() => nx_put(sess, "/a", 3 as never)), "nx_put: the body must be");
  t.match(await mistake(() => nx_put(sess, "/a", "x", { chunk: 1 } as never)), "no option");
  t.match(await mistake(() => nx_put(sess, "/a", "x", { if_match: "1" })), "ETag with its quotes");
});
