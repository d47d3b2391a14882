// Answers that functions above take for failures: the report says where they failed.
import t, { type Test } from "tap";
import { NE_CONNECT, NE_ERROR, NE_OK } from "../../../lib/internal/base/constants.js";
import {
  failResponse,
  reportLogin,
  reportUnreadable,
} from "../../../lib/internal/session/failed_response.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { nx_get_failure } from "../../../lib/nx_trace.js";
import { openSession } from "../../fixtures/conversation.js";
import { scripted } from "../../fixtures/server.js";

async function phase(
  t: Test,
  status: string,
  report: (req: ReturnType<typeof ne_request_create>) => void = () => {},
): Promise<[code: number, phase: string | undefined]> {
  const server = await scripted(t, [[`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`]]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(nx_get_failure(sess), null, "the conversation found no fault");
  report(req);
  const code = failResponse(req);
  const found = nx_get_failure(sess)?.phase;
  ne_request_destroy(req);
  return [code, found];
}

t.test("phases", async (t) => {
  t.strictSame(await phase(t, "404 Not Found"), [NE_ERROR, "head"]);
  t.strictSame(await phase(t, "207 Multi-Status"), [NE_ERROR, "body"]);
  t.strictSame(await phase(t, "401 Unauthorized"), [NE_ERROR, "auth"]);
  t.strictSame(await phase(t, "407 Proxy"), [NE_ERROR, "auth"]);
  t.strictSame(await phase(t, "200 OK", reportUnreadable), [NE_ERROR, "parse"]);
  t.strictSame(await phase(t, "207 Multi-Status", reportUnreadable), [NE_ERROR, "parse"]);
  t.strictSame(await phase(t, "401 Unauthorized", reportUnreadable), [NE_ERROR, "auth"]);
  t.strictSame((await phase(t, "200 OK", reportLogin))[0], NE_ERROR);
});

t.test("a request that has failed keeps its code", async (t) => {
  const sess = openSession(t, 1);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_CONNECT);
  t.equal(failResponse(req), NE_CONNECT);
  t.equal(nx_get_failure(sess)?.phase, "connect");
  ne_request_destroy(req);
});
