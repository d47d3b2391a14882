// Calls into the application: hooks that change their list, promises where none can be waited for,
// and answers that are no numbers.
import t from "tap";
import { eachHook, needSync, notify } from "../../../lib/internal/session/callbacks.js";
import type { Hook } from "../../../lib/internal/session/route.js";
import type { Session } from "../../../lib/internal/session/session_state.js";
import {
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_unhook_pre_send,
} from "../../../lib/ne_request.js";
import { mistake, OK, openSession, send } from "../../fixtures/conversation.js";
import { scripted } from "../../fixtures/server.js";

const hook = (name: string): Hook<string> => ({ fn: name, userdata: null });

function walk(list: Hook<string>[], act: (name: string) => void): string {
  const seen: string[] = [];
  for (const { fn } of eachHook(list)) {
    seen.push(fn);
    act(fn);
  }
  return seen.join(" ");
}

t.test("as a walk along a linked list", async (t) => {
  const [a, b, c] = ["a", "b", "c"].map(hook) as [Hook<string>, Hook<string>, Hook<string>];
  const remove = (list: Hook<string>[], one: Hook<string>): void => void list.splice(list.indexOf(one), 1);
  t.equal(walk([], () => {}), "");
  const plain = [a, b, c];
  t.equal(walk(plain, () => {}), "a b c");
  const growing = [a];
  t.equal(walk(growing, (name) => name === "a" && growing.push(b)), "a b", "what is added runs");
  const shrinking = [a, b, c];
  t.equal(walk(shrinking, (name) => name === "a" && remove(shrinking, b)), "a c", "what is removed does not");
  const itself = [a, b, c];
  t.equal(walk(itself, (name) => name === "b" && remove(itself, b)), "a b c", "one may remove itself");
  const before = [a, b, c];
  t.equal(walk(before, (name) => name === "b" && before.unshift(hook("z"))), "a b c", "in front is behind us");
});

t.test("promises where a callback must not return one", async (t) => {
  t.doesNotThrow(() => needSync(undefined, "ne_x_fn"));
  t.doesNotThrow(() => needSync(7, "ne_x_fn"));
  const message = "ne_x_fn: the callback must not return a promise";
  t.throws(() => needSync(Promise.reject(new Error("heard by nobody")), "ne_x_fn"), new TypeError(message));
});

t.test("a notifier's promise is given, other values are not", async (t) => {
  const session = (fn: unknown): Session =>
    ({ listeners: { notifier: { fn, userdata: 1 } } }) as unknown as Session;
  const told: unknown[] = [];
  const info = { sr: { progress: 1, total: 2 } };
  t.equal(notify(session((...given: unknown[]) => void told.push(given)), 3, info), undefined);
  t.strictSame(told, [[1, 3, info]]);
  const promise = Promise.resolve();
  t.equal(notify(session(() => promise), 3, info), promise);
  t.equal(notify({ listeners: { notifier: null } } as Session, 3, info), undefined);
});

t.test("an answer that is no number is the caller's mistake", async (t) => {
  for (const [answer, what] of [["0", "string"], [null, "null"], [undefined, "undefined"]] as const) {
    for (const given of [answer, Promise.resolve(answer)]) {
      const server = await scripted(t, [[OK]]);
      const sess = openSession(t, server.port);
      ne_hook_post_send(sess, () => given as unknown as number, null);
      t.match(await mistake(() => send(sess)), `the callback returned ${what}, not a number`);
    }
  }
});

t.test("a hook that unhooks itself in a request", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  let calls = 0;
  const once = (): void => {
    calls++;
    ne_unhook_pre_send(sess, once, null);
  };
  ne_hook_pre_send(sess, once, null);
  await send(sess);
  await send(sess);
  t.equal(calls, 1);
});
