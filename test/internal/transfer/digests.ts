// Digests that a server gives: read from four fields, compared with what came, unknown ones left
// alone.
import { createHash } from "node:crypto";
import t from "tap";
import { digestsIn, promisesDigests, Sums } from "../../../lib/internal/transfer/digests.js";
import type { Field } from "../../../lib/internal/transfer/transfer_request.js";

const CONTENT = Buffer.from("hello");
const sum = (algorithm: string): string => createHash(algorithm).update(CONTENT).digest("base64");
const [SHA256, SHA512, SHA1, MD5] = ["sha256", "sha512", "sha1", "md5"].map(sum);

t.test("fields", async (t) => {
  const rows: [field: Field, whole: string[], part?: string[]][] = [
    [["Repr-Digest", `sha-256=:${SHA256}:, sha-512=:${SHA512}:`], ["sha256", "sha512"]],
    [["repr-digest", `SHA-256=:${SHA256}:;q=1, unixsum=:MTIz:`], ["sha256"]],
    [["Digest", `SHA-256=${SHA256},MD5=${MD5}, sha=${SHA1}`], ["sha256", "md5", "sha1"]],
    [["Digest", "SHA-256"], []],
    [["Content-Digest", `sha-256=:${SHA256}:`], ["sha256"], []],
    [["Content-MD5", String(MD5)], ["md5"], []],
    [["Content-MD5", "abcd"], ["md5"], []],
    [["Repr-Digest", "sha-256=:YWJj:"], ["sha256"]],
    [["Repr-Digest", "constructor=:YWJj:"], []],
    [["ETag", String(MD5)], []],
  ];
  for (const [field, whole, part = whole] of rows) {
    t.strictSame(digestsIn([field], true).map(({ algorithm }) => algorithm), whole, field.join(": "));
    t.strictSame(digestsIn([field], false).map(({ algorithm }) => algorithm), part, "of a part");
  }
});

t.test("promises", async (t) => {
  t.equal(promisesDigests([["Trailer", "X, Repr-Digest"]]), true);
  t.equal(promisesDigests([["trailer", "content-md5"]]), true);
  t.equal(promisesDigests([["Trailer", "Server-Timing"]]), false);
  t.equal(promisesDigests([["Digest", "x"]]), false);
});

t.test("sums", async (t) => {
  const all = digestsIn([["Digest", `SHA-256=${SHA256},MD5=${MD5},SHA=${SHA1},SHA-512=${SHA512}`]], true);
  const summed = (...blocks: string[]): Sums => {
    const sums = new Sums();
    for (const block of blocks) sums.add(Buffer.from(block));
    return sums;
  };
  t.equal(summed("hel", "", "lo").mismatch(all), null);
  t.equal(summed("hello").size, 5);
  t.equal(summed("hellx").mismatch(all), all[0]);
  const [wrong] = digestsIn([["Content-MD5", createHash("md5").update("x").digest("base64")]], true);
  if (wrong === undefined) return t.fail("no digest");
  t.equal(summed("hello").mismatch([...all, wrong]), wrong, "one of several");
  const odd = digestsIn([["Content-MD5", "abcd"]], true);
  t.equal(summed("hello").mismatch(odd), odd[0], "a value that is no digest is nobody's");
  const digits = createHash("md5").update(CONTENT).digest("hex");
  t.equal(summed("hello").mismatch(digestsIn([["Content-MD5", digits]], true)), null, "in hex");
  t.equal(new Sums(["sha256"]).mismatch([wrong]), null, "what was not summed cannot differ");
});
