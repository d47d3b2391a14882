// When a request is tried again: what passes, what was lost, how often, and how long to wait.
import t from "tap";
import { NE_AUTH, NE_CONNECT, NE_ERROR, NE_TIMEOUT } from "../../../lib/internal/base/constants.js";
import { isLost, isTransient, Tries } from "../../../lib/internal/transfer/retries.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { failureOf } from "../../fixtures/conversation.js";
import { hurry } from "../../fixtures/transfer/clock.js";
import { answerWith } from "../../fixtures/transfer/job.js";

t.test("lost, and passing", async (t) => {
  const rows: [context: string | null, code: number, lost: boolean, passing: boolean][] = [
    [null, NE_CONNECT, true, true],
    [null, NE_TIMEOUT, true, true],
    [null, NE_ERROR, true, true],
    [null, NE_AUTH, false, false],
    ["200 OK", 0, false, false],
    ["404 Not Found", 0, false, false],
    ["408 Request Timeout", 0, false, true],
    ["429 Too Many Requests", 0, false, true],
    ["500 Oops", 0, false, true],
    ["501 Not Implemented", 0, false, false],
    ["502 Bad Gateway", 0, true, true],
    ["503 Unavailable", 0, false, true],
    ["504 Gateway Timeout", 0, true, true],
    ["505 Version", 0, false, false],
    ["507 Insufficient Storage", 0, false, false],
    ["503 Unavailable", NE_ERROR, false, false],
  ];
  for (const [context, code, lost, passing] of rows) {
    const answer = answerWith(context, { code });
    t.strictSame([isLost(answer), isTransient(answer)], [lost, passing], `${context} ${code}`);
  }
});

hurry(t, 1000);

function trying(t: { teardown(fn: () => void): void }, most: number, signal: AbortSignal | null = null) {
  const sess = ne_session_create("http", "h", 80);
  let gone = false;
  const destroy = (): void => {
    if (!gone) ne_session_destroy(sess);
    gone = true;
  };
  t.teardown(destroy);
  return { tries: new Tries({ sess, signal, fields: [] }, most), destroy };
}

const BUSY = answerWith("503 Unavailable");

t.test("as often as allowed, counted anew after each step forward", async (t) => {
  const { tries } = trying(t, 2);
  t.strictSame([await tries.may(BUSY), await tries.may(BUSY), await tries.may(BUSY)], [true, true, false]);
  tries.reset();
  t.equal(await tries.may(BUSY), true);
  const { tries: none } = trying(t, 0);
  t.match(await failureOf(() => none.again(BUSY)), { message: "503 Unavailable" });
});

t.test("what does not pass is not tried again", async (t) => {
  const { tries } = trying(t, 5);
  t.match(await failureOf(() => tries.again(answerWith("404 Not Found"))), { message: "404 Not Found" });
  const { sess } = tries.context;
  const also = new Tries({ sess, signal: null, fields: [] }, 5, ({ status }) => status?.code === 423);
  t.equal(await also.may(answerWith("423 Locked")), true, "what passes besides");
});

t.test("a server that asks for too much patience is not waited for", async (t) => {
  const { tries } = trying(t, 5);
  const later = answerWith("503 Unavailable", { headers: [["Retry-After", "86400"]] });
  t.equal(await tries.may(later), false);
});

t.test("neither after an abort, nor on a session that is gone", async (t) => {
  const controller = new AbortController();
  const { tries } = trying(t, 5, controller.signal);
  const waiting = failureOf(() => tries.may(answerWith("503 x", { headers: [["Retry-After", "500"]] })));
  controller.abort(new Error("enough"));
  t.match(await waiting, { message: "Aborted", cause: { message: "enough" } });
  const gone = trying(t, 5);
  gone.destroy();
  t.equal(await gone.tries.may(BUSY), false);
});
