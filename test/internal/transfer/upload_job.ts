// What the protocols share: repetitions that do no harm, and requests that are never repeated where
// they were heard.
import t, { type Test } from "tap";
import {
  discard,
  sendUntilDone,
  sendUnrepeatable,
  mtimeFields,
  requireDone,
  resultOf,
  tell,
  progressFrom,
  typeFields,
  urlOf,
  type State,
} from "../../../lib/internal/transfer/upload_job.js";
import { failureOf, openSession } from "../../fixtures/conversation.js";
import { answering, type Answered } from "../../fixtures/dav.js";
import { scripted } from "../../fixtures/server.js";
import { hurry } from "../../fixtures/transfer/clock.js";
import { answerWith, jobOf } from "../../fixtures/transfer/job.js";

hurry(t, 1000);

const CALL = { method: "PUT", target: "/a" };
const BYTES = Buffer.from("0123456789");
const busy: Answered = { status: "503 Unavailable" };

async function job(t: Test, retries: number, ...answers: Answered[]) {
  const { sess, server } = await answering(t, ...answers);
  return { job: jobOf(sess, BYTES, { retries }), server };
}

t.test("tried again as often as it takes", async (t) => {
  const well = await job(t, 2, busy, busy, { status: "201 Created" });
  t.match(await sendUntilDone(well.job, CALL), { status: { code: 201 } });
  const over = await job(t, 1, busy, busy);
  t.match(await failureOf(() => sendUntilDone(over.job, CALL)), { message: "503 Unavailable" });
  const refused = await job(t, 5, { status: "403 Forbidden" });
  t.match(await failureOf(() => sendUntilDone(refused.job, CALL)), { message: "403 Forbidden" });
  const fine = await job(t, 5, { status: "404 Not Found" });
  t.match(await sendUntilDone(fine.job, CALL, ({ status }) => status?.code === 404), { status: { code: 404 } });
});

t.test("once an answer is lost, it is looked at before anything is repeated", async (t) => {
  const lost = [async (peer: { readRequest(): Promise<unknown>; reset(): void }) => {
    await peer.readRequest();
    peer.reset();
  }];
  const server = await scripted(t, [...lost, ...lost] as Parameters<typeof scripted>[1], { fewer: true });
  const uploading = jobOf(openSession(t, server.port), BYTES, { retries: 3 });
  let looks = 0;
  const found = await sendUnrepeatable(uploading, CALL, async () => (++looks === 2 ? "it is there" : null));
  t.strictSame([found, looks, server.requests.length], [{ found: "it is there" }, 2, 2]);
});

t.test("an answer that says no is not looked behind", async (t) => {
  const { job: uploading } = await job(t, 3, { status: "409 Conflict" });
  let looks = 0;
  const look = async (): Promise<null> => (looks++, null);
  const error = await failureOf(() => sendUnrepeatable(uploading, CALL, look));
  t.match(error, { message: "409 Conflict" });
  t.equal(looks, 0);
});

t.test("a gateway that has lost the answer", async (t) => {
  const { job: uploading, server } = await job(t, 3, { status: "502 Bad Gateway" });
  t.strictSame(await sendUnrepeatable(uploading, CALL, async () => 7), { found: 7 });
  t.equal(server.requests.length, 1);
});

t.test("where an upload stands, and how far a piece is", async (t) => {
  const told: unknown[] = [];
  const uploading = jobOf(openSession(t, 81, "h"), BYTES, {
    ...{ done: 4, fingerprint: "v1:x", onstate: (state: State) => void told.push(state) },
    progress: (done, total) => void told.push([done, total]),
  });
  await tell(uploading, "tus", "/up/1");
  await progressFrom(uploading, 4)?.(3);
  const state = { protocol: "tus", path: "/d/file", url: "/up/1", size: 10, done: 4, source: "v1:x" };
  t.strictSame(told, [state, [7, 10]]);
  t.equal(Object.isFrozen(told[0]), true);
  t.equal(progressFrom(jobOf(uploading.context.sess, BYTES), 0), null);
  t.equal(urlOf(uploading.context, "/a b"), "http://h:81/a b");
});

t.test("fields and results", async (t) => {
  t.strictSame(mtimeFields({ mtime: new Date(1999) }), [["X-OC-Mtime", "1"]]);
  t.strictSame([mtimeFields({ mtime: null }), typeFields({ contentType: null })], [[], []]);
  t.strictSame(typeFields({ contentType: "a/b" }), [["Content-Type", "a/b"]]);
  const conditions = { match: null, noneMatch: "*" };
  t.strictSame(resultOf({ conditions }, { found: { etag: '"x"' } }), { created: true, etag: '"x"' });
  const answer = answerWith("204 No Content", { headers: [["OC-ETag", '"y"']] });
  t.strictSame(resultOf({ conditions }, { response: answer }), { created: false, etag: '"y"' });
  t.equal(requireDone(answer), answer);
  t.throws(() => requireDone(answerWith("423 Locked")), { message: "423 Locked" });
});

t.test("what nobody needs any more is removed, and no failure of that is told", async (t) => {
  const { job: uploading, server } = await job(t, 0, { status: "403 Forbidden" });
  t.equal(await failureOf(() => discard(uploading, "/up/1", [["A", "b"]])), null);
  t.strictSame([server.requests[0]?.line, server.requests[0]?.field("a")], ["DELETE /up/1 HTTP/1.1", "b"]);
});
