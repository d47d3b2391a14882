// nx_set_connection_attempt_delay: which of several addresses a session connects to (RFC 8305). The
// race itself is in internal/wire/attempts.ts; here is what a program sees of it.
import t from "tap";
import {
  NE_CONNECT,
  NE_OK,
  ne_close_connection,
  ne_get_error,
  ne_iaddr_ipv4,
  ne_iaddr_ipv6,
  ne_iaddr_make,
  ne_iaddr_print,
  ne_session_destroy,
  ne_set_addrlist,
  ne_set_notifier,
  ne_status_connected,
  ne_status_connecting,
  nx_get_timings,
  nx_session_clone,
  nx_session_for,
  nx_set_connection_attempt_delay,
  type ne_inet_addr,
  type ne_session,
} from "../lib/index.js";
import { sessions } from "../lib/internal/session/session.js";
import { OK, mistake, openSession, send } from "./fixtures/conversation.js";
import { scripted } from "./fixtures/server.js";

const v4 = (...bytes: number[]): ne_inet_addr =>
  ne_iaddr_make(ne_iaddr_ipv4, Buffer.from(bytes)) as ne_inet_addr;
const v6 = (last: number): ne_inet_addr => {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x01; // 0100::/64, of which every packet is discarded (RFC 6666)
  bytes[15] = last;
  return ne_iaddr_make(ne_iaddr_ipv6, bytes) as ne_inet_addr;
};
// nobody answers there (RFC 5737); where the system says so at once, the next is tried at once
const SILENT = [v4(192, 0, 2, 1), v4(192, 0, 2, 2)] as const;

function heard(sess: ne_session): string[] {
  const events: string[] = [];
  ne_set_notifier(sess, (_, status, info) => {
    if (status === ne_status_connecting) {
      events.push(`try ${ne_iaddr_print((info as { ci: { address: ne_inet_addr } }).ci.address)}`);
    }
    if (status === ne_status_connected) events.push("connected");
  });
  return events;
}

t.test("a dead first address is passed by", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  nx_set_connection_attempt_delay(sess, 0.005);
  ne_set_addrlist(sess, [SILENT[0], v4(127, 0, 0, 1)]);
  const events = heard(sess);
  t.equal((await send(sess)).code, NE_OK);
  t.same(events, ["try 192.0.2.1", "try 127.0.0.1", "connected"]);
  const timings = nx_get_timings(sess);
  t.type(timings?.connect, "number");
  t.equal(timings?.reused, false);
  t.equal((await send(sess)).code, NE_OK, "and the connection is kept");
  t.equal(events.length, 3);
});

t.test("families take turns in a list, the working one comes first next time", async (t) => {
  const server = await scripted(t, [[OK], [OK]]);
  const sess = openSession(t, server.port);
  nx_set_connection_attempt_delay(sess, 0.005);
  ne_set_addrlist(sess, [v6(1), v6(2), v4(127, 0, 0, 1)]);
  const events = heard(sess);
  t.equal((await send(sess)).code, NE_OK);
  t.same(events, ["try 100::1", "try 127.0.0.1", "connected"]);
  ne_close_connection(sess);
  t.equal((await send(sess)).code, NE_OK);
  t.same(events.slice(3), ["try 127.0.0.1", "connected"]);
});

t.test("where none answers the last failure is told", async (t) => {
  const sess = openSession(t, 1);
  nx_set_connection_attempt_delay(sess, 0.005);
  ne_set_addrlist(sess, [v4(127, 0, 0, 1), v4(127, 0, 0, 2)]);
  t.equal((await send(sess)).code, NE_CONNECT);
  t.equal(ne_get_error(sess), "Could not connect to server: Connection refused");
});

t.test("defaults, clones and mistakes", async (t) => {
  const plain = openSession(t, 1);
  const delay = (sess: ne_session): number => sessions.open(sess, "test").timeouts.attemptDelay;
  t.equal(delay(plain), 0, "as C");
  const made = nx_session_for("http://127.0.0.1/") as ne_session;
  t.equal(delay(made), 250);
  const clone = nx_session_clone(made);
  t.equal(delay(clone), 250);
  nx_set_connection_attempt_delay(clone, 0);
  t.equal(delay(clone), 0);
  for (const wrong of [-1, NaN, "1", null]) {
    t.match(
      await mistake(() => nx_set_connection_attempt_delay(plain, wrong as number)),
      /^nx_set_connection_attempt_delay: the time must be a number/,
    );
  }
  for (const sess of [made, clone]) ne_session_destroy(sess);
});
