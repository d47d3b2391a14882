// Plain HTTP against real servers, Apache httpd and nginx: what the scripted tests promise, with
// peers that were not written for us. A server that is not installed is skipped, and says so.
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import t from "tap";
import type { Test } from "tap";
import {
  NE_OK,
  NE_REQFLAG_EXPECT100,
  NE_SESSFLAG_PERSIST,
  ne_accept_always,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_content_range,
  ne_decompress_destroy,
  ne_decompress_reader,
  ne_get,
  ne_get_error,
  ne_get_range,
  ne_get_response_header,
  ne_get_status,
  ne_getmodtime,
  ne_httpdate_parse,
  ne_mkcol,
  ne_put,
  ne_putbuf,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_set_notifier,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  ne_set_request_flag,
  ne_set_session_flag,
  ne_status_connected,
  ne_version_pre_http11,
  nx_session_connected,
} from "../lib/index.js";
import type { ne_request, ne_session } from "../lib/index.js";
import { startApache } from "./fixtures/real/apache.js";
import type { Files, RealServer } from "./fixtures/real/launch.js";
import { startNginx } from "./fixtures/real/nginx.js";
import { refusedPort } from "./fixtures/server.js";

const TEXT = "A line of text, and then the next one.\n".repeat(5000);
const FILES: Files = {
  "small.txt": "hello, world\n",
  "text.txt": TEXT,
  "chunked/text.txt": TEXT,
  "deflate/text.txt": TEXT,
  "gzip/text.txt": TEXT,
};

/** What a server is asked to do for the tests about idle connections and slow clients. */
interface Settings {
  files?: Files;
  idle?: boolean;
  slow?: boolean;
}

interface Kind {
  name: string;
  compressed: string;
  start(t: Test, settings: Settings): Promise<RealServer | null>;
}

const kinds: Kind[] = [
  {
    name: "Apache httpd",
    compressed: "/deflate/text.txt",
    start: (t, { files = FILES, idle, slow }) => {
      const config = [
        idle ? "KeepAliveTimeout 100ms" : "KeepAliveTimeout 60",
        slow ? "RequestReadTimeout header=20 body=1" : "",
      ].join("\n");
      return startApache(t, { files, config });
    },
  },
  {
    name: "nginx",
    compressed: "/gzip/text.txt",
    start: (t, { files = FILES, idle, slow }) => {
      const config = [
        idle ? "keepalive_timeout 100ms;" : "keepalive_timeout 60s;",
        "lingering_timeout 200ms;",
        slow ? "client_body_timeout 1s;" : "",
      ].join("\n");
      return startNginx(t, { files, config });
    },
  },
];

/** A session that counts its connections. */
function connectTo(t: Test, srv: RealServer): { sess: ne_session; count: () => number } {
  const sess = ne_session_create("http", "127.0.0.1", srv.port);
  let connections = 0;
  ne_set_notifier(sess, (_userdata, status) => {
    if (status === ne_status_connected) connections++;
  });
  t.teardown(() => ne_session_destroy(sess));
  return { sess, count: () => connections };
}

interface Result {
  code: number;
  status: number;
  error: string;
  body: Buffer;
  header(name: string): string | null;
}

/** Sends a request and collects the answer. */
async function send(
  sess: ne_session,
  method: string,
  target: string,
  prepare: (req: ne_request) => void = () => {},
): Promise<Result> {
  const req = ne_request_create(sess, method, target);
  const blocks: Buffer[] = [];
  ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) => {
    blocks.push(Buffer.from(block));
    return 0;
  });
  prepare(req);
  const code = await ne_request_dispatch(req);
  const names = ["etag", "last-modified", "content-length", "transfer-encoding", "allow"];
  const fields = new Map(names.map((name) => [name, ne_get_response_header(req, name)]));
  const status = ne_get_status(req).code;
  ne_request_destroy(req);
  return {
    code,
    status,
    error: ne_get_error(sess),
    body: Buffer.concat(blocks),
    header: (name) => fields.get(name) ?? null,
  };
}

const field =
  (name: string, value: string) =>
  (req: ne_request): void =>
    ne_add_request_header(req, name, value);

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** One test for every kind of server. */
function interop(
  name: string,
  run: (t: Test, srv: RealServer, kind: Kind) => Promise<void>,
  settings: Settings = {},
): void {
  for (const kind of kinds) {
    t.test(`${kind.name}: ${name}`, async (t) => {
      const srv = await kind.start(t, settings);
      if (srv === null) return void t.pass(name, { skip: `${kind.name} is not installed` });
      await run(t, srv, kind);
    });
  }
}

interop("many requests on one connection", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  for (let round = 0; round < 50; round++) {
    const { code, status, body } = await send(sess, "GET", "/small.txt");
    t.strictSame([code, status, body.toString()], [NE_OK, 200, "hello, world\n"]);
  }
  t.equal((await send(sess, "HEAD", "/text.txt")).body.length, 0);
  const missing = await send(sess, "GET", "/no-such-file");
  t.strictSame([missing.code, missing.status, missing.error], [NE_OK, 404, "404 Not Found"]);
  t.equal(count(), 1);
  t.equal(ne_version_pre_http11(sess), 0);
});

interop("no persistence when it is switched off", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, 0);
  for (let round = 0; round < 3; round++) {
    t.equal((await send(sess, "GET", "/small.txt")).body.toString(), "hello, world\n");
  }
  t.equal(count(), 3);
});

interop("a chunked answer", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  const chunked = await send(sess, "GET", "/chunked/text.txt");
  t.equal(chunked.header("transfer-encoding"), "chunked");
  t.equal(chunked.body.toString(), TEXT);
  t.equal((await send(sess, "GET", "/small.txt")).body.toString(), "hello, world\n");
  t.equal(count(), 1);
});

interop("compressed answers", async (t, srv, kind) => {
  const { sess } = connectTo(t, srv);
  const req = ne_request_create(sess, "GET", kind.compressed);
  let text = "";
  const reader = (_userdata: unknown, block: Buffer): number => {
    text += block.toString();
    return 0;
  };
  const decompress = ne_decompress_reader(req, ne_accept_always, reader);
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(ne_get_response_header(req, "content-encoding"), "gzip");
  t.equal(text, TEXT);
  ne_request_destroy(req);
  ne_decompress_destroy(decompress);
});

interop("ranges", async (t, srv) => {
  const { sess } = connectTo(t, srv);
  const file = path.join(srv.folder, "part");
  const fetch = async (start: number, end: number): Promise<[number, string, string]> => {
    const range = new ne_content_range();
    Object.assign(range, { start, end });
    const fd = openSync(file, "w+");
    const code = await ne_get_range(sess, "/text.txt", range, fd);
    closeSync(fd);
    return [code, ne_get_error(sess), readFileSync(file, "latin1")];
  };
  t.strictSame(await fetch(10, 29), [NE_OK, "206 Partial Content", TEXT.slice(10, 30)]);
  t.strictSame(await fetch(TEXT.length - 5, -1), [NE_OK, "206 Partial Content", TEXT.slice(-5)]);
  const [code, error] = await fetch(TEXT.length + 10, TEXT.length + 20);
  t.strictSame([code, error], [1, "Range is not satisfiable"]);
});

interop("conditional requests", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  const first = await send(sess, "GET", "/text.txt");
  const etag = first.header("etag") ?? "";
  const modified = first.header("last-modified") ?? "";
  t.match(etag, /^(W\/)?"/);
  const same = await send(sess, "GET", "/text.txt", field("If-None-Match", etag));
  t.strictSame([same.code, same.status, same.body.length], [NE_OK, 304, 0]);
  const since = await send(sess, "GET", "/text.txt", field("If-Modified-Since", modified));
  t.equal(since.status, 304);
  const other = await send(sess, "GET", "/text.txt", field("If-Match", '"other"'));
  t.equal(other.status, 412);
  const modtime = { value: 0 };
  t.equal(await ne_getmodtime(sess, "/text.txt", modtime), NE_OK);
  t.equal(modtime.value, ne_httpdate_parse(modified));
  t.equal((await send(sess, "GET", "/text.txt")).body.toString(), TEXT);
  // nginx closes after a 412 that says keep-alive: that the session makes up for it is the point
  t.ok(count() <= 2);
});

interop("files go up and come down unchanged", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  t.equal(await ne_mkcol(sess, "/dav/new/"), NE_OK);
  const data = Buffer.alloc(24 * 1024 * 1024 + 7);
  for (let at = 0; at + 4 < data.length; at += 4) {
    data.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
  }
  const file = path.join(srv.folder, "large");
  writeFileSync(file, data);
  const up = openSync(file, "r");
  t.equal(await ne_put(sess, "/dav/new/large", up), NE_OK);
  closeSync(up);
  t.equal(sha256(readFileSync(path.join(srv.root, "dav/new/large"))), sha256(data));
  const back = path.join(srv.folder, "back");
  const down = openSync(back, "w");
  t.equal(await ne_get(sess, "/dav/new/large", down), NE_OK);
  closeSync(down);
  t.equal(sha256(readFileSync(back)), sha256(data));
  t.equal(await ne_putbuf(sess, "/dav/new/empty", Buffer.alloc(0)), NE_OK);
  t.equal((await send(sess, "GET", "/dav/new/empty")).body.length, 0);
  t.equal(count(), 1);
});

interop("a chunked upload", async (t, srv) => {
  const { sess } = connectTo(t, srv);
  t.equal((await send(sess, "GET", "/small.txt")).status, 200);
  let at = 0;
  const provider = (_userdata: unknown, buffer: Uint8Array): number => {
    if (buffer.length === 0) at = 0;
    const size = Math.min(buffer.length, TEXT.length - at);
    buffer.set(Buffer.from(TEXT.slice(at, at + size)));
    at += size;
    return size;
  };
  const { code, status } = await send(sess, "PUT", "/dav/chunked.txt", (req) =>
    ne_set_request_body_provider(req, -1, provider),
  );
  t.strictSame([code, status], [NE_OK, 201]);
  t.equal(readFileSync(path.join(srv.root, "dav/chunked.txt"), "utf8"), TEXT);
});

interop("Expect: 100-continue", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  const upload = (target: string): Promise<Result> =>
    send(sess, "PUT", target, (req) => {
      ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
      ne_set_request_body_buffer(req, Buffer.from(TEXT));
    });
  const stored = await upload("/dav/expected.txt");
  t.strictSame([stored.code, stored.status], [NE_OK, 201]);
  t.equal(readFileSync(path.join(srv.root, "dav/expected.txt"), "utf8"), TEXT);
  // refused before the body: no such place, or no such method there
  const refused = await upload("/small.txt/below");
  t.equal(refused.code, NE_OK);
  t.ok(refused.status >= 400, `${refused.status}`);
  t.equal((await send(sess, "GET", "/small.txt")).body.toString(), "hello, world\n");
  t.ok(count() <= 2);
});

interop("the server restarts between two requests", async (t, srv) => {
  const { sess, count } = connectTo(t, srv);
  t.equal((await send(sess, "GET", "/small.txt")).status, 200);
  await srv.stop();
  await srv.start();
  const { code, status, body } = await send(sess, "GET", "/small.txt");
  t.strictSame([code, status, body.toString()], [NE_OK, 200, "hello, world\n"]);
  t.equal(count(), 2);
  await srv.stop();
  const gone = await send(sess, "GET", "/small.txt");
  t.equal(gone.error, "Could not connect to server: Connection refused");
});

/** A request over a socket of the test's own; settled when the server closes the connection. */
async function closedByServer(port: number, text: string): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
  socket.on("error", () => {});
  socket.write(text);
  await new Promise((resolve) => socket.on("close", resolve));
  return answer;
}

interop(
  "an idle connection that the server has closed",
  async (t, srv) => {
    const { sess, count } = connectTo(t, srv);
    t.equal((await send(sess, "GET", "/small.txt")).status, 200);
    while (nx_session_connected(sess)) await new Promise((resolve) => setImmediate(resolve));
    const again = await send(sess, "GET", "/small.txt");
    t.strictSame([again.code, again.status], [NE_OK, 200]);
    t.equal(count(), 2);
  },
  { idle: true },
);

interop(
  "a body that comes too slowly",
  async (t, srv, kind) => {
    const { sess } = connectTo(t, srv);
    let asked = 0;
    const provider = async (_userdata: unknown, buffer: Uint8Array): Promise<number> => {
      if (buffer.length === 0) return 0;
      if (asked++ === 0) {
        buffer[0] = 65;
        return 1;
      }
      // another client as slow as ours, which began later, has been told that it was too slow
      const head = "PUT /dav/slow2.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nA";
      await closedByServer(srv.port, head);
      buffer[0] = 65;
      return 1;
    };
    const { code, status, error } = await send(sess, "PUT", "/dav/slow.txt", (req) =>
      ne_set_request_body_provider(req, 100_000, provider),
    );
    // the answer is delivered where the server gives one (nginx just closes)
    if (kind.name === "nginx" && code !== NE_OK) {
      t.match(error, /^(Could not read status line|Could not send request body): /);
    } else {
      t.equal(code, NE_OK, error);
      t.ok(status >= 400, error);
    }
  },
  { slow: true },
);

t.test("a port without a server", async (t) => {
  const sess = ne_session_create("http", "127.0.0.1", await refusedPort());
  t.teardown(() => ne_session_destroy(sess));
  const { error } = await send(sess, "GET", "/");
  t.equal(error, "Could not connect to server: Connection refused");
});
