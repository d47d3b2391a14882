// lib/internal/script/body: what a body costs on its way into memory.
import t from "tap";
import { collect, type Incoming } from "../../../lib/internal/script/response_body.js";

function incoming(...blocks: Buffer[]): Incoming {
  const source = async function* (): AsyncGenerator<Buffer> {
    yield* blocks;
  };
  return { blocks: source(), read: [], ended: false } as unknown as Incoming;
}

t.test("bytes that come one by one are not kept one by one", async (t) => {
  const bytes = Buffer.alloc(40_000, "0123456789");
  const body = incoming(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
  t.equal(await collect(body, Infinity), true);
  t.equal(body.ended, true);
  t.equal(Buffer.concat(body.read).equals(bytes), true);
  t.ok(body.read.length <= 3, `${body.read.length} pieces`);
});

t.test("long blocks are kept as they are, and all stay in order", async (t) => {
  const long = Buffer.alloc(5000, "x");
  const body = incoming(Buffer.from("a"), Buffer.from("b"), long, Buffer.from("c"), long);
  t.equal(await collect(body, Infinity), true);
  t.strictSame(body.read.map(String), ["ab", String(long), "c", String(long)]);
  t.equal(body.read[1], long);
});

t.test("what a limit breaks off keeps what was read", async (t) => {
  const body = incoming(Buffer.from("abc"), Buffer.from("def"), Buffer.from("ghi"));
  t.equal(await collect(body, 4), false);
  t.equal(body.ended, false);
  t.strictSame(body.read.map(String), ["abcdef"]);
});
