// A request that is sent once: where a kept connection ends without a response, it fails, and does
// not go out a second time by itself.
import t from "tap";
import { sendOnce } from "../../../lib/internal/session/plugin_access.js";
import { NE_ERROR, NE_OK } from "../../../lib/index.js";
import { OK, openSession, send } from "../../fixtures/conversation.js";
import { END, scripted } from "../../fixtures/server.js";

t.test("over a kept connection that ends", async (t) => {
  const server = await scripted(t, [[OK, "", END], [OK]]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).code, NE_OK);
  const lost = await send(sess, "PUT", "/a", sendOnce);
  t.match(lost, { code: NE_ERROR, error: /connection was closed by server/ });
  t.equal(server.requests.length, 2, "and not a third");
  t.equal((await send(sess)).code, NE_OK);
});

t.test("any other request is sent again", async (t) => {
  const server = await scripted(t, [[OK, "", END], [OK]]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).code, NE_OK);
  t.equal((await send(sess, "PUT", "/a")).code, NE_OK);
  t.equal(server.requests.length, 3);
});
