// nx_fetch: sessions kept for an origin, how many connections they make, and what ends them.
import { spawn } from "node:child_process";
import { tracingChannel } from "node:diagnostics_channel";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import t, { type Test } from "tap";
import { ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { nx_set_max_connections } from "../../../lib/nx_session.js";
import { nx_fetch, type nx_streamed } from "../../../lib/nx_script.js";
import { gate, refusedPort } from "../../fixtures/server.js";

interface Counting {
  readonly origin: string;
  connections: number;
  readonly lines: string[];
  readonly sockets: Socket[];
}

// Sessions stay connected after a test, so the server ends their connections at its end.
async function counting(t: Test, listener?: RequestListener): Promise<Counting> {
  const lines: string[] = [];
  const server = createServer((request, response) => {
    lines.push(`${request.method ?? ""} ${request.url ?? ""}`);
    if (listener === undefined) response.end("ok");
    else listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const counted = { origin: `http://127.0.0.1:${port}`, connections: 0, lines, sockets };
  server.on("connection", (socket) => {
    counted.connections++;
    sockets.push(socket);
  });
  return counted;
}

t.test("a URL's path and query, without its fragment", async (t) => {
  const server = await counting(t);
  const result = await nx_fetch(new URL(`${server.origin}/a b?c=d e#part`));
  t.equal(result.text(), "ok");
  t.equal(result.url, `${server.origin}/a%20b?c=d%20e`);
  await nx_fetch(`${server.origin}#part`, { method: "HEAD" });
  t.strictSame(server.lines, ["GET /a%20b?c=d%20e", "HEAD /"]);
});

t.test("one session for an origin, and setup once for it", async (t) => {
  const server = await counting(t);
  const made: ne_session[] = [];
  const setup = (sess: ne_session): void => void made.push(sess);
  for (let i = 0; i < 3; i++) await nx_fetch(server.origin, { setup });
  t.equal(made.length, 1);
  t.equal(server.connections, 1, "which is kept");
  ne_session_destroy(made[0]!);
  t.ok((await nx_fetch(server.origin, { setup })).ok, "one that was destroyed is made anew");
  t.equal(made.length, 2);
});

t.test("a thousand at once go over six connections", async (t) => {
  const server = await counting(t);
  const all = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => nx_fetch(`${server.origin}/${i}`)),
  );
  t.ok(all.every(({ ok }) => ok));
  t.equal(server.connections, 6);
  t.equal(new Set(server.lines).size, 1000);
});

t.test("with bodies and progress that take their time, too", async (t) => {
  const server = await counting(t, (request, response) => {
    request.resume().on("end", () => response.end("ok"));
  });
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const slow = async function* (): AsyncGenerator<string> {
    for (let i = 0; i < 3; i++) {
      await later();
      yield "piece";
    }
  };
  const all = await Promise.all(
    Array.from({ length: 100 }, () =>
      nx_fetch(server.origin, { method: "PUT", body: slow, download_progress: later }),
    ),
  );
  t.ok(all.every(({ ok }) => ok));
  t.equal(server.connections, 6);
});

t.test("streams that nobody reads yet hold no request up for ever", async (t) => {
  const server = await counting(t, (_request, response) => response.end(Buffer.alloc(3_000_000)));
  const ask = (): Promise<nx_streamed> => nx_fetch(server.origin, { stream: true });
  const all = await Promise.all(Array.from({ length: 8 }, ask));
  for (const { stream } of all) t.equal((await text(stream!)).length, 3_000_000);
});

t.test("unless setup says otherwise", async (t) => {
  const server = await counting(t);
  const setup = (sess: ne_session): void => nx_set_max_connections(sess, 2);
  await Promise.all(Array.from({ length: 50 }, () => nx_fetch(server.origin, { setup })));
  t.equal(server.connections, 2);
});

t.test("a setup that fails leaves nothing behind", async (t) => {
  const server = await counting(t);
  const failure = new Error("no setup");
  const failing = (): void => {
    throw failure;
  };
  await t.rejects(nx_fetch(server.origin, { setup: failing }), failure);
  await t.rejects(nx_fetch(server.origin, { setup: (async () => {}) as () => void }), {
    name: "TypeError",
    message: "nx_fetch: `setup` must not return a promise",
  });
  t.equal(server.connections, 0);
  let ran = false;
  t.ok((await nx_fetch(server.origin, { setup: () => void (ran = true) })).ok);
  t.ok(ran, "the next call's setup counts");
});

t.test("a stream keeps the session in use until it ends", async (t) => {
  const more = gate();
  const server = await counting(t, async (_request, response) => {
    response.write("ab");
    await more.opened;
    response.end("cd");
  });
  const result = await nx_fetch(server.origin, { stream: true });
  more.open();
  t.equal(await text(result.stream!), "abcd");
});

t.test("mistakes are said before anything is sent, and show no secret", async (t) => {
  const rows: [url: unknown, options: object | null, error: RegExp][] = [
    ["not a url", {}, /not one of http or https: it cannot be read$/],
    ["ftp://u:hidden@example.com/", {}, /not one of http or https: it begins with ftp:$/],
    ["/path", {}, /not one of http or https/],
    [5, {}, /must be a string/],
    ["http://example.com:0/", {}, /not one of http or https: its port is 0$/],
    ["http://user:hidden@127.0.0.1:1/", {}, /user name or password/],
    ["http://hidden@127.0.0.1:1/", {}, /user name or password/],
    ["http://:hidden@127.0.0.1:1/", {}, /user name or password/],
    ["http://u:hidden@[fe80::1%25lo]/", {}, /user name or password/],
    ["http://127.0.0.1:1/", { method: "G T" }, /the method is not a token/],
    ["http://127.0.0.1:1/", { setup: 5 }, /`setup` must be a function/],
    ["http://127.0.0.1:1/", { Method: "GET" }, /there is no option "Method"/],
    ["http://127.0.0.1:1/", null, /the options must be an object/],
  ];
  for (const [url, options, error] of rows) {
    const call = nx_fetch(url as string, options as object);
    const failed = await call.catch((thrown: unknown) => thrown);
    t.match(failed, { name: "TypeError", message: error }, String(url));
    t.match((failed as Error).message, /^nx_fetch: /);
    t.notMatch((failed as Error).message, /hidden/);
  }
});

t.test("failures are values", async (t) => {
  const result = await nx_fetch(`http://127.0.0.1:${await refusedPort()}/`);
  t.match(result, { ok: false, status: null, cause: { code: "ECONNREFUSED" } });
});

t.test("after a minute of idleness a session is closed", async (t) => {
  const { setTimeout: schedule } = globalThis;
  t.teardown(() => {
    globalThis.setTimeout = schedule;
  });
  const minutes: { over: () => void; timer: NodeJS.Timeout }[] = [];
  const watching = (over: () => void, ms?: number): NodeJS.Timeout => {
    const timer = schedule(over, ms);
    if (ms === 60_000) minutes.push({ over, timer });
    return timer;
  };
  globalThis.setTimeout = watching as typeof setTimeout;
  const server = await counting(t);
  let setups = 0;
  const ask = async (): Promise<void> => {
    const result = await nx_fetch(server.origin, { setup: () => void setups++ });
    t.ok(result.ok);
  };
  await Promise.all([ask(), ask()]);
  t.equal(minutes.length, 1, "it begins when the last request has ended");
  t.equal(minutes[0]?.timer.hasRef(), false, "and keeps no process alive");
  await ask();
  t.equal(minutes.length, 2, "and anew after each");
  t.equal(setups, 1);
  const closed = once(server.sockets[0]!, "close");
  minutes[1]?.over();
  await closed;
  await ask();
  t.equal(setups, 2);
});

t.test("a program ends while sessions are kept, and not before its requests", async (t) => {
  const server = await counting(t);
  const program = fileURLToPath(new URL("../../../dist/nx_script.js", import.meta.url));
  const source =
    `import { nx_fetch } from ${JSON.stringify(program)};` +
    `nx_fetch(${JSON.stringify(server.origin)}).then(({ text }) => console.log(text()));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source]);
  const [out] = await Promise.all([text(child.stdout), once(child, "close")]);
  t.equal(out, "ok\n");
});

t.test("requests that are redirected to one server share its connections", async (t) => {
  const held = gate();
  const isHeld = gate();
  const there = await counting(t, (_request, response) => {
    isHeld.open();
    void held.opened.then(() => response.end("there"));
  });
  const to = there.origin.replace("127.0.0.1", "localhost");
  const here = await counting(t, ({ url }, response) => {
    response.writeHead(302, { Location: `${to}${url ?? ""}` }).end();
  });
  // the second request is at the other server, too, as soon as it says so
  const told = tracingChannel<unknown, { url: string }>("libneon:request").start;
  const open = (message: unknown): void => {
    if ((message as { url: string }).url === `${to}/2`) held.open();
  };
  told.subscribe(open);
  t.teardown(() => told.unsubscribe(open));
  const setup = (sess: ne_session): void => nx_set_max_connections(sess, 1);
  const first = nx_fetch(`${here.origin}/1`, { setup, redirects: 1 });
  await isHeld.opened;
  const second = nx_fetch(`${here.origin}/2`, { redirects: 1 });
  t.strictSame([(await first).text(), (await second).text()], ["there", "there"]);
  t.strictSame(there.lines, ["GET /1", "GET /2"]);
  t.equal(there.connections, 1);
});
