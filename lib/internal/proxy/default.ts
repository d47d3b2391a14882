// Holds the proxy of sessions that set none themselves. Sessions are made on a lower floor than the
// one that knows what a proxy setting means, so the setting brings its own way of being applied.
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
