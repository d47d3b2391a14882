// Reports: resources anywhere, each once, no more than asked for, and none of them lost unsaid.
import t, { type Test } from "tap";
import { batchesOf } from "../../../lib/internal/resources/batches.js";
import { report } from "../../../lib/internal/resources/report_request.js";
import { Call } from "../../../lib/internal/resources/call.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const one = (path: string): string => response(path, propstat(""));
const CUT = response("/d/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");

async function ask(t: Test, answer: Answered, limit?: number): Promise<string[]> {
  const { sess } = await answering(t, answer);
  const spec = { method: "REPORT", path: "/d/", depth: 1, body: "<a/>", context: "query: " } as const;
  const paths: string[] = [];
  const bound = limit === undefined ? undefined : { limit };
  for await (const supply of report(new Call(sess, null, "f"), spec, bound)) {
    for (const batch of batchesOf(supply)) paths.push(...batch.map(({ path }) => path));
  }
  return paths;
}

t.test("each once, wherever it is", async (t) => {
  const body = multistatus(one("/d/a"), one("/e/x"), one("/d/%61"));
  t.strictSame(await ask(t, { body }), ["/d/a", "/e/x"]);
  t.strictSame(await ask(t, { body: multistatus() }), [], "nothing found is an answer");
});

t.test("no more than asked for", async (t) => {
  const body = multistatus(...Array.from({ length: 50 }, (_, i) => one(`/d/${i}`)));
  t.strictSame(await ask(t, { body }, 3), ["/d/0", "/d/1", "/d/2"]);
});

t.test("an answer that was cut short", async (t) => {
  const body = multistatus(one("/d/a"), CUT);
  t.match(await failureOf(() => ask(t, { body })), { message: /^query: the server cut the answer short/ });
  t.strictSame(await ask(t, { body }, 5), ["/d/a"], "as good as any where a limit was asked for");
});

t.test("failures", async (t) => {
  for (const answer of [{ status: "403 Forbidden" }, { body: "" }, { body: "<a>" }]) {
    t.match(await failureOf(() => ask(t, answer)), { name: "nx_error", message: /^query: / });
  }
});
