// A set of texts in a few bytes for each.
import t from "tap";
import { Fingerprints } from "../../../lib/internal/resources/fingerprints.js";

t.test("each of many texts is new once", async (t) => {
  const seen = new Fingerprints();
  let news = 0;
  for (let n = 0; n < 100_000; n++) if (seen.add(`/folder/document ${n}`)) news++;
  t.equal(news, 100_000);
  for (let n = 0; n < 100_000; n++) if (seen.add(`/folder/document ${n}`)) news++;
  t.equal(news, 100_000);
});

t.test("how a text is divided makes no difference", async (t) => {
  const seen = new Fingerprints();
  t.equal(seen.add("/c", "/a/b"), true);
  for (const [above, text] of [["", "/a/b/c"], ["/a", "/b/c"], ["/a/b/c", ""], ["/a/b", "/c"]]) {
    t.equal(seen.add(text ?? "", above), false, `${above} ${text}`);
  }
  t.equal(seen.add("/d", "/a/b"), true);
});

t.test("texts that are alike are not the same", async (t) => {
  const texts = ["", "\0", "\0\0", "a", "b", "ab", "ba", "é", "e\u0301", "\udc80", "\udc81"];
  const seen = new Fingerprints();
  for (const text of texts) t.equal(seen.add(text), true, JSON.stringify(text));
  for (const text of texts) t.equal(seen.add(text), false, JSON.stringify(text));
});
