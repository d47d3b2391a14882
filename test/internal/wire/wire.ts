// internal/wire/wire.ts: bytes pulled from, and pushed to, a stream that does as the test says.
import t from "tap";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_TIMEOUT,
} from "../../../lib/index.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import { failureOf } from "../../../lib/internal/wire/wire_failure.js";
import { settled } from "../../fixtures/conversation.js";
import { holdTime } from "../../fixtures/held_time.js";
import { Other, systemError } from "../../fixtures/stream.js";

function view(wire: Wire): string {
  return wire.bytes.toString("latin1", wire.pos, wire.end);
}

t.test("bytes come into the view as they are asked for", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  t.strictSame(
    [wire.readable, wire.hasBytes, wire.available, wire.ended],
    [false, false, 0, false],
  );
  const waiting = wire.more(0);
  t.ok(waiting instanceof Promise);
  other.push("abc");
  t.equal(await waiting, 3);
  t.equal(view(wire), "abc");
  wire.pos += 1;
  other.push("de");
  other.push("f");
  await settled();
  t.equal(wire.more(0), 2, "what is there needs no waiting");
  t.equal(view(wire), "bcde", "joined with what was not consumed");
  t.strictSame([wire.readable, wire.hasBytes, wire.available], [true, true, 4]);
  wire.pos = wire.end;
  t.ok(wire.hasBytes, "one more in the queue");
  t.equal(wire.more(0), 1);
  t.equal(view(wire), "f");
  t.equal(wire.received, 6);
  wire.destroy();
});

t.test("the end comes behind the bytes, and stays", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  other.push("abc");
  other.push(null);
  await settled();
  t.ok(wire.ended);
  t.equal(wire.more(0), 3);
  t.equal(wire.more(0), NE_SOCK_CLOSED);
  t.equal(wire.more(0), NE_SOCK_CLOSED);
  t.equal(wire.failure.error, "Connection closed");
  t.equal(view(wire), "abc", "the view is as it was");
  wire.destroy();
});

t.test("errors of the stream end reads and writes", async (t) => {
  const table: [string, number, string][] = [
    ["ECONNRESET", NE_SOCK_RESET, "Connection reset by peer"],
    ["EPIPE", NE_SOCK_CLOSED, "Broken pipe"],
    ["ETIMEDOUT", NE_SOCK_ERROR, "Connection timed out"],
    ["EWHATEVER", NE_SOCK_ERROR, "EWHATEVER"],
  ];
  for (const [code, expected, text] of table) {
    const other = new Other({ highWaterMark: 1 });
    other.held = true;
    const wire = new Wire(other);
    const error = systemError(code);
    const read = wire.more(0);
    const write = wire.write("xx", 0);
    other.destroy(error);
    t.strictSame(await Promise.all([read, write]), [expected, expected], code);
    t.strictSame([wire.failure.error, wire.failure.cause], [text, error]);
    t.equal(wire.write("y", 0), expected);
    t.equal(await wire.flush(0), expected);
    t.strictSame(failureOf(error), wire.failure);
  }
});

t.test("every wait has its own time", async (t) => {
  const other = new Other({ highWaterMark: 1 });
  other.held = true;
  const wire = new Wire(other);
  const write = wire.write("xx", 20);
  const read = wire.more(2 ** 40);
  t.equal(await write, NE_SOCK_TIMEOUT);
  t.strictSame([wire.failure.code, wire.failure.error], [NE_SOCK_TIMEOUT, "Connection timed out"]);
  wire.rearm(1);
  t.equal(await read, NE_SOCK_TIMEOUT);
  const again = wire.more(1);
  t.equal(await again, NE_SOCK_TIMEOUT);
  other.push("late");
  await settled();
  t.equal(wire.more(1), 4, "a wait that timed out lost nothing");
  wire.destroy();
});

t.test("what comes while the program is busy has come in time", async (t) => {
  const time = holdTime(t);
  const other = new Other();
  const wire = new Wire(other);
  const read = wire.more(1000);
  // the timer is due, and the bytes are there before the event loop goes on
  time.pass(1);
  other.push("abc");
  t.equal(await read, 3);
  const late = wire.more(1000);
  time.pass(1);
  t.equal(await late, NE_SOCK_TIMEOUT);
  wire.destroy();
});

t.test("a write waits for room, a flush for the system", async (t) => {
  const other = new Other({ writableHighWaterMark: 4 });
  const wire = new Wire(other);
  t.equal(wire.write("ab", 0), 0);
  t.equal(await wire.flush(0), 0);
  other.held = true;
  t.equal(wire.write("cd", 0), 0, "there is room");
  const flushed = wire.flush(0);
  t.ok(flushed instanceof Promise);
  other.release();
  t.equal(await flushed, 0);
  const full = wire.write("efgh", 0);
  t.ok(full instanceof Promise);
  other.release();
  t.equal(await full, 0);
  t.equal(other.written.join(""), "abcdefgh");
  const failing = wire.write("ijkl", 0);
  other.release(systemError("EPIPE"));
  t.equal(await failing, NE_SOCK_CLOSED);
});

t.test("latin1 text is written a byte a character", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  wire.write("\u00e9\u00ff", 0);
  wire.write(Buffer.from([1]), 0);
  t.strictSame(other.written, ["\u00e9\u00ff", "\x01"]);
  wire.destroy();
});

t.test("a watch is told once of bytes or the end, and takes nothing", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  let told = 0;
  wire.watch(() => void told++);
  wire.unwatch();
  other.push("a");
  await settled();
  t.equal(told, 0);
  wire.watch(() => void told++);
  t.equal(told, 1, "at once where bytes are there");
  wire.more(0);
  wire.pos = wire.end;
  wire.watch(() => void told++);
  other.push(null);
  await settled();
  t.equal(told, 2);
});

t.test("a stream that is not read is held up", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  let pushed = 0;
  while (!other.isPaused() && pushed < 100) {
    other.push(Buffer.alloc(65536));
    pushed++;
    await settled();
  }
  t.ok(pushed < 10, `${pushed * 64} KiB`);
  const ended = other.push(null);
  t.equal(ended, false);
  let got = 0;
  for (;;) {
    const added = await wire.more(0);
    if (added < 0) break;
    got += added;
    wire.pos = wire.end;
  }
  t.equal(got, pushed * 65536, "and loses nothing");
});

t.test("a cut ends every wait at once, and all later ones", async (t) => {
  const other = new Other({ highWaterMark: 1 });
  other.held = true;
  const wire = new Wire(other);
  const read = wire.more(0);
  const write = wire.write("xx", 0);
  const cause = new Error("why");
  wire.cut({ code: NE_SOCK_ERROR, error: "cut off", cause });
  t.strictSame(await Promise.all([read, write]), [NE_SOCK_ERROR, NE_SOCK_ERROR]);
  t.strictSame([wire.more(0), wire.write("x", 0)], [NE_SOCK_ERROR, NE_SOCK_ERROR]);
  t.strictSame([wire.failure.error, wire.failure.cause], ["cut off", cause]);
  t.ok(other.destroyed);
  wire.cut({ code: NE_SOCK_CLOSED, error: "again", cause: null });
  t.equal(wire.more(0), NE_SOCK_ERROR, "the first one counts");
});

t.test("closing: in good order, or at once where something is stuck", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  wire.write("bye", 0);
  const read = wire.more(0);
  wire.close();
  wire.close();
  t.equal(await read, NE_SOCK_ERROR);
  t.equal(wire.failure.error, "Connection was closed by the application");
  t.strictSame([wire.more(0), wire.write("x", 0)], [NE_SOCK_ERROR, NE_SOCK_ERROR]);
  await settled();
  t.strictSame([other.written, other.writableFinished, other.destroyed], [["bye"], true, true]);

  const stuck = new Other();
  stuck.held = true;
  const held = new Wire(stuck);
  held.write("never", 0);
  held.close();
  t.ok(stuck.destroyed);
  const gone = new Other();
  const dead = new Wire(gone);
  gone.destroy();
  await settled();
  dead.close();
  t.ok(dead.ended);
});

t.test("a peer that does not close does not keep the descriptor", async (t) => {
  const real = globalThis.setTimeout;
  const waits: [ms: number | undefined, call: () => void][] = [];
  const held = (call: () => void, ms?: number): NodeJS.Timeout => {
    waits.push([ms, call]);
    return real(() => {}, 0);
  };
  globalThis.setTimeout = Object.assign(held, real);
  t.teardown(() => (globalThis.setTimeout = real));
  // a socket that has sent its end waits for the peer's
  class Socket extends Other {
    destroySoon(): void {
      this.end();
    }
  }
  const other = new Socket({ autoDestroy: false });
  const wire = new Wire(other);
  wire.close();
  await settled();
  t.strictSame([other.writableFinished, other.destroyed], [true, false]);
  t.strictSame(waits.map(([ms]) => ms), [5000]);
  waits[0]?.[1]();
  t.equal(other.destroyed, true);
});

t.test("bytes that nobody took are gone when the wire is closed", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  other.push("abc");
  await settled();
  wire.more(0);
  wire.close();
  t.strictSame([wire.available, wire.hasBytes], [0, false]);
});

t.test("shutting down one direction", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  t.equal(await wire.shutdownWriting(), 0);
  t.equal(await wire.shutdownWriting(), 0);
  t.ok(other.writableFinished);
  t.equal(wire.write("x", 0), NE_SOCK_CLOSED);
  t.equal(wire.failure.error, "Broken pipe");
  other.push("abc");
  await wire.shutdownReading();
  t.equal(wire.more(0), 3, "what had arrived");
  t.equal(wire.more(0), NE_SOCK_CLOSED);
  wire.destroy();
  const failing = new Other();
  const lost = new Wire(failing);
  failing.destroy(systemError("ECONNRESET"));
  await settled();
  t.equal(await lost.shutdownWriting(), NE_SOCK_RESET);
});

t.test("taking the stream out of the wire", async (t) => {
  const other = new Other();
  const wire = new Wire(other);
  other.push("ab");
  other.push("cd");
  await settled();
  wire.more(0);
  wire.pos++;
  t.equal(wire.release().toString(), "bcd");
  t.ok(other.isPaused());
  t.strictSame([other.listenerCount("data"), other.listenerCount("end")], [0, 0]);
  other.destroy();
});
