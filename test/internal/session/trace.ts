// Debug output of a session: secrets are hidden on every stream that has not asked for them.
import { PassThrough } from "node:stream";
import t from "tap";
import {
  NE_DBG_HTTP,
  NE_DBG_HTTPBODY,
  NE_DBG_HTTPPLAIN,
  NE_DBG_SOCKET,
} from "../../../lib/internal/base/constants.js";
import type { Session } from "../../../lib/internal/session/session_state.js";
import {
  hideSecrets,
  isTraced,
  trace,
  traceBlock,
  traceEither,
  traceHead,
} from "../../../lib/internal/session/trace.js";
import { ne_debug_init } from "../../../lib/ne_utils.js";

/** A session with a stream of its own, and what the two streams have been told. */
function tracing(
  t: { teardown(fn: () => void): void },
  ownMask: number | null,
  processMask = 0,
): { s: Session; own: () => string; all: () => string } {
  const [own, all] = [new PassThrough(), new PassThrough()];
  ne_debug_init(all, processMask);
  t.teardown(() => ne_debug_init(null, 0));
  const debug = ownMask === null ? null : { stream: own, mask: ownMask };
  const read = (stream: PassThrough): string => String(stream.read() ?? "");
  const s = { listeners: { debug } } as unknown as Session;
  return { s, own: () => read(own), all: () => read(all) };
}

const HEAD = "GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n";

t.test("channels", async (t) => {
  const { s, own, all } = tracing(t, NE_DBG_HTTP, NE_DBG_SOCKET);
  trace(s, NE_DBG_HTTP, "to %s %d\n", "own", 1);
  trace(s, NE_DBG_SOCKET, "to all\n");
  trace(s, NE_DBG_HTTPBODY, "to none\n");
  t.strictSame([own(), all()], ["to own 1\n", "to all\n"]);
  t.strictSame([NE_DBG_HTTP, NE_DBG_SOCKET, NE_DBG_HTTPBODY].map((c) => isTraced(s, c)), [true, true, false]);
  const silent = tracing(t, null);
  t.equal(isTraced(silent.s, NE_DBG_HTTP), false);
});

t.test("secrets of a head, each stream by its own mask", async (t) => {
  const hidden = tracing(t, NE_DBG_HTTP, NE_DBG_HTTP | NE_DBG_HTTPPLAIN);
  traceHead(hidden.s, HEAD);
  t.notMatch(hidden.own(), "c2VjcmV0");
  t.match(hidden.all(), "c2VjcmV0");
  const plain = tracing(t, NE_DBG_HTTP | NE_DBG_HTTPPLAIN, NE_DBG_HTTP);
  traceHead(plain.s, HEAD);
  t.match(plain.own(), "c2VjcmV0");
  t.notMatch(plain.all(), "c2VjcmV0");
  t.equal(hideSecrets("Authorization: Basic c2VjcmV0\n"), "Authorization: xxxxxxxxxxxxxx\n");
});

t.test("blocks of bodies", async (t) => {
  const { s, own } = tracing(t, NE_DBG_HTTPBODY);
  traceBlock(s, "Body block", Buffer.from('{"password":"hunter2","name":"me"}'));
  const shown = own();
  t.match(shown, "Body block (34 bytes):\n[");
  t.match(shown, '"me"');
  t.notMatch(shown, "hunter2");
});

t.test("one of two texts", async (t) => {
  const { s, own, all } = tracing(t, NE_DBG_HTTP | NE_DBG_HTTPPLAIN, NE_DBG_HTTP);
  traceEither(s, "<%s>\n", "plain", "hidden");
  t.strictSame([own(), all()], ["<plain>\n", "<hidden>\n"]);
});

t.test("a stream that has ended is not written to", async (t) => {
  const { s, own } = tracing(t, NE_DBG_HTTP);
  s.listeners.debug?.stream.end();
  t.doesNotThrow(() => trace(s, NE_DBG_HTTP, "late\n"));
  t.equal(own(), "");
});
