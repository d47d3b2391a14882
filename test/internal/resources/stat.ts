// One resource, or that there is none: a response that does not say is neither.
import t, { type Test } from "tap";
import { isAbsence, stat } from "../../../lib/internal/resources/stat.js";
import type { nx_resource } from "../../../lib/internal/resources/resource.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const status = (line: string): string => `<D:status>HTTP/1.1 ${line}</D:status>`;
const found = (...responses: string[]): Answered => ({ body: multistatus(...responses) });
const LENGTH = propstat("<D:getcontentlength>7</D:getcontentlength>");

async function ask(t: Test, answer: Answered): Promise<nx_resource | null> {
  const { sess } = await answering(t, answer);
  return stat(sess, "/a", [], "f");
}

t.test("an existing resource", async (t) => {
  const { sess, server } = await answering(t, found(response("/a", LENGTH)));
  t.match(await stat(sess, "/a", [], "f"), { self: true, path: "/a", size: 7 });
  t.equal(server.requests[0]?.field("depth"), "0");
  t.match(await ask(t, found(response("/x", LENGTH), response("/a", LENGTH))), { path: "/a" });
});

t.test("nothing is there", async (t) => {
  t.equal(await ask(t, { status: "404 Not Found" }), null);
  t.equal(await ask(t, { status: "410 Gone" }), null);
  t.equal(await ask(t, found(response("/a", status("404 Not Found")))), null);
  t.equal(await ask(t, found(response("/odd", status("404 Not Found")))), null, "the only response");
  t.strictSame([404, 410, 403, 200, undefined].map(isAbsence), [true, true, false, false, false]);
});

t.test("an answer that does not say is a failure", async (t) => {
  const rows: [what: string, answer: Answered, message: RegExp][] = [
    ["refused", { status: "403 Forbidden" }, /403 Forbidden/],
    ["refused inside", found(response("/a", status("403 Forbidden"))), /403 Forbidden/],
    ["another resource", found(response("/b", LENGTH)), /does not name the resource/],
    ["two that are gone", found(response("/b", status("404 Not Found")), response("/c", status("404 x"))),
      /does not name the resource/],
    ["cut short", found(response("/a", status("507 Insufficient Storage"))), /cut the answer short/],
    ["empty", found(), /./],
    ["no document", { body: "" }, /./],
    ["an error of the server", { status: "500 Oops" }, /500 Oops/],
  ];
  for (const [what, answer, message] of rows) {
    t.match(await failureOf(() => ask(t, answer)), { name: "nx_error", message }, what);
  }
});
