// Creates requests, for every function that makes one. An argument error names the function that
// the program called.
import type { ne_request, ne_session } from "../base/handle.js";
import { checkMethod, checkTarget } from "../http/request_head.js";
import { createRequest, runCreateHooks } from "./request.js";
import { sendsToProxy } from "./route.js";
import { sessions } from "./session.js";
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
  // a fragment is never sent, and an empty target is the root (RFC 9112 section 3.2)
  const hash = target.indexOf("#");
  const beforeFragment = hash < 0 ? target : target.slice(0, hash);
  const place = beforeFragment === "" ? "/" : beforeFragment;
  const absolute = sendsToProxy(s) && place.startsWith("/");
  const sent = absolute ? `${s.scheme}://${s.hostport}${place}` : place;
  const r = createRequest(s, method, sent, openTunnel);
  r.fragment = target.slice(beforeFragment.length);
  runCreateHooks(r);
  return r.handle;
}
