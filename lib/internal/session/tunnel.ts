// A CONNECT tunnel (RFC 9110 section 9.3.6): an ordinary request, with the session's hooks, over
// the connection that the request in need of the tunnel has opened to its proxy. A tunnel that
// failed is closed and never used for anything else.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { createRequest, requests, runCreateHooks, type Request } from "./request.js";
import { dispatchRequest } from "./response.js";
import { closeConnection, setError, type Connection, type Hop } from "./session.js";

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
    const connection = r.turn?.connection ?? null;
    if (code === NE_OK && connection?.open === true && connect.status.klass === 2) {
      // the next response is the first one of the server behind the tunnel
      connection.responses = 0;
      return NE_OK;
    }
    setError(s, `Could not create SSL connection through proxy server: ${s.error}`, s.cause);
    closeTunnel(r, connection);
    return code === NE_OK ? NE_ERROR : code;
  } finally {
    requests.destroy(connect.handle, "ne_request_destroy");
  }
}

function closeTunnel(r: Request, connection: Connection | null): void {
  if (connection !== null) closeConnection(r.session, connection);
  if (r.turn !== null) r.turn.connection = null;
}
