// Our inflater against zlib: whatever zlib writes it reads, however the stream is cut, and for a
// damaged stream it finds zlib's words.
import t from "tap";
import zlib from "node:zlib";
import { END, FULL, Inflate } from "../../../lib/internal/http/inflate.js";
import { feeds, seeded } from "../../fixtures/feed.js";

interface Outcome {
  output: Buffer;
  end: "end" | "more" | string;
  rest: number;
}

function inflate(pieces: readonly Uint8Array[]): Outcome {
  const stream = new Inflate();
  const parts: Buffer[] = [];
  let left = pieces.reduce((sum, piece) => sum + piece.length, 0);
  for (const piece of pieces) {
    stream.feed(piece);
    left -= piece.length;
    for (;;) {
      const answer = stream.step();
      parts.push(Buffer.from(stream.take()));
      if (answer === FULL) continue;
      if (answer === END) {
        return { output: Buffer.concat(parts), end: "end", rest: stream.rest().length + left };
      }
      if (typeof answer === "string") {
        return { output: Buffer.concat(parts), end: answer, rest: 0 };
      }
      break;
    }
  }
  return { output: Buffer.concat(parts), end: "more", rest: 0 };
}

const random = seeded(1951);
const below = (limit: number) => Math.floor(random() * limit);

/** Data with everything in it that a compressor looks for. */
function sample(kind: number, size: number): Buffer {
  switch (kind) {
    case 0:
      return Buffer.from(Array.from({ length: size }, () => below(256)));
    case 1:
      return Buffer.alloc(size, "ab");
    case 2:
      return Buffer.from(Array.from({ length: size }, () => 97 + below(4)));
    default: {
      const words = Array.from({ length: 50 }, () => "x".repeat(1 + below(9)) + below(1e6));
      let text = "";
      while (text.length < size) text += `${words[below(50)]} `;
      return Buffer.from(text.slice(0, size));
    }
  }
}

t.test("what zlib deflates, at every level and strategy", async (t) => {
  for (let round = 0; round < 120; round++) {
    const data = sample(round % 4, below(round % 10 === 0 ? 150000 : 3000));
    const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = zlib.constants;
    const strategy = [Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY][below(4)] as number;
    const level = below(10);
    const deflated = zlib.deflateRawSync(data, { level, strategy, memLevel: 1 + below(9) });
    const stream = Buffer.concat([deflated, Buffer.from("rest")]);
    for (const { name, pieces } of feeds(stream, 2)) {
      const { output, end, rest } = inflate(pieces);
      if (!output.equals(data) || end !== "end" || rest !== 4) {
        t.fail(`round ${round}, level ${level}, ${name}: ${end}, ${rest} left`);
      }
    }
  }
  t.pass("all equal");
});

t.test("malformed: damaged streams end as zlib says", async (t) => {
  const seen = new Set<string>();
  for (let round = 0; round < 1500; round++) {
    const data = sample(round % 4, 1 + below(600));
    const damaged = Buffer.from(zlib.deflateRawSync(data, { level: below(10) }));
    const at = below(Math.min(damaged.length, 40));
    damaged[at] = (damaged[at] as number) ^ (1 << below(8));
    let expected: string;
    try {
      const done = zlib.inflateRawSync(damaged, { info: true }) as unknown as {
        buffer: Buffer;
        engine: { bytesWritten: number };
      };
      expected = `end ${damaged.length - done.engine.bytesWritten} ${done.buffer.toString("hex")}`;
    } catch (error) {
      expected = (error as Error).message;
    }
    seen.add(expected.replace(/^end .*/, "end"));
    const { output, end, rest } = inflate([damaged.subarray(0, 11), damaged.subarray(11)]);
    const found = end === "end" ? `end ${rest} ${output.toString("hex")}` : end;
    if (found !== expected && !(end === "more" && expected === "unexpected end of file")) {
      t.fail(`${damaged.toString("hex")}: ${found} for ${expected}`);
    }
  }
  t.ok(seen.size >= 8, [...seen].join(", "));
});

// Streams that random damage seldom makes; bits in the order of the stream.
const CRAFTED: readonly [name: string, hex: string, end: string][] = [
  ["block type 3", "07", "invalid block type"],
  ["stored length without its complement", "0105000000", "invalid stored block lengths"],
  ["an empty stored block", "010000ffff", "end"],
  ["an empty fixed block", "0300", "end"],
  ["287 as a length", "1bff", "invalid literal/length code"],
  ["a distance before the beginning", "030200", "invalid distance too far back"],
  ["31 length symbols", "fdff0f", "too many length or distance symbols"],
  ["no code lengths", `05000000${"00".repeat(40)}`, "invalid code -- missing end-of-block"],
];

t.test("malformed: by hand", async (t) => {
  for (const [name, hex, end] of CRAFTED) {
    const stream = Buffer.from(hex, "hex");
    let zlibs = "end";
    try {
      zlib.inflateRawSync(stream);
    } catch (error) {
      zlibs = (error as Error).message;
    }
    const found = inflate([stream]).end;
    t.equal(found === "more" ? "unexpected end of file" : found, zlibs, `${name}: as zlib`);
    if (zlibs !== "unexpected end of file") t.equal(found, end, name);
  }
});

t.test("output comes in blocks, whatever the input", async (t) => {
  const bomb = zlib.deflateRawSync(Buffer.alloc(3_000_000), { level: 9 });
  const stream = new Inflate();
  stream.feed(bomb);
  let total = 0;
  let largest = 0;
  for (let answer: number | string = FULL; answer !== END; ) {
    answer = stream.step();
    const block = stream.take();
    total += block.length;
    largest = Math.max(largest, block.length);
  }
  t.equal(total, 3_000_000);
  t.ok(largest <= 128 * 1024, String(largest));
});
