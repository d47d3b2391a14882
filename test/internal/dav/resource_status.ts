// The key under which a result callback hears of the status of a resource as a whole.
import t from "tap";
import { wholeStatus, wholeStatusOf } from "../../../lib/internal/dav/resource_status.js";
import { ne_propnames } from "../../../lib/ne_props.js";
import { answering, multistatus, response } from "../../fixtures/dav.js";

t.test("carried by a callback, or not", async (t) => {
  const whole = { status: null, bare: () => {} };
  t.equal(wholeStatusOf(Object.assign(() => {}, { [wholeStatus]: whole })), whole);
  t.equal(wholeStatusOf(() => {}), null);
  t.equal(wholeStatusOf({ wholeStatus: whole }), null);
});

t.test("a resource without properties is told to it, not to the callback", async (t) => {
  const status = "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>";
  const body = multistatus(response("/a", status));
  const seen: unknown[] = [];
  const whole = {
    status: null as { code: number } | null,
    bare: ({ path }: { path: string | null }) => void seen.push(path, whole.status?.code),
  };
  const callback = Object.assign(() => void seen.push("callback"), { [wholeStatus]: whole });
  const { sess } = await answering(t, { body });
  await ne_propnames(sess, "/", 1, callback, null);
  t.strictSame(seen, ["/a", 507]);
});
