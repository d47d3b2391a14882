// What the relative references of a multistatus response are resolved against (RFC 4918, 8.3).
import type { ne_request, ne_session } from "../base/handle.js";
import { ne_get_request_target } from "../../ne_request.js";
import { ne_fill_server_uri } from "../../ne_session.js";
import { ne_uri } from "../../ne_uri.js";

/** The target of the request; the root of the server where that is no URI of it. */
export function baseOf(sess: ne_session, req: ne_request): Readonly<ne_uri> {
  const target = ne_get_request_target(req);
  if (target !== null) return target;
  const server = new ne_uri();
  ne_fill_server_uri(sess, server);
  server.path = "/";
  return server;
}
