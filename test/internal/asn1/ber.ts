// BER as older programs write it comes out as DER; what is neither is refused.
import t from "tap";
import { berToDer, element } from "../../../lib/internal/asn1/ber.js";
import { certFile } from "../../fixtures/tls.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

t.test("what is DER already comes back as it is", async (t) => {
  for (const file of ["form-der.der", "client.p12"]) {
    t.ok(berToDer(certFile(file)).equals(certFile(file)), file);
  }
});

t.test("rewritten", async (t) => {
  const rows = [
    ["a sequence without end", "3080 020101 0000", "3003 020101"],
    ["an empty one", "3080 0000", "3000"],
    ["one in another", "3080 3080 020101 0000 020102 0000", "3008 3003020101 020102"],
    ["a string in pieces", "2480 040161 04026263 0000", "0403 616263"],
    ["pieces of pieces", "2480 2480 040161 0000 040162 0000", "0402 6162"],
    ["pieces with a length", "2406 040161 040162", "0402 6162"],
    ["a string of no pieces", "2480 0000", "0400"],
    ["a context tag keeps its pieces", "a080 040161 040162 0000", "a006 040161 040162"],
    ["a length that is longer than it need be", "048400000001 61", "0401 61"],
    ["what follows goes", "020101 ffff", "020101"],
  ] as const;
  for (const [name, ber, der] of rows) t.same(berToDer(hex(ber)), hex(der), name);
});

t.test("refused", async (t) => {
  const rows = [
    ["nothing", "", "ends too early"],
    ["a tag alone", "30", "ends too early"],
    ["the end mark alone", "0000", "no element"],
    ["a length beyond the end", "0402 61", "length beyond the end"],
    ["a member beyond its sequence", "3003 0402 61 62", "length beyond the end"],
    ["a length of five bytes", "04850000000001 61", "length too large"],
    ["a length cut off", "048201", "ends too early"],
    ["a tag of several bytes", "1f8101 00", "long tag"],
    ["a string without end that is no pieces", "0480 0000", "length without end"],
    ["no end mark", "3080 020101", "ends too early"],
    ["an end mark where a length is", "3005 020101 0000", "end where there is none"],
  ] as const;
  for (const [name, ber, message] of rows) {
    t.throws(() => berToDer(hex(ber)), { message }, name);
  }
});

t.test("depth and number are limited", async (t) => {
  const nested = (depth: number): Buffer =>
    Buffer.concat([Buffer.alloc(2 * depth, hex("3080")), Buffer.alloc(2 * depth)]);
  t.equal(berToDer(nested(32)).length, 64);
  t.throws(() => berToDer(nested(33)), { message: "nested too deep" });
  const many = (count: number): Buffer => element(0x30, Buffer.alloc(2 * count, hex("0500")));
  t.equal(berToDer(many(99_999)).length, many(99_999).length);
  t.throws(() => berToDer(many(100_000)), { message: "too many elements" });
});

t.test("lengths in DER are as short as can be", async (t) => {
  const heads = [
    [0, "0400"],
    [0x7f, "047f"],
    [0x80, "048180"],
    [0xff, "0481ff"],
    [0x100, "04820100"],
    [0x10000, "0483010000"],
  ] as const;
  for (const [length, head] of heads) {
    const made = element(0x04, Buffer.alloc(length, 1));
    t.equal(made.toString("hex", 0, made.length - length), head);
  }
});
