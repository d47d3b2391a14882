// Whether what is on the server is what was sent: by its content, never by its size alone.
import t, { type Test } from "tap";
import { hasContent, isStrong, landed, look } from "../../../lib/internal/transfer/check.js";
import type { Job } from "../../../lib/internal/transfer/job.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, type Answered } from "../../fixtures/dav.js";
import { content } from "../../fixtures/transfer/client.js";
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
});

t.test("content in a coding is not what was sent", async (t) => {
  t.equal(await hasContent(await job(t, {}, file(BYTES, "Content-Encoding: gzip")), "/a", 0, BYTES.length), false);
});

t.test("what is not there, and what cannot be found out", async (t) => {
  t.equal(await hasContent(await job(t, {}, { status: "404 Not Found" }), "/a", 0, 5), false);
  const refused = await job(t, {}, { status: "403 Forbidden" });
  t.match(await failureOf(() => hasContent(refused, "/a", 0, 5)), { message: "403 Forbidden" });
});

t.test("a look", async (t) => {
  const rows: [answer: Answered, seen: object][] = [
    [{ status: "404 Not Found", fields: ['ETag: "x"'] }, { exists: false, etag: null, size: null }],
    [head(7, 'ETag: "x"'), { exists: true, etag: '"x"', size: 7 }],
  ];
  for (const [answer, seen] of rows) {
    t.match(await look(await job(t, {}, answer), "/a"), seen);
  }
  const refused = await job(t, {}, { status: "500 Oops" });
  t.match(await failureOf(() => look(refused, "/a")), { message: "500 Oops" });
});

t.test("a file that has landed", async (t) => {
  const sent = head(BYTES.length, 'ETag: "new"');
  t.match(await landed(await job(t, {}, sent, file(BYTES))), { etag: '"new"' });
  t.equal(await landed(await job(t, {}, { status: "404 Not Found" })), null);
  t.equal(await landed(await job(t, {}, head(7))), null, "another size is another file");
  const old = { conditions: { match: '"new"', noneMatch: null } };
  t.equal(await landed(await job(t, old, sent)), null, "it is the one that was to be replaced");
  t.equal(await landed(await job(t, {}, sent, file(content(BYTES.length, 2)))), null);
});

t.test("strong tags", async (t) => {
  t.strictSame(['"a"', '""', 'W/"a"', "a", '"a" '].map(isStrong), [true, true, false, false, false]);
});
