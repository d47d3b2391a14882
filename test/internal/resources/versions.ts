// Versions in the order in which they came to be: by date, and each behind those that it was made
// from.
import t, { type Test } from "tap";
import { batchesOf } from "../../../lib/internal/resources/batches.js";
import { versions } from "../../../lib/internal/resources/versions.js";
import { Call } from "../../../lib/internal/resources/call.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const version = (path: string, day: number, ...before: string[]): string => {
  const set = before.map((href) => `<D:href>${href}</D:href>`).join("");
  const date = `<D:creationdate>2024-01-${String(day).padStart(2, "0")}T00:00:00Z</D:creationdate>`;
  return response(path, propstat(`${date}<D:predecessor-set>${set}</D:predecessor-set>`));
};

async function list(t: Test, answer: Answered): Promise<string[]> {
  const { sess } = await answering(t, answer);
  const found: string[] = [];
  for await (const supply of versions(new Call(sess, null, "f"), "/doc", [])) {
    for (const batch of batchesOf(supply)) found.push(...batch.map(({ path }) => path));
  }
  return found;
}

t.test("orders", async (t) => {
  const rows: [what: string, responses: string[], order: string[]][] = [
    ["by date", [version("/v/3", 3), version("/v/1", 1), version("/v/2", 2)], ["/v/1", "/v/2", "/v/3"]],
    ["predecessors count more", [version("/v/b", 1, "/v/a"), version("/v/a", 2)], ["/v/a", "/v/b"]],
    ["in any spelling", [version("/v/b", 1, "/v/%61"), version("/v/a", 2)], ["/v/a", "/v/b"]],
    ["a circle ends where it began", [version("/v/a", 1, "/v/b"), version("/v/b", 2, "/v/a")],
      ["/v/b", "/v/a"]],
    ["of itself", [version("/v/a", 1, "/v/a")], ["/v/a"]],
    ["strangers do not count", [version("/v/b", 2, "/v/x"), version("/v/a", 1)], ["/v/a", "/v/b"]],
    ["without a date last", [response("/v/x", propstat("")), version("/v/a", 1)], ["/v/a", "/v/x"]],
    ["not the resource itself", [response("/doc", propstat("")), version("/v/a", 1)], ["/v/a"]],
    ["none", [], []],
  ];
  for (const [what, responses, order] of rows) {
    t.strictSame(await list(t, { body: multistatus(...responses) }), order, what);
  }
});

t.test("a long history in reverse is no deep recursion", async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => version(`/v/${i}`, 1, `/v/${i + 1}`));
  const found = await list(t, { body: multistatus(...many) });
  t.strictSame([found.length, found[0], found.at(-1)], [3000, "/v/2999", "/v/0"]);
});

t.test("failures", async (t) => {
  const refused = response("/doc", "<D:status>HTTP/1.1 403 Forbidden</D:status>");
  const cut = response("/doc", "<D:status>HTTP/1.1 507 x</D:status>");
  t.match(await failureOf(() => list(t, { body: multistatus(refused) })), { message: "403 Forbidden" });
  t.match(await failureOf(() => list(t, { body: multistatus(cut) })), { message: /cut the answer short/ });
  t.match(await failureOf(() => list(t, { status: "409 Conflict" })), { status: { code: 409 } });
});
