// Debug output is written to one stream for the channels that are on.
import { Writable } from "node:stream";
import t from "tap";
import { NE_DBG_FLUSH, NE_DBG_HTTP, NE_DBG_SSL } from "../../../lib/internal/base/constants.js";
import { debug, debugEnabled, debugMask, initDebug } from "../../../lib/internal/base/debug.js";

function collector(): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

t.afterEach(() => initDebug(null, 0));

t.test("only channels that are on are formatted", async (t) => {
  const { stream, text } = collector();
  initDebug(stream, NE_DBG_HTTP);
  t.equal(debugMask, NE_DBG_HTTP);
  debug(NE_DBG_HTTP | NE_DBG_FLUSH, "one %d\n", 1);
  debug(NE_DBG_SSL, "%d", "not looked at");
  t.equal(text(), "one 1\n");
  t.ok(debugEnabled(NE_DBG_HTTP | NE_DBG_SSL));
  t.notOk(debugEnabled(NE_DBG_SSL));
});

t.test("without a stream nothing is on", async (t) => {
  initDebug(null, NE_DBG_HTTP);
  t.notOk(debugEnabled(NE_DBG_HTTP));
  debug(NE_DBG_HTTP, "%d", "not looked at");
});

t.test("an ended stream does no harm", async (t) => {
  const { stream, text } = collector();
  stream.end();
  initDebug(stream, NE_DBG_HTTP);
  debug(NE_DBG_HTTP, "lost");
  t.equal(text(), "");
});

t.test("mistakes of the caller", async (t) => {
  t.throws(() => initDebug({} as Writable, 1), /ne_debug_init: the stream must be/);
  t.throws(() => initDebug(null, "1" as unknown as number), /ne_debug_init: the mask must be/);
});
