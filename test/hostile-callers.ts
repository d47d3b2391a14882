// Callers that get it wrong: each mistake is a TypeError that names the function that was called,
// not one that it calls itself, a rejection where a promise is returned; and nothing was sent.
import { Duplex } from "node:stream";
import t, { type Test } from "tap";
import {
  NE_CONNECT,
  NE_ERROR,
  ne_207_create,
  ne_207_set_propstat_handlers,
  ne_207_set_response_handlers,
  ne_accept_2xx,
  ne_acl3744_set,
  ne_acl_grant,
  ne_acl_href,
  ne_add_depth_header,
  ne_buffer_create,
  ne_buffer_size,
  ne_content_type,
  ne_copy,
  ne_decompress_reader,
  ne_delete,
  ne_fill_server_uri,
  ne_get,
  ne_get_content_type,
  ne_get_error,
  ne_get_range,
  ne_get_response_header,
  ne_getbuf,
  ne_getmodtime,
  ne_iaddr_make,
  ne_iaddr_reverse,
  ne_lock,
  ne_lock_create,
  ne_lock_discover,
  ne_lock_refresh,
  ne_md5_to_ascii,
  ne_mkcol,
  ne_move,
  ne_options,
  ne_options2,
  ne_post,
  ne_propfind_allprop,
  ne_propfind_create,
  ne_propfind_set_private,
  ne_propnames,
  ne_propremove,
  ne_propset,
  ne_proppatch,
  ne_put,
  ne_putbuf,
  ne_redirect_location,
  ne_redirect_register,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_session_socks_proxy,
  ne_set_addrlist,
  ne_set_server_auth,
  ne_simple_propfind,
  ne_simple_request,
  ne_sock_connect_ssl,
  ne_sock_fullwritev,
  ne_sock_create,
  ne_token,
  ne_unlock,
  ne_uri,
  ne_xml_create,
  ne_xml_dispatch_request,
  ne_xml_push_handler,
  ne_xml_set_encoding,
  ne_xml_set_error,
  nx_readable_result,
  nx_send,
  nx_set_connector,
  nx_set_limits,
  type ne_session,
} from "../lib/index.js";
import { ne_acl_set } from "../lib/ne_acl.js";
import { answer } from "./fixtures/auth.js";
import { failureOf, mistake, openSession } from "./fixtures/conversation.js";
import { scripted } from "./fixtures/server.js";

const bytes = Buffer.alloc(10);
const nothing = (): number => 0;

function lockAt(path: string): ReturnType<typeof ne_lock_create> {
  const lock = ne_lock_create();
  lock.uri.path = path;
  lock.token = "urn:x";
  return lock;
}

/** What wants a session and a path, with the rest right. */
const PATHS: Record<string, (sess: ne_session, path: string) => Promise<unknown>> = {
  ne_acl3744_set: (sess, path) => ne_acl3744_set(sess, path, []),
  ne_acl_set: (sess, path) => ne_acl_set(sess, path, []),
  ne_copy: (sess, path) => ne_copy(sess, 0, 0, path, "/b"),
  ne_delete: (sess, path) => ne_delete(sess, path),
  ne_get: (sess, path) => ne_get(sess, path, 1),
  ne_get_range: (sess, path) => ne_get_range(sess, path, { start: 0, end: 1, total: 0 }, 1),
  ne_getbuf: (sess, path) => ne_getbuf(sess, path, bytes, { value: 10 }),
  ne_getmodtime: (sess, path) => ne_getmodtime(sess, path, { value: 0 }),
  ne_lock: (sess, path) => ne_lock(sess, lockAt(path)),
  ne_lock_discover: (sess, path) => ne_lock_discover(sess, path, () => {}),
  ne_lock_refresh: (sess, path) => ne_lock_refresh(sess, lockAt(path)),
  ne_mkcol: (sess, path) => ne_mkcol(sess, path),
  ne_move: (sess, path) => ne_move(sess, 0, path, "/b"),
  ne_options: (sess, path) =>
    ne_options(sess, path, { dav_class1: 0, dav_class2: 0, dav_executable: 0 }),
  ne_options2: (sess, path) => ne_options2(sess, path, { value: 0 }),
  ne_post: (sess, path) => ne_post(sess, path, 1, "x"),
  ne_propnames: (sess, path) => ne_propnames(sess, path, 0, () => {}),
  ne_proppatch: (sess, path) => ne_proppatch(sess, path, []),
  ne_put: (sess, path) => ne_put(sess, path, 1),
  ne_putbuf: (sess, path) => ne_putbuf(sess, path, bytes),
  ne_simple_propfind: (sess, path) => ne_simple_propfind(sess, path, 0, null, () => {}),
  ne_unlock: (sess, path) => ne_unlock(sess, lockAt(path)),
  nx_send: (sess, path) => nx_send(sess, "GET", path),
};

/** Calls with one argument that cannot be meant, by the function that they are to name. */
function mistakesWith(t: Test, sess: ne_session): [name: string, call: () => unknown][] {
  const no = null as never;
  const five = 5 as never;
  const req = ne_request_create(sess, "GET", "/");
  t.teardown(() => ne_request_destroy(req));
  const xml = ne_xml_create();
  const multi = ne_207_create(xml, new ne_uri());
  const handler = ne_propfind_create(sess, "/", 0);
  const address = ne_iaddr_make(0, Buffer.from([127, 0, 0, 1]))!;
  const entry = [null] as never;
  return [
    ["ne_207_create", () => ne_207_create(no, new ne_uri())],
    ["ne_207_create", () => ne_207_create(xml, no)],
    ["ne_207_set_propstat_handlers", () => ne_207_set_propstat_handlers(multi, five)],
    ["ne_207_set_response_handlers", () => ne_207_set_response_handlers(multi, null, five)],
    ["ne_acl3744_set", () => ne_acl3744_set(sess, "/", five)],
    ["ne_acl3744_set", () => ne_acl3744_set(sess, "/", entry)],
    ["ne_acl_set", () => ne_acl_set(sess, "/", entry)],
    ["ne_acl_set", () => ne_acl_set(sess, "/", "text" as never)],
    ["ne_add_depth_header", () => ne_add_depth_header(no, 0)],
    ["ne_buffer_size", () => ne_buffer_size(Object.create(Object.getPrototypeOf(made)) as never)],
    ["ne_copy", () => ne_copy(sess, 0, 0, "/a", "/b\r\nX: y")],
    ["ne_copy", () => ne_copy(sess, 0, "0" as never, "/a", "/b")],
    ["ne_decompress_reader", () => ne_decompress_reader(no, ne_accept_2xx, nothing)],
    ["ne_fill_server_uri", () => ne_fill_server_uri(sess, no)],
    ["ne_get_content_type", () => ne_get_content_type(no, new ne_content_type())],
    ["ne_get_content_type", () => ne_get_content_type(req, no)],
    ["ne_get_range", () => ne_get_range(sess, "/", no, 1)],
    ["ne_get_response_header", () => ne_get_response_header(req, five)],
    ["ne_getbuf", () => ne_getbuf(sess, "/", bytes, no)],
    ["ne_getmodtime", () => ne_getmodtime(sess, "/", no)],
    ["ne_iaddr_reverse", () => ne_iaddr_reverse(address, no)],
    ["ne_lock", () => ne_lock(sess, no)],
    ["ne_lock_discover", () => ne_lock_discover(sess, "/", no)],
    ["ne_md5_to_ascii", () => ne_md5_to_ascii(Buffer.alloc(16), no)],
    ["ne_move", () => ne_move(sess, 0, "/a", "/b\0")],
    ["ne_options", () => ne_options(sess, "/", no)],
    ["ne_options2", () => ne_options2(sess, "/", five)],
    ["ne_propfind_allprop", () => ne_propfind_allprop(handler, five)],
    ["ne_propfind_set_private", () => ne_propfind_set_private(handler, five)],
    ["ne_propnames", () => ne_propnames(sess, "/", 0, no)],
    ["ne_proppatch", () => ne_proppatch(sess, "/", entry)],
    ["ne_redirect_location", () => ne_redirect_location(no)],
    ["ne_redirect_register", () => ne_redirect_register(no)],
    ["ne_session_socks_proxy", () => ne_session_socks_proxy(sess, 2, "h", 1, five, "p")],
    ["ne_set_addrlist", () => ne_set_addrlist(sess, no)],
    ["ne_simple_propfind", () => ne_simple_propfind(sess, "/", 0, null, no)],
    ["ne_simple_propfind", () => ne_simple_propfind(sess, "/", 0, entry, () => {})],
    ["ne_simple_propfind", () => ne_simple_propfind(sess, "/", "1" as never, null, () => {})],
    ["ne_simple_request", () => ne_simple_request(no, req)],
    ["ne_simple_request", () => ne_simple_request(sess, no)],
    ["ne_sock_connect_ssl", () => ne_sock_connect_ssl(no, no)],
    ["ne_sock_fullwritev", () => ne_sock_fullwritev(ne_sock_create(), five)],
    ["ne_token", () => ne_token(no, ",")],
    ["ne_xml_dispatch_request", () => ne_xml_dispatch_request(no, xml)],
    ["ne_xml_dispatch_request", () => ne_xml_dispatch_request(req, no)],
    ["ne_xml_push_handler", () => ne_xml_push_handler(xml, nothing, five)],
    ["ne_xml_push_handler", () => ne_xml_push_handler(xml, nothing, null, five)],
    ["ne_xml_set_encoding", () => ne_xml_set_encoding(xml, five)],
    ["ne_xml_set_error", () => ne_xml_set_error(xml, five)],
    ["nx_readable_result", () => nx_readable_result(no)],
    ["nx_send", () => nx_send(sess, "GET", "/", five)],
    ["nx_send", () => nx_send(sess, "G T", "/")],
    ["nx_send", () => nx_send(sess, "GET", "/", { headers: five })],
    ["nx_send", () => nx_send(sess, "GET", "/", { headers: { "a b": "c" } })],
    ["nx_send", () => nx_send(sess, "GET", "/", { headers: { a: ["b", five] } })],
    ["nx_send", () => nx_send(sess, "GET", "/", { length: "1" as never })],
    ["nx_send", () => nx_send(sess, "GET", "/", { signal: five })],
    ["nx_send", () => nx_send(sess, "GET", "/", { timeout: NaN })],
    ["nx_set_limits", () => nx_set_limits(sess, no)],
  ];
}
const made = ne_buffer_create();

t.test("a session or path that cannot be meant is refused in the caller's own words", async (t) => {
  const server = await scripted(t, []);
  const sess = openSession(t, server.port);
  const gone = ne_session_create("http", "127.0.0.1", server.port);
  ne_session_destroy(gone);
  for (const [name, call] of Object.entries(PATHS)) {
    const sessions = [gone, null, made] as never[];
    for (const wrong of sessions) t.match(await refusal(call, wrong, "/"), `${name}: `, name);
    for (const path of ["/a\r\nX: y", "/\0", "/a b", "/\u010a", 5 as never]) {
      t.match(await refusal(call, sess, path), `${name}: `, `${name} of ${JSON.stringify(path)}`);
    }
  }
  t.equal(server.connections, 0, "nothing was sent");
});

// A promise is what they return, so it is rejected.
function refusal(
  call: (sess: ne_session, path: string) => Promise<unknown>,
  sess: ne_session,
  path: string,
): Promise<string> {
  const promise = call(sess, path);
  return mistake(() => promise);
}

t.test("no argument is found wrong only when it is too late", async (t) => {
  const server = await scripted(t, []);
  const sess = openSession(t, server.port);
  for (const [name, call] of mistakesWith(t, sess)) {
    t.match(await mistake(call), `${name}: `, call.toString());
  }
  t.equal(server.connections, 0, "nothing was sent");
});

t.test("what XML has no way to say is not sent", async (t) => {
  const server = await scripted(t, []);
  const sess = openSession(t, server.port);
  const removed = { type: ne_propremove, value: null } as const;
  const calls: Record<string, (text: string) => Promise<unknown>> = {
    ne_lock: (owner) => ne_lock(sess, { ...lockAt("/d"), owner }),
    "ne_proppatch: value": (value) =>
      ne_proppatch(sess, "/d", [{ name: { nspace: "u", name: "n" }, type: ne_propset, value }]),
    "ne_proppatch: name": (name) =>
      ne_proppatch(sess, "/d", [{ name: { nspace: "u", name }, ...removed }]),
    "ne_proppatch: nspace": (nspace) =>
      ne_proppatch(sess, "/d", [{ name: { nspace, name: "n" }, ...removed }]),
    ne_simple_propfind: (nspace) =>
      ne_simple_propfind(sess, "/d", 0, [{ nspace, name: "n" }], () => {}),
    ne_acl3744_set: (tname) =>
      ne_acl3744_set(sess, "/d", [{ target: ne_acl_href, type: ne_acl_grant, tname, privileges: 1 }]),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const text of ["a\0b", "a\x01b", "a\x1bb", "a\ud800b", "\udce4", "a\ufffe", "a\uffff"]) {
      const found = await mistake(() => call(text));
      t.match(found, `${name.split(":")[0]}: `, `${name} of ${JSON.stringify(text)}`);
      t.match(found, " has a character that XML cannot hold");
    }
  }
  t.equal(server.connections, 0, "nothing was sent");
});

t.test("a connector may throw anything", async (t) => {
  for (const thrown of [null, undefined, "word", 5, Symbol("x"), Object.create(null)]) {
    const sess = openSession(t, 1);
    nx_set_connector(sess, () => {
      throw thrown;
    });
    t.equal(await ne_delete(sess, "/"), NE_CONNECT);
    t.match(ne_get_error(sess), /^Could not connect to server: [\x20-\x7e]+$/);
  }
});

t.test("a stream may fail with anything", async (t) => {
  const sess = openSession(t, 1);
  nx_set_connector(sess, () => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    setImmediate(() => stream.emit("error", null));
    return stream;
  });
  t.equal(await ne_delete(sess, "/"), NE_ERROR);
  t.match(ne_get_error(sess), /no reason given/);
});

t.test("a stream of a connector that broke its request off is closed", async (t) => {
  const sess = openSession(t, 1);
  const req = ne_request_create(sess, "GET", "/");
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  nx_set_connector(sess, () => {
    ne_request_destroy(req);
    return stream;
  });
  t.equal(await ne_request_dispatch(req), NE_ERROR);
  t.equal(stream.destroyed, true);
});

t.test("what a callback returns need only look like a promise", async (t) => {
  const server = await scripted(t, [
    [answer(401, 'WWW-Authenticate: Basic realm="r"'), answer(200)],
  ]);
  const sess = openSession(t, server.port);
  ne_set_server_auth(sess, (_userdata, _realm, _attempt, username, password) => {
    username.value = "u";
    password.value = "p";
    // resolves at once and gives no promise back
    return { then: (resolve: (code: number) => void) => resolve(0) } as Promise<number>;
  });
  t.equal(await failureOf(() => ne_delete(sess, "/")), null);
  t.equal(server.requests[1]?.field("authorization"), "Basic dTpw");
});
