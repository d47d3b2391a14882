// Failures as exceptions, with what the server said.
import t from "tap";
import * as failed from "../../../lib/internal/resources/failed_request.js";
import { nx_error } from "../../../lib/internal/script/nx_error.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";
import { answering } from "../../fixtures/dav.js";

t.test("of the server's making", async (t) => {
  t.match(failed.failure("words"), { code: 1, status: null, path: null, condition: null });
  t.match(failed.failure("words", { path: "/a", condition: "c", code: 3 }), {
    ...{ name: "nx_error", message: "words", code: 3, path: "/a", condition: "c" },
  });
});

t.test("of a request", async (t) => {
  const { sess } = await answering(t, { status: "403 Forbidden", fields: ["X-Why: because"] });
  const req = ne_request_create(sess, "GET", "/a");
  t.equal(failed.statusOf(req), null, "nothing has come yet");
  await ne_request_dispatch(req);
  const error = failed.requestFailure(req, 1, "/a", "reading: ", "need-privileges");
  t.match(error, { message: "reading: 403 Forbidden (need-privileges)", path: "/a", status: { code: 403 } });
  t.match(error.headers.find(([name]) => name.toLowerCase() === "x-why"), ["X-Why", "because"]);
  t.equal(Object.isFrozen(error.status), true);
  ne_request_destroy(req);
});

t.test("of a response element", async (t) => {
  const status = new ne_status();
  ne_parse_statusline("HTTP/1.1 403 Forbidden", status);
  const response = { hrefs: ["/a"], status, props: [], trees: [], description: null, condition: null };
  t.equal(failed.refusal(response, "/a").message, "403 Forbidden");
  const said = { ...response, condition: "quota", description: "too much" };
  t.match(failed.refusal(said, "/a", "copy: "), {
    ...{ message: "copy: 403 Forbidden (quota, too much)", condition: "quota", path: "/a" },
  });
});

t.test("of an abort", async (t) => {
  const error = failed.abortFailure(AbortSignal.abort());
  t.match(error, { message: "Aborted", cause: { name: "AbortError" } });
  t.equal(failed.isAbort(error), true);
  t.equal(failed.isAbort(failed.failure("x")), false);
  t.equal(failed.isAbort(Object.assign(new Error("x"), { name: "AbortError" })), false);
  t.equal(failed.isAbort(new nx_error("x", 1, null, new Error("other"))), false);
});
