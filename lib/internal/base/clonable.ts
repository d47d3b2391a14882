// How a plugin of the session's hooks (authentication, redirects, cookies, a lock store) survives
// the cloning of its session: hooks and session private values whose userdata carries this method
// are registered with what it returns, all others are shared with the clone as they are.
import type { ne_session } from "./handle.js";

/** The method's key. */
export const cloneForSession: unique symbol = Symbol("cloneForSession");

/** A hook's userdata, or a session private value, that belongs to one session only. */
export interface Plugin {
  /**
   * Goes along where a redirect leads to another origin, since it holds nothing that belongs to the
   * first one. Other plugins, and the application's own hooks, stay behind there.
   */
  readonly forStrangers?: boolean;
  /**
   * Makes the plugin's record for a clone of its session: same settings, none of what was learnt
   * from the server. Called once for each clone, however many hooks share the record.
   * @param clone the new session
   * @param sameOrigin whether it is for the same scheme, host and port
   * @returns the record, or `null` to leave the plugin's hooks and private value out of the clone
   */
  [cloneForSession](clone: ne_session, sameOrigin: boolean): unknown;
}

/** Whether a userdata value is a plugin's record. */
export function isPlugin(userdata: unknown): userdata is Plugin {
  return typeof userdata === "object" && userdata !== null && cloneForSession in userdata;
}
