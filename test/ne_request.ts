// ne_request.h: what its manual promises, one promise a test. Whole exchanges beside C are in
// ne_request_exchanges.ts, faults of the peer in faults.ts, callbacks that go their own ways in
// ne_request_callbacks.ts.
import fs from "node:fs";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { PassThrough } from "node:stream";
import t from "tap";
import type { Test } from "tap";
import * as neon from "../lib/index.js";
import {
  NE_ERROR,
  NE_FAILED,
  NE_OK,
  NE_REQFLAG_1XXTIMEOUT,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_REQFLAG_LAST,
  NE_RETRY,
  NE_SESSFLAG_EXPECT100,
  ne_accept_2xx,
  ne_accept_always,
  ne_add_interim_handler,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_error,
  ne_get_request_flag,
  ne_get_request_private,
  ne_get_request_target,
  ne_get_response_header,
  ne_get_response_location,
  ne_get_response_retry_after,
  ne_get_response_trailer,
  ne_get_session,
  ne_get_status,
  ne_hook_create_request,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_print_request_header,
  ne_read_response_block,
  ne_read_response_to_buffer,
  ne_read_response_to_fd,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_response_header_iterate,
  ne_response_trailer_iterate,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_set_error,
  ne_set_read_timeout,
  ne_set_request_body_buffer,
  ne_set_request_body_fd,
  ne_set_request_body_provider,
  ne_set_request_flag,
  ne_set_request_private,
  ne_set_session_flag,
  ne_set_useragent,
  ne_status,
  ne_uri_unparse,
} from "../lib/index.js";
import type { ne_field_cursor, ne_request, ne_request_flag } from "../lib/index.js";
import { failureOf, mistake, OK, openSession, send, settled } from "./fixtures/conversation.js";
import { refusedPort, scripted, type PeerRequest } from "./fixtures/server.js";

/** A request of a session that nobody answers. */
function lonely(t: Test, method = "GET", target = "/"): ne_request {
  const req = ne_request_create(openSession(t, 1), method, target);
  t.teardown(() => failureOf(() => ne_request_destroy(req)));
  return req;
}

const body = (text: string): string => `Content-Length: ${text.length}\r\n\r\n${text}`;

t.test("the numbers of codes and flags", async (t) => {
  const names = "OK ERROR LOOKUP AUTH PROXYAUTH CONNECT TIMEOUT FAILED RETRY REDIRECT".split(" ");
  const numbers = names.map((name) => (neon as unknown as Record<string, number>)[`NE_${name}`]);
  t.strictSame(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const flags = [NE_REQFLAG_EXPECT100, NE_REQFLAG_IDEMPOTENT, NE_REQFLAG_1XXTIMEOUT];
  t.strictSame([...flags, NE_REQFLAG_LAST], [0, 1, 2, 3]);
});

// ---- mistakes ----

const SPLITTERS = ["\r", "\n", "\0", "\u010a", "\u560d", "\u{1f600}"];

t.test("what would end a line, or is no byte, is refused before a hook sees it", async (t) => {
  const sess = openSession(t, 1);
  ne_hook_create_request(sess, () => t.fail("a hook ran"));
  for (const bad of [...SPLITTERS, " ", "\t", "\x7f"]) {
    const shown = JSON.stringify(bad);
    t.match(
      await mistake(() => ne_request_create(sess, `G${bad}T`, "/")),
      "ne_request_create: the method",
      shown,
    );
    t.match(
      await mistake(() => ne_request_create(sess, "GET", `/a${bad}b`)),
      "ne_request_create: the target",
      shown,
    );
  }
  for (const bad of ["", "G/T", "G:T", "GÉT"]) {
    t.match(
      await mistake(() => ne_request_create(sess, bad, "/")),
      "ne_request_create: the method",
      bad,
    );
  }
  t.match(await mistake(() => ne_request_create(sess, null as never, "/")), "ne_request_create");
  t.match(
    await mistake(() => ne_request_create(sess, "GET", undefined as never)),
    "ne_request_create",
  );
});

t.test("a field that would be two is refused, and nothing of it sent", async (t) => {
  const server = await scripted(t, [[OK]]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  for (const bad of SPLITTERS) {
    const shown = JSON.stringify(bad);
    for (const add of [ne_add_request_header, ne_print_request_header] as const) {
      t.match(await mistake(() => add(req, `X${bad}`, "v")), `${add.name}: the field name`, shown);
      t.match(
        await mistake(() => add(req, "X", `v${bad}w`)),
        `${add.name}: the field value`,
        shown,
      );
    }
  }
  for (const bad of ["", "a b", "a:", "(a)", "ä"]) {
    t.match(await mistake(() => ne_add_request_header(req, bad, "v")), "the field name", bad);
  }
  t.match(
    await mistake(() => ne_print_request_header(req, "X", "%s", "a\r\nB: c")),
    "the field value",
  );
  t.match(await mistake(() => ne_add_request_header(req, "X", 1 as never)), "must be a string");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.notMatch(server.received[0], "X");
  ne_request_destroy(req);
});

t.test("a destroyed or foreign handle is refused by name", async (t) => {
  const sess = openSession(t, 1);
  const req = ne_request_create(sess, "GET", "/");
  ne_request_destroy(req);
  const out = { value: "" };
  const calls: Record<string, (req: ne_request) => unknown> = {
    ne_set_request_body_buffer: (req) => ne_set_request_body_buffer(req, Buffer.alloc(1)),
    ne_set_request_body_fd: (req) => ne_set_request_body_fd(req, 0, 0, 1),
    ne_set_request_body_provider: (req) => ne_set_request_body_provider(req, 1, () => 0),
    ne_add_response_body_reader: (req) =>
      ne_add_response_body_reader(req, ne_accept_always, () => 0),
    ne_get_response_header: (req) => ne_get_response_header(req, "x"),
    ne_get_response_trailer: (req) => ne_get_response_trailer(req, "x"),
    ne_response_header_iterate: (req) => ne_response_header_iterate(req, null, out, out),
    ne_response_trailer_iterate: (req) => ne_response_trailer_iterate(req, null, out, out),
    ne_add_request_header: (req) => ne_add_request_header(req, "x", "y"),
    ne_print_request_header: (req) => ne_print_request_header(req, "x", "y"),
    ne_get_request_target,
    ne_get_response_location,
    ne_get_response_retry_after,
    ne_request_dispatch,
    ne_get_status,
    ne_get_session,
    ne_request_destroy,
    ne_begin_request,
    ne_end_request,
    ne_read_response_block: (req) => ne_read_response_block(req, Buffer.alloc(1)),
    ne_discard_response,
    ne_read_response_to_fd: (req) => ne_read_response_to_fd(req, 1),
    ne_read_response_to_buffer: (req) =>
      ne_read_response_to_buffer(req, Buffer.alloc(1), { value: 1 }),
    ne_set_request_flag: (req) => ne_set_request_flag(req, 0, 1),
    ne_get_request_flag: (req) => ne_get_request_flag(req, 0),
    ne_add_interim_handler: (req) => ne_add_interim_handler(req, () => {}),
    ne_set_request_private: (req) => ne_set_request_private(req, "x", 1),
    ne_get_request_private: (req) => ne_get_request_private(req, "x"),
  };
  for (const [name, call] of Object.entries(calls)) {
    t.equal(await mistake(() => call(req)), `${name}: the ne_request was destroyed already`);
    t.equal(
      await mistake(() => call(sess as never)),
      `${name}: expected a ne_request, got a ne_session`,
    );
    t.equal(await mistake(() => call(null as never)), `${name}: expected a ne_request, got null`);
  }
});

t.test("what is no function, no memory and no size is refused by name", async (t) => {
  const req = lonely(t);
  const { ne_hook_close_conn, ne_hook_destroy_request } = neon;
  const sess = ne_get_session(req);
  const wrong: [string, () => unknown][] = [
    [
      "ne_set_request_body_provider: the callback",
      () => ne_set_request_body_provider(req, 1, 1 as never),
    ],
    ["ne_set_request_body_provider: length", () => ne_set_request_body_provider(req, -2, () => 0)],
    [
      "ne_set_request_body_provider: length",
      () => ne_set_request_body_provider(req, 2 ** 53, () => 0),
    ],
    ["ne_set_request_body_buffer: buffer", () => ne_set_request_body_buffer(req, "x" as never)],
    ["ne_set_request_body_fd: offset", () => ne_set_request_body_fd(req, 0, -1, 1)],
    ["ne_set_request_body_fd: length", () => ne_set_request_body_fd(req, 0, 0, 1.5)],
    ["ne_set_request_body_fd: end", () => ne_set_request_body_fd(req, 0, 2 ** 53 - 1, 1)],
    ["ne_set_request_body_fd", () => ne_set_request_body_fd(req, "x" as never, 0, 1)],
    ["ne_add_response_body_reader", () => ne_add_response_body_reader(req, null as never, () => 0)],
    ["ne_add_response_body_reader", () => ne_add_response_body_reader(req, () => 1, {} as never)],
    ["ne_add_interim_handler", () => ne_add_interim_handler(req, null as never)],
    ["ne_hook_pre_send", () => ne_hook_pre_send(sess, null as never)],
    ["ne_hook_close_conn", () => ne_hook_close_conn(sess, 1 as never)],
    ["ne_hook_destroy_request", () => ne_hook_destroy_request(sess, "f" as never)],
  ];
  for (const [message, call] of wrong) t.match(await mistake(call), message);
});

t.test("the steps of a request have their order", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  const buffer = Buffer.alloc(10);
  const steps: Record<string, () => unknown> = {
    ne_read_response_block: () => ne_read_response_block(req, buffer),
    ne_discard_response: () => ne_discard_response(req),
    ne_read_response_to_fd: () => ne_read_response_to_fd(req, 1),
    ne_read_response_to_buffer: () => ne_read_response_to_buffer(req, buffer, { value: 1 }),
    ne_end_request: () => ne_end_request(req),
  };
  for (const [name, step] of Object.entries(steps)) {
    t.match(await mistake(step), `${name}: no response is being read`, "before it was begun");
  }
  const begun = ne_begin_request(req);
  t.match(await mistake(() => ne_begin_request(req)), "ne_begin_request: the request was begun");
  t.match(await mistake(() => ne_end_request(req)), "ne_end_request: no response is being read");
  t.equal(await begun, NE_OK);
  t.match(
    await mistake(() => ne_request_dispatch(req)),
    "ne_request_dispatch: the request was begun",
  );
  t.match(await mistake(() => ne_read_response_block(req, Buffer.alloc(0))), "the buffer is empty");
  t.equal(await ne_read_response_block(req, buffer), 2, "no mistake did harm");
  t.equal(await ne_read_response_block(req, buffer), 0);
  t.equal(await ne_end_request(req), NE_OK);
  t.match(await mistake(() => ne_end_request(req)), "ne_end_request: no response is being read");
  t.equal(await ne_request_dispatch(req), NE_OK, "a request may be dispatched again");
  ne_request_destroy(req);
});

t.test("two calls at once on one request are refused, and the first goes on", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  await ne_begin_request(req);
  const first = ne_read_response_block(req, Buffer.alloc(10));
  const pending = "another call is still pending on this request";
  t.equal(
    await mistake(() => ne_read_response_block(req, Buffer.alloc(10))),
    `ne_read_response_block: ${pending}`,
  );
  t.equal(await mistake(() => ne_discard_response(req)), `ne_discard_response: ${pending}`);
  t.equal(await mistake(() => ne_end_request(req)), `ne_end_request: ${pending}`);
  await server.peers[0]?.write("ok");
  t.equal(await first, 2);
  ne_request_destroy(req);
});

// ---- what is sent ----

t.test("a request begins with the fields of the time it was created", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const sess = openSession(t, server.port);
  ne_set_useragent(sess, "first/1.0");
  const early = ne_request_create(sess, "GET", "/early");
  const second = ne_request_create(sess, "GET", "/second");
  ne_set_useragent(sess, "second/1.0");
  await ne_request_dispatch(early);
  await ne_request_dispatch(second);
  await send(sess, "GET", "/late");
  const { ne_version_library } = neon;
  const agent = (name: string): string => `User-Agent: ${name}/1.0 neon/${ne_version_library()}`;
  const old = ["Keep-Alive: ", "Connection: TE, Keep-Alive"];
  const rest = ["TE: trailers", `Host: 127.0.0.1:${server.port}`];
  t.strictSame(
    server.requests.map(({ fields }) => fields),
    [
      [agent("first"), ...old, ...rest],
      [agent("first"), ...old, ...rest],
      [agent("second"), "Connection: TE", ...rest],
    ],
  );
  ne_request_destroy(early);
  ne_request_destroy(second);
});

t.test("fields are sent in the order of the calls, Expect and those of hooks behind", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      await peer.readBody();
      await peer.write(OK);
    },
  ]);
  const sess = openSession(t, server.port);
  ne_set_session_flag(sess, neon.NE_SESSFLAG_PERSIST, 0);
  ne_hook_pre_send(sess, (_req, _userdata, header) => neon.ne_buffer_zappend(header, "Z: z\r\n"));
  const req = ne_request_create(sess, "PUT", "/");
  ne_add_request_header(req, "B", "2");
  ne_print_request_header(req, "A", "%d-%s%%", 7, "x");
  ne_set_request_body_buffer(req, Buffer.from("x"));
  ne_add_request_header(req, "C", "\u00e9");
  ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  await ne_request_dispatch(req);
  t.strictSame(server.requests[0]?.fields, [
    "Connection: TE, close",
    "TE: trailers",
    `Host: 127.0.0.1:${server.port}`,
    "B: 2",
    "A: 7-x%",
    "Content-Length: 1",
    "C: \u00e9",
    "Expect: 100-continue",
    "Z: z",
  ]);
  ne_request_destroy(req);
});

t.test("a printed value is cut to 8191 characters", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  await send(sess, "GET", "/", (req) => {
    ne_print_request_header(req, "A", "%s", "y".repeat(9000));
    ne_add_request_header(req, "B", "y".repeat(9000));
  });
  t.equal(server.requests[0]?.field("a")?.length, 8191);
  t.equal(server.requests[0]?.field("b")?.length, 9000);
});

t.test("a body from memory is read when it is sent, and repeated", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  let again = true;
  ne_hook_post_send(sess, () => {
    const code = again ? NE_RETRY : NE_OK;
    again = false;
    return code;
  });
  const bytes = Buffer.from("hello");
  const req = ne_request_create(sess, "PUT", "/");
  ne_set_request_body_buffer(req, Buffer.from("replaced"));
  ne_set_request_body_buffer(req, bytes);
  bytes[0] = 0x4a;
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.strictSame(
    server.requests.map((sent) => [sent.field("content-length"), String(sent.body)]),
    [
      ["5", "Jello"],
      ["5", "Jello"],
    ],
  );
  ne_request_destroy(req);
});

t.test("a body without bytes has a length and nothing else", async (t) => {
  const server = await scripted(t, [[OK]]);
  await send(openSession(t, server.port), "PUT", "/", (req) => {
    ne_set_request_body_buffer(req, Buffer.alloc(0));
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  });
  t.match(server.received[0], /Content-Length: 0\r\n\r\n$/);
});

// ---- bodies from files ----

function put(
  prepare: (req: ne_request) => void,
): (sess: neon.ne_session) => ReturnType<typeof send> {
  return (sess) => send(sess, "PUT", "/", prepare);
}

t.test("a body from a file starts at its offset, each time", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const sess = openSession(t, server.port);
  const name = path.join(t.testdir({ file: "0123456789" }), "file");
  const fd = fs.openSync(name, "r");
  const handle = await fs.promises.open(name);
  let again = true;
  ne_hook_post_send(sess, () => {
    const code = again ? NE_RETRY : NE_OK;
    again = false;
    return code;
  });
  t.equal((await put((req) => ne_set_request_body_fd(req, fd, 2, 5))(sess)).code, NE_OK);
  t.equal((await put((req) => ne_set_request_body_fd(req, handle, 0, 10))(sess)).code, NE_OK);
  t.strictSame(
    server.requests.map(({ body }) => String(body)),
    ["23456", "23456", "0123456789"],
  );
  fs.closeSync(fd);
  await handle.close();
  const gone = await mistake(() => put((req) => ne_set_request_body_fd(req, handle, 0, 10))(sess));
  t.match(gone, "ne_set_request_body_fd");
});

t.test("a large file arrives whole", async (t) => {
  const bytes = Buffer.alloc(3_000_001, "0123456789abcdefghi");
  const name = path.join(t.testdir({ file: bytes.toString() }), "file");
  const fd = fs.openSync(name, "r");
  for (const counted of [false, true]) {
    const server = await scripted(t, [[OK]]);
    const sess = openSession(t, server.port);
    if (counted) neon.ne_set_notifier(sess, () => {});
    const whole = put((req) => ne_set_request_body_fd(req, fd, 0, bytes.length));
    t.equal((await whole(sess)).code, NE_OK);
    t.ok(server.requests[0]?.body.equals(bytes));
  }
  fs.closeSync(fd);
});

t.test("files that fail to read", async (t) => {
  const dir = t.testdir({ file: "0123456789" });
  const fifo = path.join(dir, "fifo");
  execFileSync("mkfifo", [fifo]);
  const opened = [path.join(dir, "file"), dir, fifo].map((name) =>
    fs.openSync(name, name === fifo ? "r+" : "r"),
  ) as [number, number, number];
  const closed = fs.openSync(dir, "r");
  fs.closeSync(closed);
  const table: [string, number, number, number, string, string][] = [
    ["ends early", opened[0], 3, 10, "Premature EOF in request body file", "3456789"],
    ["has nothing there", opened[0], 30, 10, "Premature EOF in request body file", ""],
    ["is a directory", opened[1], 0, 10, "Failed reading request body file: Is a directory", ""],
    [
      "is a pipe",
      opened[2],
      7,
      10,
      "Could not seek to offset 7 of request body file: Illegal seek",
      "",
    ],
    [
      "is not open",
      999_999,
      0,
      5,
      "Could not seek to offset 0 of request body file: Bad file descriptor",
      "",
    ],
  ];
  for (const [what, fd, offset, length, error, sent] of table) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readHead();
        t.equal(String(await peer.readBytes(sent.length)), sent, what);
        await peer.readEof();
      },
    ]);
    const sess = openSession(t, server.port);
    const result = await put((req) => ne_set_request_body_fd(req, fd, offset, length))(sess);
    t.strictSame([result.code, result.error], [NE_ERROR, error], what);
    await server.done();
  }
  for (const fd of opened) fs.closeSync(fd);
});

// ---- bodies from providers ----

t.test("a provider is asked to rewind, then for blocks", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  for (const [length, block] of [
    [20_000, 8192],
    [-1, 8184],
  ] as const) {
    const asked: number[] = [];
    let left = 0;
    const result = await put((req) =>
      ne_set_request_body_provider(
        req,
        length,
        (userdata, buffer) => {
          t.equal(userdata, "mine");
          asked.push(buffer.length);
          if (buffer.length === 0) left = 20_000;
          const count = Math.min(left, buffer.length);
          buffer.fill(0x70, 0, count);
          left -= count;
          return count;
        },
        "mine",
      ),
    )(sess);
    t.equal(result.code, NE_OK);
    t.strictSame(asked, [0, block, block, block, block], `length ${length}`);
  }
  const [known, chunked] = server.requests as readonly [PeerRequest, PeerRequest];
  t.equal(known.field("content-length"), "20000");
  t.equal(known.field("transfer-encoding"), null);
  t.equal(chunked.field("transfer-encoding"), "chunked");
  t.equal(chunked.field("content-length"), null);
  t.equal(chunked.body.length, 20_000);
});

t.test("providers that fail", async (t) => {
  const boom = new Error("boom");
  const step =
    (answer: unknown) =>
    (_userdata: unknown, buffer: Uint8Array): number => {
      if (buffer.length === 0) return 0;
      if (answer instanceof Error) throw answer;
      return answer as number;
    };
  const table: [string, number, (u: unknown, b: Uint8Array) => unknown, string | Error][] = [
    ["a negative number", 10, step(-1), "Unknown error."],
    ["no rewind", 10, () => 1, "Unknown error."],
    [
      "too short",
      10,
      (_u, b) => (b.length === 0 ? 0 : 0),
      "Request body ended after 0 of 10 bytes",
    ],
    [
      "too long",
      10,
      (_u, b) => (b.length === 0 ? 0 : 11),
      "Request body was longer than the 10 bytes announced",
    ],
    ["throws", 10, step(boom), boom],
    ["rejects", -1, (_u, b) => (b.length === 0 ? 0 : Promise.reject(boom)), boom],
    ["throws when rewinding", -1, () => step(boom)(0, Buffer.alloc(1)), boom],
    [
      "returns nothing",
      10,
      step(undefined),
      new TypeError("ne_provide_body: the callback returned undefined, not a number"),
    ],
    [
      "returns more than asked for",
      -1,
      step(8185),
      new TypeError("ne_provide_body: returned 8185 for a buffer of 8184 bytes"),
    ],
    [
      "returns no whole number",
      -1,
      step(0.5),
      new TypeError("ne_provide_body: returned 0.5 for a buffer of 8184 bytes"),
    ],
  ];
  for (const [what, length, provide, expected] of table) {
    const server = await scripted(t, (peer) => peer.stall());
    const sess = openSession(t, server.port);
    const call = put((req) => ne_set_request_body_provider(req, length, provide as never));
    let result: unknown;
    const thrown = await failureOf(async () => (result = await call(sess)));
    if (typeof expected === "string") {
      t.match(result, { code: NE_ERROR, error: expected, status: 0 }, what);
    } else if (expected === boom) {
      t.equal(thrown, boom, what);
    } else {
      t.strictSame(
        [(thrown as Error)?.constructor, (thrown as Error)?.message],
        [TypeError, expected.message],
        what,
      );
    }
    await server.peers[0]?.readEof();
  }
});

t.test("a provider that fails beside an early answer fails the request", async (t) => {
  for (const until of [
    "HTTP/1.1 200 OK\r\n\r\npart",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
  ]) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readHead();
        await peer.write(until);
        await peer.readEof();
      },
    ]);
    const sess = openSession(t, server.port);
    let read = (): void => {};
    const reading = new Promise<void>((resolve) => (read = resolve));
    const result = await send(sess, "PUT", "/", (req) => {
      ne_add_response_body_reader(req, ne_accept_always, () => {
        read();
        return 0;
      });
      ne_set_request_body_provider(req, 10, async (_userdata, buffer) => {
        if (buffer.length === 0) return 0;
        await reading;
        ne_set_error(sess, "the source is gone");
        return -1;
      });
    });
    t.match(result, { code: NE_ERROR, error: "the source is gone", status: 200, body: "part" });
  }
});

t.test("a repeated request asks its provider only when the last answer has come", async (t) => {
  let over = (): void => {};
  const first = new Promise<void>((resolve) => (over = resolve));
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
      await peer.readEof();
    },
    async (peer) => {
      await peer.readHead();
      await settled();
      over();
      await peer.readBody();
      await peer.write(OK);
    },
  ]);
  const sess = openSession(t, server.port);
  ne_hook_post_send(sess, (_req, _userdata, { code }) => (code === 401 ? NE_RETRY : NE_OK));
  const calls: string[] = [];
  let rewinds = 0;
  const result = await send(sess, "PUT", "/", (req) => {
    let left = 0;
    ne_set_request_body_provider(req, 4, async (_userdata, buffer) => {
      const name = buffer.length === 0 ? `rewind ${++rewinds}` : "block";
      calls.push(name);
      if (rewinds === 1 && buffer.length > 0) await first;
      calls.push(`${name} over`);
      if (buffer.length === 0) {
        left = 4;
        return 0;
      }
      const count = left;
      left = 0;
      return count;
    });
  });
  t.equal(result.code, NE_OK);
  const asked = ["rewind 1", "rewind 1 over", "block", "block over", "rewind 2", "rewind 2 over"];
  t.strictSame(calls.slice(0, 6), asked);
});

// ---- readers ----

t.test("acceptance callbacks and readers run last registered first", async (t) => {
  const server = await scripted(t, [[OK, "HTTP/1.1 404 Not Found\r\n" + body("gone")]]);
  const sess = openSession(t, server.port);
  const run = async (): Promise<string[]> => {
    const seen: string[] = [];
    const req = ne_request_create(sess, "GET", "/");
    for (const name of ["a", "no", "b"]) {
      ne_add_response_body_reader(
        req,
        (userdata, given, st) => {
          t.equal(given, req);
          t.equal(st, ne_get_status(req));
          seen.push(`${userdata}?`);
          return name === "no" ? 0 : 1;
        },
        (userdata, block) => {
          seen.push(`${userdata}:${block.toString()}`);
          return 0;
        },
        name,
      );
    }
    ne_add_response_body_reader(
      req,
      ne_accept_2xx,
      (_userdata, block) => seen.push(`2xx:${block.toString()}`) * 0,
    );
    await ne_request_dispatch(req);
    ne_request_destroy(req);
    return seen;
  };
  t.strictSame(await run(), ["b?", "no?", "a?", "2xx:ok", "b:ok", "a:ok", "2xx:", "b:", "a:"]);
  t.strictSame(await run(), ["b?", "no?", "a?", "b:gone", "a:gone", "b:", "a:"]);
});

t.test("ne_accept_2xx, ne_accept_always", async (t) => {
  const req = lonely(t);
  for (const [klass, expected] of [
    [1, 0],
    [2, 1],
    [3, 0],
    [5, 0],
  ] as const) {
    const status = Object.assign(new ne_status(), { klass });
    t.equal(ne_accept_2xx(null, req, status), expected);
    t.equal(ne_accept_always(null, req, status), 1);
  }
});

t.test("a reader that returns non-zero breaks the response off", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
      await peer.readEof();
    },
    [OK],
  ]);
  const sess = openSession(t, server.port);
  for (const reader of [(): number => 7]) {
    const result = await send(sess, "GET", "/", (req) => {
      ne_add_response_body_reader(req, ne_accept_always, () => {
        ne_set_error(sess, "enough of %s", "that");
        return reader();
      });
    });
    t.strictSame(result, { code: NE_ERROR, error: "enough of that", status: 200, body: "" });
  }
  t.equal((await send(sess)).code, NE_OK, "over another connection");
  await server.done();
});

t.test("the final empty block counts too", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  const result = await send(sess, "GET", "/", (req) => {
    ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) => {
      if (block.length === 0) ne_set_error(sess, "not like that");
      return block.length === 0 ? 1 : 0;
    });
  });
  t.match(result, { code: NE_ERROR, error: "not like that" });
});

// ---- fields of the response ----

const FIELDS =
  "HTTP/1.1 200 OK\r\nX: 1\r\nx:  2 \t\r\nContent-Length: 0\r\nX:\r\n__proto__: p\r\n" +
  "constructor: c\r\n: empty\r\n\r\n";

t.test("fields by name, in any case, joined", async (t) => {
  const server = await scripted(t, [[FIELDS]]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  t.equal(ne_get_response_header(req, "X"), null, "before the response");
  await ne_request_dispatch(req);
  const table: [string, string | null][] = [
    ["x", "1, 2, "],
    ["X", "1, 2, "],
    ["CONTENT-length", "0"],
    ["__proto__", "p"],
    ["constructor", "c"],
    ["toString", null],
    ["", "empty"],
    ["nothing", null],
  ];
  for (const [name, value] of table) t.equal(ne_get_response_header(req, name), value, name);
  ne_request_destroy(req);
});

t.test("joined values stay below 8192 characters", async (t) => {
  const line = (bytes: number): string => `X: ${"y".repeat(bytes)}\r\n`;
  const tooMuch = line(4000) + line(4000) + line(188) + line(1);
  const justFits = line(4000) + line(4000) + line(187);
  const answer = (fields: string): string =>
    `HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`;
  const server = await scripted(t, [[answer(tooMuch), answer(justFits)]]);
  const sess = openSession(t, server.port);
  for (const length of [8002 + 3, 8191]) {
    const req = ne_request_create(sess, "GET", "/");
    await ne_request_dispatch(req);
    t.equal(ne_get_response_header(req, "x")?.length, length);
    ne_request_destroy(req);
  }
});

function walk(
  req: ne_request,
  iterate: typeof ne_response_header_iterate,
): { fields: string[]; last: ne_field_cursor | null } {
  const name = { value: "untouched" };
  const value = { value: "untouched" };
  const fields: string[] = [];
  let last: ne_field_cursor | null = null;
  for (;;) {
    const cursor = iterate(req, last, name, value);
    if (cursor === null) return { fields: fields.sort(), last };
    fields.push(`${name.value}=${value.value}`);
    last = cursor;
  }
}

t.test("going through all fields of header and trailer", async (t) => {
  const chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\na: 2\r\n\r\n2\r\nok\r\n0\r\nT: x\r\nU: y\r\nT: z\r\n\r\n";
  const server = await scripted(t, [[chunked, OK]]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  t.strictSame(walk(req, ne_response_header_iterate).fields, []);
  ne_hook_post_send(ne_get_session(req), (given) => {
    if (ne_get_response_header(req, "a") !== null) {
      t.equal(ne_get_response_trailer(given, "t"), "x, z", "known in post_send hooks");
    }
    return NE_OK;
  });
  await ne_request_dispatch(req);
  const header = walk(req, ne_response_header_iterate);
  t.strictSame(header.fields, ["a=1, 2", "transfer-encoding=chunked"]);
  t.strictSame(walk(req, ne_response_trailer_iterate).fields, ["t=x, z", "u=y"]);
  t.equal(ne_get_response_trailer(req, "U"), "y");
  t.equal(ne_get_response_trailer(req, "A"), null);
  t.equal(ne_get_response_header(req, "T"), null);
  const out = { value: "" };
  const stale = "ne_response_header_iterate: the cursor is not one of this response";
  t.equal(await mistake(() => ne_response_header_iterate(req, {} as never, out, out)), stale);
  await ne_request_dispatch(req);
  t.equal(await mistake(() => ne_response_header_iterate(req, header.last, out, out)), stale);
  t.equal(ne_get_response_trailer(req, "U"), null, "the next response has none");
  ne_request_destroy(req);
});

// ---- target, location, retry-after, status ----

t.test("ne_get_request_target", async (t) => {
  const table: [string, string, string][] = [
    ["GET", "/a?b=c", "http://host:8080/a?b=c"],
    ["GET", "http://other:81/x?y#z", "http://other:81/x?y#z"],
    ["OPTIONS", "*", "http://host:8080"],
    ["CONNECT", "far:443", "http://host:8080"],
  ];
  const sess = ne_session_create("http", "host", 8080);
  for (const [method, target, expected] of table) {
    const req = ne_request_create(sess, method, target);
    const uri = ne_get_request_target(req);
    t.equal(ne_uri_unparse(uri as neon.ne_uri), expected, target);
    t.equal(ne_get_request_target(req), uri, "the same object each time");
    if (target === "/a?b=c") t.strictSame([uri?.path, uri?.query], ["/a?b=c", null]);
    ne_request_destroy(req);
  }
  ne_set_error(sess, "as before");
  const broken = ne_request_create(sess, "GET", "http://[::1/");
  t.equal(ne_get_request_target(broken), null);
  t.equal(ne_get_error(sess), "as before");
  ne_request_destroy(broken);
  ne_session_proxy(sess, "proxy", 3128);
  const proxied = ne_request_create(sess, "GET", "/p");
  t.equal(ne_uri_unparse(ne_get_request_target(proxied) as neon.ne_uri), "http://host:8080/p");
  ne_request_destroy(proxied);
  ne_session_destroy(sess);
});

t.test("ne_get_response_location", async (t) => {
  const table: [string | null, string | null, string | null, string?][] = [
    [null, null, null],
    ["http://other/x", null, "http://other/x"],
    ["//other/x", null, "http://other/x"],
    ["/x?y", null, "http://127.0.0.1:PORT/x?y"],
    ["c", null, "http://127.0.0.1:PORT/a/c"],
    ["../c", null, "http://127.0.0.1:PORT/c"],
    ["?q=1", null, "http://127.0.0.1:PORT/a/b?q=1"],
    ["/x", "frag", "http://127.0.0.1:PORT/x#frag"],
    ["/x#own", "frag", "http://127.0.0.1:PORT/x#own"],
    ["/a[1] {b}", null, "http://127.0.0.1:PORT/a%5B1%5D%20%7Bb%7D"],
    ["http://[::1/", null, null, "Could not parse redirect destination URL"],
  ];
  const answers = table.map(([location]) => {
    const field = location === null ? "" : `Location: ${location}\r\n`;
    return `HTTP/1.1 302 Found\r\n${field}Content-Length: 0\r\n\r\n`;
  });
  const server = await scripted(t, [answers]);
  const sess = openSession(t, server.port);
  for (const [location, fragment, expected, error = "302 Found"] of table) {
    const req = ne_request_create(sess, "GET", "/a/b?z=2");
    await ne_request_dispatch(req);
    const uri = ne_get_response_location(req, fragment);
    const text = uri === null ? null : ne_uri_unparse(uri).replace(String(server.port), "PORT");
    t.equal(text, expected, String(location));
    t.equal(ne_get_error(sess), error);
    if (uri !== null) t.not(ne_get_response_location(req, fragment), uri, "a new one each time");
    ne_request_destroy(req);
  }
});

t.test("ne_get_response_retry_after", async (t) => {
  const table: [string | null, (now: number) => number][] = [
    [null, () => 0],
    ["Retry-After: 120", (now) => now + 120],
    ["Retry-After:", (now) => now],
    ["Retry-After: -5", (now) => now - 5],
    ["Retry-After: 10s", () => 0],
    ["Retry-After: 0x10", () => 0],
    ["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", () => 784111777],
    ["Retry-After: soon", () => 0],
  ];
  const server = await scripted(t, [
    table.map(
      ([field]) =>
        `HTTP/1.1 503 Busy\r\n${field === null ? "" : `${field}\r\n`}Content-Length: 0\r\n\r\n`,
    ),
  ]);
  const sess = openSession(t, server.port);
  for (const [field, expected] of table) {
    const req = ne_request_create(sess, "GET", "/");
    t.equal(ne_get_response_retry_after(req), 0, "before the response");
    await ne_request_dispatch(req);
    const before = Math.floor(Date.now() / 1000);
    const time = ne_get_response_retry_after(req);
    const after = Math.floor(Date.now() / 1000);
    t.ok(time >= expected(before) && time <= expected(after), `${field}: ${time}`);
    ne_request_destroy(req);
  }
});

t.test("a request has one status, filled anew by each response", async (t) => {
  const server = await scripted(t, [
    [
      "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.0 404 Not  there\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
      OK,
    ],
  ]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  const status = ne_get_status(req);
  t.strictSame({ ...status }, { ...new ne_status() }, "all zero before");
  ne_add_interim_handler(req, (_userdata, given, st) => {
    t.equal(given, req);
    t.equal(st, status);
    t.equal(st.code, 102);
  });
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(ne_get_status(req), status);
  t.strictSame(
    { ...status },
    {
      major_version: 1,
      minor_version: 0,
      code: 404,
      klass: 4,
      reason_phrase: "Not  there",
    },
  );
  t.equal(ne_get_error(sess), "404 Not  there");
  await ne_request_dispatch(req);
  t.equal(status.code, 200);
  t.equal(ne_get_session(req), sess);
  ne_request_destroy(req);
});

t.test("fields read before a failure can be seen, a malformed status cannot", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nX: y\r\n";
  const table: [string, string, number, string | null][] = [
    ["cut off", `${head}Z`, 200, "y"],
    ["too long a line", `${head}Z: ${"z".repeat(5000)}\r\n\r\n`, 200, "y"],
    ["in the trailer", `${head}Transfer-Encoding: chunked\r\n\r\n0\r\nT: u\r\nV`, 200, "y"],
    ["after an interim answer", "HTTP/1.1 102 Wait\r\nX: w\r\n\r\nnone\r\n", 0, "w"],
  ];
  for (const [what, answer, code, field] of table) {
    const server = await scripted(t, [answer]);
    const sess = openSession(t, server.port);
    const req = ne_request_create(sess, "GET", "/");
    t.equal(await ne_request_dispatch(req), NE_ERROR, what);
    t.strictSame(
      [ne_get_status(req).code, ne_get_response_header(req, "x")],
      [code, field],
      what,
    );
    const trailer = what === "in the trailer" ? "u" : null;
    t.equal(ne_get_response_trailer(req, "t"), trailer, what);
    ne_request_destroy(req);
  }
});

t.test("answers that are not HTTP/1", async (t) => {
  const table: [string, string][] = [
    ["HTTP/2.0 200 OK\r\n\r\n", "Incompatible HTTP version"],
    ["HTTP/0.9 200 OK\r\n\r\n", "Incompatible HTTP version"],
    ["SSH-2.0-OpenSSH\r\n", "Could not parse response status line"],
    ["y".repeat(5000), "Could not read status line: Line too long"],
    [`HTTP/1.1 200 OK\r\nX: ${"y".repeat(5000)}`, "Error reading response headers: Line too long"],
  ];
  for (const [answer, error] of table) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readRequest();
        await peer.write(answer);
        await peer.readEof();
      },
    ]);
    t.match(await send(openSession(t, server.port)), { code: NE_ERROR, error });
  }
});

t.test("what debug output tells of a request", async (t) => {
  const server = await scripted(t, [
    [OK, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: x\r\n\r\n`],
  ]);
  const sess = openSession(t, server.port);
  const output = (mask: number): (() => string) => {
    const stream = new PassThrough();
    neon.ne_debug_init(stream, mask);
    return () => {
      neon.ne_debug_init(null, 0);
      return String(stream.read() ?? "");
    };
  };
  t.teardown(() => neon.ne_debug_init(null, 0));
  const blocks = output(neon.NE_DBG_HTTPBODY);
  await send(sess, "PUT", "/", (req) => ne_set_request_body_buffer(req, Buffer.from("body")));
  t.equal(blocks(), "Body block (4 bytes):\n[body]\nRead block (2 bytes):\n[ok]\n");
  const talk = output(neon.NE_DBG_HTTP);
  await send(sess, "GET", "/", (req) => ne_add_request_header(req, "Authorization", "Basic eDp5"));
  const lines = talk();
  for (const line of [
    "Running pre_send hooks",
    "Authorization: xxxxxxxxxx",
    "Sending request-line and headers:",
    "Request sent; retry is 1.",
    "[status-line] < HTTP/1.1 200 OK",
    "[hdr] Transfer-Encoding: chunked",
    "Header Name: [transfer-encoding], Value: [chunked]",
    "End of headers.",
    "Running post_headers hooks",
    "[hdr] T: x",
    "Running post_send hooks",
    "Request ends, status 200 class 2xx, error line:\n200 OK",
    "Running destroy hooks.",
    "Request ends.",
  ]) {
    t.ok(`\n${lines}`.includes(`\n${line}\n`), line);
  }
  t.notMatch(lines, "eDp5");
  const plain = output(neon.NE_DBG_HTTP | neon.NE_DBG_HTTPPLAIN);
  const refused = openSession(t, await refusedPort());
  await send(refused, "GET", "/", (req) => ne_add_request_header(req, "Cookie", "secret=1"));
  t.match(plain(), "\nCookie: secret=1\n");
  const sockets = output(neon.NE_DBG_SOCKET);
  neon.ne_close_connection(sess);
  t.equal(sockets(), "sess: Closing connection.\nsess: Connection closed.\n");
});

t.test("debug output names folded lines and a connection that had gone stale", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.readRequest();
      peer.end();
    },
    ["HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"],
  ]);
  const sess = openSession(t, server.port);
  await send(sess);
  const stream = new PassThrough();
  t.teardown(() => neon.ne_debug_init(null, 0));
  neon.ne_debug_init(stream, neon.NE_DBG_HTTP);
  t.equal((await send(sess)).code, NE_OK);
  neon.ne_debug_init(null, 0);
  const lines = String(stream.read());
  t.match(lines, "\n[hdr] A: 1\n[cont]  2\nHeader Name: [a], Value: [1 2]\n");
  t.match(lines, "\nAborted request (-3): Could not read status line\nPersistent connection timed out");
});

t.test("server text in the error string is one printable line", async (t) => {
  const server = await scripted(t, [
    ["HTTP/1.1 400 \x9b31mred\u0085 %n%s\r\nContent-Length: 0\r\n\r\n"],
  ]);
  const result = await send(openSession(t, server.port));
  t.strictSame([result.code, result.error], [NE_OK, "400  31mred  %n%s"]);
});

// ---- by hand ----

t.test("blocks go to the caller and to the readers", async (t) => {
  const server = await scripted(t, [["HTTP/1.1 200 OK\r\n" + body("0123456789")]]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  const seen: string[] = [];
  ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) => {
    seen.push(block.toString());
    return 0;
  });
  t.equal(await ne_begin_request(req), NE_OK);
  const buffer = Buffer.alloc(4, "-");
  const blocks: string[] = [];
  for (let count; (count = await ne_read_response_block(req, buffer)) > 0;) {
    blocks.push(buffer.toString("latin1", 0, count));
  }
  t.equal(await ne_read_response_block(req, buffer), 0, "the end stays the end");
  t.equal(await ne_end_request(req), NE_OK);
  t.strictSame(blocks, ["0123", "4567", "89"]);
  t.strictSame(seen.slice(0, 4), ["0123", "4567", "89", ""]);
  ne_request_destroy(req);
});

t.test("a block that cannot be read is -1, and ends the request", async (t) => {
  const server = await scripted(t, ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"]);
  const sess = openSession(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  await ne_begin_request(req);
  const buffer = Buffer.alloc(100);
  t.equal(await ne_read_response_block(req, buffer), 4);
  t.equal(await ne_read_response_block(req, buffer), -1);
  t.equal(ne_get_error(sess), "Could not read response body: connection was closed by server");
  t.match(await mistake(() => ne_end_request(req)), "no response is being read");
  ne_request_destroy(req);
});

t.test(
  "ending or destroying a request before its body was read closes the connection",
  async (t) => {
    for (const end of [ne_end_request, ne_request_destroy]) {
      const server = await scripted(t, [
        async (peer) => {
          await peer.readRequest();
          await peer.write("HTTP/1.1 200 OK\r\n" + body("0123456789"));
          await peer.readEof();
        },
        [OK],
      ]);
      const sess = openSession(t, server.port);
      const req = ne_request_create(sess, "GET", "/");
      await ne_begin_request(req);
      t.equal(await ne_read_response_block(req, Buffer.alloc(3)), 3);
      await end(req);
      t.strictSame(
        await send(sess),
        { code: NE_OK, error: "200 OK", status: 200, body: "ok" },
        end.name,
      );
      if (end === ne_end_request) ne_request_destroy(req);
    }
  },
);

t.test("ne_end_request gives what a hook says, and NE_RETRY to start over", async (t) => {
  const server = await scripted(t, [[OK, OK, OK]]);
  const sess = openSession(t, server.port);
  const answers = [NE_RETRY, 77, NE_OK];
  ne_hook_post_send(sess, () => answers.shift() as number);
  ne_hook_post_send(sess, () => NE_OK);
  const req = ne_request_create(sess, "GET", "/");
  for (const expected of [NE_RETRY, 77, NE_OK]) {
    t.equal(await ne_begin_request(req), NE_OK);
    t.equal(await ne_discard_response(req), NE_OK);
    t.equal(await ne_end_request(req), expected);
  }
  ne_request_destroy(req);
  t.equal(server.connections, 1, "all over one connection");
});

t.test("a trailer that cannot be read fails the end", async (t) => {
  const server = await scripted(t, [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: ",
  ]);
  const sess = openSession(t, server.port);
  ne_hook_post_send(sess, () => t.fail("no response was read") as never);
  const result = await send(sess);
  t.strictSame(
    [result.code, result.error],
    [NE_ERROR, "Error reading response headers: connection was closed by server"],
  );
});

t.test("ne_read_response_to_fd writes at the present position", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  const name = path.join(t.testdir({ file: "" }), "file");
  const handle = await fs.promises.open(name, "r+");
  for (const fd of [handle, handle.fd]) {
    const req = ne_request_create(sess, "GET", "/");
    await ne_begin_request(req);
    t.equal(await ne_read_response_to_fd(req, fd), NE_OK);
    t.equal(await ne_end_request(req), NE_OK);
    ne_request_destroy(req);
  }
  await handle.close();
  t.equal(fs.readFileSync(name, "latin1"), "okok");
});

t.test("a file that cannot be written, a body that cannot be read", async (t) => {
  const cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
  const server = await scripted(t, [[OK], cut]);
  const sess = openSession(t, server.port);
  const fd = fs.openSync("/dev/null", "r");
  const results: [number, string][] = [];
  for (let i = 0; i < 2; i++) {
    const req = ne_request_create(sess, "GET", "/");
    await ne_begin_request(req);
    results.push([
      await ne_read_response_to_fd(req, i === 0 ? fd : fs.openSync("/dev/null", "w")),
      ne_get_error(sess),
    ]);
    ne_request_destroy(req);
    neon.ne_close_connection(sess);
  }
  t.strictSame(results, [
    [NE_ERROR, "Could not write to file: Bad file descriptor"],
    [NE_ERROR, "Could not read response body: connection was closed by server"],
  ]);
});

t.test("ne_read_response_to_buffer", async (t) => {
  const table: [number, number, number, string, number][] = [
    // space, code, length afterwards, error, bytes stored
    [0, NE_OK, 0, "200 OK", 0],
    [1, NE_FAILED, 1, "Response buffer size too small", 0],
    [2, NE_OK, 2, "200 OK", 2],
    [9, NE_OK, 2, "200 OK", 2],
    [99, NE_OK, 2, "200 OK", 2],
  ];
  for (const [space, code, length, error, stored] of table) {
    const server = await scripted(t, [[OK]]);
    const sess = openSession(t, server.port);
    const req = ne_request_create(sess, "GET", "/");
    await ne_begin_request(req);
    const buffer = Buffer.alloc(10, "-");
    const buflen = { value: space };
    const result = await ne_read_response_to_buffer(req, buffer, buflen);
    t.strictSame(
      [result, buflen.value, ne_get_error(sess)],
      [code, length, error],
      `space ${space}`,
    );
    t.equal(buffer.toString("latin1", 0, stored + 1), "ok".slice(0, stored) + "-");
    ne_request_destroy(req);
  }
  const server = await scripted(t, ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"]);
  const req = ne_request_create(openSession(t, server.port), "GET", "/");
  await ne_begin_request(req);
  const buflen = { value: 10 };
  t.equal(await ne_read_response_to_buffer(req, Buffer.alloc(10), buflen), NE_ERROR);
  t.equal(buflen.value, 10, "unchanged");
  ne_request_destroy(req);
});

// ---- flags ----

t.test("request flags", async (t) => {
  const sess = openSession(t, 1);
  const flags = [0, 1, 2, 3, -1, 99] as ne_request_flag[];
  const all = (req: ne_request): number[] => flags.map((flag) => ne_get_request_flag(req, flag));
  const req = ne_request_create(sess, "GET", "/");
  t.strictSame(all(req), [0, 1, 1, -1, -1, -1]);
  for (const flag of flags) ne_set_request_flag(req, flag, 5);
  t.strictSame(all(req), [5, 5, 5, -1, -1, -1]);
  ne_request_destroy(req);
  ne_set_session_flag(sess, NE_SESSFLAG_EXPECT100, 3);
  const other = ne_request_create(sess, "GET", "/");
  t.strictSame(all(other), [3, 1, 1, -1, -1, -1]);
  ne_request_destroy(other);
});

t.test("Expect: 100-continue holds the body back", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      const { fields } = await peer.readHead();
      t.ok(fields.includes("Expect: 100-continue"));
      await settled();
      t.equal(peer.unread, 0, "nothing yet");
      await peer.write("HTTP/1.1 100 Go on\r\n\r\n");
      t.equal(String(await peer.readBody()), "body");
      await peer.write(OK);
      t.notOk((await peer.readHead()).field("expect"), "not without a body");
      await peer.write(OK);
    },
  ]);
  const sess = openSession(t, server.port);
  ne_set_session_flag(sess, NE_SESSFLAG_EXPECT100, 1);
  const prepare = (req: ne_request): void => ne_set_request_body_buffer(req, Buffer.from("body"));
  t.equal((await send(sess, "PUT", "/", prepare)).code, NE_OK);
  t.equal((await send(sess)).code, NE_OK);
});

t.test("a request that may not be sent twice gets a connection of its own", async (t) => {
  const server = await scripted(t, [[OK], [OK, OK], [OK]]);
  const sess = openSession(t, server.port);
  const once = (req: ne_request): void => ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  await send(sess);
  await send(sess, "POST", "/", once);
  ne_set_session_flag(sess, neon.NE_SESSFLAG_CONNAUTH, 1);
  await send(sess, "POST", "/", once);
  ne_set_session_flag(sess, neon.NE_SESSFLAG_CONNAUTH, 0);
  await send(sess, "POST", "/", once);
  await server.done();
  t.equal(server.connections, 3);
});

t.test(
  "interim responses: handlers last first, each with the fields of its response",
  async (t) => {
    const server = await scripted(t, [
      ["HTTP/1.1 103 Hints\r\nX: 1\r\n\r\nHTTP/1.1 102 Busy\r\nY: 2\r\n\r\n" + OK],
    ]);
    const seen: string[] = [];
    const result = await send(openSession(t, server.port), "GET", "/", (req) => {
      for (const name of ["a", "b"]) {
        ne_add_interim_handler(
          req,
          (userdata, given, { code }) => {
            const fields = ["X", "Y", "Content-Length"].map((name) =>
              ne_get_response_header(given, name),
            );
            seen.push(`${userdata}${code}:${fields.join()}`);
          },
          name,
        );
      }
    });
    t.equal(result.code, NE_OK);
    t.strictSame(seen, ["b103:1,,", "a103:1,,", "b102:,2,", "a102:,2,"]);
  },
);

t.test("the time for interim responses is bounded where a read timeout was set", async (t) => {
  // the clock goes as the test says: the first interim response takes longer than all may take
  let skipped = 0;
  const { now } = performance;
  performance.now = () => now.call(performance) + skipped;
  t.teardown(() => {
    performance.now = now;
  });
  for (const [flag, code] of [
    [1, NE_ERROR],
    [0, NE_OK],
  ] as const) {
    const server = await scripted(t, [["HTTP/1.1 102 Busy\r\n\r\n" + OK]]);
    const sess = openSession(t, server.port);
    ne_set_read_timeout(sess, 60);
    const result = await send(sess, "GET", "/", (req) => {
      ne_set_request_flag(req, NE_REQFLAG_1XXTIMEOUT, flag);
      ne_add_interim_handler(req, () => {
        skipped += 61_000;
      });
    });
    t.equal(result.code, code);
    if (code === NE_OK) continue;
    t.equal(result.error, "Timed out reading interim responses");
    t.equal(neon.nx_get_failure(sess)?.phase, "wait");
  }
});

// ---- private values ----

t.test("private values: the first under an id stays", async (t) => {
  const req = lonely(t);
  const value = {};
  t.equal(ne_get_request_private(req, "__proto__"), null);
  ne_set_request_private(req, "__proto__", value);
  ne_set_request_private(req, "__proto__", "second");
  ne_set_request_private(req, "null", null);
  ne_set_request_private(req, "null", 1);
  t.equal(ne_get_request_private(req, "__proto__"), value);
  t.equal(ne_get_request_private(req, "null"), null);
  t.equal(ne_get_request_private(req, "other"), null);
});

// ---- what dispatching comes to ----

t.test("the status does not matter, the error string tells it", async (t) => {
  const lines = ["404 Not Found", "500 Oh", "299 ", "599 x y"];
  const server = await scripted(t, [
    lines.map((line) => `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`),
  ]);
  const sess = openSession(t, server.port);
  for (const line of lines) {
    const { code, error } = await send(sess);
    t.strictSame([code, error], [NE_OK, line]);
  }
});

t.test("no connection", async (t) => {
  const port = await refusedPort();
  t.match(await send(openSession(t, port)), {
    code: neon.NE_CONNECT,
    error: "Could not connect to server: Connection refused",
    status: 0,
  });
  t.match(await send(openSession(t, 80, "nonexistent.invalid")), {
    code: neon.NE_LOOKUP,
    error: /^Could not resolve hostname `nonexistent.invalid': /,
  });
});

t.test("a request of a destroyed session is refused", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", 1);
  const req = ne_request_create(sess, "GET", "/");
  ne_session_destroy(sess);
  t.equal(
    await mistake(() => ne_request_dispatch(req)),
    "ne_request_dispatch: the session was destroyed already",
  );
  ne_request_destroy(req);
});
