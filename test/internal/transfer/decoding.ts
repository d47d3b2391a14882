// Codings that nobody asked for: taken off, but for files that are meant to stay in one.
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import t from "tap";
import { Decoding, isCoded } from "../../../lib/internal/transfer/decoding.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../../../lib/ne_session.js";
import { failureOf } from "../../fixtures/conversation.js";

t.test("whether to decode", async (t) => {
  const rows: [field: string | null, path: string, coded: boolean][] = [
    [null, "/a", false],
    ["", "/a", false],
    ["identity", "/a", false],
    ["gzip", "/a.html", true],
    ["gzip", "/a.tar.gz", false],
    ["x-gzip", "/a.TGZ", false],
    ["gzip", "/a.gz?download=1", false],
    ["gzip", "/a?name=b.gz", true],
    ["br", "/a.gz", true],
    ["br", "/a.js.br", false],
    ["zstd", "/a.zst", false],
    ["gzip, br", "/a.gz", true],
    ["unknown", "/a", true],
  ];
  for (const [field, path, coded] of rows) t.equal(isCoded(field, path), coded, `${field} ${path}`);
});

function session(t: { teardown(fn: () => void): void }): ne_session {
  const sess = ne_session_create("http", "h", 80);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

const TEXT = "some text, and more of it ".repeat(2000);

t.test("blocks go in and come out", async (t) => {
  const coded: [field: string, bytes: Buffer][] = [
    ["gzip", gzipSync(TEXT)],
    ["br", brotliCompressSync(TEXT)],
    ["deflate", deflateSync(TEXT)],
    ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ];
  for (const [field, bytes] of coded) {
    let out = "";
    const decoding = new Decoding(session(t), field, async (block) => {
      out += block.toString();
    });
    for (let at = 0; at < bytes.length; at += 7) {
      const block = Buffer.from(bytes.subarray(at, at + 7));
      await decoding.feed(block);
      block.fill(0);
    }
    await decoding.end();
    t.equal(out, TEXT, field);
  }
});

t.test("what cannot be decoded", async (t) => {
  const run = (field: string, bytes: Buffer, write = async (): Promise<void> => {}): Promise<unknown> =>
    failureOf(async () => {
      const decoding = new Decoding(session(t), field, write);
      await decoding.feed(bytes);
      await decoding.end();
    });
  t.match(await run("klingon", gzipSync(TEXT)), {
    message: "Could not take off the Content-Encoding klingon",
  });
  t.match(await run("gzip", Buffer.from("no gzip at all")), Error);
  t.match(await run("gzip", gzipSync(TEXT).subarray(0, -20)), Error, "cut off");
  const full = Promise.reject(Object.assign(new Error("the disk is full")));
  full.catch(() => {});
  t.match(await run("gzip", gzipSync(TEXT), () => full), { message: "the disk is full" });
});
