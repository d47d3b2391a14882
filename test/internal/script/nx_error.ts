// The exception: what it knows, and what logs do not show.
import { inspect } from "node:util";
import t from "tap";
import { nx_error } from "../../../lib/internal/script/nx_error.js";
import { ne_status } from "../../../lib/ne_utils.js";

t.test("what it knows", async (t) => {
  const status = Object.assign(new ne_status(), { code: 423, klass: 4 });
  const cause = new Error("below");
  const headers = [["Set-Cookie", "sid=secret"]] as const;
  const details = { headers, path: "/a", condition: "lock-token-submitted", done: 7 };
  const error = new nx_error("423 Locked", 1, status, cause, details);
  t.match(error, { name: "nx_error", message: "423 Locked", code: 1, status, path: "/a" });
  t.match(error, { condition: "lock-token-submitted", done: 7 });
  t.equal(error.cause, cause);
  t.strictSame(error.headers, headers);
  t.ok(error instanceof Error);
  t.match(error.stack, /^nx_error: 423 Locked|^Error: 423 Locked/);
});

t.test("what is not known is null, and there is no cause where there is none", async (t) => {
  const error = new nx_error("broken", 1);
  t.match(error, { status: null, path: null, condition: null, done: null });
  t.strictSame(error.headers, []);
  t.equal("cause" in error, false);
});

t.test("no log shows the fields", async (t) => {
  const headers = [["Set-Cookie", "sid=secret"]] as const;
  const error = new nx_error("broken", 1, null, null, { headers });
  for (const shown of [inspect(error, { depth: 9 }), JSON.stringify(error), JSON.stringify({ ...error })]) {
    t.notMatch(shown, /secret/);
  }
});
