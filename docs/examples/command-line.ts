// What the commands of the examples have in common: a session for the URL of an account, a login
// from `--user`, and an end that says what went wrong.
import { NE_AUTH_DEFAULT } from "libneon/ne_auth";
import {
  ne_session_system_proxy,
  ne_set_connect_timeout,
  ne_set_read_timeout,
  ne_set_useragent,
  type ne_session,
} from "libneon/ne_session";
import { nx_set_credentials } from "libneon/nx_auth";
import { nx_session_for } from "libneon/nx_script";
import { askSecret, printable } from "./terminal.js";

const CONNECT_TIMEOUT = 30; // seconds
const READ_TIMEOUT = 60; // seconds

/** A mistake in the arguments. */
export class BadArgument extends Error {}

/** A session for a URL, which calls itself `agent`. */
export function openSession(url: string, agent: string): ne_session {
  const isWeb = /^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(url);
  const sess = isWeb ? nx_session_for(url) : null;
  if (sess === null) throw new BadArgument("an http: or https: URL without a login, please");
  ne_set_useragent(sess, agent);
  ne_set_connect_timeout(sess, CONNECT_TIMEOUT);
  ne_set_read_timeout(sess, READ_TIMEOUT);
  ne_session_system_proxy(sess, 0);
  return sess;
}

/** Logs in as `NAME` or `NAME:PASSWORD`; a password left out is asked for. */
export async function logIn(sess: ne_session, user: string): Promise<void> {
  const colon = user.indexOf(":");
  const name = colon < 0 ? user : user.slice(0, colon);
  const password = colon < 0 ? await askSecret(`Password of ${name}: `) : user.slice(colon + 1);
  if (password === null) throw new BadArgument("nobody can be asked for the password");
  nx_set_credentials(sess, NE_AUTH_DEFAULT, name, password);
}

/**
 * Runs a command.
 * @param command does it all and gives the exit code
 * @returns the exit code: 1 if it failed, 2 after a mistake in the arguments
 */
export async function runCommand(
  name: string,
  usage: string,
  command: (args: string[]) => Promise<number>,
): Promise<number> {
  try {
    return await command(process.argv.slice(2));
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    process.stderr.write(`${name}: ${printable(message)}\n`);
    const isMistake = error instanceof BadArgument || `${code}`.startsWith("ERR_PARSE_ARGS");
    if (isMistake) process.stderr.write(usage);
    return isMistake ? 2 : 1;
  }
}
