// Waits for what the caller does: a signal ends them, whether or not he ever comes back.
import t from "tap";
import { blocksOf, unlessAborted } from "../../../lib/internal/transfer/abortable.js";
import { failureOf } from "../../fixtures/conversation.js";

const never = new Promise<never>(() => {});
const ABORTED = { message: "Aborted", cause: "enough" };

t.test("what is there is given, with and without a signal", async (t) => {
  const { signal } = new AbortController();
  for (const line of [{ signal: null }, { signal }]) {
    t.equal(await unlessAborted(line, 7), 7);
    t.equal(await unlessAborted(line, Promise.resolve(7)), 7);
    const own = new Error("his own");
    t.equal(await failureOf(() => unlessAborted(line, Promise.reject(own))), own);
  }
});

t.test("a signal ends a wait for ever", async (t) => {
  const controller = new AbortController();
  const waiting = failureOf(() => unlessAborted(controller, never));
  controller.abort("enough");
  t.match(await waiting, ABORTED);
  t.match(await failureOf(() => unlessAborted(controller, 7)), ABORTED, "fired before");
});

t.test("blocks come in order, and the source is told when they are left", async (t) => {
  let returned = 0;
  const source = async function* (): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      returned++;
    }
  };
  const seen: number[] = [];
  for await (const block of blocksOf({ signal: null }, source())) {
    seen.push(block);
    if (block === 2) break;
  }
  t.strictSame([seen, returned], [[0, 1, 2], 1]);
});

t.test("a source that hangs is not waited for after the signal", async (t) => {
  const controller = new AbortController();
  const hanging = { [Symbol.asyncIterator]: () => ({ next: () => never, return: () => never }) };
  const reading = failureOf(async () => {
    for await (const block of blocksOf(controller, hanging)) t.fail(String(block));
  });
  controller.abort("enough");
  t.match(await reading, ABORTED);
});
