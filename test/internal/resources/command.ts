// Requests that say only whether they did it: a failure inside of a success is one.
import t, { type Test } from "tap";
import { carryOut } from "../../../lib/internal/resources/command.js";
import { ne_add_request_header } from "../../../lib/ne_request.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, response, type Answered } from "../../fixtures/dav.js";

async function run(t: Test, answer: Answered, body = ""): Promise<{ error: unknown; sent: string }> {
  const { sess, server } = await answering(t, answer);
  const prepare = (req: Parameters<typeof ne_add_request_header>[0]): void =>
    ne_add_request_header(req, "X-Mine", "1");
  const error = await failureOf(() =>
    carryOut({ sess, method: "MKCOL", path: "/a/", body, caller: "f", prepare }),
  );
  const [request] = server.requests;
  return { error, sent: `${request?.head}${request?.body.toString()}` };
}

const status = (line: string): string => `<D:status>HTTP/1.1 ${line}</D:status>`;

t.test("done", async (t) => {
  const { error, sent } = await run(t, { status: "201 Created" }, "<a/>");
  t.equal(error, null);
  t.match(sent, /^MKCOL \/a\/ HTTP\/1.1\r\n/);
  t.match(sent, /\r\nX-Mine: 1\r\n(.*\r\n)*\r\n<a\/>$/);
  t.match(sent, /\r\nContent-Type: (text|application)\/xml/);
  t.notMatch((await run(t, { status: "201 Created" })).sent, /Content-Type/);
});

t.test("not done, in the words that say most", async (t) => {
  const condition = '<D:error xmlns:D="DAV:"><D:resource-must-be-null/></D:error>';
  const inside = multistatus(response("/a/b", status("423 Locked")));
  const rows: [what: string, answer: Answered, code: number, condition: string | null, message: RegExp][] = [
    ["a status", { status: "405 Not Allowed" }, 405, null, /^405 Not Allowed$/],
    ["with a condition", { status: "403 Forbidden", body: condition }, 403, "resource-must-be-null",
      /403 Forbidden/],
    ["a 207", { body: inside }, 423, null, /423 Locked/],
    ["a success that tells of a failure", { status: "201 Created", body: inside }, 423, null, /423 Locked/],
    ["a dependency", { status: "424 Failed Dependency", body: inside }, 423, null, /423 Locked/],
    ["another status that tells of one", { status: "403 Forbidden", body: inside }, 403, null, /403 Forbidden/],
  ];
  for (const [what, answer, code, named, message] of rows) {
    const { error } = await run(t, answer);
    t.match(error, { name: "nx_error", status: { code }, condition: named, message }, what);
  }
});
