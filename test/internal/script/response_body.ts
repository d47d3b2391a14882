// What a body costs on its way into memory, and how a stream holds its connection back.
import t from "tap";
import { BlockQueue, BlockCollector } from "../../../lib/internal/script/response_body.js";

t.test("bytes that come one by one are not kept one by one", async (t) => {
  const bytes = Buffer.alloc(40_000, "0123456789");
  const gathering = new BlockCollector();
  for (let i = 0; i < bytes.length; i++) gathering.add(bytes.subarray(i, i + 1));
  t.equal(gathering.size, bytes.length);
  const blocks = gathering.take();
  t.ok(Buffer.concat(blocks).equals(bytes));
  t.ok(blocks.length <= 4, `${blocks.length} pieces`);
});

t.test("blocks are copied, and all stay in order", async (t) => {
  const memory = Buffer.alloc(5000, "x");
  const gathering = new BlockCollector();
  const long = String(memory);
  for (const block of [Buffer.from("a"), Buffer.from("b"), memory, Buffer.from("c"), memory]) {
    gathering.add(block);
  }
  memory.fill("y");
  t.equal(Buffer.concat(gathering.take()).toString(), `ab${long}c${long}`);
  t.strictSame(gathering.take(), [], "they are given away");
});

t.test("whoever adds waits while the consumer is behind", async (t) => {
  const block = Buffer.alloc(40_000);
  const queue = new BlockQueue([]);
  t.equal(queue.add(block), 0);
  let hasRoom = false;
  const wait = queue.add(block);
  t.ok(wait instanceof Promise);
  const added = Promise.resolve(wait).then(() => (hasRoom = true));
  const reader = queue.read();
  await reader.next();
  t.equal(hasRoom, false, "more than half of it is still there");
  await reader.next();
  await added;
  t.equal(hasRoom, true);
});

t.test("the end comes behind what was added", async (t) => {
  const failure = new Error("broken off");
  for (const error of [null, failure]) {
    const queue = new BlockQueue([Buffer.from("a")]);
    void queue.add(Buffer.from("b"));
    queue.end(error);
    queue.end(new Error("too late"));
    const read: string[] = [];
    const reading = (async () => {
      for await (const block of queue.read()) read.push(String(block));
    })();
    if (error === null) await reading;
    else await t.rejects(reading, failure);
    t.strictSame(read, ["a", "b"]);
  }
});

t.test("a consumer that waits is told of each block, and of the end", async (t) => {
  const queue = new BlockQueue([]);
  const reader = queue.read();
  const first = reader.next();
  void queue.add(Buffer.from("a"));
  t.equal(String((await first).value), "a");
  const last = reader.next();
  queue.end(null);
  t.equal((await last).done, true);
});
