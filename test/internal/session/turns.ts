// internal/session/turns.ts: whose turn it is, without any request: letters are turns, the log says
// when each one was let in.
import t from "tap";
import { Turns, type Place } from "../../../lib/internal/session/turns.js";

class Desk {
  readonly turns = new Turns<Place>();
  readonly log: string[] = [];
  readonly #places = new Map<string, Place>();

  place(name: string): Place {
    const place = this.#places.get(name) ?? { extra: false, inCallback: 0 };
    this.#places.set(name, place);
    return place;
  }

  arrive(...names: string[]): void {
    for (const name of names) {
      const place = this.place(name);
      const note = (): void => void this.log.push(place.extra ? `${name}+` : name);
      if (this.turns.acquire(place)) note();
      else void this.turns.wait(place).then(note);
    }
  }

  leave(...names: string[]): void {
    for (const name of names) this.turns.release(this.place(name));
  }

  call(name: string): void {
    this.turns.enterCallback(this.place(name));
  }

  back(name: string): void {
    this.turns.leaveCallback(this.place(name));
  }

  async seen(): Promise<string> {
    await Promise.resolve();
    return this.log.join(" ");
  }
}

t.test("one at a time, in the order of their calls", async (t) => {
  const desk = new Desk();
  desk.arrive("a", "b", "c");
  t.equal(await desk.seen(), "a");
  desk.leave("a");
  t.equal(await desk.seen(), "a b");
  desk.arrive("d");
  desk.leave("b");
  t.equal(await desk.seen(), "a b c", "none overtakes");
  desk.leave("c");
  t.equal(await desk.seen(), "a b c d");
  desk.leave("d");
  t.equal(desk.turns.running.size, 0);
  desk.arrive("e");
  t.equal(await desk.seen(), "a b c d e");
});

t.test("as many as it was told", async (t) => {
  const desk = new Desk();
  desk.turns.max = 2;
  desk.arrive("a", "b", "c", "d");
  t.equal(await desk.seen(), "a b");
  desk.turns.max = 3;
  t.equal(await desk.seen(), "a b", "nobody looks");
  desk.turns.pump();
  t.equal(await desk.seen(), "a b c");
  desk.turns.max = 1;
  desk.leave("a", "b");
  t.equal(await desk.seen(), "a b c", "until there are fewer than that");
  desk.leave("c");
  t.equal(await desk.seen(), "a b c d");
});

t.test("while all that run wait for callbacks, the next is let in beside them", async (t) => {
  const desk = new Desk();
  desk.arrive("a", "b", "c");
  desk.call("a");
  t.equal(await desk.seen(), "a b+", "one more, not all");
  desk.call("b");
  t.equal(await desk.seen(), "a b+ c+");
  desk.arrive("d");
  desk.back("a");
  desk.leave("c");
  t.equal(await desk.seen(), "a b+ c+", "a goes on, so d waits");
  desk.leave("b", "a");
  t.equal(await desk.seen(), "a b+ c+ d");
});

t.test("or after a while, where the number of connections counts", async (t) => {
  const { setTimeout: schedule, clearTimeout: cancel } = globalThis;
  t.teardown(() => Object.assign(globalThis, { setTimeout: schedule, clearTimeout: cancel }));
  const live = new Set<NodeJS.Timeout>();
  let timers = 0;
  let over = (): void => {};
  const watching = (then: () => void, ms?: number): NodeJS.Timeout => {
    t.equal(ms, 5000);
    timers++;
    const timer = schedule(() => {}, 0);
    live.add(timer);
    over = () => {
      live.delete(timer);
      then();
    };
    return timer;
  };
  const forgetting = (timer: NodeJS.Timeout): void => void live.delete(timer);
  Object.assign(globalThis, { setTimeout: watching, clearTimeout: forgetting });
  const desk = new Desk();
  desk.turns.max = 2;
  desk.turns.patienceMs = 5000;
  desk.arrive("a", "b");
  desk.call("a");
  desk.call("b");
  t.equal(timers, 0, "nobody waits");
  desk.back("b");
  desk.arrive("c", "d");
  t.equal(timers, 0, "b runs");
  desk.call("b");
  t.equal(await desk.seen(), "a b");
  t.equal(live.size, 1);
  desk.back("b");
  t.equal(live.size, 0);
  desk.call("b");
  t.equal(timers, 2, "counted anew after each callback");
  over();
  t.equal(await desk.seen(), "a b c+", "one more, not all");
  t.equal(live.size, 0, "c runs");
  desk.call("c");
  over();
  t.equal(await desk.seen(), "a b c+ d+");
  desk.arrive("e");
  t.equal(timers, 3, "d runs");
  desk.call("d");
  t.equal(timers, 4);
  t.equal(live.size, 1);
  desk.leave("e");
  t.equal(live.size, 0);
  over();
  t.equal(await desk.seen(), "a b c+ d+", "nobody waits");
  desk.arrive("f");
  desk.leave("a", "b", "c");
  t.equal(await desk.seen(), "a b c+ d+ f", "there is room");
});

t.test("several promises of one turn count once", async (t) => {
  const desk = new Desk();
  desk.arrive("a", "b");
  desk.call("a");
  desk.call("a");
  desk.arrive("c");
  t.equal(await desk.seen(), "a b+");
  desk.back("a");
  desk.call("b");
  t.equal(await desk.seen(), "a b+ c+", "a still waits for the other");
});

t.test(
  "who gives up is not let in, and one that is over in a callback is not counted",
  async (t) => {
    const desk = new Desk();
    desk.arrive("a", "b", "c");
    desk.leave("b");
    desk.call("a");
    desk.leave("a");
    desk.back("a");
    t.equal(await desk.seen(), "a c+", "b gave up; c came in beside a");
    desk.arrive("d");
    t.equal(await desk.seen(), "a c+", "c runs");
    desk.leave("c");
    t.equal(await desk.seen(), "a c+ d");
    desk.leave("nobody");
    t.equal(desk.turns.running.size, 1);
  },
);

t.test("callbacks before the turn has come do not count", async (t) => {
  const desk = new Desk();
  desk.arrive("a", "b", "c");
  desk.call("b");
  desk.back("b");
  t.equal(await desk.seen(), "a");
});

t.test("who gives up is gone, whoever waits before and behind", async (t) => {
  const desk = new Desk();
  desk.arrive("a", "b", "c", "d");
  desk.leave("b", "d");
  desk.arrive("e", "f");
  desk.leave("a");
  t.equal(await desk.seen(), "a c");
  desk.leave("e", "c");
  t.equal(await desk.seen(), "a c f");
});

t.test("a crowd gives up at once", async (t) => {
  const desk = new Desk();
  desk.arrive("first", "second");
  const crowd = Array.from({ length: 100_000 }, () => ({ extra: false, inCallback: 0 }));
  for (const place of crowd) void desk.turns.wait(place);
  desk.arrive("last");
  // where each of them looked through all the others, this would not end
  for (const place of crowd) desk.turns.release(place);
  desk.leave("first", "second");
  t.equal(await desk.seen(), "first second last");
});
