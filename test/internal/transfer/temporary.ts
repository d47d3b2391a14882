// The resource beside the target: nobody ever sees half a file, and what is not surely there is not
// counted.
import t, { type Test } from "tap";
import type { Job } from "../../../lib/internal/transfer/upload_job.js";
import {
  isVerdict,
  makeTemporary,
  moveIntoPlace,
  nameBeside,
  standingOf,
  writePiece,
} from "../../../lib/internal/transfer/temporary.js";
import { Unsupported } from "../../../lib/internal/transfer/failed_transfer.js";
import { openSource } from "../../../lib/internal/transfer/source.js";
import { failureOf, openSession } from "../../fixtures/conversation.js";
import {
  answer,
  answering,
  multistatus,
  propstat,
  response,
  type Answered,
} from "../../fixtures/dav.js";
import { END, scripted } from "../../fixtures/server.js";
import { content } from "../../fixtures/transfer/client.js";
import { answerWith, jobOf } from "../../fixtures/transfer/job.js";

const BYTES = content(100);
const head = (length: number | null): Answered => ({
  ...{ status: "204 No Content", type: null },
  fields: length === null ? [] : [`Content-Length: ${length}`],
});
const part = (from: number, to: number, body = BYTES.subarray(from, to)): Answered => ({
  ...{ status: "206 Partial Content", type: null, body },
  fields: [`Content-Range: bytes ${from}-${to - 1}/${to}`],
});

async function job(t: Test, change: Partial<Job>, ...answers: Answered[]) {
  const { sess, server } = await answering(t, ...answers);
  return { job: jobOf(sess, BYTES, change), server };
}

t.test("names are nobody's", async (t) => {
  const [one, two] = [nameBeside("/d/file"), nameBeside("/d/file")];
  t.match(one, /^\/d\/\.libneon-[0-9a-f-]{36}\.part$/);
  t.not(one, two);
  t.match(nameBeside("/file"), /^\/\.libneon-/);
  t.match(nameBeside("/"), /^\/\.libneon-/);
});

t.test("made empty, with the type of the file", async (t) => {
  const { job: uploading, server } = await job(t, { contentType: "a/b" }, { status: "201 Created" });
  t.equal(await makeTemporary(uploading, "/d/x.part"), "/d/x.part");
  const [request] = server.requests;
  t.strictSame([request?.line, request?.field("content-type"), request?.body.length],
    ["PUT /d/x.part HTTP/1.1", "a/b", 0]);
});

t.test("a server that does not have it so", async (t) => {
  const unknown = [400, 403, 404, 405, 409, 415, 501].map((code) => `${code} No`);
  for (const status of unknown) {
    const { job: uploading } = await job(t, {}, { status });
    const error = await failureOf(() => makeTemporary(uploading, "/d/x.part"));
    t.match(error, { message: status });
    t.ok(error instanceof Unsupported, status);
    t.equal(isVerdict(answerWith(status)), true);
  }
  for (const status of ["507 Full", "423 Locked", "500 Oops", "401 No", "416 No"]) t.equal(isVerdict(answerWith(status)), false);
});

t.test("what stands there: more than was confirmed only if it is right", async (t) => {
  const wrong = Buffer.alloc(20, "x");
  const rows: [done: number, answers: Answered[], standing: number | string][] = [
    [40, [head(40)], 40],
    [40, [head(60), part(40, 60)], 60],
    [40, [head(60), part(40, 60, wrong)], 40],
    [40, [head(60), { status: "416 Range Not Satisfiable" }], 40],
    [40, [head(20)], "The server has lost what was begun"],
    [40, [{ status: "404 Not Found" }], "What was begun is gone from the server"],
    [40, [head(null)], "The server does not say how much it holds"],
  ];
  for (const [done, answers, standing] of rows) {
    const { job: uploading } = await job(t, { done }, ...answers);
    const found = await standingOf(uploading, "/d/x.part").catch((error: Error) => error.message);
    t.equal(found, standing, String(standing));
  }
});

const typed = (type: string): Answered => ({
  body: multistatus(response("/d/file", propstat(`<D:resourcetype>${type}</D:resourcetype>`))),
});

t.test("moved into place: all of it, under the conditions, and never onto a collection", async (t) => {
  const conditions = { match: '"old"', noneMatch: null };
  const old: Answered = { status: "204 No Content", type: null, fields: ['ETag: "old"'] };
  const moved: Answered = { status: "201 Created", fields: ['ETag: "new"'] };
  const mtime = new Date(7900);
  const { job: uploading, server } = await job(
    t,
    { conditions, mtime, done: 100 },
    ...[head(100), old, typed(""), moved],
  );
  t.match(await moveIntoPlace(uploading, "/d/x.part"), { created: true, etag: '"new"' });
  t.strictSame(server.requests.map(({ line }) => line.replace(" HTTP/1.1", "")),
    ["HEAD /d/x.part", "HEAD /d/file", "PROPFIND /d/file", "MOVE /d/x.part"]);
  const move = server.requests[3];
  t.equal(move?.field("destination"), `${server.origin}/d/file`);
  t.equal(move?.field("overwrite"), "T");
  t.equal(move?.field("if"), `<${server.origin}/d/file> (["old"])`);
  t.equal(move?.field("x-oc-mtime"), "7");

  const rows: [what: string, answers: Answered[], message: string][] = [
    ["less than all", [head(99)], "The server holds 99 bytes in place of 100"],
    ["more than all", [head(101)], "The server holds 101 bytes in place of 100"],
    ["changed meanwhile", [head(100), head(5)], "412 Precondition Failed"],
    ["a collection", [head(100), old, typed("<D:collection/>")], "There is a collection at /d/file"],
    ["refused", [head(100), old, typed(""), { status: "507 Full" }], "507 Full"],
  ];
  for (const [what, answers, message] of rows) {
    const { job: failing, server } = await job(t, { conditions, done: 90 }, ...answers);
    const error = await failureOf(() => moveIntoPlace(failing, "/d/x.part"));
    t.match(error, { message }, what);
    t.equal(server.requests.length, answers.length, "nothing is sent behind that");
  }
  // of a source whose size nobody knows, what was sent is all
  const source = await openSource({ signal: null }, async function* () {}, null);
  const unsized = await job(t, { source, done: 100 }, head(100), typed(""), moved);
  t.match(await moveIntoPlace(unsized.job, "/d/x.part"), { created: true });
});

t.test("a MOVE whose answer was lost is looked for, not repeated at once", async (t) => {
  const server = await scripted(t, [
    [answer(head(100)), answer(typed("")), "", END],
    [answer(head(100)), answer({ status: "200 OK", type: null, body: BYTES })],
  ]);
  const sess = openSession(t, server.port);
  t.match(await moveIntoPlace(jobOf(sess, BYTES), "/d/x.part"), { created: false });
  const methods = server.requests.map(({ method }) => method);
  t.strictSame(methods, ["HEAD", "PROPFIND", "MOVE", "HEAD", "GET"]);
});

t.test("pieces", async (t) => {
  const call = { method: "PATCH", target: "/d/x.part" };
  const piece = (start: number) => ({ start, length: 10, isLast: false });
  const rows: [start: number, status: string, outcome: number | string][] = [
    [40, "204 No Content", 50],
    [0, "201 Created", 10],
    [40, "201 Created", "What was begun is gone from the server"],
    [40, "404 Not Found", "What was begun is gone from the server"],
    [40, "412 Precondition Failed", "What was begun is gone from the server"],
    [40, "409 Conflict", "What was begun is gone from the server"],
    [40, "410 Gone", "What was begun is gone from the server"],
    [40, "415 Unsupported", "415 Unsupported"],
    [40, "405 Not Allowed", "405 Not Allowed"],
    [40, "501 Not Implemented", "501 Not Implemented"],
    [40, "507 Full", "507 Full"],
  ];
  for (const [start, status, outcome] of rows) {
    const { job: uploading } = await job(t, {}, { status, type: null });
    const found = await writePiece(uploading, piece(start), call).catch(
      (error: Error) => error.message,
    );
    t.equal(found, outcome, `${start} ${status}`);
    const { job: once } = await job(t, {}, { status, type: null });
    const error = await failureOf(() => writePiece(once, piece(start), call));
    t.equal(error instanceof Unsupported, /^(405|415|501)/.test(status), status);
  }
});
