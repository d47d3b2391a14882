// Records of TLS 1.3 against the trace of RFC 8448, and records that were not sealed with its keys.
import { createDecipheriv, createHash, createHmac, getCipherInfo } from "node:crypto";
import t from "tap";
import {
  expandLabel,
  RecordKeys,
  SUITES,
  type Suite,
} from "../../../lib/internal/tls/record_layer.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const AES = SUITES[0x1301] as Suite;
// RFC 8448, 3: the client's handshake traffic secret, and its Finished message, sealed and plain
const SECRET = hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
const FINISHED = hex(`14000020 a8ec436d677634ae525ac1fcebe11a03
  9ec17694fac6e98527b642f2edd5ce61`);
const SEALED = hex(`1703030035 75ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44
  d87f38f80338ac98fc46deb384bd1caeacab6867d726c40546`);

const open = (keys: RecordKeys, record: Buffer): ReturnType<RecordKeys["open"]> =>
  keys.open(record.subarray(0, 5), record.subarray(5));

t.test("keys of RFC 8448", async (t) => {
  t.same(expandLabel(AES, SECRET, "key", 16), hex("dbfaa693d1762c5b666af5d950258d01"));
  t.same(expandLabel(AES, SECRET, "iv", 12), hex("5bd3c71b836e0b76bb73265f"));
});

t.test("the sizes of every suite are those of its hash and its cipher", async (t) => {
  t.strictSame(Object.keys(SUITES).map(Number), [0x1301, 0x1302, 0x1303]);
  for (const { hash, cipher, keyBytes, hashBytes } of Object.values(SUITES)) {
    t.equal(hashBytes, createHash(hash).digest().length, cipher);
    t.equal(keyBytes, getCipherInfo(cipher)?.keyLength, cipher);
  }
});

t.test("the record of RFC 8448", async (t) => {
  t.same(new RecordKeys(AES, SECRET).seal(22, FINISHED), SEALED);
  t.strictSame(open(new RecordKeys(AES, SECRET), SEALED), { type: 22, content: FINISHED });
});

t.test("every suite opens what it sealed, in order", async (t) => {
  for (const suite of Object.values(SUITES)) {
    const secret = Buffer.alloc(suite.hashBytes, 1);
    const sender = new RecordKeys(suite, secret);
    const records = ["a", "b", "c"].map((text) => sender.seal(23, Buffer.from(text)));
    const [first, second, third] = records as [Buffer, Buffer, Buffer];
    const receiver = new RecordKeys(suite, secret);
    t.equal(open(receiver, first)?.content.toString(), "a", suite.cipher);
    t.equal(open(receiver, third), null, "one was left out");
    t.equal(open(receiver, third)?.content.toString(), "c", "it is counted all the same");
    t.equal(open(new RecordKeys(suite, secret), second), null);
  }
});

t.test("more than a record holds is cut", async (t) => {
  const content = Buffer.alloc(40_000, "x");
  const sealed = new RecordKeys(AES, SECRET).seal(23, content);
  const keys = new RecordKeys(AES, SECRET);
  const sizes: number[] = [];
  for (let at = 0; at < sealed.length; ) {
    const end = at + 5 + sealed.readUInt16BE(at + 3);
    sizes.push(open(keys, sealed.subarray(at, end))?.content.length ?? -1);
    at = end;
  }
  t.strictSame(sizes, [16384, 16384, 40_000 - 2 * 16384]);
});

t.test("what was not sealed so is no record", async (t) => {
  for (let at = 0; at < SEALED.length; at += 1) {
    const broken = Buffer.from(SEALED);
    broken[at] = (broken[at] as number) ^ 1;
    t.equal(open(new RecordKeys(AES, SECRET), broken), null, `byte ${at}`);
  }
  for (const length of [5, 6, 20, 21, 22, SEALED.length - 1]) {
    for (const suite of Object.values(SUITES)) {
      const cut = SEALED.subarray(0, length);
      t.equal(open(new RecordKeys(suite, SECRET), cut), null, `${length} bytes`);
    }
  }
  t.equal(open(new RecordKeys(AES, Buffer.alloc(32)), SEALED), null, "another secret");
});

t.test("padding goes, and a record of padding alone is none", async (t) => {
  const padded = new RecordKeys(AES, SECRET).seal(0, Buffer.from("\x16\0\0", "latin1"));
  t.strictSame(open(new RecordKeys(AES, SECRET), padded), { type: 22, content: Buffer.alloc(0) });
  const nothing = new RecordKeys(AES, SECRET).seal(0, Buffer.alloc(3));
  t.equal(open(new RecordKeys(AES, SECRET), nothing), null);
});

t.test("the nonce of every record is its number in the key's (RFC 8446, 5.3)", async (t) => {
  const key = hex("dbfaa693d1762c5b666af5d950258d01");
  const iv = BigInt("0x5bd3c71b836e0b76bb73265f");
  const keys = new RecordKeys(AES, SECRET);
  for (let number = 0; number < 66_000; number++) {
    const sealed = keys.seal(22, Buffer.from([1]));
    if (![0, 1, 255, 256, 257, 65_535, 65_536, 65_999].includes(number)) continue;
    const nonce = (iv ^ BigInt(number)).toString(16).padStart(24, "0");
    const decipher = createDecipheriv("aes-128-gcm", key, hex(nonce));
    decipher.setAAD(sealed.subarray(0, 5));
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(5, -16)), decipher.final()]);
    t.same(plain, Buffer.from([1, 22]), `record ${number}`);
  }
});

t.test("the shortest record has a type and nothing else", async (t) => {
  const sealed = new RecordKeys(AES, SECRET).seal(0, Buffer.from([22]));
  const shortest = new RecordKeys(AES, SECRET).seal(22, Buffer.alloc(0));
  t.equal(shortest.length, 0, "no content is no record");
  t.strictSame(open(new RecordKeys(AES, SECRET), sealed), { type: 22, content: Buffer.alloc(0) });
});

t.test("what a label is made from (RFC 8446, 7.1)", async (t) => {
  // the length in two bytes, the label and an empty context, each with its length; block 1 of HKDF
  const info = Buffer.from("\x01\x2c\x09tls13 key\0\x01", "latin1");
  const wanted = createHmac("sha256", SECRET).update(info).digest();
  t.same(expandLabel(AES, SECRET, "key", 300), wanted, "one hash at most");
});
