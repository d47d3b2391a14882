// TLS to a proxy itself: whose certificate it is, and who has a say in it.
import t from "tap";
import {
  NE_ERROR,
  NE_OK,
  ne_get_error,
  ne_ssl_cert_free,
  ne_ssl_cert_read,
  ne_ssl_set_verify,
  nx_session_proxy,
  type ne_ssl_certificate,
} from "../lib/index.js";
import { openSession, send } from "./fixtures/conversation.js";
import { relay } from "./fixtures/proxy.js";
import { certFile, certPath } from "./fixtures/tls.js";

t.test("the server's verify callback has no say about the proxy", async (t) => {
  const tls = { key: certFile("server.key"), cert: certFile("selfsigned.pem") };
  const proxy = await relay(t, { tls });
  const sess = openSession(t, 80, "origin.example");
  nx_session_proxy(sess, { scheme: "https", host: "localhost", port: proxy.port });
  let asked = 0;
  ne_ssl_set_verify(sess, () => {
    asked += 1;
    return 0;
  });
  t.equal((await send(sess)).code, NE_ERROR);
  t.match(ne_get_error(sess), /Server certificate verification failed: issuer is not trusted/);
  t.equal(asked, 0);
  t.equal(proxy.requests.length, 0, "nothing was sent to it");
});

t.test("a proxy that is trusted by its own list", async (t) => {
  const proxy = await relay(t, { tls: { key: certFile("server.key"), cert: certFile("good.pem") } });
  const sess = openSession(t, 80, "origin.example");
  const ca = ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate;
  t.teardown(() => ne_ssl_cert_free(ca));
  nx_session_proxy(sess, { scheme: "https", host: "localhost", port: proxy.port, trust: [ca] });
  t.equal((await send(sess)).code, NE_OK, ne_get_error(sess));
  t.equal(proxy.requests.length, 1);
});
