// Our MD5 against OpenSSL's, at every length around the edges of a block.
import { createHash } from "node:crypto";
import t from "tap";
import { Md5 } from "../../../lib/internal/base/md5.js";

const hex = (sum: Uint8Array) => Buffer.from(sum).toString("hex");

t.test("every length up to three blocks, in two pieces", async (t) => {
  const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 7 + 3) & 255));
  for (let length = 0; length <= bytes.length; length++) {
    const md5 = new Md5();
    const cut = (length * 5) % (length + 1);
    md5.update(bytes.subarray(0, cut));
    md5.update(bytes.subarray(cut, length));
    const expected = createHash("md5").update(bytes.subarray(0, length)).digest("hex");
    if (hex(md5.digest()) !== expected) t.fail(`length ${length} cut at ${cut}`);
  }
  t.pass("all equal");
});

t.test("byte by byte, copied half-way, and used again", async (t) => {
  const text = Buffer.from("The quick brown fox jumps over the lazy dog, twice and thrice more.");
  const md5 = new Md5();
  for (const byte of text.subarray(0, 30)) md5.update(Uint8Array.of(byte));
  const twin = md5.copy();
  for (const each of [md5, twin]) each.update(text.subarray(30));
  const expected = createHash("md5").update(text).digest("hex");
  t.equal(hex(md5.digest()), expected);
  t.equal(hex(twin.digest()), expected);
  md5.reset();
  t.equal(hex(md5.digest()), "d41d8cd98f00b204e9800998ecf8427e");
});
