// internal/wire/wire_failure.ts: what an error of a stream means, and which ends leave data whole.
import t from "tap";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
  NE_SOCK_TRUNC,
} from "../../../lib/index.js";
import {
  BROKEN_PIPE,
  CLOSED,
  CLOSED_HERE,
  endsData,
  failureOf,
  PLAIN,
  TIMED_OUT,
} from "../../../lib/internal/wire/wire_failure.js";
import { Other, systemError } from "../../fixtures/stream.js";

t.test("errors of a stream, as codes and words", async (t) => {
  const rows: [thrown: unknown, code: number, words: string][] = [
    [systemError("ECONNRESET"), NE_SOCK_RESET, "Connection reset by peer"],
    [systemError("EPIPE"), NE_SOCK_CLOSED, "Broken pipe"],
    [systemError("ENETDOWN"), NE_SOCK_ERROR, "Network is down"],
    [new Error("worn out"), NE_SOCK_ERROR, "worn out"],
    ["worn out", NE_SOCK_ERROR, "worn out"],
    [null, NE_SOCK_ERROR, "no reason given"],
    [{}, NE_SOCK_ERROR, "no reason given"],
  ];
  for (const [thrown, code, words] of rows) {
    const failure = failureOf(thrown);
    t.strictSame([failure.code, failure.error], [code, words]);
    t.ok(failure.cause instanceof Error, words);
  }
});

t.test("only an end by the peer leaves data whole", async (t) => {
  const cause = new Error("cut");
  t.equal(endsData(CLOSED), true);
  t.equal(endsData({ code: NE_SOCK_TRUNC, error: "truncated", cause: null }), true);
  t.equal(endsData({ ...CLOSED, cause }), false);
  t.equal(endsData(failureOf(systemError("ECONNRESET"))), false);
  for (const failure of [CLOSED_HERE, TIMED_OUT]) t.equal(endsData(failure), false, failure.error);
  t.equal(BROKEN_PIPE.code, NE_SOCK_CLOSED);
});

t.test("a stream of its own has no closing alert and no socket", async (t) => {
  const other = new Other();
  t.equal(PLAIN.ended(other), CLOSED);
  t.equal(PLAIN.socket(other), null);
  t.equal(PLAIN.failed(systemError("EPIPE"), true).error, "Broken pipe");
});
