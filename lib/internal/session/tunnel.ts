// A CONNECT tunnel (RFC 9110 section 9.3.6): an ordinary request, with the session's hooks, over
// the connection that the request in need of the tunnel has opened to its proxy. A tunnel that
// failed is closed and never used for anything else.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { turnOf } from "./attempt.js";
import { closeConnection } from "./connection.js";
import { createRequest, requests, runCreateHooks } from "./request.js";
import type { Request } from "./request_state.js";
import { dispatchRequest } from "./response.js";
import { reportTunnel } from "./report.js";
import type { Hop } from "./route.js";
import { setError } from "./session_state.js";

/** Makes the tunnel for a request. @returns `NE_OK`, or a code with the error set */
export async function openTunnel(r: Request, hop: Hop): Promise<number> {
  const s = r.session;
  const { hostname, port } = s.server;
  const connect = createRequest(s, "CONNECT", `${hostname}:${port}`, openTunnel);
  connect.tunnel = { request: r, hop };
  connect.scope = r.scope;
  try {
    runCreateHooks(connect);
    const code = await dispatchRequest(connect);
    const connection = turnOf(r)?.connection ?? null;
    let reason = s.error;
    if (code === NE_OK && connection?.open === true && connect.status.klass === 2) {
      if (!connection.wire.hasBytes) {
        // the next response is the first one of the server behind the tunnel
        connection.responses = 0;
        return NE_OK;
      }
      // the server behind the tunnel sends nothing before it is sent something
      reason = "unexpected data";
    }
    reportTunnel(r.report, code, connect);
    const what = s.secure ? "SSL connection" : "connection";
    setError(s, `Could not create ${what} through proxy server: ${reason}`, s.cause);
    if (connection !== null) closeConnection(s, connection);
    return code === NE_OK ? NE_ERROR : code;
  } finally {
    requests.destroy(connect.handle, "ne_request_destroy");
  }
}
