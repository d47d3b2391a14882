// What those who measure from outside are told: by diagnostics channels, NODE_DEBUG and inspect.
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import t, { type Test } from "tap";
import {
  ne_add_request_header,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  NE_CONNECT,
  NE_ERROR,
  NE_OK,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { nx_send } from "../../../lib/nx_script.js";
import { END, refusedPort, scripted } from "../../fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

interface Told {
  event: string;
  message: Record<string, unknown>;
}

/** Everything that the channels tell during a test. */
function listen(t: Test): Told[] {
  const told: Told[] = [];
  const take = (event: string) => (message: unknown): void => {
    told.push({ event, message: message as Record<string, unknown> });
  };
  const request = tracingChannel("libneon:request");
  const handlers = {
    start: take("start"),
    end: take("end"),
    asyncStart: take("asyncStart"),
    asyncEnd: take("asyncEnd"),
    error: take("error"),
  };
  request.subscribe(handlers);
  t.teardown(() => request.unsubscribe(handlers));
  for (const event of ["open", "reuse", "close"]) {
    const listener = take(event);
    subscribe(`libneon:connection:${event}`, listener);
    t.teardown(() => unsubscribe(`libneon:connection:${event}`, listener));
  }
  return told;
}

function session(t: Test, port: number): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

t.test("a repetition that got no answer has no status", async (t) => {
  const told = listen(t);
  const server = await scripted(t, [[OK, END], ["", END]]);
  const sess = session(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(await ne_request_dispatch(req), NE_ERROR);
  ne_request_destroy(req);
  const ends = told.filter(({ event }) => event === "asyncEnd").map(({ message }) => message);
  t.match(ends, [{ status: 200 }, { status: 0 }]);
});

t.test("requests and connections", async (t) => {
  const told = listen(t);
  const server = await scripted(t, [[OK, OK]]);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  await nx_send(sess, "GET", "/a?token=hidden");
  await nx_send(sess, "GET", "/b");
  ne_session_destroy(sess);
  t.strictSame(told.map(({ event }) => event), [
    ...["start", "end", "open", "asyncStart", "asyncEnd"],
    ...["start", "end", "reuse", "asyncStart", "asyncEnd"],
    "close",
  ]);
  const [start, , open, , end] = told;
  t.equal(start?.message, end?.message, "one message from start to end");
  t.match(end?.message, { session: sess, method: "GET", code: NE_OK, status: 200, error: null });
  t.match(end?.message["url"], `${server.origin}/a?token=`);
  t.notMatch(String(end?.message["url"]), "hidden");
  t.match(open?.message, { session: sess, host: "127.0.0.1", port: server.port, proxy: null });
  const ids = told.filter(({ message }) => "id" in message).map(({ message }) => message["id"]);
  t.equal(new Set(ids).size, 1, "the same connection");
});

t.test("a failure", async (t) => {
  const told = listen(t);
  await nx_send(session(t, await refusedPort()), "GET", "/");
  t.strictSame(told.map(({ event }) => event), ["start", "end", "error", "asyncStart", "asyncEnd"]);
  t.match(told.at(-1)?.message, {
    code: NE_CONNECT,
    status: 0,
    error: { message: /refused/, cause: { code: "ECONNREFUSED" } },
  });
});

t.test("a request by hand", async (t) => {
  const told = listen(t);
  const server = await scripted(t, [[OK, OK]]);
  const sess = session(t, server.port);
  const req = ne_request_create(sess, "GET", "/");
  await ne_begin_request(req);
  await ne_discard_response(req);
  await ne_end_request(req);
  ne_request_destroy(req);
  t.match(told.at(-1), { event: "asyncEnd", message: { code: NE_OK, status: 200 } });
  const given = ne_request_create(sess, "GET", "/");
  await ne_begin_request(given);
  ne_request_destroy(given);
  t.match(told.at(-1), { event: "asyncEnd", message: { code: NE_ERROR, status: 200 } });
  t.equal(told.filter(({ event }) => event === "start").length, 2);
});

t.test("what a callback throws ends it, too", async (t) => {
  const told = listen(t);
  const server = await scripted(t, [["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]]);
  const failure = new Error("enough");
  const download_progress = (): void => {
    throw failure;
  };
  await t.rejects(nx_send(session(t, server.port), "GET", "/", { download_progress }), failure);
  t.match(told.at(-1), { event: "asyncEnd", message: { code: NE_ERROR } });
});

t.test("a store that is bound at the start is there in callbacks", async (t) => {
  const store = new AsyncLocalStorage<string>();
  const request = tracingChannel("libneon:request");
  request.start.bindStore(store, () => "span");
  t.teardown(() => request.start.unbindStore(store));
  const server = await scripted(t, [[OK]]);
  let seen: string | undefined;
  const download_progress = (): void => void (seen = store.getStore());
  await nx_send(session(t, server.port), "GET", "/", { download_progress });
  t.equal(seen, "span");
  t.equal(store.getStore(), undefined);
});

t.test("NODE_DEBUG=neon writes to stderr, and hides secrets", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const entry = fileURLToPath(new URL("../../../dist/nx_script.js", import.meta.url));
  const source =
    `import { nx_send, nx_session_open } from ${JSON.stringify(entry)};` +
    `const sess = nx_session_open(${JSON.stringify(server.origin)});` +
    `await nx_send(sess, "GET", "/x", { headers: { Authorization: "Bearer hidden" } });`;
  const run = async (debug: string): Promise<string> => {
    const env = { ...process.env, NODE_DEBUG: debug };
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], { env });
    return await text(child.stderr);
  };
  const shown = await run("neon");
  t.match(shown, "GET /x HTTP/1.1");
  t.match(shown, /^Authorization: /m);
  t.notMatch(shown, "hidden");
  t.equal(await run(""), "");
});

t.test("one line for console.log, without secrets", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  const req = ne_request_create(sess, "GET", "/a?token=hidden");
  ne_add_request_header(req, "Authorization", "Bearer hidden");
  t.equal(inspect(req), "ne_request <GET /a?…>");
  await ne_request_dispatch(req);
  t.equal(inspect(req), "ne_request <GET /a?…, 200>");
  ne_request_destroy(req);
  t.equal(inspect(req), "ne_request <destroyed>");
  t.equal(inspect(sess), `ne_session <http://127.0.0.1:${server.port}, 1 connection>`);
  await sess[Symbol.asyncDispose]();
  t.equal(inspect(sess), "ne_session <destroyed>");
  await sess[Symbol.asyncDispose]();
  const refused = ne_session_create("http", "127.0.0.1", await refusedPort());
  const result = await nx_send(refused, "GET", "/a?token=hidden");
  t.match(inspect(result), /^nx_result <Could not connect.*, 0 bytes, http:.*\/a\?…>$/);
  ne_session_destroy(refused);
});
