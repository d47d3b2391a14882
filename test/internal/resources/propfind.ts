// A listing that says nothing about the collection is a failure, never an empty folder.
import t, { type Test } from "tap";
import { batchesOf } from "../../../lib/internal/resources/batches.js";
import { ResourceCollector } from "../../../lib/internal/resources/resource_collector.js";
import { listOnce, propfind, propfindBody } from "../../../lib/internal/resources/propfind.js";
import { Call } from "../../../lib/internal/resources/call.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const status = (line: string): string => `<D:status>HTTP/1.1 ${line}</D:status>`;
const found = (...responses: string[]): Answered => ({ body: multistatus(...responses) });

async function list(t: Test, answer: Answered): Promise<string[]> {
  const { sess } = await answering(t, answer);
  const spec = propfind("/d/", 1, propfindBody([], "f"), "listing: ");
  const paths: string[] = [];
  const batches = listOnce(new Call(sess, null, "f"), spec, new ResourceCollector("/d/", "listing: "), () => true);
  for await (const supply of batches) {
    for (const batch of batchesOf(supply)) paths.push(...batch.map(({ path }) => path));
  }
  return paths;
}

t.test("bodies", async (t) => {
  t.match(propfindBody("all", "f"), '<propfind xmlns="DAV:"><allprop/></propfind>');
  const named = propfindBody([{ nspace: "u&", name: "p" }, { nspace: "DAV:", name: "getetag" }], "f");
  t.match(named, '<p xmlns="u&amp;"/>');
  t.equal(named.split("<getetag ").length, 2, "each once");
  t.throws(() => propfindBody([{ nspace: "", name: "a/><b" }], "f"), { message: /is not the name/ });
});

t.test("members, and the collection", async (t) => {
  const all = found(response("/d/", propstat("")), response("/d/a", propstat("")));
  t.strictSame(await list(t, all), ["/d/", "/d/a"]);
  t.strictSame(await list(t, found(response("/d/", propstat("")))), ["/d/"], "an empty folder");
  const refused = found(response("/d/", propstat("")), response("/d/a", status("403 Forbidden")));
  t.strictSame(await list(t, refused), ["/d/", "/d/a"], "a member that is refused is still there");
});

t.test("failures", async (t) => {
  const rows: [what: string, answer: Answered, message: RegExp][] = [
    ["nothing", found(), /^listing: the answer names neither the collection nor a member of it$/],
    ["strangers", found(response("/e/", propstat(""))), /names neither the collection nor a member/],
    ["refused", found(response("/d/", status("403 Forbidden"))), /^listing: 403 Forbidden$/],
    ["refused with members", found(response("/d/a", propstat("")), response("/d/", status("403 No"))), /403 No/],
    ["cut short", found(response("/d/", propstat("")), response("/d/", status("507 x"))), /cut the answer short/],
    ["a plain success", { status: "200 OK", body: "" }, /./],
    ["a failure", { status: "404 Not Found" }, /404 Not Found/],
    ["half a document", { body: multistatus(response("/d/", propstat(""))).slice(0, -8) }, /./],
  ];
  for (const [what, answer, message] of rows) {
    t.match(await failureOf(() => list(t, answer)), { name: "nx_error", message }, what);
  }
});
