// https against real servers: OpenSSL's s_server, nginx and Apache httpd. A server that is not
// installed is skipped, and says so.
import { createHash, randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import {
  ne_add_response_body_reader,
  ne_accept_2xx,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../lib/ne_request.js";
import {
  ne_close_connection,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_notifier,
  ne_set_read_timeout,
  ne_ssl_provide_clicert,
  ne_ssl_set_clicert,
  ne_ssl_set_protovers,
  ne_ssl_set_verify,
  ne_ssl_trust_cert,
  ne_status_handshake,
  type ne_session,
} from "../lib/ne_session.js";
import {
  NE_SSL_PROTO_TLS_1_2,
  NE_SSL_PROTO_TLS_1_3,
  ne_ssl_cert_read,
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_read,
  ne_ssl_readable_dname,
  type ne_ssl_certificate,
  type ne_ssl_client_cert,
} from "../lib/ne_ssl.js";
import { startApache } from "./fixtures/real/apache.js";
import type { Files, RealServer, TlsFiles } from "./fixtures/real/launch.js";
import { startNginx } from "./fixtures/real/nginx.js";
import { startSServer } from "./fixtures/real/openssl.js";
import { certPath } from "./fixtures/tls.js";

const LARGE = randomBytes(3_000_000);
const SMALL = "hello, world\n";

const FILES: Files = { "small.txt": SMALL, "large.bin": LARGE };
// what s_server sends is the whole answer
const answer = (body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
const ANSWERS: Files = {
  "small.txt": answer(Buffer.from(SMALL)),
  "large.bin": answer(LARGE),
};

type Start = (t: Test, tls: TlsFiles, args?: string[]) => Promise<RealServer | null>;

// the depth is 1 at first, which leaves no room for an intermediate CA
const APACHE = "SSLVerifyDepth 5";
const NGINX = "ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_depth 5;";

const SERVERS: readonly [name: string, start: Start][] = [
  ["s_server", (t, tls, args) => startSServer(t, { ...tls, files: ANSWERS, args: args ?? [] })],
  ["nginx", (t, tls) => startNginx(t, { files: FILES, tls, config: NGINX })],
  ["apache", (t, tls) => startApache(t, { files: FILES, tls, config: APACHE })],
];

const files = (cert: string, more: Partial<TlsFiles> = {}): TlsFiles => ({
  cert: certPath(cert),
  key: certPath("server.key"),
  ...more,
});

function session(t: Test, port: number, host = "localhost"): ne_session {
  const sess = ne_session_create("https", host, port);
  ne_set_read_timeout(sess, 30);
  ne_ssl_trust_cert(sess, ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

async function get(sess: ne_session, path: string): Promise<[code: number, sha: string | string]> {
  const req = ne_request_create(sess, "GET", path);
  const hash = createHash("sha256");
  ne_add_response_body_reader(req, ne_accept_2xx, (_, block) => {
    hash.update(block);
    return 0;
  });
  const ret = await ne_request_dispatch(req);
  const { code } = ne_get_status(req);
  ne_request_destroy(req);
  return [ret === 0 ? code : ret, ret === 0 ? hash.digest("hex") : ne_get_error(sess)];
}

const sha = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

function client(file: string): ne_ssl_client_cert {
  const cert = ne_ssl_clicert_read(certPath(file)) as ne_ssl_client_cert;
  ne_ssl_clicert_decrypt(cert, "secret");
  return cert;
}

for (const [name, start] of SERVERS) {
  t.test(`${name}_transfers`, async (t) => {
    const server = await start(t, files("chain-good.pem"));
    if (server === null) return void t.comment(`${name} is not installed`);
    for (const proto of [NE_SSL_PROTO_TLS_1_2, NE_SSL_PROTO_TLS_1_3] as const) {
      const sess = session(t, server.tlsPort);
      ne_ssl_set_protovers(sess, proto, proto);
      const seen: number[] = [];
      ne_set_notifier(sess, (_, status, info) => {
        if (status === ne_status_handshake) seen.push(info.hs.protocol);
      });
      for (let i = 0; i < 3; i += 1) {
        t.same(await get(sess, "/small.txt"), [200, sha(SMALL)]);
        t.same(await get(sess, "/large.bin"), [200, sha(LARGE)]);
        ne_close_connection(sess);
      }
      t.equal(seen[0], proto);
    }
    const wrong = session(t, server.tlsPort, "127.0.0.1");
    t.same(await get(wrong, "/small.txt"), [200, sha(SMALL)], "by address");
  });

  t.test(`${name}_failures`, async (t) => {
    const server = await start(t, files("selfsigned-expired.pem"));
    if (server === null) return void t.comment(`${name} is not installed`);
    const sess = session(t, server.tlsPort);
    const text = "certificate has expired, issuer is not trusted";
    t.same(await get(sess, "/small.txt"), [
      1,
      `SSL error: Server certificate verification failed: ${text}`,
    ]);
    ne_ssl_set_verify(sess, (_, failures) => (failures === 10 ? 0 : 1));
    t.same(await get(sess, "/small.txt"), [200, sha(SMALL)]);
  });

  t.test(`${name}_client_certificates`, async (t) => {
    for (const clientOptional of [false, true]) {
      const server = await start(
        t,
        files("good.pem", { clientCa: certPath("ca.pem"), clientOptional }),
      );
      if (server === null) return void t.comment(`${name} is not installed`);
      for (const proto of [NE_SSL_PROTO_TLS_1_2, NE_SSL_PROTO_TLS_1_3] as const) {
        const begin = (): ne_session => {
          const sess = session(t, server.tlsPort);
          ne_ssl_set_protovers(sess, proto, proto);
          return sess;
        };
        for (const file of ["client.p12", "client-ec.p12", "client-chain.p12"]) {
          const set = begin();
          ne_ssl_set_clicert(set, client(file));
          t.same(await get(set, "/small.txt"), [200, sha(SMALL)], `${proto} ${file} set`);
          const provided = begin();
          const asked: string[][] = [];
          ne_ssl_provide_clicert(provided, async (_, sess, names) => {
            asked.push(names.map(ne_ssl_readable_dname));
            await null;
            ne_ssl_set_clicert(sess, client(file));
          });
          for (let i = 0; i < 2; i += 1) {
            t.same(await get(provided, "/large.bin"), [200, sha(LARGE)], `${file} provided`);
            ne_close_connection(provided);
          }
          t.same(asked, [["Root, Widgets Ltd, Testville, Testshire, GB"]]);
        }
        const [code] = await get(begin(), "/small.txt");
        // nginx answers 400 where the others refuse the handshake
        t.equal(code === 200, clientOptional, `${proto} without`);
      }
    }
  });
}

t.test("s_server_suites", async (t) => {
  for (const suite of [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
  ]) {
    const tls = files("good.pem", { clientCa: certPath("ca.pem") });
    const server = await startSServer(t, {
      ...tls,
      files: ANSWERS,
      args: ["-ciphersuites", suite, "-groups", "P-384"], // another hello first
    });
    if (server === null) return void t.comment("openssl is not installed");
    const sess = session(t, server.tlsPort);
    const seen: unknown[] = [];
    ne_set_notifier(sess, (_, status, info) => {
      if (status === ne_status_handshake) seen.push(info.hs.ciphersuite);
    });
    ne_ssl_provide_clicert(sess, (_, s) => ne_ssl_set_clicert(s, client("client.p12")));
    t.same(await get(sess, "/large.bin"), [200, sha(LARGE)], suite);
    t.same(seen, [suite]);
  }
});
