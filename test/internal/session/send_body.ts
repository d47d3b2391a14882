// internal/session/send_body.ts: how the bytes of a request body are cut, framed and counted, and
// that none is changed on its way, however slowly the server takes them.
import fs from "node:fs";
import path from "node:path";
import t from "tap";
import type { Test } from "tap";
import {
  NE_OK,
  ne_set_notifier,
  ne_set_request_body_buffer,
  ne_set_request_body_fd,
  ne_set_request_body_provider,
  ne_status_sending,
} from "../../../lib/index.js";
import type { ne_request, ne_session } from "../../../lib/index.js";
import { OK, openSession, send, settled } from "../../fixtures/conversation.js";
import { gate, scripted } from "../../fixtures/server.js";

/** Bytes of which no two neighbouring blocks are alike. */
function pattern(bytes: number): Buffer {
  const all = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) all.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
  return all;
}

/** A provider of these bytes, in pieces of at most `most`. */
function providing(
  bytes: Buffer,
  most: number,
): (_userdata: unknown, buffer: Uint8Array) => number {
  let at = 0;
  return (_userdata, buffer) => {
    if (buffer.length === 0) return (at = 0);
    const piece = bytes.subarray(at, at + Math.min(most, buffer.length));
    buffer.set(piece);
    at += piece.length;
    return piece.length;
  };
}

t.test("the frames of chunks, as C writes them", async (t) => {
  const table: [number, number, string][] = [
    [0, 10, "0\r\n\r\n"],
    [3, 10, "000003\r\nabc\r\n0\r\n\r\n"],
    [5, 2, "000002\r\nab\r\n0002\r\ncd\r\n0001\r\ne\r\n0\r\n\r\n"],
  ];
  for (const [bytes, most, expected] of table) {
    const server = await scripted(t, [[OK]]);
    const body = Buffer.from("abcdefgh").subarray(0, bytes);
    await send(openSession(t, server.port), "PUT", "/", (req) => {
      ne_set_request_body_provider(req, -1, providing(body, most));
    });
    t.equal(server.received[0]?.replace(/^.*?\r\n\r\n/s, ""), expected);
  }
  const server = await scripted(t, [[OK]]);
  await send(openSession(t, server.port), "PUT", "/", (req) => {
    ne_set_request_body_provider(req, -1, providing(Buffer.alloc(9000, "x"), 9000));
  });
  const sizes = server.received[0]?.match(/[0-9a-f]+(?=\r\nx)/g);
  t.strictSame(sizes, ["001ff8", "0330"], "8184 bytes and the rest");
});

function counted(sess: ne_session): number[] {
  const progress: number[] = [];
  ne_set_notifier(sess, (_userdata, status, info) => {
    if (status === ne_status_sending) progress.push(info.sr.progress);
  });
  return progress;
}

t.test("who is told of the progress is told block by block", async (t) => {
  const bytes = pattern(20_000);
  const name = path.join(t.testdir({}), "file");
  fs.writeFileSync(name, bytes);
  const fd = fs.openSync(name, "r");
  const kinds: ((req: ne_request) => void)[] = [
    (req) => ne_set_request_body_buffer(req, bytes),
    (req) => ne_set_request_body_fd(req, fd, 0, bytes.length),
    (req) => ne_set_request_body_provider(req, bytes.length, providing(bytes, 8192)),
  ];
  for (const prepare of kinds) {
    const server = await scripted(t, [[OK]]);
    const sess = openSession(t, server.port);
    const progress = counted(sess);
    t.equal((await send(sess, "PUT", "/", prepare)).code, NE_OK);
    t.strictSame(progress, [0, 8192, 16384, 20000]);
    t.ok(server.requests[0]?.body.equals(bytes));
  }
  fs.closeSync(fd);
});

/** Uploads to a server that takes what came only when nothing more comes. */
async function slowly(
  t: Test,
  bytes: Buffer,
  notified: boolean,
  prepare: (req: ne_request) => void,
): Promise<void> {
  let arrived = Buffer.alloc(0) as Buffer;
  const server = await scripted(
    t,
    [
      async (peer) => {
        await peer.readHead();
        peer.pause();
        for (let turn = 0; turn < 10; turn++) await settled();
        peer.resume();
        arrived = await peer.readBytes(bytes.length);
        await peer.write(OK);
      },
    ],
    { forget: true },
  );
  const sess = openSession(t, server.port);
  if (notified) ne_set_notifier(sess, () => {});
  t.equal((await send(sess, "PUT", "/", prepare)).code, NE_OK);
  t.ok(arrived.equals(bytes));
}

t.test("no byte is changed on its way to a server that takes its time", async (t) => {
  const bytes = pattern(9_000_001);
  const name = path.join(t.testdir({}), "file");
  fs.writeFileSync(name, bytes);
  const fd = fs.openSync(name, "r");
  // a view into the middle of other memory
  const around = Buffer.concat([Buffer.alloc(1000, 1), bytes, Buffer.alloc(1000, 2)]);
  for (const notified of [false, true]) {
    await slowly(t, bytes, notified, (req) => {
      ne_set_request_body_buffer(
        req,
        new Uint8Array(around.buffer, around.byteOffset + 1000, bytes.length),
      );
    });
    await slowly(t, bytes, notified, (req) => ne_set_request_body_fd(req, fd, 0, bytes.length));
    await slowly(t, bytes, notified, (req) => {
      ne_set_request_body_provider(req, bytes.length, providing(bytes, 5000));
    });
    // full blocks, whose memory is used again, and now and then one that is not
    let calls = 0;
    const full = providing(bytes, 8192);
    await slowly(t, bytes, notified, (req) => {
      ne_set_request_body_provider(req, bytes.length, (_userdata, buffer) => {
        return full(null, ++calls % 7 === 0 ? buffer.subarray(0, 100) : buffer);
      });
    });
  }
  fs.closeSync(fd);
});

t.test("a large file arrives as it is, whatever part of it was asked for", async (t) => {
  const bytes = pattern(34 * 1024 * 1024 + 4);
  const name = path.join(t.testdir({}), "file");
  fs.writeFileSync(name, bytes);
  const fd = fs.openSync(name, "r");
  for (const [from, to] of [
    [0, bytes.length],
    [5, bytes.length - 300_007],
  ] as const) {
    const server = await scripted(t, [[OK]]);
    const result = await send(openSession(t, server.port), "PUT", "/", (req) => {
      ne_set_request_body_fd(req, fd, from, to - from);
    });
    t.equal(result.code, NE_OK);
    t.ok(server.requests[0]?.body.equals(bytes.subarray(from, to)));
  }
  fs.closeSync(fd);
});

t.test("the answer of a server that closes before the body is out is read", async (t) => {
  const table: [string, number, number][] = [
    ["blocks", 8192, 8],
    ["chunks", -1, 9],
  ];
  for (const [what, step, blocks] of table) {
    const gone = gate();
    const server = await scripted(t, [
      async (peer) => {
        await peer.readHead();
        await peer.readBytes(blocks * 8184);
        peer.stream.on("close", gone.open);
        peer.stream.write("HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n");
        peer.reset();
      },
    ]);
    let asked = 0;
    const result = await send(openSession(t, server.port), "PUT", "/", (req) => {
      const length = step < 0 ? -1 : 1_000_000;
      ne_set_request_body_provider(req, length, async (_userdata, buffer) => {
        if (buffer.length > 0 && asked++ === blocks) await gone.opened;
        return buffer.length;
      });
    });
    t.match(result, { code: NE_OK, status: 507 }, what);
  }
});

t.test("an empty piece is the end, before and after the length was reached", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  for (const length of [4, -1]) {
    let asked = 0;
    const result = await send(sess, "PUT", "/", (req) => {
      ne_set_request_body_provider(req, length, (userdata, buffer) => {
        if (buffer.length > 0) asked++;
        return providingFour(userdata, buffer);
      });
    });
    t.equal(result.code, NE_OK);
    t.equal(asked, 2, "four bytes, and the end");
  }
  t.strictSame(
    server.requests.map(({ body }) => String(body)),
    ["four", "four"],
  );
});

const providingFour = providing(Buffer.from("four"), 10);

t.test("a body of small pieces leaves the event loop its turns", async (t) => {
  const server = await scripted(t, [[OK, OK]]);
  const sess = openSession(t, server.port);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  await send(sess, "GET", "/");
  setImmediate(count);
  await send(sess, "PUT", "/", (req) => {
    ne_set_request_body_provider(req, 6400, providing(Buffer.alloc(6400), 1));
  });
  isOver = true;
  t.ok(turns >= 50, `${turns} turns in 6,400 pieces`);
});
