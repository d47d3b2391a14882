// Authentication as a program sees it: which fields are sent when, who is asked how often, and what
// the error strings say. Where a row has no reason, C neon was seen to do just that.
import fs from "node:fs";
import path from "node:path";
import t from "tap";
import {
  NE_AUTH_ALL,
  NE_AUTH_BASIC,
  NE_AUTH_DEFAULT,
  NE_AUTH_DIGEST,
  NE_AUTH_GSSAPI,
  NE_AUTH_LEGACY_DIGEST,
  NE_AUTH_NEGOTIATE,
  NE_AUTH_NTLM,
  NE_AUTH_PROXY,
  ne_add_auth,
  ne_add_proxy_auth,
  ne_add_server_auth,
  ne_forget_auth,
  ne_set_proxy_auth,
  ne_set_server_auth,
  type ne_auth_creds,
  type ne_auth_provide,
} from "../lib/ne_auth.js";
import {
  NE_AUTH,
  NE_ERROR,
  NE_OK,
  NE_PROXYAUTH,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_fd,
  ne_set_request_body_provider,
  type ne_request,
} from "../lib/ne_request.js";
import {
  NE_SESSFLAG_CONNAUTH,
  ne_get_error,
  ne_get_session_flag,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  type ne_session,
} from "../lib/ne_session.js";
import { NE_DBG_HTTP, NE_DBG_HTTPAUTH, NE_DBG_SOCKET, ne_debug_init } from "../lib/ne_utils.js";
import { nx_session_clone } from "../lib/nx_script.js";
import { nx_request_abort, nx_set_max_connections } from "../lib/nx_session.js";
import { answer, digestParams, expectedDigest, send, sessionTo } from "./fixtures/auth.js";
import {
  END,
  gate,
  scripted,
  type Answer,
  type Peer,
  type PeerRequest,
  type TestScope,
} from "./fixtures/server.js";
import { Writable } from "node:stream";

const BASIC = 'WWW-Authenticate: Basic realm="r"';
const DIGEST = 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth"';
const OK = answer(200);
const U_PW = "Basic dTpwdw==";

interface Asked {
  log: [realm: string, attempt: number][];
  creds: ne_auth_creds;
}

/** Gives "u" and "pw" for so many attempts. */
function giving(times: number, user = "u"): Asked {
  const log: Asked["log"] = [];
  const creds: ne_auth_creds = (_, realm, attempt, username, password) => {
    log.push([realm, attempt]);
    username.value = user;
    password.value = "pw";
    return attempt >= times ? 1 : 0;
  };
  return { log, creds };
}

const fieldsOf = (requests: readonly PeerRequest[], name = "authorization"): (string | null)[] =>
  requests.map((request) => request.field(name));

/** A session with a server that gives these answers on one connection. */
async function against(
  t: TestScope,
  answers: Answer[],
): Promise<{ sess: ne_session; requests: readonly PeerRequest[] }> {
  const srv = await scripted(t, [answers]);
  const sess = sessionTo(srv.port);
  t.teardown(() => ne_session_destroy(sess));
  return { sess, requests: srv.requests };
}

// Refuses a request, and the next one comes to nothing.
function challengedOnce(challenge: string): (peer: Peer) => Promise<void> {
  return async (peer) => {
    await peer.readRequest();
    await peer.write(answer(401, challenge) as string);
    await peer.readEof();
  };
}

t.test("Basic", async (t) => {
  t.test("is sent at and below the directory of the first target", async (t) => {
    const rows: [first: string, then: string[], without: string[]][] = [
      ["/a/b", ["/a/b", "/a/", "/a/b/c?x=/..", "/a/b/../c"], ["/a", "/x", "*", "/A/b"]],
      ["/p/a/", ["/p/a/d"], ["/p/b", "/p/a"]],
      ["/p/a?x=/b/c", ["/p/b"], ["/p"]],
      ["/", ["/x/y"], ["*"]],
      ["*", ["*", "/a/c"], []],
      ["/a/b/x", ["/a/b/../b/y"], ["/a/b/../c/d", "/a/b/%2e%2E/c/d", "/a/b/.."]],
      ["/a/../b/./c", ["/b/d", "/x/../b/c"], ["/a/x", "/c", "/b", "/b/../c"]],
      ["/a/../../c", ["/a", "/x/y"], ["*"]],
      ["?q", ["/a"], ["*"]],
    ];
    for (const [first, inside, outside] of rows) {
      const others = [...inside, ...outside];
      const { sess, requests } = await against(t, [
        answer(401, BASIC),
        OK,
        ...others.map(() => OK),
      ]);
      const asked = giving(1);
      ne_set_server_auth(sess, asked.creds);
      for (const target of [first, ...others]) await send(sess, target);
      t.strictSame(
        fieldsOf(requests),
        [null, U_PW, ...inside.map(() => U_PW), ...outside.map(() => null)],
        first,
      );
      t.strictSame(asked.log, [["r", 0]]);
    }
  });

  t.test("takes any text but a colon in the user name, as UTF-8", async (t) => {
    const base64 = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    for (const [user, sent] of [
      ["\u00e9\u20ac", base64("\u00e9\u20ac:pw")],
      ["", base64(":pw")],
      ["a\tb", base64("a\tb:pw")],
      ["u".repeat(300), base64(`${"u".repeat(300)}:pw`)],
    ] as const) {
      const { sess, requests } = await against(t, [answer(401, BASIC), OK]);
      ne_set_server_auth(sess, giving(1, user).creds);
      t.equal((await send(sess, "/")).code, NE_OK);
      t.equal(requests[1]?.field("authorization"), sent);
    }
    for (const register of [
      (sess: ne_session) => ne_set_server_auth(sess, giving(1, "u:x").creds),
      (sess: ne_session) => ne_add_auth(sess, NE_AUTH_BASIC, providing(1, "u:x").creds),
    ]) {
      const { sess } = await against(t, [answer(401, BASIC)]);
      register(sess);
      t.strictSame(await send(sess, "/"), {
        code: NE_AUTH,
        status: 401,
        error:
          "Could not authenticate to server: " +
          "cannot handle Basic challenge for username containing colon",
      });
    }
  });

  t.test("a new challenge replaces the login, and asks from the start", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, BASIC),
      OK,
      answer(401, 'WWW-Authenticate: Basic realm="s"'),
      OK,
      answer(401, BASIC),
      OK,
      OK,
    ]);
    const asked = giving(1);
    ne_set_server_auth(sess, asked.creds);
    for (const target of ["/a/b", "/x/y", "/a/b", "/x/z"]) await send(sess, target);
    t.strictSame(fieldsOf(requests), [null, U_PW, null, U_PW, null, U_PW, null]);
    t.strictSame(asked.log, [
      ["r", 0],
      ["s", 0],
      ["r", 0],
    ]);
  });
});

t.test("attempts", async (t) => {
  const REJECTED = {
    code: NE_AUTH,
    status: 401,
    error: "Could not authenticate to server: rejected Basic challenge",
  };

  t.test("go on until the callback gives up, for each request anew", async (t) => {
    const { sess, requests } = await against(t, Array<string>(6).fill(answer(401, BASIC)));
    const asked = giving(2);
    ne_set_server_auth(sess, asked.creds);
    t.strictSame(await send(sess, "/a"), REJECTED);
    t.strictSame(await send(sess, "/a"), REJECTED);
    t.strictSame(
      fieldsOf(requests),
      [null, U_PW, U_PW, null, U_PW, U_PW],
      "a refused login is gone",
    );
    t.strictSame(
      asked.log.map(([, attempt]) => attempt),
      [0, 1, 2, 0, 1, 2],
    );
  });

  t.test("returning the number of the attempt tries once", async (t) => {
    const { sess } = await against(t, [answer(401, BASIC), answer(401, BASIC)]);
    ne_set_server_auth(sess, (_, _realm, attempt, username) => {
      username.value = "u";
      return attempt;
    });
    t.strictSame(await send(sess, "/"), REJECTED);
  });

  t.test("end somewhere even if the callback never gives up", async (t) => {
    const { sess, requests } = await against(t, Array<string>(101).fill(answer(401, BASIC)));
    ne_set_server_auth(sess, () => 0);
    t.strictSame(await send(sess, "/"), {
      ...REJECTED,
      error: "Could not authenticate to server: gave up after 100 attempts",
    });
    t.equal(requests.length, 101);
  });

  t.test("count calls for each registration, rounds for ne_add_auth", async (t) => {
    const { sess, requests } = await against(t, Array<string>(5).fill(answer(401, BASIC, DIGEST)));
    const digest = providing(1);
    const basic = giving(3);
    ne_add_auth(sess, NE_AUTH_DIGEST, digest.creds);
    ne_add_server_auth(sess, NE_AUTH_BASIC, basic.creds);
    t.strictSame(await send(sess, "/a"), {
      ...REJECTED,
      error:
        "Could not authenticate to server: rejected Digest challenge, rejected Basic challenge",
    });
    t.strictSame(
      digest.log.map(([attempt]) => attempt),
      [0, 1, 2, 3, 4],
    );
    t.strictSame(
      basic.log.map(([, attempt]) => attempt),
      [0, 1, 2, 3],
    );
    t.match(requests[1]?.field("authorization"), /^Digest /);
    t.match(requests[2]?.field("authorization"), /^Basic /);
  });

  t.test("each challenge of one response is a call", async (t) => {
    const { sess } = await against(t, [answer(401, BASIC, DIGEST)]);
    const asked = giving(0);
    ne_set_server_auth(sess, asked.creds);
    await send(sess, "/a");
    t.strictSame(asked.log, [
      ["r", 0],
      ["r", 1],
    ]);
  });
});

t.test("challenges", async (t) => {
  t.test("go strongest first to the first registration that takes them", async (t) => {
    const at = (algorithm: string, realm: string): string =>
      `WWW-Authenticate: Digest realm="${realm}", nonce="n", qop="auth", algorithm=${algorithm}`;
    const { sess } = await against(t, [
      answer(
        401,
        BASIC,
        at("MD5", "md5"),
        at("SHA-256", "256"),
        at("SHA-512-256", "512"),
        at("SHA-256-sess", "256s"),
        "WWW-Authenticate: Foo, Bar x=y",
      ),
    ]);
    const basic = giving(0);
    const digest = giving(0);
    const second = giving(0);
    ne_add_server_auth(sess, NE_AUTH_BASIC, basic.creds);
    ne_add_server_auth(sess, NE_AUTH_DIGEST, digest.creds);
    ne_set_server_auth(sess, second.creds);
    t.equal(
      (await send(sess, "/")).error,
      "Could not authenticate to server: ignored Foo challenge, ignored Bar challenge, " +
        "rejected Digest challenge, rejected Digest challenge, rejected Digest challenge, " +
        "rejected Digest challenge, rejected Basic challenge",
    );
    t.strictSame(
      digest.log.map(([realm]) => realm),
      ["512", "256s", "256", "md5"],
    );
    t.equal(basic.log.length, 1);
    t.equal(second.log.length, 0, "the second is never asked");
  });

  t.test("that cannot be answered are named", async (t) => {
    const rows: [string[], string][] = [
      [["Foo bar=1"], "ignored Foo challenge"],
      [["Basic"], "missing realm in Basic challenge"],
      [[""], "could not parse challenge"],
      [["a=b"], "could not parse challenge"],
      [["Basic\trealm=r"], "could not parse challenge"],
      [["Negotiate", "NTLM"], "ignored Negotiate challenge, ignored NTLM challenge"],
      [
        ["Digest algorithm=X, realm=r", 'Digest realm="r"', "Basic", "Foo"],
        "ignored Foo challenge, legacy Digest challenge not supported, " +
          "unknown algorithm in Digest challenge, missing realm in Basic challenge",
      ],
      [["F\x1b[1m x=y"], "ignored F [1m challenge"],
    ];
    for (const [challenges, error] of rows) {
      const fields = challenges.map((value) => `WWW-Authenticate: ${value}`);
      const { sess } = await against(t, [answer(401, ...fields)]);
      ne_set_server_auth(sess, giving(1).creds);
      t.strictSame(await send(sess, "/"), {
        code: NE_AUTH,
        status: 401,
        error: `Could not authenticate to server: ${error}`,
      });
    }
  });

  t.test("with long names are cut", async (t) => {
    const { sess } = await against(t, [answer(401, `WWW-Authenticate: ${"F".repeat(300)}`)]);
    ne_set_server_auth(sess, giving(1).creds);
    const { error } = await send(sess, "/");
    t.equal(error, `Could not authenticate to server: ignored ${"F".repeat(119)}`);
  });

  t.test("a 401 without a field or a callback is an ordinary status", async (t) => {
    const { sess } = await against(t, [
      answer(401),
      answer(401, 'Proxy-Authenticate: Basic realm="r"'),
    ]);
    ne_set_server_auth(sess, giving(1).creds);
    for (let i = 0; i < 2; i++) {
      t.strictSame(await send(sess, "/"), { code: NE_OK, status: 401, error: "401 X" });
    }
    const other = await against(t, [answer(401, BASIC)]);
    t.strictSame(await send(other.sess, "/"), { code: NE_OK, status: 401, error: "401 X" });
  });

  t.test("show a realm without control and non-ASCII characters", async (t) => {
    const { sess } = await against(t, [answer(401, 'WWW-Authenticate: Basic realm="a\xe9\x01b"')]);
    const asked = giving(0);
    ne_set_server_auth(sess, asked.creds);
    await send(sess, "/");
    t.strictSame(asked.log, [["a  b", 0]]);
  });
});

t.test("protocols", async (t) => {
  const offered = async (protocol: number, ...fields: string[]): Promise<[string[], string]> => {
    const { sess } = await against(t, [answer(401, ...fields)]);
    const log: string[] = [];
    ne_add_server_auth(sess, protocol, (_, realm) => log.push(realm));
    return [log, (await send(sess, "/")).error.replace("Could not authenticate to server: ", "")];
  };
  const LEGACY = 'WWW-Authenticate: Digest realm="old", nonce="n"';
  const NTLM = "WWW-Authenticate: NTLM";
  t.strictSame(await offered(NE_AUTH_DIGEST, BASIC, DIGEST), [
    ["r"],
    "ignored Basic challenge, rejected Digest challenge",
  ]);
  t.strictSame(await offered(NE_AUTH_DIGEST, LEGACY), [
    [],
    "legacy Digest challenge not supported",
  ]);
  t.strictSame(await offered(NE_AUTH_LEGACY_DIGEST, LEGACY), [
    ["old"],
    "rejected Digest challenge",
  ]);
  t.strictSame(await offered(NE_AUTH_LEGACY_DIGEST, DIGEST), [["r"], "rejected Digest challenge"]);
  t.strictSame(await offered(NE_AUTH_ALL, LEGACY), [[], "legacy Digest challenge not supported"]);
  t.strictSame(await offered(NE_AUTH_DEFAULT, NTLM, BASIC), [
    ["r"],
    "ignored NTLM challenge, rejected Basic challenge",
  ]);
  t.strictSame(await offered(NE_AUTH_ALL, BASIC, NTLM), [
    ["", "r"],
    "rejected NTLM challenge, rejected Basic challenge",
  ]);
  t.strictSame(await offered(NE_AUTH_NTLM, NTLM), [[""], "rejected NTLM challenge"]);
  t.strictSame(await offered(NE_AUTH_NEGOTIATE, NTLM, "WWW-Authenticate: Negotiate"), [
    [""],
    "ignored Negotiate challenge, rejected NTLM challenge",
  ]);

  const { sess } = await against(t, [answer(401, NTLM, "WWW-Authenticate: Negotiate")]);
  ne_add_server_auth(sess, NE_AUTH_NEGOTIATE, null);
  ne_add_server_auth(sess, NE_AUTH_GSSAPI);
  t.equal(
    (await send(sess, "/")).error,
    "Could not authenticate to server: ignored NTLM challenge, ignored Negotiate challenge",
    "without a callback nothing is answered",
  );
});

t.test("Digest", async (t) => {
  t.test("signs each request, and counts", async (t) => {
    const { sess, requests } = await against(t, [answer(401, DIGEST), OK, OK, OK, OK]);
    const asked = giving(1);
    ne_set_server_auth(sess, asked.creds);
    await send(sess, "/a/b");
    await send(sess, "/x?y=z");
    await send(sess, "*", "OPTIONS");
    await send(sess, "/z", "POST", "body");
    t.equal(requests[0]?.field("authorization"), null);
    for (const [i, request] of requests.slice(1).entries()) {
      const params = digestParams(request);
      t.equal(params.get("nc"), `0000000${i + 1}`);
      t.equal(params.get("uri"), request.target);
      t.equal(params.get("response"), expectedDigest(request, "u", "pw").response);
      t.match(params.get("cnonce"), /^[A-Za-z0-9+/]{43}=$/);
    }
    t.equal(asked.log.length, 1);
  });

  t.test("answers a stale nonce without asking, but not for ever", async (t) => {
    const stale = (nonce: string): string =>
      answer(401, `WWW-Authenticate: Digest realm="r", nonce="${nonce}", qop="auth", stale=true`);
    const { sess, requests } = await against(t, [
      answer(401, DIGEST),
      OK,
      stale("n2"),
      OK,
      ...Array.from({ length: 6 }, (_, i) => stale(`m${i}`)),
    ]);
    const asked = giving(1);
    ne_set_server_auth(sess, asked.creds);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal(digestParams(requests[3]).get("nonce"), "n2");
    t.equal(digestParams(requests[3]).get("nc"), "00000001");
    t.strictSame(await send(sess, "/"), {
      code: NE_AUTH,
      status: 401,
      error: "Could not authenticate to server: too many stale Digest challenges",
    });
    t.equal(asked.log.length, 1);
  });

  t.test("counts a stale nonce as a round", async (t) => {
    const { sess } = await against(t, [
      answer(401, DIGEST),
      OK,
      answer(401, `${DIGEST}, stale=true`),
      answer(401, DIGEST),
      OK,
    ]);
    const asked = providing(9);
    ne_add_auth(sess, NE_AUTH_DIGEST, asked.creds);
    await send(sess, "/");
    await send(sess, "/");
    t.strictSame(
      asked.log.map(([attempt]) => attempt),
      [0, 1],
    );
  });

  t.test("checks the server's proof", async (t) => {
    const info =
      (more: string) =>
      (request: PeerRequest): string => {
        const { rspauth } = expectedDigest(request, "u", "pw");
        const cnonce = digestParams(request).get("cnonce");
        return answer(
          200,
          `Authentication-Info: qop=auth, cnonce="${cnonce}", nc=00000001, ` +
            `rspauth="${rspauth}"${more}`,
        );
      };
    const good = await against(t, [answer(401, DIGEST), info(', nextnonce="x"'), OK]);
    ne_set_server_auth(good.sess, giving(1).creds);
    t.strictSame(await send(good.sess, "/"), { code: NE_OK, status: 200, error: "200 X" });
    await send(good.sess, "/");
    t.equal(digestParams(good.requests[2]).get("nonce"), "x");

    const bad = await against(t, [answer(401, DIGEST), info(', rspauth="0"'), OK]);
    ne_set_server_auth(bad.sess, giving(1).creds);
    t.strictSame(await send(bad.sess, "/"), {
      code: NE_ERROR,
      status: 200,
      error: "Digest mutual authentication failure: request-digest mismatch",
    });
    t.equal((await send(bad.sess, "/")).code, NE_OK, "the login stays");
    t.match(bad.requests[2]?.field("authorization"), /^Digest /);
  });

  t.test("a proof in the trailer counts, too", async (t) => {
    const { sess } = await against(t, [
      answer(401, DIGEST),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
        "Authentication-Info: qop=auth, nc=1, cnonce=x, rspauth=y\r\n\r\n",
    ]);
    ne_set_server_auth(sess, giving(1).creds);
    t.equal(
      (await send(sess, "/")).error,
      "Digest mutual authentication failure: client nonce mismatch",
    );
  });

  t.test("a 401 with a proof is a challenge first", async (t) => {
    const { sess } = await against(t, [
      answer(401, DIGEST),
      answer(401, DIGEST, "Authentication-Info: qop=auth, nc=1, cnonce=x, rspauth=y"),
      OK,
    ]);
    ne_set_server_auth(sess, giving(2).creds);
    t.equal((await send(sess, "/")).code, NE_OK);
  });

  t.test("an Authentication-Info of nonsense is none", async (t) => {
    for (const value of ["", "=", "no equals sign", ",,,", '"']) {
      const { sess } = await against(t, [
        answer(401, DIGEST),
        answer(200, `Authentication-Info: ${value}`),
      ]);
      ne_set_server_auth(sess, giving(1).creds);
      t.equal((await send(sess, "/")).code, NE_OK, JSON.stringify(value));
    }
  });

  t.test("stays in its domain, and gives up where the first target is outside", async (t) => {
    const { sess, requests } = await against(t, [
      answer(401, `${DIGEST}, domain="/a /b"`),
      OK,
      OK,
      OK,
      OK,
    ]);
    ne_set_server_auth(sess, giving(1).creds);
    for (const target of ["/a/x", "/b", "/bb", "/c"]) await send(sess, target);
    t.strictSame(
      fieldsOf(requests).map((field) => field !== null),
      [false, true, true, true, false],
    );

    const outside = await against(t, Array<string>(3).fill(answer(401, `${DIGEST}, domain="/zz"`)));
    ne_set_server_auth(outside.sess, giving(2).creds);
    t.equal((await send(outside.sess, "/a")).code, NE_AUTH);
    t.strictSame(fieldsOf(outside.requests), [null, null, null]);
  });

  t.test("hashes the body where only auth-int is offered", async (t) => {
    const CHALLENGE =
      'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256';
    const { sess, requests } = await against(t, [answer(401, CHALLENGE), OK, OK, OK]);
    ne_set_server_auth(sess, giving(1).creds);
    t.equal((await send(sess, "/", "PUT", "the body")).code, NE_OK);
    const parts = ["piece ", "by piece"];
    let next = 0;
    const req = ne_request_create(sess, "PUT", "/p");
    ne_set_request_body_provider(req, -1, (_, buffer) => {
      if (buffer.length === 0) {
        next = 0;
        return 0;
      }
      return Buffer.from(buffer.buffer, buffer.byteOffset).write(parts[next++] ?? "");
    });
    t.equal(await ne_request_dispatch(req), NE_OK);
    ne_request_destroy(req);
    await send(sess, "/");
    for (const request of requests.slice(1)) {
      t.equal(digestParams(request).get("response"), expectedDigest(request, "u", "pw").response);
    }
    t.equal(requests[2]?.body.toString(), "piece by piece");
  });

  t.test("a body for auth-int that cannot be read twice is not signed", async (t) => {
    const CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth-int"';
    // announced length, and what the second reading gives for each call that wants bytes
    const bodies: [length: number, given: number][] = [
      [5, -1], // it fails
      [5, 3], // and never ends
      [5, 5], // no end behind the bytes announced
      [-1, NaN],
      [-1, 9000], // more than there is room for
    ];
    for (const [length, given] of bodies) {
      const srv = await scripted(t, challengedOnce(CHALLENGE));
      const sess = sessionTo(srv.port);
      t.teardown(() => ne_session_destroy(sess));
      ne_set_server_auth(sess, giving(1).creds);
      let readings = 0;
      let left = 5;
      const req = ne_request_create(sess, "PUT", "/");
      ne_set_request_body_provider(req, length, (_, buffer) => {
        if (buffer.length > 0) {
          const count = readings > 1 ? given : left;
          left = 0;
          return count;
        }
        left = 5;
        return ++readings > 2 ? -1 : 0;
      });
      t.equal(await ne_request_dispatch(req), NE_ERROR, `${length}, ${given}`);
      ne_request_destroy(req);
      t.equal(readings, 3, "asked for again to be sent, and fails");
    }
  });

  t.test("a body for auth-int whose file is closed meanwhile", async (t) => {
    const CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth-int"';
    const srv = await scripted(t, challengedOnce(CHALLENGE));
    const sess = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(sess));
    const name = path.join(t.testdir({ body: "x".repeat(200_000) }), "body");
    const file = await fs.promises.open(name);
    ne_set_server_auth(sess, (_, _realm, attempt, username, password) => {
      [username.value, password.value] = ["u", "pw"];
      process.nextTick(() => void file.close());
      return attempt;
    });
    const req = ne_request_create(sess, "PUT", "/");
    ne_set_request_body_fd(req, file, 0, 200_000);
    await t.rejects(ne_request_dispatch(req), /the file descriptor is not open/);
    ne_request_destroy(req);
  });

  t.test("a body for auth-int whose file became shorter", { timeout: 5000 }, async (t) => {
    const CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth-int"';
    const srv = await scripted(t, async (peer) => {
      await challengedOnce(CHALLENGE)(peer).catch(() => {});
    });
    const sess = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(sess));
    const name = path.join(t.testdir({ body: "x".repeat(2000) }), "body");
    const fd = fs.openSync(name, "r");
    t.teardown(() => fs.closeSync(fd));
    let asked = 0;
    ne_set_server_auth(sess, (_, _realm, attempt, username, password) => {
      [username.value, password.value] = ["u", "pw"];
      asked++;
      fs.truncateSync(name, 1000);
      return attempt;
    });
    const req = ne_request_create(sess, "PUT", "/");
    ne_set_request_body_fd(req, fd, 0, 2000);
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    t.equal(ne_get_error(sess), "Premature EOF in request body file");
    ne_request_destroy(req);
    t.equal(asked, 1);
  });

  t.test("a proof for auth-int covers the body of the answer", async (t) => {
    const CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth-int"';
    const proven =
      (body: string) =>
      (request: PeerRequest): string => {
        const cnonce = digestParams(request).get("cnonce");
        const signed = {
          ...request,
          body: Buffer.from("hello"),
          field: request.field.bind(request),
        };
        const { rspauth } = expectedDigest(signed, "u", "pw");
        return (
          `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n` +
          `Authentication-Info: qop=auth-int, cnonce="${cnonce}", nc=00000001, ` +
          `rspauth="${rspauth}"\r\n\r\n${body}`
        );
      };
    for (const [body, code] of [
      ["hello", NE_OK],
      ["hallo", NE_ERROR],
    ] as const) {
      const { sess } = await against(t, [answer(401, CHALLENGE), proven(body)]);
      ne_set_server_auth(sess, giving(1).creds);
      t.equal((await send(sess, "/")).code, code, body);
    }
  });

  t.test("signs nothing but the same bytes when a kept connection was dropped", async (t) => {
    const srv = await scripted(t, [[answer(401, DIGEST), OK, "", END], [OK]]);
    const sess = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(sess));
    ne_set_server_auth(sess, giving(1).creds);
    await send(sess, "/");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal(digestParams(srv.requests[2]).get("nc"), "00000002");
    t.equal(srv.requests[3]?.head, srv.requests[2]?.head);
  });
});

t.test("forget", async (t) => {
  const { sess, requests } = await against(t, [answer(401, DIGEST), OK, answer(401, DIGEST), OK]);
  const asked = giving(1);
  ne_set_server_auth(sess, asked.creds);
  await send(sess, "/");
  ne_forget_auth(sess);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(requests[2]?.field("authorization"), null);
  t.strictSame(asked.log, [
    ["r", 0],
    ["r", 0],
  ]);
  const other = sessionTo(1);
  ne_forget_auth(other);
  ne_session_destroy(other);
});

/** Gives "u" and "pw" in the newer form. */
function providing(
  times: number,
  user = "u",
): {
  log: [attempt: number, protocol: number, realm: string][];
  creds: ne_auth_provide;
} {
  const log: [number, number, string][] = [];
  const creds: ne_auth_provide = (_, attempt, protocol, realm, username, password) => {
    log.push([attempt, protocol, realm]);
    username.value = user;
    password.value = "pw";
    return attempt >= times ? 1 : 0;
  };
  return { log, creds };
}

t.test("proxies", async (t) => {
  const PBASIC = 'Proxy-Authenticate: Basic realm="p"';
  const PDIGEST = 'Proxy-Authenticate: Digest realm="p", nonce="pn", qop="auth"';
  const through = async (
    answers: Answer[],
    scheme = "http",
  ): Promise<{ sess: ne_session; requests: readonly PeerRequest[] }> => {
    const srv = await scripted(t, [answers]);
    const sess = ne_session_create(scheme, "origin.example", scheme === "http" ? 80 : 443);
    ne_session_proxy(sess, "127.0.0.1", srv.port);
    t.teardown(() => ne_session_destroy(sess));
    return { sess, requests: srv.requests };
  };

  t.test("are answered beside the server", async (t) => {
    const { sess, requests } = await through([answer(407, PBASIC), answer(401, DIGEST), OK, OK]);
    const server = giving(1);
    const proxy = giving(1, "pu");
    ne_set_server_auth(sess, server.creds);
    ne_set_proxy_auth(sess, proxy.creds);
    t.equal((await send(sess, "/a/b")).code, NE_OK);
    await send(sess, "/zz");
    t.strictSame(fieldsOf(requests, "proxy-authorization"), [
      null,
      "Basic cHU6cHc=",
      "Basic cHU6cHc=",
      null,
    ]);
    t.match(requests[2]?.fields.join("\n"), /\nAuthorization: .*\nProxy-Authorization: /);
    for (const request of requests.slice(2)) {
      const params = digestParams(request);
      t.match(params.get("uri"), /^http:\/\/origin\.example\//);
      t.equal(params.get("response"), expectedDigest(request, "u", "pw").response);
    }
    t.strictSame([server.log, proxy.log], [[["r", 0]], [["p", 0]]]);
  });

  t.test("have an error of their own", async (t) => {
    const { sess } = await through([answer(407, PDIGEST), answer(407, PDIGEST)]);
    ne_set_proxy_auth(sess, giving(1).creds);
    t.strictSame(await send(sess, "/"), {
      code: NE_PROXYAUTH,
      status: 407,
      error: "Could not authenticate to proxy server: rejected Digest challenge",
    });
  });

  t.test("prove themselves in Proxy-Authentication-Info", async (t) => {
    const { sess } = await through([
      answer(407, PDIGEST),
      answer(200, "Proxy-Authentication-Info: qop=auth, nc=1, cnonce=x, rspauth=y"),
    ]);
    ne_set_proxy_auth(sess, giving(1).creds);
    t.equal(
      (await send(sess, "/")).error,
      "Digest mutual authentication failure: client nonce mismatch",
    );
  });

  t.test("share a callback of ne_add_auth with the server", async (t) => {
    const { sess, requests } = await through([
      answer(407, PBASIC),
      answer(401, DIGEST),
      answer(401, DIGEST),
      answer(407, PBASIC),
      OK,
    ]);
    const asked = providing(9);
    ne_add_auth(sess, NE_AUTH_BASIC | NE_AUTH_DIGEST, asked.creds);
    t.equal((await send(sess, "/a")).code, NE_OK);
    t.strictSame(asked.log, [
      [0, NE_AUTH_BASIC | NE_AUTH_PROXY, "p"],
      [0, NE_AUTH_DIGEST, "r"],
      [1, NE_AUTH_DIGEST, "r"],
      [1, NE_AUTH_BASIC | NE_AUTH_PROXY, "p"],
    ]);
    t.match(requests[2]?.fields.join("\n"), /\nProxy-Authorization: .*\nAuthorization: /);
  });

  t.test("CONNECT carries the proxy's credentials and never the server's", async (t) => {
    for (const [challenge, status] of [
      [PBASIC, 407],
      [PBASIC, 401],
      [BASIC, 401],
    ] as const) {
      const { sess, requests } = await through([answer(status, challenge), answer(403)], "https");
      const server = giving(9);
      const proxy = giving(1, "pu");
      ne_set_server_auth(sess, server.creds);
      ne_set_proxy_auth(sess, proxy.creds);
      t.strictSame(await send(sess, "/"), {
        code: NE_ERROR,
        status: 0,
        error: "Could not create SSL connection through proxy server: 403 X",
      });
      t.strictSame(
        requests.map(({ line }) => line),
        Array(2).fill("CONNECT origin.example:443 HTTP/1.1"),
      );
      t.strictSame(fieldsOf(requests, "proxy-authorization"), [null, "Basic cHU6cHc="]);
      t.strictSame(fieldsOf(requests), [null, null]);
      t.equal(server.log.length, 0);
    }
  });

  t.test("a CONNECT that is refused for good says why", async (t) => {
    const { sess } = await through([answer(407, PBASIC), answer(407, PBASIC)], "https");
    ne_set_proxy_auth(sess, giving(1).creds);
    t.strictSame(await send(sess, "/"), {
      code: NE_PROXYAUTH,
      status: 0,
      error:
        "Could not create SSL connection through proxy server: " +
        "Could not authenticate to proxy server: rejected Basic challenge",
    });
  });

  t.test("ne_add_auth is for CONNECT, too", async (t) => {
    const { sess, requests } = await through([answer(407, PBASIC), answer(403)], "https");
    const asked = providing(1);
    ne_add_auth(sess, NE_AUTH_BASIC, asked.creds);
    await send(sess, "/");
    t.strictSame(asked.log, [[0, NE_AUTH_BASIC | NE_AUTH_PROXY, "p"]]);
    t.strictSame(fieldsOf(requests, "proxy-authorization"), [null, U_PW]);
  });

  t.test("a server that plays the proxy gets nothing", async (t) => {
    const { sess, requests } = await against(t, [answer(407, PBASIC), answer(200)]);
    const asked = giving(9);
    ne_set_proxy_auth(sess, asked.creds);
    t.strictSame(await send(sess, "/"), { code: NE_OK, status: 407, error: "407 X" });
    await send(sess, "/");
    t.strictSame(fieldsOf(requests, "proxy-authorization"), [null, null]);
    t.equal(asked.log.length, 0);
  });
});

t.test("callbacks", async (t) => {
  t.test("may be promises, and may use their own session", async (t) => {
    const srv = await scripted(t, [
      [answer(401, BASIC), OK],
      [(request) => (request.target === "/other" ? OK : answer(500))],
    ]);
    const sess = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(sess));
    ne_set_server_auth(sess, async (_, _realm, attempt, username, password) => {
      t.equal((await send(sess, "/other")).status, 200);
      username.value = "u";
      password.value = "pw";
      return attempt;
    });
    t.equal((await send(sess, "/a")).code, NE_OK);
    t.equal(srv.requests.at(-1)?.field("authorization"), U_PW);
  });

  t.test("get their userdata, null if there is none", async (t) => {
    const { sess } = await against(t, [answer(401, BASIC, DIGEST)]);
    const seen: unknown[] = [];
    const data = { mine: true };
    ne_add_server_auth(sess, NE_AUTH_BASIC, (userdata) => seen.push(userdata), data);
    ne_add_server_auth(sess, NE_AUTH_DIGEST, (userdata) => seen.push(userdata));
    await send(sess, "/");
    t.strictSame(seen, [null, data]);
  });

  t.test("what they throw, or reject with, leaves as it is", async (t) => {
    const mine = new Error("mine");
    const throwing: ne_auth_creds[] = [
      () => {
        throw mine;
      },
      () => Promise.reject(mine),
    ];
    for (const creds of throwing) {
      const srv = await scripted(t, [[answer(401, BASIC)], [OK]]);
      const sess = sessionTo(srv.port);
      t.teardown(() => ne_session_destroy(sess));
      ne_set_server_auth(sess, creds);
      await t.rejects(send(sess, "/"), mine);
      t.equal((await send(sess, "/")).code, NE_OK, "the session lives, on a new connection");
    }
  });

  t.test("that give something else are a mistake", async (t) => {
    const rows: [ne_auth_creds, string][] = [
      [() => undefined as unknown as number, "the callback must return a number"],
      [
        (_, _realm, _attempt, username) => {
          username.value = 1 as unknown as string;
          return 0;
        },
        "the user name must be a string, not number",
      ],
    ];
    for (const [creds, what] of rows) {
      const { sess } = await against(t, [answer(401, BASIC)]);
      ne_set_server_auth(sess, creds);
      await t.rejects(send(sess, "/"), new TypeError(`ne_set_server_auth: ${what}`));
    }
  });

  t.test("requests made before the registration are not authenticated", async (t) => {
    const { sess } = await against(t, [answer(401, BASIC)]);
    const req = ne_request_create(sess, "GET", "/");
    ne_set_server_auth(sess, giving(1).creds);
    t.equal(await ne_request_dispatch(req), NE_OK);
    ne_request_destroy(req);
  });
});

t.test("misuse", async (t) => {
  const sess = ne_session_create("http", "localhost", 80);
  const no = null as unknown as ne_auth_creds;
  const noFunction = (name: string): TypeError =>
    new TypeError(`${name}: the callback must be a function`);
  t.throws(() => ne_set_server_auth(sess, no), noFunction("ne_set_server_auth"));
  t.throws(() => ne_set_proxy_auth(sess, no), noFunction("ne_set_proxy_auth"));
  t.throws(() => ne_add_server_auth(sess, NE_AUTH_DIGEST), noFunction("ne_add_server_auth"));
  t.throws(() => ne_add_proxy_auth(sess, NE_AUTH_ALL, null), noFunction("ne_add_proxy_auth"));
  t.throws(
    () => ne_add_auth(sess, NE_AUTH_ALL, null as unknown as ne_auth_provide),
    noFunction("ne_add_auth"),
  );
  t.throws(
    () => ne_add_auth(sess, "1" as unknown as number, () => 0),
    new TypeError("ne_add_auth: the protocol must be a number"),
  );
  ne_session_destroy(sess);
  const gone = "the ne_session was destroyed already";
  t.throws(() => ne_set_server_auth(sess, () => 0), new TypeError(`ne_set_server_auth: ${gone}`));
  t.throws(() => ne_forget_auth(sess), new TypeError(`ne_forget_auth: ${gone}`));
});

t.test("NTLM", async (t) => {
  const TYPE2 =
    "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgAC" +
    "AAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";
  const typeOf = (request: PeerRequest | undefined): number => {
    const [name, token] = (request?.field("authorization") ?? "").split(" ");
    return name === "NTLM" ? Buffer.from(token ?? "", "base64").readUInt32LE(8) : 0;
  };
  const ask = (token = ""): string => answer(401, `WWW-Authenticate: NTLM ${token}`);

  t.test("belongs to a connection", async (t) => {
    const last = answer(200, "Connection: close");
    const srv = await scripted(t, [
      [ask(), ask(TYPE2), OK, last, END],
      [ask(TYPE2), OK, OK],
    ]);
    const sess = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(sess));
    const asked = giving(1, "Domain\\User");
    ne_add_server_auth(sess, NE_AUTH_NTLM, asked.creds);
    t.equal((await send(sess, "/")).code, NE_OK);
    t.equal(ne_get_session_flag(sess, NE_SESSFLAG_CONNAUTH), 1);
    t.equal((await send(sess, "/", "POST", "x")).code, NE_OK);
    t.equal((await send(sess, "/")).code, NE_OK, "over a new connection");
    t.equal((await send(sess, "/")).code, NE_OK);
    t.strictSame(asked.log, [["", 0]]);
    t.strictSame(srv.requests.map(typeOf), [0, 1, 3, 0, 1, 3, 0]);
    ne_forget_auth(sess);
    t.equal(ne_get_session_flag(sess, NE_SESSFLAG_CONNAUTH), 0);
  });

  t.test("asks again when it is refused", async (t) => {
    const { sess, requests } = await against(t, [ask(), ask(TYPE2), ask(), ask(TYPE2), ask()]);
    const asked = giving(2);
    ne_add_server_auth(sess, NE_AUTH_NTLM, asked.creds);
    t.strictSame(await send(sess, "/"), {
      code: NE_AUTH,
      status: 401,
      error: "Could not authenticate to server: rejected NTLM challenge",
    });
    t.strictSame(
      asked.log.map(([, attempt]) => attempt),
      [0, 1, 2],
    );
    t.strictSame(requests.map(typeOf), [0, 1, 3, 1, 3]);
  });

  t.test("gives up a server that means no handshake, or closes during it", async (t) => {
    const { sess } = await against(t, [ask(), ask()]);
    ne_add_server_auth(sess, NE_AUTH_NTLM, giving(9).creds);
    t.equal(
      (await send(sess, "/")).error,
      "Could not authenticate to server: rejected NTLM challenge",
    );

    const closing = (token: string): Answer[] => [
      answer(401, `WWW-Authenticate: NTLM ${token}`, "Connection: close"),
    ];
    const srv = await scripted(
      t,
      ["", TYPE2, TYPE2, TYPE2, TYPE2].map((token) => [...closing(token), END]),
    );
    const other = sessionTo(srv.port);
    t.teardown(() => ne_session_destroy(other));
    ne_add_server_auth(other, NE_AUTH_NTLM, giving(9).creds);
    t.equal(
      (await send(other, "/")).error,
      "Could not authenticate to server: NTLM needs a connection that is kept",
    );
  });
});

t.test("nothing secret is shown", async (t) => {
  let shown = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      shown += String(chunk);
      done();
    },
  });
  ne_debug_init(stream, NE_DBG_HTTP | NE_DBG_HTTPAUTH | NE_DBG_SOCKET);
  t.teardown(() => ne_debug_init(null, 0));
  const secretive: ne_auth_creds = (_, _realm, attempt, username, password) => {
    username.value = "hidden-user";
    password.value = "hidden-password";
    return attempt;
  };
  for (const challenge of [BASIC, DIGEST]) {
    const { sess } = await against(t, [answer(401, challenge), answer(401, challenge)]);
    ne_set_server_auth(sess, secretive);
    const { error } = await send(sess, "/");
    t.notMatch(error, /hidden/);
  }
  t.match(shown, /Basic challenge/);
  t.notMatch(shown, /hidden/);
  t.notMatch(shown, Buffer.from("hidden-user:hidden-password").toString("base64"));
});

t.test("malformed: whatever a server sends ends in a code", async (t) => {
  let seed = 31337;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const words = [
    "Basic ",
    "Digest ",
    "NTLM ",
    "Negotiate ",
    "realm=",
    "nonce=",
    "qop=",
    "stale=true",
    "domain=",
    "algorithm=",
    "MD5-sess",
    "auth",
    "auth-int",
    '"',
    ",",
    " ",
    "\\",
    "x",
    "=",
    "/a",
    "http://[",
  ];
  const line = (): string => {
    let text = "";
    for (let i = next(30); i > 0; i--) text += words[next(words.length)];
    return text;
  };
  const srv = await scripted(t, async (peer) => {
    for (;;) {
      while (peer.unread === 0) {
        if (peer.ended) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await peer.readRequest();
      await peer.write(
        answer(401, `WWW-Authenticate: ${line()}`, `Authentication-Info: ${line()}`),
      );
    }
  });
  const sess = sessionTo(srv.port);
  t.teardown(() => ne_session_destroy(sess));
  ne_add_server_auth(sess, NE_AUTH_ALL | NE_AUTH_LEGACY_DIGEST, giving(3).creds);
  const codes = new Set<number>();
  for (let round = 0; round < 200; round++) codes.add((await send(sess, "/a")).code);
  for (const code of codes) t.ok([NE_OK, NE_ERROR, NE_AUTH].includes(code), `code ${code}`);
});

t.test("requests that run at once", async (t) => {
  const TYPE2 =
    "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgAC" +
    "AAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";

  /** A server that answers only when both connections have asked. */
  const pair = async (
    t: TestScope,
    reply: (request: PeerRequest, turn: number) => string,
  ): Promise<{ sess: ne_session; requests: readonly PeerRequest[] }> => {
    const both = gate();
    let waiting = 0;
    const srv = await scripted(t, async (peer) => {
      for (let turn = 0; ; turn++) {
        while (peer.unread === 0) {
          if (peer.ended) return;
          await new Promise((resolve) => setImmediate(resolve));
        }
        const request = await peer.readRequest();
        if (++waiting === 2) both.open();
        await both.opened;
        await peer.write(reply(request, turn));
      }
    });
    const sess = sessionTo(srv.port);
    nx_set_max_connections(sess, 2);
    t.teardown(() => ne_session_destroy(sess));
    return { sess, requests: srv.requests };
  };

  t.test("share a login that one of them made, and never a nonce count", async (t) => {
    const { sess, requests } = await pair(t, (request) =>
      request.field("authorization") === null ? answer(401, DIGEST) : OK,
    );
    const asked = giving(1);
    ne_set_server_auth(sess, asked.creds);
    const results = await Promise.all([send(sess, "/a"), send(sess, "/b")]);
    t.strictSame(
      results.map(({ code, status }) => [code, status]),
      [
        [NE_OK, 200],
        [NE_OK, 200],
      ],
    );
    t.equal(asked.log.length, 1, "asked once");
    const signed = requests.filter((request) => request.field("authorization") !== null);
    t.strictSame(signed.map((request) => digestParams(request).get("nc")).sort(), [
      "00000001",
      "00000002",
    ]);
  });

  t.test("make an NTLM handshake each on its own connection", async (t) => {
    const typeOf = (request: PeerRequest): number => {
      const token = (request.field("authorization") ?? "").split(" ")[1];
      return token === undefined ? 0 : Buffer.from(token, "base64").readUInt32LE(8);
    };
    const { sess, requests } = await pair(t, (request, turn) => {
      if (turn > 2) return OK;
      const type = typeOf(request);
      if (type === 3) return OK;
      return answer(401, `WWW-Authenticate: NTLM${type === 1 ? ` ${TYPE2}` : ""}`);
    });
    const asked = giving(1);
    ne_add_server_auth(sess, NE_AUTH_NTLM, asked.creds);
    const results = await Promise.all([send(sess, "/a"), send(sess, "/b")]);
    t.strictSame(
      results.map(({ code }) => code),
      [NE_OK, NE_OK],
    );
    for (const target of ["/a", "/b"]) {
      const types = requests.filter((request) => request.target === target).map(typeOf);
      t.strictSame(types, [0, 1, 3], target);
    }
    t.equal(asked.log.length, 1, "asked once");
  });
});

t.test("requests that are refused while a person is asked", async (t) => {
  /** Serves any number of connections; what carries `accepted` gets in. */
  const open = async (
    t: TestScope,
    accepted: string = U_PW,
  ): Promise<{ sess: ne_session; all: (...targets: string[]) => Promise<number[]> }> => {
    const serve = async (peer: Peer): Promise<void> => {
      for (;;) {
        const request = await peer.readRequest().catch(() => null);
        if (request === null) return;
        const free = request.target.startsWith("/free");
        const good = free || request.field("authorization") === accepted;
        await peer.write(good ? OK : answer(401, BASIC));
      }
    };
    const scripts = Array.from({ length: 20 }, () => serve);
    const sess = sessionTo((await scripted(t, scripts, { fewer: true })).port);
    t.teardown(() => ne_session_destroy(sess));
    const all = async (...targets: string[]): Promise<number[]> =>
      (await Promise.all(targets.map((target) => send(sess, target)))).map(({ code }) => code);
    return { sess, all };
  };
  const thinking = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  await t.test("wait for the answer", async (t) => {
    const { sess, all } = await open(t);
    const attempts: number[] = [];
    ne_set_server_auth(sess, async (_userdata, _realm, attempt, username, password) => {
      attempts.push(attempt);
      await thinking();
      username.value = "u";
      password.value = "pw";
      return 0;
    });
    t.strictSame(await all("/a", "/b", "/c"), [NE_OK, NE_OK, NE_OK]);
    t.strictSame(attempts, [0], "asked once");
  });

  await t.test("count a wrong answer as their own", async (t) => {
    const { sess, all } = await open(t, "nothing");
    const attempts: number[] = [];
    ne_set_server_auth(sess, async (_userdata, _realm, attempt, username, password) => {
      attempts.push(attempt);
      await thinking();
      username.value = "u";
      password.value = "wrong";
      return attempt;
    });
    t.strictSame(await all("/a", "/b", "/c"), [NE_AUTH, NE_AUTH, NE_AUTH]);
    t.strictSame(attempts, [0, 1, 1, 1], "tried once, given up by each");
  });

  await t.test("ask themselves if nobody answered, one after the other", async (t) => {
    const { sess, all } = await open(t);
    const attempts: number[] = [];
    let asking = 0;
    let most = 0;
    ne_set_server_auth(sess, async (_userdata, _realm, attempt) => {
      attempts.push(attempt);
      most = Math.max(most, ++asking);
      await thinking();
      asking--;
      return -1;
    });
    t.strictSame(await all("/a", "/b", "/c"), [NE_AUTH, NE_AUTH, NE_AUTH]);
    t.strictSame([attempts, most], [[0, 0, 0], 1]);
  });

  await t.test("do not wait if the callback itself made them", async (t) => {
    const { sess, all } = await open(t);
    const targets: string[] = [];
    ne_set_server_auth(sess, async (_userdata, _realm, _attempt, username, password) => {
      await thinking();
      username.value = "u";
      if (targets.length > 0) {
        password.value = "pw";
        return 0;
      }
      for (const target of ["/free", "/locked"]) {
        targets.push(target);
        t.equal((await send(sess, target)).code, NE_OK);
      }
      password.value = "pw";
      return 0;
    });
    t.strictSame(await all("/a", "/b"), [NE_OK, NE_OK]);
    t.strictSame(targets, ["/free", "/locked"]);
  });

  await t.test("do not wait if the callback itself began them", async (t) => {
    const cases: [why: string, made: "before" | "at once"][] = [
      ["made before the callback was called", "before"],
      ["made by the callback before it returned its promise", "at once"],
    ];
    for (const [why, made] of cases) {
      const { sess } = await open(t);
      const make = (): ne_request => ne_request_create(sess, "GET", "/locked");
      let early: ne_request | null = null;
      const codes: number[] = [];
      ne_set_server_auth(sess, async (_userdata, _realm, _attempt, username, password) => {
        if (codes.length > 0) return 1;
        codes.push(-1);
        const req = early ?? make();
        codes.push(await ne_request_dispatch(req));
        ne_request_destroy(req);
        username.value = "u";
        password.value = "pw";
        return 0;
      });
      if (made === "before") early = make();
      t.equal((await send(sess, "/a")).code, NE_OK, why);
      t.strictSame(codes, [-1, NE_AUTH], why);
    }
  });

  await t.test("wait as CONNECT, too, made while the callback thinks", async (t) => {
    const serve = async (peer: Peer): Promise<void> => {
      for (;;) {
        const request = await peer.readRequest().catch(() => null);
        if (request === null) return;
        const good = request.field("proxy-authorization") === U_PW;
        await peer.write(answer(good ? 403 : 407, 'Proxy-Authenticate: Basic realm="p"'));
      }
    };
    const scripts = Array.from({ length: 20 }, () => serve);
    const { port } = await scripted(t, scripts, { fewer: true });
    const sess = ne_session_create("https", "origin.example", 443);
    t.teardown(() => ne_session_destroy(sess));
    ne_session_proxy(sess, "127.0.0.1", port);
    let calls = 0;
    ne_set_proxy_auth(sess, async (_userdata, _realm, _attempt, username, password) => {
      calls++;
      await thinking();
      username.value = "u";
      password.value = "pw";
      return 0;
    });
    const sent = await Promise.all(["/a", "/b", "/c"].map((target) => send(sess, target)));
    t.strictSame(sent.map(({ code }) => code), [NE_ERROR, NE_ERROR, NE_ERROR]);
    t.equal(calls, 1, "asked once");
  });

  await t.test("ask themselves if the request that asked is broken off", async (t) => {
    const { sess } = await open(t);
    let answerFirst = (): void => {};
    let calls = 0;
    ne_set_server_auth(sess, async (_userdata, _realm, _attempt, username, password) => {
      const isFirst = ++calls === 1;
      if (isFirst) await new Promise<void>((resolve) => (answerFirst = resolve));
      username.value = "u";
      password.value = isFirst ? "late" : "pw";
      return 0;
    });
    const req = ne_request_create(sess, "GET", "/a");
    const first = ne_request_dispatch(req);
    const second = send(sess, "/b");
    while (calls === 0) await thinking();
    nx_request_abort(req);
    t.equal(await first, NE_ERROR);
    t.equal((await second).code, NE_OK);
    answerFirst();
    await thinking();
    t.equal((await send(sess, "/c")).code, NE_OK, "the late answer is nobody's");
    t.equal(calls, 2);
  });

  await t.test("are not asked for any more once they are broken off", async (t) => {
    const { sess } = await open(t);
    const answers: (() => void)[] = [];
    ne_set_server_auth(sess, async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return 1;
    });
    const first = send(sess, "/a");
    const req = ne_request_create(sess, "GET", "/b");
    const second = ne_request_dispatch(req);
    while (ne_get_status(req).code !== 401) await thinking();
    await thinking();
    nx_request_abort(req);
    t.equal(await second, NE_ERROR);
    answers[0]?.();
    t.equal((await first).code, NE_AUTH);
    await thinking();
    t.equal(answers.length, 1, "nobody was asked for the second");
  });
});

t.test("a clone of a session has the callbacks, and none of the logins", async (t) => {
  const { sess, requests } = await against(t, [answer(401, BASIC), OK]);
  const asked = giving(1);
  ne_set_server_auth(sess, asked.creds);
  await send(sess, "/a");
  const other = await scripted(t, [[answer(401, BASIC), OK]]);
  const clone = nx_session_clone(sess, "http", "127.0.0.1", other.port);
  t.teardown(() => ne_session_destroy(clone));
  t.equal((await send(clone, "/a")).code, NE_OK);
  t.strictSame(fieldsOf(requests), [null, U_PW]);
  t.strictSame(fieldsOf(other.requests), [null, U_PW], "it is asked for by the other server");
  t.equal(asked.log.length, 2);
});

t.test("credentials are for the session's own server, whatever a target names", async (t) => {
  const rows: [name: string, challenge: string, again: string][] = [
    ["Basic", BASIC, BASIC],
    ["Digest", DIGEST, DIGEST],
  ];
  for (const [name, challenge, again] of rows) {
    const foreign = [
      "http://other.example/x",
      "http://origin.example:81/x",
      "https://origin.example/x",
      "http://origin.example@other.example/x",
      "ftp://origin.example/x",
    ];
    const own = ["/x", "http://origin.example/x", "HTTP://ORIGIN.example:80/x", "//other.example/x"];
    const proxy = await scripted(t, [
      [answer(401, challenge), OK, ...foreign.map(() => answer(401, again)), ...own.map(() => OK)],
    ]);
    const sess = ne_session_create("http", "origin.example", 80);
    t.teardown(() => ne_session_destroy(sess));
    ne_session_proxy(sess, "127.0.0.1", proxy.port);
    const asked = giving(10);
    ne_set_server_auth(sess, asked.creds);
    t.equal((await send(sess, "/x")).code, NE_OK);
    for (const target of foreign) {
      const { code, status } = await send(sess, target);
      t.strictSame([code, status], [NE_OK, 401], `${name}: ${target} is not answered for`);
      t.equal(proxy.requests.at(-1)?.field("authorization"), null, target);
    }
    for (const target of own) {
      t.equal((await send(sess, target)).code, NE_OK);
      t.match(proxy.requests.at(-1)?.field("authorization"), name, `${name}: ${target}`);
    }
    t.equal(asked.log.length, 1, "nobody is asked for another server's password");
  }
});

t.test("a callback finds the user name that was given last, as in C", async (t) => {
  const server = await scripted(t, [
    [answer(401, BASIC), answer(401, BASIC), OK, answer(401, BASIC), OK, answer(401, BASIC), OK],
  ]);
  const sess = sessionTo(server.port);
  t.teardown(() => ne_session_destroy(sess));
  const found: [number, string, string][] = [];
  ne_set_server_auth(sess, (_, _realm, attempt, username, password) => {
    found.push([attempt, username.value, password.value]);
    // a program that asks a person only for what is missing
    if (username.value === "") username.value = "ann";
    else if (attempt > 0) username.value += attempt;
    password.value = "pw";
    return attempt > 1 ? 1 : 0;
  });
  await send(sess, "/");
  await send(sess, "/");
  ne_forget_auth(sess);
  await send(sess, "/");
  t.strictSame(found, [
    [0, "", ""],
    [1, "ann", ""],
    [0, "ann1", ""],
    [0, "ann1", ""],
  ]);
});

t.test("a first Digest challenge that calls itself stale is answered, Basic is not", async (t) => {
  const stale = answer(401, `${DIGEST}, stale=true`, BASIC);
  const server = await scripted(t, [[stale, OK, stale, OK]]);
  const sess = sessionTo(server.port);
  t.teardown(() => ne_session_destroy(sess));
  const asked = giving(1);
  ne_set_server_auth(sess, asked.creds);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal((await send(sess, "/")).code, NE_OK);
  t.equal(asked.log.length, 1, "the second time the nonce was stale");
  for (const at of [1, 2, 3]) t.match(server.requests[at]?.field("authorization"), /^Digest /);
});

t.test("debug output tells what C's tells", async (t) => {
  const server = await scripted(t, [
    [answer(401, "WWW-Authenticate: Foo a=b", BASIC), answer(401, BASIC), OK],
  ]);
  const sess = sessionTo(server.port);
  t.teardown(() => ne_session_destroy(sess));
  ne_set_server_auth(sess, giving(1).creds);
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done): void {
      text += String(chunk);
      done();
    },
  });
  ne_debug_init(stream, NE_DBG_HTTPAUTH);
  t.teardown(() => ne_debug_init(null, 0));
  t.equal((await send(sess, "/x/y")).code, NE_AUTH);
  t.equal((await send(sess, "/x/y")).code, NE_OK);
  t.strictSame(text.split("\n"), [
    "auth: Create for WWW-Authenticate",
    `auth: Post-send (#0), code is 401 (want 401), WWW-Authenticate is Foo a=b, ${BASIC.slice(18)}`,
    "auth: Got challenge (code 401).",
    "auth: Got 'Basic' challenge.",
    "auth: Trying Basic challenge...",
    "auth: Accepted Basic challenge.",
    "auth: Sending 'Basic' response.",
    `auth: Post-send (#1), code is 401 (want 401), WWW-Authenticate is ${BASIC.slice(18)}`,
    "auth: Got challenge (code 401).",
    "auth: Got 'Basic' challenge.",
    "auth: Trying Basic challenge...",
    "auth: No challenges accepted.",
    "auth: Create for WWW-Authenticate",
    "auth: Post-send (#0), code is 200 (want 401), WWW-Authenticate is (none)",
    "",
  ]);
});
