// How a request comes to be: mistakes are named after the caller, fragments stay here, a proxy is
// told the whole URL.
import t from "tap";
import { newRequest } from "../../../lib/internal/session/create_request.js";
import {
  ne_hook_create_request,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, ne_session_proxy } from "../../../lib/ne_session.js";
import { OK, openSession } from "../../fixtures/conversation.js";
import { scripted } from "../../fixtures/server.js";

t.test("mistakes", async (t) => {
  const sess = ne_session_create("http", "h", 80);
  t.throws(() => newRequest(sess, "GE T", "/", "f"), new TypeError('f: the method is not a token: "GE "…'));
  t.throws(() => newRequest(sess, "GET", "/a b", "f"), { message: /^f: the target holds/ });
  ne_session_destroy(sess);
  t.throws(() => newRequest(sess, "GET", "/", "f"), new TypeError("f: the ne_session was destroyed already"));
});

t.test("what goes out", async (t) => {
  const rows: [target: string, sent: string][] = [
    ["/a?b#c", "/a?b"],
    ["", "/"],
    ["#c", "/"],
    ["*", "*"],
  ];
  for (const [target, sent] of rows) {
    const server = await scripted(t, [[OK]]);
    const req = newRequest(openSession(t, server.port), "GET", target, "f");
    await ne_request_dispatch(req);
    t.equal(server.requests[0]?.target, sent, target);
    ne_request_destroy(req);
  }
});

t.test("hooks are told what is sent: to a proxy the whole URL", async (t) => {
  const sess = ne_session_create("http", "h.example", 8080);
  ne_session_proxy(sess, "127.0.0.1", 1);
  const told: string[] = [];
  ne_hook_create_request(sess, (_req, _userdata, method, target) => void told.push(`${method} ${target}`), null);
  for (const target of ["/a", "*", "http://other/"]) ne_request_destroy(newRequest(sess, "GET", target, "f"));
  t.strictSame(told, ["GET http://h.example:8080/a", "GET *", "GET http://other/"]);
  ne_session_destroy(sess);
});
