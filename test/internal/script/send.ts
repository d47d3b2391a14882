// What nx_send does besides one plain request: bodies of every kind, progress, tries, asking first.
import { createReadStream, mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import zlib from "node:zlib";
import t, { type Test } from "tap";
import { ACCEPTED } from "../../../lib/internal/script/send_options.js";
import {
  ne_hook_destroy_request,
  NE_CONNECT,
  NE_ERROR,
  NE_OK,
  NE_TIMEOUT,
} from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { NE_AUTH_BASIC } from "../../../lib/ne_auth.js";
import { nx_set_credentials } from "../../../lib/nx_auth.js";
import {
  nx_error,
  nx_must,
  nx_send,
  nx_session_for,
  nx_session_open,
  type nx_send_options,
} from "../../../lib/nx_script.js";
import {
  nx_session_abort,
  nx_session_connected,
  nx_set_limits,
  nx_set_request_timeout,
} from "../../../lib/nx_session.js";
import { holdTime } from "../../fixtures/held_time.js";
import { END, gate, hasIpv6, refusedPort, scripted, type Peer, type Script } from "../../fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy";

function session(t: Test, port: number): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

async function serving(
  t: Test,
  ...scripts: readonly Script[]
): Promise<{ sess: ne_session; server: Awaited<ReturnType<typeof scripted>> }> {
  const server = await scripted(t, scripts);
  return { sess: session(t, server.port), server };
}

t.test("bodies of every kind", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "libneon-send-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "file");
  writeFileSync(file, "b\u00fc");
  const bytes = Buffer.from("b\u00fc");
  const pieces = async function* (): AsyncGenerator<string | Uint8Array> {
    yield "b";
    yield Buffer.from("\u00fc");
  };
  const rows: [kind: string, body: unknown, type: string | null, length: string | null][] = [
    ["text", "b\u00fc", null, "3"],
    ["bytes", bytes, null, "3"],
    ["an ArrayBuffer", Uint8Array.from(bytes).buffer, null, "3"],
    ["a view", new DataView(Uint8Array.from(bytes).buffer), null, "3"],
    ["a Blob without type", new Blob([bytes]), null, "3"],
    ["a Blob", new Blob([bytes], { type: "text/x" }), "text/x", "3"],
    ["a Blob that is a file", await openAsBlob(file, { type: "a/b" }), "a/b", "3"],
    ["a stream", Readable.from(["b", "\u00fc"]), null, null],
    ["a file", createReadStream(file), null, null],
    ["a web stream", new Blob([bytes]).stream(), null, null],
    ["an iterable", pieces(), null, null],
    ["a function", () => pieces(), null, null],
    ["an async function", async () => createReadStream(file), null, null],
  ];
  const { sess, server } = await serving(t, rows.map(() => OK));
  for (const [kind, body] of rows) {
    const result = await nx_send(sess, "PUT", "/", { body: body as string });
    t.ok(result.ok, `${kind}: ${result.error}`);
  }
  for (const [i, [kind, , type, length]] of rows.entries()) {
    const request = server.requests[i];
    t.equal(request?.body.toString(), "b\u00fc", kind);
    t.equal(request?.field("content-type"), type, kind);
    t.equal(request?.field("content-length"), length, kind);
  }
});

t.test("forms", async (t) => {
  const { sess, server } = await serving(t, [OK, OK, OK]);
  await nx_send(sess, "PUT", "/", { body: new URLSearchParams({ a: "1 2", b: "\u00fc&" }) });
  const form = new FormData();
  form.append("a", new Blob(["1"]), "x.bin");
  await nx_send(sess, "PUT", "/", { body: form });
  await nx_send(sess, "PUT", "/", { body: form, headers: { "content-type": "x/y" } });
  const [first, second, third] = server.requests;
  t.equal(first?.field("content-type"), "application/x-www-form-urlencoded");
  t.equal(first?.body.toString(), "a=1+2&b=%C3%BC%26");
  t.match(second?.field("content-type"), /^multipart\/form-data; boundary=/);
  t.equal(second?.field("content-length"), String(second?.body.length));
  t.match(second?.body.toString(), 'name="a"; filename="x.bin"\r\n');
  t.equal(third?.field("content-type"), "x/y", "one that is given counts");
});

t.test("targets", async (t) => {
  const { sess, server } = await serving(t, [OK, OK, OK]);
  const urls: string[] = [];
  for (const target of ["", "/a?b#part", "?c"]) {
    urls.push((await nx_send(sess, "GET", target)).url);
  }
  t.strictSame(server.requests.map((r) => r.target), ["/", "/a?b", "/?c"]);
  t.strictSame(urls, ["/", "/a?b", "/?c"].map((target) => server.origin + target));
});

t.test("progress", async (t) => {
  type Step = [done: number, total: number | null];
  const watch = (steps: Step[]) => (done: number, total: number | null): void => {
    steps.push([done, total]);
  };
  const rising = (steps: Step[]): boolean =>
    steps.every(([done], i) => i === 0 || done >= (steps[i - 1]?.[0] ?? 0));
  const size = 300_000;
  const reply = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`;
  const packed = zlib.gzipSync(Buffer.alloc(size));
  await t.test("of both bodies", async (t) => {
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const { sess } = await serving(t, [reply, chunked]);
    const [up, down]: [Step[], Step[]] = [[], []];
    const options = { upload_progress: watch(up), download_progress: watch(down) };
    await nx_send(sess, "PUT", "/", { body: Buffer.alloc(size), ...options });
    for (const steps of [up, down]) {
      t.strictSame(steps[0], [0, size]);
      t.strictSame(steps.at(-1), [size, size]);
      t.ok(steps.length > 3, `${steps.length} steps`);
      t.ok(rising(steps), "monotonic");
    }
    up.length = down.length = 0;
    const body = Readable.from([Buffer.alloc(10), "\u00fc"]);
    await nx_send(sess, "PUT", "/", { body, ...options });
    t.strictSame(up, [[0, null], [10, null], [12, null]]);
    t.strictSame(down, [[0, null], [3, null]]);
  });
  await t.test("as the bytes come over the wire", async (t) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`;
    const { sess } = await serving(t, [Buffer.concat([Buffer.from(head), packed])]);
    const steps: Step[] = [];
    const result = await nx_send(sess, "GET", "/", { download_progress: watch(steps) });
    t.equal(result.body.length, size);
    t.strictSame(steps.at(-1), [packed.length, packed.length]);
  });
  await t.test("of the last response alone", async (t) => {
    const there = "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nthere";
    const { sess } = await serving(t, [there, BUSY, OK]);
    const [up, down]: [Step[], Step[]] = [[], []];
    await nx_send(sess, "PUT", "/", {
      body: "body", redirects: 1, retries: 1,
      upload_progress: watch(up), download_progress: watch(down),
    });
    t.strictSame(down, [[0, 2], [2, 2]]);
    t.strictSame(up, [[0, 4], [4, 4], [0, 4], [4, 4], [0, 4], [4, 4]]);
  });
  await t.test("of a failure that is the last, and not of what is asked again", async (t) => {
    const denied =
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 2\r\n\r\nno';
    const unasked = "HTTP/1.1 417 No\r\nContent-Length: 3\r\n\r\n417";
    const { sess } = await serving(t, [BUSY, denied, unasked, OK, denied, OK], [BUSY]);
    const steps = async (method: string, options: nx_send_options): Promise<Step[]> => {
      const down: Step[] = [];
      await nx_send(sess, method, "/", { ...options, download_progress: watch(down) });
      return down;
    };
    const body = (): Readable => Readable.from(["body"]);
    t.strictSame(await steps("PUT", { body: body(), retries: 3 }), [[0, 4], [4, 4]], "no try left");
    t.strictSame(await steps("GET", { retries: 3 }), [[0, 2], [2, 2]], "nobody has a password");
    t.strictSame(await steps("PUT", { body, expect: true }), [[0, 2], [2, 2]], "asked for nothing");
    nx_set_credentials(sess, NE_AUTH_BASIC, "me", "secret");
    t.strictSame(await steps("GET", {}), [[0, 2], [2, 2]], "logged in");
    t.strictSame(await steps("POST", { retries: 3 }), [[0, 4], [4, 4]], "not to be repeated");
  });
  await t.test("holds the transfer back", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readRequest();
      await peer.write(OK);
    }]);
    const sess = session(t, server.port);
    const held = gate();
    const steps: number[] = [];
    const sent = nx_send(sess, "PUT", "/", {
      body: Buffer.alloc(200_000),
      upload_progress: async (done) => {
        steps.push(done);
        if (done > 0) await held.opened;
      },
    });
    while (steps.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    t.equal(steps.length, 2);
    held.open();
    t.ok((await sent).ok);
    t.equal(steps.at(-1), 200_000);
  });
  await t.test("and the timeout and the signal still end it", async (t) => {
    const { sess } = await serving(t, silentOnce, silentOnce, [reply]);
    const time = holdTime(t);
    const forever = (): Promise<void> => new Promise(() => {});
    const late = (): Promise<void> => {
      setImmediate(() => time.pass(30));
      return forever();
    };
    const timed = await nx_send(sess, "PUT", "/", { body: "x", timeout: 30, upload_progress: late });
    t.equal(timed.code, NE_TIMEOUT);
    const controller = new AbortController();
    const upload_progress = (): Promise<void> => {
      controller.abort();
      return forever();
    };
    const aborted = await nx_send(sess, "PUT", "/", { body: "x", signal: controller.signal, upload_progress });
    t.match(aborted, { code: NE_ERROR, error: "Aborted" });
    const down = await nx_send(sess, "GET", "/", { timeout: 30, download_progress: late });
    t.equal(down.code, NE_TIMEOUT);
  });
  await t.test("what it throws ends the request and closes the connection", async (t) => {
    const failure = new Error("enough");
    for (const late of [false, true]) {
      for (const direction of ["upload_progress", "download_progress"] as const) {
        const { sess } = await serving(t, async (peer) => {
          const request = await peer.readHead();
          if (direction === "download_progress") {
            await peer.readBytes(Number(request.field("content-length")));
            await peer.write(reply);
          }
          await peer.readEof().catch(() => {});
        });
        const progress = (done: number): void => {
          if (!late || done > 0) throw failure;
        };
        const sent = nx_send(sess, "PUT", "/", { body: Buffer.alloc(100_000), [direction]: progress });
        await t.rejects(sent, failure, `${direction} ${late}`);
        t.equal(nx_session_connected(sess), false);
      }
    }
  });
});

async function silentOnce(peer: Peer): Promise<void> {
  await peer.readSome().catch(() => {});
  await peer.readEof().catch(() => {});
}

t.test("a body that throws rejects with that very error", async (t) => {
  const failure = new Error("no more");
  async function* failing(): AsyncGenerator<string> {
    yield "some";
    throw failure;
  }
  const broken = new PassThrough();
  broken.write("x");
  const bodies: unknown[] = [failing(), () => failing(), async () => Promise.reject(failure), broken];
  for (const body of bodies) {
    const { sess } = await serving(t, silentOnce);
    const sent = nx_send(sess, "PUT", "/", { body: body as string });
    if (body === broken) setImmediate(() => broken.destroy(failure));
    await t.rejects(sent, failure);
    t.equal(nx_session_connected(sess), false);
  }
});

t.test("tries", async (t) => {
  await t.test("after statuses that may pass, and Retry-After", async (t) => {
    const { sess, server } = await serving(t, [BUSY, BUSY.replace("503", "429"), OK]);
    const result = await nx_send(sess, "PUT", "/", { body: "x", retries: 5 });
    t.equal(result.text(), "ok");
    t.equal(server.requests.length, 3);
    t.strictSame(server.requests.map(({ body }) => String(body)), ["x", "x", "x"]);
  });
  await t.test("no more often than it was told", async (t) => {
    const { sess, server } = await serving(t, [BUSY, BUSY]);
    const result = await nx_send(sess, "GET", "/", { retries: 1 });
    t.match(result, { ok: false, error: "503 Busy" });
    t.equal(result.text(), "busy");
    t.equal(server.requests.length, 2);
  });
  await t.test("after a lost connection, and a refused one", async (t) => {
    const lost: Script = async (peer: Peer) => {
      await peer.readRequest();
      peer.reset();
    };
    const closed: Script = async (peer: Peer) => {
      await peer.readRequest();
      peer.stream.end();
    };
    const { sess } = await serving(t, lost, closed, [OK]);
    t.ok((await nx_send(sess, "GET", "/", { retries: 2 })).ok);
    const refused = session(t, await refusedPort());
    t.equal((await nx_send(refused, "GET", "/", { retries: 1 })).code, NE_CONNECT);
  });
  await t.test("only of what is idempotent and can be sent again", async (t) => {
    const { sess, server } = await serving(t, [BUSY], [BUSY, BUSY]);
    await nx_send(sess, "POST", "/", { body: "x", retries: 3 });
    await nx_send(sess, "PATCH", "/", { body: "x", retries: 3 });
    const once = await nx_send(sess, "PUT", "/", { body: Readable.from(["x"]), retries: 3 });
    t.equal(once.error, "503 Busy");
    t.equal(server.requests.length, 3);
  });
  await t.test("a stream that was not begun can", async (t) => {
    const port = await refusedPort();
    const sess = session(t, port);
    const body = Readable.from(["x"]);
    const result = await nx_send(sess, "PUT", "/", { body, retries: 1 });
    t.equal(result.code, NE_CONNECT);
    t.equal(body.destroyed, true, "it is let go of at the end");
    let cancelled = false;
    const web = new ReadableStream({ cancel: () => void (cancelled = true) });
    await nx_send(sess, "PUT", "/", { body: web });
    t.ok(cancelled, "so is a web stream");
  });
  await t.test("not beyond the timeout", async (t) => {
    const later = BUSY.replace("Retry-After: 0", "Retry-After: 3600");
    const { sess, server } = await serving(t, [later]);
    const result = await nx_send(sess, "GET", "/", { retries: 3, timeout: 5 });
    t.equal(result.error, "503 Busy");
    t.equal(server.requests.length, 1);
  });
  await t.test("a pause is broken off", async (t) => {
    const later = BUSY.replace("Retry-After: 0", "Retry-After: 3600");
    const ways: [string, (sess: ne_session, controller: AbortController) => void, string][] = [
      ["signal", (_sess, controller) => controller.abort(), "Aborted"],
      ["abort", (sess) => nx_session_abort(sess), "Aborted"],
      ["destroy", (sess) => ne_session_destroy(sess), "Session destroyed"],
    ];
    for (const [way, end, error] of ways) {
      const server = await scripted(t, [[later]]);
      const sess = ne_session_create("http", "127.0.0.1", server.port);
      const controller = new AbortController();
      const sent = nx_send(sess, "GET", "/", { retries: 3, signal: controller.signal });
      // the pause begins when the request is gone
      await new Promise((gone) => ne_hook_destroy_request(sess, () => setImmediate(gone), null));
      end(sess, controller);
      t.match(await sent, { code: NE_ERROR, error }, way);
      if (way !== "destroy") ne_session_destroy(sess);
    }
  });
});

t.test("asking first", async (t) => {
  const refusing: Script = async (peer: Peer) => {
    const first = await peer.readHead();
    t.equal(first.field("expect"), "100-continue");
    await peer.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    await peer.readRequest().then(() => peer.write(OK), () => {});
  };
  for (const options of [{ expect: true }, { headers: { Expect: "100-continue" } }]) {
    const server = await scripted(t, [refusing, [OK]], { fewer: true });
    const sess = session(t, server.port);
    const result = await nx_send(sess, "PUT", "/", { body: "body", ...options });
    t.ok(result.ok, result.error);
    t.equal(server.requests.at(-1)?.field("expect"), null);
    t.equal(server.requests.at(-1)?.body.toString(), "body");
  }
});

t.test("redirects are told of", async (t) => {
  const there = (to: string): string => `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
  const { sess, server } = await serving(t, [there("/b"), there("/c"), there("/d"), OK]);
  const result = await nx_send(sess, "GET", "/a", { redirects: 1 });
  t.strictSame(result.redirects, [
    { status: 302, from: `${server.origin}/a`, to: `${server.origin}/b` },
  ]);
  t.match(result.not_followed, /1 redirect/);
  t.match((await nx_send(sess, "GET", "/x")).not_followed, /no redirects are to be followed/);
  const plain = await nx_send(sess, "GET", "/y");
  t.equal(plain.not_followed, null);
  t.strictSame(plain.redirects, []);
});

t.test("a redirect whose response breaks off is not followed", async (t) => {
  const { sess } = await serving(t, async (peer) => {
    await peer.readRequest();
    await peer.write("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 9\r\n\r\nhalf");
    await peer.end();
  });
  const result = await nx_send(sess, "GET", "/a", { redirects: 1 });
  t.match(result, { code: NE_ERROR, status: { code: 302 }, not_followed: "the response broke off" });
  t.strictSame(result.redirects, []);
});

t.test("a response that is given up before its body has its status and fields", async (t) => {
  const { sess } = await serving(t, async (peer) => {
    await peer.readRequest();
    await peer.write("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 9\r\n\r\n");
    await peer.readEof();
  });
  const download_progress = (): Promise<void> => {
    nx_session_abort(sess);
    return new Promise(() => {});
  };
  const result = await nx_send(sess, "GET", "/", { download_progress });
  t.match(result, { code: NE_ERROR, error: "Aborted", ok: false, status: { code: 200 } });
  t.equal(result.header("X-A"), "b");
});

t.test("a destroyed session is a value", async (t) => {
  const server = await scripted(t, [silentOnce]);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  const sent = nx_send(sess, "GET", "/");
  const queued = nx_send(sess, "GET", "/");
  while (server.connections === 0) await new Promise((resolve) => setImmediate(resolve));
  ne_session_destroy(sess);
  for (const result of [await sent, await queued]) {
    t.match(result, { code: NE_ERROR, error: "Session destroyed", status: null, ok: false });
    t.ok(result.cause instanceof Error);
  }
});

t.test("what had arrived when it broke off", async (t) => {
  const whole = zlib.gzipSync(Buffer.alloc(3000, "0123456789abcdef"));
  const packed = Buffer.concat([
    Buffer.from("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 900\r\n\r\n"),
    whole,
  ]);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz";
  const time = holdTime(t);
  const { sess } = await serving(t, [chunked, END], [packed, END], async (peer) => {
    await peer.readRequest();
    await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await time.outlast(peer, 30);
  });
  const first = await nx_send(sess, "GET", "/");
  t.match(first, { code: NE_ERROR, ok: false, status: { code: 200 } });
  t.equal(String(first.body), "abc");
  const second = await nx_send(sess, "GET", "/");
  t.equal(second.code, NE_ERROR);
  t.equal(second.body.length, 3000);
  const third = await nx_send(sess, "GET", "/", { timeout: 30 });
  t.equal(third.code, NE_TIMEOUT);
  t.equal(String(third.body), "abc");
});

t.test("the limit of what is collected", async (t) => {
  const body = (bytes: Buffer, field = ""): Buffer =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${field}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
  const plain = body(Buffer.alloc(5000));
  const packed = body(zlib.gzipSync(Buffer.alloc(5000)), "Content-Encoding: gzip\r\n");
  const { sess } = await serving(t, [plain], [packed, plain]);
  nx_set_limits(sess, { collected: 4000 });
  for (let i = 0; i < 2; i++) {
    const result = await nx_send(sess, "GET", "/");
    t.match(result, { code: NE_ERROR, error: /limit of 4000 bytes.*collected.*nx_set_limits/ });
    t.ok(result.body.length <= 4000);
  }
  const streamed = await nx_send(sess, "GET", "/", { stream: true });
  t.equal((await text(streamed.stream!)).length, 5000, "a stream is not bound by it");
});

t.test("zstd", { skip: !ACCEPTED.includes("zstd") && "Node is too old" }, async (t) => {
  const { zstdCompressSync } = zlib as unknown as { zstdCompressSync: (text: string) => Buffer };
  const bytes = zstdCompressSync("unpacked");
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: `;
  const reply = (part: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${head}${part.length}\r\n\r\n`), part]);
  const { sess, server } = await serving(t, [reply(bytes), reply(bytes.subarray(0, -3)), OK]);
  t.equal((await nx_send(sess, "GET", "/")).text(), "unpacked");
  t.match(server.requests[0]?.field("accept-encoding"), /zstd/);
  t.equal((await nx_send(sess, "GET", "/")).code, NE_ERROR, "cut off");
  t.ok((await nx_send(sess, "GET", "/")).ok);
});

t.test("a timeout spans redirects", { timeout: 5000 }, async (t) => {
  const { now } = performance;
  t.teardown(() => {
    performance.now = now;
  });
  let passed = 0;
  const slow = async (peer: Peer): Promise<void> => {
    for (let n = 1; n <= 3; n++) {
      await peer.readRequest();
      // a quarter of an hour passes in each exchange
      passed += 900_000;
      await peer.write(`HTTP/1.1 302 Found\r\nLocation: /${n}\r\nContent-Length: 0\r\n\r\n`);
    }
    // the last request may be given up before it is out
    await peer.readRequest().catch(() => {});
  };
  const server = await scripted(t, [slow]);
  performance.now = () => now.call(performance) + passed;
  const result = await nx_send(session(t, server.port), "GET", "/", { redirects: 50, timeout: 2000 });
  t.equal(result.code, NE_TIMEOUT);
  t.equal(result.redirects.length, 3);
});

t.test("the session's bound spans tries and their pauses", async (t) => {
  const later = BUSY.replace("Retry-After: 0", "Retry-After: 3600");
  const { sess, server } = await serving(t, [later, later, OK]);
  nx_set_request_timeout(sess, 5);
  t.equal((await nx_send(sess, "GET", "/", { retries: 3 })).error, "503 Busy");
  t.equal((await nx_send(sess, "GET", "/", { retries: 3, timeout: 9 })).error, "503 Busy");
  t.equal(server.requests.length, 2);
  nx_set_request_timeout(sess, 0);
  t.ok((await nx_send(sess, "GET", "/")).ok);
});

t.test("a redirect gets what is left of the timeout", { timeout: 5000 }, async (t) => {
  const { now } = performance;
  t.teardown(() => {
    performance.now = now;
  });
  for (const elsewhere of [false, true]) {
    // an hour passes in the first exchange; the second has no response
    const silent = async (peer: Peer): Promise<void> => {
      await peer.readRequest().catch(() => {});
      if (!peer.ended) await peer.readEof();
    };
    const other = await scripted(t, silent);
    const server = await scripted(t, async (peer) => {
      const request = await peer.readRequest().catch(() => null);
      if (request?.target !== "/") return;
      performance.now = () => now.call(performance) + 3_600_000;
      const to = elsewhere ? `${other.origin}/late` : "/late";
      await peer.write(`HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`);
      await silent(peer);
    });
    const sess = session(t, server.port);
    const result = await nx_send(sess, "GET", "/", { redirects: 1, timeout: 1800 });
    performance.now = now;
    t.equal(result.code, NE_TIMEOUT);
    t.equal(result.redirects.length, 1);
  }
});

t.test("options", async (t) => {
  const sess = session(t, 1);
  const rows: [options: unknown, error: RegExp][] = [
    [{ timout: 5 }, /^nx_send: there is no option "timout"$/],
    [{ unknown: undefined }, /there is no option "unknown"/],
    [{ method: "GET" }, /there is no option "method"/],
    [{ retries: -1 }, /"retries" must be a whole number from 0 on, not -1/],
    [{ retries: 1.5 }, /"retries"/],
    [{ retries: "1" }, /"retries" must be .* not string/],
    [{ redirects: NaN }, /"redirects" must be .* not NaN/],
    [{ timeout: NaN }, /"timeout" must be .* not NaN/],
    [{ length: -2 }, /"length"/],
    [{ stream: 1 }, /"stream" must be true or false, not 1/],
    [{ decompress: "no" }, /"decompress"/],
    [{ expect: "yes" }, /"expect"/],
    [{ signal: {} }, /"signal" must be an AbortSignal, not Object/],
    [{ upload_progress: {} }, /"upload_progress" must be a function/],
    [{ download_progress: 1 }, /"download_progress" must be a function, not 1/],
    [{ redirect_headers: "X-A" }, /"redirect_headers" must be an array/],
    [{ redirect_headers: ["X-A\r\n"] }, /field name is not a token \(in `redirect_headers`\)/],
    [{ body: {} }, /the body must be .* not Object/],
    [{ body: ["a"] }, /the body must be .* not Array/],
    [{ body: Symbol("x") }, /the body must be .* not symbol/],
    [{ headers: 5 }, /headers must be/],
    [5, /the options must be an object, not number/],
    [new Headers({ accept: "a/b" }), /the options must be an object, not Headers/],
  ];
  for (const [options, error] of rows) {
    await t.rejects(nx_send(sess, "GET", "/", options as object), { name: "TypeError", message: error });
  }
  const read = Readable.from(["x"]);
  await text(read);
  await t.rejects(nx_send(sess, "PUT", "/", { body: read }), /read or destroyed already/);
  const undefinedOnes = { timeout: undefined, body: undefined, signal: undefined, headers: undefined };
  t.equal((await nx_send(sess, "GET", "/", undefinedOnes)).code, NE_CONNECT);
});

t.test("nx_must", async (t) => {
  const locked =
    '<?xml version="1.0"?><D:error xmlns:D="DAV:"><D:lock-token-submitted/></D:error>';
  const failed =
    `HTTP/1.1 423 Locked\r\nX-A: 1\r\nContent-Type: application/xml\r\nContent-Length: ${locked.length}\r\n\r\n${locked}`;
  const { sess } = await serving(t, [OK, failed, failed]);
  const result = await nx_send(sess, "GET", "/");
  t.equal(nx_must(result), result);
  const error = await nx_send(sess, "GET", "/a?b").then(nx_must).catch((thrown: unknown) => thrown);
  t.ok(error instanceof nx_error);
  t.match(error, {
    message: "423 Locked", code: NE_ERROR, status: { code: 423 }, path: "/a",
    condition: "lock-token-submitted", headers: [["X-A", "1"]],
  });
  const refused = session(t, await refusedPort());
  const none = await nx_send(refused, "GET", "/");
  t.throws(() => nx_must(none), { code: NE_CONNECT, status: null, cause: { code: "ECONNREFUSED" } });
  const streamed = await nx_send(sess, "GET", "/", { stream: true });
  t.throws(() => nx_must(streamed), { message: "423 Locked" });
  t.equal(streamed.stream?.destroyed, true);
});

t.test("nx_must takes results alone", async (t) => {
  const rows: [given: unknown, what: string][] = [
    [null, "null"],
    ["200 OK", "string"],
    [{}, "Object"],
    [Promise.resolve(), "Promise; it has to be awaited"],
  ];
  for (const [given, what] of rows) {
    const message = `nx_must: the result must be one of nx_send, not ${what}`;
    t.throws(() => nx_must(given as never), { name: "TypeError", message });
  }
});

t.test("a result is frozen, its trailers as soon as they are there", async (t) => {
  const { sess } = await serving(t, [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
  ]);
  const result = nx_must(await nx_send(sess, "GET", "/", { stream: true }));
  // of a stream that was asked for, and a result that is one, nothing can be null
  t.throws(() => result.text(), { name: "TypeError", message: /^nx_result.text: .* `stream`$/ });
  t.throws(() => result.json(), { name: "TypeError", message: /^nx_result.json: .* `stream`$/ });
  t.equal(await text(result.stream), "a");
  t.strictSame(result.trailers, [["X-Sum", "1"]]);
  for (const part of [result, result.headers, result.trailers, result.redirects, result.status]) {
    t.ok(Object.isFrozen(part));
  }
  t.throws(() => result.header(undefined as never), {
    name: "TypeError",
    message: "nx_result.header: the name must be a string, not undefined",
  });
});

t.test("an error prints without what its response says in secret", async (t) => {
  const { sess } = await serving(t, [
    "HTTP/1.1 403 No\r\nSet-Cookie: sid=hidden\r\nContent-Length: 0\r\n\r\n",
  ]);
  const error = await nx_send(sess, "GET", "/?token=hidden").then(nx_must).catch((thrown: unknown) => thrown);
  t.match((error as nx_error).headers[0], ["Set-Cookie", "sid=hidden"]);
  t.match(inspect(error), /^nx_error: 403 No\n/);
  for (const shown of [inspect(error, { depth: 9 }), JSON.stringify(error), String(error)]) {
    t.notMatch(shown, "hidden");
  }
});

t.test("sessions from URLs", async (t) => {
  t.equal(nx_session_for("ftp://x/"), null);
  t.throws(() => nx_session_open("ftp://x/"), { name: "TypeError", message: /^nx_session_open: / });
  t.throws(() => nx_session_open(5 as unknown as string), TypeError);
  if (!(await hasIpv6())) return;
  const server = await scripted(t, [[OK], [OK]], { host: "::1" });
  const sess = nx_session_open(new URL(`http://[::1]:${server.port}/`));
  t.teardown(() => ne_session_destroy(sess));
  t.equal((await nx_send(sess, "GET", "/a")).url, `http://[::1]:${server.port}/a`);
  const bare = ne_session_create("http", "::1", server.port);
  t.equal((await nx_send(bare, "GET", "/a")).url, `http://[::1]:${server.port}/a`);
  ne_session_destroy(bare);
  const zoned = nx_session_open("http://[fe80::1%25lo]:1/");
  t.match((await nx_send(zoned, "GET", "/a", { timeout: 1 })).url, /^http:\/\/\[fe80::1%25lo\]:1\/a$/);
  ne_session_destroy(zoned);
});

t.test("a stream whose end is refused fails", async (t) => {
  const server = await scripted(t, [["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nbad", END]]);
  const sess = session(t, server.port);
  const result = await nx_send(sess, "GET", "/", { stream: true });
  t.equal(result.code, NE_OK);
  await t.rejects(text(result.stream!), { name: "nx_error", code: NE_ERROR });
});
