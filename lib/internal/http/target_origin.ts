// Whether a request target is on the session's own server.
import { ne_uri, ne_uri_defaultport, ne_uri_parse } from "../../ne_uri.js";

/** A server. */
export interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

/** Whether a target, as on the request line, is on this server: a path, `*`, or a URL there. */
export function isOnOrigin(target: string, origin: Origin): boolean {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(target)) return true;
  const uri = new ne_uri();
  if (ne_uri_parse(target, uri) !== 0) return false;
  const { scheme, host } = uri;
  const port = uri.port === 0 ? ne_uri_defaultport(scheme ?? "") : uri.port;
  return (
    scheme?.toLowerCase() === origin.scheme.toLowerCase() &&
    host?.toLowerCase() === origin.host.toLowerCase() &&
    port === origin.port
  );
}
