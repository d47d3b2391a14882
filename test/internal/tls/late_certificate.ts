// The client's flight with a certificate put in: opened again, each message is checked as a server
// would check it.
import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  verify,
  type KeyObject,
} from "node:crypto";
import t from "tap";
import type { LateRequest } from "../../../lib/internal/tls/flight.js";
import { canShow, LateFlight, type Shown } from "../../../lib/internal/tls/late_certificate.js";
import { expandLabel, RecordKeys, SUITES, type Suite } from "../../../lib/internal/tls/record_layer.js";
import { cert, certFile } from "../../fixtures/tls.js";

const SUITE = SUITES[0x1301] as Suite;
const SECRET = Buffer.alloc(32, 5);
const CCS = Buffer.from([20, 3, 3, 0, 1, 1]);
const HELLOS: Buffer[] = [Buffer.from("\x01\0\0\x02hi", "latin1"), Buffer.from("\x02\0\0\x02ho", "latin1")];

const shownOf = (file: string, key: string): Shown => ({
  chain: [cert(file).der, cert("ca.pem").der],
  key: createPrivateKey(certFile(key)),
});
const RSA = shownOf("client.pem", "client.key");
const EC = shownOf("client-ec.pem", "client-ec.key");
const ED25519 = shownOf("client-ed25519.pem", "client-ed25519.key");

const answer = (schemes: number[], transcript: Buffer[] = HELLOS): LateRequest => ({
  suite: SUITE,
  transcript,
  context: Buffer.from([9, 8]),
  schemes,
});

// an empty certificate and a Finished, as node:tls writes them
function original(pieces = 1): Buffer {
  const messages = Buffer.concat([
    Buffer.from([11, 0, 0, 4, 0, 0, 0, 0]),
    Buffer.from([20, 0, 0, 32]),
    Buffer.alloc(32, 3),
  ]);
  const keys = new RecordKeys(SUITE, SECRET);
  const size = Math.ceil(messages.length / pieces);
  const records = Array.from({ length: pieces }, (_, at) =>
    keys.seal(22, messages.subarray(at * size, (at + 1) * size)),
  );
  return Buffer.concat([CCS, ...records]);
}

/** The messages of a flight, by type. */
function messagesOf(flight: Buffer): Map<number, Buffer> {
  const keys = new RecordKeys(SUITE, SECRET);
  let bytes = Buffer.alloc(0);
  for (let at = 0; at < flight.length; ) {
    const end = at + 5 + flight.readUInt16BE(at + 3);
    if (flight[at] === 23) {
      const opened = keys.open(flight.subarray(at, at + 5), flight.subarray(at + 5, end));
      bytes = Buffer.concat([bytes, opened?.content ?? Buffer.from("broken")]);
    }
    at = end;
  }
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUIntBE(at + 1, 3);
    found.set(bytes[at] as number, bytes.subarray(at, end));
    at = end;
  }
  return found;
}

const sha256 = (...parts: Buffer[]): Buffer =>
  createHash("sha256").update(Buffer.concat(parts)).digest();

t.test("certificate, proof and Finished fit each other and the transcript", async (t) => {
  const rows: [name: string, shown: Shown, scheme: number, hash: string | null][] = [
    ["RSA", RSA, 0x0804, "sha256"],
    ["RSA with SHA-384", RSA, 0x0805, "sha384"],
    ["EC", EC, 0x0403, "sha256"],
    ["Ed25519", ED25519, 0x0807, null],
  ];
  for (const [name, shown, scheme, hash] of rows) {
    const late = new LateFlight(answer([scheme]), SECRET, shown);
    const flight = late.feed(original());
    t.equal(late.done, true, name);
    t.same(flight.subarray(0, CCS.length), CCS, "what is no message of the handshake stays");
    const messages = messagesOf(flight);
    t.strictSame([...messages.keys()], [11, 15, 20]);
    const [certificate, proof, finished] = [...messages.values()] as [Buffer, Buffer, Buffer];
    t.same(certificate.subarray(4, 7), Buffer.from([2, 9, 8]), "the context comes back");
    for (const der of shown.chain) t.ok(certificate.includes(der));
    t.equal(proof.readUInt16BE(4), scheme);
    const signed = Buffer.concat([
      Buffer.alloc(64, 0x20),
      Buffer.from("TLS 1.3, client CertificateVerify\0"),
      sha256(...HELLOS, certificate),
    ]);
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 };
    const key = { key: cert(certNameOf(shown)).node().publicKey, ...(shown === RSA ? padding : {}) };
    t.equal(verify(hash, signed, key, proof.subarray(8)), true, name);
    const mac = createHmac("sha256", expandLabel(SUITE, SECRET, "finished", 32));
    t.same(finished.subarray(4), mac.update(sha256(...HELLOS, certificate, proof)).digest());
  }
});

function certNameOf(shown: Shown): string {
  return shown === RSA ? "client.pem" : shown === EC ? "client-ec.pem" : "client-ed25519.pem";
}

t.test("however the flight is cut, and what follows it passes", async (t) => {
  const after = Buffer.from("what comes next");
  for (const pieces of [1, 2, 5]) {
    const late = new LateFlight(answer([0x0807]), SECRET, ED25519);
    const whole = new LateFlight(answer([0x0807]), SECRET, ED25519);
    const bytes: Buffer = Buffer.concat([original(pieces), after]);
    let drip = "";
    for (const byte of bytes) {
      if (!late.done) drip += late.feed(Buffer.of(byte)).toString("latin1");
    }
    const all = whole.feed(bytes);
    t.equal(drip, all.toString("latin1", 0, all.length - after.length), `${pieces} records`);
    t.same(all.subarray(-after.length), after);
  }
});

t.test("after another hello was asked for, the first counts as its hash", async (t) => {
  const retry = Buffer.concat([
    Buffer.from([2, 0, 0, 34, 3, 3]),
    Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex"),
  ]);
  const [hello] = HELLOS;
  if (hello === undefined) return;
  const transcript: Buffer[] = [hello, retry, ...HELLOS];
  const late = new LateFlight(answer([0x0807], transcript), SECRET, ED25519);
  const messages = messagesOf(late.feed(original()));
  const [certificate, proof, finished] = [...messages.values()] as [Buffer, Buffer, Buffer];
  const first = Buffer.concat([Buffer.from([254, 0, 0, 32]), sha256(hello)]);
  const mac = createHmac("sha256", expandLabel(SUITE, SECRET, "finished", 32));
  const wanted = mac.update(sha256(first, retry, ...HELLOS, certificate, proof)).digest();
  t.same(finished.subarray(4), wanted);
});

t.test("where nothing can be put in, the flight goes out as it is", async (t) => {
  const alert = new RecordKeys(SUITE, SECRET).seal(21, Buffer.from([2, 40]));
  const rows: [name: string, schemes: number[], bytes: Buffer][] = [
    ["no scheme in common", [0x0403], original()],
    ["an alert", [0x0807], alert],
    ["a record of other keys", [0x0807], new RecordKeys(SUITE, Buffer.alloc(32)).seal(22, CCS)],
    ["a plain alert", [0x0807], Buffer.from([21, 3, 3, 0, 2, 2, 40])],
  ];
  for (const [name, schemes, bytes] of rows) {
    const late = new LateFlight(answer(schemes), SECRET, ED25519);
    t.same(late.feed(bytes), bytes, name);
    t.equal(late.done, true, name);
  }
});

t.test("whether a certificate can be shown", async (t) => {
  t.equal(canShow(answer([0x0804]), RSA), true);
  t.equal(canShow(answer([0x0401]), RSA), false, "PKCS#1 1.5 proves nothing in TLS 1.3");
  t.equal(canShow(answer([0x0503, 0x0403]), EC), true);
  t.equal(canShow(answer([0x0503]), EC), false, "another curve");
  t.equal(canShow(answer([]), ED25519), false);
});

// RFC 8446, 4.2.3: the number, the key and the hash that it stands for
const KEYS: readonly [name: string, make: () => KeyObject, schemes: Record<number, string>][] = [
  ["RSA", () => RSA.key, { 0x0804: "sha256", 0x0805: "sha384", 0x0806: "sha512" }],
  [
    "RSA-PSS",
    () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey,
    { 0x0809: "sha256", 0x080a: "sha384", 0x080b: "sha512" },
  ],
  ["P-256", () => ecKey("prime256v1"), { 0x0403: "sha256" }],
  ["P-384", () => ecKey("secp384r1"), { 0x0503: "sha384" }],
  ["P-521", () => ecKey("secp521r1"), { 0x0603: "sha512" }],
  ["Ed25519", () => ED25519.key, { 0x0807: "" }],
  ["Ed448", () => generateKeyPairSync("ed448").privateKey, { 0x0808: "" }],
];

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

t.test("every scheme proves what it stands for, with no other kind of key", async (t) => {
  const all = KEYS.flatMap(([, , schemes]) => Object.keys(schemes).map(Number));
  for (const [name, make, schemes] of KEYS) {
    const shown: Shown = { chain: [Buffer.from("der")], key: make() };
    const usable = all.filter((scheme) => canShow(answer([scheme]), shown));
    t.strictSame(usable, Object.keys(schemes).map(Number), name);
    for (const [scheme, hash] of Object.entries(schemes)) {
      const flight = new LateFlight(answer([Number(scheme)]), SECRET, shown).feed(original());
      const messages = messagesOf(flight);
      const [certificate, proof] = [messages.get(11), messages.get(15)] as [Buffer, Buffer];
      const signed = Buffer.concat([
        Buffer.alloc(64, 0x20),
        Buffer.from("TLS 1.3, client CertificateVerify\0"),
        sha256(...HELLOS, certificate),
      ]);
      const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 };
      const isRsa = name.startsWith("RSA");
      const key = { key: createPublicKey(shown.key), ...(isRsa ? padding : {}) };
      t.equal(proof.readUInt16BE(4), Number(scheme));
      t.equal(proof.readUInt16BE(6), proof.length - 8, "the signature's length");
      t.equal(verify(hash === "" ? null : hash, signed, key, proof.subarray(8)), true, name);
    }
  }
  const other = { chain: [], key: generateKeyPairSync("x25519").privateKey };
  t.strictSame(all.filter((scheme) => canShow(answer([scheme]), other)), []);
});

t.test("long certificates, each with an empty list of extensions", async (t) => {
  const chain = [Buffer.alloc(70_000, 1), Buffer.alloc(300, 2)];
  const late = new LateFlight(answer([0x0807]), SECRET, { ...ED25519, chain });
  const certificate = messagesOf(late.feed(original())).get(11) as Buffer;
  const number24 = (value: number): Buffer => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntBE(value, 0, 3);
    return bytes;
  };
  const entries = chain.map((der) => Buffer.concat([number24(der.length), der, Buffer.alloc(2)]));
  const list = Buffer.concat(entries);
  const body = Buffer.concat([Buffer.from([2, 9, 8]), number24(list.length), list]);
  t.ok(certificate.equals(Buffer.concat([Buffer.from([11]), number24(body.length), body])));
});

t.test("records and messages of the smallest size", async (t) => {
  const late = new LateFlight(answer([0x0807]), SECRET, ED25519);
  const empty = Buffer.from([20, 3, 3, 0, 0]);
  t.same(late.feed(empty), empty, "a record without content is whole");
  const keys = new RecordKeys(SUITE, SECRET);
  t.equal(late.feed(keys.seal(22, Buffer.from([11, 0]))).length, 0, "held back");
  t.equal(late.feed(keys.seal(22, Buffer.from([0, 0]))).length, 0, "a message that is empty");
  t.equal(late.done, false);
  t.strictSame([...messagesOf(late.feed(keys.seal(22, Buffer.from([20, 0, 0, 0])))).keys()], [11, 15, 20]);
  t.equal(late.done, true);
  t.equal(late.feed(Buffer.from("after")).toString(), "after", "nothing comes twice");
  t.equal(late.feed(Buffer.from("wards")).toString(), "wards");
});

t.test("only a client's hello that was answered by a retry counts as its hash", async (t) => {
  const random = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
  const retry = (type: number): Buffer =>
    Buffer.concat([Buffer.from([type, 0, 0, 34, 3, 3]), Buffer.from(random, "hex")]);
  const [hello, answered] = HELLOS as [Buffer, Buffer];
  const rows: [name: string, transcript: Buffer[]][] = [
    ["no server's hello", [hello, retry(8)]],
    ["no client's hello", [answered, retry(2)]],
    ["the first of all", [retry(2), hello]],
    ["nothing at all", []],
    ["one message", [hello]],
  ];
  for (const [name, transcript] of rows) {
    const late = new LateFlight(answer([0x0807], transcript), SECRET, ED25519);
    const messages = messagesOf(late.feed(original()));
    const [certificate, proof, finished] = [...messages.values()] as [Buffer, Buffer, Buffer];
    const mac = createHmac("sha256", expandLabel(SUITE, SECRET, "finished", 32));
    const wanted = mac.update(sha256(...transcript, certificate, proof)).digest();
    t.same(finished.subarray(4), wanted, name);
  }
});

t.test("what was held back goes out when the handshake fails", async (t) => {
  const keys = new RecordKeys(SUITE, SECRET);
  const first = keys.seal(22, Buffer.from([11, 0, 0, 4, 0, 0, 0, 0]));
  const alert = keys.seal(21, Buffer.from([2, 40]));
  const late = new LateFlight(answer([0x0807]), SECRET, ED25519);
  t.equal(late.feed(first).length, 0);
  t.same(late.feed(alert), Buffer.concat([first, alert]));
  t.equal(late.done, true);
});
