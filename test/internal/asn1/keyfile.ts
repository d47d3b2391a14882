// Client certificates in files: what opens at once, what a password opens, and what is no pair.
import { createPrivateKey } from "node:crypto";
import t from "tap";
import { readPemPair, readPkcs12 } from "../../../lib/internal/asn1/keyfile.js";
import { writePem } from "../../../lib/internal/asn1/pem.js";
import { cert, certFile } from "../../fixtures/tls.js";

t.test("pairs in PEM, in any order", async (t) => {
  for (const file of ["client-both.pem", "client-both-key-first.pem"]) {
    t.same(readPemPair(certFile(file))?.pair?.cert.der, cert("client.pem").der, file);
  }
  const locked = readPemPair(certFile("client-both-encrypted.pem"));
  t.equal(locked?.pair, null);
  t.equal(locked?.unlock?.("wrong"), null);
  t.equal(locked?.unlock?.(""), null);
  t.same(locked?.unlock?.("secret")?.cert.der, cert("client.pem").der);
  for (const file of ["client-both-mismatch.pem", "client.pem", "client.key", "form-cut.pem"]) {
    t.equal(readPemPair(certFile(file)), null, file);
  }
});

t.test("certificates behind the first are its chain, unless one is broken", async (t) => {
  const [pair, chain] = ["client-both.pem", "ca.pem"].map((name) => certFile(name).toString());
  const read = readPemPair(Buffer.from(`${pair}${chain}`));
  t.same(
    read?.pair?.others.map(({ der }) => der),
    [cert("ca.pem").der],
  );
  t.equal(readPemPair(Buffer.from(`${chain}${pair}`)), null, "the key is not that of the first");
  const broken = writePem("CERTIFICATE", Buffer.from("no certificate"));
  t.equal(readPemPair(Buffer.from(`${pair}${broken}`)), null);
});

t.test("a key encrypted in the older way", async (t) => {
  const certificate = certFile("client.pem").toString();
  const key = createPrivateKey(certFile("client.key"));
  const older = key.export({ type: "pkcs1", format: "pem", cipher: "aes-128-cbc", passphrase: "old" });
  t.match(older, "Proc-Type: 4,ENCRYPTED");
  const read = readPemPair(Buffer.from(`${certificate}${older.toString()}`));
  t.equal(read?.pair, null, "nothing is tried without a password");
  t.equal(read?.unlock?.("new"), null);
  t.ok(read?.unlock?.("old")?.key.equals(key));
});

t.test("files of PKCS#12", async (t) => {
  const plain = readPkcs12(certFile("client-plain.p12"));
  t.same(plain?.pair?.cert.der, cert("client.pem").der);
  t.equal(plain?.unlock, null, "an open file asks for nothing");
  const locked = readPkcs12(certFile("client.p12"));
  t.equal(locked?.pair, null);
  t.equal(locked?.name, "Just A. Client", "seen without the password");
  t.equal(locked?.unlock?.("wrong"), null);
  t.same(locked?.unlock?.("secret")?.cert.der, cert("client.pem").der);
  for (const file of ["client-nokey.p12", "client-nocert.p12"]) {
    t.equal(readPkcs12(certFile(file))?.unlock?.("secret"), null, `${file} is no pair`);
  }
  t.equal(readPkcs12(certFile("client-nokey-plain.p12")), null, "nor is one that is open");
  t.equal(readPkcs12(certFile("good.pem")), null);
});

t.test("a key that takes all night stays locked", async (t) => {
  const file = certFile("client-both-encrypted.pem").toString("latin1");
  const [, certificate, label, base64] =
    /^([^]*)-----BEGIN (ENCRYPTED PRIVATE KEY)-----([^-]*)/.exec(file) ?? [];
  const key = Buffer.from(base64 as string, "base64").toString("latin1");
  const algorithm = Buffer.from("06082a864886f70d0209", "hex").toString("latin1");
  // two thousand million rounds instead of 2048; room for the number is where a NULL was
  const slow = key.replace(
    `\x02\x02\x08\x00\x30\x0c${algorithm}\x05\x00`,
    `\x02\x04\x7f\xff\xff\xff\x30\x0a${algorithm}`,
  );
  t.not(slow, key);
  const pem = writePem(label as string, Buffer.from(slow, "latin1"));
  const read = readPemPair(Buffer.from(`${certificate}${pem}`, "latin1"));
  t.equal(read?.pair, null);
  t.equal(read?.unlock?.("secret"), null);
});
