// ne_redirect.h: redirects. They are reported, never followed. A feature made of public hooks only.
import { needHandle } from "./internal/base/handle.js";
import { NE_ERROR, NE_OK, NE_REDIRECT } from "./internal/base/constants.js";
import { cloneForSession, type Plugin } from "./internal/base/clonable.js";
import type { ne_request, ne_session } from "./internal/base/handle.js";
import {
  ne_get_response_header,
  ne_get_response_location,
  ne_hook_create_request,
  ne_hook_post_send,
} from "./ne_request.js";
import { ne_get_session_private, ne_set_session_private } from "./ne_session.js";
import type { ne_uri } from "./ne_uri.js";
import type { ne_status } from "./ne_utils.js";

const PRIVATE_ID = "http://webdav.org/neon/hooks/http-redirect";

// A session's registration.
interface Redirect extends Plugin {
  /** Where the last response pointed. */
  location: ne_uri | null;
}

/**
 * From now on a response of class 3 with a Location fails its request (a post_send hook): with
 * `NE_REDIRECT`, or with `NE_ERROR` where the Location cannot be read. Other responses are not
 * affected. Characters that no URI may hold are escaped, as browsers do.
 * @example
 * ```ts
 * ne_redirect_register(sess);
 * if ((await ne_request_dispatch(req)) === NE_REDIRECT) {
 *   const uri = ne_redirect_location(sess);
 *   if (uri !== null) console.log("moved to %s", ne_uri_unparse(uri));
 * }
 * ```
 */
export function ne_redirect_register(sess: ne_session): void {
  needHandle(sess, "ne_session", "ne_redirect_register");
  const redirect = newRedirect();
  ne_hook_create_request(sess, forget, redirect);
  ne_hook_post_send(sess, notice, redirect);
  ne_set_session_private(sess, PRIVATE_ID, redirect);
}

/**
 * The resolved Location of the last redirect.
 * @returns the URI, borrowed until the next request is created or answered; `null` if the last
 *   response was no readable redirect, a request was created since, or `ne_redirect_register` was
 *   not called.
 */
export function ne_redirect_location(sess: ne_session): Readonly<ne_uri> | null {
  needHandle(sess, "ne_session", "ne_redirect_location");
  return ne_get_session_private<Redirect>(sess, PRIVATE_ID)?.location ?? null;
}

function newRedirect(): Redirect {
  return { location: null, forStrangers: true, [cloneForSession]: newRedirect };
}

function forget(_req: ne_request, redirect: Redirect): void {
  redirect.location = null;
}

function notice(req: ne_request, redirect: Redirect, status: Readonly<ne_status>): number {
  redirect.location = null;
  if (status.klass !== 3 || ne_get_response_header(req, "Location") === null) return NE_OK;
  redirect.location = ne_get_response_location(req, null);
  // the session's error says why it cannot be read
  return redirect.location === null ? NE_ERROR : NE_REDIRECT;
}
