// Iterating in a way that can be given up: web streams, which are cancelled at once, and the rest.
import { PassThrough } from "node:stream";
import t from "tap";
import { isNodeStream, iterate, letGo } from "../../../lib/internal/base/web_stream.js";

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

t.test("a source is let go of", async (t) => {
  await t.test("a stream of Node's, begun or not", async (t) => {
    for (const begun of [true, false]) {
      const source = new PassThrough();
      t.ok(isNodeStream(source));
      await letGo(source, begun ? iterate(source) : null);
      t.ok(source.destroyed);
    }
  });
  await t.test("a web stream, begun or not", async (t) => {
    for (const begun of [true, false]) {
      let cancelled = 0;
      const source = new ReadableStream({ cancel: () => void cancelled++ });
      await letGo(source, begun ? iterate(source) : null);
      t.equal(cancelled, 1);
    }
  });
  await t.test("an iterator that was begun", async (t) => {
    const left: string[] = [];
    const source = (name: string): AsyncGenerator<number> =>
      (async function* () {
        try {
          yield 1;
        } finally {
          left.push(name);
        }
      })();
    const begun = source("begun");
    await begun.next();
    await letGo(begun, begun);
    const fresh = source("fresh");
    await letGo(fresh, null);
    t.strictSame(left, ["begun"]);
    t.equal((await fresh.next()).value, 1, "what holds nothing can still be used");
  });
});
