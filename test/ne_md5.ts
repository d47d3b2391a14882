// MD5 sums and states.
import { Readable } from "node:stream";
import t from "tap";
import {
  ne_ascii_to_md5,
  ne_md5_create_ctx,
  ne_md5_destroy_ctx,
  ne_md5_dup_ctx,
  ne_md5_finish_ascii,
  ne_md5_finish_ctx,
  ne_md5_process_block,
  ne_md5_process_bytes,
  ne_md5_read_ctx,
  ne_md5_reset_ctx,
  ne_md5_stream,
  ne_md5_to_ascii,
  type ne_md5_ctx,
} from "../lib/ne_md5.js";

const create = () => ne_md5_create_ctx() as ne_md5_ctx;
const hex = (bytes: Uint8Array | null) => Buffer.from(bytes!).toString("hex");

// RFC 1321 appendix A.5
const SUITE: readonly [text: string, sum: string][] = [
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
  ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
];

t.test("md5: the suite of RFC 1321", async (t) => {
  for (const [text, sum] of SUITE) {
    const ctx = create();
    ne_md5_process_bytes(Buffer.from(text), ctx);
    t.equal(ne_md5_finish_ascii(ctx), sum);
    ne_md5_destroy_ctx(ctx);
  }
});

t.test("the state is not the sum", async (t) => {
  const ctx = create();
  const start = "0123456789abcdeffedcba9876543210";
  t.equal(hex(ne_md5_read_ctx(ctx, Buffer.alloc(16))), start);
  ne_md5_process_bytes(Buffer.from("abc"), ctx);
  t.equal(hex(ne_md5_read_ctx(ctx, Buffer.alloc(16))), start, "bytes wait for a full block");
  ne_md5_process_block(Buffer.alloc(128, "a"), ctx);
  const resbuf = Buffer.alloc(20, 0xee);
  t.equal(ne_md5_read_ctx(ctx, resbuf), resbuf);
  t.equal(hex(resbuf.subarray(16)), "eeeeeeee", "only 16 bytes are written");
  t.not(hex(resbuf.subarray(0, 16)), start);
});

t.test("a copy goes its own way, a reset begins again", async (t) => {
  const ctx = create();
  ne_md5_process_bytes(Buffer.from("a"), ctx);
  const copy = ne_md5_dup_ctx(ctx) as ne_md5_ctx;
  ne_md5_process_bytes(Buffer.from("bc"), ctx);
  const sum = Buffer.alloc(16);
  t.equal(ne_md5_finish_ctx(ctx, sum), sum);
  t.equal(hex(sum), "900150983cd24fb0d6963f7d28e17f72");
  t.equal(ne_md5_finish_ascii(copy), "0cc175b9c0f1b6a831c399e269772661");
  ne_md5_reset_ctx(ctx);
  t.equal(ne_md5_finish_ascii(ctx), "d41d8cd98f00b204e9800998ecf8427e");
});

t.test("streams", async (t) => {
  const sum = Buffer.alloc(16);
  t.equal(await ne_md5_stream(Readable.from([Buffer.from("a"), "bc"]), sum), 0);
  t.equal(hex(sum), "900150983cd24fb0d6963f7d28e17f72");
  const broken = new Readable({ read: () => void broken.destroy(new Error("no disk")) });
  t.equal(await ne_md5_stream(broken, sum), 1);
});

t.test("hex digits", async (t) => {
  const bytes = Buffer.alloc(16);
  ne_ascii_to_md5("00112233445566778899AABBccddeeff", bytes);
  t.equal(hex(bytes), "00112233445566778899aabbccddeeff");
  const text = { value: "" };
  ne_md5_to_ascii(bytes, text);
  t.equal(text.value, "00112233445566778899aabbccddeeff");
});

t.test("mistakes of the caller", async (t) => {
  const ctx = create();
  const bytes = Buffer.alloc(16);
  t.throws(
    () => ne_md5_process_block(Buffer.alloc(63), ctx),
    new TypeError("ne_md5_process_block: the number of bytes must be a multiple of 64"),
  );
  t.throws(() => ne_md5_process_bytes("x" as unknown as Uint8Array, ctx), /must be a Uint8Array/);
  t.throws(
    () => ne_md5_finish_ctx(ctx, Buffer.alloc(15)),
    new TypeError("ne_md5_finish_ctx: resbuf must have 16 bytes"),
  );
  ne_md5_finish_ctx(ctx, bytes);
  t.throws(
    () => ne_md5_finish_ctx(ctx, bytes),
    new TypeError("ne_md5_finish_ctx: the computation has ended; reset or destroy it"),
  );
  t.throws(
    () => ne_ascii_to_md5("0".repeat(31), bytes),
    new TypeError("ne_ascii_to_md5: buffer must have 32 hex digits"),
  );
  ne_md5_destroy_ctx(ctx);
  t.throws(
    () => ne_md5_reset_ctx(ctx),
    new TypeError("ne_md5_reset_ctx: the ne_md5_ctx was destroyed already"),
  );
  await t.rejects(ne_md5_stream(Readable.from([]), Buffer.alloc(1)), TypeError);
});
