// Sums of texts and certificates against published values, and the forms that flags ask for.
import t from "tap";
import * as digest from "../../../lib/internal/base/digest_text.js";

const { sumOf } = digest;

t.test("sums of 'abc' (RFC 1321, FIPS 180-4)", async (t) => {
  const rows: [flag: number, sum: string][] = [
    [digest.NE_HASH_MD5, "900150983cd24fb0d6963f7d28e17f72"],
    [digest.NE_HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [digest.NE_HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [digest.NE_HASH_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"],
    [digest.NE_HASH_SHA512,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"],
  ];
  for (const [flag, sum] of rows) {
    t.equal(sumOf(flag, ["abc"]), sum);
    t.equal(sumOf(flag, ["a", "", Buffer.from("bc")]), sum, "in parts");
  }
});

t.test("separators", async (t) => {
  const { NE_HASH_MD5: md5, NE_HASH_COLON: colon, NE_HASH_SPACE: space } = digest;
  t.equal(sumOf(md5 | colon, ["abc"]), "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72");
  t.equal(sumOf(md5 | space, ["abc"]), "90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72");
  t.equal(sumOf(md5 | space | colon, ["abc"]), sumOf(md5 | colon, ["abc"]), "the colon wins");
});

t.test("texts are UTF-8, and no part at all has a sum too", async (t) => {
  t.equal(sumOf(digest.NE_HASH_MD5, ["ä"]), sumOf(digest.NE_HASH_MD5, [Buffer.from([0xc3, 0xa4])]));
  t.equal(sumOf(digest.NE_HASH_MD5, []), "d41d8cd98f00b204e9800998ecf8427e");
});

t.test("unknown algorithms", async (t) => {
  for (const flags of [0, 6, 15, digest.NE_HASH_COLON]) t.equal(sumOf(flags, ["abc"]), null);
});
