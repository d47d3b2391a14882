// RC2 against the vectors of RFC 2268 section 5. Each initial vector is chosen so that exactly the
// right plain text has good padding.
import t from "tap";
import { decryptRc2Cbc } from "../../../lib/internal/asn1/rc2.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

const VECTORS: readonly [key: string, bits: number, plain: string, cipher: string][] = [
  ["0000000000000000", 63, "0000000000000000", "ebb773f993278eff"],
  ["ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"],
  ["3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"],
  ["88", 64, "0000000000000000", "61a8a244adacccf0"],
  ["88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"],
  ["88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"],
  ["88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"],
  [
    "88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e",
    129,
    "0000000000000000",
    "5b78d3a43dfff1f1",
  ],
];

t.test("vectors", async (t) => {
  for (const [key, bits, plain, cipher] of VECTORS) {
    const iv = Buffer.from(hex(plain).map((byte) => byte ^ 8));
    t.same(decryptRc2Cbc(hex(key), bits, iv, hex(cipher)), Buffer.alloc(0), `${key} ${bits}`);
    iv[0] = (iv[0] ?? 0) ^ 1;
    t.equal(decryptRc2Cbc(hex(key), bits, iv, hex(cipher)), null, "another plain text");
  }
});

t.test("wrong_lengths", async (t) => {
  const key = Buffer.alloc(5);
  t.equal(decryptRc2Cbc(key, 40, Buffer.alloc(8), Buffer.alloc(0)), null);
  t.equal(decryptRc2Cbc(key, 40, Buffer.alloc(8), Buffer.alloc(9)), null);
  t.equal(decryptRc2Cbc(key, 40, Buffer.alloc(7), Buffer.alloc(8)), null);
});
