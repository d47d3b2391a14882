// How a transfer fails: in the words of the response or the system, and as the nx_error that the
// caller gets.
import t from "tap";
import { NE_ERROR, NE_TIMEOUT } from "../../../lib/internal/base/constants.js";
import {
  checkSignal,
  conditionFailed,
  Failed,
  refused,
  systemFailure,
  toCaller,
  Unsupported,
  wordsOf,
} from "../../../lib/internal/transfer/failed_transfer.js";
import type { nx_error } from "../../../lib/internal/script/nx_error.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { systemError } from "../../fixtures/stream.js";
import { answerWith } from "../../fixtures/transfer/job.js";

t.test("words", async (t) => {
  t.equal(wordsOf(answerWith("404 Not Found")), "404 Not Found");
  t.equal(wordsOf(answerWith("404 ")), "404");
  t.equal(wordsOf(answerWith(null, { error: "Timed out" })), "Timed out");
  t.equal(wordsOf(answerWith("200 OK", { error: "cut off" })), "cut off");
});

t.test("codes", async (t) => {
  t.equal(new Failed("x").code, NE_ERROR);
  t.equal(refused(answerWith("404 Not Found")).code, NE_ERROR, "an answer that is the failure");
  t.equal(refused(answerWith(null, { code: NE_TIMEOUT })).code, NE_TIMEOUT);
  t.ok(new Unsupported("x") instanceof Failed);
});

t.test("errors of the system", async (t) => {
  t.match(systemFailure("Could not write", systemError("ENOSPC")), {
    message: "Could not write: No space left on device (ENOSPC)",
    cause: { code: "ENOSPC" },
  });
  t.equal(systemFailure("Could not read", new Error("odd")).message, "Could not read: odd");
  t.equal(systemFailure("Could not read", "text").message, "Could not read: text");
});

t.test("a condition of our own looks like the server's", async (t) => {
  const { response, message } = conditionFailed(answerWith(null));
  t.equal(message, "412 Precondition Failed");
  t.match(response?.status, { code: 412, klass: 4 });
});

t.test("what the caller gets", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  const context = { sess, signal: null, fields: [] };
  const body = Buffer.from('<D:error xmlns:D="DAV:"><D:quota-not-exceeded/></D:error>');
  const headers = [["Content-Type", "text/xml"]] as const;
  const failed = refused(answerWith("507 Insufficient Storage", { body, headers, path: "/up/1" }));
  t.match(toCaller(context, failed, "/a", 7), {
    ...{ name: "nx_error", message: "507 Insufficient Storage", code: NE_ERROR, path: "/up/1" },
    ...{ done: 7, condition: "quota-not-exceeded", status: { code: 507 } },
  });
  t.match(toCaller(context, new Failed("x"), "/a", 0), { path: "/a", done: 0, status: null, condition: null });
  const own = new Error("the application's");
  t.equal(toCaller(context, own, "/a", 0), own, "what is not ours stays as it is");
});

t.test("aborted: the reason is the cause, whatever it is", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  const signal = AbortSignal.abort("enough");
  const context = { sess, signal, fields: [] };
  t.throws(() => checkSignal(context), { message: "Aborted" });
  t.equal((toCaller(context, new Failed("Aborted"), "/a", 0) as nx_error).cause, "enough");
  t.doesNotThrow(() => checkSignal({ ...context, signal: null }));
  t.doesNotThrow(() => checkSignal({ ...context, signal: new AbortController().signal }));
});
