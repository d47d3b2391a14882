// The cursor over DER: what it reads, and that no bytes make it read beyond its element.
import t from "tap";
import {
  Der,
  DerError,
  TAG,
  integerBytes,
  oidText,
  orNull,
} from "../../../lib/internal/asn1/der.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

function refuses(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    return error instanceof DerError;
  }
}

t.test("reads_elements_in_order", async (t) => {
  const der = new Der(hex("02 01 05  04 02 AB CD  30 03 01 01 FF"));
  t.equal(der.smallInteger(), 5);
  t.same(der.bytes(TAG.OCTET_STRING), hex("ABCD"));
  const inner = der.open(TAG.SEQUENCE);
  t.same(inner.bytes(TAG.BOOLEAN), hex("FF"));
  t.ok(inner.done);
  der.end();
  const other = new Der(hex("04 02 AB CD  02 01 05"));
  t.equal(other.skip(), 2, "where the content begins");
  t.equal(other.smallInteger(), 5);
  t.equal(der.tag, -1);
});

const MALFORMED: readonly [reason: string, bytes: string][] = [
  ["nothing", ""],
  ["tag alone", "30"],
  ["length beyond the end", "30 05 02 01 01"],
  ["length far beyond the end", "30 84 FF FF FF FF"],
  ["length of length cut", "30 82 01"],
  ["length of five bytes", "30 85 00 00 00 00 01 00"],
  ["length of 127 bytes", "30 FF"],
  ["length without end", "30 80 00 00"],
  ["tag of several bytes", "1F 81 01 00"],
];

t.test("malformed_elements_are_refused", async (t) => {
  for (const [reason, bytes] of MALFORMED) {
    t.equal(
      orNull(() => new Der(hex(bytes)).element()),
      null,
      reason,
    );
  }
});

t.test("wrong_tag_and_leftovers_are_refused", async (t) => {
  t.ok(refuses(() => new Der(hex("02 01 05")).bytes(TAG.OCTET_STRING)));
  t.ok(refuses(() => new Der(hex("02 01 05")).end()));
  t.equal(new Der(hex("02 01 05")).openOptional(0xa0), null);
});

t.test("depth_is_limited", async (t) => {
  const nested = (levels: number): Buffer => {
    let bytes = Buffer.alloc(0);
    for (let i = 0; i < levels; i += 1) {
      bytes = Buffer.concat([Buffer.from([0x30, bytes.length]), bytes]);
    }
    return bytes;
  };
  let der = new Der(nested(30));
  while (!der.done) der = der.open(TAG.SEQUENCE);
  const deep = (): void => {
    let at = new Der(nested(60));
    while (!at.done) at = at.open(TAG.SEQUENCE);
  };
  t.ok(refuses(deep));
});

t.test("integers", async (t) => {
  t.equal(new Der(hex("02 06 7F FF FF FF FF FF")).smallInteger(), 0x7fffffffffff);
  for (const [reason, bytes] of [
    ["empty", "02 00"],
    ["padded with zero", "02 02 00 01"],
    ["padded with ones", "02 02 FF 80"],
    ["negative", "02 01 80"],
    ["seven bytes", "02 07 01 00 00 00 00 00 00"],
    ["huge", `02 82 10 00 ${"7F".repeat(4096)}`],
  ] as const) {
    t.ok(
      refuses(() => new Der(hex(bytes)).smallInteger()),
      reason,
    );
  }
  t.same(integerBytes(hex("00FF")), hex("00FF"), "the zero keeps it from being negative");
});

t.test("object_identifiers", async (t) => {
  for (const [bytes, text] of [
    ["55 04 03", "2.5.4.3"],
    ["2A 86 48 86 F7 0D 01 09 01", "1.2.840.113549.1.9.1"],
    ["88 37", "2.999"],
    ["00", "0.0"],
    ["27", "0.39"],
    ["28", "1.0"],
    ["60 86 48 01 65 03 04 02 01", "2.16.840.1.101.3.4.2.1"],
  ] as const) {
    t.equal(oidText(hex(bytes)), text);
  }
  for (const [reason, bytes] of [
    ["empty", ""],
    ["cut", "55 84"],
    ["padded arc", "55 80 01"],
    ["arc too large", "55 FF FF FF FF FF FF FF FF 7F"],
    ["too long", "55".repeat(65)],
  ] as const) {
    t.ok(
      refuses(() => oidText(hex(bytes))),
      reason,
    );
  }
});

t.test("other_errors_are_not_swallowed", async (t) => {
  const fail = (): never => {
    throw new RangeError("mine");
  };
  t.throws(() => orNull(fail), new RangeError("mine"));
});
