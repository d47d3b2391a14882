// An empty tape, and interim responses of which only the first are kept.
import t from "tap";
import { Fields } from "../../../lib/internal/http/head.js";
import { addInterim, createAttempt } from "../../../lib/internal/trace/recorded_attempt.js";

const REQUEST = { method: "GET", target: "/", scheme: "http", hostport: "h" };

t.test("nothing has happened yet", async (t) => {
  const before = performance.now();
  const attempt = createAttempt(REQUEST, 5);
  t.ok(attempt.begunAt >= before && attempt.begunAt <= performance.now());
  t.match(attempt, {
    ...REQUEST,
    ...{ sentAt: null, statusAt: null, head: null, status: null, error: null, complete: false },
    ...{ route: null, chunks: null, headBytes: -1, interimCount: 0, interims: [] },
  });
  t.strictSame([attempt.body.size, attempt.responseBody.size, attempt.fields.list.length], [0, 0, 0]);
  attempt.responseBody.add(Buffer.from("0123456789"));
  t.equal(attempt.responseBody.bytes.toString(), "01234", "the limit is that of the recorder");
  t.not(createAttempt(REQUEST, 5).interims, attempt.interims, "nothing is shared");
});

t.test("very many interim responses are counted, not kept", async (t) => {
  const attempt = createAttempt(REQUEST, 5);
  for (let i = 0; i < 1000; i++) addInterim(attempt, { code: 100 + i, reason: "", fields: new Fields() });
  t.strictSame([attempt.interimCount, attempt.interims.length, attempt.interims[0]?.code], [1000, 20, 100]);
});
