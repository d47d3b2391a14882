// Bytes in pieces: taken in any sizes they come out as they went in.
import t from "tap";
import { Pieces } from "../../../lib/internal/base/byte_queue.js";

t.test("what goes in comes out", async (t) => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at & 0xff));
  for (const pieceSize of [1, 3, 7, 1000]) {
    for (const takeSize of [1, 2, 5, 333]) {
      const pieces = new Pieces();
      const taken: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += pieceSize) {
        pieces.push(bytes.subarray(at, at + pieceSize));
        for (let next = pieces.take(takeSize); next !== null; next = pieces.take(takeSize)) {
          t.equal(next.length === takeSize, true);
          taken.push(next);
        }
      }
      taken.push(pieces.take(pieces.length) ?? Buffer.alloc(0));
      t.equal(Buffer.concat(taken).equals(bytes), true, `${pieceSize} in, ${takeSize} out`);
    }
  }
});

t.test("peeking takes nothing, and nor does wanting too much", async (t) => {
  const pieces = new Pieces();
  t.equal(pieces.peek(1), null);
  pieces.push(Buffer.from("ab"));
  pieces.push(Buffer.alloc(0));
  pieces.push(Buffer.from("cd"));
  t.equal(pieces.peek(3)?.toString(), "abc");
  t.equal(pieces.take(5), null);
  t.equal(pieces.length, 4);
  t.equal(pieces.take(4)?.toString(), "abcd");
  t.equal(pieces.length, 0);
  t.equal(pieces.take(0)?.length, 0);
});
