// MD4 against the test suite of RFC 1320, A.5, and lengths around a block.
import t from "tap";
import { md4 } from "../../../lib/internal/auth/md4.js";

t.test("sums of RFC 1320", async (t) => {
  const rows: [string, string][] = [
    ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
    ["a", "bde52cb31de33e46245e05fbdbd6fb24"],
    ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
    ["message digest", "d9130a8164549fe818874806e1c7014b"],
    ["abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"],
    [
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
      "043f8582f241db351ce627e153e7f0e4",
    ],
    ["1234567890".repeat(8), "e33b4ddc9c38f2199c3e7b164fcc0536"],
  ];
  for (const [text, sum] of rows) t.equal(md4(Buffer.from(text)).toString("hex"), sum, text);
});

t.test("padding fits every length", async (t) => {
  const sums = new Set<string>();
  for (let length = 0; length <= 130; length++) sums.add(md4(Buffer.alloc(length)).toString("hex"));
  t.equal(sums.size, 131);
});
