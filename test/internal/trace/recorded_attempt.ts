// An empty tape, and interim responses of which only the first are kept.
import t from "tap";
import { Fields } from "../../../lib/internal/http/head.js";
import { addInterim, createTape } from "../../../lib/internal/trace/recorded_attempt.js";

const REQUEST = { method: "GET", target: "/", scheme: "http", hostport: "h" };

t.test("nothing has happened yet", async (t) => {
  const before = performance.now();
  const tape = createTape(REQUEST, 5);
  t.ok(tape.begunAt >= before && tape.begunAt <= performance.now());
  t.match(tape, {
    ...REQUEST,
    ...{ sentAt: null, statusAt: null, head: null, status: null, error: null, complete: false },
    ...{ route: null, chunks: null, headBytes: -1, interimCount: 0, interims: [] },
  });
  t.strictSame([tape.body.size, tape.answer.size, tape.fields.list.length], [0, 0, 0]);
  tape.answer.add(Buffer.from("0123456789"));
  t.equal(tape.answer.bytes.toString(), "01234", "the limit is that of the recorder");
  t.not(createTape(REQUEST, 5).interims, tape.interims, "nothing is shared");
});

t.test("very many interim responses are counted, not kept", async (t) => {
  const tape = createTape(REQUEST, 5);
  for (let i = 0; i < 1000; i++) addInterim(tape, { code: 100 + i, reason: "", fields: new Fields() });
  t.strictSame([tape.interimCount, tape.interims.length, tape.interims[0]?.code], [1000, 20, 100]);
});
