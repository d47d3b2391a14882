// Content codings taken off: every coding in every split, damaged and hostile bodies.
import { randomBytes } from "node:crypto";
import zlib from "node:zlib";
import t from "tap";
import { nx_error } from "../../../lib/internal/script/nx_error.js";
import { codingsOf, decodeBody } from "../../../lib/internal/script/decode.js";
import { ACCEPTED } from "../../../lib/internal/script/send_options.js";
import { DEFAULT_LIMITS, type Limits } from "../../../lib/internal/session/session_state.js";

const TEXT = Buffer.from("All work and no play makes Jack a dull boy.\n".repeat(200));

async function decode(
  body: Iterable<Buffer> | AsyncIterable<Buffer>,
  field: string,
  limits: Partial<Limits> = {},
): Promise<Buffer> {
  const blocks: Buffer[] = [];
  const decoded = decodeBody(body, codingsOf(field), { ...DEFAULT_LIMITS, ...limits });
  for await (const block of decoded) blocks.push(block);
  return Buffer.concat(blocks);
}

function* split(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

// Node 24 and later; else zstd is a coding that nobody knows, and the body stays as it is
const zstd = ACCEPTED.includes("zstd")
  ? (zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }).zstdCompressSync
  : undefined;

const CODINGS: [field: string, bytes: Buffer][] = [
  ["gzip", zlib.gzipSync(TEXT)],
  ["X-GZip", zlib.gzipSync(TEXT)],
  ["deflate", zlib.deflateSync(TEXT)],
  ["deflate", zlib.deflateRawSync(TEXT)],
  ["br", zlib.brotliCompressSync(TEXT)],
  ["identity, gzip", zlib.gzipSync(TEXT)],
  ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(TEXT))],
  ["", TEXT],
  ["zstd", zstd?.(TEXT) ?? TEXT],
  ["gzip, zstd", zstd?.(zlib.gzipSync(TEXT)) ?? TEXT],
];

t.test("each coding, whole and in pieces", async (t) => {
  for (const [field, bytes] of CODINGS) {
    for (const size of [bytes.length, 1, 7]) {
      t.ok((await decode(split(bytes, size), field)).equals(TEXT), `${field}, ${size} at once`);
    }
  }
});

t.test("no bytes at all are an empty body", async (t) => {
  for (const field of ["gzip", "deflate", "br"]) t.equal((await decode([], field)).length, 0);
});

t.test("members one after the other are one gzip body", async (t) => {
  const both = Buffer.concat([zlib.gzipSync("one, "), zlib.gzipSync("two")]);
  t.equal((await decode([both], "gzip")).toString(), "one, two");
});

t.test("malformed", async (t) => {
  const truncated = "Compressed response was truncated";
  const trailing = "Unexpected content received after compressed stream";
  for (const [field, bytes] of CODINGS.filter(([name]) => /gzip$|^deflate|^br/i.test(name))) {
    for (const size of [bytes.length, 1]) {
      const cut = split(bytes.subarray(0, -1), size);
      await t.rejects(decode(cut, field), { name: "nx_error", code: 1, message: truncated }, field);
    }
  }
  for (const [field, bytes] of CODINGS.filter(([name]) => /^deflate|^br/i.test(name))) {
    const more = Buffer.concat([bytes, Buffer.from("more")]);
    for (const size of [more.length, bytes.length, 1]) {
      await t.rejects(decode(split(more, size), field), { message: trailing }, `${field}, more`);
    }
  }
  const garbage = Buffer.concat([zlib.gzipSync(TEXT), Buffer.from("garbage")]);
  await t.rejects(decode([garbage], "gzip"), nx_error, "gzip, more");
  for (const field of ["gzip", "deflate", "br"]) {
    await t.rejects(decode([Buffer.from("not compressed at all")], field), nx_error, field);
  }
  const wrongSum = Buffer.from(zlib.gzipSync(TEXT));
  wrongSum[wrongSum.length - 8]! ^= 1;
  await t.rejects(decode([wrongSum], "gzip"), {
    message: "Could not uncompress response: incorrect data check",
  });
  await t.rejects(decode([TEXT], "gzip, gzip, gzip, gzip"), {
    message: "Too many content codings in response",
  });
});

t.test("what a body may cost", async (t) => {
  const zeros = zlib.gzipSync(Buffer.alloc(8 << 20));
  const beyond = { message: "Compressed response grows beyond the limit" };
  t.equal((await decode([zeros], "gzip", { inflate_ratio: 2000 })).length, 8 << 20);
  await t.rejects(decode([zeros], "gzip", { inflate_ratio: 100 }), beyond);
  const nested = decode([zlib.gzipSync(zeros)], "gzip, gzip", { inflate_ratio: 1000 });
  await t.rejects(nested, beyond, "one inside another");
  t.equal((await decode([zeros], "gzip")).length, 8 << 20, "no ratio unless one is set");
  await t.rejects(decode([zeros], "gzip", { body: 1000 }), {
    message: "Response body exceeds the limit",
  });
});

t.test("little is made before it is asked for", async (t) => {
  let asked = 0;
  // more than the queues of zlib's streams hold
  const packed = zlib.deflateRawSync(randomBytes(4 << 20));
  async function* source(): AsyncGenerator<Buffer> {
    for (const block of split(packed, 1024)) {
      asked += block.length;
      yield block;
    }
  }
  const limits = { ...DEFAULT_LIMITS, inflate_ratio: Infinity };
  const decoded = decodeBody(source(), ["deflate"], limits);
  await decoded.next();
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  t.ok(asked < packed.length / 2, `${asked} of ${packed.length} bytes were read`);
  await decoded.return(undefined);
});

t.test("what the source throws goes through", async (t) => {
  const failure = new Error("the line is dead");
  async function* source(): AsyncGenerator<Buffer> {
    yield zlib.gzipSync(TEXT).subarray(0, 20);
    throw failure;
  }
  await t.rejects(decode(source(), "gzip"), failure);
});
