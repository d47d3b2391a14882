// Work that could go on for ever lets the rest of the program run meanwhile.
import t from "tap";
import { Stretch, together, whenOverdue } from "../../../lib/internal/base/event_turn.js";
import { NE_OK, ne_add_response_body_reader } from "../../../lib/index.js";
import { openSession, send, settled } from "../../fixtures/conversation.js";
import { holdTime } from "../../fixtures/held_time.js";
import { scripted } from "../../fixtures/server.js";

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

t.test("work that goes on is long, and anew after a turn", async (t) => {
  const stretch = new Stretch();
  work(20);
  t.equal(stretch.isLong, true);
  let others = 0;
  setImmediate(() => others++);
  await stretch.turn();
  t.equal(others, 1, "what waited has run");
});

t.test("all who ask before the sockets' turn go on together, others with the next", async (t) => {
  const order: string[] = [];
  const note = (text: string) => () => void order.push(text);
  setImmediate(note("what waited before"));
  const first = together().then(note("first"));
  await Promise.resolve();
  const second = together().then(note("second"));
  setImmediate(note("what waits since"));
  await first;
  await second;
  t.strictSame(order, ["what waited before", "first", "second"]);
  const third = together().then(note("third"));
  await third;
  t.strictSame(order.slice(3), ["what waits since", "third"]);
});

t.test("a wait is given up only after the sockets' turn, which may call that off", async (t) => {
  const time = holdTime(t);
  const called: string[] = [];
  const calledOff = whenOverdue(1000, () => called.push("called off"));
  whenOverdue(999.5, () => called.push("over"));
  whenOverdue(1001, () => called.push("not yet"));
  time.pass(1);
  t.strictSame(called, [], "not by the timer");
  calledOff();
  await settled();
  t.strictSame(called, ["over"]);
  whenOverdue(2 ** 40, () => called.push("in years"));
  whenOverdue(1, () => called.push("off at once"))();
  time.pass(1);
  await settled();
  t.strictSame(called, ["over", "not yet"]);
});

t.test("a response whose blocks are all there does not keep the event loop", async (t) => {
  const chunks = "a\r\n0123456789\r\n".repeat(100);
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const server = await scripted(t, [[`${head}${chunks}0\r\n\r\n`]]);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  // blocks that were read in each turn of the event loop
  const blocks = new Map<number, number>();
  const { code } = await send(openSession(t, server.port), "GET", "/", (req) => {
    ne_add_response_body_reader(req, () => 1, () => {
      blocks.set(turns, (blocks.get(turns) ?? 0) + 1);
      work(3);
      return 0;
    });
  });
  isOver = true;
  t.equal(code, NE_OK);
  t.ok(Math.max(...blocks.values()) <= 8, "of a hundred blocks few are read in one turn");
});
