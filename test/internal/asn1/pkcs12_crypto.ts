// The keys and codes of PKCS#12 against published values, every encryption against node:crypto, and
// files made to keep us busy.
import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";
import t from "tap";
import { element } from "../../../lib/internal/asn1/ber.js";
import { Der, orNull } from "../../../lib/internal/asn1/der.js";
import {
  decrypt,
  Effort,
  isTooMuch,
  macAgrees,
  macOf,
  readMacData,
  type MacData,
} from "../../../lib/internal/asn1/pkcs12_crypto.js";
import { int, octets, oid, seq, tlv } from "../../fixtures/x509.js";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const SHA1 = "1.3.14.3.2.26";

t.test("keys of codes (RFC 7292, B), as other programs derive them", async (t) => {
  const rows = [
    ["smeg", "3d83c0e4546ac140", 1, "8d967d88f6caa9d714800ab3d48051d63f73a312"],
    ["queeg", "263216fcc2fab31c", 1000, "5ec4c7a80df652294c3925b6489a7ab857c83476"],
  ] as const;
  for (const [password, salt, iterations, key] of rows) {
    const mac = { hash: SHA1, wanted: Buffer.alloc(20), salt: hex(salt), iterations };
    const code = createHmac("sha1", hex(key)).update("content").digest();
    t.same(macOf(mac, Buffer.from("content"), password), code, password);
    t.equal(macAgrees({ ...mac, wanted: code }, Buffer.from("content"), password), true);
    t.equal(macAgrees({ ...mac, wanted: code }, Buffer.from("contents"), password), false);
    t.equal(macAgrees({ ...mac, wanted: code }, Buffer.from("content"), `${password}x`), false);
    const cut = code.subarray(0, 19);
    t.equal(macAgrees({ ...mac, wanted: cut }, Buffer.from("content"), password), false, "cut off");
  }
});

t.test("no password is not the empty one", async (t) => {
  const mac = { hash: SHA1, wanted: Buffer.alloc(20), salt: Buffer.alloc(8), iterations: 1 };
  t.not(macOf(mac, Buffer.alloc(0), null).equals(macOf(mac, Buffer.alloc(0), "")), true);
});

// a text that is encrypted with the key and the IV that belong to "smeg" and this salt
const SALT = hex("0a58cf64530d823f");
const TEXT = Buffer.from("what is kept secret");

t.test("Triple DES under a key of appendix B", async (t) => {
  const key = hex("8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3");
  const cipher = createCipheriv("des-ede3-cbc", key, hex("79993dfe048d3b76"));
  const data = Buffer.concat([cipher.update(TEXT), cipher.final()]);
  const algorithm = (): Der =>
    new Der(Buffer.concat([oid("1.2.840.113549.1.12.1.3"), seq(octets(SALT), int(1))]));
  t.same(decrypt(algorithm(), data, "smeg", new Effort()), TEXT);
  t.equal(decrypt(algorithm(), data, "smog", new Effort()), null);
  t.equal(decrypt(algorithm(), data.subarray(1), "smeg", new Effort()), null, "no whole block");
});

function pbes2(cipher: string, iv: Buffer, rounds: Buffer, ...more: Buffer[]): Der {
  const derivation = seq(oid("1.2.840.113549.1.5.12"), seq(octets(SALT), rounds, ...more));
  const parameters = seq(derivation, seq(oid(cipher), octets(iv)));
  return new Der(Buffer.concat([oid("1.2.840.113549.1.5.13"), parameters]));
}

t.test("PBES2, every cipher and every function", async (t) => {
  const ciphers = [
    ["2.16.840.1.101.3.4.1.2", "aes-128-cbc", 16, 16],
    ["2.16.840.1.101.3.4.1.22", "aes-192-cbc", 24, 16],
    ["2.16.840.1.101.3.4.1.42", "aes-256-cbc", 32, 16],
    ["1.2.840.113549.3.7", "des-ede3-cbc", 24, 8],
  ] as const;
  const functions = [
    ["1.2.840.113549.2.7", "sha1"],
    ["1.2.840.113549.2.8", "sha224"],
    ["1.2.840.113549.2.9", "sha256"],
    ["1.2.840.113549.2.10", "sha384"],
    ["1.2.840.113549.2.11", "sha512"],
    ["1.2.840.113549.2.13", "sha512-256"],
  ] as const;
  for (const [cipherOid, name, keyBytes, ivBytes] of ciphers) {
    const iv = Buffer.alloc(ivBytes, 7);
    for (const [prfOid, prf] of functions) {
      const cipher = createCipheriv(name, pbkdf2Sync("pw", SALT, 3, keyBytes, prf), iv);
      const data = Buffer.concat([cipher.update(TEXT), cipher.final()]);
      const algorithm = pbes2(cipherOid, iv, int(3), int(keyBytes), seq(oid(prfOid)));
      t.same(decrypt(algorithm, data, "pw", new Effort()), TEXT, `${name} ${prf}`);
    }
  }
  const cipher = createCipheriv("aes-128-cbc", pbkdf2Sync("", SALT, 3, 16, "sha1"), SALT_IV);
  const data = Buffer.concat([cipher.update(TEXT), cipher.final()]);
  const unnamed = pbes2("2.16.840.1.101.3.4.1.2", SALT_IV, int(3));
  t.same(decrypt(unnamed, data, null, new Effort()), TEXT, "SHA-1 where none is named");
});

const SALT_IV = Buffer.alloc(16, 1);

t.test("unknown algorithms are reported as unknown", async (t) => {
  const unknown = { message: "unknown encryption" };
  const run = (algorithm: Der) => () => decrypt(algorithm, TEXT, "pw", new Effort());
  t.throws(run(new Der(oid("1.2.3"))), unknown, "a scheme");
  t.throws(run(pbes2("1.2.3", SALT_IV, int(3))), unknown, "a cipher");
  t.throws(run(pbes2("2.16.840.1.101.3.4.1.2", SALT_IV, int(3), seq(oid("1.2.3")))), unknown);
  const scrypt = seq(seq(oid("1.3.6.1.4.1.11591.4.11"), seq()), seq());
  const other = new Der(Buffer.concat([oid("1.2.840.113549.1.5.13"), scrypt]));
  t.throws(run(other), { message: "unknown key derivation" });
  const mac = { hash: "constructor", wanted: SALT, salt: SALT, iterations: 1 };
  t.throws(() => macOf(mac, TEXT, "pw"), { message: "unknown hash" });
});

t.test("MacData", async (t) => {
  const digest = seq(seq(oid(SHA1), tlv(0x05)), octets(SALT));
  const read = readMacData(new Der(Buffer.concat([digest, octets(SALT), int(7, 0xd0)])));
  t.same(read, { hash: SHA1, wanted: SALT, salt: SALT, iterations: 2000 });
  t.equal(readMacData(new Der(Buffer.concat([digest, octets(SALT)]))).iterations, 1, "by default");
  const more = Buffer.concat([digest, octets(SALT), int(1), int(1)]);
  t.throws(() => readMacData(new Der(more)), { message: "bytes left over" });
});

t.test("iterations are limited", async (t) => {
  const macData = (iterations: string): MacData => {
    const hash = element(0x30, Buffer.from("06052b0e03021a0500", "hex"));
    const digest = element(0x30, Buffer.concat([hash, element(0x04, Buffer.alloc(20))]));
    const fields = [digest, element(0x04, Buffer.alloc(8)), Buffer.from(iterations, "hex")];
    return readMacData(new Der(Buffer.concat(fields)));
  };
  t.equal(macAgrees(macData("020101"), Buffer.alloc(0), "x"), false);
  for (const iterations of ["020100", "02047fffffff", "02067fffffffffff"]) {
    t.equal(
      orNull(() => macAgrees(macData(iterations), Buffer.alloc(0), "x")),
      null,
      iterations,
    );
  }
});

t.test("work is limited for all derivations together", async (t) => {
  const effort = new Effort();
  for (let i = 0; i < 5; i += 1) effort.spend(1_000_000, 1);
  t.throws(() => effort.spend(1, 1), { message: "bad number of iterations" });
  t.throws(() => new Effort().spend(0, 1), { message: "bad number of iterations" });
  t.throws(() => new Effort().spend(2_500_001, 2), { message: "bad number of iterations" });
  new Effort().spend(2_500_000, 2);
});

t.test("parameters that ask for too much, wherever the number stands", async (t) => {
  const most = int(0x4c, 0x4b, 0x40);
  const more = int(0x4c, 0x4b, 0x41);
  t.equal(isTooMuch(new Der(Buffer.concat([octets(more), most]))), false);
  t.equal(isTooMuch(new Der(Buffer.concat([octets(), more]))), true);
  t.equal(isTooMuch(new Der(seq(oid("1.2.3"), seq(seq(more))))), true);
  t.equal(isTooMuch(new Der(Buffer.alloc(0))), false);
});
