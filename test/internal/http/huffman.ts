// internal/http/huffman.ts: codes from their lengths, as zlib takes and refuses them.
import t from "tap";
import {
  BASE,
  BLOCK_END,
  END_OF_BLOCK,
  fixedCodes,
  FORBIDDEN,
  KIND,
  LENGTH_MEANINGS,
  LITERAL,
  makeCode,
  NO_CODE,
  type Code,
} from "../../../lib/internal/http/huffman.js";

/** The symbol for bits, the first one lowest, and how many of them it took. */
function lookUp({ table, mask }: Code, bits: number): [meaning: number, taken: number] {
  const entry = table[bits & mask] ?? 0;
  return [entry >> 16, entry & 0xf];
}

t.test("the example of RFC 1951 section 3.2.2", async (t) => {
  const code = makeCode(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4), LENGTH_MEANINGS, false);
  if (code === null) return t.fail("no code");
  // A is 010, F is 00, G is 1110, H is 1111: the first bit stands lowest
  t.strictSame(lookUp(code, 0b010), [0, 3]);
  t.strictSame(lookUp(code, 0b00), [5, 2]);
  t.strictSame(lookUp(code, 0b0111), [6, 4]);
  t.strictSame(lookUp(code, 0b1111), [7, 4]);
});

t.test("which lengths make a code", async (t) => {
  const rows: [lengths: number[], mayBeIncomplete: boolean, isCode: boolean, why: string][] = [
    [[1, 1], false, true, "all bit strings are used"],
    [[1, 1, 1], true, false, "more than there are"],
    [[1, 2], true, false, "some are left"],
    [[0, 1], true, true, "one symbol of one bit may be all"],
    [[0, 1], false, false, "but not where a whole code is wanted"],
    [[0, 2], true, false, "nor with more bits than it needs"],
  ];
  for (const [lengths, mayBeIncomplete, isCode, why] of rows) {
    const code = makeCode(Uint8Array.from(lengths), LENGTH_MEANINGS, mayBeIncomplete);
    t.equal(code !== null, isCode, why);
  }
  t.equal(makeCode(new Uint8Array(5), LENGTH_MEANINGS, false), NO_CODE, "none at all");
  t.equal(NO_CODE.table[0], 0, "which gives no symbol");
});

t.test("the fixed codes", async (t) => {
  const { literals, distances } = fixedCodes();
  t.equal(fixedCodes().literals, literals, "made once");
  const kind = ({ table, mask }: Code, bits: number): number => (table[bits & mask] ?? 0) & KIND;
  // 0000000 ends a block; 0000001 is the length 3; 00110000 the literal 0
  t.equal(kind(literals, 0), BLOCK_END);
  t.strictSame(lookUp(literals, 0b1000000), [3, 7]);
  t.equal(kind(literals, 0b1000000), BASE);
  t.strictSame(lookUp(literals, 0b00001100), [0, 8]);
  t.equal(kind(literals, 0b00001100), LITERAL);
  // the lengths 286 and 287 and the distances 30 and 31 stand for nothing
  t.equal(kind(literals, 0b01100011), FORBIDDEN);
  t.equal(kind(distances, 0b01111), FORBIDDEN);
  t.strictSame(lookUp(distances, 0), [1, 5]);
  t.equal(END_OF_BLOCK, 256);
});
