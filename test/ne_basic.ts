// Common methods against scripted servers; requests and error strings are those of neon.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import t from "tap";
import {
  NE_CAP_DAV_ACL,
  NE_CAP_DAV_CLASS1,
  NE_CAP_DAV_CLASS2,
  NE_CAP_MODDAV_EXEC,
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_DEPTH_ZERO,
  ne_add_depth_header,
  ne_content_range,
  ne_content_type,
  ne_copy,
  ne_delete,
  ne_get,
  ne_get_content_type,
  ne_get_range,
  ne_getbuf,
  ne_getmodtime,
  ne_mkcol,
  ne_move,
  ne_options,
  ne_options2,
  ne_post,
  ne_put,
  ne_putbuf,
  ne_server_capabilities,
} from "../lib/ne_basic.js";
import {
  ne_lock_create,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_register,
} from "../lib/ne_locks.js";
import {
  NE_ERROR,
  NE_FAILED,
  NE_OK,
  NE_REQFLAG_IDEMPOTENT,
  NE_RETRY,
  ne_get_request_flag,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../lib/ne_request.js";
import {
  NE_SESSFLAG_RFC4918,
  ne_fill_server_uri,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_session_flag,
  type ne_session,
} from "../lib/ne_session.js";
import { scripted, type Script, type ScriptedServer, type TestScope } from "./fixtures/server.js";

async function session(
  t: TestScope,
  ...scripts: readonly Script[]
): Promise<[sess: ne_session, server: ScriptedServer]> {
  const server = await scripted(t, scripts);
  const sess = ne_session_create("http", server.host, server.port);
  t.teardown(() => ne_session_destroy(sess));
  return [sess, server];
}

function answer(status: string, body = "", fields = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A temporary file, open for reading and writing. */
function file(t: TestScope, content = ""): { fd: number; text: () => string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "libneon-basic-"));
  const name = path.join(folder, "file");
  fs.writeFileSync(name, content);
  const fd = fs.openSync(name, "r+");
  t.teardown(() => {
    fs.closeSync(fd);
    fs.rmSync(folder, { recursive: true });
  });
  return { fd, text: () => fs.readFileSync(name, "latin1") };
}

/** The fields that are not those of every request. */
function ownFields(server: ScriptedServer, number = 0): string[] {
  const usual = /^(User-Agent|Keep-Alive|Connection|TE|Host):/i;
  return (server.requests[number]?.fields ?? []).filter((field) => !usual.test(field));
}

t.test("get: into a file at its position", async (t) => {
  const [sess, server] = await session(t, [answer("200 OK", "hello"), answer("200 OK", "!")]);
  const { fd, text } = file(t);
  fs.writeSync(fd, "so ");
  t.equal(await ne_get(sess, "/a", fd), NE_OK);
  t.equal(await ne_get(sess, "/b", fd), NE_OK);
  fs.writeSync(fd, "?");
  t.equal(text(), "so hello!?");
  t.equal(server.requests[0]?.line, "GET /a HTTP/1.1");
  t.same(ownFields(server), []);
});

t.test("get: by a FileHandle", async (t) => {
  const [sess] = await session(t, [answer("200 OK", "hello")]);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "libneon-basic-"));
  const handle = await fs.promises.open(path.join(folder, "f"), "w");
  t.equal(await ne_get(sess, "/a", handle), NE_OK);
  await handle.close();
  t.equal(fs.readFileSync(path.join(folder, "f"), "latin1"), "hello");
  await t.rejects(ne_get(sess, "/a", handle), TypeError, "closed");
  fs.rmSync(folder, { recursive: true });
});

t.test("get: other bodies are dropped", async (t) => {
  const [sess, server] = await session(t, [answer("404 Not Found", "no"), answer("200 OK", "x")]);
  const { fd, text } = file(t);
  t.equal(await ne_get(sess, "/a", fd), NE_ERROR);
  t.equal(ne_get_error(sess), "404 Not Found");
  t.equal(text(), "");
  t.equal(await ne_get(sess, "/a", fd), NE_OK);
  t.equal(server.connections, 1);
});

t.test("get: a file that cannot be written", async (t) => {
  const [sess] = await session(t, [answer("200 OK", "hello")]);
  const fd = fs.openSync(os.devNull, "r");
  t.teardown(() => fs.closeSync(fd));
  t.equal(await ne_get(sess, "/a", fd), NE_ERROR);
  t.equal(ne_get_error(sess), "Could not write to file: Bad file descriptor");
});

// what was there, mode, bodies of two attempts, what the file holds then
const REPEATED: readonly [string, string, readonly [string, string], string][] = [
  ["", "r+", ["first body", "second, longer body"], "second, longer body"],
  ["", "r+", ["first body", "short"], "short"],
  ["log ", "a+", ["first body", "second"], "log second"],
  ["0123456789", "r+", ["abc", "de"], "abcde56789"], // overwriting does not tell where it began
];

t.test("get: a repeated request starts its output over", async (t) => {
  for (const [before, mode, [first, second], expected] of REPEATED) {
    const [sess] = await session(t, [answer("200 OK", first), answer("200 OK", second)]);
    let rounds = 0;
    ne_hook_post_send(sess, () => (++rounds === 1 ? NE_RETRY : NE_OK));
    const { fd: other, text } = file(t, before);
    const name = `/proc/self/fd/${other}`;
    const fd = mode === "r+" ? other : fs.openSync(fs.existsSync(name) ? name : os.devNull, mode);
    if (fd !== other) t.teardown(() => fs.closeSync(fd));
    t.equal(await ne_get(sess, "/a", fd), NE_OK);
    if (fd === other || fs.existsSync(name)) t.equal(text(), expected, `${before} ${first}`);
  }
});

t.test("get: three attempts, then the caller goes on writing", async (t) => {
  const bodies = ["a long first body", "short", "the third body, the longest"];
  const [sess] = await session(t, bodies.map((body) => answer("200 OK", body)));
  let rounds = 0;
  ne_hook_post_send(sess, () => (++rounds < 3 ? NE_RETRY : NE_OK));
  const { fd, text } = file(t);
  fs.writeSync(fd, "> ");
  t.equal(await ne_get(sess, "/a", fd), NE_OK);
  fs.writeSync(fd, " <");
  t.equal(text(), "> the third body, the longest <");
});

t.test("get: a file that cannot be rewound ends the repetition", async (t) => {
  const [sess] = await session(t, [answer("200 OK", "hello")]);
  const fd = fs.openSync(path.join(t.testdir({}), "body"), "w");
  ne_hook_post_send(sess, () => {
    fs.closeSync(fd);
    return NE_RETRY;
  });
  t.equal(await ne_get(sess, "/a", fd), NE_ERROR);
  t.equal(ne_get_error(sess), "Could not write to file: Bad file descriptor");
});

t.test("put: the whole file", async (t) => {
  const [sess, server] = await session(t, [answer("201 Created"), answer("409 Conflict")]);
  const { fd } = file(t, "file body");
  fs.readSync(fd, Buffer.alloc(4));
  t.equal(await ne_put(sess, "/a", fd), NE_OK);
  t.equal(server.requests[0]?.line, "PUT /a HTTP/1.1");
  t.same(ownFields(server), ["Content-Length: 9"]);
  t.equal(server.requests[0]?.body.toString(), "file body", "from its first byte");
  t.equal(await ne_put(sess, "/a", fd), NE_ERROR);
  t.equal(ne_get_error(sess), "409 Conflict");
});

t.test("put: no size, nothing sent", async (t) => {
  const [sess, server] = await session(t);
  const { fd } = file(t);
  const closed = fs.openSync(os.devNull, "r");
  fs.closeSync(closed);
  t.equal(await ne_put(sess, "/a", closed), NE_ERROR);
  t.equal(ne_get_error(sess), "Could not determine file size: Bad file descriptor");
  t.equal(server.connections, 0);
  await t.rejects(ne_put(sess, null as unknown as string, fd), /ne_put: path must be a string/);
});

t.test("putbuf", async (t) => {
  const [sess, server] = await session(t, [answer("204 No Content"), answer("403 Forbidden")]);
  t.equal(await ne_putbuf(sess, "/a", Buffer.from("hello")), NE_OK);
  t.equal(server.requests[0]?.body.toString(), "hello");
  t.same(ownFields(server), ["Content-Length: 5"]);
  t.equal(await ne_putbuf(sess, "/a", new Uint8Array(0)), NE_ERROR);
  t.equal(ne_get_error(sess), "403 Forbidden");
});

// space asked for, buffer, answer, code, length afterwards
const BUFFERS: readonly [space: number, size: number, string, code: number, length: number][] = [
  [10, 10, answer("200 OK", "hello"), NE_OK, 5],
  [5, 10, answer("200 OK", "hello"), NE_OK, 5], // just fits
  [4, 10, answer("200 OK", "hello"), NE_FAILED, 4],
  [10, 4, answer("200 OK", "hello"), NE_FAILED, 10], // no more than the buffer has
  [0, 10, answer("200 OK", "hello"), NE_FAILED, 0],
  [0, 10, answer("200 OK"), NE_OK, 0],
  [2, 10, answer("404 Not Found", "hello"), NE_ERROR, 2], // dropped, whatever its length
];

t.test("getbuf", async (t) => {
  for (const [space, size, reply, code, length] of BUFFERS) {
    const kept = code !== NE_FAILED;
    const again = answer("200 OK", "again");
    const [sess, server] = await (kept ? session(t, [reply, again]) : session(t, [reply], [again]));
    const buf = Buffer.alloc(size, ".");
    const buflen = { value: space };
    t.equal(await ne_getbuf(sess, "/a", buf, buflen), code, `${space} of ${size}: code`);
    t.equal(buflen.value, length, `${space} of ${size}: length`);
    if (!kept) t.equal(ne_get_error(sess), "Response buffer size too small");
    if (code === NE_OK && length > 0) t.equal(buf.toString(), "hello.....", "the rest is left");
    t.equal(await ne_getbuf(sess, "/b", Buffer.alloc(5), { value: 5 }), NE_OK);
    t.equal(server.connections, kept ? 1 : 2, "closed if not read to its end");
  }
});

t.test("getbuf: a repeated request has all the space", async (t) => {
  const [sess] = await session(t, [answer("200 OK", "a"), answer("200 OK", "hello")]);
  let rounds = 0;
  ne_hook_post_send(sess, () => (++rounds === 1 ? NE_RETRY : NE_OK));
  const buf = Buffer.alloc(5);
  const buflen = { value: 5 };
  t.equal(await ne_getbuf(sess, "/a", buf, buflen), NE_OK);
  t.equal(buf.toString(), "hello");
  t.equal(buflen.value, 5);
});

t.test("getbuf: mistakes of the caller", async (t) => {
  const [sess] = await session(t);
  const none = null as unknown as Uint8Array;
  await t.rejects(ne_getbuf(sess, "/", none, { value: 1 }), /ne_getbuf: buf must be a Uint8Array/);
  await t.rejects(
    ne_getbuf(sess, "/", Buffer.alloc(1), { value: -1 }),
    new TypeError("ne_getbuf: buflen must hold the space to use"),
  );
});

t.test("copy and move", async (t) => {
  const created = answer("201 Created");
  const [sess, server] = await session(t, Array(6).fill(created));
  await ne_copy(sess, 0, NE_DEPTH_ZERO, "/src", "/dest");
  await ne_copy(sess, 1, NE_DEPTH_INFINITE, "/src", "/dest");
  await ne_copy(sess, 1, NE_DEPTH_ONE, "/src", "/dest");
  await ne_move(sess, 1, "/src", "/dest");
  ne_set_session_flag(sess, NE_SESSFLAG_RFC4918, 1);
  await ne_copy(sess, 1, 7, "/src", "/dest");
  t.equal(await ne_move(sess, 0, "/src", "/dest"), NE_OK);
  const dest = `Destination: ${server.origin}/dest`;
  t.same(server.requests.map(({ line }) => line.split(" ")[0]), [
    ...["COPY", "COPY", "COPY", "MOVE", "COPY", "MOVE"],
  ]);
  t.same(ownFields(server, 0), ["Depth: 0", dest, "Overwrite: F"]);
  t.same(ownFields(server, 1), ["Depth: infinity", dest, "Overwrite: T"]);
  t.same(ownFields(server, 2), ["Depth: 1", dest, "Overwrite: T"]);
  t.same(ownFields(server, 3), [dest, "Overwrite: T"]);
  t.same(ownFields(server, 4), ["Depth: infinity", "Destination: /dest", "Overwrite: T"]);
  t.same(ownFields(server, 5), ["Destination: /dest", "Overwrite: F"]);
});

t.test("delete and mkcol", async (t) => {
  const [sess, server] = await session(t, [
    answer("404 Not Found"),
    answer("204 No Content"),
    answer("201 Created"),
    answer("405 Method Not Allowed"),
  ]);
  t.equal(await ne_delete(sess, "/a"), NE_ERROR);
  t.equal(ne_get_error(sess), "404 Not Found");
  t.equal(await ne_delete(sess, "/a/"), NE_OK);
  t.equal(await ne_mkcol(sess, "/b"), NE_OK);
  t.equal(await ne_mkcol(sess, "/b/"), NE_ERROR);
  t.equal(ne_get_error(sess), "405 Method Not Allowed");
  t.same(server.requests.map(({ line }) => line), [
    "DELETE /a HTTP/1.1",
    "DELETE /a/ HTTP/1.1",
    "MKCOL /b/ HTTP/1.1",
    "MKCOL /b/ HTTP/1.1",
  ]);
});

t.test("a 207 answer tells of failures inside", async (t) => {
  const body =
    '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/a/x</D:href>' +
    "<D:status>HTTP/1.1 423 Locked</D:status></D:response></D:multistatus>";
  const reply = answer("207 Multi-Status", body, "Content-Type: application/xml\r\n");
  const [sess] = await session(t, [reply]);
  t.equal(await ne_delete(sess, "/a"), NE_ERROR);
  t.match(ne_get_error(sess), /\/a\/x: 423 Locked/);
});

// DAViCal answers so when something is locked
t.test("a 207 answer in place of another tells of failures too", async (t) => {
  const failed = (status: string): string =>
    '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/a b</D:href>' +
    `<D:status>HTTP/1.1 ${status}</D:status></D:response></D:multistatus>`;
  const fd = fs.openSync(path.join(t.testdir({ f: "x" }), "f"), "r+");
  t.teardown(() => fs.closeSync(fd));
  const calls: readonly ((sess: ne_session) => Promise<number>)[] = [
    (sess) => ne_put(sess, "/a", fd),
    (sess) => ne_putbuf(sess, "/a", new Uint8Array(1)),
    (sess) => ne_get(sess, "/a", fd),
    (sess) => ne_getbuf(sess, "/a", new Uint8Array(1000), { value: 1000 }),
    (sess) => ne_post(sess, "/a", fd, ""),
    (sess) => ne_copy(sess, 1, 0, "/a", "/b"),
    (sess) => ne_move(sess, 1, "/a", "/b"),
    (sess) => ne_mkcol(sess, "/a"),
    (sess) => ne_delete(sess, "/a"),
  ];
  const type = "Content-Type: application/xml\r\n";
  const rows: [reply: string, code: number, error: RegExp][] = [
    [answer("207 Multi-Status", failed("423 Locked"), type), NE_ERROR, /^\/a%20b: 423 Locked$/],
    [answer("207 Multi-Status", failed("403 No"), ""), NE_ERROR, /^\/a%20b: 403 No$/],
    [answer("207 Multi-Status", failed("200 OK"), type), NE_OK, /^207 Multi-Status$/],
    [
      answer("207 Multi-Status", "sorry", "Content-Type: text/plain\r\n"),
      NE_ERROR,
      /^Could not parse response: XML parse error at line 1: syntax error$/,
    ],
  ];
  for (const call of calls) {
    for (const [reply, code, error] of rows) {
      const [sess] = await session(t, [reply]);
      t.equal(await call(sess), code, String(call));
      t.match(ne_get_error(sess), error);
    }
  }
});

const LOCKED: readonly [
  name: string,
  call: (sess: ne_session, fd: number) => Promise<number>,
  submitted: readonly string[],
][] = [
  ["ne_put", (sess, fd) => ne_put(sess, "/s/a", fd), ["/s/", "/s/a"]],
  ["ne_putbuf", (sess) => ne_putbuf(sess, "/s/a", new Uint8Array(1)), ["/s/", "/s/a"]],
  ["ne_delete", (sess) => ne_delete(sess, "/s/a"), ["/s/", "/s/a", "/s/a/b"]],
  ["ne_mkcol", (sess) => ne_mkcol(sess, "/d/c"), ["/d/", "/d/c/"]],
  ["ne_copy", (sess) => ne_copy(sess, 1, 0, "/s/a", "/d/x"), ["/d/", "/d/x", "/d/x/y"]],
  [
    "ne_move",
    (sess) => ne_move(sess, 1, "/s/a", "/d/x"),
    ["/d/", "/d/x", "/d/x/y", "/s/", "/s/a", "/s/a/b"],
  ],
  ["ne_post", (sess, fd) => ne_post(sess, "/s/a", fd, ""), []],
];

t.test("locks are submitted for what changes", async (t) => {
  for (const [name, call, submitted] of LOCKED) {
    const [sess, server] = await session(t, [answer("200 OK")]);
    const store = ne_lockstore_create();
    ne_lockstore_register(store, sess);
    for (const target of ["/s/", "/s/a", "/s/a/b", "/d/", "/d/x", "/d/x/y", "/d/c/", "/z"]) {
      const lock = ne_lock_create();
      ne_fill_server_uri(sess, lock.uri);
      lock.uri.path = target;
      lock.token = `t:${target}`;
      ne_lockstore_add(store, lock);
    }
    t.equal(await call(sess, file(t).fd), NE_OK, name);
    const tokens = [...(server.requests[0]?.field("if") ?? "").matchAll(/<t:([^>]*)>/g)];
    t.same(tokens.map((match) => match[1]).sort(), [...submitted], name);
  }
});

t.test("depth_header", async (t) => {
  const [sess, server] = await session(t, Array(4).fill(answer("200 OK")));
  for (const depth of [NE_DEPTH_ZERO, NE_DEPTH_ONE, NE_DEPTH_INFINITE, -1]) {
    const req = ne_request_create(sess, "PROPFIND", "/");
    ne_add_depth_header(req, depth);
    await ne_request_dispatch(req);
    ne_request_destroy(req);
  }
  const sent = server.requests.map((request) => request.field("depth"));
  t.same(sent, ["0", "1", "infinity", "infinity"]);
});

const MODIFIED: readonly [status: string, fields: string, code: number, time: number][] = [
  ["200 OK", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NE_OK, 784111777],
  ["200 OK", "Last-Modified: Sunday, 06-Nov-94 08:49:37 GMT\r\n", NE_OK, 784111777],
  ["200 OK", "Last-Modified: some day\r\n", NE_OK, -1],
  ["200 OK", "", NE_OK, -1],
  ["404 Not Found", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NE_ERROR, -1],
];

t.test("getmodtime", async (t) => {
  for (const [status, fields, code, time] of MODIFIED) {
    const [sess, server] = await session(t, [`HTTP/1.1 ${status}\r\n${fields}\r\n`]);
    const modtime = { value: 77 };
    t.equal(await ne_getmodtime(sess, "/a", modtime), code, fields);
    t.equal(modtime.value, time, fields);
    t.equal(server.requests[0]?.line, "HEAD /a HTTP/1.1");
  }
});

t.test("content_type", async (t) => {
  const [sess] = await session(t, [
    answer("200 OK", "", "Content-Type: TEXT/Html; charset=UTF-8\r\n"),
    answer("200 OK", "", "Content-Type: nonsense\r\n"),
    answer("200 OK"),
  ]);
  const req = ne_request_create(sess, "GET", "/");
  const ctype = new ne_content_type();
  await ne_request_dispatch(req);
  t.equal(ne_get_content_type(req, ctype), 0);
  const found = { type: "text", subtype: "html", charset: "UTF-8", value: "text" };
  t.same({ ...ctype }, found);
  for (const name of ["no slash", "no field"]) {
    await ne_request_dispatch(req);
    t.equal(ne_get_content_type(req, ctype), -1, name);
    t.same({ ...ctype }, found, "unchanged");
  }
  ne_request_destroy(req);
});

const ALL =
  "1, 2,3 ,<http://apache.org/dav/propset/fs/1>, access-control, version-control, " +
  "checkout-in-place, version-history, workspace, update, label, working-resource, merge, " +
  "baseline, activity, version-controlled-collection, extended-mkcol, unheard-of";

const DAV: readonly [fields: string, caps: number][] = [
  ["DAV: 1\r\n", NE_CAP_DAV_CLASS1],
  ["DAV: 1\r\nDAV: 2\r\n", NE_CAP_DAV_CLASS1 | NE_CAP_DAV_CLASS2],
  [`DAV: ${ALL}\r\n`, 0x1bfff], // all but activity
  ["DAV: ACCESS-CONTROL, \"1\", 1 2\r\n", 0], // exact tokens
  ["DAV: \"a,1\",2\r\n", NE_CAP_DAV_CLASS2],
  ["DAV: 1, \"a,2\r\n", NE_CAP_DAV_CLASS1], // a quote never closed ends the list
  ["DAV: \r\n", 0],
  ["", 0x4000], // left alone
];

t.test("options2", async (t) => {
  for (const [fields, expected] of DAV) {
    const [sess, server] = await session(t, [answer("200 OK", "", fields)]);
    const caps = { value: 0x4000 };
    t.equal(await ne_options2(sess, "/a", caps), NE_OK);
    t.equal(caps.value, expected, fields);
    t.equal(server.requests[0]?.line, "OPTIONS /a HTTP/1.1");
  }
  const [sess] = await session(t, [answer("404 Not Found", "", "DAV: access-control\r\n")]);
  const caps = { value: 0 };
  t.equal(await ne_options2(sess, "*", caps), NE_ERROR);
  t.equal(caps.value, NE_CAP_DAV_ACL);
});

t.test("options", async (t) => {
  const fields = "DAV: 1, <http://apache.org/dav/propset/fs/1>\r\n";
  const [sess] = await session(t, [answer("200 OK", "", fields), answer("500 Oh")]);
  const caps = new ne_server_capabilities();
  t.equal(await ne_options(sess, "/", caps), NE_OK);
  t.same({ ...caps }, { dav_class1: 1, dav_class2: 0, dav_executable: 1 });
  t.equal(await ne_options(sess, "/", caps), NE_ERROR);
  t.same({ ...caps }, { dav_class1: 0, dav_class2: 0, dav_executable: 0 });
  t.ok(NE_CAP_MODDAV_EXEC);
});

type RangeRow = [
  start: number,
  end: number,
  sent: string,
  status: string,
  contentRange: string | null,
  error: string | null,
];

const OTHER_RANGE = "Response did not include requested range";

const RANGES: readonly RangeRow[] = [
  [0, 4, "0-4", "206 Partial", "bytes 0-4/10", null],
  [0, 4, "0-4", "206 Partial", "bytes 0-4/*", null],
  [5, -1, "5-", "206 Partial", "bytes 5-9/10", null],
  [5, -1, "5-", "206 Partial", "bytes 5-6/10", null], // the end was left to the server
  [0, 4, "0-4", "206 Partial", "bytes 1-4/10", OTHER_RANGE],
  [0, 4, "0-4", "206 Partial", "bytes 0-9/10", OTHER_RANGE],
  [0, 4, "0-4", "206 Partial", "bytes 0-4", OTHER_RANGE],
  [0, 4, "0-4", "206 Partial", "BYTES 0-4/10", OTHER_RANGE],
  [5, -1, "5-", "206 Partial", "bytes 4-9/10", OTHER_RANGE],
  [0, 4, "0-4", "206 Partial", null, OTHER_RANGE],
  [0, 4, "0-4", "200 OK", null, "Resource does not support ranged GET requests"],
  [0, 4, "0-4", "416 No", "bytes */3", "Range is not satisfiable"],
  [0, 4, "0-4", "404 Not Found", null, "404 Not Found"],
];

t.test("get_range", async (t) => {
  for (const [start, end, sent, status, contentRange, error] of RANGES) {
    const field = contentRange === null ? "" : `Content-Range: ${contentRange}\r\n`;
    const reply = answer(status, "hello", field);
    const again = answer("200 OK");
    const closes = error === OTHER_RANGE;
    const scripts = closes ? [[reply], [again]] : [[reply, again]];
    const [sess, server] = await session(t, ...scripts);
    const { fd, text } = file(t);
    const range = new ne_content_range();
    Object.assign(range, { start, end, total: 77 });
    const name = `${sent} ${status} ${contentRange}`;
    t.equal(await ne_get_range(sess, "/a", range, fd), error === null ? NE_OK : NE_ERROR, name);
    t.equal(ne_get_error(sess), error ?? status, name);
    t.equal(text(), error === null ? "hello" : "", name);
    t.same(ownFields(server), [`Range: bytes=${sent}`, "Accept-Ranges: bytes"]);
    t.same({ ...range }, { start, end, total: 77 }, "not filled in");
    await ne_delete(sess, "/b");
    t.equal(server.connections, closes ? 2 : 1, name);
  }
  const [sess] = await session(t);
  await t.rejects(
    ne_get_range(sess, "/", { start: 0.5, end: 1, total: 0 }, file(t).fd),
    new TypeError("ne_get_range: start and end must be whole numbers up to 2^53-1"),
  );
});

t.test("post", async (t) => {
  const [sess, server] = await session(t, [answer("200 OK", "result")], [answer("500 Oh", "no")]);
  let idempotent = -1;
  ne_hook_pre_send(sess, (req) => {
    idempotent = ne_get_request_flag(req, NE_REQFLAG_IDEMPOTENT);
  });
  const { fd, text } = file(t);
  t.equal(await ne_post(sess, "/a", fd, "x=\u00e9"), NE_OK);
  t.equal(idempotent, 0);
  t.same(ownFields(server), ["Content-Length: 4"]);
  t.equal(server.requests[0]?.body.toString(), "x=\u00e9");
  t.equal(await ne_post(sess, "/a", fd, ""), NE_ERROR);
  t.equal(server.connections, 2, "never over a kept connection");
  t.equal(text(), "result");
});

t.test("paths must be strings", async (t) => {
  const [sess] = await session(t);
  const nothing = null as unknown as string;
  const { fd } = file(t);
  const calls: readonly [name: string, call: () => unknown][] = [
    ["ne_get", () => ne_get(sess, nothing, fd)],
    ["ne_putbuf", () => ne_putbuf(sess, nothing, new Uint8Array(0))],
    ["ne_copy", () => ne_copy(sess, 1, 0, nothing, "/")],
    ["ne_move", () => ne_move(sess, 1, "/", nothing)],
    ["ne_delete", () => ne_delete(sess, nothing)],
    ["ne_mkcol", () => ne_mkcol(sess, nothing)],
    ["ne_options2", () => ne_options2(sess, nothing, { value: 0 })],
    ["ne_getmodtime", () => ne_getmodtime(sess, nothing, { value: 0 })],
    ["ne_post", () => ne_post(sess, nothing, fd, "")],
    ["ne_post", () => ne_post(sess, "/", fd, nothing)],
  ];
  for (const [name, call] of calls) {
    await t.rejects(
      async () => call(),
      { name: "TypeError", message: new RegExp(`^${name}: \\w+ must be a string`) },
      name,
    );
  }
});
