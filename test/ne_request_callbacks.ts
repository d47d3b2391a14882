// What an application's callbacks may do to the conversation that calls them: wait, throw, use the
// session again, close its connection, destroy the request or the session. None of it may hang,
// lose an error, or leave the session unusable.
import t from "tap";
import type { Test } from "tap";
import {
  NE_ERROR,
  NE_FAILED,
  NE_OK,
  NE_RETRY,
  ne_accept_always,
  ne_add_interim_handler,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_close_connection,
  ne_discard_response,
  ne_end_request,
  ne_get_error,
  ne_get_request_private,
  ne_get_response_header,
  ne_get_status,
  ne_hook_close_conn,
  ne_hook_create_request,
  ne_hook_destroy_request,
  ne_hook_destroy_session,
  ne_hook_post_headers,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_set_error,
  ne_set_notifier,
  ne_set_request_body_provider,
  ne_set_request_flag,
  ne_set_request_private,
  ne_status_connected,
  ne_status_connecting,
  ne_status_disconnected,
  ne_status_recving,
  ne_status_sending,
  ne_unhook_close_conn,
  ne_unhook_create_request,
  ne_unhook_destroy_request,
  ne_unhook_destroy_session,
  ne_unhook_post_headers,
  ne_unhook_post_send,
  ne_unhook_pre_send,
  ne_buffer_zappend,
  NE_REQFLAG_EXPECT100,
} from "../lib/index.js";
import type { ne_request, ne_session } from "../lib/index.js";
import { nx_set_max_connections } from "../lib/nx_session.js";
import {
  failureOf,
  mistake,
  OK,
  openSession,
  send,
  settled,
  UNTIL_END,
} from "./fixtures/conversation.js";
import { gate, scripted, type Peer, type ScriptedServer } from "./fixtures/server.js";

/** Answers every request of every connection; `/until` with a body until the end. */
async function answering(t: Test): Promise<ScriptedServer> {
  return await scripted(t, async (peer: Peer) => {
    for (;;) {
      const asked = await peer.readHead().catch(() => null);
      if (asked === null) return;
      if (asked.field("expect") !== null) await peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      if ((await peer.readBody().catch(() => null)) === null) return;
      if (asked.target === "/until") {
        await peer.write(`${UNTIL_END}ok`);
        return await peer.end();
      }
      const interim = asked.target === "/interim" ? "HTTP/1.1 102 Wait\r\n\r\n" : "";
      await peer.write(interim + OK);
    }
  });
}

// ---- every callback that a dispatch may wait for ----

/** Where a callback can be put; each calls `act` once when its request is dispatched. */
type Place = (sess: ne_session, req: ne_request, act: () => unknown) => void;

/** `act` the first time, and then no more. */
function once(act: () => unknown): () => unknown {
  let done = false;
  return () => {
    if (done) return undefined;
    done = true;
    return act();
  };
}

const zero = async (value: unknown): Promise<number> => {
  await value;
  return 0;
};

const isThenable = (value: unknown): boolean => value instanceof Promise;

const orZero = (value: unknown): number | Promise<number> => (isThenable(value) ? zero(value) : 0);
const orNothing = (value: unknown): void | Promise<void> => value as void | Promise<void>;

const notified =
  (kind: number): Place =>
  (sess, _req, act) => {
    const first = once(act);
    ne_set_notifier(sess, (_userdata, status) =>
      status === kind ? orNothing(first()) : undefined,
    );
  };

const providing =
  (rewind: boolean): Place =>
  (_sess, req, act) => {
    let left = 4;
    ne_set_request_body_provider(req, 4, (_userdata, buffer) => {
      if (buffer.length === 0) left = 4;
      const here = rewind ? buffer.length === 0 : buffer.length > 0 && left > 0;
      const result = here ? act() : undefined;
      const count = Math.min(left, buffer.length);
      buffer.fill(0x70, 0, count);
      left -= count;
      return isThenable(result) ? zero(result).then(() => count) : count;
    });
  };

const PLACES: Record<string, Place> = {
  "notifier, connecting": notified(ne_status_connecting),
  "notifier, connected": notified(ne_status_connected),
  "notifier, sending": (sess, req, act) => {
    providing(false)(sess, req, () => undefined);
    notified(ne_status_sending)(sess, req, act);
  },
  "notifier, receiving": notified(ne_status_recving),
  "pre_send hook": (sess, _req, act) => ne_hook_pre_send(sess, () => orNothing(act())),
  "rewinding provider": providing(true),
  provider: providing(false),
  "interim handler": (_sess, req, act) => ne_add_interim_handler(req, () => orNothing(act())),
  "post_headers hook": (sess, _req, act) => ne_hook_post_headers(sess, () => orNothing(act())),
  "acceptance callback": (_sess, req, act) =>
    ne_add_response_body_reader(
      req,
      () => orZero(act()),
      () => 0,
    ),
  reader: (_sess, req, act) =>
    ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) =>
      block.length > 0 ? orZero(act()) : 0,
    ),
  "reader, at the end": (_sess, req, act) =>
    ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) =>
      block.length === 0 ? orZero(act()) : 0,
    ),
  "post_send hook": (sess, _req, act) => ne_hook_post_send(sess, () => orZero(act())),
};

/** Dispatches a request with a callback at a place, on a session of its own. */
async function dispatchWith(
  t: Test,
  server: ScriptedServer,
  place: Place,
  act: (sess: ne_session, req: ne_request) => unknown,
): Promise<{ sess: ne_session; req: ne_request; code: number | null; thrown: unknown }> {
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "PUT", "/interim");
  place(
    sess,
    req,
    once(() => act(sess, req)),
  );
  let code: number | null = null;
  const thrown = await failureOf(async () => (code = await ne_request_dispatch(req)));
  return { sess, req, code, thrown };
}

for (const [name, place] of Object.entries(PLACES)) {
  t.test(`${name}: is waited for`, async (t) => {
    const server = await answering(t);
    let over = false;
    const { code, req } = await dispatchWith(t, server, place, async () => {
      await settled();
      over = true;
    });
    t.strictSame([code, over], [NE_OK, true]);
    ne_request_destroy(req);
  });

  t.test(`${name}: what it throws or rejects with leaves as it is`, async (t) => {
    const server = await answering(t);
    for (const boom of [new Error("thrown"), "no error", undefined]) {
      for (const act of [
        () => {
          throw boom;
        },
        () => Promise.reject(boom),
        () =>
          settled().then(() => {
            throw boom;
          }),
      ]) {
        let called = false;
        const sess = openSession(t, server.port);
        const req = ne_request_create(sess, "PUT", "/interim");
        place(sess, req, once(act));
        try {
          await ne_request_dispatch(req);
          t.fail("nothing was thrown");
        } catch (error) {
          called = true;
          t.equal(error, boom);
        }
        t.ok(called);
        t.equal((await send(sess)).code, NE_OK, "the session goes on");
        ne_request_destroy(req);
      }
    }
  });

  t.test(`${name}: may use its session, which goes on over its own connection`, async (t) => {
    const server = await answering(t);
    const nested: unknown[] = [];
    const { sess, req, code } = await dispatchWith(t, server, place, async (sess) => {
      nested.push((await send(sess, "GET", "/nested")).code);
    });
    t.strictSame([code, nested], [NE_OK, [NE_OK]]);
    t.equal((await send(sess)).code, NE_OK);
    ne_request_destroy(req);
  });

  t.test(`${name}: may destroy its request`, async (t) => {
    const ways: [string, (req: ne_request) => unknown][] = [
      ["at once", (req) => ne_request_destroy(req)],
      ["later", (req) => settled().then(() => ne_request_destroy(req))],
      ["and fail", (req) => (ne_request_destroy(req), Promise.reject(new Error("not heard")))],
    ];
    for (const [when, destroy] of ways) {
      const server = await answering(t);
      const { sess, code } = await dispatchWith(t, server, place, (_sess, req) => destroy(req));
      t.strictSame([code, ne_get_error(sess)], [NE_ERROR, "Aborted"], when);
      t.equal((await send(sess)).code, NE_OK, "the session goes on");
    }
  });

  t.test(`${name}: may destroy its session`, async (t) => {
    const server = await answering(t);
    let error = "";
    const { sess, req, code } = await dispatchWith(t, server, place, (sess) => {
      ne_hook_destroy_session(sess, () => (error = ne_get_error(sess)) as never);
      ne_session_destroy(sess);
    });
    t.equal(code, NE_ERROR);
    t.type(error, "string");
    t.match(await mistake(() => ne_get_error(sess)), "was destroyed already");
    t.match(await mistake(() => ne_request_dispatch(req)), "the session was destroyed already");
    ne_request_destroy(req);
  });

  t.test(`${name}: may close the connection`, async (t) => {
    const server = await answering(t);
    let closes = 0;
    const { sess, req, code } = await dispatchWith(t, server, place, (sess) => {
      ne_hook_close_conn(sess, () => void closes++);
      ne_close_connection(sess);
      ne_close_connection(sess);
    });
    const error = ne_get_error(sess);
    // before there is a connection, and after all of the answer is there, nothing is lost
    const harmless = [
      "notifier, connecting",
      "pre_send hook",
      "reader, at the end",
      "post_send hook",
    ];
    const complete = ["reader", "notifier, receiving"];
    if (harmless.includes(name)) t.strictSame([code, error], [NE_OK, "200 OK"]);
    else if (!complete.includes(name) || code !== NE_OK) {
      t.equal(code, NE_ERROR);
      t.match(
        error,
        /^Could not [a-z ]+: Connection was closed by the application$|^Error reading/,
      );
    }
    t.ok(closes <= 1, "once at most");
    t.equal((await send(sess)).code, NE_OK, "the session goes on");
    ne_request_destroy(req);
  });
}

// ---- closing in the notifier is how some programs abort ----

t.test("a body until the end that was broken off is no success", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  ne_set_notifier(sess, (_userdata, status, info) => {
    if (status === ne_status_recving && info.sr.progress > 0) ne_close_connection(sess);
  });
  t.match(await send(sess, "GET", "/until"), {
    code: NE_ERROR,
    error: "Could not read response body: Connection was closed by the application",
    body: "ok",
  });
});

t.test("an upload broken off on a kept connection is not begun again", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).code, NE_OK);
  let rewinds = 0;
  ne_set_notifier(sess, (_userdata, status, info) => {
    if (status === ne_status_sending && info.sr.progress > 0) ne_close_connection(sess);
  });
  const result = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 100_000, (_userdata, buffer) => {
      if (buffer.length === 0) rewinds++;
      return buffer.length;
    });
  });
  t.strictSame([result.code, rewinds], [NE_ERROR, 1]);
  t.equal(result.error, "Could not send request body: Connection was closed by the application");
  t.equal((await send(sess)).code, NE_OK);
});

t.test("what the notifier says to a closing connection", async (t) => {
  const boom = new Error("boom");
  for (const act of [
    () => {
      throw boom;
    },
    () => Promise.reject(boom),
  ]) {
    const server = await scripted(t, ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", [OK]]);
    const sess = openSession(t, server.port);
    ne_set_notifier(sess, (_userdata, status) =>
      status === ne_status_disconnected ? act() : undefined,
    );
    t.equal(await failureOf(() => send(sess)), boom, "leaves through the request");
    ne_set_notifier(sess, null);
    t.equal((await send(sess)).code, NE_OK);
    ne_set_notifier(sess, (_userdata, status) =>
      status === ne_status_disconnected ? act() : undefined,
    );
    const thrown = await failureOf(() => ne_close_connection(sess));
    t.ok(thrown === boom || thrown === null, "or through the call that closed it");
    await settled();
    ne_set_notifier(sess, null);
  }
});

t.test("a close_conn hook that throws does not keep the connection, nor the turn", async (t) => {
  const server = await scripted(t, [
    ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
    [OK],
  ]);
  const sess = openSession(t, server.port);
  const boom = new Error("boom");
  const hook = (): void => {
    throw boom;
  };
  ne_hook_close_conn(sess, hook);
  t.equal(await failureOf(() => send(sess)), boom);
  ne_unhook_close_conn(sess, hook);
  t.equal((await send(sess)).code, NE_OK);
  await server.peers[0]?.readEof();
});

// ---- callbacks that give the wrong kind of answer ----

t.test("an answer that is no number is the callback's mistake", async (t) => {
  const wrong: [string, (sess: ne_session, req: ne_request, answer: never) => void][] = [
    [
      "ne_accept_response",
      (_sess, req, answer) =>
        ne_add_response_body_reader(
          req,
          () => answer,
          () => 0,
        ),
    ],
    [
      "ne_block_reader",
      (_sess, req, answer) => ne_add_response_body_reader(req, ne_accept_always, () => answer),
    ],
    ["ne_post_send_fn", (sess, _req, answer) => ne_hook_post_send(sess, () => answer)],
    ["ne_provide_body", (_sess, req, answer) => ne_set_request_body_provider(req, 1, () => answer)],
  ];
  for (const [callback, install] of wrong) {
    for (const [answer, shown] of [
      [undefined, "undefined"],
      [null, "null"],
      ["0", "string"],
    ] as const) {
      for (const given of [answer, Promise.resolve(answer)]) {
        const server = await scripted(t, (peer) =>
          peer.readHead().then(
            () => peer.write(OK),
            () => {},
          ),
        );
        const sess = openSession(t, server.port);
        const message = await mistake(() =>
          send(sess, "GET", "/", (req) => install(sess, req, given as never)),
        );
        t.equal(message, `${callback}: the callback returned ${shown}, not a number`);
      }
    }
  }
});

t.test("true and false are numbers", async (t) => {
  const server = await answering(t);
  const blocks: string[] = [];
  const result = await send(openSession(t, server.port), "GET", "/", (req) => {
    for (const accepted of [true, false]) {
      ne_add_response_body_reader(
        req,
        () => accepted as never,
        (_userdata, block) => {
          blocks.push(`${accepted}:${block}`);
          return false as never;
        },
      );
    }
  });
  t.equal(result.code, NE_OK);
  t.strictSame(blocks, ["true:ok", "true:"]);
});

t.test("hooks that nobody waits for must not return promises", async (t) => {
  const server = await scripted(t, (peer) => peer.readRequest().then(() => peer.write(OK)));
  const sess = openSession(t, server.port);
  const late = async (): Promise<void> => {
    throw new Error("nobody hears this");
  };
  const message = (callback: string): string =>
    `${callback}: the callback must not return a promise`;
  ne_hook_create_request(sess, late as never);
  t.equal(
    await mistake(() => ne_request_create(sess, "GET", "/")),
    message("ne_create_request_fn"),
  );
  ne_unhook_create_request(sess, late as never);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  ne_hook_close_conn(sess, late as never);
  t.equal(await mistake(() => ne_close_connection(sess)), message("ne_close_conn_fn"));
  ne_unhook_close_conn(sess, late as never);
  ne_hook_destroy_request(sess, late as never);
  t.equal(await mistake(() => ne_request_destroy(req)), message("ne_destroy_req_fn"));
  t.match(await mistake(() => ne_get_status(req)), "destroyed already");
  ne_unhook_destroy_request(sess, late as never);
  ne_hook_destroy_session(sess, late as never);
  t.equal(await mistake(() => ne_session_destroy(sess)), message("ne_destroy_sess_fn"));
  t.match(await mistake(() => ne_get_error(sess)), "destroyed already");
  await settled();
});

// ---- hooks: their order, and taking them back ----

t.test("hooks run in their order, with what is promised in each", async (t) => {
  const server = await answering(t);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  const seen: string[] = [];
  for (const name of ["1", "2"]) {
    ne_hook_create_request(
      sess,
      (_req, userdata, method, target) => void seen.push(`create${userdata} ${method} ${target}`),
      name,
    );
    ne_hook_pre_send(
      sess,
      (_req, userdata, header) => {
        seen.push(`pre_send${userdata}`);
        ne_buffer_zappend(header, `X-${userdata}: y\r\n`);
      },
      name,
    );
    ne_hook_post_headers(
      sess,
      (_req, userdata, { code }) => void seen.push(`post_headers${userdata} ${code}`),
      name,
    );
    ne_hook_post_send(
      sess,
      (_req, userdata, { code }) => {
        seen.push(`post_send${userdata} ${code}`);
        return NE_OK;
      },
      name,
    );
    ne_hook_destroy_request(
      sess,
      (req, userdata) => {
        const field = ne_get_response_header(req, "Content-Length");
        seen.push(
          `destroy${userdata} ${ne_get_status(req).code} ${field} ${ne_get_request_private(req, "mine")}`,
        );
      },
      name,
    );
    ne_hook_close_conn(sess, (userdata) => void seen.push(`close${userdata}`), name);
    ne_hook_destroy_session(sess, (userdata) => void seen.push(`end${userdata}`), name);
  }
  const req = ne_request_create(sess, "GET", "/a");
  ne_set_request_private(req, "mine", "kept");
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  ne_set_notifier(sess, (_userdata, status) => void seen.push(`n${status}`));
  ne_session_destroy(sess);
  t.strictSame(seen, [
    "create1 GET /a",
    "create2 GET /a",
    "pre_send1",
    "pre_send2",
    "post_headers1 200",
    "post_headers2 200",
    "post_send1 200",
    "post_send2 200",
    "destroy1 200 null kept",
    "destroy2 200 null kept",
    "end1",
    "end2",
    "n5",
    "close1",
    "close2",
  ]);
  t.match(server.requests[0]?.head, /X-1: y\r\nX-2: y\r\n\r\n$/);
});

t.test("the first post_send hook that is not content decides", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const seen: number[] = [];
  let attempts = 0;
  ne_hook_post_send(sess, () => (seen.push(1), NE_OK));
  ne_hook_post_send(sess, () => {
    seen.push(2);
    if (++attempts < 3) return NE_RETRY;
    ne_set_error(sess, "not after %d", attempts);
    return NE_FAILED;
  });
  ne_hook_post_send(sess, () => (seen.push(3), NE_OK));
  t.match(await send(sess), { code: NE_FAILED, error: "not after 3", body: "okokok" });
  t.strictSame(seen, [1, 2, 1, 2, 1, 2]);
  t.equal(server.connections, 1);
});

/** All kinds of hook. */
const HOOKS = [
  [ne_hook_create_request, ne_unhook_create_request],
  [ne_hook_pre_send, ne_unhook_pre_send],
  [ne_hook_post_headers, ne_unhook_post_headers],
  [ne_hook_post_send, ne_unhook_post_send],
  [ne_hook_destroy_request, ne_unhook_destroy_request],
  [ne_hook_destroy_session, ne_unhook_destroy_session],
  [ne_hook_close_conn, ne_unhook_close_conn],
] as unknown as [typeof ne_hook_close_conn, typeof ne_unhook_close_conn][];

t.test("unhooking takes the first hook of this function and this userdata away", async (t) => {
  const server = await answering(t);
  for (const [hook, unhook] of HOOKS) {
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const seen: unknown[] = [];
    const key = {};
    const userdataOf = (...args: unknown[]): unknown => (args.length === 1 ? args[0] : args[1]);
    const fn = ((...args: unknown[]) => seen.push(userdataOf(...args)) * 0) as never as (
      u: unknown,
    ) => void;
    hook(sess, fn, "a");
    hook(sess, fn, key);
    hook(sess, fn);
    hook(sess, fn, "a");
    unhook(sess, fn, {});
    unhook(sess, (() => 0) as never, "a");
    unhook(sess, fn, "a");
    unhook(sess, fn);
    const req = ne_request_create(sess, "GET", "/");
    await ne_request_dispatch(req);
    ne_request_destroy(req);
    ne_session_destroy(sess);
    t.strictSame(seen, [key, "a"], hook.name);
    t.equal(seen[0], key);
    t.match(await mistake(() => unhook(sess, fn)), `${unhook.name}: the ne_session was destroyed`);
    t.match(await mistake(() => hook(sess, fn)), `${hook.name}: the ne_session was destroyed`);
  }
});

t.test("hooks that hooks add run in the same pass, those removed do not", async (t) => {
  const server = await answering(t);
  for (const [hook, unhook] of HOOKS) {
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    const seen: string[] = [];
    const named = (name: string, act?: () => void): (() => void) => {
      return (() => {
        seen.push(name);
        act?.();
        return 0;
      }) as never;
    };
    const first = named("first");
    const third = named("third");
    const second = named("second", () => {
      unhook(sess, first);
      unhook(sess, third);
      hook(sess, named("added"));
    });
    for (const fn of [first, second, third, named("fourth")]) hook(sess, fn);
    const req = ne_request_create(sess, "GET", "/");
    await ne_request_dispatch(req);
    ne_request_destroy(req);
    ne_session_destroy(sess);
    t.strictSame(seen.slice(0, 4), ["first", "second", "fourth", "added"], hook.name);
  }
});

t.test("a destroy_request hook may remove itself, and must not destroy again", async (t) => {
  const sess = openSession(t, 1);
  const seen: string[] = [];
  let error = "";
  const hook = (_req: ne_request, userdata: string): void => {
    seen.push(userdata);
    ne_unhook_destroy_request(sess, hook, userdata);
  };
  ne_hook_destroy_request(sess, hook, "a");
  ne_hook_destroy_request(sess, hook, "b");
  const req = ne_request_create(sess, "GET", "/");
  ne_request_destroy(req);
  t.strictSame(seen, ["a", "b"]);
  ne_hook_destroy_request(sess, (again) => {
    try {
      ne_request_destroy(again);
    } catch (thrown) {
      error = (thrown as Error).message;
    }
  });
  ne_request_destroy(ne_request_create(sess, "GET", "/"));
  t.equal(error, "ne_request_destroy: the ne_request is being destroyed already");
});

t.test("a pre_send hook cannot smuggle a line end in a character", async (t) => {
  const server = await scripted(t, (peer) => peer.readEof());
  for (const bad of ["\u010a", "\u560d", "\u20ac"]) {
    const sess = openSession(t, server.port);
    ne_hook_pre_send(sess, (_req, _userdata, header) => ne_buffer_zappend(header, `X: ${bad}\r\n`));
    t.equal(
      await mistake(() => send(sess)),
      "ne_pre_send_fn: the header holds a character above U+00FF",
    );
  }
  t.equal(server.connections, 0);
});

// ---- turns ----

t.test("requests begun together take their turns on one connection", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const order: string[] = [];
  const names = Array.from({ length: 64 }, (_, i) => `/${i}`);
  const results = await Promise.all(
    names.map(async (name) => {
      const { code, body } = await send(sess, "GET", name);
      order.push(name);
      return `${code}${body}`;
    }),
  );
  t.strictSame(
    results,
    names.map(() => "0ok"),
  );
  t.strictSame(
    server.requests.map(({ target }) => target),
    names,
  );
  t.strictSame(order, names);
  t.equal(server.connections, 1);
});

t.test("64 requests on 8 connections", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  nx_set_max_connections(sess, 8);
  const names = Array.from({ length: 64 }, (_, i) => `/${i}`);
  const results = await Promise.all(names.map((name) => send(sess, "GET", name)));
  t.ok(results.every(({ code, body }) => code === NE_OK && body === "ok"));
  t.equal(server.connections, 8);
  t.strictSame(server.requests.map(({ target }) => target).sort(), [...names].sort());
  t.equal((await send(sess)).code, NE_OK);
  t.equal(server.connections, 8);
});

t.test("requests nested in callbacks, level by level", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const deepest = 12;
  const nest = async (level: number): Promise<number> => {
    const { code } = await send(sess, "GET", `/${level}`, (req) => {
      ne_add_response_body_reader(req, ne_accept_always, async (_userdata, block) =>
        block.length > 0 && level < deepest ? nest(level + 1) : 0,
      );
    });
    return code;
  };
  const beside = [nest(0), send(sess, "GET", "/beside").then(({ code }) => code)];
  t.strictSame(await Promise.all(beside), [NE_OK, NE_OK]);
  t.equal(server.requests.length, deepest + 2);
  // each has given its own back; the session's is kept
  for (const peer of server.peers.slice(1)) await peer.readEof();
  t.equal((await send(sess)).code, NE_OK);
  t.notOk(server.peers[0]?.ended);
});

t.test("a request waits for one that was begun by hand, until that one has ended", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const first = ne_request_create(sess, "GET", "/first");
  await ne_begin_request(first);
  let over = false;
  const second = send(sess, "GET", "/second").then((result) => {
    over = true;
    return result;
  });
  await settled();
  t.strictSame([over, server.requests.length], [false, 1]);
  await ne_discard_response(first);
  await ne_end_request(first);
  t.equal((await second).code, NE_OK);
  ne_request_destroy(first);
  t.equal(server.connections, 1);
});

t.test("a turn that fails or is destroyed lets the next one in", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const boom = new Error("boom");
  const failing = send(sess, "GET", "/1", (req) => {
    ne_add_response_body_reader(req, ne_accept_always, () => {
      throw boom;
    });
  });
  const waiting = ne_request_create(sess, "GET", "/2");
  const destroyed = ne_request_dispatch(waiting);
  const last = send(sess, "GET", "/3");
  ne_request_destroy(waiting);
  t.equal(await failureOf(() => failing), boom);
  t.equal(await destroyed, NE_ERROR);
  t.equal((await last).code, NE_OK);
  t.strictSame(
    server.requests.map(({ target }) => target),
    ["/1", "/3"],
  );
});

t.test("a request that is destroyed while it waits for the network ends at once", async (t) => {
  const server = await scripted(t, (peer) => peer.readEof());
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  const code = ne_request_dispatch(req);
  while (server.received[0]?.endsWith("\r\n\r\n") !== true) await settled();
  ne_request_destroy(req);
  t.equal(await code, NE_ERROR);
  t.equal(ne_get_error(sess), "Aborted");
  await server.peers[0]?.readEof();
});

t.test("an upload that waits for its provider hears of an early answer", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  const result = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, -1, (_userdata, buffer) =>
      buffer.length === 0 ? 0 : new Promise<number>(() => {}),
    );
  });
  t.match(result, { code: NE_OK, error: "413 Too Large" });
  t.equal((await send(sess)).code, NE_OK, "the connection with half a request is not used again");
});

t.test("a body that nothing holds up is sent before an early answer is read", async (t) => {
  const both = `HTTP/1.1 100 Continue\r\n\r\n${OK}`;
  const answer = async (peer: Peer): Promise<void> => {
    await peer.readHead();
    await peer.write(both);
    await peer.readEof();
  };
  const server = await scripted(t, [answer, answer]);
  const sess = openSession(t, server.port);
  const events: string[] = [];
  ne_hook_post_headers(sess, () => void events.push("headers"));
  const expecting = (fail: boolean) => (req: ne_request) => {
    let left = 7000;
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    ne_set_request_body_provider(req, left, (_userdata, buffer) => {
      if (buffer.length > 0 && fail) {
        ne_set_error(sess, "the source is gone");
        return -1;
      }
      const count = Math.min(left, buffer.length, 3000);
      left -= count;
      if (buffer.length > 0) events.push(`${count}`);
      return count;
    });
  };
  t.equal((await send(sess, "PUT", "/", expecting(false))).code, NE_OK);
  t.strictSame(events, ["3000", "3000", "1000", "0", "headers"]);
  ne_close_connection(sess);
  const failed = await send(sess, "PUT", "/", expecting(true));
  t.match(failed, { code: NE_ERROR, error: "the source is gone", status: 100 });
});

t.test("a provider that fails before the early answer was read to its end", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write(OK);
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  const heads = gate();
  ne_hook_post_headers(sess, heads.open);
  const result = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 10, async (_userdata, buffer) => {
      if (buffer.length === 0) return 0;
      await heads.opened;
      ne_set_error(sess, "the source is gone");
      return -1;
    });
  });
  t.match(result, { code: NE_ERROR, error: "the source is gone", status: 200 });
});

t.test("the notifier is not told of an upload after its request is over", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
      peer.pause();
      await peer.closed();
    },
  ]);
  const sess = openSession(t, server.port);
  let over = false;
  let late = 0;
  ne_set_notifier(sess, (_userdata, status) => {
    if (over && status === ne_status_sending) late++;
  });
  const result = await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 50_000_000, (_userdata, buffer) => buffer.length);
  });
  over = true;
  t.equal(result.status, 413);
  await settled();
  t.equal(late, 0);
});

t.test("100-continue with a slow provider", async (t) => {
  const server = await answering(t);
  const sess = openSession(t, server.port);
  const result = await send(sess, "PUT", "/", (req) => {
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    let left = 3;
    ne_set_request_body_provider(req, 3, async (_userdata, buffer) => {
      await settled();
      if (buffer.length === 0 || left === 0) return 0;
      left--;
      buffer[0] = 0x70;
      return 1;
    });
  });
  t.equal(result.code, NE_OK);
  t.equal(String(server.requests[0]?.body), "ppp");
});
