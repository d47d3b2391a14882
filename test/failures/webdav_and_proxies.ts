// Failures that an answer tells of: statuses, WebDAV documents, logins, proxies.
import t, { type Test } from "tap";
import * as ne from "../../lib/index.js";
import {
  against,
  ANSWERED,
  answered,
  BEGUN,
  done,
  holds,
  sessionFor,
  UNSENT,
  ask,
  type Case,
} from "../fixtures/failure_case.js";
import { scripted, type Peer } from "../fixtures/server.js";

const { NE_ERROR } = ne;
const REFUSED = /not sent again: the login was refused$/;

const reply = (status: string, body = "", fields = ""): string =>
  `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const document = (status: string, body: string): string =>
  reply(status, body, "Content-Type: application/xml\r\n");
const condition = (name: string, inside = ""): string =>
  `<D:error xmlns:D="DAV:"><D:${name}>${inside}</D:${name}></D:error>`;
const multistatus = (href: string, status: string, more = ""): string =>
  `<D:multistatus xmlns:D="DAV:"><D:response><D:href>${href}</D:href>` +
  `<D:status>HTTP/1.1 ${status}</D:status>${more}</D:response></D:multistatus>`;

type Call = (sess: ne.ne_session) => Promise<number>;

const status = (line: string, call: Call): [Case[1], Case[2]] => [
  answered([[reply(line)]], call),
  { code: NE_ERROR, error: line, phase: "head", retry: ANSWERED, more: { dav: null } },
];

holds(t, "statuses that a function takes for failures", [
  ["ne_options2: 500", ...status("500 Broken", (s) => ne.ne_options2(s, "/", { value: 0 }))],
  ["ne_getmodtime: 404", ...status("404 Not Found", (s) => ne.ne_getmodtime(s, "/", { value: 0 }))],
  ["ne_delete: 403", ...status("403 Forbidden", (s) => ne.ne_delete(s, "/x"))],
  ["ne_mkcol: 405", ...status("405 Exists", (s) => ne.ne_mkcol(s, "/x/"))],
  ["ne_move: 412", ...status("412 Precondition", (s) => ne.ne_move(s, 0, "/a", "/b"))],
  ["ne_copy: 507", ...status("507 Full", (s) => ne.ne_copy(s, 1, 0, "/a", "/b"))],
  ["ne_getbuf: 410", ...status("410 Gone", (s) =>
    ne.ne_getbuf(s, "/x", Buffer.alloc(9), { value: 9 }))],
  ["ne_unlock: 409", ...status("409 Conflict", (s) => ne.ne_unlock(s, someLock()))],
  ["a login that nobody gives", answered(
    [[reply("401 No", "", 'WWW-Authenticate: Basic realm="r"\r\n')]],
    (s) => ne.ne_delete(s, "/x"),
  ), { code: NE_ERROR, error: "401 No", phase: "auth", retry: REFUSED }],
]);

function someLock(): ne.ne_lock {
  const lock = ne.ne_lock_create();
  lock.uri.path = "/x";
  lock.token = "opaquelocktoken:1234-5678";
  return lock;
}

const dav = (more: object): { dav: object } => ({ dav: more });

holds(t, "WebDAV documents", [
  ["a lock token refused", answered(
    [[document("423 Locked", condition("lock-token-submitted", "<D:href>/locked/</D:href>"))]],
    (s) => ne.ne_delete(s, "/locked/x"),
  ), {
    code: NE_ERROR,
    error: "423 Locked",
    phase: "head",
    retry: ANSWERED,
    more: dav({ path: "/locked/", status: 423, condition: "lock-token-submitted" }),
  }],
  ["a condition of its own", answered(
    [[document("403 Forbidden", condition("cannot-modify-protected-property"))]],
    (s) => ne.ne_mkcol(s, "/x/"),
  ), {
    code: NE_ERROR,
    error: "403 Forbidden",
    phase: "head",
    retry: ANSWERED,
    more: dav({ path: null, status: 403, condition: "cannot-modify-protected-property" }),
  }],
  ["a member that is locked, with words", answered(
    [[document("207 Multi-Status", multistatus("/d/a", "423 Locked",
      "<D:responsedescription>in use</D:responsedescription>"))]],
    (s) => ne.ne_delete(s, "/d/"),
  ), {
    code: NE_ERROR,
    error: "/d/a: 423 Locked (in use)",
    phase: "body",
    retry: ANSWERED,
    more: dav({ path: "/d/a", status: 423, condition: null, description: "in use" }),
  }],
  ["a document that is none", answered([[document("207 Multi-Status", "<a>")]], (s) =>
    ne.ne_delete(s, "/d/")), {
    code: NE_ERROR,
    error: /^Could not parse response: /,
    phase: "parse",
    retry: /^not sent again: (an answer had begun|it was answered)$/,
  }],
  ["a lock that is taken", answered([[reply("423 Locked")]], (s) => ne.ne_lock(s, toTake())), {
    code: NE_ERROR,
    error: "423 Locked",
    phase: "head",
    retry: ANSWERED,
  }],
  ["a LOCK without a lock in its answer", answered([[reply("200 OK")]], (s) =>
    ne.ne_lock(s, toTake())), {
    code: NE_ERROR,
    error: "LOCK response missing Lock-Token header",
    phase: "head",
    retry: ANSWERED,
  }],
]);

function toTake(): ne.ne_lock {
  const lock = ne.ne_lock_create();
  lock.uri.path = "/x";
  return lock;
}

t.test("a listing that fails", async (t) => {
  const body = condition("propfind-finite-depth");
  const { sess } = await against(t, [[document("403 Forbidden", body)]]);
  const listed = async (): Promise<void> => {
    for await (const each of ne.nx_list(sess, "/")) t.fail(each.path);
  };
  await t.rejects(listed(), { name: "nx_error" });
  const failure = ne.nx_get_failure(sess);
  t.match(failure, { phase: "head", dav: { condition: "propfind-finite-depth", status: 403 } });
});

t.test("a redirect's hop fails for the session asked", async (t) => {
  const there = await scripted(t, [(peer: Peer) => peer.readRequest().then(() => peer.end())]);
  const moved = reply("302 Found", "", `Location: ${there.origin}/b\r\n`);
  const { sess } = await against(t, [[moved]]);
  const { code } = await ne.nx_send(sess, "GET", "/a", { redirects: 1 });
  t.equal(code, NE_ERROR);
  t.match(ne.nx_get_failure(sess), {
    error: "Could not read status line: connection was closed by server",
    phase: "wait",
    retry: /^not sent again: the connection was new/,
    origin: `127.0.0.1:${there.port}`,
  });
});

/** A session behind a proxy that does so. */
function behind(
  script: Parameters<typeof against>[1],
  scheme = "https",
  kind: "http" | "socks5" = "http",
): Case[1] {
  return async (t: Test) => {
    const proxy = await scripted(t, script, { fewer: true });
    const sess = sessionFor(t, scheme, "origin.example", scheme === "https" ? 443 : 80);
    ne.nx_session_proxy(sess, { scheme: kind, host: "127.0.0.1", port: proxy.port });
    return done(sess, ask(sess));
  };
}

const TUNNEL = "Could not create SSL connection through proxy server: ";

holds(t, "proxies", [
  ["a tunnel that is refused", behind([[reply("403 No Way", "<h1>by policy</h1>")]]), {
    code: NE_ERROR,
    error: `${TUNNEL}403 No Way`,
    phase: "proxy",
    retry: UNSENT,
    more: {
      origin: "origin.example:443",
      proxy: /^127\.0\.0\.1:\d+$/,
      tunnel: { status: 403, reason: "No Way", text: "<h1>by policy</h1>" },
      sent: 0,
    },
  }],
  ["a proxy that wants a login", behind(
    [[reply("407 Who", "", 'Proxy-Authenticate: Basic realm="p"\r\n')]],
  ), {
    code: NE_ERROR,
    error: `${TUNNEL}407 Who`,
    phase: "proxy",
    retry: UNSENT,
    more: { tunnel: { status: 407 } },
  }],
  ["a proxy that closes", behind((peer) => peer.readRequest().then(() => peer.end())), {
    code: NE_ERROR,
    error: `${TUNNEL}Could not read status line: connection was closed by proxy server`,
    phase: "proxy",
    retry: UNSENT,
    more: { tunnel: null },
  }],
  ["a SOCKS proxy that refuses", behind(async (peer) => {
    await peer.readSome();
    await peer.write(Buffer.from([5, 255]));
    await peer.end();
  }, "http", "socks5"), {
    code: NE_ERROR,
    error: /^Could not establish connection from SOCKS proxy/,
    phase: "proxy",
    retry: UNSENT,
  }],
  ["a proxy for plain http that breaks off its answer", behind([[
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal",
  ]].map(([text]) => async (peer: Peer) => {
    await peer.readRequest();
    await peer.write(text ?? "");
    await peer.end();
  }), "http"), {
    code: NE_ERROR,
    error: "Could not read response body: connection was closed by proxy server",
    phase: "body",
    retry: BEGUN,
    more: { proxy: /:\d+$/, tunnel: null },
  }],
]);

t.test("nothing in a report is secret", async (t) => {
  const secret = "Zm9vOmh1c2gtaHVzaA==";
  const page = `you sent Basic ${secret}, that is hush-hush`;
  const proxy = await scripted(t, [[reply("403 No", page)]], { fewer: true });
  const sess = sessionFor(t, "https", "origin.example", 443);
  ne.nx_session_proxy(sess, { scheme: "http", host: "127.0.0.1", port: proxy.port });
  ne.ne_hook_pre_send(sess, (_req, _userdata, header) => {
    ne.ne_buffer_zappend(header, `Proxy-Authorization: Basic ${secret}\r\n`);
  }, null);
  await ask(sess);
  const text = JSON.stringify(ne.nx_get_failure(sess));
  t.match(text, /you sent/);
  t.notMatch(text, secret);
  t.notMatch(text, "hush-hush");
});
