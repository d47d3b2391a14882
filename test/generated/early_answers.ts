// Uploads that are answered early and cut anywhere, by fixed seeds: whatever the server reads of
// the body and however it ends, its whole answer is delivered. Prints the seed of what fails.
import t from "tap";
import {
  NE_ERROR,
  NE_OK,
  ne_set_request_body_buffer,
  ne_set_request_body_provider,
} from "../../lib/index.js";
import { openSession, send } from "../fixtures/conversation.js";
import { scripted, type Peer } from "../fixtures/server.js";

const CASES = 60;

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Case {
  bytes: number;
  chunked: boolean;
  memory: boolean;
  taken: number;
  status: number;
  text: string;
  pieces: number;
  end: (peer: Peer) => unknown;
}

function makeCase(seed: number): Case {
  const next = random(seed);
  const pick = <T>(...all: T[]): T => all[Math.floor(next() * all.length)] as T;
  const bytes = pick(1, 5_000, 70_000, 1_000_000, 4_000_000);
  const pieces = pick(1, 7, 1000);
  const length = pick(0, 1, 300, 20_000);
  // a reset drops what the server's own system has not sent: so only what goes out at once
  const atOnce = pieces === 1 && length < 1000;
  return {
    bytes,
    chunked: next() < 0.3,
    memory: next() < 0.5,
    taken: Math.floor(next() * Math.min(bytes, 200_000)),
    status: pick(401, 403, 409, 413, 507),
    text: "x".repeat(length),
    pieces,
    end: pick<(peer: Peer) => unknown>(
      (peer) => (atOnce ? peer.stream.destroy() : peer.end()),
      (peer) => peer.end(),
      (peer) => (atOnce ? peer.reset() : peer.end()),
    ),
  };
}

t.test("every early answer is delivered", async (t) => {
  for (let seed = 1; seed <= CASES; seed++) {
    const made = makeCase(seed);
    const { bytes, status, text } = made;
    const answer = `HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    const server = await scripted(
      t,
      [
        async (peer) => {
          await peer.readHead();
          await peer.readBytes(made.taken);
          peer.pause();
          for (let at = 0; at < answer.length; at += Math.ceil(answer.length / made.pieces)) {
            await peer.write(answer.slice(at, at + Math.ceil(answer.length / made.pieces)));
          }
          await made.end(peer);
        },
      ],
      { forget: true },
    );
    const result = await send(openSession(t, server.port), "PUT", "/", (req) => {
      if (made.memory && !made.chunked) {
        ne_set_request_body_buffer(req, Buffer.alloc(bytes));
        return;
      }
      let left = bytes;
      ne_set_request_body_provider(req, made.chunked ? -1 : bytes, (_userdata, buffer) => {
        if (buffer.length === 0) left = bytes;
        const count = Math.min(left, buffer.length);
        left -= count;
        return count;
      });
    });
    const shown = { code: result.code, status: result.status, body: result.body.length };
    t.strictSame(shown, { code: NE_OK, status, body: text.length }, `seed ${seed}: ${result.error}`);
  }
});

t.test("of an answer that is cut behind a reset, all that came is delivered", async (t) => {
  for (const [bytes, length] of [[200_000, 100], [4_000_000, 100], [4_000_000, 30_000]] as const) {
    for (const chunked of [false, true]) {
      const text = "x".repeat(length / 2);
      const head = `HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
      const server = await scripted(
        t,
        [
          async (peer) => {
            await peer.readHead();
            peer.pause();
            await peer.write(head + text);
            peer.reset();
          },
        ],
        { forget: true },
      );
      const result = await send(openSession(t, server.port), "PUT", "/", (req) => {
        if (!chunked) return ne_set_request_body_buffer(req, Buffer.alloc(bytes));
        let left = bytes;
        ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
          if (buffer.length === 0) left = bytes;
          const count = Math.min(left, buffer.length);
          left -= count;
          return count;
        });
      });
      const { code, status, body, error } = result;
      t.strictSame([code, status, body.length], [NE_ERROR, 413, text.length], error);
      t.match(error, /^Could not read response body: /);
    }
  }
});
