// Memory functions keep ported lines as they are.
import t from "tap";
import {
  ne_calloc,
  ne_free,
  ne_malloc,
  ne_realloc,
  ne_strdup,
  ne_strndup,
} from "../lib/ne_alloc.js";

t.test("strings", async (t) => {
  t.equal(ne_strdup("abc"), "abc");
  t.equal(ne_strndup("abc", 2), "ab");
  t.equal(ne_strndup("abc", 9), "abc");
  t.throws(
    () => ne_strdup(null as unknown as string),
    new TypeError("ne_strdup: the argument must be a string, not null"),
  );
  t.throws(() => ne_strndup("a", -1), new TypeError("ne_strndup: a size must be 0 or more"));
});

t.test("memory is zeroed", async (t) => {
  t.same(ne_malloc(2), Buffer.from([0, 0]));
  t.same(ne_calloc(3), Buffer.from([0, 0, 0]));
  t.same(ne_realloc(Uint8Array.of(1, 2), 3), Buffer.from([1, 2, 0]));
  t.same(ne_realloc(Uint8Array.of(1, 2), 1), Buffer.from([1]));
  t.same(ne_realloc(null, 1), Buffer.from([0]));
  t.throws(() => ne_malloc(-1), new TypeError("ne_malloc: a size must be 0 or more"));
  t.equal(ne_free({}), undefined);
});
