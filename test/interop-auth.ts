// Authentication and proxies against programs that were not written for us: Apache httpd (also as a
// forward proxy), squid, tinyproxy, Dante. One that is not installed is skipped, and says so.
import { existsSync } from "node:fs";
import t from "tap";
import {
  NE_AUTH_BASIC,
  NE_AUTH_DIGEST,
  ne_add_auth,
  ne_add_server_auth,
  ne_set_server_auth,
  type ne_auth_creds,
} from "../lib/ne_auth.js";
import { NE_AUTH, NE_OK, NE_PROXYAUTH } from "../lib/ne_request.js";
import {
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_ssl_trust_cert,
  type ne_session,
} from "../lib/ne_session.js";
import { ne_ssl_cert_free, ne_ssl_cert_read } from "../lib/ne_ssl.js";
import { nx_session_proxy, type nx_proxy } from "../lib/nx_proxy.js";
import { send } from "./fixtures/auth.js";
import { REALM, startApache } from "./fixtures/real/apache.js";
import { PASSWORD, USER, type RealServer } from "./fixtures/real/launch.js";
import {
  TINYPROXY_PASSWORD,
  startDante,
  startSquid,
  startTinyproxy,
} from "./fixtures/real/proxies.js";
import type { TestScope } from "./fixtures/server.js";
import { certPath } from "./fixtures/tls.js";

const FILES = { "basic/a.txt": "basic", "digest/a.txt": "digest", "open.txt": "open" };
const TLS = { cert: certPath("good.pem"), key: certPath("server.key") };

function session(t: TestScope, scheme: string, port: number): ne_session {
  const sess = ne_session_create(scheme, "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  if (scheme !== "https") return sess;
  const ca = ne_ssl_cert_read(certPath("ca.pem"));
  if (ca === null) throw new Error("ca.pem cannot be read");
  ne_ssl_trust_cert(sess, ca);
  ne_ssl_cert_free(ca);
  return sess;
}

/** Gives the right password at the second attempt. */
function forgetful(log: string[]): ne_auth_creds {
  return (_, realm, attempt, username, password) => {
    log.push(`${realm} ${attempt}`);
    username.value = USER;
    password.value = attempt === 0 ? "wrong" : PASSWORD;
    return attempt > 1 ? 1 : 0;
  };
}

t.test("Apache httpd", async (t) => {
  const apache = await startApache(t, { files: FILES });
  if (apache === null) return void t.pass("", { skip: "Apache httpd is not installed" });

  for (const [folder, protocol] of [
    ["basic", NE_AUTH_BASIC],
    ["digest", NE_AUTH_DIGEST],
  ] as const) {
    t.test(`${folder}: login, wrong password first, then many requests`, async (t) => {
      const sess = session(t, "http", apache.port);
      const log: string[] = [];
      ne_add_server_auth(sess, protocol, forgetful(log));
      for (let i = 0; i < 20; i++) {
        t.strictSame(await send(sess, `/${folder}/a.txt?${i}`), {
          code: NE_OK,
          status: 200,
          error: "200 OK",
        });
      }
      t.equal((await send(sess, `/${folder}/new-${folder}.txt`, "PUT", "body")).status, 201);
      t.equal((await send(sess, `/${folder}/new-${folder}.txt`, "DELETE")).status, 204);
      t.equal((await send(sess, "/open.txt")).status, 200);
      t.strictSame(log, [`${REALM} 0`, `${REALM} 1`], "asked twice in all");
    });

    t.test(`${folder}: a wrong password is refused`, async (t) => {
      const sess = session(t, "http", apache.port);
      ne_set_server_auth(sess, (_, _realm, attempt, username) => {
        username.value = USER;
        return attempt;
      });
      const scheme = folder === "basic" ? "Basic" : "Digest";
      t.strictSame(await send(sess, `/${folder}/a.txt`), {
        code: NE_AUTH,
        status: 401,
        error: `Could not authenticate to server: rejected ${scheme} challenge`,
      });
    });
  }
});

interface ProxyKind {
  readonly name: string;
  readonly start: (t: TestScope) => Promise<RealServer | null>;
  readonly proxy: Partial<nx_proxy>;
  readonly password: string | null;
  /** Speaks TLS on its second port. */
  readonly tls?: true;
  /** Answers a wrong password with 401. */
  readonly wrong401?: true;
}

const MODULES = "/usr/lib/apache2/modules";

/** Apache as a forward proxy, with a login by one scheme. */
async function startApacheProxy(
  t: TestScope,
  type: "Basic" | "Digest",
): Promise<RealServer | null> {
  if (!existsSync(`${MODULES}/mod_proxy_connect.so`)) return null;
  return await startApache(t, {
    config: `
LoadModule proxy_connect_module ${MODULES}/mod_proxy_connect.so
ProxyRequests On
ProxyVia Off
AllowCONNECT 1-65535
<Proxy "*">
  AuthType ${type}
  AuthName "${REALM}"
  AuthUserFile "\${users}"
  Require valid-user
</Proxy>
`.replace("${users}", `${type.toLowerCase()}.users`),
  });
}

const KINDS: readonly ProxyKind[] = [
  {
    name: "Apache httpd with Basic",
    start: (t) => startApacheProxy(t, "Basic"),
    proxy: {},
    password: PASSWORD,
  },
  {
    name: "Apache httpd with Digest",
    start: (t) => startApacheProxy(t, "Digest"),
    proxy: {},
    password: PASSWORD,
  },
  { name: "squid", start: (t) => startSquid(t), proxy: {}, password: null },
  {
    name: "squid with Basic",
    start: (t) => startSquid(t, { auth: "basic" }),
    proxy: {},
    password: PASSWORD,
  },
  {
    name: "squid with Digest",
    start: (t) => startSquid(t, { auth: "digest" }),
    proxy: {},
    password: PASSWORD,
  },
  {
    name: "squid over TLS",
    start: (t) => startSquid(t, { tls: TLS, auth: "both" }),
    proxy: { scheme: "https" },
    password: PASSWORD,
    tls: true,
  },
  { name: "tinyproxy", start: (t) => startTinyproxy(t), proxy: {}, password: null },
  {
    name: "tinyproxy with Basic",
    start: (t) => startTinyproxy(t, { auth: true }),
    proxy: {},
    password: TINYPROXY_PASSWORD,
    wrong401: true,
  },
  {
    name: "Dante, SOCKS 5",
    start: (t) => startDante(t),
    proxy: { scheme: "socks5" },
    password: null,
  },
  {
    name: "Dante, SOCKS 4",
    start: (t) => startDante(t),
    proxy: { scheme: "socks4", username: "nobody" },
    password: null,
  },
];

for (const { name, start, proxy, password, tls, wrong401 } of KINDS) {
  t.test(name, async (t) => {
    const origin = await startApache(t, { files: FILES, tls: TLS });
    const server = await start(t);
    if (origin === null) return void t.pass(name, { skip: "Apache httpd is not installed" });
    if (server === null) return void t.pass(name, { skip: "the proxy is not installed" });
    const port = tls === undefined ? server.port : server.tlsPort;
    const ca = ne_ssl_cert_read(certPath("ca.pem"));
    if (ca === null) throw new Error("ca.pem cannot be read");
    t.teardown(() => ne_ssl_cert_free(ca));
    const through = (scheme: string, more: Partial<nx_proxy>): ne_session => {
      const sess = session(t, scheme, scheme === "https" ? origin.tlsPort : origin.port);
      const login = password === null ? {} : { username: USER, password };
      const setting = { scheme: "http", host: "127.0.0.1", port, trust: [ca], ...login };
      nx_session_proxy(sess, { ...setting, ...proxy, ...more } as nx_proxy);
      return sess;
    };
    for (const [scheme, tunnel] of [
      ["http", false],
      ["http", true],
      ["https", false],
    ] as const) {
      const sess = through(scheme, { tunnel });
      ne_add_auth(sess, NE_AUTH_DIGEST, (_, attempt, _protocol, _realm, username, secret) => {
        username.value = USER;
        secret.value = PASSWORD;
        return attempt > 1 ? 1 : 0;
      });
      const path = `${scheme}${tunnel ? " in a tunnel" : ""}`;
      for (let i = 0; i < 3; i++) {
        const { code, status, error } = await send(sess, "/digest/a.txt");
        t.strictSame({ code, status }, { code: NE_OK, status: 200 }, `${path}: ${error}`);
      }
    }
    if (password === null) return;
    for (const scheme of ["http", "https"]) {
      const sess = through(scheme, { password: "wrong" });
      const { code, error } = await send(sess, "/open.txt");
      if (wrong401 === true && scheme === "http") {
        t.equal(error, "401 Unauthorized", "which is no challenge of a proxy");
        continue;
      }
      t.equal(code, NE_PROXYAUTH, `${scheme}: ${error}`);
      t.match(error, /Could not authenticate to proxy server: rejected (Basic|Digest) challenge/);
    }
    const without = session(t, "https", origin.tlsPort);
    if (proxy.scheme === undefined) {
      ne_session_proxy(without, "127.0.0.1", port);
      t.match((await send(without, "/")).error, /^Could not create SSL connection .*: 407 /);
    }
  });
}
