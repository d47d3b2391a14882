// Compressed responses through a session; what gzip allows is tested in internal/http/gzip.ts.
import t from "tap";
import zlib from "node:zlib";
import { ne_decompress_destroy, ne_decompress_reader } from "../lib/ne_compress.js";
import {
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  ne_accept_2xx,
  ne_accept_always,
  ne_add_response_body_reader,
  ne_get_status,
  ne_hook_post_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../lib/ne_request.js";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_error,
  type ne_session,
} from "../lib/ne_session.js";
import { nx_set_limits } from "../lib/nx_session.js";
import { scripted, type Script, type ScriptedServer, type TestScope } from "./fixtures/server.js";

const TEXT = "hello world";
const MEMBER = zlib.gzipSync(TEXT);

function response(
  body: Uint8Array,
  fields = "Content-Encoding: gzip\r\n",
  status = "200 OK",
): Buffer {
  const head = `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${fields}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

async function session(
  t: TestScope,
  scripts: readonly Script[],
): Promise<[sess: ne_session, server: ScriptedServer]> {
  const server = await scripted(t, scripts);
  const sess = ne_session_create("http", server.host, server.port);
  t.teardown(() => ne_session_destroy(sess));
  return [sess, server];
}

interface Got {
  code: number;
  error: string;
  status: number;
  /** The blocks as text; the end is "". */
  blocks: string[];
}

async function get(
  sess: ne_session,
  { method = "GET", accept = ne_accept_2xx as typeof ne_accept_always } = {},
): Promise<Got> {
  const req = ne_request_create(sess, method, "/");
  const blocks: string[] = [];
  const ctx = ne_decompress_reader(
    req,
    accept,
    (list: string[], block) => {
      list.push(block.toString("latin1"));
      return 0;
    },
    blocks,
  );
  const code = await ne_request_dispatch(req);
  const status = ne_get_status(req).code;
  ne_decompress_destroy(ctx);
  ne_request_destroy(req);
  return { code, error: ne_get_error(sess), status, blocks };
}

const PASSED: readonly [name: string, answer: Buffer, blocks: string[]][] = [
  ["gzip", response(MEMBER), [TEXT, ""]],
  ["the coding in any case", response(MEMBER, "Content-Encoding: GZip\r\n"), [TEXT, ""]],
  ["no coding", response(Buffer.from("plain"), ""), ["plain", ""]],
  ["no coding, no body", response(Buffer.alloc(0), ""), [""]],
  // other codings go on as they are
  ["x-gzip", response(Buffer.from("any"), "Content-Encoding: x-gzip\r\n"), ["any", ""]],
  ["twice", response(Buffer.from("any"), "Content-Encoding: gzip, gzip\r\n"), ["any", ""]],
  ["not accepted", response(MEMBER, undefined, "404 Not Found"), []],
  ["204", Buffer.from("HTTP/1.1 204 No\r\nContent-Encoding: gzip\r\n\r\n"), [""]],
];

t.test("what arrives at the reader", async (t) => {
  for (const [name, answer, blocks] of PASSED) {
    const [sess] = await session(t, [[answer]]);
    t.same((await get(sess)).blocks, blocks, name);
    t.notMatch(ne_get_error(sess), /[Cc]ompress/, name);
  }
});

t.test("the request says so", async (t) => {
  const [sess, server] = await session(t, [[response(MEMBER)]]);
  t.equal((await get(sess)).code, NE_OK);
  t.equal(server.requests[0]?.field("accept-encoding"), "gzip");
});

t.test("HEAD has no body to decompress", async (t) => {
  const head = response(MEMBER).subarray(0, -MEMBER.length);
  const [sess] = await session(t, [[head]]);
  const { code, blocks } = await get(sess, { method: "HEAD" });
  t.equal(code, NE_OK);
  t.same(blocks, [""]);
});

t.test("304 has none either", async (t) => {
  const answer = "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n";
  const [sess] = await session(t, [[answer]]);
  t.equal((await get(sess, { accept: ne_accept_always })).code, NE_OK);
});

const bad = (at: number): Buffer => {
  const member = Buffer.from(MEMBER);
  member[at] = 0xff;
  return member;
};

const FAILED: readonly [name: string, body: Buffer, error: string, blocks: string[]][] = [
  ["cut off", MEMBER.subarray(0, -1), "Compressed response was truncated", [TEXT]],
  ["magic", bad(0), "Compressed stream invalid", []],
  ["data", bad(10), "Could not inflate data: invalid block type", []],
  ["check sum", bad(MEMBER.length - 8), "Checksum invalid for compressed stream", [TEXT]],
  [
    "bytes after the end",
    Buffer.concat([MEMBER, Buffer.from("x")]),
    "Too many bytes (9) in gzip footer",
    [TEXT],
  ],
];

t.test("fail: damaged bodies close the connection", async (t) => {
  for (const [name, body, error, blocks] of FAILED) {
    const [sess, server] = await session(t, [[response(body)], [response(MEMBER)]]);
    const got = await get(sess);
    t.same([got.code, got.error, got.blocks], [NE_ERROR, error, blocks], name);
    t.equal((await get(sess)).code, NE_OK, `${name}: the next request`);
    t.equal(server.connections, 2, name);
  }
});

t.test("several members, padding and an empty body are read", async (t) => {
  const two = Buffer.concat([MEMBER, MEMBER, Buffer.alloc(3)]);
  const [sess] = await session(t, [[response(two), response(Buffer.alloc(0))]]);
  const got = await get(sess);
  t.same([got.code, got.blocks.join("")], [NE_OK, TEXT + TEXT]);
  t.match(await get(sess), { code: NE_OK, blocks: [] });
});

t.test("a reader is given no more at once than the limit says", async (t) => {
  const [sess] = await session(t, [[response(zlib.gzipSync(Buffer.alloc(100_000, "x")))]]);
  nx_set_limits(sess, { block: 8192 });
  const { code, blocks } = await get(sess);
  t.equal(code, NE_OK);
  t.equal(blocks.join("").length, 100_000);
  t.ok(blocks.every((block) => block.length <= 8192));
});

t.test("byte by byte, in chunks", async (t) => {
  const chunks = [...MEMBER].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join("");
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n";
  const [sess] = await session(t, [[`${head}${chunks}0\r\n\r\n`]]);
  const { code, blocks } = await get(sess);
  t.equal(code, NE_OK);
  t.equal(blocks.join(""), TEXT);
  t.equal(blocks.at(-1), "");
  t.equal(blocks.filter((block) => block === "").length, 1, "one end");
});

t.test("a large body arrives in blocks, in order, also by promises", async (t) => {
  const text = Array.from({ length: 60000 }, (_, i) => `line ${i}\n`).join("");
  for (const slow of [false, true]) {
    const [sess] = await session(t, [[response(zlib.gzipSync(text))]]);
    const req = ne_request_create(sess, "GET", "/");
    let running = 0;
    let got = "";
    const ctx = ne_decompress_reader(req, ne_accept_2xx, (_userdata, block) => {
      t.equal(running, 0, "never called while its promise is pending");
      const text = block.toString();
      if (!slow) {
        got += text;
        return 0;
      }
      running++;
      return new Promise((resolve) => {
        setImmediate(() => {
          running--;
          t.equal(block.toString(), text, "the block stays valid");
          got += text;
          resolve(0);
        });
      });
    });
    t.equal(await ne_request_dispatch(req), NE_OK);
    t.equal(got, text);
    ne_decompress_destroy(ctx);
    ne_request_destroy(req);
  }
});

t.test("the caller's reader breaks off", async (t) => {
  for (const answer of [5, Promise.resolve(5)]) {
    const [sess] = await session(t, [[response(MEMBER)]]);
    const req = ne_request_create(sess, "GET", "/");
    const ctx = ne_decompress_reader(req, ne_accept_2xx, () => {
      ne_set_error(sess, "enough");
      return answer;
    });
    t.equal(await ne_request_dispatch(req), NE_ERROR);
    t.equal(ne_get_error(sess), "enough");
    ne_decompress_destroy(ctx);
    ne_request_destroy(req);
  }
});

t.test("the caller's reader throws", async (t) => {
  const [sess] = await session(t, [[response(MEMBER)]]);
  const req = ne_request_create(sess, "GET", "/");
  ne_decompress_reader(req, ne_accept_2xx, () => {
    throw new Error("mine");
  });
  await t.rejects(ne_request_dispatch(req), new Error("mine"));
  ne_request_destroy(req);
});

t.test("a repeated request begins anew", async (t) => {
  const half = response(MEMBER, undefined, "401 No");
  const [sess] = await session(t, [[half, response(MEMBER), response(Buffer.from("p"), "")]]);
  let rounds = 0;
  ne_hook_post_send(sess, () => (++rounds === 1 ? NE_RETRY : NE_OK));
  const { code, blocks } = await get(sess, { accept: ne_accept_always });
  t.equal(code, NE_OK);
  t.same(blocks, [TEXT, "", TEXT, ""], "the body of a 401 is decompressed, too");
  t.same((await get(sess)).blocks, ["p", ""]);
});

t.test("other readers see the body as it comes", async (t) => {
  const [sess] = await session(t, [[response(MEMBER)]]);
  const req = ne_request_create(sess, "GET", "/");
  const ctx = ne_decompress_reader(req, ne_accept_2xx, () => 0);
  const parts: Buffer[] = [];
  ne_add_response_body_reader(req, ne_accept_2xx, (_userdata, block) => {
    parts.push(Buffer.from(block));
    return 0;
  });
  await ne_request_dispatch(req);
  t.same(Buffer.concat(parts), MEMBER);
  ne_decompress_destroy(ctx);
  ne_request_destroy(req);
});

t.test("compressed bodies do not lend out their turn", async (t) => {
  const body = zlib.gzipSync(Buffer.alloc(2_000_000, "some text to compress. "));
  const [sess, server] = await session(t, [[response(body), response(body), response(body)]]);
  const all = await Promise.all([get(sess), get(sess), get(sess)]);
  t.same(all.map(({ code }) => code), [NE_OK, NE_OK, NE_OK]);
  t.equal(server.connections, 1);
});

t.test("limits: a bomb is stopped by a ratio, if one is set", async (t) => {
  const bomb = zlib.gzipSync(Buffer.alloc(20_000_000), { level: 9 });
  const [sess] = await session(t, [[response(bomb)], [response(bomb)]]);
  nx_set_limits(sess, { inflate_ratio: 1000 });
  const stopped = await get(sess);
  t.equal(stopped.code, NE_ERROR);
  t.equal(stopped.error, "Compressed response grows beyond the limit");
  t.ok(stopped.blocks.join("").length <= 1 << 20, "within the free mebibyte");
  nx_set_limits(sess, {});
  t.equal((await get(sess)).code, NE_OK, "as C and fetch read it");
});

t.test("limits: of the decoded body", async (t) => {
  const [sess] = await session(t, [[response(zlib.gzipSync("x".repeat(1000)))]]);
  nx_set_limits(sess, { body: 999 });
  const { code, error, blocks } = await get(sess);
  t.same([code, error, blocks], [NE_ERROR, "Response body exceeds the limit", []]);
});

t.test("mistakes of the caller", async (t) => {
  const [sess] = await session(t, [[response(MEMBER)]]);
  const req = ne_request_create(sess, "GET", "/");
  const words = "ne_decompress_reader: acceptance callback and reader must be functions";
  t.throws(
    () => ne_decompress_reader(req, ne_accept_2xx, null as unknown as () => number),
    new TypeError(words),
  );
  const ctx = ne_decompress_reader(req, ne_accept_2xx, () => 0);
  ne_decompress_destroy(ctx);
  t.throws(
    () => ne_decompress_destroy(ctx),
    new TypeError("ne_decompress_destroy: the ne_decompress was destroyed already"),
  );
  await t.rejects(
    ne_request_dispatch(req),
    new TypeError("ne_request_dispatch: the ne_decompress was destroyed already"),
  );
  ne_request_destroy(req);
});
