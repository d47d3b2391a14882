// Streams at both ends of a request, and the connection after an upgrade. Order is asserted by
// events; nothing waits for a clock.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import t, { type Test } from "tap";
import {
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_accept_always,
  ne_begin_request,
  ne_end_request,
  NE_ERROR,
  ne_get_status,
  NE_OK,
  NE_CONNECT,
  NE_RETRY,
  ne_hook_post_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  type ne_request,
} from "../lib/ne_request.js";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_ssl_set_verify,
  type ne_session,
} from "../lib/ne_session.js";
import { nx_request_abort, nx_session_connected } from "../lib/nx_session.js";
import { nx_get_failure } from "../lib/nx_trace.js";
import {
  nx_detach_socket,
  nx_readable_result,
  nx_request_writable,
  nx_response_readable,
  nx_set_request_body_stream,
} from "../lib/nx_stream.js";
import { certFile } from "./fixtures/tls.js";
import { gate, refusedPort, scripted, type Peer, type Script } from "./fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const DENIED = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

function session(t: Test, port: number): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", port);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

function request(t: Test, sess: ne_session, method = "PUT", target = "/"): ne_request {
  const req = ne_request_create(sess, method, target);
  t.teardown(() => ne_request_destroy(req));
  return req;
}

// Sends the request again after its first response.
function repeatOnce(sess: ne_session): void {
  let done = false;
  ne_hook_post_send(sess, () => {
    if (done) return NE_OK;
    done = true;
    return NE_RETRY;
  });
}

type Piece = string | Uint8Array;

async function* pieces(...list: readonly Piece[]): AsyncGenerator<Piece> {
  yield* list;
}

t.test("body from an async iterable, chunked", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = session(t, server.port);
  const req = request(t, sess);
  nx_set_request_body_stream(req, pieces("smile: \u263a, ", Buffer.from("bytes"), "", "."));
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(server.requests[0]?.field("transfer-encoding"), "chunked");
  t.equal(server.requests[0]?.body.toString(), "smile: \u263a, bytes.");
});

t.test("body from a Readable, of a length known", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = session(t, server.port);
  const req = request(t, sess);
  const bytes = Buffer.alloc(100_000, "0123456789");
  nx_set_request_body_stream(req, Readable.from([bytes]), bytes.length);
  t.equal(await ne_request_dispatch(req), NE_OK);
  t.equal(server.requests[0]?.field("content-length"), "100000");
  t.ok(server.requests[0]?.body.equals(bytes));
});

t.test("a body that is not as long as announced", async (t) => {
  const rows: [string, string][] = [
    ["abc", "Request body ended after 3 of 4 bytes"],
    ["abcde", "Request body was longer than the 4 bytes announced"],
  ];
  for (const [body, error] of rows) {
    const server = await scripted(t, [(peer: Peer) => peer.readEof()]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    nx_set_request_body_stream(req, pieces(body), 4);
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    t.equal(ne_get_error(sess), error);
  }
});

t.test("a body that is not as empty as announced", async (t) => {
  const rows = [pieces("abc"), Readable.from(["abc"]), () => pieces("", "abc")];
  for (const source of rows) {
    const server = await scripted(t, () => {});
    const sess = session(t, server.port);
    const req = request(t, sess);
    nx_set_request_body_stream(req, source, 0);
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    t.equal(ne_get_error(sess), "Request body was longer than the 0 bytes announced");
    t.equal(nx_get_failure(sess)?.phase, "callback");
    t.equal(server.connections, 0, "a file is not made empty by it");
  }
  await t.test("one that breaks", async (t) => {
    const sess = session(t, await refusedPort());
    const req = request(t, sess);
    const broken = new Error("broken");
    nx_set_request_body_stream(req, () => Promise.reject(broken), 0);
    await t.rejects(ne_request_dispatch(req), broken);
  });
  await t.test("one that is empty is found so once", async (t) => {
    const server = await scripted(t, [[DENIED, OK]]);
    const sess = session(t, server.port);
    repeatOnce(sess);
    const req = request(t, sess);
    nx_set_request_body_stream(req, pieces(""), 0);
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.strictSame(server.requests.map((sent) => sent.field("content-length")), ["0", "0"]);
  });
});

t.test("a body that has to be sent again", async (t) => {
  await t.test("is asked for again where the source is a function", async (t) => {
    const server = await scripted(t, [[DENIED, OK]]);
    const sess = session(t, server.port);
    repeatOnce(sess);
    const req = request(t, sess);
    let made = 0;
    nx_set_request_body_stream(req, () => pieces("body ", String(++made)));
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.strictSame(server.requests.map(({ body }) => body.toString()), ["body 1", "body 2"]);
  });
  await t.test("says that it can't be where it was read from", async (t) => {
    for (const source of [pieces("once"), Readable.from(["once"])]) {
      const server = await scripted(t, [async (peer: Peer) => {
        await peer.readRequest();
        await peer.write(DENIED);
        await peer.readHead();
        await peer.readEof();
      }]);
      const sess = session(t, server.port);
      repeatOnce(sess);
      const req = request(t, sess);
      nx_set_request_body_stream(req, source);
      t.equal(await ne_request_dispatch(req), NE_ERROR);
      t.equal(ne_get_error(sess), "Request body was read from a stream and can't be sent again");
    }
  });
  await t.test("nor can what the program wrote, rather than go out empty", async (t) => {
    for (const length of [-1, 4]) {
      const server = await scripted(t, [async (peer: Peer) => {
        await peer.readRequest();
        await peer.write(DENIED);
        await peer.readHead();
        await peer.readEof();
      }]);
      const sess = session(t, server.port);
      repeatOnce(sess);
      const req = request(t, sess);
      nx_request_writable(req, length).end("once");
      t.equal(await ne_request_dispatch(req), NE_ERROR);
      t.equal(ne_get_error(sess), "Request body was read from a stream and can't be sent again");
      await server.done();
    }
  });
  await t.test("is still whole after a refusal that came before it", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
      await peer.readHead();
      await peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      await peer.readBody();
      await peer.write(OK);
    }]);
    const sess = session(t, server.port);
    repeatOnce(sess);
    const req = request(t, sess);
    ne_add_request_header(req, "X-Any", "1");
    const { ne_set_request_flag, NE_REQFLAG_EXPECT100 } = await import("../lib/ne_request.js");
    ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    const body = nx_request_writable(req);
    body.end("kept back");
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(server.requests[1]?.body.toString(), "kept back");
  });
});

t.test("what a source throws leaves through the dispatch", async (t) => {
  const failure = new Error("the disk is gone");
  async function* failing(): AsyncGenerator<string> {
    yield "a";
    throw failure;
  }
  const broken = new PassThrough();
  const wrong = Readable.from([{ no: "bytes" }]);
  for (const [source, error] of [
    [failing(), failure],
    [broken, failure],
    [wrong, { message: /neither bytes nor a string/ }],
  ] as const) {
    const server = await scripted(t, [(peer: Peer) => peer.readEof()]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    nx_set_request_body_stream(req, source);
    if (source === broken) broken.destroy(failure);
    await t.rejects(ne_request_dispatch(req), error);
    t.equal(nx_session_connected(sess), false);
  }
});

t.test("a source that is not needed to its end is let go of", async (t) => {
  const refusal = "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  const refuse: Script = async (peer: Peer) => {
    await peer.readHead();
    await peer.write(refusal);
    await peer.readEof();
  };
  await t.test("a Readable is destroyed", async (t) => {
    const server = await scripted(t, [refuse]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    const source = new PassThrough();
    source.write("the beginning");
    nx_set_request_body_stream(req, source);
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(ne_get_status(req).code, 413);
    t.ok(source.destroyed);
  });
  await t.test("what a function gives when nobody waits any more", async (t) => {
    const server = await scripted(t, [(peer: Peer) => peer.readEof()]);
    const sess = session(t, server.port);
    const asked = gate();
    const given = gate();
    const late = new PassThrough();
    const req = request(t, sess);
    nx_set_request_body_stream(req, async () => {
      asked.open();
      await given.opened;
      return late;
    });
    const dispatched = ne_request_dispatch(req);
    await asked.opened;
    nx_request_abort(req);
    t.equal(await dispatched, NE_ERROR);
    given.open();
    await once(late, "close");
    t.ok(late.destroyed);
  });
  await t.test("a generator is left", async (t) => {
    const server = await scripted(t, [refuse]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    const left = gate();
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) {
          yield Buffer.alloc(65536);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        left.open();
      }
    }
    nx_set_request_body_stream(req, endless());
    t.equal(await ne_request_dispatch(req), NE_OK);
    await left.opened;
  });
  await t.test("one that was never begun is left alone", async (t) => {
    const sess = session(t, await refusedPort());
    const req = request(t, sess);
    const source = Readable.from(["whole"]);
    nx_set_request_body_stream(req, source);
    t.equal(await ne_request_dispatch(req), NE_CONNECT);
    t.equal(await text(source), "whole");
  });
});

t.test("mistakes", async (t) => {
  const sess = session(t, 1);
  const req = request(t, sess);
  for (const source of [null, undefined, "text", ["a"], {}]) {
    t.throws(() => nx_set_request_body_stream(req, source as never), {
      name: "TypeError",
      message: /^nx_set_request_body_stream: the source must be/,
    });
  }
  for (const length of [-2, 0.5, NaN, 2 ** 53]) {
    t.throws(() => nx_set_request_body_stream(req, pieces(), length), TypeError);
    t.throws(() => nx_request_writable(req, length), /^nx_request_writable: the length/);
  }
  t.throws(() => nx_response_readable(req), /^nx_response_readable: no response is being read/);
  // a promise is what it returns, so a mistake is a rejection
  await t.rejects(nx_readable_result(Readable.from([])), {
    message: /^nx_readable_result: the stream was not/,
  });
  t.equal(nx_detach_socket(req), null);
});

t.test("a body is set before the request begins", async (t) => {
  const server = await scripted(t, [[OK]]);
  const sess = session(t, server.port);
  const req = request(t, sess);
  const dispatched = ne_request_dispatch(req);
  t.throws(() => nx_request_writable(req), /^nx_request_writable: the request has been begun/);
  t.throws(() => nx_set_request_body_stream(req, pieces()), TypeError);
  t.equal(await dispatched, NE_OK);
});

t.test("writable body", async (t) => {
  await t.test("takes what is written while the request runs", async (t) => {
    const server = await scripted(t, [[OK]]);
    const sess = session(t, server.port);
    const req = request(t, sess);
    const body = nx_request_writable(req);
    const dispatched = ne_request_dispatch(req);
    await pipeline(pieces("one, ", "two, ", Buffer.alloc(50_000, "x"), "end"), body);
    t.equal(await dispatched, NE_OK);
    t.equal(server.requests[0]?.body.toString(), `one, two, ${"x".repeat(50_000)}end`);
  });
  await t.test("of a length known, empty too", async (t) => {
    const server = await scripted(t, [[OK, OK]]);
    const sess = session(t, server.port);
    for (const content of ["four", ""]) {
      const req = request(t, sess);
      const body = nx_request_writable(req, content.length);
      const dispatched = ne_request_dispatch(req);
      body.end(content);
      t.equal(await dispatched, NE_OK);
    }
    t.strictSame(server.requests.map(({ body }) => body.toString()), ["four", ""]);
  });
  await t.test("waits for the network", async (t) => {
    const read = gate();
    const server = await scripted(
      t,
      [async (peer: Peer) => {
        peer.pause();
        await read.opened;
        peer.resume();
        await peer.readRequest();
        await peer.write(OK);
      }],
      { forget: true },
    );
    const sess = session(t, server.port);
    const req = request(t, sess);
    const body = nx_request_writable(req);
    const dispatched = ne_request_dispatch(req);
    const block = Buffer.alloc(1 << 20);
    // the kernel's buffers are full when no write is done any more
    let written = 0;
    let done = 0;
    while (written - done < 2 && written < 256) {
      body.write(block, () => done++);
      written++;
      for (let i = 0; i < 200 && done < written; i++) await new Promise((r) => setImmediate(r));
    }
    t.ok(written < 256, "writes came to a stop");
    t.equal(body.writableNeedDrain, true);
    read.open();
    body.end();
    t.equal(await dispatched, NE_OK);
    t.equal(server.requests[0]?.body.length, written * block.length);
  });
  await t.test("is destroyed with a request that fails", async (t) => {
    const sess = session(t, await refusedPort());
    const req = request(t, sess);
    const body = nx_request_writable(req);
    const written = new Promise((resolve) => body.write("for nobody", resolve));
    t.equal(await ne_request_dispatch(req), NE_CONNECT);
    t.ok(body.destroyed);
    t.match(await written, { message: "the request was over before this was sent" });
  });
  await t.test("destroyed early, breaks the request off", async (t) => {
    const failure = new Error("changed my mind");
    for (const error of [undefined, failure]) {
      const server = await scripted(t, [(peer: Peer) => peer.readEof()]);
      const sess = session(t, server.port);
      const req = request(t, sess);
      const body = nx_request_writable(req);
      const dispatched = ne_request_dispatch(req);
      body.write("half a", () => body.destroy(error));
      if (error === undefined) {
        t.equal(await dispatched, NE_ERROR);
        t.equal(ne_get_error(sess), "Request body stream was destroyed before its end");
      } else {
        await t.rejects(dispatched, failure);
      }
    }
  });
});

t.test("response as a stream", async (t) => {
  await t.test("ends the request, and feeds its readers", async (t) => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunked = `${head}3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n`;
    const server = await scripted(t, [[chunked, OK]]);
    const sess = session(t, server.port);
    const req = request(t, sess, "GET");
    let fed = "";
    ne_add_response_body_reader(req, ne_accept_always, (_, block) => {
      fed += block.toString();
      return 0;
    });
    t.equal(await ne_begin_request(req), NE_OK);
    const body = nx_response_readable(req);
    t.equal(await text(body), "abcdef");
    t.equal(await nx_readable_result(body), NE_OK);
    t.equal(fed, "abcdef");
    await t.rejects(ne_end_request(req), /no response is being read/);
    t.equal(await ne_request_dispatch(request(t, sess, "GET")), NE_OK, "on the same connection");
    t.equal(server.connections, 1);
  });
  await t.test("gives NE_RETRY for the caller to begin again", async (t) => {
    const server = await scripted(t, [[DENIED, OK]]);
    const sess = session(t, server.port);
    repeatOnce(sess);
    const req = request(t, sess, "GET");
    const codes: number[] = [];
    do {
      t.equal(await ne_begin_request(req), NE_OK);
      const body = nx_response_readable(req);
      await text(body);
      codes.push(await nx_readable_result(body));
    } while (codes.at(-1) === NE_RETRY);
    t.strictSame(codes, [NE_RETRY, NE_OK]);
    t.equal(ne_get_status(req).code, 200);
    t.equal(server.connections, 1);
  });
  await t.test("is read no faster than it is consumed", async (t) => {
    const total = 64 << 20;
    const stopped = gate();
    let sent = 0;
    const server = await scripted(
      t,
      [async (peer: Peer) => {
        await peer.readRequest();
        await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
        const block = Buffer.alloc(1 << 20, "abcdefgh");
        for (; sent < total; sent += block.length) {
          if (!peer.stream.write(block)) {
            const drained = once(peer.stream, "drain");
            const slow = new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
            await Promise.race([drained, slow.then(() => stopped.open())]);
            await drained;
          }
        }
      }],
      { forget: true },
    );
    const sess = session(t, server.port);
    const req = request(t, sess, "GET");
    t.equal(await ne_begin_request(req), NE_OK);
    const body = nx_response_readable(req);
    body.once("readable", () => {});
    await stopped.opened;
    t.ok(sent < total, "the server had to wait");
    t.ok(body.readableLength <= 2 * body.readableHighWaterMark, "little is kept");
    const sum = createHash("sha256");
    let bytes = 0;
    for await (const block of body as AsyncIterable<Buffer>) {
      bytes += block.length;
      sum.update(block);
    }
    t.equal(bytes, total);
    const whole = createHash("sha256").update(Buffer.alloc(total, "abcdefgh"));
    t.equal(sum.digest("hex"), whole.digest("hex"));
  });
  await t.test("destroyed early, closes the connection", async (t) => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
    const unread: Script = async (peer: Peer) => {
      await peer.readRequest();
      await peer.write(answer);
      await peer.readEof();
    };
    for (const reading of [false, true]) {
      const server = await scripted(t, [unread, [OK]]);
      const sess = session(t, server.port);
      const req = request(t, sess, "GET");
      t.equal(await ne_begin_request(req), NE_OK);
      const body = nx_response_readable(req);
      const next = ne_request_dispatch(request(t, sess, "GET"));
      if (reading) {
        t.equal(String((await once(body, "data"))[0]), "12345");
        body.resume();
      }
      body.destroy();
      t.equal(await nx_readable_result(body), NE_ERROR);
      if (reading) await once(body, "close");
      t.equal(await next, NE_OK, "the request that was waiting has its turn");
      t.equal(server.connections, 2);
    }
  });
  await t.test("that breaks off is an error", async (t) => {
    const server = await scripted(t, ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"]);
    const sess = session(t, server.port);
    const req = request(t, sess, "GET");
    t.equal(await ne_begin_request(req), NE_OK);
    const body = nx_response_readable(req);
    await t.rejects(text(body), {
      name: "nx_error",
      code: NE_ERROR,
      status: { code: 200 },
      message: "Could not read response body: connection was closed by server",
    });
    t.equal(await nx_readable_result(body), NE_ERROR);
  });
  await t.test("what a reader throws destroys it", async (t) => {
    const server = await scripted(t, ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"]);
    const sess = session(t, server.port);
    const req = request(t, sess, "GET");
    const failure = new Error("full");
    ne_add_response_body_reader(req, ne_accept_always, () => {
      throw failure;
    });
    t.equal(await ne_begin_request(req), NE_OK);
    await t.rejects(text(nx_response_readable(req)), failure);
  });
  await t.test("of a request that was destroyed", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
      await peer.readEof();
    }]);
    const sess = session(t, server.port);
    const req = ne_request_create(sess, "GET", "/");
    t.equal(await ne_begin_request(req), NE_OK);
    const body = nx_response_readable(req);
    ne_request_destroy(req);
    await t.rejects(text(body), /ended or destroyed/);
  });
});

// The bytes of a WebSocket text frame (RFC 6455 section 5.2), short and masked if it is a client's.
function frame(content: string, mask: Buffer | null): Buffer {
  const data = Buffer.from(content);
  if (mask === null) return Buffer.concat([Buffer.from([0x81, data.length]), data]);
  for (let i = 0; i < data.length; i++) data[i]! ^= mask[i % 4]!;
  return Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, data]);
}

t.test("detached connection", async (t) => {
  const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  const upgrade = (t: Test, sess: ne_session): ne_request => {
    const req = request(t, sess, "GET", "/chat");
    ne_add_request_header(req, "Upgrade", "websocket");
    ne_add_request_header(req, "Connection", "Upgrade");
    ne_add_request_header(req, "Sec-WebSocket-Key", KEY);
    ne_add_request_header(req, "Sec-WebSocket-Version", "13");
    return req;
  };
  const switching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;
  const echo: Script = async (peer: Peer) => {
    await peer.readHead();
    await peer.write(Buffer.concat([Buffer.from(switching), frame("welcome", null)]));
    const [, length = 0] = await peer.readBytes(2);
    const mask = await peer.readBytes(4);
    const data = await peer.readBytes(length & 0x7f);
    for (let i = 0; i < data.length; i++) data[i]! ^= mask[i % 4]!;
    await peer.write(frame(data.toString(), null));
    await peer.readEof();
    await peer.end();
  };
  const talk = async (t: Test, detached: ReturnType<typeof nx_detach_socket>): Promise<void> => {
    if (detached === null) return void t.fail("detached");
    const { socket, head } = detached;
    let received = head;
    const reach = async (length: number): Promise<void> => {
      while (received.length < length) {
        const [chunk] = (await once(socket, "data")) as [Buffer];
        received = Buffer.concat([received, chunk]);
      }
    };
    const welcome = frame("welcome", null);
    await reach(welcome.length);
    t.ok(received.subarray(0, welcome.length).equals(welcome));
    socket.write(frame("echo me", Buffer.from([1, 2, 3, 4])));
    const all = Buffer.concat([welcome, frame("echo me", null)]);
    await reach(all.length);
    t.ok(received.equals(all));
    socket.end();
    await once(socket.resume(), "close");
  };
  await t.test("a WebSocket, after the dispatch", async (t) => {
    const server = await scripted(t, [echo, [OK]]);
    const sess = session(t, server.port);
    const req = upgrade(t, sess);
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(ne_get_status(req).code, 101);
    const detached = nx_detach_socket(req);
    t.equal(nx_session_connected(sess), false, "the session knows nothing of it");
    t.equal(nx_detach_socket(req), null, "only once");
    await talk(t, detached);
    t.equal(await ne_request_dispatch(request(t, sess, "GET")), NE_OK);
    t.equal(server.connections, 2);
  });
  await t.test("a WebSocket, before the end of the request", async (t) => {
    const server = await scripted(t, [echo]);
    const sess = session(t, server.port);
    const req = upgrade(t, sess);
    t.equal(await ne_begin_request(req), NE_OK);
    await talk(t, nx_detach_socket(req));
    await t.rejects(ne_end_request(req), TypeError);
  });
  await t.test("a WebSocket over TLS", async (t) => {
    const certificate = { key: certFile("server.key"), cert: certFile("good.pem") };
    const server = await scripted(t, [echo], { tls: certificate });
    const sess = ne_session_create("https", "127.0.0.1", server.port);
    t.teardown(() => ne_session_destroy(sess));
    ne_ssl_set_verify(sess, () => 0);
    const req = upgrade(t, sess);
    t.equal(await ne_request_dispatch(req), NE_OK);
    await talk(t, nx_detach_socket(req));
  });
  await t.test("an upgrade that nobody takes is not used for requests", async (t) => {
    const server = await scripted(t, [
      async (peer: Peer) => {
        await peer.readHead();
        await peer.write(switching);
        await peer.readEof();
      },
      [OK],
    ]);
    const sess = session(t, server.port);
    t.equal(await ne_request_dispatch(upgrade(t, sess)), NE_OK);
    t.equal(await ne_request_dispatch(request(t, sess, "GET")), NE_OK);
    t.equal(server.connections, 2);
  });
  await t.test("a refused upgrade is a response like others", async (t) => {
    const server = await scripted(t, [[OK, OK]]);
    const sess = session(t, server.port);
    const req = upgrade(t, sess);
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(nx_detach_socket(req), null);
    t.equal(await ne_request_dispatch(request(t, sess, "GET")), NE_OK);
    t.equal(server.connections, 1);
  });
  await t.test("CONNECT", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      const { line } = await peer.readHead();
      t.equal(line, "CONNECT db.example.com:5432 HTTP/1.1");
      // what looks like a body belongs to the tunnel
      await peer.write("HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\nhello");
      t.equal(await peer.readUntil("\n"), "query\n");
      await peer.write("row\n");
      await peer.end();
    }]);
    const sess = session(t, server.port);
    const req = request(t, sess, "CONNECT", "db.example.com:5432");
    t.equal(await ne_request_dispatch(req), NE_OK);
    const detached = nx_detach_socket(req);
    if (detached === null) return void t.fail("detached");
    detached.socket.write("query\n");
    const rest = await text(detached.socket);
    t.equal(detached.head.toString() + rest, "hellorow\n");
    detached.socket.destroy();
  });
  await t.test("CONNECT that is refused", async (t) => {
    const server = await scripted(t, [["HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"]]);
    const sess = session(t, server.port);
    const req = request(t, sess, "CONNECT", "db.example.com:5432");
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(nx_detach_socket(req), null);
  });
  await t.test("a large amount both ways, with back-pressure", async (t) => {
    const total = 8 << 20;
    const server = await scripted(
      t,
      [async (peer: Peer) => {
        await peer.readHead();
        await peer.write("HTTP/1.1 200 Established\r\n\r\n");
        for (let left = total; left > 0; ) {
          const block = await peer.readSome();
          left -= block.length;
          await peer.write(block);
        }
        await peer.readEof();
        await peer.end();
      }],
      { forget: true },
    );
    const sess = session(t, server.port);
    const req = request(t, sess, "CONNECT", "h:1");
    t.equal(await ne_request_dispatch(req), NE_OK);
    const detached = nx_detach_socket(req);
    if (detached === null) return void t.fail("detached");
    const { socket } = detached;
    const content = createHash("sha512").update("seed").digest();
    const sent = Buffer.alloc(total, content);
    socket.end(sent);
    const back: Buffer[] = [];
    for await (const block of socket as AsyncIterable<Buffer>) back.push(block);
    t.ok(Buffer.concat(back).equals(sent));
  });
  await t.test("a connection that is reset", async (t) => {
    const server = await scripted(t, [async (peer: Peer) => {
      await peer.readHead();
      await peer.write("HTTP/1.1 200 Established\r\n\r\n");
      await peer.readUntil("go");
      peer.reset();
    }]);
    const sess = session(t, server.port);
    const req = request(t, sess, "CONNECT", "h:1");
    t.equal(await ne_request_dispatch(req), NE_OK);
    const detached = nx_detach_socket(req);
    detached?.socket.write("go");
    await t.rejects(text(detached!.socket), { code: "ECONNRESET" });
  });
});
