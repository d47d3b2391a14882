// Bytes as text, and the checks of arguments.
import t from "tap";
import {
  asBuffer,
  HEX_PAIRS,
  hexValue,
  isBytes,
  latin1Bytes,
  latin1Text,
  needBytes,
  needText,
  needTexts,
  printable,
} from "../../lib/internal/bytes.js";

t.test("one character a byte", async (t) => {
  t.same(latin1Bytes("a\u00e9"), Buffer.from([0x61, 0xe9]));
  t.equal(latin1Text(new Uint8Array([0x61, 0xe9])), "a\u00e9");
  const memory = new Uint8Array([1, 2, 3]).subarray(1);
  t.equal(asBuffer(memory).buffer, memory.buffer, "no copy");
  t.same([...asBuffer(memory)], [2, 3]);
  t.ok(isBytes(memory));
  t.notOk(isBytes([1]));
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

t.test("checks of arguments", async (t) => {
  t.equal(needText("x", "ne_f", "a"), "x");
  t.throws(() => needText(null, "ne_f", "a"), new TypeError("ne_f: a must be a string, not null"));
  t.throws(() => needText(1, "ne_f", "a"), new TypeError("ne_f: a must be a string, not number"));
  t.throws(
    () => needBytes("x" as unknown as Uint8Array, "ne_f", "a"),
    new TypeError("ne_f: a must be a Uint8Array"),
  );
  t.throws(
    () => needBytes(new Uint8Array(1), "ne_f", "a", 2),
    new TypeError("ne_f: a must have 2 bytes"),
  );
  t.same(needTexts(["a", "b", null], "ne_f"), ["a", "b"]);
  t.same(needTexts([null], "ne_f"), []);
  t.throws(() => needTexts(["a", null, "b"], "ne_f"), /ne_f: every argument must be a string/);
  t.throws(() => needTexts(["a", null, null], "ne_f"), /ne_f: every argument must be a string/);
});
