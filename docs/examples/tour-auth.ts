// The tour's part on credentials: a server that asks for them, with Digest.

import { ne_set_server_auth } from "libneon/ne_auth";
import { ne_getmodtime } from "libneon/ne_basic";
import { NE_ERROR } from "libneon/ne_request";
import { ne_session_destroy } from "libneon/ne_session";
import type { DavServer } from "./server/server.js";
import type { Tour } from "./tour.js";

/** Whom the tour's server lets in. */
export const VISITOR = { scheme: "digest" as const, username: "visitor", password: "sesame" };

export async function tourAuth(tour: Tour, server: DavServer): Promise<void> {
  tour.say(`\nCredentials, to ${server.url}`);
  const sess = tour.session("http", "localhost", server.port);
  const modtime = { value: 0 };
  const text = 'ne_getmodtime(sess, "/", modtime)';
  const run = (): Promise<number> => ne_getmodtime(sess, "/", modtime);
  await tour.call(sess, text, run, { code: NE_ERROR, error: "401" });

  let asked = 0;
  ne_set_server_auth(sess, (_, realm, attempt, username, password) => {
    asked++;
    tour.say(`    ? asked for a name and password for "${realm}"`);
    username.value = VISITOR.username;
    password.value = VISITOR.password;
    return attempt; // once is enough
  });
  await tour.call(sess, text, run, { error: "200 OK" });
  await tour.call(sess, text, run, { error: "200 OK" });
  tour.check("asked once, and remembered", asked === 1);
  ne_session_destroy(sess);
}
