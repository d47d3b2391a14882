// The iterator over batches: steps come in order, however they are asked for.
import t from "tap";
import {
  Batches,
  batchesOf,
  mapSupply,
  type Source,
  type Supply,
  supplyOf,
} from "../../../lib/internal/resources/batches.js";

interface Told extends Source<number> {
  stops: number;
}

function told(batches: number[][], failure: Error | null = null): Told {
  const left = [...batches];
  return {
    stops: 0,
    isBroken: false,
    next: async () => {
      const batch = left.shift() ?? null;
      if (batch === null && failure !== null) throw failure;
      return batch === null ? null : supplyOf(batch);
    },
    async stop() {
      this.stops++;
    },
  };
}

t.test("every value once, in order, and then the end", async (t) => {
  const found: number[] = [];
  for await (const value of new Batches(told([[1, 2], [], [3]]), null)) found.push(value);
  t.strictSame(found, [1, 2, 3]);
});

t.test("steps that are asked for at once are answered one after another", async (t) => {
  const batches = new Batches(told([[1, 2], [3]]), null);
  const steps = await Promise.all(Array.from({ length: 5 }, () => batches.next()));
  t.strictSame(steps.map(({ value }) => value), [1, 2, 3, undefined, undefined]);
});

t.test("a failure is told once, behind what came, and what was under way is stopped", async (t) => {
  const source = told([[1]], new Error("broken"));
  const batches = new Batches(source, null);
  const steps = await Promise.allSettled([batches.next(), batches.next(), batches.next()]);
  t.strictSame(steps.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  t.strictSame(await batches.next(), { done: true, value: undefined });
  t.equal(source.stops, 1);
});

t.test("a loop that is left stops its source, once", async (t) => {
  const source = told([[1, 2]]);
  const batches = new Batches(source, null);
  for await (const value of batches) {
    t.equal(value, 1);
    break;
  }
  await batches.return();
  t.equal(source.stops, 1);
});

function several(batches: number[][]): Supply<number> {
  const left = [...batches];
  return { more: () => left.shift() ?? null };
}

t.test("what can be had without waiting is asked for first", async (t) => {
  const source = told([[]]);
  const supplies = [several([[1], [], [2, 3]]), several([]), several([[4]])];
  source.next = async () => supplies.shift() ?? null;
  const found: number[] = [];
  for await (const value of new Batches(source, null)) found.push(value);
  t.strictSame(found, [1, 2, 3, 4]);
  t.strictSame([...batchesOf(mapSupply(several([[1, 2], [3]]), (batch) => batch.map(String)))],
    [["1", "2"], ["3"]]);
});

t.test("nothing is given of a source that is broken, nor asked for", async (t) => {
  let asked = 0;
  let isBroken = false;
  const supply = { more: () => [++asked] };
  const source = { isBroken: false, stop: async () => {}, next: async () => (asked > 1 ? null : supply) };
  Object.defineProperty(source, "isBroken", { get: () => isBroken });
  const batches = new Batches<number>(source, null);
  t.strictSame([(await batches.next()).value, (await batches.next()).value], [1, 2]);
  isBroken = true;
  t.strictSame(await batches.next(), { done: true, value: undefined });
  t.equal(asked, 2);
});
