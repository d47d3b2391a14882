// The curl lines of a recorder: run by a shell, they send the bytes that were recorded.
import { spawn } from "node:child_process";
import t, { type Test } from "tap";
import {
  ne_add_request_header,
  ne_session_create,
  ne_session_destroy,
  ne_session_proxy,
  ne_set_session_flag,
  NE_SESSFLAG_EXPECT100,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  ne_set_useragent,
  nx_add_request_trailer,
  nx_recorder_create,
  nx_recorder_curl,
  nx_recorder_register,
  nx_session_unix,
  type ne_request,
  type ne_session,
  type nx_recorder,
  type nx_recorder_options,
} from "../../../lib/index.js";
import { failureOf, openSession, send } from "../../fixtures/conversation.js";
import { scripted, type Peer, type Script, type ScriptedServer } from "../../fixtures/server.js";

const CLOSING = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

async function run(command: string): Promise<number | null> {
  const child = spawn("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

const hasCurl = (await run("curl --version")) === 0;
const skip = hasCurl ? {} : { skip: "there is no curl" };

/** Answers a request and closes. */
async function answering(peer: Peer): Promise<void> {
  const { method, field } = await peer.readHead().then((head) => ({
    method: head.method,
    field: (name: string) => head.field(name),
  }));
  if (field("expect") !== null) await peer.write("HTTP/1.1 100 Continue\r\n\r\n");
  if (method !== "HEAD") await peer.readBody();
  await peer.write(CLOSING);
  await peer.end();
}

type Prepare = (req: ne_request, sess: ne_session) => void;

/** Sends a request, then what curl makes of it: the server has seen both. */
async function both(
  t: Test,
  method: string,
  target: string,
  prepare: Prepare = () => {},
): Promise<{ server: ScriptedServer; rec: nx_recorder; command: string }> {
  const server = await scripted(t, [answering, answering]);
  const sess = openSession(t, server.port);
  const rec = nx_recorder_create({ secrets: true });
  nx_recorder_register(rec, sess);
  await send(sess, method, target, (req) => prepare(req, sess));
  const command = nx_recorder_curl(rec, 0);
  t.equal(await run(`${command} --silent --max-time 10`), 0, command);
  await server.done();
  return { server, rec, command };
}

const headers = (...fields: [string, string][]): Prepare => (req) => {
  for (const [name, value] of fields) ne_add_request_header(req, name, value);
};

const chunked = (...blocks: string[]): Prepare => (req) => {
  const left: string[] = [];
  ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
    if (buffer.length === 0) {
      left.splice(0, left.length, ...blocks);
      return 0;
    }
    const block = Buffer.from(left.shift() ?? "", "latin1");
    buffer.set(block);
    return block.length;
  }, null);
};

const CASES: [what: string, method: string, target: string, prepare?: Prepare][] = [
  ["a plain GET", "GET", "/"],
  ["dot segments, brackets and braces", "GET", "/a/../b[1]/{c}?q=[1-3]#frag"],
  ["bytes beyond ASCII and a quote in the target", "GET", "/caf\xe9/it's"],
  ["HEAD", "HEAD", "/"],
  ["a target that is no path", "OPTIONS", "*"],
  ["another method with a body", "PROPFIND", "/d/", (req) => {
    ne_add_request_header(req, "Depth", "1");
    ne_add_request_header(req, "Content-Type", 'application/xml; charset="utf-8"');
    ne_set_request_body_buffer(req, Buffer.from('<?xml version="1.0"?>\n<p a=\'$x\'>`é`</p>\n'));
  }],
  ["a body without a type", "POST", "/", (req) => {
    ne_set_request_body_buffer(req, Buffer.from("@not-a-file\\n%s"));
  }],
  ["an empty body", "PUT", "/", (req) => ne_set_request_body_buffer(req, Buffer.alloc(0))],
  ["a body of all bytes", "PUT", "/", (req) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    ne_set_request_body_buffer(req, Buffer.concat([bytes, bytes.toReversed()]));
  }],
  ["a body that looks like options of printf", "PUT", "/", (req) => {
    ne_set_request_body_buffer(req, Buffer.from("--\r\n-v"));
  }],
  ["a body of line ends", "PUT", "/", (req) => {
    ne_set_request_body_buffer(req, Buffer.from("\r\n\na\n\n"));
  }],
  ["a body in chunks, with a trailer", "PUT", "/", (req, sess) => {
    chunked("first", "the second one")(req, sess);
    nx_add_request_trailer(req, "X-Sum", "1");
  }],
  ["a body of no chunk", "PUT", "/", chunked()],
  ["one that asks first", "PUT", "/", (req, sess) => {
    ne_set_session_flag(sess, NE_SESSFLAG_EXPECT100, 1);
    ne_set_request_body_buffer(req, Buffer.from("body"));
  }],
  ["fields without a value", "GET", "/", headers(["X-A", ""], ["X-B", "1"], ["X-C", ""])],
  ["quotes in a field", "GET", "/", headers(["X-A", "it's \"$HOME\" `x` \\n %s"])],
  ["bytes in a field", "GET", "/", headers(["X-B", "\xe4\x80"])],
  ["fields that curl knows", "GET", "/", headers(["Accept", "a/b"], ["Cookie", "a=b"])],
  ["a login", "GET", "/", headers(["Authorization", "Basic YTpi"])],
  ["a field twice", "GET", "/", headers(["X-A", "1"], ["x-a", "2"])],
];

t.test("curl sends the same bytes", skip, async (t) => {
  for (const [what, method, target, prepare] of CASES) {
    await t.test(what, async (t) => {
      const { server } = await both(t, method, target, prepare);
      t.equal(server.received[1], server.received[0]);
    });
  }
});

t.test("a body with secrets in it goes without them, and is as long as it says", skip, async (t) => {
  const form =
    '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhush-hush\r\n' +
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n\xe4\0\r\n--b--\r\n";
  const rows: [type: string, sent: string, shown: string][] = [
    ["application/json", '{"password":"hush-hush"}', '{"password":"\xe2\x80\xa6"}'],
    ["multipart/form-data; boundary=b", form, form.replace("hush-hush", "\xe2\x80\xa6")],
  ];
  for (const [type, sent, shown] of rows) {
    for (const inChunks of [false, true]) {
      const server = await scripted(t, [answering, answering]);
      const sess = openSession(t, server.port);
      const rec = nx_recorder_create();
      nx_recorder_register(rec, sess);
      await send(sess, "POST", "/", (req) => {
        ne_add_request_header(req, "Content-Type", type);
        const bytes = Buffer.from(sent, "latin1");
        if (!inChunks) ne_set_request_body_buffer(req, bytes);
        else chunked(sent.slice(0, 20), sent.slice(20))(req, sess);
      });
      const command = nx_recorder_curl(rec, 0);
      t.equal(await run(`${command} --silent --max-time 10`), 0, command);
      t.equal(server.requests[1]?.body.toString("latin1"), shown);
    }
  }
});

t.test("with a user agent, for a session that keeps no connection", skip, async (t) => {
  const server = await scripted(t, [answering, answering]);
  const sess = openSession(t, server.port);
  ne_set_useragent(sess, "probe/1");
  const rec = nx_recorder_create();
  nx_recorder_register(rec, sess);
  await send(sess);
  t.equal(await run(`${nx_recorder_curl(rec, 0)} --silent --max-time 10`), 0);
  t.equal(server.received[1], server.received[0]);
});

t.test("through a proxy that reads the request, and one with a tunnel", skip, async (t) => {
  const proxy = await scripted(t, [answering, answering]);
  const sess = ne_session_create("http", "origin.example", 80);
  ne_session_proxy(sess, "127.0.0.1", proxy.port);
  const rec = nx_recorder_create();
  nx_recorder_register(rec, sess);
  await send(sess, "GET", "/a?b");
  t.equal(await run(`${nx_recorder_curl(rec, 0)} --silent --max-time 10`), 0);
  t.match(proxy.received[0], /^GET http:\/\/origin.example\/a\?b HTTP/);
  t.equal(proxy.received[1], proxy.received[0]);
  ne_session_destroy(sess);
});

t.test("over a Unix-domain socket", async (t) => {
  const path = `${t.testdir({})}/socket`;
  const server = await scripted(t, [answering, answering], { path, fewer: !hasCurl });
  const sess = openSession(t, 80, "unix.example");
  nx_session_unix(sess, path);
  const rec = nx_recorder_create();
  nx_recorder_register(rec, sess);
  await send(sess, "GET", "/a");
  if (hasCurl) {
    t.equal(await run(`${nx_recorder_curl(rec, 0)} --silent --max-time 10`), 0);
    t.equal(server.received[1], server.received[0]);
  }
});

t.test("a body that was not kept whole is no command", async (t) => {
  const cut = async (script: Script, options?: nx_recorder_options): Promise<unknown> => {
    const server = await scripted(t, [script]);
    const sess = openSession(t, server.port);
    ne_set_session_flag(sess, NE_SESSFLAG_EXPECT100, 1);
    const rec = nx_recorder_create(options);
    nx_recorder_register(rec, sess);
    await send(sess, "PUT", "/", (req) => {
      ne_set_request_body_buffer(req, Buffer.from("0123456789"));
    });
    return failureOf(() => nx_recorder_curl(rec, 0));
  };
  t.match(await cut(answering, { body: 4 }), { message: /4 of 10 bytes/ });
  const refusing = async (peer: Peer): Promise<void> => {
    await peer.readHead();
    await peer.write(CLOSING.replace("200 OK", "417 No"));
    await peer.end();
  };
  t.match(await cut(refusing), { message: /0 of 10 bytes/ });
});
