// Negotiate and Bearer: the functions of the application, and what is sent for them.
import t from "tap";
import {
  NE_AUTH_BASIC,
  NE_AUTH_NEGOTIATE,
  NE_AUTH_PROXY,
  ne_add_server_auth,
} from "../lib/ne_auth.js";
import { NE_AUTH, NE_OK } from "../lib/ne_request.js";
import {
  NE_SESSFLAG_CONNAUTH,
  ne_get_session_flag,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  type ne_session,
} from "../lib/ne_session.js";
import { nx_add_bearer, nx_add_negotiate, type nx_negotiate_fn } from "../lib/nx_auth.js";
import { answer, send, sessionTo } from "./fixtures/auth.js";
import {
  END,
  scripted,
  type Answer,
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
    nx_add_negotiate(sess, NE_AUTH_NEGOTIATE, async (userdata, service, challenge) =>
      tokens().fn(userdata, service, challenge),
    );
    for (let i = 0; i < 4; i++) t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(shown(requests), [null, "first", null, "first", null]);
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
