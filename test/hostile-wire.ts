// Hostile peers and accidents, part a: messages on the wire. One test for each class, by number;
// what the tests of one module hold already is not repeated here.
import { Readable } from "node:stream";
import zlib from "node:zlib";
import t from "tap";
import {
  NE_DEPTH_ZERO,
  NE_ERROR,
  NE_OK,
  NE_SESSFLAG_STRICT,
  NE_SOCK_SOCKSV5,
  NE_TIMEOUT,
  ne_accept_always,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_content_range,
  ne_copy,
  ne_delete,
  ne_get_error,
  ne_get_range,
  ne_get_response_header,
  ne_httpdate_parse,
  ne_iso8601_parse,
  ne_lock,
  ne_lock_create,
  ne_mkcol,
  ne_move,
  ne_post,
  ne_print_request_header,
  ne_proppatch,
  ne_putbuf,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_session_socks_proxy,
  ne_set_request_body_buffer,
  ne_set_session_flag,
  ne_set_useragent,
  ne_simple_propfind,
  nx_response_fields,
  nx_send,
  nx_session_proxy,
  nx_set_limits,
  nx_set_request_timeout,
  type ne_session,
} from "../lib/index.js";
import { answer, send, sessionTo } from "./fixtures/auth.js";
import { holdTime } from "./fixtures/held_time.js";
import { END, scripted, type Peer, type TestScope } from "./fixtures/server.js";

const OK = answer(200);

function ending(t: TestScope, sess: ne_session): ne_session {
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

/** Serves one connection after the other with what `serve` writes after a request. */
function serving(serve: (peer: Peer) => Promise<void>): (peer: Peer) => Promise<void> {
  return async (peer) => {
    if ((await peer.readRequest().catch(() => null)) !== null) await serve(peer);
  };
}

t.test("1: no argument ends a line of the request", async (t) => {
  const server = await scripted(t, []);
  const sess = ending(t, sessionTo(server.port));
  const body = Buffer.from("x");
  const header = (name: string, value: string): unknown =>
    ne_add_request_header(ne_request_create(sess, "GET", "/"), name, value);
  const lock = (change: (lock: ReturnType<typeof ne_lock_create>) => void): unknown => {
    const made = ne_lock_create();
    made.uri.path = "/";
    change(made);
    return ne_lock(sess, made);
  };
  const calls: Record<string, (bad: string) => unknown> = {
    method: (bad) => ne_request_create(sess, `GET${bad}`, "/"),
    target: (bad) => ne_request_create(sess, "GET", `/${bad}`),
    "field name": (bad) => header(`X${bad}`, "v"),
    "field value": (bad) => header("X", `v${bad}`),
    "printed field value": (bad) =>
      ne_print_request_header(ne_request_create(sess, "GET", "/"), "X", "%s", bad),
    "user agent": (bad) => ne_set_useragent(sess, `a/1${bad}`),
    host: (bad) => ne_session_create("http", `h${bad}`, 80),
    scheme: (bad) => ne_request_create(ne_session_create(`http${bad}`, "h", 1), "GET", "/"),
    proxy: (bad) => ne_session_proxy(sess, `h${bad}`, 80),
    "proxy of nx": (bad) =>
      nx_session_proxy(sess, { scheme: "http", host: `h${bad}`, port: 80 }),
    "SOCKS proxy": (bad) => ne_session_socks_proxy(sess, NE_SOCK_SOCKSV5, `h${bad}`, 80),
    put: (bad) => ne_putbuf(sess, `/${bad}`, body),
    delete: (bad) => ne_delete(sess, `/${bad}`),
    mkcol: (bad) => ne_mkcol(sess, `/${bad}`),
    copy: (bad) => ne_copy(sess, 0, NE_DEPTH_ZERO, "/a", `/${bad}`),
    move: (bad) => ne_move(sess, 0, "/a", `/${bad}`),
    post: (bad) => ne_post(sess, `/${bad}`, 1, "x"),
    propfind: (bad) => ne_simple_propfind(sess, `/${bad}`, 0, null, () => {}),
    proppatch: (bad) => ne_proppatch(sess, `/${bad}`, []),
    "path of a lock": (bad) => lock(({ uri }) => (uri.path = `/${bad}`)),
    "target of nx": (bad) => nx_send(sess, "GET", `/${bad}`),
    "method of nx": (bad) => nx_send(sess, `GET${bad}`, "/"),
    "fields of nx": (bad) => nx_send(sess, "GET", "/", { headers: { X: `v${bad}` } }),
    "field names of nx": (bad) => nx_send(sess, "GET", "/", { headers: { [`X${bad}`]: "v" } }),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const bad of ["\r", "\n", "\0", "\u010a", "\u560d"]) {
      const shown = `${name} with ${JSON.stringify(bad)}`;
      let refused: unknown = null;
      try {
        await call(bad);
      } catch (error) {
        refused = error;
      }
      t.ok(refused instanceof TypeError, shown);
    }
  }
  t.equal(server.connections, 0, "nothing was sent");
});

t.test("2 to 4: what a response means does not depend on how it is cut", async (t) => {
  const zeros = (count: number): string => "0".repeat(count);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const responses = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nX: a\r\n\rX\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\rContent-Length: 2\r\r\nab",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 1\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: ,chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" +
      "2\r\nab\r\n0\r\n\r\n",
    `${chunked}2;x=y\r\nab\r\n0\r\n\r\n`,
    `${chunked}${zeros(4000)}2\r\nab\r\n0\r\n\r\n`,
    `${chunked}${zeros(4092)}2\r\nab\r\n0\r\n\r\n`,
    `${chunked}${zeros(4095)}2\r\nab\r\n0\r\n\r\n`,
    `${chunked}${zeros(40960)}2\r\nab\r\n0\r\n\r\n`,
    `${chunked}2\nab\r\n0\r\n\r\n`,
    `${chunked}2\r\nabc\r\n0\r\n\r\n`,
    `${chunked}2_0\r\nab\r\n0\r\n\r\n`,
    `${chunked}100000000\r\nab\r\n0\r\n\r\n`,
    `${chunked}2\r\nab\r\n0\r\nX: y\r\n\r\n`,
    `HTTP/1.1 200 ${"r".repeat(4070)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 ${"r".repeat(5000)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nX: ${"v".repeat(4090)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nX: ${"v".repeat(4091)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(99)}\r\n`,
    `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(101)}\r\n`,
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
  ];
  const seen = async (response: string, size: number): Promise<unknown[]> => {
    const server = await scripted(
      t,
      serving(async (peer) => {
        if (size === 0) await peer.write(response);
        else await peer.writeEach(response, size);
        await peer.end();
      }),
    );
    const sess = sessionTo(server.port);
    const req = ne_request_create(sess, "GET", "/");
    let body = "";
    ne_add_response_body_reader(req, ne_accept_always, (_, block) => {
      body += block.toString("latin1");
      return 0;
    });
    const code = await ne_request_dispatch(req);
    const found = [code, code === NE_OK ? body : "", ne_get_error(sess), nx_response_fields(req)];
    ne_request_destroy(req);
    ne_session_destroy(sess);
    await server.close();
    return found;
  };
  for (const response of responses) {
    const whole = await seen(response, 0);
    const size = response.length > 300 ? 97 : 1;
    t.strictSame(await seen(response, size), whole, JSON.stringify(response.slice(0, 70)));
  }
});

t.test("4: extensions of chunks are not endless", async (t) => {
  const extended = `1;${"x".repeat(4000)}\r\na\r\n`;
  const server = await scripted(
    t,
    serving(async (peer) => {
      await peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      while (!peer.ended) await peer.write(extended.repeat(20));
    }),
    { forget: true },
  );
  const sess = ending(t, sessionTo(server.port));
  t.strictSame(await send(sess, "/"), {
    code: NE_ERROR,
    status: 200,
    error: "Could not parse chunk size",
  });
});

t.test("5: what comes between two requests answers neither", async (t) => {
  const poison = "HTTP/1.1 200 Poison\r\nContent-Length: 6\r\n\r\npoison";
  // with the first answer, and after it
  for (const late of [false, true]) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readRequest();
        await peer.write(OK + (late ? "" : poison));
        if (late) await peer.write(poison);
      },
      [OK],
    ]);
    const sess = ending(t, sessionTo(server.port));
    t.equal((await send(sess, "/one")).error, "200 X");
    await server.peers[0]?.taken();
    t.equal((await send(sess, "/two")).error, "200 X", `late: ${late}`);
    t.equal(server.connections, 2);
  }
});

t.test("5: nor in front of an answer to a login", async (t) => {
  const poison = "HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n";
  const server = await scripted(t, [
    (peer) => peer.readRequest().then(() => peer.write(answer(302, "Location: /x") + poison)),
    [OK],
  ]);
  const sess = ending(t, sessionTo(server.port));
  t.equal((await nx_send(sess, "GET", "/", { redirects: 1 })).error, "200 X");
});

t.test("6: a part of something else is not a part of this", async (t) => {
  const rows = [
    ["bytes 0-4/10", "another start"],
    ["bytes 5-20/30", "another end"],
    ["bytes */10", "no start"],
    ["octets 5-9/10", "another unit"],
    [null, "no range at all"],
  ] as const;
  for (const [range, why] of rows) {
    const fields = range === null ? [] : [`Content-Range: ${range}`];
    const server = await scripted(t, [[answer(206, ...fields)]]);
    const sess = ending(t, sessionTo(server.port));
    const wanted = Object.assign(new ne_content_range(), { start: 5, end: 9, total: -1 });
    t.equal(await ne_get_range(sess, "/", wanted, 1), NE_ERROR, why);
  }
});

t.test("7: floods in the head end in an error of their own", async (t) => {
  const floods: [begin: string, again: string, error: RegExp][] = [
    ["HTTP/1.1 200 ", "r".repeat(1000), /^Could not read status line: Line too long$/],
    ["HTTP/1.1 200 OK\r\n", "X: y\r\n", /^Response exceeded maximum number of header fields$/],
    ["HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n", /maximum number of header fields$/],
    ["HTTP/1.1 200 OK\r\n", "no field at all\r\n", /maximum number of header fields$/],
    ["HTTP/1.1 200 OK\r\nX: y\r\n", " folded\r\n", /response headers: Line too long$/],
    ["HTTP/1.1 200 OK\r\nno field\r\n", " folded\r\n", /Line too long/],
    ["", "HTTP/1.1 100 Continue\r\n\r\n", /^Too many interim responses$/],
    ["", "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", /^Too many interim responses$/],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
      "T: t\r\n",
      /^Response exceeded maximum number of header fields$/,
    ],
  ];
  for (const [begin, again, error] of floods) {
    const server = await scripted(
      t,
      serving(async (peer) => {
        await peer.write(begin);
        while (!peer.ended) await peer.write(again.repeat(50));
      }),
      { forget: true },
    );
    const sess = ending(t, sessionTo(server.port));
    const outcome = await send(sess, "/");
    t.equal(outcome.code, NE_ERROR);
    t.match(outcome.error, error);
    t.equal(server.connections, 1);
    await server.close();
  }
});

t.test("8: a bomb costs its limit and no more", async (t) => {
  const zeros = Readable.from(
    (function* () {
      const block = Buffer.alloc(1 << 20);
      for (let i = 0; i < 300; i++) yield block;
    })(),
  );
  const parts: Buffer[] = [];
  for await (const part of zeros.pipe(zlib.createGzip())) parts.push(part as Buffer);
  const bomb = Buffer.concat(parts);
  const head = (coding: string, body: Buffer): string =>
    `HTTP/1.1 200 X\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const bodies: [coding: string, body: Buffer][] = [
    ["gzip", bomb],
    ["gzip, gzip", zlib.gzipSync(bomb)],
    ["br", zlib.brotliCompressSync(Buffer.alloc(50 << 20))],
  ];
  for (const [coding, body] of bodies) {
    const server = await scripted(
      t,
      serving(async (peer) => {
        await peer.write(head(coding, body));
        await peer.write(body);
      }),
    );
    const sess = ending(t, sessionTo(server.port));
    nx_set_limits(sess, { body: 4 << 20 });
    const before = process.memoryUsage().arrayBuffers;
    const { code, error } = await nx_send(sess, "GET", "/");
    t.equal(code, NE_ERROR, coding);
    t.match(error, /^(Response body exceeds|Compressed response grows beyond) the limit$/);
    t.ok(process.memoryUsage().arrayBuffers - before < 40 << 20, "memory stays flat");
  }
  const chain = Array(4).fill("gzip").join(", ");
  const body = Buffer.from("never decoded");
  const server = await scripted(t, [[Buffer.concat([Buffer.from(head(chain, body)), body])]]);
  const sess = ending(t, sessionTo(server.port));
  t.match((await nx_send(sess, "GET", "/")).error, /Too many content codings/);
});

t.test("9: compressed bodies that end too soon or too late", async (t) => {
  const whole = zlib.gzipSync("content");
  const rows: [body: Buffer, error: RegExp][] = [
    [whole.subarray(0, -1), /truncated/],
    [whole.subarray(0, 5), /truncated/],
    [Buffer.concat([whole, Buffer.from("trailing")]), /./],
    [Buffer.from("no gzip at all"), /./],
  ];
  for (const [body, error] of rows) {
    const length = `Content-Length: ${body.length}`;
    const head = `HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\n${length}\r\n\r\n`;
    const server = await scripted(t, [[() => Buffer.concat([Buffer.from(head), body])]]);
    const sess = ending(t, sessionTo(server.port));
    const result = await nx_send(sess, "GET", "/");
    t.equal(result.code, NE_ERROR);
    t.match(result.error, error);
  }
});

t.test("10: a body where none may be is not the next answer", async (t) => {
  const leak = "HTTP/1.1 200 Leak\r\nContent-Length: 0\r\n\r\n";
  const withLeak = (status: number): string =>
    `HTTP/1.1 ${status} X\r\nContent-Length: ${leak.length}\r\n\r\n${leak}`;
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    const server = await scripted(t, [[withLeak(status)], [OK]]);
    const sess = ending(t, sessionTo(server.port));
    t.equal((await send(sess, "/", method)).status, status);
    await server.peers[0]?.taken();
    t.equal((await send(sess, "/")).error, "200 X", `${method} ${status}`);
  }
  for (const short of [
    "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nab",
    "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
  ]) {
    const server = await scripted(t, [[short, END]]);
    const sess = ending(t, sessionTo(server.port));
    t.equal((await send(sess, "/")).code, NE_ERROR);
  }
});

t.test("11: the bound of the whole request beats a slow drip", async (t) => {
  const drips: [begin: string, drop: string][] = [
    ["HTTP/1.1 200 ", "O"],
    ["HTTP/1.1 200 OK\r\nX: ", "y"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "b"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
    ["", "HTTP/1.1 102 Processing\r\n\r\n"],
  ];
  const time = holdTime(t);
  for (const [begin, drop] of drips) {
    const server = await scripted(
      t,
      serving(async (peer) => {
        await peer.write(begin);
        while (!peer.ended) {
          await peer.write(drop);
          await peer.taken();
          time.pass(1);
        }
      }),
      { forget: true },
    );
    const sess = ending(t, sessionTo(server.port));
    nx_set_request_timeout(sess, 30);
    const outcome = await send(sess, "/");
    t.strictSame([outcome.code, outcome.error], [NE_TIMEOUT, "Request timed out"], begin);
    await server.close();
  }
});

t.test("12: names of fields are nothing but names", async (t) => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "0", "-1"];
  const server = await scripted(t, [[answer(200, ...names.map((name) => `${name}: v-${name}`))]]);
  const sess = ending(t, sessionTo(server.port));
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  for (const name of names) t.equal(ne_get_response_header(req, name), `v-${name}`);
  t.equal(ne_get_response_header(req, "valueOf"), null);
  t.equal(({} as Record<string, unknown>)["v-__proto__"], undefined);
  ne_request_destroy(req);
});

const ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\x08\t\x7f";
const CONTROL = /[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029]/;

t.test("13 and 14: what a server says is shown as one printable line", async (t) => {
  const multistatus = (reason: string): string => {
    const body =
      '<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/a%1b</href>' +
      `<status>HTTP/1.1 423 ${reason}</status>` +
      `<responsedescription>${reason}\u202e\u2028\u009b</responsedescription>` +
      "</response></multistatus>";
    const bytes = Buffer.from(body).toString("latin1");
    return (
      "HTTP/1.1 207 X\r\nContent-Type: text/xml\r\n" +
      `Content-Length: ${bytes.length}\r\n\r\n${bytes}`
    );
  };
  const rows: [response: string, run: (sess: ne_session) => Promise<unknown>][] = [
    [`HTTP/1.1 404 No${ESCAPES}\r\nContent-Length: 0\r\n\r\n`, (sess) => send(sess, "/")],
    [`HTTP/1.1 404 %n%s%99999d\r\nContent-Length: 0\r\n\r\n`, (sess) => send(sess, "/")],
    [`${ESCAPES} nonsense\r\n\r\n`, (sess) => send(sess, "/")],
    [`HTTP/1.1 404 No${ESCAPES}\r\nContent-Length: 0\r\n\r\n`, (sess) => ne_delete(sess, "/")],
    [multistatus("Lock\u009bed\u202e %n %s"), (sess) => ne_delete(sess, "/")],
    [multistatus("plain"), (sess) => ne_delete(sess, "/")],
    [
      "HTTP/1.1 207 X\r\nContent-Type: text/xml\r\nContent-Length: 23\r\n\r\n" +
        "<a:\u0085b\x9b xmlns='x'></a>",
      (sess) => ne_delete(sess, "/"),
    ],
    [
      "HTTP/1.1 207 X\r\nContent-Type: text/xml; charset=iso-8859-1\r\nContent-Length: 11\r\n\r\n" +
        "<a>&\x9b;</a>\n",
      (sess) => ne_delete(sess, "/"),
    ],
  ];
  for (const [response, run] of rows) {
    const server = await scripted(t, [[response]]);
    const sess = ending(t, sessionTo(server.port));
    await run(sess);
    const error = ne_get_error(sess);
    t.notMatch(error, CONTROL, JSON.stringify(error));
    if (response.includes("%n%s")) t.equal(error, "404 %n%s%99999d");
    if (response.includes("%n %s")) t.match(error, /%n %s/);
  }
});

t.test("14: broken dates are no dates", async (t) => {
  let seed = 7;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const odd: string[] = [];
  const good = ["Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"];
  const marks = "%n%s0123456789-+:TZ ,\0é";
  for (let i = 0; i < 1000; i++) {
    const letters = [...(good[i & 1] as string)];
    for (let n = 0; n < 3; n++) letters[next(letters.length)] = marks[next(marks.length)] as string;
    const text = letters.join("");
    for (const date of [ne_httpdate_parse(text), ne_iso8601_parse(text)]) {
      if (date !== -1 && !Number.isSafeInteger(date)) odd.push(text);
    }
  }
  t.strictSame(odd, []);
});

t.test("lax parsing by a session's flag is that session's alone", async (t) => {
  const response = "HTTP/1.1 200 X\r\nContent-Length: +2\r\n\r\nab";
  const server = await scripted(t, [[response], [response, END]]);
  const lax = ending(t, sessionTo(server.port));
  ne_set_session_flag(lax, NE_SESSFLAG_STRICT, 0);
  t.equal((await send(lax, "/")).code, NE_OK);
  const strict = ending(t, sessionTo(server.port));
  t.equal((await send(strict, "/")).error, "Invalid Content-Length in response");
});

t.test("a body that was promised and never comes does not hang the answer", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write(answer(413, "Connection: close"));
      await peer.stall();
    },
  ]);
  const sess = ending(t, sessionTo(server.port));
  const req = ne_request_create(sess, "PUT", "/");
  ne_set_request_body_buffer(req, Buffer.alloc(1 << 24));
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(ne_get_error(sess), "413 X");
  ne_request_destroy(req);
});
