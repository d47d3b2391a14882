// The resource beside the target: nobody ever sees half a file, and what is not surely there is not
// counted.
import t, { type Test } from "tap";
import type { Job } from "../../../lib/internal/transfer/job.js";
import {
  isVerdict,
  makeTemporary,
  nameBeside,
  standingOf,
  writePiece,
} from "../../../lib/internal/transfer/temporary.js";
import { Unsupported } from "../../../lib/internal/transfer/failed_transfer.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, type Answered } from "../../fixtures/dav.js";
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
});

t.test("made empty, with the type of the file", async (t) => {
  const { job: uploading, server } = await job(t, { contentType: "a/b" }, { status: "201 Created" });
  t.equal(await makeTemporary(uploading, "/d/x.part"), "/d/x.part");
  const [request] = server.requests;
  t.strictSame([request?.line, request?.field("content-type"), request?.body.length],
    ["PUT /d/x.part HTTP/1.1", "a/b", 0]);
});

t.test("a server that does not have it so", async (t) => {
  for (const status of ["405 Not Allowed", "403 Forbidden", "409 Conflict", "501 Not Implemented"]) {
    const { job: uploading } = await job(t, {}, { status });
    const error = await failureOf(() => makeTemporary(uploading, "/d/x.part"));
    t.match(error, { message: status });
    t.ok(error instanceof Unsupported, status);
    t.equal(isVerdict(answerWith(status)), true);
  }
  for (const status of ["507 Full", "423 Locked", "500 Oops"]) t.equal(isVerdict(answerWith(status)), false);
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

t.test("pieces", async (t) => {
  const call = { method: "PATCH", target: "/d/x.part" };
  const piece = (start: number) => ({ start, length: 10, isLast: false });
  const rows: [start: number, status: string, outcome: number | string][] = [
    [40, "204 No Content", 50],
    [0, "201 Created", 10],
    [40, "201 Created", "What was begun is gone from the server"],
    [40, "404 Not Found", "What was begun is gone from the server"],
    [40, "412 Precondition Failed", "What was begun is gone from the server"],
    [40, "415 Unsupported", "415 Unsupported"],
    [40, "507 Full", "507 Full"],
  ];
  for (const [start, status, outcome] of rows) {
    const { job: uploading } = await job(t, {}, { status, type: null });
    const found = await writePiece(uploading, piece(start), call).catch(
      (error: Error) => error.message,
    );
    t.equal(found, outcome, `${start} ${status}`);
  }
});
