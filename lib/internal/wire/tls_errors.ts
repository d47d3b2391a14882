// Node's and OpenSSL's errors on a TLS connection as socket codes and neon's words.

import { NE_SOCK_CLOSED, NE_SOCK_ERROR, NE_SOCK_RESET, NE_SOCK_TRUNC } from "../base/constants.js";
import { errnoText } from "../base/errno.js";
import { alertName } from "./node_internals.js";
import { codeOf, propertyOf } from "../base/unknown_value.js";

/** A socket code and its text. */
export interface TlsError {
  code: number;
  text: string;
}

/** What the words depend on besides the error. */
export interface TlsState {
  /** A client certificate was sent. */
  presented: boolean;
  /** The server had shown its certificate before the error: the hello was not the trouble. */
  greeted: boolean;
}

const REJECTED = "Handshake rejected - client certificate was requested";

// Alerts of a server that wanted a certificate and got none. TLS 1.3 has one of its own,
// "certificate required"; older servers use whatever comes near.
const REFUSALS = ["handshake failure", "bad certificate", "certificate unknown", "access denied"];

/** The ends of a TLS stream without an error. */
export const ENDED = { code: NE_SOCK_CLOSED, text: "Connection closed" };
export const TRUNCATED = { code: NE_SOCK_TRUNC, text: "Secure connection truncated" };

const worded = new WeakMap<Error, TlsError>();

/** Words an error of a handshake, and remembers them for `tlsErrorOf`. */
export function wordForGood(error: Error, state: TlsState): TlsError {
  const words = wordTlsError(error, state);
  worded.set(error, words);
  return words;
}

/** The code and neon's text for an error on an established TLS connection. */
export function tlsErrorOf(error: Error): TlsError {
  return worded.get(error) ?? wordTlsError(error, { presented: false, greeted: true });
}

export function wordTlsError(error: Error, state: TlsState): TlsError {
  const code = codeOf(error);
  const reason = propertyOf(error, "reason");
  if (code === "ECONNRESET") return { code: NE_SOCK_RESET, text: "Connection reset by peer" };
  if (code === "EPIPE") return { code: NE_SOCK_CLOSED, text: "Broken pipe" };
  if (typeof reason === "string" && reason !== "") {
    return { code: NE_SOCK_ERROR, text: wordReason(reason, state) };
  }
  if (code?.startsWith("ERR_") === true) {
    return { code: NE_SOCK_ERROR, text: `SSL error: ${oneLine(error.message)}` };
  }
  return { code: NE_SOCK_ERROR, text: errnoText(error) };
}

function wordReason(reason: string, { presented, greeted }: TlsState): string {
  const alert = alertName(reason);
  if (alert === "certificate required") return REJECTED;
  if (alert !== null && greeted && !presented && REFUSALS.includes(alert)) return REJECTED;
  if (alert === "handshake failure") return "Handshake failed";
  return `SSL error: ${oneLine(reason)}`;
}

function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
}
