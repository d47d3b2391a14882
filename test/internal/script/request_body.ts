// Bodies on their way out: what is told of them, and what one that gives the wrong thing ends in.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import vm from "node:vm";
import t, { type Test } from "tap";
import { ne_session_create, ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { nx_send, type nx_body } from "../../../lib/nx_script.js";
import { nx_session_connected } from "../../../lib/nx_session.js";
import { scripted, type Peer, type Script, type ScriptedServer } from "../../fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const STEP = 64 * 1024;

async function serving(
  t: Test,
  ...scripts: readonly Script[]
): Promise<{ sess: ne_session; server: ScriptedServer }> {
  const server = await scripted(t, scripts);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  return { sess, server };
}

t.test("what is large is told of in steps, whatever it comes as", async (t) => {
  const size = 3 * STEP + 7;
  const bytes = Buffer.alloc(size, "x");
  const bodies: [kind: string, body: nx_body, length: number | null][] = [
    ["bytes", bytes, size],
    ["a Blob", new Blob([bytes]), size],
    ["a stream", new Blob([bytes]).stream(), null],
    ["a function", () => Readable.from([bytes]), null],
  ];
  const { sess, server } = await serving(t, bodies.map(() => OK));
  for (const [i, [kind, body, total]] of bodies.entries()) {
    const done: number[] = [];
    const result = await nx_send(sess, "PUT", "/", {
      body,
      upload_progress: (sent, of) => {
        t.equal(of, total, kind);
        done.push(sent);
      },
    });
    t.ok(result.ok, kind);
    t.strictSame(done, [0, STEP, 2 * STEP, 3 * STEP, size], kind);
    t.ok(server.requests[i]?.body.equals(bytes), kind);
  }
});

t.test("an empty piece is no progress", async (t) => {
  const { sess, server } = await serving(t, [OK]);
  const done: number[] = [];
  const body = Readable.from(["", "ab", Buffer.alloc(0), "c", ""], { objectMode: true });
  await nx_send(sess, "PUT", "/", { body, upload_progress: (sent) => void done.push(sent) });
  t.strictSame(done, [0, 2, 3]);
  t.equal(server.requests[0]?.body.toString(), "abc");
});

t.test("a length that is not the body's is a mistake", async (t) => {
  const { sess, server } = await serving(t, [OK, OK]);
  for (const body of ["abc", Buffer.from("abc"), new Blob(["abc"]), new URLSearchParams("a=")]) {
    const message = /^nx_send: the option "length" is 4, and the body has [23] bytes$/;
    await t.rejects(nx_send(sess, "PUT", "/", { body, length: 4 }), { name: "TypeError", message });
  }
  await nx_send(sess, "PUT", "/", { body: "abc", length: 3 });
  await nx_send(sess, "PUT", "/", { body: "abc", length: -1 });
  t.strictSame(server.requests.map((request) => request.body.toString()), ["abc", "abc"]);
});

t.test("memory of another realm", async (t) => {
  const { sess, server } = await serving(t, [OK]);
  const body = vm.runInNewContext("new Uint8Array([65, 66]).buffer") as ArrayBuffer;
  await nx_send(sess, "PUT", "/", { body });
  t.equal(server.requests[0]?.body.toString(), "AB");
});

t.test("a request that should have a body says that it has none", async (t) => {
  const methods = ["POST", "PUT", "PATCH", "GET", "DELETE", "PROPFIND"];
  const server = await scripted(t, async (peer) => {
    while (!peer.ended) {
      const request = await peer.readRequest().catch(() => null);
      if (request !== null) await peer.write(OK);
    }
  });
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  for (const method of methods) await nx_send(sess, method, "/");
  t.strictSame(
    server.requests.map((request) => request.field("content-length")),
    ["0", "0", "0", null, null, null],
  );
});

t.test("pieces of memory of any kind", async (t) => {
  const { sess, server } = await serving(t, [OK]);
  // as the web stream of a FileHandle gives them
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("ab").buffer as unknown as Uint8Array;
    yield new DataView(new TextEncoder().encode("-cd-").buffer, 1, 2) as unknown as Uint8Array;
  }
  await nx_send(sess, "PUT", "/", { body: pieces() });
  t.equal(server.requests[0]?.body.toString(), "abcd");
});

t.test("a body that gives the wrong thing is a mistake of nx_send's caller", async (t) => {
  async function* wrong(value: unknown): AsyncGenerator<string> {
    yield "a";
    yield value as string;
  }
  const rows: [body: unknown, message: RegExp][] = [
    [() => "text", /^nx_send: the body function gave string, which is neither a stream nor/],
    [() => ["a"], /^nx_send: the body function gave Array/],
    [async () => null, /^nx_send: the body function gave null/],
    [wrong(5), /^nx_send: the body gave number, which is neither bytes nor a string$/],
    [() => wrong(null), /^nx_send: the body gave null/],
    [Readable.from([{ a: 1 }]), /^nx_send: the body gave Object/],
  ];
  for (const [body, message] of rows) {
    for (const upload_progress of [undefined, (): void => {}]) {
      if (upload_progress !== undefined && typeof body !== "function") continue;
      const { sess } = await serving(t, (peer) => peer.readEof());
      const sent = nx_send(sess, "PUT", "/", { body: body as string, upload_progress });
      await t.rejects(sent, { name: "TypeError", message });
      t.equal(nx_session_connected(sess), false);
    }
  }
});

t.test("a web stream is cancelled when nobody wants more of it", async (t) => {
  const stalled = async (peer: Peer): Promise<void> => {
    await peer.readHead();
    await peer.stall();
  };
  const { sess } = await serving(t, stalled, stalled);
  const ways: [kind: string, make: (stream: ReadableStream) => unknown][] = [
    ["a stream", (stream) => stream],
    ["a function", (stream) => () => stream],
  ];
  for (const [kind, make] of ways) {
    const controller = new AbortController();
    const cancelled = new Promise<void>((resolve) => {
      const stream = new ReadableStream({
        start: (source) => source.enqueue(Buffer.from("a")),
        // it is asked for more, which never comes
        pull: () => void setImmediate(() => controller.abort()),
        cancel: () => resolve(),
      }, { highWaterMark: 1 });
      const body = make(stream) as ReadableStream;
      void nx_send(sess, "PUT", "/", { body, signal: controller.signal });
    });
    await cancelled;
    t.pass(kind);
  }
});

t.test("a file that is not there fails the request, and not the process", async (t) => {
  for (const upload_progress of [undefined, (): Promise<void> => new Promise(setImmediate)]) {
    const { sess } = await serving(t, (peer) => peer.readEof());
    const body = (): Readable => createReadStream("/nonexistent/file");
    await t.rejects(nx_send(sess, "PUT", "/", { body, upload_progress }), { code: "ENOENT" });
  }
});
