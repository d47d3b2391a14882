// Control over a session from outside. That something happens at once is asserted by the order of
// events: before the event loop has gone round twice more.
import dns from "node:dns";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable, type Duplex } from "node:stream";
import t, { type Test } from "tap";
import { NE_DBG_HTTP, NE_DBG_HTTPPLAIN } from "../lib/ne_utils.js";
import {
  ne_accept_always,
  ne_add_interim_handler,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_begin_request,
  NE_CONNECT,
  ne_end_request,
  NE_ERROR,
  ne_hook_post_headers,
  ne_hook_post_send,
  ne_hook_pre_send,
  NE_LOOKUP,
  NE_OK,
  ne_read_response_block,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  NE_TIMEOUT,
  type ne_request,
} from "../lib/ne_request.js";
import {
  ne_close_connection,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_session_socks_proxy,
  ne_set_connect_timeout,
  ne_set_notifier,
  ne_set_read_timeout,
  ne_ssl_set_verify,
  ne_status_connected,
  type ne_session,
} from "../lib/ne_session.js";
import {
  ne_iaddr_free,
  ne_iaddr_ipv4,
  ne_iaddr_ipv6,
  ne_iaddr_make,
  NE_SOCK_SOCKSV5,
} from "../lib/ne_socket.js";
import { ne_propnames } from "../lib/ne_props.js";
import {
  nx_add_request_trailer,
  nx_get_cause,
  nx_get_source_address,
  nx_get_timeouts,
  nx_get_timings,
  nx_request_abort,
  nx_response_fields,
  nx_response_trailer_fields,
  nx_session_abort,
  nx_session_addresses,
  nx_session_connected,
  nx_session_unix,
  nx_set_connector,
  nx_set_debug,
  nx_set_keepalive_timeout,
  nx_set_limits,
  nx_set_max_connections,
  nx_set_request_deadline,
  nx_set_request_signal,
  nx_set_request_timeout,
  nx_set_session_signal,
  nx_set_source_address,
  nx_set_write_timeout,
} from "../lib/nx_session.js";
import { holdTime } from "./fixtures/held_time.js";
import { gate, refusedPort, scripted, type Peer, type Script } from "./fixtures/server.js";
import { certFile } from "./fixtures/tls.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const PART = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";

function session(t: Test, port: number, scheme = "http"): ne_session {
  const sess = ne_session_create(scheme, "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

function request(t: Test, sess: ne_session, method = "GET", target = "/"): ne_request {
  const req = ne_request_create(sess, method, target);
  t.teardown(() => ne_request_destroy(req));
  return req;
}

async function get(sess: ne_session, target = "/"): Promise<number> {
  const req = ne_request_create(sess, "GET", target);
  const code = await ne_request_dispatch(req);
  ne_request_destroy(req);
  return code;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turns(1);
}

const stalled: Script = async (peer: Peer) => {
  await peer.readHead();
  await peer.stall();
};

// ---- aborts ----

interface Phase {
  readonly sess: ne_session;
  readonly req: ne_request;
  /** The request is where it is to be broken off. */
  readonly reached: Promise<unknown>;
  /** What to do before another request can succeed. */
  readonly repair?: () => void;
  /** No other request can succeed. */
  readonly hopeless?: boolean;
}

/** A function to call when the phase is reached, and a promise of that. */
function mark(): { reached: Promise<void>; here: () => void } {
  const { opened, open } = gate();
  return { reached: opened, here: open };
}

const never = new Promise<never>(() => {});

const PHASES: [name: string, enter: (t: Test) => Phase | Promise<Phase>][] = [
  ["lookup", async (t) => {
    const server = await scripted(t, [[OK]]);
    const { lookup } = dns.promises;
    const { reached, here } = mark();
    const repair = (): void => {
      dns.promises.lookup = lookup;
    };
    t.teardown(repair);
    dns.promises.lookup = (() => {
      here();
      return never;
    }) as unknown as typeof lookup;
    const sess = ne_session_create("http", "localhost", server.port);
    t.teardown(() => ne_session_destroy(sess));
    return { sess, req: request(t, sess), reached, repair };
  }],
  ["connect", async (t) => {
    const server = await scripted(t, [[OK]]);
    const { connect } = net;
    const { reached, here } = mark();
    const repair = (): void => {
      net.connect = connect;
    };
    t.teardown(repair);
    net.connect = (() => {
      here();
      return new net.Socket();
    }) as typeof connect;
    const sess = session(t, server.port);
    return { sess, req: request(t, sess), reached, repair };
  }],
  ["connector", async (t) => {
    const server = await scripted(t, [[OK]]);
    const { reached, here } = mark();
    let broken = true;
    const sess = session(t, server.port);
    nx_set_connector(sess, (_userdata, host, port): Duplex | Promise<Duplex> => {
      if (!broken) return net.connect(port, host);
      here();
      return never;
    });
    return { sess, req: request(t, sess), reached, repair: () => (broken = false) };
  }],
  ["SOCKS negotiation", async (t) => {
    const { reached, here } = mark();
    const proxy = await scripted(t, [async (peer: Peer) => {
      await peer.readSome();
      here();
      await peer.stall();
    }]);
    const sess = session(t, 1);
    ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, "127.0.0.1", proxy.port);
    return { sess, req: request(t, sess), reached, hopeless: true };
  }],
  ["TLS handshake", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.readSome();
        here();
        await peer.stall();
      },
      overTls,
    ]);
    const sess = session(t, server.port, "https");
    ne_ssl_set_verify(sess, () => 0);
    return { sess, req: request(t, sess), reached };
  }],
  ["verify callback", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.startTls({ key: certFile("server.key"), cert: certFile("good.pem") });
        await peer.stall();
      },
      overTls,
    ]);
    const sess = session(t, server.port, "https");
    let asked = 0;
    ne_ssl_set_verify(sess, () => {
      here();
      return asked++ === 0 ? never : 0;
    });
    return { sess, req: request(t, sess), reached };
  }],
  ["stalled status line", async (t) => {
    const server = await scripted(t, [stalled, [OK]]);
    const sess = session(t, server.port);
    const reached = until(() => server.requests.length > 0);
    return { sess, req: request(t, sess), reached };
  }],
  ["stalled body", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.readHead();
        await peer.write(PART);
        await peer.stall();
      },
      [OK],
    ]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    ne_add_response_body_reader(req, ne_accept_always, () => {
      here();
      return 0;
    });
    return { sess, req, reached };
  }],
  ["blocked write", async (t) => {
    const server = await scripted(
      t,
      [
        async (peer: Peer) => {
          peer.pause();
          await peer.closed();
        },
        [OK],
      ],
      { forget: true },
    );
    const sess = session(t, server.port);
    const req = request(t, sess, "PUT");
    ne_set_request_body_buffer(req, Buffer.alloc(64 << 20));
    const reached = until(() => server.connections > 0).then(() => turns(20));
    return { sess, req, reached };
  }],
  ["notifier", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [(peer: Peer) => peer.stall(), [OK]]);
    const sess = session(t, server.port);
    ne_set_notifier(sess, (_userdata, status) => {
      if (status !== ne_status_connected) return;
      ne_set_notifier(sess, null);
      here();
      return never;
    });
    return { sess, req: request(t, sess), reached };
  }],
  ["pre_send hook", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [[OK]]);
    const sess = session(t, server.port);
    let calls = 0;
    ne_hook_pre_send(sess, () => {
      here();
      return calls++ === 0 ? never : undefined;
    });
    return { sess, req: request(t, sess), reached };
  }],
  ["body provider", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [(peer: Peer) => peer.readEof(), [OK]]);
    const sess = session(t, server.port);
    const req = request(t, sess, "PUT");
    ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
      if (buffer.length === 0) return 0;
      here();
      return never;
    });
    return { sess, req, reached };
  }],
  ["interim handler", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.readHead();
        await peer.write("HTTP/1.1 103 Early\r\n\r\n");
        await peer.stall();
      },
      [OK],
    ]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    ne_add_interim_handler(req, () => {
      here();
      return never;
    });
    return { sess, req, reached };
  }],
  ["body reader", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [(peer: Peer) => answerAndWait(peer), [OK]]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    ne_add_response_body_reader(req, ne_accept_always, () => {
      here();
      return never;
    });
    return { sess, req, reached };
  }],
  ["post_headers hook", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [(peer: Peer) => answerAndWait(peer), [OK]]);
    const sess = session(t, server.port);
    let calls = 0;
    ne_hook_post_headers(sess, () => {
      here();
      return calls++ === 0 ? never : undefined;
    });
    return { sess, req: request(t, sess), reached };
  }],
  ["post_send hook", async (t) => {
    const { reached, here } = mark();
    const server = await scripted(t, [(peer: Peer) => answerAndWait(peer), [OK]]);
    const sess = session(t, server.port);
    let calls = 0;
    ne_hook_post_send(sess, () => {
      here();
      return calls++ === 0 ? never : NE_OK;
    });
    return { sess, req: request(t, sess), reached };
  }],
];

async function overTls(peer: Peer): Promise<void> {
  await peer.startTls({ key: certFile("server.key"), cert: certFile("good.pem") });
  await peer.readRequest();
  await peer.write(OK);
}

async function answerAndWait(peer: Peer): Promise<void> {
  await peer.readRequest();
  await peer.write(OK);
  await peer.readEof();
}

const reason = new Error("the user went away");

/** Ways to break a request off; `prepare` gives what does it. */
const WAYS: [name: string, prepare: (phase: Phase) => () => void, cause: object][] = [
  ["nx_session_abort", ({ sess }) => () => nx_session_abort(sess), { name: "AbortError" }],
  ["nx_request_abort", ({ req }) => () => nx_request_abort(req), { name: "AbortError" }],
  ["a request's signal", ({ req }) => {
    const controller = new AbortController();
    nx_set_request_signal(req, controller.signal);
    return () => controller.abort(reason);
  }, reason],
  ["a session's signal", ({ sess }) => {
    const controller = new AbortController();
    nx_set_session_signal(sess, controller.signal);
    return () => {
      controller.abort(reason);
      nx_set_session_signal(sess, null);
    };
  }, reason],
];

t.test("an abort ends every kind of wait at once", async (t) => {
  for (const [phaseName, enter] of PHASES) {
    for (const [wayName, prepare, cause] of WAYS) {
      await t.test(`${phaseName}, by ${wayName}`, async (t) => {
        const phase = await enter(t);
        const abort = prepare(phase);
        const events: string[] = [];
        const returned = ne_request_dispatch(phase.req).then((code) => {
          events.push("returned");
          return code;
        });
        await phase.reached;
        await turns(2);
        t.strictSame(events, [], "it waits");
        abort();
        await turns(2);
        events.push("two turns later");
        t.equal(await returned, NE_ERROR);
        t.strictSame(events, ["returned", "two turns later"]);
        t.equal(ne_get_error(phase.sess), "Aborted");
        t.match(nx_get_cause(phase.sess), cause);
        t.equal(nx_session_connected(phase.sess), false);
        if (phase.hopeless === true) return;
        phase.repair?.();
        t.equal(await get(phase.sess), NE_OK, "the session is usable");
      });
    }
  }
});

t.test("an abort of who waits for a turn", async (t) => {
  for (const [name, prepare] of WAYS.slice(1, 3)) {
    const server = await scripted(t, [[OK, OK]]);
    const sess = session(t, server.port);
    const first = request(t, sess);
    t.equal(await ne_begin_request(first), NE_OK);
    const req = request(t, sess, "GET", "/second");
    const abort = prepare({ sess, req, reached: never });
    const events: string[] = [];
    const second = ne_request_dispatch(req).then((code) => {
      events.push(`second ${code}`);
    });
    const third = get(sess, "/third").then((code) => {
      events.push(`third ${code}`);
    });
    await turns(1);
    abort();
    await second;
    t.strictSame(events, [`second ${NE_ERROR}`], `${name}: the one who has the turn keeps it`);
    const block = Buffer.alloc(10);
    while ((await ne_read_response_block(first, block)) > 0);
    t.equal(await ne_end_request(first), NE_OK);
    await third;
    t.strictSame(events, [`second ${NE_ERROR}`, `third ${NE_OK}`]);
    t.strictSame(server.requests.map(({ target }) => target), ["/", "/third"]);
  }
});

t.test("nx_session_abort breaks off those who wait, too", async (t) => {
  const server = await scripted(t, [stalled, [OK]]);
  const sess = session(t, server.port);
  const codes = Promise.all([get(sess), get(sess), get(sess)]);
  await until(() => server.requests.length > 0);
  nx_session_abort(sess);
  t.strictSame(await codes, [NE_ERROR, NE_ERROR, NE_ERROR]);
  t.equal(await get(sess), NE_OK);
  nx_session_abort(sess);
  t.equal(nx_session_connected(sess), true, "where nothing is to be broken off, nothing happens");
});

t.test("signals", async (t) => {
  await t.test("fired before", async (t) => {
    const sess = session(t, 1);
    nx_set_session_signal(sess, AbortSignal.abort(reason));
    t.equal(await get(sess), NE_ERROR);
    t.equal(ne_get_error(sess), "Aborted");
    t.equal(nx_get_cause(sess), reason);
    nx_set_session_signal(sess, null);
    t.equal(await get(sess), NE_CONNECT, "not any more");
    const req = request(t, sess);
    nx_set_request_signal(req, AbortSignal.abort("a string"));
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    t.match(nx_get_cause(sess), { name: "AbortError", message: "a string" });
    nx_set_request_signal(req, null);
    t.equal(await ne_request_dispatch(req), NE_CONNECT);
  });
  await t.test("leave no listeners", async (t) => {
    const server = await scripted(t, [[OK, OK]]);
    const listeners = (signal: AbortSignal): number => signalListeners(signal);
    const { signal } = new AbortController();
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    nx_set_session_signal(sess, signal);
    const own = new AbortController().signal;
    for (let i = 0; i < 2; i++) {
      const req = ne_request_create(sess, "GET", "/");
      nx_set_request_signal(req, own);
      t.equal(await ne_request_dispatch(req), NE_OK);
      ne_request_destroy(req);
    }
    t.equal(listeners(own), 0);
    ne_session_destroy(sess);
    t.equal(listeners(signal), 0);
  });
  await t.test("must be AbortSignals", async (t) => {
    const sess = session(t, 1);
    t.throws(() => nx_set_session_signal(sess, {} as never), /^nx_set_session_signal: the signal/);
    t.throws(() => nx_set_request_signal(request(t, sess), 5 as never), TypeError);
  });
});

function signalListeners(signal: AbortSignal): number {
  const key = Object.getOwnPropertySymbols(signal).find((s) => String(s) === "Symbol(kEvents)");
  if (key === undefined) throw new Error("Node keeps the listeners elsewhere now");
  const events = (signal as unknown as Record<symbol, Map<string, { size?: number }>>)[key];
  return events?.get("abort")?.size ?? 0;
}

// ---- time ----

t.test("a bound on the whole request", async (t) => {
  await t.test("in a response that drips", async (t) => {
    const time = holdTime(t);
    const drip: Script = async (peer: Peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
      while (!peer.ended) {
        await peer.write("x");
        await peer.taken();
        time.pass(1);
      }
    };
    const server = await scripted(t, [drip, drip], { forget: true });
    const sess = session(t, server.port);
    ne_set_read_timeout(sess, 100);
    nx_set_request_timeout(sess, 30);
    t.equal(await get(sess), NE_TIMEOUT);
    t.equal(ne_get_error(sess), "Request timed out");
    nx_set_request_timeout(sess, 0);
    const req = request(t, sess);
    nx_set_request_deadline(req, 30);
    t.equal(await ne_request_dispatch(req), NE_TIMEOUT);
  });
  await t.test("while it waits for its turn", async (t) => {
    const server = await scripted(t, [stalled]);
    const sess = session(t, server.port);
    const first = get(sess);
    nx_set_request_timeout(sess, 0.05);
    t.equal(await get(sess), NE_TIMEOUT);
    nx_session_abort(sess);
    t.equal(await first, NE_ERROR);
  });
  await t.test("in a callback", async (t) => {
    const sess = session(t, 1);
    nx_set_request_timeout(sess, 0.05);
    ne_hook_pre_send(sess, () => never);
    t.equal(await get(sess), NE_TIMEOUT);
  });
  await t.test("retries included", async (t) => {
    const server = await scripted(t, (peer: Peer) => again(peer).catch(() => {}));
    const sess = session(t, server.port);
    nx_set_request_timeout(sess, 0.05);
    ne_hook_post_send(sess, () => 8);
    t.equal(await get(sess), NE_TIMEOUT);
  });
  await t.test("must be a number of seconds", async (t) => {
    const sess = session(t, 1);
    for (const seconds of [-1, NaN, "1"]) {
      t.throws(() => nx_set_request_timeout(sess, seconds as number), TypeError);
      t.throws(() => nx_set_keepalive_timeout(sess, seconds as number), TypeError);
      t.throws(() => nx_set_request_deadline(request(t, sess), seconds as number), TypeError);
    }
  });
});

async function again(peer: Peer): Promise<void> {
  for (;;) {
    await peer.readRequest();
    await peer.write(OK);
  }
}

t.test("how long an idle connection is kept", async (t) => {
  const answer = (field: string): string => OK.replace("\r\n", `\r\n${field}`);
  await t.test("as the server says", async (t) => {
    const server = await scripted(t, [[answer("Keep-Alive: timeout=0, max=5\r\n")], [OK, OK]]);
    const sess = session(t, server.port);
    for (let i = 0; i < 3; i++) t.equal(await get(sess), NE_OK);
    t.equal(server.connections, 2);
  });
  await t.test("as the session says, from the end of the last response", async (t) => {
    const slow = gate();
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.readRequest();
        await slow.opened;
        await peer.write(OK);
        await peer.readRequest();
        await peer.write(OK);
        await peer.readEof();
      },
      [OK],
    ]);
    const sess = session(t, server.port);
    t.teardown(() => delete (performance as { now?: unknown }).now);
    nx_set_keepalive_timeout(sess, 10);
    const first = get(sess);
    await until(() => server.requests.length > 0);
    const real = Date.now();
    let ahead = 60_000;
    Object.defineProperty(performance, "now", {
      configurable: true,
      value: () => Date.now() - real + ahead,
    });
    slow.open();
    t.equal(await first, NE_OK, "a slow answer is not idleness");
    ahead += 5_000;
    t.equal(await get(sess), NE_OK);
    t.equal(server.connections, 1);
    ahead += 20_000;
    t.equal(await get(sess), NE_OK);
    t.equal(server.connections, 2);
  });
});

// ---- turns and connections ----

t.test("64 requests on 8 connections", async (t) => {
  const COUNT = 64;
  const started: string[] = [];
  let open = 0;
  let most = 0;
  let wanted = 1;
  const serve = async (peer: Peer): Promise<void> => {
    for (;;) {
      const { target } = await peer.readRequest();
      started.push(target);
      most = Math.max(most, ++open);
      await until(() => most === wanted);
      open--;
      await peer.write(OK);
    }
  };
  const run = async (t: Test, connections: number): Promise<{ done: number[]; used: number }> => {
    started.length = 0;
    most = 0;
    wanted = connections;
    const server = await scripted(t, (peer: Peer) => serve(peer).catch(() => {}));
    const sess = session(t, server.port);
    nx_set_max_connections(sess, connections);
    const done: number[] = [];
    const all = Array.from({ length: COUNT }, async (_, i) => {
      t.equal(await get(sess, `/${i}`), NE_OK);
      done.push(i);
    });
    await Promise.all(all);
    return { done, used: server.connections };
  };
  const inOrder = Array.from({ length: COUNT }, (_, i) => i);
  const one = await run(t, 1);
  t.strictSame(one.done, inOrder);
  t.equal(most, 1);
  t.equal(one.used, 1);
  const eight = await run(t, 8);
  t.equal(eight.used, 8);
  t.equal(most, 8, "eight at once, so eight times as fast");
  // a turn is handed out when an earlier request ends, so nobody is overtaken by eight others
  for (const [at, i] of eight.done.entries()) t.ok(Math.abs(at - i) < 8, `request ${i}`);
  t.strictSame([...started].sort(), inOrder.map((i) => `/${i}`).sort());
  for (const [at, target] of started.entries()) {
    t.ok(Math.abs(at - Number(target.slice(1))) < 8, `turn of ${target}`);
  }
});

t.test("the error string after a request is of that request", async (t) => {
  const [whole, late] = [gate(), gate()];
  const server = await scripted(t, async (peer) => {
    const { target } = await peer.readRequest();
    if (target === "/slow") {
      await peer.write("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\no");
      await whole.opened;
      await peer.write("k");
    } else if (target === "/missing") {
      await peer.write("HTTP/1.1 404 Not Here\r\nConnection: close\r\n\r\n");
      await peer.end();
    } else {
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
      await peer.end();
    }
  });
  const sess = session(t, server.port);
  nx_set_max_connections(sess, 3);
  const begun = gate();
  const slow = request(t, sess, "GET", "/slow");
  ne_add_response_body_reader(slow, ne_accept_always, () => (begun.open(), 0));
  ne_hook_post_send(sess, async (req) => {
    if (req === slow) await late.opened;
    return NE_OK;
  });
  const dispatched = ne_request_dispatch(slow);
  await begun.opened;
  t.equal(await get(sess, "/missing"), NE_OK);
  t.equal(ne_get_error(sess), "404 Not Here");
  whole.open();
  t.equal(await get(sess, "/cut"), NE_ERROR);
  t.match(ne_get_error(sess), /^Could not read response body/);
  late.open();
  t.equal(await dispatched, NE_OK);
  t.equal(ne_get_error(sess), "200 Fine");
});

t.test("more connections than one", async (t) => {
  const server = await scripted(t, (peer: Peer) => again(peer).catch(() => {}));
  const sess = session(t, server.port);
  nx_set_max_connections(sess, 3);
  t.equal(nx_session_connected(sess), false);
  await Promise.all([get(sess), get(sess), get(sess), get(sess)]);
  t.equal(server.connections, 3);
  t.equal(nx_session_connected(sess), true);
  ne_close_connection(sess);
  t.equal(nx_session_connected(sess), false);
  for (const n of [0, -1, 1.5, NaN, "2"]) {
    t.throws(() => nx_set_max_connections(sess, n as number), TypeError);
  }
});

t.test("nx_session_connected notices a connection that the server has closed", async (t) => {
  const server = await scripted(t, [OK]);
  const sess = session(t, server.port);
  t.equal(await get(sess), NE_OK);
  await until(() => !nx_session_connected(sess));
  t.pass("without a request");
});

t.test("10,000 sessions leave nothing behind", { timeout: 110_000 }, async (t) => {
  const COUNT = 5000;
  const AT_ONCE = 25;
  let open = 0;
  const server = net.createServer((socket) => {
    open++;
    socket.on("close", () => open--);
    socket.on("error", () => {});
    socket.on("data", () => socket.write(OK));
    socket.on("end", () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const controller = new AbortController();
  const one = async (): Promise<void> => {
    const sess = ne_session_create("http", "127.0.0.1", port);
    nx_set_session_signal(sess, controller.signal);
    nx_set_request_timeout(sess, 60);
    const code = await get(sess);
    ne_session_destroy(sess);
    if (code !== NE_OK) throw new Error(`code ${code}`);
  };
  const many = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    }
    await until(() => open === 0);
    await turns(3);
  };
  const kinds = (): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
    return { sockets: counts["TCPSocketWrap"] ?? 0, timers: counts["Timeout"] ?? 0 };
  };
  // the first half also makes V8 compile what it uses
  await many(COUNT);
  const before = kinds();
  const memory = await heapBytes();
  await many(COUNT);
  t.strictSame(kinds(), before, "no socket and no timer");
  t.equal(signalListeners(controller.signal), 0, "no listener");
  const grown = (await heapBytes()) - memory;
  t.ok(grown < COUNT * 100, `no memory: ${grown} bytes for ${COUNT} sessions`);
});

// What is in use after the collector has run.
async function heapBytes(): Promise<number> {
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    gc();
    await turns(2);
  }
  return process.memoryUsage().heapUsed;
}

// ---- transports ----

t.test("a connector", async (t) => {
  await t.test("opens what it likes, and is told where to", async (t) => {
    const server = await scripted(t, [[OK, OK]]);
    const sess = ne_session_create("http", "no-such-host.invalid", 8080);
    t.teardown(() => ne_session_destroy(sess));
    const calls: unknown[] = [];
    nx_set_connector(
      sess,
      async (userdata: string, host, port) => {
        calls.push([userdata, host, port]);
        return net.connect(server.port, "127.0.0.1");
      },
      "data",
    );
    t.equal(await get(sess), NE_OK);
    t.equal(await get(sess), NE_OK);
    t.strictSame(calls, [["data", "no-such-host.invalid", 8080]]);
    t.equal(server.requests[0]?.field("host"), "no-such-host.invalid:8080");
  });
  await t.test("TLS is negotiated over its stream", async (t) => {
    const server = await scripted(t, [overTls]);
    const sess = session(t, 1, "https");
    ne_ssl_set_verify(sess, () => 0);
    nx_set_connector(sess, () => net.connect(server.port, "127.0.0.1"));
    t.equal(await get(sess), NE_OK);
  });
  await t.test("any Duplex will do", async (t) => {
    const sess = session(t, 1);
    nx_set_connector(sess, () => {
      const stream = new PassThrough();
      // an echo is no answer
      return stream;
    });
    t.equal(await get(sess), NE_ERROR);
    t.equal(ne_get_error(sess), "Could not parse response status line");
  });
  await t.test("that fails", async (t) => {
    const failure = Object.assign(new Error("the bridge is up"), { code: "EBRIDGE" });
    const connectors = [
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ];
    for (const connector of connectors) {
      const sess = session(t, 1);
      nx_set_connector(sess, connector);
      t.equal(await get(sess), NE_CONNECT);
      t.equal(ne_get_error(sess), "Could not connect to server: the bridge is up");
      t.equal(nx_get_cause(sess), failure);
    }
    const sess = session(t, 1);
    nx_set_connector(sess, () => ({}) as Duplex);
    t.equal(await get(sess), NE_CONNECT);
    t.throws(() => nx_set_connector(sess, 5 as never), TypeError);
  });
  await t.test("whose stream comes after an abort, or that aborts: the stream is closed", async (t) => {
    const sess = session(t, 1);
    const late = new PassThrough();
    const asked = gate();
    const given = gate();
    nx_set_connector(sess, async () => {
      asked.open();
      await given.opened;
      return late;
    });
    const code = get(sess);
    await asked.opened;
    nx_session_abort(sess);
    t.equal(await code, NE_ERROR);
    t.equal(late.destroyed, false);
    given.open();
    await turns(2);
    t.equal(late.destroyed, true);

    const own = new PassThrough();
    nx_set_connector(sess, () => {
      nx_session_abort(sess);
      return own;
    });
    t.equal(await get(sess), NE_ERROR);
    t.strictSame([ne_get_error(sess), own.destroyed], ["Aborted", true]);
  });
  await t.test("may be taken away", async (t) => {
    const server = await scripted(t, [[OK]]);
    const sess = session(t, server.port);
    nx_set_connector(sess, () => Promise.reject(new Error("no")));
    nx_set_connector(sess, null);
    t.equal(await get(sess), NE_OK);
  });
});

t.test("a Unix-domain socket", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "libneon-unix-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "socket");
  const server = await scripted(t, [[OK, OK]], { path });
  const sess = ne_session_create("http", "docker.example", 80);
  t.teardown(() => ne_session_destroy(sess));
  nx_session_unix(sess, path);
  t.equal(await get(sess), NE_OK);
  t.equal(await get(sess), NE_OK);
  t.equal(server.requests[0]?.field("host"), "docker.example");
  nx_session_unix(sess, `${path}-not`);
  ne_close_connection(sess);
  t.equal(await get(sess), NE_CONNECT);
  t.equal(ne_get_error(sess), "Could not connect to server: No such file or directory");
  const tooLong = /^nx_session_unix: the path is too long for the name of a socket$/;
  t.throws(() => nx_session_unix(sess, "ä".repeat(54)), tooLong, "108 bytes");
  if (process.platform === "linux") nx_session_unix(sess, "x".repeat(107));
  for (const bad of ["", "a\0b", 5]) {
    t.throws(() => nx_session_unix(sess, bad as string), TypeError);
  }
});

// ---- what can be asked ----

t.test("the cause of a failure", async (t) => {
  const sess = session(t, await refusedPort());
  t.equal(nx_get_cause(sess), null);
  t.equal(await get(sess), NE_CONNECT);
  t.match(nx_get_cause(sess), { code: "ECONNREFUSED" });
  const lost = ne_session_create("http", "no-such-host.invalid", 80);
  t.teardown(() => ne_session_destroy(lost));
  t.equal(await get(lost), NE_LOOKUP);
  t.match(nx_get_cause(lost), { syscall: "getaddrinfo" });
});

t.test("timings", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = ne_session_create("http", "localhost", server.port);
  t.teardown(() => ne_session_destroy(sess));
  t.equal(nx_get_timings(sess), null);
  t.equal(await get(sess), NE_OK);
  const first = nx_get_timings(sess);
  t.match(first, { handshake: null, reused: false });
  const parts = [first?.lookup, first?.connect, first?.send, first?.first_byte, first?.receive];
  for (const part of [...parts, first?.total]) t.ok(typeof part === "number" && part >= 0);
  t.ok((first?.total ?? 0) >= (first?.first_byte ?? 1));
  t.equal(await get(sess), NE_OK);
  t.match(nx_get_timings(sess), { lookup: null, connect: null, handshake: null, reused: true });
});

t.test("fields as they were received", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\n";
  const chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const server = await scripted(t, [[`${head}${chunked}0\r\nX-T: 4\r\nx-t: 5\r\n\r\n`]]);
  const sess = session(t, server.port);
  const req = request(t, sess);
  t.strictSame(nx_response_fields(req), []);
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.strictSame(nx_response_fields(req).slice(0, 3), [["X-B", "1"], ["x-a", "2"], ["X-B", "3"]]);
  t.strictSame(nx_response_trailer_fields(req), [["X-T", "4"], ["x-t", "5"]]);
});

t.test("debug output of one session", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const texts = ["", ""];
  const sink = (i: number): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[i] += String(chunk);
        done();
      },
    });
  const sess = session(t, server.port);
  const other = session(t, server.port);
  nx_set_debug(sess, sink(0), NE_DBG_HTTP);
  nx_set_debug(other, sink(1), NE_DBG_HTTP | NE_DBG_HTTPPLAIN);
  const req = request(t, sess);
  ne_add_request_header(req, "Authorization", "Basic c2VjcmV0");
  ne_add_request_header(req, "Cookie", "id=c2VjcmV0");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.match(texts[0], /GET \/ HTTP\/1\.1/);
  t.match(texts[0], /200 OK/);
  t.notMatch(texts[0], /c2VjcmV0/, "no credentials");
  t.equal(texts[1], "");
  nx_set_debug(sess, null, 0);
  const length = texts[0]?.length;
  t.equal(await get(sess), NE_OK);
  t.equal(texts[0]?.length, length);
  const open = request(t, sess);
  nx_set_debug(sess, sink(1), NE_DBG_HTTP | NE_DBG_HTTPPLAIN);
  ne_add_request_header(open, "Authorization", "Basic c2VjcmV0");
  t.equal(await ne_request_dispatch(open), NE_OK);
  t.match(texts[1], /c2VjcmV0/, "unless they are asked for");
  t.throws(() => nx_set_debug(sess, {} as never, 0), TypeError);
});

t.test("limits", async (t) => {
  const rows: [reason: string, limits: object, answer: string, error: RegExp | null][] = [
    ["a long field", { header_field: 100 }, OK.replace("\r\n", `\r\nX: ${"x".repeat(200)}\r\n`),
      /^Error reading response headers: /],
    ["a field that fits", { header_field: 300 },
      OK.replace("\r\n", `\r\nX: ${"x".repeat(200)}\r\n`), null],
    ["many fields", { header_count: 5 }, OK.replace("\r\n", `\r\n${"X: 1\r\n".repeat(6)}`),
      /^Response exceeded maximum number of header fields/],
    ["more fields than by default", { header_count: 500 },
      OK.replace("\r\n", `\r\n${"X: 1\r\n".repeat(400)}`), null],
    ["many interim responses", { interim_count: 3 },
      `${"HTTP/1.1 102 Wait\r\n\r\n".repeat(4)}${OK}`, /^Too many interim responses/],
    ["as many as allowed", { interim_count: 3 },
      `${"HTTP/1.1 102 Wait\r\n\r\n".repeat(3)}${OK}`, null],
    ["a long body", { body: 1 }, OK, /^Response body exceeds the limit/],
    ["a body that fits", { body: 2 }, OK, null],
  ];
  for (const [reason, limits, answer, error] of rows) {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readRequest();
      await peer.write(answer);
      await peer.readEof();
    }]);
    const sess = session(t, server.port);
    nx_set_limits(sess, limits);
    t.equal(await get(sess), error === null ? NE_OK : NE_ERROR, reason);
    t.match(ne_get_error(sess), error ?? "200 OK", reason);
  }
  const sess = session(t, 1);
  for (const limits of [{ body: -1 }, { body: NaN }, { header_count: "5" }, { bdoy: 5 }, []]) {
    t.throws(() => nx_set_limits(sess, limits as object), /^nx_set_limits: /);
  }
  const server = await scripted(t, [[OK]]);
  const other = session(t, server.port);
  nx_set_limits(other, Object.create({ body: 1 }) as object);
  t.equal(await get(other), NE_OK, "what is inherited limits nothing");
});

t.test("timeouts", async (t) => {
  await t.test("can be asked for", async (t) => {
    const sess = session(t, 1);
    const initial = { connect: 0, read: 120, write: 120, request: 0, keepalive: 0 };
    t.strictSame(nx_get_timeouts(sess), initial);
    ne_set_connect_timeout(sess, 1);
    ne_set_read_timeout(sess, 2);
    nx_set_request_timeout(sess, 3);
    nx_set_keepalive_timeout(sess, 4);
    const set = { connect: 1, read: 2, write: 2, request: 3, keepalive: 4 };
    t.strictSame(nx_get_timeouts(sess), set);
    nx_set_write_timeout(sess, 5);
    t.equal(nx_get_timeouts(sess).write, 5);
    t.throws(() => nx_set_write_timeout(sess, -1), /^nx_set_write_timeout: the time must be/);
  });
  await t.test("of a write", async (t) => {
    const server = await scripted(
      t,
      [async (peer: Peer) => {
        peer.pause();
        await peer.closed();
      }],
      { forget: true },
    );
    const sess = session(t, server.port);
    nx_set_write_timeout(sess, 0.05);
    const req = request(t, sess, "PUT");
    ne_set_request_body_buffer(req, Buffer.alloc(64 << 20));
    t.equal(await ne_request_dispatch(req), NE_TIMEOUT);
    t.equal(ne_get_error(sess), "Could not send request body: connection timed out");
  });
});

t.test("addresses", async (t) => {
  const server = await scripted(t, (peer: Peer) => again(peer).catch(() => {}));
  const sess = session(t, server.port);
  t.equal(nx_session_addresses(sess), null);
  t.equal(nx_get_source_address(sess, ne_iaddr_ipv4), null);
  const four = ne_iaddr_make(ne_iaddr_ipv4, Buffer.from([127, 0, 0, 3]));
  const six = ne_iaddr_make(ne_iaddr_ipv6, Buffer.alloc(16));
  if (four === null || six === null) return void t.fail("addresses");
  const free = await refusedPort("127.0.0.3");
  nx_set_source_address(sess, six);
  nx_set_source_address(sess, four, free);
  const source = { address: "127.0.0.3", port: free };
  t.strictSame(nx_get_source_address(sess, ne_iaddr_ipv4), source);
  t.strictSame(nx_get_source_address(sess, ne_iaddr_ipv6), { address: "::", port: 0 });
  t.equal(await get(sess), NE_OK);
  const ends = nx_session_addresses(sess);
  t.strictSame(ends, { local: source, peer: { address: "127.0.0.1", port: server.port } });
  t.equal(server.peers[0]?.stream.remotePort, free);
  const req = request(t, sess);
  t.equal(await ne_begin_request(req), NE_OK);
  t.strictSame(nx_session_addresses(sess), ends, "while it is in use");
  ne_request_destroy(ne_request_create(sess, "GET", "/"));
  const own = session(t, 1);
  nx_set_connector(own, () => new PassThrough());
  t.equal(await get(own), NE_ERROR);
  t.equal(nx_session_addresses(own), null);
  t.throws(() => nx_set_source_address(sess, four, 70000), TypeError);
  ne_iaddr_free(four);
  ne_iaddr_free(six);
});

t.test("a trailer of the request", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const sess = session(t, server.port);
  const bodies = ["abc", ""];
  for (const body of bodies) {
    const req = request(t, sess, "PUT");
    let sum = 0;
    let rest = Buffer.from(body);
    ne_add_request_header(req, "Trailer", "X-Sum");
    ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
      if (buffer.length === 0) return 0;
      if (rest.length === 0) nx_add_request_trailer(req, "X-Sum", String(sum));
      const count = rest.copy(buffer);
      for (const byte of rest) sum += byte;
      rest = Buffer.alloc(0);
      return count;
    });
    t.equal(await ne_request_dispatch(req), NE_OK);
  }
  const [first, second] = server.received[0]?.split("PUT / HTTP/1.1\r\n").slice(1) ?? [];
  t.match(first, /abc\r\n0\r\nX-Sum: 294\r\n\r\n$/);
  t.match(second, /\r\n\r\n0\r\nX-Sum: 0\r\n\r\n$/);
  const plain = request(t, sess, "PUT");
  nx_add_request_trailer(plain, "X-Sum", "5");
  ne_set_request_body_buffer(plain, Buffer.from("abc"));
  t.equal(await ne_request_dispatch(plain), NE_OK);
  t.match(server.received[0], /abc$/, "a body of known length has none");
  t.throws(() => nx_add_request_trailer(plain, "X-A", "a\r\nb"), TypeError);
  t.throws(() => nx_add_request_trailer(plain, "X A", "a"), TypeError);
});

t.test("an abort while an XML handler waits", async (t) => {
  const body =
    '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/</D:href>' +
    "<D:propstat><D:prop><D:a/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>" +
    "</D:response></D:multistatus>";
  const head = `HTTP/1.1 207 Multi\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}`;
  const server = await scripted(t, [
    async (peer: Peer) => {
      await peer.readRequest();
      await peer.write(`${head}\r\n\r\n${body}`);
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = session(t, server.port);
  const { reached, here } = mark();
  const listed = ne_propnames(sess, "/", 0, () => {
    here();
    return never;
  });
  await reached;
  nx_session_abort(sess);
  t.equal(await listed, NE_ERROR);
  t.equal(ne_get_error(sess), "Aborted");
  t.equal(await get(sess), NE_OK);
});
