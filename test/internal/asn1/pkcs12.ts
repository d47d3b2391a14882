// PKCS#12 files in every encryption, in DER and BER, whole and broken.
import t from "tap";
import { element } from "../../../lib/internal/asn1/ber.js";
import { readPkcs12 } from "../../../lib/internal/asn1/keyfile.js";
import { macOf } from "../../../lib/internal/asn1/pkcs12_crypto.js";
import { parsePkcs12 } from "../../../lib/internal/asn1/pkcs12.js";
import { cert, certFile } from "../../fixtures/tls.js";

// what opens a file; null: nothing is needed
const FILES: readonly [file: string, password: string | null, cert: string, issuers: number][] = [
  ["client.p12", "secret", "client.pem", 0],
  ["client-3des.p12", "secret", "client.pem", 0],
  ["client-rc2.p12", "secret", "client.pem", 0], // refused by an OpenSSL 3 without legacy provider
  ["client-aes128.p12", "secret", "client.pem", 0],
  ["client-aes256-sha512mac.p12", "secret", "client.pem", 0],
  ["client-pbes2-3des.p12", "secret", "client.pem", 0],
  ["client-iter1.p12", "secret", "client.pem", 0],
  ["client-certplain.p12", "secret", "client.pem", 0],
  ["client-utf8.p12", "pässwörd€", "client.pem", 0],
  ["client-utf8-3des.p12", "pässwörd", "client.pem", 0],
  ["client-longpass.p12", "p".repeat(200), "client.pem", 0],
  ["client-ca.p12", "secret", "client.pem", 1],
  ["client-chain.p12", "secret", "client-inter.pem", 2],
  ["client-ec.p12", "secret", "client-ec.pem", 0],
  ["client-ed25519.p12", "secret", "client-ed25519.pem", 0],
  ["client-trailing.p12", "secret", "client.pem", 0],
  ["client-plain.p12", null, "client.pem", 0],
  ["client-plain-noname.p12", null, "client.pem", 0],
  ["client-plain-mac.p12", null, "client.pem", 0],
  ["client-emptypass.p12", null, "client.pem", 0],
  ["client-ec-plain.p12", null, "client-ec.pem", 0],
];

t.test("opens", async (t) => {
  for (const [file, password, certificate, issuers] of FILES) {
    const read = readPkcs12(certFile(file));
    t.equal(read?.pair === null, password !== null, `${file} needs a password`);
    for (const wrong of ["", "wrong", `${password ?? ""}x`]) {
      if (read?.unlock) t.equal(read.unlock(wrong), null, `${file} with ${wrong.slice(0, 9)}`);
    }
    const pair = password === null ? read?.pair : read?.unlock?.(password);
    t.same(pair?.cert.der, cert(certificate).der, file);
    t.equal(pair?.others.length, issuers, file);
    t.ok(pair?.cert.node().checkPrivateKey(pair.key), file);
  }
});

t.test("incomplete_files_stay_closed", async (t) => {
  for (const file of ["client-nokey.p12", "client-nocert.p12"]) {
    const read = readPkcs12(certFile(file));
    t.equal(read?.unlock?.("wrong"), null, file);
    t.equal(read?.unlock?.("secret"), null, file);
  }
});

t.test("refused_files", async (t) => {
  for (const file of [
    "client-nokey-plain.p12", // opens, but has no key
    "client-nomac.p12", // a password that nothing can prove
    "client-cut.p12",
    "client-garbage.p12",
    "client-empty.p12",
    "client-pem.p12",
    "good.pem",
    "form-der.der",
  ]) {
    t.equal(readPkcs12(certFile(file)), null, file);
  }
});

// The same bytes with lengths that have no end, and strings in pieces of 100 bytes.
function toBer(der: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < der.length;) {
    const { tag, content, end } = headerAt(der, at);
    at = end;
    if (tag === 0x04 && content.length > 100) {
      const pieces: Buffer[] = [];
      for (let i = 0; i < content.length; i += 100) {
        pieces.push(element(0x04, content.subarray(i, i + 100)));
      }
      parts.push(Buffer.from([0x24, 0x80]), ...pieces, Buffer.from([0, 0]));
    } else if (tag & 0x20) {
      parts.push(Buffer.from([tag, 0x80]), toBer(content), Buffer.from([0, 0]));
    } else {
      parts.push(element(tag, content));
    }
  }
  return Buffer.concat(parts);
}

function headerAt(der: Buffer, at: number): { tag: number; content: Buffer; end: number } {
  const first = der[at + 1] as number;
  const count = first < 0x80 ? 0 : first & 0x7f;
  const length = count === 0 ? first : der.readUIntBE(at + 2, count);
  const start = at + 2 + count;
  return {
    tag: der[at] as number,
    content: der.subarray(start, start + length),
    end: start + length,
  };
}

t.test("ber", async (t) => {
  for (const [file, password] of [
    ["client.p12", "secret"],
    ["client-rc2.p12", "secret"],
    ["client-chain.p12", "secret"],
  ] as const) {
    const read = readPkcs12(toBer(certFile(file)));
    t.equal(read?.name, readPkcs12(certFile(file))?.name, file);
    t.ok(read?.unlock?.(password), file);
  }
  t.ok(readPkcs12(toBer(certFile("client-plain.p12")))?.pair, "client-plain.p12");
  t.equal(readPkcs12(Buffer.alloc(100_000, Buffer.from([0x30, 0x80]))), null, "depth is limited");
});

// The file around a content, with its code for "secret"; `hash` is an object identifier in DER.
function sealed(content: Buffer, hash = "0609608648016503040201"): Buffer {
  const salt = Buffer.alloc(8, 1);
  const mac = { hash: "2.16.840.1.101.3.4.2.1", wanted: salt, salt, iterations: 1 };
  const sequence = (...parts: Buffer[]): Buffer => element(0x30, Buffer.concat(parts));
  const digest = element(0x04, macOf(mac, content, "secret"));
  const code = sequence(sequence(sequence(Buffer.from(hash, "hex")), digest), element(0x04, salt));
  const data = Buffer.from("06092a864886f70d010701", "hex");
  const safe = sequence(data, element(0xa0, element(0x04, content)));
  return sequence(Buffer.from("020103", "hex"), safe, code);
}

t.test("the_code_is_that_of_the_bytes_as_they_stand", async (t) => {
  const content = parsePkcs12(certFile("client.p12"))?.content as Buffer;
  t.ok(readPkcs12(sealed(content))?.unlock?.("secret"), "in DER");
  const inBer = readPkcs12(sealed(toBer(content)));
  t.equal(inBer?.name, "Just A. Client");
  t.ok(inBer?.unlock?.("secret"), "in BER, as NSS writes it");
  t.equal(inBer?.unlock?.("wrong"), null);
});

t.test("the_code_comes_before_the_content", async (t) => {
  const damaged = readPkcs12(sealed(Buffer.from("damaged")));
  t.ok(damaged?.unlock, "nobody knows yet that only the password is wrong");
  t.equal(damaged?.unlock?.("secret"), null);
  t.equal(readPkcs12(sealed(Buffer.from("damaged"), "06022a03")), null, "an unknown hash");
  t.equal(readPkcs12(sealed(Buffer.from("damaged"), "0500")), null, "no hash");
});

t.test("a_broken_part_does_not_hide_the_name", async (t) => {
  const data = Buffer.from("06092a864886f70d010701", "hex");
  const broken = element(0x30, Buffer.concat([data, element(0xa0, element(0x04, data))]));
  const { content } = headerAt(parsePkcs12(certFile("client.p12"))?.content as Buffer, 0);
  const both = element(0x30, Buffer.concat([broken, content]));
  t.equal(readPkcs12(sealed(both))?.name, "Just A. Client");
});

t.test("truncated_at_every_byte", async (t) => {
  const file = certFile("client.p12");
  let read = 0;
  for (let cut = 0; cut < file.length; cut += 1) if (parsePkcs12(file.subarray(0, cut))) read += 1;
  t.equal(read, 0);
});

t.test("changed_at_every_byte", async (t) => {
  for (const name of ["client-plain.p12", "client-plain-noname.p12", "client-iter1.p12"]) {
    const file = certFile(name);
    for (let at = 0; at < file.length; at += 7) {
      const broken = Buffer.from(file);
      broken[at] = (broken[at] as number) ^ 0x80;
      const found = readPkcs12(broken);
      // a change that the reader does not see must leave the pair whole
      if (found?.pair)
        t.ok(found.pair.cert.node().checkPrivateKey(found.pair.key), `${name} ${at}`);
    }
  }
});

t.test("work_is_limited_for_all_derivations_of_a_file", async (t) => {
  const sequence = (...parts: Buffer[]): Buffer => element(0x30, Buffer.concat(parts));
  const data = Buffer.from("06092a864886f70d010701", "hex");
  const salt = element(0x04, Buffer.alloc(8));
  // a key of 24 bytes from SHA-1: twice the rounds
  const scheme = Buffer.from("060a2a864886f70d010c0103", "hex");
  const file = (iterations: string, content: (algorithm: Buffer) => Buffer): Buffer => {
    const algorithm = sequence(scheme, sequence(salt, Buffer.from(iterations, "hex")));
    const safes = sequence(content(algorithm));
    return sequence(
      Buffer.from("020103", "hex"),
      sequence(data, element(0xa0, element(0x04, safes))),
    );
  };
  const encrypted = (algorithm: Buffer): Buffer => {
    const info = sequence(data, algorithm, element(0x80, Buffer.alloc(16)));
    const version = Buffer.from("020100", "hex");
    const type = Buffer.from("06092a864886f70d010706", "hex");
    return sequence(type, element(0xa0, sequence(version, info)));
  };
  for (const iterations of ["02031e8480", "02047fffffff"]) {
    t.equal(readPkcs12(file(iterations, encrypted)), null, iterations);
  }
});

t.test("bags_without_number_are_no_file", async (t) => {
  const sequence = (...parts: Buffer[]): Buffer => element(0x30, Buffer.concat(parts));
  const data = Buffer.from("06092a864886f70d010701", "hex");
  const held = (content: Buffer): Buffer =>
    sequence(data, element(0xa0, element(0x04, content)));
  const file = (content: Buffer): Buffer => sequence(Buffer.from("020103", "hex"), held(content));
  const bag = sequence(Buffer.from("06032a0304a000", "hex"));
  for (const [count, why] of [
    [10, "none holds a key"],
    [30_000, "as many as are read"],
    [200_000, "more than a call may have arguments"],
  ] as const) {
    const bags = element(0x30, Buffer.alloc(count * bag.length, bag));
    t.equal(readPkcs12(file(sequence(held(bags)))), null, why);
  }
});
