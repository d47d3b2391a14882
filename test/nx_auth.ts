// Negotiate, Bearer, credentials as values: what is asked, and what is sent for it.
import t from "tap";
import {
  NE_AUTH_BASIC,
  NE_AUTH_DEFAULT,
  NE_AUTH_DIGEST,
  NE_AUTH_GSSAPI,
  NE_AUTH_NEGOTIATE,
  NE_AUTH_PROXY,
  ne_add_server_auth,
} from "../lib/ne_auth.js";
import { NE_AUTH, NE_ERROR, NE_OK } from "../lib/ne_request.js";
import {
  NE_SESSFLAG_CONNAUTH,
  ne_get_session_flag,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  type ne_session,
} from "../lib/ne_session.js";
import {
  nx_add_bearer,
  nx_add_negotiate,
  nx_set_credentials,
  type nx_negotiate_fn,
} from "../lib/nx_auth.js";
import { nx_set_max_connections } from "../lib/nx_session.js";
import { answer, send, sessionTo } from "./fixtures/auth.js";
import { settled } from "./fixtures/conversation.js";
import {
  END,
  gate,
  scripted,
  type Answer,
  type Peer,
  type PeerRequest,
  type Script,
  type TestScope,
} from "./fixtures/server.js";

const OK = answer(200);
const NEGOTIATE = "WWW-Authenticate: Negotiate";
const b64 = (text: string): string => Buffer.from(text).toString("base64");
const shown = (requests: readonly PeerRequest[], field = "authorization"): (string | null)[] =>
  requests.map((request) => {
    const [name, token] = (request.field(field) ?? "").split(" ");
    if (name === "") return null;
    return name === "Negotiate"
      ? Buffer.from(token ?? "", "base64").toString()
      : `${name} ${token}`;
  });

/** The text of a Negotiate field's token. */
const token = (field: string | null): string =>
  Buffer.from(field?.split(" ")[1] ?? "", "base64").toString();

async function against(
  t: TestScope,
  ...scripts: Script[]
): Promise<{ sess: ne_session; requests: readonly PeerRequest[] }> {
  const srv = await scripted(t, scripts);
  const sess = sessionTo(srv.port);
  t.teardown(() => ne_session_destroy(sess));
  return { sess, requests: srv.requests };
}

/** Says what it was asked, numbered: "first", "after c1", … */
function tokens(): { log: [string, string][]; fn: nx_negotiate_fn } {
  const log: [string, string][] = [];
  const fn: nx_negotiate_fn = (_, service, challenge) => {
    log.push([service, challenge.toString()]);
    return Buffer.from(challenge.length === 0 ? "first" : `after ${challenge.toString()}`);
  };
  return { log, fn };
}

t.test("Negotiate", async (t) => {
  t.test("goes on until the server accepts, and hands over its proof", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, NEGOTIATE),
      answer(401, `${NEGOTIATE} ${b64("c1")}`),
      answer(200, `${NEGOTIATE} ${b64("proof")}`),
      OK,
    ]);
    const { log, fn } = tokens();
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, fn);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal(ne_get_session_flag(sess, NE_SESSFLAG_CONNAUTH), 1);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, "first", "after c1", null]);
    t.strictSame(log, [
      ["HTTP@127.0.0.1", ""],
      ["HTTP@127.0.0.1", "c1"],
      ["HTTP@127.0.0.1", "proof"],
    ]);
  });

  t.test("begins again on a new connection", async (t) => {
    const { sess, requests } = await against(
      t,
      [answer(401, NEGOTIATE), OK, answer(200, "Connection: close"), END],
      [OK, OK],
    );
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, async (userdata, service, challenge, exchange) =>
      tokens().fn(userdata, service, challenge, exchange),
    );
    for (let i = 0; i < 4; i++) t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, "first", null, "first", null]);
  });

  t.test("tells exchanges apart", async (t) => {
    // each connection asks twice and sends a proof; the tokens name the exchange they belong to
    const server = await scripted(t, async (peer) => {
      await peer.readRequest();
      await peer.write(answer(401, NEGOTIATE));
      const first = await peer.readRequest();
      const id = token(first.field("authorization"));
      await peer.write(answer(401, `${NEGOTIATE} ${b64(`c ${id}`)}`));
      const second = await peer.readRequest();
      const same = token(second.field("authorization"));
      await peer.write(answer(same === id ? 200 : 403, `${NEGOTIATE} ${b64(`proof ${id}`)}`));
    });
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    t.teardown(() => ne_session_destroy(sess));
    nx_set_max_connections(sess, 4);
    const ids = new WeakMap<object, string>();
    const legs: string[] = [];
    let made = 0;
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, async (_, _service, challenge, exchange) => {
      await new Promise((resolve) => setImmediate(resolve));
      const id = ids.get(exchange) ?? `x${++made}`;
      ids.set(exchange, id);
      const theirs = challenge.toString();
      legs.push(`${id} ${theirs}`);
      if (theirs.startsWith("proof")) return theirs === `proof ${id}` ? Buffer.alloc(0) : null;
      return Buffer.from(id);
    });
    const results = await Promise.all(Array.from({ length: 4 }, () => send(sess, "/")));
    for (const result of results) t.strictSame(result, { code: NE_OK, status: 200, error: "200 X" });
    for (const id of legs.filter((leg) => leg.includes("proof")).map((leg) => leg.split(" ")[0])) {
      t.ok(legs.includes(`${id} c ${id}`), `${id}: its own challenge`);
      t.ok(legs.includes(`${id} proof ${id}`), `${id}: its own proof`);
    }
    t.equal(legs.filter((leg) => leg.includes("proof")).length, 4);
  });

  t.test("goes on with one exchange while the token of another is made", async (t) => {
    const challenged: Peer[] = [];
    const both = gate();
    const server = await scripted(t, async (peer) => {
      await peer.readRequest();
      await peer.write(answer(401, NEGOTIATE));
      const first = await peer.readRequest();
      await peer.write(answer(401, `${NEGOTIATE} ${b64("go on")}`));
      challenged.push(peer);
      if (challenged.length === 2) {
        for (const each of challenged) await each.taken();
        await settled();
        both.open();
      }
      const second = await peer.readRequest();
      const same = first.field("authorization") === second.field("authorization");
      await peer.write(answer(same ? 200 : 403));
    });
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    t.teardown(() => ne_session_destroy(sess));
    nx_set_max_connections(sess, 2);
    const ids = new WeakMap<object, number>();
    let made = 0;
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, async (_, _service, challenge, exchange) => {
      if (challenge.length > 0) await both.opened;
      await settled();
      const id = ids.get(exchange) ?? ++made;
      ids.set(exchange, id);
      return Buffer.from(`x${id}`);
    });
    const results = await Promise.all([send(sess, "/1"), send(sess, "/2")]);
    t.strictSame(results.map(({ status }) => status), [200, 200]);
  });

  t.test("a last token that does not verify fails the request", async (t) => {
    const failure = "Negotiate response verification failure";
    for (const proof of [b64("forged"), "no base64"]) {
      const { sess, requests } = await against(t, [
        answer(401, NEGOTIATE),
        answer(200, `${NEGOTIATE} ${proof}`),
      ]);
      nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, (_, _service, challenge) =>
        challenge.length === 0 ? Buffer.from("first") : null,
      );
      const result = await send(sess, "/");
      t.strictSame([result.code, result.error], [NE_ERROR, failure]);
      t.equal(requests.length, 2);
    }
    const { sess } = await against(t, [answer(401, NEGOTIATE), answer(200, NEGOTIATE)]);
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, tokens().fn);
    t.equal((await send(sess, "/")).code, NE_OK, "no proof is no wrong one");
  });

  t.test("makes a token for every request where the server wants that", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, NEGOTIATE),
      OK,
      answer(401, NEGOTIATE),
      OK,
      OK,
    ]);
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, tokens().fn);
    for (let i = 0; i < 3; i++) t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, "first", null, "first", "first"]);
  });

  t.test("gives way to the next scheme when it is refused or given up", async (t) => {
    const both = answer(401, NEGOTIATE, 'WWW-Authenticate: Basic realm="r"');
    const basic = (sess: ne_session): void => {
      ne_add_server_auth(sess, NE_AUTH_BASIC, (_, _realm, attempt, username) => {
        username.value = "u";
        return attempt;
      });
    };
    const refused = await against(t, [both, both, OK]);
    nx_add_negotiate(refused.sess, NE_AUTH_NEGOTIATE, tokens().fn);
    basic(refused.sess);
    t.equal((await send(refused.sess, "/")).code, NE_OK);
    t.strictSame(shown(refused.requests), [null, "first", `Basic ${b64("u:")}`]);

    const given = await against(t, [both, OK]);
    nx_add_negotiate(given.sess, NE_AUTH_NEGOTIATE, () => null);
    basic(given.sess);
    t.equal((await send(given.sess, "/")).code, NE_OK);
    t.strictSame(shown(given.requests), [null, `Basic ${b64("u:")}`]);
  });

  t.test("says why it failed", async (t) => {
    const rows: [Answer[], nx_negotiate_fn, string][] = [
      [[answer(401, NEGOTIATE)], () => null, "rejected Negotiate challenge"],
      [
        [answer(401, NEGOTIATE), answer(401, NEGOTIATE)],
        tokens().fn,
        "ignoring empty Negotiate continuation",
      ],
      [
        [answer(401, NEGOTIATE), answer(401, `${NEGOTIATE} abc`)],
        tokens().fn,
        "could not parse Negotiate challenge",
      ],
    ];
    for (const [answers, fn, error] of rows) {
      const { sess } = await against(t, answers);
      nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, fn);
      t.strictSame(await send(sess, "/"), {
        code: NE_AUTH,
        status: 401,
        error: `Could not authenticate to server: ${error}`,
      });
    }
  });

  t.test("an endless exchange ends", async (t) => {
    const more = answer(401, `${NEGOTIATE} ${b64("more")}`);
    const { sess } = await against(t, Array<string>(101).fill(more));
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, tokens().fn);
    t.equal((await send(sess, "/")).code, NE_AUTH);
  });

  t.test("answers a proxy, for CONNECT too", async (t) => {
    const srv = await scripted(t, [[answer(407, "Proxy-Authenticate: Negotiate"), answer(403)]]);
    const sess = ne_session_create("https", "origin.example", 443);
    t.teardown(() => ne_session_destroy(sess));
    ne_session_proxy(sess, "127.0.0.1", srv.port);
    const { log, fn } = tokens();
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE | NE_AUTH_PROXY, fn);
    await send(sess, "/");
    t.strictSame(shown(srv.requests, "proxy-authorization"), [null, "first"]);
    t.strictSame(log, [["HTTP@127.0.0.1", ""]]);
  });

  t.test("what the function throws leaves as it is", async (t) => {
    const { sess } = await against(t, [
      answer(401, NEGOTIATE),
      answer(200, `${NEGOTIATE} ${b64("bad")}`),
    ]);
    const mine = new Error("the server is somebody else");
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, (_, _service, challenge) => {
      if (challenge.length > 0) throw mine;
      return Buffer.from("x");
    });
    await t.rejects(send(sess, "/"), mine);
  });
});

t.test("Bearer", async (t) => {
  const CHALLENGE = 'WWW-Authenticate: Bearer realm="r", error="invalid_token"';

  t.test("is sent with every request once it was asked for", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, 'WWW-Authenticate: Bearer realm="r"'),
      OK,
      OK,
      answer(401, CHALLENGE),
      OK,
    ]);
    const log: [string, number][] = [];
    nx_add_bearer(sess, (_, realm, attempt) => {
      log.push([realm, attempt]);
      return `token${log.length}`;
    });
    for (const target of ["/a/b", "/x", "/y"]) t.equal((await send(sess, target)).code, NE_OK);
    t.strictSame(shown(requests), [
      null,
      "Bearer token1",
      "Bearer token1",
      "Bearer token1",
      "Bearer token2",
    ]);
    t.strictSame(log, [
      ["r", 0],
      ["r", 0],
    ]);
  });

  t.test("is sent at once where that is wanted", async (t) => {
    const { sess, requests } = await against(t, [OK, answer(401, CHALLENGE), OK]);
    const log: [string, number][] = [];
    nx_add_bearer(
      sess,
      async (_, realm, attempt) => {
        log.push([realm, attempt]);
        return `token${log.length}`;
      },
      undefined,
      true,
    );
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), ["Bearer token1", "Bearer token1", "Bearer token2"]);
    t.strictSame(log, [
      ["", 0],
      ["r", 0],
    ]);
  });

  t.test("attempts go on in a request that began eagerly", async (t) => {
    const { sess, requests } = await against(t, [answer(401, CHALLENGE), answer(401, CHALLENGE)]);
    const log: number[] = [];
    nx_add_bearer(
      sess,
      (_, _realm, attempt) => {
        log.push(attempt);
        return attempt < 2 ? `token${attempt}` : null;
      },
      null,
      true,
    );
    t.strictSame(await send(sess, "/"), {
      code: NE_AUTH,
      status: 401,
      error: "Could not authenticate to server: rejected Bearer challenge",
    });
    t.strictSame(log, [0, 1, 2]);
    t.strictSame(shown(requests), ["Bearer token0", "Bearer token1"]);
  });

  t.test("no token, no field", async (t) => {
    const { sess, requests } = await against(t, [OK]);
    nx_add_bearer(sess, () => null, null, true);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null]);
  });

  t.test("is stronger than Basic and weaker than Digest", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, 'WWW-Authenticate: Basic realm="r"', "WWW-Authenticate: Bearer"),
      OK,
    ]);
    ne_add_server_auth(sess, NE_AUTH_BASIC, () => 0);
    nx_add_bearer(sess, () => "t");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, "Bearer t"]);
  });

  t.test("goes to the server only, never to a proxy with CONNECT", async (t) => {
    const srv = await scripted(t, [[answer(403)]]);
    const sess = ne_session_create("https", "origin.example", 443);
    t.teardown(() => ne_session_destroy(sess));
    ne_session_proxy(sess, "127.0.0.1", srv.port);
    nx_add_bearer(sess, () => "secret", null, true);
    await send(sess, "/");
    t.strictSame(shown(srv.requests), [null]);
  });

  t.test("a token that cannot be sent is a mistake", async (t) => {
    for (const token of ["", "a b", "a\r\nX: y", "\u00e9", 1]) {
      const { sess } = await against(t, [answer(401, "WWW-Authenticate: Bearer")]);
      nx_add_bearer(sess, () => token as string);
      await t.rejects(
        send(sess, "/"),
        new TypeError("nx_add_bearer: the token must be visible ASCII characters, or null"),
      );
    }
  });
});

t.test("misuse", async (t) => {
  const sess = ne_session_create("http", "localhost", 80);
  const no = null as unknown as () => null;
  t.throws(
    () => nx_add_bearer(sess, no),
    new TypeError("nx_add_bearer: the token function must be a function"),
  );
  t.throws(
    () => nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, no),
    new TypeError("nx_add_negotiate: the token function must be a function"),
  );
  t.throws(
    () => nx_add_negotiate(sess, null as unknown as number, () => null),
    new TypeError("nx_add_negotiate: the protocol must be a number"),
  );
  ne_session_destroy(sess);
  t.throws(() => nx_add_bearer(sess, () => null), /destroyed already/);
  t.throws(() => nx_add_negotiate(sess, 0, () => null), /destroyed already/);
});

t.test("nx_set_credentials", async (t) => {
  const BASIC = 'WWW-Authenticate: Basic realm="r"';
  const DIGEST = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"';
  const pair = (user: string): string => `Basic ${b64(user)}`;

  t.test("answers each realm once", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, BASIC),
      OK,
      answer(401, BASIC),
      answer(401, 'WWW-Authenticate: Basic realm="other"'),
      answer(401, 'WWW-Authenticate: Basic realm="other"'),
    ]);
    nx_set_credentials(sess, NE_AUTH_DEFAULT, "u", "pw");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(await send(sess, "/"), {
      code: NE_AUTH,
      status: 401,
      error: "Could not authenticate to server: rejected Basic challenge",
    });
    const login = pair("u:pw");
    t.strictSame(shown(requests), [null, login, login, login, login]);
  });

  t.test("a pair that Digest was refused for does not go in clear", async (t) => {
    const both = answer(401, DIGEST, BASIC);
    const { sess, requests } = await against(t, [both, both]);
    nx_set_credentials(sess, NE_AUTH_DEFAULT, "u", "pw");
    t.equal((await send(sess, "/")).code, NE_AUTH);
    t.equal(requests.length, 2);
    t.match(requests[1]?.field("authorization"), /^Digest /);
  });

  t.test("only in the schemes named, only to whom they are for", async (t) => {
    const basic = await against(t, [answer(401, BASIC)]);
    nx_set_credentials(basic.sess, NE_AUTH_DIGEST, "u", "pw");
    t.match(await send(basic.sess, "/"), { code: NE_AUTH, error: /ignored Basic challenge$/ });
    const server = await against(t, [answer(401, BASIC), answer(407, `Proxy-${BASIC.slice(4)}`)]);
    nx_set_credentials(server.sess, NE_AUTH_DEFAULT | NE_AUTH_PROXY, "u", "pw");
    t.match(await send(server.sess, "/"), { code: NE_OK, status: 401 });
    t.match(await send(server.sess, "/"), { code: NE_OK, status: 407 });
    const proxy = await scripted(t, [[answer(407, 'Proxy-Authenticate: Basic realm="p"'), OK]]);
    const through = ne_session_create("http", "origin.example", 80);
    t.teardown(() => ne_session_destroy(through));
    ne_session_proxy(through, "127.0.0.1", proxy.port);
    nx_set_credentials(through, NE_AUTH_DEFAULT | NE_AUTH_PROXY, "u", "pw");
    t.equal((await send(through, "/")).code, NE_OK);
    t.strictSame(shown(proxy.requests, "proxy-authorization"), [null, pair("u:pw")]);
  });

  t.test("called again, it replaces the pair", async (t) => {
    const { sess, requests } = await against(t, [answer(401, BASIC), OK, answer(401, BASIC), OK]);
    nx_set_credentials(sess, NE_AUTH_DEFAULT, "u", "pw");
    t.equal((await send(sess, "/")).code, NE_OK);
    nx_set_credentials(sess, NE_AUTH_DEFAULT, "v", "pw2");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, pair("u:pw"), null, pair("v:pw2")]);
  });

  t.test("mistakes", async (t) => {
    const sess = ne_session_create("http", "127.0.0.1", 1);
    t.teardown(() => ne_session_destroy(sess));
    const set = nx_set_credentials as (...args: unknown[]) => void;
    const rows: [unknown[], string][] = [
      [[sess, NE_AUTH_PROXY, "u", "p"], "the protocol names no scheme with a password"],
      [[sess, NE_AUTH_GSSAPI, "u", "p"], "the protocol names no scheme with a password"],
      [[sess, "Basic", "u", "p"], "the protocol must be a number"],
      [[sess, NE_AUTH_DEFAULT, null, "p"], "the user name must be a string, not null"],
      [[sess, NE_AUTH_DEFAULT, "u", 1], "the password must be a string, not number"],
    ];
    for (const [args, mistake] of rows) {
      t.throws(() => set(...args), new TypeError(`nx_set_credentials: ${mistake}`));
    }
  });
});
