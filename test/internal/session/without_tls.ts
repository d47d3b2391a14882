// Streams that need no TLS: those that were marked, and no others.
import { PassThrough } from "node:stream";
import t from "tap";
import { exemptFromTls, isExemptFromTls } from "../../../lib/internal/session/without_tls.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { nx_set_connector } from "../../../lib/nx_session.js";
import { send } from "../../fixtures/conversation.js";

t.test("the mark", async (t) => {
  const stream = new PassThrough();
  t.equal(isExemptFromTls(stream), false);
  t.equal(exemptFromTls(stream), stream);
  t.equal(isExemptFromTls(stream), true);
  t.equal(isExemptFromTls(new PassThrough()), false);
});

t.test("a session for https talks in the clear over a marked stream only", async (t) => {
  for (const marked of [true, false]) {
    const stream = new PassThrough();
    const written: string[] = [];
    stream.on("data", (bytes: Buffer) => {
      written.push(bytes.toString("latin1"));
      stream.destroy();
    });
    const sess = ne_session_create("https", "h.example", 443);
    nx_set_connector(sess, () => (marked ? exemptFromTls(stream) : stream));
    t.not((await send(sess)).code, 0);
    t.equal(written.join("").startsWith("GET / HTTP/1.1\r\n"), marked, "no request goes in the clear");
    ne_session_destroy(sess);
  }
});
