// The look into a server's flight: fed whole, byte by byte, and with hostile bytes. The handshakes
// themselves are tested in test/internal/wire/tls.ts.
import t from "tap";
import { readableName } from "../../../lib/internal/asn1/name.js";
import { Flight, type FlightEvent } from "../../../lib/internal/tls/flight.js";
import { RecordKeys, SUITES, type Suite } from "../../../lib/internal/tls/record_layer.js";
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
function hello(
  suite: number,
  version?: number,
  random = Buffer.alloc(32, 7),
  sessionId = Buffer.alloc(0),
): Buffer {
  const extension =
    version === undefined ? Buffer.alloc(0) : Buffer.concat([u16(43), u16(2), u16(version)]);
  return message(
    2,
    Buffer.concat([
      u16(0x0303),
      random,
      Buffer.from([sessionId.length]),
      sessionId,
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

function names(event: FlightEvent): string[] | string {
  return event.kind === "asked" ? event.names.map(readableName) : event.kind;
}

t.test("names_in_tls_1_2", async (t) => {
  const both = [readableName(ca), "EC Root"];
  t.same(names(new Flight().feed(flight12)), both, "whole");
  const drip = new Flight();
  const sights = [...flight12].map((byte) => names(drip.feed(Buffer.from([byte]))));
  t.same(sights.pop(), both, "byte by byte");
  t.ok(sights.every((event) => event === "more"));
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
  let last: FlightEvent = { kind: "more" };
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
      const event = new Flight().feed(changed);
      if (event.kind === "keys" && at > 60) t.fail(`byte ${at}`);
    }
  }
  t.pass("nothing was thrown");
});

const SUITE = SUITES[0x1301] as Suite;
const SECRET = Buffer.alloc(32, 5);
const CLIENT_HELLO = Buffer.from("\x01\0\0\x02hi", "latin1");
const finished = message(20, Buffer.alloc(32, 3));

const extension = (type: number, body: Buffer): Buffer =>
  Buffer.concat([u16(type), u16(body.length), body]);
const withLength = (body: Buffer): Buffer => Buffer.concat([u16(body.length), body]);

function request13(context: Buffer, ...extensions: Buffer[]): Buffer {
  const list = withLength(Buffer.concat(extensions));
  return message(13, Buffer.concat([Buffer.from([context.length]), context, list]));
}

/** A flight of TLS 1.3 with its messages sealed, and what is seen in it. */
function sealed13(answer: Buffer, ...messages: Buffer[]): FlightEvent {
  const flight = new Flight();
  flight.addHello(CLIENT_HELLO);
  flight.feed(record(22, answer));
  flight.setSecret(SECRET);
  const keys = new RecordKeys(SUITE, SECRET);
  return flight.feed(Buffer.concat(messages.map((body) => keys.seal(22, body))));
}

const SCHEMES = Buffer.concat([u16(0x0804), u16(0x0403), u16(0x0807)]);
const NAMES = Buffer.concat([withLength(ca.der), withLength(ec.der)]);

t.test("what an answer in TLS 1.3 needs", async (t) => {
  for (const sessionId of [Buffer.alloc(0), Buffer.alloc(32, 9)]) {
    const answer = hello(0x1301, 0x0304, undefined, sessionId);
    for (const context of [Buffer.alloc(0), Buffer.from([7, 8, 9])]) {
      const request = request13(
        context,
        extension(5, Buffer.from([1, 2, 3])),
        extension(13, withLength(SCHEMES)),
        extension(47, withLength(NAMES)),
      );
      const event = sealed13(answer, message(8, u16(0)), Buffer.concat([request, finished]));
      t.same(names(event), [readableName(ca), "EC Root"]);
      if (event.kind !== "asked") return;
      t.strictSame(event.late, {
        suite: SUITE,
        transcript: [CLIENT_HELLO, answer, message(8, u16(0)), request, finished],
        context,
        schemes: [0x0804, 0x0403, 0x0807],
      });
    }
  }
});

t.test("TLS 1.3 without a request, without its extensions, with broken ones", async (t) => {
  const answer = hello(0x1301, 0x0304);
  t.equal(sealed13(answer, finished).kind, "pass", "nothing is asked for");
  t.equal(sealed13(answer, request13(Buffer.alloc(0))).kind, "more", "not before the Finished");
  t.equal(sealed13(answer, Buffer.concat([request13(Buffer.alloc(0)), done])).kind, "more");
  const none = Buffer.alloc(0);
  const both = extension(47, withLength(NAMES));
  const one = extension(47, withLength(Buffer.concat([withLength(ca.der), u16(0)])));
  const cut = Buffer.concat([Buffer.of(0), u16(100), u16(13), u16(99), u16(2), u16(0x0804)]);
  const all = [0x0804, 0x0403, 0x0807];
  const [first, second] = [readableName(ca), readableName(ec)];
  const half = extension(13, Buffer.from([0, 3, 8, 4, 4]));
  const schemes13 = extension(13, withLength(SCHEMES));
  // lists whose length is one too small, so that what they hold last is cut
  const shortList = Buffer.from(request13(none, schemes13));
  shortList.writeUInt16BE(schemes13.length - 1, 5);
  const shortNames = Buffer.from(withLength(NAMES));
  shortNames.writeUInt16BE(NAMES.length - 1);
  const cutNames = extension(47, shortNames);
  const rows: [name: string, request: Buffer, names: string[], schemes: number[]][] = [
    ["extensions one byte longer than their list", shortList, [], []],
    ["names one byte longer than their list", request13(none, cutNames), [first], []],
    ["no extensions", request13(none), [], []],
    ["no body", message(13, none), [], []],
    ["half a number", request13(none, half), [], [0x0804]],
    ["an extension past the end", message(13, cut), [], []],
    ["a second one, empty", request13(none, schemes13, extension(13, none)), [], all],
    ["an empty one before", request13(none, extension(49, none), both), [first, second], []],
    ["an empty name at the end", request13(none, one), [first], []],
  ];
  for (const [name, request, expected, schemes] of rows) {
    const event = sealed13(answer, Buffer.concat([request, finished]));
    t.same(names(event), expected, name);
    if (event.kind === "asked") t.strictSame(event.late?.schemes, schemes, name);
  }
});

t.test("a secret before any hello of TLS 1.3 opens nothing", async (t) => {
  t.equal(new Flight().setSecret(SECRET).kind, "pass");
  const flight = new Flight();
  t.equal(flight.feed(record(22, hello(0x1301, 0x0304))).kind, "keys");
  t.equal(flight.look().kind, "keys", "as long as there is none");
  const data = new Flight();
  data.feed(record(22, hello(0x1301, 0x0304)));
  data.setSecret(SECRET);
  const alert = new RecordKeys(SUITE, SECRET).seal(21, Buffer.from([2, 40]));
  t.equal(data.feed(alert).kind, "pass", "a sealed alert");
  const empty = new Flight();
  empty.feed(record(22, hello(0x1301, 0x0304)));
  empty.setSecret(SECRET);
  const nothing = new RecordKeys(SUITE, SECRET).seal(0, Buffer.from([22]));
  t.equal(empty.feed(nothing).kind, "broken", "a sealed record without a message");
  const plain = new Flight();
  plain.feed(record(22, hello(0x1301, 0x0304)));
  plain.setSecret(SECRET);
  t.equal(plain.feed(record(22, finished)).kind, "pass", "nothing is plain any more");
});

t.test("the answer of TLS 1.2 has nothing for TLS 1.3", async (t) => {
  const event = new Flight().feed(flight12);
  t.equal(event.kind === "asked" ? event.late : 0, null);
  const other = new Flight().feed(record(22, hello(0x1301, 0x0303)));
  t.equal(other.kind, "more", "a version that is not 1.3");
});

t.test("limits: the longest record, message and flight", async (t) => {
  const LONGEST = 16384 + 2048;
  const start = (length: number): Buffer => Buffer.concat([Buffer.from([22, 3, 3]), u16(length)]);
  t.equal(new Flight().feed(start(LONGEST)).kind, "more");
  t.equal(new Flight().feed(start(LONGEST + 1)).kind, "pass");
  t.equal(new Flight().feed(Buffer.from([22, 2, 3, 0, 9])).kind, "pass", "SSL 2");
  const head = (length: number): Buffer =>
    record(22, Buffer.from([11, length >> 16, (length >> 8) & 0xff, length & 0xff]));
  t.equal(new Flight().feed(head(1 << 18)).kind, "more");
  t.equal(new Flight().feed(head((1 << 18) + 1)).kind, "pass");
  const part = record(22, Buffer.alloc(16384 - 5));
  const flight = new Flight();
  const first = Buffer.from(part);
  first.set([11, 4, 0, 0], 5);
  for (let i = 0; i < 16; i++) {
    t.equal(flight.feed(i === 0 ? first : part).kind, "more", `${(i + 1) * 16384} bytes`);
  }
  t.equal(flight.feed(Buffer.alloc(1)).kind, "pass", "one more");
});
