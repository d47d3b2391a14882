// The tour's third part: https, with a certificate that nobody trusts until it is told to.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_getmodtime } from "libneon/ne_basic";
import { NE_ERROR } from "libneon/ne_request";
import { ne_session_destroy, ne_ssl_set_verify, ne_ssl_trust_cert } from "libneon/ne_session";
import {
  NE_SSL_IDMISMATCH,
  NE_SSL_UNTRUSTED,
  ne_ssl_cert_free,
  ne_ssl_cert_read,
} from "libneon/ne_ssl";
import { describeCertificate } from "./certificate.js";
import type { DavServer } from "./server/server.js";
import type { Tour } from "./tour.js";

/** @param pem the server's certificate, issued for localhost alone. */
export async function tourTls(tour: Tour, server: DavServer, pem: string): Promise<void> {
  tour.say(`\nHTTPS, to ${server.url}`);
  const modtime = { value: 0 };
  const text = 'ne_getmodtime(sess, "/", modtime)';

  const wary = tour.session("https", "127.0.0.1", server.port);
  let bits = 0;
  ne_ssl_set_verify(wary, (_, failures, cert) => {
    bits = failures;
    tour.say("    ? the verify callback is asked:");
    for (const line of describeCertificate(cert, failures)) tour.say(`    | ${line}`);
    return -1; // no
  });
  await tour.call(wary, text, () => ne_getmodtime(wary, "/", modtime), {
    code: NE_ERROR,
    error: /verification failed.*issuer is not trusted/,
  });
  const both = NE_SSL_IDMISMATCH | NE_SSL_UNTRUSTED;
  tour.check("refused: another host's name, an issuer not trusted", bits === both);
  ne_session_destroy(wary);

  const file = join(tour.folder, "server.pem");
  await writeFile(file, pem);
  const cert = ne_ssl_cert_read(file);
  tour.check("ne_ssl_cert_read() reads the server's certificate", cert !== null);
  if (cert === null) return;
  const sess = tour.session("https", "localhost", server.port);
  tour.say("  ne_ssl_trust_cert(sess, cert)");
  ne_ssl_trust_cert(sess, cert);
  await tour.call(sess, text, () => ne_getmodtime(sess, "/", modtime), { error: "200 OK" });
  ne_session_destroy(sess);
  ne_ssl_cert_free(cert);
}
