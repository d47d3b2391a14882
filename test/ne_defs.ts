// Shared definitions.
import t from "tap";
import { NE_BUFSIZ, type ne_handle, type ne_opaque, type ne_out } from "../lib/ne_defs.js";

t.test("the size of the library's blocks", async (t) => {
  t.equal(NE_BUFSIZ, 8192);
});

t.test("types", async (t) => {
  const out: ne_out<number> = { value: 0 };
  // @ts-expect-error an opaque value cannot be made up
  const opaque: ne_opaque<"x"> = {};
  // @ts-expect-error nor one with a destroy function
  const handle: ne_handle<"x"> = { [Symbol.dispose]() {} };
  t.ok(out && opaque && handle);
});
