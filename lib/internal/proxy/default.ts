// The proxy of sessions that set none themselves. Sessions are created on a lower floor than
// nx_proxy, which knows how to apply a setting; so the default is stored together with a function
// that applies it.
import type { ne_session } from "../base/handle.js";

/** A setting, as it was given, and what applies it to a new session. */
export interface DefaultProxy {
  readonly proxy: object;
  readonly attach: (sess: ne_session) => void;
}

let current: DefaultProxy | null = null;

/** The default, `null` for none. */
export function defaultProxy(): DefaultProxy | null {
  return current;
}

/** Sets the default. */
export function setDefaultProxy(setting: DefaultProxy | null): void {
  current = setting;
}
