// A peer's faults, systematically: each exchange is cut off, reset or stalled after every byte of
// the answer. There is a code and a line that says what was being done; the connection is closed,
// and the session goes on with a new one.
import t from "tap";
import type { Test } from "tap";
import {
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_EXPECT100,
  NE_REQFLAG_IDEMPOTENT,
  NE_TIMEOUT,
  ne_accept_always,
  ne_add_response_body_reader,
  ne_get_error,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_session_create,
  ne_session_destroy,
  ne_set_read_timeout,
  ne_set_request_body_buffer,
  ne_set_request_flag,
} from "../lib/index.js";
import type { ne_session } from "../lib/index.js";
import { holdTime, type HeldTime } from "./fixtures/held_time.js";
import { scripted } from "./fixtures/server.js";
import type { Peer } from "./fixtures/server.js";

const STATUS = "Could not read status line";
const FIELDS = "Error reading response headers";
const BODY = "Could not read response body";
const SIZE = "Could not read chunk size";
const DELIMITER = "Could not read chunk delimiter";
/** A body that lasts until the connection ends: a clean end is its good end. */
const UNTIL_END = "until the end";

interface Exchange {
  name: string;
  method: string;
  expect?: boolean;
  /** The answer in pieces, and what is being done until the last byte of each has come. */
  answer: readonly (readonly [piece: string, doing: string])[];
}

const EXCHANGES: Exchange[] = [
  {
    name: "a body with length",
    method: "GET",
    answer: [
      ["HTTP/1.1 200 OK\r\n", STATUS],
      ["Server: x\r\nContent-Length: 5\r\n\r\n", FIELDS],
      ["hello", BODY],
    ],
  },
  {
    name: "a chunked body with trailer",
    method: "GET",
    answer: [
      ["HTTP/1.1 200 OK\r\n", STATUS],
      ["Transfer-Encoding: chunked\r\n\r\n", FIELDS],
      ["3;a=b\r\n", SIZE],
      ["abc", BODY],
      ["\r\n", DELIMITER],
      ["2\r\n", SIZE],
      ["de", BODY],
      ["\r\n", DELIMITER],
      ["0\r\n", SIZE],
      ["T: v\r\n\r\n", FIELDS],
    ],
  },
  {
    name: "a body until the connection ends",
    method: "GET",
    answer: [
      ["HTTP/1.1 200 OK\r\n", STATUS],
      ["Server: x\r\n\r\n", FIELDS],
      ["hello", UNTIL_END],
    ],
  },
  {
    name: "an interim response first",
    method: "GET",
    answer: [
      ["HTTP/1.1 102 Wait\r\n", STATUS],
      ["A: b\r\n\r\n", FIELDS],
      ["HTTP/1.1 200 OK\r\n", STATUS],
      ["Content-Length: 0\r\n\r\n", FIELDS],
    ],
  },
  {
    name: "HEAD",
    method: "HEAD",
    answer: [
      ["HTTP/1.1 200 OK\r\n", STATUS],
      ["Content-Length: 5\r\n\r\n", FIELDS],
    ],
  },
  {
    name: "an upload",
    method: "PUT",
    answer: [
      ["HTTP/1.1 201 Created\r\n", STATUS],
      ["Content-Length: 0\r\n\r\n", FIELDS],
    ],
  },
  {
    name: "an upload that waits for 100 Continue",
    method: "PUT",
    expect: true,
    answer: [
      ["HTTP/1.1 100 Continue\r\n", STATUS],
      ["\r\n", FIELDS],
      ["HTTP/1.1 201 Created\r\n", STATUS],
      ["Content-Length: 0\r\n\r\n", FIELDS],
    ],
  },
];

/** Seconds; less than a body is held back for a 100 response. */
const READ_TIMEOUT = 0.5;

type Fault = "end" | "reset" | "stall";

const REASONS: Record<Fault, string> = {
  end: "connection was closed by server",
  reset: "Connection reset by peer",
  stall: "connection timed out",
};

/** What the request must come to when the fault comes after so many bytes. */
function expected(exchange: Exchange, fault: Fault, after: number): [number, string, number] {
  let at = 0;
  let status = 0;
  for (const [piece, doing] of exchange.answer) {
    at += piece.length;
    const whole = after >= at;
    if (whole && doing === STATUS) status = Number(piece.slice(9, 12));
    if (doing === UNTIL_END && fault === "end") break;
    if (whole && doing !== UNTIL_END) continue;
    const timed = fault === "stall" && (doing === STATUS || doing === FIELDS);
    const what = doing === UNTIL_END ? BODY : doing;
    return [timed ? NE_TIMEOUT : NE_ERROR, `${what}: ${REASONS[fault]}`, status];
  }
  return [NE_OK, `${status} ${status === 200 ? "OK" : "Created"}`, status];
}

async function request(
  sess: ne_session,
  { method, expect = false }: Pick<Exchange, "method" | "expect">,
  target: string,
): Promise<[number, string, number]> {
  const req = ne_request_create(sess, method, target);
  ne_add_response_body_reader(req, ne_accept_always, () => 0);
  if (method === "PUT") ne_set_request_body_buffer(req, Buffer.from("hello"));
  if (expect) ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  const code = await ne_request_dispatch(req);
  const result: [number, string, number] = [code, ne_get_error(sess), ne_get_status(req).code];
  ne_request_destroy(req);
  return result;
}

/** Serves one exchange; the target says after how many bytes the fault comes. */
function faulty(
  exchange: Exchange,
  fault: Fault,
  time: HeldTime | null,
): (peer: Peer) => Promise<void> {
  const text = exchange.answer.map(([piece]) => piece).join("");
  return async (peer) => {
    const { target } = await peer.readHead();
    if (exchange.expect !== true || target === "/again") await peer.readBody();
    if (target === "/again") {
      await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
      return await peer.stall();
    }
    await peer.write(text.slice(0, Number(target.slice(1))));
    if (fault === "end") return await peer.end();
    if (fault === "stall") return await time?.outlast(peer, READ_TIMEOUT);
    // what was sent must have been read, lest the reset overtakes it
    await peer.taken();
    peer.reset();
  };
}

async function runFaults(t: Test, exchange: Exchange, fault: Fault): Promise<void> {
  const time = fault === "stall" ? holdTime(t) : null;
  const srv = await scripted(t, faulty(exchange, fault, time));
  const size = exchange.answer.reduce((sum, [piece]) => sum + piece.length, 0);
  const attempt = async (after: number): Promise<void> => {
    const sess = ne_session_create("http", "127.0.0.1", srv.port);
    if (fault === "stall") ne_set_read_timeout(sess, READ_TIMEOUT);
    const wanted = expected(exchange, fault, after);
    t.strictSame(await request(sess, exchange, `/${after}`), wanted, `after ${after} bytes`);
    if (wanted[0] !== NE_OK) {
      ne_set_read_timeout(sess, 60);
      const again = await request(sess, { method: "GET" }, "/again");
      t.strictSame(again, [NE_OK, "204 No Content", 204], `and again after ${after} bytes`);
    }
    ne_session_destroy(sess);
  };
  for (let after = 0; after <= size; after++) await attempt(after);
}

for (const exchange of EXCHANGES) {
  for (const fault of ["end", "reset", "stall"] as const) {
    t.test(`${exchange.name}: ${fault} after every byte`, async (t) => {
      await runFaults(t, exchange, fault);
    });
  }
}

// On a kept connection, an end before the whole status line may mean that the server had closed it
// before: such a request is sent once more. One that must not be sent twice gets a new connection
// from the start, and no second chance.
const KEPT = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

for (const fault of ["end", "reset"] as const) {
  for (const idempotent of [true, false]) {
    const name = `after a kept connection: ${fault} after every byte`;
    t.test(`${name}${idempotent ? "" : ", not idempotent"}`, async (t) => {
      const [exchange] = EXCHANGES as [Exchange];
      const text = exchange.answer.map(([piece]) => piece).join("");
      let faults = 0;
      const srv = await scripted(t, async (peer) => {
        while (!peer.ended) {
          const { target } = await peer.readRequest().catch(() => ({ target: "" }));
          if (target === "") return;
          if (target === "/first" || faults === 0) {
            await peer.write(KEPT);
            continue;
          }
          faults--;
          await peer.write(text.slice(0, Number(target.slice(1))));
          await peer.taken();
          if (fault === "end") await peer.end();
          else peer.reset();
        }
      });
      for (let after = 0; after <= text.length; after++) {
        const before = srv.connections;
        const sess = ne_session_create("http", "127.0.0.1", srv.port);
        t.equal((await request(sess, exchange, "/first"))[0], NE_OK);
        faults = 1;
        const req = ne_request_create(sess, "GET", `/${after}`);
        ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, idempotent ? 1 : 0);
        const code = await ne_request_dispatch(req);
        const result = [code, ne_get_error(sess), ne_get_status(req).code];
        const wanted = expected(exchange, fault, after);
        const retried = idempotent && wanted[2] === 0;
        t.strictSame(result, retried ? [NE_OK, "200 OK", 200] : wanted, `after ${after} bytes`);
        const connections = retried || !idempotent ? 2 : 1;
        t.equal(srv.connections - before, connections, `connections after ${after} bytes`);
        ne_request_destroy(req);
        ne_session_destroy(sess);
      }
    });
  }
}
