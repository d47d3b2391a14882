// What to try when a visit has failed, by its code and error line.
import {
  NE_AUTH,
  NE_CONNECT,
  NE_LOOKUP,
  NE_OK,
  NE_PROXYAUTH,
  NE_TIMEOUT,
} from "libneon/ne_request";

/** What an error line holds, and what to do about it. */
const BY_TEXT: readonly (readonly [text: RegExp, hint: string])[] = [
  [
    /issuer is not trusted|self.signed|not trusted/i,
    "if you know the server, save its certificate or its CA's and give it with --ca FILE.pem",
  ],
  [
    /different hostname|mismatch/i,
    "the certificate is for another name; check the host in the URL",
  ],
  [/expired|not yet valid/i, "check the clock of this machine; else the server needs a new one"],
  [/client certificate|certificate required/i,
    "the server wants a certificate of yours: --cert FILE"],
  [/wrong version number|packet length|no TLS/i, "does the server speak TLS there? Try http://"],
  [/^401 /, "log in with --user NAME"],
  [/^403 /, "the server knows what you want and refuses; another --user may do"],
  [/^404 /, "nothing is there; check the path, and whether it needs a slash at its end"],
  [/^(405|501) /, "the server does no such thing there; a listing needs WebDAV"],
  [/^407 /, "the proxy wants a login: --proxy http://NAME:PASSWORD@HOST:PORT"],
  [/^(429|503) /, "the server has too much to do; wait a little and try again"],
  [/^5\d\d /, "the fault is the server's, or of one behind it; try again later"],
  [/parse response status line|HTTP version/i, "what answers there is no HTTP; check the port"],
  [/closed by server|reset by peer/i, "try again; and check whether the port speaks http or https"],
];

const BY_CODE = new Map<number, string>([
  [NE_LOOKUP, "check the spelling of the host, the network, and whether a --proxy is needed"],
  [NE_CONNECT, "nothing listens there; check host and port, and whether a firewall is between"],
  [NE_TIMEOUT, "the server does not answer; try again later, or go through a --proxy"],
  [NE_AUTH, "check name and password: --user NAME asks for the password"],
  [NE_PROXYAUTH, "the proxy wants a login: --proxy http://NAME:PASSWORD@HOST:PORT"],
]);

/** A sentence that says what to try, or `null` where there is nothing to say. */
export function hintFor(code: number, error: string): string | null {
  const known = code === NE_OK ? undefined : BY_CODE.get(code);
  if (known !== undefined) return known;
  return BY_TEXT.find(([text]) => text.test(error))?.[1] ?? null;
}
