// A multistatus in place of a response: its failures are the request's, and a 207 that says nothing
// is no success.
import t, { type Test } from "tap";
import { NE_ERROR, NE_OK } from "../../../lib/internal/base/constants.js";
import {
  dispatchForNoMultistatus,
  dispatchForOutcome,
  endOutcomeReader,
  judgeOutcome,
  addOutcomeReader,
} from "../../../lib/internal/multistatus/outcome_reader.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import type { ne_request } from "../../../lib/ne_request.js";
import { ne_get_error } from "../../../lib/ne_session.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const status = (line: string): string => `<D:status>HTTP/1.1 ${line}</D:status>`;

async function run(
  t: Test,
  answer: Answered,
  dispatch: (req: ne_request) => Promise<number>,
): Promise<[ret: number, error: string]> {
  const { sess } = await answering(t, answer);
  const req = ne_request_create(sess, "DELETE", "/a/");
  const ret = await dispatch(req);
  ne_request_destroy(req);
  return [ret, ne_get_error(sess)];
}

const ALL_WELL = multistatus(response("/a/b", status("200 OK")), response("/a/c", propstat("<x:p/>")));
const LOCKED = multistatus(response("/a/b", status("423 Locked")), response("/a/c", status("200 OK")));

t.test("what a dispatch comes to", async (t) => {
  const rows: [what: string, answer: Answered, ret: number, error: RegExp][] = [
    ["a plain success", { status: "204 No Content", type: null }, NE_OK, /^204 No Content$/],
    ["a plain failure", { status: "403 Forbidden" }, NE_ERROR, /^403 Forbidden$/],
    ["a redirect", { status: "302 Found", fields: ["Location: /b"] }, NE_ERROR, /^302 Found$/],
    ["a 207 where all is well", { body: ALL_WELL }, NE_OK, /^207 Multi-Status$/],
    ["a 207 with a failure", { body: LOCKED }, NE_ERROR, /\/a\/b.*423 Locked/],
    ["an empty 207", { body: "" }, NE_ERROR, /^Could not parse response: /],
    ["a 207 that is cut off", { body: LOCKED.slice(0, 100) }, NE_ERROR, /^Could not parse response: /],
    ["a 207 of something else", { body: "<html/>", type: "text/html" }, NE_ERROR,
      /^Could not parse response: the document is no DAV:multistatus$/],
    ["a 200 with any document", { status: "200 OK", body: LOCKED }, NE_OK, /^200 OK$/],
  ];
  for (const [what, answer, ret, error] of rows) {
    const found = await run(t, answer, dispatchForOutcome);
    t.equal(found[0], ret, what);
    t.match(found[1], error, what);
  }
});

t.test("where any multistatus is a failure", async (t) => {
  t.strictSame(await run(t, { status: "200 OK" }, dispatchForNoMultistatus), [NE_OK, "200 OK"]);
  const [ret, error] = await run(t, { body: LOCKED }, dispatchForNoMultistatus);
  t.equal(ret, NE_ERROR);
  t.match(error, /423 Locked/);
  const silent = await run(t, { body: ALL_WELL }, dispatchForNoMultistatus);
  t.strictSame(silent, [NE_ERROR, "207 Multi-Status"]);
  const junk = await run(t, { body: "junk" }, dispatchForNoMultistatus);
  t.strictSame(junk, [NE_ERROR, "207 Multi-Status"]);
});

t.test("a code that has failed stays", async (t) => {
  const { sess } = await answering(t, { body: LOCKED });
  const req = ne_request_create(sess, "DELETE", "/");
  const watch = addOutcomeReader(req, true);
  await ne_request_dispatch(req);
  t.equal(judgeOutcome(req, 7, watch), 7);
  t.equal(judgeOutcome(req, NE_OK, watch), NE_ERROR);
  endOutcomeReader(watch);
  ne_request_destroy(req);
});

t.test("other answers may be wanted", async (t) => {
  const { sess } = await answering(t, { status: "403 Forbidden", body: LOCKED });
  const req = ne_request_create(sess, "DELETE", "/");
  const watch = addOutcomeReader(req, false, () => true);
  await ne_request_dispatch(req);
  t.match(watch.outcome, { isMultistatus: true });
  t.match(watch.outcome?.text, /423 Locked/);
  endOutcomeReader(watch);
  ne_request_destroy(req);
});
