// Negotiate with real tickets: a KDC, Apache's mod_auth_gssapi, and tokens by GSSAPI.
import { spawnSync } from "node:child_process";
import t, { type Test } from "tap";
import { NE_AUTH_NEGOTIATE } from "../lib/ne_auth.js";
import { NE_AUTH, NE_ERROR, NE_OK } from "../lib/ne_request.js";
import { ne_get_error, ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import type { ne_session } from "../lib/ne_session.js";
import { nx_add_negotiate } from "../lib/nx_auth.js";
import { nx_send } from "../lib/nx_script.js";
import { nx_set_max_connections } from "../lib/nx_session.js";
import { send } from "./fixtures/auth.js";
import {
  PRINCIPAL,
  SECRET,
  startKerberos,
  whyNoKerberos,
  type GssClient,
  type Kerberos,
} from "./fixtures/real/kerberos.js";
import { findProgram } from "./fixtures/real/launch.js";
import { scripted } from "./fixtures/server.js";

interface Asked {
  readonly service: string;
  readonly client: GssClient;
}

/** A session whose tokens are real, and what was asked for them. */
function negotiating(
  t: Test,
  kerberos: Kerberos,
  port = kerberos.apache.port,
  ahead = 0,
): { sess: ne_session; exchanges: Asked[] } {
  const sess = ne_session_create("http", "localhost", port);
  const exchanges: Asked[] = [];
  const clients = new WeakMap<object, GssClient>();
  nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, (_, service, challenge, exchange) => {
    let client = clients.get(exchange);
    if (client === undefined) {
      client = kerberos.client(service, ahead);
      clients.set(exchange, client);
      exchanges.push({ service, client });
    }
    return client.step(challenge);
  });
  t.teardown(() => {
    ne_session_destroy(sess);
    for (const { client } of exchanges) client.close();
  });
  return { sess, exchanges };
}

function kinds(exchanges: readonly Asked[]): string[] {
  return exchanges.map(({ client }) => client.steps.map(({ kind }) => kind).join(" "));
}

const reason = whyNoKerberos();

t.test("Apache with mod_auth_gssapi", { skip: reason ?? false }, async (t) => {
  const away = await scripted(t, async (peer) => {
    await peer.readRequest();
    await peer.write(
      "HTTP/1.1 401 Who\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
    );
  });
  const kerberos = await startKerberos(t, `${away.origin}/x`);

  await t.test("without a ticket, and with a wrong password", async (t) => {
    t.match(kerberos.login("wrong"), /Password incorrect|Preauthentication failed/);
    const { sess, exchanges } = negotiating(t, kerberos);
    t.equal((await send(sess, "/kerberos/a.txt")).code, NE_AUTH);
    t.match(ne_get_error(sess), /Could not authenticate to server/);
    t.strictSame(kinds(exchanges), ["failed"]);
  });

  t.equal(kerberos.login(SECRET), null);

  await t.test("a token for every request, the server's proof verified each time", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    for (let i = 0; i < 3; i++) {
      const { status, body } = await nx_send(sess, "GET", "/kerberos/a.txt");
      t.equal(status?.code, 200);
      t.equal(String(body), "for aladdin");
    }
    t.ok(exchanges.every(({ service }) => service === "HTTP@localhost"));
    t.strictSame(kinds(exchanges), ["next done", "next done", "next done"]);
  });

  await t.test("a connection that has authenticated needs no second token", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    for (let i = 0; i < 3; i++) t.equal((await send(sess, "/bound/a.txt")).code, NE_OK);
    t.strictSame(kinds(exchanges), ["next done"]);
  });

  await t.test("several connections at once, each with an exchange of its own", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    nx_set_max_connections(sess, 4);
    const sent = Array.from({ length: 4 }, () => nx_send(sess, "GET", "/bound/a.txt"));
    for (const { status } of await Promise.all(sent)) t.equal(status?.code, 200);
    t.ok(kinds(exchanges).every((steps) => steps === "next done"));
  });

  const noCurl = findProgram("curl") === null && "curl is not installed";
  await t.test("curl finds the same", { skip: noCurl }, async (t) => {
    const url = `http://localhost:${kerberos.apache.port}/kerberos/a.txt`;
    const args = ["-s", "--negotiate", "-u", ":", "--noproxy", "*", url];
    const { stdout } = spawnSync("curl", args, {
      env: { ...process.env, ...kerberos.env },
      encoding: "utf8",
    });
    t.equal(stdout, "for aladdin");
  });

  await t.test("a ticket that has expired", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos, undefined, 86_400);
    t.equal((await send(sess, "/kerberos/a.txt")).code, NE_AUTH);
    t.match(exchanges[0]?.client.steps[0]?.text, /expired/i);
  });

  await t.test("a server that nobody knows by this name gets no token", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    const other = ne_session_create("http", "127.0.0.1", kerberos.apache.port);
    t.teardown(() => ne_session_destroy(other));
    nx_add_negotiate(other, NE_AUTH_NEGOTIATE, (_, service, challenge) => {
      const client = kerberos.client(service);
      exchanges.push({ service, client });
      return client.step(challenge);
    });
    t.equal((await send(other, "/kerberos/a.txt")).code, NE_AUTH);
    t.equal(exchanges[0]?.service, "HTTP@127.0.0.1");
    t.strictSame(kinds(exchanges), ["failed"]);
    t.equal((await send(sess, "/kerberos/a.txt")).code, NE_OK);
  });

  await t.test("a server that cannot prove who it is", async (t) => {
    // one that takes the token, and answers with another, or with its own of before
    for (const proof of ["AAAA", "oRQwEqADCgEAoQsGCSqGSIb3EgECAg=="]) {
      const liar = await scripted(t, async (peer) => {
        await peer.readRequest();
        await peer.write(
          "HTTP/1.1 401 Who\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
        );
        const { head } = await peer.readRequest();
        t.match(head, /^Authorization: Negotiate YII/im);
        await peer.write(
          `HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate ${proof}\r\nContent-Length: 0\r\n\r\n`,
        );
      });
      const { sess, exchanges } = negotiating(t, kerberos, liar.port);
      t.equal((await send(sess, "/kerberos/a.txt")).code, NE_ERROR);
      t.match(ne_get_error(sess), "Negotiate response verification failure");
      t.strictSame(kinds(exchanges), ["next failed"]);
    }
  });

  await t.test("another origin gets no token", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    t.equal((await send(sess, "/kerberos/a.txt")).code, NE_OK);
    const { status } = await nx_send(sess, "GET", "/away", { redirects: 3 });
    t.equal(status?.code, 401);
    t.equal(away.requests[0]?.field("authorization"), null);
    t.equal(exchanges.length, 1);
  });

  await t.test("nothing that is written down has a token or the user's name in it", async (t) => {
    const { sess, exchanges } = negotiating(t, kerberos);
    kerberos.logout();
    t.equal((await send(sess, "/kerberos/a.txt")).code, NE_AUTH);
    t.notMatch(ne_get_error(sess), PRINCIPAL);
    t.strictSame(kinds(exchanges), ["failed"]);
  });
});
