// Errors of TLS in neon's words: one printable line, and a refusal for want of a certificate.
import t from "tap";
import {
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RESET,
} from "../../../lib/internal/base/constants.js";
import { tlsErrorOf, wordForGood, wordTlsError } from "../../../lib/internal/wire/tls_errors.js";
import { systemError } from "../../fixtures/stream.js";

const reason = (text: string): Error =>
  Object.assign(new Error("long text"), { code: "ERR_SSL_X", reason: text });

const PLAIN = { presented: false, greeted: true };
const REJECTED = "Handshake rejected - client certificate was requested";

t.test("errors of the system and of Node", async (t) => {
  const rows: [error: Error, code: number, text: string][] = [
    [systemError("ECONNRESET"), NE_SOCK_RESET, "Connection reset by peer"],
    [systemError("EPIPE"), NE_SOCK_CLOSED, "Broken pipe"],
    [systemError("ETIMEDOUT"), NE_SOCK_ERROR, "Connection timed out"],
    [Object.assign(new Error("bad\r\n\x1b[31mthing\x85"), { code: "ERR_TLS_X" }), NE_SOCK_ERROR,
      "SSL error: bad [31mthing"],
    [reason("wrong version number"), NE_SOCK_ERROR, "SSL error: wrong version number"],
    [reason("two\nlines"), NE_SOCK_ERROR, "SSL error: two lines"],
  ];
  for (const [error, code, text] of rows) t.same(wordTlsError(error, PLAIN), { code, text }, text);
});

t.test("alerts", async (t) => {
  const failure = "sslv3 alert handshake failure";
  const rows: [alert: string, presented: boolean, greeted: boolean, text: string][] = [
    ["tlsv13 alert certificate required", false, true, REJECTED],
    ["tlsv13 alert certificate required", true, false, REJECTED],
    [failure, false, true, REJECTED],
    [failure, true, true, "Handshake failed"],
    [failure, false, false, "Handshake failed"],
    ["sslv3 alert bad certificate", false, true, REJECTED],
    ["sslv3 alert bad certificate", true, true, "SSL error: sslv3 alert bad certificate"],
    ["sslv3 alert certificate unknown", false, true, REJECTED],
    ["tlsv1 alert access denied", false, true, REJECTED],
    ["tlsv1 alert protocol version", false, true, "SSL error: tlsv1 alert protocol version"],
  ];
  for (const [alert, presented, greeted, text] of rows) {
    t.equal(wordTlsError(reason(alert), { presented, greeted }).text, text, alert);
  }
});

t.test("words are kept for the error that they were found for", async (t) => {
  const error = reason("sslv3 alert handshake failure");
  t.equal(tlsErrorOf(error).text, REJECTED);
  wordForGood(error, { presented: true, greeted: true });
  t.equal(tlsErrorOf(error).text, "Handshake failed");
  t.equal(tlsErrorOf(reason("sslv3 alert handshake failure")).text, REJECTED, "another error");
});
