// One call while it runs: all that it has under way ends when the caller has enough.
import t from "tap";
import { batchesOf } from "../../../lib/internal/resources/batches.js";
import type { nx_resource } from "../../../lib/internal/resources/resource.js";
import { ResourceCollector } from "../../../lib/internal/resources/resource_collector.js";
import { Call } from "../../../lib/internal/resources/call.js";
import { failureOf, openSession } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response } from "../../fixtures/dav.js";
import { hurry } from "../../fixtures/transfer/clock.js";

const QUESTION = { method: "PROPFIND", path: "/d/", depth: 1, body: "<a/>", context: "list: " } as const;
const one = (path: string): string => response(path, propstat(""));

function collector(): (...args: [Parameters<ResourceCollector["take"]>[0], nx_resource[]]) => void {
  const collector = new ResourceCollector("/d/");
  return (found, batch) => collector.take(found, batch);
}

t.test("everything that one request gives", async (t) => {
  const { sess } = await answering(t, { body: multistatus(one("/d/"), one("/d/a")) });
  const found = await new Call(sess, null, "f").all(QUESTION, collector());
  t.strictSame(found.map(({ path }) => path), ["/d/", "/d/a"]);
});

t.test("the check comes when all have come, and its failure is the call's", async (t) => {
  const { sess } = await answering(t, { body: multistatus(one("/d/a")) });
  const seen: number[] = [];
  const error = await failureOf(async () => {
    const check = (): void => {
      throw new Error("not all");
    };
    const call = new Call(sess, null, "f");
    for await (const supply of call.batches(QUESTION, collector(), check)) {
      for (const { length } of batchesOf(supply)) seen.push(length);
    }
  });
  t.strictSame([(error as Error).message, seen], ["not all", [1]]);
});

t.test("an iterator checks its path before anything is sent", async (t) => {
  const call = new Call(openSession(t, 1), null, "nx_x");
  const batches = call.batches(QUESTION, collector());
  const error = await failureOf(() => call.iterate("d", batches).next());
  t.match(error, new TypeError("nx_x: the path must begin with a slash"));
});

t.test("leaving the loop ends the work", async (t) => {
  const body = multistatus(...Array.from({ length: 3 }, (_, i) => one(`/d/${i}`)));
  const { sess } = await answering(t, { body });
  const call = new Call(sess, null, "f");
  for await (const { path } of call.iterate("/d/", call.batches(QUESTION, collector()))) {
    t.equal(path, "/d/0");
    break;
  }
  t.equal(call.isOver, true);
});

t.test("pauses", async (t) => {
  hurry(t, 1000);
  const call = new Call(openSession(t, 1), null, "f");
  await call.pause(1000);
  const waiting = call.pause(2 ** 40);
  await call.stop();
  await waiting;
  await call.pause(2 ** 40);
  t.equal(call.isOver, true, "a call that is over waits for nothing");
  const controller = new AbortController();
  const aborted = new Call(openSession(t, 1), controller.signal, "f");
  const pausing = failureOf(() => aborted.pause(2 ** 40));
  controller.abort();
  t.match(await pausing, { name: "nx_error", message: "Aborted" });
  t.match(await failureOf(() => aborted.pause(1)), { message: "Aborted" });
});
