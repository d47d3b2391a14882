// Bytes as text.
import t from "tap";
import {
  asBuffer,
  bytesIn,
  HEX_PAIRS,
  hexValue,
  isBytes,
  latin1Bytes,
  latin1Text,
  printable,
} from "../../../lib/internal/base/bytes.js";

t.test("one character a byte", async (t) => {
  t.same(latin1Bytes("a\u00e9"), Buffer.from([0x61, 0xe9]));
  t.equal(latin1Text(new Uint8Array([0x61, 0xe9])), "a\u00e9");
  const memory = new Uint8Array([1, 2, 3]).subarray(1);
  t.equal(asBuffer(memory).buffer, memory.buffer, "no copy");
  t.same([...asBuffer(memory)], [2, 3]);
  t.ok(isBytes(memory));
  t.notOk(isBytes([1]));
  for (const value of [memory, new DataView(memory.buffer, 1), memory.buffer.slice(1)]) {
    t.same([...(bytesIn(value) ?? [])], [2, 3]);
  }
  t.equal(bytesIn(memory)?.buffer, memory.buffer, "no copy");
  for (const value of ["ab", [1], null, 7]) t.equal(bytesIn(value), null);
});

t.test("hex digits", async (t) => {
  t.equal(HEX_PAIRS[0x0a], "0a");
  t.equal(HEX_PAIRS[255], "ff");
  t.same([..."09afAF/:g@G`"].map((c) => hexValue(c.charCodeAt(0))), [
    0, 9, 10, 15, 10, 15, -1, -1, -1, -1, -1, -1,
  ]);
});

t.test("printable text", async (t) => {
  t.equal(printable("a\r\n\u001bb\u0085\u2028\u202ec \u00e9"), "a   b   c \u00e9");
});
