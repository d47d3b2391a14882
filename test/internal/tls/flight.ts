// The look into a server's flight: fed whole, byte by byte, and with hostile bytes. The handshakes
// themselves are tested in test/internal/wire/tls.ts.
import t from "tap";
import { readableName } from "../../../lib/internal/asn1/name.js";
import { Flight, type Sight } from "../../../lib/internal/tls/flight.js";
import { cert } from "../../fixtures/tls.js";

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function message(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 0]), u16(body.length), body]);
}

function record(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3]), u16(body.length), body]);
}

// a hello of TLS 1.2 has no supported_versions
function hello(suite: number, version?: number, random = Buffer.alloc(32, 7)): Buffer {
  const extension =
    version === undefined ? Buffer.alloc(0) : Buffer.concat([u16(43), u16(2), u16(version)]);
  return message(
    2,
    Buffer.concat([
      u16(0x0303),
      random,
      Buffer.from([0]),
      u16(suite),
      Buffer.from([0]),
      u16(extension.length),
      extension,
    ]),
  );
}

function request12(...names: Buffer[]): Buffer {
  const list = Buffer.concat(names.map((der) => Buffer.concat([u16(der.length), der])));
  return message(
    13,
    Buffer.concat([Buffer.from([1, 1]), u16(2), u16(0x0804), u16(list.length), list]),
  );
}

const done = message(14, Buffer.alloc(0));
const ca = cert("ca.pem").subject;
const ec = cert("ca-ec.pem").subject;
const flight12 = record(22, Buffer.concat([hello(0xc02f), request12(ca.der, ec.der), done]));

function names(sight: Sight): string[] | string {
  return sight.kind === "asked" ? sight.names.map(readableName) : sight.kind;
}

t.test("names_in_tls_1_2", async (t) => {
  const both = [readableName(ca), "EC Root"];
  t.same(names(new Flight().feed(flight12)), both, "whole");
  const drip = new Flight();
  const sights = [...flight12].map((byte) => names(drip.feed(Buffer.from([byte]))));
  t.same(sights.pop(), both, "byte by byte");
  t.ok(sights.every((sight) => sight === "more"));
  const pieces = [hello(0xc02f), request12(ca.der), done].map((part) => record(22, part));
  t.same(names(new Flight().feed(Buffer.concat(pieces))), [readableName(ca)], "in three records");
  t.same(names(new Flight().feed(record(22, Buffer.concat([request12(), done])))), [], "no names");
});

t.test("records_of_one_byte", async (t) => {
  // 43,000 of them took seconds once; the work is now what the bytes are
  const list = Array.from({ length: 150 }, () => ca.der);
  const bytes = Buffer.concat([hello(0xc02f), request12(...list), done]);
  const tiny = Buffer.concat([...bytes].map((byte) => record(22, Buffer.from([byte]))));
  t.equal(names(new Flight().feed(tiny)).length, 150, "in one piece");
  const drip = new Flight();
  let last: Sight = { kind: "more" };
  for (let at = 0; at < tiny.length; at += 6) last = drip.feed(tiny.subarray(at, at + 6));
  t.equal(names(last).length, 150, "one by one");
});

t.test("empty_records_are_refused", async (t) => {
  const empty = record(22, Buffer.alloc(0));
  t.same(new Flight().feed(Buffer.concat([record(22, hello(0xc02f)), empty])), {
    kind: "broken",
    reason: "empty handshake record",
  });
  t.equal(new Flight().feed(empty).kind, "broken");
});

t.test("not_asked", async (t) => {
  t.equal(new Flight().feed(record(22, Buffer.concat([hello(0xc02f), done]))).kind, "pass");
  const resumed = Buffer.concat([record(22, hello(0xc02f)), record(20, Buffer.from([1]))]);
  t.equal(new Flight().feed(resumed).kind, "pass", "resumed");
});

t.test("tls_1_3_waits_for_the_keys", async (t) => {
  const flight = new Flight();
  t.equal(flight.feed(record(22, hello(0x1301, 0x0304))).kind, "keys");
  t.equal(flight.setSecret(Buffer.alloc(32)).kind, "more");
  t.equal(flight.feed(record(20, Buffer.from([1]))).kind, "more", "a record that means nothing");
  t.equal(flight.feed(record(23, Buffer.alloc(50))).kind, "pass", "sealed with another key");
  const unknown = new Flight();
  t.equal(
    unknown.feed(Buffer.concat([record(22, hello(0x1399, 0x0304)), record(23, done)])).kind,
    "pass",
  );
});

t.test("hello_retry", async (t) => {
  const random = Buffer.from(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c",
    "hex",
  );
  const flight = new Flight();
  t.equal(flight.feed(record(22, hello(0x1301, 0x0304, random))).kind, "release");
  t.equal(flight.feed(record(20, Buffer.from([1]))).kind, "more");
  t.equal(flight.feed(record(22, hello(0x1301, 0x0304))).kind, "keys");
});

const HOSTILE: readonly [reason: string, bytes: Buffer][] = [
  ["no TLS", Buffer.from("HTTP/1.0 400 Bad Request\r\n\r\n")],
  ["an alert", record(21, Buffer.from([2, 40]))],
  ["data before the hello", record(23, Buffer.alloc(20))],
  ["a record that is too long", Buffer.from([22, 3, 3, 0xff, 0xff])],
  ["a message that is too long", record(22, Buffer.from([13, 0xff, 0xff, 0xff]))],
  [
    "more than any flight has",
    Buffer.concat(Array.from({ length: 70 }, () => record(22, message(11, Buffer.alloc(4000))))),
  ],
];

t.test("hostile_flights_pass_unseen", async (t) => {
  for (const [reason, bytes] of HOSTILE) t.equal(new Flight().feed(bytes).kind, "pass", reason);
});

t.test("broken_requests_have_no_names", async (t) => {
  const bodies: readonly [reason: string, body: string][] = [
    ["empty", ""],
    ["types beyond the end", "ff"],
    ["algorithms beyond the end", "0101ffff"],
    ["names beyond the end", "01010002080400ff0020"],
    ["a name that is none", "010100020804000400020400"],
  ];
  for (const [reason, body] of bodies) {
    const bytes = Buffer.concat([message(13, Buffer.from(body, "hex")), done]);
    t.same(names(new Flight().feed(record(22, bytes))), [], reason);
  }
});

t.test("cut_and_changed_at_every_byte", async (t) => {
  for (let at = 0; at < flight12.length; at += 1) {
    new Flight().feed(flight12.subarray(0, at));
    for (const value of [0x00, 0x7f, 0xff]) {
      const changed = Buffer.from(flight12);
      changed[at] = value;
      const sight = new Flight().feed(changed);
      if (sight.kind === "keys" && at > 60) t.fail(`byte ${at}`);
    }
  }
  t.pass("nothing was thrown");
});
