// The pieces that a server holds: in order and without a gap, or what was begun is of no use.
import t, { type Test } from "tap";
import { listPieces } from "../../../lib/internal/transfer/piece_list.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";
import { jobOf } from "../../fixtures/transfer/job.js";

const size = (text: string): string => propstat(`<D:getcontentlength>${text}</D:getcontentlength>`);
const piece = (name: string, bytes: string): string => response(`/up/${name}`, size(bytes));
const holding = (...pieces: string[]): Answered => ({ body: multistatus(response("/up/", propstat("")), ...pieces) });

async function list(t: Test, answer: Answered): Promise<number[]> {
  const { sess } = await answering(t, answer);
  return listPieces(jobOf(sess, Buffer.alloc(0)), "/up/", []);
}

t.test("what is asked", async (t) => {
  const { sess, server } = await answering(t, holding());
  const job = jobOf(sess, Buffer.alloc(0), { context: { sess, signal: null, fields: [["X-A", "1"]] } });
  t.strictSame(await listPieces(job, "/up/", [["Destination", "http://h/a"]]), []);
  const [request] = server.requests;
  t.equal(request?.line, "PROPFIND /up/ HTTP/1.1");
  t.strictSame(["depth", "x-a", "destination"].map((name) => request?.field(name)), ["1", "1", "http://h/a"]);
});

t.test("in order, whatever the order of the answer", async (t) => {
  t.strictSame(await list(t, holding(piece("00002", "7"), piece("00001", "5"), piece("3", "1"))), [5, 7, 1]);
  t.strictSame(await list(t, holding(piece("00001", "5"), piece(".file", "9"))), [5], "others are none");
});

t.test("a gap, or a size that is none", async (t) => {
  const lost = "The server has lost a piece of what was begun";
  for (const pieces of [[piece("2", "5")], [piece("1", "5"), piece("3", "5")], [piece("1", "many")]]) {
    t.match(await failureOf(() => list(t, holding(...pieces))), { message: lost });
  }
});

t.test("what is gone, and what is not said", async (t) => {
  const gone = "What was begun is gone from the server";
  t.match(await failureOf(() => list(t, { status: "404 Not Found" })), { message: gone });
  t.match(await failureOf(() => list(t, { status: "410 Gone" })), { message: gone });
  for (const answer of [{ status: "403 Forbidden" }, { body: "" }, { status: "200 OK", body: "" }]) {
    t.type(await failureOf(() => list(t, answer)), Error);
  }
});
