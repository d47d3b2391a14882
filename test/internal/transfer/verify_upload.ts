// Whether what is on the server is what was sent: by its content, never by its size alone.
import t, { type Test } from "tap";
import { hasContent, isStrong, findUploaded, inspect } from "../../../lib/internal/transfer/verify_upload.js";
import type { Job } from "../../../lib/internal/transfer/upload_job.js";
import { Failed } from "../../../lib/internal/transfer/failed_transfer.js";
import { openSource } from "../../../lib/internal/transfer/source.js";
import { ne_set_server_auth } from "../../../lib/ne_auth.js";
import { failureOf, openSession } from "../../fixtures/conversation.js";
import { answering, type Answered } from "../../fixtures/dav.js";
import { content } from "../../fixtures/transfer/client.js";
import { END, scripted } from "../../fixtures/server.js";
import { jobOf } from "../../fixtures/transfer/job.js";

const BYTES = content(200_000);

async function job(t: Test, change: Partial<Job>, ...answers: Answered[]): Promise<Job> {
  const { sess } = await answering(t, ...answers);
  return jobOf(sess, BYTES, change);
}

const file = (body: Buffer, ...fields: string[]): Answered => ({ status: "200 OK", type: null, body, fields });
const head = (length: number, ...fields: string[]): Answered => ({
  ...{ status: "204 No Content", type: null },
  fields: [`Content-Length: ${length}`, ...fields],
});

t.test("content, to the last byte", async (t) => {
  const changed = Buffer.from(BYTES);
  changed[199_999] = (changed[199_999] as number) ^ 1;
  const rows: [what: string, body: Buffer, same: boolean][] = [
    ["the same", BYTES, true],
    ["another last byte", changed, false],
    ["one byte less", BYTES.subarray(0, -1), false],
    ["one byte more", Buffer.concat([BYTES, Buffer.from("x")]), false],
    ["nothing", Buffer.alloc(0), false],
  ];
  for (const [what, body, same] of rows) {
    t.equal(await hasContent(await job(t, {}, file(body)), "/a", 0, BYTES.length), same, what);
  }
});

t.test("a part: only from where it was asked for", async (t) => {
  const part = BYTES.subarray(1000, 1500);
  const range = (text: string, body = part): Answered => ({
    ...file(body, `Content-Range: ${text}`),
    status: "206 Partial Content",
  });
  const ask = async (answer: Answered): Promise<boolean> => hasContent(await job(t, {}, answer), "/a", 1000, 500);
  t.equal(await ask(range("bytes 1000-1499/200000")), true);
  t.equal(await ask(range("bytes 0-499/200000")), false);
  t.equal(await ask(file(part)), false, "a server that knows no ranges");
  t.equal(await ask({ status: "416 Range Not Satisfiable" }), false);
  t.equal(await ask(range("bytes 1000-1499/200000", BYTES.subarray(0, 500))), false);
  t.equal(await ask({ ...range("bytes 1000-1499/200000"), status: "200 OK" }), false);
  t.equal(await ask(range("bytes 1000-1499/200000", BYTES.subarray(1000, 1499))), false);
  t.equal(await ask(range("bytes 1000-1499/200000", BYTES.subarray(1000, 1501))), false);
});

t.test("all but the first byte is a part, too", async (t) => {
  const { sess, server } = await answering(t, file(BYTES));
  t.equal(await hasContent(jobOf(sess, BYTES), "/a", 1, null), false);
  t.equal(server.requests[0]?.field("range"), "bytes=1-");
});

t.test("content in a coding is not what was sent", async (t) => {
  t.equal(await hasContent(await job(t, {}, file(BYTES, "Content-Encoding: gzip")), "/a", 0, BYTES.length), false);
});

t.test("what is not there, and what cannot be found out", async (t) => {
  t.equal(await hasContent(await job(t, {}, { status: "404 Not Found" }), "/a", 0, 5), false);
  const refused = await job(t, {}, { status: "403 Forbidden" });
  t.match(await failureOf(() => hasContent(refused, "/a", 0, 5)), { message: "403 Forbidden" });
});

t.test("an answer that breaks off says neither", async (t) => {
  const chunked = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${(200_000).toString(16)}\r\n`),
    ...[BYTES, Buffer.from("\r\n")],
  ]);
  const rows: [what: string, answer: Buffer][] = [
    ["in the middle", Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"), BYTES.subarray(0, 1000)])],
    ["behind the last byte", chunked],
    ["in the trailer", Buffer.concat([chunked, Buffer.from("0\r\nT: ")])],
    ["before the head", Buffer.alloc(0)],
  ];
  for (const [what, answer] of rows) {
    const server = await scripted(t, [[answer, END]]);
    const uploading = jobOf(openSession(t, server.port), BYTES);
    const error = await failureOf(() => hasContent(uploading, "/a", 0, BYTES.length));
    t.ok(error instanceof Failed, what);
    const [request] = server.requests;
    t.strictSame([request?.line, request?.field("accept-encoding")], ["GET /a HTTP/1.1", "identity"]);
  }
});

t.test("one whose login is asked for, and one that is left out", async (t) => {
  const challenge = { status: "401 Unauthorized", fields: ['WWW-Authenticate: Basic realm="r"'] };
  const { sess } = await answering(t, challenge, file(BYTES));
  ne_set_server_auth(sess, (_userdata, _realm, attempt, name, password) => {
    name.value = password.value = "x";
    return attempt;
  });
  t.equal(await hasContent(jobOf(sess, BYTES), "/a", 0, BYTES.length), true);
  const gone = await job(t, {}, { status: "410 Gone" });
  t.equal(await hasContent(gone, "/a", 0, 5), false);
});

t.test("a look", async (t) => {
  const rows: [answer: Answered, seen: object][] = [
    [{ status: "404 Not Found", fields: ['ETag: "x"'] }, { exists: false, etag: null, size: null }],
    [{ status: "410 Gone" }, { exists: false, etag: null, size: null }],
    [head(7, 'ETag: "x"'), { exists: true, etag: '"x"', size: 7 }],
    [{ status: "204 No Content", type: null }, { exists: true, etag: null, size: null }],
    [
      { status: "204 No Content", type: null, fields: ["Content-Length: seven"] },
      { exists: true, etag: null, size: null },
    ],
  ];
  for (const [answer, seen] of rows) {
    t.match(await inspect(await job(t, {}, answer), "/a"), seen);
  }
  const refused = await job(t, {}, { status: "500 Oops" });
  t.match(await failureOf(() => inspect(refused, "/a")), { message: "500 Oops" });
});

t.test("a file that has landed", async (t) => {
  const sent = head(BYTES.length, 'ETag: "new"');
  t.match(await findUploaded(await job(t, {}, sent, file(BYTES))), { etag: '"new"' });
  t.equal(await findUploaded(await job(t, {}, { status: "404 Not Found" })), null);
  t.equal(await findUploaded(await job(t, {}, head(7))), null, "another size is another file");
  const old = { conditions: { match: '"new"', noneMatch: null } };
  t.equal(await findUploaded(await job(t, old, sent)), null, "it is the one that was to be replaced");
  const weak = head(BYTES.length, 'ETag: W/"new"');
  const oldWeak = { conditions: { match: 'W/"new"', noneMatch: null } };
  t.ok(await findUploaded(await job(t, oldWeak, weak, file(BYTES))), "a weak tag is no proof");
  const unsized = { status: "204 No Content", type: null };
  t.ok(await findUploaded(await job(t, {}, unsized, file(BYTES))), "nobody knows its size");
  const given = async function* (start: number): AsyncGenerator<Buffer> {
    yield BYTES.subarray(start);
  };
  const stream = { source: await openSource({ signal: null }, given, null) };
  t.ok(await findUploaded(await job(t, stream, sent, file(BYTES))), "nor that of the source");
  t.equal(await findUploaded(await job(t, stream, sent, file(BYTES.subarray(1)))), null);
  t.equal(await findUploaded(await job(t, {}, sent, file(content(BYTES.length, 2)))), null);
});

t.test("strong tags", async (t) => {
  t.strictSame(['"a"', '""', 'W/"a"', "a", '"a" '].map(isStrong), [true, true, false, false, false]);
});
