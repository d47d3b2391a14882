// Failures of the exchange: what goes out, what comes back, and what callbacks do meanwhile.
import { gzipSync } from "node:zlib";
import t from "tap";
import * as ne from "../../lib/index.js";
import {
  against,
  ANSWERED,
  answered,
  ask,
  BEGUN,
  BROKEN,
  done,
  holds,
  LATE,
  NEW,
} from "../fixtures/failure_case.js";
import { holdTime } from "../fixtures/held_time.js";
import { END, type Peer } from "../fixtures/server.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CUT = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const closing = async (peer: Peer): Promise<void> => {
  await peer.readRequest();
  await peer.end();
};
const stalling = async (peer: Peer): Promise<void> => {
  await peer.readRequest();
  await peer.stall();
};
const quick = (sess: ne.ne_session): Promise<number> => {
  ne.ne_set_read_timeout(sess, 0.05);
  return ask(sess);
};
const CALLBACK = /^not sent again: a callback ended it$/;
const { NE_ERROR, NE_TIMEOUT } = ne;
const malformed = (bytes: string): ReturnType<typeof answered> => answered([[bytes, END]]);

holds(t, "waiting for an answer", [
  ["the connection ends", answered(closing), {
    code: NE_ERROR,
    error: "Could not read status line: connection was closed by server",
    phase: "wait",
    retry: NEW,
    more: { received: 0, addresses: [{ address: "127.0.0.1", error: null }], tls: null },
  }],
  ["the connection is reset", answered(async (peer) => {
    await peer.readRequest();
    peer.reset();
  }), {
    code: NE_ERROR,
    error: "Could not read status line: Connection reset by peer",
    phase: "wait",
    retry: NEW,
    more: { cause: { code: "ECONNRESET" } },
  }],
  ["nothing comes in time", answered(stalling, quick), {
    code: NE_TIMEOUT,
    error: "Could not read status line: connection timed out",
    phase: "wait",
    retry: LATE,
  }],
  ["the time of the request is up", async (t) => {
    const time = holdTime(t);
    const { sess } = await against(t, async (peer) => {
      await peer.readRequest();
      await time.outlast(peer, 30);
    });
    ne.nx_set_request_timeout(sess, 30);
    return done(sess, ask(sess));
  }, {
    code: NE_TIMEOUT,
    error: "Request timed out",
    phase: "wait",
    retry: /^not sent again: its time was up$/,
  }],
  ["it is aborted", async (t) => {
    const aborting = async (peer: Peer): Promise<void> => {
      await peer.readRequest();
      ne.nx_session_abort(sess);
    };
    const { sess } = await against(t, aborting);
    return done(sess, ask(sess));
  }, { code: NE_ERROR, error: "Aborted", phase: "wait", retry: BROKEN }],
  ["a kept connection went stale, and the new one ends as well", answered(
    [[OK, END], closing],
    async (sess) => {
      await ask(sess);
      return ask(sess);
    },
  ), {
    code: NE_ERROR,
    error: "Could not read status line: connection was closed by server",
    phase: "wait",
    retry: /not sent again: the connection was new/,
  }],
  ["a kept connection does not answer in time", async (t) => {
    const time = holdTime(t);
    const { sess } = await against(t, async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.readRequest();
      await time.outlast(peer, 30);
    });
    ne.ne_set_read_timeout(sess, 30);
    await ask(sess);
    return done(sess, ask(sess));
  }, {
    code: NE_TIMEOUT,
    error: "Could not read status line: connection timed out",
    phase: "wait",
    retry: LATE,
    more: { timings: { reused: true } },
  }],
]);

holds(t, "heads that are none", [
  ["half a status line", malformed("HTTP/1.1 2"), {
    code: NE_ERROR,
    error: "Could not read status line: connection was closed by server",
    phase: "head",
    retry: BEGUN,
    more: { received: 10 },
  }],
  ["no HTTP", malformed("SSH-2.0-OpenSSH\r\n"), {
    code: NE_ERROR,
    error: "Could not parse response status line",
    phase: "head",
    retry: BEGUN,
  }],
  ["HTTP/2", malformed("HTTP/2.0 200 OK\r\n\r\n"), {
    code: NE_ERROR,
    error: /HTTP version/,
    phase: "head",
    retry: BEGUN,
  }],
  ["fields that break off", malformed("HTTP/1.1 200 OK\r\nA: b\r\n"), {
    code: NE_ERROR,
    error: "Error reading response headers: connection was closed by server",
    phase: "head",
    retry: BEGUN,
  }],
  ["a line without end", malformed(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(9000)}\r\n\r\n`), {
    code: NE_ERROR,
    error: "Error reading response headers: Line too long",
    phase: "head",
    retry: BEGUN,
  }],
  ["too many fields", malformed(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(200)}\r\n`), {
    code: NE_ERROR,
    error: "Response exceeded maximum number of header fields",
    phase: "head",
    retry: BEGUN,
  }],
  ["two lengths", malformed("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab"), {
    code: NE_ERROR,
    error: "Invalid Content-Length in response",
    phase: "head",
    retry: BEGUN,
  }],
  ["an unknown transfer coding", malformed("HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n"), {
    code: NE_ERROR,
    error: "Unknown transfer-coding in response",
    phase: "head",
    retry: BEGUN,
  }],
  ["interim responses and no final one", answered(
    [[`${"HTTP/1.1 102 Wait\r\n\r\n".repeat(4)}`]],
    (sess) => {
      ne.nx_set_limits(sess, { interim_count: 2 });
      return ask(sess);
    },
  ), { code: NE_ERROR, error: "Too many interim responses", phase: "head", retry: BEGUN }],
]);

holds(t, "bodies", [
  ["one that is cut", malformed(CUT), {
    code: NE_ERROR,
    error: "Could not read response body: connection was closed by server",
    phase: "body",
    retry: BEGUN,
    more: { received: CUT.length },
  }],
  ["one that stops", answered([[CUT]], quick), {
    code: NE_ERROR,
    error: "Could not read response body: connection timed out",
    phase: "body",
    retry: BEGUN,
  }],
  ["a chunk without a size", malformed(`${CHUNKED}zz\r\n`), {
    code: NE_ERROR,
    error: /^(Could not parse chunk size|Invalid chunk-size line)$/,
    phase: "body",
    retry: BEGUN,
  }],
  ["a chunk without its end", malformed(`${CHUNKED}2\r\nokXX`), {
    code: NE_ERROR,
    error: "Chunk delimiter was invalid",
    phase: "body",
    retry: BEGUN,
  }],
  ["one that is larger than allowed", answered([[OK]], (sess) => {
    ne.nx_set_limits(sess, { body: 1 });
    return ask(sess);
  }), { code: NE_ERROR, error: "Response body exceeds the limit", phase: "body", retry: BEGUN }],
  ["gzip that is none", answered(
    [["HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"]],
    (sess) => unzip(sess),
  ), { code: NE_ERROR, error: /ompress/, phase: "parse", retry: BEGUN }],
  ["gzip that is cut", answered([[gzipped(-8)]], (sess) => unzip(sess)), {
    code: NE_ERROR,
    error: "Compressed response was truncated",
    phase: "parse",
    retry: BEGUN,
  }],
  ["gzip that nx_send cannot decode", answered([[gzipped(-8)]], async (sess) => {
    const { code } = await ne.nx_send(sess, "GET", "/");
    return code;
  }), { code: NE_ERROR, error: /ompress/, phase: "parse", retry: ANSWERED }],
  ["XML that is none", answered([[xml("<a>")]], async (sess) => {
    const req = ne.ne_request_create(sess, "GET", "/");
    const parser = ne.ne_xml_create();
    const code = await ne.ne_xml_dispatch_request(req, parser);
    ne.ne_xml_destroy(parser);
    ne.ne_request_destroy(req);
    return code;
  }), { code: NE_ERROR, error: /^Could not parse response: XML/, phase: "parse", retry: BEGUN }],
]);

function xml(body: string): string {
  const fields = `Content-Type: text/xml\r\nContent-Length: ${body.length}\r\n`;
  return `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
}

function gzipped(end: number): Buffer {
  const body = gzipSync("text ".repeat(50)).subarray(0, end);
  const fields = `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`), body]);
}

async function unzip(sess: ne.ne_session): Promise<number> {
  const req = ne.ne_request_create(sess, "GET", "/");
  const ctx = ne.ne_decompress_reader(req, ne.ne_accept_2xx, () => 0, null);
  const code = await ne.ne_request_dispatch(req);
  ne.ne_decompress_destroy(ctx);
  ne.ne_request_destroy(req);
  return code;
}

const provide = (answer: number) => (req: ne.ne_request): void => {
  const give = (_userdata: null, buffer: Uint8Array): number => (buffer.length === 0 ? 0 : answer);
  ne.ne_set_request_body_provider(req, 5, give, null);
};

holds(t, "callbacks", [
  ["a body reader that refuses", answered([[OK]], async (sess) => {
    const req = ne.ne_request_create(sess, "GET", "/");
    ne.ne_add_response_body_reader(req, ne.ne_accept_2xx, () => {
      ne.ne_set_error(sess, "%s", "the disk is full");
      return -1;
    }, null);
    const code = await ne.ne_request_dispatch(req);
    ne.ne_request_destroy(req);
    return code;
  }), { code: NE_ERROR, error: "the disk is full", phase: "callback", retry: CALLBACK }],
  ["a post_send hook that fails", answered([[OK]], (sess) => {
    ne.ne_hook_post_send(sess, () => {
      ne.ne_set_error(sess, "%s", "not what was wanted");
      return NE_ERROR;
    }, null);
    return ask(sess);
  }), { code: NE_ERROR, error: "not what was wanted", phase: "callback", retry: CALLBACK }],
  ["a provider that has no body", answered(
    (peer) => peer.readHead().then(() => peer.closed()),
    (sess) => {
      ne.ne_set_error(sess, "%s", "the file was removed");
      return ask(sess, "PUT", "/x", provide(-1));
    },
  ), { code: NE_ERROR, error: /./, phase: "callback", retry: CALLBACK }],
  ["a provider that ends too early", answered(
    (peer) => peer.readHead().then(() => peer.closed()),
    (sess) => ask(sess, "PUT", "/x", provide(0)),
  ), {
    code: NE_ERROR,
    error: "Request body ended after 0 of 5 bytes",
    phase: "callback",
    retry: CALLBACK,
  }],
]);

t.test("a hook that throws is a failure, too", async (t) => {
  const { sess } = await against(t, [[OK]]);
  ne.ne_hook_post_headers(sess, () => {
    throw new Error("thrown by the program");
  }, null);
  await t.rejects(ask(sess), /thrown by the program/);
  const failure = ne.nx_get_failure(sess);
  t.match(failure, { phase: "callback", error: "thrown by the program", code: NE_ERROR });
});

t.test("there is no failure where all went well", async (t) => {
  const { sess } = await against(t, [[OK, "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"]]);
  t.equal(ne.nx_get_failure(sess), null, "before the first request");
  await ask(sess);
  t.equal(ne.nx_get_failure(sess), null);
  t.equal(await ask(sess), ne.NE_OK);
  t.equal(ne.nx_get_failure(sess), null, "a 404 is no failure of a dispatch");
  ne.ne_close_connection(sess);
  t.throws(() => ne.nx_get_failure({} as never), { message: /^nx_get_failure: / });
});
