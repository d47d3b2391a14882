// Redirects are reported, never followed.
import t from "tap";
import { ne_redirect_location, ne_redirect_register } from "../lib/ne_redirect.js";
import {
  NE_ERROR,
  NE_OK,
  NE_REDIRECT,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../lib/ne_request.js";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  type ne_session,
} from "../lib/ne_session.js";
import { ne_uri_unparse } from "../lib/ne_uri.js";
import { scripted, type ScriptedServer, type TestScope } from "./fixtures/server.js";

async function session(
  t: TestScope,
  answers: readonly string[],
): Promise<[sess: ne_session, server: ScriptedServer]> {
  const server = await scripted(t, [answers]);
  const sess = ne_session_create("http", server.host, server.port);
  t.teardown(() => ne_session_destroy(sess));
  return [sess, server];
}

function answer(status: string, location: string | null): string {
  const field = location === null ? "" : `Location: ${location}\r\n`;
  return `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n${field}\r\n`;
}

async function get(sess: ne_session, target: string): Promise<number> {
  const req = ne_request_create(sess, "GET", target);
  const code = await ne_request_dispatch(req);
  ne_request_destroy(req);
  return code;
}

function location(sess: ne_session): string | null {
  const uri = ne_redirect_location(sess);
  return uri === null ? null : ne_uri_unparse(uri);
}

// the target of the request, status, Location, where it leads; ORIGIN is the server
const LOCATIONS: readonly [string, string, string | null, string][] = [
  ["/a", "302 Found", "http://elsewhere/x?y#z", "http://elsewhere/x?y#z"],
  ["/a/b", "301 Moved", "/x", "ORIGIN/x"],
  ["/a/b", "303 See Other", "x", "ORIGIN/a/x"],
  ["/a/b?z=2", "307 Temporary", "?q=1", "ORIGIN/a/b?q=1"], // RFC 3986, not neon's /a/b?z=2?q=1
  ["/a/b", "308 Permanent", "../c", "ORIGIN/c"],
  ["/a", "300 Choices", "/x", "ORIGIN/x"],
  ["/a", "399 New", "//other:81/", "http://other:81/"],
];

t.test("simple: every status of class 3 with a Location", async (t) => {
  for (const [target, status, field, expected] of LOCATIONS) {
    const [sess, server] = await session(t, [answer(status, field)]);
    ne_redirect_register(sess);
    t.equal(await get(sess, target), NE_REDIRECT, status);
    t.equal(location(sess), expected.replace("ORIGIN", server.origin), `${target} ${field}`);
    t.equal(ne_get_error(sess), status);
  }
});

const OTHERS: readonly [status: string, location: string | null][] = [
  ["200 OK", "/x"],
  ["201 Created", "/x"],
  ["302 Found", null], // no Location
  ["304 Not Modified", null],
  ["404 Not Found", "/x"],
];

t.test("non_absolute and the rest: other responses are not affected", async (t) => {
  for (const [status, field] of OTHERS) {
    const [sess] = await session(t, [answer(status, field)]);
    ne_redirect_register(sess);
    t.equal(await get(sess, "/a"), NE_OK, `${status} ${field}`);
    t.equal(location(sess), null, `${status} ${field}`);
  }
});

t.test("a Location that cannot be read fails the request, as in C", async (t) => {
  for (const status of ["302 Found", "399 New"]) {
    const [sess] = await session(t, [answer(status, "http://[::1/"), answer("200 OK", null)]);
    ne_redirect_register(sess);
    t.equal(await get(sess, "/a"), NE_ERROR);
    t.equal(ne_get_error(sess), "Could not parse redirect destination URL");
    t.equal(location(sess), null);
    t.equal(await get(sess, "/a"), NE_OK, "the session goes on");
  }
});

t.test("of two different Locations none is taken; the same one twice is one", async (t) => {
  const [sess, server] = await session(t, [
    answer("302 Found", "/x\r\nLocation: /y"),
    answer("302 Found", "/x\r\nlocation: /x"),
  ]);
  ne_redirect_register(sess);
  t.equal(await get(sess, "/a"), NE_ERROR);
  t.equal(ne_get_error(sess), "Could not parse redirect destination URL");
  t.equal(location(sess), null);
  t.equal(await get(sess, "/a"), NE_REDIRECT);
  t.equal(location(sess), `${server.origin}/x`);
});

t.test("characters that no URI may hold are escaped", async (t) => {
  const [sess, server] = await session(t, [answer("302 Found", "/a b[1]{x}|^`<\">?q[]#f[g]")]);
  ne_redirect_register(sess);
  t.equal(await get(sess, "/a"), NE_REDIRECT);
  const repaired = "/a%20b%5B1%5D%7Bx%7D%7C%5E%60%3C%22%3E?q%5B%5D#f%5Bg%5D";
  t.equal(location(sess), server.origin + repaired);
});

t.test("no_redirect: forgotten with the next request", async (t) => {
  const [sess] = await session(t, [
    answer("302 Found", "/x"),
    answer("200 OK", null),
    answer("302 Found", "/y"),
    answer("200 OK", "/z"),
  ]);
  ne_redirect_register(sess);
  t.equal(location(sess), null, "nothing yet");
  await get(sess, "/1");
  t.not(location(sess), null);
  const second = ne_request_create(sess, "GET", "/2");
  t.equal(location(sess), null, "created");
  t.equal(await ne_request_dispatch(second), NE_OK);
  t.equal(await ne_request_dispatch(second), NE_REDIRECT, "the same request again");
  t.equal(ne_get_status(second).code, 302);
  t.match(location(sess), /\/y$/);
  t.equal(await ne_request_dispatch(second), NE_OK);
  t.equal(location(sess), null, "answered");
  ne_request_destroy(second);
});

t.test("without registration nothing is noticed", async (t) => {
  const [sess] = await session(t, [answer("302 Found", "/x")]);
  t.equal(await get(sess, "/a"), NE_OK);
  t.equal(ne_redirect_location(sess), null);
});
