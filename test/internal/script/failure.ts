// What is known of a request that failed.
import t from "tap";
import {
  conditionIn,
  throwFailure,
  addFailureReader,
} from "../../../lib/internal/script/failure.js";
import { nx_error } from "../../../lib/internal/script/nx_error.js";
import {
  NE_CONNECT,
  NE_ERROR,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { ne_uri } from "../../../lib/ne_uri.js";
import { type Answered, answering, multistatus, response } from "../../fixtures/dav.js";
import { refusedPort } from "../../fixtures/server.js";
import type { ne_session } from "../../../lib/ne_session.js";

async function failing(sess: ne_session): Promise<nx_error | null> {
  const req = ne_request_create(sess, "DELETE", "/d/");
  try {
    const watch = addFailureReader(req);
    throwFailure(req, await ne_request_dispatch(req), watch, "/d/");
    return null;
  } catch (error) {
    if (error instanceof nx_error) return error;
    throw error;
  } finally {
    ne_request_destroy(req);
  }
}

const locked = "<D:status>HTTP/1.1 423 Locked</D:status>";
const error = "<D:error xmlns:D='DAV:'><D:lock-token-submitted><D:href>/d/x</D:href>" +
  "</D:lock-token-submitted></D:error>";

const ANSWERS: Record<string, { answer: Answered; wanted: object | null }> = {
  "success": { answer: { status: "204 No Content", type: null }, wanted: null },
  "a status": {
    answer: { status: "503 Busy", type: null, fields: ["Retry-After: 7"] },
    wanted: {
      message: "503 Busy",
      code: NE_ERROR,
      status: { code: 503 },
      path: "/d/",
      condition: null,
      done: null,
      cause: undefined,
    },
  },
  "an error document": {
    answer: { status: "423 Locked", body: error },
    wanted: { message: "423 Locked", path: "/d/x", condition: "lock-token-submitted" },
  },
  "an error document that is none": {
    answer: { status: "423 Locked", body: "<D:error" },
    wanted: { message: "423 Locked", path: "/d/", condition: null },
  },
  "an error that is no XML": {
    answer: { status: "423 Locked", body: "<html><p>locked</html>", type: "text/html" },
    wanted: { message: "423 Locked", condition: null },
  },
  "a failure in a 207": {
    answer: { body: multistatus(response("/d/y", locked, error)) },
    wanted: {
      message: "/d/y: 423 Locked",
      code: NE_ERROR,
      status: { code: 423, reason_phrase: "Locked" },
      path: "/d/y",
      condition: "lock-token-submitted",
    },
  },
  "a 207 that cannot be read": {
    answer: { body: "<html/>", type: "text/html" },
    wanted: {
      message: "Could not parse response: the document is no DAV:multistatus",
      status: { code: 207 },
    },
  },
};

for (const [name, { answer, wanted }] of Object.entries(ANSWERS)) {
  t.test(name, async (t) => {
    const { sess } = await answering(t, answer);
    const failure = await failing(sess);
    if (wanted === null) t.equal(failure, null);
    else t.match(failure, { name: "nx_error", ...wanted });
  });
}

t.test("header fields go along", async (t) => {
  const { sess } = await answering(t, { status: "503 Busy", fields: ["Retry-After: 7"] });
  const failure = await failing(sess);
  t.same(failure?.headers.find(([field]) => field === "Retry-After"), ["Retry-After", "7"]);
});

t.test("no response at all", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", await refusedPort());
  t.teardown(() => ne_session_destroy(sess));
  const failure = await failing(sess);
  t.match(failure, { code: NE_CONNECT, status: null, headers: [], path: "/d/" });
  t.ok(failure?.cause instanceof Error);
});

t.test("the condition in a body", async (t) => {
  const base = new ne_uri();
  base.path = "/";
  t.equal(conditionIn(Buffer.from(error), "text/xml", base), "lock-token-submitted");
  t.equal(conditionIn(Buffer.from("no document"), "text/xml", base), null);
  for (const type of [null, "text/plain", "xml"]) {
    t.equal(conditionIn(Buffer.from(error), type, base), null, `${type}`);
  }
});
