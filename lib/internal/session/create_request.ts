// How a request comes to be, for every function that makes one: a mistake is named after the
// function that the caller called.
import type { ne_request, ne_session } from "../base/handle.js";
import { checkMethod, checkTarget } from "../http/request_head.js";
import { createRequest, runCreateHooks } from "./request.js";
import { sendsToProxy, sessions } from "./session.js";
import { openTunnel } from "./tunnel.js";

/** Creates a request and runs the create_request hooks, on behalf of `caller`. */
export function newRequest(
  sess: ne_session,
  method: string,
  target: string,
  caller: string,
): ne_request {
  const s = sessions.open(sess, caller);
  checkMethod(method, caller);
  checkTarget(target, caller);
  const absolute = sendsToProxy(s) && target.startsWith("/");
  const sent = absolute ? `${s.scheme}://${s.hostport}${target}` : target;
  const r = createRequest(s, method, sent, openTunnel);
  runCreateHooks(r);
  return r.handle;
}
