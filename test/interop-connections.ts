// Which requests go over which connection: sequences of calls, chosen by a seed, played by C neon
// and by this library against servers that keep connections, close them, speak HTTP/1.0 or want a
// login. A client that gives up a connection C keeps is slower, one that keeps what C gives up may
// send a request twice.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import t from "tap";
import * as ne from "../lib/index.js";
import { cClient, compile, type Client } from "./fixtures/c_neon.js";
import { multistatus, propstat, response } from "./fixtures/dav.js";
import { scripted, type Peer, type PeerRequest, type TestScope } from "./fixtures/server.js";

const CALLS = ["options", "get", "put", "delete", "mkcol", "copy", "move", "propfind", "proppatch",
  "lock", "unlock", "post"];

/** How the server answers one request. */
const MANNERS = ["kept", "kept", "kept", "closed", "old", "old kept", "chunked", "Basic", "Digest",
  "404", "423 closed"] as const;
type Manner = (typeof MANNERS)[number];

interface Scenario {
  readonly calls: readonly string[];
  /** By the number of the request, over all connections. */
  readonly manners: readonly Manner[];
}

function scenario(seed: number): Scenario {
  let state = seed;
  const below = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const some = <T>(list: readonly T[], count: number): T[] =>
    Array.from({ length: count }, () => list[below(list.length)] as T);
  return { calls: some(CALLS, 3 + below(4)), manners: some(MANNERS, 20) };
}

const LOCK =
  `<?xml version="1.0"?><D:prop xmlns:D="DAV:"><D:lockdiscovery><D:activelock>` +
  `<D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope><D:depth>0</D:depth>` +
  `<D:timeout>Second-100</D:timeout><D:locktoken><D:href>t:1</D:href></D:locktoken>` +
  `</D:activelock></D:lockdiscovery></D:prop>`;

function success({ method }: PeerRequest): [status: string, fields: string, body: string] {
  const xml = "Content-Type: text/xml\r\n";
  const properties = multistatus(response("/a", propstat("<D:displayname/>")));
  switch (method) {
    case "PROPFIND":
    case "PROPPATCH":
      return ["207 Multi-Status", xml, properties];
    case "LOCK":
      return ["200 OK", `${xml}Lock-Token: <t:1>\r\n`, LOCK];
    default:
      return ["200 OK", "", "ok"];
  }
}

/** An answer, and whether the connection ends behind it. */
function answerTo(request: PeerRequest, manner: Manner): [bytes: string, ends: boolean] {
  const isAsked = manner === "Basic" || manner === "Digest";
  const scheme = manner === "Basic" ? 'Basic realm="r"' : 'Digest realm="r", nonce="n", qop="auth"';
  let [status, fields, body] = success(request);
  if (isAsked && request.field("authorization") === null) {
    [status, fields, body] = ["401 Who", `WWW-Authenticate: ${scheme}\r\n`, "no"];
  } else if (/^\d/.test(manner)) {
    [status, fields, body] = [`${manner.slice(0, 3)} No`, "", "no"];
  }
  if (manner === "chunked") {
    const size = Buffer.byteLength(body).toString(16);
    const head = `HTTP/1.1 ${status}\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`;
    return [`${head}${size}\r\n${body}\r\n0\r\n\r\n`, false];
  }
  const ends = manner.endsWith("closed") || manner === "old";
  const version = manner.startsWith("old") ? "HTTP/1.0" : "HTTP/1.1";
  const kept = manner === "old kept" ? "Connection: keep-alive\r\n" : "";
  const connection = manner.endsWith("closed") ? "Connection: close\r\n" : kept;
  const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return [`${version} ${status}\r\n${fields}${connection}${length}\r\n${body}`, ends];
}

/** What the calls returned, and the requests of each connection. */
async function course(
  t: TestScope,
  client: Client,
  { calls, manners }: Scenario,
): Promise<unknown> {
  let count = 0;
  const connections: string[][] = [];
  const serve = async (peer: Peer): Promise<void> => {
    const seen: string[] = (connections[peer.number] = []);
    for (let ends = false; !ends; ) {
      const request = await peer.readRequest();
      const login = request.field("authorization")?.split(" ")[0] ?? "";
      seen.push(`${request.method} ${login}`.trim());
      const [bytes, isLast] = answerTo(request, manners[count++] ?? "kept");
      await peer.write(bytes);
      ends = isLast;
    }
    await peer.end();
  };
  const server = await scripted(t, (peer: Peer) => serve(peer).catch(() => {}));
  const codes = await client(server.port, calls);
  await server.close();
  return { codes, connections };
}

/** A call, with files to send and to write to. */
function call(
  sess: ne.ne_session,
  lock: ne.ne_lock,
  name: string,
  body: number,
  sink: number,
): Promise<number> {
  const property = { nspace: "DAV:", name: "displayname" };
  const sets: ne.ne_proppatch_operation[] = [{ name: property, type: ne.ne_propset, value: "x" }];
  switch (name) {
    case "options":
      return ne.ne_options2(sess, "/a", { value: 0 });
    case "get":
      return ne.ne_get(sess, "/a", sink);
    case "put":
      return ne.ne_put(sess, "/a", body);
    case "delete":
      return ne.ne_delete(sess, "/a");
    case "mkcol":
      return ne.ne_mkcol(sess, "/a/");
    case "copy":
      return ne.ne_copy(sess, 1, ne.NE_DEPTH_INFINITE, "/a", "/b");
    case "move":
      return ne.ne_move(sess, 1, "/a", "/b");
    case "propfind":
      return ne.ne_simple_propfind(sess, "/a", ne.NE_DEPTH_ZERO, null, () => {}, null);
    case "proppatch":
      return ne.ne_proppatch(sess, "/a", sets);
    case "lock":
      return ne.ne_lock(sess, lock);
    case "unlock":
      return ne.ne_unlock(sess, lock);
    default:
      return ne.ne_post(sess, "/a", sink, "body");
  }
}

const ours =
  (body: number, sink: number): Client =>
  async (port, calls) => {
    const sess = ne.ne_session_create("http", "127.0.0.1", port);
    const lock = ne.ne_lock_create();
    ne.ne_fill_server_uri(sess, lock.uri);
    Object.assign(lock.uri, { path: "/a" });
    Object.assign(lock, { depth: 0, token: "t:1" });
    ne.ne_set_server_auth(sess, (_userdata, _realm, attempt, username, password) => {
      username.value = "me";
      password.value = "secret";
      return attempt > 1 ? 1 : 0;
    });
    const lines: string[] = [];
    for (const name of calls) lines.push(`${name} ${await call(sess, lock, name, body, sink)}`);
    ne.ne_session_destroy(sess);
    return lines;
  };

t.test("the same requests over the same connections", async (t) => {
  const built = compile(t, "test/fixtures/connections.c");
  if (typeof built === "string") return t.comment(`skipped: ${built}`);
  const child = spawn(built.program);
  t.teardown(() => child.kill());
  const theirs = cClient(child);
  const folder = t.testdir({ body: "body" });
  const body = openSync(path.join(folder, "body"), "r");
  const sink = openSync(path.join(folder, "sink"), "w");
  t.teardown(() => [body, sink].forEach((fd) => closeSync(fd)));
  const count = Number(process.env["NEON_SCENARIOS"] ?? "60");
  for (let seed = 1; seed <= count; seed++) {
    const played = scenario(seed * 7919);
    const c = await course(t, theirs, played);
    t.same(await course(t, ours(body, sink), played), c, `seed ${seed}: ${played.calls.join(" ")}`);
  }
  child.stdin.end();
});
