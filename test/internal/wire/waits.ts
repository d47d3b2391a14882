// internal/wire/waits.ts: a read and a write wait side by side, each with its own deadline, on one
// timer.
import t from "tap";
import { NE_SOCK_TIMEOUT } from "../../../lib/index.js";
import { Waits } from "../../../lib/internal/wire/waits.js";
import { settled } from "../../fixtures/conversation.js";
import { holdTime } from "../../fixtures/held_time.js";
import { Other } from "../../fixtures/stream.js";
import type { TestScope } from "../../fixtures/server.js";

class Counted extends Other {
  refs: string[] = [];
  ref(): void {
    this.refs.push("ref");
  }
  unref(): void {
    this.refs.push("unref");
  }
}

function make(t: TestScope): { waits: Waits; stream: Counted; late: () => number } {
  const stream = new Counted();
  let late = 0;
  const waits = new Waits(stream, () => late++);
  t.teardown(() => waits.stop());
  return { waits, stream, late: () => late };
}

t.test("each wait ends with what it is given, once", async (t) => {
  const { waits } = make(t);
  const read = waits.read(0);
  const write = waits.write(0);
  t.strictSame([waits.isReading, waits.isWriting], [true, true]);
  waits.endWrite(7);
  t.strictSame([waits.isReading, waits.isWriting], [true, false]);
  waits.endRead(3);
  waits.endRead(4);
  waits.endWrite(5);
  t.strictSame(await Promise.all([read, write]), [3, 7]);
});

t.test("a deadline ends its own wait, and says so before", async (t) => {
  const time = holdTime(t);
  const { waits, late } = make(t);
  const read = waits.read(3000);
  const write = waits.write(1000);
  time.pass(1);
  await settled();
  t.equal(await write, NE_SOCK_TIMEOUT);
  t.strictSame([waits.isReading, late()], [true, 1]);
  time.pass(2);
  await settled();
  t.equal(await read, NE_SOCK_TIMEOUT);
  t.equal(late(), 2);
});

t.test("a wait that was rearmed ends at its new deadline", async (t) => {
  const time = holdTime(t);
  const { waits } = make(t);
  waits.rearm(1000);
  const read = waits.read(5000);
  waits.rearm(1000);
  time.pass(1);
  await settled();
  t.equal(await read, NE_SOCK_TIMEOUT);
});

t.test("what comes in the turn of the timer has come in time", async (t) => {
  const time = holdTime(t);
  const { waits, late } = make(t);
  const read = waits.read(1000);
  time.pass(1);
  waits.endRead(2);
  await settled();
  t.equal(await read, 2);
  t.equal(late(), 0);
});

t.test("the stream keeps the process alive only while something waits", async (t) => {
  const { waits, stream } = make(t);
  t.strictSame(stream.refs, ["unref"]);
  const read = waits.read(0);
  const write = waits.write(0);
  waits.endRead(1);
  t.strictSame(stream.refs, ["unref", "ref"]);
  waits.endWrite(0);
  t.strictSame(stream.refs, ["unref", "ref", "unref"]);
  await Promise.all([read, write]);
});

t.test("after the end no deadline counts, and a wait can still be ended", async (t) => {
  const time = holdTime(t);
  const { waits, stream, late } = make(t);
  const read = waits.read(1000);
  waits.stop();
  time.pass(10);
  await settled();
  t.equal(late(), 0);
  waits.endRead(-1);
  t.equal(await read, -1);
  t.strictSame(stream.refs, ["unref", "ref"], "a stream that is closed is left alone");
});
