// The beginning of a body: what was kept is what came, up to the limit, and copied.
import t from "tap";
import { KeptBody, NO_BODY } from "../../../lib/internal/session/kept_body.js";

t.test("blocks of every size, up to the limit", async (t) => {
  const all = Buffer.from("0123456789abcdef");
  for (const limit of [0, 1, 5, 15, 16, 17, 1000]) {
    for (const size of [1, 3, 7, 16]) {
      const kept = new KeptBody(limit);
      for (let at = 0; at < all.length; at += size) kept.add(all.subarray(at, at + size));
      t.equal(kept.bytes.toString(), all.toString("latin1", 0, limit), `${limit} by ${size}`);
      t.strictSame([kept.size, kept.whole], [16, limit >= 16]);
    }
  }
});

t.test("blocks are on loan", async (t) => {
  const kept = new KeptBody(100);
  const block = Buffer.from("abc");
  kept.add(block);
  block.fill("x");
  kept.add(block.subarray(0, 1));
  t.equal(kept.bytes.toString(), "abcx");
});

t.test("nothing", async (t) => {
  t.strictSame([NO_BODY.size, NO_BODY.whole, NO_BODY.bytes.length], [0, true, 0]);
  const kept = new KeptBody(0);
  kept.add(Buffer.from("a"));
  t.strictSame([kept.size, kept.whole], [1, false]);
});
