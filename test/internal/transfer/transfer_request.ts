// One request of a transfer: what it shows, what is kept of the response, and that it goes out
// once.
import t from "tap";
import { NE_CONNECT, NE_ERROR, NE_OK } from "../../../lib/internal/base/constants.js";
import {
  sendRequest,
  fieldOf,
  hasStatus,
  isDone,
  isLive,
  resultOf,
} from "../../../lib/internal/transfer/transfer_request.js";
import { ne_set_request_body_buffer } from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { OK, openSession } from "../../fixtures/conversation.js";
import { answering } from "../../fixtures/dav.js";
import { END, scripted } from "../../fixtures/server.js";
import { answerWith } from "../../fixtures/transfer/job.js";

const CALL = { method: "PUT", target: "/a" };

t.test("fields: the call's own win over the caller's", async (t) => {
  const { sess, server } = await answering(t, { status: "201 Created" });
  const line = { sess, signal: null, fields: [["X-A", "line"], ["X-B", "line"]] as const };
  const body = Buffer.from("content");
  const answer = await sendRequest(line, {
    ...CALL,
    fields: [["x-a", "call"]],
    body: (req) => ne_set_request_body_buffer(req, body),
    condition: '</a> (["1"])',
  });
  const [request] = server.requests;
  t.strictSame([request?.field("x-a"), request?.field("x-b")], ["call", "line"]);
  t.equal(request?.field("if"), '</a> (["1"])');
  t.equal(request?.body.toString(), "content");
  t.match(answer, { code: NE_OK, method: "PUT", path: "/a", challenged: false });
  t.equal(isDone(answer), true);
});

t.test("the beginning of a failure's body is kept", async (t) => {
  const { sess } = await answering(t, { status: "507 Full", body: "x".repeat(100_000), fields: ["A: 1", "a: 2"] });
  const answer = await sendRequest({ sess, signal: null, fields: [] }, CALL);
  t.equal(answer.body.length, 64 * 1024);
  t.equal(fieldOf(answer, "a"), "2", "the last one");
  t.equal(fieldOf(answer, "b"), null);
  t.strictSame([hasStatus(answer, 500, 507), hasStatus(answer, 500), isDone(answer)], [true, false, false]);
});

t.test("what has been done is done, whether or not all that is said about it arrives", async (t) => {
  const cut = "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nhalf";
  for (const [answer, code] of [[cut, NE_OK], [cut.replace("201 Created", "500 Oops"), NE_ERROR]] as const) {
    const server = await scripted(t, [[answer, END]]);
    const found = await sendRequest({ sess: openSession(t, server.port), signal: null, fields: [] }, CALL);
    t.equal(found.code, code);
    t.equal(isDone(found), code === NE_OK);
  }
});

t.test("over a kept connection that ends, a request is not repeated unless it is harmless", async (t) => {
  for (const harmless of [false, true]) {
    const server = await scripted(t, [[OK, "", END], [OK]], { fewer: true });
    const line = { sess: openSession(t, server.port), signal: null, fields: [] };
    await sendRequest(line, CALL);
    const answer = await sendRequest(line, { ...CALL, harmless });
    t.equal(answer.status === null, !harmless);
    t.equal(server.requests.length, harmless ? 3 : 2);
  }
});

t.test("no answer", async (t) => {
  const line = { sess: openSession(t, 1), signal: null, fields: [] };
  const answer = await sendRequest(line, CALL);
  t.match(answer, { code: NE_CONNECT, status: null, error: /Could not connect/ });
  const aborted = { ...line, signal: AbortSignal.abort() };
  t.match(await sendRequest(aborted, CALL), { code: NE_ERROR, status: null, error: "Aborted" });
});

t.test("a session that is gone says so", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  const line = { sess, signal: null, fields: [] };
  t.equal(isLive(line), true);
  ne_session_destroy(sess);
  t.equal(isLive(line), false);
  t.match(resultOf(line, CALL, NE_ERROR), { error: "Session destroyed", cause: null });
  t.equal(isDone(answerWith("207 Multi-Status")), false, "a multistatus is no success");
});
