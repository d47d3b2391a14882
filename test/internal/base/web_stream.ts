// Iterating in a way that can be given up: web streams, which are cancelled at once, and the rest.
import t from "tap";
import { iterate } from "../../../lib/internal/base/web_stream.js";

async function all(source: AsyncIterable<unknown>): Promise<unknown[]> {
  const iterator = iterate(source);
  const found: unknown[] = [];
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return found;
    found.push(value);
  }
}

t.test("a web stream to its end", async (t) => {
  const source = new ReadableStream({
    start: (controller) => {
      controller.enqueue("a");
      controller.enqueue("b");
      controller.close();
    },
  });
  t.strictSame(await all(source), ["a", "b"]);
});

t.test("a web stream that fails", async (t) => {
  const failure = new Error("no more");
  await t.rejects(all(new ReadableStream({ start: (controller) => controller.error(failure) })), failure);
});

t.test("a web stream that is given up while it is waited for", async (t) => {
  let cancelled = false;
  const iterator = iterate(new ReadableStream({ cancel: () => void (cancelled = true) }));
  const read = iterator.next();
  t.strictSame(await iterator.return?.(), { done: true, value: undefined });
  t.ok(cancelled);
  t.strictSame(await read, { done: true, value: undefined });
});

t.test("anything else by its own iterator", async (t) => {
  const source = (async function* () {
    yield 1;
    yield 2;
  })();
  t.equal(iterate(source), source);
  t.strictSame(await all(source), [1, 2]);
});
