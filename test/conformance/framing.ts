// How responses are framed: the rules of RFC 9112 as rows. A peer sends the bytes of a row for the
// first of two requests; the outcome is what the first came to, and whether the second used the
// same connection.
import {
  ne_session_create,
  ne_session_destroy,
  ne_set_read_timeout,
} from "../../lib/ne_session.js";
import { send } from "../fixtures/conversation.js";
import { scripted, type Peer, type TestScope } from "../fixtures/server.js";
import { ROWS, type Row } from "./framing_rows.js";
import { Tally, type Suite } from "./suite.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What a row came to: "200 body, kept", "200 body, closed" or "refused". */
async function outcome(t: TestScope, row: Row): Promise<string> {
  const { method = "GET", bytes, ends = false } = row;
  let served = 0;
  let kept = false;
  const server = await scripted(t, async (peer: Peer) => {
    const isFirst = peer.number === 0;
    for (let asked = 0; ; asked++) {
      try {
        await peer.readRequest();
      } catch {
        return; // the client has gone, as it may at any time
      }
      kept = isFirst && asked > 0;
      if (++served > 1) await peer.write(OK);
      else {
        await peer.write(bytes);
        if (ends) return await peer.end();
      }
    }
  });
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  ne_set_read_timeout(sess, 5);
  try {
    const first = await send(sess, method);
    const second = await send(sess);
    if (second.body !== "ok") return `the next request got ${JSON.stringify(second)}`;
    // a second question to a server that has closed unseen is repeated by itself
    const how = kept ? "kept" : "closed";
    if (first.code !== 0) return kept ? `refused, and kept: ${first.error}` : "refused";
    return `${first.status} ${first.body}, ${how}`;
  } finally {
    ne_session_destroy(sess);
    await server.close();
  }
}

export const FRAMING: Suite = {
  name: "HTTP framing",
  async run(t, extent) {
    const tally = new Tally("RFC 9112 (responses), as rows");
    for (const [at, row] of ROWS.entries()) {
      if (extent === "short" && at % 3 !== 0) continue;
      const found = await outcome(t, row);
      if (row.differs !== undefined && found === row.differs.outcome) {
        tally.explain(row.rule, row.differs.reason);
      } else {
        tally.equal(row.rule, found, row.wanted);
      }
    }
    return tally;
  },
};
