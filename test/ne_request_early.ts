// Answers at the wrong moment: before the body has been sent, before anything was asked, or not at
// all to Expect. No answer may be lost, and none may be taken for another request's.
import { openSync, closeSync, writeFileSync } from "node:fs";
import path from "node:path";
import t from "tap";
import type { Test } from "tap";
import {
  NE_ERROR,
  NE_OK,
  NE_REQFLAG_EXPECT100,
  NE_TIMEOUT,
  ne_get_error,
  ne_hook_pre_send,
  ne_session_destroy,
  ne_set_read_timeout,
  ne_set_request_body_buffer,
  ne_set_request_body_fd,
  ne_set_request_body_provider,
  ne_set_request_flag,
  nx_request_writable,
  nx_send,
  nx_set_expect_timeout,
} from "../lib/index.js";
import type { ne_request, ne_session } from "../lib/index.js";
import { mistake, OK, openSession, send, settled } from "./fixtures/conversation.js";
import { gate, scripted, type Peer } from "./fixtures/server.js";


const LOCKED = "HTTP/1.1 423 Locked\r\nContent-Length: 0\r\n\r\n";
const STRAY = "HTTP/1.1 204 Nobody asked\r\n\r\n";

/** Holds the event loop up until a promise of another thread's making could have come. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

// ---- nobody asked ----

/** Answers, and once more without being asked while the client is not looking. */
const strayAfterAnswer = async (peer: Peer): Promise<void> => {
  await peer.readRequest();
  await peer.write(OK);
  await peer.write(STRAY);
  await peer.readEof();
};

t.test("an answer that nobody asked for answers no request", async (t) => {
  for (const method of ["GET", "DELETE", "PUT", "LOCK"]) {
    const server = await scripted(t, [strayAfterAnswer, [LOCKED]]);
    const sess = openSession(t, server.port);
    t.equal((await send(sess)).status, 200);
    await server.peers[0]?.taken();
    t.match(await send(sess, method), { code: NE_OK, status: 423 }, method);
  }
});

t.test("nor one that came while the program was busy", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      // the client's callback runs before this goes out
      setImmediate(() => void peer.write(STRAY));
      await peer.readEof();
    },
    [LOCKED],
  ]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).status, 200);
  await new Promise((resolve) => setImmediate(resolve));
  block(30);
  t.match(await send(sess, "DELETE"), { code: NE_OK, status: 423 });
});

t.test("nor one that came while a hook ran", async (t) => {
  const stray = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await stray.opened;
      await peer.write(STRAY);
      await peer.readEof();
    },
    [LOCKED],
  ]);
  const sess = openSession(t, server.port);
  t.equal((await send(sess)).status, 200);
  ne_hook_pre_send(sess, async () => {
    stray.open();
    await settled();
  });
  t.match(await send(sess, "DELETE"), { code: NE_OK, status: 423 });
});

t.test("an end or a reset since the last response costs a connection and nothing else", async (t) => {
  for (const reset of [false, true]) {
    const server = await scripted(t, [
      async (peer) => {
        await peer.readRequest();
        await peer.write(OK);
        if (reset) peer.reset();
        else await peer.end();
      },
      [OK],
    ]);
    const sess = openSession(t, server.port);
    t.equal((await send(sess)).status, 200);
    block(20);
    let heads = 0;
    ne_hook_pre_send(sess, () => void heads++);
    t.match(await send(sess, "GET"), { code: NE_OK, status: 200 });
    t.equal(heads, 1);
    t.equal(server.connections, 2);
  }
});

// ---- before the body is out ----

const BODY = Buffer.alloc(3_000_000, "b");

const BODIES: Record<string, (t: Test, req: ne_request) => void> = {
  memory: (_t, req) => ne_set_request_body_buffer(req, BODY),
  file: (t, req) => {
    const name = path.join(t.testdir({}), "body");
    writeFileSync(name, BODY);
    const fd = openSync(name, "r");
    t.teardown(() => closeSync(fd));
    ne_set_request_body_fd(req, fd, 0, BODY.length);
  },
  provider: (_t, req) =>
    ne_set_request_body_provider(req, BODY.length, (_userdata, buffer) => buffer.length),
  chunks: (_t, req) => {
    let left = BODY.length;
    ne_set_request_body_provider(req, -1, (_userdata, buffer) => {
      if (buffer.length === 0) left = BODY.length;
      const count = Math.min(left, buffer.length);
      left -= count;
      return count;
    });
  },
};

for (const [kind, prepare] of Object.entries(BODIES)) {
  t.test(`${kind}: a refusal before the body is out is delivered`, async (t) => {
    const text = "you may not";
    const answer = `HTTP/1.1 403 No\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    const ends: Record<string, (peer: Peer) => unknown> = {
      reset: (peer) => peer.reset(),
      close: (peer) => peer.stream.destroy(),
      end: (peer) => peer.end(),
    };
    for (const [how, end] of Object.entries(ends)) {
      for (const taken of [0, 1, 100_000]) {
        const server = await scripted(
          t,
          [
            async (peer) => {
              await peer.readHead();
              await peer.readBytes(taken);
              peer.pause();
              await peer.write(answer);
              await end(peer);
            },
          ],
          { forget: true },
        );
        const result = await send(openSession(t, server.port), "PUT", "/", (req) => prepare(t, req));
        t.equal(result.status, 403, `${how} after ${taken} bytes: ${result.error}`);
        // a reset may overtake what came before it; the status is never lost
        if (result.code === NE_OK) t.match(result, { error: "403 No", body: text });
      }
    }
  });
}

t.test("half an answer during the upload, and silence behind it, end with the time", async (t) => {
  const half = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 200 O");
      half.open();
      await peer.readBytes(20);
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  ne_set_read_timeout(sess, 1);
  let given = 0;
  const result = await send(sess, "PUT", "/", (req) =>
    ne_set_request_body_provider(req, 20, async (_userdata, buffer) => {
      if (buffer.length === 0) return 0;
      if (given > 0) {
        await half.opened;
        await settled();
      }
      given += 10;
      return given > 20 ? 0 : 10;
    }),
  );
  t.match(result, { code: NE_TIMEOUT, error: "Could not read status line: connection timed out" });
  t.equal(server.requests.length, 1);
});

t.test("the error string is the answer's where the rest of a body was not wanted", async (t) => {
  for (const [status, end] of [[408, true], [504, false]] as const) {
    const server = await scripted(
      t,
      [
        async (peer) => {
          await peer.readHead();
          await peer.write(`HTTP/1.1 ${status} Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
          if (end) await peer.end();
          else await peer.stall();
        },
      ],
      { forget: true },
    );
    const result = await send(openSession(t, server.port), "PUT", "/", (req) => {
      nx_request_writable(req).write("first");
    });
    await settled();
    t.match(result, { code: NE_OK, status, error: `${status} Late` });
  }
});

t.test("and stays so", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 408 Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      await peer.end();
    },
  ]);
  const sess = openSession(t, server.port);
  await send(sess, "PUT", "/", (req) => void nx_request_writable(req).write("first"));
  await settled();
  t.equal(ne_get_error(sess), "408 Late");
});

// ---- Expect ----

function expecting(req: ne_request): void {
  ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
  ne_set_request_body_buffer(req, Buffer.from("body"));
}

async function silent(t: Test, interim = ""): Promise<ne_session> {
  const server = await scripted(t, [
    async (peer) => {
      const { head } = await peer.readHead();
      t.match(head, /^expect: 100-continue\r$/im);
      await peer.write(interim);
      t.equal(String(await peer.readBody()), "body");
      await peer.write(OK);
      await peer.readEof();
    },
  ]);
  return openSession(t, server.port);
}

t.test("a body goes out without a 100 response after a while", async (t) => {
  for (const interim of ["", "HTTP/1.1 102 Processing\r\n\r\n"]) {
    const sess = await silent(t, interim);
    nx_set_expect_timeout(sess, 0.02);
    t.match(await send(sess, "PUT", "/", expecting), { code: NE_OK, status: 200 });
  }
});

t.test("0: as C, as long as the read timeout", async (t) => {
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  nx_set_expect_timeout(sess, 0);
  ne_set_read_timeout(sess, 1);
  t.match(await send(sess, "PUT", "/", expecting), { code: NE_TIMEOUT });
});

t.test("the time is a number of seconds", async (t) => {
  const sess = openSession(t, 1);
  for (const bad of [-1, NaN, "1" as never]) {
    t.match(await mistake(() => nx_set_expect_timeout(sess, bad)), /^nx_set_expect_timeout: /);
  }
});

// ---- the end of the session ----

t.test("a session that is destroyed under a request says so", async (t) => {
  const asked = gate();
  const server = await scripted(t, [
    async (peer) => {
      await peer.readHead();
      asked.open();
      await peer.readEof();
    },
  ]);
  const sess = openSession(t, server.port);
  const sent = nx_send(sess, "GET", "/");
  await asked.opened;
  ne_session_destroy(sess);
  t.match(await sent, { code: NE_ERROR, error: "Session destroyed" });
});
