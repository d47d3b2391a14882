// A stream that a download is written to: no faster than it takes it, its errors told, its end
// waited for.
import { PassThrough, Writable } from "node:stream";
import t from "tap";
import { StreamTarget } from "../../../lib/internal/transfer/stream_target.js";
import { failureOf, settled } from "../../fixtures/conversation.js";

const LINE = { signal: null };

/** A stream that takes a block when it is told to. */
class Slow extends Writable {
  readonly taken: string[] = [];
  take: (error?: Error | null) => void = () => {};

  constructor() {
    super({ highWaterMark: 4 });
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.taken.push(chunk.toString());
    this.take = done;
  }
}

t.test("held up while the stream is full", async (t) => {
  const stream = new Slow();
  const target = new StreamTarget(LINE, stream);
  const block = Buffer.from("abcdef");
  let written = false;
  const writing = target.write(block).then(() => (written = true));
  block.fill("x");
  await settled();
  t.equal(written, false);
  t.equal(target.at, 0, "what was not taken is not there");
  stream.take();
  await writing;
  t.strictSame([target.at, stream.taken], [6, ["abcdef"]], "the block was on loan");
  t.strictSame([target.canRewind, target.readBack()], [false, null]);
});

t.test("whole when the stream has finished", async (t) => {
  const stream = new Slow();
  const target = new StreamTarget(LINE, stream);
  await target.write(Buffer.from("ab"));
  let finished = false;
  const finishing = target.finish().then(() => (finished = true));
  await settled();
  t.equal(finished, false);
  stream.take();
  await finishing;
  t.equal(stream.writableFinished, true);
});

t.test("errors of the stream", async (t) => {
  const stream = new Slow();
  const target = new StreamTarget(LINE, stream);
  const writing = failureOf(() => target.write(Buffer.from("abcdef")));
  stream.take(Object.assign(new Error("full"), { code: "ENOSPC" }));
  const message = "Could not write to the stream: No space left on device (ENOSPC)";
  t.match(await writing, { message });
  t.match(await failureOf(() => target.finish()), { message }, "and it stays so");
});

t.test("destroyed by somebody else", async (t) => {
  const stream = new Slow();
  const target = new StreamTarget(LINE, stream);
  const writing = failureOf(() => target.write(Buffer.from("abcdef")));
  stream.destroy();
  t.match(await writing, { message: "Could not write to the stream: it was destroyed" });
});

t.test("destroyed by a transfer that fails, with its reason", async (t) => {
  const stream = new PassThrough();
  const error = new Promise<Error>((resolve) => stream.once("error", resolve));
  await new StreamTarget(LINE, stream).fail(new Error("cut off"));
  t.equal((await error).message, "cut off");
});

t.test("a stream that is over is a mistake", async (t) => {
  const ended = new PassThrough();
  ended.end();
  const destroyed = new PassThrough();
  destroyed.destroy();
  for (const stream of [ended, destroyed]) {
    const message = "nx_download: the stream has been ended or destroyed";
    t.throws(() => new StreamTarget(LINE, stream), new TypeError(message));
  }
});
