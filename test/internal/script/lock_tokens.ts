// Which locks a request shows, by its method: as RFC 4918 wants them, and none that were not asked.
import t, { type Test } from "tap";
import { NE_DEPTH_INFINITE } from "../../../lib/internal/base/constants.js";
import { ne_lock_create } from "../../../lib/internal/plugins/lock_record.js";
import { ne_lockstore_add, ne_lockstore_create } from "../../../lib/internal/plugins/lock_store.js";
import { ne_lockstore_register } from "../../../lib/internal/plugins/lock_submission.js";
import type { Field } from "../../../lib/internal/script/header_list.js";
import { submitLocks } from "../../../lib/internal/script/lock_tokens.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { ne_uri_parse } from "../../../lib/ne_uri.js";
import { answering } from "../../fixtures/dav.js";

/** The tokens that a request shows, where these paths are locked with their path as token. */
async function shown(
  t: Test,
  method: string,
  target: string,
  locked: readonly string[],
  fields: (origin: string) => readonly Field[] = () => [],
): Promise<string[]> {
  const { sess, server, origin } = await answering(t, { status: "204 No Content", type: null });
  const store = ne_lockstore_create();
  for (const path of locked) {
    const lock = Object.assign(ne_lock_create(), { token: `t:${path}` });
    ne_uri_parse(`${origin}${path}`, lock.uri);
    if (path.endsWith("/")) lock.depth = NE_DEPTH_INFINITE;
    ne_lockstore_add(store, lock);
  }
  ne_lockstore_register(store, sess);
  const req = ne_request_create(sess, method, target);
  submitLocks(req, method, target, fields(origin));
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  const field = server.requests[0]?.field("if") ?? "";
  return [...field.matchAll(/\(<t:([^>]*)>\)/g)].map(([, path = ""]) => path).sort();
}

t.test("methods", async (t) => {
  const all = ["/d/a", "/d/", "/d/a/b", "/e/x", "/e/"];
  const rows: [method: string, target: string, wanted: string[]][] = [
    ["PUT", "/d/a", ["/d/", "/d/a"]],
    ["PROPPATCH", "/d/a", ["/d/", "/d/a"]],
    ["DELETE", "/d/a", ["/d/", "/d/a", "/d/a/b"]],
    ["GET", "/d/a", []],
    ["PROPFIND", "/d/a", []],
    ["put", "/d/a", []],
    ["PUT", "*", []],
  ];
  for (const [method, target, wanted] of rows) {
    t.strictSame(await shown(t, method, target, all), wanted, `${method} ${target}`);
  }
});

t.test("destinations of COPY and MOVE", async (t) => {
  const all = ["/d/a", "/e/x", "/e/x/y"];
  const to = (path: string) => (origin: string): Field[] => [["destination", `${origin}${path}`]];
  t.strictSame(await shown(t, "COPY", "/d/a", all, to("/e/x")), ["/e/x", "/e/x/y"]);
  t.strictSame(await shown(t, "MOVE", "/d/a", all, to("/e/x")), ["/d/a", "/e/x", "/e/x/y"]);
  t.strictSame(await shown(t, "MOVE", "/d/a", all), ["/d/a"], "without one");
  t.strictSame(await shown(t, "MOVE", "/d/a", all, () => [["Destination", ""]]), ["/d/a"]);
});

t.test("where the caller writes an If field, that is all there is", async (t) => {
  t.strictSame(await shown(t, "PUT", "/d/a", ["/d/a"], () => [["IF", "(<x:y>)"]]), []);
});
