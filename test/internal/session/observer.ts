// Who watches the requests of a session is told of each step, in its order.
import t from "tap";
import { sessions } from "../../../lib/internal/session/session.js";
import type { Observer } from "../../../lib/internal/session/observer.js";
import { ne_set_request_body_buffer } from "../../../lib/ne_request.js";
import { openSession, send } from "../../fixtures/conversation.js";
import { END, scripted } from "../../fixtures/server.js";

t.test("the steps of a request", async (t) => {
  const answer = "HTTP/1.1 102 Busy\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const server = await scripted(t, [[answer, "", END], ["", END]]);
  const sess = openSession(t, server.port);
  const told: string[] = [];
  const note = (step: string) => (): void => void told.push(step);
  const observer: Observer = {
    begun: note("begun"),
    sending: (_req, head) => void told.push(`sending ${head.split(" ")[0]}`),
    sent: (_req, block) => void told.push(`sent ${block.length}`),
    interim: (_req, fields) => void told.push(`interim ${fields.get("x")}`),
    status: note("status"),
    answered: note("answered"),
    received: (_req, block) => void told.push(`received ${block.length}`),
    // the first time counts
    ended: (_req, error) => {
      if (told.at(-1)?.startsWith("ended") !== true) told.push(`ended ${error}`);
    },
  };
  sessions.open(sess, "test").listeners.observers = [observer];
  await send(sess, "PUT", "/", (req) => ne_set_request_body_buffer(req, Buffer.from("four")));
  t.strictSame(told.splice(0), [
    ...["begun", "sending PUT", "sent 4", "interim y", "status", "answered", "received 2"],
    "ended null",
  ]);
  await send(sess);
  const closed = "Could not read status line: connection was closed by server";
  t.strictSame(told, ["begun", "sending GET", "sending GET", `ended ${closed}`]);
});
