// What a person is asked on the way to a server: the password of a login, and whether a certificate
// is to be accepted. Callbacks of a session; where nobody can be asked, the answer is no.

import type { ne_out } from "libneon/ne_defs";
import type { ne_ssl_certificate } from "libneon/ne_ssl";
import { describeCertificate } from "./certificate.js";
import { ask, askSecret, printable } from "./terminal.js";

export const PASSWORD_ATTEMPTS = 3;

/** Where questions are put. */
export interface Asking {
  /** Shows a line. */
  say(line: string): void;
  /** Whether nobody is to be asked at the moment. */
  silent?: boolean;
}

/** Who logs in; a password of `null` is asked for. */
export interface Login extends Asking {
  name: string;
  password: string | null;
}

/** A login from `NAME` or `NAME:PASSWORD`. */
export function loginOf(user: string, say: (line: string) => void): Login {
  const colon = user.indexOf(":");
  return colon < 0
    ? { name: user, password: null, say }
    : { name: user.slice(0, colon), password: user.slice(colon + 1), say };
}

/** An `ne_auth_creds`: a password given is tried once; one that is asked for, a few times. */
export async function logIn(
  login: Login,
  realm: string,
  attempt: number,
  username: ne_out<string>,
  password: ne_out<string>,
): Promise<number> {
  const attempts = login.password === null ? PASSWORD_ATTEMPTS : 1;
  if (attempt >= attempts || login.silent === true) return -1;
  const question = `Password of ${login.name} for ${printable(realm)}: `;
  const given = login.password ?? (await askSecret(question));
  if (given === null) {
    login.say("Nobody can be asked here for a password.");
    return -1;
  }
  username.value = login.name;
  password.value = given;
  return 0;
}

/** An `ne_ssl_verify_fn`: shows a certificate that cannot be trusted and asks what to do. */
export async function judge(
  asking: Asking,
  failures: number,
  cert: ne_ssl_certificate,
): Promise<number> {
  if (asking.silent === true) return -1;
  asking.say("The server's certificate cannot be trusted as it is:");
  for (const line of describeCertificate(cert, failures)) asking.say(`  ${line}`);
  const reply = await ask("Accept it for this visit? [y/N] ");
  if (reply === null) asking.say("Nobody can be asked here: not accepted.");
  return /^y(?:es)?$/i.test(reply?.trim() ?? "") ? 0 : -1;
}
