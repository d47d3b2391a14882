// Whole exchanges, event by event and in C's order: the table is test/fixtures/exchanges.ts.
import t from "tap";
import {
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_SESSFLAG_ICYPROTO,
  NE_SESSFLAG_PERSIST,
  NE_SESSFLAG_STRICT,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_end_request,
  ne_get_error,
  ne_hook_close_conn,
  ne_hook_post_headers,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_read_response_block,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_response_header_iterate,
  ne_session_create,
  ne_session_destroy,
  ne_set_notifier,
  ne_set_read_timeout,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
  ne_set_request_flag,
  ne_set_session_flag,
  ne_set_useragent,
  ne_status_recving,
  ne_status_sending,
  nx_set_expect_timeout,
} from "../lib/index.js";
import type { ne_field_cursor, ne_request, ne_session } from "../lib/index.js";
import { EXCHANGES } from "./fixtures/exchanges.js";
import { scripted, type Peer } from "./fixtures/server.js";

/** What the application's callbacks saw, as one string. */
type Log = (event: string) => void;

// A client that closes instead of sending the next request is one of the things to be seen.
async function play(peer: Peer, steps: readonly string[]): Promise<void> {
  try {
    await follow(peer, steps);
  } catch {
    peer.reset();
  }
}

async function follow(peer: Peer, steps: readonly string[]): Promise<void> {
  for (const step of steps) {
    if (step === "R") await peer.readRequest();
    else if (step === "H") await peer.readUntil("\r\n\r\n");
    else if (step.startsWith("B:")) await peer.readBytes(Number(step.slice(2)));
    else if (step.startsWith("w:")) await peer.write(step.slice(2));
    else if (step === "c") return peer.end();
    else if (step === "x") return peer.reset();
    else if (step === "s") break;
  }
  await peer.stall();
}

function openSession(port: number, log: Log): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  ne_set_read_timeout(sess, 1);
  // as C, which waits for an answer to Expect as long as for any other
  nx_set_expect_timeout(sess, 0);
  ne_hook_pre_send(sess, () => log("pre"));
  ne_hook_post_headers(sess, (_req, _userdata, status) => log(`ph${status.code}`));
  ne_hook_post_send(sess, (_req, _userdata, status) => {
    log(`ps${status.code}`);
    return 0;
  });
  ne_hook_close_conn(sess, () => log("cc"));
  ne_set_notifier(sess, (_userdata, status, info) => {
    const counted = status === ne_status_sending || status === ne_status_recving;
    log(counted ? `n${status}:${info.sr.progress}/${info.sr.total}` : `n${status}`);
  });
  return sess;
}

function provider(bytes: number, log: Log): (userdata: unknown, buffer: Uint8Array) => number {
  let left = 0;
  return (_userdata, buffer) => {
    if (buffer.length === 0) {
      log("rew");
      left = bytes;
      return 0;
    }
    const count = Math.min(left, buffer.length, 3000);
    buffer.fill(0x70, 0, count);
    left -= count;
    log(`prov${count}`);
    return count;
  };
}

function fieldsOf(req: ne_request): string {
  const name = { value: "" };
  const value = { value: "" };
  const found: string[] = [];
  let cursor: ne_field_cursor | null = null;
  while ((cursor = ne_response_header_iterate(req, cursor, name, value)) !== null) {
    found.push(`${name.value}=${value.value}`);
  }
  return found.sort().join("|");
}

async function readByHand(req: ne_request, log: Log): Promise<number> {
  const begun = await ne_begin_request(req);
  log(`[begin ${begun}]`);
  if (begun !== 0) return begun;
  const buffer = Buffer.alloc(100);
  for (;;) {
    const count = await ne_read_response_block(req, buffer);
    log(count > 0 ? `blk${count}` : `z${count}`);
    if (count < 0) return 99;
    if (count === 0) return ne_end_request(req);
  }
}

function configure(sess: ne_session, name: string, value: string): boolean {
  if (name === "persist") ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, Number(value));
  else if (name === "icy") ne_set_session_flag(sess, NE_SESSFLAG_ICYPROTO, Number(value));
  else if (name === "strict") ne_set_session_flag(sess, NE_SESSFLAG_STRICT, Number(value));
  else if (name === "ua") ne_set_useragent(sess, value);
  else return false;
  return true;
}

async function request(sess: ne_session, text: string, log: Log): Promise<void> {
  const [kind = "", method = "", target = "", bytes = "0"] = text.split(",");
  if (configure(sess, kind, method)) return;
  const req = ne_request_create(sess, method, target);
  const accept = (): number => {
    log("acc");
    return 1;
  };
  ne_add_response_body_reader(req, accept, (_userdata, block) => {
    log(`rd${block.length}`);
    return 0;
  });
  if (kind.includes("b")) ne_set_request_body_buffer(req, Buffer.alloc(Number(bytes), "b"));
  if (kind.includes("p")) {
    ne_set_request_body_provider(req, Number(bytes), provider(Number(bytes), log));
  }
  if (kind.includes("k")) ne_set_request_body_provider(req, -1, provider(Number(bytes), log));
  if (kind.includes("n")) ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
  if (kind.includes("e")) ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  if (kind.includes("h")) ne_add_request_header(req, "X-Foo", "bar");
  const code = kind.includes("m") ? await readByHand(req, log) : await ne_request_dispatch(req);
  log(`rc=${code} err=${ne_get_error(sess)} {${fieldsOf(req)}}\n`);
  ne_request_destroy(req);
}

for (const { name, requests, connections, events } of EXCHANGES) {
  t.test(name, async (t) => {
    const scripts = connections.map((steps) => (peer: Peer) => play(peer, steps));
    const server = await scripted(t, scripts, { fewer: true });
    let seen = "";
    const log = (event: string): void => {
      seen += seen === "" || seen.endsWith("\n") || event.startsWith("\n") ? event : ` ${event}`;
    };
    const sess = openSession(server.port, log);
    for (const text of requests) await request(sess, text, log);
    ne_session_destroy(sess);
    t.same(seen.trim().split("\n").map((line) => line.trim()), events);
  });
}
