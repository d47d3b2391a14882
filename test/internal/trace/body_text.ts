// Bodies as text and back: no byte is lost, or it stays binary.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import t from "tap";
import {
  bytesOf,
  decodeCodings,
  textOf,
} from "../../../lib/internal/trace/body_text.js";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

t.test("text that comes back the same", async (t) => {
  const rows: [bytes: Buffer, type: string, text: string | null][] = [
    [Buffer.from("ä"), "text/plain", "ä"],
    [Buffer.from("ä"), "", "ä"],
    [latin1("\xe4"), "text/plain; charset=iso-8859-1", "ä"],
    [latin1("\xe4"), "text/plain", null],
    [Buffer.from("ä", "utf16le"), "text/plain; charset=utf-16le", "ä"],
    [Buffer.from("\ufeffä"), "text/plain", "\ufeffä"],
    [Buffer.from("a\0b"), "text/plain", null],
    [Buffer.from("a\tb\n\x1b["), "text/plain", "a\tb\n\x1b["],
    [Buffer.from("text"), "image/png", null],
    [Buffer.from("<svg/>"), "image/svg+xml", "<svg/>"],
    [Buffer.from("text"), "application/octet-stream", null],
    [Buffer.alloc(0), "text/plain", ""],
    [Buffer.from("x"), "text/plain; charset=klingon", "x"],
  ];
  for (const [bytes, type, text] of rows) {
    t.equal(textOf(bytes, type), text, `${bytes.toString("hex")} ${type}`);
    if (text !== null) t.ok(bytesOf(text, type)?.equals(bytes), `${type} and back`);
  }
});

t.test("text that a charset has no room for", async (t) => {
  t.equal(bytesOf("€", "text/plain; charset=iso-8859-5"), null);
  t.same(bytesOf("€", "text/plain; charset=utf-16be"), Buffer.from("20ac", "hex"));
  t.same(bytesOf("€", "text/plain"), Buffer.from("€"));
});

t.test("content codings", async (t) => {
  const text = Buffer.from("content ".repeat(100));
  const rows: [field: string | null, bytes: Buffer, decoded: Buffer | null][] = [
    [null, text, text],
    ["identity", text, text],
    ["gzip", gzipSync(text), text],
    ["br", brotliCompressSync(text), text],
    ["deflate", deflateSync(text), text],
    ["deflate", deflateRawSync(text), text],
    ["gzip, br", brotliCompressSync(gzipSync(text)), text],
    ["gzip", Buffer.alloc(0), Buffer.alloc(0)],
    ["gzip", gzipSync(text).subarray(0, -9), null],
    ["gzip", text, null],
    ["klingon", text, null],
  ];
  for (const [field, bytes, decoded] of rows) t.same(decodeCodings(bytes, field), decoded, String(field));
});

t.test("a recording does not swell", async (t) => {
  t.equal(decodeCodings(gzipSync(Buffer.alloc(65 * 1024 * 1024)), "gzip"), null);
});
